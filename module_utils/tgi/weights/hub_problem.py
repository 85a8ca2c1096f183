"""Tell the Hub's refusals apart, and word each with its remedy."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from ..common.file_system import in_words
from ..common.problem import problem, without_login

#: The Hub's own words for a token that it does not know
_BAD_TOKEN = ("invalid credentials", "invalid username or password", "invalid user token")
_SHORT_REVISION = 12


class Asked(NamedTuple):
    """What was asked of whom; ``host`` is who answered, which a redirect may have changed."""

    repository: str
    revision: str
    endpoint: str
    host: str = ""
    proxy: str = ""
    token: bool = False

    @property
    def where(self) -> str:
        """Return a name such as ``org/name@0e9e39f249a1``."""
        return f"{self.repository}@{self.revision[:_SHORT_REVISION]}"

    @property
    def elsewhere(self) -> bool:
        """Return whether a redirect led to another machine, as for large files."""
        return bool(self.host) and self.host != self.endpoint.partition("://")[2].split("/")[0]

    @property
    def page(self) -> str:
        """Return the address of the repository, for people."""
        return f"{self.endpoint}/{self.repository}"


class HubProblem(Exception):
    """Why files cannot be had. ``again``: another try may help, after ``wait`` seconds if known."""

    def __init__(
        self, kind: str, text: str, again: bool = False, wait: float | None = None
    ) -> None:
        super().__init__(text)
        self.kind = kind
        self.again = again
        self.wait = wait


def refusal(asked: Asked, status: int, headers: Mapping[str, str]) -> HubProblem:
    """Return what an answer that is no success means; ``headers`` by lower-case names."""
    code, said = headers.get("x-error-code", ""), headers.get("x-error-message", "")
    if status == 429:
        return _rate_limited(asked, headers)
    if status == 407:
        return _proxy_login(asked)
    if status >= 500:
        what = f"cannot be had: {asked.host} answers {status} {said}".rstrip()
        return HubProblem("server", _text(asked, what, "try later, or name a tgi_hub_mirror"), True)
    if asked.elsewhere:
        return _storage(asked, f"answers {status}", again=False)
    if code == "GatedRepo":
        return _gated(asked)
    if status == 401 and asked.token and any(word in said.lower() for word in _BAD_TOKEN):
        what = "cannot be had: the Hub does not know the token"
        place = f"{asked.endpoint}/settings/tokens"
        remedy = f"make one with the right to read at {place}, and set tgi_hf_token to it"
        return HubProblem("bad_token", _text(asked, what, remedy))
    if code == "RevisionNotFound":
        remedy = f"write a commit that {asked.page}/commits/main lists"
        return HubProblem("no_revision", _text(asked, "is no commit of that repository", remedy))
    if code == "EntryNotFound":
        what = "has no such file, though its list names it"
        return HubProblem(
            "no_file", _text(asked, what, "complete the mirror, or ask the Hub itself")
        )
    if code == "DisabledRepo":
        return HubProblem("disabled", _text(asked, "is disabled by the Hub", f"see {asked.page}"))
    if status == 403 and asked.token:
        what = f"cannot be had: the token may not read it ({said or status})"
        remedy = "give the token the right to read gated repositories, or make another"
        return HubProblem("forbidden", _text(asked, what, remedy))
    if status in (401, 403, 404):
        hidden = "the token may not see it" if asked.token else "no token was sent"
        what = f"is not on {asked.endpoint}, or is private and {hidden}"
        remedy = "correct model_id; for a private one set hf_token: true and tgi_hf_token"
        return HubProblem("no_repository", _text(asked, what, remedy))
    what = f"cannot be had: {asked.host} answers {status} {said}".rstrip()
    return HubProblem("refused", _text(asked, what, f"look at {asked.page}"))


def failure(asked: Asked, error: BaseException) -> HubProblem:
    """Return what an exception of a connection means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message
        what = f"cannot be had: the certificate of {asked.host} is not trusted ({why})"
        remedy = (
            "where a proxy inspects TLS, copy its authority to the host and name the file as "
            "tgi_ca_file; otherwise correct the host's clock"
        )
        return HubProblem("tls", _text(asked, what, remedy))
    words = without_login(" ".join(str(error).split())) or type(error).__name__
    if "Tunnel connection failed: 407" in words:
        return _proxy_login(asked)
    if asked.proxy and ("Tunnel connection failed" in words or isinstance(error, _NO_CONNECTION)):
        what = f"cannot be had: the proxy {asked.proxy} does not lead to {asked.host} ({words})"
        remedy = "correct https_proxy in tgi_environment, or let the proxy allow that host"
        return HubProblem("proxy", _text(asked, what, remedy), again=True)
    if asked.elsewhere:
        return _storage(asked, f"cannot be reached ({words})", again=True)
    what = f"cannot be had: {asked.host} cannot be reached ({words})"
    remedy = (
        "let the host reach it (DNS, firewall), set https_proxy in tgi_environment, "
        "or name a tgi_hub_mirror"
    )
    return HubProblem("unreachable", _text(asked, what, remedy), again=True)


