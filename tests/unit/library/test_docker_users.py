"""The module docker_users: who is added to the group, and who is no user at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.run_module import load, run

Add = Callable[..., dict[str, Any]]


@pytest.fixture
def add(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Add:
    module: Any = load("docker_users")
    monkeypatch.setattr(module, "known", lambda user: user != "nobody-here")
    monkeypatch.setattr(module, "members", lambda: ["anna"])
    monkeypatch.setattr(
        module.AnsibleModule, "get_bin_path", lambda _self, name, **_: str(tmp_path / name)
    )
    (tmp_path / "usermod").write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n'
        '[ "$4" != locked ] || { echo no >&2; exit 1; }\n'
    )
    (tmp_path / "usermod").chmod(0o755)

    def call(*users: str, check: bool = False) -> dict[str, Any]:
        return run(module, capsys, check, users=list(users))

    return call


def test_only_who_is_missing_is_added(add: Add, tmp_path: Path) -> None:
    assert add("anna")["changed"] is False
    assert add("anna", "bert", "bert", check=True)["added"] == ["bert"]
    assert not (tmp_path / "calls").exists()
    assert add("anna", "bert", "bert")["added"] == ["bert"]
    assert (tmp_path / "calls").read_text() == "--append --groups docker bert\n"


def test_nobody_is_made_a_user(add: Add, tmp_path: Path) -> None:
    answer = add("bert", "nobody-here")
    assert answer["msg"] == (
        "docker_users: nobody-here is no user of the host; add the user first, "
        "or leave the name out"
    )
    assert not (tmp_path / "calls").exists()


def test_what_usermod_says_is_said(add: Add) -> None:
    assert add("locked")["msg"] == "usermod says of locked: no"


def test_real_users_are_known() -> None:
    module: Any = load("docker_users")
    assert module.known("root") and not module.known("no-such-user")
    assert isinstance(module.members(), list)
