"""Python tracebacks as TGI prints them: plain, by loguru, and in typer's boxes with variables."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template

WIDTH = 80
"""rich's, where no terminal tells another."""
_PLACES = {
    "S": "/usr/src/server/text_generation_server",
    "P": "/usr/src/.venv/lib/python3.11/site-packages",
    "L": "/root/.local/share/uv/python/cpython-3.11.11-linux-x86_64-gnu/lib/python3.11",
}
_LINKS = {
    "cause": "The above exception was the direct cause of the following exception:",
    "context": "During handling of the above exception, another exception occurred:",
}
_PART = re.compile(r"(?:[\w., ]+ = |return |with |for \w+ in )(.+?)(?: as \w+)?:?$")
"""What Python 3.11 underlines: the expression that failed, if it is not the whole line."""


@dataclass(frozen=True)
class Frame:
    """One call: its place, the line that ran and those behind it, local variables as text."""

    file: str
    line: int
    name: str
    code: tuple[str, ...]
    local: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Raised:
    """An exception: its type with module, its text, its frames, how the one before led to it."""

    kind: str
    text: str
    frames: tuple[Frame, ...]
    link: str = ""

    @property
    def last(self) -> str:
        kind = self.kind.removeprefix("builtins.")
        return f"{kind}: {self.text}" if self.text else kind


def frames(groups: str, words: Mapping[str, str]) -> tuple[Frame, ...]:
    """The frames of some groups of tracebacks.txt, with its $words filled in."""
    found = [frame for group in groups.split() for frame in _groups()[group]]
    return tuple(_fill(frame, words) for frame in found)


def plain(chain: list[Raised]) -> str:
    """As Python 3.11 prints it."""
    return "\n".join(line for raised in chain for line in _plain(raised, marks=True))


def logged(chain: list[Raised], catcher: str) -> str:
    """As loguru prints it: without marks, `>` at the function that caught it."""
    text = "\n".join(line for raised in chain for line in _plain(raised, marks=False))
    return re.sub(rf"^  (File .*, in {catcher})$", r"> \1", text, count=1, flags=re.M)


def boxed(chain: list[Raised]) -> str:
    """As typer prints it by rich: a box for each exception, its text below."""
    lines: list[str] = []
    for raised in chain:
        if raised.link:
            lines += ["", _LINKS[raised.link], ""]
        lines += _box("Traceback (most recent call last)", [*_calls(raised)], WIDTH - 4)
        said = raised.kind.rpartition(".")[2] + (f": {raised.text}" if raised.text else "")
        lines += [part for line in said.expandtabs(8).split("\n") for part in wrapped(line, WIDTH)]
    return "\n".join(lines)


