"""Test which parts of a response are kept, and which are masked."""

from __future__ import annotations

import json

from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.diagnose.look import forced_call
from ansible.module_utils.tgi.diagnose.look.requests import view_chat, view_generate, view_http


def test_a_token_that_an_engine_repeats_goes_no_further() -> None:
    body = json.dumps({"error": "bad request, token hf_abcdefghijk", "error_type": "x"}).encode()
    answer = Answer(422, {}, [(0.1, body)])
    for view in (view_http, view_chat, view_generate, forced_call.view_call):
        text = json.dumps(view(answer))
        assert "bad request" in text and "hf_abcdefghijk" not in text


def test_a_502_of_a_balancer_is_none_of_the_gateway() -> None:
    page = [(0.1, b"<h1>502 Bad Gateway</h1>")]
    assert view_http(Answer(502, {}, page))["error"].startswith("by a balancer, not by the gateway")
    ours = Answer(
        502, {"x-request-id": "a"}, [(0.1, b'{"error":{"message":"It may be loading."}}')]
    )
    assert view_http(ours)["error"] == "It may be loading."
    assert view_http(Answer(502, {"x-request-id": "a"}))["error"] == ""
    assert view_http(Answer(500, {}, page))["error"] == ""
