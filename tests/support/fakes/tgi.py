"""A TGI in memory, healthy unless told otherwise, as an httpx transport."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
from ansible.module_utils.tgi.checks.selection import Model

from tests.support.fakes import engine, talk

SHA = "0123456789abcdef0123456789abcdef01234567"
MODEL = Model("small", "acme/small", SHA, ("tiny",), "http://127.0.0.1:8081", 1024, 2048)
WORDS = {
    "France": "The capital of France is Paris.",
    "2 + 2": "2 + 2 = 4.",
    "hot": "The opposite of hot is cold.",
    "Japan": "The capital of Japan is Tokyo.",
}
CUT = "peer closed connection without sending complete message body (incomplete chunked read)"


class Body(httpx.AsyncByteStream):
    """A streamed body: pieces with a pause before each; ``cut`` breaks the connection after."""

    def __init__(self, pieces: Iterable[str], pause: float = 0.0, cut: bool = False) -> None:
        self.pieces, self.pause, self.cut = list(pieces), pause, cut

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if self.pause:
                await asyncio.sleep(self.pause)
            yield piece.encode()
        if self.cut:
            raise httpx.RemoteProtocolError(CUT)


def sse(items: Iterable[Any]) -> list[str]:
    return [f"data: {i if isinstance(i, str) else json.dumps(i)}\n\n" for i in items]


class FakeTgi:
    """Answers like TGI 3.3. ``faults`` are names of the ways in which it does not."""

    def __init__(self, *faults: str, model_id: str = "acme/small") -> None:
        self.faults, self.model_id = set(faults), model_id
        self.count = self.tokens = self.health = self.running = 0

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        if "hang" in self.faults:
            await asyncio.sleep(60)
        if "refused" in self.faults:
            raise httpx.ConnectError("All connection attempts failed")
        body = json.loads(request.content) if request.content else {}
        path = request.url.path
        said = None if "tools" in body else engine.answer(self, request, body)
        if said is not None:
            return said
        if request.method == "GET":
            return self.get(path)
        if reply := talk.answer(self.faults, path, body):
            return self.said(reply)
        if path in ("/generate", "/generate_stream"):
            return self.native(path.endswith("stream"))
        if path == "/v1/chat/completions":
            return self.chat(body)
        return httpx.Response(404)

    def get(self, path: str) -> httpx.Response:
        if path == "/health":
            self.health += 1
            dead = "dies" in self.faults and self.health > 1
            return httpx.Response(503 if dead else 200)
        if path == "/info":
            limits = {"max_input_tokens": 1024, "max_total_tokens": 2048}
            if "other-limits" in self.faults:
                limits["max_total_tokens"] = 4096
            served = "acme/other" if "wrong-model" in self.faults else self.model_id
            sha = "f" * 40 if "wrong-revision" in self.faults else SHA
            return httpx.Response(200, json={"model_id": served, "model_sha": sha, **limits})
        if path == "/metrics":
            return httpx.Response(200, text=metrics(self.count, self.tokens, self.running))
        return httpx.Response(404)

    def said(self, reply: talk.Reply) -> httpx.Response:
        self.noted(reply.tokens)
        if reply.events is not None:
            stream = Body(sse(reply.events), 0, "stream-cut" in self.faults)
            return httpx.Response(200, headers=_SSE, stream=stream)
        return httpx.Response(reply.status, json=reply.body, headers=reply.headers)

    def noted(self, tokens: int) -> None:
        self.count += bool(tokens)
        self.tokens += tokens

    def native(self, stream: bool) -> httpx.Response:
        if "no-generate" in self.faults:
            error = {"error": "Request failed during generation", "error_type": "generation"}
            if stream:
                return httpx.Response(200, headers=_SSE, stream=Body(sse([error])))
            return httpx.Response(424, json=error)
        words = [" Paris", ".", " It", " is", " a", " city", " of", " light"]
        words = ["" for _ in words] if "empty-text" in self.faults else words
        logprob = None if "nan" in self.faults else -0.5
        tokens = [{"id": 1, "text": w, "logprob": logprob, "special": False} for w in words]
        details = {"finish_reason": "length", "generated_tokens": len(tokens), "seed": None}
        self.noted(len(tokens))
        if not stream:
            reply = {"generated_text": "".join(words), "details": {**details, "tokens": tokens}}
            headers = {"x-prompt-tokens": "9", "x-generated-tokens": str(len(tokens))}
            return httpx.Response(200, json=reply, headers=headers)
        events: list[Any] = [
            {"index": n, "token": t, "generated_text": None, "details": None}
            for n, t in enumerate(tokens, 1)
        ]
        events[-1].update(generated_text="".join(words), details=details)
        cut = "stream-cut" in self.faults
        if "error-event" in self.faults:
            events[4:] = [{"error": "out of memory", "error_type": "generation"}]
        return httpx.Response(
            200, headers=_SSE, stream=Body(sse(events[:5] if cut else events), 0, cut)
        )

    def chat(self, body: dict[str, Any]) -> httpx.Response:
        if "no-generate" in self.faults:
            return httpx.Response(424, json={"error": "failed", "error_type": "generation"})
        if "no-template" in self.faults:
            error = {"error": "Template error: template not found", "error_type": "template_error"}
            return httpx.Response(422, json=error)
        prompt = body["messages"][-1]["content"]
        text = next((t for q, t in WORDS.items() if q in prompt), talk.STORY)
        text = prompt.partition("Say: ")[2] or text
        text = "Bla bla bla bla " * 12 if "degenerate" in self.faults else text
        text = "Bla bla bla bla." if "nonsense" in self.faults else text
        text = "" if "empty-text" in self.faults else text
        text = text.replace("\U0001f6a2", "\ufffd") if "lost-bytes" in self.faults else text
        whole = [w + " " for w in text.split()] or [""]
        words = whole if "no-limit-of-tokens" in self.faults else whole[: body["max_tokens"]]
        told = len(body["messages"]) > 1 and "no-system" not in self.faults
        usage = talk.usage(20 if told else 12, len(words))
        self.noted(len(words))
        if body["stream"]:
            return self.chat_stream(words, usage)
        if "restless" in self.faults:
            words[-1] += str(self.count)
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop"}
        choice["message"] = {"role": "assistant", "content": "".join(words).strip()}
        if len(words) < len(whole):
            choice["finish_reason"] = "length"
        if body.get("logprobs"):
            value = None if "nan" in self.faults else -6.2 if "chance" in self.faults else -0.7
            tokens = [{"token": word, "logprob": value} for word in words]
            choice["logprobs"] = {"content": tokens}
        reply = {"object": "chat.completion", "choices": [choice]}
        return httpx.Response(200, json={**reply, "usage": usage})

    def chat_stream(self, words: list[str], usage: dict[str, int]) -> httpx.Response:
        def item(text: str, finish: str | None) -> dict[str, Any]:
            delta = {"role": "assistant", "content": text}
            return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

        items: list[Any] = [item(word, None) for word in words]
        items[-1] = item(words[-1], None if "no-finish" in self.faults else "stop")
        items.append({"choices": [], "usage": usage})
        if "error-event" in self.faults:
            items[3:] = [{"error": {"message": "out of memory", "http_status_code": 422}}]
        if "late-text" in self.faults:
            items.append(item("more", None))
        if "no-done" not in self.faults:
            items.append("[DONE]")
        cut = "stream-cut" in self.faults
        pieces = sse(items[:3] if cut else items)
        return httpx.Response(200, headers=_SSE, stream=Body(pieces, 0.003, cut))


_SSE = {"content-type": "text/event-stream"}


def metrics(count: int, tokens: int, running: int = 0) -> str:
    """Prometheus text; empty on a fresh engine."""
    if not count:
        return ""
    return (
        f"tgi_queue_size 0\ntgi_batch_current_size {running}\n"
        "# TYPE tgi_request_count counter\n"
        f"tgi_request_count {count}\ntgi_request_success {count}\n"
        f'tgi_request_generated_tokens_bucket{{le="+Inf"}} {count}\n'
        f"tgi_request_generated_tokens_sum {tokens}\n"
    )
