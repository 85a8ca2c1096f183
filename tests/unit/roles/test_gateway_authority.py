"""Test the private CA on the controller with the role's own tasks, without a gateway."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.tgi.gateway.tls.certificate import leaf_due
from ansible.parsing.vault import VaultLib, VaultSecret
from cryptography import x509

from tests.support.playbook import ansible_playbook


def issue(directory: Path, **variables: Any) -> tuple[int, str]:
    """Run the tasks that issue a leaf; return the exit code and all output."""
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {
            "gateway_server_name": "llm.example.org",
            "gateway_tls": {"source": "private_ca", "ca_dir": str(directory / "pki")},
            "ansible_python_interpreter": sys.executable,
            **variables,
        },
        "tasks": [{"import_role": {"name": "gateway", "tasks_from": "private_ca"}}],
    }
    playbook = directory / "play.yml"
    playbook.write_text(yaml.safe_dump([play]))
    done = ansible_playbook("-i", "localhost,", "-c", "local", str(playbook))
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def end(path: Path) -> Any:
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a new CA of 60 days and its leaf of 40."""
    directory = tmp_path_factory.mktemp("issued")
    code, said = issue(directory, gateway_tls_ca_days=60, gateway_tls_leaf_days=40)
    assert code == 0, said
    return directory / "pki"


@pytest.fixture
def pki(issued: Path, tmp_path: Path) -> Path:
    """Return a copy of it, for a test that changes it."""
    return Path(shutil.copytree(issued, tmp_path / "pki"))


def test_a_renewal_heals_the_leaf_which_does_not_outlive_its_kept_ca(
    pki: Path, tmp_path: Path
) -> None:
    before, leaf = (pki / "ca.crt").read_text(), pki / "llm.example.org.crt"
    assert end(leaf) < end(pki / "ca.crt")

    def due(days: int) -> bool:
        key = (pki / "llm.example.org.key").read_text()
        answer: bool = leaf_due(
            leaf.read_text(), key, (pki / "ca.crt").read_text(), "llm.example.org", days
        )
        return answer

    assert (due(30), due(41)) == (False, True)
    code, said = issue(tmp_path)
    assert code == 0, said
    assert (pki / "ca.crt").read_text() == before
    assert not due(41)
    assert end(leaf) == end(pki / "ca.crt")


def test_a_vaulted_key_of_the_ca_signs(
    pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = VaultLib([("default", VaultSecret(b"open sesame"))])
    (pki / "ca.key").write_bytes(vault.encrypt((pki / "ca.key").read_text()))
    (pki / "llm.example.org.crt").unlink()
    (tmp_path / "password").write_text("open sesame")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(tmp_path / "password"))
    code, said = issue(tmp_path)
    assert code == 0, said
    authority = x509.load_pem_x509_certificate((pki / "ca.crt").read_bytes())
    leaf = x509.load_pem_x509_certificate((pki / "llm.example.org.crt").read_bytes())
    leaf.verify_directly_issued_by(authority)


def test_a_ca_that_ends_or_lost_its_key_is_refused_in_a_sentence(pki: Path, tmp_path: Path) -> None:
    leaf = pki / "llm.example.org.crt"
    leaf.unlink()
    code, said = issue(tmp_path, gateway_tls_renew_days=61)
    assert code != 0
    assert "expires in less than gateway_tls_renew_days (61); move ca.crt and ca.key away" in said
    (pki / "ca.key").unlink()
    code, said = issue(tmp_path)
    assert code != 0
    assert "has no key; restore ca.key, or move ca.crt and ca.key away" in said
    assert not leaf.exists()
