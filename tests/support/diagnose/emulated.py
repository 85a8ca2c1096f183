"""Diagnose the emulator: its own port, and a gateway in memory in front of it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.tgi.diagnose.verdict_text import Verdict
from ansible.module_utils.tgi.engines.tgi.log import parse

from tests.support.diagnose.looks import FakeDocker, gpu_host, look, up, verdict_of, working_way_in
from tests.support.diagnose.pictures import Case
from tests.support.fakes.gateway import FakeGateway
from tests.support.wait_fakes import TO_SERVE, raw

#: What is no engine's: taken from a host where all is well
_OF_THE_HOST = (
    "firewall", "holders", "kernel", "cards", "skew", "disks", "memory", "gpus", "bind_address",
)  # fmt: skip


def diagnosed(tgi: Any, lines: Any = None, **more: Any) -> Verdict:
    """Return the verdict over an engine (emulator, or with faults of its own) behind a gateway.

    ``lines``: its log; ``more`` goes to the GPU host's look.
    """
    case = Case()
    docker = FakeDocker(up(), parse(raw(*TO_SERVE)) if lines is None else lines)
    with working_way_in(), tempfile.TemporaryDirectory() as folder:
        client = look(FakeGateway("no-limit", tgi=tgi), timeout=30)
        gpu, _ = gpu_host(Path(folder), docker, tgi, **{"timeout": 30, **more})
    gpu.update({name: case.gpu[name] for name in _OF_THE_HOST})
    gpu["models"][0]["published"] = case.model["published"]
    return verdict_of(client=client, gateway=case.gateway, gpu=gpu)


def found(verdict: Verdict, state: str) -> dict[str, Mapping[str, str]]:
    """Return the rows with that state, by link."""
    return {row["link"]: row for row in verdict.rows() if row["state"] == state}
