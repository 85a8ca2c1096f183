"""Read the arguments that TGI's launcher prints when it starts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...common.log_lines import Line

_ARGUMENT = re.compile(r'^    (\w+): (?:Some\(\s*)?"?([^",)\n]*)', re.MULTILINE)
_FETCHES = "Starting check and download process for "


def launch_arguments(lines: Sequence[Line]) -> dict[str, str]:
    """Return the arguments of the last run that have a value, by their names in Rust.

    The launcher prints ``Args {``, one argument a line, and ``}``. A long log may have lost them.
    """
    begins = [index for index, line in enumerate(lines) if line.message.startswith("Args {")]
    if not begins:
        return {}
    said: list[str] = []
    for line in lines[begins[-1] + 1 :]:
        if line.message == "}":
            break
        said.append(line.message)
    found = dict(_ARGUMENT.findall("\n".join(said)))
    return {name: value for name, value in found.items() if value not in ("", "None", "[", "***")}


def fetched_last(lines: Sequence[Line]) -> str:
    """Return the repository or directory that was fetched last: the model's, or an adapter's."""
    found = [line.message for line in lines if line.message.startswith(_FETCHES)]
    return found[-1][len(_FETCHES) :].strip() if found else ""


def weights_folder(arguments: Mapping[str, str]) -> tuple[str, str]:
    """Return the model's folder as the host sees it, and where its files lie in there."""
    model, revision = arguments.get("model_id", ""), arguments.get("revision", "")
    if model == "/data" or model.startswith("/data/"):
        folder = f"tgi_data_dir{model[len('/data') :]}"
        return folder, folder
    if model.startswith("/"):
        return model, model
    if "/" not in model:
        return ("the model's folder in tgi_data_dir",) * 2
    folder = f"tgi_data_dir/hub/models--{model.replace('/', '--')}"
    return folder, f"{folder}/snapshots/{revision if len(revision) == 40 else '*'}"
