"""Parts of the checks' fuzz tests: hostile values, changes to healthy answers, fast time.

A ``Raw`` answer is what a server could send. ``change`` damages one deterministically, so that
hypothesis can shrink the list of changes; positions are fractions, because healthy answers hold
nonces and differ in length from run to run.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

T = TypeVar("T")

#: Factor for the full number of examples; 0 runs at most FEW of each test.
#: Above 1 the examples also differ from run to run.
EFFORT = float(os.environ.get("TGI_FUZZ", "0"))
FEW = 100


def examples(count: int, few: int = FEW) -> settings:
    """Return a test's settings: ``few`` examples at most, all ``count`` of them with TGI_FUZZ=1."""
    return settings(
        max_examples=max(1, int(count * EFFORT)) if EFFORT else min(count, few),
        derandomize=EFFORT <= 1,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@dataclass(frozen=True)
class Raw:
    """An answer as bytes."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def events(self) -> list[bytes]:
        """Return its events without blank lines; [] when it is not a stream."""
        stream = any(value.startswith("text/event-stream") for _, value in self.headers)
        return [one for one in self.body.split(b"\n\n") if one] if stream else []


@dataclass(frozen=True)
class Change:
    """One change: ``at`` and ``to`` are fractions of a length, ``value`` is inserted."""

    kind: str
    at: float
    to: float
    value: Any


#: Placeholder of brackets nested as deep as json.loads can read, and deeper.
DEEP = {f"@deep{depth}@": "[" * depth + "]" * depth for depth in (200, 500, 850, 900, 950, 5000)}
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**400, -(10**400), 10**4299, 1e308, float("nan"), float("inf"),
    "", " ", "\n", "\ud800", "\u202e\u2066", "\x00\x1b[2J", "\u00b2", "\ufffd", "\ue000", "[DONE]",
    "x" * 5000, "stop", "length", "tool_calls", '"{}"', "{", "null", "1e999",
    [], {}, [None], [[]], {"": {}}, {"error": None}, [{"index": 0}], [1, 2], {"message": 7}, *DEEP,
)  # fmt: skip
BYTES = (
    b"", b"\x00", b"\xff\xfe", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\r", b"\n", b"\r\n\r\n",
    b"data: ", b"data: [DONE]\n\n", b'data: {"error":{"message":"x"}}\n\n', b"event: error\n",
    b": keep-alive\n\n", b"\n\n", b"id: 1\x00\n", b"retry: -1\n", b"data\n\n", b"\xef\xbb\xbf",
    b"<html>", b"[" * 3000, b"]}" * 9, b"\x1f\x8b\x08\x00", b"9" * 5000,
)  # fmt: skip
ENCODINGS = ("latin-1", "utf-16", "utf-32", "utf-8-sig", "cp037")
STATUSES = (200, 201, 204, 206, 301, 308, 400, 401, 404, 405, 424, 429, 500, 502, 503, 599, 999)
HEADERS = (
    ("content-type", "text/html"), ("content-type", "TEXT/EVENT-STREAM; charset=utf-16"),
    ("content-type", ""), ("content-type", "application/json"), ("content-encoding", "gzip"),
    ("content-encoding", "br"), ("content-encoding", "deflate"), ("content-encoding", "gzip, gzip"),
    ("x-generated-tokens", "\u00b2"), ("x-generated-tokens", "-1"), ("x-prompt-tokens", "9" * 5000),
    ("x-inference-time", "\u00b9"), ("retry-after", "\u00b2"), ("retry-after", "nan"),
    ("retry-after", "-9"), ("retry-after", "inf"), ("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"),
    ("location", "http://[::"), ("location", "//other.example.org:99999/"), ("location", "\ufffd"),
    ("location", "https://llm.example.org/loop"), ("www-authenticate", "\x80\x81"),
    ("set-cookie", "a=b; expires=nonsense; domain=\u00b2"), ("strict-transport-security", "\u00b2"),
    ("server", "x" * 5000), ("content-type", "\u00e9"), ("x-request-id", "\x7f"),
)  # fmt: skip
#: A value of the same type as the original passes the most code.
KIN: dict[Any, tuple[Any, ...]] = {
    int: (0, -1, 10**400, -(10**400), 10**4299, 1e308, float("nan"), float("inf"), "7", True),
    str: ("", " ", "\ud800", "\u202e", "\x00", "\u00b2", "x" * 5000, "[DONE]", "{", "null", 7),
    list: ([], [None], [[]], {}, [{"index": 10**400}], None, *DEEP),
    dict: ({}, [], {"": None}, {"error": "x"}, {"index": -1}, None, *DEEP),
}
KINDS = (
    "kin", "kin", "kin", "status", "header", "cut", "insert", "flip", "twice", "recode", "wrap",
    "drop", "replace", "replace all", "rename", "repeat",
    "event drop", "event twice", "event swap", "event splice",
)  # fmt: skip

fractions = st.floats(0, 1, exclude_max=True, width=32)
json_values = st.recursive(
    st.sampled_from(VALUES) | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("error", "choices", "usage", "data", "id", "message", "delta")),
            inner,
            max_size=3,
        )
    ),
    max_leaves=5,
)
changes = st.builds(
    Change, st.sampled_from(KINDS), fractions, fractions, st.sampled_from(VALUES) | json_values
)
garbage = st.builds(
    Raw,
    st.sampled_from(STATUSES) | st.just(200),
    st.lists(st.sampled_from(HEADERS), max_size=3).map(tuple),
    st.binary(max_size=200)
    | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | json_values.map(lambda value: dump(value))
    | st.lists(json_values, max_size=4).map(
        lambda values: b"".join(b"data: " + dump(value) + b"\n\n" for value in values)
    )
    | st.lists(st.sampled_from(BYTES), max_size=5).map(b"".join),
)


def dump(value: Any) -> bytes:
    """Return JSON, if needed of the kind that only Python accepts."""
    text = json.dumps(value)
    for name, nested in DEEP.items():
        text = text.replace(f'"{name}"', nested)
    return text.encode()


def pick(items: Any, at: float) -> Any:
    return items[int(at * len(items))]


def change(raw: Raw, one: Change) -> Raw:
    """Return the answer with one change, or as it is when the change does not apply."""
    if one.kind == "status":
        return replace(raw, status=pick(STATUSES, one.at))
    if one.kind == "header":
        name, value = pick(HEADERS, one.at)
        kept = tuple(pair for pair in raw.headers if pair[0].lower() != name)
        return replace(raw, headers=(*kept, (name, value)))
    if one.kind in ("cut", "insert", "flip", "twice", "recode"):
        return replace(raw, body=_bytes_changed(raw.body, one))
    if not raw.events:
        return replace(raw, body=_json_changed(raw.body, one) or raw.body)
    events = _events_changed(raw.events, one)
    return replace(raw, body=b"".join(event + b"\n\n" for event in events))


def _bytes_changed(body: bytes, one: Change) -> bytes:
    at = int(one.at * (len(body) + 1))
    if one.kind == "cut":
        return body[: int(one.at * len(body))]
    if one.kind == "insert":
        return body[:at] + bytes(pick(BYTES, one.to)) + body[at:]
    if one.kind == "flip":
        return body[:at] + bytes([int(one.to * 256)]) + body[at + 1 :]
    if one.kind == "twice":
        return body[:at] + body
    return body.decode("utf-8", "replace").encode(str(pick(ENCODINGS, one.to)), "replace")


def _events_changed(events: list[bytes], one: Change) -> list[bytes]:
    at = int(one.at * len(events))
    other = int(one.to * len(events))
    if one.kind == "event drop":
        return events[:at] + events[at + 1 :]
    if one.kind == "event twice":
        return [*events[:at], events[other], *events[at:]]
    if one.kind == "event swap":
        events[at], events[other] = events[other], events[at]
        return events
    if one.kind == "event splice":
        return [*events[:at], b"data: " + dump(one.value), *events[at:]]
    if one.kind == "replace all":
        return [
            b"data: " + (_json_changed(event[6:], one) or event[6:])
            for event in events
        ]  # fmt: skip
    place = one.to if one.kind != "kin" else one.at * len(events) % 1
    changed = _json_changed(events[at][6:], replace(one, at=place))
    return [*events[:at], b"data: " + (changed or events[at][6:]), *events[at + 1 :]]


def _json_changed(body: bytes, one: Change) -> bytes | None:
    """Return the JSON with one value changed; None when it is not JSON or has no value."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    places = list(_places(value))
    if one.kind == "wrap" or not places:
        return dump(pick(({"error": one.value}, [value], one.value), one.to))
    holder, key = pick(places, one.at)
    old = holder[key]
    if one.kind == "drop":
        del holder[key]
    elif one.kind == "kin":
        plain = int if old is None or isinstance(old, float) else type(old)
        holder[key] = pick(KIN.get(plain, VALUES), one.to)
    elif one.kind == "replace all":
        for holder, other in places:
            if other == key:
                holder[other] = one.value
    elif one.kind == "rename" and isinstance(holder, dict):
        holder[str(one.value)] = holder.pop(key)
    elif one.kind == "repeat" and isinstance(holder, list):
        holder.insert(0, holder[key])
    elif one.kind == "repeat":
        # The same key twice, which JSON allows
        return dump(value)[:-1] + b"," + dump({str(key): one.value})[1:]
    else:
        holder[key] = one.value
    return dump(value)


def _places(value: Any, depth: int = 0) -> Any:
    """Return every (container, key) in it, down to a limited depth."""
    if isinstance(value, dict):
        pairs: list[tuple[Any, Any]] = list(value.items())
    else:
        pairs = list(enumerate(value)) if isinstance(value, list) else []
    for key, inner in pairs:
        yield value, key
        if depth < 20:
            yield from _places(inner, depth + 1)
