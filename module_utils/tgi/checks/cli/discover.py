"""Find the models and the engine behind a URL."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from ...client.answer import PLAIN_PORT
from ...client.http_client import Client, Target
from ...client.http_problem import dig, http_problem
from ...common.text import trim
from ...engines.detect import detect
from ..catalogue_direct import DIRECT
from ..catalogue_edge import EDGE
from ..judges.http_answer import TLS_PORT

#: Name to ask for when no list names a model: the checks then report why.
UNKNOWN = "model"
#: Checks of the group identity that need nothing declared.
_COMPARE_NOTHING = {"model.unknown"}


async def wrong_scheme(client: Client) -> str:
    """Return what the URL must begin with instead; empty if it is right, or nothing answers."""
    answer, target = await client.send("GET", "/v1/models"), client.target
    if target.url.startswith("https://"):
        return "http" if answer.fault == PLAIN_PORT else ""
    if answer.status:
        return "https" if answer.status == 400 and TLS_PORT.search(answer.text) else ""
    # Some servers only close the connection
    if not answer.fault.startswith(("connection closed", "the answer is not valid HTTP")):
        return ""
    return "https" if await _shakes_hands(target) else ""


async def _shakes_hands(target: Target) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opening = asyncio.open_connection(target.host, target.port, ssl=context)
    try:
        _, writer = await asyncio.wait_for(opening, target.timeout)
    except (OSError, asyncio.TimeoutError):
        return False
    writer.transport.abort()
    return True


async def discover(
    client: Client, view: str, named: Sequence[str], engine: str = "auto"
) -> list[dict[str, Any]]:
    """Return models as the module takes them. ``named``: NAME[=ID[@REVISION]]; empty finds them.

    On an engine's own port, a name without an id is the id that it must serve.
    """
    found = [read_model(one) for one in named]
    served = "" if engine != "auto" else await detect(client)
    if not found:
        listed = dig((await client.send("GET", "/v1/models")).json(), "data")
        found = read_list(listed, view)
    if not found and view == "direct":
        model_id = dig((await client.send("GET", "/info")).json(), "model_id")
        found = [{"name": model_id}] if is_name(model_id) else []
    found = found or [{"name": UNKNOWN}]
    kinds = [served or engine] * len(found)
    if view == "edge" and served:
        kinds = await asyncio.gather(*(behind(client, one["name"], served) for one in found))
    return [
        {"model_id": one["name"], "url": client.target.url, **one, "engine": kind}
        for one, kind in zip(found, kinds)
    ]


async def behind(client: Client, name: str, seen: str) -> str:
    """Return the engine behind a gateway; it is "tgi" only if the gateway has TGI's routes."""
    info = await client.send("GET", f"/models/{name}/info")
    if not http_problem(info) and dig(info.json(), "model_id"):
        return "tgi"
    return "openai" if seen == "tgi" else seen


def read_model(text: str) -> dict[str, Any]:
    """Parse NAME[=ID[@REVISION]] into a model."""
    name, _, wanted = text.partition("=")
    model_id, _, revision = wanted.partition("@")
    return {"name": name, "model_id": model_id or name, "revision": revision}


def read_list(listed: Any, view: str) -> list[dict[str, Any]]:
    """Return the models in the data of /v1/models.

    An engine's own port counts as one model: further entries are aliases or adapters. A gateway
    names the root of each alias.
    """
    entries = listed if isinstance(listed, list) else []
    entries = [one for one in entries if is_name(dig(one, "id"))]
    if view == "direct":
        return [{"name": one["id"]} for one in entries[:1]]
    ids = [one["id"] for one in entries]
    roots = {one["id"]: dig(one, "root") for one in entries}
    return [
        {"name": name, "aliases": [alias for alias in ids if alias != name == roots[alias]]}
        for name in dict.fromkeys(ids)
        if roots[name] == name or roots[name] not in ids
    ]


def is_name(value: Any) -> bool:
    """Return whether a name from an engine, which is not trusted, is short and printable."""
    return isinstance(value, str) and value != "" and trim(value, 200) == value


def nothing_to_compare(view: str, named: Sequence[str]) -> Mapping[str, str]:
    """Return the reason for each identity check that has nothing declared to compare with."""
    kept = set(_COMPARE_NOTHING)
    if named:
        kept |= {"model.list"}
    if named and (view == "direct" or all("=" in one for one in named)):
        return {}
    what = "no id was given (--model NAME=ID)" if named else "no model was named (--model)"
    here = DIRECT if view == "direct" else EDGE
    return {
        spec.id: f"nothing to compare with: {what}"
        for spec in here
        if spec.group == "identity" and spec.id not in kept
    }
