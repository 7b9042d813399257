"""The demo world: two servers and five people, a local Discord, a local Infermatic and the page, all in one process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from playground.discord import LocalDiscord, Permission
from playground.infermatic import LocalInfermatic
from playground.page import Page
from playground.sample_card import FILENAME, sample_card

if TYPE_CHECKING:
    from types import TracebackType

    from playground.discord import Channel, Guild, User

API_KEY = "sk-playground"
BOT_NAME = "Infermatic"
DEFAULT_MODEL = "Sao10K-L3.3-70B-Euryale-v2.3-FP8-Dynamic"

REQUESTS_PER_MINUTE = 60
"""More than any plan allows: somebody who tries things out alone should not have to wait."""

PARALLEL_REQUESTS = 2

_MODERATION = Permission.MANAGE_MESSAGES | Permission.MANAGE_THREADS | Permission.MODERATE_MEMBERS


@dataclass(frozen=True, slots=True)
class DemoWorld:
    """The people and places of the demo."""

    guild: Guild
    ada: User
    max: User
    mia: User
    tom: User
    general: Channel
    roleplay: Channel
    bot_lab: Channel
    ideas: Channel
    stories: Channel
    after_dark: Channel
    mod_desk: Channel
    library: Guild
    zoe: User
    reading_room: Channel

    @property
    def people(self) -> tuple[User, ...]:
        """Whom one can be: an admin, a moderator, two members, and a member of the second server alone."""
        return (self.ada, self.max, self.mia, self.tom, self.zoe)


class Playground:
    """Everything that runs; see `start_playground`."""

    def __init__(self, discord: LocalDiscord, infermatic: LocalInfermatic, page: Page, demo: DemoWorld) -> None:
        self.discord = discord
        self.infermatic = infermatic
        self.page = page
        self.demo = demo

    @property
    def page_url(self) -> str:
        """The address to open in a browser; it carries a secret."""
        return self.page.url

    def environment(self) -> dict[str, str]:
        """Return what a bot that shall run here finds in its environment."""
        return {
            "DISCORD_TOKEN": self.discord.token,
            "INFERMATIC_API_KEY": API_KEY,
            "INFERMATIC_BASE_URL": self.infermatic.url,
            "DEFAULT_MODEL": DEFAULT_MODEL,
            "REQUESTS_PER_MINUTE": str(REQUESTS_PER_MINUTE),
            "PARALLEL_REQUESTS": str(PARALLEL_REQUESTS),
            "OWNER_IDS": str(self.demo.ada.id),
            "ALLOW_DMS": "true",
        }

    async def stop(self) -> None:
        """Stop the page first, then what it shows."""
        await self.page.stop()
        await self.discord.stop()
        await self.infermatic.stop()

    async def __aenter__(self) -> Self:
        """Run until the block ends."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()


async def start_playground(
    *, page_port: int = 0, tokens_per_second: float = 40.0, message_content_intent: bool = True
) -> Playground:
    """Build the demo world and start its three servers on loopback; port 0 takes a free one."""
    discord = LocalDiscord(message_content_intent=message_content_intent)
    infermatic = LocalInfermatic(tokens_per_second=tokens_per_second)
    infermatic.add_key(API_KEY, REQUESTS_PER_MINUTE, PARALLEL_REQUESTS)
    page = Page(discord, infermatic, api_key=API_KEY)
    playground = Playground(discord, infermatic, page, build_demo_world(discord))
    try:
        await discord.start()
        await infermatic.start()
        await page.start(page_port)
        for user in playground.demo.people:
            await discord.person(user).open_dm()
        _offer_character(discord, playground.demo)
    except BaseException:
        await playground.stop()
        raise
    return playground


