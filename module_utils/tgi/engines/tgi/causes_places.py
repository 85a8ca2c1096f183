"""Endings that are known by the place where they were raised, whatever the exception says.

Asked when no rule knows the words: TGI and its libraries have more of them than a table can hold.
"""

from __future__ import annotations

from .causes_files import ADAPTER_PLACE, ADAPTERS
from .causes_options import OTHER_QUANTIZE
from .causes_rule import Rule

#: Where other parts of a start end by accident is not told by the place
_SAYS = r"^(?!.*(?:NCCL|CUDA error|SystemExit))(?:\w+\.)*(.+)$"
_ALL = ("start", "download", "load", "warmup")
_NEWER = "take config.json from the revision that this image knows, or a newer image"

PLACE_RULES: tuple[Rule, ...] = (
    Rule(
        "adapter_unfit",
        _SAYS,
        "the LoRA adapters cannot be used with this model: {0}",
        f"{ADAPTERS}; they must be of this very model_id, and not every kind of model takes them",
        _ALL,
        rf"(?:{ADAPTER_PLACE}|adapter_target_to_layer$)",
    ),
    Rule(
        "quantize_unfit",
        _SAYS,
        "quantize does not fit: {0}",
        OTHER_QUANTIZE,
        _ALL,
        r"text_generation_server/layers/"
        r"(?:gptq|awq|exl2|eetq|bnb|fp8|marlin|compressed_tensors|moe)\b[^\n]*$",
    ),
    Rule(
        "config_unfit",
        _SAYS,
        "this version cannot use rope_scaling of config.json: {0}",
        _NEWER,
        _ALL,
        r"layers/rotary\.py:\d+ in \w+$|in \w*rope\w*$",
    ),
    Rule(
        "config_unfit",
        _SAYS,
        "this version cannot use config.json: {0}",
        _NEWER,
        _ALL,
        r"transformers/(?:models/[^\n]*/configuration_\w+|configuration_utils)\.py:\d+ in \w+$",
    ),
    Rule(
        "tokenizer_unfit",
        _SAYS,
        "this version cannot load the tokenizer: {0}",
        "take the tokenizer's files from a revision that this image knows, or a newer image",
        _ALL,
        r"/(?:tokenization_\w+|convert_slow_tokenizer)\.py:",
    ),
    Rule(
        "processor_unfit",
        _SAYS,
        "this version cannot load the model's processor of images: {0}",
        "put the model's preprocessor_config.json beside its weights, or take a newer image",
        _ALL,
        r"/(?:image_processing|processing|feature_extraction)_\w+\.py:",
    ),
)
