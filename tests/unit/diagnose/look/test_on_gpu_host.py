"""A GPU host, from recorded output of its commands, a log, and an engine in memory."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.common.log_lines import Line
from ansible.module_utils.tgi.diagnose.look import of_model, on_gpu_host
from ansible.module_utils.tgi.docker.compose_containers import Container
from ansible.module_utils.tgi.engines.tgi.log import parse
from ansible.module_utils.tgi.host import firewall
from ansible.module_utils.tgi.readiness.probe import Probe

from tests.support.checks.emulated_checks import ENVIRONMENT
from tests.support.diagnose.looks import RULES, FakeDocker, cause_of, gpu_host, up, verdict_of
from tests.support.diagnose.pictures import GPU
from tests.support.diagnose.shell import REFUSED, shown
from tests.support.emulator_process import MODEL, PRINTED, Running, running
from tests.support.fakes.spoilt_tgi import SpoiltTgi
from tests.support.in_memory_tgi import SHA
from tests.support.wait_fakes import ARGS, SHARD, TO_LOAD, TO_SERVE, launcher, raw, router


@pytest.fixture(scope="module")
def house() -> Iterator[Running]:
    with running(env=ENVIRONMENT) as process:
        yield process


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_gpu_host, "_TO_DIE", 0)


def test_a_gpu_host_of_the_shape_that_is_judged(tmp_path: Path) -> None:
    seen, shell = gpu_host(tmp_path, FakeDocker(up(), parse(raw(*TO_SERVE))))
    assert set(seen) | {"skew"} == set(GPU)
    model, wanted = seen["models"][0], GPU["models"][0]
    assert set(model) == set(wanted)
    for name in ("container", "health", "load", "chat", "stream", "tools", "visible"):
        assert set(model[name]) == set(wanted[name]), name
    assert set(model["state"]) >= set(wanted["state"])
    assert model["published"] == ["127.0.0.1:8081"] and model["visible"]["count"] == 1
    assert model["generate"]["problem"] == ""
    # It only reads
    verbs = {line.split()[1] for line in shell.asked if line.startswith("docker")}
    assert verbs == {"ps", "inspect", "exec", "info", "version"}


def test_an_engine_that_ignores_tools(tmp_path: Path) -> None:
    docker = FakeDocker(up(), parse(raw(*TO_SERVE)))
    seen, _ = gpu_host(tmp_path, docker, SpoiltTgi("tools-ignored"))
    assert seen["models"][0]["tools"]["kind"] == "ignored"
    assert cause_of(seen) == ("direct.tools", "ignored")


def test_out_of_memory_while_loading(tmp_path: Path) -> None:
    oom = launcher("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "ERROR")
    lines = parse(raw(*TO_LOAD, (9, oom)))
    dead = up(status="exited", exit_code=1, finished=1_700_000_010.0)
    seen, _ = gpu_host(tmp_path, FakeDocker(dead, lines), probe=REFUSED)
    assert seen["models"][0]["state"]["cause"] == "oom_load"
    # jupyter, which is not ours, holds 18000 MiB of that GPU
    assert cause_of(seen) == ("holders", "held")
    seen["holders"] = []
    assert cause_of(seen) == ("log", "oom_load")


def test_a_crash_loop_shows_in_the_run_before(tmp_path: Path) -> None:
    gated = launcher("huggingface_hub.errors.GatedRepoError: 403", "ERROR")
    lines = parse(raw((0.1, ARGS), (2, gated), (5.0, ARGS), (5.2, SHARD)))
    looping = up(restarts=4, finished=1_700_000_003.0, started=1_700_000_004.9)
    seen, _ = gpu_host(tmp_path, FakeDocker(looping, lines), SpoiltTgi("refused"), REFUSED)
    assert cause_of(seen) == ("log", "gated")
    verdict = verdict_of(gpu=seen)
    assert "restarted 4 times" in "".join(row["seen"] for row in verdict.rows())


def test_loading(tmp_path: Path) -> None:
    now = time.time()
    docker = FakeDocker(up(started=now - 30, created=now - 31), [])
    seen, _ = gpu_host(tmp_path, docker, SpoiltTgi("refused"), REFUSED)
    assert cause_of(seen) == ("log", "loading")
    assert seen["models"][0]["health"]["fault"] == "connection refused"


def test_an_engine_that_says_now_why_it_fails(tmp_path: Path) -> None:
    message = "Method Decode encountered an error. CUDA error: an illegal memory access"
    now = time.time()
    lines = [*parse(raw(*TO_SERVE)), Line(now - 5, message, message, "ERROR")]
    late = Probe(False, True, "POST /generate answered 424", True)
    seen, _ = gpu_host(tmp_path, FakeDocker(up(), lines), SpoiltTgi("no-generate"), late)
    assert cause_of(seen) == ("log", "cuda_serving")
    lines[-1] = Line(now - 5000, message, message, "ERROR")
    (tmp_path / "b").mkdir()
    seen, _ = gpu_host(tmp_path / "b", FakeDocker(up(), lines), SpoiltTgi("no-generate"), late)
    assert cause_of(seen) == ("generation", "424")


def test_what_the_start_warned_of(tmp_path: Path) -> None:
    """The warning is at the beginning, and the engine is ready."""
    message = "Could not find tokenizer config locally and no API specified"
    lines = parse(raw((1, router("Offline mode active using cache defaults")),
                      (1.1, router(message, "WARN")), *TO_SERVE))  # fmt: skip
    seen, _ = gpu_host(tmp_path, FakeDocker(up(), lines), SpoiltTgi("no-chat-template"))
    (warned,) = seen["models"][0]["state"]["warnings"]
    assert warned["cause"] == "no_ref" and "docker restart tgi-small-tgi-1" in warned["remedy"]
    assert cause_of(seen) == ("settings", "no_ref")


class DyingDocker(FakeDocker):
    """A container that is gone at the second look."""

    looks = 0

    def containers(self, projects: Any) -> dict[str, Container]:
        self.looks += 1
        # One for the list, one for the wait's own look
        one = (
            self.one
            if self.looks < 3
            else up(status="exited", exit_code=1, finished=1_700_000_099.0)
        )
        return {name: one for name in projects if one}


def test_an_engine_that_ends_when_it_generates(tmp_path: Path) -> None:
    """Its log, read again after the question, names the cause."""
    crashed = [(60, launcher("Shard 0 crashed", "ERROR")), (60.1, "Error: ShardFailed")]
    docker = DyingDocker(up(), parse(raw(*TO_SERVE, *crashed)))
    seen, _ = gpu_host(tmp_path, docker, SpoiltTgi("shard-crash"))
    assert cause_of(seen) == ("log", "shard_crashed")
    assert seen["models"][0]["container"]["status"] == "exited"


def test_the_deployed_weights_count_not_the_listed_ones(tmp_path: Path) -> None:
    seen, _ = gpu_host(tmp_path, FakeDocker(up()), listed={"model_id": "acme/next"})
    assert seen["models"][0]["declared"]["model_id"] == "acme/small"
    assert cause_of(seen) == ("", "")


def test_docker_that_does_not_answer(tmp_path: Path) -> None:
    docker = FakeDocker(None, away="Cannot connect to the Docker daemon")
    seen, _ = gpu_host(tmp_path, docker, answers={"systemctl": shown("failed")})
    assert cause_of(seen) == ("docker", "down")


def test_gpus_lost_by_the_container(tmp_path: Path) -> None:
    lost = (255, "Failed to initialize NVML: Unknown Error\n")
    seen, _ = gpu_host(tmp_path, FakeDocker(up()), answers={"nvidia-smi__-L": lost})
    said = "Failed to initialize NVML: Unknown Error"
    assert seen["models"][0]["visible"] == {"count": 0, "said": said}
    assert cause_of(seen)[0] == "access"


def test_a_container_without_nvidia_smi_is_no_proof(tmp_path: Path) -> None:
    seen, _ = gpu_host(tmp_path, FakeDocker(up()), answers={"nvidia-smi__-L": (127, "no")})
    assert seen["models"][0]["visible"] is None


@pytest.mark.parametrize("stands", [True, False])
def test_the_firewall(tmp_path: Path, stands: bool) -> None:
    path = tmp_path / "etc/tgi-fence/rules"
    path.parent.mkdir(parents=True)
    path.write_text(RULES)
    jump = f"-A X -j {firewall.CHAIN}\n" if stands else "-A X -j ACCEPT\n"
    answers = {f"-S__{firewall.CHAIN}": (0, RULES), "iptables": (0, jump)}
    seen, _ = gpu_host(tmp_path, FakeDocker(up()), answers=answers)
    assert seen["firewall"] == {
        "in_force": stands,
        "ports": [8081],
        "sources": ["10.0.0.9/32"],
        "egress": "open",
    }


@pytest.mark.parametrize(
    ("engine", "rules", "code"),
    [
        ("26.1.5+dfsg1", "", "open"),
        ("28.0.0", "", ""),
        ("27.5.1", "up", ""),
        ("27.5.1", "down", "down"),
    ],
)
def test_a_host_that_publishes_on_loopback_is_closed_too(
    tmp_path: Path, engine: str, rules: str, code: str
) -> None:
    text = firewall.files("/etc/tgi-fence", "", [], [])["rules"]
    answers = {"docker__version": (0, f"{engine}\n")}
    if rules:
        (tmp_path / "etc/tgi-fence").mkdir(parents=True)
        (tmp_path / "etc/tgi-fence/rules").write_text(text)
        jump = f"-A X -j {firewall.CHAIN}\n" if rules == "up" else ""
        answers |= {f"-S__{firewall.CHAIN}": (0, text), "iptables": (0, jump)}
    seen, _ = gpu_host(tmp_path, FakeDocker(up(), parse(raw(*TO_SERVE))), answers=answers)
    verdict = verdict_of(gpu=seen)
    (found,) = (one.found for one in verdict.findings if one.link == "firewall")
    assert (found.code, found.state) == (code, "warning" if code else "ok")
    assert verdict.cause is None


@pytest.mark.parametrize(
    ("wanted", "rules", "code", "said"),
    [
        ("open", "", "", "not needed"),
        ("no_metadata", "", "egress", "lets models get the cloud's credentials"),
        ("no_metadata", "no_metadata", "", "in force, egress is no_metadata"),
        ("none", "no_metadata", "egress", "lets models connect to any address"),
        ("none", "none", "", "in force, egress is none"),
        ("none", "none flushed", "down", "not in force: models can connect to any address"),
    ],
)
def test_what_models_may_connect_to(
    tmp_path: Path, wanted: str, rules: str, code: str, said: str
) -> None:
    answers = {"docker__version": (0, "29.1.0\n")}
    if rules:
        text = firewall.files("/etc/tgi-fence", "", [], [], rules.split()[0])["rules"]
        (tmp_path / "etc/tgi-fence").mkdir(parents=True)
        (tmp_path / "etc/tgi-fence/rules").write_text(text)
        jump = "" if "flushed" in rules else f"-A X -j {firewall.CHAIN}\n"
        answers |= {f"-S__{firewall.CHAIN}": (0, text), "iptables": (0, jump)}
    docker = FakeDocker(up(), parse(raw(*TO_SERVE)))
    seen, _ = gpu_host(tmp_path, docker, answers=answers, egress=wanted)
    (found,) = (one.found for one in verdict_of(gpu=seen).findings if one.link == "firewall")
    assert (found.code, found.state) == (code, "warning" if code else "ok")
    assert said in found.seen


def test_the_environment_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HF_TOKEN", "hf_verysecret")
    seen, _ = gpu_host(tmp_path, FakeDocker(up(), parse(raw(*TO_SERVE))))
    text = json.dumps(seen)
    assert "hf_verysecret" not in text and "sesame-open" not in text and "token=abc" not in text


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host without httpx, which asks over real sockets."""
    monkeypatch.setattr(of_model, "HTTPX_ERROR", "No module named 'httpx'")


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("", ("", "")),
        ("degenerate", ("text", "chat.degenerate")),
        ("stream-cut", ("direct.chat", "closed")),
        ("wrong-model", ("identity", "model.info")),
    ],
)
def test_a_process_on_a_host_without_httpx(
    house: Running, tmp_path: Path, fault: str, cause: Any
) -> None:
    """The emulator's own process, asked with the standard library."""
    deployed = {"port": int(house.url.rpartition(":")[2]), "model_id": MODEL, "revision": ""}
    with house.broken(fault):
        docker = FakeDocker(up(), parse(raw(*TO_SERVE)))
        seen, _ = gpu_host(tmp_path, docker, deployed=deployed, timeout=10)
    published = f"127.0.0.1:{deployed['port']}"
    seen["models"][0].update(published=[published], listener=None)
    assert cause_of(seen) == cause
    assert seen["models"][0]["stream"]["ttft"] > 0


