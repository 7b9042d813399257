"""Addresses written so that Discord shows no preview of them."""

from __future__ import annotations

import regex

from chat._markdown import find_code

# Either an address that is in angle brackets already (left alone) or a bare one, also as the target of a Markdown link.
_ADDRESS = regex.compile(r"<https?://[^\s<>]+>|https?://[^\s<>]+", regex.IGNORECASE)

# Marks that end a sentence or close other formatting, so they are not part of the address before them.
_TRAILING = ".,:;!?\"'*|~`]"


def neutralise(text: str) -> str:
    """Write bare addresses as ``<address>``; code and addresses in angle brackets already stay as they are.

    A webhook message cannot have its previews suppressed on an edit, so the text itself has to do it.
    """
    if "://" not in text:
        return text
    code = find_code(text)
    pieces: list[str] = []
    done = 0
    for match in _ADDRESS.finditer(text):
        if match[0].startswith("<") or code.fence_at(match.start()) or _within(match.start(), code.inline):
            continue
        address = _without_trailing(match[0])
        if address.endswith("://"):
            continue
        pieces += (text[done : match.start()], "<", address, ">")
        done = match.start() + len(address)
    pieces.append(text[done:])
    return "".join(pieces)


def _within(position: int, spans: tuple[tuple[int, int], ...]) -> bool:
    return any(start <= position < end for start, end in spans)


def _without_trailing(address: str) -> str:
    """The address without the punctuation after it; a closing bracket stays when its opening one is inside."""
    scheme = address.index("://") + 3
    while len(address) > scheme and (
        address[-1] in _TRAILING or (address[-1] == ")" and address.count(")") > address.count("("))
    ):
        address = address[:-1]
    return address
