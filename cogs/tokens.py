"""Counting: `/tokens` asks the service, `/context` shows what the next prompt holds."""

import discord
from discord import app_commands
from discord.ext import commands

from chat.context import ContextReport
from cogs._bot import Bot, tell
from cogs._places import conversation_of, scopes_of
from cogs.talk import LONGEST_PROMPT, model_choices

BAR_CELLS = 20
BAR_SIGNS = {"system": "🟦", "history": "🟩", "reply": "🟨", "margin": "🟥", "free": "⬜"}


class Tokens(commands.Cog):
    """Tokens of a text and of the conversation."""

    @app_commands.command(description="Count the tokens of a text")
    @app_commands.describe(text="The text to count", model="For which model; else the channel's")
    async def tokens(
        self,
        interaction: discord.Interaction[Bot],
        text: app_commands.Range[str, 1, LONGEST_PROMPT],
        model: str | None = None,
    ) -> None:
        """Ask the service, which costs no request of the key's limit."""
        services = interaction.client.services
        await interaction.response.defer(ephemeral=True, thinking=True)
        scopes = scopes_of(interaction.channel, interaction.guild_id)
        if model is not None:
            name = await services.catalogue.find(model)
        else:
            chosen = (await services.context.preferences(interaction.guild_id, scopes))["model"].value
            name = services.catalogue.choose(chosen)
        count = await services.pool.any_client().count_tokens(name, prompt=text)
        await services.catalogue.learn_count(name, text, count)
        await tell(
            interaction,
            f"About **{count.total_tokens:,}** tokens for `{name}`: the service's estimate, {len(text):,} characters.\n"
            f"-# Counted with {count.tokenizer_type or 'an unnamed tokenizer'}; the model may count differently.",
        )

    @tokens.autocomplete("model")
    async def choose(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """Models whose names match what is typed."""
        return model_choices(interaction, typed)

    @app_commands.command(description="What the next prompt holds, part by part")
    async def context(self, interaction: discord.Interaction[Bot]) -> None:
        """Show numbers and a bar."""
        report = await interaction.client.services.context.report(
            await conversation_of(interaction),
            scopes_of(interaction.channel, interaction.guild_id),
            await interaction.client.talking.casting.speaking(interaction.guild_id, interaction.channel),
        )
        await tell(interaction, context_text(report))


def context_text(report: ContextReport) -> str:
    """The report as Discord shows it best: a bar of squares and a table in a code block."""
    prompt = report.prompt
    amounts = [(count.name, count.tokens) for count in prompt.counts if count.tokens]
    amounts += [("reply", prompt.reserve_tokens), ("margin", prompt.margin_tokens), ("free", prompt.free_tokens)]
    names = {"reply": "reserved for the reply", "margin": "left for miscounting"}
    rows = [f"{names.get(name, name):<22} {tokens:>8,} {tokens / prompt.window:>5.0%}" for name, tokens in amounts]
    left_out = "\n-# Older messages no longer fit." if prompt.dropped else ""
    return (
        f"`{report.model}`, context window {prompt.window:,} tokens (our estimate)\n{bar(amounts, prompt.window)}\n"
        "```\n" + "\n".join(rows) + f"\n```{left_out}"
    )


def bar(amounts: list[tuple[str, int]], window: int) -> str:
    """Squares in proportion; everything that is there shows as at least one."""
    cells = ""
    for name, tokens in amounts[:-1]:
        cells += BAR_SIGNS.get(name, "🟪") * max(1, round(tokens / window * BAR_CELLS))
    return (cells + BAR_SIGNS["free"] * BAR_CELLS)[:BAR_CELLS]


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Tokens())
