"""Fetching what people attach: from Discord's own addresses only, never more than is read, and not for long.

Not with discord.py's `Attachment.read`, which follows redirects and takes in whatever comes, however much it is.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

import aiohttp
import discord
import yarl

from chat.attachments import Attached, Fault, Kind, Offered, Woven, as_text, chosen, woven
from chat.pictures import UnreadablePictureError, shrunk
from storage import Picture

logger = logging.getLogger(__name__)

CDN_HOSTS: Final = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
FETCH_SECONDS: Final = 15.0  # for all of a message's files; somebody waits for the answer
TYPING_AFTER_SECONDS: Final = 0.7  # most files are here by then
MOST_AT_ONCE: Final = 8  # fetches for everybody together
CHUNK_BYTES: Final = 64 * 1024

_PROBLEMS: Final = (aiohttp.ClientError, OSError, ValueError)  # a TimeoutError is an OSError


class File(Protocol):
    """What Discord says of a file."""

    @property
    def size(self) -> int: ...

    @property
    def url(self) -> str: ...


class MessageGoneError(Exception):
    """A message was deleted while its files were being read."""


class AttachmentReader:
    """Reads the files of messages, for everybody; `close` it when the bot ends."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._fetching = asyncio.Semaphore(MOST_AT_ONCE)
        self._decoding = asyncio.Semaphore(1)  # a large picture takes 120 MB until it is small
        self._being_read: set[int] = set()
        self._gone: set[int] = set()
        self._lines: dict[Hashable, list[asyncio.Event]] = {}

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    @contextlib.asynccontextmanager
    async def in_order(self, key: Hashable) -> AsyncIterator[None]:
        """Wait until those who came before under this key are through: a file takes longer than the words after it."""
        line, through = self._lines.setdefault(key, []), asyncio.Event()
        before = line[-1] if line else None
        line.append(through)
        try:
            if before is not None:
                await before.wait()
            yield
        finally:
            through.set()
            line.remove(through)
            if not line:
                self._lines.pop(key, None)

    def message_gone(self, message_id: int) -> None:
        """A message was deleted; if it is being read, the words of it are not wanted any more."""
        if message_id in self._being_read:
            self._gone.add(message_id)

    async def read(
        self,
        message_id: int,
        words: str,
        attachments: Sequence[discord.Attachment],
        *,
        known: Mapping[int, Picture] | None = None,
        on_wait: Callable[[], Awaitable[object]] | None = None,
    ) -> Woven:
        """The words with the files that came with them; `known` pictures are not fetched again.

        `on_wait` is called once when it lasts. Raises `MessageGoneError`; a file that cannot be read is no error.
        """
        if not attachments:
            return Woven(words)
        self._being_read.add(message_id)
        reading = asyncio.ensure_future(self._read_all(attachments, known or {}))
        try:
            done, _ = await asyncio.wait([reading], timeout=TYPING_AFTER_SECONDS)
            if not done and on_wait is not None:
                await on_wait()
            attached = await reading
            if message_id in self._gone:
                raise MessageGoneError
            return woven(words, attached)
        finally:
            reading.cancel()
            self._being_read.discard(message_id)
            self._gone.discard(message_id)

    async def whole(self, attachment: File, most_bytes: int) -> bytes | Fault:
        """A file as it is, if it is no larger than that."""
        if attachment.size > most_bytes:
            return Fault.TOO_LARGE
        try:
            async with asyncio.timeout(FETCH_SECONDS), self._fetching:
                data = await self._fetch(attachment.url, most_bytes)
        except _PROBLEMS as error:
            logger.info("an attachment could not be fetched: %s", type(error).__name__)
            return Fault.UNREACHABLE
        return Fault.TOO_LARGE if data is None else data

    async def _read_all(
        self, attachments: Sequence[discord.Attachment], known: Mapping[int, Picture]
    ) -> list[Attached]:
        plans = chosen(map(offered, attachments))
        deadline = asyncio.get_running_loop().time() + FETCH_SECONDS
        return await asyncio.gather(
            *(
                self._read_one(plan, attachment.url, deadline, known.get(attachment.id))
                for plan, attachment in zip(plans, attachments, strict=True)
            )
        )

    async def _read_one(self, plan: Attached, url: str, deadline: float, known: Picture | None) -> Attached:
        if plan.fault is not None or known is not None:
            return replace(plan, picture=known if plan.fault is None else None)
        try:
            async with asyncio.timeout_at(deadline), self._fetching:
                data = await self._fetch(url, plan.offered.most_bytes)
        except _PROBLEMS as error:
            logger.info("an attachment could not be fetched: %s", type(error).__name__)
            return replace(plan, fault=Fault.UNREACHABLE)
        if data is None:
            return replace(plan, fault=Fault.TOO_LARGE)
        if plan.offered.kind is Kind.PICTURE:
            return await self._picture(plan.offered, data)
        return as_text(plan.offered, data)

    async def _picture(self, file: Offered, data: bytes) -> Attached:
        try:
            async with self._decoding:
                return Attached(file, picture=await asyncio.to_thread(shrunk, file.id, file.name, data))
        except UnreadablePictureError:
            return Attached(file, fault=Fault.NO_PICTURE)

    async def _fetch(self, url: str, most: int) -> bytes | None:
        """The bytes at an address of Discord's; None when they are more than that.

        Raises an error of `_PROBLEMS`, also for any other address and for a redirect.
        """
        address = yarl.URL(url)
        if not is_discords(address):
            raise ValueError("not an address of Discord's")
        if self._session is None:
            # Unpacked it could be a thousand times as much; Discord packs nothing that was not asked for packed.
            self._session = aiohttp.ClientSession(
                auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), headers={"Accept-Encoding": "identity"}
            )
        async with self._session.get(address, allow_redirects=False) as response:
            if response.status != 200 or "Content-Encoding" in response.headers:
                raise ValueError(f"Discord answered {response.status}")
            if (response.content_length or 0) > most:
                return None
            data = bytearray()
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                data += chunk
                if len(data) > most:
                    return None
            return bytes(data)


def offered(attachment: discord.Attachment) -> Offered:
    """What Discord says of a file."""
    return Offered(attachment.id, attachment.filename, attachment.content_type or "", attachment.size)


def is_discords(address: yarl.URL) -> bool:
    """Whether files are fetched from there: Discord's file hosts, or where discord.py was told that Discord is."""
    if address.user is not None or address.password is not None:
        return False
    if address.scheme == "https" and address.host in CDN_HOSTS and address.port == 443:
        return True
    base = yarl.URL(discord.Asset.BASE)
    if not base.host or base.host in CDN_HOSTS or not address.absolute:
        return False
    return address.origin() == base.origin() and address.path.startswith(f"{base.path.rstrip('/')}/")
