"""The `Args {` dump as Rust's `{:#?}` prints it."""

from __future__ import annotations

import json

from .args import Args
from .flags import FLAGS, Flag, Value

_VARIANTS = {"bfloat16": "BFloat16", "fp8_e4m3fn": "Fp8e4m3fn", "fp8_e5m2": "Fp8e5m2"}


def dump_args(args: Args) -> str:
    """TGI prints every value in clear, --api-key included; so does this."""
    lines = [f"    {flag.key}: {_field(flag, args.values[flag.key])}," for flag in FLAGS]
    return "Args {\n" + "\n".join(lines) + "\n}"


def _field(flag: Flag, value: Value) -> str:
    if value is None:
        return "None"
    shown = _scalar(flag, value)
    if flag.default is None:
        inner = shown.replace("\n", "\n    ")
        return f"Some(\n        {inner},\n    )"
    return shown


def _scalar(flag: Flag, value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        if not value:
            return "[]"
        items = "".join(f"        {json.dumps(item)},\n" for item in value)
        return f"[\n{items}    ]"
    if flag.kind == "enum":
        text = str(value)
        return _VARIANTS.get(text, "".join(part.capitalize() for part in text.split("-")))
    if flag.kind == "float":
        return repr(float(str(value)))
    return json.dumps(value, ensure_ascii=False)
