"""Profiles of engines: what each can do, and how its API differs.

This project deploys TGI. The checks also know the others, for the command line and for a later
move. The facts are from each engine's source or from a running server.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Counters:
    """Names in /metrics: counters of good requests and generated tokens, gauge of running ones.

    ``finished``: the counter of requests that ran to their end, without cancelled ones.
    ``others``: more families that appear with the first generation. ``flag``: the option that
    turns on /metrics where it is off by default.
    """

    requests: tuple[str, ...]
    tokens: str
    running: str
    finished: str = ""
    others: tuple[str, ...] = ()
    flag: str = ""

    @property
    def families(self) -> tuple[str, ...]:
        """Return the families that /metrics must have after a generation."""
        return (*self.requests, self.tokens, self.running, *self.others)


@dataclass(frozen=True)
class Engine:
    """One engine. ``abilities`` are the words that a check's ``needs`` may name:

    health (/health), native (/generate, /generate_stream), info (/info), guided (constrained
    JSON), regex (constrained text), tools (a forced call is enforced), tokenize, counters, context
    (too long a prompt is refused), limit (it says how long a prompt may be), permits (a declared
    number of requests at a time, 429 above it), completions (/v1/completions), logprobs (of a
    chat's tokens), exclusive (tools and guided output in one request are refused).
    ``unknown_model`` are the statuses that an unknown name may get; 200: the name is ignored.
    ``guided_form``: response_format in TGI's ``value`` form or OpenAI's ``json_schema`` form.
    ``done``: a stream ends with [DONE]. ``call_finish``: a streamed call has a finish_reason.
    ``served`` is the model's name in requests on its own port; empty: its model_id.
    """

    name: str
    abilities: frozenset[str]
    counters: Counters
    unknown_model: tuple[int, ...] = (404,)
    guided_form: str = "json_schema"
    done: bool = True
    call_finish: bool = True
    too_long: tuple[int, ...] = (400,)
    #: Prefix of lines of /metrics that only this engine writes
    mark: str = ""
    served: str = ""


def _abilities(words: str) -> frozenset[str]:
    return frozenset(words.split())


_OPEN = _abilities("health guided regex tools counters context limit completions logprobs")

ENGINES = {
    engine.name: engine
    for engine in (
        Engine(
            "tgi",
            _OPEN | _abilities("native info tokenize permits exclusive"),
            Counters(
                ("tgi_request_count", "tgi_request_success"),
                "tgi_request_generated_tokens_sum",
                "tgi_batch_current_size",
                finished="tgi_request_success",
                others=("tgi_queue_size",),
            ),
            unknown_model=(200,),
            guided_form="value",
            call_finish=False,
            too_long=(422,),
            mark="tgi_",
            # TGI takes any other name for an adapter's
            served="tgi",
        ),
        Engine(
            "vllm",
            _OPEN,
            Counters(
                ("vllm:request_success_total",),
                "vllm:generation_tokens_total",
                "vllm:num_requests_running",
                others=("vllm:time_to_first_token_seconds",),
            ),
            mark="vllm:",
        ),
        Engine(
            "sglang",
            _OPEN,
            Counters(
                ("sglang:num_requests_total",),
                "sglang:generation_tokens_total",
                "sglang:num_running_reqs",
                flag="--enable-metrics",
            ),
            unknown_model=(200, 404),
            mark="sglang:",
        ),
        Engine(
            "llamacpp",
            _OPEN,
            Counters(
                (),
                "llamacpp:tokens_predicted_total",
                "llamacpp:requests_processing",
                flag="--metrics",
            ),
            unknown_model=(200,),
            mark="llamacpp:",
        ),
        Engine(
            "openai",
            _abilities("guided tools context"),
            Counters((), "", ""),
            unknown_model=(400, 404),
            # Ollama, LM Studio and most gateways have no /health; transformers serve ends a stream
            # without [DONE]
            done=False,
            too_long=(400, 413, 422),
        ),
    )
}
