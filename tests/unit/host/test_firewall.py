"""Test the firewall rules before the models' ports, and the module that loads and removes them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.common.commands import CommandOutput, CommandResult
from ansible.module_utils.tgi.host.firewall import (
    FirewallError,
    ask_in_force,
    doors_of,
    egress_of,
    files,
    in_force,
    tool_of,
)

from tests.support.run_module import load, run

DOOR = ("10.0.0.5", 8081)
JUMPS = [f"-P {name}\n-A {name} -j TGI-FENCE\n" for name in ("DOCKER-USER", "INPUT")]


def rules(*doors: tuple[str, int], sources: tuple[str, ...] = ("10.0.0.9",)) -> str:
    text: str = files("/etc/tgi-fence", DOOR[0], doors or [DOOR], list(sources))["rules"]
    return text


def shown(text: str) -> str:
    return "-N TGI-FENCE\n" + "".join(f"{line}\n" for line in text.splitlines()[1:])


def test_sources_pass_and_the_rest_is_dropped_by_the_original_destination() -> None:
    text = rules(DOOR, ("10.0.0.5", 8082), sources=("10.0.0.9", "10.1.0.7/24"))
    lines = [line.removeprefix("-A TGI-FENCE ") for line in text.splitlines()[2:]]
    closed = "-p tcp -m conntrack --ctorigdst 10.0.0.5 --ctorigdstport"
    assert lines == [
        "-i lo -j RETURN",
        "-s 10.0.0.9/32 -j RETURN",
        "-s 10.1.0.0/24 -j RETURN",
        f"{closed} 8081 --ctdir ORIGINAL -j DROP",
        f"{closed} 8082 --ctdir ORIGINAL -j DROP",
        "! -i tgi-+ -o tgi-+ -p tcp -m tcp --dport 80 "
        "-m conntrack ! --ctstate DNAT --ctdir ORIGINAL -j DROP",
    ]
    assert doors_of(text) == [DOOR, ("10.0.0.5", 8082)]


def test_the_family_is_that_of_the_address() -> None:
    assert (tool_of("10.0.0.5"), tool_of("fd00::5")) == ("iptables", "ip6tables")
    made = files("/etc/tgi-fence", "fd00::5", [("fd00::5", 8081)], ["fd00::9"], "no_metadata")
    assert doors_of(made["rules6"]) == [("fd00::5", 8081)] and doors_of(made["rules"]) == []
    assert [egress_of(made[name]) for name in ("rules", "rules6")] == ["no_metadata", "open"]
    script = made["up"]
    assert "up ip6tables rules6\nup iptables rules\n" in script
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
    for source, words in (("fd00::9", "is IPv4"), ("edge1", "write addresses")):
        with pytest.raises(FirewallError, match=words):
            rules(sources=(source,))


def test_without_an_address_only_the_way_to_the_containers_is_closed() -> None:
    made = files("/etc/tgi-fence", "", [], [])
    (rule,) = made["rules"].splitlines()[2:]
    assert rule.startswith("-A TGI-FENCE ! -i tgi-+ -o tgi-+ -p tcp -m tcp --dport 80 ")
    assert rule.endswith(" -j DROP")
    assert set(made) == {"rules", "up"} and made["up"].endswith("}\nup iptables rules\n")
    assert in_force(made["rules"], shown(made["rules"]), JUMPS)


@pytest.mark.parametrize(
    ("egress", "allowed", "expected"),
    [
        ("open", ["10.0.0.7"], []),
        (
            "no_metadata",
            [],
            [
                "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
                # Google's name server is at the address of its metadata
                "-p udp -m udp --dport 53 -j RETURN",
                "-p tcp -m tcp --dport 53 -j RETURN",
                "-d 169.254.0.0/16 -j REJECT",
                "-d 168.63.129.16/32 -j REJECT",
                "-d 100.100.100.200/32 -j REJECT",
            ],
        ),
        (
            "none",
            ["10.0.0.7", "10.2.0.9/24"],
            [
                "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
                "-d 10.0.0.7/32 -j RETURN",
                "-d 10.2.0.0/24 -j RETURN",
                "-j REJECT",
            ],
        ),
    ],
)
def test_what_models_may_connect_to(egress: str, allowed: list[str], expected: list[str]) -> None:
    text = files("/etc/tgi-fence", DOOR[0], [DOOR], ["10.0.0.0/8"], egress, allowed)["rules"]
    lines = [line.removeprefix("-A TGI-FENCE ") for line in text.splitlines()[2:]]
    # First, since a source that may reach the ports can be a network that has the containers too
    assert lines[: len(expected)] == [f"-i tgi-+ {line}" for line in expected]
    assert lines[len(expected)] == "-i lo -j RETURN"
    assert egress_of(text) == egress and doors_of(text) == [DOOR]
    assert in_force(text, shown(text), JUMPS)


def test_every_tool_with_rules_must_have_them_in_force() -> None:
    made = files("/etc/tgi-fence", "fd00::5", [("fd00::5", 8081)], ["fd00::9"])

    def ask_with(loaded: str) -> Any:
        def answer(command: Any) -> CommandResult:
            if command[-1] != "TGI-FENCE":
                return CommandResult(0, f"-A {command[-1]} -j TGI-FENCE\n")
            text = made["rules" if command[0] == "iptables" else "rules6"]
            return CommandResult(0, shown(text) if command[0] in loaded.split() else "")

        return answer

    assert ask_in_force(made, ask_with("iptables ip6tables")) is True
    assert ask_in_force(made, ask_with("iptables")) is False
    assert ask_in_force(made, ask_with("ip6tables")) is False
    assert ask_in_force(made, lambda _: CommandResult(None, "")) is None


def test_what_is_in_force() -> None:
    text = rules()
    assert in_force(text, shown(text), JUMPS)
    assert not in_force(text, shown(rules(sources=("10.0.0.8",))), JUMPS)
    assert not in_force(text, "", JUMPS)
    assert not in_force(text, shown(text) + "-A TGI-FENCE -j RETURN\n", JUMPS)
    assert not in_force(text, shown(text), [JUMPS[0], "-P INPUT ACCEPT\n"])


@pytest.mark.parametrize(
    ("before", "holds"),
    [("-j RETURN", False), ("-s 10.0.0.7/32 -j ACCEPT", False), ("-s 1.2.3.4/32 -j DROP", True)],
)
def test_nothing_may_let_packets_pass_before_it(before: str, holds: bool) -> None:
    entry = f"-N DOCKER-USER\n-A DOCKER-USER {before}\n-A DOCKER-USER -j TGI-FENCE\n"
    assert in_force(rules(), shown(rules()), [entry, JUMPS[1]]) is holds


class Host:
    """A host's programs as the module needs them: kernel, unit, and the commands that ran."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.up = self.enabled = False
        self.loaded = ""
        self.ran: list[str] = []

    def __call__(self, command: list[str], **__: Any) -> tuple[int, str, str]:
        program, *words = command
        self.ran.append(" ".join([Path(program).name, *words]))
        if program == "systemctl":
            return self._systemctl(words), "", "failed"
        known = program == "iptables" and self.up
        if words[1:] == ["-S", "TGI-FENCE"]:
            return (0, shown(self.loaded), "") if known else (1, "", "")
        if words[1] == "-S":
            return 0, f"-A {words[2]} -j TGI-FENCE\n" if known else "", ""
        if words[1] == "-X":
            self.up = False
        return (1 if words[1] == "-D" else 0), "", ""

    def _systemctl(self, words: list[str]) -> int:
        if words[0].startswith("is-"):
            return 0 if (self.up if words[0] == "is-active" else self.enabled) else 1
        if words[0] in {"restart", "reenable"}:
            self.up, self.enabled = self.up or words[0] == "restart", True
            self.loaded = (self.directory / "rules").read_text()
        return 0


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(tmp_path / "fence")
    basic = "ansible.module_utils.basic.AnsibleModule"
    monkeypatch.setattr(f"{basic}.get_bin_path", lambda _, name, *__, **___: name)
    monkeypatch.setattr(f"{basic}.run_command", made)
    return made


