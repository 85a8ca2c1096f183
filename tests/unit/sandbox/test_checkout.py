"""Two checkouts on one machine: hosts of another are refused, images of another are kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.roots import ROOT

# Answers as the docker command does, from a table: containers with their owner, images
DOCKER = """#!/usr/bin/env python3
import json, pathlib, re, sys
state = pathlib.Path(__file__).with_name("state.json")
has = json.loads(state.read_text())
command, rest = sys.argv[1], sys.argv[2:]
if command == "ps":
    pattern = rest[rest.index("--filter") + 1].removeprefix("name=")
    print("\\n".join(name for name in has["containers"] if re.search(pattern, name)))
elif command == "inspect":
    print(has["containers"][rest[-1]])
elif command == "rm":
    del has["containers"][rest[-1]]
elif command == "images":
    pattern = rest[rest.index("--filter") + 1].removeprefix("reference=").removesuffix("*")
    found = has["images"] if pattern.startswith("label=") else [
        name for name in has["images"] if name.startswith(pattern)]
    print("\\n".join(found))
elif command == "image":
    sys.exit(rest[-1] not in has["images"])
elif command == "tag":
    has["images"].append(rest[1])
elif command == "rmi":
    if rest[0] in has["used"]:
        sys.exit("conflict")
    has["images"].remove(rest[0])
state.write_text(json.dumps(has))
"""


class Checkout:
    """A directory with the script, on a machine whose engine is simulated."""

    def __init__(self, root: Path, machine: Path) -> None:
        self.root, self.machine = root.resolve(), machine
        self.script = root / "tests/sandbox/checkout.sh"
        self.script.parent.mkdir(parents=True)
        shutil.copy(ROOT / "tests/sandbox/checkout.sh", self.script)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PATH": f"{self.machine}:{os.environ['PATH']}"}
        return subprocess.run(
            [self.script, *arguments], env=environment, capture_output=True, text=True, check=False
        )

    def image(self, name: str) -> str:
        return self.run("image", name).stdout.strip()


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    put(tmp_path)
    return tmp_path


def put(
    machine: Path,
    containers: dict[str, str] | None = None,
    images: list[str] | None = None,
    used: list[str] | None = None,
) -> None:
    state = {"containers": containers or {}, "images": images or [], "used": used or []}
    (machine / "state.json").write_text(json.dumps(state))


def images(machine: Path) -> list[str]:
    found: list[str] = json.loads((machine / "state.json").read_text())["images"]
    return found


def test_a_free_name_and_an_own_host_are_accepted(machine: Path) -> None:
    one = Checkout(machine / "one", machine)
    assert one.run("refuse", "tgi-sandbox").returncode == 0
    put(machine, {"tgi-sandbox-gpu1": str(one.root), "tgi-sandbox-mirror": str(one.root)})
    assert one.run("refuse", "tgi-sandbox").returncode == 0


def test_a_host_of_another_checkout_is_refused_with_its_owner_and_the_remedy(machine: Path) -> None:
    one, two = Checkout(machine / "one", machine), Checkout(machine / "two", machine)
    put(machine, {"tgi-sandbox-gpu1": str(one.root)})
    refused = two.run("refuse", "tgi-sandbox")
    assert refused.returncode == 1
    assert refused.stderr == (
        f"tgi-sandbox-gpu1 belongs to the checkout {one.root}, and two cannot use the same names "
        f"and ports. Run this in {one.root}: make sandbox-down, or for test hosts: "
        ".venv/bin/molecule destroy --all\n"
    )


def test_hosts_of_a_deleted_checkout_are_removed(machine: Path) -> None:
    put(machine, {"tgi-sandbox-gpu1": str(machine / "gone"), "tgi-sandbox-gpu2": ""})
    done = Checkout(machine / "two", machine).run("refuse", "tgi-sandbox")
    assert done.stdout == (
        f"Removed tgi-sandbox-gpu1 of the checkout {machine}/gone, which no longer exists\n"
    )
    assert done.returncode == 1 and "tgi-sandbox-gpu2 has no label" in done.stderr
    state = json.loads((machine / "state.json").read_text())
    assert list(state["containers"]) == ["tgi-sandbox-gpu2"]


def test_a_host_without_a_label_is_refused(machine: Path) -> None:
    put(machine, {"tgi-sandbox-gpu1": ""})
    refused = Checkout(machine / "two", machine).run("refuse", "tgi-sandbox")
    assert refused.returncode == 1
    assert refused.stderr.endswith("docker rm --force --volumes tgi-sandbox-gpu1\n")


def test_other_names_do_not_count(machine: Path) -> None:
    put(machine, {"tgi-sandbox-two-gpu1": "/elsewhere", "my-tgi-sandbox-gpu1": "/elsewhere"})
    assert Checkout(machine / "one", machine).run("refuse", "tgi-sandbox").returncode == 0


def test_an_image_of_the_same_content_is_built_once_and_kept_for_the_other(machine: Path) -> None:
    one, two = Checkout(machine / "one", machine), Checkout(machine / "two", machine)
    first = one.image("tgi-test-host:trixie-abc")
    assert first.startswith("tgi-test-host:trixie-abc-")
    assert images(machine) == []
    put(machine, images=[first])
    second = two.image("tgi-test-host:trixie-abc")
    assert second != first
    assert images(machine) == [first, second]
    assert two.run("remove-images").stdout == f"Removed {second}\n"
    assert images(machine) == [first]


def test_an_image_in_use_is_kept(machine: Path) -> None:
    one = Checkout(machine / "one", machine)
    name = one.image("tgi-test-host:trixie-abc")
    put(machine, images=[name], used=[name])
    assert one.run("remove-images").stdout == ""
    assert images(machine) == [name]
