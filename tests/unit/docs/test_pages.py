"""Check that pages name only checks, variables, make targets, files and headings that exist."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.tgi.checks.catalogue_direct import DIRECT
from ansible.module_utils.tgi.checks.catalogue_edge import EDGE
from ansible.module_utils.tgi.checks.selection import CheckSpec
from ansible.module_utils.tgi.preflight.role_specs import load_roles

from tests.support.roots import ROOT

PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("roles/*/*.md"))]
PAGES += [ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "benchmarks" / "README.md"]
PAGES += [ROOT / "module_utils" / "tgi" / "README.md"]
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
ROLES = load_roles(ROOT / "roles", lambda path: yaml.safe_load(Path(path).read_text()))
MODULES = {path.stem for path in (ROOT / "library").rglob("*.py")}
# Neither variables nor modules: a typing error shown on purpose, facts, results, files, values
OTHERS = {"tgi_modles", "tgi_comment", "docker_ce", "tgi_host"}
OTHERS |= {"tgi_gateway_backends", "tgi_secret_of_command"}
OTHERS |= {"checks_direct_result", "checks_edge_result", *MODULES}
OTHERS |= {
    "gateway_answers",
    "gateway_budget",
    "gateway_dialect",
    "gateway_kept",
    "gateway_rewrite",
    "gateway_scan",
    "gateway_words",
}


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.*)$", page.read_text())
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


@by_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        other = page.parent / name if name else page
        assert other.exists(), target
        assert not anchor or anchor in anchors(other), target


@by_page
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
    targets |= {f"scenario-{path.name}" for path in (ROOT / "molecule").iterdir()}
    named = re.findall(r"(?:`|^[#$] |^)make ([a-z_-]+)", page.read_text(), re.M)
    assert set(named) <= targets


@by_page
def test_variables_exist(page: Path) -> None:
    known = {name for role in ROLES for name in role.known}
    prefixes = "|".join(role.name for role in ROLES)
    named = set(re.findall(rf"(?<![\w/.-])(?:{prefixes})_[a-z_]+(?![\w/*])", page.read_text()))
    # The changelog also names what is gone
    gone = {"tgi_diagnose"} if page.name == "CHANGELOG.md" else set()
    assert {name.rstrip("_") for name in named} - known - OTHERS - gone == set()


#: A key among the arguments of a command, which every user of the machine can read
OPEN_KEY = re.compile(
    r"""(?x) -H \s* ["']? \s* (?:Authorization|x-api-key|api-key) \s* :
    | (?:-u|--user|--oauth2-bearer|--header) [ =] ["']? (?:Authorization|\$|sk-|hf_)
    | \$\( \s* (?:cat|<) [^)]* (?:key|token|secret|password)
    | -e \s+ ["']? \w* (?:token|password|_key) = [^@/\s]""",
    re.IGNORECASE,
)
SHOWN = [*PAGES, *ROOT.glob("tests/**/*.sh"), *ROOT.glob("tests/**/*.md")]


@pytest.mark.parametrize("page", sorted({*SHOWN}), ids=lambda page: str(page.relative_to(ROOT)))
def test_no_key_is_an_argument_of_a_command(page: Path) -> None:
    text = page.read_text().replace("\\\n", " ")
    assert [found.group() for found in OPEN_KEY.finditer(text)] == []


@pytest.mark.parametrize(
    "command",
    [
        'curl -H "Authorization: Bearer sk-x" https://x/v1/models',
        "curl -N -H 'x-api-key: sk-x' https://x/v1/models",
        'curl --oauth2-bearer "$KEY" https://x/v1/models',
        'printf "Authorization: Bearer %s" "$(cat .sandbox/secrets/api_key)" | curl -H @- https://x',
        "ansible-playbook site.yml -e tgi_hf_token=hf_x",
    ],
)
def test_such_an_argument_is_found(command: str) -> None:
    assert OPEN_KEY.search(command)


def listed(view: str) -> list[str]:
    rows = re.findall(r"(?m)^\| (`[^|]*) \| (\w+) \|", (ROOT / "docs/checks.md").read_text())
    return sorted(
        name
        for ids, where in rows
        if where in (view, "both")
        for name in re.findall(r"`(.*?)`", ids)
    )


@pytest.mark.parametrize(("view", "specs"), [("direct", DIRECT), ("edge", EDGE)])
def test_every_check_is_described(view: str, specs: Iterable[CheckSpec]) -> None:
    assert listed(view) == sorted(spec.id for spec in specs)
