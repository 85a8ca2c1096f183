"""Log patterns of failures of options, the Hub, disks, files and ports.

The patterns were read from the source of TGI and its libraries.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A pattern of a log message and what it means."""

    id: str
    pattern: str
    text: str
    """What happened; {0} is the pattern's first group that matched."""
    remedy: str
    phases: tuple[str, ...] = ()
    """The phases it applies to; empty: all."""


REPORT = "read the last lines below; the whole log: docker logs CONTAINER"

# Most specific first: a traceback often names the cause and its effects
HUB_RULES: tuple[Rule, ...] = (
    Rule(
        "unknown_flag",
        r"^error: ((?:unexpected argument|invalid value|a value is required|unrecognized"
        r"|unknown|the argument|the following|equal sign).*)",
        "the launcher refused its options: {0}",
        "remove or correct that option in tgi_models; an environment variable in upper case counts "
        "as an option too, and booleans take exactly true or false",
    ),
    Rule(
        "argument_validation",
        r"ArgumentValidation\(\"(.+)\"\)",
        "options that do not fit together: {0}",
        "correct these values of the model in tgi_models",
    ),
    Rule(
        "not_enough_gpus",
        r"NotEnoughCUDADevices\(\"(.+)\"\)",
        "too few GPUs: {0}",
        "give the model as many gpus as num_shard says, or lower num_shard",
    ),
    Rule(
        "gated",
        r"GatedRepoError|Cannot access gated repo|Access to model .+ is restricted",
        "gated repository",
        "accept the licence on the model's page on the Hub, and set tgi_hf_token to a token of "
        "that account",
    ),
    Rule(
        "revision_missing",
        r"RevisionNotFoundError|Revision Not Found for url",
        "the revision does not exist in this repository",
        "set revision to a commit of model_id (the Hub lists them under 'History')",
    ),
    Rule(
        "repo_missing",
        r"RepositoryNotFoundError|Repository Not Found for url",
        "no such repository, or a private one without access (the Hub does not say which)",
        "check model_id letter by letter; if it is private, set tgi_hf_token to a token that may "
        "read it",
    ),
    Rule(
        "bad_model_id",
        r"HFValidationError|Repo id must (?:be in the form|use alphanumeric)",
        "model_id is neither a repository nor a directory in the container",
        "write it as OWNER/NAME, or as an absolute path below /data that exists in tgi_data_dir",
    ),
    Rule(
        "offline",
        r"OfflineModeIsEnabled|offline mode is enabled|outgoing traffic has been disabled"
        r"|No local weights found for model",
        "offline, and the weights are not in the cache",
        "download the model once with the Hub reachable (HF_HUB_OFFLINE unset), or copy its "
        "hub/models--… directory into tgi_data_dir",
    ),
    Rule(
        "no_weights",
        r"No \.(?:bin|safetensors) weights found for model",
        "the repository has no weights that TGI can load",
        "choose a repository with *.safetensors files; if HF_HUB_OFFLINE is set, fill the cache "
        "first",
    ),
    Rule(
        "disk_full",
        r"No space left on device|Errno 28\b|Disk quota exceeded",
        "no space left on device",
        "free space or enlarge the file system under tgi_data_dir (df -h shows it), then run "
        "again: finished files are kept",
    ),
    Rule(
        "data_not_writable",
        r"(?:Permission denied|Read-only file system)[^/]*(/data[^'\s]*)",
        "{0} cannot be written",
        "make tgi_data_dir writable for root, without root squashing if it is a network mount",
    ),
    Rule(
        "hub_unreachable",
        r"Temporary failure in name resolution|Name or service not known|Max retries exceeded"
        r"|Network is unreachable|trying to locate the file(?:s)? on the Hub"
        r"|Connection (?:timed out|refused|error)|ConnectTimeout",
        "the Hub cannot be reached",
        "check DNS, proxy and firewall from the host; set HTTPS_PROXY or HF_ENDPOINT in "
        "tgi_environment, or fill the cache and set HF_HUB_OFFLINE=1",
        ("start", "download"),
    ),
    Rule(
        "remote_code",
        r"trust_remote_code=True|execute the configuration file in that repo",
        "the model needs code from its repository",
        "read that code, pin revision, then set trust_remote_code: true",
        ("download", "load", "warmup", "serve"),
    ),
    Rule(
        "unsupported_model",
        r"Unsupported model type (\S+)|model type `?(\S+?)`? but Transformers does not recognize",
        "this version cannot serve models of type {0}",
        "choose a supported model or a newer image",
    ),
    Rule(
        "tokenizer",
        r"Unable to load tokenizer|Failed to import python tokenizer",
        "the tokenizer cannot be loaded",
        "check that the repository has tokenizer files, and that /usr/src/out is writable in the "
        "container",
    ),
    Rule(
        "metrics_port",
        r"failed to build prometheus recorder",
        "the metrics port is taken",
        "set prometheus_port to a free one (needed with a host network)",
    ),
    Rule(
        "port_taken",
        r"Failed to bind to (\S+):|port is already allocated|address already in use",
        "the port is taken",
        "give the model another port in tgi_models; ss -ltnp on the host shows what holds it",
    ),
    Rule(
        "image_broken",
        r"text-generation-server not found in PATH|error while loading shared libraries: (\S+?):",
        "the image cannot run its server",
        "run it as root (remove user:) and with the image's own entry point",
    ),
)

LAST_RULES: tuple[Rule, ...] = (
    Rule("panic", r"panicked at (.+)", "TGI panicked at {0}", REPORT),
    Rule(
        "method_failed",
        r"Method (\w+) encountered an error",
        "the shard failed in {0}",
        REPORT,
        ("warmup", "serve"),
    ),
    Rule(
        "shard_crashed",
        r"Shard \d+ crashed|Error: ShardFailed",
        "a shard crashed while serving",
        f"Docker starts it again; {REPORT}",
    ),
    Rule(
        "download_failed",
        r"Download encountered an error|Error: DownloadError",
        "the download failed",
        REPORT,
    ),
    Rule(
        "shard_failed",
        r"Shard \d+ failed to start|Error: ShardCannotStart"
        r"|Shard complete standard error output",
        "a shard could not start",
        REPORT,
    ),
    Rule(
        "webserver_failed",
        r"Webserver Crashed|Error: WebserverFailed|Error: WebserverCannotStart",
        "the web server (router) ended",
        REPORT,
    ),
)
