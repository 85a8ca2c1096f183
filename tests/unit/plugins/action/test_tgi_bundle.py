"""Test what the inventory's hosts want together."""

from __future__ import annotations

from ansible.module_utils.tgi.weights.hub_connection import PUBLIC, HubSource
from ansible.module_utils.tgi.weights.snapshot_look import SnapshotWish
from ansible.plugins.action import tgi_bundle as action

ONE, TWO = "01" * 20, "02" * 20
PRIVATE = HubSource(token="hf_planted")


def test_a_snapshot_comes_once_with_all_that_any_host_wants() -> None:
    wanted = [
        SnapshotWish("org/a", ONE, code=True),
        SnapshotWish("org/a", TWO),
        SnapshotWish("org/a", ONE, PRIVATE),
        SnapshotWish("org/a", ONE, pickle=True),
    ]
    together = SnapshotWish("org/a", ONE, PRIVATE, code=True, pickle=True)
    assert action._unique(iter(wanted)) == [together, SnapshotWish("org/a", TWO, PUBLIC)]
    assert action._unique(iter(wanted[::-1]))[0] == together
