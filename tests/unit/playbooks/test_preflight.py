"""Test the action with Ansible's own templating and vault, on this machine."""

from __future__ import annotations

import datetime
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from tests.support.preflight.playbook_hosts import SECRET, problems, run, variables
from tests.support.tls_pairs import make


def test_a_good_inventory_with_a_vaulted_key(tmp_path: Path) -> None:
    vaulted = VaultLib([("default", VaultSecret(b"open sesame"))]).encrypt(SECRET).decode()
    plain = {name: value for name, value in variables().items() if name != "a_key"}
    key = "a_key: !vault |\n" + "".join(f"  {line}\n" for line in vaulted.splitlines())
    output = run(tmp_path, yaml.safe_dump(plain) + key)
    assert problems(output) == []
    if "Preflight refuses" not in output:
        # Ansible wraps the line
        assert '"deployed": []' in " ".join(output.split())


def test_a_finding_that_only_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    card = "0, GPU-a, NVIDIA L4, 23034, 535.261.03, 8.9, [N/A], Enabled"
    (programs / "nvidia-smi").write_text(f"#!/bin/sh\necho '{card}'\n")
    (programs / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    good = variables(nvidia_container_toolkit_enabled=True)
    del good["tgi_models"][0]["gpus"]
    output = " ".join(run(tmp_path, yaml.safe_dump(good)).split())
    assert output.count("[WARNING]: here: NVIDIA driver is 535.261.03: it runs the image's") == 1


def test_a_vaulted_key_that_is_not_the_certificates(tmp_path: Path) -> None:
    vault = VaultLib([("default", VaultSecret(b"open sesame"))])
    (tmp_path / "a.key").write_bytes(vault.encrypt(make(("localhost",)).key))
    (tmp_path / "a.crt").write_text(make(("localhost",)).certificate)
    pair = {"certificate": "{{ inventory_dir }}/a.crt", "key": "{{ inventory_dir }}/a.key"}
    tls = {"source": "files", **pair}
    output = run(tmp_path, yaml.safe_dump(variables(gateway_tls=tls)))
    assert problems(output) == [
        "gateway_tls.key does not belong to the certificate; "
        "write the key that belongs to the certificate"
    ]


def test_a_gateway_on_a_machine_of_its_own(tmp_path: Path) -> None:
    hosts: dict[str, Any] = {
        "gpu1": {"tgi_bind_address": "127.0.0.2"},
        "gpu2": {"tgi_bind_address": "{{ ansible_facts.default_ipv4.address }}"},
        "gpu3": {"tgi_bind_address": "10.0.0.7", "tgi_models": [{"name": "a", "model_id": "x/y"}]},
    }
    edge = {"tgi_models": "{{ undefined }}"}
    key = {"key": "{{ a_key }}", "expires": datetime.date(2099, 1, 31)}
    text = variables(gateway_consumers=[{"name": "checks", "tier": "team", "keys": [key]}])
    output = run(tmp_path, yaml.safe_dump(text), {"gpu_hosts": hosts, "gateways": {"edge": edge}})
    mine = output.partition("fatal: [edge]")[2].partition("fatal:")[0]
    # Between them -vvvv prints what runs on the other hosts meanwhile
    mine = "\n".join(re.findall(r"(?m)^ +- .*$", mine.partition("PLAY RECAP")[0]))
    for line in (
        'tgi_bind_address of gpu1 is "127.0.0.2", which no other machine can reach; write',
        'gpu3 has model_id "x/y" for a, but gpu1 has "acme/a"; deploy the same on both',
    ):
        assert line in mine
    assert "gpu2" not in mine
    assert 'keys[0].expires is a YAML date; put it in quotes: "2099-01-31"' in mine


BAD: list[tuple[dict[str, Any], str]] = [
    ({"tgi_modles": []}, "tgi_modles is not a variable of the role tgi; write tgi_models"),
    ({"tgi_base_port": "many"}, 'tgi_base_port is "many", not a whole number'),
    ({"a_key": "{{ vault_key }}"}, "gateway_consumers[0].keys[0] uses vault_key, which is not"),
    (
        {"b_key": "{{ '" + SECRET + "' | no_such_filter }}"},
        "gateway_consumers[1].keys[0] cannot be",
    ),
    (
        {"c_key": "{{ lookup('file', '/none') }}"},
        "gateway_consumers[2].keys[0] needs the file /none",
    ),
    ({"tgi_hf_token": [SECRET]}, "tgi_hf_token is a secret, not a text"),
    ({"tgi_image": "{{ undefined_one }}"}, "tgi_image uses undefined_one, which is not defined"),
    ({"gateway_tls": {"source": "files"}}, "gateway_tls.certificate is missing"),
    # The message has the module's findings on the host, too
    ({"preflight_min_memory_gib": 1000000}, "memory is "),
    # Host and controller share a clock here, so only an impossible limit fails
    ({"preflight_max_clock_skew_seconds": -1}, "clock is 0 s "),
    ({"gateway_tls": {"source": "files"}}, "gateway_tls.key is missing"),
]


def test_every_problem_of_a_bad_one_in_one_message(tmp_path: Path) -> None:
    bad = variables()
    for name in "bc":
        consumer = {"name": name, "tier": "team", "keys": ["{{ " + name + "_key }}"]}
        bad["gateway_consumers"].append(consumer)
    for more, _ in BAD:
        bad.update(more)
    found = problems(run(tmp_path, yaml.safe_dump(bad)))
    for _, line in BAD:
        assert any(line in one for one in found), line
    assert len(found) == len(BAD)


def test_role_tgi_alone_checks_the_inventory_and_the_host_first(tmp_path: Path) -> None:
    play = [{"hosts": "gpu_hosts", "gather_facts": False, "roles": ["tgi"]}]
    models = [{"name": "a", "model_id": "acme/a", "revision": "main", "gpus": []}]
    output = run(tmp_path, yaml.safe_dump(variables(tgi_models=models)), play=play)
    assert problems(output) == [
        'tgi_models[0].revision is "main", not a commit; '
        "write a commit, 40 hex digits: branches and tags move"
    ]
