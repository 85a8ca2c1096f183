"""Test the module as a host runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.hub.local_hub import local_hub
from tests.support.hub.weight_sites import NAME, REVISION, SHARDS, WeightSite
from tests.support.run_module import load, run

MODULE = load("hf_snapshot")
SNAPSHOT: dict[str, Any] = {"repository": NAME, "revision": REVISION}


def call(
    capsys: pytest.CaptureFixture[str], cache: Path, check: bool = False, **args: Any
) -> dict[str, Any]:
    base = {"snapshots": [SNAPSHOT], "cache_dir": str(cache), "reserve": 0}
    return run(MODULE, capsys, check, **{**base, **args})


def test_fetch_look_and_progress(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with local_hub() as hub:
        site = WeightSite(hub, tmp_path / "hub")
        asked: dict[str, Any] = {"endpoint": f"{hub.endpoint}/", "snapshots": [SNAPSHOT, SNAPSHOT]}
        before = call(capsys, site.cache, check=True, **asked)
        assert (before["changed"], before["complete"]) == (True, False)
        assert hub.requests == []
        assert not site.cache.exists()
        done = call(capsys, site.cache, **asked)
        assert done["changed"]
        (one,) = done["snapshots"]
        assert one["path"] == str(site.store.snapshot)
        assert one["size"] == sum(map(len, site.wanted().values()))
        assert sorted(one["fetched"]) == sorted(site.wanted())
        after = call(capsys, site.cache, step="look", **asked)
        assert (after["changed"], after["complete"]) == (False, True)
        assert call(capsys, site.cache, step="progress", **asked)["lines"] == []
        site.store.snapshot.joinpath(SHARDS[0]).resolve().unlink()
        gone = call(capsys, site.cache, check=True, **asked)
        assert gone["snapshots"][0]["missing"] == [SHARDS[0]]
        assert gone["changed"]


def test_a_mirror_gets_no_token(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with local_hub() as hub:
        site = WeightSite(hub, tmp_path / "hub")
        snapshots = [{**SNAPSHOT, "hf_token": True}]
        done = call(capsys, site.cache, mirror=hub.endpoint, token="hf_x", snapshots=snapshots)
        assert done["changed"]
        assert not [headers for _, _, headers in hub.requests if "Authorization" in headers]
        other = call(
            capsys, tmp_path / "other", mirror=str(site.cache), endpoint="http://x.invalid"
        )
        assert other["changed"]


def test_a_failure_has_a_kind_and_a_remedy(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with local_hub() as hub:
        site = WeightSite(hub, tmp_path / "hub")
        site.repository.gated = True
        failed = call(capsys, site.cache, endpoint=hub.endpoint)
    assert failed["failed"]
    assert failed["kind"] == "gated"
    assert failed["msg"].startswith(f"{NAME}@{REVISION[:12]} is gated")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"repository": "../../etc"}, "not a repository; write org/name"),
        ({"revision": "main"}, "not a commit; write its 40 hex digits"),
    ],
)
def test_names_that_are_none_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, wrong: dict[str, str], words: str
) -> None:
    failed = call(capsys, tmp_path, snapshots=[{**SNAPSHOT, **wrong}])
    assert failed["failed"]
    assert words in failed["msg"]


@pytest.mark.parametrize("token", ["hf_secret\n", "hf_secret\nX-Evil: 1", "hf_s\u00e9cret"])
def test_a_token_that_is_no_word_is_refused_unsaid(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, token: str
) -> None:
    failed = call(capsys, tmp_path, token=token)
    assert failed["msg"].startswith("token has a space, a line's end")
    assert "cret" not in failed["msg"]


def test_a_renamed_repository_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(MODULE.AnsibleModule, "warn", lambda _, text: warnings.append(text))
    with local_hub() as hub:
        site = WeightSite(hub, tmp_path / "hub")
        hub.repositories["org/new-1b"] = hub.repositories.pop(NAME)
        hub.renamed[NAME] = "org/new-1b"
        done = call(capsys, site.cache, endpoint=hub.endpoint)
    assert done["snapshots"][0]["renamed"] == "org/new-1b"
    assert warnings == [
        f"{NAME} is now org/new-1b on the Hub; write that as model_id with the next change"
    ]
