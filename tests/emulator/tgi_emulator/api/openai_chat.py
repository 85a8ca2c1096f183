"""/v1/chat/completions: a chat request becomes a generation, its text becomes a reply."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..faults import tool_faults
from ..source import tools
from ..source.chat_template import render
from . import native
from .backend import Backend
from .chat_state import ChatState, finish_word, logprob_json, usage_json
from .errors import InferError
from .info import fingerprint, served_model
from .rust_words import dumps
from .wire import Body, parameters


def to_generate(chat: Body, backend: Backend) -> tuple[str, Body, bool]:
    """(prompt, parameters, whether a tool call is forced by grammar); raises InferError."""
    if not backend.template or backend.faults.get("no-chat-template") is not None:
        raise InferError("template_error", "template not found")
    faults, given, grammar = backend.faults, chat["tools"], chat["response_format"]
    appended, using_tools = "", False
    if given and faults.get("tools-ignored") is not None:
        given, grammar = None, grammar or {"type": "ignored"}
    if grammar is not None and given is not None:
        raise InferError("tool_error", "Grammar and tools are mutually exclusive")
    if given is not None:
        if faults.get("tool-args") == "schema":
            given = tool_faults.misguide(given)
        chosen = tools.choose(given, chat["tool_choice"])
        using_tools = bool(chosen)
        if chosen:
            grammar = {"type": "json", "value": tools.schema_for(chosen)}
        last = chat["messages"][-1:]
        if chosen and faults.get("tools-dropped") is None and not any(one.call_ids for one in last):
            appended = tools.described(chosen, chat["tool_prompt"])
    greedy = chat["temperature"] == 0.0
    penalty = chat["presence_penalty"]
    wanted = parameters(
        temperature=None if greedy else chat["temperature"],
        repetition_penalty=None if penalty is None else penalty + 2.0,
        frequency_penalty=chat["frequency_penalty"],
        top_p=chat["top_p"],
        do_sample=not greedy,
        max_new_tokens=chat["max_tokens"],
        stop=chat["stop"] or [],
        details=True,
        seed=chat["seed"],
        top_n_tokens=chat["top_logprobs"],
        grammar=grammar,
        add_special_tokens=False,
    )
    turns = [(message.role, message.text) for message in chat["messages"]]
    if faults.get("system-dropped") is not None:
        turns = [(role, text) for role, text in turns if role != "system"]
    return render(turns, appended), wanted, using_tools


def without_tools(chat: Body) -> Body:
    """The second request, after the model chose no tool."""
    return {**chat, "tools": None, "response_format": None}


def tells_usage(backend: Backend) -> bool:
    return backend.faults.get("no-usage") is None


def model_name(chat: Body, backend: Backend) -> str:
    """TGI echoes whatever model the client asked for."""
    asked = chat["model"]
    return served_model(backend) if asked in (None, "tgi") else str(asked)


async def reply(backend: Backend, chat: Body) -> tuple[dict[str, str], Body]:
    """The whole answer: (headers, body)."""
    backend.metrics.count("tgi_request_count")
    inputs, wanted, using_tools = to_generate(chat, backend)
    done = await native.generate_once(backend, inputs, wanted)
    message: Body = {"role": "assistant", "content": done.last.text}
    if using_tools:
        name, arguments = tools.parse_output(done.last.text)
        if name == tools.NO_TOOL:
            inputs, wanted, _ = to_generate(without_tools(chat), backend)
            done = await native.generate_once(backend, inputs, wanted)
            message["content"] = done.last.text
        else:
            said = tool_faults.spoil(dumps(arguments), backend.faults.get("tool-args"))
            function = {"description": None, "name": name, "arguments": said}
            call = {"id": "0", "type": "function", "function": function}
            message = {"role": "assistant", "tool_calls": [call]}
    logprobs = None
    if chat["logprobs"]:
        logprobs = {"content": [
            logprob_json(native.token_json(s.piece), [native.token_json(t) for t in s.piece.top])
            for s in done.steps
        ]}  # fmt: skip
    choice = {
        "index": 0, "message": message, "logprobs": logprobs,
        "finish_reason": finish_word(done.last.told),
    }  # fmt: skip
    usage = {"usage": usage_json(len(done.tokens), len(done.steps))}
    return done.headers, {
        "object": "chat.completion", "id": "", "created": int(time.time()),
        "model": model_name(chat, backend), "system_fingerprint": fingerprint(),
        "choices": [choice], **(usage if tells_usage(backend) else {}),
    }  # fmt: skip


def start_stream(backend: Backend, chat: Body) -> tuple[dict[str, str], AsyncGenerator[str, None]]:
    """(headers, events); a bad request still fails with a status here, later only in an event."""
    backend.metrics.count("tgi_request_count")
    inputs, wanted, using_tools = to_generate(chat, backend)
    return native.stream_headers(inputs), _events(backend, chat, inputs, wanted, using_tools)


async def _events(
    backend: Backend, chat: Body, inputs: str, wanted: Body, using_tools: bool
) -> AsyncGenerator[str, None]:
    again = True
    while again:
        again = False
        usage = chat["stream_options"]["include_usage"] and tells_usage(backend)
        state = ChatState(
            using_tools, usage, bool(chat["logprobs"]), model_name(chat, backend), fingerprint(),
            _call_id(chat), backend.faults.get("tool-args"),
        )  # fmt: skip
        try:
            async with aclosing(native.stream(backend, inputs, wanted)) as bodies:
                async for body in bodies:
                    chunks = state.push(body)
                    if chunks is None:
                        inputs, wanted, using_tools = to_generate(without_tools(chat), backend)
                        again = True
                        break
                    for chunk in chunks:
                        yield dumps(chunk)
        except InferError as error:
            yield error_event(error)
    yield "[DONE]"


def _call_id(chat: Body) -> str:
    """TGI counts on from the calls in the conversation; ids that are no numbers give a UUID."""
    try:
        return str(
            max(
                (int(one) + 1 for message in chat["messages"] for one in message.call_ids),
                default=0,
            )
        )
    except ValueError:
        return str(uuid.uuid4())


def error_event(error: InferError) -> str:
    """422 whatever went wrong: TGI has it hard-coded."""
    return dumps({"error": {"message": error.message, "http_status_code": 422}})
