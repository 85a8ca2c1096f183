"""Endings that a model's files bring about: weights, configuration, tokenizer, adapters.

The words are those of TGI, safetensors 0.5, transformers 4.51, tokenizers, torch 2.7 and peft.
"""

from __future__ import annotations

from .causes_rule import Rule

_AGAIN = (
    "delete {folder} and run again, which fetches all files anew; without a way to the Hub copy "
    "them again"
)
_SAFETENSORS = "choose a repository or a revision with *.safetensors files"
_PICKLE = r"text_generation_server/utils/convert\.py|torch/serialization\.py"
ADAPTER_PLACE = r"peft/|/adapters?/|/adapter\.py|/lora\.py"
ADAPTERS = (
    "correct lora_adapters in tgi_models: OWNER/NAME, or NAME=/data/FOLDER with "
    "adapter_config.json and *.safetensors in it"
)
_JSON = r"JSONDecodeError: (.+)|UnicodeDecodeError: (.+)"

ADAPTER_RULES: tuple[Rule, ...] = (
    Rule(
        "adapter_missing",
        r"Can't find 'adapter_config\.json' at '([^']+)'"
        r"|No adapter weights found for adapter '([^']+)'",
        "the LoRA adapter {0} is not there",
        ADAPTERS,
    ),
    Rule(
        "adapter_missing",
        r"HFValidationError: .+ '([^']+)'\.",
        "the LoRA adapter {0} is neither a repository nor a directory in the container",
        ADAPTERS,
        where=ADAPTER_PLACE,
    ),
    Rule(
        "adapter_unfit",
        r"(Adapter '[^']+' is not compatible with model .+|Invalid LoRA adapter format: .+"
        r"|No adapters to merge.*|Base model adapter cannot be merged.*)",
        "a LoRA adapter does not fit: {0}",
        "choose adapters that were trained on this very model_id, and write lora_adapters as "
        "OWNER/NAME or NAME=/data/FOLDER",
    ),
    Rule(
        "adapter_unfit",
        r"(The size of tensor .+ must match .+|mat1 and mat2 shapes .+|size mismatch for .+)",
        "a LoRA adapter does not fit: {0}",
        "choose adapters that were trained on this very model_id",
        where=ADAPTER_PLACE,
    ),
)

