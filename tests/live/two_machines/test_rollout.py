"""Change models under load: no request fails, what fails goes back, a dead run leaves nothing.

``TGI_ROLLOUTS=1`` tries every fault and every place of a kill, which takes much longer.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.live.hosts import until
from tests.support.live.roll_outs import (
    MARK,
    clerk_alone,
    environment,
    flags,
    kill_at,
    load,
    marked,
    marks,
    roll_out,
    running,
    scribe_alone,
)
from tests.support.playbook import changes

Hosts = Callable[[str], Any]
DEPLOYED = "/opt/tgi/scribe/deployed.json"
#: Long enough for die-after=10, and short for an engine that never answers
SOON: dict[str, Any] = {
    "rollout_steady_seconds": 15,
    "tgi_phase_timeouts": {"start": 60, "download": 60, "load": 60, "warmup": 60, "serve": 20},
}


def test_a_change_of_all_models_fails_no_request_and_no_other_run_may_begin(
    inventory: str, at: Hosts, record_property: Any
) -> None:
    # Another value in each run of the tests
    value = f"{time.time():.0f}"
    change = environment(**{MARK: value})
    with (
        load(inventory, ("scribe", "clerk")) as seen,
        running(inventory, "site.yml", **change) as first,
    ):
        assert first.stdout
        said: list[str] = []
        reader = threading.Thread(target=lambda: said.extend(first.stdout or []))
        reader.start()
        until(300, lambda: at("gpu1").run("test -e /run/tgi-ansible.lock").rc == 0)
        second = roll_out(inventory, **environment(**{MARK: "second"}))
        reader.join()
    told = "".join(said)
    assert first.returncode == 0, told
    assert f"scribe on gpu2: replace it ({MARK}" in told
    assert "turn 2 of 2" in told
    assert second.returncode != 0
    assert "has been changing this host since" in second.stdout, second.stdout
    record_property("requests during a rolling change", len(seen.seen))
    assert not seen.bad()
    assert seen.count("scribe", "whole") > 4
    assert len(seen.seen) > 200
    # The other model has one replica: out while it is replaced, and clients hear when to come back
    gone = seen.bad("clerk")
    assert {result for _, _, result in gone} <= {"503"}, gone
    assert seen.retry_after == {"5"}
    record_property("seconds in place", gone[-1][0] - gone[0][0])
    assert marks(at) == marked(value)
    assert flags(at) == ""
    again = roll_out(inventory, "site.yml", **change)
    assert again.returncode == 0, again.stdout
    assert changes(again) == {0}, again.stdout


def test_the_plan_says_it_first(inventory: str, at: Hosts) -> None:
    before = at("gpu1").check_output(f"cat {DEPLOYED}")
    change = environment(**{MARK: "two"})
    for more in ({"rollout_plan_only": True}, {"tgi_accept_downtime": False}):
        done = roll_out(inventory, **{**change, **more})
        assert f"scribe on gpu1: replace it ({MARK}): one replica after the other" in done.stdout
        refused = "tgi_accept_downtime" in more
        assert ("is the only replica of clerk that serves" in done.stdout) is refused
        assert (done.returncode != 0) is refused, done.stdout
        assert changes(done) == {0}, done.stdout
    assert at("gpu1").check_output(f"cat {DEPLOYED}") == before


FAULTS = {
    "die-after=10": "after it was ready",
    "oom-load": "out of GPU memory: the weights do not fit",
    "hang": "no token within 20 s",
    "degenerate": "degenerate",
    "wrong-model=bigscience/bloom-560m": "identity differs",
    "slower=0.3": "scribe",
}
#: Tasks at whose beginning a run is killed
KILLS = [
    "Up | Start the models",
    "Drain | Wait until",
    "Write | Write the files",
    "Wait until every model",
    "Check every model on its own port",
    "Forward | Keep",
    "Serve | Send requests",
    "Unlock | Let other",
]
EVERY = os.environ.get("TGI_ROLLOUTS") == "1"


@pytest.mark.parametrize(
    ("fault", "words"), list(FAULTS.items()) if EVERY else list(FAULTS.items())[:1]
)
def test_a_version_that_fails_goes_back(inventory: str, at: Hosts, fault: str, words: str) -> None:
    before = marks(at)
    with load(inventory) as seen:
        red = roll_out(inventory, **{**environment(TGI_EMULATOR_FAULTS=fault), **SOON})
    assert red.returncode != 0
    assert words in red.stdout, red.stdout
    assert "went back to the files before" in red.stdout, red.stdout
    assert not seen.bad()
    assert flags(at) == ""
    assert marks(at) == before


# A new set beside the old one has this fault in each run of the tests
@pytest.mark.skipif(not EVERY, reason="TGI_ROLLOUTS=1 tries every fault")
def test_a_fault_that_shows_at_the_edge_goes_back_on_all_hosts(inventory: str, at: Hosts) -> None:
    before = marks(at)
    red = roll_out(inventory, **environment(TGI_EMULATOR_FAULTS="via-gateway=degenerate"))
    assert red.returncode != 0
    assert "Go back on all hosts, as a check of the endpoint failed" in red.stdout
    assert marks(at) == before, red.stdout
    assert flags(at) == ""


def test_an_image_that_cannot_be_pulled_changes_nothing(inventory: str, at: Hosts) -> None:
    image = at("gpu1").check_output(f"cat {DEPLOYED}")
    other = json.loads(image)["image"].partition("@")[0] + "@sha256:" + "0" * 64
    red = roll_out(inventory, tgi_image=other, **environment(**{MARK: "one"}))
    assert "Docker cannot pull the image; the old containers still serve" in red.stdout
    assert at("gpu1").check_output(f"cat {DEPLOYED}") == image


@pytest.mark.parametrize("task", KILLS if EVERY else KILLS[:1])
def test_a_killed_run_is_finished_by_the_next(inventory: str, at: Hosts, task: str) -> None:
    change = scribe_alone(at, **{MARK: task.replace(" ", "")})
    with load(inventory) as seen:
        kill_at(inventory, "Drain | Send nothing new", task, **change)
        done = roll_out(inventory, **change)
    assert done.returncode == 0, done.stdout
    assert not seen.bad()
    assert flags(at) == ""
    assert marks(at) == marked(change["tgi_environment"][MARK])
    for name in ("gpu1", "gpu2", "edge12", "edge13"):
        assert at(name).run("test -e /run/tgi-ansible.lock").rc == 1


def test_going_back_on_request(inventory: str, at: Hosts) -> None:
    listed = roll_out(inventory, "playbooks/history.yml").stdout
    assert "returned" in listed
    assert "replaced" in listed
    before = marks(at)
    with load(inventory) as seen:
        done = roll_out(inventory, "playbooks/rollback.yml", rollback_model="scribe")
    assert done.returncode == 0, done.stdout
    assert not seen.bad()
    assert marks(at) != before
    assert "rolled_back" in roll_out(inventory, "playbooks/history.yml").stdout


#: On gpu2, whose model clerk has no other replica
CLERK = "cat /opt/tgi/clerk/deployed.json"


def beside(at: Hosts, **more: str) -> dict[str, Any]:
    """Return variables that change clerk alone, whose new set then starts beside the old one."""
    return {**clerk_alone(at, **more), "tgi_strategy": "blue_green"}


def containers(at: Hosts) -> set[str]:
    """Return the containers of clerk, stopped ones too."""
    listed = at("gpu2").check_output("docker ps --all --format '{{.Names}}'").split()
    return {name for name in listed if "clerk" in name}


def project(at: Hosts) -> str:
    """Return the Compose project of clerk's active set, whose container is its only one."""
    found = str(json.loads(at("gpu2").check_output(CLERK))["project"])
    assert containers(at) == {f"{found}-tgi-1"}
    return found


