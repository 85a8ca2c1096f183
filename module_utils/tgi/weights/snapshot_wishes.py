"""Read what the module hf_snapshot is asked for, and say what is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..common.problem import problem, shown
from .hub_connection import HubSource
from .manifest import is_repository, is_revision
from .snapshot_look import SnapshotWish, Standing
from .snapshot_store import SnapshotStore


def wishes(params: Mapping[str, Any]) -> list[SnapshotWish]:
    """Return what is wanted, each snapshot once; raise ValueError for names that are none."""
    found: dict[tuple[str, str], SnapshotWish] = {}
    mirror = params["mirror"].rstrip("/")
    # http.client would show it in a traceback
    if not re.fullmatch(r"[!-~]*", params["token"]):
        what = "has a space, a line's end or a letter that no token has"
        raise ValueError(problem("token", what, "write the token alone, as one word"))
    directory = mirror if mirror.startswith("/") else ""
    for place, one in enumerate(params["snapshots"]):
        where = f"snapshots[{place}]"
        if not is_repository(one["repository"]):
            what = f"is {shown(one['repository'])}, not a repository"
            raise ValueError(problem(f"{where}.repository", what, "write org/name"))
        if not is_revision(one["revision"]):
            what = f"is {shown(one['revision'])}, not a commit"
            raise ValueError(problem(f"{where}.revision", what, "write its 40 hex digits"))
        at_mirror = bool(mirror) and not directory
        source = HubSource(
            mirror if at_mirror else params["endpoint"].rstrip("/"),
            params["token"] if one["hf_token"] and not at_mirror else "",
            params["ca_file"] or "",
            {str(name).lower(): str(value) for name, value in params["proxies"].items()},
        )
        found[one["repository"], one["revision"]] = SnapshotWish(
            one["repository"],
            one["revision"],
            source,
            directory,
            one["code"],
            one["pickle"],
            one["verify"],
            params["workers"],
            params["throttle"] * (1 << 20),
            int(params["reserve"] * (1 << 30)),
        )
    return list(found.values())


def seen(store: SnapshotStore, wish: SnapshotWish, standing: Standing) -> dict[str, Any]:
    """Return what is there of a snapshot."""
    manifest = standing.manifest
    return {
        "repository": wish.repository,
        "revision": wish.revision,
        "path": str(store.snapshot),
        "size": manifest.size if manifest else 0,
        "missing": [file.path for file in standing.missing],
        "renamed": manifest.renamed if manifest else "",
    }
