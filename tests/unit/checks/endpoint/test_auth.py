"""Test refusals of requests without a key or with a wrong one."""

from __future__ import annotations

import httpx
import pytest
from ansible.module_utils.tgi.checks.endpoint import auth

from tests.support.checks.edge_probe import answers, ask
from tests.support.fakes.gateway import KEY


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_over_https_is_an_engine_s_and_no_refusal(status: int) -> None:
    found, _ = ask(auth.auth_missing, answers(401, invocations=status))
    assert (
        f"/invocations without a key: HTTP {status}, which the gateway itself never sends"
        in found.problem
    )


def test_the_evidence_is_the_accepted_credential_s_own() -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        given = request.headers.get("authorization", "")
        return httpx.Response(200 if given == f"Bearer {KEY.swapcase()}" else 401, json={})

    found, _ = ask(auth.auth_wrong, reply)
    assert found.problem == "the key in another case gets HTTP 200"
    assert found.evidence.startswith("HTTP 200")
