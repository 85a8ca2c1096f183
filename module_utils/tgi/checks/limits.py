"""Limits that were declared: context, overload."""

from __future__ import annotations

from .plan import Spec

SPECS: tuple[Spec, ...] = ()
