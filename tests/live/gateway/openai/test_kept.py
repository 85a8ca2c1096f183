"""Check streams that comments keep alive while the engine works on a whole answer."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import openai
import pytest

from tests.support.live.engine import REFUSAL
from tests.support.live.hosts import until
from tests.support.live.load import Answer, Connection
from tests.support.live.nginx_on_host import ACCESS_LOG, since, size
from tests.support.live.sites import Site
from tests.support.live.tool_calls import TOOLS

COMMENT = b": keep-alive\n\n"
#: The first comment comes after five seconds
WAIT = 6.5
FLAG = "/var/lib/tgi-gateway/drain/solo@three"


def line(site: Site) -> Connection:
    return Connection(site.address, site.name, site.context())


async def ask(site: Site, key: str, **more: Any) -> Answer:
    """Ask for a stream with tools, with an id by which the log knows it."""
    ids = (f"X-Request-ID: {key}",)
    return await line(site).ask(body={**TOOLS, **more}, key=site.key("free"), headers=ids)


async def leave(site: Site, seconds: float) -> None:
    one = line(site)
    await one.send(body={**TOOLS, "x_wait": 60}, key=site.key("free"))
    await asyncio.sleep(seconds)
    one.close()


def openai_calls(site: Site) -> str:
    """Return the arguments of a call that OpenAI's own client streams."""
    with site.client() as http:
        client = openai.OpenAI(
            api_key=site.key("free"), base_url=f"{site.url}/v1", http_client=http, max_retries=0
        )
        stream = client.chat.completions.create(
            messages=[],
            model="solo",
            stream=True,
            tools=TOOLS["tools"],
            extra_body={"x_wait": WAIT, "x_choice": TOOLS["x_choice"]},
        )
        return "".join(
            (call.function and call.function.arguments) or ""
            for chunk in stream
            for call in chunk.choices[0].delta.tool_calls or []
        )


def test_comments_keep_a_stream_alive_while_the_engine_works(site: Site) -> None:
    async def all_at_once() -> tuple[Any, ...]:
        return await asyncio.gather(
            ask(site, "kept-whole", x_wait=WAIT),
            ask(site, "kept-error", x_wait=WAIT, x_status=424),
            asyncio.to_thread(openai_calls, site),
            leave(site, 1),
            leave(site, 5.5),
            connections(site),
        )

    async def connections(site: Site) -> int:
        """Count what a drain would wait for."""
        await asyncio.sleep(WAIT - 0.5)
        found = await asyncio.to_thread(
            site.run, "ss -Htn state established '( dport = :9003 )' | wc -l"
        )
        return int(found)

    start, began = size(site, ACCESS_LOG), time.time()
    whole, error, arguments, _, _, open_ones = asyncio.run(all_at_once())
    at, first = whole.reads[0]
    assert COMMENT in first and 4.5 < at - began < 6
    assert whole.body.startswith(COMMENT) and whole.body.endswith(b"data: [DONE]\n\n")
    assert json.loads(arguments) == {"city": "é"}
    comment, event, done, end = error.body.decode().split("\n\n")
    assert (error.status, comment, done, end) == (200, ": keep-alive", "data: [DONE]", "")
    assert json.loads(event.removeprefix("data: "))["error"]["message"] == REFUSAL["error"]
    # Those who left are noticed by what nginx sends
    assert open_ones >= 3
    until(3, lambda: site.engine("three")["aborted"] == 2)
    assert site.engine("three")["active"] == 0
    lines = [json.loads(one) for one in since(site, start, 5)]
    assert len(lines) == 5
    for key, status in (("kept-whole", "200"), ("kept-error", "424")):
        [logged] = [one for one in lines if one["req_id"] == key]
        told = {name: logged[name] for name in ("status", "completed", "upstream_status")}
        assert told == {"status": 200, "completed": "OK", "upstream_status": status}
        assert logged["upstream"].endswith(":9003") and float(logged["ttfb"]) > 6


@pytest.mark.enough("gw12")
def test_a_drain_lets_a_kept_stream_end_and_begins_no_other(site: Site) -> None:
    async def drained() -> tuple[Answer, Answer]:
        running = asyncio.create_task(ask(site, "kept-drained", x_wait=WAIT))
        await asyncio.sleep(1)
        await asyncio.to_thread(site.run, f"touch {FLAG}")
        refused = await ask(site, "kept-refused")
        return await running, refused

    try:
        whole, refused = asyncio.run(drained())
    finally:
        site.run(f"rm -f {FLAG}")
    assert b'"tool_calls"' in whole.body and whole.body.endswith(b"data: [DONE]\n\n")
    # gateway_drained_retry_after, which the scenario sets
    assert (refused.status, refused.headers["retry-after"]) == (503, "7")
    assert site.engine("three")["total"] == 1
