"""Watch all models of a host for one window, with a fake clock, Docker and probes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible.module_utils.tgi.common.log_lines import Line
from ansible.module_utils.tgi.docker.compose_containers import Container, Docker, DockerError
from ansible.module_utils.tgi.engines.tgi.log import parse
from ansible.module_utils.tgi.readiness.messages import (
    as_result,
    failure_text,
    progress_line,
    warning_texts,
)
from ansible.module_utils.tgi.readiness.probe import Probe
from ansible.module_utils.tgi.readiness.state import Memory, Wanted
from ansible.module_utils.tgi.readiness.watch import Watcher

from tests.support.wait_chains import CHAINS
from tests.support.wait_fakes import ARGS, T0, TO_LOAD, TO_SERVE, container, launcher, raw, router

READY = Probe(True, True, "", True)
REFUSED = Probe(False, False, "GET /health: Connection refused")
LATE = Probe(False, True, "POST /generate did not answer within 8 s", True, True)
GATED = next(chain for chain in CHAINS if chain.id == "gated")


class FakeDocker(Docker):
    """Containers by project, one log for all, and the exit code of a death between two calls."""

    def __init__(self, **containers: Container) -> None:
        self.found: dict[str, Container] = {f"tgi-{k}": v for k, v in containers.items()}
        self.log: list[Line] | None = parse(raw(*TO_LOAD))
        self.away = 0
        self.log_calls = 0

    def containers(self, projects: Any) -> dict[str, Container]:
        if self.away:
            self.away -= 1
            raise DockerError("Cannot connect to the Docker daemon")
        return {name: self.found[name] for name in projects if name in self.found}

    def logs(self, container_id: str) -> list[Line] | None:  # noqa: ARG002
        self.log_calls += 1
        return self.log

    def last_exit_code(self, *_: Any) -> int | None:
        return 1


class Bench:
    """A watcher whose clock only moves when it sleeps."""

    def __init__(self, docker: FakeDocker, probes: dict[str, Probe], *names: str) -> None:
        self.now, self.docker, self.probes = T0 + 10, docker, probes
        self.asked: list[dict[str, float]] = []
        self.models = [Wanted(n, f"tgi-{n}", f"http://127.0.0.1/{n}") for n in names or ("m",)]
        self.watcher = Watcher(self.models, {}, docker, self._probe, lambda: self.now)

    def _probe(self, wanted: dict[str, tuple[str, float]]) -> dict[str, Probe]:
        self.asked.append({name: timeout for name, (_, timeout) in wanted.items()})
        return {name: self.probes.get(name, REFUSED) for name in wanted}

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def watch(self) -> Any:
        return self.watcher.watch(5, 1, self.sleep)


def test_all_ready_is_one_look() -> None:
    bench = Bench(
        FakeDocker(a=container(id="a"), b=container(id="b")), {"a": READY, "b": READY}, "a", "b"
    )
    assert [one.phase for one in bench.watch()] == ["ready", "ready"]
    assert bench.now == T0 + 10
    assert bench.docker.log_calls == 2, "each log is read once, for what is not as asked"
    bench.watcher.look()
    assert bench.docker.log_calls == 2


def test_loading_lasts_a_window() -> None:
    bench = Bench(FakeDocker(a=container(), b=container()), {"a": READY}, "a", "b")
    a, b = bench.watch()
    assert (a.ready, b.ready, b.phase, b.failure) == (True, False, "load", None)
    assert bench.now == T0 + 15
    assert progress_line("gpu1", b) == (
        "gpu1 b: loading shards, 12 s of 1200 s allowed: Starting shard"
    )


def test_becoming_ready_ends_the_window() -> None:
    bench = Bench(FakeDocker(m=container()), {})

    def sleep(seconds: float) -> None:
        bench.now += seconds
        bench.probes["m"] = READY

    assert bench.watcher.watch(5, 1, sleep)[0].ready
    assert bench.now == T0 + 11


@pytest.mark.parametrize("status", ["exited", "restarting", "dead"])
def test_a_dead_container_ends_it_at_once(status: str) -> None:
    docker = FakeDocker(m=container(status=status, exit_code=1, finished=T0 + 9))
    docker.log = parse(raw(*((i, line) for i, line in enumerate(GATED.lines))))
    bench = Bench(docker, {})
    (one,) = bench.watch()
    assert bench.now == T0 + 10
    assert bench.asked == [{}], "a dead server is not asked"
    text = failure_text("gpu1", [one])
    assert text.splitlines()[0].startswith(
        "gpu1: model m failed while downloading weights: gated repository (exit code 1). "
        "Remedy: accept the licence"
    )
    assert "From the log of tgi-m-tgi-1:" in text
    assert "GatedRepoError: 403 Cannot access gated repo for url" in text


def test_a_restart_while_waiting_fails_with_the_cause_of_the_run_before() -> None:
    docker = FakeDocker(m=container())
    bench = Bench(docker, {})
    assert bench.watch()[0].failure is None
    chain = [(float(i), line) for i, line in enumerate(GATED.lines)]
    docker.log = parse(raw(*chain, (16, ARGS)))
    docker.found["tgi-m"] = container(restarts=1, started=T0 + 16, finished=T0 + 15)
    (one,) = bench.watch()
    assert one.failure is not None
    assert (one.phase, one.failure.cause, one.failure.exit_code) == ("download", "gated", 1)
    assert "(exit code 1, restarted once)" in failure_text("gpu1", [one])


def test_a_container_that_had_restarted_before_is_given_its_chance() -> None:
    docker = FakeDocker(m=container(restarts=7, finished=T0 - 60))
    assert Bench(docker, {}).watch()[0].failure is None


def test_a_missing_container() -> None:
    bench = Bench(FakeDocker(a=container()), {"a": READY}, "a", "b")
    a, b = bench.watch()
    assert a.ready
    assert b.failure is not None
    text = failure_text("gpu1", [a, b])
    assert text.startswith("gpu1: model b failed: no container of Compose project tgi-b exists.")
    assert "The other models:\n  gpu1 a: ready" in text


def test_a_created_container_is_waited_for_and_one_docker_cannot_start_is_not() -> None:
    docker = FakeDocker(m=container(status="created", started=0.0))
    docker.log = []
    assert Bench(docker, {}).watch()[0].phase == "start"
    docker.found["tgi-m"] = container(
        status="created", started=0.0, exit_code=128, error="port is already allocated"
    )
    (one,) = Bench(docker, {}).watch()
    assert one.failure is not None
    assert one.failure.cause == "port_taken"


def test_paused() -> None:
    (one,) = Bench(FakeDocker(m=container(status="paused")), {}).watch()
    assert one.failure is not None
    assert as_result("gpu1", one)["remedy"] == "docker unpause tgi-m-tgi-1"


def test_requests_are_given_longer_each_time() -> None:
    docker = FakeDocker(m=container())
    docker.log = parse(raw(*TO_SERVE))
    bench = Bench(docker, {"m": LATE})
    bench.watch()
    assert [one["m"] for one in bench.asked][:4] == [8, 16, 30, 30]


def test_docker_may_be_away_for_a_moment_only() -> None:
    docker = FakeDocker(m=container())
    bench = Bench(docker, {"m": READY})
    docker.away = 3
    assert bench.watch()[0].ready
    docker.away = 99
    with pytest.raises(DockerError, match="Cannot connect"):
        bench.watch()


def test_what_is_remembered_continues_in_the_next_call() -> None:
    docker = FakeDocker(m=container(restarts=2))
    first = Bench(docker, {})
    first.watch()
    kept = {name: Memory.load(memory.dump()) for name, memory in first.watcher.memories.items()}
    docker.found["tgi-m"] = container(restarts=3, finished=T0 - 1)
    second = Watcher(first.models, kept, docker, first._probe, lambda: T0 + 20)
    assert second.look()[0].failure is not None


def watched(docker: FakeDocker, now: float) -> Bench:
    """Return a bench whose model generates at T0 + ``now``, and has to for 45 s."""
    bench = Bench(docker, {"m": READY})
    bench.models[0] = replace(bench.models[0], steady=45)
    bench.now = T0 + now
    return bench


def test_a_model_is_watched_until_it_has_generated_for_long_enough() -> None:
    docker = FakeDocker(m=container())
    docker.log = parse(raw(*TO_SERVE))
    bench = watched(docker, 30)
    (first,) = bench.watcher.watch(12, 1, bench.sleep)
    assert progress_line("gpu1", first) == "gpu1 m: ready, watched for 12 of 45 s"
    assert len(bench.asked) == 13, "it has to generate all the time"
    (one,) = bench.watcher.watch(60, 1, bench.sleep)
    assert (one.ready, bench.now) == (True, T0 + 75)


def test_one_that_has_served_for_longer_is_not_watched() -> None:
    docker = FakeDocker(m=container())
    docker.log = parse(raw(*TO_SERVE))
    assert not watched(docker, 25 + 45).watcher.look()[0].ready, "it loaded until 25"
    assert watched(docker, 25 + 46).watcher.look()[0].ready
    docker.log = None
    assert watched(docker, 46).watcher.look()[0].ready, "up for longer, as far as can be known"


def test_one_that_was_seen_loading_is_watched() -> None:
    docker = FakeDocker(m=container())
    docker.log = []
    bench = watched(docker, 50)
    del bench.probes["m"]
    bench.watcher.look()
    bench.probes["m"] = READY
    assert not bench.watcher.look()[0].ready


CRASHED = (*TO_SERVE, (59, launcher("Shard 0 crashed", "ERROR")), (60, "Error: ShardFailed"))


@pytest.mark.parametrize("again", [False, True])
def test_one_that_dies_while_it_is_watched_fails(again: bool) -> None:
    docker = FakeDocker(m=container())
    docker.log = parse(raw(*TO_SERVE))
    bench = watched(docker, 30)
    assert not bench.watcher.look()[0].ready
    docker.log = parse(raw(*CRASHED))
    docker.found["tgi-m"] = container(status="exited", exit_code=1, finished=T0 + 60)
    if again:
        # It generates again at the next look, so only the count tells
        changes = {"restarts": 1, "started": T0 + 61, "finished": T0 + 60}
        docker.found["tgi-m"] = container(**changes)
    (one,) = bench.watcher.look()
    facts = "(exit code 1, restarted once)" if again else "(exit code 1)"
    assert failure_text("gpu1", [one]).startswith(
        f"gpu1: model m failed after it was ready: a shard crashed while serving {facts}. Remedy: "
    )
    assert as_result("gpu1", one)["phase"] == "steady"


def test_a_restart_before_the_first_token_does_not_count_later() -> None:
    docker = FakeDocker(m=container())
    bench = watched(docker, 10)
    del bench.probes["m"]
    bench.watcher.look()
    docker.found["tgi-m"] = container(restarts=1, started=T0 + 11, finished=T0 + 10.5)
    bench.probes["m"] = READY
    for now in (12, 13):
        bench.now = T0 + now
        (one,) = bench.watcher.look()
        assert (one.phase, one.failure) == ("steady", None)


class LongLog(FakeDocker):
    """A container whose log has lost its beginning; the start is asked for by time."""

    def first_logs(self, one: Container, seconds: float) -> list[Line]:
        assert one.id
        assert seconds > 0
        return parse(raw(*TO_SERVE[:1], (20, UNREAD), (20, NO_CONFIG)))


UNREAD = router('Tokenizer_config Some("/data/none.json") - None', "WARN")
NO_CONFIG = router("Could not find tokenizer config locally and no API specified", "WARN")


@pytest.mark.parametrize("long", [False, True])
def test_a_ready_model_has_its_warnings(long: bool) -> None:
    docker = LongLog(m=container(id="m"))
    docker.log = parse(raw(*TO_SERVE, (20, UNREAD), (20, NO_CONFIG)))
    if long:
        docker.log = parse(raw(*((30, router(f"Success {i}")) for i in range(1200))))
    (one,) = Bench(docker, {"m": READY}).watch()
    (text,) = warning_texts("gpu1", [one])
    assert text.startswith("gpu1: model m serves, but the tokenizer configuration asked for is not")
    assert "/data/none.json" in text
    assert ". Remedy: correct tokenizer_config_path" in text
    (told,) = as_result("gpu1", one)["warnings"]
    assert told["cause"] == "tokenizer_config_path"


def test_another_release_than_asked_is_warned_of_and_asked_for_once() -> None:
    bench = Bench(FakeDocker(m=container()), {"m": READY})
    asked: list[str] = []

    def label(url: str, _: float) -> str:
        asked.append(url)
        return "sha-efb94e0"

    docker, clock = bench.docker, lambda: bench.now
    watcher = Watcher(bench.models, {}, docker, bench._probe, clock, version="3.3.7", label=label)
    statuses = watcher.watch(5, 1, bench.sleep)
    watcher.look()
    assert asked == ["http://127.0.0.1/m"]
    assert statuses[0].ready
    assert warning_texts("gpu1", statuses) == [
        "gpu1: model m serves, but its image is sha-efb94e0, TGI 3.3.6, and tgi_version is 3.3.7 "
        "(sha-dfb3fbe). Remedy: correct tgi_version, or resolve the digest of that release with "
        "playbooks/image.yml."
    ]
