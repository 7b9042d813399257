"""What a real bot does with discord.py: commands, views, forms, dynamic items, webhooks and threads."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Self

import discord
import pytest
from discord import app_commands
from discord.ext import commands

from playground.discord import MessageType, NotAnsweredError
from tests.playground.discord.bots import eventually, make_bot, running

if TYPE_CHECKING:
    from tests.playground.discord.bots import Lab

Slash = discord.Interaction[commands.Bot]


async def test_the_bot_knows_its_world(lab: Lab) -> None:
    thread = lab.channel.add_thread("plans", lab.user)
    forum = lab.guild.add_forum("stories", tags=["open"])
    lab.guild.add_voice_channel("talk", category=lab.guild.add_category("rooms"))
    role = lab.guild.add_role("mods", 8, color=0xFF0000)
    async with running(lab.world, lab.bot):
        guild = lab.bot.get_guild(lab.guild.id)
        assert guild is not None
        assert guild.owner_id == lab.guild.owner_id
        assert {c.name for c in guild.channels} == {"general", "stories", "rooms", "talk"}
        assert [t.id for t in guild.threads] == [thread.id]
        assert [t.name for t in guild.forums[0].available_tags] == ["open"]
        assert guild.get_channel(forum.id) is guild.forums[0]
        found = guild.get_role(role.id)
        assert found is not None
        assert found.permissions.administrator
        assert len(guild.members) == 3  # chunked through the gateway
        assert guild.me.guild_permissions.send_messages
        assert (await lab.bot.application_info()).owner.name == "operator"
        lab.member.add_role(role)
        member = guild.get_member(lab.user.id)
        assert member is not None
        await eventually(lambda: found in member.roles)
        fetched = await guild.fetch_member(lab.user.id)
        assert fetched.joined_at is not None
        assert await lab.bot.fetch_channel(thread.id) == thread_of(guild)
        assert (await lab.bot.fetch_user(lab.user.id)).name == "ada"


def thread_of(guild: discord.Guild) -> discord.Thread:
    return guild.threads[0]


async def test_a_deferred_command_is_edited_and_followed(lab: Lab) -> None:
    @app_commands.command(description="Work")
    async def work(interaction: Slash) -> None:
        await interaction.response.defer(thinking=True)
        edited = await interaction.edit_original_response(content="half")
        assert edited.content == "half"
        await interaction.edit_original_response(content="done", attachments=[discord.File(io.BytesIO(b"x"), "x.txt")])
        more = await interaction.followup.send("more", ephemeral=True, wait=True)
        await more.edit(content="more or less")
        original = await interaction.original_response()
        assert original.content == "done"

    lab.command(work)
    async with running(lab.world, lab.bot):
        interaction = await lab.person.slash(lab.channel, "work")
        await lab.world.wait_until(lambda: len(interaction.messages) == 2)
        first, second = interaction.messages
        await lab.world.wait_until(lambda: second.content == "more or less")
        assert (interaction.deferred, first.content, first.ephemeral) == (True, "done", False)
        assert first.attachments[0].data == b"x"
        assert second.ephemeral
        assert lab.channel.messages == [first]


async def test_groups_choices_and_suggestions(lab: Lab) -> None:
    model = app_commands.Group(name="model", description="Models")

    async def suggest(_interaction: Slash, current: str) -> list[app_commands.Choice[str]]:
        names = [n for n in ("Midnight", "Midday", "Dawn") if n.startswith(current)]
        return [app_commands.Choice(name=n, value=n.lower()) for n in names]

    @model.command(name="set", description="Set")
    @app_commands.autocomplete(name=suggest)
    async def set_model(interaction: Slash, name: str, scope: app_commands.Choice[int] | None = None) -> None:
        await interaction.response.send_message(f"{name} {scope.value if scope else None}", ephemeral=True)

    app_commands.choices(scope=[app_commands.Choice(name="Here", value=1)])(set_model)
    lab.command(model)
    async with running(lab.world, lab.bot):
        found = await lab.person.autocomplete(lab.channel, "model set", focused="name", name="Mid")
        assert [(c.name, c.value) for c in found] == [("Midnight", "midnight"), ("Midday", "midday")]
        interaction = await lab.person.slash(lab.channel, "model set", name="dawn", scope="Here")
        assert (await interaction.answered()).messages[0].content == "dawn 1"


async def test_objects_arrive_as_objects(lab: Lab) -> None:
    seen: list[Any] = []

    @app_commands.command(description="Take")
    async def take(
        interaction: Slash,
        who: discord.Member,
        where: discord.TextChannel,
        role: discord.Role,
        thread: app_commands.AppCommandThread,
        file: discord.Attachment,
        ratio: app_commands.Range[float, 0, 1],
    ) -> None:
        seen.extend([who, where, role, thread, await file.read(), ratio])
        await interaction.response.send_message("ok")

    role = lab.guild.add_role("readers")
    thread = lab.channel.add_thread("plans", lab.user)
    lab.command(take)
    async with running(lab.world, lab.bot):
        interaction = await lab.person.slash(
            lab.channel,
            "take",
            who=lab.user,
            where=lab.channel,
            role=role,
            thread=thread,
            file=("a", b"abc"),
            ratio=0.5,
        )
        await interaction.answered()
    assert [s.id for s in seen[:4]] == [lab.user.id, lab.channel.id, role.id, thread.id]
    assert seen[4:] == [b"abc", 0.5]
    assert isinstance(seen[0], discord.Member)


class Panel(discord.ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Form", custom_id="form")
    async def form(self, interaction: Slash, _button: discord.ui.Button[Self]) -> None:
        await interaction.response.send_modal(Form())

    @discord.ui.select(
        cls=discord.ui.Select,
        custom_id="pick",
        options=[discord.SelectOption(label="One"), discord.SelectOption(label="Two")],
    )
    async def pick(self, interaction: Slash, menu: discord.ui.Select[Self]) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content=f"picked {menu.values[0]}", view=None)

    @discord.ui.select(cls=discord.ui.UserSelect, custom_id="who")
    async def who(self, interaction: Slash, menu: discord.ui.UserSelect[Self]) -> None:
        await interaction.response.send_message(f"chose {menu.values[0].display_name}", ephemeral=True)


class Form(discord.ui.Modal, title="Tell me"):
    name: discord.ui.TextInput[Self] = discord.ui.TextInput(label="Name", required=False)
    color: discord.ui.Label[Self] = discord.ui.Label(
        text="Colour",
        component=discord.ui.Select(options=[discord.SelectOption(label="Red"), discord.SelectOption(label="Blue")]),
    )
    card: discord.ui.Label[Self] = discord.ui.Label(text="Card", component=discord.ui.FileUpload(required=False))

    async def on_submit(self, interaction: Slash, /) -> None:  # type: ignore[override]  # narrower client
        assert isinstance(self.color.component, discord.ui.Select)
        assert isinstance(self.card.component, discord.ui.FileUpload)
        files = [await f.read() for f in self.card.component.values]
        await interaction.response.edit_message(content=f"{self.name.value} {self.color.component.values} {files}")


async def test_views_menus_and_forms(lab: Lab) -> None:
    @app_commands.command(description="Panel")
    async def panel(interaction: Slash) -> None:
        await interaction.response.send_message("panel", view=Panel())

    lab.command(panel)
    async with running(lab.world, lab.bot):
        message = (await (await lab.person.slash(lab.channel, "panel")).answered()).messages[0]
        chosen = await (await lab.person.select(message, "who", [lab.user])).answered()
        assert chosen.messages[0].content == "chose ada"

        opened = await (await lab.person.click(message, "form")).answered()
        assert opened.modal is not None
        assert opened.modal.title == "Tell me"
        name, color, card = (f["custom_id"] for f in opened.modal.fields)
        sent = await lab.person.submit(opened, {name: "Ada", color: ["Blue"], card: [("card.json", b"{}")]})
        await sent.answered()
        assert message.content == "Ada ['Blue'] [b'{}']"

        await lab.person.select(message, "pick", ["Two"])
        await lab.world.wait_until(lambda: message.content == "picked Two")
        assert message.components == []


class Counter(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"count:(?P<n>\d+)"):
    def __init__(self, n: int) -> None:
        super().__init__(discord.ui.Button(label=f"Count {n}", custom_id=f"count:{n}"))
        self.n = n

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Counter:
        return cls(int(match["n"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        view = discord.ui.View(timeout=None)
        view.add_item(Counter(self.n + 1))
        await interaction.response.edit_message(view=view)


async def test_dynamic_items_survive_a_restart(lab: Lab) -> None:
    async with running(lab.world, lab.bot):
        view = discord.ui.View(timeout=None)
        view.add_item(Counter(1))
        await lab.bot.get_partial_messageable(lab.channel.id).send("count", view=view)
    message = lab.channel.messages[0]
    second = make_bot()
    second.add_dynamic_items(Counter)
    async with running(lab.world, second):
        await (await lab.person.click(message, label="Count 1")).answered()
        await (await lab.person.click(message, label="Count 2")).answered()
        assert message.components[0]["components"][0]["custom_id"] == "count:3"


async def test_layout_views(lab: Lab) -> None:
    class Layout(discord.ui.LayoutView):
        text: discord.ui.TextDisplay[Self] = discord.ui.TextDisplay("# Hello")
        row: discord.ui.ActionRow[Self] = discord.ui.ActionRow()

        @row.button(label="Go", custom_id="go")
        async def go(self, interaction: Slash, _button: discord.ui.Button[Self]) -> None:
            self.text.content = "# Gone"
            await interaction.response.edit_message(view=self)

    async with running(lab.world, lab.bot):
        await lab.bot.get_partial_messageable(lab.channel.id).send(view=Layout())
        message = lab.channel.messages[0]
        await (await lab.person.click(message, label="Go")).answered()
        assert message.components[0]["content"] == "# Gone"


async def test_context_menus_see_the_text_without_the_intent(lab: Lab) -> None:
    seen: list[str] = []

    async def report(interaction: discord.Interaction, message: discord.Message) -> None:
        seen.append(message.content)
        await interaction.response.send_message("thanks", ephemeral=True)

    async def profile(interaction: discord.Interaction, user: discord.Member) -> None:
        await interaction.response.send_message(user.display_name)

    lab.bot = make_bot(discord.Intents.default())
    lab.bot.tree.add_command(app_commands.ContextMenu(name="Report", callback=report))
    lab.bot.tree.add_command(app_commands.ContextMenu(name="Profile", callback=profile))
    lab.command()
    async with running(lab.world, lab.bot):
        message = await lab.person.say(lab.channel, "for your eyes")
        await (await lab.person.message_command(message, "Report")).answered()
        shown = await (await lab.person.user_command(lab.user, "Profile")).answered()
        assert shown.messages[0].type is MessageType.CONTEXT_MENU_COMMAND
    assert seen == ["for your eyes"]


async def test_webhooks_and_forums_through_discord_py(lab: Lab) -> None:
    forum = lab.guild.add_forum("stories")
    async with running(lab.world, lab.bot):
        place = lab.bot.get_channel(lab.channel.id)
        assert isinstance(place, discord.TextChannel)
        webhook = await place.create_webhook(name="Captain", avatar=PNG)
        sent = await webhook.send("Ahoy", username="Pilot", wait=True, view=Panel())
        await webhook.edit_message(sent.id, content="Ahoy!")
        message = lab.channel.messages[0]
        assert (message.author.name, message.content) == ("Pilot", "Ahoy!")
        assert sent.author.avatar is not None
        assert await sent.author.avatar.read() == PNG
        await (await lab.person.select(message, "pick", ["One"])).answered()
        await sent.delete()
        assert lab.channel.messages == []

        stories = lab.bot.get_channel(forum.id)
        assert isinstance(stories, discord.ForumChannel)
        made = await stories.create_thread(name="A story", content="Once")
        assert made.message.content == "Once"
        other = await stories.create_webhook(name="Teller")
        told = await other.send("Twice", wait=True, thread=made.thread)
        await other.edit_message(told.id, content="Thrice", thread=made.thread)
        assert [m.content for m in forum.threads[0].messages] == ["Once", "Thrice"]
        with pytest.raises(discord.HTTPException) as failure:
            await place.create_webhook(name="my discord")
        assert failure.value.code == 50035


PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


async def test_threads_through_discord_py(lab: Lab) -> None:
    async with running(lab.world, lab.bot):
        place = lab.bot.get_channel(lab.channel.id)
        assert isinstance(place, discord.TextChannel)
        message = await place.send("topic")
        thread = await message.create_thread(name="talk")
        await thread.send("first")
        await thread.edit(name="renamed", archived=True)
        there = lab.world.channel(thread.id)
        assert (there.name, there.thread is not None and there.thread.archived) == ("renamed", True)
        assert [t.id async for t in place.archived_threads()] == [thread.id]
        await thread.edit(archived=False)
        await thread.add_user(discord.Object(lab.user.id))
        assert {m.id for m in await thread.fetch_members()} == {lab.world.bot.id, lab.user.id}
        private = await place.create_thread(name="secret")
        assert private.is_private()
        assert [m.content async for m in place.history()] == ["topic"]
        await message.pin()
        assert [m.id async for m in place.pins()] == [message.id]
        await place.purge(limit=10)
        assert lab.channel.messages == []


async def test_a_failing_command_is_seen_to_fail(lab: Lab) -> None:
    @app_commands.command(description="Sleep")
    async def sleep(_interaction: Slash) -> None:
        return

    lab.command(sleep)
    lab.world.settings.interaction_deadline_seconds = 0.05
    async with running(lab.world, lab.bot):
        interaction = await lab.person.slash(lab.channel, "sleep")
        with pytest.raises(NotAnsweredError, match="did not respond in time"):
            await interaction.answered()
        assert interaction.failed == "did not respond in time"


async def test_the_bot_reads_attachments_and_direct_messages(lab: Lab) -> None:
    got: list[tuple[bytes, bool]] = []

    @lab.bot.listen()
    async def on_message(message: discord.Message) -> None:
        if message.attachments:
            got.append((await message.attachments[0].read(), message.guild is None))
            await message.channel.send("got it")

    async with running(lab.world, lab.bot):
        await lab.person.say(lab.channel, files=[("a.txt", b"in guild")])
        dm = await lab.person.open_dm()
        await lab.person.say(dm, files=[("a.txt", b"in private")])
        await lab.world.wait_for_message(dm, lambda m: m.content == "got it")
        await lab.world.wait_for_message(lab.channel, lambda m: m.content == "got it")
        user = lab.bot.get_user(lab.user.id)
        assert user is not None
        await user.send("hello")
        await lab.world.wait_for_message(dm, lambda m: m.content == "hello")
    assert sorted(got) == [(b"in guild", False), (b"in private", True)]
