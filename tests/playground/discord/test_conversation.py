"""A bot that talks: messages, slash commands and buttons through real sockets."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from playground.discord import LocalDiscord
from tests.playground.discord.bots import make_bot, running


class Greeting(discord.ui.View):
    @discord.ui.button(label="Again", custom_id="again")
    async def again(self, interaction: discord.Interaction, _button: discord.ui.Button[Greeting]) -> None:
        await interaction.response.edit_message(content="hello again")


def talking_bot() -> commands.Bot:
    bot = make_bot()

    @bot.event
    async def on_message(message: discord.Message) -> None:
        if bot.user in message.mentions:
            await message.reply(f"you said {message.content.split(' ', 1)[1]}")

    @bot.tree.command(description="Greet")
    @app_commands.describe(name="whom")
    async def greet(interaction: discord.Interaction, name: str) -> None:
        await interaction.response.send_message(f"hello {name}", view=Greeting())

    async def setup() -> None:
        await bot.tree.sync()

    bot.setup_hook = setup  # type: ignore[method-assign]  # discord.py offers the hook for this
    return bot


async def test_a_bot_answers_a_mention_a_command_and_a_button() -> None:
    async with LocalDiscord() as world:
        ada = world.add_user("ada")
        guild = world.add_guild("Lab", owner=ada)
        channel = guild.add_text_channel("general")
        person = world.person(ada)
        async with running(world, talking_bot()):
            asked = await person.say(channel, "ping", mentions_bot=True)
            reply = await world.wait_for_message(channel, lambda m: m.author is world.bot)
            assert reply.content == "you said ping"
            assert reply.reply_to is asked

            interaction = await (await person.slash(channel, "greet", name="Grace")).answered()
            greeting = interaction.messages[0]
            assert greeting.content == "hello Grace"

            clicked = await (await person.click(greeting, label="Again")).answered()
            assert clicked.acknowledged
            assert [content for _, content in greeting.history] == ["hello Grace", "hello again"]
