"""Change requests to the emulator, or its answers, on their way.

Used where a fault is one word in an answer, and would need code in each of the emulator's routes.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx

from tests.support.in_memory_tgi import Altered, InMemoryTgi

Body = dict[str, Any]


def _tools_only(body: Body) -> Body:
    return {k: v for k, v in body.items() if k != "response_format"} if "tools" in body else body


def _without_results(body: Body) -> Body:
    last = {"role": "user", "content": "Say: Fine."}
    told = any(one["role"] == "tool" for one in body.get("messages", []))
    return {**body, "messages": [last], "tools": None, "tool_choice": None} if told else body


def _eager(body: Body) -> Body:
    return {**body, "tool_choice": "required"} if body.get("tool_choice") == "auto" else body


def _is_chat(body: Body) -> bool:
    return (
        "max_tokens" in body and "messages" in body and not {"tools", "response_format"} & {*body}
    )


def _endless(body: Body) -> Body:
    return {**body, "max_tokens": 400} if _is_chat(body) else body


def _nonsense(body: Body) -> Body:
    said = [{"role": "user", "content": "Say: Bla bla bla bla."}]
    return {**body, "messages": said} if _is_chat(body) else body


#: Changes of a request's body before the engine gets it.
ASKED: dict[str, Callable[[Body], Body]] = {
    "no-clash": _tools_only,
    "forgetful": _without_results,
    "eager": _eager,
    "no-limit-of-tokens": _endless,
    "nonsense": _nonsense,
}


def _choices(answer: Any) -> list[Body]:
    return list(answer.get("choices") or []) if isinstance(answer, dict) else []


def _unlikely(answer: Any) -> None:
    for choice in _choices(answer):
        for token in (choice.get("logprobs") or {}).get("content", []):
            token["logprob"] = -6.2


def _never_the_same(answer: Any) -> None:
    _never_the_same.count += 1  # type: ignore[attr-defined]
    for choice in _choices(answer):
        if "{" not in (choice.get("message", {}).get("content") or "{"):
            choice["message"]["content"] += f" {_never_the_same.count}"  # type: ignore[attr-defined]


_never_the_same.count = 0  # type: ignore[attr-defined]


def _calls(answer: Any) -> list[Body]:
    found = []
    for choice in _choices(answer):
        part = choice.get("message") or choice.get("delta") or {}
        found += [call["function"] for call in part.get("tool_calls") or []]
    return found


def _other_tool(answer: Any) -> None:
    for call in _calls(answer):
        if call.get("name"):
            call["name"] = "no_such_tool"


def _cut_call(answer: Any) -> None:
    for choice in _choices(answer):
        if (choice.get("message") or {}).get("tool_calls"):
            choice["finish_reason"] = "length"


def _endless_stream(answer: Any) -> None:
    for choice in _choices(answer):
        choice["finish_reason"] = None


def _deaf(answer: Any) -> None:
    if isinstance(answer, dict) and "templated_text" in answer:
        answer["templated_text"] = "<user><assistant>"


def _info(**values: Any) -> Callable[[Any], None]:
    def change(answer: Any) -> None:
        if isinstance(answer, dict) and "model_sha" in answer:
            answer.update(values)

    return change


#: Changes of an answer, or of each event of a stream.
ANSWERED: dict[str, Callable[[Any], None]] = {
    "chance": _unlikely,
    "restless": _never_the_same,
    "other-tool": _other_tool,
    "calls-cut": _cut_call,
    "deaf-template": _deaf,
    "wrong-revision": _info(model_sha="f" * 40),
    "other-limits": _info(max_total_tokens=4096),
}
#: Changes of an event alone.
STREAMED = {"no-finish": _endless_stream}
#: Changes that need the whole exchange.
WHOLE = {"refused", "dies", "other-engine", "accepts-anything", "no-list", "late-text", "no-done"}
#: Bytes of a request whose prompt is over no limit.
SHORT = 1000
VLLM = "vllm:num_requests_running 0\nvllm:generation_tokens_total 0\n"


class SpoiltTgi(InMemoryTgi):
    """The engine with faults of this file; other names are the emulator's own faults."""

    def __init__(self, *faults: str, **options: Any) -> None:
        own = {*ASKED, *ANSWERED, *STREAMED, *WHOLE}
        super().__init__(*[one for one in faults if one and one not in own], **options)
        self.spoilt, self.looks = [one for one in faults if one in own], 0

    async def handle(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if "refused" in self.spoilt:
            raise httpx.ConnectError("All connection attempts failed")
        if path == "/health" and "dies" in self.spoilt:
            self.looks += 1
            if self.looks > 1:
                return httpx.Response(503)
        if "other-engine" in self.spoilt and path in ("/info", "/metrics"):
            return httpx.Response(404) if path == "/info" else httpx.Response(200, text=VLLM)
        answer = await super().handle(self._asked(request))
        return await self._answered(request, answer)

    def _asked(self, request: httpx.Request) -> httpx.Request:
        changes = [ASKED[one] for one in self.spoilt if one in ASKED]
        if request.method != "POST" or request.url.path == "/chat_tokenize" or not changes:
            return request
        body = json.loads(request.content)
        for change in changes:
            body = change(body)
        return httpx.Request(request.method, request.url, json=body)

    async def _answered(self, request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        headers = {k: v for k, v in answer.headers.items() if k != "content-length"}
        if headers.get("content-type", "").startswith("text/event-stream"):
            return httpx.Response(
                200, headers=headers, stream=Altered(answer, self._events(answer))
            )
        if headers.get("content-type") != "application/json":
            return answer
        found = json.loads(await answer.aread())
        if "no-list" in self.spoilt and request.url.path == "/":
            found = found[0]
        refused = request.url.path == "/generate" and answer.status_code == 422
        if "accepts-anything" in self.spoilt and refused and len(request.content) < SHORT:
            return httpx.Response(200, json={"generated_text": ""})
        self._spoil(found, ANSWERED)
        return httpx.Response(answer.status_code, headers=headers, json=found)

    def _spoil(self, found: Any, changes: dict[str, Callable[[Any], None]]) -> None:
        for one in self.spoilt:
            if one in changes:
                changes[one](found)

    async def _events(self, answer: httpx.Response) -> AsyncIterator[bytes]:
        last: Any = None
        async for piece in answer.aiter_raw():
            text = piece.decode().strip().removeprefix("data:").strip()
            if text == "[DONE]":
                if "late-text" in self.spoilt and last:
                    yield _event(last)
                if "no-done" not in self.spoilt:
                    yield piece
                continue
            found = json.loads(text)
            self._spoil(found, {**ANSWERED, **STREAMED})
            if any(one.get("text") or one.get("delta", {}).get("content")
                   for one in _choices(found)):  # fmt: skip
                last = found
            yield _event(found)


def _event(found: Any) -> bytes:
    return f"data: {json.dumps(found, ensure_ascii=False)}\n\n".encode()
