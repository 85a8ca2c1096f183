"""Choose the files of a repository that TGI reads, and no other: they may be half of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from .manifest import WeightFile

SAFETENSORS_INDEX = "model.safetensors.index.json"
PICKLE_INDEX = "pytorch_model.bin.index.json"
_SAFE = ".safetensors"
#: Weights in the publisher's own form, beside the same ones in the Hub's
_COPIES = re.compile(r"consolidated.*|.*\.(?:fp16|bf16|fp32)\..*")
#: TGI itself leaves these out (server/text_generation_server/utils/hub.py)
_NO_WEIGHTS = re.compile(r".*(?:arguments|args|training).*")
_PICKLE = re.compile(r"(?:pytorch_model|adapter_model|model).*\.bin")
_READ = re.compile(
    r".*\.json|.*\.model|.*\.tiktoken|.*\.jinja|merges\.txt|vocab\.txt"
    r"|(?:LICENSE|LICENCE|NOTICE|USE_POLICY)[\w.-]*",
    re.IGNORECASE,
)
#: Lists of other formats, and tokenizers that TGI never reads
_UNREAD = re.compile(r"params\.json|tekken\.json|trainer_state\.json|(?:flax|tf)_.*|.*onnx.*")


def is_weight(name: str) -> bool:
    """Return whether TGI would load a file of this name as weights when offline."""
    return name.endswith(_SAFE)


def index_name(files: Mapping[str, WeightFile]) -> str:
    """Return the index that says which weights belong together; empty when there is none."""
    if SAFETENSORS_INDEX in files:
        return SAFETENSORS_INDEX
    safe = any(is_weight(name) and not _COPIES.fullmatch(name) for name in files)
    return PICKLE_INDEX if PICKLE_INDEX in files and not safe else ""


def weights_of(files: Mapping[str, WeightFile], index: bytes) -> list[str]:
    """Return the names of the weights: those of the index, or all safetensors that are no copies.

    Without safetensors, return the pickles. Raise ValueError naming weights of the index that the
    repository does not have.
    """
    if index:
        named = shards(index)
        if lost := [name for name in named if name not in files]:
            raise ValueError(", ".join(lost))
        return named
    names = [name for name in sorted(files) if not _COPIES.fullmatch(name)]
    names = [name for name in names if not _NO_WEIGHTS.fullmatch(name)]
    safe = [name for name in names if is_weight(name)]
    return safe or [name for name in names if _PICKLE.fullmatch(name)]


def shards(index: bytes) -> list[str]:
    """Return the names of the weights in an index; raise ValueError when it is none."""
    try:
        return sorted({str(name) for name in json.loads(index)["weight_map"].values()})
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("an index without weight_map") from error


def read_beside(files: Mapping[str, WeightFile], code: bool, pickle: bool) -> list[str]:
    """Return the other files that TGI reads; Python files only with ``code``."""
    index = PICKLE_INDEX if not pickle else SAFETENSORS_INDEX
    return [
        name
        for name in sorted(files)
        if name != index
        and not _UNREAD.fullmatch(name)
        and (_READ.fullmatch(name) or (code and name.endswith(".py")))
    ]
