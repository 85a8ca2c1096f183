"""The request bodies TGI accepts, as tables of fields (router/src/lib.rs)."""

from __future__ import annotations

from typing import Any

from ..reading.buffer import Buffered
from ..reading.fault import Pairs
from ..reading.serde import (
    NONE,
    REQUIRED,
    adjacent,
    anything,
    boolean,
    f32,
    i32,
    mapped,
    optional,
    sequence,
    struct,
    text,
    u32,
    u64,
    untagged,
    usize,
)

Body = dict[str, Any]

_CONFIG = struct(
    "JsonSchemaConfig", {"name": (optional(text), NONE), "schema": (anything, REQUIRED)}
)
grammar = adjacent(
    "GrammarType", {"json|json_object": anything, "regex": text, "json_schema": _CONFIG}
)
"""{"type", "value"}: TGI's own form; OpenAI's `json_schema` key ends as a missing `value`."""

PARAMETERS = {
    "best_of": (optional(usize), None),
    "temperature": (optional(f32), None),
    "repetition_penalty": (optional(f32), None),
    "frequency_penalty": (optional(f32), None),
    "top_k": (optional(i32), None),
    "top_p": (optional(f32), None),
    "typical_p": (optional(f32), None),
    "do_sample": (boolean, False),
    "max_new_tokens": (optional(u32), None),
    "return_full_text": (optional(boolean), None),
    "stop": (sequence(text), list),
    "truncate": (optional(usize), None),
    "watermark": (boolean, False),
    "details": (boolean, False),
    "decoder_input_details": (boolean, False),
    "seed": (optional(u64), None),
    "top_n_tokens": (optional(u32), None),
    "grammar": (optional(grammar), None),
    "adapter_id": (optional(text), None),
}


def parameters(**given: Any) -> Body:
    """Generation parameters at their defaults, with the given ones set."""
    plain: Body = _PARAMETERS(Buffered(Pairs()))
    return {**plain, **given}


def absent_parameters() -> Body:
    """Return TGI's values for a request without `parameters`: sampling is on."""
    return parameters(do_sample=True)


_PARAMETERS = struct("GenerateParameters", PARAMETERS)
_INPUTS = {"inputs": (text, REQUIRED), "parameters": (_PARAMETERS, absent_parameters)}
generate = struct("GenerateRequest", _INPUTS)
compat = struct("CompatGenerateRequest", {**_INPUTS, "stream": (boolean, False)})
instance = struct(
    "GenerateVertexInstance",
    {"inputs": (text, REQUIRED), "parameters": (optional(_PARAMETERS), NONE)},
)


def _prompts(value: str | list[str]) -> list[str]:
    if not value and isinstance(value, list):
        raise ValueError("Empty array detected. Do not use an empty array for the prompt.")
    return [value] if isinstance(value, str) else value


completion = struct(
    "CompletionRequest",
    {
        "model": (optional(text), NONE),
        "prompt": (
            mapped(untagged("PromptDeserializer", text, sequence(text)), _prompts),
            REQUIRED,
        ),
        "max_tokens": (optional(u32), None),
        "temperature": (optional(f32), None),
        "top_p": (optional(f32), None),
        "stream": (boolean, False),
        "seed": (optional(u64), NONE),
        "suffix": (optional(text), None),
        "repetition_penalty": (optional(f32), None),
        "frequency_penalty": (optional(f32), None),
        "stop": (optional(sequence(text)), None),
    },
)
