"""`/sampling`: what is set reaches the service, where it holds, and what becomes of presets and their files."""

import asyncio
import json
from typing import Any

import pytest

from chat.presets import MAX_FILE_BYTES, PARAMETERS, range_words
from chat.sampling import MAX_PRESETS
from playground.discord._call import Upload
from tests.e2e.conftest import MODEL, Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

DEFAULTS = {"max_tokens": 400, "temperature": 0.8, "min_p": 0.05}


def sent(stage: Stage) -> dict[str, Any]:
    """The sampling parameters of the newest request, without the stop texts that keep it from speaking for people."""
    body = [r.body for r in stage.api.requests if r.path in {"/v1/chat/completions", "/v1/completions"}][-1]
    found = {name: value for name, value in body.items() if name in PARAMETERS}
    stops = [text for text in found.pop("stop", []) if not (len(text) > 1 and text.startswith("\n"))]
    return {**found, "stop": stops} if stops else found


async def asked(stage: Stage, channel: Any = None) -> dict[str, Any]:
    """What the next question is sent with."""
    await stage.ask(stage.tom, "hello", channel=channel)
    return sent(stage)


async def put(stage: Stage, parameter: str, value: str, channel: Any = None, person: Any = None) -> Any:
    return await stage.command(person or stage.moderator, "sampling set", channel, parameter=parameter, value=value)


async def preset(stage: Stage, verb: str, name: str, channel: Any = None, person: Any = None) -> Any:
    """Save, load or delete a preset."""
    interaction = await (person or stage.moderator).slash(channel or stage.channel, f"sampling {verb}", name=name)
    await interaction.answered()
    return interaction.response


def preset_file(**content: Any) -> tuple[str, bytes]:
    return "Calm.json", json.dumps(content).encode()


# --- set, show, reset


async def test_what_is_set_reaches_the_service_and_outlives_a_restart(offstage: Stage) -> None:
    quiet = offstage.guild.add_text_channel("quiet")
    expected = {**DEFAULTS, "temperature": 1.2, "top_k": 40, "stop": ["\n", "User:"], "skip_special_tokens": False}
    async with running(offstage, offstage.settings):
        said = await put(offstage, "temperature", "1,2")
        assert said.content == "`temperature` is **1.2** in this channel from now on."
        assert not said.ephemeral
        await put(offstage, "top_k", "40")
        shown = await put(offstage, "stop", r"\n, User:")
        assert r'`"\n", "User:"`' in shown.content
        await put(offstage, "skip_special_tokens", "false")
        assert await asked(offstage) == expected
    async with running(offstage, offstage.settings):
        assert await asked(offstage) == expected
        assert await asked(offstage, quiet) == DEFAULTS


async def test_a_completion_carries_what_holds_in_its_channel(stage: Stage) -> None:
    await put(stage, "seed", "7")
    await put(stage, "min_tokens", "60")
    await stage.command(stage.ada, "complete", prompt="At night")
    assert sent(stage) == {**DEFAULTS, "seed": 7, "min_tokens": 60}
    await stage.command(stage.ada, "complete", prompt="At night", max_tokens=20)
    assert sent(stage) == {**DEFAULTS, "seed": 7, "min_tokens": 20, "max_tokens": 20}


async def test_threads_inherit_and_may_differ_and_show_says_where_from(stage: Stage) -> None:
    thread = stage.channel.add_thread("plans", stage.ada.user)
    await put(stage, "temperature", "1.2")
    await put(stage, "top_p", "0.9")
    assert await asked(stage, thread) == {**DEFAULTS, "temperature": 1.2, "top_p": 0.9}
    said = await put(stage, "top_p", "0.5", thread, stage.ada)
    assert "in this thread from now on" in said.content
    assert await asked(stage, thread) == {**DEFAULTS, "temperature": 1.2, "top_p": 0.5}
    assert (await asked(stage))["top_p"] == 0.9
    shown = await stage.command(stage.tom, "sampling show", thread)
    assert shown.ephemeral
    assert shown.content.splitlines() == [
        "`temperature` **1.2** · this thread's channel",
        "`min_p` **0.05** · the operator's default",
        "`top_p` **0.5** · this thread",
        "`max_tokens` **400** · the operator's default",
        "-# Presets: none yet. What is not listed is left to the model.",
    ]
    reset = await stage.command(stage.ada, "sampling reset", thread, parameter="top_p")
    assert reset.content == "`top_p` is **0.9** here again, set by this thread's channel."
    assert (await asked(stage, thread))["top_p"] == 0.9


async def test_one_parameter_or_all_go_back(stage: Stage) -> None:
    for parameter, value in (("temperature", "1.2"), ("top_k", "40"), ("seed", "7")):
        await put(stage, parameter, value)
    one = await stage.command(stage.moderator, "sampling reset", parameter="top_k")
    assert one.content == "`top_k` is left to the model here again."
    assert await asked(stage) == {**DEFAULTS, "temperature": 1.2, "seed": 7}
    everything = await stage.command(stage.moderator, "sampling reset")
    assert "`temperature` **0.8**, `min_p` **0.05**, `max_tokens` **400**" in everything.content
    assert await asked(stage) == DEFAULTS
    again = await stage.command(stage.moderator, "sampling reset")
    assert (again.content, again.ephemeral) == ("Nothing of that is set here.", True)


