"""The inline part of Discord's Markdown: markdown-it with HTML off, and the rules that only Discord has."""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml

from ._emoji import EMOJI

if TYPE_CHECKING:
    from markdown_it.renderer import RendererProtocol
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.utils import OptionsDict

    Env = MutableMapping[str, Any]

_RULES = ("emphasis", "strikethrough", "backticks", "link", "escape", "newline")
_MENTION = re.compile(r"<(@!?|@&|#)(\d{1,20})>")
_COMMAND = re.compile(r"</([-\w ]{1,98}):\d{1,20}>")
_EMOJI = re.compile(r"<a?:(\w{2,32}):(\d{1,20})>")
_TIME = re.compile(r"<t:(-?\d{1,13})(?::([tTdDfFR]))?>")
_EVERYONE = re.compile(r"@(everyone|here)\b")
_ANGLE_LINK = re.compile(r"<(https?://[^\s<>]+)>", re.IGNORECASE)
_BARE_LINK = re.compile(r"://[^\s<>\"]+")
_SCHEME = re.compile(r"(?:^|(?<=[^A-Za-z0-9]))https?$", re.IGNORECASE)
_MESSAGE_LINK = re.compile(
    r"https?://(?:\w+\.)?discord(?:app)?\.com/channels/(?:@me|\d{1,20})/(\d{1,20})(?:/(\d{1,20}))?/?", re.IGNORECASE
)
_TRAILING = ".,:;!?'*_~|"


class Names(Protocol):
    """Turns the ids in mentions into names."""

    def user(self, user_id: int) -> str | None:
        """Return a user's name."""

    def role(self, role_id: int) -> str | None:
        """Return a role's name."""

    def channel(self, channel_id: int) -> str | None:
        """Return a channel's name."""


class _DiscordInline(MarkdownIt):
    """Inline Markdown only, links to web addresses only."""

    def __init__(self) -> None:
        super().__init__("zero", {"html": False, "breaks": True})
        self.enable(list(_RULES))
        self.inline.add_terminator_char("|")
        self.inline.ruler.before("link", "discord_angle", _angle)
        self.inline.ruler.before("link", "discord_spoiler", _spoiler)
        self.inline.ruler.before("link", "discord_everyone", _everyone)
        self.inline.ruler.before("link", "discord_link", _bare_link)
        self.add_render_rule("strong_open", _strong)
        self.add_render_rule("strong_close", _strong)
        self.add_render_rule("link_open", _link_open)
        self.add_render_rule("link_close", _link_close)
        self.add_render_rule("text", _text)
        self.add_render_rule("spoiler_open", _spoiler_open)
        self.add_render_rule("discord_html", _raw)
        self.add_render_rule("softbreak", _break)
        self.add_render_rule("hardbreak", _break)

    def validateLink(self, url: str) -> bool:  # noqa: N802 - overrides the library's name
        """Refuse everything that is no web address."""
        return url.lower().startswith(("http://", "https://"))


def render_inline(text: str, names: Names) -> str:
    """Return safe HTML of a text without blocks."""
    html: str = _PARSER.renderInline(text, {"names": names})
    return html


def _push(state: StateInline, html: str, length: int, *, silent: bool) -> bool:
    """Put out finished HTML for the next characters."""
    if not silent:
        state.push("discord_html", "", 0).content = html
    state.pos += length
    return True


def _angle(state: StateInline, silent: bool) -> bool:
    """Mentions, emoji, timestamps and addresses in angle brackets."""
    if state.src[state.pos] != "<":
        return False
    for pattern, make in ((_MENTION, _mention), (_COMMAND, _command), (_EMOJI, _emoji), (_TIME, _time)):
        if match := pattern.match(state.src, state.pos):
            return _push(state, make(match, state.env["names"]), len(match[0]), silent=silent)
    if match := _ANGLE_LINK.match(state.src, state.pos):
        return _push(state, _anchor(match[1], state.env["names"]), len(match[0]), silent=silent)
    return False


def _mention(match: re.Match[str], names: Names) -> str:
    sign, number = match[1], int(match[2])
    if sign == "#":
        name = names.channel(number)
        shown, kind = f"#{name or 'unknown'}", "channel"
    elif sign == "@&":
        name = names.role(number)
        shown, kind = f"@{name or 'unknown-role'}", "role"
    else:
        name = names.user(number)
        shown, kind = f"@{name or 'unknown-user'}", "user"
    return f'<span class="mention" data-kind="{kind}" data-id="{number}">{escapeHtml(shown)}</span>'


