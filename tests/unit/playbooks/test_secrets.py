"""Run the playbook: keys come into a vault, which the next run reads, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from tests.support.playbook import ansible_playbook
from tests.support.roots import ROOT

PASSWORD = "correct horse battery staple"
FILE = "group_vars/gateways/gateway_keys.yml"


def write_site(folder: Path, key: str = "sk-0123456789abcdef") -> None:
    ours = "{{ vault_gateway_keys['duck'] }}"
    consumers: list[dict[str, Any]] = [
        {"name": "duck", "tier": "team", "keys": ours},
        {"name": "owl", "tier": "team", "keys": [key]},
        {"name": "card", "tier": "team", "certificate_subjects": ["CN=card"]},
    ]
    variables = {"gateway_consumers": consumers}
    gateways = {"hosts": {"edge1": None, "edge2": None}, "vars": variables}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": {"gateways": gateways}}}))
    (folder / "password").write_text(PASSWORD)


def play(folder: Path, *options: str, code: int = 0, password: bool = True) -> str:
    words = ["-i", str(folder / "hosts.yml"), str(ROOT / "playbooks/secrets.yml"), *options]
    if password:
        words += ["--vault-password-file", str(folder / "password")]
    done = ansible_playbook(*words, cwd=folder)
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    # A key is 64 hex digits
    assert not re.search(r"[0-9a-f]{64}", said)
    return " ".join(said.split())


def keys(folder: Path) -> dict[str, Any]:
    """Return what the vault holds."""
    vault = VaultLib([("default", VaultSecret(PASSWORD.encode()))])
    text = vault.decrypt((folder / FILE).read_text())
    found: dict[str, Any] = yaml.safe_load(text)["vault_gateway_keys"]
    return found


def test_from_the_first_key_to_the_end_of_a_rotation(tmp_path: Path) -> None:
    write_site(tmp_path)
    play(tmp_path, "--check")
    assert not (tmp_path / FILE).exists()
    said = play(tmp_path, "-vvv", "--diff")
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / FILE).read_text().startswith("$ANSIBLE_VAULT;")
    (first,) = keys(tmp_path)["duck"]
    assert list(keys(tmp_path)) == ["duck"]
    assert "duck: keys: \"{{ vault_gateway_keys['duck'] }}\"" in said
    # The inventory has the keys now
    before = (tmp_path / FILE).read_bytes()
    assert "changed=0" in play(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before
    play(tmp_path, "-e", "secrets_rotate=duck")
    newest, old = keys(tmp_path)["duck"]
    assert old == first and newest != first


def test_a_file_that_was_decrypted_is_encrypted_though_no_key_changes(tmp_path: Path) -> None:
    """And a consumer whose keys cannot be read is no consumer without keys."""
    write_site(tmp_path)
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_text('vault_gateway_keys: {"duck": [{"key": "sk-0123456789abcdef"}]}\n')
    play(tmp_path)
    assert keys(tmp_path) == {"duck": [{"key": "sk-0123456789abcdef"}]}
    write_site(tmp_path, "{{ lookup('ansible.builtin.file', '/none') }}")
    assert "/none" in play(tmp_path, code=2)
    assert list(keys(tmp_path)) == ["duck"]


@pytest.mark.parametrize(
    ("prepare", "line"),
    [
        ("password", "add --ask-vault-pass or --vault-password-file"),
        ("gateways.yml", "would no longer be read beside a directory of that name; move it into"),
    ],
)
def test_nothing_is_written_where_it_would_do_harm(tmp_path: Path, prepare: str, line: str) -> None:
    write_site(tmp_path)
    if prepare == "gateways.yml":
        (tmp_path / "group_vars").mkdir()
        (tmp_path / "group_vars" / prepare).write_text("a: 1\n")
    assert line in play(tmp_path, code=2, password=prepare != "password")
    assert not (tmp_path / FILE).exists()
