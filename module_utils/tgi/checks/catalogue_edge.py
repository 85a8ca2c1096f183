"""The edge view: every model as a client sees it, through the gateway, and the fence around it."""

from __future__ import annotations

from dataclasses import replace

from .catalogue_direct import DIRECT
from .endpoint import auth, bypass, exposure, rate, size, tls_certificate, web
from .endpoint.endpoint_session import Declared
from .model import edge_vs_direct, streaming
from .results import MAJOR, MINOR
from .selection import BASE, SELFTEST, CheckSpec

_SAME = {spec.id: spec for spec in DIRECT}
_GATEWAY = "compare with the direct view of the GPU host: when that passes, it is the gateway; "


def _host(
    name: str, group: str, expected: str, remedy: str, run: object, **more: object
) -> CheckSpec:
    return CheckSpec(name, group, expected, remedy, run, per_model=False, **more)  # type: ignore[arg-type]


def _again(name: str, remedy: str, **more: object) -> CheckSpec:
    return replace(_SAME[name], remedy=remedy, **{"stage": 1, **more})  # type: ignore[arg-type]


def undeclared(declared: Declared) -> dict[str, str]:
    """Ids of the checks that nothing was declared for, with the reason."""
    given = {
        "hsts": (declared.hsts_seconds, "none is declared (gateway_tls_hsts_seconds)"),
        "body.size": (declared.max_body_size, "no limit is declared (gateway_max_body_size)"),
        "auth.backend": (declared.backends, "no address of an engine is known outside"),
    }
    return {name: reason for name, (value, reason) in given.items() if not value}


#: Checks of the direct view that a gateway can spoil too.
_CONVERSATION = tuple(
    _again(name, _GATEWAY + "look for another proxy in between")
    for name in ("tools.stream", "chat.utf8")
)

