"""Check what a model's container may connect to, with a server of our own as the cloud's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible.module_utils.tgi.host import firewall

from tests.support.live.hosts import CONTAINER, address_of, knock, other_than, until

METADATA = "169.254.169.254"
DIRECTORY = "/etc/tgi-fence"
_SERVE = "systemd-run --quiet --unit tgi-test-{0} python3 -m http.server --bind {1} {0}"
_GATEWAY = "'{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}'"
_CONNECT = "docker exec %s timeout 4 bash -c 'exec 3<>/dev/tcp/%s/%s'"


def reaches(host: Any, address: str, port: int) -> bool:
    """Return whether the model's container on the host can connect."""
    return bool(host.run(_CONNECT, CONTAINER, address, str(port)).rc == 0)


@pytest.fixture(scope="module")
def cloud(host: Any, inventory: str) -> Iterator[str]:
    """Let the other host answer at the metadata's address; return its own address."""
    other = other_than(host, inventory)
    at = address_of(other)
    other.check_output(f"ip address add {METADATA}/32 dev lo")
    for port in (8099, 53):
        other.check_output(_SERVE.format(port, METADATA))
    other.check_output(_SERVE.format(8098, at))
    host.check_output(f"ip route replace {METADATA}/32 via {at}")
    until(30, lambda: {knock(host, METADATA, 8099), knock(host, at, 8098)} == {"open"})
    yield at
    host.check_output(f"ip route del {METADATA}/32")
    other.check_output("systemctl stop tgi-test-8099 tgi-test-8098 tgi-test-53")
    other.check_output(f"ip address del {METADATA}/32 dev lo")


def test_the_clouds_credentials_are_out_of_reach(host: Any, cloud: str) -> None:
    assert knock(host, METADATA, 8099) == "open"
    assert not reaches(host, METADATA, 8099)
    # Google's name server has the same address
    assert reaches(host, METADATA, 53)
    assert reaches(host, cloud, 8098)


def test_the_host_itself_is_no_way_round(host: Any, cloud: str) -> None:
    assert cloud
    host.check_output("ip address add 169.254.7.7/32 dev lo")
    host.check_output(_SERVE.format(8097, "169.254.7.7"))
    try:
        until(30, lambda: knock(host, "169.254.7.7", 8097) == "open")
        assert not reaches(host, "169.254.7.7", 8097)
    finally:
        host.check_output("systemctl stop tgi-test-8097")
        host.check_output("ip address del 169.254.7.7/32 dev lo")


@pytest.mark.parametrize("allowed", [False, True])
def test_a_model_without_egress_only_answers(host: Any, cloud: str, allowed: bool) -> None:
    made = firewall.files(DIRECTORY, "", [], [], "none", [cloud] if allowed else [])
    before = host.check_output(f"cat {DIRECTORY}/rules")
    host.check_output(f"printf %%s %s > {DIRECTORY}/rules && {DIRECTORY}/up", made["rules"])
    try:
        assert reaches(host, cloud, 8098) is allowed
        assert not reaches(host, METADATA, 53)
        assert not reaches(host, host.check_output(f"docker inspect -f {_GATEWAY} {CONTAINER}"), 80)
        assert knock(host, "127.0.0.1", 8081) == "open"
    finally:
        host.check_output(f"printf '%%s\\n' %s > {DIRECTORY}/rules", before.rstrip())
        host.check_output("systemctl restart tgi-fence")
    assert reaches(host, cloud, 8098)
