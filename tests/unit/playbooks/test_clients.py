"""Run the playbook, and the files it wrote, unmodified, against a server with a CA of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.gateway.talking_gateway import WORDS, Talking, talking
from tests.support.playbook import ansible_playbook
from tests.support.roots import ROOT

KEY = "sk-planted-0123456789abcdef"
MODELS = [
    {"name": "scribe", "model_id": "acme/s", "revision": "0" * 40, "max_total_tokens": 8192},
    # The catalogue knows that it has no chat template
    {"name": "starcoder2-15b"},
]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talking]:
    with talking(tmp_path_factory.mktemp("server"), KEY) as found:
        yield found


def write_site(folder: Path, gateway: Talking, *consumers: str, tls: Any = None) -> None:
    (folder / "pki").mkdir(exist_ok=True)
    (folder / "pki" / "ca.crt").write_text(gateway.ca)
    variables = {
        "ansible_host": "192.0.2.1",
        "tgi_models": MODELS,
        "gateway_server_name": "localhost",
        "gateway_https_port": gateway.port,
        "gateway_tls": tls or {"source": "private_ca", "ca_dir": str(folder / "pki")},
        "gateway_tiers": {"team": {"requests_per_second": 2, "burst": 4, "concurrent": 3}},
        "gateway_consumers": [
            {"name": name, "tier": "team", "keys": ["{{ vault_key }}"]} for name in consumers
        ],
    }
    host = {"hosts": {"edge1": variables}}
    groups = {"gpu_hosts": host, "gateways": {"hosts": {"edge1": {}, "edge2": variables}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": groups}}))
    (folder / "vault.yml").write_text(yaml.safe_dump({"vault_key": KEY}))


def play(folder: Path, *options: str, code: int = 0) -> str:
    """Run the playbook from ``folder``, where it writes; return its output."""
    words = ["-i", str(folder / "hosts.yml"), str(ROOT / "playbooks/clients.yml"), *options]
    done = ansible_playbook(*words, cwd=folder)
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert KEY not in said
    return said


WITH_KEYS = ("-e", "@vault.yml", "-e", "clients_with_keys=true")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, gateway: Talking) -> Path:
    """Return the directory of a consumer whose files have its key."""
    folder = tmp_path_factory.mktemp("site")
    write_site(folder, gateway, "duck")
    said = play(folder, *WITH_KEYS, "--diff", "-vvv")
    assert "client.env: written" in said
    return folder / "clients" / "localhost" / "duck"


def run(folder: Path, script: str) -> str:
    """Return what a shell prints that has nothing but client.env in its environment."""
    words = ["sh", "-ec", f"set -a; . ./client.env; {script}"]
    kept = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(words, cwd=folder, env=kept, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl_takes_its_file(written: Path, gateway: Talking) -> None:
    commands = [
        line.removeprefix("# ")
        for line in (written / "curl.conf").read_text().splitlines()
        if line.startswith("# curl ")
    ]
    models, chat = (run(written, f"{command} --silent --fail") for command in commands)
    assert json.loads(models)["data"][0]["id"] == "scribe"
    assert json.loads(chat)["choices"][0]["message"]["content"] == "".join(WORDS)
    assert gateway.requests[-1]["body"]["model"] == "scribe"


def test_openais_sdk_takes_its_file(written: Path, gateway: Talking) -> None:
    assert run(written, "python openai_client.py") == "".join(WORDS) + "\n"
    assert gateway.requests[-1]["path"] == "/v1/chat/completions"


def test_the_environment_alone_is_enough_for_a_client(written: Path) -> None:
    """The bundle is also what Python's clients read instead of their store."""
    script = "import openai; print(openai.OpenAI(max_retries=0).models.list().data[0].id)"
    assert run(written, f"python -c '{script}'") == "scribe\n"
    bundle = (written / "ca-bundle.pem").read_text()
    assert bundle.count("BEGIN CERTIFICATE") > 50
    assert bundle.endswith((written / "ca.crt").read_text())


