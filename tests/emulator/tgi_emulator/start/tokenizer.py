"""The router's last step before it listens: the Hub's information, tokenizer and chat template."""

from __future__ import annotations

import json
import os
from pathlib import Path

from . import failures, hub_cache
from .phases import Start

_SOURCE = "router/src/server.rs"


def prepare_router(start: Start) -> bool:
    """Log what TGI logs, and tell whether there is a chat template."""
    args, log, model = start.args, start.log, start.model
    api = args.text("revision") is not None or not Path(model).is_dir()
    offline = os.environ.get("HF_HUB_OFFLINE") == "1"
    if api and offline:
        cache = hub_cache.cache_dir(args, os.environ)
        log.router("WARN", "Offline mode active using cache defaults", _SOURCE, 1569)
        log.router("INFO", f"Cache Cache {{ path: {json.dumps(str(cache))} }}", _SOURCE, 1627)
    elif api:
        log.router("INFO", "Using the Hugging Face API", _SOURCE, 1572)
        if Path(model).is_dir():
            log.router("WARN", "Could not retrieve model info from the Hugging Face hub.",
                       _SOURCE, 1612)  # fmt: skip
        else:
            sha = hub_cache.revision_of(args)
            log.router("INFO", f"Serving revision {sha} of model {model}", _SOURCE, 2363)
    folder = hub_cache.folder_of_router(args, os.environ)
    template = _find_template(start, folder)
    try:
        hub_cache.save_tokenizer(Path.cwd())
    except OSError as error:
        said = f"Failed to import python tokenizer {type(error).__name__}: {error}"
        log.router("ERROR", said.replace("PermissionError", "OSError"), _SOURCE, 1670)
        log.router("WARN", "Odd tokenizer detected, falling back on legacy tokenization",
                   _SOURCE, 1462)  # fmt: skip
        if folder is None:
            debug = 'WebServer(Tokenizer("Unable to load tokenizer."))'
            raise failures.fail_router(log, debug) from None
    log.router("INFO", "Using config None", _SOURCE, 1733)
    if Path(model).is_dir() or offline:
        log.router("WARN", f"no pipeline tag found for model {model}", _SOURCE, 1798)
    return template


def _find_template(start: Start, folder: Path | None) -> bool:
    """The file of --tokenizer-config-path goes before the model's own, even if it is not there."""
    given, log = start.args.text("tokenizer_config_path"), start.log
    own = None if folder is None else folder / "tokenizer_config.json"
    log.router("WARN", f"Tokenizer_config {_debug(given)} - {_debug(own)}", _SOURCE, 1642)
    path = own if given is None else Path(given)
    has_template = None if path is None else _has_template(path)
    if has_template is None:
        if given is None and folder is not None and hub_cache.stands_for_model(folder):
            return True
        log.router("WARN", "Could not find tokenizer config locally and no API specified",
                   _SOURCE, 1650)  # fmt: skip
    if folder is not None and _has_template(folder / "chat_template.json"):
        log.router("INFO", "Using chat template from chat_template.json", _SOURCE, 1655)
        return True
    return bool(has_template)


def _has_template(path: Path) -> bool | None:
    """None if the file cannot be read as JSON."""
    try:
        return "chat_template" in json.loads(path.read_text())
    except (OSError, ValueError, TypeError):
        return None


def _debug(value: str | Path | None) -> str:
    return "None" if value is None else f"Some({json.dumps(str(value), ensure_ascii=False)})"
