"""A first look at speed; no benchmark."""

from __future__ import annotations

from .plan import Spec

SPECS: tuple[Spec, ...] = ()
