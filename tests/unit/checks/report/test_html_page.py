"""Test the page: its content and order, valid HTML, and escaping."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.judges.http_answer import SEE_OTHERS
from ansible.module_utils.tgi.checks.report.document import no_verdict
from ansible.module_utils.tgi.checks.report.html_page import make_page

from tests.support.checks.reports import CAUSED, EVIL, FAILED, HOSTILE, PASSED, make, row

VOID = {"meta", "link", "col", "br"}
TAGS = {
    "html", "head", "meta", "link", "title", "style", "body", "main", "header", "footer", "section",
    "h1", "h2", "h3", "p", "span", "b", "i", "a", "code", "ul", "ol", "li", "div", "table",
    "caption", "colgroup", "col", "thead", "tbody", "tr", "th", "td", "details", "summary", "dl",
    "dt", "dd",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "rel", "href", "class", "id", "role",
    "scope", "style", "tabindex", "aria-hidden", "aria-label", "data-group", "data-name",
}  # fmt: skip


class Page(HTMLParser):
    """Reads strictly: every tag closed in order, only known tags and attributes."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[tuple[str, str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        assert {name for name, _ in attrs} <= ATTRIBUTES, attrs
        given = dict(attrs)
        self.ids += [str(given["id"])] if "id" in given else []
        self.links += [str(given["href"])] if "href" in given else []
        assert re.fullmatch(r"width:[0-9.]+%", given.get("style") or "width:1%")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append((self.open[-1] if self.open else "", data))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def text(self, *tags: str) -> str:
        return " ".join(
            data for tag, data in self.words if tag != "style" and (not tags or tag in tags)
        )


@pytest.mark.parametrize("documents", [[PASSED], [FAILED], [PASSED, FAILED], [HOSTILE, PASSED]])
def test_it_is_sound_and_needs_nothing_from_elsewhere(documents: list[Any]) -> None:
    text = make_page(documents)
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert all(link == "data:," or link[1:] in page.ids for link in page.links), page.links
    assert "default-src 'none'" in text and "url(" not in text and "@import" not in text
    assert "://" not in text
    text.encode()


def test_the_verdict_comes_first_then_what_to_do() -> None:
    headings = [
        data for tag, data in Page(make_page([PASSED, FAILED])).words if tag in ("h1", "h2")
    ]
    assert headings[0].strip() == "✗" or headings[0].strip() == "Failed"
    titles = [one for one in headings if len(one.strip()) > 1]
    assert titles == [
        " Failed", "What to do next", "Models", "Hosts", "Figures", "Every check", "Left out",
    ]  # fmt: skip


def test_a_passed_run_has_nothing_to_do() -> None:
    page = Page(make_page([PASSED]))
    assert "Passed" in page.text("h1") and "What to do next" not in page.text()


def test_remedies_are_grouped_worst_first_consequences_last() -> None:
    checks = [
        row("a.one", "warn", remedy="a warning's"),
        row("b.two", "fail", severity="major", remedy="a major one's"),
        row("c.three", "fail", "small", remedy="twice"),
        row("d.four", "fail", remedy=SEE_OTHERS),
        row("e.five", "error", remedy="a broken one's"),
        row("f.six", "fail", "other", remedy="twice"),
    ]
    text = make_page([make("direct", "gpu1", *checks)])
    said = re.findall(r'<p class="remedy">(.*?)</p>', text)
    wanted = ["twice", "a major one&#39;s", "a broken one&#39;s", "a warning&#39;s", SEE_OTHERS]
    assert said == wanted


def test_the_cause_of_others_comes_first() -> None:
    text = make_page([CAUSED])
    said = re.findall(r'<p class="remedy">(.*?)</p>', text)
    assert said == ["Set a template", "Compare its version"]
    assert "1 more check is not judged, as a consequence of this" in text
    assert "not judged</span>" in text and "consequence of chat.template" in text


def test_the_side_of_the_gateway_is_named() -> None:
    sick = make("direct", "gpu1", row("chat.basic", "fail", "small"))
    assert "the cause is the gateway" in make_page([PASSED, FAILED])
    assert "begin there, not at the gateway" in make_page([sick, FAILED])
    assert "but not through the gateway" in make_page([sick, {**PASSED, "view": "edge"}])
    assert '<p class="lead">Not every planned check passed.</p>' in make_page([sick])


def test_a_host_without_a_verdict_is_red_and_first() -> None:
    text = make_page([PASSED, no_verdict("direct", "gpu2", "httpx is missing")], ["No edge."])
    page = Page(text)
    assert "Failed" in page.text("h1") and "No edge." in page.text("p")
    assert text.index("has no verdict") < text.index("<h2>Models")
    skipped = no_verdict("direct", "gpu2", "nothing is selected", skipped=True)
    assert "Passed" in Page(make_page([PASSED, skipped])).text("h1")
    assert "Nothing was checked" in Page(make_page([skipped])).text("h1")


def test_a_status_is_put_into_words() -> None:
    said = Page(make_page([PASSED, FAILED])).text()
    assert all(word in said for word in ("passed", "failed", "warned", "broke", "left out"))


def test_figures_are_shown_where_they_are_known() -> None:
    said = Page(make_page([PASSED])).text("td", "th")
    assert "TTFT" in said and "102 ms" in said and "900 ms" in said
    assert "TPOT" not in said, "it is unknown here"
    assert "Figures" not in Page(make_page([FAILED])).text("h2")


def test_an_engine_cannot_break_out() -> None:
    text = make_page([HOSTILE])
    page = Page(text)
    assert "<script" not in text and "<img" not in text and "onerror=alert(2)>" not in text
    assert "alert(1)" in page.text(), "it is shown, as text"
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\ud800-\udfff\u202e]", text)
    assert len(text) < 60_000, "evidence is trimmed"
    assert EVIL not in text
