"""Function calling: a call that is there, parses, and is to the tool's schema."""

from __future__ import annotations

from .plan import Spec

SPECS: tuple[Spec, ...] = ()
