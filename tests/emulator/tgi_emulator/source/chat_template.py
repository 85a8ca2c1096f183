"""ChatML, the template of SmolLM2, applied the way TGI applies a model's own template."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
END = "<|im_end|>"
_TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)(?:<\|im_end\|>|\Z)", re.S)


def render(
    messages: Sequence[tuple[str, str]], tools: tuple[list[dict[str, Any]], str] | None = None
) -> str:
    """(role, text) pairs to a prompt that ends where the assistant begins.

    The template knows no tools, so TGI appends them, and its tool prompt, to the last message.
    """
    turns = list(messages)
    if tools and turns:
        role, text = turns[-1]
        turns[-1] = (role, f"{text}\n---\n{json.dumps(tools[0])}\n{tools[1]}")
    if not turns or turns[0][0] != "system":
        turns.insert(0, ("system", SYSTEM))
    said = "".join(f"<|im_start|>{role}\n{text}{END}\n" for role, text in turns)
    return f"{said}<|im_start|>assistant\n"


def turns_of(prompt: str) -> list[tuple[str, str]]:
    """The reverse, without what TGI appended for tools; [] when the prompt is plain text."""
    found = [(role, text.split("\n---\n")[0]) for role, text in _TURN.findall(prompt)]
    return [(role, text) for role, text in found if not (role == "assistant" and not text)]
