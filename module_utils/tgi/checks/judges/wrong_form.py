"""Say what to do about an answer that is whole, but not in the form that clients read."""

from __future__ import annotations

import re

_WHERE = (
    "ask the engine's own port as well: if that is right, a proxy before it rewrites answers; "
    "else update the engine"
)
#: Beginning of a problem, and what it does to clients.
_HARM = (
    (r"content-type is", "Clients get no stream: the field stream is lost, or the answer is no "
     "text/event-stream"),
    (r"an event is not JSON", "Clients break off at this event"),
    (r"the stream ended in the middle of an event", "Clients drop the last event"),
    (r"\[DONE\] is not the last event",
     "Clients that stop at [DONE] lose what follows, and those that wait for it wait in vain"),
    (r"(?:text came after|the event with generated_text)", "Clients stop at the end and lose text"),
    (r"(?:finish_reason|ended for length)", "Clients cannot tell a whole answer from a cut one"),
    (r"usage came 0 times", "Clients that ask for usage (stream_options) get none"),
    (r"usage came", "Clients add usage up and count too much: let it come once, at the end"),
    (r"(?:usage|generated_tokens|header x-|\d+ tokens came)",
     "Clients and bills count wrong numbers of tokens"),
    (r"(?:object is|the role is|the answer does not hold exactly one choice)",
     "Clients of OpenAI's API do not understand it"),
    (r"(?:token indices|generated_text differs)", "Clients lose or repeat text"),
)  # fmt: skip


#: A stream that broke off, whatever was asked for.
CUT_STREAM = re.compile(r"stream cut short|an error event under HTTP 200|connection closed")
CUT_STREAM_REMEDY = (
    "A worker died, or a proxy cut the stream: read the engine's log of that time, and ask the "
    "engine's own port as well"
)


def form_remedy(problem: str) -> str:
    """Return the remedy if the problem is one of form; empty if it is not."""
    harm = next((said for words, said in _HARM if re.match(words, problem)), "")
    return f"{harm}; {_WHERE}" if harm else ""
