"""Discord's Markdown: what it looks like, and that nothing slips through."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.page._emoji import is_only_emoji
from playground.page._highlight import LANGUAGES, highlight
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
    "span": {"class", "data-kind", "data-id", "data-channel", "role", "tabindex", "aria-expanded", "aria-label"},
    "time": {"class", "datetime", "data-style"},
    "img": {"class", "src", "alt", "title"},
}
VALUES = {
    "class": {"h1", "h2", "h3", "subtext", "mention", "emoji", "emoji own", "spoiler", "timestamp"}
    | {f"code-{kind}" for kind in ("keyword", "string", "number", "comment", "name", "added", "removed")},
    "data-kind": {"user", "role", "channel", "message", "command", "everyone"},
    "data-style": set("tTdDfFR"),
    "role": {"heading", "button"},
    "target": {"_blank"},
    "rel": {"noopener noreferrer"},
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
            assert name not in VALUES or value in VALUES[name], (tag, name, value)
            if name == "href":
                assert (value or "").lower().startswith(("http://", "https://")), value
            if name == "src":
                assert re.fullmatch(r"/emoji/\d+", value or ""), value
            if name == "alt":
                self.text += value or ""
        if tag not in {"br", "img"}:
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
BEGINNINGS = [
    "> ",
    ">>> ",
    "# ",
    "-# ",
    "- ",
    "1. ",
    "\n",
    " ",
    "```py\n",
    "```html\n",
    "```sql\n",
    "```diff\n",
    "```c\n",
]
CODES = ["<@1>", "<@2>", "<@&3>", "<#4>", "<t:1700000000:R>", "<:wave:12>", "@everyone", "</set:5>", "<script>", "&lt;"]
PLACES = ["<https://discord.com/channels/1/4/5>", "https://discord.com/channels/@me/4", "👍", "1️⃣"]
ADDRESSES = ["http://", "https://a.b", "javascript:alert(1)", "<img src=x onerror=y>", "<https://a.b/?x='>"]
pieces = st.sampled_from(MARKS + BEGINNINGS + CODES + PLACES + ADDRESSES)


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
        ("- a\n1. b", '<ul><li>a</li></ul><ol start="1"><li>b</li></ol>'),
        ("2. a\n3. b", '<ol start="2"><li>a</li><li>b</li></ol>'),
        ("```\nx = 1 < 2\n```done", "<pre><code>x = 1 &lt; 2</code></pre><p>done</p>"),
        ("```diff\n+ a\n```", '<pre data-language="diff"><code><span class="code-added">+ a</span></code></pre>'),
        ("hi 👍🏽", '<p>hi <span class="emoji">👍🏽</span></p>'),
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
        ("<https://discord.com/channels/1/4/5>", "#general › message"),
        ("[jump](https://discord.com/channels/@me/4/5)", "jump"),
        ("https://discord.com/channels/1/9", "#unknown"),
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
    html = render(text, Names())
    assert f'<a href="{href}" ' in html
    assert 'target="_blank" rel="noopener noreferrer">' in html


@pytest.mark.parametrize("text", ["[x](javascript:alert(1))", "[x](/etc)", "[x](data:text/html,y)", "xhttp", "://a"])
def test_other_addresses_stay_text(text: str) -> None:
    assert "<a" not in render(text, Names())


@pytest.mark.parametrize("text", ["https://discord.com/channels/1/4/5", "[x](https://ptb.discord.com/channels/1/4)"])
def test_links_to_messages_stay_on_the_page(text: str) -> None:
    assert "<a" not in render(text, Names())


CODE = [
    "def f(x):",
    "# note",
    "'text",
    '"""',
    "/*",
    "//",
    "<b>",
    "&amp;",
    "0x1F",
    "+ a",
    "- b",
    "\n",
    "[part]",
    "key: 1",
    "$HOME",
]


@given(
    st.lists(st.sampled_from(CODE), max_size=12).map(" ".join) | st.text(max_size=60),
    st.sampled_from(sorted(LANGUAGES)),
)
def test_highlighting_changes_no_character(code: str, language: str) -> None:
    checker = Checker()
    checker.feed(highlight(code, language))
    checker.close()
    assert checker.text == code


@pytest.mark.parametrize(
    ("language", "code", "kind", "shown"),
    [
        ("py", "return 1", "keyword", "return"),
        ("py", 'f"a" # b', "string", "f&quot;a&quot;"),
        ("js", "const a = `b`", "string", "`b`"),
        ("rust", "fn main() {}", "name", "main"),
        ("json", '{"a": 1}', "name", "&quot;a&quot;"),
        ("html", "<b>", "keyword", "&lt;b"),
        ("css", "color: #fff", "number", "#fff"),
        ("sh", "echo $HOME", "name", "$HOME"),
        ("sql", "SELECT 1", "keyword", "SELECT"),
        ("yaml", "name: x", "name", "name"),
        ("toml", "[part]", "keyword", "[part]"),
        ("diff", "- gone", "removed", "- gone"),
    ],
)
def test_the_common_languages_are_coloured(language: str, code: str, kind: str, shown: str) -> None:
    assert f'<span class="code-{kind}">{shown}</span>' in highlight(code, language)


def test_code_of_other_languages_stays_plain() -> None:
    assert highlight("return <1>", "klingon") == highlight("return <1>", None) == "return &lt;1&gt;"


@pytest.mark.parametrize(
    ("text", "large"), [("👍 ❤️", True), ("<:wave:12>", True), ("1", False), ("hi 👍", False), ("", False)]
)
def test_emoji_alone_are_large(text: str, large: bool) -> None:
    assert is_only_emoji(text) is large
