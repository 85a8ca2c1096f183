"""Decide which checks failed only because of another one, so that one cause has one remedy.

A *ground* is what a check needs in order to be judged: a server that answers, a chat template.
Each ground has its own check, the *root*. Where the root failed, a check that shows the same signs
is not judged; one that fails in another way stays failed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .judges.http_answer import SEE_OTHERS, SLOW
from .results import FAIL, NOT_JUDGED, PASS, WARN, Check
from .selection import CheckSpec, Item

Key = tuple[str, str]
_SILENT = r"connection refused|does not resolve|connection closed|no (?:complete )?answer within"
_BROKEN = r"HTTP 5\d\d|HTTP 424|an error event under HTTP 200"
_EMPTY = r"\bempty\b|\bno (?:text|token)\b|gave no answer|\b0 tokens came"
#: A stream that only a time-out ended is late, not bad.
_BAD_STREAM = (
    r"an error event under HTTP 200|connection closed in the middle|content-type is|"
    r"stream cut short(?!.*answer within)"
)
#: What a check says that got no whole answer in time, whatever it asked for.
_LATE = re.compile(r"no (?:complete )?answer within|HTTP 504")


@dataclass(frozen=True)
class Ground:
    """``roots``: ids of the checks that judge it; the first that failed counts.

    ``signs`` are what a failure for want of it says, in the root (unless ``root_signs`` says
    otherwise) and in all that stand on it. ``proofs``: if one of these checks passed, it is there
    after all, at least at times.
    """

    roots: tuple[str, ...]
    signs: str
    root_signs: str = ""
    proofs: tuple[str, ...] = ()

    def is_shown_by(self, check: Check, root: bool = False) -> bool:
        signs = (root and self.root_signs) or self.signs
        return re.search(signs, check.observed) is not None


#: The grounds, the most basic first.
GROUNDS: Mapping[str, Ground] = {
    "chain": Ground(
        ("tls.chain",), r"certificate not accepted|issuer is unknown|no certificate to check",
        r"the chain is incomplete",
    ),
    "certificate": Ground(
        ("tls.verify", "tls.hostname"),
        r"certificate not accepted|no certificate to check", r"certificate|CA\b|issuer|verified",
    ),
    "server": Ground(
        ("tls.verify", "health.status", "engine.detected", "auth.valid"),
        rf"{_SILENT}|no TLS handshake|speaks plain HTTP|[A-Z]\w+Error: |HTTP 400 Only https",
    ),
    "health": Ground(("health.status",), r"HTTP 503"),
    "engine": Ground(
        ("engine.detected",),
        r"HTTP 40[45]|not in /metrics|not Prometheus text|cannot read /metrics|not TGI's",
        r"\banswers, not\b|no sign of",
    ),
    "running": Ground(
        ("health.after",), rf"{_SILENT}|{_BROKEN}|cut short",
        rf"{_SILENT}|{_BROKEN}|restarted during the checks",
    ),
    "process": Ground(
        ("health.after",), r"cannot read /metrics|not in /metrics|moved by|streams failed",
        rf"{_SILENT}|restarted during the checks",
    ),
    "key": Ground(("auth.valid",), r"HTTP 40[13]"),
    "backend": Ground(
        ("model.info", "generate.basic", "chat.basic", "completions.stream"),
        r"HTTP (?:404|50[234])",
    ),
    "generation": Ground(
        ("generate.basic", "chat.basic", "completions.basic"),
        rf"{_SILENT}|{_BROKEN}|HTTP 429|{_EMPTY}",
        proofs=(
            "generate.basic", "generate.stream", "chat.basic", "chat.stream", "completions.basic",
            "completions.stream",
        ),
    ),
    "template": Ground(("chat.template", "chat.basic"), r"(?i)HTTP 4\d\d[^;]*template"),
    "stream": Ground(
        ("generate.stream", "chat.stream", "completions.stream"),
        _BAD_STREAM,
    ),
    "long answer": Ground(("chat.degenerate",), _SILENT),
    "counters": Ground(("metrics.format",), r"cannot read /metrics|not Prometheus text|HTTP \d"),
    "guided": Ground(("json.const",), r"no JSON came", r"not JSON|fit the schema"),
    "burst": Ground(("rate.enforced",), r"no limit was reached"),
}  # fmt: skip
#: Grounds of every check of a model. Checks of the gateway name all but the first ones themselves.
_MODEL = ("server", "running", "key", "backend")
_TEMPLATE = {"chat", "tools", "guided", "regex", "stream"}


def grounds_of(spec: CheckSpec) -> list[Ground]:
    """Return what a check stands on: what its other fields imply, and its ``grounds``."""
    names = {*spec.grounds}
    if not spec.apart:
        names |= {"chain", "certificate", "server"}
        names |= {*_MODEL} if spec.per_model else set()
        names |= {"generation"} if spec.per_model and spec.generates else set()
        names |= {"template"} if _TEMPLATE & {*spec.needs} else set()
    return [ground for name, ground in GROUNDS.items() if name in names]


def find_lost(item: Item, found: Mapping[Key, Check]) -> Check | None:
    """Return the failed root of a check that did not run yet; None if all its grounds hold."""
    return next(_lost(item, found), None)


def settle(
    items: Sequence[Item], found: Mapping[Key, Check], known: Collection[Key] = ()
) -> list[Check]:
    """Return the checks in the order of ``items``, with consequences not judged.

    ``known``: checks whose failure is accepted, so it must not hide other time-outs.
    """
    causes = {item.key: cause for item in items if (cause := _cause(item, found))}
    found = dict(found)
    late = [check for item in items if item.key not in known and (check := _late(item, found))]
    for model in {check.model for check in late}:
        ended = [check for check in late if check.model == model]
        ended.sort(key=lambda check: check.status != FAIL)
        if free := [check for check in ended if _key(check) not in causes]:
            said = f"{len(ended)} checks got no whole answer in time. " if len(ended) > 1 else ""
            root = replace(free[0], remedy=said + SLOW)
            found[_key(root)] = root
            causes.update({_key(check): root for check in free[1:]})
    settled = []
    for item in items:
        if (check := found.get(item.key)) is None:
            continue
        cause, seen = causes.get(item.key), {item.key}
        while cause is not None and _key(cause) in causes and _key(cause) not in seen:
            seen.add(_key(cause))
            cause = causes[_key(cause)]
        settled.append(check if cause is None else consequence(item, check, cause))
    return settled


def consequence(item: Item, check: Check, root: Check) -> Check:
    """Return a check as not judged. The root alone has a remedy."""
    name = root.id if root.model in ("", item.key[1]) else root.name
    saw = "; ".join(filter(None, (check.observed, check.evidence)))
    return replace(
        check, status=NOT_JUDGED, observed=f"consequence of {name}", evidence=saw, remedy="",
        consequence_of=root.name,
    )  # fmt: skip


def _late(item: Item, found: Mapping[Key, Check]) -> Check | None:
    """Return a model's check that only a time-out ended. The gateway's own stay apart."""
    check = found.get(item.key)
    if check is None or not check.model or check.status not in (FAIL, WARN):
        return None
    return check if _LATE.search(check.observed) else None


def _cause(item: Item, found: Mapping[Key, Check]) -> Check | None:
    """Return the root of a failed check's failure; None if it failed for its own reason."""
    check = found.get(item.key)
    if check is None or check.status not in (FAIL, WARN):
        # Skipped before it ran: the root is known already
        skipped = check is not None and check.status == NOT_JUDGED
        return next(_lost(item, found), None) if skipped else None
    lost = [*_lost_grounds(item, found)]
    for ground, root in lost:
        if ground.is_shown_by(check):
            return root
    # The check itself says that it had nothing to judge
    return lost[0][1] if lost and check.remedy == SEE_OTHERS else None


def _lost(item: Item, found: Mapping[Key, Check]) -> Iterator[Check]:
    return (root for _, root in _lost_grounds(item, found))


def _lost_grounds(item: Item, found: Mapping[Key, Check]) -> Iterator[tuple[Ground, Check]]:
    model = item.key[1]
    for ground in grounds_of(item.spec):
        if any(
            one.status == PASS for name in ground.proofs for one in _results(name, model, found)
        ):
            continue
        if item.spec.id in ground.roots:
            earlier = ground.roots[: ground.roots.index(item.spec.id)]
        else:
            earlier = ground.roots
        for name in earlier:
            for root in _results(name, model, found):
                if root.status == FAIL and ground.is_shown_by(root, root=True):
                    yield ground, root


def _results(name: str, model: str, found: Mapping[Key, Check]) -> list[Check]:
    """Return a root's results: of the same model or of the host; of any model for the host."""
    if model:
        return [found[key] for key in ((name, model), (name, "")) if key in found]
    return [check for key, check in found.items() if key[0] == name]


def _key(check: Check) -> Key:
    return (check.id, check.model)
