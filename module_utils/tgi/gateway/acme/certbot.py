"""Run certbot, and explain in one line why it failed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

#: Runs a command with more environment: (exit code, standard output, standard error)
Run = Callable[[list[str], dict[str, str]], tuple[int, str, str]]

# Words of certbot or the ACME server, and the remedy; the first match counts
_REMEDIES = (
    (r"rateLimited|too many (?:certificates|requests|new orders)",
     "wait as long as the server says, and try with its staging directory first"),
    (r"CERTIFICATE_VERIFY_FAILED|certificate verify failed",
     "the ACME server's own certificate is not trusted: set gateway_tls.directory_ca to its CA"),
    (r"externalAccountRequired|external account", "set gateway_tls.eab_kid and eab_hmac_key"),
    (r"NXDOMAIN|could not resolve|no valid A records|SERVFAIL|DNS problem",
     "create a DNS record for gateway_server_name that leads to this gateway"),
    (r"dns_rfc2136|dns-\w+|Unable to determine base domain|NOTAUTH|REFUSED|BADKEY|BADSIG",
     "check gateway_tls.dns_credentials: server, zone and key"),
    (r"Connection refused|Timeout during connect|timed out during|Fetching http",
     "port 80 of gateway_server_name must lead to gateway_http_port of this host from the ACME"
     " server; or use challenge: dns-01"),
    (r"NewConnectionError|Name or service not known|Failed to resolve|Max retries exceeded",
     "this host must reach gateway_tls.directory: name, route, proxy"),
    (r"unauthorized|Invalid response from",
     "another server answers for the name, or its DNS leads elsewhere"),
)  # fmt: skip
_NOISE = re.compile(r"^(?:Saving debug log|Ask for help|See the logfile|Some challenges|Plugins)")
_LONGEST = 600


class AcmeError(Exception):
    """No certificate was obtained; the message has certbot's reason and the remedy."""


def obtain(run: Run, root: Path, server_name: str, force: bool) -> None:
    """Obtain the certificate of a name; ``force`` obtains a new one although one exists.

    Each name has its own certificate, so that the served one stays until nginx reloads.
    """
    command = ["certbot", "certonly", "--config", str(root / "cli.ini"), "--non-interactive"]
    command += ["--cert-name", server_name, "--domain", server_name]
    command += ["--force-renewal"] if force else []
    code, out, err = run(command, environment(root))
    if code != 0:
        raise AcmeError(complaint(server_name, f"{out}\n{err}"))


def forget(run: Run, root: Path, server_name: str) -> None:
    """Delete the certificate of a name. Raises AcmeError if certbot cannot."""
    command = ["certbot", "delete", "--config", str(root / "cli.ini"), "--non-interactive"]
    code, out, err = run([*command, "--cert-name", server_name], environment(root))
    if code != 0:
        raise AcmeError(
            f"certbot cannot delete the certificate of {server_name}: {(err or out).strip()}"
        )


def environment(root: Path) -> dict[str, str]:
    """Return certbot's environment: the CA of an internal ACME server, if there is one."""
    bundle = root / "authorities.pem"
    return {"REQUESTS_CA_BUNDLE": str(bundle)} if bundle.exists() else {}


def complaint(server_name: str, said: str) -> str:
    """Return one line: what failed, certbot's own words, the remedy."""
    lines = [line.strip() for line in said.splitlines()]
    shown = [line for line in lines if line and not _NOISE.match(line)]
    marked = [line for line in shown if re.search(r"Detail:|Type:|[Ee]rror|urn:ietf", line)]
    words = " ".join(dict.fromkeys(marked or shown[-3:]))[:_LONGEST]
    remedy = next((what for sign, what in _REMEDIES if re.search(sign, said)), "")
    remedy = remedy or "read /var/log/tgi-gateway-acme/letsencrypt.log on the host"
    return f"no certificate for {server_name}: certbot says: {words}; remedy: {remedy}"
