"""Chat beyond the first answer: length, system message, letters, degeneration, repetition."""

from __future__ import annotations

from .plan import Spec

SPECS: tuple[Spec, ...] = ()
