"""The stand-ins for nvidia-smi and nvidia-ctk answer as the real programs were recorded."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.tgi.common.commands import CommandResult
from ansible.module_utils.tgi.host.nvidia import gpu_load

from tests.support.roots import ROOT

GPU = ROOT / "tests" / "sandbox" / "gpu"
UUIDS = [f"GPU-51a10000-0000-4000-8000-00000000000{index}" for index in (0, 1)]
Done = subprocess.CompletedProcess[str]


class Bench:
    """The stand-ins, with the files by which they know where they run in a directory."""

    def __init__(self, root: Path) -> None:
        self.root, self.table = root, GPU / "l4x2.csv"
        for name in ("nvidia-smi", "nvidia-ctk"):
            text = (GPU / name).read_text()
            for path in ("/.dockerenv", "/run/systemd/system", "/proc/1/environ"):
                text = text.replace(path, f"{root}{path}")
            (root / name).write_text(text)
            (root / name).chmod(0o755)

    def contain(self, **variables: str) -> None:
        """Make it look like a container whose first process has these variables."""
        (self.root / ".dockerenv").touch()
        (self.root / "proc/1").mkdir(parents=True)
        environ = "".join(f"{name}={value}\0" for name, value in variables.items())
        (self.root / "proc/1/environ").write_text(environ)

    def run(self, program: str, *arguments: str, **variables: str) -> Done:
        """Run a stand-in; what nvidia-smi prints of its own accord is on stdout."""
        return subprocess.run(
            [self.root / program, *arguments],
            env={
                "PATH": f"{self.root}:{os.environ['PATH']}",
                "SIMULATED_GPUS": str(self.table),
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def smi(self, *arguments: str, **variables: str) -> Done:
        return self.run("nvidia-smi", *arguments, **variables)

    def ctk(self, *arguments: str) -> Done:
        return self.run("nvidia-ctk", *arguments)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_it_lists_the_gpus_and_says_that_they_are_simulated(bench: Bench) -> None:
    done = bench.smi("-L")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"GPU {index}: NVIDIA L4 (UUID: {uuid})" for index, uuid in enumerate(UUIDS)
    ]
    assert "SIMULATED" in done.stderr


QUERIES = [
    ("index,uuid", "csv,noheader", f"0, {UUIDS[0]}"),
    ("memory.total,driver_version", "csv,noheader", "23034 MiB, 550.163.01"),
    ("memory.total", "csv,noheader,nounits", "23034"),
    ("name,compute_cap,mig.mode.current", "csv,noheader", "NVIDIA L4, 8.9, [N/A]"),
    ("gpu_name, gpu_uuid", "csv,noheader", f"NVIDIA L4, {UUIDS[0]}"),
    ("memory.used,memory.free,fan.speed", "csv,noheader,nounits", "1, 22538, [N/A]"),
    ("count,pci.bus,pstate", "csv,nounits,noheader", "2, 0x01, P8"),
    ("clocks.sm,power.draw,utilization.gpu", "csv,noheader", "210 MHz, 16.51 W, 0 %"),
    ("clocks_throttle_reasons.active", "csv,noheader", "0x0000000000000001"),
    ("ecc.errors.uncorrected.volatile.total", "csv,noheader", "0"),
]


@pytest.mark.parametrize(("query", "form", "first"), QUERIES)
def test_queries(query: str, form: str, first: str, bench: Bench) -> None:
    done = bench.smi(f"--query-gpu={query}", f"--format={form}")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2)
    assert done.stdout.splitlines()[0] == first


def test_the_launchers_queries_have_their_answer_in_the_second_line(bench: Bench) -> None:
    for query, head, value in (
        ("gpu_name", "name", "NVIDIA L4"), ("memory.total", "memory.total [MiB]", "23034 MiB"),
    ):  # fmt: skip
        lines = bench.smi(f"--query-gpu={query}", "--format=csv").stdout.splitlines()
        assert lines == [head, value, value]


def test_what_we_ask_for_load_and_processes_is_known(bench: Bench) -> None:
    def ask(words: Sequence[str]) -> CommandResult:
        done = bench.smi(*words[1:])
        return CommandResult(done.returncode, done.stdout)

    (first, second) = gpu_load.live(ask)
    assert (first["index"], second["uuid"], first["mhz_most"]) == ("0", UUIDS[1], 2040)
    assert None not in first.values()
    assert gpu_load.holders(ask) == []


def test_one_gpu_is_chosen_by_index_or_uuid(bench: Bench) -> None:
    for chosen in (("-i", "1"), (f"--id={UUIDS[1]}",)):
        done = bench.smi(*chosen, "--query-gpu=index,count", "--format=csv,noheader")
        assert done.stdout == "1, 2\n"
    done = bench.smi("-i", "7", "-L")
    assert (done.returncode, done.stdout) == (6, "No devices were found\n")


@pytest.mark.parametrize("form", ["csv", "csv,noheader"])
def test_an_unknown_field_is_an_error_as_in_the_original(form: str, bench: Bench) -> None:
    done = bench.smi("--query-gpu=index,bogus", f"--format={form}")
    said = 'Field "bogus" is not a valid field to query.\n\n'
    assert (done.returncode, done.stdout) == (2, said)


def test_a_query_needs_a_form(bench: Bench) -> None:
    done = bench.smi("--query-gpu=index")
    assert (done.returncode, done.stdout) == (2, "Format modifier --format=csv is mandatory.\n")


def test_an_unknown_argument_is_an_error(bench: Bench) -> None:
    done = bench.smi("--bogus")
    assert done.returncode == 2
    assert "Invalid combination of input arguments" in done.stdout


@pytest.mark.parametrize("arguments", [("-L",), ("--query-gpu=uuid", "--format=csv"), ()])
def test_without_a_driver_it_fails_on_stdout(arguments: tuple[str, ...], bench: Bench) -> None:
    bench.table = bench.root / "none.csv"
    done = bench.smi(*arguments)
    assert done.returncode == 9
    assert done.stdout.startswith("NVIDIA-SMI has failed because it couldn't communicate with the")


def test_a_container_sees_only_what_cdi_gave_it(bench: Bench) -> None:
    variables = {"PATH": "/bin", "SIMULATED_GPU_1": UUIDS[1]}
    bench.contain(**variables)
    done = bench.smi("--query-gpu=index,uuid", "--format=csv,noheader", **variables)
    assert (done.returncode, done.stdout) == (0, f"1, {UUIDS[1]}\n")


def test_a_container_without_gpus_sees_none(bench: Bench) -> None:
    bench.contain(PATH="/bin")
    done = bench.smi("-L")
    assert (done.returncode, done.stdout) == (6, "No devices were found\n")


def test_the_cdi_specification_names_every_gpu(bench: Bench) -> None:
    done = bench.ctk("cdi", "generate")
    assert done.returncode == 0
    assert "SIMULATED" in done.stdout.splitlines()[0]
    spec = yaml.safe_load(done.stdout)
    assert (spec["cdiVersion"], spec["kind"]) == ("0.5.0", "nvidia.com/gpu")
    devices = {device["name"]: device["containerEdits"] for device in spec["devices"]}
    assert list(devices) == ["0", UUIDS[0], "1", UUIDS[1], "all"]
    assert devices["1"] == devices[UUIDS[1]] == {"env": [f"SIMULATED_GPU_1={UUIDS[1]}"]}
    assert devices["all"]["env"] == [f"SIMULATED_GPU_{i}={uuid}" for i, uuid in enumerate(UUIDS)]
    edits = spec["containerEdits"]
    assert edits["env"] == ["NVIDIA_VISIBLE_DEVICES=void"]
    assert all({"ro", "bind"} <= set(mount["options"]) for mount in edits["mounts"])
    assert "deviceNodes" not in done.stdout


def test_the_specification_is_written_whole(bench: Bench, tmp_path: Path) -> None:
    output = tmp_path / "cdi" / "nvidia.yaml"
    assert bench.ctk("cdi", "generate", f"--output={output}").returncode == 0
    assert yaml.safe_load(output.read_text())["kind"] == "nvidia.com/gpu"
    assert [path.name for path in output.parent.iterdir()] == ["nvidia.yaml"]


def test_what_is_not_simulated_says_so(bench: Bench) -> None:
    done = bench.ctk("runtime", "configure")
    assert done.returncode == 1
    assert "SIMULATED" in done.stderr
