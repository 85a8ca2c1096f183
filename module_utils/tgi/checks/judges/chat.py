"""Judge answers of /v1/chat/completions, whole and streamed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import dig, error_text, http_problem, load
from ...client.sse import Parser, parse
from ...common.text import trim
from ..results import Outcome
from ..selection import Model
from .http_answer import cut_short, outcome, stream_problems
from .native import EMPTY_REMEDY, NAN_REMEDY

FINISH = ("stop", "length", "eos_token", "stop_sequence")
#: Pieces that one token's text may come in.
_MOST_PIECES = 8
#: SGLang reports NaN by this text in ``matched_stop``, next to a usual finish_reason.
_NAN = "NaN happened"
TEMPLATE_REMEDY = (
    "The model has no chat template: set one by tokenizer_config_path, or add the model to "
    "checks_without_chat and use /generate"
)
_REF_REMEDY = (
    "The offline cache has no refs/{revision} (/info has no model_sha): write that file, exactly "
    "the 40 characters of the commit without a newline: mkdir -p {folder} && printf %s {commit} > "
    "{folder}/{revision}; then restart the model. If the file is there: set tokenizer_config_path, "
    "or add the model to checks_without_chat and use /generate"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


def template_remedy(info: Answer, model: Model) -> str:
    """Return the remedy for a missing chat template. ``info``: the answer of /info.

    TGI's router reads a cache by refs/REVISION, which Python's client does not always write.
    """
    if http_problem(info) or dig(info.json(), "model_sha") is not None:
        return TEMPLATE_REMEDY
    if model.model_id.startswith(("/", ".")) or not dig(info.json(), "model_id"):
        return TEMPLATE_REMEDY
    revision = model.revision or "main"
    folder = f"tgi_data_dir/models--{model.model_id.replace('/', '--')}/refs"
    commit = revision if _COMMIT.fullmatch(revision) else "COMMIT"
    return _REF_REMEDY.format(revision=revision, folder=folder, commit=commit)


def request_body(model: str, prompt: str, max_tokens: int, stream: bool = False) -> dict[str, Any]:
    """Return a greedy chat request of one user message; a stream also asks for its usage."""
    asked = {"model": model, "messages": [{"role": "user", "content": prompt}]}
    return {**asked, **greedy(max_tokens, stream)}


def greedy(max_tokens: int, stream: bool) -> dict[str, Any]:
    """Return the fields that every OpenAI request of the checks has besides model and prompt."""
    asked: dict[str, Any] = {"temperature": 0, "max_tokens": max_tokens, "stream": stream}
    return {**asked, "stream_options": {"include_usage": True}} if stream else asked


def _remedy(text: str) -> str:
    if _NAN in text:
        return NAN_REMEDY
    if text.endswith("text is empty"):
        return EMPTY_REMEDY
    return TEMPLATE_REMEDY if "template" in text.lower() else ""


def usage_problems(usage: Any, max_tokens: int) -> list[str]:
    """Return problems of counts: missing, not adding up, or above ``max_tokens``."""
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    counts = [dig(usage, name) for name in names]
    if any(type(count) is not int for count in counts):
        return ["usage is missing or holds no numbers"]
    prompt, completion, total = counts
    problems = []
    if prompt < 1 or completion < 1 or total != prompt + completion:
        problems.append(f"usage does not add up: {prompt} + {completion} = {total}")
    if completion > max_tokens:
        problems.append(f"{completion} tokens came, {max_tokens} were allowed")
    return problems


def message_text(message: Any) -> str:
    """Return the model's text: its content, else its reasoning."""
    for name in ("content", "reasoning_content", "reasoning"):
        text = dig(message, name)
        if isinstance(text, str) and text.strip():
            return text
    return ""


def chat_text(answer: Answer) -> str:
    return message_text(dig(answer.json(), "choices", 0, "message"))


def no_choice(answer: Answer) -> str:
    """Return why the answer does not have exactly one choice; empty when it does."""
    if problem := http_problem(answer):
        return problem
    reply = answer.json()
    choices = dig(reply, "choices")
    if dig(reply, "error") is not None:
        return f"an error under HTTP 200: {error_text(reply)}"
    if not isinstance(choices, list) or len(choices) != 1:
        return "the answer does not hold exactly one choice"
    return ""


def reply_problems(reply: Any, kind: str, max_tokens: int) -> list[str]:
    """Return problems of any OpenAI answer: its kind, finish_reason and usage."""
    problems, reason = [], dig(reply, "choices", 0, "finish_reason")
    if dig(reply, "object") != kind:
        problems.append(f"object is {trim(dig(reply, 'object'), 40)}, not {kind}")
    if reason not in FINISH:
        problems.append(f"finish_reason is {trim(reason, 40)}")
    return problems + _nan_problems([reply]) + usage_problems(dig(reply, "usage"), max_tokens)


def _nan_problems(items: Sequence[Any]) -> list[str]:
    said = any(dig(item, "choices", 0, "matched_stop") == _NAN for item in items)
    return [f"the engine stopped because the model computed NaN ({_NAN})"] if said else []


