"""Catalogue of the edge view: each model through the gateway, and the gateway's own rules."""

from __future__ import annotations

from dataclasses import replace

from .catalogue_direct import DIRECT
from .endpoint import auth, bypass, cross_origin, exposure, rate, size, tls_certificate, web
from .endpoint.without_name import SPECS as WITHOUT_NAME
from .model import edge_vs_direct, streaming
from .model.openai_dialect import SPECS as OPENAI
from .results import MAJOR, MINOR
from .selection import BASE, SELFTEST, CheckSpec

_SAME = {spec.id: spec for spec in DIRECT}
_GATEWAY = "Compare with the direct view; if that passes, the gateway is the cause: "


def _host(
    name: str, group: str, expected: str, remedy: str, run: object, **more: object
) -> CheckSpec:
    return CheckSpec(name, group, expected, remedy, run, per_model=False, **more)  # type: ignore[arg-type]


def _again(name: str, remedy: str, **more: object) -> CheckSpec:
    return replace(_SAME[name], remedy=remedy, **{"stage": 1, **more})  # type: ignore[arg-type]


#: Checks of the direct view that a gateway can break too.
_CONVERSATION = tuple(
    _again(name, _GATEWAY + "look for another proxy in between")
    for name in ("tools.stream", "chat.utf8")
)

