"""Move a model to another host and to another port under load; ``TGI_ROLLOUTS=1`` runs it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.support.live.hosts import PORTS
from tests.support.live.roll_outs import flags, load, roll_out
from tests.support.playbook import changes
from tests.support.roots import ROOT

Hosts = Callable[[str], Any]
Model = dict[str, Any]
pytestmark = pytest.mark.skipif(
    os.environ.get("TGI_ROLLOUTS") != "1", reason="TGI_ROLLOUTS=1 tries it"
)
_EMULATED = {"TGI_EMULATOR_TEXT": "scripted", "TGI_EMULATOR_TOKEN_SECONDS": "0.005"}


def models(**more: Any) -> dict[str, Model]:
    """Return the scenario's models by name, each with more options."""
    text = (ROOT / "molecule/two_machines/inventory/hosts.yml").read_text()
    found = yaml.safe_load(text)["all"]["children"]["disposable"]["hosts"]["gpu2"]["tgi_models"]
    return {one["name"]: {**one, "environment": _EMULATED, **more} for one in found}


def placed(**hosts: list[Model]) -> dict[str, Any]:
    """Return variables that give each host its models."""
    return {"tgi_models": f"{{{{ {json.dumps(hosts)}[inventory_hostname] | default([]) }}}}"}


def where(at: Hosts, model: str) -> dict[str, str]:
    """Return host -> published address, of each host with a container of a model."""
    listed = "docker ps --all --format '{{.Names}} {{.Ports}}'"
    lines = {host: at(host).check_output(listed).splitlines() for host in ("gpu1", "gpu2")}
    return {
        host: line.partition(" ")[2]
        for host, found in lines.items()
        for line in found
        if f"-{model}-" in line
    }


def at_ports(own: dict[str, Model], **ports: int) -> dict[str, Any]:
    """Return variables that give each model a port, clerk beside its old set."""
    scribe, clerk = ({**own[name], "port": port} for name, port in ports.items())
    return {**placed(gpu1=[scribe], gpu2=[scribe, clerk]), "tgi_strategy": "blue_green"}


@pytest.fixture(autouse=True)
def _as_before(inventory: str) -> Iterator[None]:
    """Put both models back: without a written port, each keeps the one that it has."""
    yield
    for variables in (at_ports(models(), **PORTS), {"tgi_accept_downtime": True}):
        done = roll_out(inventory, **variables)
        assert done.returncode == 0, done.stdout


def test_a_model_moves_to_another_host_and_back(
    inventory: str, at: Hosts, record_property: Any
) -> None:
    own = models()
    assert list(where(at, "clerk")) == ["gpu2"]
    with load(inventory, ("clerk", "scribe")) as seen:
        there = placed(gpu1=[own["scribe"], own["clerk"]], gpu2=[own["scribe"]])
        done = roll_out(inventory, **there)
        assert done.returncode == 0, done.stdout
        assert "clerk on gpu1: start it" in done.stdout
        assert "clerk on gpu2: stop it" in done.stdout
        assert list(where(at, "clerk")) == ["gpu1"]
        again = roll_out(inventory, **there)
        assert changes(again) == {0}
        back = roll_out(inventory)
        assert back.returncode == 0, back.stdout
    record_property("requests during two moves", len(seen.seen))
    assert list(where(at, "clerk")) == ["gpu2"]
    assert not seen.bad("clerk")
    assert not seen.bad("scribe")
    assert flags(at) == ""


def test_models_change_their_ports(inventory: str, at: Hosts, record_property: Any) -> None:
    wanted = {"scribe": PORTS["scribe"] + 10, "clerk": PORTS["clerk"] + 20}
    changed = at_ports(models(), **wanted)
    with load(inventory, ("clerk", "scribe")) as seen:
        done = roll_out(inventory, **changed)
        assert done.returncode == 0, done.stdout
        assert f"new beside old on port {wanted['clerk']}" in done.stdout
        again = roll_out(inventory, **changed)
        assert changes(again) == {0}
    record_property("requests during changed ports", len(seen.seen))
    for model, port in wanted.items():
        assert all(f":{port}->80/tcp" in ports for ports in where(at, model).values())
    assert not seen.bad("scribe")
    assert not seen.bad("clerk")
    assert flags(at) == ""
