"""Keep state between two calls of the module."""

from __future__ import annotations

from ansible.module_utils.tgi.readiness.state import Memory


def test_memory_survives_as_a_dict() -> None:
    memory = Memory("c", 2, 5.0, 1, 3.0, 6.0)
    assert Memory.load(memory.dump()) == memory
    assert Memory.load("rubbish") == Memory.load({}) == Memory()
