"""Read the options that Docker's systemd unit passes to dockerd.

dockerd does not start with a setting that is both an option and a key of daemon.json. Sites add
options in a drop-in, or in a file that the unit reads, such as /etc/default/docker.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..common.commands import Run
from ..common.files import read

#: What the units of all packages pass; it counts while no package is installed
PACKAGED = ["-H", "fd://", "--containerd=/run/containerd/containerd.sock"]
_PROPERTIES = "ExecStart,Environment,EnvironmentFiles"
_ARGV = re.compile(r"(?m)^ExecStart=\{.*? argv\[\]=(.*?) ; ")
_FILE = re.compile(r"(?m)^EnvironmentFiles=(.+?)(?: \(ignore_errors=\w+\))?$")
_OWN = re.compile(r"(?m)^Environment=(.*)$")
_DROP_INS = ("etc/systemd/system/docker.service.d", "run/systemd/system/docker.service.d")
_LONG = {
    "-D": "--debug",
    "-G": "--group",
    "-H": "--host",
    "-b": "--bridge",
    "-g": "--data-root",
    "-l": "--log-level",
    "-p": "--pidfile",
    "-s": "--storage-driver",
}


def read_flags(run: Run, systemctl: str | None, root: Path = Path("/")) -> list[str]:
    """Return the words after dockerd in the loaded unit, with the values of variables.

    Before a package is installed, those of a drop-in that is there already.
    """
    show = [str(systemctl), "show", "docker", f"--property={_PROPERTIES}"]
    shown = run(show)[1] if systemctl else ""
    found = _ARGV.search(shown)
    command = found.group(1) if found else _from_drop_ins(root)
    if not command:
        return list(PACKAGED)
    variables = _assignments("\n".join(_OWN.findall(shown)))
    for path in _FILE.findall(shown):
        variables.update(_assignments(read(root / path.lstrip("/"))))
    return [word for written in _words(command)[1:] for word in _replaced(written, variables)]


def _from_drop_ins(root: Path) -> str:
    """Return the last command of ExecStart= in the drop-ins; "" if there is none."""
    files = [file for place in _DROP_INS for file in (root / place).glob("*.conf")]
    text = "\n".join(read(file) for file in sorted(files, key=lambda file: file.name))
    commands = re.findall(r"(?m)^ExecStart=[-@:+!]*(\S.*)$", text.replace("\\\n", " "))
    return str(commands[-1]) if commands else ""


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()


def _assignments(text: str) -> dict[str, str]:
    pairs = [word.partition("=") for line in text.splitlines() for word in _words(line)]
    return {name: value for name, is_one, value in pairs if is_one}


def _replaced(word: str, variables: Mapping[str, str]) -> list[str]:
    """Return a word as systemd passes it: it splits $NAME at blanks, but not ${NAME}."""
    if alone := re.fullmatch(r"\$(\w+)", word):
        return variables.get(alone.group(1), "").split()
    return [re.sub(r"\$\{(\w+)\}", lambda match: variables.get(match.group(1), ""), word)]


def options(flags: Collection[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the long name and the words of each option, such as ("host", ["-H", "fd://"])."""
    words: list[str] = []
    for word in [*flags, "--"]:
        if not word.startswith("-"):
            words.append(word)
            continue
        if words:
            first = words[0] if words[0].startswith("--") else _LONG.get(words[0][:2], words[0])
            yield first.lstrip("-").partition("=")[0], words
        words = [word]


def conflicts(flags: Collection[str], config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (option as written, key of daemon.json) for settings that are given twice.

    dockerd compares the keys of nested objects too, as those of ``proxies``. Only runtimes may be
    in both places.
    """
    nested = [value for value in config.values() if isinstance(value, Mapping)]
    keys = {*config, *(key for one in nested for key in one)} - {"runtimes"}
    # Options that may be repeated have a key in the plural
    return [
        (words[0].partition("=")[0], key)
        for name, words in options(flags)
        for key in (name, f"{name}s")
        if key in keys
    ]
