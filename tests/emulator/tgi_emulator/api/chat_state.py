"""Stream tokens to chat chunks, tool calls included (ChatState in router/src/chat.rs)."""

from __future__ import annotations

import time
from typing import Any

from ..faults import tool_faults
from ..source.tools import NO_TOOL, read_call
from .wire import Body


def finish_word(reason: str | None) -> str | None:
    """TGI's chat calls the end of sequence `stop`, and leaves the others as they are."""
    return "stop" if reason == "eos_token" else reason


def logprob_json(token: Body, top: list[Body]) -> Body:
    return {
        "token": token["text"],
        "logprob": token["logprob"],
        "top_logprobs": [{"token": one["text"], "logprob": one["logprob"]} for one in top],
    }


class ChatState:
    """Feed it StreamResponse bodies; it says what to send."""

    def __init__(
        self,
        using_tools: bool,
        usage: bool,
        logprobs: bool,
        model: str,
        fingerprint: str,
        call_id: str,
        spoiled: str | None = None,
    ) -> None:
        self._state = "buffering" if using_tools else "content"
        self._text = ""
        self._usage, self._logprobs = usage, logprobs
        self._model, self._fingerprint, self._id = model, fingerprint, call_id
        self._spoiled = spoiled

    def push(self, body: Body) -> list[Body] | None:
        """Chunks for this token; None when the model chose no tool."""
        chunks: list[Body] = []
        text = body["token"]["text"]
        if self._state == "content":
            chunks.append(self._chunk(body, self._content(body)))
        elif self._state == "buffering":
            self._text += text
            call = read_call(self._text.rstrip(" \t\n,}") + "}}")
            if call is not None:
                if call[0] == NO_TOOL:
                    return None
                self._state = "tool"
                text = tool_faults.begin("{", self._spoiled)
                chunks.append(self._chunk(body, self._tool(call[0], text)))
        else:
            self._text += text
            tail = ""
            if read_call(self._text) is not None:
                self._state = "buffering"
                text = text.rstrip().removesuffix("}")
                tail = tool_faults.end(self._spoiled)
            text = tool_faults.go_on(text, self._spoiled) + tail
            chunks.append(self._chunk(body, self._tool(None, text)))
        if self._usage and body["details"]:
            chunks.append(self._usage_chunk(body["details"]))
        return chunks

    @staticmethod
    def _content(body: Body) -> Body:
        token = body["token"]
        return {"role": "assistant", "content": "" if token["special"] else token["text"]}

    def _tool(self, name: str | None, text: str) -> Body:
        call = {
            "index": 0, "id": self._id, "type": "function",
            "function": {"name": name, "arguments": text},
        }  # fmt: skip
        return {"role": "assistant", "tool_calls": [call]}

    def _chunk(self, body: Body, delta: Body) -> Body:
        details = body["details"]
        logprobs = None
        if self._logprobs:
            logprobs = {"content": [logprob_json(body["token"], body.get("top_tokens", []))]}
        choice = {
            "index": 0, "delta": delta, "logprobs": logprobs,
            "finish_reason": finish_word(details["finish_reason"]) if details else None,
        }  # fmt: skip
        return self._frame([choice], None)

    def _usage_chunk(self, details: Body) -> Body:
        prompt, generated = details["input_length"], details["generated_tokens"]
        return self._frame([], usage_json(prompt, generated))

    def _frame(self, choices: list[Any], usage: Body | None) -> Body:
        return {
            "object": "chat.completion.chunk", "id": "", "created": int(time.time()),
            "model": self._model, "system_fingerprint": self._fingerprint,
            "choices": choices, "usage": usage,
        }  # fmt: skip


def usage_json(prompt: int, generated: int) -> Body:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": generated,
        "total_tokens": prompt + generated,
    }