FILE_RULES: tuple[Rule, ...] = (
    Rule(
        "weights_incomplete",
        r"SafetensorError: .*(MetadataIncompleteBuffer|HeaderTooSmall|InvalidHeaderLength)",
        "a file of the weights is incomplete, it was cut off ({0})",
        f"see which file is shorter than on the Hub (ls -lL {{files}}); {_AGAIN}; df -h shows "
        "whether the disk was full",
    ),
    Rule(
        "weights_are_pointers",
        r"SafetensorError: .*(HeaderTooLarge)|UnpicklingError: .*(invalid load key, 'v')",
        "the files of the weights are no weights: most likely Git LFS pointers ({0})",
        "see whether they have some 130 bytes each (ls -lL {files}); fetch the weights with git "
        "lfs pull, or let TGI download them by model_id",
    ),
    Rule(
        "weights_damaged",
        r"SafetensorError: ((?!.*does not contain tensor|.*\bserializing).+)",
        "a file of the weights is damaged: {0}",
        f"compare the files in {{files}} with the Hub's checksums (sha256sum); {_AGAIN}",
    ),
    Rule(
        "weights_lack_tensor",
        r"weight (\S+) does not exist|File does not contain tensor (\S+)",
        "the weights lack {0}: a file is missing, or they are of another model than config.json",
        "compare the files with the repository's list (ls -lL {files}), and fetch what is missing; "
        "if nothing is, the model needs a newer image or, if its weights are quantized, quantize",
    ),
    Rule(
        "weights_double",
        r"Key (\S+) was found in multiple files",
        "two files of the weights hold {0}",
        "delete the files that are not of this model (ls -lL {files}), such as a second copy",
    ),
    Rule(
        "weights_unfit",
        r"size mismatch for (\S+?):|(?:AssertionError: )(\[\d+, \d+\] != \[.+\])"
        r"|(shape '.+' is invalid for input of size \d+)"
        r"|(mat1 and mat2 shapes cannot be multiplied.*)"
        r"|(The (?:expanded )?size of (?:the )?tensor .+ must match .+)",
        "weights and config.json are of different models: {0}",
        "take both from the same repository and revision: delete {folder} and run again, or copy "
        "them again",
        ("start", "download", "load", "warmup"),
    ),
    Rule(
        "pickle_weights",
        r"(error: unpack requires .+|UnpicklingError: .+|Weights only load failed.*"
        r"|PytorchStreamReader failed .+|EOFError: .+|The output tensors do not match .+"
        r"|(?:Error while trying to find names to remove).+|RuntimeError: .+|\w+Error: .+)",
        "the weights are pickle files (.bin) that TGI cannot convert: {0}",
        f"convert them to safetensors beforehand, or {_SAFETENSORS}",
        ("start", "download"),
        _PICKLE,
    ),
    Rule(
        "pickle_weights",
        r"(error: unpack requires .+|PytorchStreamReader failed .+|UnpicklingError: .+)",
        "the weights are pickle files (.bin) that TGI cannot convert: {0}",
        f"convert them to safetensors beforehand, or {_SAFETENSORS}",
    ),
    Rule(
        "no_local_weights",
        r"No local weights found in (\S+) with extension"
        r"|Error no file named .{1,300}? found in directory (\S+?)\.?$"
        r"|^LocalEntryNotFoundError: File (\S+) of model|: File (\S+) of model ",
        "no weights that TGI can load: {0}",
        "see what lies there (ls -lL {files}) and copy the *.safetensors files that belong there; "
        "an index alone is not enough",
    ),
    Rule(
        "config_missing",
        r"Could not determine model type for (\S+)"
        r"|does not appear to have a file named ((?:\S*/)?config\.json)"
        r"|Unrecognized model in (\S+)\. ",
        "config.json is missing there, or has no model_type: {0}",
        "put the config.json of these weights there, or correct model_id",
    ),
    Rule(
        "config_broken",
        r"It looks like the config file at '([^']+)' is not a valid JSON file",
        "{0} is not valid JSON",
        f"correct that file; or {_AGAIN}",
    ),
    Rule(
        "config_incomplete",
        r"('\w*Config' object has no attribute '\w+')",
        "config.json lacks what this kind of model needs: {0}",
        "take config.json from the repository of these weights, or a newer image",
    ),
    Rule(
        "config_incomplete",
        r"KeyError: ('\w+')",
        "config.json lacks what this kind of model needs: {0}",
        "take config.json from the repository of these weights, or a newer image",
        where=r"models/__init__\.py:\d+ in get_model$|/configuration_\w+\.py:\d+ in \w+$",
    ),
    Rule(
        "template_broken",
        r"SyntaxError, detail: \"(.+?)\"",
        "the chat template cannot be read: {0}",
        "correct chat_template in tokenizer_config.json, or set tokenizer_config_path to a file "
        "with a template for minijinja",
    ),
    Rule(
        "adapter_broken",
        _JSON,
        "the configuration of a LoRA adapter is broken: {0}",
        "fetch the adapters of lora_adapters again",
        where=ADAPTER_PLACE,
    ),
    Rule(
        "tokenizer_broken",
        rf"{_JSON}|^Exception: (.+ at line \d+ column \d+)",
        "a file of the tokenizer is broken (tokenizer_config.json, tokenizer.json or another): {0}",
        f"see which one is not valid JSON (python3 -m json.tool FILE, in {{files}}); {_AGAIN}",
        where=r"tokenization|tokenizer",
    ),
    Rule(
        "tokenizer_broken",
        r"data did not match any variant of untagged enum (\w+)",
        "tokenizer.json is of a form that this image cannot read: {0}",
        "take a newer image; or, if it is not valid JSON (python3 -m json.tool FILE, in {files}), "
        f"{_AGAIN}",
    ),
    Rule(
        "config_broken",
        _JSON,
        "a file of the model is not valid JSON (config.json, the weights' index or another): {0}",
        f"see which one (python3 -m json.tool FILE, in {{files}}); {_AGAIN}",
        ("start", "download", "load"),
    ),
    Rule(
        "tokenizer_missing",
        r"Can't load tokenizer for '([^']+)'"
        r"|(Couldn't instantiate the backend tokenizer)|(Converting from \S+ failed)"
        r"|(stat: path should be string.{1,40}NoneType)",
        "the tokenizer is missing or cannot be loaded: {0}",
        "put the model's tokenizer.json and tokenizer_config.json into {files}, or choose another "
        "revision; /usr/src/out must be writable in the container",
    ),
    Rule(
        "tokenizer",
        r"Tokenizer\(\"(.+)\"\)",
        "the web server (router) ended, because the tokenizer cannot be loaded",
        "check that the repository has tokenizer files, and that /usr/src/out is writable in the "
        "container",
    ),
    Rule(
        "file_missing",
        r"does not appear to have (?:a file|files) named (\S+?)(?:\.? |\.?$)"
        r"|Could not locate (\S+ inside \S+)"
        r"|No such file or directory: \"?'?((?:/|\w)[^'\"]*\.\w+)",
        "a file of the model is missing: {0}",
        "compare the files with the repository's list (ls -lL {files}), and fetch what is missing",
        ("start", "download", "load"),
    ),
    Rule(
        "remote_code",
        r"trust_remote_code=True|execute the configuration file in that repo",
        "the model needs code from its repository",
        "read that code, pin revision, then set trust_remote_code: true",
    ),
    Rule(
        "package_missing",
        r"requires the following packages that were not found in your environment: (.+?)(?:\. |$)",
        "the model's own code needs packages that the image lacks: {0}",
        "choose a model that TGI serves natively, or build an image with these packages",
    ),
    Rule(
        "remote_code_folder",
        r"(No module named 'transformers_modules\S*)",
        "the model's own code cannot be imported: {0}",
        "name the model's folder with letters, digits and _ only (a dot breaks the import), and "
        "see that its *.py files are there (ls -lL {files})",
    ),
    Rule(
        "unsupported_model",
        r"Unsupported model type (\S+)|model type `?(\S+?)`? but Transformers does not recognize"
        r"|(`ssm` models) have been deprecated|(Legacy phi-msft) is not supported",
        "this version cannot serve models of type {0}",
        "choose a supported model or a newer image",
    ),
)
