"""Deploy models by their names alone, from a hub that hosts fetch from, and look what became of it.

The tests go on from each other: first run, a run that changes nothing, a change, a deletion.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from ansible.module_utils.tgi.catalogue.entries import CatalogueEntry, read_catalogue
from ansible.module_utils.tgi.common.places import compose_project

from tests.support.hub.catalogue_hub import is_pickle
from tests.support.hub.guide_models import GPUS, GUIDE, WITHOUT_CHAT, WITHOUT_TOOLS
from tests.support.hub.local_hub import sha256
from tests.support.live.model_host import HOST, TOKEN, ModelHost, model_host
from tests.support.live.planted import SEARCH, files_with

#: TGI_MODELS=1 takes all of the guide, names with commas only those
WANTED = os.environ.get("TGI_MODELS", "")
MODELS = [one for one in GUIDE if WANTED == "1" or one["name"] in WANTED.split(",")]
NAMES = [str(one["name"]) for one in MODELS]
ENTRIES = {one.name: one for one in read_catalogue() if one.name in NAMES}
OLD = "0" * 40
pytestmark = pytest.mark.skipif(not MODELS, reason="takes some minutes: set TGI_MODELS=1")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelHost]:
    with model_host(tmp_path_factory.mktemp("models"), GPUS, MODELS) as found:
        reports = found.folder / "reports"
        found.play("site.yml", "-e", f"checks_report_dir={reports}")
        yield found


def report(site: ModelHost, view: str) -> dict[str, Any]:
    path = site.folder / "reports" / f"report-{view}-{HOST}.json"
    return dict(json.loads(path.read_text()))


def folder(entry: CatalogueEntry) -> str:
    """Return where the repository is, below the host's directory and the container's."""
    return f"hub/models--{entry.id.replace('/', '--')}"


def snapshot(entry: CatalogueEntry) -> str:
    return f"/var/lib/tgi/{folder(entry)}/snapshots/{entry.fields['revision']}"


def served(site: ModelHost, entry: CatalogueEntry) -> dict[str, str]:
    """Return the SHA-256 of each file that TGI finds on the host."""
    lines = site.run(f"cd {snapshot(entry)} && sha256sum *").splitlines()
    return {name: digest for digest, name in map(str.split, lines)}


def published(site: ModelHost, entry: CatalogueEntry) -> dict[str, str]:
    """Return the SHA-256 of each file that TGI reads of the repository; nothing else is wanted."""
    files = site.hub.repositories[entry.id].files
    again = {"README.md", "consolidated.safetensors", "consolidated.00.pth"}
    again |= set() if is_pickle(entry) else {"pytorch_model.bin"}
    return {name: sha256(files[name]) for name in files if name not in again and "/" not in name}


@pytest.mark.parametrize("view", ["direct", "edge"])
def test_each_model_passes_the_checks_that_fit_it(site: ModelHost, view: str) -> None:
    found = report(site, view)
    assert found["summary"]["verdict"] == "passed"
    for name in NAMES:
        mine = [check for check in found["checks"] if check["model"] == name]
        left = {one["id"]: one["reason"] for one in found["left_out"] if one["model"] == name}
        groups = {check["group"] for check in mine}
        print(f"{name}, {view}: {len(mine)} checks, left out: {', '.join(left) or 'none'}")
        assert {check["status"] for check in mine} <= {"pass", "warn"}
        assert ("chat" in groups) is (name not in WITHOUT_CHAT)
        assert ("tools" in groups) is (name not in WITHOUT_TOOLS)
        reasons = {reason.partition(" (")[0] for reason in left.values()}
        without = {"no chat template"} if name in WITHOUT_CHAT else {"no tools"}
        assert reasons == (without if name in WITHOUT_TOOLS else set())


def test_it_serves_what_the_hub_has_and_cannot_change_it(site: ModelHost) -> None:
    for name, entry in ENTRIES.items():
        inspected = json.loads(site.run(f"docker inspect {compose_project(name)}-tgi-1"))[0]
        assert "HF_HUB_OFFLINE=1" in inspected["Config"]["Env"]
        mounts = {one["Destination"]: one["RW"] for one in inspected["Mounts"]}
        # TGI converts pickles beside them
        assert mounts[f"/data/{folder(entry)}"] is is_pickle(entry)
        added = served(site, entry).keys() - published(site, entry).keys()
        assert bool(added) is is_pickle(entry)
        assert served(site, entry).items() >= published(site, entry).items()


def test_a_second_run_asks_no_hub_and_changes_nothing(site: ModelHost) -> None:
    site.hub.requests.clear()
    said = site.play("site.yml", "--tags", "tgi")
    assert set(re.findall(r"changed=(\d+)", said)) == {"0"}
    assert site.hub.requests == []
    times = dict(re.findall(r"(?m)^(.*?) -+ ([\d.]+)s$", said))
    fetch, other = (float(next(time for task, time in times.items() if part in task))
                    for part in ("Fetch | Bring", "Compare the models"))  # fmt: skip
    assert fetch < 1 + other, "without what another task costs here"


def test_a_damaged_file_is_fetched_anew_before_the_drain(site: ModelHost) -> None:
    changed = [{**one, "max_concurrent_requests": 64} if one is site.models[-1] else one
               for one in site.models]  # fmt: skip
    entry = ENTRIES[site.models[-1]["name"]]
    name = next(name for name in published(site, entry) if name.endswith(".safetensors"))
    # Its size and its times stay
    spoil = (
        "touch -r $path /tmp/times; printf x | dd of=$path conv=notrunc; touch -r /tmp/times $path"
    )
    site.run(f"path=$(readlink -f {snapshot(entry)}/{name}); {spoil}")
    site.hub.requests.clear()
    # There is room for a new set beside the old one, and then nothing is drained
    given = {"tgi_models": changed, "tgi_verify_weights": "start", "tgi_strategy": "in_place"}
    said = site.play("site.yml", "--tags", "tgi", **given)
    assert {asked.rpartition("/")[2].partition("?")[0] for asked in site.hub.paths()} == {name}
    assert served(site, entry) == published(site, entry)
    tasks = re.findall(r"(?m)^TASK \[(.*?)\] \**$", said)
    fetched = next(place for place, task in enumerate(tasks) if "Fetch | Bring" in task)
    drained = next(place for place, task in enumerate(tasks) if "Drain |" in task)
    assert fetched < drained


def test_an_old_commit_goes_and_what_serves_stays(site: ModelHost) -> None:
    entry = ENTRIES[site.models[-1]["name"]]
    repository = site.hub.repositories[entry.id]
    site.hub.repositories[entry.id] = replace(repository, revision=OLD)
    fetched = {
        "snapshots": [{"repository": entry.id, "revision": OLD}], "endpoint": site.hub.endpoint,
    }  # fmt: skip
    book = site.folder / "old.yml"
    book.write_text(
        json.dumps([{"hosts": HOST, "gather_facts": False, "tasks": [{"hf_snapshot": fetched}]}])
    )
    site.play(str(book))
    site.hub.repositories[entry.id] = repository
    assert OLD in site.run(f"ls {snapshot(entry)}/..")
    assert f"{entry.id}@{OLD[:12]}: " in site.play("playbooks/prune_weights.yml")
    assert site.run(f"ls {snapshot(entry)}/..").split() == [entry.fields["revision"]]
    for one in ENTRIES.values():
        assert served(site, one).items() >= published(site, one).items()


def test_the_token_and_the_keys_are_nowhere(site: ModelHost) -> None:
    files = site.folder / "clients"
    given = {"clients_dir": str(files), "clients_consumer": "you", "clients_with_keys": True}
    site.play("playbooks/clients.yml", **given)
    with_keys = files_with(site.secrets, files)
    assert with_keys
    assert {path.stat().st_mode & 0o777 for path in with_keys} == {0o600}
    token, _, others = site.secrets
    assert files_with([token, others], files) == []

    assert [word for word in site.secrets if any(word in said for said in site.said)] == []
    assert site.commands == set()
    assert files_with(site.secrets, site.folder / "reports") == []
    assert files_with(site.secrets, site.folder / "facts") == []
    assert site.run(SEARCH, given="\n".join(site.secrets) + "\n") == ""
    # The search itself finds what is there
    site.run(f"echo {TOKEN}x > /opt/planted; logger {TOKEN}x; sleep 0.2")
    assert {"/opt/planted", "journal"} <= set(site.run(SEARCH, given=f"{TOKEN}x\n").split())
    assert files_with([TOKEN], site.folder / "inventory")
