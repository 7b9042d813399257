"""Personas and their versions, on both databases: found by their own guild only, limited, and never lost by an edit."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import Avatar, PersonaContent, Scope, Storage
from storage.personas import DRAFT_LIFE, KEPT_DRAFTS, KEPT_VERSIONS
from storage.records import utc_now
from tests.storage.builders import GUILD, OTHER_GUILD

ADA, TOM = 11, 12
MIRA = PersonaContent("Mira\0 of the Harbour", b"{}\xff\0", Avatar("image/png", b"\x89PNG\0"), greeting=1)


async def added(
    storage: Storage, content: PersonaContent = MIRA, owner: int = ADA, kind: Any = "own", guild: int | None = GUILD
) -> int:
    persona_id = await storage.personas.add_draft(guild, owner, content)
    assert await storage.personas.confirm(guild, persona_id, owner, kind, 50, 500) is None
    return persona_id


async def names(storage: Storage, guild: int | None = GUILD) -> list[str]:
    return [outline.name for outline in await storage.personas.all(guild)]


async def test_a_draft_becomes_a_persona(storage: Storage) -> None:
    persona_id = await storage.personas.add_draft(GUILD, ADA, MIRA)
    assert await names(storage) == []
    assert await storage.personas.change_draft(GUILD, persona_id, ADA, adult=True, greeting=2)
    assert await storage.personas.confirm(GUILD, persona_id, ADA, "own", 5, 500) is None
    found = await storage.personas.get(GUILD, persona_id)
    assert found is not None
    assert found.content == replace(MIRA, name="Mira of the Harbour", adult=True, greeting=2)
    outline = found.outline
    assert (outline.owner_id, outline.kind, outline.version, outline.updated_by) == (ADA, "own", 1, ADA)
    assert await storage.personas.all(GUILD) == [outline]
    with pytest.raises(LookupError):
        await storage.personas.confirm(GUILD, persona_id, ADA, "own", 5, 500)
    assert not await storage.personas.change_draft(GUILD, persona_id, ADA, adult=False)


async def test_only_its_owner_decides_about_a_draft(storage: Storage) -> None:
    persona_id = await storage.personas.add_draft(GUILD, ADA, MIRA)
    assert not await storage.personas.change_draft(GUILD, persona_id, TOM, adult=True)
    with pytest.raises(LookupError):
        await storage.personas.confirm(GUILD, persona_id, TOM, "own", 5, 500)


async def test_another_guild_finds_and_changes_nothing(storage: Storage) -> None:
    persona_id = await added(storage)
    draft_id = await storage.personas.add_draft(GUILD, ADA, MIRA)
    before = await storage.personas.get(GUILD, persona_id)
    for guild in (OTHER_GUILD, None):
        assert await storage.personas.get(guild, persona_id) is None
        assert await storage.personas.all(guild) == []
        assert not await storage.personas.delete(guild, persona_id)
        assert await storage.personas.save(guild, persona_id, MIRA, ADA) is None
        assert await storage.personas.undo(guild, persona_id, ADA) is None
        assert not await storage.personas.change_draft(guild, draft_id, ADA, adult=True)
        with pytest.raises(LookupError):
            await storage.personas.confirm(guild, draft_id, ADA, "own", 5, 500)
    assert await storage.personas.get(GUILD, persona_id) == before


async def test_a_person_has_so_many_also_when_they_come_at_once(storage: Storage) -> None:
    await added(storage)
    drafts = [await storage.personas.add_draft(GUILD, ADA, MIRA) for _ in range(2)]
    answers = await asyncio.gather(*(storage.personas.confirm(GUILD, i, ADA, "own", 2, 500) for i in drafts))
    assert sorted(answers, key=str) == [2, None]
    assert len(await names(storage)) == 2
    await added(storage, owner=TOM)
    left = drafts[answers.index(2)]
    assert await storage.personas.confirm(GUILD, left, ADA, "server", 2, 3) == 3  # the server's own limit
    assert await storage.personas.confirm(GUILD, left, ADA, "server", 2, 4) is None


async def test_drafts_go_when_there_are_newer_ones_or_a_day_is_over(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts = [await storage.personas.add_draft(GUILD, ADA, MIRA) for _ in range(KEPT_DRAFTS + 1)]
    assert await storage.personas.get(GUILD, drafts[0]) is None
    assert await storage.personas.get(GUILD, drafts[1]) is not None
    kept = await added(storage, owner=TOM)
    monkeypatch.setattr("storage.personas.utc_now", lambda: utc_now() + DRAFT_LIFE + timedelta(minutes=1))
    await storage.personas.add_draft(OTHER_GUILD, TOM, MIRA)
    assert [await storage.personas.get(GUILD, i) for i in drafts] == [None] * len(drafts)
    assert await storage.personas.get(GUILD, kept) is not None


async def test_lists_go_by_name(storage: Storage) -> None:
    for name in ("zoe", "Mira", "anna"):
        await added(storage, replace(MIRA, name=name), kind="server")
    await added(storage, replace(MIRA, name="Berta"), owner=TOM)
    assert await names(storage) == ["anna", "Berta", "Mira", "zoe"]
    assert [outline.name for outline in await storage.personas.all(GUILD, TOM)] == ["Berta"]


async def test_what_is_deleted_is_gone_with_its_versions(storage: Storage) -> None:
    persona_id = await added(storage)
    await storage.personas.save(GUILD, persona_id, replace(MIRA, name="Nora"), TOM)
    brings, others = (Scope("persona", number) for number in (persona_id, persona_id + 1))
    for scope in (brings, others):
        await storage.settings.put(GUILD, scope, "model", "model-b", ADA)
    assert not await storage.personas.delete(OTHER_GUILD, persona_id)
    assert list(await storage.settings.chosen(GUILD, brings)) == ["model"]
    assert await storage.personas.delete(GUILD, persona_id)
    assert not await storage.personas.delete(GUILD, persona_id)
    assert await storage.settings.chosen(GUILD, brings) == {}
    assert list(await storage.settings.chosen(GUILD, others)) == ["model"]
    assert await storage.personas.get(GUILD, persona_id) is None
    assert await storage.personas.undo(GUILD, persona_id, ADA) is None


async def test_every_version_can_be_gone_back_to(storage: Storage) -> None:
    persona_id = await added(storage)
    contents = [replace(MIRA, name=f"Mira {number}", avatar=None, adult=True) for number in range(3)]
    for number, content in enumerate(contents):
        assert await storage.personas.save(GUILD, persona_id, content, TOM) == number + 2
    found = await storage.personas.get(GUILD, persona_id)
    assert found is not None
    assert (found.content, found.outline.updated_by) == (contents[-1], TOM)
    await go_back_and_forth(storage, persona_id, contents)
    assert await storage.personas.save(GUILD, persona_id, contents[0], ADA) == 11
    assert await storage.personas.redo(GUILD, persona_id, ADA) is None, "something was changed since"
    assert await storage.personas.save(GUILD, persona_id, contents[1], ADA, version=1) is None
    assert await storage.personas.save(GUILD, persona_id, contents[1], ADA, version=11) == 12


async def test_a_mark_holds_for_what_was_and_its_loss_only_for_what_is(storage: Storage) -> None:
    async def seen(version: int | None) -> tuple[int | None, bool]:
        found = await storage.personas.get(GUILD, persona_id)
        assert found is not None
        assert version in {None, found.outline.version}
        return version, found.outline.adult

    persona_id = await added(storage)
    await storage.personas.save(GUILD, persona_id, replace(MIRA, name="Nora"), TOM)
    assert await storage.personas.mark(GUILD, persona_id, adult=True)
    assert await seen(3) == (3, True)
    assert await storage.personas.save(GUILD, persona_id, MIRA, TOM, version=2) is None, "read before the mark"
    assert await seen(await storage.personas.undo(GUILD, persona_id, TOM)) == (4, True)
    assert await storage.personas.mark(GUILD, persona_id, adult=False)
    assert await seen(5) == (5, False)
    assert await seen(await storage.personas.redo(GUILD, persona_id, TOM)) == (6, True)
    assert not await storage.personas.mark(OTHER_GUILD, persona_id, adult=False)
    draft = await storage.personas.add_draft(GUILD, ADA, MIRA)
    assert not await storage.personas.mark(GUILD, draft, adult=True)
    assert await storage.personas.rewrite_draft(GUILD, draft, ADA, replace(MIRA, name="Otis"))
    assert not await storage.personas.rewrite_draft(GUILD, draft, TOM, MIRA)
    assert not await storage.personas.rewrite_draft(GUILD, persona_id, ADA, MIRA)
    assert not await storage.personas.rewrite_draft(OTHER_GUILD, draft, ADA, MIRA)


async def go_back_and_forth(storage: Storage, persona_id: int, contents: Sequence[PersonaContent]) -> None:
    """From version 4 to the first and back again, which makes six more."""
    first = replace(MIRA, name="Mira of the Harbour")
    ways = [(storage.personas.undo, [contents[1], contents[0], first]), (storage.personas.redo, contents)]
    version = 4
    for go, expected in ways:
        for content in expected:
            version += 1
            assert await go(GUILD, persona_id, ADA) == version
            found = await storage.personas.get(GUILD, persona_id)
            assert found is not None
            assert (found.content, found.outline.version) == (content, version)
        assert await go(GUILD, persona_id, ADA) is None


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["save", "undo", "redo"]), max_size=14))
async def test_versions_are_as_in_any_editor(sqlite_storage: Storage, acts: list[str]) -> None:
    storage = sqlite_storage
    persona_id = await added(storage, kind="server")
    found = await storage.personas.get(GUILD, persona_id)
    assert found is not None
    done, undone = [found.content], list[PersonaContent]()
    versions = {1}
    for number, act in enumerate(acts):
        if act == "save":
            done.append(replace(done[0], greeting=number))
            undone.clear()
            version = await storage.personas.save(GUILD, persona_id, done[-1], ADA)
        else:
            source, target = (done, undone) if act == "undo" else (undone, done)
            version = await getattr(storage.personas, act)(GUILD, persona_id, ADA)
            if len(source) == (1 if act == "undo" else 0):
                assert version is None
                continue
            target.append(source.pop())
        assert version is not None
        assert version not in versions
        versions.add(version)
        found = await storage.personas.get(GUILD, persona_id)
        assert found is not None
        assert (found.content, found.outline.version) == (done[-1], version)


async def test_the_oldest_versions_go(storage: Storage) -> None:
    persona_id = await added(storage)
    for number in range(KEPT_VERSIONS + 2):
        await storage.personas.save(GUILD, persona_id, replace(MIRA, greeting=number), ADA)
    undone = 0
    while await storage.personas.undo(GUILD, persona_id, ADA) is not None:
        undone += 1
    assert undone == KEPT_VERSIONS // 2


async def test_a_draft_has_no_versions(storage: Storage) -> None:
    persona_id = await storage.personas.add_draft(GUILD, ADA, MIRA)
    assert await storage.personas.save(GUILD, persona_id, MIRA, ADA) is None
