"""Test that a change of our compose.yaml is said in words, and nothing else is a reason."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.rollout.reasons import short_image, why_replaced

from tests.support.render_compose import MODEL, render

ON_GPU = {**MODEL, "gpus": ["0"]}
IMAGE = "ghcr.io/huggingface/text-generation-inference@sha256:"
OLD, NEW = f"{IMAGE}{'1a2b' * 16}", f"{IMAGE}{'9f8e' * 16}"


def text(model: dict[str, Any] | None = None, **more: Any) -> str:
    return render("compose.yaml.j2", {**ON_GPU, **(model or {})}, **more)


def why(old: str, new: str, show: bool = True) -> list[str]:
    return why_replaced(old, new, show)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({}, {"port": 8090}, ["port 8081 → 8090"]),
        ({}, {"gpus": ["1"]}, ["gpus 0 → 1"]),
        ({}, {"gpus": ["0", "1"]}, ["NUM_SHARD 1 → 2", "gpus 0 → 0,1"]),
        (
            {"max_total_tokens": 1960},
            {"max_total_tokens": 1970},
            ["MAX_TOTAL_TOKENS 1960 → 1970"],
        ),
        ({}, {"max_total_tokens": 1970}, ["MAX_TOTAL_TOKENS none → 1970"]),
        ({"quantize": "awq"}, {}, ["QUANTIZE awq → none"]),
        ({}, {"revision": "b" * 40}, ["revision aaaaaaaaaaaa → bbbbbbbbbbbb"]),
        (
            {},
            {"environment": {"PRICE": "5$ a $X", "SAY": 'a "b": c # d'}},
            ["PRICE none → 5$ a $X", 'SAY none → a "b": c # d'],
        ),
    ],
)
def test_a_changed_model(old: dict[str, Any], new: dict[str, Any], words: list[str]) -> None:
    assert why(text(old), text(new)) == words


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            {"tgi_image": OLD},
            {"tgi_image": NEW},
            ["image sha256:1a2b1a2b1a2b → sha256:9f8e9f8e9f8e"],
        ),
        (
            {"tgi_image": OLD},
            {"tgi_image": f"registry.example/tgi@sha256:{'0' * 64}"},
            [
                "image ghcr.io/huggingface/text-generation-inference@sha256:1a2b1a2b1a2b → "
                "registry.example/tgi@sha256:000000000000"
            ],
        ),
        ({}, {"tgi_shm_size": "2g"}, ["shm_size 1g → 2g"]),
        ({}, {"tgi_memory_limit": "64g"}, ["mem_limit none → 64g"]),
        ({}, {"tgi_pids_limit": 4096}, ["pids_limit 8192 → 4096"]),
        ({}, {"tgi_bind_address": "10.0.0.5"}, ["address none → 10.0.0.5"]),
        ({"tgi_bind_address": "fd00::5"}, {}, ["address [fd00::5] → none"]),
        ({}, {"tgi_egress": "open"}, ["networks.default.enable_ipv6 false → none"]),
        ({}, {"tgi_data_dir": "/srv/w"}, None),
        ({}, {"tgi_read_only_root": "always"}, None),
    ],
)
def test_a_changed_host(old: dict[str, Any], new: dict[str, Any], words: list[str] | None) -> None:
    found = why(text(**old), text(**new))
    if words is None:
        assert len(found) > 1 and all(one.isprintable() for one in found)
        assert why(text(**new), text(**old))
    else:
        assert found == words


def test_mounts_are_named_one_by_one() -> None:
    found = why(text(), text(tgi_data_dir="/srv/w"))
    own = ".containers/house-7b on /data"
    assert {f"volumes without /var/lib/tgi/{own}", f"volumes with /srv/w/{own}"} <= set(found)
    assert why("a:\n  - x\n  - y\n", "a:\n  - y\n  - x\n") == ["a in another order"]


def test_values_of_variables_may_be_secret() -> None:
    old = text({"environment": {"KEY": "hf_first123"}, "revision": "a" * 40})
    new = text({"environment": {"KEY": "second", "MORE": "third"}, "revision": "b" * 40})
    assert why(old, new, show=False) == ["revision aaaaaaaaaaaa → bbbbbbbbbbbb", "KEY", "MORE"]
    assert why(old, new) == [
        "revision aaaaaaaaaaaa → bbbbbbbbbbbb",
        "KEY hf_*** → second",
        "MORE none → third",
    ]


def test_what_is_no_reason() -> None:
    given = text()
    assert why(given, given) == []
    assert why(given, "# Another comment\n\n" + given.replace("    # ", "    # Now: ")) == []
    # Compose reads a mapping, whatever its order
    one, other = '      "A": "1"\n', '      "B": "2"\n'
    marker = "    environment:\n"
    assert (
        why(
            given.replace(marker, marker + one + other), given.replace(marker, marker + other + one)
        )
        == []
    )


def test_a_model_moves_from_a_gpu_to_the_cpu() -> None:
    found = why(text(), text({"gpus": []}))
    assert "gpus 0 → none" in found
    assert not any("cdi" in one or "capabilities" in one for one in found)


def test_any_other_line_is_a_reason_too() -> None:
    """Each line of the template, taken away, changes something and is named."""
    lines = text(tgi_memory_limit="8g").splitlines(keepends=True)
    for place, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith("#") or line.rstrip().endswith(":"):
            continue
        if any(word in line for word in ("driver: cdi", "capabilities")):
            continue
        assert why("".join(lines), "".join(lines[:place] + lines[place + 1 :])), line


def test_a_short_image() -> None:
    assert short_image(OLD) == f"{IMAGE}1a2b1a2b1a2b"
    assert short_image("tgi:latest") == "tgi:latest"
    assert short_image("") == ""
