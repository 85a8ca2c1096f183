"""Write a document as JUnit XML for Jenkins and GitLab: one suite per view and host.

There is one test case per check and model. A warning is a passed case with its text in
system-out. A check that does not apply, is not judged, or whose failure is accepted, is a skipped
case with the reason. Times are in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from ..results import ACCEPTED, ERROR, FAIL, NOT_JUDGED, WARN
from .document import Document

_TAGS = {FAIL: "failure", ERROR: "error"}
_SKIPPED = (NOT_JUDGED, ACCEPTED)
# XML 1.0 cannot hold these characters, not even escaped
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def make_junit(found: Document) -> bytes:
    """Return the file's content in UTF-8."""
    summary, states = found["summary"], [check["status"] for check in found["checks"]]
    skipped = summary["verdict"] == "skipped"
    # A failed verdict without a failed check must be red too: not all checks ran
    silent = summary["verdict"] == "failed" and not {FAIL, ERROR} & set(states)
    counts = {
        "tests": len(states) + len(found["left_out"]) + silent + skipped,
        "failures": states.count(FAIL),
        "errors": states.count(ERROR) + silent,
        "skipped": len(found["left_out"]) + skipped + sum(one in _SKIPPED for one in states),
    }
    figures = {name: str(count) for name, count in counts.items()}
    figures["time"] = f"{summary['seconds']:.3f}"
    root = ET.Element("testsuites", {"name": "tgi-check", **figures})
    name = f"{found['view']} {found['target']}"
    suite = _add(root, "testsuite", "", name=name, hostname=found["target"], id="0",
                 timestamp=found["started"].rstrip("Z"), **figures)  # fmt: skip
    properties = _add(suite, "properties")
    for key in ("schema", "view", "target", "message"):
        _add(properties, "property", "", name=key, value=found[key])
    for check in found["checks"]:
        _case(suite, found, check)
    for one in found["left_out"]:
        case = _named(suite, found, one["id"], one["id"].partition(".")[0], one["model"], 0)
        _add(case, "skipped", "", message=one["reason"])
    if silent or skipped:
        case = _named(suite, found, "verdict", "verdict", "", 0)
        _add(case, "skipped" if skipped else "error", "", message=found["message"])
    written: bytes = ET.tostring(root, "utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + written + b"\n"


def _case(suite: ET.Element, found: Document, check: Mapping[str, Any]) -> None:
    case = _named(suite, found, check["id"], check["group"], check["model"], check["ms"])
    status = check["status"]
    fields = [(key, check[key]) for key in ("expected", "observed", "evidence", "remedy")]
    lines = "\n".join(f"{key}: {text}" for key, text in fields if text)
    if status in _TAGS:
        _add(case, _TAGS[status], lines, message=check["observed"], type=check["severity"])
    elif status in _SKIPPED:
        why = f"accepted: {check['accepted']}" if check["accepted"] else check["observed"]
        _add(case, "skipped", lines, message=why)
    elif status == WARN:
        _add(case, "system-out", f"warned\n{lines}")


def _named(
    suite: ET.Element, found: Document, check: str, group: str, model: str, ms: int
) -> ET.Element:
    # Jenkins reads the part before the last dot as a package
    place = f"{found['view']}.{found['target']}.{group}"
    name = f"{check} {model}".strip()
    return _add(suite, "testcase", "", classname=place, name=name, time=f"{ms / 1000:.3f}")


def _add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    clean = {key: _xml(value) for key, value in attributes.items()}
    made = ET.SubElement(parent, tag, clean)
    made.text = _xml(text) or None
    return made


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", str(text))
