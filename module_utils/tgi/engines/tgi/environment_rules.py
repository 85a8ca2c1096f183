"""Check the environment variables that users give to TGI's container."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...common.problem import problem, shown
from .options import OPTIONS

#: Typer prints tracebacks without local variables, which hold the Hub's token, if this is not empty
PLAIN_TRACEBACK = "_TYPER_STANDARD_TRACEBACK"
_NGROK = "delete it: TGI cannot use ngrok any more; publish the model with the role gateway"
# Variables that the role or another variable sets: name -> remedy
_REFUSED = {
    "PORT": "delete it: the role publishes the port given as port",
    "HOSTNAME": "delete it: the container must listen on all its addresses",
    "PROMETHEUS_PORT": "delete it: metrics are served on the model's own port",
    "API_KEY": "delete it: keys belong to the gateway, in gateway_consumers",
    "MODEL_ID": "write model_id",
    "REVISION": "write revision",
    "MAX_INPUT_LENGTH": "write max_input_tokens",
    "HF_TOKEN": "write tgi_hf_token, which is kept in a file of its own",
    "HF_API_TOKEN": "write tgi_hf_token; this name would replace it",
    "HUGGING_FACE_HUB_TOKEN": "write tgi_hf_token; the launcher does not read this name",
    "HF_HUB_CACHE": "write HUGGINGFACE_HUB_CACHE: only a part of TGI reads this name",
    "USE_PREFIX_CACHING": "write PREFIX_CACHING, its name since 2.4.0",
    "NGROK": _NGROK,
    "NGROK_AUTHTOKEN": _NGROK,
    "NGROK_EDGE": _NGROK,
    PLAIN_TRACEBACK: "delete it: the role sets it, which keeps the Hub's token out of the log",
}
_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{20,}")
_DIRECTORIES = ("HF_HOME", "HUGGINGFACE_HUB_CACHE")
_BELOW_DATA = re.compile(r"/data(/[\w.-]+)*/?")
_URLS = ("HF_ENDPOINT", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_USER = re.compile(r"://[^/\s@]+@")
_LOOPBACK = re.compile(
    r"(?:\w+://)?(?:[^/@]*@)?(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?(?:/.*)?", re.IGNORECASE
)


def check_environment(environment: Any, where: str) -> Iterator[str]:
    """Yield the problems of a mapping of environment variables."""
    for key, value in environment.items() if isinstance(environment, dict) else ():
        name = str(key)
        path = f"{where}.{name}"
        remedy = _REFUSED.get(name)
        if not remedy and name.lower() in OPTIONS and name.isupper():
            remedy = f"write {name.lower()} next to name and model_id, where its type is checked"
        if remedy:
            yield problem(path, "must not be set here", remedy)
        elif not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            yield problem(
                path, "is not a valid name of an environment variable", "write one like LOG_LEVEL"
            )
        elif _TOKEN.search(str(value)):
            what = "holds a token of the Hub"
            yield problem(path, what, "delete it, and write tgi_hf_token in a vault file")
        else:
            yield from _check_value(name, value, path)


def _check_value(name: str, value: Any, path: str) -> Iterator[str]:
    """Check variables that TGI takes in one form only, and then serves as if they were not set."""
    text = str(value).lower() if isinstance(value, bool) else str(value or "").strip()
    if name.upper() in _URLS:
        yield from check_url(text, path, logged=name == "HF_ENDPOINT")
    elif name == "HF_HUB_OFFLINE" and text not in ("1", "0", "false", "no", "off", ""):
        what = f"is {shown(value)}, which TGI does not take for yes everywhere"
        yield problem(path, what, 'write "1", or delete it')
    elif name in _DIRECTORIES and text and not _BELOW_DATA.fullmatch(text):
        remedy = "write a path there, because all other weights are lost with the container"
        yield problem(path, f"is {shown(text)}, which is not /data or below it", remedy)


def check_url(value: Any, where: str, logged: bool) -> Iterator[str]:
    """Refuse loopback, and a password if TGI logs the URL (its options, a request that fails)."""
    text = str(value or "")
    if logged and _USER.search(text):
        remedy = "write the URL without it, and use a server or proxy that needs none"
        yield problem(where, "holds a password, which TGI writes into its log", remedy)
    if _LOOPBACK.fullmatch(text):
        remedy = "write an address of the host, or another machine's"
        yield problem(where, "names loopback, which is the container itself", remedy)
