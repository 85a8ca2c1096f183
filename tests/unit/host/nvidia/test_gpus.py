"""Test the GPUs that models want; test_driver_verdict.py checks whole hosts."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.host.nvidia.gpus import check_wishes, parse_gpus, parse_slices

from tests.support.preflight.nvidia_cards import TWO, A, B


def judge(text: str, *models: list[str]) -> list[str]:
    wishes = [{"name": f"m{place}", "gpus": gpus} for place, gpus in enumerate(models)]
    return list(check_wishes(parse_gpus(text)[0], [], wishes))


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
    found = judge(TWO, *models)
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines, strict=True))


def test_what_is_read() -> None:
    card = {"name": "NVIDIA L4", "memory_mib": 23034, "mig": None, "persistence": None}
    assert parse_gpus(TWO.replace("8.9\n", "[N/A]\n", 1)) == (
        [
            {"index": 0, "uuid": A, **card, "compute_cap": None},
            {"index": 1, "uuid": B, **card, "compute_cap": "8.9"},
        ],
        "580.95.05",
    )
    (split,), _ = parse_gpus(TWO.splitlines()[0] + ", Enabled, Disabled\n")
    assert (split["mig"], split["persistence"]) == (True, False)
    assert parse_slices(f"GPU 0: NVIDIA L4 (UUID: {A})\n") == []
