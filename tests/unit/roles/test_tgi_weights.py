"""Test the role's way from tgi_weights: host to a container that needs neither Hub nor token."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.hub.local_hub import local_hub
from tests.support.hub.weight_sites import NAME, REVISION, WeightSite
from tests.support.playbook import ansible_playbook
from tests.support.render_compose import MODEL, compose, facts, render, variables
from tests.support.roots import ROOT

TOKEN = "hf_" + "x" * 34


def test_the_container_is_offline_without_a_token_and_cannot_write_weights() -> None:
    model = {**MODEL, "hf_token": True}
    project = compose(model, tgi_weights="host", tgi_hf_token=TOKEN)["services"]["tgi"]
    assert project["environment"]["HF_HUB_OFFLINE"] == "1"
    weights = [one for one in project["volumes"] if "models--" in one["source"]]
    assert [one.get("read_only") for one in weights] == [True]
    assert TOKEN not in render("secrets.env.j2", model, tgi_weights="host", tgi_hf_token=TOKEN)
    assert TOKEN in render("secrets.env.j2", model, tgi_hf_token=TOKEN)


def test_the_token_may_come_from_a_command() -> None:
    model = {**MODEL, "hf_token": True}
    assert TOKEN in render("secrets.env.j2", model, tgi_hf_token_command=f"echo {TOKEN}")
    assert "HF_TOKEN" not in render("secrets.env.j2", model, tgi_hf_token_command=[])


def test_a_model_goes_its_own_way() -> None:
    model = {**MODEL, "hf_token": True, "weights": "container"}
    project = compose(model, tgi_weights="host", tgi_hf_token=TOKEN)["services"]["tgi"]
    assert "HF_HUB_OFFLINE" not in project["environment"]
    assert TOKEN in render("secrets.env.j2", model, tgi_weights="host", tgi_hf_token=TOKEN)
    other = {**model, "weights": "host"}
    assert compose(other)["services"]["tgi"]["environment"]["HF_HUB_OFFLINE"] == "1"
    assert TOKEN not in render("secrets.env.j2", other, tgi_hf_token=TOKEN)


def test_the_role_fetches_before_it_starts_and_then_changes_nothing(tmp_path: Path) -> None:
    entry = {"name": "m", "model_id": NAME, "revision": REVISION, "hf_token": True}
    values = variables([entry])
    fact = {"tgi_host": facts(values), "tgi_changes": [], "cacheable": True}
    fetch = {"include_role": {"name": str(ROOT / "roles" / "tgi"), "tasks_from": "fetch"}}
    tasks = [{"set_fact": fact}, fetch, fetch]
    with local_hub() as hub:
        site = WeightSite(hub, tmp_path / "hub")
        site.repository.gated = True
        (tmp_path / "token").write_text(f"{TOKEN}\n")
        site.repository.readers = hub.tokens = {TOKEN}
        given = {
            "tgi_models": [entry], "tgi_weights": "host", "tgi_data_dir": str(tmp_path),
            "tgi_hf_token_command": ["cat", str(tmp_path / "token")],
            "tgi_environment": {"HF_ENDPOINT": hub.endpoint},
        }  # fmt: skip
        play = {"hosts": "localhost", "gather_facts": False, "vars": given, "tasks": tasks}
        book = tmp_path / "play.yml"
        book.write_text(json.dumps([play]))
        done = ansible_playbook("-v", str(book), HOME=str(tmp_path))
        assert done.returncode == 0, done.stdout + done.stderr
        assert site.served() == site.wanted()
    assert "changed=1 " in done.stdout
    assert TOKEN not in done.stdout + done.stderr
