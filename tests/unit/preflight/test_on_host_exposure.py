"""Test what the preflight finds of a host's ways in: by its containers, and by its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.common.commands import CommandResult, ask
from ansible.module_utils.tgi.host import firewall
from ansible.module_utils.tgi.preflight import on_host

from tests.support.preflight.host_root import as_root, fake_root, request_for

__all__ = ["as_root"]

HOUSE = {"name": "house", "gpus": []}


@pytest.mark.parametrize(
    ("engine", "egress", "rules", "unit", "holds"),
    [
        ("28.1.0", "open", "", 1, True),
        ("28.1.0", "open", "here", 0, False),
        ("26.1.5", "open", "", 1, False),
        ("26.1.5", "open", "here", 0, True),
        ("26.1.5", "open", "here", 3, False),
        ("26.1.5", "open", "flushed", 0, False),
        ("26.1.5", "open", "other", 0, False),
        ("", "open", "", 1, False),
        ("28.1.0", "no_metadata", "", 1, False),
        ("28.1.0", "no_metadata", "here", 0, True),
        ("28.1.0", "no_metadata", "flushed", 0, False),
        ("26.1.5", "none", "here", 0, True),
        ("26.1.5", "none", "other", 0, False),
        ("", "none", "here", 3, False),
    ],
)
def test_whether_the_firewall_is_as_needed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    egress: str,
    rules: str,
    unit: int,
    holds: bool,
) -> None:
    root = fake_root(tmp_path)
    text = firewall.files("/etc/tgi-fence", "", [], [], egress)["rules"]
    if rules:
        for path, words in {
            "etc/systemd/system/tgi-fence.service": "",
            "etc/tgi-fence/rules": text + ("-A TGI-FENCE -j DROP\n" if rules == "other" else ""),
        }.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(words)

    def answer(command: Any) -> CommandResult:
        line = " ".join(command)
        if line.startswith("docker version"):
            return CommandResult(0 if engine else None, engine)
        if line.startswith("systemctl is-"):
            return CommandResult(unit, "")
        if line.startswith("iptables"):
            chain = "" if rules == "flushed" else text
            return CommandResult(0, chain if "TGI-FENCE" in line else "-A X -j TGI-FENCE\n")
        return ask(command)

    monkeypatch.setattr(f"{on_host.__name__}.commands.ask", answer)
    facts = on_host.inspect_host(request_for(HOUSE, egress=egress), root)["facts"]
    assert facts["firewall_holds"] is holds
    assert facts["ports_closed"] is False


def test_a_shared_data_directory_is_named(tmp_path: Path) -> None:
    root = fake_root(tmp_path)
    (root / "srv/weights").mkdir(parents=True)
    (root / "srv/weights").chmod(0o1777)
    (note,) = on_host.inspect_host(request_for(HOUSE, data_dir="/srv/weights"), root)["notes"]
    assert note.startswith("tgi_data_dir /srv/weights lets every user run, as root, ")


def test_a_gated_model_of_the_catalogue_needs_a_token_until_its_weights_are_here(
    tmp_path: Path,
) -> None:
    root = fake_root(tmp_path)
    gated = {"name": "llama-3.1-8b", "gpus": []}
    answer = on_host.inspect_host(request_for(gated), root)
    line = (
        "tgi_models[0].hf_token is not set, but meta-llama/Llama-3.1-8B-Instruct is gated; accept "
        "its licence on the Hub, then write hf_token: true and tgi_hf_token"
    )
    assert line in answer["problems"]
    assert answer["notes"] == []
    revision = answer["facts"]["models"][0]["revision"]
    cache = "hub/models--meta-llama--Llama-3.1-8B-Instruct/snapshots"
    (root / "var/lib/tgi" / cache / revision).mkdir(parents=True)
    assert line not in on_host.inspect_host(request_for(gated), root)["problems"]


def test_a_gated_model_without_a_token_is_warned_of(tmp_path: Path) -> None:
    root = fake_root(tmp_path)
    gated = {**HOUSE, "model_id": "meta-llama/Llama-3.1-8B", "revision": "0" * 40}
    (note,) = on_host.inspect_host(request_for(gated), root)["notes"]
    assert note.startswith("tgi_models[0].hf_token is not set, and most repositories like meta-")
    assert on_host.inspect_host(request_for({**gated, "hf_token": True}), root)["notes"] == []


def test_a_route_of_the_site_that_docker_would_cover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = '[{"dst": "172.18.0.0/16", "gateway": "10.0.0.1", "dev": "eth0"}]'

    def answer(command: Any) -> CommandResult:
        return CommandResult(0, shown) if "route" in command else CommandResult(None, "")

    monkeypatch.setattr(f"{on_host.__name__}.commands.ask", answer)
    root = fake_root(tmp_path)
    (note,) = on_host.inspect_host(request_for(HOUSE), root)["notes"]
    assert note.startswith("the route to 172.18.0.0/16 by 10.0.0.1 leads into 172.18.0.0/16")
    elsewhere = request_for(HOUSE, docker_pools=("10.213.0.0/16",))
    assert on_host.inspect_host(elsewhere, root)["notes"] == []
    assert on_host.inspect_host(request_for(), root)["notes"] == []


def test_a_python_that_the_checks_cannot_use_is_named_before_a_model_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{on_host.__name__}.importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(f"{on_host.__name__}.sys.executable", "/opt/conda/bin/python")
    root = fake_root(tmp_path)
    found = on_host.inspect_host(request_for(HOUSE), root)["problems"]
    assert any(line.startswith("ansible_python_interpreter is /opt/conda/bin/p") for line in found)
    # A gateway runs no checks itself
    found = on_host.inspect_host(request_for(), root)["problems"]
    assert not any(line.startswith("ansible_python") for line in found)
