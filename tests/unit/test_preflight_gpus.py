"""The verdict on every recorded answer of nvidia-smi."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.host_gpus import Answer, check_gpus, parse_gpus

A = "GPU-9434a402-0d94-4ef8-93d0-0528ee662e9c"
B = "GPU-5f1c2b7e-1111-2222-3333-444455556666"
# Error texts as nvidia-smi 550.163.01 printed them on stdout
NO_LIBRARY = (
    "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system. Please make sure that the "
    "NVIDIA Display Driver is properly installed and present in your system.\nPlease also try "
    "adding directory that contains libnvidia-ml.so to your system PATH.\n"
)
NOT_RUNNING = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure "
    "that the latest NVIDIA driver is installed and running.\n\n"
)
MISMATCH = (
    "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 535.288\n"
)


def card(name: str, memory: str, capability: str, driver: str = "580.95.05", place: int = 0) -> str:
    return f"{place}, {[A, B][place]}, {name}, {memory}, {driver}, {capability}\n"


CARDS = {
    "A100 40": card("NVIDIA A100-SXM4-40GB", "40960", "8.0"),
    "A100 80": card("NVIDIA A100 80GB PCIe", "81920", "8.0"),
    "H100": card("NVIDIA H100 80GB HBM3", "81559", "9.0"),
    "L4": card("NVIDIA L4", "23034", "8.9"),
    "T4": card("Tesla T4", "15360", "7.5"),
    "RTX 4090": card("NVIDIA GeForce RTX 4090", "24564", "8.9"),
    "oldest driver": card("NVIDIA L4", "23034", "8.9", "525.60.13"),
    "Debian 12": card("NVIDIA L4", "23034", "8.9", "535.261.03"),
    "no memory told": card("NVIDIA L4", "[N/A]", "[N/A]"),
}
TWO = card("NVIDIA L4", "23034", "8.9") + card("NVIDIA L4", "23034", "8.9", place=1)


def judge(answer: Answer, *models: list[str]) -> list[str]:
    wishes = [{"name": f"m{place}", "gpus": gpus} for place, gpus in enumerate(models)]
    found: list[str] = check_gpus(answer, wishes, "525.60.13")
    return found


@pytest.mark.parametrize("text", CARDS.values(), ids=CARDS)
def test_a_card_that_will_do(text: str) -> None:
    assert judge(Answer(0, text), ["0"]) == []


@pytest.mark.parametrize(
    ("answer", "what", "remedy"),
    [
        (Answer(None, ""), "is not installed (no nvidia-smi)", "install 525.60.13 or newer"),
        (Answer(12, NO_LIBRARY), "finds no libnvidia-ml.so", "write gpus: [] for each model"),
        (Answer(9, NOT_RUNNING), "installed but not running", "modprobe nvidia"),
        (Answer(18, MISMATCH), "while its old module was loaded", "reboot the host"),
        (Answer(6, "No devices were found\n"), "finds no GPU", "lspci"),
        (Answer(0, "No devices were found\n"), "finds no GPU", "lspci"),
        (Answer(0, ""), "ended with 0 and said nothing", "make nvidia-smi work"),
        (Answer(255, "Failed to initialize NVML: Unknown Error"), "lost its GPU", "Xid"),
        (Answer(4, "Failed to initialize NVML: Insufficient Permissions"), "refuses", "root"),
        (Answer(15, "Unable to determine the device handle"), "ended with 15", "make nvidia-smi"),
        (Answer(-1, "nothing for 60 s"), "nothing for 60 s", "make nvidia-smi work"),
    ],
)
def test_no_answer(answer: Answer, what: str, remedy: str) -> None:
    (found,) = judge(answer, ["0"])
    assert found.startswith("NVIDIA driver ")
    assert what in found
    assert remedy in found.partition(";")[2]


@pytest.mark.parametrize("driver", ["525.60.11", "470.256.02", "525"])
def test_a_driver_too_old(driver: str) -> None:
    (found,) = judge(Answer(0, card("NVIDIA L4", "23034", "8.9", driver)), ["0"])
    assert found.startswith(f"NVIDIA driver is {driver}, too old")


@pytest.mark.parametrize(
    ("models", "lines"),
    [
        ([["0"], ["1"]], []),
        ([[A.lower()], [B]], []),
        ([[], ["1"]], []),
        ([["0", "1"], ["2"]], ["GPUs are 2, but the models want 3; deploy fewer models"]),
        ([["3"]], ["GPU 3 of model m0 is not in this host; write one of 0 (GPU-9434"]),
        ([["GPU-beef"]], ["GPU GPU-beef of model m0 is not in this host"]),
        ([["0"], [A]], [f"GPU {A} of model m1 is the same card as GPU 0 of model m0"]),
        ([["1", B]], [f"GPU {B} of model m0 is the same card as GPU 1 of model m0"]),
    ],
)
def test_what_the_models_want_of_two_cards(models: list[list[str]], lines: list[str]) -> None:
    found = judge(Answer(0, TWO), *models)
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines, strict=True))


def test_what_is_read() -> None:
    assert parse_gpus(TWO.replace("8.9\n", "[N/A]\n", 1)) == (
        [
            {"index": 0, "uuid": A, "name": "NVIDIA L4", "memory_mib": 23034, "compute_cap": None},
            {"index": 1, "uuid": B, "name": "NVIDIA L4", "memory_mib": 23034, "compute_cap": "8.9"},
        ],
        "580.95.05",
    )
