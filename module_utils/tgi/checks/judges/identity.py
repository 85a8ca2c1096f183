"""Judge the identity of a model by /info and /v1/models.

The ``model`` field of a chat answer only repeats the request.
"""

from __future__ import annotations

from ...client.answer import Answer
from ...client.http_problem import dig, http_problem
from ...common.text import trim
from ..results import Outcome
from ..selection import Model
from .http_answer import outcome


def judge_info(answer: Answer, model: Model) -> Outcome:
    """Check model id, commit (TGI says null for a local path) and declared limits."""
    if problem := http_problem(answer):
        return outcome(answer, [problem], "")
    info = answer.json()
    served = dig(info, "model_id")
    if not isinstance(served, str):
        return outcome(answer, ["/info is not TGI's: it has no model_id"], "")
    problems = []
    if served != model.model_id:
        problems.append(f"identity differs: serves {trim(served, 80)}, not {model.model_id}")
    sha = dig(info, "model_sha")
    if model.revision and sha is not None and sha != model.revision:
        problems.append(f"identity differs: serves revision {trim(sha, 40)}, not {model.revision}")
    for name, declared in (
        ("max_input_tokens", model.max_input_tokens),
        ("max_total_tokens", model.max_total_tokens),
    ):
        if declared is not None and dig(info, name) != declared:
            problems.append(f"{name} is {trim(dig(info, name), 20)}, {declared} is declared")
    good = f"{served}@{sha[:12]}" if isinstance(sha, str) else f"{served} (revision unknown)"
    return outcome(answer, problems, trim(good, 80))


def judge_list(answer: Answer, names: list[str], root: str = "") -> Outcome:
    """Check that /v1/models lists unique ids, and among them every name and alias in ``names``.

    ``root``: the model that vLLM must name behind each entry. A directory may hold any model, so
    a directory there is shown but not judged.
    """
    if problem := http_problem(answer):
        return outcome(answer, [problem], "")
    data = dig(answer.json(), "data")
    if dig(answer.json(), "object") != "list" or not isinstance(data, list) or not data:
        return outcome(answer, ["the answer is not a list of models"], "")
    ids = [dig(entry, "id") for entry in data]
    problems = []
    missing = [name for name in names if name not in ids]
    if missing:
        problems.append(f"not listed: {', '.join(missing)}")
    if any(not isinstance(one, str) for one in ids) or len({str(one) for one in ids}) < len(ids):
        problems.append("ids are not unique names")
    behind = [dig(one, "root") for one in data if root and dig(one, "id") in names]
    others = [str(one) for one in behind if one is not None and one != root]
    problems += [
        f"{', '.join(names)} is served from {trim(one, 80)}, not {root}"
        for one in others
        if not one.startswith(("/", "."))
    ]
    ids += [f"(from {one})" for one in others]
    return outcome(answer, problems, trim(", ".join(str(one) for one in ids), 80))
