"""Files that come with a message: which of them are read, how much of each, and how they stand among the words.

The person's words come first, then each file under its name in a fence. What is left out is said twice: inside the
text, so that the model knows, and in a note for the person.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from chat._decoding import decoded
from chat._file_kinds import Kind, kind_of
from chat.asides import without_asides
from chat.pictures import PICTURE_MARK
from storage import Picture, clean_text

__all__ = ["Attached", "Fault", "Kind", "Offered", "Woven", "as_text", "chosen", "named", "picture_words", "woven"]

MOST_CHARACTERS: Final = 24_000
"""Of all files of a message: some 7,000 tokens, the quarter of a usual window that a prompt grants its newest turn."""

MOST_FILE_BYTES: Final = 1024 * 1024
"""Of one text file, fetched whole; far more than is read of it, so that the note can say how long it is."""

MOST_FILES: Final = 10
"""As many as Discord lets a person attach."""

MOST_PICTURE_BYTES: Final = 10 * 1024 * 1024
"""Of one picture; what Discord takes from most people."""

MOST_PICTURES: Final = 4
"""Of one message. Each costs as many tokens as a page of text, and a fetch and a decoding here."""

LITTLE_TEXT: Final = 200
"""A message up to this long introduces what is pasted below it, so that both are the person's own words."""

LONGEST_NAME: Final = 80
_PASTE_NAME: Final = "message.txt"  # what Discord makes of a paste that is too long for a message
_MOST_NAMES_IN_A_NOTE: Final = 3


class Fault(Enum):
    """Why a file is only named."""

    KIND = "kind"
    TOO_LARGE = "too large"
    TOO_MANY = "too many"
    UNREACHABLE = "unreachable"
    NO_TEXT = "no text"
    NO_PICTURE = "no picture"


_FAULT_NOTES: Final = {
    Fault.KIND: "I take text files and pictures.",
    Fault.TOO_LARGE: f"I take text up to {MOST_FILE_BYTES >> 20} MB and pictures up to {MOST_PICTURE_BYTES >> 20} MB.",
    Fault.TOO_MANY: f"I take {MOST_FILES} files and {MOST_PICTURES} pictures with a message.",
    Fault.UNREACHABLE: "Discord did not give it to me. Attach it again.",
    Fault.NO_TEXT: "there is no text in it.",
    Fault.NO_PICTURE: "it cannot be opened as a picture, or is too large for one.",
}


@dataclass(frozen=True, slots=True)
class Offered:
    """What Discord says of a file before anything of it is fetched."""

    id: int
    name: str
    content_type: str
    size: int

    @property
    def kind(self) -> Kind:
        """What can be done with it."""
        return kind_of(self.name, self.content_type)

    @property
    def most_bytes(self) -> int:
        """How much of it is fetched at most."""
        return MOST_PICTURE_BYTES if self.kind is Kind.PICTURE else MOST_FILE_BYTES


@dataclass(frozen=True, slots=True)
class Attached:
    """What became of a file: its text, its picture, or the reason why there is neither."""

    offered: Offered
    text: str | None = None
    picture: Picture | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Woven:
    """A message with its files: what the model reads and sees, and notes for the person."""

    content: str
    pictures: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = ()


def chosen(offered: Iterable[Offered]) -> list[Attached]:
    """Which of a message's files to fetch: those without a fault."""
    files = pictures = 0
    result = []
    for file in offered:
        fault = None
        if file.kind is Kind.OTHER:
            fault = Fault.KIND
        elif file.size > file.most_bytes:
            fault = Fault.TOO_LARGE
        elif file.kind is Kind.PICTURE:
            pictures += 1
            fault = Fault.TOO_MANY if pictures > MOST_PICTURES else None
        else:
            files += 1
            fault = Fault.TOO_MANY if files > MOST_FILES else None
        result.append(Attached(file, fault=fault))
    return result


def as_text(offered: Offered, data: bytes) -> Attached:
    """A fetched file as text, if it is any."""
    text = decoded(data)
    if text is not None:
        return Attached(offered, text=text)
    return Attached(offered, fault=Fault.KIND if offered.kind is Kind.UNKNOWN else Fault.NO_TEXT)


@dataclass(frozen=True, slots=True)
class _Read:
    """How much of a text stays."""

    file: Attached
    kept: str
    length: int

    @property
    def is_whole(self) -> bool:
        return len(self.kept) == self.length


