"""Characters for tests: cards, and how people take them in and let them speak."""

from typing import Any

from storage import Storage
from tests.chat import card_files as files
from tests.chat.card_files import as_json
from tests.e2e.conftest import Stage

GREETINGS = ("*The lamp turns.* Good evening, {{user}}.", "Who is there?", "{{char}} is asleep.")


def mira(**fields: Any) -> dict[str, Any]:
    """A card with two more greetings than one."""
    alternates: dict[str, Any] = {"first_mes": GREETINGS[0], "alternate_greetings": list(GREETINGS[1:])}
    return files.card(2, **{**alternates, **fields})


def card_file(name: str = "Mira", **fields: Any) -> tuple[str, bytes]:
    return "card.json", as_json(mira(name=name, **fields))


async def look(stage: Stage, person: Any, file: Any, channel: Any = None) -> Any:
    """What is shown of a file."""
    return await stage.command(person, "persona import", channel, file=file)


async def taken_in(stage: Stage, person: Any, file: Any = None, channel: Any = None) -> Any:
    """The answer to Confirm."""
    preview = await look(stage, person, file or card_file(), channel)
    await stage.press(person, preview, "Confirm")
    return preview


async def use(stage: Stage, name: str = "Mira", person: Any = None, channel: Any = None) -> Any:
    return await stage.command(person or stage.moderator, "persona use", channel, name=name)


async def greeting(stage: Stage, containing: str = "Good evening", channel: Any = None) -> Any:
    return await stage.reply(containing, channel=channel)


def fields_of(message: Any) -> dict[str, str]:
    [embed] = message.embeds
    return {field["name"]: field["value"] for field in embed["fields"]}


def storage_of(stage: Stage) -> Storage:
    assert stage.bot is not None
    return stage.bot.services.storage
