"""Parse events however the bytes are split, in every form that a line may have."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.client.sse import Event, parse
from hypothesis import given
from hypothesis import strategies as st

FORMS = {
    "one": ("data: a\n\n", ["a"]),
    "no blank after the colon": ("data:a\n\n", ["a"]),
    "only one blank is taken": ("data:  a\n\n", [" a"]),
    "crlf": ("data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
    "cr": ("data: a\r\rdata: b\r\r", ["a", "b"]),
    "lines joined": ("data: a\ndata: b\n\n", ["a\nb"]),
    "comments": (": keep-alive\n\ndata: a\n: in between\ndata: b\n\n", ["a\nb"]),
    "other fields": ("id: 1\nretry: 5\nnonsense\ndata: a\n\n", ["a"]),
    "no data, no event": ("event: ping\n\n", []),
    "byte order mark": ("\ufeffdata: a\n\n", ["a"]),
    "other scripts": ("data: naïve 日本語 🚢\n\n", ["naïve 日本語 🚢"]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_forms_however_they_are_cut(form: str, size: int) -> None:
    text, wanted = FORMS[form]
    raw = text.encode()
    parser = parse((n, raw[n : n + size]) for n in range(0, len(raw), size))
    assert [event.data for event in parser.events] == wanted
    assert parser.trailing == ""


@given(st.lists(st.text(st.characters(exclude_characters="\r\n"), min_size=1)), st.data())
def test_any_text_comes_through_any_cut(texts: list[str], data: st.DataObject) -> None:
    raw = "".join(f"data: {text}\n\n" for text in texts).encode("utf-8", "replace")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    ends = [0, *cuts, len(raw)]
    parser = parse((0, raw[a:b]) for a, b in zip(ends, ends[1:]))
    sent = [text.encode("utf-8", "replace").decode() for text in texts]
    assert [event.data for event in parser.events] == sent


@given(st.binary(max_size=200))
def test_no_bytes_break_it(raw: bytes) -> None:
    whole, single = parse([(0, raw)]), parse((0, bytes([byte])) for byte in raw)
    assert (whole.events, whole.trailing) == (single.events, single.trailing)


def test_an_event_carries_its_name_and_the_time_of_its_end() -> None:
    parser = parse([(1.0, b"event: x\ndata: a"), (2.5, b"\n\n")])
    assert parser.events == [Event("a", 2.5, "x")]


@pytest.mark.parametrize("cut", ["data: {", "data: a\n", "data: a\ndata: b"])
def test_an_unfinished_event_is_reported_not_dropped(cut: str) -> None:
    parser = parse([(0, f"data: x\n\n{cut}".encode())])
    assert [event.data for event in parser.events] == ["x"]
    assert parser.trailing


def test_comments_are_counted() -> None:
    assert parse([(0, b":\n:\n\n")]).comments == 2
