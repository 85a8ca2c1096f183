"""Test errors: OpenAI's form around the engine's words."""

from __future__ import annotations

import json

import pytest

from tests.support.gateway.dialect import NJS, ask

pytestmark = pytest.mark.skipif(NJS is None, reason="njs is not installed")

#: status, what the engine said, message, type, code
ERRORS = [
    (422, '{"error":"Input validation error: x","error_type":"validation"}',
     "Input validation error: x", "invalid_request_error", "validation"),
    (422, "Failed to deserialize the JSON body", "Failed to deserialize the JSON body",
     "invalid_request_error", None),
    (422, '{"error":"Tool error: é \\"a\\"","error_type":"tool_error"}', 'Tool error: é "a"',
     "invalid_request_error", "tool_error"),
    (424, '{"error":"Request failed","error_type":"generation"}', "Request failed",
     "server_error", "generation"),
    (429, '{"error":"Model is overloaded","error_type":"overloaded"}', "Model is overloaded",
     "rate_limit_error", "overloaded"),
    (500, '{"error":"Incomplete","error_type":"incomplete_generation"}', "Incomplete",
     "server_error", "incomplete_generation"),
    (404, "", "The engine does not know this route.", "not_found_error", None),
    (503, "", "The engine answered 503 without a word.", "server_error", None),
    (422, '{"error":{"message":"in a stream","http_status_code":422}}', "in a stream",
     "invalid_request_error", None),
    (422, '{"error":{"message":"Model is overloaded","http_status_code":422}}',
     "Model is overloaded", "rate_limit_error", None),
    (422, '{"error":{"message":"Request failed during generation: x","http_status_code":422}}',
     "Request failed during generation: x", "server_error", None),
    (400, '{"error":{"message":"whole","type":"t","param":"p","code":"c"}}', "whole", "t", "c"),
    (400, "[1]", "[1]", "invalid_request_error", None),
    (400, "null", "null", "invalid_request_error", None),
]  # fmt: skip


@pytest.mark.parametrize(("status", "said", "message", "kind", "code"), ERRORS)
def test_an_error_has_openais_form_and_the_engines_words(
    status: int, said: str, message: str, kind: str, code: str | None
) -> None:
    made = json.loads(ask("errors", "error", [[status, said]])[0])
    assert set(made) == {"error"}
    assert set(made["error"]) == {"message", "type", "param", "code"}
    assert (made["error"]["message"], made["error"]["type"], made["error"]["code"]) == (
        message,
        kind,
        code,
    )


REFUSED = 'data: {"error":{"message":"Input validation error: é","http_status_code":422}}\n\n'
PIECE = 'data: {"choices":[{"delta":{"content":"{\\"error\\":1}"}}]}\n\n'


def test_a_stream_that_begins_with_an_error_is_refused_in_openais_form() -> None:
    found = ask(
        "errors",
        "first",
        [[REFUSED], [REFUSED + "data: [DONE]\n\n"], [REFUSED.replace(": {", ":{")]],
    )
    for text, end in zip(found, ("", "data: [DONE]\n\n", ""), strict=True):
        event, _, rest = text.partition("\n\n")
        assert json.loads(event.removeprefix("data: "))["error"] == {
            "message": "Input validation error: é",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
        assert rest == end


def test_an_event_whose_end_is_to_come_is_nginxs() -> None:
    """Its sub_filter changes what comes after the message."""
    (found,) = ask("errors", "first", [[REFUSED + REFUSED[:40]]])
    assert found.endswith("\n\n" + REFUSED[:40])
    assert ask("errors", "first", [[REFUSED[:40]]]) == [REFUSED[:40]]


@pytest.mark.parametrize("text", [PIECE, "", "data: [DONE]\n\n", '{"error":"whole"}', ": ping\n\n"])
def test_any_other_beginning_of_a_stream_stays_as_it_is(text: str) -> None:
    assert ask("errors", "first", [[text]]) == [text]
