"""Run all rows of the Python clients at each side that standard input names.

Prints one JSON object a line. Runs in the clients' own environment.
"""

from __future__ import annotations

import json
import sys

from tests.clients import ask_frameworks, ask_openai, ask_openai_tools
from tests.clients.rows import ask, sides

#: Importing them enters their rows.
PROGRAMS = (ask_openai, ask_openai_tools, ask_frameworks)


def main(only: str = "") -> None:
    for side, asked in sides(sys.stdin.read()).items():
        for name, client, outcome in ask(asked, only):
            said = {"side": side, "row": name, "client": client, "outcome": outcome}
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:2])
