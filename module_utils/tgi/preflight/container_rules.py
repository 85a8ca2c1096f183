"""Check the variables of the role tgi that are for every model: token, directories, limits."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..common.problem import problem, shown, whole
from ..common.secret_command import words_of
from ..engines.tgi.option_rules import release
from ..models.host_weights import is_fetched
from ..models.resolve import normalise
from ..models.weights_rules import check_weights

_TOKEN = re.compile(r"(?:hf|api_org)_[\w.-]{20,}", re.ASCII)
# The kernel's own directories, and those of the system's files
_NOT_FOR_WEIGHTS = re.compile(r"/(?:bin|boot|dev|etc|lib|lib64|proc|root|run|sbin|sys|usr|var)?")


def check_container(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the problems of the variables that are set; types are checked elsewhere."""
    version = values.get("tgi_version")
    # A word, such as next, stands for a build of one's own with all options
    if re.fullmatch(r"v?[\d.]+", str(version)) and not release(version):
        remedy = "write all three numbers, such as 3.3.7: they decide which options exist"
        yield problem("tgi_version", f"is {shown(version)}, not a release", remedy)
    yield from _check_token(values)
    yield from _check_readers(values)
    yield from check_weights(values)
    yield from _check_directories(values)
    timeouts = values.get("tgi_phase_timeouts")
    for phase, given in timeouts.items() if isinstance(timeouts, dict) else ():
        seconds = whole(given)
        if seconds is not None and seconds < 1:
            remedy = "write seconds, 1 or more"
            yield problem(f"tgi_phase_timeouts.{phase}", f"is {seconds}", remedy)


def _check_token(values: Mapping[str, Any]) -> Iterator[str]:
    token, command = values.get("tgi_hf_token"), values.get("tgi_hf_token_command")
    try:
        words_of(command)
    except ValueError:
        remedy = "write a list of words, such as [pass, show, hub]"
        yield problem("tgi_hf_token_command", f"is {shown(command)}, no command", remedy)
    if token and command:
        remedy = "delete one of them"
        yield problem("tgi_hf_token_command", "is set, and so is tgi_hf_token", remedy)
    if not isinstance(token, str) or not token or _TOKEN.fullmatch(token):
        return
    places = [model["environment"] for model in normalise(values.get("tgi_models"))]
    places.append(values.get("tgi_environment"))
    # A mirror of the Hub may have tokens of its own
    if any(isinstance(place, dict) and place.get("HF_ENDPOINT") for place in places):
        if not re.fullmatch(r"[!-~]+", token):
            remedy = "copy the mirror's token again"
            yield problem("tgi_hf_token", "has characters that no token has", remedy)
        return
    remedy = "copy it again from https://huggingface.co/settings/tokens; a mirror needs HF_ENDPOINT"
    yield problem("tgi_hf_token", "is not hf_ and 34 letters and digits", remedy)


def _check_readers(values: Mapping[str, Any]) -> Iterator[str]:
    token, models = values.get("tgi_hf_token"), normalise(values.get("tgi_models"))
    readers = [model for model in models if model["hf_token"]]
    name = "tgi_hf_token"
    if token in (None, "") and values.get("tgi_hf_token_command"):
        # Asked at each use: the preflight runs no commands
        name = token = "tgi_hf_token_command"
    if isinstance(token, str) and token and models and not readers:
        remedy = "write hf_token: true for each gated or private model, or delete the token"
        yield problem(name, "is set, but no model of tgi_models gets it", remedy)
    mirror, weights = values.get("tgi_hub_mirror"), str(values.get("tgi_weights") or "")
    for model in readers if token in (None, "") else ():
        # A mirror of the site has a token of its own, and asks for none
        if not (mirror and is_fetched(model, weights)):
            where = f"tgi_models[{model['place']}].hf_token"
            remedy = "write the token, in a vault file, or delete hf_token"
            yield problem(where, "is true, but tgi_hf_token is empty", remedy)


def _check_directories(values: Mapping[str, Any]) -> Iterator[str]:
    base, data = (values.get(name) for name in ("tgi_base_dir", "tgi_data_dir"))
    for name, path in (("tgi_base_dir", base), ("tgi_data_dir", data)):
        if isinstance(path, str) and _NOT_FOR_WEIGHTS.fullmatch(posixpath.normpath(path)):
            remedy = "write a directory of its own, such as /srv/tgi"
            yield problem(name, f"is {shown(path)}, a directory of the system", remedy)
    if isinstance(base, str) and isinstance(data, str) and _is_within(base, data):
        what = f"is {shown(data)}, where containers would see the secrets in tgi_base_dir {base}"
        yield problem("tgi_data_dir", what, "write a directory beside it")


def _is_within(path: str, directory: str) -> bool:
    inside, outside = (posixpath.normpath(one) for one in (path, directory))
    return inside == outside or inside.startswith(f"{outside}/")
