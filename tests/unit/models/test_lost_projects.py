"""Test that a container of ours is known by its labels when its Compose file is gone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ansible.module_utils.tgi.common.commands import CommandResult
from ansible.module_utils.tgi.models.deployed import read_deployed
from ansible.module_utils.tgi.models.lost_projects import find_lost, lost_notes
from ansible.module_utils.tgi.models.record import Record

BASE = "/opt/tgi"
IMAGE = "ghcr.io/huggingface/text-generation-inference@sha256:1"
SEEN = {
    "config": {"Image": IMAGE, "Env": ["MODEL_ID=acme/small", "REVISION=abc", "A=b=c"]},
    "host": {
        "PortBindings": {
            "80/tcp": [
                {"HostIp": "127.0.0.1", "HostPort": "8085"},
                {"HostIp": "10.0.0.5", "HostPort": "8085"},
            ]
        },
        "DeviceRequests": [{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=1"]}],
    },
}
LOST = Record("a.b", "tgi-ab", 8085, ["1"], IMAGE, "acme/small", "abc")


class Docker:
    """Answer ``docker ps`` with lines, and ``docker inspect`` by the container's id."""

    def __init__(self, *lines: str, **seen: object) -> None:
        self.lines, self.seen = lines, seen
        self.asked: list[str] = []

    def __call__(self, command: Sequence[str]) -> CommandResult:
        self.asked.append(command[1])
        if command[1] == "ps":
            return CommandResult(0, "".join(f"{line}\n" for line in self.lines))
        return CommandResult(0, json.dumps(self.seen[command[-1]]))


def test_only_containers_below_our_directory_without_a_file_are_lost() -> None:
    docker = Docker("c1 tgi-ab /opt/tgi/a.b", "c2 shop /srv/shop", "c3 tgi-c /opt/tgi/c", c1=SEEN)
    assert find_lost(BASE, ["c"], docker) == [LOST]
    assert docker.asked == ["ps", "inspect"]
    docker = Docker("c3 tgi-c /opt/tgi/c")
    assert find_lost(BASE, ["c"], docker) == []
    assert docker.asked == ["ps"]


def test_one_without_our_port_or_without_docker_is_no_model() -> None:
    odd = {**SEEN, "host": {"PortBindings": None}}
    assert find_lost(BASE, [], Docker("c1 tgi-ab /opt/tgi/a.b", c1=odd)) == []
    assert find_lost(BASE, [], lambda _: CommandResult(None, "")) == []


def test_it_keeps_its_port_and_gpus(tmp_path: Path) -> None:
    found = read_deployed(tmp_path, BASE, Docker("c1 tgi-ab /opt/tgi/a.b", c1=SEEN))
    assert found.kept() == {"a.b": {"port": 8085, "gpus": ["1"], "project": "tgi-ab"}}
    assert found.published() == {8085: "a.b"}
    # The role writes its file again
    assert (found.names, found.lost) == ([], [LOST])


def test_what_happens_to_it_is_said() -> None:
    (again,) = lost_notes([LOST], BASE, ["a.b"])
    assert again.endswith("/a.b/compose.yaml is gone, but its container is there: the role tgi "
                          "writes it again")  # fmt: skip
    (stray,) = lost_notes([LOST], BASE, [])
    assert stray.endswith("remove it with docker compose -p tgi-ab down")
