"""Every option of text-generation-launcher 3.3.7, as one table.

Kinds: str, int (usize/u32), port (u16), float, switch (no value on the command line,
true/false through the environment), bool (takes true/false), enum, ints (comma list), list
(repeatable). A default of None means Rust's Option: unset until given.
"""

from __future__ import annotations

from dataclasses import dataclass

Value = str | int | float | bool | list[int] | list[str] | None


@dataclass(frozen=True)
class Flag:
    """One option; `name` is the long form without dashes, the env name is derived from it."""

    name: str
    kind: str
    default: Value = None
    choices: tuple[str, ...] = ()
    short: str = ""
    has_env: bool = True

    @property
    def key(self) -> str:
        return self.name.replace("-", "_")

    @property
    def env(self) -> str:
        return self.key.upper()

    @property
    def shown(self) -> str:
        """The way clap names the option in an error."""
        return f"--{self.name}" if self.kind == "switch" else f"--{self.name} <{self.env}>"


_QUANTIZE = (
    "awq", "compressed-tensors", "eetq", "exl2", "gptq", "marlin",
    "bitsandbytes", "bitsandbytes-nf4", "bitsandbytes-fp4", "fp8",
)  # fmt: skip

FLAGS: tuple[Flag, ...] = (
    Flag("model-id", "str", "bigscience/bloom-560m"),
    Flag("revision", "str"),
    Flag("validation-workers", "int", 2),
    Flag("sharded", "bool"),
    Flag("num-shard", "int"),
    Flag("quantize", "enum", choices=_QUANTIZE),
    Flag("speculate", "int"),
    Flag("dtype", "enum", choices=("float16", "bfloat16")),
    Flag("kv-cache-dtype", "enum", choices=("fp8_e4m3fn", "fp8_e5m2")),
    Flag("trust-remote-code", "switch", False),
    Flag("max-concurrent-requests", "int", 128),
    Flag("max-best-of", "int", 2),
    Flag("max-stop-sequences", "int", 4),
    Flag("max-top-n-tokens", "int", 5),
    Flag("max-input-tokens", "int"),
    Flag("max-input-length", "int"),
    Flag("max-total-tokens", "int"),
    Flag("waiting-served-ratio", "float", 0.3),
    Flag("max-batch-prefill-tokens", "int"),
    Flag("max-batch-total-tokens", "int"),
    Flag("max-waiting-tokens", "int", 20),
    Flag("max-batch-size", "int"),
    Flag("cuda-graphs", "ints"),
    Flag("hostname", "str", "0.0.0.0"),
    Flag("port", "port", 3000, short="p"),
    Flag("prometheus-port", "port", 9000),
    Flag("shard-uds-path", "str", "/tmp/text-generation-server"),
    Flag("master-addr", "str", "localhost"),
    Flag("master-port", "int", 29500),
    Flag("huggingface-hub-cache", "str"),
    Flag("weights-cache-override", "str"),
    Flag("disable-custom-kernels", "switch", False),
    Flag("cuda-memory-fraction", "float", 1.0),
    Flag("rope-scaling", "enum", choices=("linear", "dynamic")),
    Flag("rope-factor", "float"),
    Flag("json-output", "switch", False),
    Flag("otlp-endpoint", "str"),
    Flag("otlp-service-name", "str", "text-generation-inference.router"),
    Flag("cors-allow-origin", "list", []),
    Flag("api-key", "str"),
    Flag("watermark-gamma", "float"),
    Flag("watermark-delta", "float"),
    Flag("ngrok", "switch", False),
    Flag("ngrok-authtoken", "str"),
    Flag("ngrok-edge", "str"),
    Flag("tokenizer-config-path", "str"),
    Flag("disable-grammar-support", "switch", False),
    Flag("env", "switch", False, short="e", has_env=False),
    Flag("max-client-batch-size", "int", 4),
    Flag("lora-adapters", "str"),
    Flag("usage-stats", "enum", "on", choices=("on", "off", "no-stack")),
    Flag("payload-limit", "int", 2_000_000),
    Flag("enable-prefill-logprobs", "switch", False),
    Flag("graceful-termination-timeout", "int", 90),
)