def settled(at: Hosts) -> bool:
    """Return whether no flag and no lock is left."""
    locked = [at(name).run("test -e /run/tgi-ansible.lock").rc for name in ("gpu2", "edge12")]
    return flags(at) == "" and locked == [1, 1]


def test_a_model_alone_changes_beside_the_old_set_and_goes_back_so(
    inventory: str, at: Hosts, record_property: Any
) -> None:
    before = project(at)
    change = beside(at, **{MARK: f"{time.time():.0f}"})
    with load(inventory, ("clerk",)) as seen:
        done = roll_out(inventory, **change)
        assert done.returncode == 0, done.stdout
        assert f"clerk on gpu2: replace it ({MARK}" in done.stdout
        assert "new beside old on port" in done.stdout, done.stdout
        assert {before, project(at)} == {"tgi-clerk", "tgi2-clerk"}
        if EVERY:
            assert changes(again := roll_out(inventory, **change)) == {0}, again.stdout
        back = roll_out(inventory, "playbooks/rollback.yml", rollback_model="clerk")
        assert back.returncode == 0, back.stdout
    record_property("requests during two changes beside", len(seen.seen))
    assert project(at) == before
    assert not seen.bad("clerk")
    assert seen.count("clerk", "whole") > 4
    assert settled(at)


