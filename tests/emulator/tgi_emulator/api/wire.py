"""The request bodies TGI accepts, as tables of fields (router/src/lib.rs)."""

from __future__ import annotations

from typing import Any

from .serde import (
    REQUIRED,
    DataError,
    anything,
    boolean,
    f32,
    i32,
    optional,
    sequence,
    struct,
    text,
    u32,
    u64,
    usize,
)

Body = dict[str, Any]
_KINDS = ("json", "json_object", "regex", "json_schema")


def grammar(value: Any, path: str) -> Body:
    """{"type", "value"}: TGI's own form; OpenAI's `json_schema` key ends as a missing `value`."""
    if not isinstance(value, dict):
        raise DataError(path, "invalid type: expected adjacently tagged enum GrammarType")
    if "type" not in value:
        raise DataError(path, "missing field `type`")
    kind = value["type"]
    if kind not in _KINDS:
        known = ", ".join(f"`{one}`" for one in _KINDS)
        raise DataError(f"{path}.type", f"unknown variant `{kind}`, expected one of {known}")
    if "value" not in value:
        raise DataError(path, "missing field `value`")
    inner = f"{path}.value"
    if kind == "regex":
        return {"type": "regex", "value": text(value["value"], inner)}
    if kind == "json_schema":
        config = struct({"name": (optional(text), None), "schema": (anything, REQUIRED)},
                        "JsonSchemaConfig")  # fmt: skip
        return {"type": "json_schema", "value": config(value["value"], inner)}
    return {"type": "json", "value": value["value"]}


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
    plain: Body = struct(PARAMETERS, "GenerateParameters")({}, "")
    return {**plain, **given}


def absent_parameters() -> Body:
    """Return TGI's values for a request without `parameters`: sampling is on."""
    return parameters(do_sample=True)


_PARAMETERS = struct(PARAMETERS, "GenerateParameters")
generate = struct(
    {"inputs": (text, REQUIRED), "parameters": (_PARAMETERS, absent_parameters)}, "GenerateRequest"
)
compat = struct(
    {
        "inputs": (text, REQUIRED),
        "parameters": (_PARAMETERS, absent_parameters),
        "stream": (boolean, False),
    },
    "CompatGenerateRequest",
)


def _prompt(value: Any, path: str) -> list[str]:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise DataError(path, "data did not match any variant of untagged enum PromptDeserializer")
    if not value:
        raise DataError(path, "Empty array detected. Do not use an empty array for the prompt.")
    return value


completion = struct(
    {
        "model": (optional(text), None),
        "prompt": (_prompt, REQUIRED),
        "max_tokens": (optional(u32), None),
        "temperature": (optional(f32), None),
        "top_p": (optional(f32), None),
        "stream": (boolean, False),
        "seed": (optional(u64), None),
        "suffix": (optional(text), None),
        "repetition_penalty": (optional(f32), None),
        "frequency_penalty": (optional(f32), None),
        "stop": (optional(sequence(text)), None),
    },
    "CompletionRequest",
)
