"""Chat answers with and without a function call."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.tgi.client.answer import Answer

from tests.support.checks.answers import reply, usage

GOOD = '{"city":"Brooklyn, NY","unit":"fahrenheit"}'


def called(
    arguments: Any = GOOD, name: Any = "get_weather", finish: Any = "stop", kind: str = "function"
) -> Answer:
    """Return a call as TGI 3.1 sends it (integration-tests, chat_nonstream_tools)."""
    function = {"arguments": arguments, "description": None, "name": name}
    call = {"function": function, "id": "0", "type": kind}
    message = {"content": None, "role": "assistant", "tool_calls": [call]}
    choice = {"finish_reason": finish, "index": 0, "logprobs": None, "message": message}
    return reply({"choices": [choice], "object": "chat.completion", "usage": usage(501, 29)})


def prose(text: str, finish: str = "stop", status: int = 200) -> Answer:
    choice = {"finish_reason": finish, "message": {"role": "assistant", "content": text}}
    return reply({"choices": [choice], "usage": usage(120, 9)}, status)


CUT = reply(
    {"error": 'Tool error: Failed to parse generated text: EOF "{"', "error_type": "tool_error"},
    422,
)
