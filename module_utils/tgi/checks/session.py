"""The session of one model in one view. It sends each shared request once for all checks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from ..client.answer import Answer
from ..client.http_client import Client
from ..client.http_problem import http_problem
from ..engines.profiles import Engine
from . import model_container
from .judges import chat, dialect, native, questions
from .judges.metrics import parse_metrics
from .selection import Model

T = TypeVar("T")

#: Long enough to detect bursts, see bursts.MIN_CHUNKS.
LONG_TOKENS = 20
LONG_QUESTION = "Tell me a story about a lighthouse keeper and the sea."


def user(text: str) -> dict[str, Any]:
    """Return a message of the user."""
    return {"role": "user", "content": text}


@dataclass
class Memo:
    """Run each named piece of work once, and share its result."""

    _tasks: dict[str, asyncio.Future[Any]] = field(default_factory=dict)

    async def once(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        if name not in self._tasks:
            self._tasks[name] = asyncio.ensure_future(work())
        # Shielded: a check that times out must not cancel the work of the others
        value: T = await asyncio.shield(self._tasks[name])
        return value

    def found(self, name: str) -> Any:
        """Return the result of the work of that name; None without one yet."""
        task = self._tasks.get(name)
        if task is None or not task.done() or task.cancelled() or task.exception():
            return None
        return task.result()


@dataclass
class Session:
    """``prefix`` goes before native paths, ``served`` is the model's name in chat requests.

    ``witnessed`` holds the token counts of our successful generations. ``witness``: the engine's
    counters are readable; ``highest`` are their largest values. ``project`` is the Compose project
    of the container, empty to not ask Docker. ``slo``: the longest TTFT and TPOT in ms, 0 for no
    limit. ``max_body``: bytes that the gateway lets in, 0 if unknown.
    """

    model: Model
    client: Client
    prefix: str = ""
    served: str = "tgi"
    witness: bool = False
    canary_passes: int = 2
    memo: Memo = field(default_factory=Memo)
    witnessed: list[int] = field(default_factory=list)
    highest: dict[str, float] = field(default_factory=dict)
    project: str = ""
    slo: tuple[float, float] = (0.0, 0.0)
    max_body: int = 0
    #: Nonce of requests that must begin alike.
    word: str = field(default_factory=questions.nonce)

    @property
    def profile(self) -> Engine:
        return self.model.profile

    async def info(self) -> Answer:
        return await self.memo.once("info", lambda: self.client.send("GET", f"{self.prefix}/info"))

    async def models(self) -> Answer:
        return await self.memo.once("models", lambda: self.client.send("GET", "/v1/models"))

    async def generate(self) -> Answer:
        return await self.memo.once("generate", lambda: self._native("/generate"))

    async def generate_stream(self) -> Answer:
        return await self.memo.once("generate_stream", lambda: self._native("/generate_stream"))

    async def _native(self, path: str) -> Answer:
        return await self.post(self.prefix + path, native.request_body(), native.token_count)

    async def post(
        self,
        path: str,
        body: object,
        count: Callable[[Answer], int] = chat.completion_tokens,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send any generation. ``count`` reads the number of tokens from a good answer."""
        if self.witness:
            await self.first_reading()
        answer = await self.client.send("POST", path, body, headers=headers or {})
        if not http_problem(answer):
            self.note(count(answer))
        return answer

    async def plain(
        self,
        prompt: str,
        max_tokens: int,
        *,
        stream: bool = False,
        chat_first: bool = False,
        **more: Any,
    ) -> Answer:
        """Send a generation in the dialect of ``dialect.request``; ``more`` are further fields."""
        path, body = dialect.request(
            self.model, self.served, prompt, max_tokens, stream=stream, chat_first=chat_first
        )
        dialect.add(body, more)
        if not path.startswith("/v1/"):
            path = self.prefix + path
        return await self.post(path, body, dialect.token_count)

    async def generation(self) -> Answer:
        """Return some generation, shared, for a check that needs one to have run."""
        if "native" in self.profile.abilities:
            return await self.generate()
        if self.model.chat:
            return await self.chat()
        work = partial(self.plain, LONG_QUESTION, questions.MAX_TOKENS)
        return await self.memo.once("generation", work)

    async def chat(self) -> Answer:
        return await self.memo.once("chat", self.ask_again)

    async def ask_again(self) -> Answer:
        """Send the exact request of ``chat`` again."""
        return await self.ask(questions.ask(questions.QUESTIONS[0], self.word))

    async def ask(self, prompt: str, max_tokens: int = questions.MAX_TOKENS) -> Answer:
        """Send one more chat request, not streamed."""
        return await self.converse([user(prompt)], max_tokens)

    async def chat_stream(self) -> Answer:
        """Return a longer streamed answer; a base model streams a text."""
        return await self.memo.once("chat_stream", self.ask_stream)

    async def ask_stream(self, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for the same stream again, with further headers."""
        prompt = questions.ask(questions.Question(LONG_QUESTION, ""))
        body = chat.request_body(self.served, prompt, LONG_TOKENS, True)
        path = "/v1/chat/completions"
        if not self.model.chat:
            del body["messages"]
            path, body = "/v1/completions", {**body, "prompt": prompt}
        return await self.post(path, body, headers=headers)

    async def converse(
        self, messages: list[dict[str, Any]], max_tokens: int, stream: bool = False, **more: Any
    ) -> Answer:
        """Send a chat request of any messages; ``more`` are further fields of its body."""
        body = chat.request_body(self.served, "", max_tokens, stream)
        return await self.post("/v1/chat/completions", {**body, "messages": messages, **more})

    def note(self, tokens: int) -> None:
        """Record a generation that the engine's counters must show."""
        if tokens:
            self.witnessed.append(tokens)

    async def first_reading(self) -> tuple[Answer, model_container.Seen]:
        """Return /metrics and the container from before our first generation."""
        return await self.memo.once("first_reading", self.reading)

    async def reading(self) -> tuple[Answer, model_container.Seen]:
        """Return /metrics and the container now."""
        return await asyncio.gather(self.metrics(), model_container.find(self.project))

    async def metrics(self) -> Answer:
        return await self.client.send("GET", "/metrics", paced=False)

    async def first_counters(self) -> dict[str, float] | None:
        answer, _ = await self.first_reading()
        return self.counters_of(answer)

    async def read_counters(self) -> dict[str, float] | None:
        """Return the engine's counters now; None when they are unreadable."""
        return self.counters_of(await self.metrics())

    def counters_of(self, answer: Answer) -> dict[str, float] | None:
        found = None if http_problem(answer) else parse_metrics(answer.text)
        for name, value in (found or {}).items():
            self.highest[name] = max(value, self.highest.get(name, 0.0))
        return found
