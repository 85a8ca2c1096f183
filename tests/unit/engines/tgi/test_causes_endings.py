"""Name every recorded ending and its siblings from real logs: text and JSON, boxed and plain."""

from __future__ import annotations

from itertools import product

import pytest
from ansible.module_utils.tgi.common.log_lines import Line
from ansible.module_utils.tgi.engines.tgi.causes import Cause, explain_death
from ansible.module_utils.tgi.engines.tgi.log import parse
from ansible.module_utils.tgi.engines.tgi.phases import read_progress
from ansible.module_utils.tgi.engines.tgi.quote import quote

from tests.support.ending_logs import (
    NO_DRIVER,
    Ending,
    Raised,
    failed_download,
    failed_shard,
    read_endings,
)

FORMS = tuple(product(("text", "json"), (True, False)))
BESIDE = "; the container also sees no GPU: Found no NVIDIA driver on your system"


def explain(lines: list[Line], offline: bool | None = None) -> Cause:
    return explain_death(lines, read_progress(lines, 0.0).phase, 1, False, "", offline)


@pytest.fixture(params=["text", "json"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[True, False], ids=["boxed", "plain"])
def box(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("one", read_endings(), ids=lambda one: one.id)
def test_an_ending_has_its_cause_and_remedy(one: Ending) -> None:
    for form, box in FORMS:
        lines = parse(one.log(form, box))
        assert read_progress(lines, 0.0).phase == ("download" if one.download else "load")
        found = explain(lines)
        assert (found.id, form, box) == (one.cause, form, box)
        assert one.says in found.text
        assert one.remedy in found.remedy
        _is_readable(one, quote(lines, found))


@pytest.mark.parametrize("one", read_endings(), ids=lambda one: one.id)
def test_a_missing_driver_stands_beside_the_ending(one: Ending) -> None:
    for form, box in FORMS:
        found = explain(parse(one.log(form, box, NO_DRIVER)))
        assert found.id == one.cause
        assert one.says in found.text
        if found.id != "no_gpu":
            assert found.text.endswith(BESIDE)
            assert found.remedy.count("nvidia_container_toolkit") == 1


def _is_readable(one: Ending, told: tuple[str, ...]) -> None:
    """Check that the quote is the line that tells and what leads to it, and not more."""
    # Python's own traceback names the exception's module, the box does not
    assert told[-1].split(": ")[0].rpartition(".")[2] == one.raised.kind.rpartition(".")[2]
    assert any("text_generation_server/" in text for text in told)
    text = "\n".join(told)
    assert not set(text) & set("│╭╰❱")
    assert "sesame" not in text.lower()
    assert "headers" not in text
    assert len(told) <= 9


def test_what_no_rule_knows_is_quoted(form: str, box: bool) -> None:
    unheard = Raised("acme.Unheard", "of this kind, in many words that the box at eighty columns "
                     "must wrap before it comes to its end")  # fmt: skip
    kind = "Unheard" if box else "acme.Unheard"
    for make, id_, says, seen in (
        (failed_shard, "shard_failed", "a shard could not start", "acme.Unheard"),
        (failed_download, "download_failed", "the download failed", kind),
    ):
        found = explain(parse(make(unheard, form, box)))
        assert (found.id, found.text) == (
            id_, f"{says}: it ended with {seen}: {unheard.says}",
        )  # fmt: skip
        assert "docker logs" in found.remedy


MISSING = Raised(
    "huggingface_hub.errors.HFValidationError",
    "Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/data/none'. Use "
    "`repo_type` argument if needed.",
)


def test_a_missing_adapter_is_named_and_not_the_model(form: str, box: bool) -> None:
    found = explain(parse(failed_download(MISSING, form, box, of="/data/none")))
    assert found.id == "adapter_missing"
    assert "LoRA adapter /data/none" in found.text
    assert "lora_adapters" in found.remedy
    assert explain(parse(failed_download(MISSING, form, box))).id == "bad_model_id"


NO_WEIGHTS = Raised(
    "huggingface_hub.errors.EntryNotFoundError",
    "No .bin weights found for model acme/m and revision 12fd25f7.",
)


def test_a_revision_that_the_offline_cache_lacks(form: str, box: bool) -> None:
    lines = parse(failed_download(NO_WEIGHTS, form, box))
    found = explain(lines, offline=True)
    assert found.id == "not_cached"
    assert found.text == (
        "this revision (12fd25f7) is not in the cache, and HF_HUB_OFFLINE forbids to fetch it"
    )
    assert "ls tgi_data_dir/hub/models--acme--m/snapshots" in found.remedy
    assert explain(lines, offline=False).id == "no_weights"
