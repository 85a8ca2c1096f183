"""Deploy the guide's models by name: the preflight, its planner and the Compose files agree."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.tgi.catalogue.entries import find_entry, read_catalogue

from tests.support.hub.guide_models import GPUS, GUIDE, NAMES, WITHOUT_CHAT, WITHOUT_TOOLS
from tests.support.preflight.playbook_hosts import problems, run, variables
from tests.support.render_compose import ROLE, template
from tests.support.render_compose import variables as role_variables
from tests.support.roots import ROOT

TOKEN = "hf_qZ7wLr2TnVb9KcXe5GdHj4MsPf8YaUt3Ev"
FIELDS = ("index", "uuid", "name", "memory.total", "driver_version", "compute_cap",
          "mig.mode.current", "persistence_mode")  # fmt: skip
CHECKS = ROOT / "roles" / "checks"
PLAY = [
    {
        "hosts": "gpu_hosts",
        "gather_facts": False,
        "vars_files": [str(CHECKS / part / "main.yml") for part in ("defaults", "vars")],
        "roles": ["preflight"],
        "post_tasks": [
            {"ansible.builtin.copy": {"dest": "{{ inventory_dir }}/found.json", "content": content},
             "check_mode": False, "changed_when": False}
            for content in ["{{ {'host': ansible_facts.tgi_host, 'chat': __checks_without_chat, "
                            "'tools': __checks_without_tools} | to_json }}"]
        ],
    }
]  # fmt: skip


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let this machine have recorded GPUs; return the program that lists them."""
    with (ROOT / "tests" / "sandbox" / "gpu" / f"{GPUS}.csv").open() as file:
        rows = [
            ", ".join(row[field].removesuffix(" MiB") for field in FIELDS)
            for row in csv.DictReader(file)
        ]
    program = tmp_path / "programs" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\ncat <<'END'\n{}\nEND\n".format("\n".join(rows)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program


def inventory(**more: Any) -> str:
    more = {"tgi_weights": "host", "tgi_hf_token": TOKEN, "tgi_models": GUIDE, **more}
    return yaml.safe_dump(variables(nvidia_container_toolkit_enabled=True, **more))


@pytest.mark.usefixtures("recorded")
def test_eight_names_are_eight_services(tmp_path: Path) -> None:
    output = run(tmp_path, inventory(), play=PLAY)
    assert problems(output) == []
    found = json.loads((tmp_path / "found.json").read_text())
    models = found["host"]["models"]
    assert [model["name"] for model in models] == NAMES
    assert [model["gpus"] for model in models] == [[str(place)] for place in range(8)]
    assert sorted(found["chat"]) == sorted(WITHOUT_CHAT)
    assert sorted(found["tools"]) == sorted(WITHOUT_TOOLS)

    values = role_variables(GUIDE, tgi_weights="host", tgi_hf_token=TOKEN)
    values["ansible_facts"] = {"tgi_host": found["host"]}
    text = (ROLE / "templates" / "compose.yaml.j2").read_text()
    entries = read_catalogue()
    for model in template("{{ __tgi_models }}", values):
        entry = find_entry(model["name"], entries)
        assert entry
        project = yaml.safe_load(template(text, {**values, "item": model}))
        service = project["services"]["tgi"]
        given = service["environment"]
        assert (given["MODEL_ID"], given["REVISION"]) == (entry.id, entry.fields["revision"])
        assert (given["NUM_SHARD"], given["HF_HUB_OFFLINE"]) == ("1", "1")
        # TGI converts pickles beside them
        mounts = {one["target"]: one.get("read_only", False) for one in service["volumes"]}
        pickled = entry.fields["weights"]["format"] == "pickle"
        assert mounts[f"/data/hub/models--{entry.id.replace('/', '--')}"] is not pickled
        assert TOKEN not in str(project)


def test_a_model_that_its_gpu_cannot_hold_is_refused_by_name(
    tmp_path: Path, recorded: Path
) -> None:
    others = {"NVIDIA H200": "NVIDIA L4", " 143771,": " 23034,", " 9.0,": " 8.9,"}
    text = recorded.read_text()
    for large, small in others.items():
        text = text.replace(large, small)
    recorded.write_text(text)
    said = " ".join(problems(run(tmp_path, inventory())))
    refused = set(re.findall(r"tgi_models\[(\d)\]", said))
    assert {NAMES[int(place)] for place in refused} == {
        "llama-3.1-70b", "mixtral-8x7b", "codellama-13b", "falcon-40b", "starcoder2-15b",
    }  # fmt: skip
