"""Test the module nvidia_cdi on a fake host, with the sandbox's stand-ins for NVIDIA's programs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.roots import ROOT
from tests.support.run_module import load, run

Run = Callable[..., dict[str, Any]]
GPU = ROOT / "tests" / "sandbox" / "gpu"
UUIDS = [f"GPU-51a10000-0000-4000-8000-00000000000{index}" for index in (0, 1)]
NAMES = ["nvidia-container-toolkit", "libnvidia-container1"]
FRESH = "var/run/cdi/nvidia.yaml"
ORDER = "etc/systemd/system/docker.service.d/10-tgi-cdi.conf"
UNATTENDED = "etc/apt/apt.conf.d/52tgi-ansible-unattended"
# As nvidia-ctk 1.20 writes it, with sorted keys
STATIC = """\
---
cdiVersion: 0.5.0
containerEdits:
  env:
  - NVIDIA_VISIBLE_DEVICES=void
  hooks:
  - args:
    - nvidia-cdi-hook
    - update-ldcache
    hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
  mounts:
  - containerPath: /usr/lib/libcuda.so.535.183.01
    hostPath: {path}
    options:
    - ro
    - bind
devices:
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: "0"
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: {uuid}
kind: nvidia.com/gpu
"""


class Host:
    """A host's files, and a PATH with the test's programs before the real ones."""

    def __init__(self, root: Path) -> None:
        self.root, self.bin = root, root / "programs"
        self.bin.mkdir()
        for name in ("nvidia-smi", "nvidia-ctk"):
            text = (GPU / name).read_text().replace("/.dockerenv", f"{root}/no")
            text = text.replace("/usr/share/simulated-gpus.csv}", f"{GPU}/l4x2.csv}}")
            for path in ("/etc/cdi", "/var/run/cdi"):
                text = text.replace(path, f"{root}{path}")
            # The stand-in's specification mounts these files
            text = text.replace("hostPath: /usr", f"hostPath: {GPU}")
            self.program(name, text)
        self.packages(*(f"hi |{name}|1.20.0-1" for name in NAMES))
        generate = f"nvidia-ctk cdi generate --output={root / FRESH}"
        self.program("systemctl", f'#!/bin/sh\n[ "$1" != restart ] || {generate}\n')
        self.program("journalctl", "#!/bin/sh\necho skipped: no module\n")
        self.program("apt-get", "#!/bin/sh\necho 'Remv nvidia-docker2 [2.13.0-1]'\n")
        self.program("apt-cache", "#!/bin/sh\necho 'x | 1.20.0-1 | http://a/ ./ Packages'\n")

    def program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def packages(self, *lines: str) -> None:
        text = "".join(f"echo '{line}'\n" for line in lines)
        self.program("dpkg-query", f"#!/bin/sh\n{text}")

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(tmp_path)
    monkeypatch.setenv("PATH", f"{made.bin}:{os.environ['PATH']}")
    return made


@pytest.fixture
def keep(host: Host, capsys: pytest.CaptureFixture[str]) -> Run:
    module = load("nvidia_cdi")
    module.ROOT = host.root  # type: ignore[attr-defined]

    def call(check: bool = False, version: str = "1.20.0-1", **more: Any) -> dict[str, Any]:
        packages = dict.fromkeys(NAMES, version)
        return run(module, capsys, check, manager="apt", packages=packages, **more)

    return call


@pytest.mark.parametrize("version", ["1.19.0-1", "1.17.8-1", "1.17.7-1"])
def test_a_version_that_cannot_serve_is_refused(keep: Run, host: Host, version: str) -> None:
    answer = keep(version=version)
    assert answer["failed"] is True
    assert answer["msg"].startswith(f'nvidia_container_toolkit_version is "{version}", w')
    assert ("CVE-2025-23266" in answer["msg"]) is (version == "1.17.7-1")
    assert not (host.root / ORDER).exists()


def test_a_first_run_and_a_second(keep: Run, host: Host) -> None:
    answer = keep()
    assert (answer["changed"], answer["gpus"], answer["cards"]) == (True, UUIDS, 2)
    assert "After=nvidia-cdi-refresh.service" in (host.root / ORDER).read_text()
    assert not (host.root / UNATTENDED).exists()
    assert UUIDS[1] in (host.root / FRESH).read_text()
    again = keep()
    assert (again["changed"], again["diff"], again["gpus"]) == (False, [], UUIDS)


def test_check_mode_says_what_would_be_named(keep: Run, host: Host) -> None:
    answer = keep(check=True)
    assert answer["changed"] is True
    assert UUIDS[0] in answer["diff"][-1]["after"]
    assert not (host.root / ORDER).exists()
    assert not (host.root / FRESH).exists()


@pytest.mark.parametrize(
    ("lines", "wanted", "install", "known"),
    [
        ([f"ii |{NAMES[0]}|1.20.0-1"], "1.20.0-1", NAMES[1:], True),
        ([f"ii |{name}|1.19.1-1" for name in NAMES], "1.20.*", NAMES, True),
        # Newer than apt's package lists
        ([f"ii |{name}|1.20.0-1" for name in NAMES], "1.21.0-1", NAMES, False),
        ([f"rc |{name}|1.20.0-1" for name in NAMES], "1.20.0-1", NAMES, True),
    ],
)
def test_packages_come_first(
    keep: Run, host: Host, lines: list[str], wanted: str, install: list[str], known: bool
) -> None:
    host.packages(*lines)
    answer = keep(version=wanted)
    assert (answer["install"], answer["known"], answer["gpus"]) == (install, known, [])
    # It must exist before the packages: their installation reloads systemd
    assert (host.root / ORDER).exists()


def test_what_is_to_be_held_and_what_is_old(keep: Run, host: Host) -> None:
    host.packages(f"hi |{NAMES[0]}|1.20.0-1", f"ii |{NAMES[1]}|1.20.0-1", "ii |nvidia-docker2|2.13")
    answer = keep(older=["nvidia-docker2", "nvidia-docker"])
    assert (answer["unheld"], answer["older"]) == (NAMES[1:], ["nvidia-docker2"])
    assert keep(hold=False)["unheld"] == NAMES[:1]


def test_packages_that_are_not_ours_stay(keep: Run, host: Host) -> None:
    host.packages(*(f"hi |{name}|1.20.0-1" for name in NAMES), "ii |nvidia-docker2|2.13")
    host.program("apt-get", "#!/bin/sh\necho 'Remv site-gpu [1.0]\nRemv nvidia-docker2 [2.13]'\n")
    answer = keep(older=["nvidia-docker2"])
    assert answer["failed"] is True
    assert "apt would also remove site-gpu; remove those yourself" in answer["msg"]


def test_dnf_is_asked_through_rpm(
    host: Host, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load("nvidia_cdi")
    monkeypatch.setattr(module, "ROOT", host.root)
    host.program("rpm", "#!/bin/sh\n" + "".join(f"echo '{name}|0:1.20.0-1'\n" for name in NAMES))
    host.write("etc/dnf/automatic.conf", "[commands]\n[base]\n")
    wish: dict[str, Any] = {"manager": "dnf", "packages": dict.fromkeys(NAMES, "1.20.0-1")}
    answer = run(module, capsys, **wish, unattended_exclude=["nvidia-"])
    assert (answer["install"], answer["unheld"], answer["gpus"]) == ([], NAMES, UUIDS)
    assert "exclude = nvidia-*" in (host.root / "etc/dnf/automatic.conf").read_text()
    lines = [f"{name}-1.20.0-1.*" for name in sorted(NAMES)]
    block = ["# tgi-ansible: nvidia_container_toolkit", *lines]
    locked = [*block, "# end of tgi-ansible: nvidia_container_toolkit", ""]
    host.write("etc/dnf/plugins/versionlock.list", "\n".join(locked))
    again = run(module, capsys, **wish, unattended_exclude=["nvidia-"])
    assert (again["changed"], again["unheld"]) == (False, [])
    gone = run(module, capsys, **wish)
    assert gone["changed"] is True
    assert (host.root / "etc/dnf/automatic.conf").read_text() == "[commands]\n[base]\n"


def test_the_file_for_unattended_upgrades_comes_and_goes(keep: Run, host: Host) -> None:
    keep(unattended_exclude=["nvidia-", "docker-ce"])
    text = (host.root / UNATTENDED).read_text()
    assert 'Unattended-Upgrade::Package-Blacklist {\n  "nvidia-";\n  "docker-ce";\n};' in text
    assert keep(unattended_exclude=["nvidia-", "docker-ce"])["changed"] is False
    assert keep()["changed"] is True
    assert not (host.root / UNATTENDED).exists()


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("etc/cdi/nvidia.yaml", STATIC.format(uuid="GPU-gone", path=GPU), "GPU-gone, which is not"),
        ("etc/cdi/nvidia.yaml", STATIC.format(uuid=UUIDS[0], path="/no/535.so"), "/no/535.so"),
        ("var/run/cdi/nv.yaml", STATIC.format(uuid=UUIDS[0], path=GPU), "the same devices as"),
    ],
)
def test_what_is_in_the_way_is_put_aside(
    keep: Run, host: Host, name: str, text: str, reason: str
) -> None:
    keep()
    path = host.write(name, text.replace(str(GPU), str(GPU)))
    # Paths on this made-up host are below its root
    (host.root / str(GPU).lstrip("/")).mkdir(parents=True, exist_ok=True)
    for file in ("bin/nvidia-smi", "share/simulated-gpus.csv"):
        host.write(f"{GPU}/{file}".lstrip("/"), "")
    answer = keep()
    ((removed, why),) = answer["removed"].items()
    assert removed == f"/{name}"
    assert reason in why
    assert not path.exists()
    assert path.with_name(f"{path.name}.before-tgi-ansible.bak").read_text() == text
    assert keep()["changed"] is False


def test_what_others_wrote_stays(keep: Run, host: Host) -> None:
    keep()
    for name, kind in (("operator", "management.nvidia.com/gpu"), ("amd", "amd.com/gpu")):
        host.write(f"var/run/cdi/{name}.yaml", STATIC.replace("nvidia.com/gpu", kind))
    host.write("etc/cdi/broken.yaml", "kind: [")
    assert keep()["removed"] == {}
    assert len(list((host.root / "var/run/cdi").iterdir())) == 3


def test_a_card_that_left_is_named_no_more(keep: Run, host: Host) -> None:
    keep()
    table = (GPU / "l4x2.csv").read_text().splitlines()[:2]
    smi = (host.bin / "nvidia-smi").read_text()
    host.program(
        "nvidia-smi", smi.replace(f"{GPU}/l4x2.csv", str(host.write("one.csv", "\n".join(table))))
    )
    answer = keep()
    assert (answer["changed"], answer["gpus"]) == (True, UUIDS[:1])
    assert UUIDS[1] not in (host.root / FRESH).read_text()


def test_slices_stand_for_their_card(keep: Run, host: Host) -> None:
    line = "0, GPU-a, NVIDIA A100-SXM4-80GB, 81920, 580.95.05, 8.0, Enabled, Enabled"
    slices = (
        "GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-a)\\n  MIG 1g.10gb     Device  0: (UUID: MIG-b)"
    )
    host.program(
        "nvidia-smi", f'#!/bin/sh\n[ "$1" = -L ] && printf "{slices}\\n" || echo "{line}"\n'
    )
    host.program(
        "systemctl", f"#!/bin/sh\nmkdir -p {host.root}/var/run/cdi; touch {host.root}/did\n"
    )
    listed = f"[ ! -e {host.root}/did ] || echo nvidia.com/gpu=MIG-b"
    host.program("nvidia-ctk", f"#!/bin/sh\necho nvidia.com/gpu=GPU-a\n{listed}\n")
    answer = keep()
    assert (answer["changed"], answer["gpus"], answer["cards"]) == (True, ["MIG-b"], 1)


def test_a_refresh_that_does_nothing_is_reported(keep: Run, host: Host) -> None:
    host.program("systemctl", "#!/bin/sh\n")
    answer = keep()
    assert answer["failed"] is True
    assert f"lacks {UUIDS[0]}, {UUIDS[1]} although nvidia-smi shows it" in answer["msg"]
    assert "Its log: skipped: no module" in answer["msg"]


def test_a_driver_that_does_not_answer_is_reported(keep: Run, host: Host) -> None:
    host.program(
        "nvidia-smi", "#!/bin/sh\necho 'Failed to initialize NVML: Unknown Error'; exit 255\n"
    )
    assert "NVIDIA driver has lost its GPU" in keep()["msg"]
