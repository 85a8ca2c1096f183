"""Say in words why a model's container must be replaced: what differs in its two files.

Hosts may lack PyYAML, so this reads the regular lines of our own template
(roles/tgi/templates/compose.yaml.j2), not any YAML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from ..common.problem import without_login
from ..common.text import mask, shorten
from ..models.project_files import without_comments

_Path = tuple[str, ...]

_KEY = re.compile(r"(\"(?:[^\"\\]|\\.)*\"|[^\s\"'\[{-][^:]*):(?: +(\S.*))?$")
_SERVICE = ("services", "tgi")
_ENVIRONMENT = (*_SERVICE, "environment")
_DEVICES = (*_SERVICE, "deploy", "resources", "reservations", "devices")
_CDI = "nvidia.com/gpu="
_LOOPBACK = "127.0.0.1:"
#: Variables that deployed.json shows too, so that they hide no secret
_PUBLIC = ("MODEL_ID", "REVISION")
_WORDS = {"MODEL_ID": "model_id", "REVISION": "revision", "name": "project"}
#: "sha256:" and the first 12 digits
_DIGEST = 19
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHORT_COMMIT = 12
_LONGEST = 80
_NONE = "none"


def why_replaced(old: str, new: str, show: bool) -> list[str]:
    """Return a reason for each difference of two texts of compose.yaml, in the order of ``new``.

    Such as ``image sha256:1a2b3c4d5e6f → sha256:…``, ``MAX_TOTAL_TOKENS 1960 → 1970``. Values of
    environment variables may be secret: without ``show`` a reason is the name alone. Comments,
    blank lines and the order of the variables are no reason.
    """
    before, after = _values(old), _values(new)
    paths = [*after, *(path for path in before if path not in after)]
    found = []
    for path in paths:
        one, other = before.get(path, []), after.get(path, [])
        # Driver and capabilities come and go with the GPUs
        if one != other and not (path[:-1] == _DEVICES and path[-1] != "device_ids"):
            found += _reasons(path, one, other, show)
    return found


def _values(text: str) -> dict[_Path, list[str]]:
    """Return the keys of each value -> what stands there, an entry for each item of a list."""
    found: dict[_Path, list[str]] = {}
    above: list[tuple[int, str]] = []
    for line in without_comments(text):
        rest = line.lstrip()
        indent = len(line) - len(rest)
        if rest.startswith("- "):
            indent, rest = indent + 2, rest[2:].lstrip()
        above = [one for one in above if one[0] < indent]
        if key := _KEY.match(rest):
            above.append((indent, _plain(key[1])[0]))
            rest = key[2] or ""
        if rest:
            path = tuple(name for _, name in above)
            found.setdefault(path, []).extend(_plain(rest))
    return found


def _plain(value: str) -> list[str]:
    """Return the texts of a value: of each item where it is a list in JSON's form."""
    try:
        read = json.loads(value)
    except ValueError:
        return [value]
    if isinstance(read, list):
        return [str(item) for item in read]
    return [read if isinstance(read, str) else value]


def _reasons(path: _Path, old: Sequence[str], new: Sequence[str], show: bool) -> list[str]:
    name = path[-1]
    if path[:-1] == _ENVIRONMENT:
        if not show and name not in _PUBLIC:
            return [name]
        old, new = ([one.replace("$$", "$") for one in values] for values in (old, new))
    elif path == (*_SERVICE, "ports"):
        return _addresses(old, new)
    elif path == (*_SERVICE, "image"):
        return [_change("image", *_images("".join(old), "".join(new)))]
    elif path == (*_DEVICES, "device_ids"):
        gpus = [",".join(one.replace(_CDI, "", 1) for one in values) for values in (old, new)]
        return [_change("gpus", *gpus)]
    elif path[: len(_SERVICE)] == _SERVICE:
        name = ".".join(path[len(_SERVICE) :])
    else:
        name = ".".join(path)
    word = _WORDS.get(name, name)
    if len(old) > 1 or len(new) > 1:
        return _items(word, old, new)
    return [_change(word, "".join(old), "".join(new))]


def _items(word: str, old: Sequence[str], new: Sequence[str]) -> list[str]:
    gone = [f"{word} without {_shown(_mount(one))}" for one in old if one not in new]
    more = [f"{word} with {_shown(_mount(one))}" for one in new if one not in old]
    return gone + more or [f"{word} in another order"]


def _mount(item: str) -> str:
    """Return a bind mount as its two paths, any other item as it is."""
    try:
        mount = json.loads(item)
        return f"{mount['source']} on {mount['target']}" + ", read-only" * ("read_only" in mount)
    except (ValueError, LookupError, TypeError):
        return item


def _addresses(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Return the reasons in the places where the model listens, such as 127.0.0.1:8081:80."""
    ports, others = [], []
    for values in (old, new):
        places = [one.rpartition(":")[0] for one in values]
        ports.append(next((one.rpartition(":")[2] for one in places if _is_loopback(one)), ""))
        others.append(", ".join(one.rpartition(":")[0] for one in places if not _is_loopback(one)))
    found = [_change("port", *ports)] if ports[0] != ports[1] else []
    return found + ([_change("address", *others)] if others[0] != others[1] else [])


def _is_loopback(place: str) -> bool:
    return place.startswith(_LOOPBACK)


def short_image(image: str) -> str:
    """Return an image with the first 12 digits of its digest."""
    name, at, digest = image.rpartition("@")
    return f"{name}{at}{digest[:_DIGEST]}" if at else image


def _images(old: str, new: str) -> tuple[str, str]:
    """Return two images with short digests; without their names where these are the same."""
    old, new = short_image(old), short_image(new)
    (name, at, digest), other = old.rpartition("@"), new.rpartition("@")
    return (digest, other[2]) if (name, at) == other[:2] else (old, new)


def _change(word: str, old: str, new: str) -> str:
    return f"{word} {_shown(old)} → {_shown(new)}"


def _shown(value: str) -> str:
    if _COMMIT.fullmatch(value):
        return value[:_SHORT_COMMIT]
    return shorten(mask(without_login(value)), _LONGEST) or _NONE
