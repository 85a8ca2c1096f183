"""The engine itself as a witness: counters, gauges, age, and a client that goes away."""

from __future__ import annotations

from .plan import Spec

SPECS: tuple[Spec, ...] = ()