BESIDE_FAULTS = {
    "via-gateway=degenerate": "Go back to what still runs beside",
    "oom-load": "whose containers served all the time",
    "degenerate": "whose containers served all the time",
}


@pytest.mark.parametrize(
    ("fault", "words"), list(BESIDE_FAULTS.items()) if EVERY else list(BESIDE_FAULTS.items())[:1]
)
def test_a_new_set_that_fails_leaves_the_old_one_alone(
    inventory: str, at: Hosts, fault: str, words: str
) -> None:
    before, began = project(at), at("gpu2").check_output(_STARTED)
    with load(inventory, ("clerk",)) as seen:
        red = roll_out(inventory, **{**SOON, **beside(at, TGI_EMULATOR_FAULTS=fault)})
    assert red.returncode != 0
    assert words in red.stdout, red.stdout
    assert (project(at), at("gpu2").check_output(_STARTED)) == (before, began)
    # Through the edge, clients see the fault until the way back
    assert fault.startswith("via-gateway") or not seen.bad("clerk")
    assert settled(at)


_STARTED = (
    "docker inspect --format '{{.Id}} {{.State.StartedAt}}' "
    "$(docker ps --quiet --filter name=clerk)"
)
#: Tasks at whose beginning a run is killed, each in the part that is about a new set
BESIDE_KILLS = [
    "Write | Write the files",
    "Up | Start the models",
    "Check every model on its own port",
    "Forward | Keep",
    "Put the configuration in force",
    "Surplus | Stop it",
    "Settle | Give the locks back",
]


@pytest.mark.skipif(not EVERY, reason="TGI_ROLLOUTS=1 tries every place")
@pytest.mark.parametrize("task", BESIDE_KILLS)
def test_a_new_set_whose_run_is_killed_is_finished_by_the_next(
    inventory: str, at: Hosts, task: str
) -> None:
    change = beside(at, **{MARK: task.replace(" ", "")})
    with load(inventory, ("clerk",)) as seen:
        kill_at(inventory, "Beside | Start the containers", task, **change)
        done = roll_out(inventory, **change)
    assert done.returncode == 0, done.stdout
    assert not seen.bad("clerk")
    assert settled(at)
    name = f"{project(at)}-tgi-1"
    marked_so = at("gpu2").check_output(f"docker exec {name} printenv {MARK}")
    assert marked_so == change["clerk_environment"][MARK]


@pytest.mark.skipif(not EVERY, reason="TGI_ROLLOUTS=1 tries it")
def test_a_killed_roll_back_goes_on_to_where_it_was_going(inventory: str, at: Hosts) -> None:
    playbook = "playbooks/rollback.yml"
    for value in ("before", "after"):
        done = roll_out(inventory, **environment(**{MARK: value}))
        assert done.returncode == 0, done.stdout
    with load(inventory) as seen:
        # The files before are active, and the container is still the new one
        kill_at(inventory, "PLAY", "Back | Start them", playbook, rollback_model="scribe")
        done = roll_out(inventory, playbook, rollback_model="scribe")
        assert done.returncode == 0, done.stdout
        assert "(a run before did not finish)" in done.stdout
        assert marks(at) == marked("before")
        # The inventory still says what it went back from
        done = roll_out(inventory, **environment(**{MARK: "after"}))
    assert done.returncode == 0, done.stdout
    assert marks(at) == marked("after")
    assert not seen.bad()
    assert flags(at) == ""
