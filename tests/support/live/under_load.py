"""Ask without a pause while something is done to a gateway, and count what fails."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import openai

from tests.support.live.load import Answer, Connection, Tally, keep_asking
from tests.support.live.sites import Site

SDK_CLIENTS = 5
CLOSED = "before the answer began"
BODY = {"model": "solo", "x_events": 2}
STREAM = {"model": "solo", "stream": True, "x_events": 120, "x_pause": 0.05}


def keeps_idle_connections(site: Site) -> bool:
    """Tell whether nginx has keepalive_min_timeout (1.27.4), which spares kept-alive clients."""
    said = site.run("nginx -v 2>&1").rpartition("/")[2].split()[0]
    return tuple(map(int, said.split("."))) >= (1, 27, 4)


@dataclass
class Seen:
    """The results of clients that never retry, of long streams, and of OpenAI's SDK."""

    short: Tally
    long: Tally
    asked: int = 0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        sdk = f"{len(self.failures)} failed of {self.asked + len(self.failures)}"
        return f"kept alive, no retries: {self.short}; OpenAI's SDK: {sdk}"

    def judge(self, site: Site, exposed: int) -> None:
        """Check that nothing failed for clients that retry, nor for others where nginx can help it.

        An older nginx may close a kept-alive connection just as a request sets out on it: in a
        quarter of the cases ``exposed`` to it and what chance adds, and nothing else may fail.
        """
        assert self.asked > 10
        assert self.failures == []
        closed = self.short.broken[CLOSED] + self.long.broken[CLOSED]
        assert self.short.failed + self.long.failed == closed, f"{self.short}; streams: {self.long}"
        # Three standard deviations
        most = 0 if keeps_idle_connections(site) else exposed / 4 + 1.5 * exposed**0.5
        assert closed <= most, str(self.short)


def while_asking(
    site: Site,
    clients: int,
    streams: int,
    work: Callable[[], None],
    context: ssl.SSLContext | None = None,
) -> Seen:
    """Do ``work`` while kept-alive clients, long streams and OpenAI's SDK ask."""
    context = context or site.context()
    over = threading.Event()
    seen = Seen(Tally(), Tally())

    def line() -> Connection:
        return Connection(site.address, site.name, context)

    async def ask(connection: Connection) -> Answer:
        answer = await connection.ask(body=BODY, key=site.key("free"))
        await asyncio.sleep(0.2)
        return answer

    async def follow(connection: Connection) -> Answer:
        answer = await connection.ask(body=STREAM, key=site.key("free"))
        return answer if answer.body.count(b"data:") == 122 else Answer(0, {}, answer.body)

    def with_sdk() -> None:
        client = openai.OpenAI(
            base_url=f"{site.url}/v1",
            api_key=site.key("free"),
            http_client=site.client(verify=context),
        )
        messages: Any = [{"role": "user", "content": "x"}]
        while not over.is_set():
            try:
                client.chat.completions.create(model="solo", messages=messages)
                seen.asked += 1
            except openai.APIError as error:
                seen.failures.append(repr(error))
            time.sleep(0.1)

    async def all_of_it() -> None:
        worker = asyncio.create_task(asyncio.to_thread(work))
        worker.add_done_callback(lambda _: over.set())
        await asyncio.gather(
            keep_asking([line() for _ in range(clients)], ask, over.is_set, seen.short),
            keep_asking([line() for _ in range(streams)], follow, over.is_set, seen.long),
            *(asyncio.to_thread(with_sdk) for _ in range(SDK_CLIENTS)),
        )
        await worker

    asyncio.run(all_of_it())
    return seen


def served_serial(site: Site) -> str:
    """Return the serial number of the certificate that nginx serves."""
    said = site.run(
        f"openssl s_client -connect 127.0.0.1:443 -servername {site.name} </dev/null 2>/dev/null"
        " | openssl x509 -noout -serial"
    )
    return said.strip()
