"""Does the fence hold? Requests that must be refused, and that never carry a good key by mistake.

Each of them would be answered if it got through: the body suits every generation route.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Mapping

from ..answer import Answer
from .canary import nonce
from .host import Host
from .judge import http_problem, look, outcome
from .report import Outcome

#: Every route of TGI and of its compatible layers that generates or reads a prompt.
GENERATION_PATHS = (
    "/v1/chat/completions", "/v1/completions", "/", "/generate", "/generate_stream",
    "/tokenize", "/chat_tokenize", "/invocations", "/vertex",
)  # fmt: skip
MODEL_PATHS = ("/generate", "/v1/chat/completions")
REFUSED = (401, 403)
#: Not published at all is as good as refused.
NOT_THERE = (404, 405)
_PRIMARY = "/v1/chat/completions"


def _body(model: str) -> dict[str, object]:
    text = f"Request {nonce()}. Say one word."
    return {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "prompt": text,
        "inputs": text,
        "max_tokens": 1,
        "parameters": {"max_new_tokens": 1},
    }


async def _probe(
    host: Host, path: str, key: str | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    return await host.client.send(
        "POST", path, _body(host.names[0]), key=key, headers=headers or {}
    )


def _open(answer: Answer, allowed: tuple[int, ...]) -> str:
    if not answer.status:
        return answer.fault or "no answer"
    return "" if answer.status in allowed else f"HTTP {answer.status}"


async def _unkeyed(host: Host) -> dict[str, Answer]:
    """Every generation path once, without a key."""
    paths = [*GENERATION_PATHS]
    paths += [f"/models/{name}{path}" for name in host.names for path in MODEL_PATHS]
    answers = await asyncio.gather(*(_probe(host, path) for path in paths))
    return dict(zip(paths, answers))


async def auth_missing(host: Host) -> Outcome:
    """I1: without a key no generation path is reached; the main one says 401 or 403."""
    answers = await host.memo.once("unkeyed", lambda: _unkeyed(host))
    main = answers[_PRIMARY]
    problems = [
        f"{path} without a key: {wrong}"
        for path, answer in answers.items()
        if (wrong := _open(answer, REFUSED if path == _PRIMARY else REFUSED + NOT_THERE))
    ]
    evidence = look(next((a for a in answers.values() if a.status == 200), main))
    return outcome(main, problems, f"{len(answers)} paths refuse", evidence if problems else "")


async def auth_header(host: Host) -> Outcome:
    """I7: a 401 says how to authenticate."""
    answers = await host.memo.once("unkeyed", lambda: _unkeyed(host))
    main = answers[_PRIMARY]
    given = main.headers.get("www-authenticate", "")
    return outcome(main, [] if given else ["401 without WWW-Authenticate"], given[:60])


def wrong_credentials(key: str) -> dict[str, tuple[str, str | None, dict[str, str]]]:
    """Credentials that must not work: name to (path, bearer key, headers)."""
    wrong: dict[str, tuple[str, str | None, dict[str, str]]] = {
        "a wrong key": (_PRIMARY, secrets.token_hex(16), {}),
        "an empty Bearer": (_PRIMARY, None, {"Authorization": "Bearer"}),
    }
    if not key:
        return wrong
    basic = base64.b64encode(f"checks:{key}".encode()).decode()
    wrong["the key without its last character"] = (_PRIMARY, key[:-1], {})
    wrong["the key as Basic"] = (_PRIMARY, None, {"Authorization": f"Basic {basic}"})
    wrong["the key in the query"] = (f"{_PRIMARY}?api_key={key}", None, {})
    if key.swapcase() != key:
        wrong["the key in another case"] = (_PRIMARY, key.swapcase(), {})
    return wrong


def secrets_of(key: str) -> list[str]:
    """The key in every shape it is sent in, for blotting out."""
    if not key:
        return []
    basic = base64.b64encode(f"checks:{key}".encode()).decode()
    return [key, key.swapcase(), key[:-1], basic]


async def auth_wrong(host: Host) -> Outcome:
    """I2: near misses are refused with 401 or 403."""
    wrong = wrong_credentials(host.client.target.api_key)
    answers = await asyncio.gather(
        *(_probe(host, path, key, headers) for path, key, headers in wrong.values())
    )
    problems = [
        f"{name} gets {bad}" for name, a in zip(wrong, answers) if (bad := _open(a, REFUSED))
    ]
    return outcome(answers[0], problems, f"{len(wrong)} wrong credentials refused")


async def auth_valid(host: Host) -> Outcome:
    """I3: the right key opens; a fence that refuses everybody proves nothing."""
    answer = await host.listing()
    problem = http_problem(answer)
    return outcome(answer, [problem] if problem else [], "HTTP 200")
