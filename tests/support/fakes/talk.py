"""What the TGI in memory says beyond a plain chat: tools, raw prompts, refusals, templates."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

STORY = (
    "The keeper of the lamp climbs the stairs each evening and counts the ships that pass "
    "before dark. One night a storm broke the glass, so he lit a fire on the rock instead, and "
    "every boat came home by its light while gulls slept in the tower until morning."
)
CITY = " The capital of France is Paris."
ARGUMENTS = {
    "get_weather": '{"city":"Paris","unit":"celsius"}',
    "set_lamp": '{"state":"on"}',
}
SPOILT = {
    "args-no-json": '{"city":"Par',
    "args-string": '"get_weather"',
    "args-off-schema": '{"city":7,"colour":"red"}',
}


@dataclass
class Reply:
    """An answer; ``events`` where it is a stream. ``tokens`` are what the engine counts."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    events: list[Any] | None = None
    tokens: int = 0


def answer(faults: Collection[str], path: str, body: dict[str, Any]) -> Reply | None:
    """What these routes and requests get; None for those that FakeTgi answers itself."""
    if path == "/generate" and (not body["inputs"] or not body["parameters"]["max_new_tokens"]):
        return _refused("Input validation error", "validation", "accepts-anything" in faults)
    if path == "/chat_tokenize":
        return _templated(faults, body)
    if path == "/v1/chat/completions" and body.get("tools"):
        return _with_tools(faults, body)
    known = {"/": _compat, "/generate": _stop, "/v1/completions": _completion}
    if path not in known or (path == "/generate" and not body["parameters"].get("stop")):
        return None
    if "no-generate" in faults:
        return Reply({"error": "failed", "error_type": "generation"}, 424)
    return known[path](faults, body)


def _refused(error: str, kind: str, accepted: bool = False) -> Reply:
    if accepted:
        return Reply({"generated_text": ""})
    return Reply({"error": error, "error_type": kind}, 422)


def _templated(faults: Collection[str], body: dict[str, Any]) -> Reply:
    if "no-template" in faults:
        return _refused("Template error: template not found", "template_error")
    said = body["messages"][-1]["content"] if "deaf-template" not in faults else ""
    return Reply({"tokenize_response": [], "templated_text": f"<user>{said}<assistant>"})


def _compat(faults: Collection[str], body: dict[str, Any]) -> Reply:
    reply = {"generated_text": "" if "empty-text" in faults else body["inputs"] + " Paris"}
    whole = reply if "no-list" in faults else [reply]
    return Reply(whole, headers={"x-generated-tokens": "2"}, tokens=2)


def _stop(faults: Collection[str], _: dict[str, Any]) -> Reply:
    words = [" Par", "is", " the", " city", " of", " light"]
    words = ["" for _ in words] if "empty-text" in faults else words
    reason = "length"
    if "ignores-stop" not in faults and "empty-text" not in faults:
        words, reason = words[:3], "stop_sequence"
    tokens = [{"id": 1, "text": word, "logprob": -0.5, "special": False} for word in words]
    details = {"finish_reason": reason, "generated_tokens": len(words), "tokens": tokens}
    reply = {"generated_text": "".join(words), "details": details}
    return Reply(reply, tokens=len(words))


def usage(prompt: int, completion: int) -> dict[str, int]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _completion(faults: Collection[str], body: dict[str, Any]) -> Reply:
    text = "" if "empty-text" in faults else body["prompt"] if "echo" in faults else CITY
    words = [word + " " for word in text.split(" ")][: body["max_tokens"]]
    counts = usage(9, len(words))
    if not body["stream"]:
        choice = {"index": 0, "text": "".join(words), "finish_reason": "length"}
        choice["text"] = text if "echo" in faults else choice["text"]
        reply = {"object": "text_completion", "choices": [choice], "usage": counts}
        return Reply(reply, tokens=len(words))
    # As TGI: no reason is "", usage comes with the last token
    events: list[Any] = [
        {"choices": [{"index": 0, "text": word, "finish_reason": ""}]} for word in words
    ]
    if "no-finish" not in faults:
        events[-1]["choices"][0]["finish_reason"] = "length"
    if "no-usage" not in faults:
        events[-1]["usage"] = counts
    if "echo" in faults:
        events[0]["choices"][0]["text"] = text
    if "late-text" in faults:
        events.append({"choices": [{"index": 0, "text": "more", "finish_reason": ""}]})
    return Reply(events=spoil(faults, events), tokens=len(words))