EDGE = (
    _SAME[SELFTEST],
    _host(
        "tls.chain", "tls", "the server sends the whole chain up to the CA",
        "Serve fullchain.pem, not cert.pem (gateway_tls); for a private CA set checks_ca_file",
        tls_certificate.tls_chain, stage=0, generates=False,
    ),
    _host(
        "tls.verify", "tls", "the certificate's chain verifies",
        "Serve the full chain of a certificate for gateway_server_name", tls_certificate.tls_verify,
        stage=0, generates=False,
    ),
    _host(
        "tls.hostname", "tls", "the certificate covers the server's name",
        "Get a certificate that covers gateway_server_name", tls_certificate.tls_hostname,
        stage=0, generates=False,
    ),
    _host(
        "health.status", "health", "GET /health without a key: 200",
        "nginx or the default model behind it is down: run systemctl status nginx, then "
        "docker compose ps",
        web.health_public, stage=0, generates=False, grounds=("backend",),
    ),
    _host(
        "auth.valid", "auth", "the checks' own key is accepted",
        "nginx runs without the key of checks_consumer: run the gateway role",
        auth.auth_valid, stage=0, generates=False,
    ),
    _host(
        "model.list", "identity", "/v1/models lists every declared model and alias once",
        "The gateway's list differs from tgi_models: run the gateway role",
        web.model_list, stage=0, generates=False, grounds=("key",),
    ),
    _host(
        "auth.missing", "auth", "401 or 403 on every generation path without a key",
        "A path of the engine is open to all: close it in the gateway, and look for a published "
        "engine port",
        auth.auth_missing, stage=2,
    ),
    _host(
        "auth.bypass", "auth", "no spelling of a path passes the gateway without a key",
        "nginx and the engine read paths differently: match normalised paths only, close all "
        "others, take no path from a header, and run the gateway role",
        bypass.auth_bypass, stage=2,
    ),
    _host(
        "auth.backend", "auth", "the engines' own ports are closed to the outside",
        "Docker's published ports bypass ufw: publish engines on 127.0.0.1 or on a private "
        "address behind a firewall (tgi_bind_address), and run the tgi role",
        exposure.auth_backend, stage=2, generates=False, apart=True,
    ),
    _host(
        "auth.wrong", "auth",
        "401 or 403 for every wrong key, and for a made-up key in the query",
        "Compare whole keys, case-sensitive, from the Authorization header only: run the gateway "
        "role",
        auth.auth_wrong, stage=2,
    ),
    _host(
        "model.unknown", "identity", "404 for an unknown model",
        "The gateway forwards unknown names, and the engine answers with its own model: run the "
        "gateway role",
        web.model_unknown, stage=2, grounds=("key",),
    ),
    _host(
        "metrics.private", "auth", "metrics are not reachable from outside",
        "Publish only the API's paths, and keep metrics on loopback", exposure.metrics_private,
        stage=2, generates=False,
    ),
    _host(
        "docs.private", "auth", "the engine's documentation is not reachable from outside",
        "Publish only the API's paths", exposure.docs_private, stage=2, severity=MAJOR,
        generates=False,
    ),
    _host(
        "control.private", "auth", "no control route of the engine is reachable",
        "These routes can stop or change the model: publish only the API's paths",
        exposure.control_private, stage=2, generates=False,
    ),
    _again(
        "model.info", _GATEWAY + "a name leads to another model's port; run the gateway role"
    ),
    _again("generate.basic", _GATEWAY + "run the gateway role, read nginx's error log"),
    _again("chat.basic", _GATEWAY + "run the gateway role, read nginx's error log"),
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
        "A proxy between here and the engine buffers streams: set proxy_buffering off and gzip "
        "off for the API, in every proxy",
        streaming.stream_unbuffered, stage=2, needs=("stream",), grounds=("stream",),
    ),
    CheckSpec(
        "stream.gzip", "stream", "tokens arrive one by one for a client that accepts gzip",
        streaming.GZIP_REMEDY, streaming.stream_gzip, stage=2, severity=MAJOR, needs=("stream",),
        grounds=("stream",),
    ),
    CheckSpec(
        "stream.header", "stream", "headers of a stream: no Content-Length, no caching",
        "A proxy treats the stream as a file: set proxy_buffering off, and cache no answer of "
        "the API",
        streaming.stream_header, stage=2, severity=MINOR, needs=("stream",), grounds=("stream",),
    ),
    CheckSpec(
        "stream.same", "stream", "a stream ends as in the direct view",
        "The gateway or another proxy cuts streams or loses events: set proxy_buffering off, and "
        "remove filters of the body",
        edge_vs_direct.stream_same, stage=2, severity=MAJOR, needs=("chat", "direct"),
        grounds=("stream",),
    ),
    CheckSpec(
        "stream.latency", "stream", "the gateway delays the first token by less than 100 ms",
        "Look for another proxy in between, a slow name server, or missing keep-alive to the "
        "engine",
        edge_vs_direct.stream_latency, stage=2, severity=MINOR, needs=("chat", "direct"),
        grounds=("stream",),
    ),
    *_CONVERSATION,
    _again(
        "chat.canary", _GATEWAY + "a name leads to another model; run the gateway role", stage=2
    ),
    _again(
        "ctx.over",
        _GATEWAY + "let gateway_max_body_size hold a whole prompt, and let no proxy rewrite the "
        "engine's refusals", stage=2,
    ),
    _host(
        "body.size", "limits", "a body of gateway_max_body_size passes, a larger one gets 413",
        "nginx's own limit is 1 MB: set gateway_max_body_size and run the gateway role",
        size.body_size, stage=2, severity=MAJOR, grounds=("key", "backend"),
    ),
    _host(
        "body.open", "limits", "routes without a key take no body",
        "Bodies that drip in slowly keep every connection of the gateway: refuse them with 413 on "
        "routes that need no key; run the gateway role",
        size.body_open, stage=2, severity=MINOR, generates=False,
    ),
    CheckSpec(
        "long.generation", "limits", "an answer that takes over a minute arrives whole",
        "Raise gateway_read_timeout, and the time-outs of any other proxy in between",
        size.long_generation, stage=2, severity=MAJOR, needs=("chat",), opt_in=True,
    ),
    _host(
        "http.redirect", "tls", "plain HTTP only redirects to https",
        "Let the plain port only redirect: run the gateway role", web.http_redirect,
        grounds=("server",), apart=True,
    ),
    _host(
        "tls.protocol", "tls", "TLS 1.0 and 1.1 are refused",
        "Set ssl_protocols TLSv1.2 TLSv1.3 in every site on this port (gateway_tls_profile)",
        tls_certificate.tls_protocol, stage=0, severity=MAJOR, generates=False,
    ),
    *WITHOUT_NAME,
    _host(
        "tls.expiry", "tls", "the certificate is valid for long enough",
        tls_certificate.RENEW, tls_certificate.tls_expiry, generates=False,
    ),
    _host(
        "auth.header", "auth", "a 401 carries WWW-Authenticate",
        "Add WWW-Authenticate: Bearer to the gateway's 401", auth.auth_header, stage=2,
        severity=MINOR,
    ),
    _host(
        "hsts", "tls", "Strict-Transport-Security as declared",
        "nginx sends another value than gateway_tls_hsts_seconds: run the gateway role",
        web.hsts, stage=2, severity=MINOR,
    ),
    _host(
        "server.tokens", "tls", "the server hides its version",
        "Set server_tokens off: run the gateway role", web.server_tokens, stage=2, severity=MINOR,
    ),
    # They wait for a grammar's first compilation, so after the checks that measure
    *OPENAI,
    _host(
        "rate.enforced", "rate", "429 with Retry-After above the declared limit, never below",
        "nginx enforces another limit than gateway_tiers: run the gateway role",
        rate.rate_enforced, stage=4, generates=False, grounds=("key",),
    ),
    _host(
        "rate.recovers", "rate", "requests are accepted again after a pause",
        "The limit stays in force: compare gateway_tiers with nginx -T",
        rate.rate_recovers, stage=5, generates=False, grounds=("key", "burst"),
    ),
    _host(
        "rate.scope", "rate", "/health answers while a consumer is over its limit",
        "Exempt /health from the consumers' limits: run the gateway role",
        rate.rate_scope, stage=4, severity=MINOR, generates=False, grounds=("key", "burst"),
    ),
    _host(
        "cors.origins", "auth", "the web pages of gateway_cors_origins may call, and no others",
        "The gateway answers browsers, and hides what engines say to them: run the gateway role, "
        "and look for another proxy in between",
        cross_origin.cors_origins, stage=6, severity=MAJOR, generates=False,
    ),
    _host(
        "auth.leak", "auth", "no answer holds a configured key",
        "Close that path, then replace the key: treat it as stolen",
        exposure.auth_leak, stage=6, generates=False,
    ),
)  # fmt: skip
