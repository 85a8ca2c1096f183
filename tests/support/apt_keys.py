"""Two keys made for these tests, whose secret halves are gone, with what gpg says of them."""

from __future__ import annotations

import base64

ONE_FINGERPRINT = "7238DB7685D362916B7D51C6E87C3D8AFFEF2477"
ONE = b"""-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawPCRxYJKwYBBAHaRw8BAQdAwLBc7CCVCPPNbG928VcAi34iJaDLa8hrR3BF
xUK79r20GHRnaS1hbnNpYmxlIHRlc3Qga2V5IG9uZYiQBBMWCAA4FiEEcjjbdoXT
YpFrfVHG6Hw9iv/vJHcFAmsDwkcCGwMFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AA
CgkQ6Hw9iv/vJHdJlgD/XlUWQOs22Jh1nDLJfeABN6xAc1v+6yjfLiKmuQha7kwB
AMRHAJyrKmvwCE1O1m4UiYRratHvpfhWERxsFSFrfAwA
=ESty
-----END PGP PUBLIC KEY BLOCK-----
"""
TWO_FINGERPRINT = "1A78FBD5B3888DEBFA6A4D105970D55A82E8BB75"
TWO = b"""-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawPCRxYJKwYBBAHaRw8BAQdAeGqGJN6HVpGKO1qVcSNTFIHRMgUG4m92ahKI
HMfoCnW0GHRnaS1hbnNpYmxlIHRlc3Qga2V5IHR3b4iQBBMWCAA4FiEEGnj71bOI
jev6ak0QWXDVWoLou3UFAmsDwkcCGwMFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AA
CgkQWXDVWoLou3XxXgD/WYAp/xFhqE+3z8WY6HAWmwJwscP2D5tKAljmpfNLqYkB
AOEBpMfJpxZAzL3PaOzL5O8bBJLLYN30HZVC3JTklgMP
=Esnq
-----END PGP PUBLIC KEY BLOCK-----
"""
HTML = b"<!DOCTYPE html><html><body>404 Not Found</body></html>"


def binary(armored: bytes) -> bytes:
    """The packets of a key above."""
    body = armored.split(b"\n\n", 1)[1].split(b"\n=", 1)[0]
    return base64.b64decode(body)
