"""What the page is told of messages: pages of them, embeds and files, whatever stands in them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.discord import LocalDiscord
from playground.page._attachment_view import SHOWN_CHARACTERS, attachment_view, file_view, local_path
from playground.page._command_view import commands_view
from playground.page._embed_view import components_view, embed_view
from playground.page._inline import render_inline
from playground.page._message_view import SNIPPET_CHARACTERS, message_view, snippet
from playground.page._names import PlaceNames
from playground.page._pages import PAGE_SIZE, page_of
from playground.world import DemoWorld, build_demo_world

from .test_markdown import Checker, pieces

hostile = st.lists(pieces, max_size=20).map("".join) | st.text(max_size=40)
addresses = st.sampled_from(["https://a.b/x", "javascript:alert(1)", "//a.b", "data:text/html,x", "http://h/cdn/x.png"])


@pytest.fixture(scope="module")
def demo() -> DemoWorld:
    return build_demo_world(LocalDiscord())


def check(html: str) -> None:
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert not checker.open


@given(text=hostile, url=addresses)
def test_nothing_in_an_embed_makes_a_tag_of_its_own(demo: DemoWorld, text: str, url: str) -> None:
    embed: dict[str, Any] = {
        "title": text,
        "description": text,
        "url": url,
        "author": {"name": text, "url": url},
        "fields": [{"name": text, "value": text}],
        "image": {"url": url},
        "thumbnail": {"url": url},
    }
    view = embed_view(embed, PlaceNames(demo.general))
    for html in (view["title"], view["description"], view["fields"][0]["name"], view["fields"][0]["value"]):
        check(html)
    assert (view["url"] or "https://").startswith(("http://", "https://"))
    assert (view["author_url"] or "https://").startswith(("http://", "https://"))
    assert (view["image"] or "/cdn/").startswith("/cdn/")


@given(text=hostile, url=addresses)
def test_nothing_in_a_layout_makes_a_tag_of_its_own(demo: DemoWorld, text: str, url: str) -> None:
    media = {"url": url}
    parts: list[dict[str, Any]] = [
        {"type": 10, "content": text},
        {"type": 9, "components": [{"type": 10, "content": text}], "accessory": {"type": 11, "media": media}},
        {"type": 12, "items": [{"media": media}]},
        {"type": 13, "file": media},
        {"type": 1, "components": [{"type": 2, "style": 5, "url": url, "label": text}]},
    ]
    text_part, section, gallery, file, row = components_view(parts, PlaceNames(demo.general))
    check(text_part["html"])
    check(section["components"][0]["html"])
    for path in (section["accessory"]["media"]["url"], gallery["items"][0]["media"]["url"], file["shown"]["url"]):
        assert (path or "/cdn/").startswith("/cdn/")
    assert (row["components"][0]["url"] or "https://").startswith(("http://", "https://"))
    assert "html" not in parts[0], "the message itself stays as it was"


@given(text=hostile.filter(str.strip))
def test_messages_and_their_quotes_are_safe(demo: DemoWorld, text: str) -> None:
    message = demo.general.messages[0]
    message.content = text
    check(message_view(message, demo.ada)["html"])
    check(render_inline(snippet(text), PlaceNames(demo.roleplay)))


def test_a_quote_never_ends_in_half_a_mention(demo: DemoWorld) -> None:
    text = f"{'x' * (SNIPPET_CHARACTERS - 5)} {demo.ada.mention} and more"
    assert snippet(text) == f"{'x' * (SNIPPET_CHARACTERS - 5)} …"


@given(count=st.integers(0, 130), place=st.integers(-5, 140), side=st.sampled_from(["before", "after", "around", ""]))
def test_pages_are_rows_without_gaps(count: int, place: int, side: str) -> None:
    class Numbered:
        def __init__(self, number: int) -> None:
            self.id = number

    seen: list[Any] = [Numbered(number) for number in range(count)]
    page = page_of(seen, {side: str(max(place, 0))} if side else {})
    ids = [message.id for message in page.messages]
    assert len(ids) <= PAGE_SIZE
    assert ids == list(range(ids[0], ids[0] + len(ids))) if ids else True
    if ids:
        assert page.has_earlier == (ids[0] > 0)
        assert page.has_later == (ids[-1] < count - 1)
    if side == "before":
        assert ids == list(range(max(0, min(max(place, 0), count) - PAGE_SIZE), min(max(place, 0), count)))
    if side == "after":
        assert ids == list(range(max(place, 0) + 1, min(count, max(place, 0) + 1 + PAGE_SIZE)))
    if side == "around" and 0 <= place < count:
        assert place in ids


async def test_files_are_told_with_their_beginning() -> None:
    async with LocalDiscord() as world:
        demo = build_demo_world(world)
        files = [
            ("a.md", b"# hi"),
            ("b.bin", b"\xff\xfe"),
            ("c.txt", b"x" * 9000),
            ("SPOILER_d.png", b"\xff"),
            ("e.txt", b"\xff"),
        ]
        said = await world.person(demo.mia).say(demo.general, "", files=files)
        text, binary, long, spoiler, odd = (attachment_view(one) for one in said.attachments)
        assert (text["text"], binary["text"], odd["text"]) == ("# hi", None, None)
        assert len(long["text"]) == SHOWN_CHARACTERS + 2
        assert (spoiler["image"], spoiler["spoiler"]) == (True, True)
        shown = file_view({"file": {"url": said.attachments[0].url}}, said.attachments)
        assert shown["name"] == "a.md"
    assert file_view({"file": {"url": "https://a.b/cdn/x/my%20card.json"}}, [])["name"] == "my card.json"
    assert local_path("https://a.b/evil.png") is None


def test_commands_offer_only_the_channels_that_there_can_be() -> None:
    where = {"type": 7, "name": "where", "description": "A place", "channel_types": [0, 2, 5, 13, 15]}
    view = commands_view([{"type": 1, "name": "deny", "description": "Deny", "options": [where]}])
    assert view[0]["options"][0]["channel_kinds"] == ["text", "voice", "forum"]
