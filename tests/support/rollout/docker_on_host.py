"""A docker command that knows containers by project and what Compose would do to each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ansible.module_utils.tgi.common.commands import CommandResult
from ansible.module_utils.tgi.docker.compose_containers import DockerError

_LABEL = "com.docker.compose.project"


class DockerOnHost:
    """``states`` is project -> state of its container, ``would`` project -> the dry run's word.

    ``trouble`` makes every command fail with these words. ``seen`` holds the texts of each project
    directory that Compose read.
    """

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.would: dict[str, str] = {}
        self.trouble = ""
        self.seen: list[dict[str, str]] = []
        #: Working directory of a container whose files may be gone
        self.directory = ""

    def run(self, arguments: Sequence[str]) -> tuple[int, str, str]:
        """Answer as run_docker."""
        if self.trouble:
            raise DockerError(self.trouble)
        if arguments[0] == "ps":
            return 0, "\n".join(self.states), ""
        if arguments[0] == "inspect":
            found = [
                {"Id": name, "Config": {"Labels": {_LABEL: name}}, "State": {"Status": state}}
                for name, state in self.states.items()
            ]
            return 0, json.dumps(found), ""
        place = Path(arguments[arguments.index("--project-directory") + 1])
        texts = {path.name: path.read_text() for path in place.iterdir() if path.is_file()}
        self.seen.append(texts)
        project = texts["compose.yaml"].partition("name: ")[2].split()[0]
        word = self.would.get(project, "Running")
        if word.startswith("error"):
            return 1, "", f"{word}\n"
        return 0, "", f" DRY-RUN MODE -  Container {project}-tgi-1  {word}\n"

    def ask(self, command: Sequence[str]) -> CommandResult:
        """Answer as common.commands.ask, for the search for lost projects."""
        if self.trouble:
            return CommandResult(None, "")
        if "inspect" in command:
            ports = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8081"}]}
            return CommandResult(0, json.dumps({"config": {}, "host": {"PortBindings": ports}}))
        lines = [f"{name} {name} {self.directory}" for name in self.states if self.directory]
        return CommandResult(0, "\n".join(lines))
