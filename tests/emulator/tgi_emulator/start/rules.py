"""The launcher's own checks of its arguments, before anything is downloaded."""

from __future__ import annotations

from collections.abc import Mapping

from .args import Args


class LauncherError(Exception):
    """Ends the launcher with `Error: <shown>` on stderr and exit code 1."""

    def __init__(self, name: str, message: str = "") -> None:
        quoted = message.replace("\\", "\\\\").replace('"', '\\"')
        self.shown = f'{name}("{quoted}")' if message else name
        super().__init__(self.shown)


class LauncherPanic(Exception):
    """Rust panic: message on stderr, exit code 101."""


def invalid(message: str) -> LauncherError:
    return LauncherError("ArgumentValidation", message)


def simulated_gpus(env: Mapping[str, str]) -> int:
    """Devices that the simulated CDI specification gave to this container."""
    return sum(1 for name in env if name.startswith("SIMULATED_GPU_"))


def find_num_shards(args: Args, env: Mapping[str, str]) -> int:
    """Number of shards to start; raises what TGI raises for impossible combinations."""
    sharded, wanted = args.values["sharded"], args.number("num_shard")
    if sharded is True:
        if wanted is None:
            devices = simulated_gpus(env)
            if devices == 0:
                raise LauncherPanic(
                    "--num-shard and CUDA_VISIBLE_DEVICES/NVIDIA_VISIBLE_DEVICES/ZE_AFFINITY_MASK"
                    " are not set"
                )
            if devices <= 1:
                raise LauncherError(
                    "NotEnoughCUDADevices",
                    f"`sharded` is true but only found {devices} CUDA devices",
                )
            wanted = devices
        elif wanted <= 1:
            raise invalid("`sharded` is true but `num_shard` <= 1")
    elif wanted is None:
        wanted = 1 if sharded is False else max(1, simulated_gpus(env))
    if wanted < 1:
        raise invalid("`num_shard` cannot be < 1")
    if wanted > 1 and args.text("quantize") == "exl2":
        raise invalid("Sharding is currently not supported with `exl2` quantization")
    return wanted


def check_lengths(args: Args) -> None:
    """The token limits must fit each other, as far as the launcher can see them."""
    tokens, length = args.number("max_input_tokens"), args.number("max_input_length")
    total, batch_total = args.number("max_total_tokens"), args.number("max_batch_total_tokens")
    if tokens is not None and length is not None:
        raise invalid(
            f"Both `max_input_tokens` ({tokens}) and `max_input_length` ({length}) are set. Please"
            " define only `max_input_tokens` as `max_input_length is deprecated for naming"
            " consistency."
        )
    longest = tokens if tokens is not None else length
    if longest is not None and total is not None and longest >= total:
        raise invalid(f"`max_input_tokens`({longest}) must be < `max_total_tokens`({total})")
    if args.count("validation_workers") == 0:
        raise invalid("`validation_workers` must be > 0")
    if total is not None and batch_total is not None and total > batch_total:
        raise invalid(
            "`max_total_tokens` must be <= `max_batch_total_tokens`. Given: "
            f"{total} and {batch_total}"
        )


def check_extras(args: Args) -> None:
    """Options that are refused late, but still before the download."""
    if args.on("ngrok"):
        for name in ("ngrok-authtoken", "ngrok-edge"):
            if args.text(name.replace("-", "_")) is None:
                raise invalid(f"`{name}` must be set when using ngrok tunneling")
    for adapter in (args.text("lora_adapters") or "").split(","):
        if "=" not in adapter and adapter.count("@") > 1:
            raise invalid(f"Invalid LoRA adapter format: {adapter.strip()}")
