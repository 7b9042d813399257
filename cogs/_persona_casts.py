"""Which characters speak in a place, in words, and what changes that."""

from typing import Any, Final

import discord

from chat.branches import short_id
from chat.casting import Order
from chat.casts import MOST_TURNS, ORDER, TURNS, Company
from chat.persona_library import CAST, SETTING, FoundPersona
from cogs._bot import Bot, tell
from cogs._persona_cards import title_of
from cogs._places import SOURCE_WORDS, conversation_of, place_of, source_words
from cogs._words import plain, way_back

ORDER_WORDS: Final[dict[Order, str]] = {
    "natural": "who is named, else by talkativeness",
    "turns": "who is named, else one after the other",
    "called": "only who is named or replied to",
}


async def use(interaction: discord.Interaction[Bot], found: FoundPersona) -> None:
    """Let a character speak here alone, from its greeting on, and tell everyone."""
    place, user = place_of(interaction), interaction.user
    library, key = interaction.client.services.personas, await conversation_of(interaction)
    bound = await library.use(place, key, found, user.id, user.display_name)
    words = f"**{title_of(found)}** speaks in {SOURCE_WORDS[place.here.kind]} from now on."
    if bound.greeting_id is not None and bound.previous_head is not None:
        words += f" A new conversation begins.\n{way_back(short_id(bound.previous_head))}"
    await interaction.response.send_message(words)
    if bound.greeting_id is not None:
        await interaction.client.replies.greet(interaction, bound.greeting_id)


async def use_beside(interaction: discord.Interaction[Bot], found: FoundPersona) -> None:
    """Let one more speak here; the conversation goes on with its greeting."""
    bot, place, user = interaction.client, place_of(interaction), interaction.user
    key = await conversation_of(interaction)
    bound = await bot.services.casts.add(place, key, found, user.id, user.display_name)
    if bound is None:
        await tell(interaction, f"**{title_of(found)}** speaks here already.")
        return
    company = await bot.talking.casting.company(interaction.guild_id, interaction.channel)
    others = [persona.name for persona in company.personas if persona.id != found.outline.id]
    beside = f", beside {_names(others)}" if others else ""
    where = SOURCE_WORDS[place.here.kind]
    await interaction.response.send_message(f"**{title_of(found)}** speaks in {where} from now on{beside}.")
    if bound.greeting_id is not None:
        await bot.replies.greet(interaction, bound.greeting_id)
        await bot.replies.dress_left(key, bound.previous_head)


async def clear(interaction: discord.Interaction[Bot], name: str | None) -> None:
    """Let one of several speak here no longer, or all of them, and tell everyone who answers now."""
    services, place = interaction.client.services, place_of(interaction)
    company = await _company(interaction)
    if name is not None and len(company.personas) > 1:
        gone = await services.casts.dismiss(place, company, name, interaction.user.id)
        left = [persona.name for persona in company.personas if persona.id != gone.id]
        await interaction.response.send_message(
            f"**{plain(gone.name)}** speaks here no longer; {_names(left)} {'does' if len(left) == 1 else 'do'}."
        )
        return
    before = await services.personas.before(place, await conversation_of(interaction))
    if name is not None:
        await services.casts.dismiss(place, company, name, interaction.user.id)
    else:
        await services.personas.clear(place, interaction.user.id)
    holding = await _company(interaction)
    names = _names([persona.name for persona in holding.personas])
    now = f"{names} {'speaks' if len(holding.personas) == 1 else 'speak'} here again" if names else None
    words = f"{now or 'I speak for myself again'}. What was said is kept; `/reset` begins anew."
    if before is not None:
        words += f"\n-# What came before the characters: `/history checkout branch:{short_id(before)}`"
    await interaction.response.send_message(words)


async def arrange(interaction: discord.Interaction[Bot], order: str | None, turns: int | None) -> None:
    """Set who of several answers, or tell it."""
    if order is None and turns is None:
        await tell(interaction, "\n".join(await cast_lines(interaction, always=True)))
        return
    place = place_of(interaction)
    await interaction.client.services.casts.arrange(place, order, turns, interaction.user.id)
    lines = await cast_lines(interaction, always=True)
    await interaction.response.send_message("\n".join([f"From now on in {SOURCE_WORDS[place.here.kind]}:", *lines]))


async def speaker_line(interaction: discord.Interaction[Bot]) -> str:
    """Who speaks here, and where that comes from."""
    place = place_of(interaction)
    holding = await interaction.client.services.context.preferences(place.guild_id, place.scopes)
    names = _names([persona.name for persona in (await _company(interaction)).personas])
    return f"`persona` {names or '**none**'} · {source_words(holding[SETTING].source, interaction)}"


async def cast_lines(interaction: discord.Interaction[Bot], *, always: bool = False) -> list[str]:
    """How several characters take turns here, and where that comes from; nothing where that does not matter."""
    place = place_of(interaction)
    holding = await interaction.client.services.context.preferences(place.guild_id, place.scopes)
    order, turns = holding[ORDER], holding[TURNS]
    if not always and not holding[CAST].value and order.source is None and turns.source is None:
        return []
    most = min(int(turns.value), MOST_TURNS)
    among = f"up to **{most}** after something people said" if most else "**0** (they never answer each other)"
    chosen = f"`order` **{order.value}** ({ORDER_WORDS[order.value]})"
    return [
        f"Characters: {chosen} · {source_words(order.source, interaction)}",
        f"Characters: `among_themselves` {among} · {source_words(turns.source, interaction)}",
    ]


async def _company(interaction: discord.Interaction[Any]) -> Company:
    company: Company = await interaction.client.talking.casting.company(interaction.guild_id, interaction.channel)
    return company


def _names(names: list[str]) -> str:
    bold = [f"**{plain(name)}**" for name in names]
    return " and ".join(filter(None, [", ".join(bold[:-1]), *bold[-1:]]))
