"""Turn module parameters into typed options; reject bad values with one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .accepted import find_problems, read_accepted
from .catalogue_direct import DIRECT
from .catalogue_edge import EDGE
from .endpoint.endpoint_session import Declared, Tier
from .judges.questions import QUESTIONS
from .run import Options
from .selection import Model, PlanError

#: Masking shorter keys would garble the report.
SHORTEST_KEY = 8


def read_options(
    params: Mapping[str, Any], host: str, transport: Any = None, check_mode: bool = False
) -> Options:
    """Return options. Raises PlanError for a short key, a bad URL, or a model without a port."""
    view, key, url = params["view"], params.get("api_key") or "", params.get("url") or ""
    if view == "edge":
        if not key:
            raise PlanError("api_key is missing: give the checks a consumer with a key "
                            "(gateway_consumers)")  # fmt: skip
        if len(key) < SHORTEST_KEY:
            raise PlanError(f"api_key has fewer than {SHORTEST_KEY} characters: use a longer key")
        if urlsplit(url).scheme != "https" or not urlsplit(url).hostname:
            raise PlanError(f"url must be https://NAME[:PORT], got {url!r}")
    if params["timeout"] <= 0 or params["deadline"] <= 0:
        raise PlanError("timeout and deadline must be above 0")
    if not 1 <= params["canary_passes"] <= len(QUESTIONS):
        raise PlanError(f"canary_passes must be between 1 and {len(QUESTIONS)}")
    names = {model["name"] for model in params["models"]}
    for option in ("without_chat", "without_tools"):
        if unknown := set(params[option]) - names:
            raise PlanError(f"{option} names unknown models: {', '.join(sorted(unknown))}")
    if wrong := next(find_problems(params["accepted"], "accepted"), ""):
        raise PlanError(wrong)
    tier = params["tier"]
    return Options(
        view=view,
        target=params.get("target") or host,
        models=[_model(one, view, params) for one in params["models"]],
        url=url,
        ca_file=params.get("ca_file") or "",
        client_certificate=params.get("client_certificate") or "",
        api_key=key if view == "edge" else "",
        tier=Tier(
            tier.get("requests_per_second") or 0.0,
            tier.get("burst") or 0,
            tier.get("concurrent") or 0,
        ),
        http_port=params["http_port"],
        public_health=params["public_health"],
        select=params["checks"],
        timeout=params["timeout"],
        deadline=params["deadline"],
        canary_passes=params["canary_passes"],
        slo=(params.get("ttft_ms") or 0.0, params.get("tpot_ms") or 0.0),
        warn_days=params["tls_warn_days"],
        without={} if params["generate_in_check_mode"] or not check_mode else spared(view),
        declared=Declared(
            hsts_seconds=params["hsts_seconds"],
            max_body_size=params["max_body_size"],
            public_info=params["public_info"],
            backends=tuple(params["backends"]),
            cors_origins=None
            if params.get("cors_origins") is None
            else tuple(params["cors_origins"]),
            without_sni=params.get("without_sni"),
            openai_dialect=params["openai_dialect"],
            tool_streams=params["tool_streams"],
            secrets=_words(params["secrets"]),
        ),
        accepted=read_accepted(params["accepted"]),
        transport=transport,
    )


def spared(view: str) -> dict[str, str]:
    """Return the reason to leave out each check id that may generate text."""
    here = DIRECT if view == "direct" else EDGE
    reason = "check mode spares the GPU (generate_in_check_mode)"
    return {spec.id: reason for spec in here if spec.generates}


def _model(one: Mapping[str, Any], view: str, params: Mapping[str, Any]) -> Model:
    url = one.get("url") or (f"http://127.0.0.1:{one['port']}" if one.get("port") else "")
    if view == "direct" and not url:
        raise PlanError(f"model {one['name']}: give its url or its port")
    declared = one.get("options") or {}
    return Model(
        name=one["name"],
        model_id=one["model_id"],
        revision=one.get("revision") or "",
        aliases=tuple(one.get("aliases") or ()),
        url=url,
        max_input_tokens=_limit(declared.get("max_input_tokens")),
        max_total_tokens=_limit(declared.get("max_total_tokens")),
        chat=one["name"] not in params["without_chat"],
        tools=one["name"] not in params["without_tools"],
        engine=one.get("engine") or "tgi",
        tokenizer=one.get("tokenizer") or "",
        golden=one.get("golden") or "",
        figures=params["direct"].get(one["name"]) or {},
        project=one.get("project") or "",
        gpus=tuple(one.get("gpus") or ()),
        replicas=tuple(one.get("replicas") or ()),
        absent=tuple(one.get("absent") or ()),
        unlike=one.get("unlike") or "",
    )


def _limit(value: Any) -> int | None:
    try:
        return int(value) if value not in (None, "") else None
    except (TypeError, ValueError):
        raise PlanError(f"a token limit must be a number, got {value!r}") from None


def _words(secrets: list[str]) -> tuple[str, ...]:
    """Return the secrets; an answer may show one of several lines without its line breaks."""
    return tuple(word for one in secrets for word in one.split() if len(word) >= SHORTEST_KEY)
