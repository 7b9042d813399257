"""What admins type as amounts, and choices that others make at the same time."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.limit_book import LimitBook
from moderation.rulebook import Rulebook
from moderation.server_setup import (
    MODERATOR_ROLES,
    MOST_AMOUNT,
    AmountError,
    EverybodyModeratesError,
    ServerSetup,
    read_amount,
)
from storage import Scope, Storage
from tests.storage.builders import ADA, GUILD, OTHER_GUILD
from tests.storage.conftest import sqlite_path, sqlite_storage

__all__ = ["sqlite_path", "sqlite_storage"]


@given(st.integers(1, MOST_AMOUNT), st.sampled_from([",", ".", "'", "’", " ", "_", ""]))
def test_amounts_are_read_with_any_sign_between_the_thousands(amount: int, sign: str) -> None:
    assert read_amount("tokens", f" {amount:,} ".replace(",", sign)) == amount


@given(st.text(max_size=15))
def test_what_is_no_amount_is_refused_and_never_taken_for_another(typed: str) -> None:
    digits = "".join(sign for sign in typed if sign.isdigit())
    with contextlib.suppress(AmountError):
        amount = read_amount("requests", typed)
        assert amount == (int(digits) if digits else None)
        assert digits or not typed.strip()


@pytest.mark.parametrize("typed", ["0", "-1", "1.5", "1,00", "1,000.000", "10k", "2000000000", "٣", "1e3"])
def test_numbers_that_are_none_here_are_refused(typed: str) -> None:
    with pytest.raises(AmountError):
        read_amount("tokens", typed)


async def test_choices_made_at_once_all_count(sqlite_storage: Storage) -> None:
    storage, server = sqlite_storage, Scope("guild", GUILD)
    setup = ServerSetup(storage.settings, Rulebook(storage.access), LimitBook(storage.limits, storage.settings))
    await asyncio.gather(*(setup.choose_moderators(GUILD, [role], [], ADA) for role in (1, 2, 3)))
    await asyncio.gather(setup.choose_moderators(GUILD, [4], [1], ADA), setup.choose_moderators(GUILD, [], [2, 9], ADA))
    assert sorted((await storage.settings.chosen(GUILD, server))[MODERATOR_ROLES].value) == [3, 4]
    with pytest.raises(EverybodyModeratesError):
        await setup.choose_moderators(GUILD, [GUILD], [], ADA)
    await setup.choose_moderators(GUILD, [], [3, 4], ADA)
    assert await storage.settings.chosen(GUILD, server) == {}

    books = [LimitBook(storage.limits, storage.settings) for _ in range(2)]
    await asyncio.gather(*(books[role % 2].weigh(GUILD, role, 2, ADA) for role in (1, 2, 3)))
    await asyncio.gather(books[0].weigh(GUILD, 1, 1, ADA), books[1].weigh(GUILD, 4, 5, ADA))
    assert (await books[0].overview(GUILD)).weights == {2: 2, 3: 2, 4: 5}

    await asyncio.gather(*(setup.allow_only(GUILD, [channel], [], ADA) for channel in (5, 6)))
    await asyncio.gather(*(setup.allow_only(GUILD, [], [5], ADA) for _ in range(2)))
    assert set(await setup.only_in(GUILD)) == {6}
    assert await setup.only_in(OTHER_GUILD) == {}

    await asyncio.gather(*(setup.limit_each(GUILD, "tokens", None, ADA) for _ in range(2)))
    await setup.limit_each(GUILD, "tokens", 100, ADA)
    await asyncio.gather(*(setup.limit_each(GUILD, "tokens", None, ADA) for _ in range(2)))
    assert await setup.limits(GUILD) == {"requests": None, "tokens": None}
