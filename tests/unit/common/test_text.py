"""Clean, shorten and mask text that goes into messages."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.common.text import clean, mask, shorten
from ansible.module_utils.tgi.engines.tgi.log import parse

from tests.support.wait_fakes import (
    raw,
)


@pytest.mark.parametrize(
    "text",
    [
        "token hf_SESAMEsesameSESAME12 refused",
        "Authorization: Bearer SESAME.x-y",
        "authorization: basic SESAME==",
        'Args { api_key: Some("SESAME") }',
        "HF_TOKEN=SESAME",
        "text-generation-router --api-key SESAME --port 80",
        "proxy http://user:SESAME@proxy:3128/",
        "https://cdn/x?X-Amz-Signature=SESAME&X-Amz-Credential=SESAME%2Fx",
    ],
)
def test_no_secret_is_kept(text: str) -> None:
    assert "SESAME" not in mask(text).replace("SESAMEsesameSESAME12", "SESAME")
    assert "SESAME" not in parse(raw((0, text)))[0].text


@pytest.mark.parametrize(
    "text",
    [
        "Setting max batch total tokens to 4096: max_input_tokens: 12",
        "An error occurred while downloading using `hf_transfer`.",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert mask(text) == text


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert clean("a\x1b]0;title\x07b\x1b[2Jc\x00\x9bd\r") == "abcd"


def test_shorten() -> None:
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("abcd", 4) == "abcd"
