"""Run the checks' playbook while another run changes the hosts."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

from ansible.module_utils.tgi.rollout.holder import Holder
from ansible.module_utils.tgi.rollout.lock import RunLock

from tests.support.preflight import good_hosts
from tests.support.roots import ROOT


def test_the_checks_run_and_warn_where_a_change_is_refused(tmp_path: Path) -> None:
    now = time.time()
    lock = asdict(RunLock(Holder("anna", "ctl1", "b00t", 4711, 1), "site.yml", now, now, now + 99))
    said = "anna@ctl1 has been changing this host since "
    # Tasks of the preflight run with any tag
    tagged = ("--tags", "no_other_task")
    for name, code in (("check", 0), ("preflight", 2)):
        folder = tmp_path / name
        folder.mkdir()
        done = good_hosts.run(folder, ROOT / f"playbooks/{name}.yml", *tagged, lock=lock)
        assert done.returncode == code, done.stdout
        warned = f"[WARNING]: edge2: {said}" in " ".join((done.stdout + done.stderr).split())
        assert (warned, f"- {said}" in done.stdout) == (name == "check", name == "preflight")
