"""Say on standard error what a benchmark does, with the time of day."""

from __future__ import annotations

import sys
import time


def say(text: str) -> None:
    """Print a line at once."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
