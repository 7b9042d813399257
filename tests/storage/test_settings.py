"""Settings resolve along a chain of scopes, from memory where it is certain."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import Scope, ScopedSettings, Setting, Storage
from storage.records import utc_now
from tests.storage.builders import ADA, GUILD, OTHER_GUILD
from tests.storage.reading import LateReads, Reads

THREAD, CHANNEL, PERSONA, SERVER = Scope("thread", 1), Scope("channel", 2), Scope("persona", 3), Scope("guild", GUILD)
CHAIN = [THREAD, CHANNEL, PERSONA, SERVER]


async def test_the_first_scope_that_says_something_wins(storage: Storage) -> None:
    defaults = {"model": "default", "style": "short"}
    expected: list[tuple[Any, Scope | None]] = [("default", None)]
    for value, scope in enumerate(reversed(CHAIN)):
        await storage.settings.put(GUILD, scope, "model", value, ADA)
        expected.append((value, scope))
        resolved = await storage.settings.resolve(GUILD, CHAIN, defaults)
        assert resolved["model"] == Setting(value, scope)
        assert resolved["style"] == Setting("short", None)
    for scope in CHAIN:
        assert (await storage.settings.resolve(GUILD, CHAIN, defaults))["model"] == Setting(*expected.pop())
        await storage.settings.clear(GUILD, scope, "model")
    assert (await storage.settings.resolve(GUILD, CHAIN, defaults))["model"] == Setting(*expected.pop())


async def test_resolved_settings_are_a_mapping(storage: Storage) -> None:
    await storage.settings.put(GUILD, CHANNEL, "model", "x", ADA)
    await storage.settings.put(GUILD, SERVER, "tone", "dry", ADA)
    resolved = await storage.settings.resolve(GUILD, CHAIN, {"model": "y", "style": "short"})
    assert dict(resolved) == {
        "model": Setting("x", CHANNEL),
        "tone": Setting("dry", SERVER),
        "style": Setting("short", None),
    }
    assert len(resolved) == 3
    with pytest.raises(KeyError):
        resolved["nothing"]


@pytest.mark.parametrize(
    "value", [None, False, 0, 1.5, "", "é 🙂", [1, [2]], {"a": {"b": None}}, 2**63, "cut \0 and \ud800"]
)
async def test_any_json_value_comes_back(storage: Storage, value: Any) -> None:
    await storage.settings.put(GUILD, CHANNEL, "setting", value, ADA)
    fresh = ScopedSettings(storage.database)
    expected = "cut  and \ufffd" if isinstance(value, str) and "cut" in value else value
    for source in (storage.settings, fresh):
        assert (await source.resolve(GUILD, [CHANNEL], {"setting": "default"}))["setting"] == Setting(expected, CHANNEL)


async def test_what_is_not_json_is_refused(storage: Storage) -> None:
    with pytest.raises(ValueError, match="JSON"):
        await storage.settings.put(GUILD, CHANNEL, "setting", float("nan"), ADA)
    assert not dict(await storage.settings.resolve(GUILD, [CHANNEL], {}))


async def test_guilds_have_settings_of_their_own(storage: Storage) -> None:
    await storage.settings.put(GUILD, CHANNEL, "model", "x", ADA)
    for guild_id in (OTHER_GUILD, None):
        assert not dict(await storage.settings.resolve(guild_id, CHAIN, {}))
        await storage.settings.clear(guild_id, CHANNEL, "model")
    assert (await storage.settings.resolve(GUILD, CHAIN, {}))["model"].value == "x"


async def test_changing_a_resolved_value_changes_nothing_else(storage: Storage) -> None:
    await storage.settings.put(GUILD, CHANNEL, "list", [1], ADA)
    (await storage.settings.resolve(GUILD, CHAIN, {}))["list"].value.append(2)
    assert (await storage.settings.resolve(GUILD, CHAIN, {}))["list"].value == [1]


async def test_what_was_read_once_is_read_from_memory(sqlite_storage: Storage) -> None:
    reads = Reads(sqlite_storage.database.engine)
    await sqlite_storage.settings.resolve(GUILD, CHAIN, {})
    assert reads.count == 1, "one query for all scopes"
    await sqlite_storage.settings.resolve(GUILD, CHAIN[1:], {})
    assert reads.count == 1
    await sqlite_storage.settings.resolve(OTHER_GUILD, CHAIN, {})
    assert reads.count == 2


async def test_the_cache_keeps_the_scopes_used_last(sqlite_storage: Storage) -> None:
    reads = Reads(sqlite_storage.database.engine)
    cached = ScopedSettings(sqlite_storage.database, max_cached_scopes=2)
    for scope, expected in [(THREAD, 1), (CHANNEL, 2), (THREAD, 2), (PERSONA, 3), (THREAD, 3), (CHANNEL, 4)]:
        await cached.resolve(GUILD, [scope], {})
        assert reads.count == expected


changes = st.lists(
    st.tuples(
        st.sampled_from(["put", "clear", "resolve", "resolve"]),
        st.sampled_from([GUILD, OTHER_GUILD]),
        st.sampled_from(CHAIN),
        st.sampled_from("ab"),
        st.integers(0, 9),
    ),
    max_size=30,
)


@given(changes, st.integers(1, 4))
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_small_cache_never_shows(
    sqlite_storage: Storage, script: list[tuple[str, int, Scope, str, int]], size: int
) -> None:
    cached = ScopedSettings(sqlite_storage.database, max_cached_scopes=size)
    for guild_id in (GUILD, OTHER_GUILD):
        for scope in CHAIN:
            for name in "ab":
                await cached.clear(guild_id, scope, name)
    known: dict[tuple[int, Scope, str], int] = {}
    for action, guild_id, scope, name, value in script:
        if action == "put":
            await cached.put(guild_id, scope, name, value, ADA)
            known[guild_id, scope, name] = value
        elif action == "clear":
            await cached.clear(guild_id, scope, name)
            known.pop((guild_id, scope, name), None)
        else:
            resolved = await cached.resolve(guild_id, CHAIN, {"a": -1})
            for wanted in "ab":
                source = next((s for s in CHAIN if (guild_id, s, wanted) in known), None)
                default = Setting(-1, None) if wanted == "a" else None
                expected = default if source is None else Setting(known[guild_id, source, wanted], source)
                assert resolved.get(wanted) == expected


async def test_a_read_overtaken_by_a_change_is_not_remembered(storage: Storage) -> None:
    late = LateReads(storage.database)
    cached = ScopedSettings(late)
    resolving = asyncio.ensure_future(cached.resolve(GUILD, [CHANNEL], {"model": "default"}))
    await late.has_read.wait()
    await cached.put(GUILD, CHANNEL, "model", "new", ADA)
    late.let_go.set()
    assert (await resolving)["model"].value == "default"
    assert (await cached.resolve(GUILD, [CHANNEL], {}))["model"].value == "new"


async def test_a_change_whose_caller_went_away_is_seen(storage: Storage) -> None:
    await storage.settings.resolve(GUILD, [CHANNEL], {})
    changing = asyncio.ensure_future(storage.settings.put(GUILD, CHANNEL, "model", "new", ADA))
    await asyncio.sleep(0)
    changing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await changing
    await storage.database._finish_unattended()
    assert (await storage.settings.resolve(GUILD, [CHANNEL], {}))["model"].value == "new"


async def test_which_guilds_set_something_is_known_at_once(storage: Storage) -> None:
    await storage.settings.put(GUILD, THREAD, "trigger", "always", ADA)
    fresh = ScopedSettings(storage.database)
    assert await fresh.guilds_with("trigger") == {GUILD}
    assert await fresh.guilds_with("other") == set()
    await fresh.put(OTHER_GUILD, CHANNEL, "trigger", "off", ADA)
    await fresh.put(None, CHANNEL, "trigger", "off", ADA)
    await fresh.clear(GUILD, THREAD, "trigger")
    assert {OTHER_GUILD, None} <= await fresh.guilds_with("trigger")
    assert await ScopedSettings(storage.database).guilds_with("trigger") == {OTHER_GUILD, None}


async def test_a_guild_that_sets_something_while_they_are_read_is_among_them(storage: Storage) -> None:
    await asyncio.gather(
        *(storage.settings.guilds_with("trigger") for _ in range(3)),
        *(storage.settings.put(guild, CHANNEL, "trigger", "off", ADA) for guild in range(1, 6)),
    )
    assert await storage.settings.guilds_with("trigger") == set(range(1, 6))


async def test_who_chose_what_and_when_is_known(storage: Storage) -> None:
    begun = utc_now()
    await storage.settings.put(GUILD, SERVER, "model", "x", ADA)
    await storage.settings.put(GUILD, SERVER, "trigger", "off", None)
    for scope in (CHANNEL, THREAD):
        await storage.settings.put(GUILD, scope, "trigger", "off", ADA)
    await storage.settings.put(OTHER_GUILD, Scope("guild", OTHER_GUILD), "trigger", "off", ADA)
    chosen = await storage.settings.chosen(GUILD, SERVER)
    assert {name: (one.value, one.set_by) for name, one in chosen.items()} == {
        "model": ("x", ADA),
        "trigger": ("off", None),
    }
    assert begun <= chosen["model"].set_at <= utc_now()
    assert set(await storage.settings.chosen_anywhere(GUILD, "trigger")) == {SERVER, CHANNEL, THREAD}
    await storage.settings.clear(GUILD, CHANNEL, "trigger")
    assert set(await storage.settings.chosen_anywhere(GUILD, "trigger")) == {SERVER, THREAD}
