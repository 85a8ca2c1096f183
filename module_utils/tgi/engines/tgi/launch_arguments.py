"""Read the arguments that TGI's launcher prints when it starts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...common.log_lines import Line

_ARGUMENT = re.compile(r'^    (\w+): (?:Some\(\s*)?"?([^",)\n]*)', re.MULTILINE)


def launch_arguments(lines: Sequence[Line]) -> dict[str, str]:
    """Return the arguments of the last run that have a value, by their names in Rust.

    The launcher prints ``Args {``, one argument a line, and ``}``. A long log may have lost them.
    """
    begins = [index for index, line in enumerate(lines) if line.message.startswith("Args {")]
    if not begins:
        return {}
    said: list[str] = []
    for line in lines[begins[-1] + 1 :]:
        if line.message == "}":
            break
        said.append(line.message)
    found = dict(_ARGUMENT.findall("\n".join(said)))
    return {name: value for name, value in found.items() if value not in ("", "None", "[", "***")}
