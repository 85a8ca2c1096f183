"""Inspect the endpoint as a client, from the controller: name, port, TLS, key, models."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...checks.endpoint import tls_certificate
from ...checks.endpoint.endpoint_session import EndpointSession, Tier
from ...checks.model.streaming import stream_unbuffered
from ...checks.selection import Model
from ...checks.session import Session
from ...client import fixed_address
from ...client.http_client import Client, Target
from ...client.rate_limiter import Pacer
from .requests import talk, view_http, view_info

_CONNECT_SECONDS = 10.0
_STATES = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
}


@dataclass(frozen=True)
class Outside:
    """The requests to send. ``connect_to`` replaces the address that the name resolves to.

    ``models`` are {name, model_id, chat, tools}; ``chat`` false: it has no chat template.
    """

    host: str
    target: Target
    connect_to: str = ""
    models: Sequence[dict[str, Any]] = ()
    tier: Tier = field(default_factory=Tier)
    tools: bool = True
    transport: Any = None


def look_from_outside(wish: Outside) -> dict[str, Any]:
    """Return name, connect, tls, answer and models, as far as each was reached."""
    return fixed_address.run(_walk(wish), {wish.target.host: wish.connect_to})


async def _walk(wish: Outside) -> dict[str, Any]:
    target = wish.target
    seen: dict[str, Any] = {
        "host": wish.host,
        "server": target.host,
        "port": target.port,
        "pinned": bool(wish.connect_to),
        "models": [{"name": one["name"]} for one in wish.models],
        "name": await _resolve(target),
    }
    if not seen["name"]["addresses"]:
        return seen
    seen["connect"] = await connect(seen["name"]["addresses"], target.port)
    if seen["connect"]["state"] != "open":
        return seen
    pacer = Pacer(wish.tier.rate, wish.tier.burst, wish.tier.concurrent)
    try:
        client = Client(target, pacer=pacer, transport=wish.transport)
    except (OSError, ssl.SSLError) as error:
        seen["tls"] = {"problem": f"a certificate file cannot be used: {error}", "remedy": "",
                       "protocol": "", "left": "", "ending": False}  # fmt: skip
        return seen
    async with client:
        seen["tls"] = await _handshake(client)
        if seen["tls"]["problem"]:
            return seen
        if not target.api_key:
            seen["answer"] = None
            return seen
        seen["answer"] = view_http(await client.send("GET", "/v1/models"))
        if seen["answer"]["status"] == 200:
            seen["models"] = await asyncio.gather(
                *(_model(client, one, wish.tools) for one in wish.models)
            )
    return seen


async def _resolve(target: Target) -> dict[str, Any]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            target.host, target.port, type=socket.SOCK_STREAM
        )
    except OSError as error:
        return {"addresses": [], "problem": error.strerror or str(error)}
    return {"addresses": list(dict.fromkeys(str(one[4][0]) for one in found)), "problem": ""}


async def connect(
    addresses: Sequence[str], port: int, seconds: float = _CONNECT_SECONDS
) -> dict[str, Any]:
    """Try every address in turn, as clients do, until one is open.

    Returns the last one: ``state`` (open, refused, reset, timeout, unreachable or error),
    ``address``, ``detail`` and ``ms``.
    """
    found: dict[str, Any] = {"state": "error", "address": "", "detail": "no address", "ms": 0}
    for address in addresses:
        began, state, detail = time.perf_counter(), "open", ""
        family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
        plug = socket.socket(family, socket.SOCK_STREAM)
        plug.setblocking(False)
        try:
            work = asyncio.get_running_loop().sock_connect(plug, (address, port))
            await asyncio.wait_for(work, seconds)
        except asyncio.TimeoutError:
            state, detail = "timeout", f"nothing within {seconds:g} s"
        except OSError as error:
            state, detail = _STATES.get(error.errno or 0, "error"), error.strerror or str(error)
        finally:
            plug.close()
        ms = round((time.perf_counter() - began) * 1000)
        found = {"state": state, "address": address, "detail": detail, "ms": ms}
        if state == "open":
            break
    return found


async def _handshake(client: Client) -> dict[str, Any]:
    shaken = await tls_certificate.handshake(EndpointSession(client, ()))
    problem, remedy = tls_certificate.complaint(shaken)
    expiry = tls_certificate.judge_expiry(shaken, time.time())
    return {
        "problem": problem,
        "remedy": remedy or expiry.remedy,
        "protocol": shaken.protocol,
        "left": expiry.observed,
        "ending": bool(expiry.problem),
    }


async def _model(client: Client, one: dict[str, Any], tools: bool) -> dict[str, Any]:
    """Ask a model through the gateway: which one it is, and the same as on its own port."""
    name = one["name"]
    model = Model(name, str(one.get("model_id") or ""))
    session = Session(model, client, f"/models/{name}", name)
    said = {"name": name, "declared": model.model_id, "info": view_info(await session.info())}
    if not one.get("chat", True):
        return {**said, "chatless": True}
    said.update(await talk(session, tools and one.get("tools", True)))
    if "stream" in said and not said["stream"]["problem"]:
        found = await stream_unbuffered(session)
        said["stream"]["bursts"] = found.observed if found.problem and not found.soft else ""
    return said
