"""Check the guide's eight models, which have nothing but a name, with the checks that fit each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible.module_utils.tgi.catalogue.expand import expand_models
from ansible.module_utils.tgi.models.resolve import resolve_models

from tests.support.fakes.spoilt_tgi import SpoiltTgi
from tests.support.fast_time import fast_time
from tests.support.run_module import load

GUIDE = (
    "llama-3.1-8b", "llama-3.1-70b", "mistral-7b", "mixtral-8x7b",
    "codellama-13b", "falcon-40b", "starcoder2-15b", "zephyr-7b",
)  # fmt: skip
#: What the role checks passes on, but for what needs a container
_KEYS = ("name", "model_id", "revision", "aliases", "port", "options")


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    with fast_time():
        yield


@pytest.mark.parametrize("name", GUIDE)
def test_the_checks_that_fit_a_model_pass(capsys: pytest.CaptureFixture[str], name: str) -> None:
    (model,) = resolve_models(expand_models([{"name": name, "gpus": []}]))
    faults = ["no-chat-template"] if model["chat"] is False else []
    engine = SpoiltTgi(*faults, model_id=model["model_id"], revision=model["revision"])
    options: dict[str, Any] = {
        "view": "direct",
        "models": [{key: model[key] for key in _KEYS}],
        "without_chat": [name] if model["chat"] is False else [],
        "without_tools": [name] if model["tools"] is False else [],
        "full_report": True,
    }
    with patch_module_args(options), pytest.raises(SystemExit):
        load("tgi_check").main(engine.transport())
    found = json.loads(capsys.readouterr().out)
    assert found["failed_checks"] == []
    done = {check["id"].split(".")[0] for check in found["checks"]}
    # The catalogue says of one model that it is no chat, and of five that they have no tools
    assert ("chat" in done) == (name != "starcoder2-15b")
    assert ("tools" in done) == (name in ("llama-3.1-8b", "llama-3.1-70b", "mistral-7b"))