def woven(words: str, attached: Sequence[Attached]) -> Woven:
    """The person's words and what they attached as one text."""
    read = {id(one.file): one for one in _read([file for file in attached if file.text is not None])}
    paste = _paste(words, attached)
    pieces = [words] if words else []
    pieces += [_piece(file, read.get(id(file)), own_words=file is paste) for file in attached]
    # Texts of files stand apart; what is only named keeps close to the words.
    content = ("\n\n" if read else "\n").join(piece for piece in pieces if piece)
    pictures = tuple(file.picture for file in attached if file.picture is not None)
    return Woven(content, pictures, tuple(_notes(list(read.values()), paste, attached)))


def picture_words(picture: Picture) -> str:
    """How a picture is named among the words, whether or not it is shown."""
    return f"{PICTURE_MARK}{one_line(picture.name)}, {picture.width}x{picture.height}]"


def named(offered: Iterable[Offered]) -> str:
    """The names of files of which nothing is read."""
    return ", ".join(one_line(file.name) for file in offered)


def one_line(name: str) -> str:
    """A file's name as one short line that cannot end what it stands in."""
    plain = re.sub(r"[^\w.,()+ -]+", "_", clean_text(name)).strip()
    if len(plain) > LONGEST_NAME:
        plain = f"{plain[: LONGEST_NAME // 2]}…{plain[-LONGEST_NAME // 2 :]}"
    return plain or "file"


def _paste(words: str, attached: Sequence[Attached]) -> Attached | None:
    """The file that is the person's own words, because Discord made it of them."""
    if len(words) > LITTLE_TEXT:
        return None
    return next((file for file in attached if file.text is not None and file.offered.name == _PASTE_NAME), None)


def _read(texts: Sequence[Attached]) -> list[_Read]:
    """What stays of each text: short ones whole, and of the long ones alike."""
    found = {}
    left = MOST_CHARACTERS
    for done, file in enumerate(sorted(texts, key=lambda file: len(file.text or ""))):
        text = (file.text or "").strip("\n")
        found[id(file)] = _Read(file, _beginning(text, left // (len(texts) - done)), len(text))
        left -= len(found[id(file)].kept)
    return [found[id(file)] for file in texts]


def _beginning(text: str, most: int) -> str:
    """So much of a text, up to the end of a line."""
    if len(text) <= most:
        return text
    end = text.rfind("\n", most // 2, most)  # without line ends, as in minified code, anywhere
    return text[: end if end > 0 else most]


def _piece(file: Attached, read: _Read | None, *, own_words: bool) -> str:
    if file.picture is not None:
        return picture_words(file.picture)
    if read is None:
        return _unread(file)
    text = without_asides(read.kept) if own_words else read.kept
    if not read.is_whole:
        text += f"\n[… cut here: the first {len(read.kept):,} of {read.length:,} characters …]"
    return text if own_words else f"[File: {one_line(file.offered.name)}]\n{_fenced(text)}"


def _fenced(text: str) -> str:
    """The text in a fence that nothing in it can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _unread(file: Attached) -> str:
    offered = file.offered
    kind = re.sub(r"[^\w/.+-]+", "", offered.content_type.partition(";")[0])[:LONGEST_NAME] or "file"
    told = "it could not be read" if file.fault is Fault.UNREACHABLE else "its content is not shown to you"
    return f"[Attached: {one_line(offered.name)}, {kind}, {offered.size:,} bytes; {told}]"


def _notes(read: Sequence[_Read], paste: Attached | None, attached: Sequence[Attached]) -> Iterable[str]:
    for one in read:
        if not one.is_whole:
            name = one_line(one.file.offered.name)
            yield f"📎 `{name}`: I read the first {len(one.kept):,} of {one.length:,} characters."
    if whole := [one.file for one in read if one.is_whole and one.file is not paste]:
        yield f"📎 I read {_listed(whole)}."
    for fault, reason in _FAULT_NOTES.items():
        if unread := [file for file in attached if file.fault is fault]:
            yield f"📎 I did not read {_listed(unread)}: {reason}"


def _listed(files: Sequence[Attached]) -> str:
    names = ", ".join(f"`{one_line(file.offered.name)}`" for file in files[:_MOST_NAMES_IN_A_NOTE])
    more = len(files) - _MOST_NAMES_IN_A_NOTE
    return f"{names} and {more} more" if more > 0 else names
