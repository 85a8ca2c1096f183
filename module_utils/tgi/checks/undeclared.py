"""Name the checks of the edge view that have nothing declared to compare with."""

from __future__ import annotations

from .endpoint.endpoint_session import Declared
from .model.openai_dialect import SPECS as OPENAI


def undeclared(declared: Declared) -> dict[str, str]:
    """Return the reason for each check id that has nothing declared to compare with."""
    untranslated = "the gateway does not translate (gateway_openai_dialect)"
    given = {
        "hsts": (declared.hsts_seconds, "no HSTS is declared (gateway_tls_hsts_seconds)"),
        "body.size": (declared.max_body_size, "no limit is declared (gateway_max_body_size)"),
        "auth.backend": (declared.backends, "no engine address is known outside its host"),
        "cors.origins": (declared.cors_origins is not None, "none declared (gateway_cors_origins)"),
        "tls.sni": (declared.without_sni is not None, "not declared (gateway_without_sni)"),
        **{spec.id: (declared.openai_dialect, untranslated) for spec in OPENAI},
    }
    absent = {name: reason for name, (value, reason) in given.items() if not value}
    if declared.openai_dialect and declared.tool_streams == "live":
        absent["openai.streams"] = (
            "streams of calls come as the engine writes them (gateway_tool_streams, or the "
            "consumer's own tool_streams)"
        )
    return absent
