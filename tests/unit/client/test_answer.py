"""Retry-After of an answer."""

from __future__ import annotations

from ansible.module_utils.tgi.client.answer import Answer, retry_after
from hypothesis import given
from hypothesis import strategies as st

from tests.support.checks.fuzz import examples


@examples(300)
@given(value=st.text(max_size=20))
def test_any_retry_after(value: str) -> None:
    assert 0 <= retry_after(Answer(429, {"retry-after": value}), most=3.0) <= 3.0
