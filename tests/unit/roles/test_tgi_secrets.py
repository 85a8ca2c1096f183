"""The file with the token, read as Compose reads it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.support.render_compose import MODEL, render, template, variables
from tests.support.roots import ROOT


def read(text: str) -> dict[str, str]:
    r"""Compose's own rules for single quotes (compose-go, dotenv): all but \' is literal."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        match = re.fullmatch(r"([A-Z_]+)='((?:\\'|[^'])*)'", line)
        assert match, f"Compose would not take this literally: {line}"
        found[match[1]] = match[2].replace("\\'", "'")
    return found


TOKENS = [
    "hf_AbC123",
    "hf_$HOME${HOME}$$",
    "hf_a#b #c",
    "hf 'single' \"double\"",
    "hf_back\\slash\\n",
    "hf_=:;&|<>",
]


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_comes_through_unharmed(token: str) -> None:
    assert read(render("secrets.env.j2", tgi_hf_token=token)) == {"HF_TOKEN": token}


def test_no_token_is_no_variable() -> None:
    assert read(render("secrets.env.j2")) == {}


def test_the_file_is_roots_alone_and_in_no_log() -> None:
    tasks = yaml.safe_load((ROOT / "roles/tgi/tasks/main.yml").read_text())
    (task,) = [
        t for t in tasks if t.get("ansible.builtin.template", {}).get("src") == "secrets.env.j2"
    ]
    assert task["ansible.builtin.template"]["mode"] == "0600"
    assert task["no_log"] is True


def test_compose_projects_may_hold_secrets_too() -> None:
    tasks = yaml.safe_load((ROOT / "roles/tgi/tasks/main.yml").read_text())
    (task,) = [
        t for t in tasks if t.get("ansible.builtin.template", {}).get("src") == "compose.yaml.j2"
    ]
    assert task["ansible.builtin.template"]["mode"] == "0600"
    values = {**variables([MODEL]), "ansible_diff_mode": True}
    cases: list[tuple[dict[str, Any], bool]] = [
        ({}, True),
        ({"tgi_environment": {"A": "b"}}, False),
        ({"item": {"environment": {"A": "b"}}}, False),
    ]
    for more, shown in cases:
        given = {**values, "item": {"environment": {}}, **more}
        assert template(task["diff"], given) is shown