async def test_a_reset_leaves_other_settings_alone(stage: Stage) -> None:
    other = "TheDrummer-UnslopNemo-12B-v4.1"
    await stage.command(stage.moderator, "model set", model=other)
    await put(stage, "temperature", "1.2")
    await stage.command(stage.moderator, "sampling reset")
    assert other in (await stage.command(stage.ada, "model show")).content


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        ("temperature", "2.5", "`temperature` takes 0 to 2, not `2.5`."),
        ("top_p", "0", "`top_p` takes more than 0, up to 1, not `0`."),
        ("top_k", "0", "`top_k` takes -1 for all, or 1 and more, not `0`."),
        ("max_tokens", "many`", "`max_tokens` takes 1 to 10,000,000, not `many'`."),
        ("seed", "1e400", "`seed` takes any whole number, not `1e400`."),
        ("min_tokens", "401", "`min_tokens` may not be more than `max_tokens`; here that would be 401 and 400."),
    ],
)
async def test_values_out_of_range_are_refused_in_words(stage: Stage, parameter: str, value: str, words: str) -> None:
    refusal = await put(stage, parameter, value)
    assert (refusal.content, refusal.ephemeral) == (words, True)
    assert await asked(stage) == DEFAULTS


async def test_a_parents_shorter_limit_does_not_break_a_thread(stage: Stage) -> None:
    thread = stage.channel.add_thread("plans", stage.ada.user)
    await put(stage, "min_tokens", "300", thread)
    await put(stage, "max_tokens", "100")
    assert await asked(stage, thread) == {**DEFAULTS, "max_tokens": 100, "min_tokens": 100}


async def test_replies_longer_than_the_models_window_are_asked_for_as_long_as_they_fit(offstage: Stage) -> None:
    offstage.api.context_windows[MODEL] = 1024
    async with running(offstage, changed(offstage.settings, context_windows={MODEL: 1024})):
        for parameter in ("max_tokens", "min_tokens"):
            await put(offstage, parameter, "900,000")
        body = await asked(offstage)
    assert body["min_tokens"] == body["max_tokens"] == 512


async def test_the_choices_name_every_parameter_with_its_range(stage: Stage) -> None:
    assert stage.bot is not None
    command = stage.bot.tree.get_command("sampling")
    choices = command.get_command("set").get_parameter("parameter").choices  # type: ignore[union-attr]  # it is a group
    assert [choice.name for choice in choices] == [f"{name} ({range_words(name)})" for name in PARAMETERS]


# --- presets


async def test_a_preset_holds_wherever_it_is_loaded_and_outlives_a_restart(offstage: Stage) -> None:
    quiet = offstage.guild.add_text_channel("quiet")
    calm = {**DEFAULTS, "temperature": 0.3, "top_k": 20, "stop": ["a, b"]}
    async with running(offstage, offstage.settings):
        await put(offstage, "temperature", "0.3")
        await put(offstage, "top_k", "20")
        await put(offstage, "stop", '["a, b"]')
        saved = await preset(offstage, "save", "  Calm   night ")
        assert "Kept as `Calm night`" in saved.content
    async with running(offstage, offstage.settings):
        await put(offstage, "seed", "7", quiet)  # not part of the preset
        loaded = await preset(offstage, "load", "calm NIGHT", quiet)
        assert loaded.content.startswith("`Calm night` holds in this channel from now on: `temperature` **0.3**")
        assert await asked(offstage, quiet) == calm
        assert "Presets: `Calm night`." in (await offstage.command(offstage.ada, "sampling show")).content
        deleted = await preset(offstage, "delete", "Calm night")
        assert deleted.content == "The preset `Calm night` is deleted."
        assert await asked(offstage, quiet) == calm
        gone = await preset(offstage, "load", "Calm night")
        assert "There is no preset `Calm night` here." in gone.content


async def test_a_preset_of_the_same_name_is_replaced(stage: Stage) -> None:
    for temperature, older in (("0.3", False), ("0.4", True)):
        await put(stage, "temperature", temperature)
        saved = await preset(stage, "save", "CALM" if older else "calm")
        assert ("replaces the older one" in saved.content) == older
    await stage.command(stage.moderator, "sampling reset")
    await preset(stage, "load", "Calm")
    assert (await asked(stage))["temperature"] == 0.4


async def test_presets_are_suggested_to_who_may_load_them(stage: Stage) -> None:
    for name in ("Wild", "calm night", "Calm"):
        await preset(stage, "save", name)
    for command in ("sampling load", "sampling delete"):
        found = await stage.moderator.autocomplete(stage.channel, command, focused="name", name="CALM")
        assert [choice.value for choice in found] == ["Calm", "calm night"]
        assert await stage.ada.autocomplete(stage.channel, command, focused="name", name="") == []


