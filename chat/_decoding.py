"""From a file's bytes to its text."""

import codecs
from typing import Final

import regex

from storage import clean_text

# Longest first: UTF-32's mark begins with UTF-16's.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# In Western text few bytes are beyond ASCII; where more are not UTF-8, the file holds something else, or text in an
# encoding that nobody told us.
_MOST_UNDECODABLE: Final = 0.3
# Compressed data has a tenth of them; text has hardly any but tabs and line ends.
_MOST_CONTROLS: Final = 0.02

_CONTROL_BYTES: Final = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))
_TERMINAL_CODES: Final = regex.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
_UNSEEN: Final = regex.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff]+")


def decoded(data: bytes) -> str | None:
    """The text, with plain line ends and without what no screen shows; None when the bytes are no text."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(encoding, "replace")
            break
    else:
        if b"\0" in data or len(data.translate(None, _CONTROL_BYTES)) < len(data) * (1 - _MOST_CONTROLS):
            return None
        found = _without_mark(data)
        if found is None:
            return None
        text = found
    return _tidy(text)


def _without_mark(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        beyond = len(data.translate(None, bytes(range(128))))
        if beyond > len(data) * _MOST_UNDECODABLE and _wrong_bytes(data) > len(data) * _MOST_UNDECODABLE:
            return None
    if _wrong_bytes(data) * 100 < len(data) and _multibyte(data):
        return data.decode("utf-8", "replace")  # UTF-8 with a few broken bytes, as logs have
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _wrong_bytes(data: bytes) -> int:
    """How many bytes are no UTF-8."""
    return len(data) - len(data.decode("utf-8", "ignore").encode("utf-8"))


def _multibyte(data: bytes) -> bool:
    """Whether what is UTF-8 in it goes beyond ASCII."""
    return not data.decode("utf-8", "ignore").isascii()


def _tidy(text: str) -> str:
    text = clean_text(text).replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub("", _TERMINAL_CODES.sub("", text))