def spoil(faults: Collection[str], events: list[Any]) -> list[Any]:
    """A stream's events with its ending, or with what is wrong with it."""
    if "error-event" in faults:
        events[1:] = [{"error": {"message": "out of memory", "http_status_code": 422}}]
    ended = "no-done" not in faults and "stream-cut" not in faults
    return [*(events[:1] if "stream-cut" in faults else events), *(["[DONE]"] if ended else [])]


def _with_tools(faults: Collection[str], body: dict[str, Any]) -> Reply | None:
    if "no-template" in faults:
        return _refused("Template error: template not found", "template_error")
    if body.get("response_format"):
        said = "Tool error: Grammar and tools are mutually exclusive"
        return _refused(said, "tool_error", "no-clash" in faults)
    if "no-generate" in faults:
        return Reply({"error": "failed", "error_type": "generation"}, 424)
    choice = body["tool_choice"]
    if choice == "none" or "tools-ignored" in faults:
        said = body["messages"][-1]["content"] if "forgetful" not in faults else "Fine."
        return _message({"content": "" if "empty-text" in faults else said}, body)
    if choice == "auto" and "eager" not in faults:
        return _message({"content": "Hello."}, body)
    name = body["tools"][0]["function"]["name"]
    if name not in ARGUMENTS:
        return None
    arguments = next((SPOILT[one] for one in SPOILT if one in faults), ARGUMENTS[name])
    name = "no_such_tool" if "other-tool" in faults else name
    prompt = 12 if "tools-dropped" in faults else 90
    if body["stream"]:
        return _call_stream(faults, name, arguments, prompt)
    call = {"id": "0", "type": "function", "function": {"name": name, "arguments": arguments}}
    reply = _message({"tool_calls": [call]}, body, prompt)
    if "calls-cut" in faults:
        reply.body["choices"][0]["finish_reason"] = "length"
    return reply


def _message(message: dict[str, Any], body: dict[str, Any], prompt: int = 90) -> Reply:
    counts = usage(prompt, 9)
    if body["stream"]:
        delta = {"role": "assistant", **message}
        choice = {"index": 0, "delta": delta, "finish_reason": "stop"}
        events = [{"choices": [choice]}, {"choices": [], "usage": counts}, "[DONE]"]
        return Reply(events=events, tokens=9)
    choice = {
        "index": 0,
        "message": {"role": "assistant", **message},
        "finish_reason": "stop",
    }
    reply = {"object": "chat.completion", "choices": [choice], "usage": counts}
    return Reply(reply, tokens=9)


def _call_stream(faults: Collection[str], name: str, arguments: str, prompt: int) -> Reply:
    """As TGI: the first fragment is a brace whatever came, and no finish_reason at the end."""
    pieces = [arguments[at : at + 5] for at in range(0, len(arguments), 5)]
    events: list[Any] = []
    for number, piece in enumerate(pieces):
        function = {"name": None if number else name, "arguments": piece}
        call = {"index": 0, "id": "0", "type": "function", "function": function}
        delta = {"role": "assistant", "tool_calls": [call]}
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        events.append({"choices": [choice]})
    events.append({"choices": [], "usage": usage(prompt, len(pieces))})
    return Reply(events=spoil(faults, json.loads(json.dumps(events))), tokens=len(pieces))
