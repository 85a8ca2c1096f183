"""Name why a TGI container died, and the remedy: from its log, exit code and Docker's error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ...common.log_lines import Line
from ...common.text import mask, shorten
from .causes_files import ADAPTER_RULES, FILE_RULES
from .causes_gpu import CONSEQUENCE_RULES, GPU_RULES, GPU_UNSEEN, NO_GPU_REMEDY
from .causes_hub import HUB_RULES, NOT_CACHED, OF_A_REPOSITORY
from .causes_machine import MACHINE_RULES
from .causes_options import CRASH_RULES, OPTION_RULES
from .causes_rule import REPORT, Rule
from .launch_arguments import fetched_last, launch_arguments, weights_folder
from .tracebacks import Traceback, in_box, read_tracebacks


@dataclass(frozen=True)
class Cause:
    """A recognised reason and what to do about it."""

    id: str
    text: str
    remedy: str
    line: str = ""
    """The log line that named it, rejoined; empty when only the exit code did."""


_RULES = OPTION_RULES + MACHINE_RULES + ADAPTER_RULES + HUB_RULES + FILE_RULES + GPU_RULES
_QUIET = ("WARN", "WARNING", "DEBUG", "TRACE")
_LONGEST = 2000
"""Characters of a message in which a pattern is looked for."""
#: Errors after which TGI goes on: they end nothing
_GOES_ON = re.compile(r"Decode cuda graph warmup failed|Failed to import python tokenizer")
#: The router's errors about one request quote what clients sent
_REQUEST = re.compile(r"text_generation_router::(?:infer|validation)\b")
_UNSEEN = re.compile(GPU_UNSEEN)
#: Behind these words a process's own last words follow
_LAST_WORDS = re.compile(
    r"Shard complete standard error output:|Download encountered an error:|Webserver Crashed"
)
_BY_EXIT = {
    0: ("stopped", "the container was stopped", "start it again: docker start CONTAINER"),
    2: ("usage", "the launcher refused its options", "correct the model's options in tgi_models"),
    101: ("panic", "TGI panicked", REPORT),
    126: ("image_broken", "the entry point cannot be run", "check tgi_image and its platform"),
    127: ("image_broken", "the entry point does not exist", "check tgi_image"),
    137: (
        "killed",
        "the container was killed",
        "see dmesg for the OOM killer; otherwise it was stopped by hand: docker start CONTAINER",
    ),
    143: ("stopped", "the container was stopped", "start it again: docker start CONTAINER"),
}


def recognise(lines: Sequence[Line], phase: str, offline: bool | None = None) -> Cause | None:
    """Return what ended the run whose log this is, or None. The first that is known wins:

    1. the last line of the first traceback, with the exceptions it was raised from; then those of
       the next ones. While serving it is the last traceback first: older ones failed one request.
    2. the other errors, the most specific rule first: lines of level ERROR, and plain lines.
    3. the same two again for what is only a consequence: a signal, a peer that went away.
    4. the first traceback in its own words, or a process's last words.
    5. which part ended.

    A warning ends nothing. That the container sees no GPU is put beside the cause; it is the cause
    only if the log names no other. ``offline`` says whether HF_HUB_OFFLINE is set, None: unknown.
    """
    return _beside_gpu(_ending(lines, phase, offline), lines)


def _ending(lines: Sequence[Line], phase: str, offline: bool | None) -> Cause | None:
    tracebacks = [one for one in read_tracebacks(lines) if not _GOES_ON.search(one.header.message)]
    if phase == "serve":
        tracebacks.reverse()
    search = _Search(lines, phase, offline, tracebacks)
    return (
        search.known(_RULES)
        or search.known(CONSEQUENCE_RULES)
        or search.in_own_words()
        or search.in_lines(CRASH_RULES)
    )


def _beside_gpu(found: Cause | None, lines: Sequence[Line]) -> Cause | None:
    """Put the warning of a missing GPU beside the cause; without a cause, return the warning."""
    warned = [line for line in lines if line.level == "WARN" and _UNSEEN.search(line.message)]
    seen = _UNSEEN.search(warned[0].message) if warned else None
    if seen is None or (found and found.id == "no_gpu"):
        return found
    unseen = f"sees no GPU: {seen.group(1)}"
    if found is None:
        return Cause("no_gpu", f"the container {unseen}", NO_GPU_REMEDY, warned[0].text)
    remedy = found.remedy
    if NO_GPU_REMEDY not in remedy:
        remedy += f"; for the GPU: {NO_GPU_REMEDY}"
    return replace(found, text=f"{found.text}; the container also {unseen}", remedy=remedy)


class _Search:
    """The places in one log where a rule may match."""

    def __init__(
        self,
        lines: Sequence[Line],
        phase: str,
        offline: bool | None,
        tracebacks: Sequence[Traceback],
    ) -> None:
        self.phase, self.offline, self.tracebacks = phase, offline, tracebacks
        self.arguments = launch_arguments(lines)
        self.fetched = fetched_last(lines)
        inside = {at for one in tracebacks for at in range(one.index, one.end)}
        self.lines = [
            line
            for at, line in enumerate(lines)
            if at not in inside
            and not (line.level in _QUIET or in_box(line))
            and not _GOES_ON.search(line.message)
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
        """Quote the first traceback that no rule knows, or else a process's last words."""
        part = self.in_lines(CRASH_RULES)
        if part is None or part.id == "panic":
            return part
        if self.tracebacks:
            said = self.tracebacks[0].message
        else:
            said = ""
            for index, line in enumerate(self.lines):
                if _LAST_WORDS.search(line.message):
                    own = [one.message for one in self.lines[index + 1 : index + 40] if one.message]
                    own = [one for one in own if not one.startswith(("Shard ", "Error: ", "Webs"))]
                    said = own[-1] if own else said
                    break
        if not said:
            return None
        text = f"{part.text}: it ended with {shorten(said, 300)}"
        return replace(part, text=text, line=said)

    def _match(self, rule: Rule, message: str, line: str) -> Cause | None:
        if rule.phases and self.phase not in rule.phases:
            return None
        found = re.search(rule.pattern, message[:_LONGEST])
        if not found:
            return None
        groups = [shorten(group, 300) for group in found.groups() if group] or [""]
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
                remedy="correct lora_adapters in tgi_models: OWNER/NAME, or NAME=/data/FOLDER with "
                "adapter_config.json and *.safetensors in it",
            )
        return replace(
            cause,
            text=f"the LoRA adapter {self.fetched}: {cause.text}",
            remedy=cause.remedy.replace("model_id", "lora_adapters"),
        )


def explain_death(
    lines: Sequence[Line],
    phase: str,
    exit_code: int | None,
    out_of_memory: bool,
    error: str,
    offline: bool | None = None,
) -> Cause:
    """Return why a container does not run, if need be from the exit code alone.

    ``error`` is Docker's own reason (State.Error) for a container that cannot start.
    """
    if out_of_memory:
        return Cause(
            "host_memory",
            "killed: out of memory (the container's limit or the host's)",
            "raise the container's memory limit or add RAM; weights pass through host memory",
        )
    if error:
        line = Line(0.0, error, error)
        return recognise([line], phase) or Cause(
            "docker", f"Docker could not start it: {shorten(error)}", "see docker inspect CONTAINER"
        )
    if exit_code == 0:
        return Cause(*_BY_EXIT[0])
    found = _ending(lines, phase, offline)
    if found is None and exit_code in _BY_EXIT:
        found = Cause(*_BY_EXIT[exit_code])
    return _beside_gpu(found, lines) or Cause(
        "unknown", "the container ended, and its log names no known cause", REPORT
    )
