"""Ask a server what the real TGI was asked, and tell where its answers differ.

usage: python -m peer.replay http://host:port [WORD…]      only cases whose name holds a WORD

`recorded.json` holds what TGI 3.3.7 answered when started with STARTED_WITH. The tests put the same
requests to the emulator; here anybody can put them to a TGI of another release.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .exchange import Asked, exchange
from .view import view

STARTED_WITH = (
    "--max-input-tokens", "1024", "--max-total-tokens", "2048",
    "--max-batch-prefill-tokens", "2048",
    # On a CPU, where it was recorded, the prompt's log probabilities come without it
    "--enable-prefill-logprobs",
)  # fmt: skip
_HERE = Path(__file__).parent
#: Whole pages: that they come is compared, not what they say.
_PAGES = ("/docs", "/docs/", "/metrics", "/api-doc/openapi.json")
_SHOWN = 1200


@dataclass(frozen=True)
class Difference:
    """Where one answer differs from the recorded one."""

    name: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n   ".join((f"## {self.name}", *self.lines))


def recorded() -> dict[str, Any]:
    """Return the recorded cases by name: `asked` and `answered`."""
    cases: dict[str, Any] = json.loads((_HERE / "recorded.json").read_text())
    return cases


def exceptions() -> dict[str, str]:
    """Return the cases in which the emulator answers otherwise, each with the reason."""
    reasons: dict[str, str] = yaml.safe_load((_HERE / "exceptions.yml").read_text())
    return reasons


def replay(url: str, cases: dict[str, Any]) -> Iterator[Difference]:
    """Ask the server each case, and yield the differences."""
    for name, case in cases.items():
        asked = Asked(**case["asked"])
        seen = view(exchange(url, asked))
        if asked.path in _PAGES:
            seen["body"] = "…"
        if lines := tuple(_lines(case["answered"], seen)):
            yield Difference(name, lines)


def _lines(real: dict[str, Any], seen: dict[str, Any]) -> Iterator[str]:
    for part in ("status", "headers", "body"):
        if part == "headers":
            for name in sorted({*real[part], *seen[part]}):
                was, now = (one[part].get(name) for one in (real, seen))
                if was != now:
                    yield f"header {name}: recorded {was!r}, now {now!r}"
        elif real[part] != seen[part]:
            yield f"{part} recorded: {str(real[part])[:_SHOWN]}"
            yield f"{part} now:      {str(seen[part])[:_SHOWN]}"


def main(argv: Sequence[str]) -> int:
    """Print the differences and `N of M alike`; return 1 when there are some."""
    if not argv or not argv[0].startswith("http://"):
        print((__doc__ or "").split("\n")[2], file=sys.stderr)
        return 2
    url, *words = argv
    cases = {
        name: case
        for name, case in recorded().items()
        if not words or any(word in name for word in words)
    }
    count = 0
    try:
        for difference in replay(url, cases):
            print(difference)
            count += 1
    except OSError as error:
        print(f"No server answers at {url} ({error}): start TGI, then run this again.")
        return 2
    print(f"{len(cases) - count} of {len(cases)} alike")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
