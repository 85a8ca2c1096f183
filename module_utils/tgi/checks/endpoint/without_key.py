"""Ask for a generation on every known path, without a key.

The body suits every generation route, so an engine would answer each request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from ...client.answer import Answer
from ...client.http_client import Client
from ..judges.questions import nonce

#: Every route of TGI, vLLM, SGLang and llama.cpp that generates or reads a prompt.
GENERATION_PATHS = (
    "/v1/chat/completions", "/v1/completions", "/", "/generate", "/generate_stream",
    "/tokenize", "/chat_tokenize", "/invocations", "/vertex",
    "/v1/responses", "/v1/messages", "/detokenize", "/completion", "/infill",
    "/v2/models/{model}/infer",
)  # fmt: skip
MODEL_PATHS = ("/generate", "/v1/chat/completions")
#: The path that must return 401 or 403 itself.
MAIN = "/v1/chat/completions"
#: Refused by a limit on failed attempts: enough, once the main path returned 401 or 403.
LIMITED = 429
#: An earlier run may have used up the limit on failed attempts.
_PATIENCE = 3


def prompt_body(model: str) -> dict[str, object]:
    text = f"Request {nonce()}. Say one word."
    return {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "prompt": text,
        "inputs": text,
        "max_tokens": 1,
        "stream": False,
        "parameters": {"max_new_tokens": 1},
    }


async def probe(
    client: Client,
    model: str,
    path: str,
    key: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    return await client.send("POST", path, prompt_body(model), key=key, headers=headers or {})


async def ask_all(client: Client, names: Sequence[str]) -> dict[str, Answer]:
    """Ask every generation path once.

    The main path goes first and alone. A strict limit on failed attempts may answer the others
    with 429, but one refusal must come from the key check itself.
    """
    main, first = Answer(), names[0]
    for _ in range(_PATIENCE):
        main = await probe(client, first, MAIN)
        if main.status != LIMITED:
            break
    paths = [path.format(model=first) for path in GENERATION_PATHS if path != MAIN]
    # Two routes of one model and one of each other stay within gateway_bad_auth
    paths += [f"/models/{first}{MODEL_PATHS[0]}"]
    paths += [f"/models/{name}{MODEL_PATHS[1]}" for name in names]
    answers = await asyncio.gather(*(probe(client, first, path) for path in paths))
    return {MAIN: main, **dict(zip(paths, answers))}