def judge_chat(answer: Answer, max_tokens: int) -> Outcome:
    """Check for one choice with text, a finish_reason, and usage that adds up."""
    if problem := no_choice(answer):
        return outcome(answer, [problem], "", "", _remedy(problem))
    reply = answer.json()
    message = dig(reply, "choices", 0, "message")
    problems, text = [], message_text(message)
    if not text:
        problems.append("the message is empty")
    if dig(message, "role") != "assistant":
        problems.append("the role is not assistant")
    problems += reply_problems(reply, "chat.completion", max_tokens)
    remedy = _remedy(problems[0]) if problems else ""
    return outcome(answer, problems, trim(text, 70), "", remedy)


@dataclass(frozen=True)
class Stream:
    """A parsed chat stream: events as JSON (None: not JSON), text, chunk times, endings."""

    parsed: Parser
    items: list[Any]
    text: str
    times: list[float]
    finishes: list[int]
    late: bool


def read_stream(answer: Answer) -> Stream:
    """Parse a stream without judging it."""
    parsed = parse(answer.chunks)
    items: list[Any] = []
    texts: list[str] = []
    times: list[float] = []
    finishes: list[int] = []
    late = False
    for event in parsed.events:
        item = load(event.data) if event.data.strip() != "[DONE]" else "[DONE]"
        items.append(item)
        piece = message_text(dig(item, "choices", 0, "delta"))
        # message_text drops white space, which is content in a delta; /v1/completions has "text"
        raw = dig(item, "choices", 0, "delta", "content") or dig(item, "choices", 0, "text")
        piece = raw if isinstance(raw, str) and raw else piece
        if piece:
            late = late or bool(finishes)
            texts.append(piece)
            times.append(event.at)
        if dig(item, "choices", 0, "finish_reason"):
            finishes.append(len(items) - 1)
    return Stream(parsed, items, "".join(texts), times, finishes, late)


def judge_chat_stream(answer: Answer, max_tokens: int, done: bool = True) -> Outcome:
    """Check for no error event, one finish_reason, no text after it, usage, [DONE] last, clean EOF.

    ``done``: this engine ends a stream with [DONE].
    """
    if answer.status != 200:
        problem = http_problem(answer)
        return outcome(answer, [problem], "", "", _remedy(problem))
    stream = read_stream(answer)
    items, count = stream.items, len(stream.items)
    problems = stream_problems(answer, items)
    if not stream.finishes:
        problems.append(no_finish(answer, items))
    elif answer.fault:
        problems.append(answer.fault)
    if len(stream.finishes) > 1:
        problems.append(f"finish_reason came {len(stream.finishes)} times")
    reasons = [dig(items[at], "choices", 0, "finish_reason") for at in stream.finishes]
    if any(reason not in FINISH for reason in reasons):
        problems.append(f"finish_reason is {trim(reasons, 60)}")
    problems += _nan_problems(items)
    if stream.parsed.trailing:
        problems.append("the stream ended in the middle of an event")
    if any(item is None for item in items):
        problems.append("an event is not JSON")
    if stream.late:
        problems.append("text came after the finish_reason")
    if not stream.text.strip():
        problems.append("the streamed text is empty")
    dones = items.count("[DONE]")
    if (done or dones) and (dones != 1 or items[-1] != "[DONE]"):
        problems.append("[DONE] is not the last event")
    usages = [item["usage"] for item in items if isinstance(dig(item, "usage"), dict)]
    if len(usages) != 1:
        problems.append(f"usage came {len(usages)} times, 1 expected")
    else:
        problems += usage_problems(usages[0], max_tokens)
        counted = dig(usages[0], "completion_tokens")
        if not problems and counted * _MOST_PIECES < len(stream.times):
            problems.append(f"usage counts {counted} tokens, {len(stream.times)} pieces came")
    last = next((e.data for e in reversed(stream.parsed.events) if e.data != "[DONE]"), "")
    evidence = f"{count} events, last: {trim(last or answer.text[:200], 240)}"
    remedy = _remedy(problems[0]) if problems else ""
    good = f"{len(stream.times)} chunks{'' if dones else ', no [DONE]'}: {trim(stream.text, 60)}"
    return outcome(answer, problems, good, evidence, remedy)


def no_finish(answer: Answer, items: Sequence[Any]) -> str:
    """Describe a stream without a finish_reason: it was cut, or it ended without saying so."""
    if "[DONE]" in items and not answer.fault:
        return "finish_reason never came"
    return cut_short(answer, len(items), "a finish_reason")


def completion_tokens(answer: Answer) -> int:
    """Return usage.completion_tokens of an answer or a stream; 0 when it is missing."""
    reply = answer.json()
    usages = [dig(item, "usage") for item in ([reply] if reply else read_stream(answer).items)]
    counts = [dig(usage, "completion_tokens") for usage in usages]
    return next((count for count in counts if isinstance(count, int)), 0)
