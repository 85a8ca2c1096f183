"""What an engine can do and how it says it: the seam between the checks and who serves.

TGI is the product; the others are what the same inventory may move to, or what somebody asks
about on the command line. Facts: each engine's source or a running server of that version.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Counters:
    """Names in /metrics: counters of good requests and generated tokens, gauge of running ones."""

    requests: tuple[str, ...]
    tokens: str
    running: str


@dataclass(frozen=True)
class Engine:
    """``abilities`` are words that a check's ``needs`` may ask for:

    native (/generate, /generate_stream), info (/info), guided (constrained JSON), tools (a
    forced call is enforced), tokenize, counters, context (too long a prompt is refused).
    ``unknown_model`` are the statuses that an unknown name may get; 200: the name is ignored.
    ``guided_form``: response_format in TGI's ``value`` form or OpenAI's ``json_schema`` form.
    ``done``: a stream ends with [DONE].
    """

    name: str
    abilities: frozenset[str]
    counters: Counters
    unknown_model: tuple[int, ...] = (404,)
    guided_form: str = "json_schema"
    done: bool = True
    too_long: tuple[int, ...] = (400,)
    #: A word of /metrics that only this engine writes.
    mark: str = ""


ENGINES = {
    engine.name: engine
    for engine in (
        Engine(
            "tgi",
            frozenset({"native", "info", "guided", "tools", "tokenize", "counters", "context"}),
            Counters(
                ("tgi_request_count", "tgi_request_success"),
                "tgi_request_generated_tokens_sum",
                "tgi_batch_current_size",
            ),
            unknown_model=(200,),
            guided_form="value",
            too_long=(422,),
            mark="tgi_",
        ),
        Engine(
            "vllm",
            frozenset({"guided", "tools", "counters", "context"}),
            Counters(
                ("vllm:request_success_total",),
                "vllm:generation_tokens_total",
                "vllm:num_requests_running",
            ),
            mark="vllm:",
        ),
        Engine(
            "sglang",
            frozenset({"guided", "tools", "counters", "context"}),
            Counters(
                ("sglang:num_requests_total",),
                "sglang:generation_tokens_total",
                "sglang:num_running_reqs",
            ),
            unknown_model=(200, 404),
            mark="sglang:",
        ),
        Engine(
            "llamacpp",
            frozenset({"guided", "tools", "counters", "context"}),
            Counters((), "llamacpp:tokens_predicted_total", "llamacpp:requests_processing"),
            unknown_model=(200,),
            mark="llamacpp:",
        ),
        Engine(
            "openai",
            frozenset({"guided", "tools", "context"}),
            Counters((), "", ""),
            unknown_model=(400, 404),
            too_long=(400, 413, 422),
        ),
    )
}
