"""The builder gives the collection's files full names."""

from __future__ import annotations

import pytest

from collection.build import filters, rewrite

PLUGIN = """from pathlib import Path

import ansible.module_utils

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_HERE = str(Path(__file__).resolve().parents[2] / "module_utils")
if _HERE not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_HERE)

from ansible.module_utils.tgi.models.resolve import resolve_models
"""


def test_a_plugin_imports_from_the_collection_and_changes_no_path() -> None:
    made = rewrite(PLUGIN, "a.b", "plugins")
    assert "__path__" not in made
    assert "from ansible_collections.a.b.plugins.module_utils.tgi.models.resolve import" in made
    assert "ansible.module_utils" not in made


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{{ x | nginx_word }}", "{{ x | a.b.nginx_word }}"),
        ("{{ x | map('nginx_word') }}", "{{ x | map('a.b.nginx_word') }}"),
        ("{{ x |nginx_word_too }}", "{{ x |nginx_word_too }}"),
        ("nginx_word: 1", "nginx_word: 1"),
    ],
)
def test_filters_get_full_names(before: str, after: str) -> None:
    assert "nginx_word" in filters()
    assert rewrite(before, "a.b", "roles") == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("see M(tgi_check)", "see M(a.b.tgi_check)"),
        ("  - module: tgi_check\n", "  - module: a.b.tgi_check\n"),
        ("- name: x\n  tgi_check:\n    url: x", "- name: x\n  a.b.tgi_check:\n    url: x"),
        (
            "extends_documentation_fragment: [tgi_check.models, tgi_check.run]",
            "extends_documentation_fragment: [a.b.tgi_check.models, a.b.tgi_check.run]",
        ),
    ],
)  # fmt: skip
def test_documentation_gets_full_names(before: str, after: str) -> None:
    assert rewrite(before, "a.b", "plugins") == after
