"""Run the module as Ansible does, with a stand-in for the docker command on PATH."""

from __future__ import annotations

import importlib.util
import json
import stat
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible.module_utils.tgi.docker.compose_containers import Docker, DockerError, run_docker
from ansible.module_utils.tgi.engines.tgi.causes import Cause
from ansible.module_utils.tgi.engines.tgi.log import parse
from ansible.module_utils.tgi.models.resolve import resolve_models
from ansible.module_utils.tgi.readiness.probe import Probe
from ansible.module_utils.tgi.readiness.state import Status

from tests.support.roots import ROOT
from tests.support.wait_chains import CHAINS

LABEL = "com.docker.compose.project"
STAND_IN = """#!{python}
import json, pathlib, sys
here, (verb, *rest) = pathlib.Path(__file__).parent, sys.argv[1:]
with open(here / "calls", "a") as calls:
    print(json.dumps(sys.argv[1:]), file=calls)
if (here / "broken").exists():
    sys.exit((here / "broken").read_text())
if verb == "ps":
    print(*[c["Id"] for c in json.loads((here / "containers").read_text())], sep="\\n")
elif verb == "inspect":
    print((here / "containers").read_text())
elif verb == "logs":
    for name in ("stdout", "stderr"):
        if (here / name).exists():
            getattr(sys, name).write((here / name).read_text())
elif verb == "events":
    print(1)
else:
    sys.exit("unknown command " + verb)
"""


