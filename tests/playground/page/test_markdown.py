"""Discord's Markdown: what it looks like, and that nothing slips through."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.page._markdown import render

ALLOWED = {
    "p": {"class", "role", "aria-level"},
    "blockquote": set(),
    "pre": {"data-language"},
    "code": set(),
    "ul": set(),
    "ol": {"start"},
    "li": set(),
    "strong": set(),
    "em": set(),
    "u": set(),
    "s": set(),
    "br": set(),
    "a": {"href", "target", "rel", "title"},
    "span": {"class", "data-kind", "data-id", "role", "tabindex", "aria-expanded", "aria-label"},
    "time": {"class", "datetime", "data-style"},
}


class Names:
    def user(self, user_id: int) -> str | None:
        return {1: "Ada", 2: '<b onclick="x">'}.get(user_id)

    def role(self, role_id: int) -> str | None:
        return {3: "mods"}.get(role_id)

    def channel(self, channel_id: int) -> str | None:
        return {4: "general"}.get(channel_id)


class Checker(HTMLParser):
    """Collects tags and text, and refuses what the page must never get."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        for name, value in attrs:
            assert name in ALLOWED[tag], (tag, name)
            if name == "href":
                assert (value or "").lower().startswith(("http://", "https://")), value
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def checked(text: str) -> Checker:
    checker = Checker()
    checker.feed(render(text, Names()))
    checker.close()
    assert not checker.open
    return checker


MARKS = ["**", "*", "__", "_", "~~", "`", "```", "||", "[", "](", ")", "<", ">", "&", "\\", '"', "'", "x"]
BEGINNINGS = ["> ", ">>> ", "# ", "-# ", "- ", "1. ", "\n", " ", "py\n"]
CODES = ["<@1>", "<@2>", "<@&3>", "<#4>", "<t:1700000000:R>", "<:wave:12>", "@everyone", "</set:5>", "<script>", "&lt;"]
ADDRESSES = ["http://", "https://a.b", "javascript:alert(1)", "<img src=x onerror=y>", "<https://a.b/?x='>"]
pieces = st.sampled_from(MARKS + BEGINNINGS + CODES + ADDRESSES)


@given(st.lists(pieces, max_size=30).map("".join) | st.text())
def test_no_text_makes_a_tag_of_its_own(text: str) -> None:
    checked(text)


@given(st.text("abc <>&\"'", max_size=40))
def test_plain_text_is_shown_as_it_is(text: str) -> None:
    if not text.startswith(("> ", ">>> ")):
        assert checked(text).text.split() == text.split()


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**a** *b* _c_ ~~d~~", "<p><strong>a</strong> <em>b</em> <em>c</em> <s>d</s></p>"),
        ("__a__ ***b***", "<p><u>a</u> <em><strong>b</strong></em></p>"),
        ("snake_case_name 2*3", "<p>snake_case_name 2*3</p>"),
        ("`<b>`", "<p><code>&lt;b&gt;</code></p>"),
        ("one\ntwo", "<p>one<br>two</p>"),
        ("a\n\n- b", "<p>a<br><br></p><ul><li>b</li></ul>"),
        ("# A\ntext", '<p class="h1" role="heading" aria-level="3">A</p><p>text</p>'),
        ("### C", '<p class="h3" role="heading" aria-level="5">C</p>'),
        ("-# small", '<p class="subtext">small</p>'),
        ("> q\nafter", "<blockquote><p>q</p></blockquote><p>after</p>"),
        (">>> q\nstill", "<blockquote><p>q<br>still</p></blockquote>"),
        ("- a\n  - b\n- c", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"),
        ("2. a\n3. b", '<ol start="2"><li>a</li><li>b</li></ol>'),
        ("```py\nx = 1 < 2\n```done", '<pre data-language="py"><code>x = 1 &lt; 2</code></pre><p>done</p>'),
        ("```no end", "<p>```no end</p>"),
        ("\\*not\\*", "<p>*not*</p>"),
    ],
)
def test_markdown_looks_as_in_discord(text: str, html: str) -> None:
    assert render(text, Names()) == html


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<@1> <@!1>", "@Ada @Ada"),
        ("<@2>", '@<b onclick="x">'),
        ("<@9> <@&3> <@&9>", "@unknown-user @mods @unknown-role"),
        ("<#4> <#9>", "#general #unknown"),
        ("</model set:5>", "/model set"),
        ("<:wave:12>", ":wave:"),
        ("<t:99999999999999:R>", "<t:99999999999999:R>"),
        ("<t:9999999999999>", "<t:9999999999999>"),
    ],
)
def test_codes_are_shown_as_names(text: str, shown: str) -> None:
    assert checked(text).text == shown


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("see https://a.b/c_d_e?f=g&h.", "https://a.b/c_d_e?f=g&amp;h"),
        ("(https://a.b)", "https://a.b"),
        ("<https://a.b/c>", "https://a.b/c"),
        ("[words](https://a.b)", "https://a.b"),
        ("**https://a.b**", "https://a.b"),
    ],
)
def test_addresses_become_links(text: str, href: str) -> None:
    assert f'<a href="{href}" target="_blank" rel="noopener noreferrer">' in render(text, Names())


@pytest.mark.parametrize("text", ["[x](javascript:alert(1))", "[x](/etc)", "[x](data:text/html,y)", "xhttp", "://a"])
def test_other_addresses_stay_text(text: str) -> None:
    assert "<a" not in render(text, Names())