@functools.cache
def _groups() -> dict[str, list[Frame]]:
    groups: dict[str, list[Frame]] = {}
    values: dict[str, str] = {}
    here = ""
    for line in (Path(__file__).parent / "tracebacks.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            here = line.strip("[]")
            groups[here] = []
        elif here == "values":
            name, _, value = line.partition(" = ")
            values[name] = value
        elif line.startswith("|"):
            last = groups[here][-1]
            groups[here][-1] = replace(last, code=(*last.code, line[2:]))
        elif line.startswith("= ") or " = " in line:
            shared = [(name, values.get(name, "None")) for name in line[2:].split()]
            name, _, value = line.partition(" = ")
            last = groups[here][-1]
            local = shared if line.startswith("= ") else [(name, value)]
            groups[here][-1] = replace(last, local=(*last.local, *local))
        else:
            place, _, name = line.partition(" ")
            file, _, number = place.rpartition(":")
            head, _, rest = file.partition("/")
            file = f"{_PLACES[head]}/{rest}" if head else file
            groups[here].append(Frame(file, int(number), name, (), ()))
    return groups


def _fill(frame: Frame, words: Mapping[str, str]) -> Frame:
    local = sorted(frame.local, key=lambda one: (not one[0].startswith("__"), one[0].lower()))
    return replace(
        frame,
        code=tuple(Template(line).safe_substitute(words) for line in frame.code),
        local=tuple((name, Template(value).safe_substitute(words)) for name, value in local),
    )


def _plain(raised: Raised, marks: bool) -> Iterator[str]:
    if raised.link:
        yield from ("", _LINKS[raised.link], "")
    yield "Traceback (most recent call last):"
    for frame in raised.frames:
        code = frame.code[0].strip()
        yield f'  File "{frame.file}", line {frame.line}, in {frame.name}'
        yield f"    {code}"
        part = _PART.match(code)
        if marks and part:
            yield " " * (4 + part.start(1)) + "^" * len(part.group(1))
    yield from raised.last.split("\n")


def _calls(raised: Raised) -> Iterator[str]:
    for number, frame in enumerate(raised.frames):
        if number:
            yield ""
        yield from wrapped(f"{frame.file}:{frame.line} in {frame.name}", WIDTH - 4)
        yield ""
        digits = max(3, len(str(frame.line + 3))) + 1
        for line in range(max(1, frame.line - 3), frame.line + 4):
            code = frame.code[line - frame.line] if 0 <= line - frame.line < len(frame.code) else ""
            indent = (len(code) - len(code.lstrip())) // 4
            mark = "❱ " if line == frame.line else "  "
            shown = f"{mark}{line:>{digits - 1}} {'│   ' * indent}{code[indent * 4 :]}"
            yield shown[: WIDTH - 4]
        if frame.local:
            yield ""
            yield from _variables(frame.local)


def _variables(local: tuple[tuple[str, str], ...]) -> list[str]:
    names = max(len(name) for name, _ in local)
    widest = WIDTH - 8
    natural = max(len(line) for _, value in local for line in _pretty(value, widest))
    room = min(natural, widest - names - 3)
    lines: list[str] = []
    for name, value in local:
        parts = [cut for line in _pretty(value, room) for cut in wrapped(line, room, fold=False)]
        lines.append(f"{name:>{names}} = {parts[0]}")
        lines += [" " * (names + 3) + part for part in parts[1:]]
    return _box("locals", lines, max(names + 3 + room, 8))


def _box(title: str, lines: list[str], width: int) -> list[str]:
    rule = width - len(title) - 2
    top = f"╭─{'─' * (rule // 2)} {title} {'─' * (rule - rule // 2)}─╮"
    return [top, *(f"│ {line:{width}} │" for line in lines), f"╰{'─' * (width + 2)}╯"]


def _pretty(value: str, width: int) -> list[str]:
    """rich's: a dictionary or list that does not fit takes a line for each entry."""
    try:
        known = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return value.split("\n")
    return _expanded(known, "", "", width)


def _expanded(value: object, head: str, tail: str, width: int, depth: int = 0) -> list[str]:
    pad = "│   " * depth
    whole = f"{pad}{head}{_short(value)}{tail}"
    if len(whole) <= width or not isinstance(value, dict | list | tuple) or not value:
        return [whole]
    ends = {dict: "{}", list: "[]", tuple: "()"}[type(value)]
    lines = [f"{pad}{head}{ends[0]}"]
    entries = list(value.items() if isinstance(value, dict) else ((None, one) for one in value))
    for number, (key, one) in enumerate(entries[:10]):
        comma = "," if number < len(entries) - 1 else ""
        name = "" if key is None else f"{key!r}: "
        lines += _expanded(one, name, comma, width, depth + 1)
    if len(entries) > 10:
        lines.append(f"{pad}│   ... +{len(entries) - 10}")
    return [*lines, f"{pad}{ends[1]}{tail}"]


def _short(value: object) -> str:
    if isinstance(value, str) and len(value) > 80:
        return f"{value[:80]!r}+{len(value) - 80}"
    return repr(value)


def wrapped(text: str, width: int, fold: bool = True) -> list[str]:
    """rich's word wrap; a word that is too long is broken (fold), or its end replaced by `…`."""
    lines = [""]
    for word in re.findall(r"\s*\S+\s*", text) or [""]:
        size = len(word.rstrip())
        if len(lines[-1]) + size <= width:
            lines[-1] += word
        elif size > width and fold:
            pieces = [word[at : at + width] for at in range(0, len(word), width)]
            lines += pieces
        else:
            lines.append(word)
    lines = [line for number, line in enumerate(lines) if line or not number]
    if not lines[0] and len(lines) > 1:
        lines = lines[1:]
    return [_fit(line, width) for line in lines]


def _fit(line: str, width: int) -> str:
    if len(line.rstrip()) > width:
        return line[: width - 1] + "…"
    return line[:width]
