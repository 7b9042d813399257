"""The keys of servers: sealed for one server and owner, recorded when they change, renewed under a new secret key."""

import pytest
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import AuditFilter, BrokenSealError, SealedKey, Sealer, SecretKeyMissingError, Storage
from tests.storage.builders import ADA, GUILD, OTHER_GUILD

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
PLACES = st.tuples(st.integers(0, 2**63), st.integers(0, 2**63), st.text(max_size=8))


@settings(max_examples=30)
@given(value=st.text(max_size=40), place=PLACES, other=PLACES)
def test_what_is_sealed_opens_for_its_own_place_alone(
    value: str, place: tuple[int, int, str], other: tuple[int, int, str]
) -> None:
    sealer = Sealer([NEW, OLD])
    sealed = sealer.seal(value, *place)
    assert sealer.open(sealed, *place) == value
    if other != place:
        with pytest.raises(BrokenSealError):
            sealer.open(sealed, *other)
    with pytest.raises(BrokenSealError):
        Sealer([OLD]).open(sealed, *place)


@settings(max_examples=30)
@given(st.binary(max_size=200))
def test_what_is_no_seal_does_not_open(sealed: bytes) -> None:
    sealer = Sealer([NEW])
    with pytest.raises(BrokenSealError):
        sealer.open(sealed, 1, 2, "x")
    with pytest.raises(BrokenSealError):
        sealer.renewed(sealed)
    with pytest.raises(BrokenSealError):  # made with the secret key, but not by a sealer
        sealer.open(Fernet(NEW).encrypt(sealed), 1, 2, "x")


def test_secret_keys_can_be_changed() -> None:
    sealed = Sealer([OLD]).seal("secret", 1, 2, "x")
    assert Sealer([OLD]).renewed(sealed) is None
    renewed = Sealer([NEW, OLD]).renewed(sealed)
    assert renewed is not None
    assert Sealer([NEW]).open(renewed, 1, 2, "x") == "secret"
    assert Sealer([NEW]).renewed(renewed) is None


def test_without_a_secret_key_nothing_is_sealed() -> None:
    sealer = Sealer([])
    for attempt in (
        sealer.require,
        lambda: sealer.seal("secret", 1, 2, "x"),
        lambda: sealer.open(b"", 1, 2, "x"),
        lambda: sealer.renewed(b""),
    ):
        with pytest.raises(SecretKeyMissingError):
            attempt()


async def test_a_server_keeps_one_key_of_each_owner_and_tells_who_changed_them(storage: Storage) -> None:
    keys = storage.keys
    await keys.put(GUILD, ADA, b"one", by=ADA)
    await keys.put(GUILD, 0, b"two", by=ADA)
    await keys.put(OTHER_GUILD, 0, b"three", by=ADA)
    await keys.put(GUILD, ADA, b"four", by=ADA)
    assert [(key.owner_id, key.sealed, key.refused_at) for key in await keys.of(GUILD)] == [
        (0, b"two", None), (ADA, b"four", None),
    ]  # fmt: skip
    assert sorted(await keys.everything()) == [(GUILD, 0, b"two"), (GUILD, ADA, b"four"), (OTHER_GUILD, 0, b"three")]
    assert not await keys.remove(OTHER_GUILD, ADA, by=ADA)
    assert await keys.remove(GUILD, ADA, by=None)
    assert not await keys.remove(GUILD, ADA, by=ADA)
    assert [key.owner_id for key in await keys.of(GUILD)] == [0]
    told = [
        (entry.actor_id, entry.action, entry.subject, entry.before, entry.after)
        for entry in reversed(await storage.audit.page(GUILD, AuditFilter()))
    ]
    assert told == [
        (ADA, "apikey lend", f"user:{ADA}", None, "a key"),
        (ADA, "apikey set", f"guild:{GUILD}", None, "a key"),
        (ADA, "apikey lend", f"user:{ADA}", "a key", "a key"),
        (None, "apikey remove", f"user:{ADA}", "a key", None),
    ]


async def test_it_is_news_once_that_a_key_is_no_use(storage: Storage) -> None:
    keys = storage.keys
    await keys.put(GUILD, 0, b"one", by=ADA)

    async def kept() -> SealedKey:
        [key] = await keys.of(GUILD)
        return key

    assert not await keys.note_refused(OTHER_GUILD, 0)
    assert await keys.note_refused(GUILD, 0)
    since = (await kept()).refused_at
    assert since is not None
    assert not await keys.note_refused(GUILD, 0)
    assert (await kept()).refused_at == since
    await keys.note_accepted(GUILD, 0)
    assert (await kept()).refused_at is None
    assert await keys.note_refused(GUILD, 0)
    await keys.put(GUILD, 0, b"two", by=ADA)
    assert (await kept()).refused_at is None
    await keys.reseal(GUILD, 0, b"one", b"renewed")  # of a key that is there no more
    assert (await kept()).sealed == b"two"
    await keys.reseal(GUILD, 0, b"two", b"renewed")
    assert (await kept()).sealed == b"renewed"
