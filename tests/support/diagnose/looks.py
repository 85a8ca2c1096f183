"""Look at a GPU host and at an endpoint: recorded commands, an engine or gateway in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.endpoint import tls_certificate
from ansible.module_utils.tgi.client.http_client import Target
from ansible.module_utils.tgi.common.log_lines import Line
from ansible.module_utils.tgi.diagnose.look import from_client
from ansible.module_utils.tgi.diagnose.look.from_client import Outside, look_from_outside
from ansible.module_utils.tgi.diagnose.look.on_gpu_host import Inside, look_at_gpu_host
from ansible.module_utils.tgi.diagnose.verdict import judge, read_picture
from ansible.module_utils.tgi.diagnose.verdict_text import Verdict
from ansible.module_utils.tgi.docker.compose_containers import Container, Docker, DockerError
from ansible.module_utils.tgi.host import firewall
from ansible.module_utils.tgi.models.record import Record, to_text
from ansible.module_utils.tgi.readiness.probe import Probe

from tests.support.diagnose.shell import APPS, DMESG, LIVE, READY, SMI, Shell, shown
from tests.support.fakes.gateway import KEY, NAME
from tests.support.fakes.spoilt_tgi import SpoiltTgi
from tests.support.in_memory_tgi import SHA
from tests.support.tls_pairs import LASTING
from tests.support.wait_fakes import container


class FakeDocker(Docker):
    """One container and its log."""

    def __init__(self, one: Container | None, lines: list[Line] = (), away: str = "") -> None:  # type: ignore[assignment]
        self.one, self.lines, self.away = one, list(lines), away

    def containers(self, projects: Any) -> dict[str, Container]:
        if self.away:
            raise DockerError(self.away)
        return {name: self.one for name in projects if self.one}

    def logs(self, container_id: str) -> list[Line] | None:  # noqa: ARG002
        return self.lines

    def last_exit_code(self, *_: Any) -> int | None:
        return 1


PORTS = json.dumps({"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8081"}]})
RULES = firewall.files("/etc/tgi-fence", "10.0.0.5", [("10.0.0.5", 8081)], ["10.0.0.9"])["rules"]


def gpu_host(
    tmp_path: Path,
    docker: FakeDocker,
    fake: SpoiltTgi | None = None,
    probe: Probe = READY,
    answers: Mapping[str, tuple[int, str]] = {},
    **more: Any,
) -> tuple[dict[str, Any], Shell]:
    """A root with a deployed model; its engine in memory."""
    project = tmp_path / "opt/tgi/small"
    project.mkdir(parents=True)
    (project / "compose.yaml").write_text("# Written by tgi-ansible\n")
    record = Record("small", "tgi-small", 8081, ["0"], model_id="acme/small", revision=SHA)
    record = replace(record, **more.pop("deployed", {}))
    (project / "deployed.json").write_text(to_text(record))
    (tmp_path / "proc/net").mkdir(parents=True)
    shell = Shell(
        **{
            "systemctl": shown(),
            "inspect__Ports": (0, PORTS),
            "nvidia-smi__-L": (0, "GPU 0: NVIDIA L4 (UUID: GPU-1)\n"),
            "--query-gpu=index,uuid,name": (0, SMI),
            "--query-gpu": (0, LIVE),
            "--query-compute-apps": (0, APPS),
            "DockerRootDir": (0, "/var/lib/docker\n"),
            "dmesg": (0, DMESG.replace("79", "13")),
            **answers,
        }
    )
    wish = Inside(
        "gpu1",
        [{"name": "small", "model_id": "acme/small", "gpus": ["0"], **more.pop("listed", {})}],
        root=tmp_path,
        transport=(fake or SpoiltTgi()).transport(),
        **{"timeout": 5, **more},
    )
    seen = look_at_gpu_host(wish, shell, docker, lambda asked: dict.fromkeys(asked, probe))
    return seen, shell


def verdict_of(**sides: dict[str, Any]) -> Verdict:
    """Return the verdict of observations: ``client``, ``gateway`` and ``gpu``."""
    names = {"client": "clients", "gateway": "gateways", "gpu": "gpus"}
    results: dict[str, dict[str, Any]] = {name: {} for name in names.values()}
    for side, seen in sides.items():
        results[names[side]][seen["host"]] = {"seen": seen}
    return judge(read_picture(results))


def cause_of(seen: dict[str, Any], side: str = "gpu") -> tuple[str, str]:
    verdict = verdict_of(**{side: seen})
    if verdict.cause:
        return verdict.cause.link, verdict.cause.found.code
    return ("", "") if verdict.passed or side != "client" else ("nothing seen", "")


def up(**changes: Any) -> Container:
    return container(id="abc123", name="tgi-small-tgi-1", project="tgi-small", **changes)


@contextmanager
def working_way_in() -> Iterator[None]:
    """Replace name, port and TLS of an endpoint by working ones."""

    async def resolved(_: Any) -> dict[str, Any]:
        return {"addresses": ["127.0.0.1"], "problem": ""}

    async def connected(*_: Any) -> dict[str, Any]:
        return {"state": "open", "address": "127.0.0.1", "detail": "", "ms": 1}

    async def shaken(_: Any) -> tls_certificate.Handshake:
        return tls_certificate.Handshake(LASTING, "TLSv1.3")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(from_client, "_resolve", resolved)
        patch.setattr(from_client, "connect", connected)
        patch.setattr(tls_certificate, "handshake", shaken)
        yield


def look(fake: Any, key: str = KEY, **more: Any) -> dict[str, Any]:
    """Look at the gateway ``fake`` as a client."""
    wish = Outside(
        "gw1",
        Target(f"https://{NAME}", api_key=key, timeout=more.pop("timeout", 5)),
        "127.0.0.1",
        more.pop("models", [{"name": "small", "chat": True}]),
        transport=fake.transport(),
        **more,
    )
    seen: dict[str, Any] = look_from_outside(wish)
    return seen
