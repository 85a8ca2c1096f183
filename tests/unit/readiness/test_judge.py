"""Judge running and dead containers by log, probe and deadline."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.common.log_lines import Line
from ansible.module_utils.tgi.engines.tgi.log import parse
from ansible.module_utils.tgi.engines.tgi.phases import DEADLINES, deadline
from ansible.module_utils.tgi.readiness.judge import (
    judge_dead,
    judge_running,
    remember,
    split_runs,
    warn_of,
)
from ansible.module_utils.tgi.readiness.probe import Probe
from ansible.module_utils.tgi.readiness.state import Memory, Status, Wanted

from tests.support.wait_chains import CHAINS, Chain
from tests.support.wait_fakes import (
    ARGS,
    DOWNLOAD,
    T0,
    TO_LOAD,
    TO_SERVE,
    TO_WARMUP,
    container,
    launcher,
    raw,
    router,
)

MODEL = Wanted("m", "tgi-m", "http://127.0.0.1:8081")
REFUSED = Probe(False, False, "GET /health: Connection refused")
GENERATES = Probe(True, True, "", True)
UNABLE = Probe(False, True, "POST /generate answered 424: CUDA error", healthy=True)


def lines(*entries: tuple[float, str]) -> list[Line]:
    return list(parse(raw(*entries)))


def judge(
    log: Any, now: float, seen: Probe = REFUSED, memory: Memory | None = None, **changes: Any
) -> Status:
    timeouts, steady = changes.pop("timeouts", {}), changes.pop("steady", 0.0)
    wanted = Wanted("m", "tgi-m", MODEL.url, timeouts, steady)
    return judge_running(
        wanted, container(**changes), lines(*log), seen, memory or Memory(), T0 + now
    )


@pytest.mark.parametrize(
    ("log", "phase", "began"),
    [((), "start", 0), (TO_LOAD[:2], "download", 1), (TO_LOAD, "load", 3.1),
     (TO_WARMUP, "warmup", 17.1)],
)  # fmt: skip
def test_each_phase_has_its_own_deadline(log: Any, phase: str, began: float) -> None:
    allowed = DEADLINES[phase]
    before = judge(log, began + allowed - 1)
    assert before.failure is None
    assert (before.phase, before.allowed) == (phase, allowed)
    assert before.elapsed == pytest.approx(allowed - 1)
    after = judge(log, began + allowed + 1).failure
    assert after is not None
    assert after.cause == "deadline"
    assert f"not done within {allowed:g} s, and the container still runs" in after.text


def test_the_callers_deadline_wins() -> None:
    assert judge(TO_LOAD, 10, timeouts={"load": 5}).failure is not None
    assert judge(TO_LOAD, 4000, timeouts={"load": 5000}).failure is None


def test_a_log_that_is_silent_for_minutes_says_so() -> None:
    said = judge(TO_LOAD[:2], 119).detail
    assert said and "no line" not in said
    silent = judge(TO_LOAD[:2], 1 + 5 * 60)
    assert (silent.detail, silent.failure) == (f"{said}; no line for 5 min", None)
    failure = judge(TO_LOAD[:2], 4000).failure
    assert failure is not None
    assert "and the container still runs (no line for 66 min)" in failure.text
    # A model that serves has nothing to log
    assert "no line" not in judge(TO_SERVE, 4000, Probe(True, True, "busy")).detail


def test_an_overdue_phase_whose_log_names_a_cause_says_so() -> None:
    log = (*TO_LOAD[:2], (9, launcher("No space left on device", "ERROR")))
    failure = judge(log, 4000).failure
    assert failure is not None
    assert "the log says: no space left" in failure.text
    assert "tgi_data_dir" in failure.remedy


def test_healthy_without_generating_fails_after_the_serve_deadline() -> None:
    memory = Memory()
    first = judge(TO_SERVE, 26, UNABLE, memory)
    assert first.failure is None
    assert (first.phase, first.detail) == ("serve", UNABLE.detail)
    late = judge(TO_SERVE, 146, UNABLE, memory).failure
    assert late is not None
    assert late.cause == "not_generating"
    assert "/health returns 200, but generation fails: POST /generate answered 424" in late.text
    assert "docker restart" in late.remedy


def test_a_server_up_for_weeks_is_given_a_moment() -> None:
    memory = Memory()
    assert judge(TO_SERVE, 1e6, UNABLE, memory).failure is None
    assert judge(TO_SERVE, 1e6 + 9, UNABLE, memory).failure is None
    assert judge(TO_SERVE, 1e6 + 10, UNABLE, memory).failure is not None


def test_connected_but_refused_blames_the_port() -> None:
    memory = Memory()
    judge(TO_SERVE, 26, REFUSED, memory)
    failure = judge(TO_SERVE, 200, REFUSED, memory).failure
    assert failure is not None
    assert "Connection refused" in failure.text
    assert "docker port" in failure.remedy


def test_a_hidden_log_has_the_sum_of_all_deadlines() -> None:
    total = sum(DEADLINES.values())
    assert deadline("silent", {}) == total
    assert judge((), 61, quiet=True).failure is None
    assert judge((), 61, quiet=True).phase == "silent"
    assert judge((), total + 1, quiet=True).failure is not None
    unread = judge_running(MODEL, container(), None, REFUSED, Memory(), T0 + 61)
    assert unread.phase == "silent"


def test_answers_count_where_the_log_is_hidden() -> None:
    assert judge((), 500, UNABLE, quiet=True).phase == "serve"


def test_ready() -> None:
    status = judge(TO_SERVE, 40, GENERATES)
    assert (status.ready, status.phase, status.failure) == (True, "ready", None)
    assert status.elapsed == pytest.approx(40)


def test_restarts_are_counted_from_the_first_look() -> None:
    memory = Memory()
    assert not remember(memory, container(restarts=3))
    assert not remember(memory, container(restarts=3))
    assert remember(memory, container(restarts=4))
    assert not remember(memory, container(id="d" * 64, restarts=9)), "another container"
    assert not remember(memory, container(id="d" * 64, restarts=0)), "started by hand"
    assert remember(memory, container(id="d" * 64, restarts=1)), "and counted from there"


def test_a_run_that_was_started_by_hand_is_another_one() -> None:
    memory = Memory()
    remember(memory, container())
    judge(TO_SERVE, 40, GENERATES, memory)
    assert not remember(memory, container()) and memory.ready_since == T0 + 40
    assert not remember(memory, container(started=T0 + 60)), "as docker restart does"
    assert memory.ready_since == 0


def test_the_lines_of_two_runs_are_kept_apart() -> None:
    log = lines((-9, ARGS), (-0.2, "Error: DownloadError"), (-0.01, ARGS), (1, DOWNLOAD))
    again = container(finished=T0 - 0.19, restarts=1)
    before, run = split_runs(log, again)
    assert before[-1].text == "Error: DownloadError"
    assert before[0].message == "Args {"
    assert [line.message for line in run if line.level] == [
        "Args {",
        "Starting check and download process for acme/m",
    ]


def test_of_several_runs_before_only_the_last_counts() -> None:
    gated = launcher("Cannot access gated repo for url x", "ERROR")
    log = lines((-30, ARGS), (-29, gated), (-20, ARGS), (-19, "No space left on device"), (0, ARGS))
    before, _ = split_runs(log, container(finished=T0 - 18, restarts=2))
    assert not [line for line in before if "gated" in line.text]
    assert before[-1].text == "No space left on device"


def test_a_model_is_ready_only_after_it_has_gone_on_generating() -> None:
    memory, steady = Memory(), 45.0
    seen = [judge(TO_SERVE, now, GENERATES, memory, steady=steady) for now in (30, 42, 75)]
    assert [(one.phase, one.ready, one.elapsed) for one in seen] == [
        ("steady", False, 0), ("steady", False, 12), ("ready", True, 75),
    ]  # fmt: skip
    assert seen[1].allowed == 45


def test_one_that_stops_generating_has_the_deadline_from_there() -> None:
    memory, steady = Memory(), 45.0
    judge(TO_SERVE, 300, GENERATES, memory, steady=steady)
    busy = judge(TO_SERVE, 310, UNABLE, memory, steady=steady)
    assert (busy.phase, busy.elapsed, busy.failure) == ("serve", 0, None)
    assert judge(TO_SERVE, 346, GENERATES, memory, steady=steady).ready
    judge(TO_SERVE, 350, REFUSED, memory, steady=steady)
    assert judge(TO_SERVE[:1], 469, REFUSED, memory, steady=steady).failure is None
    silent = judge(TO_SERVE[:1], 471, REFUSED, memory, steady=steady)
    assert silent.failure is not None
    assert (silent.phase, silent.failure.cause) == ("steady", "deadline")
    assert "not ready within 120 s: GET /health: Connection refused" in silent.failure.text


def test_one_that_dies_after_it_was_ready_says_so() -> None:
    dead = container(status="exited", exit_code=1, finished=T0 + 60)
    cut_off = lines((59, launcher("Shard 0 crashed", "ERROR")), (60, "Error: ShardFailed"))
    status = judge_dead(MODEL, dead, cut_off, 1, was_ready=True)
    assert status.failure is not None
    assert (status.phase, status.failure.cause) == ("steady", "shard_crashed")


def test_an_unhealthy_server_is_to_be_restarted() -> None:
    memory = Memory()
    unhealthy = Probe(False, True, "GET /health answered 503: unhealthy")
    judge(TO_SERVE, 26, unhealthy, memory)
    failure = judge(TO_SERVE, 200, unhealthy, memory).failure
    assert failure is not None
    assert (failure.cause, "docker restart" in failure.remedy) == ("deadline", True)


def test_a_cause_in_the_log_follows_the_restart() -> None:
    memory = Memory()
    log = (*TO_SERVE, (27, launcher("CUDA error: an illegal memory access", "ERROR")))
    judge(log, 26, UNABLE, memory)
    failure = judge(log, 200, UNABLE, memory).failure
    assert failure is not None
    assert "the log says: CUDA error while serving" in failure.text
    assert failure.remedy.startswith("restart it (docker restart CONTAINER); if it comes back: ")


def test_a_dead_run_is_not_blamed_for_the_one_before() -> None:
    log = lines((-9, ARGS), (-0.2, "Error: DownloadError"), (0.01, ARGS), (2, "Error: ShardFailed"))
    dead = container(status="exited", finished=T0 + 3, restarts=1)
    _, run = split_runs(log, dead)
    assert [line.text for line in run if line.text.startswith("Error")] == ["Error: ShardFailed"]


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.id)
def test_a_chain_of_lines_names_phase_cause_and_remedy(chain: Chain) -> None:
    lines = parse(raw(*((float(i), line) for i, line in enumerate(chain.lines))))
    dead = container(status="exited", finished=T0 + 99, exit_code=chain.exit_code)
    status = judge_dead(MODEL, dead, lines, chain.exit_code)
    assert status.failure is not None
    assert (status.phase, status.failure.cause) == (chain.phase, chain.cause)
    assert chain.says in status.failure.text
    assert chain.remedy in status.failure.remedy
    assert status.failure.exit_code == chain.exit_code
    assert 1 <= len(status.failure.evidence) <= 17


def test_connected_without_an_answer_is_not_serving() -> None:
    status = judge(TO_SERVE, 26, REFUSED)
    assert (status.phase, status.allowed) == ("listen", DEADLINES["serve"])
    assert judge(TO_SERVE, 26, UNABLE).phase == "serve"


REFUSING = launcher('Args {\n    model_id: "acme/m",\n    max_concurrent_requests: 0,\n}')


def test_a_server_that_refuses_everything_fails_at_once() -> None:
    full = Probe(False, True, "POST /generate answered 429: Model is overloaded", healthy=True)
    failure = judge(((0.1, REFUSING), *TO_SERVE[1:]), 26, full).failure
    assert failure is not None
    assert failure.cause == "refuses_all"
    assert "max_concurrent_requests is 0" in failure.text
    assert "1 or more" in failure.remedy


NO_REF = (
    (0.1, launcher('Args {\n    model_id: "acme/m",\n    revision: Some(\n "v1",\n    ),\n}')),
    (20, router("Offline mode active using cache defaults", "WARN")),
    (20, router("Tokenizer_config None - None", "WARN")),
    (20, router("Could not find tokenizer config locally and no API specified", "WARN")),
)


def test_a_remedy_names_the_folder_of_the_host() -> None:
    (warning,) = warn_of(lines(*NO_REF), container(data="/srv/models"))
    assert "mkdir -p /srv/models/hub/models--acme--m/refs" in warning.remedy
    (warning,) = warn_of(lines(*NO_REF), container())
    assert "mkdir -p tgi_data_dir/hub/models--acme--m/refs" in warning.remedy
    cut = "safetensors_rust.SafetensorError: Error while deserializing header: HeaderTooSmall"
    dead = container(status="exited", exit_code=1, data="/srv/models")
    log = lines(*NO_REF[:1], (2, f"Traceback (most recent call last):\n{cut}"))
    failure = judge_dead(MODEL, dead, log, 1).failure
    assert failure is not None
    assert "delete /srv/models/hub/models--acme--m and run again" in failure.remedy


def test_only_a_container_that_asks_for_gpus_misses_them() -> None:
    log = lines((1, launcher("Cannot determine GPU compute capability: RuntimeError: No", "WARN")))
    for asks, warnings in ((True, ["no_gpu"]), (None, ["no_gpu"]), (False, [])):
        box = container(status="exited", exit_code=1, devices=asks)
        assert [one.id for one in warn_of(log, box)] == warnings
        failure = judge_dead(MODEL, box, [*log, *lines((2, "Error: DownloadError"))], 1).failure
        assert failure is not None
        assert ("also sees no GPU" in failure.text) == bool(warnings)


def test_offline_is_read_from_the_containers_environment() -> None:
    error = "EntryNotFoundError: No .bin weights found for model acme/m and revision v1."
    log = lines((2, f"Traceback (most recent call last):\n{error}"))
    dead = container(status="exited", exit_code=1, offline=True)
    failure = judge_dead(MODEL, dead, log, 1).failure
    assert failure is not None
    assert failure.cause == "not_cached"
    assert "HF_HUB_OFFLINE forbids to fetch it" in failure.text
