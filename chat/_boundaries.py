"""Where a text that has grown too long is cut best."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import regex

from chat._markdown import find_code

# White space, perhaps after the end of a sentence; or the end of a sentence in a script without spaces.
# "1." is not taken for a sentence, or the number of a list would be parted from its item.
_BREAK = regex.compile(
    r"(?P<sentence>(?:[!?…。！？]|(?<!\d)\.)[\"'”’»)\]*_~|]*+)?(?P<space>\s++)"
    r"|(?P<unspaced>[。！？｡][\"”’」』）】]*+)(?=\S)"
)

# What means nothing in halves: addresses with the Markdown link around them, Discord's tokens (<@1>, <:name:1>,
# <t:1:R>), either of them complete or just arriving, inline code that is arriving, and runs of backticks.
_ARRIVING_SCHEME = r"<?(?:h|ht|htt|https?:?/?/?)\Z"
_ATOM = regex.compile(
    r"(?:\[[^\[\]\n]{1,200}\]\()?<?https?://[^\s<>]+>?"
    rf"|\[[^\[\]\n]{{0,200}}(?:\Z|\]\(?(?:\Z|{_ARRIVING_SCHEME}))"
    r"|<[^\s<>]{0,99}(?:>|\Z)"
    rf"|{_ARRIVING_SCHEME}"
    r"|(?<!`)`{1,2}(?!`)[^`\n]{0,100}\Z"
    r"|`{2,}",
    regex.IGNORECASE,
)
_CLUSTER = regex.compile(r"\X")
EXTENDS_CLUSTER = r"[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]"
_EXTENDS = regex.compile(EXTENDS_CLUSTER)

# The ranks of boundaries: one in prose, one between lines of code (the block must be reopened), one inside a line.
_PROSE, _CODE_LINE, _WORD = 3, 2, 1


def choose_cut(window: str, open_language: str | None, limit: int, fits: Callable[[int], bool]) -> int:
    """The best position to cut a window that holds one character too many.

    The best rank within the last quarter of the limit wins, among equals the latest; then the last half is looked at;
    then a character boundary anywhere. Zero means that no cut leaves anything to show in front of it.
    """
    forbidden = _forbidden_spans(window, open_language, limit)
    ranked = [
        (rank, position)
        for rank, position in _boundaries(window, open_language)
        if not _inside(position, forbidden) and position >= len(window) // 2
    ]
    for earliest in (len(window) - limit // 4, 0):
        for _, position in sorted((pair for pair in ranked if pair[1] >= earliest), reverse=True):
            if fits(position):
                return position
    return _hard_cut(window, forbidden, fits)


def _boundaries(window: str, open_language: str | None) -> Iterator[tuple[int, int]]:
    code = find_code(window, open_language)
    for match in _BREAK.finditer(window):
        if match["unspaced"]:
            if not code.fence_at(match.end()):
                yield _PROSE, match.end()
            continue
        position = match.start("space")
        if position == 0 or _EXTENDS.match(window, match.end()):
            continue
        line = "\n" in match["space"]
        if code.fence_at(position):
            yield (_CODE_LINE if line else _WORD), position
        else:
            yield (_PROSE if line or match["sentence"] else _WORD), position


def _forbidden_spans(window: str, open_language: str | None, limit: int) -> list[tuple[int, int]]:
    """Spans in which no cut may fall; one that takes more than half a part is cut all the same."""
    code = find_code(window, open_language)
    spans = [match.span() for match in _ATOM.finditer(window)]
    spans += code.inline
    # A block's opening belongs to its first line, else its language would be shown as code.
    spans += ((fence.start, fence.body + 1) for fence in code.fences if fence.start >= 0)
    return [(start, end) for start, end in spans if end - start <= limit // 2]


def _inside(position: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start < position < end for start, end in spans)


def _hard_cut(window: str, forbidden: Sequence[tuple[int, int]], fits: Callable[[int], bool]) -> int:
    clusters = [match.start() for match in _CLUSTER.finditer(window)][:0:-1]
    for position in clusters:
        if not _inside(position, forbidden) and fits(position):
            return position
    for position in clusters:
        if fits(position):
            return position
    # One cluster fills the whole part (a pile of combining marks): cut it between its code points.
    return next((position for position in range(len(window) - 1, 0, -1) if fits(position)), 0)
