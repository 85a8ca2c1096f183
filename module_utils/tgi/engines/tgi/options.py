"""The launcher options that a model may set, as text-generation-launcher 3.3.7 has them.

One row per option: its name, type, first release, a sentence, and its choices. The launcher
reads each one from the environment variable of the same name in capitals
(``max_input_tokens`` -> ``MAX_INPUT_TOKENS``).

Left out, because another variable or the role itself sets them: env,
model_id, revision, port, hostname, prometheus_port, shard_uds_path, master_addr,
master_port, huggingface_hub_cache, weights_cache_override, api_key, ngrok*, json_output,
and max_input_length (the deprecated name of max_input_tokens).

Run as a script, it prints the options as YAML for roles/tgi/meta/argument_specs.yml; an
argument is the indentation in spaces.
"""

from __future__ import annotations

from typing import Any, NamedTuple

IGNORED_BY_CHUNKING = "Ignored when prefill chunking is on, as it is by default on CUDA."
QUANTIZATIONS = (
    "awq",
    "compressed-tensors",
    "eetq",
    "exl2",
    "gptq",
    "marlin",
    "bitsandbytes",
    "bitsandbytes-nf4",
    "bitsandbytes-fp4",
    "fp8",
)


class Option(NamedTuple):
    """One launcher option; ``type`` is an Ansible type, ``elements`` that of a list's items."""

    name: str
    type: str
    since: str
    summary: str
    choices: tuple[str, ...] = ()
    elements: str = ""
    note: str = ""


def _switch(name: str, since: str, summary: str) -> Option:
    return Option(name, "bool", since, summary)


LAUNCHER_OPTIONS: tuple[Option, ...] = (
    Option("num_shard", "int", "0.2.0", "GPUs to split the model over; default: one per GPU given"),
    Option("sharded", "bool", "0.4.0", "Whether to split the model; num_shard says it already"),
    Option("quantize", "str", "0.2.0", "How the weights are quantised at load", QUANTIZATIONS),
    Option("dtype", "str", "0.9.0", "Number format of the weights", ("float16", "bfloat16")),
    Option(
        "kv_cache_dtype",
        "str",
        "2.4.0",
        "Number format of the KV cache, if not the model's",
        ("fp8_e4m3fn", "fp8_e5m2"),
    ),
    Option("speculate", "int", "1.3.0", "Tokens to guess ahead in each step"),
    _switch("trust_remote_code", "0.7.0", "Run the Python code that the model's repository brings"),
    Option("validation_workers", "int", "0.9.2", "Threads that tokenise and check requests"),
    Option("max_concurrent_requests", "int", "0.2.0", "Requests admitted before 429 is answered"),
    Option("max_best_of", "int", "0.4.0", "Largest best_of a client may ask for"),
    Option("max_stop_sequences", "int", "0.3.2", "Most stop sequences a client may send"),
    Option("max_top_n_tokens", "int", "1.0.3", "Largest top_n_tokens a client may ask for"),
    Option("max_client_batch_size", "int", "2.0.1", "Most prompts in one completions request"),
    Option("max_input_tokens", "int", "2.0.0", "Longest prompt, in tokens"),
    Option("max_total_tokens", "int", "0.3.2", "Prompt and answer together, in tokens"),
    Option("max_batch_prefill_tokens", "int", "0.9.0", "Tokens in one prefill; drives peak VRAM"),
    Option(
        "max_batch_total_tokens",
        "int",
        "0.7.0",
        "Tokens in a whole batch",
        note=IGNORED_BY_CHUNKING,
    ),
    Option(
        "max_waiting_tokens",
        "int",
        "0.2.0",
        "Decode steps before waiting requests are taken in",
        note=IGNORED_BY_CHUNKING,
    ),
    Option(
        "waiting_served_ratio",
        "float",
        "0.7.0",
        "Share of waiting requests at which decoding pauses for a prefill",
        note=IGNORED_BY_CHUNKING,
    ),
    Option("max_batch_size", "int", "0.2.0", "Most requests in a batch, where batches are padded"),
    Option(
        "cuda_graphs",
        "list",
        "2.0.0",
        "Batch sizes to capture CUDA graphs for; [0] for none",
        elements="int",
    ),
    Option("cuda_memory_fraction", "float", "0.9.4", "Share of each GPU's memory TGI may take"),
    _switch("disable_custom_kernels", "0.3.0", "Do without TGI's own CUDA kernels"),
    Option("rope_scaling", "str", "1.0.1", "How positions are stretched", ("linear", "dynamic")),
    Option("rope_factor", "float", "1.0.1", "By how much positions are stretched"),
    Option("otlp_endpoint", "str", "0.3.0", "URL of an OpenTelemetry collector (gRPC)"),
    Option("otlp_service_name", "str", "2.1.0", "Name under which traces are sent"),
    Option("cors_allow_origin", "str", "0.3.1", "Refused: it is gateway_cors_origins"),
    Option("watermark_gamma", "float", "0.3.2", "Watermark strength, gamma"),
    Option("watermark_delta", "float", "0.3.2", "Watermark strength, delta"),
    Option("tokenizer_config_path", "str", "1.4.0", "tokenizer_config.json to use instead"),
    _switch("disable_grammar_support", "1.4.1", "Refuse grammars, tools and response_format"),
    Option(
        "lora_adapters",
        "list",
        "2.1.0",
        "LoRA adapters: id, id@revision or name=path",
        elements="str",
    ),
    Option("usage_stats", "str", "2.3.0", "Telemetry to the vendor", ("on", "off", "no-stack")),
    Option("payload_limit", "int", "2.4.1", "Largest request body, in bytes"),
    _switch("enable_prefill_logprobs", "3.0.0", "Let clients ask for the prompt's logprobs"),
    Option("graceful_termination_timeout", "int", "3.2.2", "Seconds a stopping launcher waits"),
)
OPTIONS: dict[str, Option] = {option.name: option for option in LAUNCHER_OPTIONS}


