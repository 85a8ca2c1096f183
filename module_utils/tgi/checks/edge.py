"""The edge view: every model as a client sees it, through the gateway, and the fence around it."""

from __future__ import annotations

from dataclasses import replace

from . import auth, rate, text, tls, web
from .direct import DIRECT
from .plan import SELFTEST, Spec
from .report import MINOR

_SAME = {spec.id: spec for spec in DIRECT}
_GATEWAY = "compare with the direct view of the GPU host: when that passes, it is the gateway; "


def _host(name: str, group: str, expected: str, remedy: str, run: object, **more: object) -> Spec:
    return Spec(name, group, expected, remedy, run, per_model=False, **more)  # type: ignore[arg-type]


def _again(name: str, remedy: str, **more: object) -> Spec:
    return replace(_SAME[name], remedy=remedy, stage=1, **more)  # type: ignore[arg-type]


EDGE = (
    _SAME[SELFTEST],
    _host(
        "tls.verify", "tls", "certificate chain and name verify",
        "Serve the full chain of a certificate for gateway_server_name", tls.tls_verify, stage=0,
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
        auth.auth_missing,
    ),
    _host(
        "auth.wrong", "auth", "401 or 403 for every wrong credential",
        "Keys must be compared whole and with regard to case, in the Authorization header alone: "
        "run the gateway role",
        auth.auth_wrong,
    ),
    _host(
        "model.unknown", "identity", "404 for a model that is not there",
        "The gateway passes unknown names on, and the engine answers with any model: run the "
        "gateway role",
        web.model_unknown,
    ),
    _host(
        "metrics.private", "auth", "metrics are not reachable from outside",
        "Publish only the API's paths; metrics belong on loopback", web.metrics_private,
        generates=False,
    ),
    _host(
        "docs.private", "auth", "the engine's documentation is not reachable from outside",
        "Publish only the API's paths", web.docs_private, generates=False,
    ),
    _again("model.info", _GATEWAY + "a name leads to another model's port"),
    _again("generate.basic", _GATEWAY + "run the gateway role, read its error log"),
    _again("chat.basic", _GATEWAY + "run the gateway role, read its error log"),
    _again(
        "chat.stream", _GATEWAY + "raise gateway_read_timeout, look for another proxy in between"
    ),
    Spec(
        "stream.unbuffered", "stream", "tokens arrive one by one",
        "Somewhere between here and the engine streams are collected: proxy_buffering off and "
        "gzip off for the API, also in any other proxy",
        text.stream_unbuffered, stage=2, needs=("chat",),
    ),
    _again("chat.canary", _GATEWAY + "a name leads to another model"),
    _host(
        "http.redirect", "tls", "plain HTTP redirects to https and answers nothing",
        "The plain port must only redirect: run the gateway role", web.http_redirect,
    ),
    _host(
        "tls.expiry", "tls", "the certificate is valid for some time to come",
        "Renew the certificate and run the gateway role", tls.tls_expiry, generates=False,
    ),
    _host(
        "auth.header", "auth", "a 401 carries WWW-Authenticate",
        "Add WWW-Authenticate: Bearer to the gateway's 401", auth.auth_header, severity=MINOR,
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
)  # fmt: skip
