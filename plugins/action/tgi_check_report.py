"""Write the reports of all hosts' checks, then fail on hosts with a bad verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.plugins.action import ActionBase

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_UTILS = str(Path(__file__).resolve().parents[2] / "module_utils")
if _UTILS not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_UTILS)

from ansible.module_utils.tgi.checks.report.document import no_verdict
from ansible.module_utils.tgi.checks.report.report_files import write_reports

# Where the role checks registers the result of tgi_check, and the group of each view
_VIEWS = {
    "direct": ("checks_direct_result", "gpu_hosts"),
    "edge": ("checks_edge_result", "gateways"),
}
_SPEC = {
    "view": {"type": "str", "choices": list(_VIEWS)},
    "directory": {"type": "path"},
    "enforce": {"type": "bool", "default": True},
}
_SHOWN = ("msg", "checks", "failed_checks", "summary", "table")
_NOT_REACHED = "The play failed on this host before the checks: fix the earlier failure first"


class ActionModule(ActionBase):  # type: ignore[misc]
    """Run on the controller only; read nothing but the registered results of this run."""

    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return report_files; fail for a bad verdict with tgi_check's result, without report."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        _, given = self.validate_argument_spec(_SPEC)
        views = [given["view"]] if given["view"] else list(_VIEWS)
        # Each run writes the reports anew; "changed" is about the system only
        answer: dict[str, Any] = {"changed": False, "report_files": []}
        if given["enforce"]:
            answer.update(verdict([plain(variables.get(_VIEWS[view][0]) or {}) for view in views]))
            if not given["view"] and (nothing := unchecked(variables["hostvars"])):
                answer.update(failed=True, msg=nothing)
        if given["directory"] and given["view"]:
            try:
                answer["report_files"] = write(given["directory"], given["view"], variables)
            except OSError as error:
                said = [answer.get("msg"), f"cannot write the report: {error}"]
                answer.update(failed=True, msg="; ".join(filter(None, said)))
        return answer


def verdict(mine: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the failure: tgi_check's result of each view with a bad verdict; else nothing."""
    bad = [one for one in mine if one.get("summary", {}).get("verdict") == "failed"]
    if not bad:
        return {}
    if len(bad) == 1:
        return {"failed": True, **{key: bad[0][key] for key in _SHOWN}}
    return {
        "failed": True,
        "msg": "; ".join(one["msg"] for one in bad),
        "checks": [row for one in bad for row in one["checks"]],
        "failed_checks": [name for one in bad for name in one["failed_checks"]],
        "summary": {one["summary"]["view"]: one["summary"] for one in bad},
        "table": "\n\n".join(one["table"] for one in bad),
    }


def unchecked(hostvars: Mapping[str, Any]) -> str:
    """Return why the run proved nothing; empty when any host got a verdict in any view."""
    names = [variable for variable, _ in _VIEWS.values()]
    found = [hostvars[host].get(name) or {} for host in hostvars for name in names]
    if any("summary" in one for one in found):
        return ""
    said = [str(one["msg"]) for one in found if one.get("msg")]
    return "; ".join(["nothing was checked", *dict.fromkeys(said)])


def write(directory: str, view: str, variables: Mapping[str, Any]) -> list[str]:
    """Write the page over all hosts, and JSON and JUnit XML of this host and of failed ones."""
    hostvars, here = variables["hostvars"], variables["inventory_hostname"]
    found = {}
    for name, host, answer in answers(view, variables["ansible_play_hosts_all"], hostvars):
        found[name, host] = make_document(name, host, answer)
    notes = []
    for name, (_, group) in _VIEWS.items():
        hosts = variables.get("groups", {}).get(group, [])
        if lost := [host for host in hosts if (name, host) not in found]:
            notes.append(f"Not in this report: the {name} view of {', '.join(lost)}.")
    own = [
        one
        for (name, host), one in found.items()
        if name == view and (host == here or not one["checks"])
    ]
    files: list[str] = write_reports(directory, list(found.values()), notes, own)
    return files


def answers(
    view: str, hosts: list[str], hostvars: Mapping[str, Any]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield view, host and result: of this view for every host, of the other view if it ran."""
    for name, (variable, _) in _VIEWS.items():
        known = hosts if name == view else list(hostvars)
        for host in known:
            answer = hostvars[host].get(variable)
            if answer is not None or name == view:
                yield name, host, plain(answer or {"msg": _NOT_REACHED})


def make_document(view: str, host: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the report in a result, or one that says why there is none."""
    if "report" in answer:
        report: Mapping[str, Any] = answer["report"]
        return report
    skipped = bool(answer.get("skipped"))
    usual = "Nothing is deployed or published yet" if skipped else "The checks gave no verdict"
    made: Mapping[str, Any] = no_verdict(view, host, str(answer.get("msg") or usual), skipped)
    return made


def plain(value: Any) -> Any:
    """Return a copy without Ansible's own types of dict and list."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
