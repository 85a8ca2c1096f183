"""Who is there? Models and engine of a URL that nobody declared anything about."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from ...client.http_client import Client
from ...client.http_problem import dig, http_problem
from ...common.text import trim
from ...engines.detect import detect
from ..catalogue_direct import DIRECT
from ..catalogue_edge import EDGE

#: Asked for when nothing tells what is served: the checks then say why.
UNKNOWN = "model"
#: They hold an answer against nothing that was declared.
_COMPARE_NOTHING = {"model.unknown"}


async def discover(
    client: Client, view: str, named: Sequence[str], engine: str = "auto"
) -> list[dict[str, Any]]:
    """Models as the module takes them. ``named`` are NAME[=ID[@REVISION]], empty: find them.

    On an engine's own port a name alone is the id that it must serve.
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
    """The engine behind a gateway: TGI's own routes count only where the gateway has them."""
    info = await client.send("GET", f"/models/{name}/info")
    if not http_problem(info) and dig(info.json(), "model_id"):
        return "tgi"
    return "openai" if seen == "tgi" else seen


def read_model(text: str) -> dict[str, Any]:
    """NAME[=ID[@REVISION]] as a model."""
    name, _, wanted = text.partition("=")
    model_id, _, revision = wanted.partition("@")
    return {"name": name, "model_id": model_id or name, "revision": revision}


def read_list(listed: Any, view: str) -> list[dict[str, Any]]:
    """The models of a list as /v1/models gives it.

    On an engine's own port only the first: others are other names of it, or its adapters. A
    gateway says of an alias which model is its root.
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
    """Whether it may be printed and asked for: what an engine says is not to be trusted."""
    return isinstance(value, str) and value != "" and trim(value, 200) == value


def nothing_to_compare(view: str, named: Sequence[str]) -> Mapping[str, str]:
    """Checks of identity that were told nothing to hold an answer against, with the reason."""
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
