"""Look in one log for what the rules know: in its tracebacks, then in its other lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ...common.log_lines import Line
from ...common.text import mask, shorten
from .causes_files import ADAPTERS
from .causes_hub import NOT_CACHED, OF_A_REPOSITORY
from .causes_options import CRASH_RULES
from .causes_rule import REPORT, Cause, Rule
from .launch_arguments import fetched_last, launch_arguments, weights_folder
from .tracebacks import Traceback, in_box, read_tracebacks, without_rank

_QUIET = ("WARN", "WARNING", "DEBUG", "TRACE")
LONGEST = 2000
"""Characters of a message in which a pattern is looked for."""
#: The branch that the Hub serves where no revision is set; the log then says None
_NO_REVISION = "main"
#: Errors after which TGI goes on: they end nothing
_GOES_ON = re.compile(
    r"Decode cuda graph warmup failed|Failed to import python tokenizer|OpenTelemetry \w+ error"
)
#: What libraries print on standard error and go on
_LIBRARY_WARNS = re.compile(r"\b\w*Warning: |^(?:\[rank\d+\]:)?\[W[ \d]")
#: The router's errors about one request quote what clients sent
_REQUEST = re.compile(r"text_generation_router::(?:infer|validation)\b")
#: The places in native code that follow its last words
_NATIVE = re.compile(r"frame #\d+: |Exception raised from \w+ at ")
#: How Python ends when TGI itself tells it to: what was being handled is the reason
_TOLD_TO_END = re.compile(r"SystemExit|KeyboardInterrupt")
#: Behind these words a process's own last words follow
_LAST_WORDS = re.compile(
    r"Shard complete standard error output:|Download encountered an error:|Webserver Crashed"
)
#: How Rust prints the error of a program that ends
_OWN_ERROR = re.compile(r"Error: [A-Z]\w+\(")
#: Lines about another part of TGI
_PART = re.compile(r"Shard |Shutting down |Webserver |Error: (?:Shard|Download|Webserver)\w+$")
_FEW = 40
"""Lines in which a process's last words are looked for."""


class Search:
    """The places in one log where a rule may match."""

    def __init__(self, lines: Sequence[Line], phase: str, offline: bool | None) -> None:
        if offline is None and any(in_box(line) for line in lines):
            # With its local variables a box shows the Hub's answer, if there was one
            offline = not any("ModelInfo(" in line.text for line in lines)
        self.phase, self.offline = phase, offline
        self.tracebacks = [
            one for one in read_tracebacks(lines) if not _GOES_ON.search(one.header.message)
        ]
        if phase == "serve":
            self.tracebacks.reverse()
        self.arguments = launch_arguments(lines)
        self.fetched = fetched_last(lines)
        inside = {at for one in self.tracebacks for at in range(one.index, one.end)}
        self.lines = [
            line
            for at, line in enumerate(lines)
            if at not in inside
            and not (line.level in _QUIET or in_box(line))
            and not _GOES_ON.search(line.message)
            and not _LIBRARY_WARNS.search(line.message)
            and not _NATIVE.match(line.message)
            and not _REQUEST.search(line.text)
        ]

    def known(self, rules: Iterable[Rule]) -> Cause | None:
        rules = [self._known_offline(rule) for rule in rules]
        for one in self.tracebacks:
            for said in ((one.message, *one.reasons), one.before):
                for rule in rules:
                    if rule.where and not re.search(rule.where, "\n".join(one.frames)):
                        continue
                    for message in said:
                        if cause := self._match(rule, message, one.message):
                            return self._of_adapter(cause)
        return self.in_lines(rules)

    def in_lines(self, rules: Iterable[Rule]) -> Cause | None:
        for rule in rules:
            if rule.where:
                continue
            for line in reversed(self.lines):
                if cause := self._match(rule, line.message, line.text):
                    return self._of_adapter(cause)
        return None

    def in_own_words(self) -> Cause | None:
        """Quote what no rule knows: the first traceback, a panic, or a process's last words."""
        part = self.in_lines(CRASH_RULES)
        if part is None:
            return None
        if part.id == "panic":
            said = self._behind(lambda line: line.text == part.line, 1)
        else:
            raised = [*filter(None, map(_raised, self.tracebacks)), self._last_words()]
            raised += [one.message for one in self.tracebacks]
            said = next(filter(None, raised), "")
        if not said:
            return None
        text = f"{part.text}: it ended with {_short(said)}"
        return replace(part, text=text, line=said)

    def with_last_words(self, cause: Cause | None) -> Cause | None:
        """Add what a process said last to the signal that ended it."""
        said = self._last_words()
        if cause is None or cause.id != "shard_signal" or not said:
            return cause
        return replace(cause, text=f"{cause.text}, its last words: {_short(said)}", line=said)

    def last_line(self) -> Cause | None:
        """Quote the log's last line, where not even a part of TGI says that it ended."""
        said = next((one.message for one in reversed(self.lines) if one.message.strip()), "")
        text = f"the container ended, its log with: {_short(said)}"
        return Cause("unknown", text, REPORT, said) if said else None

    def _last_words(self) -> str:
        """Return what is behind a process's end, or else the router's own error before it."""
        said = self._behind(lambda line: bool(_LAST_WORDS.search(line.message)), _FEW)
        own = (one.message for one in reversed(self.lines) if _OWN_ERROR.match(one.message))
        return said or next(own, "")

    def _behind(self, begins: Callable[[Line], bool], most: int) -> str:
        """Return the last of the ``most`` lines behind a line that is not about another part."""
        for index, line in enumerate(self.lines):
            if begins(line):
                behind = [one.message for one in self.lines[index + 1 : index + 1 + most]]
                said = [
                    one
                    for one in behind
                    if re.search(r"\w", without_rank(one)) and not _PART.match(one)
                ]
                return said[-1] if said else ""
        return ""

    def _match(self, rule: Rule, message: str, line: str) -> Cause | None:
        if rule.phases and self.phase not in rule.phases:
            return None
        found = re.search(rule.pattern, message[:LONGEST])
        if not found:
            return None
        groups = [shorten(group, 300) for group in found.groups() if group] or [""]
        groups = [_NO_REVISION if group == "None" else group for group in groups]
        folder, files = weights_folder(self.arguments)
        text, remedy = (
            part.format(*groups, folder=folder, files=files) for part in (rule.text, rule.remedy)
        )
        return Cause(rule.id, mask(text), remedy, line)

    def _known_offline(self, rule: Rule) -> Rule:
        return NOT_CACHED if self.offline and rule.id == "no_weights" else rule

    def _of_adapter(self, cause: Cause) -> Cause:
        """Say that the repository is a LoRA adapter's, if it was the last to be fetched."""
        model = self.arguments.get("model_id", "")
        if not model or not self.fetched or self.fetched == model or self.phase != "download":
            return cause
        if cause.id not in OF_A_REPOSITORY and cause.id != "no_local_weights":
            return cause
        if cause.id == "bad_model_id":
            return replace(
                cause,
                id="adapter_missing",
                text=f"the LoRA adapter {self.fetched} is neither a repository nor a directory in "
                "the container",
                remedy=ADAPTERS,
            )
        return replace(
            cause,
            text=f"the LoRA adapter {self.fetched}: {cause.text}",
            remedy=cause.remedy.replace("model_id", "lora_adapters"),
        )


def _short(said: str) -> str:
    return shorten(without_rank(said).strip(), 300)


def _raised(one: Traceback) -> str:
    """Return the first message of a traceback that is not only an order to end."""
    messages = (one.message, *one.reasons, *one.before)
    return next((said for said in messages if not _TOLD_TO_END.match(said)), "")
