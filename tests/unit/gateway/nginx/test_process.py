"""Test that a program whose files were replaced is outdated, and hands over its listeners."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.module_utils.tgi.gateway.nginx.process import Program
from ansible.module_utils.tgi.gateway.nginx.service import Nginx

CODE = "55d0 r-xp 00000000 fe:01 77 "
OURS = f"{CODE}                       /usr/sbin/nginx"
ZONE = "7f01 rw-s 00000000 00:01 9                          /dev/zero (deleted)"


@pytest.mark.parametrize(
    ("maps", "outdated"),
    [
        (f"{OURS}\n{ZONE}\n", False),
        (f"{OURS} (deleted)\n{ZONE}\n", True),
        (f"{OURS}\n{CODE} /usr/lib/nginx/modules/ngx_http_js_module.so (deleted)\n", True),
        (f"{OURS}\n{CODE} /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)\n", True),
    ],
)
def test_what_was_replaced_is_seen(tmp_path: Path, maps: str, outdated: bool) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/maps").write_text(maps)
    pid_file = tmp_path / "nginx.pid"
    assert not Program(pid_file, tmp_path).outdated()
    pid_file.write_text("7\n")
    assert Program(pid_file, tmp_path).outdated() is outdated


# Like nginx: at USR2 it renames the pid file, and a new process writes its own; QUIT ends it
MASTER = """
import os, signal, sys, time
def upgrade(*_):
    os.rename(sys.argv[1], sys.argv[1] + ".oldbin")
    if sys.argv[2] == "comes":
        open(sys.argv[1], "w").write("1\\n")
signal.signal(signal.SIGUSR2, upgrade)
signal.signal(signal.SIGQUIT, lambda *_: sys.exit(3))
print("ready", flush=True)
time.sleep(20)
"""


@pytest.mark.parametrize(("newcomer", "complains"), [("comes", False), ("fails", True)])
def test_the_old_ends_only_when_the_new_has_come(
    tmp_path: Path, newcomer: str, complains: bool
) -> None:
    pid_file = tmp_path / "nginx.pid"
    argv = [sys.executable, "-c", MASTER, str(pid_file), newcomer]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as master:
        assert master.stdout is not None
        master.stdout.readline()
        pid_file.write_text(f"{master.pid}\n")
        complaint = Program(pid_file).replace(1.0)
        assert ("did not replace the running one" in complaint) is complains
        if complains:
            assert master.poll() is None
            os.kill(master.pid, signal.SIGKILL)
        else:
            assert master.wait(5) == 3


def test_without_a_process_it_says_so(tmp_path: Path) -> None:
    assert "cannot replace the running nginx" in Program(tmp_path / "nginx.pid").replace(0.1)


@pytest.mark.parametrize(
    ("soft", "said"),
    [("1024", "may open 1024 files, but its connections can need 16384"), ("20000", "")],
)
def test_a_worker_that_may_open_too_few_files_is_seen(tmp_path: Path, soft: str, said: str) -> None:
    pid_file = tmp_path / "nginx.pid"
    pid_file.write_text("7\n")
    (tmp_path / "7/task/7").mkdir(parents=True)
    (tmp_path / "7/task/7/children").write_text("12 101 ")
    for worker, limit in (("12", "99999"), ("101", soft)):
        (tmp_path / worker).mkdir()
        text = f"Max processes  1 1 processes\nMax open files            {limit}   524288   files\n"
        (tmp_path / worker / "limits").write_text(text)
    program = Program(pid_file, tmp_path)
    assert program.worker_files() == int(soft)
    nginx = Nginx(lambda _: (0, "", ""), "http://127.0.0.1:9/", [tmp_path], program)
    found = nginx.too_few_files("events {\n    worker_connections 8192;\n}\n")
    assert said in found
    assert bool(found) is bool(said)


def test_files_that_cannot_be_read_are_no_complaint(tmp_path: Path) -> None:
    nginx = Nginx(lambda _: (0, "", ""), "", [tmp_path], Program(tmp_path / "no", tmp_path))
    assert nginx.too_few_files("worker_connections 8192;") == ""
