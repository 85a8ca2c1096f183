"""Check the values of environment variables that TGI reads in one spelling only.

With another one TGI serves as if the variable were not set, or its start fails late. They follow
the sources of TGI 3.3.7 and of huggingface_hub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...common.data_paths import check_data_path, is_in_data
from ...common.problem import number, problem, shown, whole
from ...common.url_login import ENCODE, login_problem

_NO = ("0", "false", "no", "off")
_SWITCH = (("1", "true", "0", "false"), "TGI takes for no", 'write "1" or "0"')
# Name -> accepted words, what TGI makes of others, remedy
_WORDS = {
    "HF_HUB_OFFLINE": (
        ("1", *_NO),
        "TGI does not take for yes everywhere",
        'write "1", or delete it',
    ),
    "JSON_OUTPUT": (("true", "false"), "ends the launcher", 'write "true", or delete it'),
    "PREFIX_CACHING": _SWITCH,
    "PREFILL_CHUNKING": _SWITCH,
    "REQUEST_LOGPROBS": _SWITCH,
    "USE_FLASH_ATTENTION": (
        ("true", "1", "false"),
        "TGI takes for yes",
        'write "false", or delete it',
    ),
    "DISABLE_EXLLAMA": (
        ("True", "False", "0"),
        "TGI takes for no",
        'write "True", in quotes, or delete it',
    ),
    "ATTENTION": (
        ("flashinfer", "flashdecoding", "flashdecoding-ipex", "paged"),
        "ends a shard",
        "write flashinfer, flashdecoding or paged",
    ),
}
_IN_THIS_CASE = ("JSON_OUTPUT", "DISABLE_EXLLAMA", "ATTENTION")
_COUNTS = ("MAX_IMAGE_FETCH_SIZE", "OMP_NUM_THREADS")
_DIRECTORIES = ("HF_HOME", "HUGGINGFACE_HUB_CACHE", "WEIGHTS_CACHE_OVERRIDE")
#: CA certificates for the Hub, which a company's proxy needs
CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_OF_THE_IMAGE = ("/etc/ssl/", "/usr/")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
#: Variables that are read in capitals only
KNOWN = (
    "HF_ENDPOINT",
    "HF_HUB_ENABLE_HF_TRANSFER",
    "TGI_WIGGLE_ROOM",
    "EXLLAMA_VERSION",
    *_WORDS,
    *_COUNTS,
    *_DIRECTORIES,
    *CERTIFICATES,
)
_URL = re.compile(r"https?://[^\s/?#]+(?:/\S*)?")
_USER = re.compile(r"://[^/\s@]+@")
_LOOPBACK = re.compile(
    r"(?:\w+://)?(?:[^/@]*@)?(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?(?:/.*)?", re.IGNORECASE
)


def check_value(name: str, value: Any, path: str) -> Iterator[str]:
    """Yield the problems of one variable's value."""
    text = str(value).lower() if isinstance(value, bool) else str(value or "").strip()
    if not text:
        return
    if name == "HF_ENDPOINT" or name.upper() in _PROXIES:
        yield from _check_address(name, text, path)
    elif name in _WORDS:
        accepted, meaning, remedy = _WORDS[name]
        if (text if name in _IN_THIS_CASE else text.lower()) not in accepted:
            yield problem(path, f"is {shown(value)}, which {meaning}", remedy)
    elif name == "TGI_WIGGLE_ROOM" and not 0 < (number(text) or 0) < 1:
        yield problem(path, f"is {shown(text)}", "write more than 0 and less than 1, such as 0.9")
    elif name in _COUNTS and (whole(text) or 0) < 1:
        yield problem(path, f"is {shown(text)}, not a count", "write a whole number, 1 or more")
    elif name == "EXLLAMA_VERSION" and text not in ("1", "2"):
        yield problem(path, f"is {shown(text)}", 'write "1" or "2"')
    elif name in _DIRECTORIES and not is_in_data(text):
        remedy = "write a path there, because all other weights are lost with the container"
        yield problem(path, f"is {shown(text)}, which is not /data or below it", remedy)
    elif name in CERTIFICATES and not text.startswith(_OF_THE_IMAGE):
        yield from check_data_path(text, path)


def _check_address(name: str, text: str, path: str) -> Iterator[str]:
    if name == "HF_ENDPOINT" and not _URL.fullmatch(text):
        remedy = "write one such as https://hub.example.org"
        yield problem(path, f"is {shown(text)}, not a URL", remedy)
    elif wrong := login_problem(text):
        yield problem(path, wrong, ENCODE)
    yield from check_url(text, path, logged=name == "HF_ENDPOINT")


def check_url(value: Any, where: str, logged: bool) -> Iterator[str]:
    """Refuse loopback, and a password if TGI logs the URL (its options, a request that fails)."""
    text = str(value or "")
    if logged and _USER.search(text):
        remedy = "write the URL without it, and use a server or proxy that needs none"
        yield problem(where, "holds a password, which TGI writes into its log", remedy)
    if _LOOPBACK.fullmatch(text):
        remedy = "write an address of the host, or another machine's"
        yield problem(where, "names loopback, which is the container itself", remedy)