def test_rubberduck_gets_names_rate_and_a_url_without_v1(written: Path, gateway: Talking) -> None:
    text = (written / "rubberduck.exs").read_text()
    assert f'System.get_env("TGI_BASE_URL", "https://localhost:{gateway.port}")' in text
    assert 'models: ["scribe", "tgi"],' in text
    assert "rate_limit: {120, :minute}" in text
    assert "gateway_info_public: true" in text and "update-ca-certificates" in text


def test_files_of_yaml_and_json(written: Path, gateway: Talking) -> None:
    base = f"https://localhost:{gateway.port}/v1"
    lite = yaml.safe_load((written / "litellm.yaml").read_text())
    (model,) = lite["model_list"]
    assert model["model_name"] == "scribe" and model["model_info"]["max_tokens"] == 8192
    assert model["litellm_params"] == {
        "model": "openai/scribe", "api_base": base, "api_key": "os.environ/OPENAI_API_KEY",
        "rpm": 120, "max_parallel_requests": 3,
    }  # fmt: skip
    assert lite["litellm_settings"]["ssl_verify"] == str(written / "ca-bundle.pem")
    (model,) = yaml.safe_load((written / "continue.yaml").read_text())["models"]
    assert (model["apiBase"], model["apiKey"]) == (base, "${{ secrets.OPENAI_API_KEY }}")
    assert model["defaultCompletionOptions"] == {"contextLength": 8192}
    aider = yaml.safe_load((written / "aider.conf.yml").read_text())
    limits = json.loads(Path(aider["model-metadata-file"]).read_text())
    assert limits[aider["model"]]["max_input_tokens"] == 8192
    secret = yaml.safe_load((written / "kubernetes-secret.yaml").read_text())
    assert secret["stringData"] == {
        "OPENAI_BASE_URL": base, "OPENAI_API_KEY": KEY, "ca.crt": gateway.ca,
    }  # fmt: skip


def test_only_the_files_that_need_it_have_the_key(written: Path) -> None:
    names = [path.name for path in sorted(written.iterdir()) if KEY in path.read_text()]
    assert names == ["client.env", "curl.conf", "kubernetes-secret.yaml", "open-webui.env"]
    # No template was left unfilled
    assert not [path for path in written.iterdir() if "{{ " in path.read_text().replace("${{", "")]


def test_later_runs(tmp_path: Path, gateway: Talking) -> None:
    """Without keys nothing of the vault is read; what is gone goes; nothing is written twice."""
    write_site(tmp_path, gateway, "duck", "goose")
    place = tmp_path / "clients" / "localhost"
    play(tmp_path, "--check")
    assert not place.exists()
    play(tmp_path)
    text = (place / "goose" / "client.env").read_text()
    assert "OPENAI_API_KEY=PASTE_THE_KEY_HERE" in text
    write_site(tmp_path, gateway, "goose", tls={"source": "files", "certificate": "c", "key": "k"})
    said = play(tmp_path, "-e", "clients_consumer=goose", "-e", "clients_place=/etc/llm")
    assert "changed=1" in said and (place / "duck").exists()
    assert not (place / "goose" / "ca.crt").exists()
    assert "/etc/llm/aider.models.json" in (place / "goose" / "aider.conf.yml").read_text()
    play(tmp_path, "-e", "clients_place=/etc/llm")
    assert [one.name for one in place.iterdir()] == ["goose"]
    assert "changed=0" in play(tmp_path, "-e", "clients_place=/etc/llm")


def test_what_no_client_could_use(tmp_path: Path, gateway: Talking) -> None:
    write_site(tmp_path, gateway, "duck")
    said = play(tmp_path, "-e", "clients_place='/a b'", "-e", "clients_ca_file=/none.pem", code=2)
    line = " ".join(said.split())
    assert "/a b is no path that all clients can read; write an absolute one" in line
    assert "/none.pem, the CA that clients must trust, does not exist; run site.yml first" in line
    assert not (tmp_path / "clients").exists()
