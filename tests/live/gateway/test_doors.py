"""Check by the engines' own counters that no request without a good key reaches them."""

from __future__ import annotations

import hashlib
import json
import time

import httpx
import pytest

from tests.support.live.nginx_on_host import ACCESS_LOG, since, size
from tests.support.live.sites import Site

# What any engine serves: TGI, vLLM, SGLang, llama.cpp, transformers, Triton
GENERATING = """
/ /generate /generate_stream /v1/chat/completions /v1/completions /v1/embeddings
/invocations /vertex /tokenize /chat_tokenize /detokenize /v1/responses /v1/messages /v1/rerank
/completion /completions /infill /v2/models/pair/infer /v2/models/pair/generate /generative_scoring
/v1/audio/transcriptions /classify /score /pooling /embed /v1/load_lora_adapter
/models/pair/generate /models/pair/v1/chat/completions /models/solo/
"""
READING = """
/info /metrics /docs /openapi.json /api-doc/openapi.json /version /server_info
/get_server_info /get_model_info /load /props /slots /ping /_engine /config-version /stub_status
/models/pair/info /v1/models /models/pair/v1/models /.well-known/openid-configuration
"""
CONTROL = """
/sleep /wake_up /reset_prefix_cache /pause /resume /scale_elastic_ep /collective_rpc
/flush_cache /update_weights_from_disk /abort_request /load_model /reset /shutdown
/_gateway/401 /_gateway/health /_gateway/unauthorized /_gateway/nothing
"""
PATHS = f"{GENERATING}{READING}{CONTROL}".split()
CHAT = "/v1/chat/completions"
TRICKS = [
    "//v1/chat/completions",
    "/v1/./chat/completions",
    "/v1/../v1/chat/completions",
    "/%761/chat/completions",
    "/v1/chat%2fcompletions",
    "/v1/chat/completions/",
    "/V1/CHAT/COMPLETIONS",
    "/v1/chat/completions%00",
    "/v1/chat/completions;a=b",
    "/models/pair//generate",
    "/models/pair/../../generate",
    "/models/%70air/generate",
    "/models/pair/_engine",
    "/models/pair/metrics",
    "/v1/models/../../_engine",
    "/health/../generate",
    "/.well-known/acme-challenge/../../generate",
]
KINDS = ["none", "wrong", "another case", "a part", "two words", "as Basic", "in x-api-key"]
KINDS += ["as a digest", "claimed consumer"]
BODY = {"model": "pair", "messages": [{"role": "user", "content": "x"}], "inputs": "x"}
REFUSED = {400, 401, 403, 404, 405, 429}


def keys_of(site: Site) -> dict[str, dict[str, str]]:
    key = site.key("free")
    return {
        "none": {},
        "wrong": {"Authorization": "Bearer " + "x" * 64},
        "another case": {"Authorization": f"Bearer {key.upper()}"},
        "a part": {"Authorization": f"Bearer {key[:-1]}"},
        "two words": {"Authorization": f"Bearer {key[:32]} {key[32:]}"},
        "as Basic": {"Authorization": f"Basic {key}"},
        "in x-api-key": {"x-api-key": key},
        "as a digest": {"Authorization": "Bearer " + digest(key)},
        "claimed consumer": {"X-Consumer": "free", "X-Gateway-Consumer": "free"},
    }


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def open_doors(client: httpx.Client, headers: dict[str, str]) -> list[str]:
    found = []
    for path in PATHS:
        for method in ("GET", "POST"):
            body = BODY if method == "POST" else None
            answer = client.request(method, path, headers=headers, json=body)
            if answer.status_code not in REFUSED:
                found.append(f"{method} {path}: {answer.status_code}")
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_opens_without_a_good_key(site: Site, kind: str) -> None:
    with site.client() as client:
        assert open_doors(client, keys_of(site)[kind]) == []
    assert site.seen() == 0


def test_a_key_in_the_query_opens_nothing(site: Site) -> None:
    key = site.key("free")
    with site.client() as client:
        for name in ("key", "api_key", "access_token", "authorization"):
            answer = client.post(f"{CHAT}?{name}={key}", json=BODY)
            assert answer.status_code in {401, 429}, name
    assert site.seen() == 0


@pytest.mark.parametrize("keyed", [False, True])
def test_tricks_with_paths_and_headers_reach_no_engine(site: Site, keyed: bool) -> None:
    """A good key opens the listed routes alone, however the path is written."""
    engine_only = {"/_engine", "/metrics"}
    headers = {"Authorization": f"Bearer {site.key('free')}"} if keyed else {}
    rewriting = {
        "X-Original-URL": "/_engine",
        "X-Rewrite-URL": "/_engine",
        "X-Forwarded-Path": "/_engine",
    }
    with site.client() as client:
        for path in TRICKS:
            # httpx would tidy the path up
            request = client.build_request("POST", "/", json=BODY, headers=headers)
            request.url = request.url.copy_with(raw_path=path.encode())
            answer = client.send(request)
            assert answer.status_code in (REFUSED | {200} if keyed else REFUSED), path
        for method in ("HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH"):
            answer = client.request(method, CHAT, headers={**headers, **rewriting})
            assert answer.status_code in REFUSED, method
        answer = client.get("/health", headers=rewriting)
        assert (answer.status_code, answer.content) == (200, b"")
    reached = {path for one in ("one", "two", "three") for path in site.engine(one)["paths"]}
    if not keyed:
        assert reached <= {"GET /health"}
    assert not {path.split(" ")[1] for path in reached} & engine_only, reached


@pytest.mark.parametrize(
    ("consumer", "why", "said"),
    [
        ("late", "expired", "This API key has expired."),
        ("locked", "disabled", "This consumer is disabled."),
    ],
)
def test_ended_keys_and_locked_consumers_get_the_reason(
    site: Site, consumer: str, why: str, said: str
) -> None:
    with site.client(consumer) as client:
        # Those before have guessed a lot
        while client.post(CHAT, json=BODY).status_code == 429:
            time.sleep(0.5)
        time.sleep(0.3)
        start = size(site, ACCESS_LOG)
        answer = client.post(CHAT, json=BODY)
    assert (answer.status_code, answer.json()["error"]["message"]) == (401, said)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert site.seen() == 0
    (line,) = since(site, start, 1)
    entry = json.loads(line)
    assert (entry["consumer"], entry["denied"]) == (consumer, why)


def test_both_keys_of_a_consumer_open(site: Site) -> None:
    with site.client() as client:
        for key in site.keys["twice"]:
            answer = client.post(CHAT, json=BODY, headers={"Authorization": f"Bearer {key}"})
            assert answer.status_code == 200
    assert site.seen() == 2


def test_a_secret_is_nowhere_on_the_host(site: Site) -> None:
    secrets = [key for keys in site.keys.values() for key in keys]
    where = "/etc /var/log /var/lib/nginx /var/lib/tgi-gateway /proc/[0-9]*/cmdline /root /tmp"
    found = site.run(f"grep -rlsF -f /dev/stdin {where} || true", given="\n".join(secrets) + "\n")
    assert found.strip() == ""
    modes = site.run("stat -c '%a %U' $(dirname $(readlink /etc/nginx/nginx.conf))/keys.json")
    assert modes.split() == ["600", "root"]
