"""Everybody's API keys: the operator's, and those of servers, which are opened when they are first needed.

A key of a server is used for that server alone. What its members lend joins the keys that serve it anyway. A key of the
server's own stands in place of the operator's, until the service refuses it.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from chat.diagnosis import models_of
from chat.errors import KeyFormatError, KeyNotAcceptedError, TooManyLendersError
from chat.keys import Key, KeyPool
from infermatic_client import AuthenticationError, BadRequestError, InfermaticClient, PermissionDeniedError
from storage import (
    EVERYWHERE,
    BrokenSealError,
    SealedKey,
    SealedKeys,
    Sealer,
    SecretKeyMissingError,
    StorageError,
    Where,
)

logger = logging.getLogger(__name__)

FIELD: Final = "api_key"
MOST_LENDERS: Final = 25
LENDERS_CHECKED_SECONDS: Final = 3600.0
"""How long a lender is believed to be still a member. Discord does not tell the bot when somebody leaves."""


@dataclass(frozen=True, slots=True)
class KeyTrouble:
    """A key that is no use any more: the service refuses it, or it does not open with the secret key of today."""

    guild_id: int
    lender_id: int | None
    sealed: bool


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """A key that is kept for a server, and how it does."""

    lender_id: int | None
    since: datetime
    state: Literal["accepted", "refused", "sealed"]


class ServerPool(KeyPool):
    """A server's own key and those that members lend. The operator's join them where no key of its own works."""

    def __init__(self, operators: KeyPool, *, clock: Callable[[], float], noticed: Callable[[Key, bool], None]) -> None:
        super().__init__((), clock=clock)
        self._operators = operators
        self._noticed = noticed
        self._useless: set[Key] = set()  # of which somebody was told
        self.lenders_checked_at = -math.inf

    @property
    def keys(self) -> list[Key]:
        """Its own first, so that the operator's are spared."""
        now = self._clock()
        has_own = any(key.lender_id is None and key.refused_until <= now for key in self._keys)
        return self._keys if has_own else [*self._keys, *self._operators.keys]

    @property
    def kept(self) -> tuple[Key, ...]:
        """The keys that belong to the server alone."""
        return tuple(self._keys)

    @property
    def lenders(self) -> list[int]:
        """Who lends a key."""
        return [key.lender_id for key in self._keys if key.lender_id is not None]

    def find(self, lender_id: int | None) -> Key | None:
        """The key that somebody lends; None: that of the server."""
        return next((key for key in self._keys if key.lender_id == lender_id), None)

    def put(self, key: Key, *, useless: bool) -> None:
        """Use a key from now on; `useless`: people know already that it was no use."""
        self._keys.insert(0 if key.lender_id is None else len(self._keys), key)
        if useless:
            self._useless.add(key)

    def drop(self, key: Key) -> None:
        """Begin nothing more with a key."""
        self._keys.remove(key)
        self._useless.discard(key)

    def succeeded(self, key: Key, model: str) -> None:
        """The service answered: the key is of use, also if it was not before."""
        super().succeeded(key, model)
        if key in self._useless:
            self._useless.discard(key)
            self._noticed(key, False)

    def report_refused(self, key: Key) -> None:
        """Tell those whose key it is."""
        if key.is_operators:
            self._operators.report_refused(key)
        elif key in self._keys and key not in self._useless:
            self._useless.add(key)
            self._noticed(key, True)


