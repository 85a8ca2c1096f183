"""Check that nothing clients send is written to a disk, and that it spoils neither log nor
answers.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets

from tests.support.live.load import CHAT, Answer, Connection
from tests.support.live.nginx_on_host import ACCESS_LOG, since, size
from tests.support.live.sites import Site

ERROR_LOG = "/var/log/nginx/tgi-gateway-error.log"
HARMLESS = re.compile(r"[A-Za-z0-9._-]{8,128}")
LOGGED = """
ts req_id ip consumer denied tier model method path status completed bytes duration upstream
upstream_status connect ttfb upstream_time limit_req limit_conn tls curve
"""
FIELDS = LOGGED.split()
ODD = r"""
/"quoted" /'quoted' /back\slash /$request_id /${IFS}$(id) /{{7*7}} /%0a%22injected /%00 /%ff%fe
/","consumer":"free /%22,%22consumer%22:%22free /v1/models%0d%0aX-Injected:%20yes /%e2%80\xae
/models/"%0a/generate /models/toString/generate /models/__proto__/info /models/$(id)/v1/models
/models/%1b[31m/generate /models/{{7*7}}/health
"""
PATHS = [*ODD.split(), "/\x1b[31mred", "/caf\xe9", "/\xff\xfe?x", "/\xc3", "/models/\xff/generate"]
IDS = ['"quoted\\id"', "{{7*7}}{{7*7}}", "${IFS}$(id)", "\x1b[31mred-id", "\xff\xfe\xfd-bytes"]
IDS += [
    "of-two\r\n lines",
    "two\rlines-here",
    "short",
    "x" * 129,
    "a-good-id,another-id",
    "\x00" * 9,
]
MODELS = [
    '"',
    "\n",
    "\x00",
    "pair\x00",
    "PAIR",
    "../pair",
    "$model",
    "{{7*7}}",
    "toString",
    "@backend",
]
MODELS += ["__proto__", "model_pair", "solo;", "\x1b[31m", "\ud800", "é", "x" * 9999]


def ways(site: Site, nonce: str) -> dict[str, int]:
    """Send a nonce in every place that is private; return the status of each answer."""
    body = {"model": "solo", "messages": [{"role": "user", "content": nonce}]}
    large = {**body, "messages": [{"role": "user", "content": nonce + "x" * 10**6 + nonce}]}
    told = dict.fromkeys(("X-Request-ID", "Cookie", "User-Agent", "X-Consumer"), f'"{nonce}"')
    text = json.dumps(body).encode()
    with site.client("free") as client, site.client("slow") as slow, site.client() as stranger:
        asked = {
            "small": client.post(CHAT, json=body, headers=told),
            "large": client.post(CHAT, json=large),
            "chunked": client.post(CHAT, content=iter([text[:20], text[20:]])),
            "streamed": client.post(CHAT, json={**body, "stream": True}),
            "native": client.post("/generate", json={"inputs": nonce}),
            "native stream": client.post("/generate_stream", json={"inputs": nonce}),
            "query": client.get("/v1/models", params={"api_key": nonce}),
            "no key": stranger.post(CHAT, json=body),
            "wrong key": stranger.post(CHAT, headers={"Authorization": f"Bearer {nonce}"}),
            "no route": client.post("/nothing", json=body),
            "no model": client.post(CHAT, json={"model": nonce}),
            "method": client.put(CHAT, json=body),
            "no JSON": client.post(CHAT, content="{" + nonce),
            "too large": client.post(CHAT, content=nonce + "x" * 2_000_000),
        }
        statuses = {name: answer.status_code for name, answer in asked.items()}
        tries = (slow.post(CHAT, json=body).status_code for _ in range(200))
        return {**statuses, "too many": next((one for one in tries if one != 200), 200)}


def places(site: Site, texts: list[str]) -> set[str]:
    """Return where the texts stand: files that nginx and its unit may write, and the journal."""
    search = "cat >/run/canary; trap 'rm /run/canary' EXIT; "
    search += "grep -rlsaF -f /run/canary /var/log /var/lib/nginx /etc/nginx /tmp || true; "
    search += "journalctl -q -o cat | grep -qF -f /run/canary && echo journal || true"
    return set(site.run(search, given="\n".join(texts) + "\n").split())


def test_no_prompt_and_no_key_gets_to_a_disk(site: Site) -> None:
    nonce, planted = (f"canary{secrets.token_hex(12)}" for _ in range(2))
    errors = size(site, ERROR_LOG)
    found = ways(site, nonce)
    refused = {"no key": 401, "wrong key": 401, "no route": 404, "no model": 404, "method": 405}
    refused |= {"no JSON": 400, "too large": 413, "too many": 429}
    assert found == {name: refused.get(name, 200) for name in found}
    assert places(site, [nonce, *(key for keys in site.keys.values() for key in keys)]) == set()
    assert "temporary file" not in site.run(f"tail -c +{errors + 1} {ERROR_LOG}")
    # The search itself finds what is there
    site.run(f"echo {planted} >/tmp/planted; logger {planted}; sleep 0.2")
    assert places(site, [planted]) >= {"/tmp/planted", "journal"}
    site.run("rm /tmp/planted")


def test_hostile_requests_leave_a_clean_log_and_get_a_clean_id(site: Site) -> None:
    start, key = size(site, ACCESS_LOG), site.key("free")

    async def ask_all() -> dict[str, Answer]:
        line, asked = Connection(site.address, site.name, site.context()), {}
        for path in PATHS:
            for method in ("GET", "POST"):
                asked[f"{method} {path}"] = await line.ask(path, key=key, method=method)
        for name in IDS:
            said = (f"X-Request-ID: {name}", f'User-Agent: "{name}"')
            asked[f"id {name}"] = await line.ask(body={}, key=key, headers=said)
        for model in MODELS:
            asked[f"model {model}"] = await line.ask(body={"model": model}, key=key)
        line.close()
        return asked

    asked = asyncio.run(ask_all())
    lines = since(site, start, len(asked))
    assert len(lines) == len(asked)
    for line in lines:
        entry = json.loads(line.decode("utf-8"))
        assert list(entry) == FIELDS
        assert entry["consumer"] in ("free", ""), entry
        assert HARMLESS.fullmatch(entry["req_id"]), entry
    for what, answer in asked.items():
        assert answer.status < 500, what
        assert HARMLESS.fullmatch(answer.headers["x-request-id"]), what
        assert "x-injected" not in answer.headers
    assert {asked[f"model {name}"].status for name in MODELS} == {404}
    given = {answer.headers["x-request-id"] for answer in asked.values()}
    assert len(given) == len(asked)
    assert given.isdisjoint(IDS)


def test_a_good_request_id_is_kept_and_ours_reaches_the_engine(site: Site) -> None:
    with site.client("free") as client:
        own = client.post(CHAT, json={"model": "solo"}, headers={"X-Request-ID": "no good one"})
        for name in (own.headers["x-request-id"], "mine.is_good-1", "mine.is_good-1"):
            told = client.post(CHAT, json={"model": "solo"}, headers={"X-Request-ID": name})
            assert told.headers["x-request-id"] == name
    # The engine saw each of them twice, so also the one that the gateway made up
    assert site.engine("three")["repeated"] == {own.headers["x-request-id"]: 2, "mine.is_good-1": 2}