EDGE = (
    _SAME[SELFTEST],
    _host(
        "tls.chain", "tls", "nothing is missing between the certificate and its CA",
        "Serve fullchain.pem, not cert.pem (gateway_tls); for a CA of your own give its "
        "certificate in checks_ca_file",
        tls_certificate.tls_chain, stage=0, generates=False,
    ),
    _host(
        "tls.verify", "tls", "the certificate's chain verifies",
        "Serve the full chain of a certificate for gateway_server_name", tls_certificate.tls_verify,
        stage=0, generates=False,
    ),
    _host(
        "tls.hostname", "tls", "the certificate covers the server's name",
        "It must cover gateway_server_name", tls_certificate.tls_hostname, stage=0,
        generates=False,
    ),
    _host(
        "health.status", "health", "GET /health without a key: 200",
        "The gateway or the default model behind it is not up: systemctl status nginx, then "
        "docker compose ps",
        web.health_public, stage=0, generates=False,
    ),
    _host(
        "auth.valid", "auth", "the checks' own key is accepted",
        "The key of checks_consumer is not in the running configuration: run the gateway role",
        auth.auth_valid, stage=0, generates=False,
    ),
    _host(
        "model.list", "identity", "/v1/models lists every declared model and alias once",
        "The gateway publishes another list than tgi_models: run the gateway role",
        web.model_list, stage=0, generates=False,
    ),
    _host(
        "auth.missing", "auth", "401 or 403 on every generation path without a key",
        "A path of the engine is open to everybody: close it in the gateway, and look for a "
        "published engine port",
        auth.auth_missing, stage=2,
    ),
    _host(
        "auth.bypass", "auth", "no way of writing a path gets a request past the fence",
        "The guard and the engine read paths differently: match normalised paths only, close all "
        "others, and let no header name the path; run the gateway role",
        bypass.auth_bypass, stage=2,
    ),
    _host(
        "auth.backend", "auth", "the engines' own ports are closed to the outside",
        "Publish on 127.0.0.1 or on a private address behind the fence (tgi_bind_address); "
        "Docker's published ports go past ufw: run the tgi role",
        exposure.auth_backend, stage=2, generates=False,
    ),
    _host(
        "auth.wrong", "auth",
        "401 or 403 for every wrong credential, and for a query with a made-up key",
        "Keys must be compared whole and with regard to case, in the Authorization header alone: "
        "run the gateway role",
        auth.auth_wrong, stage=2,
    ),
    _host(
        "model.unknown", "identity", "404 for a model that is not there",
        "The gateway passes unknown names on, and the engine answers with any model: run the "
        "gateway role",
        web.model_unknown, stage=2,
    ),
    _host(
        "metrics.private", "auth", "metrics are not reachable from outside",
        "Publish only the API's paths; metrics belong on loopback", exposure.metrics_private,
        stage=2, generates=False,
    ),
    _host(
        "docs.private", "auth", "what describes the engine is not reachable from outside",
        "Publish only the API's paths", exposure.docs_private, stage=2, severity=MAJOR,
        generates=False,
    ),
    _host(
        "control.private", "auth", "no route that steers the engine is reachable",
        "Publish only the API's paths: whoever reaches these can stop or change the model",
        exposure.control_private, stage=2, generates=False,
    ),
    _again("model.info", _GATEWAY + "a name leads to another model's port"),
    _again("generate.basic", _GATEWAY + "run the gateway role, read its error log"),
    _again("chat.basic", _GATEWAY + "run the gateway role, read its error log"),
    _again(
        "chat.stream", _GATEWAY + "raise gateway_read_timeout, look for another proxy in between"
    ),
    _again(
        "completions.stream",
        _GATEWAY + "raise gateway_read_timeout, look for another proxy in between",
        needs=("completions", BASE),
    ),
    CheckSpec(
        "stream.unbuffered", "stream", "tokens arrive one by one",
        "Somewhere between here and the engine streams are collected: proxy_buffering off and "
        "gzip off for the API, also in any other proxy",
        streaming.stream_unbuffered, stage=2, needs=("stream",),
    ),
    CheckSpec(
        "stream.gzip", "stream", "tokens arrive one by one for a client that accepts gzip",
        streaming.GZIP_REMEDY, streaming.stream_gzip, stage=2, severity=MAJOR, needs=("stream",),
    ),
    CheckSpec(
        "stream.header", "stream", "headers of a stream: no length, nothing that caches it",
        "Something on the way takes the stream for a file: proxy_buffering off, and no caching of "
        "the API's answers",
        streaming.stream_header, stage=2, severity=MINOR, needs=("stream",),
    ),
    CheckSpec(
        "stream.same", "stream", "a stream ends as in the direct view",
        "The gateway, or another proxy, cuts streams or loses events: proxy_buffering off, no "
        "filters on the body",
        edge_vs_direct.stream_same, stage=2, severity=MAJOR, needs=("chat", "direct"),
    ),
    CheckSpec(
        "stream.latency", "stream", "the first token comes less than 100 ms later than direct",
        "Look for another proxy in between, a slow name server, or connections to the engine "
        "that are not kept open",
        edge_vs_direct.stream_latency, stage=2, severity=MINOR, needs=("chat", "direct"),
    ),
    *_CONVERSATION,
    _again("chat.canary", _GATEWAY + "a name leads to another model", stage=2),
    _again(
        "ctx.over",
        _GATEWAY + "gateway_max_body_size must leave room for a whole prompt, and nothing may "
        "rewrite the engine's refusals", stage=2,
    ),
    _host(
        "body.size", "limits", "a body of gateway_max_body_size passes, a larger one is 413",
        "nginx's own limit is 1 MB: set gateway_max_body_size and run the gateway role",
        size.body_size, stage=2, severity=MAJOR,
    ),
    CheckSpec(
        "long.generation", "limits", "an answer that takes longer than a minute comes whole",
        "Raise gateway_read_timeout, and the time-outs of any other proxy in between",
        size.long_generation, stage=2, severity=MAJOR, needs=("chat",), opt_in=True,
    ),
    _host(
        "http.redirect", "tls", "plain HTTP redirects to https and answers nothing",
        "The plain port must only redirect: run the gateway role", web.http_redirect,
    ),
    _host(
        "tls.protocol", "tls", "TLS 1.0 and 1.1 are refused",
        "ssl_protocols TLSv1.2 TLSv1.3, also in every other site on this port: gateway_tls_profile",
        tls_certificate.tls_protocol, stage=0, severity=MAJOR, generates=False,
    ),
    _host(
        "tls.expiry", "tls", "the certificate is valid for some time to come",
        "Renew the certificate and run the gateway role", tls_certificate.tls_expiry,
        generates=False,
    ),
    _host(
        "auth.header", "auth", "a 401 carries WWW-Authenticate",
        "Add WWW-Authenticate: Bearer to the gateway's 401", auth.auth_header, stage=2,
        severity=MINOR,
    ),
    _host(
        "hsts", "tls", "Strict-Transport-Security as declared",
        "gateway_tls_hsts_seconds is not what is served: run the gateway role",
        web.hsts, stage=2, severity=MINOR,
    ),
    _host(
        "server.tokens", "tls", "the server does not tell its version",
        "server_tokens off: run the gateway role", web.server_tokens, stage=2, severity=MINOR,
    ),
    _host(
        "rate.enforced", "rate", "429 with Retry-After above the declared limit, never below",
        "The limit that is served differs from gateway_tiers: run the gateway role",
        rate.rate_enforced, stage=3, generates=False,
    ),
    _host(
        "rate.recovers", "rate", "accepted again after a pause",
        "The limit does not let go: compare gateway_tiers with what nginx -T shows",
        rate.rate_recovers, stage=4, generates=False,
    ),
    _host(
        "rate.scope", "rate", "/health answers while a consumer is over its limit",
        "Leave /health out of the consumers' limits: run the gateway role",
        rate.rate_scope, stage=3, severity=MINOR, generates=False,
    ),
    _host(
        "auth.leak", "auth", "no answer holds a configured key",
        "Close that path; then take the key for stolen, and give out another",
        exposure.auth_leak, stage=5, generates=False,
    ),
)  # fmt: skip