def on_disk(asked: Asked, error: OSError) -> HubProblem:
    """Return the problem of the host's own files, such as a disk that takes no more."""
    return HubProblem("disk", f"{asked.where}: {in_words(error)}")


def of_snapshot(kind: str, asked: Asked, what: str, remedy: str) -> HubProblem:
    """Return a problem of the files themselves."""
    return HubProblem(kind, _text(asked, what, remedy))


def no_address(asked: Asked) -> HubProblem:
    """Return the problem of an address, given or sent by a server, that is not a web server's."""
    said = f"{asked.host} leads to" if asked.host else f"{asked.endpoint} is"
    what = f"cannot be had: {said} no address of a web server"
    return HubProblem("refused", _text(asked, what, "correct HF_ENDPOINT or tgi_hub_mirror"))


_NO_CONNECTION = (ConnectionError, socket.timeout, socket.gaierror)


def _text(asked: Asked, what: str, remedy: str) -> str:
    return problem(asked.where, what, remedy)


def _gated(asked: Asked) -> HubProblem:
    accept = f"accept its licence at {asked.page}"
    if not asked.token:
        remedy = f"{accept}, write hf_token: true for the model, and the token as tgi_hf_token"
        return HubProblem("gated", _text(asked, "is gated, and no token was sent", remedy))
    what = "is gated, and the token's account was not given access"
    return HubProblem(
        "gated", _text(asked, what, f"{accept} with that account, or use another token")
    )


def _storage(asked: Asked, what: str, again: bool) -> HubProblem:
    text = f"is on the Hub, but its storage {asked.host} {what}"
    remedy = f"let the firewall or the proxy allow {asked.host}, or name a tgi_hub_mirror"
    return HubProblem("storage", _text(asked, text, remedy), again)


def _proxy_login(asked: Asked) -> HubProblem:
    what = f"cannot be had: the proxy {asked.proxy} wants a login"
    remedy = "write https_proxy in tgi_environment as http://USER:PASSWORD@HOST:PORT"
    return HubProblem("proxy", _text(asked, what, remedy))


def _rate_limited(asked: Asked, headers: Mapping[str, str]) -> HubProblem:
    wait = _seconds(headers)
    told = "" if wait is None else f" and asks to wait {wait:.0f} s"
    what = f"cannot be had now: {asked.host} limits the rate{told}"
    remedy = "try later, send a token (its limit is higher), or name a tgi_hub_mirror"
    return HubProblem("rate_limited", _text(asked, what, remedy), again=True, wait=wait)


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long to wait: Retry-After in seconds or as a date, or the Hub's RateLimit."""
    told = headers.get("retry-after", "").strip()
    if told.isdigit():
        return float(told)
    if told:
        try:
            until = parsedate_to_datetime(told)
            now = parsedate_to_datetime(headers["date"])
        except (KeyError, TypeError, ValueError):
            return None
        return max((until - now).total_seconds(), 0.0)
    for part in headers.get("ratelimit", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == "t" and value.isdigit():
            return float(value)
    return None
