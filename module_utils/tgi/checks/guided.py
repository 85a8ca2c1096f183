"""Guided output: JSON to a schema the prompt does not mention, or a clear refusal."""

from __future__ import annotations

from .plan import Spec

SPECS: tuple[Spec, ...] = ()
