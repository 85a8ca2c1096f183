"""Turn problems of an HTTP answer into the outcome of a check; used by all judges."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import dig, error_text, http_problem
from ...common.text import trim
from ..results import Outcome

_STATUS_REMEDIES = {
    401: "The key was refused: set checks_consumer to a consumer of gateway_consumers, and run "
    "the gateway role",
    403: "The key was refused: set checks_consumer to a consumer of gateway_consumers, and run "
    "the gateway role",
    404: "The server has no such route, or no model of that name: compare the URL, the name and "
    "the engine with what runs there; behind the gateway, compare tgi_models and run that role",
    424: "The engine is healthy but does not generate: look in its log (docker compose logs) for "
    "CUDA or out-of-memory errors, and restart it",
    429: "Overloaded or over the limit: lower the load, raise max_concurrent_requests or the "
    "tier of the checks",
    502: "nginx is up, but the engine behind it is not: check the container and its log",
    503: "The engine is unhealthy or still loading: read its log",
    504: "The engine did not answer the gateway in time: check the GPU and the engine's log",
}

_CERTIFICATE = (
    "The gateway requires a client certificate (gateway_client_certificate_required): set "
    "checks_client_certificate to one of gateway_client_ca, with its key"
)
#: What nginx, the gateway and Go's servers answer to plain HTTP on a TLS port.
TLS_PORT = re.compile(r"(?i)\bonly https\b|\bto (?:an )?https (?:port|server)")
_PLAIN = "This port speaks https: begin the URL with https://"
_SILENT = "No server answers at this address: check the container or nginx, and the end of its log"
#: Remedy of a time-out, whatever was asked.
SLOW = (
    "The engine is slow or hangs: look for other load, at the GPU (nvidia-smi) and at the end of "
    "the engine's log; for a slow model raise checks_timeout (--timeout)"
)
#: Remedy of a check that depends on the result of another one.
SEE_OTHERS = "A consequence of other failures: fix those first"


def stream_problems(answer: Answer, items: Sequence[Any]) -> list[str]:
    """Return problems of any stream of events: a wrong type, or an error event under HTTP 200."""
    problems = []
    if answer.media_type != "text/event-stream":
        problems.append(f"content-type is {answer.media_type or 'missing'}, not an event stream")
    errors = [item for item in items if dig(item, "error") is not None]
    if errors:
        problems.append(f"an error event under HTTP 200: {error_text(errors[0])}")
    return problems


def cut_short(answer: Answer, events: int, ending: str) -> str:
    """Describe a stream without an ending."""
    how = f" ({answer.fault})" if answer.fault else ""
    return f"stream cut short after {events} events, without {ending}{how}"


def excerpt(answer: Answer, most: int = 300) -> str:
    """Return evidence: status, type and the beginning of the body."""
    parts = [f"HTTP {answer.status}" if answer.status else answer.fault, answer.media_type]
    return trim(" ".join(part for part in parts if part) + f": {answer.text[: most * 2]}", most)


def outcome(
    answer: Answer, problems: Sequence[str], good: str, evidence: str = "", remedy: str = ""
) -> Outcome:
    """Make an outcome: the first problem is the finding, the others join the evidence."""
    if not problems:
        return Outcome("", good, evidence, "", answer.ms, answer.attempts)
    proof = "; ".join([*problems[1:], evidence or excerpt(answer)])
    if not remedy and problems[0] == http_problem(answer):
        remedy = _STATUS_REMEDIES.get(answer.status, "")
        if answer.status == 400 and "certificate" in answer.text:
            remedy = _CERTIFICATE
        if answer.status == 400 and TLS_PORT.search(answer.text):
            remedy = _PLAIN
        if not answer.status and answer.fault and "certificate" not in answer.fault:
            remedy = SLOW if "within" in answer.fault else _SILENT
    return Outcome(problems[0], problems[0], trim(proof, 500), remedy, answer.ms, answer.attempts)
