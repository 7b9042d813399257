"""What people do to replies that stand in Discord: swipe, regenerate, continue, edit, delete, and forget messages.

The history changes first and Discord is then made to show it. Where the two differ, because the bot was killed in
between, the next press of a button mends what is shown.
"""

import logging
import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import discord

from chat.answers import Answer, Wish
from chat.archive import Archive
from chat.errors import NothingThereError, StaleControlError
from chat.persona import Persona
from chat.turns import Turns, swipe_left_by, swipe_of
from cogs._bot import Bot, tell
from cogs._controls import view_of
from cogs._deeds import note_deed
from cogs._drawing import Drawings, Spot
from cogs._editing import EditForm
from cogs._outlets import ChannelOutlet, InteractionOutlet, Outlet, writable_channel
from cogs._pace import Pace
from cogs._places import conversation_of, scopes_of, style_of
from cogs._posts import Post, quietly
from cogs._reply_controls import part_controls
from cogs._screen import ReplyScreen
from cogs._words import link_to, way_back
from storage import ConversationKey, ReplyMovedOnError, ShownReply, StoredMessage

logger = logging.getLogger(__name__)

FORGOTTEN_REACTION = "🧹"
ON_IT = "-# I am on it already."


class Replies(Drawings):
    """Acts on replies for buttons, commands, forms and the right-click menu."""

    def __init__(self, bot: Bot, pace: Pace) -> None:
        super().__init__(bot, pace)
        self._archive = Archive(bot.services.storage.history, bot.services.conversations)

    # --- buttons

    async def turn(self, interaction: discord.Interaction[Bot], reply_id: int, steps: int) -> None:
        """Show the swipe so many places later, if who said it may speak here."""
        shown = await self._allowed(interaction, "swipe", reply_id)
        await self.ratings.require(interaction.channel, swipe_of(shown, steps))
        await interaction.response.defer()
        await self._show(await self._turns.turn(shown, steps), interaction)

    async def regenerate(self, interaction: discord.Interaction[Bot], reply_id: int) -> None:
        """Another answer to the same question: a swipe of the newest reply, else, from the menu, on a side branch."""
        shown = await self._allowed(interaction, "regenerate", reply_id, newest=interaction.message is not None)
        await self._write(interaction, shown, goes_on=False)

    async def retry(self, interaction: discord.Interaction[Bot], reply_id: int) -> None:
        """Answer a question again in the message of the reply that failed."""
        shown = await self._allowed(interaction, "retry", reply_id, newest=False)
        await self._write(interaction, shown, goes_on=False)

    async def lengthen(self, interaction: discord.Interaction[Bot], reply_id: int) -> None:
        """Let the model go on where the reply ends."""
        shown = await self._allowed(interaction, "continue", reply_id)
        await self._write(interaction, shown, goes_on=True)

    async def delete(self, interaction: discord.Interaction[Bot], reply_id: int) -> None:
        """Forget the swipe that is shown, and show another one if there is one that may be shown here."""
        shown = await self._allowed(interaction, "delete", reply_id)
        if (instead := swipe_left_by(shown)) is not None:
            await self.ratings.require(interaction.channel, instead)
        note_deed(interaction, before=_size(shown.reply.content))
        await interaction.response.defer()
        left = await self._turns.drop(shown)
        if left is not None:
            await self._show(left, interaction)
            return
        await self._take_away(interaction, shown, shown.discord_ids)

    async def greet(self, interaction: discord.Interaction[Bot], greeting_id: int) -> None:
        """Show a greeting: in the channel, or where the bot may not write there, as the command's answer."""
        shown = await self._turns.shown(interaction.guild_id, interaction.channel_id or 0, greeting_id)
        if not shown.discord_ids:
            await self.draw(shown, partial(self._spot, interaction), channel=interaction.channel)

    async def greet_in(self, channel: discord.Thread, greeting_id: int) -> None:
        """Show a greeting in another place than where somebody asked for it."""
        guild = channel.guild
        shown = await self._turns.shown(guild.id, channel.id, greeting_id)
        style = await style_of(self._bot.services, channel, guild.id, channel.permissions_for(guild.me))

        async def anew(reply: ShownReply) -> Spot:
            persona = await self.who_speaks(guild.id, reply.reply.persona_id)
            return Spot(await self._bot.voices.outlet(channel, guild.id, persona, style), [])

        await self.draw(shown, anew, channel=channel)

    async def greet_again(self, interaction: discord.Interaction[Bot], key: ConversationKey, persona: Persona) -> None:
        """Open a conversation that begins anew with the greeting of who speaks, if there is one."""
        user = interaction.user
        greeting_id = await self._bot.services.personas.greet_again(
            key, persona, user.id, user.display_name, scopes_of(interaction.channel, interaction.guild_id)
        )
        if greeting_id is not None:
            await self.greet(interaction, greeting_id)

    # --- the editor

    async def open_editor(self, interaction: discord.Interaction[Bot], reply_id: int, part: int | None = None) -> None:
        """Open the reply's words in a form; of a long reply the person chooses a part first."""
        shown = await self._allowed(interaction, "edit", reply_id)
        await self.ratings.require(interaction.channel, shown.reply)
        words = self._words_of(shown, (await self._spot(interaction, shown)).outlet)
        if part is None and len(words) > 1:
            await tell(interaction, "-# Which part?", view=view_of(*part_controls(reply_id, len(words))))
            return
        part = part or 0
        if part >= len(words):
            raise StaleControlError
        start, end = words[part]
        form = EditForm(reply_id, part, len(words), shown.reply.content[start:end], _digest(shown.reply.content))
        await interaction.response.send_modal(form)

    async def edited(
        self, interaction: discord.Interaction[Bot], reply_id: int, part: int, digest: int, after: str
    ) -> None:
        """A form comes back: the words take their part's place. Raises `StaleControlError` if the reply has changed."""
        shown = await self._allowed(interaction, "edit", reply_id)
        await self.ratings.require(interaction.channel, shown.reply)
        content = shown.reply.content
        words = self._words_of(shown, (await self._spot(interaction, shown)).outlet)
        if _digest(content) != digest or part >= len(words):
            raise StaleControlError
        if interaction.message is not None and interaction.message.id not in shown.discord_ids:
            await interaction.response.edit_message(content="-# Changed.", view=None)  # where the part was chosen
        else:
            await interaction.response.defer()
        start, end = words[part]
        changed = content[:start] + after + content[end:]
        note_deed(interaction, before=_size(content), after=_size(changed))
        await self._show(
            await self._turns.rewrite(
                shown,
                content,
                changed,
                scopes_of(interaction.channel, interaction.guild_id),
                interaction.user.id,
            ),
            interaction,
        )

    # --- single messages, from the right-click menu

    async def regenerate_from(self, interaction: discord.Interaction[Bot], message: discord.Message) -> None:
        """Regenerate the reply that a message is, or that answers it."""
        await self.regenerate(interaction, await self._reply_of(interaction, message, "regenerate"))

    async def continue_from(self, interaction: discord.Interaction[Bot], message: discord.Message) -> None:
        """Make the newest reply longer; from an older one the conversation goes on there."""
        reply_id = await self._reply_of(interaction, message, "continue")
        shown = await self._turns.shown(interaction.guild_id, interaction.channel_id or 0, reply_id)
        if shown.on_head:
            await self.lengthen(interaction, reply_id)
            return
        if shown.reply.private_to is not None:
            raise NothingThereError("continue")  # there are no branches to come back by
        await self._bot.services.guard.check_own("continue from here", frozenset(), interaction)
        key = await conversation_of(interaction)
        moved = await self._archive.go_on_from(key, reply_id, self.ratings.going_on(key, interaction.channel))
        link = link_to(key.guild_id, key.channel_id, shown.discord_ids[0] if shown.discord_ids else message.id)
        await interaction.response.send_message(
            f"The conversation goes on from [this reply]({link}): `{moved.words}`\n{way_back(moved.previous)}",
            suppress_embeds=True,
        )
        await self.show_head(key, moved.left)

    async def forget(self, interaction: discord.Interaction[Bot], message: discord.Message) -> None:
        """Take a message's words out of the history; a reply goes from Discord, too."""
        stored = await self._stored(interaction, message, "forget")
        if stored.role == "user":
            await self._bot.services.guard.check_own("forget", {stored.author_id or 0}, interaction)
            author = f"message:{message.id} of user:{stored.author_id} channel:{stored.channel_id}"
            note_deed(interaction, author, before=_size(stored.content))
            await interaction.response.defer(ephemeral=True, thinking=True)
            forgotten = await self._turns.forget(stored)
            await quietly(message.add_reaction(FORGOTTEN_REACTION))
            if forgotten.answered_by is not None:
                await self.offer_redo(forgotten.answered_by, deleted=True)
        else:
            shown = await self._turns.shown(interaction.guild_id, interaction.channel_id or 0, stored.id)
            await self._bot.services.guard.check_own("forget", shown.asker_ids, interaction)
            note_deed(interaction, before=_size(shown.reply.content))
            await interaction.response.defer(ephemeral=True, thinking=True)
            await self._take_away(interaction, shown, await self._turns.forget_reply(shown))
        await interaction.edit_original_response(content="-# I no longer know this message.")

    # --- inside

    @property
    def _turns(self) -> Turns:
        return self._bot.services.turns

    async def _allowed(
        self, interaction: discord.Interaction[Bot], action: str, reply_id: int, *, newest: bool = True
    ) -> ShownReply:
        """The reply, if the person may do this to it and its message shows what the history says."""
        services = self._bot.services
        pressed = interaction.type is discord.InteractionType.component
        await services.conversations.let_end(reply_id, end_is_shown=pressed)
        shown = await services.turns.shown(interaction.guild_id, interaction.channel_id or 0, reply_id)
        private_to = shown.reply.private_to
        if private_to is not None and private_to != interaction.user.id:
            raise StaleControlError
        preferences = await services.context.preferences(
            interaction.guild_id, scopes_of(interaction.channel, interaction.guild_id)
        )
        await services.guard.check_turn(action, shown.asker_ids, interaction, preferences["swipe_rights"].value)
        if interaction.message is not None:
            await self._mend(interaction, interaction.message, shown, newest=newest)
            if pressed and shown.reply.state == "deleted":  # its message is about to go
                raise StaleControlError
        if newest and not shown.newest:
            raise ReplyMovedOnError(reply_id)
        return shown

    async def _mend(
        self, interaction: discord.Interaction[Bot], message: discord.Message, shown: ShownReply, *, newest: bool
    ) -> None:
        """A button of a reply that its message should not show any more: show what it should, and say so."""
        history = self._bot.services.storage.history
        linked = await history.by_discord_id(interaction.guild_id, message.id)
        if linked is not None and linked.id != shown.reply.id:
            right = await self._bot.services.turns.shown(interaction.guild_id, linked.channel_id, linked.id)
            await interaction.response.defer()
            await self._show(right, interaction)
            raise StaleControlError
        if newest and linked is not None and not shown.newest and shown.reply.content.strip():
            await quietly(interaction.response.edit_message(view=None))

    async def _write(self, interaction: discord.Interaction[Bot], shown: ShownReply, *, goes_on: bool) -> None:
        """Begin an answer that takes the place of the one that is shown."""
        casting = self._bot.talking.casting
        persona = await casting.speaking(interaction.guild_id, interaction.channel, shown.reply, goes_on=goes_on)
        from_menu = interaction.type is discord.InteractionType.application_command
        if from_menu:
            await interaction.response.defer(ephemeral=True, thinking=True)
        else:
            await interaction.response.defer()
        wish = Wish(
            shown,
            interaction.id,
            interaction.user.id,
            scopes_of(interaction.channel, interaction.guild_id),
            self._bot.talking.own_names(interaction.guild, persona),
            persona,
        )
        if await self._begin(wish, interaction, goes_on=goes_on) is None:
            await tell(interaction, ON_IT)
        elif from_menu and shown.reply.private_to is None:  # else the reply itself stands there
            await interaction.edit_original_response(content="-# Here it comes.")

    async def _begin(self, wish: Wish, interaction: discord.Interaction[Bot], *, goes_on: bool) -> Answer | None:
        shown = wish.shown
        conversations = self._bot.services.conversations
        begun, was_drawn = None, False
        try:
            with self.taken(shown.discord_ids):
                was_drawn = await self.end_drawing(shown.discord_ids)
                if was_drawn:  # and perhaps has more or fewer messages now
                    shown = await self._turns.shown(interaction.guild_id, interaction.channel_id or 0, shown.reply.id)
                    wish = replace(wish, shown=shown)
                screen = await self._screen(interaction, shown, wish.persona)
                begun = await (conversations.lengthen(wish, screen) if goes_on else conversations.another(wish, screen))
        finally:
            if begun is not None:
                await self.end_drawing(shown.discord_ids)
            elif was_drawn:
                await self._show(shown, interaction)
        return begun

    async def _screen(
        self, interaction: discord.Interaction[Bot], shown: ShownReply, persona: Persona | None
    ) -> ReplyScreen:
        """Where the new answer is to stand: in place if that is the newest and not too old, else in a message anew."""
        posts = self.posts_in_place(shown, interaction.message) if shown.newest else []
        spot = await self._spot_for(interaction, shown, persona.id if persona else None, posts)
        retire = [i for i in shown.discord_ids if i not in {post.id for post in spot.posts}] if shown.newest else []
        return ReplyScreen(
            spot.outlet,
            self._pace,
            header=self.question_of(shown, spot.outlet),
            name=persona.name if persona else None,
            reuse=spot.posts,
            retire=retire,
        )

    async def _take_away(
        self, interaction: discord.Interaction[Bot], shown: ShownReply, discord_ids: Sequence[int]
    ) -> None:
        """The messages of a reply go from Discord; the history has let go of it already."""
        outlet = (await self._spot(interaction, shown)).outlet
        for message_id in discord_ids:
            await self._bot.services.storage.history.unlink_discord(message_id)
            await quietly(outlet.delete(message_id))

    async def _question_of(self, shown: ShownReply) -> int | None:
        if not shown.asked:
            return None
        ids = await self._bot.services.storage.history.discord_ids(shown.reply.guild_id, shown.asked[-1].id)
        return ids[0] if ids else None

    async def _show(self, shown: ShownReply, interaction: discord.Interaction[Bot]) -> None:
        """Make Discord show a reply as the history has it."""
        await self.draw(shown, partial(self._spot, interaction), channel=interaction.channel)

    async def _spot(self, interaction: discord.Interaction[Bot], shown: ShownReply) -> Spot:
        """Where a reply is drawn for somebody who did something to it."""
        posts = self.posts_in_place(shown, interaction.message)
        return await self._spot_for(interaction, shown, shown.reply.persona_id, posts)

    async def _spot_for(
        self, interaction: discord.Interaction[Bot], shown: ShownReply, persona_id: int | None, posts: list[Post]
    ) -> Spot:
        """Where a persona speaks in the place of a reply that is shown, in these messages if it can, or in new ones."""
        style = await style_of(
            self._bot.services, interaction.channel, interaction.guild_id, interaction.app_permissions
        )
        if shown.reply.private_to is not None:
            return Spot(InteractionOutlet(interaction, private=True, style=style), posts)
        voices, channel = self._bot.voices, interaction.channel
        if posts:
            outlet = await voices.outlet_in_place(channel, shown.reply, shown.discord_ids, style, persona_id)
            if outlet is not None and outlet.voice is not None:
                return Spot(outlet, posts)
            if outlet is None:
                posts = []
        if writable_channel(interaction, style) is None:
            return Spot(InteractionOutlet(interaction, private=False, style=style), posts)
        if posts:
            return Spot(ChannelOutlet(self._bot, channel, None, style), posts)
        asking_id = await self._question_of(shown)
        persona = await self.who_speaks(interaction.guild_id, persona_id)
        return Spot(await voices.outlet(channel, interaction.guild_id, persona, style, asking_id=asking_id), [])

    def _words_of(self, shown: ShownReply, outlet: Outlet) -> list[tuple[int, int]]:
        """Where each part's words stand in the reply."""
        before = len(self.header_of(shown, outlet))
        ranges = self.parts(shown, outlet).ranges
        return [(max(0, start - before), end - before) for start, end in ranges if end > before]

    async def _stored(
        self, interaction: discord.Interaction[Bot], message: discord.Message, action: str
    ) -> StoredMessage:
        stored = await self._bot.services.storage.history.by_discord_id(interaction.guild_id, message.id)
        usable = stored is not None and stored.channel_id == interaction.channel_id and stored.state != "deleted"
        if stored is None or not usable or stored.private_to not in {None, interaction.user.id}:
            raise NothingThereError(action)
        return stored

    async def _reply_of(self, interaction: discord.Interaction[Bot], message: discord.Message, action: str) -> int:
        """The reply that a message shows, or that answers it."""
        stored = await self._stored(interaction, message, action)
        if stored.role == "assistant":
            return stored.id
        reply_id = await self._bot.services.storage.history.reply_under(stored.guild_id, stored.id)
        if reply_id is not None:
            return reply_id
        newest = await self._turns.newest(await conversation_of(interaction))
        if action == "regenerate" and newest is not None and stored.id in {asked.id for asked in newest.asked}:
            return newest.reply.id  # it was deleted, and nothing was said since
        raise NothingThereError(action)


def _size(content: str) -> dict[str, int]:
    """What the record says of words."""
    return {"characters": len(content)}


def _digest(content: str) -> int:
    """Tells whether a reply still says what a form was opened with."""
    return zlib.crc32(content.encode(errors="replace"))
