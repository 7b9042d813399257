"""The lorebooks of all servers: taking in, finding, switching on, and trying out.

In direct messages everybody has only their own.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from chat._allowed import allowed_object
from chat.context import Cast, ContextReader
from chat.errors import NoSuchLorebookError, NothingThereError, TooManyLorebooksError
from chat.lorebooks import Lorebook, Scan, lorebook_content, lorebook_file
from chat.policy import UNFILTERED, TextPolicy
from chat.preferences import Place
from storage import LorebookOutline, Lorebooks, Scope, clean_text

MOST: Final = 25
LONGEST_NAME: Final = 80
MAX_FILE_BYTES: Final = 4 * 1024 * 1024
_UNNAMED: Final = "Lorebook"


@dataclass(frozen=True, slots=True)
class ListedBook:
    """A lorebook and where it is looked through."""

    outline: LorebookOutline
    places: Sequence[Scope]


class LoreLibrary:
    """Everything about lorebooks that is not in a prompt."""

    def __init__(self, lorebooks: Lorebooks, context: ContextReader, texts: TextPolicy = UNFILTERED) -> None:
        self._lorebooks = lorebooks
        self._context = context
        self._texts = texts

    async def take_in(
        self, place: Place, data: bytes, scope: Scope, user_id: int, *, name: str | None, file_name: str
    ) -> tuple[LorebookOutline, Lorebook]:
        """Keep a file's lorebook and switch it on. Raises `LorebookError` or `TooManyLorebooksError`.

        It is called as somebody wishes, else as it calls itself, else as the file. Raises the text policy's own error.
        """
        book = await asyncio.to_thread(lorebook_file, data)
        content = await asyncio.to_thread(lorebook_content, data)
        allowed = await allowed_object(self._texts, place.guild_id, place.scopes, user_id, content)
        if allowed is not content:
            data = msgspec.json.encode(allowed)
            book = await asyncio.to_thread(lorebook_file, data)
        named = (" ".join(clean_text(text or "").split()) for text in (name, book.name, file_name))
        shown = next(filter(None, named), _UNNAMED)[:LONGEST_NAME].strip()
        [shown] = await self._texts.given(place.guild_id, place.scopes, user_id, [shown])
        # All direct messages are one guild to the storage, so each person's are counted here.
        if place.guild_id is None and len(await self.all(place, user_id)) >= MOST:
            raise TooManyLorebooksError(MOST)
        most = 1 << 31 if place.guild_id is None else MOST
        book_id = await self._lorebooks.add(place.guild_id, shown, data, len(book.entries), user_id, most)
        if book_id is None:
            raise TooManyLorebooksError(MOST)
        await self._lorebooks.switch(place.guild_id, book_id, scope, on=True)
        return (await self.find(place, str(book_id), user_id)).outline, book

    async def all(self, place: Place, user_id: int) -> list[ListedBook]:
        """The lorebooks that are there, by name."""
        places = await self._lorebooks.places(place.guild_id)
        return [
            ListedBook(outline, places.get(outline.id, ()))
            for outline in await self._lorebooks.all(place.guild_id)
            if place.guild_id is not None or outline.created_by == user_id
        ]

    async def find(self, place: Place, typed: str, user_id: int) -> ListedBook:
        """A lorebook by its name or id. Raises `NoSuchLorebookError`."""
        typed = " ".join(typed.split())
        books = await self.all(place, user_id)
        for book in books:
            if str(book.outline.id) == typed:
                return book
        for book in books:
            if book.outline.name.casefold() == typed.casefold():
                return book
        raise NoSuchLorebookError(typed)

    async def open(self, place: Place, typed: str, user_id: int) -> tuple[ListedBook, Lorebook]:
        """A lorebook with its entries. Raises `NoSuchLorebookError`."""
        found = await self.find(place, typed, user_id)
        stored = await self._lorebooks.get(place.guild_id, found.outline.id)
        if stored is None:
            raise NoSuchLorebookError(typed)
        return found, await asyncio.to_thread(lorebook_file, stored.data)

    async def switch(self, place: Place, found: ListedBook, scope: Scope, *, on: bool) -> None:
        """Let it be looked through there, or no longer. Raises `NothingThereError` if that is so already."""
        if not await self._lorebooks.switch(place.guild_id, found.outline.id, scope, on=on):
            raise NothingThereError("lore enable" if on else "lore disable")

    async def delete(self, place: Place, found: ListedBook) -> None:
        """Forget a lorebook."""
        await self._lorebooks.delete(place.guild_id, found.outline.id)

    async def test(self, cast: Cast, text: str, user_id: int, user_name: str) -> Scan | None:
        """What would fire if a person said this now; None where no lorebook is looked through."""
        return await self._context.look_through(cast, text, user_id, user_name)
