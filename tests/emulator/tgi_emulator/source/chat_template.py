"""ChatML, the template of SmolLM2, applied the way TGI applies a model's own template."""

from __future__ import annotations

import re
from collections.abc import Sequence

BEGIN_TEXT = "<|im_start|>"
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
END = "<|im_end|>"
_TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)(?:<\|im_end\|>|\Z)", re.S)


def render(messages: Sequence[tuple[str, str]], appended: str = "") -> str:
    """(role, text) pairs to a prompt that ends where the assistant begins, or goes on.

    The template knows no tools: TGI appends what it says of them to the last message.
    """
    turns = list(messages)
    if turns:
        role, text = turns[-1]
        turns[-1] = (role, text + appended)
        if turns[0][0] != "system":
            turns.insert(0, ("system", SYSTEM))
    said = "".join(f"<|im_start|>{role}\n{text}{END}\n" for role, text in turns)
    prompt = f"{said}<|im_start|>assistant\n"
    if turns and turns[-1][0] == "assistant":
        begun = turns[-1][1]
        return prompt[: prompt.rindex(begun) + len(begun)].rstrip()
    return prompt


def turns_of(prompt: str) -> list[tuple[str, str]]:
    """The reverse, without what TGI appended for tools; [] when the prompt is plain text."""
    found = [(role, text.split("\n---\n")[0]) for role, text in _TURN.findall(prompt)]
    return [(role, text) for role, text in found if not (role == "assistant" and not text)]
