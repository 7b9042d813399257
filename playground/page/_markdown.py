"""Discord's Markdown as safe HTML: fences, quotes, headings and lists by line, the rest by the inline rules.

Blocks are told apart here rather than by markdown-it, because Discord knows no paragraphs: every line break shows, a
quote ends with its line, and a fence may begin anywhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markdown_it.common.utils import escapeHtml

from ._highlight import highlight
from ._inline import Names, render_inline

if TYPE_CHECKING:
    from collections.abc import Iterator

_FENCE = re.compile(r"```(?:([\w+.#-]{1,20})\n)?(.*?)```\n?", re.DOTALL)
_HEADING = re.compile(r"(#{1,3})\s+(\S.*)")
_SUBTEXT = re.compile(r"-#\s+(\S.*)")
_ITEM = re.compile(r"( *)(?:([-*])|(\d{1,9})\.)\s+(\S.*)")
_MAX_DEPTH = 10


def render(text: str, names: Names) -> str:
    """Return safe HTML of a message."""
    parts: list[str] = []
    at = 0
    for fence in _FENCE.finditer(text):
        if not fence[2].strip("\n"):
            continue
        parts += _render_lines(text[at : fence.start()].removesuffix("\n"), names)
        parts.append(_code(fence[1], fence[2]))
        at = fence.end()
    parts += _render_lines(text[at:], names)
    return "".join(parts)


def _code(language: str | None, code: str) -> str:
    name = f' data-language="{escapeHtml(language)}"' if language else ""
    return f"<pre{name}><code>{highlight(code.strip(chr(10)), language)}</code></pre>"


def _render_lines(text: str, names: Names) -> Iterator[str]:
    """Yield the HTML of a text without fences."""
    if not text:
        return
    lines = text.split("\n")
    plain: list[str] = []
    number = 0
    while number < len(lines):
        block, used = _block(lines, number, names)
        if block is None:
            plain.append(lines[number])
            number += 1
            continue
        yield from _paragraph(plain, names)
        plain.clear()
        yield block
        number += used
    yield from _paragraph(plain, names)


def _paragraph(lines: list[str], names: Names) -> Iterator[str]:
    if lines:
        empty_end = "" if lines[-1] else "<br>"  # a browser does not show the last line break of a paragraph
        yield f"<p>{render_inline(chr(10).join(lines), names)}{empty_end}</p>"


def _block(lines: list[str], number: int, names: Names) -> tuple[str | None, int]:
    """Return the block that begins at a line and how many lines it takes, or None for plain text."""
    line = lines[number]
    if line.startswith(">>> ") and line[4:].strip():
        inner = "\n".join([line[4:], *lines[number + 1 :]])
        return f"<blockquote>{''.join(_render_lines(inner, names))}</blockquote>", len(lines) - number
    if line.startswith("> "):
        end = next((n for n in range(number, len(lines)) if not lines[n].startswith("> ")), len(lines))
        inner = "\n".join(quoted[2:] for quoted in lines[number:end])
        return f"<blockquote>{''.join(_render_lines(inner, names))}</blockquote>", end - number
    if match := _HEADING.match(line):
        level = len(match[1])
        return f'<p class="h{level}" role="heading" aria-level="{level + 2}">{render_inline(match[2], names)}</p>', 1
    if match := _SUBTEXT.match(line):
        return f'<p class="subtext">{render_inline(match[1], names)}</p>', 1
    if _ITEM.match(line):
        end = next((n for n in range(number, len(lines)) if not _ITEM.match(lines[n])), len(lines))
        return _list(lines[number:end], names), end - number
    return None, 0


def _list(lines: list[str], names: Names) -> str:
    """Return nested lists; two spaces more are one level deeper."""
    out: list[str] = []
    open_tags: list[str] = []
    for line in lines:
        match = _ITEM.match(line)
        if match is None:
            continue
        depth = min(len(match[1]) // 2 + 1, len(open_tags) + 1, _MAX_DEPTH)
        tag = "ul" if match[2] else "ol"
        while len(open_tags) > depth or (len(open_tags) == depth and open_tags[-1] != tag):
            out.append(f"</li></{open_tags.pop()}>")
        if len(open_tags) == depth:
            out.append("</li>")
        else:
            open_tags.append(tag)
            out.append("<ul>" if match[2] else f'<ol start="{int(match[3])}">')
        out.append(f"<li>{render_inline(match[4], names)}")
    while open_tags:
        out.append(f"</li></{open_tags.pop()}>")
    return "".join(out)
