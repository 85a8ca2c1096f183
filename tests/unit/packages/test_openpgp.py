"""Test that fingerprints equal gpg's, and that a file without a key is refused."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from ansible.module_utils.tgi.packages.openpgp import (
    KeyFormatError,
    armor,
    dearmor,
    fingerprints,
    keys,
    normalise,
    packets,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.support.apt_keys import HTML, ONE, ONE_FINGERPRINT, TWO, TWO_FINGERPRINT, binary

PACKETS = binary(ONE)
# The first packet has an old-format header: tag 6, one octet of length
BODY = PACKETS[2 : 2 + PACKETS[1]]
REST = PACKETS[2 + PACKETS[1] :]


# The same for the other key, but as a secret one: tag 5
SECRET = b"\x94" + binary(TWO)[1:]


def new_format(body: bytes, length: bytes) -> bytes:
    """Return a public key packet with a header of the new format."""
    return bytes([0xC0 | 6]) + length + body


HEADERS = {
    "old, one octet": bytes([0x98, len(BODY)]) + BODY,
    "old, two octets": bytes([0x99]) + len(BODY).to_bytes(2, "big") + BODY,
    "old, four octets": bytes([0x9A]) + len(BODY).to_bytes(4, "big") + BODY,
    "new, one octet": new_format(BODY, bytes([len(BODY)])),
    "new, five octets": new_format(BODY, b"\xff" + len(BODY).to_bytes(4, "big")),
}


@pytest.mark.parametrize("header", HEADERS)
def test_every_form_of_header_gives_the_same_fingerprint(header: str) -> None:
    assert fingerprints(HEADERS[header] + REST) == [ONE_FINGERPRINT]


def test_two_octet_lengths_of_the_new_format() -> None:
    body = bytes(range(256)) * 2
    encoded = bytes([192 + ((len(body) - 192) >> 8), (len(body) - 192) & 0xFF])
    raw = new_format(body, encoded)
    assert list(packets(raw)) == [(6, body, raw)]


FORMS = {
    "armored": ONE,
    "binary": PACKETS,
    "windows line ends": ONE.replace(b"\n", b"\r\n"),
    "armor headers": ONE.replace(b"\n\n", b"\nVersion: GnuPG v1\nComment: hello\n\n", 1),
    "text around it": b"pub ed25519 one\n\n" + ONE + b"\nbye\n",
    "spaces at line ends": ONE.replace(b"\n", b"  \n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_key_is_read_in_every_form(form: str) -> None:
    assert fingerprints(FORMS[form]) == [ONE_FINGERPRINT]


@pytest.mark.parametrize("both", [ONE + TWO, ONE.rstrip() + TWO, PACKETS + binary(TWO)])
def test_a_second_key_in_the_file_is_not_overlooked(both: bytes) -> None:
    assert fingerprints(both) == [ONE_FINGERPRINT, TWO_FINGERPRINT]


BROKEN = {
    "empty": (b"", "no public key"),
    "error page": (HTML, "not an OpenPGP key"),
    "no empty line in the armor": (ONE.replace(b"\n\n", b"\n", 1), "no public key"),
    "letters that are no base64": (ONE.replace(b"mDME", b"mD!E"), "broken armor"),
    "cut short": (PACKETS[:20], "truncated"),
    "cut in the header": (b"\xc6", "truncated"),
    "cut in the length": (b"\x9a\x00", "truncated"),
    "armor cut short": (ONE[:150], "truncated|broken armor"),
    "partial lengths": (new_format(BODY, b"\xe5"), "partial"),
    "indeterminate length": (b"\x9b" + BODY, "truncated"),
    "version 6": (bytes([0x98, len(BODY)]) + b"\x06" + BODY[1:], "only version 4"),
    "empty key": (b"\x98\x00", "only version 4"),
    "a user id alone": (b"\xb4\x03abc", "no public key"),
    "a secret key behind": (PACKETS + SECRET, "a secret key, which no repository's key does"),
    "a secret key before": (SECRET + PACKETS, "a secret key"),
    "a secret key alone": (SECRET, "a secret key"),
    "a secret key, new header": (PACKETS + b"\xc5" + SECRET[1:], "a secret key"),
    "a secret subkey": (PACKETS + b"\x9c\x00", "a secret subkey"),
    "a key in compressed data": (PACKETS + b"\xa0\x01\x00", "compressed data"),
    "a packet of another standard": (PACKETS + b"\xfc\x00", "a packet of type 60"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_key_is_refused(case: str) -> None:
    data, words = BROKEN[case]
    with pytest.raises(KeyFormatError, match=words):
        fingerprints(data)


PIECES = st.sampled_from([PACKETS, binary(TWO), SECRET, REST])
TAGS = st.integers(0, 63).map(lambda tag: bytes([0xC0 | tag, 3]) + b"abc")


@given(st.lists(st.one_of(PIECES, TAGS), max_size=6).map(b"".join))
def test_what_is_kept_is_what_was_judged(data: bytes) -> None:
    try:
        kept = keys(data)
    except KeyFormatError:
        return
    for fingerprint, own in kept:
        tags = [tag for tag, _body, _raw in packets(own)]
        assert tags.count(6) == 1
        assert set(tags) <= {2, 6, 13, 14, 17}
        assert fingerprints(own) == [fingerprint]


def test_trust_of_a_keyring_is_left_out() -> None:
    trusting = PACKETS + b"\xb0\x02\x06\x03"
    assert keys(trusting) == [(ONE_FINGERPRINT, PACKETS)]


def test_armor_is_what_gpg_writes() -> None:
    assert armor(PACKETS) == ONE
    assert dearmor(armor(PACKETS)) == PACKETS


@pytest.mark.parametrize(
    "written",
    [
        "7238DB7685D362916B7D51C6E87C3D8AFFEF2477",
        "7238 DB76 85D3 6291 6B7D  51C6 E87C 3D8A FFEF 2477",
        "72:38:db:76:85:d3:62:91:6b:7d:51:c6:e8:7c:3d:8a:ff:ef:24:77",
        " 7238db7685d362916b7d51c6e87c3d8affef2477\n",
    ],
)
def test_fingerprints_compare_however_they_are_written(written: str) -> None:
    assert normalise(written) == ONE_FINGERPRINT


@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
def test_gpg_agrees(tmp_path: Path) -> None:
    (tmp_path / "key.asc").write_bytes(armor(dearmor(ONE + TWO)))
    shown = subprocess.run(
        ["gpg", "--homedir", tmp_path, "--with-colons", "--show-keys", tmp_path / "key.asc"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    said = [line.split(":")[9] for line in shown.splitlines() if line.startswith("fpr:")]
    assert said == fingerprints(ONE + TWO)