class Keyring:
    """Which keys answer for which server. `open_client` makes the client of a key, with limits.

    `hide` is told each key that is opened, so that no log shows it. `on_trouble` is called once for a key that is no
    use any more, `is_member` asked now and then whether a lender is still there.
    """

    def __init__(
        self,
        operators: KeyPool,
        store: SealedKeys,
        sealer: Sealer,
        open_client: Callable[[str], InfermaticClient],
        *,
        hide: Callable[[str], None] = lambda _key: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._operators = operators
        self._store = store
        self._sealer = sealer
        self._open_client = open_client
        self._hide = hide
        self._clock = clock
        self._servers: dict[int, ServerPool] = {}
        self._read: set[int] = set()  # servers whose keys are known
        self._changing = asyncio.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._unhook: dict[Key, list[Callable[[], None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_trouble: Callable[[KeyTrouble], None] | None = None
        self.is_member: Callable[[int, int], Awaitable[bool]] | None = None

    # What the queue and the engine ask.

    async def ready(self, guild_id: int | None) -> None:
        """Open a server's keys if that was not done before. Raises `StorageError`."""
        if guild_id is None:
            return
        if guild_id not in self._read:
            async with self._changing:
                await self._learn(guild_id)
        pool, now = self._servers.get(guild_id), self._clock()
        if pool is not None and now - pool.lenders_checked_at >= LENDERS_CHECKED_SECONDS:
            pool.lenders_checked_at = now
            self._begin(self._check_lenders(guild_id, pool.lenders))

    def of(self, guild_id: int | None) -> KeyPool:
        """The keys that answer for a server; the operator's for direct messages."""
        return self._operators if guild_id is None else self._servers.get(guild_id, self._operators)

    def add_listener(self, callback: Callable[[], None]) -> None:
        """Have `callback` called whenever a slot of any key may have become free."""
        self._operators.add_listener(callback)
        self._listeners.append(callback)

    # What people ask.

    def require_sealing(self) -> None:
        """Raises `SecretKeyMissingError` when keys cannot be kept."""
        self._sealer.require()

    async def keep(self, guild_id: int, lender_id: int | None, api_key: str, by: int) -> None:
        """Try a key at the service, keep it, and use it from now on, in place of the one that was there.

        Raises `ApiKeyError`, `SecretKeyMissingError`, `InfermaticError` or `StorageError`; then nothing is kept.
        """
        self.require_sealing()
        api_key = api_key.strip()
        client = self._opened(api_key)
        try:
            await _try(client)
            sealed = self._sealer.seal(api_key, guild_id, lender_id or 0, FIELD)
            async with self._changing:
                await self._learn(guild_id)
                self._require_room(guild_id, lender_id)
                await self._store.put(guild_id, lender_id or 0, sealed, by=by)
                former = self._found(guild_id, lender_id)
                self._put(Key(client, guild_id, lender_id), useless=False)
                self._drop(former)
        except BaseException:
            await client.close()
            raise

    async def remove(self, guild_id: int, lender_id: int | None, by: int | None) -> bool:
        """Forget a key; whether there was one. What it answers right now is finished, and nothing more begun."""
        async with self._changing:
            removed = await self._store.remove(guild_id, lender_id or 0, by=by)
            self._drop(self._found(guild_id, lender_id))
            return removed

    async def forget(self, guild_id: int) -> None:
        """Read a server's keys anew when they are needed next, because storage may have changed meanwhile."""
        async with self._changing:
            self._read.discard(guild_id)
            pool = self._servers.get(guild_id)
            for key in pool.kept if pool is not None else ():
                self._drop(key)

    async def forget_lender(self, where: Where, user_id: int) -> None:
        """Begin nothing more with what somebody lent there, because storage has forgotten it."""
        async with self._changing:
            for guild_id, pool in list(self._servers.items()):
                if where in (EVERYWHERE, guild_id):
                    self._drop(pool.find(user_id))

    async def standings(self, guild_id: int) -> list[KeyStanding]:
        """The keys that are kept for a server, its own first. Raises `StorageError`."""
        await self.ready(guild_id)
        return [self._standing(guild_id, kept) for kept in await self._store.of(guild_id)]

    # The beginning and the end.

    async def seal_anew(self) -> None:
        """Seal what was sealed under an older secret key with the newest, so that the older may go."""
        renewed = broken = 0
        for guild_id, owner_id, sealed in await self._store.everything():
            try:
                fresh = self._sealer.renewed(sealed)
            except (BrokenSealError, SecretKeyMissingError):
                broken += 1
                continue
            if fresh is not None:
                await self._store.reseal(guild_id, owner_id, sealed, fresh)
                renewed += 1
        if renewed:
            logger.info("%s API keys of servers were sealed anew with the newest SECRET_KEY", renewed)
        if broken:
            logger.error("%s API keys of servers do not open with SECRET_KEY, so they are not used", broken)

    async def close(self) -> None:
        """Close the clients of servers; the operator's belong to others."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for pool in self._servers.values():
            for key in pool.kept:
                await key.client.close()

    # The rest is nobody else's business.

    async def _learn(self, guild_id: int) -> None:
        if guild_id in self._read:
            return
        for kept in await self._store.of(guild_id):
            lender_id = kept.owner_id or None
            try:
                api_key = self._sealer.open(kept.sealed, guild_id, kept.owner_id, FIELD)
            except (BrokenSealError, SecretKeyMissingError):
                self._begin(self._note_useless(KeyTrouble(guild_id, lender_id, sealed=True)))
            else:
                self._put(Key(self._opened(api_key), guild_id, lender_id), useless=kept.refused_at is not None)
        self._read.add(guild_id)

    def _standing(self, guild_id: int, kept: SealedKey) -> KeyStanding:
        lender_id = kept.owner_id or None
        if self._found(guild_id, lender_id) is None:
            return KeyStanding(lender_id, kept.since, "sealed")
        return KeyStanding(lender_id, kept.since, "refused" if kept.refused_at else "accepted")

    def _opened(self, api_key: str) -> InfermaticClient:
        self._hide(api_key)
        try:
            return self._open_client(api_key)
        except ValueError:
            raise KeyFormatError from None

    def _require_room(self, guild_id: int, lender_id: int | None) -> None:
        pool = self._servers.get(guild_id)
        if lender_id is None or pool is None:
            return
        if lender_id not in pool.lenders and len(pool.lenders) >= MOST_LENDERS:
            raise TooManyLendersError(MOST_LENDERS)

    def _put(self, key: Key, *, useless: bool) -> None:
        assert key.guild_id is not None
        if key.guild_id not in self._servers:
            self._servers[key.guild_id] = ServerPool(self._operators, clock=self._clock, noticed=self._noticed)
        self._servers[key.guild_id].put(key, useless=useless)
        if (limits := key.client.limits) is not None:
            self._unhook[key] = [limits.add_listener(callback) for callback in self._listeners]
        self._pump()

    def _found(self, guild_id: int, lender_id: int | None) -> Key | None:
        pool = self._servers.get(guild_id)
        return None if pool is None else pool.find(lender_id)

    def _drop(self, key: Key | None) -> None:
        if key is None or key.guild_id is None:
            return
        pool = self._servers[key.guild_id]
        pool.drop(key)
        if not pool.kept:
            del self._servers[key.guild_id]
        for unhook in self._unhook.pop(key, ()):
            unhook()
        self._begin(_close_when_idle(key.client))
        self._pump()

    def _pump(self) -> None:
        for callback in self._listeners:
            callback()

    def _noticed(self, key: Key, useless: bool) -> None:
        assert key.guild_id is not None
        if useless:
            self._begin(self._note_useless(KeyTrouble(key.guild_id, key.lender_id, sealed=False)))
        else:
            self._begin(self._store.note_accepted(key.guild_id, key.lender_id or 0))

    async def _note_useless(self, trouble: KeyTrouble) -> None:
        if await self._store.note_refused(trouble.guild_id, trouble.lender_id or 0):
            what = "does not open with SECRET_KEY" if trouble.sealed else "is refused by the service"
            logger.error("an API key of server %s (lent by %s) %s", trouble.guild_id, trouble.lender_id, what)
            if self.on_trouble is not None:
                self.on_trouble(trouble)

    async def _check_lenders(self, guild_id: int, lenders: list[int]) -> None:
        for lender_id in lenders:
            if self.is_member is not None and not await self.is_member(guild_id, lender_id):
                await self.remove(guild_id, lender_id, None)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except StorageError as error:
        logger.warning("a change of a server's API keys could not be kept: %s", type(error).__name__)


async def _try(client: InfermaticClient) -> None:
    try:
        await models_of(client)
    except (AuthenticationError, PermissionDeniedError, BadRequestError):
        raise KeyNotAcceptedError from None


async def _close_when_idle(client: InfermaticClient) -> None:
    """Close a client that nothing more is begun with, once what it does is finished."""
    limits, idle = client.limits, asyncio.Event()

    def look() -> None:
        if limits is None or not limits.in_flight:
            idle.set()

    remove = limits.add_listener(look) if limits is not None else look
    look()
    try:
        await idle.wait()
    finally:
        remove()
        await client.close()
