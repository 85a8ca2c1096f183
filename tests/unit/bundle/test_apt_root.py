"""Test that apt's own doubts about a repository end a run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from module_utils.tgi.bundle.apt_root import AptRoot
from module_utils.tgi.bundle.apt_systems import AptSource
from module_utils.tgi.bundle.bundle_form import BundleError
from tests.support.bundle.apt_site import Signer, publish, signer

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("gpg", "apt-get"))), reason="needs gpg and apt-get"
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Signer]]:
    place = tmp_path_factory.mktemp("k")
    with signer(place / "a") as one, signer(place / "b") as other:
        yield [one, other]


def root_of(place: Path, key: Signer, component: str = "main") -> AptRoot:
    publish(place / "www", "a", [], key)
    (place / "a.asc").write_bytes(key.public)
    root = AptRoot(place / "debian-13")
    root.set_up([AptSource("a", f"file:{place}/www", "a", (component,))], place)
    return root


def test_a_repository_that_another_key_signs_anew_is_refused(
    tmp_path: Path, keys: list[Signer]
) -> None:
    """Update twice: apt itself would go on with the lists that it has."""
    root = root_of(tmp_path, keys[0])
    root.update()
    publish(tmp_path / "www", "a", [], keys[1])
    with pytest.raises(BundleError, match=r"cannot read its sources: W: .*signature"):
        root.update()


def test_a_component_that_a_repository_lacks_is_refused(tmp_path: Path, keys: list[Signer]) -> None:
    root = root_of(tmp_path, keys[0], "mian")
    with pytest.raises(BundleError, match=r"cannot read its sources: W: Skipping .* component"):
        root.update()
