"""Test the values of environment variables that TGI reads in one spelling only."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.engines.tgi.environment_rules import check_environment


@pytest.mark.parametrize(
    "environment",
    [
        {
            "HF_HUB_OFFLINE": 1,
            "PREFIX_CACHING": True,
            "PREFILL_CHUNKING": "0",
            "ATTENTION": "paged",
        },
        {"JSON_OUTPUT": True, "DISABLE_EXLLAMA": "True", "USE_FLASH_ATTENTION": False},
        {"TGI_WIGGLE_ROOM": 0.9, "MAX_IMAGE_FETCH_SIZE": 1024, "EXLLAMA_VERSION": 1},
        {"HF_HOME": "/data/", "WEIGHTS_CACHE_OVERRIDE": "/data/a", "HUGGINGFACE_HUB_CACHE": ""},
        {"SSL_CERT_FILE": "/data/ca.pem", "REQUESTS_CA_BUNDLE": "/etc/ssl/certs/x.crt"},
        {"https_proxy": "http://u:a%23b@proxy:3128", "HF_ENDPOINT": "https://hub/path"},
        {"NCCL_DEBUG": "INFO", "my_own": "x", "http_proxy": "proxy:3128"},
    ],
)
def test_what_is_let_through(environment: dict[str, Any]) -> None:
    assert list(check_environment(environment, "e")) == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("JSON_OUTPUT", "True", 'is "True", which ends the launcher; write "true"'),
        ("PREFILL_CHUNKING", "on", 'is "on", which TGI takes for no; write "1" or "0"'),
        ("USE_FLASH_ATTENTION", "no", 'which TGI takes for yes; write "false"'),
        ("HF_HOME", "/data/a/../../root", "which is not /data or below it"),
        ("WEIGHTS_CACHE_OVERRIDE", "/srv/a", "which is not /data or below it"),
        ("CURL_CA_BUNDLE", "/etc/pki/ca.pem", "which is not under /data; write a path under"),
        ("EXLLAMA_VERSION", "3", 'is "3"; write "1" or "2"'),
        ("OMP_NUM_THREADS", "all", 'is "all", not a count; write a whole number'),
        ("all_proxy", "http://u:50%@proxy:3128", "a % that begins no escape; percent-encode"),
        ("CUDA_VISIBLE_DEVICES", 1, "must not be set here; write gpus"),
        ("hf_token", "x", "must not be set here; write tgi_hf_token"),
        ("hf_home", "/data", "must not be set here; write HF_HOME: names of variables are case"),
        ("SHARD_UDS_PATH", "/tmp/x", "delete it: the launcher sets it"),
    ],
)
def test_what_is_refused(name: str, value: Any, words: str) -> None:
    (line,) = check_environment({name: value}, "e")
    assert line.startswith(f"e.{name} ") and words in line
