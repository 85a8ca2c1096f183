"""Decide which quantisations TGI can run on which compute capability.

These are facts from the sources of TGI 3.3.7; what they do not say is unknown:
- marlin: layers/marlin/util.py refuses anything below 8.0
- awq: layers/marlin/gptq.py from 8.0 on; below, awq_inference_engine, which the Dockerfile
  builds for 8.0, 8.6 and 9.0 only
- gptq: Marlin or exllama from 8.0 on, Triton kernels below (layers/gptq/__init__.py)
- exl2: exllama, for which layers/gptq/__init__.py asks for 8.0
- fp8: Marlin-FP8 on 8.x, CUTLASS from 9.0 on (layers/fp8.py); below 8.0 it is left to
  torch._scaled_mm, which has no FP8 there
- eetq, bitsandbytes*, compressed-tensors: unknown
"""

from __future__ import annotations

#: Kinds that work on any checkpoint, with the bytes that a weight of a linear layer takes then:
#: NF4 and FP4 keep an 8 bit scale for 64 weights, and a 32 bit one for 256 of those
ON_THE_FLY = {
    "eetq": 1.0,
    "bitsandbytes": 1.0,
    "fp8": 1.0,
    "bitsandbytes-nf4": 0.5 + 1 / 64 + 4 / (64 * 256),
    "bitsandbytes-fp4": 0.5 + 1 / 64 + 4 / (64 * 256),
}
_FROM = {"marlin": 8.0, "awq": 8.0, "exl2": 8.0, "fp8": 8.0}
_REMEDIES = {
    "marlin": "take a checkpoint in gptq",
    "awq": "write gptq, to which TGI converts AWQ weights at load",
    "exl2": "take a checkpoint in gptq",
    "fp8": "write eetq or bitsandbytes-nf4",
}


def works(kind: str, compute_cap: float | None) -> bool | None:
    """Return whether TGI can run ``kind`` there, or None where its source does not say."""
    if compute_cap is None or kind not in (*_FROM, "gptq"):
        return None
    return compute_cap >= _FROM.get(kind, 0.0)


def refusal(kind: str, compute_cap: float | None) -> tuple[str, str] | None:
    """Return what is wrong with ``kind`` on such a card and what to take instead, or None."""
    kind = "fp8" if kind == "fbgemm_fp8" else kind
    if works(kind, compute_cap) is not False:
        return None
    return f"needs compute capability {_FROM[kind]}", _REMEDIES[kind]


def fp8_cache(compute_cap: float | None) -> bool:
    """Return whether the card has FP8 of its own, so that an FP8 KV cache may be advised."""
    return compute_cap is not None and compute_cap >= 8.9
