"""Options of the command line, and the sources of a key."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from ...engines.profiles import ENGINES
from ..selection import PlanError

KEY_VARIABLE = "TGI_CHECK_KEY"
_EXAMPLES = f"""\
examples:
  python3 -m module_utils.tgi.checks http://gpu1:8081
  python3 -m module_utils.tgi.checks https://llm.example.org --key-file key --html report.html
  python3 -m module_utils.tgi.checks https://llm.example.org --key-env KEY --checks auth,tls -q

A key is never an argument, because every user of the machine can read those. It comes from a
file, from standard input (--key-file -) or from the environment (--key-env NAME, else
{KEY_VARIABLE}).

exit code: 0 passed, 1 failed, 2 nothing could be planned or written"""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all options; defaults are those of the module tgi_check."""
    parser = argparse.ArgumentParser(
        prog="python3 -m module_utils.tgi.checks",
        description="Prove that an endpoint really generates: TGI, vLLM, SGLang, llama.cpp or any "
        "server with OpenAI's API, on its own port or behind a gateway.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("url", nargs="?", metavar="URL", help="http://HOST:PORT of an engine, or https://NAME")
    add(
        "--view",
        choices=["direct", "edge"],
        help="direct: an engine's own port; edge: a gateway with keys "
        "(default: direct for http, edge for https)",
    )
    add(
        "--model",
        action="append",
        default=[],
        metavar="NAME[=ID[@REVISION]]",
        help="model that must be served; repeatable. Default: what /v1/models or /info lists",
    )
    add("--engine", choices=["auto", *ENGINES], default="auto", help="default: detect it")
    add("--key-file", metavar="FILE", help="file with the key; - is standard input")
    add("--key-env", metavar="NAME", help=f"environment variable with the key ({KEY_VARIABLE})")
    add("--checks", default="", metavar="WORDS", help="ids or groups, comma-separated (all)")
    add("--without-chat", action="store_true", help="the models have no chat template")
    add("--without-tools", action="store_true", help="the models do not support tools")
    add(
        "--openai-dialect",
        action="store_true",
        help="a gateway translates OpenAI's dialect for its engines: check that too (openai.*)",
    )
    add(
        "--tool-streams",
        choices=["whole", "live"],
        default="whole",
        help="how that gateway streams calls of tools to this key: whole, or live, as the engine "
        "writes them (whole)",
    )
    add("--ca-file", metavar="FILE", help="PEM file with the only CA to accept")
    add("--client-certificate", metavar="FILE", help="PEM file with a client certificate and key")
    add("--connect-to", default="", metavar="ADDRESS", help="connect here instead of using DNS")
    add(
        "--http-port",
        type=int,
        metavar="PORT",
        help="port that must redirect to https, 0 for none (default: 80 if the URL has port 443)",
    )
    add(
        "--rate",
        type=float,
        default=0.0,
        metavar="N",
        help="requests per second that the key may make; without it the limit is not checked",
    )
    add("--burst", type=int, default=0, metavar="N", help="extra requests allowed at once")
    add("--concurrent", type=int, default=0, metavar="N", help="generations allowed at one time")
    add("--timeout", type=float, default=30.0, metavar="S", help="seconds for one request (30)")
    add("--deadline", type=float, default=300.0, metavar="S", help="seconds for the run (300)")
    add("--json", metavar="FILE", help="write the full report as JSON")
    add("--junit", metavar="FILE", help="write the report as JUnit XML")
    add("--html", metavar="FILE", help="write the report as one HTML page")
    add("-q", "--quiet", action="store_true", help="print one line if failed, else nothing")
    add("--list", action="store_true", help="print all checks and stop")
    return parser  # fmt: skip


#: Variables of the inventory, and the options that stand for them here.
_OPTIONS = {
    "gateway_http_port": "--http-port",
    "gateway_tiers": "--rate",
    "gateway_openai_dialect": "--openai-dialect",
    "gateway_tool_streams": "--tool-streams",
    "checks_without_chat": "--without-chat",
    "checks_without_tools": "--without-tools",
}
_ONLY_PLAYBOOK = "only the playbook knows it"


def in_options(reason: str) -> str:
    """Return why a check was left out, with options in place of the inventory's variables."""
    return re.sub(
        r"\(((?:gateway|checks|tgi)_\w+|gpus)(?:, or [^)]*)?\)",
        lambda found: f"({_OPTIONS.get(found.group(1), _ONLY_PLAYBOOK)})",
        reason,
    )


def read_key(arguments: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> str:
    """Return the key, "" if none is given. Raises PlanError when its source holds no key."""
    if arguments.key_file:
        try:
            text = (
                sys.stdin.read()
                if arguments.key_file == "-"
                else Path(arguments.key_file).read_text(encoding="utf-8")
            )
        except (OSError, ValueError) as error:
            raise PlanError(f"cannot read the key: {error}") from None
        where = "standard input" if arguments.key_file == "-" else arguments.key_file
    elif arguments.key_env:
        text, where = environment.get(arguments.key_env, ""), f"the variable {arguments.key_env}"
    else:
        text, where = environment.get(KEY_VARIABLE, ""), f"the variable {KEY_VARIABLE}"
        if not text:
            return ""
    key = text.strip()
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise PlanError(f"{where} holds no key: put the key alone on one line")
    return key