def _command(match: re.Match[str], _names: Names) -> str:
    return f'<span class="mention" data-kind="command">/{escapeHtml(match[1])}</span>'


def _emoji(match: re.Match[str], _names: Names) -> str:
    name = f":{escapeHtml(match[1])}:"
    return f'<img class="emoji own" src="/emoji/{match[2]}" alt="{name}" title="{name}">'


def _time(match: re.Match[str], _names: Names) -> str:
    try:
        moment = datetime.fromtimestamp(int(match[1]), UTC)
    except (OverflowError, ValueError, OSError):
        return escapeHtml(match[0])
    shown = f"{moment:%d %B %Y %H:%M} UTC"
    style = match[2] or "f"
    return f'<time class="timestamp" datetime="{moment.isoformat()}" data-style="{style}">{shown}</time>'


def _everyone(state: StateInline, silent: bool) -> bool:
    match = _EVERYONE.match(state.src, state.pos)
    if match is None:
        return False
    return _push(state, f'<span class="mention" data-kind="everyone">@{match[1]}</span>', len(match[0]), silent=silent)


def _spoiler(state: StateInline, silent: bool) -> bool:
    start = state.pos
    if not state.src.startswith("||", start):
        return False
    end = state.src.find("||", start + 2, state.posMax)
    if end <= start + 2:
        return False
    if not silent:
        state.push("spoiler_open", "span", 1)
        outer = state.posMax
        state.pos, state.posMax = start + 2, end
        state.md.inline.tokenize(state)
        state.posMax = outer
        state.push("spoiler_close", "span", -1)
    state.pos = end + 2
    return True


def _bare_link(state: StateInline, silent: bool) -> bool:
    """Web addresses in plain text; the parser stops at their colon."""
    if state.src[state.pos] != ":" or state.linkLevel > 0:
        return False
    scheme = _SCHEME.search(state.pending)
    match = _BARE_LINK.match(state.src, state.pos, state.posMax)
    if scheme is None or match is None:
        return False
    rest = match[0].rstrip(_TRAILING)
    if rest.endswith(")") and "(" not in rest:
        rest = rest[:-1]
    if len(rest) <= len("://"):
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme[0])]
        state.push("discord_html", "", 0).content = _anchor(scheme[0] + rest, state.env["names"])
    state.pos += len(rest)
    return True


def _anchor(url: str, names: Names) -> str:
    if place := _MESSAGE_LINK.fullmatch(url):
        return (
            f"{_place_open(place)}#{escapeHtml(names.channel(int(place[1])) or 'unknown')}{_place_sign(place)}</span>"
        )
    safe = escapeHtml(url)
    return f'<a href="{safe}" target="_blank" rel="noopener noreferrer">{safe}</a>'


def _place_open(place: re.Match[str]) -> str:
    """A link to a message leads there on this page, never to the real Discord."""
    if place[2]:
        return f'<span class="mention" data-kind="message" data-channel="{place[1]}" data-id="{place[2]}">'
    return f'<span class="mention" data-kind="channel" data-id="{place[1]}">'


def _place_sign(place: re.Match[str]) -> str:
    return " › message" if place[2] else ""


def _strong(self: RendererProtocol, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
    """Discord underlines what stands between two underscores."""
    tag = "u" if tokens[idx].markup == "__" else "strong"
    return f"<{tag}>" if tokens[idx].nesting == 1 else f"</{tag}>"


def _link_open(self: RendererProtocol, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
    href = str(tokens[idx].attrGet("href") or "")
    env["in_place"] = place = _MESSAGE_LINK.fullmatch(href)
    if place:
        return _place_open(place)
    safe = escapeHtml(href)
    return f'<a href="{safe}" title="{safe}" target="_blank" rel="noopener noreferrer">'


def _link_close(self: RendererProtocol, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
    return "</span>" if env.pop("in_place", None) else "</a>"


def _text(self: RendererProtocol, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
    return EMOJI.sub(r'<span class="emoji">\g<0></span>', escapeHtml(tokens[idx].content))


def _spoiler_open(self: RendererProtocol, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
    return '<span class="spoiler" role="button" tabindex="0" aria-expanded="false" aria-label="Spoiler">'


def _raw(self: RendererProtocol, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
    return tokens[idx].content


def _break(self: RendererProtocol, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
    return "<br>"


_PARSER = _DiscordInline()
