"""Which users, roles and everyones a text mentions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_CODE = re.compile(r"(`{1,3})(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_USER = re.compile(r"<@!?(\d{1,20})>")
_ROLE = re.compile(r"<@&(\d{1,20})>")
_EVERYONE = re.compile(r"@(?:everyone|here)\b")


@dataclass(frozen=True, slots=True)
class AllowedMentions:
    """What a sender lets the text mention."""

    users: frozenset[int] | None = None
    """None means all of them."""
    roles: frozenset[int] | None = None
    everyone: bool = True
    replied_user: bool = True

    @classmethod
    def parse(cls, data: dict[str, Any] | None) -> AllowedMentions:
        """Read the API's field; without it everything is allowed."""
        if data is None:
            return cls()
        kinds = data.get("parse") or []
        return cls(
            users=None if "users" in kinds else _ids(data.get("users")),
            roles=None if "roles" in kinds else _ids(data.get("roles")),
            everyone="everyone" in kinds,
            replied_user=bool(data.get("replied_user", False)),
        )


@dataclass(frozen=True, slots=True)
class Mentions:
    """What a text mentions, in order and once each."""

    user_ids: tuple[int, ...] = ()
    role_ids: tuple[int, ...] = ()
    everyone: bool = False


def find(content: str, allowed: AllowedMentions) -> Mentions:
    """Find the mentions of a text that the sender allows; code does not mention anybody."""
    if "@" not in content:
        return Mentions()
    text = _CODE.sub(" ", content)
    users = tuple(i for i in _found(_USER, text) if allowed.users is None or i in allowed.users)
    roles = tuple(i for i in _found(_ROLE, text) if allowed.roles is None or i in allowed.roles)
    return Mentions(users, roles, allowed.everyone and _EVERYONE.search(text) is not None)


def _found(pattern: re.Pattern[str], text: str) -> list[int]:
    return list(dict.fromkeys(int(number) for number in pattern.findall(text)))


def _ids(values: list[Any] | None) -> frozenset[int]:
    return frozenset(int(value) for value in values or [])