def ask(host: Host, capsys: pytest.CaptureFixture[str], **args: Any) -> dict[str, Any]:
    unit = str(host.directory.parent / "tgi-fence.service")
    given = {"address": "10.0.0.5", "ports": [8081], "sources": ["10.0.0.9"], **args}
    return run(load("tgi_firewall"), capsys, directory=str(host.directory), unit=unit, **given)


def test_made_once_mended_and_unmade(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(host, capsys, check=True)["changed"] is True
    assert not host.directory.exists()
    host.ran.clear()
    assert ask(host, capsys)["changed"] is True
    assert [line for line in host.ran if "daemon-reload" in line or "restart" in line] == [
        "systemctl daemon-reload",
        "systemctl restart tgi-fence.service",
    ]
    assert (host.directory / "up").stat().st_mode & 0o777 == 0o755
    assert ask(host, capsys)["changed"] is False
    host.ran.clear()
    host.up = False
    assert ask(host, capsys)["did"] == ["put the rules in force"]
    assert "systemctl daemon-reload" not in host.ran
    assert ask(host, capsys, state="absent")["changed"] is True
    assert not host.directory.exists()
    assert ask(host, capsys, state="absent")["changed"] is False


def test_what_was_closed_stays_so_until_models_have_moved(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(host, capsys)
    moved = {"address": "10.0.0.6", "ports": [8082]}
    ask(host, capsys, keep=True, **moved)
    assert doors_of((host.directory / "rules").read_text()) == [DOOR, ("10.0.0.6", 8082)]
    ask(host, capsys, **moved)
    assert doors_of((host.directory / "rules").read_text()) == [("10.0.0.6", 8082)]


NO_ADDRESS = {"address": "", "ports": [], "sources": []}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The version of the engine that answers; none if ""."""
    said = {"version": "26.1.5"}
    answer = "ansible.module_utils.tgi.common.commands.run"
    monkeypatch.setattr(
        answer, lambda _: CommandOutput(0 if said["version"] else 1, said["version"], "")
    )
    return said


def test_an_old_engine_alone_needs_the_rules(
    host: Host, engine: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(host, capsys, check=True, **NO_ADDRESS)["changed"] is True
    assert ask(host, capsys, **NO_ADDRESS)["changed"] is True
    text = (host.directory / "rules").read_text()
    assert text == files(str(host.directory), "", [], [])["rules"]
    assert ask(host, capsys, **NO_ADDRESS)["changed"] is False
    engine["version"] = ""
    assert ask(host, capsys, **NO_ADDRESS)["changed"] is False
    engine["version"] = "28.0.1"
    assert ask(host, capsys, **NO_ADDRESS)["changed"] is True
    assert not host.directory.exists()
    for engine["version"] in ("28.0.1", ""):
        assert ask(host, capsys, **NO_ADDRESS)["changed"] is False


def test_egress_needs_the_rules_with_every_engine(
    host: Host, engine: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    engine["version"] = "29.1.0"
    for egress in ("no_metadata", "none"):
        assert ask(host, capsys, egress=egress, **NO_ADDRESS)["changed"] is True
        assert egress_of(host.loaded) == egress
        assert ask(host, capsys, egress=egress, **NO_ADDRESS)["changed"] is False
    more = {"egress": "none", "egress_allowed": ["10.0.0.7"]}
    assert ask(host, capsys, **more, **NO_ADDRESS)["changed"] is True
    assert "-d 10.0.0.7/32 -j RETURN" in host.loaded
    assert ask(host, capsys, egress="open", **NO_ADDRESS)["changed"] is True
    assert not host.directory.exists()


def test_rules_of_the_other_version_go(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    ask(host, capsys)
    (host.directory / "rules6").write_text("-A TGI-FENCE -j DROP\n")
    assert ask(host, capsys)["changed"] is True
    assert not (host.directory / "rules6").exists()


def test_a_host_whose_address_is_removed_keeps_the_rule_for_its_containers(
    host: Host, engine: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    ask(host, capsys)
    assert ask(host, capsys, **NO_ADDRESS)["changed"] is True
    assert doors_of(host.loaded) == []
    assert "--dport 80" in host.loaded
    assert engine["version"] == "26.1.5"


def test_an_address_needs_sources(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert "sources" in ask(host, capsys, sources=None)["msg"]


def test_removal_needs_no_more_than_the_state(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(host, capsys)
    unit = str(host.directory.parent / "tgi-fence.service")
    given: dict[str, Any] = {"state": "absent", "directory": str(host.directory), "unit": unit}
    assert run(load("tgi_firewall"), capsys, **given)["changed"] is True
    assert not host.directory.exists()


def test_bad_sources_are_refused_before_anything_is_written(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = ask(host, capsys, sources=["fd00::9"])
    assert answer["failed"] is True
    assert "is IPv4" in answer["msg"]
    assert not host.directory.exists()