def _library() -> Any:
    spec = importlib.util.spec_from_file_location("tgi_wait_module", ROOT / "library/tgi_wait.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tgi_wait = _library()
Run = Callable[..., dict[str, Any]]


def stamp(ago: float) -> str:
    now = datetime.fromtimestamp(time.time() - ago, timezone.utc)
    return now.strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def entry(project: str = "tgi-m", status: str = "running", **changes: Any) -> dict[str, Any]:
    """Return a container as docker inspect prints it."""
    state = {
        "Status": status, "StartedAt": stamp(60), "FinishedAt": "0001-01-01T00:00:00Z",
        "ExitCode": 0, "Error": "", "OOMKilled": False,
    }  # fmt: skip
    labels = {LABEL: project, "com.docker.compose.oneoff": changes.pop("oneoff", "False")}
    raw = {
        "Id": project * 8, "Name": f"/{project}-tgi-1", "Created": stamp(61), "RestartCount": 0,
        "Config": {"Labels": labels, "Env": ["PORT=80", "LOG_LEVEL=info"]},
    }  # fmt: skip
    raw.update({k: v for k, v in changes.items() if k in raw})
    state.update({k: v for k, v in changes.items() if k in state})
    return {**raw, "State": state}


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory of a stand-in ``docker``; write containers, stdout, broken there."""
    command = tmp_path / "docker"
    command.write_text(STAND_IN.format(python=sys.executable))
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "containers").write_text("[]")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(check: bool = False, **changes: Any) -> dict[str, Any]:
        model = {"name": "m", "url": "http://127.0.0.1:1"}
        args = {
            "models": [model], "window": 0.2, "interval": 0.1, "host": "gpu1", **changes,
            "_ansible_check_mode": check,
        }  # fmt: skip
        with patch_module_args(args), pytest.raises(SystemExit):
            tgi_wait.main()
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    return call


def test_a_dead_container_with_both_streams(docker: Path, run: Run) -> None:
    dead = entry(status="exited", ExitCode=1, StartedAt=stamp(60), FinishedAt=stamp(50))
    (docker / "containers").write_text(json.dumps([dead]))
    chain = next(one for one in CHAINS if one.id == "gated")
    *out, err = chain.lines
    out = [line.replace("gated repo for", "gated repo hf_SESAMEsesame123 for") for line in out]
    lines = [line for text in out for line in text.split("\n")]
    (docker / "stdout").write_text("".join(f"{stamp(59)} {line}\n" for line in lines))
    (docker / "stderr").write_text(f"{stamp(51)} {err}\n")
    answer = run()
    assert answer["failed"] is True
    assert answer["changed"] is False
    assert answer["failed_models"] == ["m"]
    first = answer["msg"].splitlines()[0]
    assert first.startswith("gpu1: model m failed while downloading weights: gated repository (")
    assert "Cannot access gated repo hf_*** for url" in answer["msg"]
    assert "SESAME" not in json.dumps(answer)
    (one,) = answer["models"]
    assert (one["cause"], one["exit_code"], one["phase"]) == ("gated", 1, "download")


def test_only_the_newest_container_of_our_projects_counts(docker: Path) -> None:
    old = entry(Id="a" * 64, Created=stamp(900), status="exited")
    new = entry(Id="b" * 64, Created=stamp(9))
    one_off = entry(Id="c" * 64, Created=stamp(1), oneoff="True")
    other = entry(project="tgi-other")
    (docker / "containers").write_text(json.dumps([new, old, one_off, other]))
    found = Docker(parse).containers(["tgi-m", "tgi-n"])
    assert {k: v.id[0] for k, v in found.items()} == {"tgi-m": "b"}
    calls = [json.loads(line)[0] for line in (docker / "calls").read_text().splitlines()]
    assert calls == ["ps", "inspect"]


def test_its_own_example_finds_the_containers_that_the_role_deploys(docker: Path, run: Run) -> None:
    """Compose drops dots from a project's name."""
    (example,) = yaml.safe_load(tgi_wait.EXAMPLES)
    models = example["tgi_wait"]["models"]
    deployed = [entry(project=model["project"]) for model in resolve_models(models)]
    (docker / "containers").write_text(json.dumps(deployed))
    answer = run(models=models)
    assert [one["phase"] for one in answer["models"]] == ["start", "start"]


def test_a_loading_model_is_pending(docker: Path, run: Run) -> None:
    (docker / "containers").write_text(json.dumps([entry()]))
    (docker / "stdout").write_text(f"{stamp(30)} {CHAINS[4].lines[1]}\n")
    answer = run()
    assert not answer.get("failed")
    assert (answer["ready"], answer["models"][0]["phase"]) == (False, "download")
    assert 29 < answer["models"][0]["elapsed"] < 300
    again = run(state=answer["state"])
    assert not again["ready"]
    (docker / "containers").write_text(
        json.dumps([entry(RestartCount=1, StartedAt=stamp(2), FinishedAt=stamp(3))])
    )
    restarted = run(state=again["state"])
    assert restarted["failed"]
    assert restarted["models"][0]["exit_code"] == 1


def test_deadlines_of_the_model_go_before_those_of_all(docker: Path, run: Run) -> None:
    (docker / "containers").write_text(json.dumps([entry()]))
    (docker / "stdout").write_text(f"{stamp(30)} {CHAINS[4].lines[1]}\n")
    assert run(timeouts={"download": 10})["failed"]
    model = {"name": "m", "url": "http://127.0.0.1:1", "timeouts": {"download": 100}}
    assert not run(timeouts={"download": 10}, models=[model]).get("failed")


def test_all_models_are_watched_for_as_long_but_not_in_check_mode(
    docker: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = Probe(True, True, "", True)
    answering = partial(tgi_wait.Watcher, probes=lambda asked: dict.fromkeys(asked, ready))
    monkeypatch.setattr(tgi_wait, "Watcher", answering)
    (docker / "containers").write_text(json.dumps([entry()]))
    assert run()["ready"] and run(steady=50)["ready"], "it has run for 60 s"
    answer = run(steady=90)
    assert (answer["ready"], answer["models"][0]["phase"]) == (False, "steady")
    assert answer["models"][0]["line"] == "gpu1 m: ready, watched for 0 of 90 s"
    answer["state"]["m"]["ready_since"] -= 90
    assert run(steady=90, state=answer["state"])["ready"]
    assert run(check=True, steady=90)["ready"]


def test_check_mode_on_a_host_without_docker(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    answer = run(check=True)
    assert not answer.get("failed")
    assert answer["models"][0]["phase"] == "absent"
    real = run()
    assert real["failed"]
    assert "docker command was not found" in real["msg"]
    assert "Remedy:" in real["msg"]


@pytest.mark.usefixtures("docker")
def test_check_mode_before_the_container_exists(run: Run) -> None:
    answer = run(check=True)
    assert not answer.get("failed")
    assert answer["failed_models"] == []
    assert (answer["ready"], answer["models"][0]["phase"]) == (False, "absent")
    assert run()["failed"]


def test_check_mode_warns_about_a_dead_one(
    docker: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(tgi_wait.AnsibleModule, "warn", lambda _, said: warnings.append(said))
    (docker / "containers").write_text(json.dumps([entry(status="exited", ExitCode=137)]))
    answer = run(check=True)
    assert not answer.get("failed")
    assert "the container was killed" in warnings[0]


def test_a_daemon_that_is_down(docker: Path, run: Run) -> None:
    (docker / "broken").write_text("Cannot connect to the Docker daemon at unix:///x.")
    answer = run()
    assert answer["failed"]
    assert "Cannot connect to the Docker daemon" in answer["msg"]
    with pytest.raises(DockerError):
        Docker(parse, run_docker).containers(["tgi-m"])


@pytest.mark.usefixtures("docker")
@pytest.mark.parametrize("url", ["127.0.0.1:8081", "https://h", "/x", ""])
def test_an_address_it_cannot_ask(run: Run, url: str) -> None:
    answer = run(models=[{"name": "m", "url": url}])
    assert answer["failed"]
    assert "write http://HOST:PORT" in answer["msg"]


def test_documentation_and_argument_specification_agree() -> None:
    def compare(documented: dict[str, Any], spec: dict[str, Any], where: str) -> None:
        assert documented.keys() == spec.keys(), where
        for name, option in spec.items():
            told = documented[name]
            for key in ("type", "required", "default", "elements"):
                assert told.get(key) == option.get(key), f"{where}.{name}.{key}"
            if "options" in option:
                compare(told["suboptions"], option["options"], f"{where}.{name}")

    compare(yaml.safe_load(tgi_wait.DOCUMENTATION)["options"], tgi_wait.ARGUMENTS, "options")


@pytest.mark.usefixtures("docker")
def test_everything_returned_is_documented(run: Run) -> None:
    documented = yaml.safe_load(tgi_wait.RETURN)
    answer = run()
    told = documented["models"]["contains"].keys()
    assert answer["models"][0].keys() - {"line"} == told, "the action plugin takes `line` away"
    assert answer.keys() - {"changed", "failed", "msg", "state", "invocation"} == documented.keys()


@pytest.mark.usefixtures("docker")
def test_it_warns_of_what_serves_and_is_not_as_asked(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(tgi_wait.AnsibleModule, "warn", lambda _, said: warnings.append(said))
    unread = Cause("no_ref", "the offline cache has no refs/v1", "docker restart CONTAINER")
    ready = Status("m", "ready", True, container="tgi-m-tgi-1", warnings=(unread,))
    monkeypatch.setattr(tgi_wait.Watcher, "watch", lambda *_: [ready])
    answer = run()
    assert not answer.get("failed")
    assert warnings == [
        "gpu1: model m serves, but the offline cache has no refs/v1. Remedy: docker restart "
        "tgi-m-tgi-1."
    ]
    (one,) = answer["models"]
    assert one["warnings"] == [
        {"cause": "no_ref", "text": unread.text, "remedy": "docker restart tgi-m-tgi-1"}
    ]


def test_what_a_container_asks_for_is_read_from_docker(docker: Path) -> None:
    plain = entry("tgi-a")
    asks = entry("tgi-b") | {
        "HostConfig": {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=0"]}]},
        "Mounts": [{"Source": "/srv/models", "Destination": "/data"}],
    }
    asks["Config"]["Env"].append("HF_HUB_OFFLINE=1")
    (docker / "containers").write_text(json.dumps([plain, asks]))
    found = Docker(parse).containers(["tgi-a", "tgi-b"])
    a, b = found["tgi-a"], found["tgi-b"]
    assert (a.devices, a.offline, a.data) == (False, False, "")
    assert (b.devices, b.offline, b.data) == (True, True, "/srv/models")


def test_the_beginning_of_a_long_log_is_asked_for_by_time(docker: Path) -> None:
    (docker / "containers").write_text(json.dumps([entry("tgi-a")]))
    (docker / "stdout").write_text(f"{stamp(59)} Args {{\n")
    reader = Docker(parse)
    one = reader.containers(["tgi-a"])["tgi-a"]
    assert [line.message for line in reader.first_logs(one, 100)] == ["Args {"]
    asked = json.loads((docker / "calls").read_text().splitlines()[-1])
    since, until = (float(word.partition("=")[2]) for word in asked[2:4])
    assert since <= one.started
    assert until == pytest.approx(one.started + 100, abs=0.01)
