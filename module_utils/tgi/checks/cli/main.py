"""Run the checks as a command: from a URL to a table and an exit code, without Ansible."""

from __future__ import annotations

import argparse
import ssl
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...client import fixed_address, http_client
from ...common.files import write
from ..catalogue_direct import DIRECT
from ..catalogue_edge import EDGE
from ..endpoint.auth import secrets_of
from ..judges import json_schema
from ..module_arguments import ARGUMENTS
from ..report import html_page
from ..report.document import answer
from ..report.junit import make_junit
from ..report.report_files import make_json
from ..results import ERROR, FAIL, Report
from ..run import Options, check
from ..run_options import SHORTEST_KEY, read_options
from ..selection import PlanError
from . import discover
from .command_line import KEY_VARIABLE, in_options, make_parser, read_key

PASSED, FAILED, USELESS = 0, 1, 2
#: Seconds of silence after which the next finished stage is printed.
SILENCE = 2.0


def main(argv: Sequence[str] | None = None, transport: Any = None) -> int:
    """Run the command and return its exit code. ``transport`` replaces the network in tests."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    if arguments.list:
        print(make_list())
        return PASSED
    if not arguments.url:
        parser.error("give a URL, or --list")
    # The base URL of OpenAI's clients ends in /v1
    arguments.url = arguments.url.rstrip("/").removesuffix("/v1")
    if http_client.HTTPX_ERROR:
        return _useless(
            f"{http_client.HTTPX_ERROR}: pip install httpx, or apt install python3-httpx"
        )
    if missing := json_schema.JSONSCHEMA_ERROR:
        return _useless(f"{missing}: pip install jsonschema, or apt install python3-jsonschema")
    if arguments.html and (missing := html_page.JINJA2_ERROR):
        return _useless(f"{missing}, which --html needs: pip install jinja2")
    try:
        key = read_key(arguments)
        view = find_view(arguments, key)
        pins = {urlsplit(arguments.url).hostname or "": arguments.connect_to}
        report = fixed_address.run(_run(arguments, view, key, transport), pins)
    except PlanError as error:
        return _useless(str(error))
    except (OSError, ssl.SSLError) as error:
        files = [one for one in (arguments.ca_file, arguments.client_certificate) if one]
        return _useless(f"cannot use the certificates in {' or '.join(files)}: {error}")
    except KeyboardInterrupt:
        return _useless("interrupted")
    found = answer(report, secrets_of(key))
    if not arguments.quiet:
        print(found["table"])
    elif not report.passed:
        print(found["msg"])
    try:
        write_files(arguments, found["report"])
    except OSError as error:
        return _useless(f"cannot write the report: {error}")
    return PASSED if report.passed else FAILED


def find_view(arguments: argparse.Namespace, key: str) -> str:
    """Return "direct" or "edge". Raises PlanError for a bad URL, and for an edge without a key."""
    import httpx

    try:
        parts = urlsplit(str(httpx.URL(arguments.url)))
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except (ValueError, httpx.InvalidURL):
        right = False
    if not right or parts.query or parts.username:
        raise PlanError(f"URL must be http://HOST:PORT or https://NAME, got {arguments.url!r}")
    view: str = arguments.view or ("edge" if parts.scheme == "https" else "direct")
    if view == "edge" and not key:
        raise PlanError(
            f"a gateway needs a key: give it by --key-file, --key-env or {KEY_VARIABLE}; for an "
            "engine without a gateway use --view direct"
        )
    if key and len(key) < SHORTEST_KEY:
        raise PlanError(f"the key has fewer than {SHORTEST_KEY} characters; give a longer one")
    return view


async def _run(arguments: argparse.Namespace, view: str, key: str, transport: Any) -> Report:
    target = http_client.Target(
        arguments.url,
        arguments.ca_file or "",
        key,
        min(10.0, arguments.timeout),
        arguments.client_certificate or "",
    )
    progress = _Progress(arguments.quiet)
    async with http_client.Client(target, transport=transport) as asking:
        if scheme := await discover.wrong_scheme(asking):
            right = urlsplit(arguments.url)._replace(scheme=scheme).geturl()
            raise PlanError(f"{urlsplit(arguments.url).netloc} speaks {scheme}: write {right}")
        models = await discover.discover(asking, view, arguments.model, arguments.engine)
    progress.tell("found models: " + ", ".join(f"{m['name']} ({m['engine']})" for m in models))
    options = make_options(arguments, view, key, models)
    report = await check(replace(options, transport=transport), progress)
    report.left_out = [replace(one, reason=in_options(one.reason)) for one in report.left_out]
    return report


def make_options(
    arguments: argparse.Namespace, view: str, key: str, models: list[dict[str, Any]]
) -> Options:
    """Return options in the way the module reads its parameters. Raises PlanError."""
    parts, names = urlsplit(arguments.url), [one["name"] for one in models]
    port = arguments.http_port
    if port is None:
        port = 80 if parts.scheme == "https" and parts.port in (None, 443) else 0
    params = {
        **{name: option.get("default") for name, option in ARGUMENTS.items()},
        "view": view,
        "url": arguments.url,
        "api_key": key,
        "models": models,
        "target": parts.netloc,
        "ca_file": arguments.ca_file,
        "client_certificate": arguments.client_certificate,
        "checks": [word for word in arguments.checks.replace(",", " ").split() if word],
        "without_chat": names if arguments.without_chat else [],
        "without_tools": names if arguments.without_tools else [],
        "openai_dialect": arguments.openai_dialect,
        "tool_streams": arguments.tool_streams,
        "http_port": port,
        "timeout": arguments.timeout,
        "deadline": arguments.deadline,
        "tier": {
            "requests_per_second": arguments.rate,
            "burst": arguments.burst,
            "concurrent": arguments.concurrent,
        },
    }
    without = discover.nothing_to_compare(view, arguments.model)
    # An engine's own port may need a key as well
    return replace(read_options(params, ""), api_key=key, without=without)


class _Progress:
    """Print progress of a slow run to standard error, unless ``quiet``: cron mails it."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._begun = self._printed = time.monotonic()

    def __call__(self, report: Report) -> None:
        bad = len(report.of(FAIL, ERROR))
        self.tell(f"{len(report.checks)} of {len(report.planned)} checks done, {bad} failed")

    def tell(self, line: str) -> None:
        now = time.monotonic()
        if not self._quiet and now - self._printed >= SILENCE:
            self._printed = now
            print(f"{now - self._begun:5.1f} s: {line}", file=sys.stderr, flush=True)


def write_files(arguments: argparse.Namespace, found: dict[str, Any]) -> None:
    """Write the files that the options name. Raises OSError."""
    if arguments.json:
        write(Path(arguments.json), make_json(found))
    if arguments.junit:
        write(Path(arguments.junit), make_junit(found))
    if arguments.html:
        write(Path(arguments.html), html_page.make_page([found]).encode())


def make_list() -> str:
    """Return the catalogue as an aligned table: id, view, group, severity, expectation."""
    rows = [("CHECK", "VIEW", "GROUP", "SEVERITY", "EXPECTED")]
    seen = {(s.id, s.expected): s for s in (*DIRECT, *EDGE)}
    views = {"direct": DIRECT, "edge": EDGE}
    for (name, expected), spec in seen.items():
        where = [v for v, specs in views.items() if any((s.id, s.expected) == (name, expected)
                                                        for s in specs)]  # fmt: skip
        view = "both" if len(where) > 1 else where[0]
        asked = " (only when selected by its id)" if spec.opt_in else ""
        rows.append((name, view, spec.group, spec.severity, expected + asked))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[4]])
        for row in rows
    )


def _useless(message: str) -> int:
    print(f"tgi-check: {message}", file=sys.stderr)
    return USELESS
