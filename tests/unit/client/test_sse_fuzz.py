"""Server-sent events, however the network cuts them."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.tgi.client.sse import Parser, parse
from hypothesis import given
from hypothesis import strategies as st

from tests.support.checks.fuzz import BYTES, examples, fractions


@examples(1500)
@given(
    body=st.lists(st.sampled_from(BYTES) | st.binary(max_size=9), max_size=12).map(b"".join),
    cuts=st.lists(fractions, max_size=6),
)
def test_events_do_not_depend_on_the_cuts(body: bytes, cuts: list[float]) -> None:
    """However the network cuts a body up, the same events come of it."""
    places = [0, *sorted(int(cut * len(body)) for cut in cuts), len(body)]
    pieces = [body[start:end] for start, end in zip(places, places[1:])]
    whole, cut = parse([(0.0, body)]), parse((0.0, piece) for piece in pieces)
    assert seen(cut) == seen(whole)


def seen(parser: Parser) -> Any:
    return parser.events, parser.comments, parser.trailing
