"""Check secrets for what copying does to them. No message shows a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..common.problem import problem

# What samples and manuals write where a secret belongs, alone or in a token such as hf_xxxx
_PLACEHOLDER = re.compile(
    r"""(?ix) (?:\w{2,4}[_-])? (?:
      <.*> | \[.*\] | \$\{?\w+\}? | x{3,} | \*{3,} | \.{3,} | …+
      | (?:replace|change|fill|insert|enter|put|paste)[-_ ]?(?:me|this|it|in|here|with|your).*
      | (?:my|your)[-_ ].* | (?:todo|example|placeholder).*
      | tbd | dummy | token | secret | password | none | null
    )"""
)
_PASSWORD = re.compile(r"\w+://[^/\s@:]*:([^/\s@]+)@.*")


def check_secret(value: Any, where: str) -> Iterator[str]:
    """Yield the problems of one secret; a PEM text may have lines."""
    text = value if isinstance(value, str) else ""
    if not text or text.lstrip().startswith("-----BEGIN "):
        return
    if text != text.strip() or any(letter in text for letter in "\r\n"):
        remedy = (
            "write it in one line (printf %s SECRET | ansible-vault encrypt_string: echo adds one)"
        )
        yield problem(where, "has a line break, or blanks around it", remedy)
        return
    if is_placeholder(text):
        yield problem(where, "is a placeholder", "write the secret, in a vault file")


def is_placeholder(text: str) -> bool:
    """Return whether a secret, or the password in a URL, is a sample's."""
    password = _PASSWORD.fullmatch(text)
    return bool(_PLACEHOLDER.fullmatch(password[1] if password else text))