@pytest.mark.usefixtures("bare")
def test_a_process_with_an_offline_cache_without_refs(tmp_path: Path) -> None:
    """It serves without a template; the log of its start, as it wrote it, says what to write."""
    folder = tmp_path / "hub" / f"models--{MODEL.replace('/', '--')}"
    snapshot = folder / "snapshots" / SHA
    snapshot.mkdir(parents=True)
    for name in ("config.json", "tokenizer_config.json", "model.safetensors"):
        (snapshot / name).write_text("{}")
    home = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    with running("--revision", SHA, env=home) as process:
        printed = (process.folder / PRINTED).read_text().splitlines()
        docker = FakeDocker(up(), parse(raw(*((1, line) for line in printed))))
        port = int(process.url.rpartition(":")[2])
        deployed = {"port": port, "model_id": MODEL, "revision": SHA}
        seen, _ = gpu_host(tmp_path / "root", docker, deployed=deployed, timeout=10)
    seen["models"][0].update(published=[f"127.0.0.1:{port}"], listener=None)
    verdict = verdict_of(gpu=seen)
    assert verdict.cause
    assert (verdict.cause.link, verdict.cause.found.code) == ("settings", "no_ref")
    assert f"printf %s {SHA} > {folder}/refs/{SHA}" in verdict.line
    assert {one.link for one in verdict.outward} == {"direct.chat"}
