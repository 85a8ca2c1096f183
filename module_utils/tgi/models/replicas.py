"""Turn the models of all GPU hosts into a gateway's backends, and check that they fit together."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ..catalogue.expand import expand_models
from ..common.places import DEFAULT_BASE_PORT
from ..common.problem import UNKNOWN, problem, shown
from .model_rules import DEFAULT_ALIAS
from .resolve import normalise, resolve_models

_LOOPBACK = "127.0.0.1"
_BIND = "tgi_bind_address"
#: Variables of a GPU host that decide what a gateway publishes of it
PUBLISHED = ("tgi_models", "tgi_base_port", _BIND)


def gateway_backends(
    hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], gateway: str
) -> list[dict[str, Any]]:
    """Return the models of all ``hosts`` as the gateway publishes them: one entry a name.

    The preflight's fact tgi_host.models of each host says where its models listen; ``gateway``
    reaches its own models on loopback. The order is that of the first host's list, then what
    the next host adds. Of a host that is not in this run, the gateway knows the address that it
    publishes; a replica without one is left out if the preflight could not reach its host. One
    that this run will replace at another address has both until then. Other unknown addresses are
    empty, and another model under the same name is an entry of its own: :func:`backends_problems`
    reports both.
    """
    published = _published(hostvars, gateway)
    found: list[dict[str, Any]] = []
    places: dict[tuple[str, str, str], dict[str, Any]] = {}
    for host in hosts:
        values = hostvars[host]
        address = _LOOPBACK if host == gateway else _bracketed(values.get(_BIND))
        for model, known in _models(values, host == gateway):
            where = f"{address}:{model['port']}" if address and known else ""
            now = published.get(f"{model['name']}@{host}", "")
            where = where or now
            if not where and left_out(values):
                continue
            identity = (model["name"], model["model_id"], str(model["revision"] or ""))
            if identity not in places:
                places[identity] = {
                    "name": model["name"],
                    "model_id": model["model_id"],
                    "aliases": [],
                    "replicas": [],
                }
                found.append(places[identity])
            entry = places[identity]
            entry["aliases"] += [one for one in model["aliases"] if one not in entry["aliases"]]
            entry["replicas"].append({"name": host, "address": where})
            if now not in ("", where) and _awaits_replacement(values, host, model["name"]):
                # The last one is where it serves now
                entry["replicas"].append({"name": host, "address": now})
    return found


def _awaits_replacement(values: Mapping[str, Any], host: str, name: str) -> bool:
    """Return whether this run will replace a model of a host, but has not done so yet."""
    models = (values.get("rollout_plan") or {}).get("models") or {}
    return name in models.get(host, []) and name not in (values.get("rollout_replaced") or [])


def backends_problems(
    hosts: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    gateway: str,
    facts: bool = True,
) -> list[str]:
    """Return why these hosts' models cannot be published together, a line each.

    Without ``facts`` (in the preflight, which makes them) only the inventory is checked.
    """
    names = list(hosts)
    found: list[str] = []
    published = _published(hostvars, gateway) if facts else {}
    for host in names:
        if host != gateway:
            found += _check_bind_address(host, hostvars[host])
            found += _check_ports(host, hostvars[host], published) if facts else []
    return found + list(_check_agreement(names, hostvars))


def gateway_addresses(
    hosts: Iterable[str], hostvars: Mapping[str, Any], own: str = ""
) -> list[str]:
    """Return the source addresses of the gateways ``hosts``, for the firewall of ``own``.

    Each is gateway_address, or the address in its fact. With gateways that are not in this run,
    those stay that the firewall lets in already. Raise ValueError when there are none: the
    firewall would block these gateways. One that the preflight could not reach has to wait.
    """
    found = {host: address_of(hostvars[host]) for host in hosts}
    kept = facts_of(hostvars[own]).get("firewall_sources") or [] if own else []
    here = {host: address for host, address in found.items() if not left_out(hostvars[host])}
    if line := unknown_sources(here, kept):
        raise ValueError(line)
    addresses = {address for address in found.values() if address}
    if len([*filter(None, found.values())]) < len(found):
        addresses |= {re.sub(r"/(?:32|128)$", "", str(source)) for source in kept}
    return sorted(addresses)


def unknown_sources(gateways: Mapping[str, str], kept: Collection[str]) -> str:
    """Return the problem of gateways without an address; "" if all have one, or some are kept."""
    unknown = [host for host, address in gateways.items() if not address]
    if not unknown or kept:
        return ""
    where = f"tgi_allowed_sources: the address of {', '.join(unknown)}"
    what = "is unknown, because it is not in this run, or has several and no default route"
    return problem(where, what, "run without --limit, or write gateway_address for it")


def address_of(values: Mapping[str, Any]) -> str:
    """Return the address from which a gateway connects; "" if it is unknown."""
    return str(values.get("gateway_address") or facts_of(values).get("address") or "")


def facts_of(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the preflight's fact tgi_host of a host, {} where it is not in this run."""
    facts: Mapping[str, Any] = (values.get("ansible_facts") or {}).get("tgi_host") or {}
    return facts