async def test_a_server_keeps_a_limited_number_of_presets_also_when_they_come_at_once(stage: Stage) -> None:
    for number in range(MAX_PRESETS - 1):
        await preset(stage, "save", f"p{number}")
    answers = await asyncio.gather(*(preset(stage, "save", name) for name in ("one", "two")))
    assert sorted(answer.ephemeral for answer in answers) == [False, True]
    refusal = next(answer for answer in answers if answer.ephemeral)
    assert refusal.content == f"There are {MAX_PRESETS} presets already. Make room with `/sampling delete`."
    replaced = await preset(stage, "save", "P0")
    assert "replaces" in replaced.content


@pytest.mark.parametrize("name", ["a`b", "@everyone", "*"])
async def test_names_that_could_disturb_are_refused(stage: Stage, name: str) -> None:
    refusal = await preset(stage, "save", name)
    assert "A preset's name has up to 40 letters" in refusal.content
    assert refusal.ephemeral


async def test_who_owns_a_thread_sets_it_but_does_not_change_the_servers_presets(stage: Stage) -> None:
    thread = stage.channel.add_thread("plans", stage.ada.user)
    await preset(stage, "save", "calm")
    assert "holds in this thread" in (await preset(stage, "load", "calm", thread, person=stage.ada)).content
    for verb in ("save", "delete"):
        assert "That is for moderators" in (await preset(stage, verb, "calm", thread, stage.ada)).content
    assert "That is for" in (await put(stage, "temperature", "1", person=stage.ada)).content


async def test_a_direct_message_has_presets_of_its_own(offstage: Stage) -> None:
    async with running(offstage, changed(offstage.settings, allow_dms=True)):
        mine, theirs = await offstage.ada.open_dm(), await offstage.tom.open_dm()
        await offstage.at_home(offstage.ada, offstage.tom)
        await put(offstage, "temperature", "0.3", mine, offstage.ada)
        await preset(offstage, "save", "calm", mine, person=offstage.ada)
        await offstage.command(offstage.ada, "sampling reset", mine)
        await preset(offstage, "load", "calm", mine, person=offstage.ada)
        await offstage.reply_to(await offstage.ada.say(mine, "hello"))
        assert sent(offstage)["temperature"] == 0.3
        assert "There is no preset" in (await preset(offstage, "load", "calm", theirs, person=offstage.tom)).content


# --- preset files


async def test_a_preset_file_is_set_here_and_told_part_by_part(stage: Stage) -> None:
    await put(stage, "seed", "7")
    file = preset_file(temp=5, top_k=0, rep_pen=0, min_p=0.1, dry_multiplier=0.8, xtc_probability=0, genamt=300, x={})
    report = await stage.command(stage.moderator, "sampling import", file=file)
    assert report.ephemeral
    assert report.content.splitlines() == [
        "Set in this channel from now on: `temperature` **2**, `min_p` **0.1**, `top_k` **-1**, `max_tokens` **300**",
        "`temperature` is 2 instead of 5: it takes 0 to 2.",
        "`repetition_penalty` was left out: it takes more than 0, up to 2.",
        "The service has no `dry_multiplier`.",
        "-# Entries of other kinds (prompts, formatting, ...): 1, left out.",
    ]
    told = await stage.reply("set the sampling of this channel from a file")
    assert not told.ephemeral
    assert await asked(stage) == {"temperature": 2, "min_p": 0.1, "top_k": -1, "max_tokens": 300}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b"\x89PNG", "a preset is a JSON file"),
        (b"[1, 2]", "no preset of SillyTavern"),
        (b'{"prompts": []}', "no sampling parameters"),
        (b" " * (MAX_FILE_BYTES + 1), "more than 256 KiB"),
    ],
)
async def test_files_that_are_no_presets_are_refused_and_change_nothing(stage: Stage, data: bytes, words: str) -> None:
    await put(stage, "seed", "7")
    refusal = await stage.command(stage.moderator, "sampling import", file=("preset.json", data))
    assert words in refusal.content
    assert refusal.ephemeral
    assert await asked(stage) == {**DEFAULTS, "seed": 7}


async def test_a_file_that_is_too_large_is_never_fetched_and_a_missing_one_is_told(stage: Stage) -> None:
    def fetches() -> list[str]:
        return [r.path for r in stage.world.requests if "attachments/" in r.path]

    stage.world.faults.add(path_regex=r"/cdn/.*attachments/", status=404, times=None)
    large = preset_file(temp=1, x="y" * MAX_FILE_BYTES)
    assert "more than 256 KiB" in (await stage.command(stage.moderator, "sampling import", file=large)).content
    assert not fetches()
    missing = await stage.command(stage.moderator, "sampling import", file=preset_file(temp=1))
    assert "Discord did not give me the file" in missing.content
    assert fetches()


async def test_a_file_that_is_larger_than_it_claims_is_refused(stage: Stage) -> None:
    data = json.dumps({"temp": 1, "x": "y" * MAX_FILE_BYTES}).encode()
    liar = Upload("preset.json", data, claimed_size=10)
    assert "more than 256 KiB" in (await stage.command(stage.moderator, "sampling import", file=liar)).content
    assert await asked(stage) == DEFAULTS
