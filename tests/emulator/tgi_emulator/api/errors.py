"""TGI's generation errors: words, HTTP status and `error_type` (router/src/infer/mod.rs)."""

from __future__ import annotations

_KINDS = {
    "generation": (424, "Request failed during generation: "),
    "overloaded": (429, "Model is overloaded"),
    "validation": (422, "Input validation error: "),
    "incomplete_generation": (500, "Incomplete generation"),
    "incomplete_generation_stream": (500, "Incomplete generation stream"),
    "template_error": (422, "Template error: "),
    "tool_error": (422, "Tool error: "),
}


class InferError(Exception):
    """One failed request; `kind` is TGI's error_type."""

    def __init__(self, kind: str, message: str = "") -> None:
        self.kind = kind
        self.status, prefix = _KINDS[kind]
        self.message = prefix + message
        super().__init__(self.message)

    def body(self) -> dict[str, str]:
        return {"error": self.message, "error_type": self.kind}


def invalid(message: str) -> InferError:
    return InferError("validation", message)


class ReplyError(Exception):
    """An answer that is not an InferError: (status, JSON body)."""

    def __init__(self, status: int, error: str, error_type: str) -> None:
        self.status = status
        self._body = {"error": error, "error_type": error_type}
        super().__init__(error)

    def body(self) -> dict[str, str]:
        return self._body
