"""Check which GPU a model gets, with the real engine and a simulated CDI specification."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.live.gpu_hosts import Machine, Play

GPU0, GPU1 = (f"GPU-51a10000-0000-4000-8000-00000000000{index}" for index in range(2))
#: By the inventory: one model has its GPU by UUID, the other by index
GIVEN = {"scribe": (GPU1, 1), "clerk": ("0", 0)}
SPEC = "/var/run/cdi/nvidia.yaml"


def models(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the inventory's models, with changes by name."""
    common = {
        "revision": "0123456789abcdef0123456789abcdef01234567",
        "max_input_tokens": 1024,
        "max_total_tokens": 2048,
        "environment": {"TGI_EMULATOR_TEXT": "scripted"},
    }
    return [
        {"name": name, "model_id": f"acme/{name}", **common, "gpus": [gpu], **changes.get(name, {})}
        for name, (gpu, _) in GIVEN.items()
    ]


@pytest.mark.parametrize("model", GIVEN)
def test_the_engine_was_asked_for_that_device(machine: Machine, model: str) -> None:
    asked = machine.inspect(f"tgi-{model}-tgi-1")["HostConfig"]["DeviceRequests"]
    assert [(one["Driver"], one["DeviceIDs"], one["Capabilities"]) for one in asked] == [
        ("cdi", [f"nvidia.com/gpu={GIVEN[model][0]}"], [["gpu"]])
    ]


@pytest.mark.parametrize("model", GIVEN)
def test_the_container_has_that_device_alone(machine: Machine, model: str) -> None:
    seen = machine.run(f"docker exec tgi-{model}-tgi-1 nvidia-smi -L").splitlines()
    index = GIVEN[model][1]
    assert seen == [f"GPU {index}: NVIDIA L4 (UUID: {(GPU0, GPU1)[index]})"]
    # TGI's image asks for all of them, which only a runtime of NVIDIA's would hear
    environment = machine.run(
        f'docker exec tgi-{model}-tgi-1 sh -c \'tr "\\0" "\\n" </proc/1/environ\''
    )
    assert "NVIDIA_VISIBLE_DEVICES=void" in environment


def test_the_engine_has_no_way_round(machine: Machine) -> None:
    """Neither a default runtime nor a missing device gives a container GPUs that it did not ask
    for.
    """
    assert machine.run("docker info --format '{{.DefaultRuntime}}'").strip() == "runc"
    form = "--rm --network none --device nvidia.com/gpu=7 bystander /bin/busybox true"
    missing = machine.attempt(f"docker run {form} 2>&1")
    assert missing.returncode == 125
    assert "unresolvable CDI devices nvidia.com/gpu=7" in missing.stdout


#: The GPUs of both models, and why they are refused, by host
REFUSED = {
    "deb12": (["0"], [GPU0], "is the same card as GPU 0 of model scribe"),
    "deb13": ([GPU1], ["7"], "GPU 7 of model clerk is not in this host"),
}


def test_gpus_that_are_shared_or_not_there_are_refused(machines: list[Machine], play: Play) -> None:
    before = [machine.alive() for machine in machines]
    wanted = {
        name: models(scribe={"gpus": first}, clerk={"gpus": second})
        for name, (first, second, _) in REFUSED.items()
    }
    played = play("--tags", "tgi", wanted=wanted, tgi_models="{{ wanted[inventory_hostname] }}")
    for machine, state in zip(machines, before):
        played.refused(machine, REFUSED[machine.name][2])
        assert machine.alive() == state


@pytest.fixture
def lost(machines: list[Machine]) -> Iterator[None]:
    """Remove one of two GPUs from the CDI specification; the driver still has both."""
    for machine in machines:
        machine.run(f"""cp {SPEC} /root/spec
python3 - <<'CODE'
import re
text = open("{SPEC}").read()
text = re.sub(r'  - name: "(0|{GPU0})"\\n.*\\n', "", text)
open("{SPEC}", "w").write(text)
CODE
! nvidia-ctk cdi list 2>/dev/null | grep -qx nvidia.com/gpu=0""")
    yield
    for machine in machines:
        machine.run(f"mv /root/spec {SPEC}")


@pytest.mark.usefixtures("lost")
def test_a_lost_device_is_an_error_before_the_old_container_stops(
    machines: list[Machine], play: Play
) -> None:
    """The play finds that the new container could not start, and leaves the old one running."""
    before = [machine.alive() for machine in machines]
    played = play("--tags", "tgi", tgi_models=models(clerk={"max_total_tokens": 2000}))
    for machine, state in zip(machines, before):
        said = played.failures[machine.name]
        assert "nvidia.com/gpu=0" in said
        assert "nvidia_container_toolkit" in said
        assert machine.alive() == state
        assert "Paris" in machine.answers("clerk")


def test_what_was_refused_left_nothing_behind(machines: list[Machine], play: Play) -> None:
    """The role restores the files that it wrote, and replaces no container for that."""
    before = [machine.alive() for machine in machines]
    play("--tags", "tgi").passed()
    for machine, state in zip(machines, before):
        assert machine.alive() == state
        assert "Paris" in machine.answers("scribe")
