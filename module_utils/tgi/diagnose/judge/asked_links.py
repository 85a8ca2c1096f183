"""Judge what the checks asked of a model on its own port: is it the right one, does it make sense?

A link shows several checks, causes before consequences; the first that failed is the finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..finding import Found, Scene, broken, not_reached, ok, unknown, warning
from ..look.asked_checks import BY_LINK
from .client_links import STRANGE

_RUN = "run site.yml --tags tgi"

#: Other clients hold the engine's places: that says nothing of what was asked
_BUSY = "HTTP 429"
#: The same requests, one at a time, were answered before
_TOGETHER = ("HTTP 424", "an error event under HTTP 200")
_APART = "while one request alone is answered"
_BATCH = (
    "requests that meet in a batch fail: find why in the engine's log of this moment (docker "
    "logs); without flash attention this is known, so use a GPU of compute capability 7.5 or newer"
)
#: Where the check's own remedy is to compare with what was asked here before
_REMEDIES = {"completions.basic": STRANGE}


def judge_identity(scene: Scene) -> Found:
    """Judge whether the deployed weights and the deployed image answer."""
    info, declared = scene.model.get("info"), scene.model.get("declared") or {}
    found = _judge(scene, "identity")
    if found.code:
        return found
    image, wanted = scene.model.get("image"), declared.get("image")
    if image and wanted and image != wanted:
        seen = f"the container runs {image}, deployed is {wanted}"
        return broken("image", seen, f"it was started by hand: {_RUN}")
    label = (info or {}).get("label")
    return ok(f"{found.seen}, image {label}") if label and found.state == "ok" else found


def judge_template(scene: Scene) -> Found:
    return _judge(scene, "template")


def judge_text(scene: Scene) -> Found:
    """Judge a long text, known answers, characters of several bytes, and an echo of the prompt."""
    return _judge(scene, "text")


def judge_json(scene: Scene) -> Found:
    return _judge(scene, "json")


def judge_api(scene: Scene) -> Found:
    """Judge what the engine refuses, and where it stops."""
    return _judge(scene, "api")


def judge_counters(scene: Scene) -> Found:
    return _judge(scene, "counters")


def _judge(scene: Scene, link: str) -> Found:
    asked: Mapping[str, Any] = scene.model.get("checks") or {}
    found = {name: asked[name] for name in BY_LINK[link] if name in asked}
    if not found:
        return not_reached()
    # A soft problem is no fault: mostly there was nothing to check
    failed = {name: one for name, one in found.items() if one["problem"] and not one["soft"]}
    refused = {name: one for name, one in failed.items() if one["problem"].startswith(_BUSY)}
    # What is accepted must not hide what is not
    known = {name for name in failed if scene.picture.known(name, scene.model["name"])}
    order = sorted(failed, key=lambda name: (name in known, failed[name]["minor"]))
    for name in order:
        one, make = failed[name], warning if failed[name]["minor"] else broken
        if name not in refused:
            if one["problem"].startswith(_TOGETHER):
                return broken("batch", f"{name}: {one['problem']}, {_APART}", _BATCH)
            return make(name, one["seen"], _REMEDIES.get(name) or one["remedy"])
    late = [f"{name}: {one['unknown']}" for name, one in found.items() if "unknown" in one]
    late += [f"{name}: {one['problem']}" for name, one in refused.items()]
    if late:
        return unknown("; ".join(late))
    return ok("; ".join(str(one["seen"]) for one in found.values() if one["seen"]))
