"""OpenAI's older /v1/completions, and what TGI's own routes promise beyond an answer."""

from __future__ import annotations

from .plan import Spec

SPECS: tuple[Spec, ...] = ()
