"""The private CA on the controller: run as the role runs it, without a gateway."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT
from cryptography import x509


def issue(directory: Path, **variables: Any) -> tuple[int, str]:
    """Run the tasks that issue a leaf; gives the exit code and all that was said."""
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
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,"]
    done = subprocess.run(
        [*command, "-c", "local", str(playbook)],
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def end(path: Path) -> Any:
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


@pytest.mark.parametrize(("days", "capped"), [(60, True), (3650, False)])
def test_no_leaf_outlives_its_ca(tmp_path: Path, days: int, capped: bool) -> None:
    code, said = issue(tmp_path, gateway_tls_ca_days=days)
    assert code == 0, said
    leaf, authority = (end(tmp_path / "pki" / f"{n}.crt") for n in ("llm.example.org", "ca"))
    assert (leaf == authority) is capped
    assert leaf <= authority


def test_a_ca_that_ends_or_lost_its_key_is_refused_in_a_sentence(tmp_path: Path) -> None:
    code, said = issue(tmp_path, gateway_tls_ca_days=20)
    assert code != 0
    assert "ends in less than gateway_tls_renew_days; or move ca.crt" in said
    (tmp_path / "pki" / "ca.key").unlink()
    code, said = issue(tmp_path)
    assert code != 0
    assert "has lost its key, ca.key: bring it back; or move ca.crt" in said
    assert not (tmp_path / "pki" / "llm.example.org.crt").exists()