def build_demo_world(world: LocalDiscord) -> DemoWorld:
    """Make the servers with their people, roles, channels and a few words to begin with."""
    world.bot.name = BOT_NAME.lower()
    world.bot.global_name = BOT_NAME
    world.application.name = BOT_NAME
    ada, moderator, mia, tom, zoe = (
        world.add_user(name.lower(), display_name=name) for name in ("Ada", "Max", "Mia", "Tom", "Zoe")
    )
    guild = world.add_guild("The Lantern Inn", owner=ada)
    players = guild.add_role("Roleplayer", color=0xD79A5D)
    staff = guild.add_role("Moderator", _MODERATION, color=0x5DB0D7)
    for role in (staff, players):
        role.edit(hoist=True)  # a group of its own in the member list
    guild.add_member(moderator, roles=[staff])
    guild.add_member(mia, roles=[players])
    guild.add_member(tom)
    general = guild.add_text_channel("general", topic="Say hello. Mention the bot to talk with it.")
    roleplay = guild.add_text_channel("roleplay", topic="Scenes and characters")
    bot_lab = guild.add_text_channel("bot-lab", topic="Try commands here")
    ideas = bot_lab.add_thread("first ideas", mia)
    stories = guild.add_forum("stories", topic="One post, one story", tags=["open", "closed"])
    after_dark = guild.add_text_channel("after-dark", topic="Where characters marked 🔞 work", nsfw=True)
    mod_desk = guild.add_text_channel("mod-desk", topic="For moderators: reports, flags, and commands about others")
    mod_desk.set_permissions(guild.everyone, deny=Permission.VIEW_CHANNEL)
    for trusted in (staff, guild.bot_role):
        mod_desk.set_permissions(trusted, allow=Permission.VIEW_CHANNEL)
    guild.add_emoji("lantern")
    library = world.add_guild("Harbour Library", owner=ada)
    library.add_member(zoe)
    reading_room = library.add_text_channel("reading-room", topic="Another server: nothing is shared with the first")
    demo = DemoWorld(
        guild=guild,
        ada=ada,
        max=moderator,
        mia=mia,
        tom=tom,
        general=general,
        roleplay=roleplay,
        bot_lab=bot_lab,
        ideas=ideas,
        stories=stories,
        after_dark=after_dark,
        mod_desk=mod_desk,
        library=library,
        zoe=zoe,
        reading_room=reading_room,
    )
    _first_words(world, demo)
    return demo


def _first_words(world: LocalDiscord, demo: DemoWorld) -> None:
    start = datetime.now(UTC) - timedelta(minutes=12)
    world.add_message(
        demo.reading_room, demo.zoe, "Quiet here. I only know this server, and so does the bot.", at=start
    )
    said = (
        (demo.ada, f"Welcome to **{demo.guild.name}**! Nothing here is real, and nothing leaves this machine."),
        (demo.ada, f"Mention **@{BOT_NAME}** to talk with it, or type `/` to see what it can do."),
        (demo.max, "I keep order here. Switch to me, at the bottom left, to see the moderators' commands."),
        (demo.mia, f"And I am off to {demo.roleplay.mention} :)"),
    )
    hint = (
        "Only we see this channel. Choose it in `/setup` (page 2), and members' reports come here. The eye at the top "
        "right has a tab **Moderation**: who waits, who used how much, what was changed."
    )
    world.add_message(demo.mod_desk, demo.max, hint, at=start)
    for minute, (author, text) in enumerate(said):
        world.add_message(demo.general, author, text, at=start + timedelta(minutes=minute))


def _offer_character(world: LocalDiscord, demo: DemoWorld) -> None:
    """Leave a character card to try; files have an address only once the local Discord listens."""
    text = (
        "Somebody left a character here: **Wren**, who keeps the lanterns. Open the menu of this message (the dots, or "
        "a right click beside the picture) and choose **Import as persona**; then `/scene start`."
    )
    at = datetime.now(UTC) - timedelta(minutes=7)
    world.add_message(demo.roleplay, demo.max, text, at=at, files=[(FILENAME, sample_card())])
