"""Send a host what it misses of a bundle, over the connection that Ansible has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_UTILS = str(Path(__file__).resolve().parents[2] / "module_utils")
if _UTILS not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_UTILS)

from ansible.module_utils.tgi.bundle.bundle_form import BundleError, read_bundle
from ansible.module_utils.tgi.bundle.pulse import Meter, Pulse
from ansible.module_utils.tgi.bundle.sums import read_sums
from ansible.module_utils.tgi.bundle.use.apt_sources import apt_files
from ansible.module_utils.tgi.bundle.use.bundle_share import (
    BundleFile,
    HostNeeds,
    lacking,
    parts_for,
    share,
)
from ansible.module_utils.tgi.bundle.use.host_files import INCOMING
from ansible.module_utils.tgi.bundle.use.push import Push
from ansible.module_utils.tgi.common.places import BUNDLE_DIR
from ansible.module_utils.tgi.common.problem import problem

display = Display()

_SPEC = {
    "state": {"type": "str", "choices": ["present", "held"], "default": "present"},
    "bundle": {"type": "path", "required": True},
    "directory": {"type": "path", "default": BUNDLE_DIR},
    "system": {"type": "str", "required": True},
    "apt": {"type": "bool", "default": True},
    "image": {"type": "str", "default": ""},
    "models": {"type": "list", "elements": "dict", "default": []},
}


class _Failed(Exception):
    """The host's module failed; its result is the argument."""


class ActionModule(ActionBase):  # type: ignore[misc]
    """Look, make room, send and let the host prove each file."""

    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what came, or fail with what the bundle lacks for this host."""
        super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(_SPEC)
        variables = task_vars or {}
        try:
            return self._bring(given, variables)
        except _Failed as failure:
            return dict(failure.args[0])
        except (BundleError, OSError) as error:
            return {"failed": True, "changed": False, "msg": str(error)}

    def _bring(self, given: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        bundle = Path(given["bundle"]).resolve()
        form = read_bundle(bundle)
        needs = HostNeeds(given["system"], given["image"], given["models"], given["apt"])
        if lines := lacking(form, needs):
            head = "The bundle does not have all that this host needs; nothing was changed"
            return {"failed": True, "msg": "\n".join([head, *(f"- {line}" for line in lines)])}
        files = share(bundle, form, read_sums(bundle), needs)
        if given["state"] == "held":
            return {"changed": False, "files": len(files), "bytes": sum(one.size for one in files)}
        parts = [vars(one) for one in parts_for(form, needs.system)]
        listed = {
            "directory": given["directory"],
            "files": [one._asdict() for one in files],
            "texts": apt_files(given["directory"], parts),
        }
        found = self._step("look", listed, variables)
        coming = {one["path"]: int(one["held"]) for one in found["missing"]}
        if (coming or found["dropped"] or found["written"]) and not self._task.check_mode:
            found = self._step("begin", listed, variables)
            self._push(bundle, files, coming, given["directory"], variables)
            self._step("end", listed, variables)
        touched = [*coming, *found["dropped"], *found["written"]]
        return {
            "changed": bool(touched),
            "files": len(files),
            "brought": sorted(coming),
            "bytes": sum(one.size for one in files if one.path in coming),
            "dropped": found["dropped"],
        }

    def _push(
        self,
        bundle: Path,
        files: Sequence[BundleFile],
        coming: dict[str, int],
        directory: str,
        variables: dict[str, Any],
    ) -> None:
        if not self._connection.has_pipelining:
            what = f'is "{self._connection.transport}", which takes no input of a command'
            raise BundleError(problem("ansible_connection", what, "use ssh"))
        host = variables.get("inventory_hostname", "localhost")

        def adopt(batch: Sequence[BundleFile]) -> list[str]:
            came = {"directory": directory, "files": [one._asdict() for one in batch]}
            return list(self._step("adopt", came, variables)["wrong"])

        lacking = [one for one in files if one.path in coming]
        meter = Meter("bundle", "bring", sum(one.size - coming[one.path] for one in lacking))
        push = Push(bundle, f"{directory}/{INCOMING}", self._send, adopt, meter.add)
        with Pulse(lambda line: display.display(f"{host}: {line}"), meter.line):
            push.push(lacking, coming)

    def _send(self, command: str, content: bytes) -> tuple[int, str]:
        answer = self._low_level_execute_command(command, in_data=content)
        said = f"{answer.get('stderr', '')} {answer.get('stdout', '')}"
        return int(answer["rc"]), said

    def _step(self, step: str, given: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(
            module_args={**given, "step": step}, task_vars=variables
        )
        if answer.get("failed"):
            raise _Failed(answer)
        return answer
