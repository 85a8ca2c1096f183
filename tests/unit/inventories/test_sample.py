"""Check the inventory to copy: filled in it has no problem, and each open placeholder is named."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.tgi.preflight.inventory import check_inventory
from ansible.module_utils.tgi.preflight.role_specs import load_roles
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.manager import VariableManager

from tests.support.roots import ROOT
from tests.support.tls_pairs import make

SAMPLE = ROOT / "inventories" / "sample"
OPEN = "REPLACE_ME"
VAULT = "group_vars/all/vault.yml"
#: What playbooks/secrets.yml writes, encrypted
KEYS = "group_vars/gateways/gateway_keys.yml"
#: Every placeholder: its file, its line, what a site writes, the message when it is left
PLACEHOLDERS = [
    (
        "group_vars/gpu_hosts/tgi.yml",
        f"@sha256:{OPEN}",
        "@sha256:" + "0" * 64,
        "tgi_image is",
    ),
    (
        "group_vars/gateways/main.yml",
        f"gateway_server_name: {OPEN}",
        "gateway_server_name: llm.example.org",
        'gateway_server_name is "REPLACE_ME", not a host name; write the name in the clients\' URL',
    ),
]
PEMS = dict(zip(["fullchain.pem", "privkey.pem"], make(), strict=False))
by_place = pytest.mark.parametrize("place", range(len(PLACEHOLDERS)))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a copy with everything filled in, as docs/deploy.md describes."""
    path = tmp_path / "mysite"
    shutil.copytree(SAMPLE, path)
    keys = {name: ["a" * 32 + name[0] * 32] for name in ("rubberduck", "checks")}
    (path / KEYS).write_text(yaml.safe_dump({"vault_gateway_keys": keys}))
    replace(path, "hosts.yml", f"ansible_host: {OPEN}", "ansible_host: 192.0.2.10")
    for name, before, after, _ in PLACEHOLDERS:
        replace(path, name, before, after)
    (path / "pki").mkdir()
    for name, text in PEMS.items():
        (path / "pki" / name).write_text(text)
    return path


def replace(site: Path, name: str, before: str, after: str) -> None:
    text = (site / name).read_text()
    assert text.count(before) == 1
    (site / name).write_text(text.replace(before, after))


def read(path: str) -> str | None:
    return Path(path).read_text() if Path(path).exists() else None


def problems(site: Path, host: str = "gpu1") -> list[str]:
    """Return the problems that the preflight's action finds, with Ansible's own loader."""
    loader = DataLoader()
    inventory = InventoryManager(loader, sources=[str(site / "hosts.yml")])
    variables = VariableManager(loader, inventory).get_vars(host=inventory.get_host(host))
    roles = load_roles(
        ROOT / "roles", lambda path: loader.load_from_file(path, trusted_as_template=True)
    )
    defaults = {name: value for role in roles for name, value in role.defaults.items()}
    template = Templar(loader=loader, variables={**defaults, **variables}).template
    groups: list[str] = variables["group_names"]
    assert sorted(groups) == ["gateways", "gpu_hosts"]
    found: list[str]
    _, found = check_inventory(variables, groups, roles, template, read, {host: variables})
    return found


def test_filled_in_it_has_no_problem(site: Path) -> None:
    assert problems(site) == []


@by_place
def test_a_placeholder_that_is_left(site: Path, place: int) -> None:
    name, before, after, line = PLACEHOLDERS[place]
    replace(site, name, after, before)
    (found,) = problems(site)
    assert found.startswith(line)


def test_without_keys_the_command_that_makes_them_is_named(site: Path) -> None:
    (site / KEYS).unlink()
    found = problems(site)
    assert [line.partition(" ")[0] for line in found] == [
        "gateway_consumers[0].keys",
        "gateway_consumers[1].keys",
    ]
    for line in found:
        said = "uses vault_gateway_keys, which is not defined; make the keys: ansible-playbook"
        assert said in line


def test_the_token_of_a_gated_model_as_the_comments_say(site: Path) -> None:
    for name in ("tgi.yml", "models.yml"):
        path = site / "group_vars/gpu_hosts" / name
        path.write_text(re.sub(r"(?m)^( *)# (\w*hf_token: .*)$", r"\1\2", path.read_text()))
        assert "\n    hf_token: " in path.read_text() or "\ntgi_hf_token: " in path.read_text()
    shutil.copy(site / f"{VAULT}.example", site / VAULT)
    replace(site, VAULT, OPEN, "hf_" + "aB3" * 11)
    assert problems(site) == []


@pytest.mark.parametrize("name", PEMS)
def test_without_the_certificates_files(site: Path, name: str) -> None:
    (site / "pki" / name).unlink()
    (found,) = problems(site)
    assert f"/pki/{name}, which the controller cannot read; put the file there" in found


@pytest.mark.parametrize("source", ["private_ca", "acme"])
def test_another_source_as_its_comment_says(site: Path, source: str) -> None:
    text = (site / "group_vars/gateways/main.yml").read_text()
    (written,) = re.findall(rf"\{{source: {source}, .*?\}}(?= |\n)", text)
    values: dict[str, Any] = yaml.safe_load(text)
    values["gateway_tls"] = yaml.safe_load(written)
    assert values["gateway_tls"]["source"] == source
    (site / "group_vars/gateways/main.yml").write_text(yaml.safe_dump(values))
    shutil.rmtree(site / "pki")
    assert problems(site) == []


def test_every_setting_that_is_a_comment(site: Path) -> None:
    """Check that the preflight accepts each of them without the comment mark."""
    path = site / "group_vars/gateways/main.yml"
    text, count = re.subn(r"(?m)^# (\w+: .*)$", r"\1", path.read_text())
    assert count == 4
    path.write_text(text)
    assert problems(site) == []


def test_every_placeholder_is_known_here() -> None:
    counted = sum(
        line.split(" # ")[0].count(OPEN)
        for path in sorted(SAMPLE.rglob("*.yml*"))
        for line in path.read_text().splitlines()
        if not line.lstrip().startswith("#")
    )
    # ansible_host is SSH's to complain about, by that very name; the token is for few
    assert counted == len(PLACEHOLDERS) + 2


def test_no_secret_is_in_the_repository() -> None:
    assert not (SAMPLE / VAULT).exists()
    assert not (SAMPLE / "pki").exists()
