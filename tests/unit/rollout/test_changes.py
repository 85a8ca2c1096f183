"""Test what a run would do to each model of a host, and the reasons that it gives."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.docker.compose_containers import DockerError
from ansible.module_utils.tgi.models.project_files import write_project
from ansible.module_utils.tgi.models.record import Record
from ansible.module_utils.tgi.rollout.changes import Sources, WantedModel, find_changes
from ansible.module_utils.tgi.rollout.history import HistoryEntry, append
from ansible.module_utils.tgi.rollout.sets import keep, set_id

from tests.support.rollout.docker_on_host import DockerOnHost


def model(name: str = "a", port: int = 8081, token: str = "", **more: Any) -> WantedModel:
    record = Record(name, f"tgi-{name}", port, ["0"], **more)
    compose = (
        f"# Written by tgi-ansible\nname: tgi-{name}\nservices:\n  tgi:\n"
        f'    ports: ["127.0.0.1:{port}:80"]\n'
    )
    return WantedModel(record, compose, f"# Ansible managed\n{token}")


class GpuHost:
    """A host below a directory, with its Docker and the URLs that answer."""

    def __init__(self, base: Path) -> None:
        self.base, self.docker = base, DockerOnHost()
        self.healthy: set[str] = set()
        self.asked: list[str] = []

    def deploy(self, one: WantedModel, state: str = "running", passed: bool = True) -> None:
        """Deploy a model; "" as its state is one without a container."""
        place = self.base / one.record.name
        place.mkdir(parents=True, exist_ok=True)
        write_project(place, one.compose, one.secrets, one.record, dry=False)
        if passed:
            keep(place, 3)
        if state:
            self.docker.states[one.record.project] = state

    def changes(self, *wanted: WantedModel, show: bool = True) -> list[dict[str, Any]]:
        def healthy(url: str, _seconds: float) -> bool:
            self.asked.append(url)
            return url in self.healthy

        sources = Sources(self.docker.ask, self.docker.run, healthy)
        return find_changes(self.base, wanted, show, sources)

    def change(self, wanted: WantedModel) -> tuple[str, list[str]]:
        (found,) = self.changes(wanted)
        return found["action"], found["why"]


@pytest.fixture
def host(tmp_path: Path) -> GpuHost:
    return GpuHost(tmp_path)


def test_nothing(host: GpuHost) -> None:
    host.deploy(model())
    (found,) = host.changes(replace(model(), record=replace(model().record, commit="2")))
    assert found == {
        "name": "a",
        "action": "nothing",
        "why": [],
        "set": set_id(model().compose),
        "current": set_id(model().compose),
        "kept": True,
        "returnable": False,
        "runs": True,
        "stale": False,
        "serves": None,
        "gap": None,
        "port": 8081,
        "project": "tgi-a",
        "gpus": ["0"],
        "beside": None,
        "memory": None,
    }
    assert host.asked == []


def test_another_option_replaces(host: GpuHost) -> None:
    host.deploy(model())
    host.healthy.add("http://127.0.0.1:8081")
    append(host.base, [HistoryEntry("", "a", "replaced", gap=12.5)])
    (found,) = host.changes(model(port=8090))
    assert (found["action"], found["why"]) == ("replace", ["port 8081 → 8090"])
    # As it is deployed, not as it will be
    assert (found["port"], found["serves"], found["gap"]) == (8081, True, 12.5)
    assert found["set"] != found["current"]
    assert found["kept"] and found["returnable"]


def test_another_token_replaces_and_can_go_back(host: GpuHost) -> None:
    host.deploy(model(token="HF_TOKEN='one'\n"))
    (found,) = host.changes(model(token="HF_TOKEN='two'\n"))
    assert (found["action"], found["why"]) == ("replace", ["token of the Hub"])
    assert found["set"] == found["current"] and found["returnable"]


@pytest.mark.parametrize("state", ["", "exited", "restarting"])
def test_what_does_not_run_is_started(host: GpuHost, state: str) -> None:
    host.deploy(model(), state)
    (found,) = host.changes(model())
    assert (found["action"], found["runs"]) == ("start", False)
    assert found["why"] == [f"its container is {state}" if state else "it has no container"]


def test_a_new_model(host: GpuHost) -> None:
    (found,) = host.changes(model(port=9000))
    assert (found["action"], found["why"]) == ("start", ["it is new on this host"])
    assert (found["current"], found["kept"], found["returnable"]) == ("", False, False)
    assert (found["port"], found["gpus"], found["serves"]) == (9000, ["0"], None)


@pytest.mark.parametrize("word", ["Recreate", "Creating", "Starting"])
def test_compose_would_touch_it_though_the_files_are_the_same(host: GpuHost, word: str) -> None:
    host.deploy(model())
    host.docker.would["tgi-a"] = word
    action, (why,) = host.change(model())
    assert action == "replace"
    assert why.startswith(f"Docker Compose would do this to its container: {word}")


def test_a_run_that_ended_before_the_container_was_replaced(host: GpuHost) -> None:
    host.deploy(model(token="HF_TOKEN='one'\n"))
    wanted = model(port=8090, token="HF_TOKEN='two'\n")
    host.deploy(wanted, passed=False)
    host.docker.would["tgi-a"] = "Recreate"
    (found,) = host.changes(wanted)
    assert found["action"] == "replace"
    assert found["why"] == [
        "port 8081 → 8090 (a run before did not finish)",
        "token of the Hub (a run before did not finish)",
    ]
    # Its container still is that of the set before
    assert (found["port"], host.asked) == (8081, ["http://127.0.0.1:8081"])


def test_a_roll_back_that_ended_before_the_container_was_replaced(host: GpuHost) -> None:
    """The set before is active again, and the container is still that of the wanted one."""
    host.deploy(model())
    assert not host.changes(model(port=9000))[0]["stale"]
    host.docker.would["tgi-a"] = "Recreate"
    (found,) = host.changes(model(port=9000))
    assert (found["action"], found["stale"]) == ("replace", True)
    # A container that Compose would recreate is not one of another set
    assert not host.changes(model())[0]["stale"]
    host.docker.states["tgi-a"] = "exited"
    assert not host.changes(model(port=9000))[0]["stale"]
    host.deploy(model(port=7000), passed=False)
    assert not host.changes(model(port=9000))[0]["stale"]


def test_files_alone(host: GpuHost) -> None:
    host.deploy(model())
    named = replace(model(), record=replace(model().record, aliases=["b"]))
    assert host.change(named) == ("update", ["files alone: deployed.json"])
    comment = replace(model(), compose=f"{model().compose}# Another\n")
    assert host.change(comment) == ("update", ["files alone: compose.yaml"])
    (host.base / "a/secrets.env").chmod(0o644)
    assert host.change(model()) == ("update", ["files alone: secrets.env"])


@pytest.mark.parametrize("word", ["Running", "Recreate"])
def test_files_are_lost_while_the_container_runs(host: GpuHost, word: str) -> None:
    host.deploy(model(token="HF_TOKEN='one'\n"))
    host.docker.directory = str(host.base / "a")
    host.docker.would["tgi-a"] = word
    shutil.rmtree(host.base / "a")
    (found,) = host.changes(model(token="HF_TOKEN='one'\n"))
    assert found["action"] == ("update" if word == "Running" else "replace")
    assert (found["port"], found["runs"], found["current"]) == (8081, True, "")
    assert host.docker.seen[0]["secrets.env"].endswith("HF_TOKEN='one'\n")
    assert not (host.base / "a").exists()


def test_lost_secrets_alone(host: GpuHost) -> None:
    host.deploy(model(token="HF_TOKEN='one'\n"))
    (host.base / "a/secrets.env").unlink()
    action, (why,) = host.change(model(token="HF_TOKEN='one'\n"))
    assert (action, why) == ("update", "files alone: secrets.env")


def test_a_model_that_left_the_list(host: GpuHost) -> None:
    host.deploy(model("b", 8082))
    host.deploy(model("a"))
    host.healthy.add("http://127.0.0.1:8082")
    kept, gone = host.changes(model("a"))
    assert (kept["name"], kept["action"]) == ("a", "nothing")
    assert (gone["name"], gone["action"], gone["set"]) == ("b", "stop", "")
    assert (gone["port"], gone["project"], gone["serves"]) == (8082, "tgi-b", True)


def test_what_has_not_passed_is_asked(host: GpuHost) -> None:
    host.deploy(model(), passed=False)
    (found,) = host.changes(model())
    assert (found["action"], found["kept"], found["serves"]) == ("nothing", False, False)


def test_without_docker_everything_is_to_start(host: GpuHost) -> None:
    host.docker.trouble = "the docker command was not found on this host"
    host.deploy(model(), "")
    new, old = host.changes(model("new", 8082), model())
    assert (new["action"], new["why"]) == ("start", ["it is new on this host"])
    assert (old["action"], old["why"]) == ("start", [host.docker.trouble])


def test_values_that_may_be_secret_are_not_shown(host: GpuHost) -> None:
    def with_key(value: str) -> WantedModel:
        environment = f'    environment:\n      "KEY": "{value}"\n'
        return replace(model(), compose=model().compose + environment)

    host.deploy(with_key("one"))
    (found,) = host.changes(with_key("two"), show=False)
    assert found["why"] == ["KEY"]
    assert host.change(with_key("two")) == ("replace", ["KEY one → two"])


def test_compose_refuses_what_it_took_before(host: GpuHost) -> None:
    host.deploy(model())
    host.docker.would["tgi-a"] = "error: yaml"
    with pytest.raises(DockerError, match="error: yaml"):
        host.changes(model())


def test_several_models_at_once(host: GpuHost) -> None:
    models = [model(f"m{number}", 8081 + number) for number in range(12)]
    for one in models:
        host.deploy(one)
    host.docker.would["tgi-m7"] = "Recreate"
    found = host.changes(*models)
    assert [one["name"] for one in found] == [one.record.name for one in models]
    assert [one["name"] for one in found if one["action"] != "nothing"] == ["m7"]