def left_out(values: Mapping[str, Any]) -> bool:
    """Return whether a host has left this run, because the preflight could not reach it."""
    return bool((values.get("preflight_result") or {}).get("unreachable"))


def left_out_hosts(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return those of ``hosts`` that have left this run."""
    return [host for host in hosts if left_out(hostvars[host])]


def models_of(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the models of a host: its fact, or its inventory where it is not in this run.

    Without the fact, the port of a model that names none is only a guess.
    """
    facts = facts_of(values)
    if "models" in facts:
        return list(facts["models"])
    listed = expand_models(values.get("tgi_models"), values.get("tgi_catalogue"))
    return resolve_models(listed, values.get("tgi_base_port", DEFAULT_BASE_PORT))


def _models(values: Mapping[str, Any], own: bool) -> list[tuple[dict[str, Any], bool]]:
    """Return the models of a host, and whether the port of each is more than a guess."""
    models = models_of(values)
    if own or "models" in facts_of(values):
        return [(model, True) for model in models]
    if left_out(values):
        # Its list may be newer than what it serves
        return [(model, False) for model in models]
    entries = normalise(values.get("tgi_models"))
    return [(model, entry["port"] is not None) for model, entry in zip(models, entries)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _bracketed(address: Any) -> str:
    text = str(address or "")
    return f"[{text}]" if ":" in text else text


def _check_bind_address(host: str, values: Mapping[str, Any]) -> Iterator[str]:
    address = values.get(_BIND)
    if address is UNKNOWN or not _list(values.get("tgi_models")):
        return
    where = f"{_BIND} of {host}"
    has = ", ".join(str(one) for one in _list(facts_of(values).get("addresses")))
    remedy = f"write its private address there{f' (it has {has})' if has else ''}"
    if not address:
        yield problem(where, "is not set, so its models listen on loopback only", remedy)
        return
    try:
        parsed = ipaddress.ip_address(str(address))
    except ValueError:
        yield problem(where, f"is {shown(address)}, not an address", remedy)
        return
    if parsed.is_loopback or parsed.is_unspecified or parsed.is_link_local:
        yield problem(where, f"is {shown(address)}, which no other machine can reach", remedy)


def _published(hostvars: Mapping[str, Mapping[str, Any]], gateway: str) -> Mapping[str, str]:
    """Return model@host -> host:port of the configuration that the gateway has in force."""
    values = hostvars.get(gateway, {})
    return facts_of(values).get("published") or {}


def _check_ports(
    host: str, values: Mapping[str, Any], published: Mapping[str, str]
) -> Iterator[str]:
    guessed = [
        str(model["name"])
        for model, known in _models(values, own=False)
        if not (known or left_out(values)) and f"{model['name']}@{host}" not in published
    ]
    if guessed:
        what = f"is not in this run, so the port is unknown for {', '.join(guessed)}"
        remedy = "run without --limit, or write a port for each of them in tgi_models"
        yield problem(host, what, remedy)


def _check_agreement(hosts: list[str], hostvars: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Refuse two models under one name, and one name for two models."""
    first: dict[str, tuple[str, dict[str, Any]]] = {}
    owners: dict[str, tuple[str, str]] = {}
    models = [(host, model) for host in hosts for model, _ in _models(hostvars[host], True)]
    if models:
        owners[DEFAULT_ALIAS] = (models[0][1]["name"], models[0][0])
    for host, model in models:
        other, same = first.setdefault(model["name"], (host, model))
        for key in ("model_id", "revision"):
            if model[key] != same[key]:
                what = f"has {key} {shown(model[key])} for {model['name']}, but {other} has"
                remedy = "deploy the same on both, or give one of them another name"
                yield problem(host, f"{what} {shown(same[key])}", remedy)
                break
    labels = [(host, model["name"], model["name"]) for host, model in models]
    labels += [(host, model["name"], one) for host, model in models for one in model["aliases"]]
    for host, name, label in labels:
        owner, other = owners.setdefault(label, (name, host))
        # check_models reports two of one host
        if owner != name and other != host:
            what = f"has {name}, called {shown(label)}, which means {owner} on {other}"
            yield problem(host, what, "give it another name or alias")
