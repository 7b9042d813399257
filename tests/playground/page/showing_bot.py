"""A bot that shows one of everything a message can hold, for the tests of what is seen."""

from __future__ import annotations

import asyncio
import io
import struct
import zlib
from typing import Any

import discord

from playground.discord import LocalDiscord
from playground.world import DemoWorld

MARKDOWN = """# Heading
## Second
-# small print
Some **bold**, *italic*, __under__, ~~gone~~, `code`, ||a secret|| and [a link](https://example.org/x).
> quoted
- one
  - two
1. first
{user} {role} {channel} @everyone <t:1700000000:R> <:wave:12> 👋 {link}
```py
def greet(name):  # says hello
    return "Hello " + name
```"""


def all_marks(demo: DemoWorld, link: str) -> str:
    """A text with every kind of mark."""
    role = next(role for role in demo.guild.roles.values() if role.name == "Moderator")
    names = {"user": demo.mia.mention, "role": role.mention, "channel": demo.roleplay.mention}
    return MARKDOWN.format(**names, link=link)


def picture(width: int, height: int, color: tuple[int, int, int]) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(color) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def file(name: str, data: bytes) -> discord.File:
    return discord.File(io.BytesIO(data), name)


class ShowingBot(discord.Client):
    """Posts things when told to, and notes what people do with them."""

    def __init__(self) -> None:
        intents = discord.Intents.default()
        intents.message_content = True
        super().__init__(intents=intents, guild_ready_timeout=0.02, max_messages=None)
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self.answers = asyncio.Event()  # whether buttons are answered

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Note it, and answer as the custom id says."""
        if interaction.type is not discord.InteractionType.component:
            return
        data: Any = interaction.data or {}
        custom_id = data.get("custom_id")
        self.heard.put_nowait((custom_id, data.get("values")))
        if custom_id == "slow":
            await self.answers.wait()
            await interaction.response.defer()
        elif custom_id == "form":
            await interaction.response.send_modal(Form(self))
        elif custom_id == "private":
            await interaction.response.send_message("Only for you.", ephemeral=True)
        elif custom_id == "think":
            await interaction.response.defer(thinking=True)
            await self.answers.wait()
            await interaction.edit_original_response(content="Thought.")
        elif custom_id != "never":
            await interaction.response.defer()

    async def show_embed(self, channel: discord.abc.Messageable) -> None:
        """An embed with all of its parts."""
        embed = discord.Embed(
            title="Mira", url="https://example.org/mira", description="Keeps *the lamp*.", color=0xD79A5D
        )
        embed.set_author(name="Card").set_footer(text="By Mia")
        for name in ("Model", "Lore", "Tokens"):
            embed.add_field(name=name, value="`1`")
        embed.add_field(name="Greeting", value="Good evening", inline=False)
        embed.set_image(url="attachment://large.png").set_thumbnail(url="attachment://small.png")
        embed.timestamp = discord.utils.utcnow()
        pictures = [
            file("large.png", picture(40, 20, (200, 120, 80))),
            file("small.png", picture(8, 8, (80, 120, 200))),
        ]
        await channel.send(embed=embed, files=pictures)

    async def show_buttons(self, channel: discord.abc.Messageable) -> None:
        """Buttons of every kind."""
        view = discord.ui.View(timeout=None)
        for custom_id, label, emoji, style in (
            ("slow", "Slow", None, discord.ButtonStyle.primary),
            ("never", "Never", None, discord.ButtonStyle.danger),
            ("form", "Form", "📝", discord.ButtonStyle.success),
            ("private", None, "🔒", discord.ButtonStyle.secondary),
            ("think", "Think", None, discord.ButtonStyle.secondary),
        ):
            view.add_item(discord.ui.Button(custom_id=custom_id, label=label, emoji=emoji, style=style))
        view.add_item(discord.ui.Button(label="Handbook", url="https://example.org", row=1))
        view.add_item(discord.ui.Button(label="Closed", custom_id="closed", disabled=True, row=1))
        await channel.send("Press one", view=view)

    async def show_menus(self, channel: discord.abc.Messageable) -> None:
        """Menus of every kind."""
        view = discord.ui.View(timeout=None)
        options = [discord.SelectOption(label=name, description=f"like {name}") for name in ("Red", "Green", "Blue")]
        view.add_item(discord.ui.Select(custom_id="colours", placeholder="Colours", options=options, max_values=2))
        view.add_item(discord.ui.UserSelect(custom_id="user", placeholder="Who"))
        view.add_item(discord.ui.RoleSelect(custom_id="role", placeholder="Which role"))
        view.add_item(discord.ui.ChannelSelect(custom_id="channel", placeholder="Where"))
        view.add_item(discord.ui.MentionableSelect(custom_id="mentionable", placeholder="Whoever", max_values=3))
        await channel.send("Choose", view=view)

    async def show_layout(self, channel: discord.abc.Messageable) -> None:
        """A message of layout components."""
        await channel.send(
            view=Layout(),
            files=[
                file("one.png", picture(30, 20, (90, 160, 120))),
                file("two.png", picture(20, 20, (160, 90, 120))),
                file("card.json", b'{"name": "Mira"}'),
            ],
        )


class Layout(discord.ui.LayoutView):
    """A container with everything that fits into one."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        box: discord.ui.Container[Layout] = discord.ui.Container(accent_colour=0x5DB0D7)
        box.add_item(discord.ui.TextDisplay("## Setup\nWhat is used **now**"))
        box.add_item(discord.ui.Separator(spacing=discord.SeparatorSpacing.large))
        change: discord.ui.Button[Layout] = discord.ui.Button(label="Change", custom_id="change")
        box.add_item(discord.ui.Section(discord.ui.TextDisplay("Model"), accessory=change))
        box.add_item(
            discord.ui.Section(discord.ui.TextDisplay("Face"), accessory=discord.ui.Thumbnail("attachment://one.png"))
        )
        box.add_item(
            discord.ui.MediaGallery(
                discord.MediaGalleryItem("attachment://one.png", description="First"),
                discord.MediaGalleryItem("attachment://two.png", description="Second", spoiler=True),
            )
        )
        box.add_item(discord.ui.File("attachment://card.json"))
        self.add_item(box)


