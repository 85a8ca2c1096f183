"""Recorded output of the commands that run on a host."""

from __future__ import annotations

from collections.abc import Sequence

from ansible.module_utils.tgi.common.commands import CommandResult
from ansible.module_utils.tgi.readiness.probe import Probe

READY = Probe(True, True, "", True)
REFUSED = Probe(False, False, "GET /health: Connection refused")
SMI = "0, GPU-1, NVIDIA L4, 23034, 580.95.05, 8.9\n"
LIVE = "0, GPU-1, 20000, 23034, 98, 91, 71.5, 72.00, 900, 2040, 0x0000000000000064\n"
APPS = "GPU-1, 4242, /usr/bin/jupyter --token=abc, 18000\nGPU-1, 77, python3, 2000\n"
DMESG = """\
[    0.000000] Linux version 6.12
[  990.500000] NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', GPU has fallen off the bus.
[  400.250000] Out of memory: Killed process 812 (text-generation) total-vm:9kB, anon-rss:8kB
[  950.000000] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task=python3,pid=9,uid=0
"""


class Shell:
    """Answer commands by their beginning; other commands are not installed."""

    def __init__(self, **answers: tuple[int, str]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, command: Sequence[str]) -> CommandResult:
        line = " ".join(command)
        self.asked.append(line)
        for words, answer in self.answers.items():
            if all(word in line for word in words.split("__")):
                return CommandResult(*answer)
        return CommandResult(None, "")


def shown(active: str = "active", sub: str = "running", result: str = "success") -> tuple[int, str]:
    return 0, f"LoadState=loaded\nActiveState={active}\nSubState={sub}\nResult={result}\n"
