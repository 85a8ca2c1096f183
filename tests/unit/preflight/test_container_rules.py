"""Test the rules about the variables of all models together."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.preflight.container_rules import check_container

TOKEN = "hf_" + "aB3" * 11
GATED = {"name": "b", "model_id": "acme/b", "revision": "a" * 40}


@pytest.mark.parametrize(
    "values",
    [
        {"tgi_hf_token": TOKEN, "tgi_version": "next", "tgi_phase_timeouts": {"load": 1}},
        {"tgi_hf_token": "", "tgi_version": "v3.3.7"},
        {"tgi_hf_token": "cmVmdGtuOjAx", "tgi_environment": {"HF_ENDPOINT": "https://hub"}},
        {
            "tgi_hf_token": "cmVmdGtuOjAx",
            "tgi_models": [{"hf_token": True, "environment": {"HF_ENDPOINT": "https://hub"}}],
        },
        {"tgi_hf_token": TOKEN, "tgi_models": [{"name": "a"}, {"name": "b", "hf_token": True}]},
        {"tgi_hf_token": "", "tgi_models": [{"name": "a", "hf_token": False}]},
        {"tgi_hf_token_command": ["false"], "tgi_models": [{"name": "b", "hf_token": True}]},
        {"tgi_hf_token": "", "tgi_hf_token_command": "pass show hub"},
        {
            "tgi_hub_mirror": "https://mirror",
            "tgi_weights": "host",
            "tgi_models": [{**GATED, "hf_token": True}],
        },
        {
            "tgi_hub_mirror": "https://mirror",
            "tgi_weights": "container",
            "tgi_models": [{**GATED, "hf_token": True, "weights": "host"}],
        },
        {"tgi_hf_token_command": None},
        {"tgi_base_dir": "/opt/tgi", "tgi_data_dir": "/opt/tgi-data"},
        {"tgi_base_dir": "/srv/tgi", "tgi_data_dir": "/srv/tgi/weights"},
    ],
)
def test_what_is_let_through(values: dict[str, Any]) -> None:
    assert list(check_container(values)) == []


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"tgi_version": 3.3}, "tgi_version is 3.3, not a release; write all three numbers"),
        ({"tgi_hf_token": TOKEN[3:]}, "tgi_hf_token is not hf_ and 34 letters and digits; copy"),
        ({"tgi_hf_token": f"Bearer {TOKEN}"}, "tgi_hf_token is not hf_ and 34 letters"),
        ({"tgi_hf_token": TOKEN[:12]}, "tgi_hf_token is not hf_ and 34 letters"),
        (
            {"tgi_hf_token": "a b", "tgi_environment": {"HF_ENDPOINT": "https://hub"}},
            "tgi_hf_token has characters that no token has; copy the mirror's token again",
        ),
        (
            {"tgi_hf_token": TOKEN, "tgi_models": [{"name": "a"}]},
            "tgi_hf_token is set, but no model of tgi_models gets it; write hf_token: true for",
        ),
        (
            {"tgi_hf_token": "", "tgi_models": [{}, {"hf_token": True}]},
            "tgi_models[1].hf_token is true, but tgi_hf_token is empty; write the token",
        ),
        (
            {"tgi_hf_token": TOKEN, "tgi_hf_token_command": ["pass", "show", "hub"]},
            "tgi_hf_token_command is set, and so is tgi_hf_token; delete one of them",
        ),
        (
            {"tgi_hf_token_command": "pass show hub", "tgi_models": [{"name": "a"}]},
            "tgi_hf_token_command is set, but no model of tgi_models gets it; write hf_token",
        ),
        (
            {"tgi_hf_token_command": 7},
            "tgi_hf_token_command is 7, no command; write a list of words, such as",
        ),
        (
            {"tgi_hub_mirror": "https://mirror", "tgi_models": [{**GATED, "hf_token": True}]},
            "tgi_models[0].hf_token is true, but tgi_hf_token is empty; write the token",
        ),
        (
            {
                "tgi_hub_mirror": "https://mirror",
                "tgi_weights": "host",
                "tgi_models": [{**GATED, "hf_token": True, "weights": "container"}],
            },
            "tgi_models[0].hf_token is true, but tgi_hf_token is empty; write the token",
        ),
        (
            {"tgi_hf_token_command": "pass 'hub"},
            'tgi_hf_token_command is "pass \'hub", no command; write a list of words, such as',
        ),
        ({"tgi_data_dir": "/"}, 'tgi_data_dir is "/", a directory of the system; write'),
        ({"tgi_base_dir": "/etc/"}, 'tgi_base_dir is "/etc/", a directory of the system; write'),
        (
            {"tgi_base_dir": "/srv/tgi/projects", "tgi_data_dir": "/srv/../srv/tgi"},
            'tgi_data_dir is "/srv/../srv/tgi", where containers would see the secrets in',
        ),
        ({"tgi_phase_timeouts": {"load": -1}}, "tgi_phase_timeouts.load is -1; write seconds"),
    ],
)
def test_what_is_refused(values: dict[str, Any], line: str) -> None:
    (found,) = check_container(values)
    assert found.startswith(line)
