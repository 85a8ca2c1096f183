"""Fetch the guide's models as the catalogue names them: what each needs, and what is left there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.catalogue.entries import read_catalogue
from ansible.module_utils.tgi.weights.hub_connection import HubSource
from ansible.module_utils.tgi.weights.hub_problem import HubProblem
from ansible.module_utils.tgi.weights.snapshot_fetch import fetch
from ansible.module_utils.tgi.weights.snapshot_look import SnapshotWish
from ansible.module_utils.tgi.weights.snapshot_store import SnapshotStore
from tgi_emulator.start import hub_cache

from tests.support.hub.catalogue_hub import is_pickle, repository_of
from tests.support.hub.guide_models import GUIDE
from tests.support.hub.local_hub import local_hub

TOKEN = "hf_reader"
ENTRIES = {entry.name: entry for entry in read_catalogue()}


@pytest.mark.parametrize("model", GUIDE, ids=lambda model: str(model["name"]))
def test_what_the_inventory_says_is_enough_and_needed(
    model: dict[str, Any], tmp_path: Path
) -> None:
    entry = ENTRIES[model["name"]]
    revision = entry.fields["revision"]
    store = SnapshotStore(tmp_path / "hub", entry.id, revision)
    token, pickle = TOKEN if model.get("hf_token") else "", bool(model.get("accept_pickle"))
    with local_hub() as hub:
        hub.repositories[entry.id] = repository_of(entry, TOKEN)
        hub.tokens.add(TOKEN)

        def get(token: str, pickle: bool) -> None:
            source = HubSource(hub.endpoint, token)
            wish = SnapshotWish(entry.id, revision, source, pickle=pickle, reserve=0)
            fetch(store, wish, lambda _: None)

        if token or pickle:
            with pytest.raises(HubProblem) as caught:
                get("", False)
            assert caught.value.kind == ("gated" if token else "pickle")
        get(token, pickle)
    names = sorted(path.name for path in store.snapshot.iterdir())
    assert [name for name in names if name.startswith(("consolidated", "original"))] == []
    endings = {Path(name).suffix for name in names} - {".json"}
    assert endings == {".bin" if is_pickle(entry) else ".safetensors"}
    # What the emulator asks before it converts pickles
    assert bool(hub_cache.pickles(store.snapshot)) is is_pickle(entry)