def coerce(name: str, value: Any) -> Any:
    """Return ``value`` in the option's own type if it can be converted, else unchanged.

    The launcher takes ``true`` and ``false`` only, where YAML and Jinja also know ``yes``
    and "4096"; the preflight reports what cannot be converted.
    """
    option = OPTIONS[name]
    text = str(value).strip()
    if option.type == "bool":
        known = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
        return known.get(text.lower(), value)
    if option.type == "list":
        items = value if isinstance(value, list) else [part.strip() for part in text.split(",")]
        return [_number(int, item) if option.elements == "int" else str(item) for item in items]
    if option.type in ("int", "float") and not isinstance(value, bool):
        return _number(int if option.type == "int" else float, value)
    return text if option.type == "str" and not isinstance(value, (list, dict)) else value


def _number(kind: type, value: Any) -> Any:
    try:
        return kind(str(value).strip())
    except ValueError:
        return value


def argument_specs() -> dict[str, dict[str, Any]]:
    """Return the options in the shape of ``options:`` in meta/argument_specs.yml."""
    specs: dict[str, dict[str, Any]] = {}
    for option in LAUNCHER_OPTIONS:
        spec: dict[str, Any] = {"type": option.type}
        if option.elements:
            spec["elements"] = option.elements
        if option.choices:
            spec["choices"] = list(option.choices)
        sentence = f"{option.summary}."
        spec["description"] = [sentence, option.note] if option.note else sentence
        specs[option.name] = spec
    return specs


def yaml_block(indent: int = 0) -> str:
    """Return :func:`argument_specs` as YAML; choices are quoted so that "on" stays a word."""
    pad = " " * indent
    lines: list[str] = []
    for name, spec in argument_specs().items():
        lines.append(f"{pad}{name}:")
        for key, value in spec.items():
            if isinstance(value, list):
                lines.append(f"{pad}  {key}:")
                lines += [f'{pad}    - "{item}"' for item in value]
            else:
                quote = '"' if key == "description" else ""
                lines.append(f"{pad}  {key}: {quote}{value}{quote}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(yaml_block(int(sys.argv[1]) if sys.argv[1:] else 0))
