"""`tgi-emulator fault set NAME[=VALUE] | clear [NAME] | list`: faults while it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .faults.faults import FAULTS, Faults, UnknownFault, parse_fault, state_file

_USAGE = "usage: tgi-emulator fault set NAME[=VALUE]... | clear [NAME...] | list\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 with the reason on stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    if len(words) < 2 or words[0] != "fault":
        sys.stderr.write(_USAGE)
        return 2
    verb, names = words[1], words[2:]
    faults = Faults(state_file())
    active = dict(faults.active())
    try:
        if verb == "set" and names:
            active.update(parse_fault(name) for name in names)
        elif verb == "clear":
            for name in names or list(active):
                active.pop(parse_fault(name)[0], None)
        elif verb != "list" or names:
            sys.stderr.write(_USAGE)
            return 2
    except UnknownFault as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if verb != "list":
        faults.write(active)
    for name, value in sorted(active.items()):
        sys.stdout.write(f"active: {name}{'=' + value if value else ''}\n")
    if verb == "list":
        for name, (default, text) in FAULTS.items():
            sys.stdout.write(f"{name + ('=' + default if default else ''):38} {text}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