class Form(discord.ui.Modal, title="A form"):
    """One field of each kind."""

    name: discord.ui.Label[Form] = discord.ui.Label(
        text="Name", description="Of the scene", component=discord.ui.TextInput(min_length=3, max_length=20)
    )
    about: discord.ui.Label[Form] = discord.ui.Label(
        text="About", component=discord.ui.TextInput(style=discord.TextStyle.paragraph, required=False)
    )
    mood: discord.ui.Label[Form] = discord.ui.Label(
        text="Mood",
        component=discord.ui.Select(options=[discord.SelectOption(label="Calm"), discord.SelectOption(label="Wild")]),
    )
    card: discord.ui.Label[Form] = discord.ui.Label(text="Card", component=discord.ui.FileUpload(custom_id="card"))

    def __init__(self, bot: ShowingBot) -> None:
        super().__init__()
        self.bot = bot

    async def on_submit(self, interaction: discord.Interaction) -> None:
        """Tell what was filled in."""
        name, about, mood, card = (label.component for label in (self.name, self.about, self.mood, self.card))
        assert isinstance(name, discord.ui.TextInput)
        assert isinstance(about, discord.ui.TextInput)
        assert isinstance(mood, discord.ui.Select)
        assert isinstance(card, discord.ui.FileUpload)
        files = [attachment.filename for attachment in card.values]
        self.bot.heard.put_nowait((name.value, about.value, mood.values, files))
        await interaction.response.send_message(f"**{name.value}** it is.")


async def start_showing(bot: ShowingBot, world: LocalDiscord) -> asyncio.Task[None]:
    """Bring the bot online."""
    task = asyncio.create_task(bot.start(world.token))
    await world.wait_until_connected()
    await bot.wait_until_ready()
    return task
