"""Check that routes besides the API, and the engines' own ports, are closed to the outside."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from ...client.answer import Answer, describe
from ...common.text import trim
from ..judges.http_answer import excerpt, outcome
from ..results import Outcome
from .endpoint_session import EndpointSession

#: 429: a strict limit on failed attempts refuses as well.
PRIVATE = (401, 403, 404, 429)
METRICS_PATHS = ("/metrics", "/stub_status")
#: Paths that describe the server, by engine; "" is common to all.
DOCS_PATHS = {
    "": ("/docs", "/openapi.json", "/info"),
    "tgi": ("/api-doc/openapi.json",),
    "vllm": ("/version", "/server_info", "/load"),
    "sglang": ("/server_info", "/get_server_info", "/model_info"),
    "llamacpp": ("/props", "/slots"),
    "openai": ("/version", "/server_info", "/props", "/slots", "/load"),
}
#: Routes that control an engine. GET gets 405 from a route for POST. SGLang obeys GET on some
#: routes, so those get HEAD, which its framework answers with 405 as well.
CONTROL_PATHS = {
    "": (("GET", "/sleep"), ("HEAD", "/flush_cache"), ("GET", "/load_model")),
    "vllm": tuple(
        ("GET", f"/{name}")
        for name in ("wake_up", "reset_prefix_cache", "pause", "scale_elastic_ep", "collective_rpc")
    ),
    "sglang": (
        ("GET", "/update_weights_from_disk"),
        ("GET", "/update_weights_from_tensor"),
        ("HEAD", "/abort_request"),
    ),
    "openai": (
        ("GET", "/collective_rpc"),
        ("GET", "/update_weights_from_disk"),
        ("HEAD", "/reset"),
    ),
}
#: Seconds without an answer after which a port counts as closed.
CONNECT = 1.0


def _of(host: EndpointSession, table: Mapping[str, Iterable[object]]) -> list[object]:
    engines = ["", *(model.engine for model in host.models)]
    return list(dict.fromkeys(one for engine in engines for one in table.get(engine, ())))


async def _private(host: EndpointSession, paths: Iterable[str]) -> Outcome:
    """Check that each path is refused or absent without a key."""
    asked = list(paths)
    answers: list[Answer] = await asyncio.gather(
        *(host.client.send("GET", path, key=None) for path in asked)
    )
    problems = [
        f"{path} from outside: {answer.fault or f'HTTP {answer.status}'}"
        for path, answer in zip(asked, answers)
        if answer.status not in PRIVATE
    ]
    return outcome(_worst(answers), problems, f"{len(asked)} paths closed")


def _worst(answers: Sequence[Answer]) -> Answer:
    """Return the first answer that was not refused, as evidence."""
    return next((one for one in answers if one.status not in PRIVATE), answers[0])


async def metrics_private(host: EndpointSession) -> Outcome:
    paths = [f"/models/{name}/metrics" for name in host.names]
    return await _private(host, [*METRICS_PATHS, *paths])


async def docs_private(host: EndpointSession) -> Outcome:
    """Check the documentation paths; skip /info where gateway_info_public opens it."""
    paths = [str(path) for path in _of(host, DOCS_PATHS)]
    return await _private(host, [p for p in paths if p != "/info" or not host.declared.public_info])


def judge_control(method: str, path: str, answer: Answer, who: str) -> str:
    """Return what is wrong with a control route. 405 means that another method may reach it."""
    if answer.status in PRIVATE:
        return ""
    seen = answer.fault or f"HTTP {answer.status}"
    reached = ", so a POST would reach it" if answer.status == 405 else ""
    return f"{method} {path} {who} a key: {seen}{reached}"


async def control_private(host: EndpointSession) -> Outcome:
    """Check that routes which control an engine are closed, to clients with a key as well.

    With the key it asks only for routes of the declared engines. It never sends POST.
    """
    common = [*CONTROL_PATHS[""]]
    own = [one for model in host.models for one in CONTROL_PATHS.get(model.engine, ())]
    asked = [(method, path, False) for method, path in dict.fromkeys(common + own)]
    asked += [(method, path, True) for method, path in dict.fromkeys(own)]

    async def ask(method: str, path: str, keyed: bool) -> Answer:
        if keyed:
            return await host.client.send(method, path)
        return await host.client.send(method, path, key=None)

    answers = await asyncio.gather(*(ask(*one) for one in asked))
    problems = [
        wrong
        for (method, path, keyed), answer in zip(asked, answers)
        if (wrong := judge_control(method, path, answer, "with" if keyed else "without"))
    ]
    worst = _worst(answers)
    return outcome(worst, problems, f"{len(asked)} requests refused", excerpt(worst, 120))


async def auth_leak(host: EndpointSession) -> Outcome:
    """Check that no answer of this run held a configured key. The evidence is the path only."""
    leaks = host.leaks
    if leaks.paths:
        problem = f"a configured key is in the answer of {', '.join(sorted(leaks.paths))}"
        return Outcome(trim(problem, 300), trim(problem, 300), "the value is not shown")
    return Outcome("", f"{leaks.answers} answers hold no key")


async def knock(address: str, timeout: float = CONNECT) -> str:
    """Connect to host:port; return "open", "closed" (refused, unreachable, silent) or the error.

    It sends nothing and closes the connection.
    """
    parts = urlsplit(f"//{address}")
    try:
        opening = asyncio.open_connection(parts.hostname, parts.port)
        _, writer = await asyncio.wait_for(opening, timeout)
    except socket.gaierror as error:
        return describe(error)
    except (OSError, asyncio.TimeoutError):
        return "closed"
    writer.close()
    return "open"


def is_this_machine(address: str) -> bool:
    """Return whether host:port is this machine's own, not loopback: no firewall applies there."""
    try:
        own = ipaddress.ip_address(urlsplit(f"//{address}").hostname or "")
    except ValueError:
        return False
    if own.is_loopback:
        return False
    family = socket.AF_INET6 if own.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((str(own), 0))
        except OSError:
            return False
    return True


async def auth_backend(host: EndpointSession) -> Outcome:
    """Check that the engines' own ports are closed to this machine, which is outside."""
    addresses = list(dict.fromkeys(host.declared.backends))
    found = await asyncio.gather(*(knock(one) for one in addresses))
    return judge_backends(dict(zip(addresses, found)))


def judge_backends(found: Mapping[str, str]) -> Outcome:
    """Judge what :func:`knock` returned for each address."""
    inside = [one for one, said in found.items() if said == "open" and is_this_machine(one)]
    opened = [one for one, said in found.items() if said == "open" and one not in inside]
    lost = [f"{one}: {said}" for one, said in found.items() if said not in ("open", "closed")]
    if opened:
        problem = f"open to all: {', '.join(opened)}"
        return Outcome(problem, problem, f"{len(found)} addresses tried")
    if lost:
        return Outcome(lost[0], lost[0], "; ".join(lost[1:]), soft=True)
    if inside:
        problem = f"not proven: {', '.join(inside)} is this machine, where no firewall applies"
        return Outcome(problem, problem, soft=True)
    return Outcome("", f"{len(found)} engine addresses closed")
