"""Sealing what nobody may read in the database: it opens only as what it was sealed as, and for whom."""

import json
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from storage.errors import BrokenSealError, SecretKeyMissingError


class Sealer:
    """Seals with the newest secret key, opens with any. Without one it does neither."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        keys = [Fernet(key) for key in secret_keys]
        self._newest = keys[0] if keys else None
        self._all = MultiFernet(keys) if keys else None

    def require(self) -> None:
        """Raises `SecretKeyMissingError` when nothing can be sealed."""
        if self._all is None:
            raise SecretKeyMissingError

    def seal(self, value: str, guild_id: int, owner_id: int, field: str) -> bytes:
        """The value as it may be stored. Raises `SecretKeyMissingError`."""
        if self._all is None:
            raise SecretKeyMissingError
        return self._all.encrypt(json.dumps([guild_id, owner_id, field, value]).encode())

    def open(self, sealed: bytes, guild_id: int, owner_id: int, field: str) -> str:
        """The value, if it was sealed for this guild, owner and field under a key that is still there.

        Raises `BrokenSealError`, or `SecretKeyMissingError`.
        """
        if self._all is None:
            raise SecretKeyMissingError
        try:
            *found, value = json.loads(self._all.decrypt(sealed))
        except (InvalidToken, ValueError, TypeError):
            raise BrokenSealError from None
        if found != [guild_id, owner_id, field] or not isinstance(value, str):
            raise BrokenSealError
        return value

    def renewed(self, sealed: bytes) -> bytes | None:
        """The same under the newest key; None if it is so already. Raises as `open` does."""
        if self._all is None or self._newest is None:
            raise SecretKeyMissingError
        try:
            self._newest.decrypt(sealed)
        except InvalidToken:
            try:
                return self._all.rotate(sealed)
            except InvalidToken:
                raise BrokenSealError from None
        return None
