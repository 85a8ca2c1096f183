"""Test the answers of a mirror against the Hub's own, as tests/support/hub speaks them."""

from __future__ import annotations

import json
import os
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.module_utils.tgi.weights.mirror_replies import (
    MAIN,
    differences,
    mirrored,
    put,
    replies,
)

from tests.support.hub.weight_sites import NAME, REVISION, WANTED, WeightSite

FOLDER = "models--org--small-1b"
LATER = REVISION[::-1]


def hub_says(site: WeightSite, path: str) -> Any:
    with urllib.request.urlopen(f"{site.hub.endpoint}/api/models/{NAME}/{path}") as answer:
        return json.loads(answer.read())


def test_a_list_is_the_hubs_for_the_files_that_are_there(site: WeightSite) -> None:
    site.fetch()
    files = replies(mirrored(site.cache))
    tree = json.loads(files[f"{FOLDER}/tree-{REVISION}.json"])
    pointers = {one["path"]: (one.pop("oid"), one["lfs"].pop("pointerSize"))
                for one in tree if "lfs" in one}  # fmt: skip
    theirs = [one for one in hub_says(site, f"tree/{REVISION}") if one["path"] in WANTED]
    for one in theirs:
        if "lfs" in one:
            del one["oid"], one["lfs"]["pointerSize"]
    assert tree == theirs
    # As git hash-object says of "version …\noid sha256:…\nsize 2000\n"
    assert pointers["tokenizer.model"] == ("e5908d2ffa69fb65c36e7a9e97f246d02c2be5f5", 129)
    described = json.loads(files[f"{FOLDER}/revision-{REVISION}.json"])
    assert {one["rfilename"] for one in described["siblings"]} == WANTED
    assert (described["id"], described["sha"]) == (NAME, REVISION)


def test_only_what_is_whole_is_offered(site: WeightSite) -> None:
    assert mirrored(site.cache) == []
    fetched = site.fetch()
    assert [one.manifest for one in mirrored(site.cache)] == [fetched.manifest]
    large = max(fetched.manifest.files, key=lambda file: file.size)
    site.store.blob(large).unlink()
    assert mirrored(site.cache) == []


def test_the_last_fetched_commit_is_main(site: WeightSite, tmp_path: Path) -> None:
    site.fetch()
    site.hub.repositories[NAME] = replace(site.repository, revision=LATER)
    later = WeightSite(site.hub, site.cache)
    later.store = type(site.store)(site.cache, NAME, LATER)
    later.fetch(revision=LATER)
    directory = tmp_path / "replies"
    put(directory, replies(mirrored(site.cache)))
    assert (directory / MAIN).read_text() == f'"{NAME}" {LATER};\n'
    os.utime(site.cache / ".tgi-ansible" / FOLDER / f"{REVISION}.json")
    files = replies(mirrored(site.cache))
    assert differences(directory, files) == ([MAIN], [])
    put(directory, files)
    assert (directory / MAIN).read_text() == f'"{NAME}" {REVISION};\n'


def test_what_is_gone_is_no_longer_offered(site: WeightSite, tmp_path: Path) -> None:
    site.fetch()
    directory = tmp_path / "replies"
    files = replies(mirrored(site.cache))
    put(directory, files)
    put(directory, files)
    assert differences(directory, files) == ([], [])
    assert (directory / FOLDER).stat().st_mode & 0o777 == 0o755
    site.store.forget()
    put(directory, replies(mirrored(site.cache)))
    assert [path.name for path in directory.rglob("*")] == [MAIN]
    assert (directory / MAIN).read_text() == ""
