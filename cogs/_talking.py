"""From something said in Discord to an answer: shared by messages, commands, buttons and what was missed while away."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import discord

from chat.answers import Question
from chat.asides import without_asides
from chat.attachments import Woven, one_line
from chat.casts import Heard
from chat.channel_settings import ChannelSettings
from chat.errors import LimitReachedError, QueueTooLongError
from chat.persona import Persona
from chat.preferences import ReplyStyle
from chat.profiles import Profiles
from chat.triggers import Trigger
from cogs._attachments import AttachmentReader, MessageGoneError
from cogs._bot import Bot, tell
from cogs._casting import Casting
from cogs._errors import explain
from cogs._filtering import keepable, showable
from cogs._incoming import is_aside, is_persons, is_proxied, question_text, quote_of, quoted_text
from cogs._opted_out import AuthorOf, cover
from cogs._outlets import InteractionOutlet, Outlet, writable_channel
from cogs._pace import Pace
from cogs._places import conversation_for, conversation_of, scopes_of, style_of
from cogs._posts import WRITE_PROBLEMS, quietly
from cogs._quoting import Sources, source_of
from cogs._screen import ReplyScreen
from cogs._unanswered import Unanswered, turned_away_alone
from cogs._words import plain, quoted
from moderation.access import Reason, RefusedError
from storage import NewTurn, Picture, StoredMessage, WithdrawnError
from storage.ids import new_id

logger = logging.getLogger(__name__)

MAY_NOT_WRITE = "I may not write in that channel: I need Send Messages there."
ONLY_AN_ASIDE = "-# That is a remark out of character. I take no notice of it."
SAID = frozenset({discord.MessageType.default, discord.MessageType.reply})


class Talking:
    """Starts answers for the cogs and shows what the guard or the engine refuses."""

    def __init__(self, bot: Bot, pace: Pace) -> None:
        self._bot = bot
        self._pace = pace
        self._channel_settings = ChannelSettings(bot.services.storage.settings, bot.services.context)
        self._profiles = Profiles(bot.services.storage.settings)
        self._reader = AttachmentReader()
        self.sources = Sources()
        self.casting = Casting(bot)
        self.author_of: AuthorOf = lambda _: None
        self.unanswered = Unanswered(bot, pace)

    async def close(self) -> None:
        """What would have vanished by itself does so now, because later nobody would take it away."""
        await self.unanswered.close()
        await self._reader.close()

    @property
    def reader(self) -> AttachmentReader:
        """What fetches the files that people attach."""
        return self._reader

    @property
    def _me(self) -> discord.ClientUser:
        assert self._bot.user is not None
        return self._bot.user

    def own_names(self, guild: discord.Guild | None, persona: Persona | None = None) -> tuple[str, ...]:
        """What the bot is called here, so that it is not taken for one who speaks to it."""
        names = [self._me.display_name]
        if guild is not None and guild.me is not None:
            names.insert(0, guild.me.display_name)
        return tuple(dict.fromkeys([*(persona.names if persona else ()), *names]))

    # --- plain messages

    async def hear(self, message: discord.Message) -> None:
        """Answer a message if it is said to the bot. What bots and webhooks say of their own never is."""
        if not is_persons(message) or message.type not in SAID:
            return
        cover(self._bot, message, self.author_of)
        called = message.guild is None or self._is_called(message)
        if (called or await self._is_heard(message)) and not is_aside(message, self._me.id):
            await self._answer_message(message, called=called)

    def _is_called(self, message: discord.Message) -> bool:
        """Whether a message mentions the bot, or replies to one of its personas, which never mentions anyone."""
        if any(user.id == self._me.id for user in message.mentions):
            return True
        replied = message.reference.resolved if message.reference is not None else None
        return isinstance(replied, discord.Message) and self._bot.voices.is_own(replied)

    async def _is_heard(self, message: discord.Message) -> bool:
        """Whether the channel's trigger makes a message one to the bot that does not mention it."""
        if not self._bot.intents.message_content:
            return False
        trigger = await self._trigger(message)
        if not trigger.listens:
            return False
        return trigger.hears(question_text(message, self._me.id), message.created_at.timestamp())

    async def _style(self, message: discord.Message) -> ReplyStyle:
        if message.guild is None:
            return "plain"
        allowed = message.channel.permissions_for(message.guild.me)
        return await style_of(self._bot.services, message.channel, message.guild.id, allowed)

    async def _trigger(self, message: discord.Message) -> Trigger:
        if message.guild is None:
            return Trigger()
        return await self._channel_settings.trigger(message.guild.id, scopes_of(message.channel, message.guild.id))

    async def _answer_message(self, message: discord.Message, *, called: bool) -> None:
        """Answer a message, or say why not to somebody who called; others would get a notice for all they say."""
        try:
            await self._ask(message, called=called)
        except RefusedError as error:
            if called or error.reason is Reason.FILTERED:
                await self.unanswered.refuse(message, error)
        except (LimitReachedError, QueueTooLongError) as error:
            if called or self._pace.may_tell(message.author.id, message.channel.id):
                await self.unanswered.turn_away(message, error)
        except (MessageGoneError, WithdrawnError):
            logger.debug("a message was not wanted any more before it was kept")
        except WRITE_PROBLEMS as error:
            logger.info("a message could not be answered in Discord: %s", error)
        except Exception as error:  # noqa: BLE001  # a person waits for an answer, so every error gets its words
            words = explain(error).text
            if called or self._pace.may_tell(message.author.id, message.channel.id):
                await message.reply(f"-# ⚠️ {words}", mention_author=False)

    async def _ask(self, message: discord.Message, *, called: bool) -> None:
        """Hand a message to the engine. Raises `RefusedError`."""
        guild_id, heard_id = message.guild.id if message.guild else None, new_id()
        await self._bot.services.guard.check("chat", message.author, guild_id, message.channel)
        trigger = await self._trigger(message)
        if trigger.kind == "off":
            raise RefusedError(Reason.CHANNEL_OFF)
        if not self._may_write(message):
            if called:
                await self.unanswered.say_privately(
                    message, "I may not write in that channel: I need Send Messages there."
                )
            return
        async with self._reader.in_order((message.channel.id, message.author.id)):
            begun = await self._take_up(
                message, guild_id, called=called, gathers=trigger.kind == "always", heard_id=heard_id
            )
        if not begun and called:
            await self.unanswered.hint(message)

    async def _take_up(
        self, message: discord.Message, guild_id: int | None, *, called: bool, gathers: bool, heard_id: int
    ) -> bool:
        """Ask what a message asks; False if that is nothing. What it quotes may be edited or deleted meanwhile."""
        question = await self._question(message, guild_id, called=called, gathers=gathers)
        if question is None:
            return False
        source_id = source_of(message) or 0
        quote = None if self.sources.changed(source_id) else question.turn.quote
        if quote is None and not question.turn.content.strip():
            return False
        question = replace(question, turn=replace(question.turn, heard_id=heard_id, quote=quote))
        await self._begin(question, message, guild_id)
        if self.sources.changed(source_id):
            await self._bot.services.turns.requote(guild_id, source_id, None)
        return True

    async def _begin(self, question: Question, message: discord.Message, guild_id: int | None) -> None:
        persona, style = question.persona, await self._style(message)
        outlet = await self._bot.voices.outlet(
            message.channel, guild_id, persona, style, asking_id=message.id, asker_id=message.author.id
        )
        screen = ReplyScreen(outlet, self._pace, name=persona.name if persona else None)
        await self.casting.ask(question, screen, message.author, message.channel, style)

    def message_gone(self, message_id: int) -> None:
        """A message was deleted, perhaps before it was read to its end."""
        self.sources.note(message_id)
        self._reader.message_gone(message_id)

    async def requote(self, guild_id: int | None, message: discord.Message) -> None:
        """What people quoted of a message that reads otherwise now follows it, as far as that may be kept."""
        self.sources.note(message.id)
        if not await self._bot.services.storage.history.is_quoted(guild_id, message.id):
            return
        cover(self._bot, message, self.author_of)
        text, _ = await keepable(self._bot, message, quoted_text(message, self._me.id), "")
        await self._bot.services.turns.requote(guild_id, message.id, text or None)

    async def edit_message(self, guild_id: int | None, message: discord.Message) -> None:
        """A person's message reads otherwise now; the history follows."""
        cover(self._bot, message, self.author_of)
        storage = self._bot.services.storage
        async with self._reader.in_order((message.channel.id, message.author.id)):
            known = await storage.history.by_discord_id(guild_id, message.id)
        if known is None or known.role != "user":
            return
        pictures = (await storage.pictures.of(guild_id, [known.id])).get(known.id, [])
        try:
            said, _ = await self._said(message, guild_id, {picture.attachment_id: picture for picture in pictures})
        except MessageGoneError:
            return
        if storage.opt_outs.holds(guild_id, known.author_id or 0):  # since the files began to load, or by a proxy bot
            await self._bot.services.turns.forget_message(guild_id, message.id)
            return
        if len(said.pictures) < len(pictures):
            kept = [picture.attachment_id for picture in said.pictures]
            await storage.pictures.keep_only(guild_id, known.id, kept)
        content = "" if is_aside(message, self._me.id) else said.content
        content, refusal = await keepable(self._bot, message, content, known.content)
        if content == known.content and len(said.pictures) == len(pictures):
            return
        answered_by = await self._bot.services.turns.edit_message(guild_id, message.id, content)
        if refusal is not None:
            await self.unanswered.show(message, refusal)
        if answered_by is not None:
            await self._bot.replies.offer_redo(answered_by)
        else:
            await self._bot.replies.offer_later(guild_id, message.channel.id, message.id)

    async def _question(
        self, message: discord.Message, guild_id: int | None, *, called: bool, gathers: bool
    ) -> Question | None:
        """What was said and where in the history it belongs; None when nothing was said, or nobody answers that."""
        key = await conversation_for(self._bot.services, message.channel, guild_id, message.author.id)
        said, replied = await self._said(message, guild_id)
        quote = quote_of(message, self._me.id, self.author_of) if replied is None else None
        if not said.content.strip() and quote is None:
            return None
        said_as = message.author.display_name if is_proxied(message) else None
        on_head = replied is None or await self._bot.services.turns.is_of_newest(key, replied.id)
        words = question_text(message, self._me.id) or said.content or (quote.text if quote is not None else "")
        heard = Heard(words, on_head=on_head, replied_to=replied, expected=called)
        speaker = await self.casting.answering(guild_id, message.channel, key, heard)
        if speaker is None:
            return None
        persona = speaker.persona
        turn = NewTurn(
            key,
            claim_id=message.id,
            discord_id=message.id,
            author_id=message.author.id,
            author_name=said_as or await self._name_of(message.author, guild_id),
            content=said.content,
            pictures=said.pictures,
            quote=quote,
            model=None,
            parent_id=None if on_head or replied is None else replied.id,
            on_head=on_head,
            created_at=message.created_at,
            persona_id=persona.id if persona else None,
            persona_name=persona.name if persona else None,
        )
        return Question(
            turn, scopes_of(message.channel, guild_id), gathers=gathers, notes=said.notes,
            own_names=self.own_names(message.guild, persona), persona=persona, called=speaker.called,
        )  # fmt: skip

    async def _name_of(self, user: discord.abc.User, guild_id: int | None) -> str:
        """What a person is called in chats: as their profile says, else as Discord shows them."""
        return await self._profiles.name_of(guild_id, user.id, user.display_name)

    async def _said(
        self, message: discord.Message, guild_id: int | None, known: Mapping[int, Picture] | None = None
    ) -> tuple[Woven, StoredMessage | None]:
        """What the model reads and sees, and the message of the history that this one replies to.

        Raises `MessageGoneError`.
        """
        said = await self._reader.read(
            message.id,
            question_text(message, self._me.id),
            message.attachments,
            known=known,
            on_wait=lambda: quietly(message.channel.typing()),
        )
        if message.reference is None or message.reference.message_id is None:
            return said, None
        replied = await self._bot.services.storage.history.by_discord_id(guild_id, message.reference.message_id)
        is_elsewhere = replied is not None and replied.channel_id != message.channel.id  # forwarded
        return said, None if is_elsewhere else replied

    def _may_write(self, message: discord.Message) -> bool:
        if message.guild is None:
            return True
        if self._pace.is_closed(message.channel.id):
            return False
        channel: Any = message.channel
        allowed = channel.permissions_for(message.guild.me)
        may_send = allowed.send_messages_in_threads if isinstance(channel, discord.Thread) else allowed.send_messages
        return bool(may_send and allowed.view_channel)

    # --- commands and buttons

    async def answer_command(
        self,
        interaction: discord.Interaction[Bot],
        text: str,
        *,
        attachment: discord.Attachment | None = None,
        private: bool,
    ) -> None:
        """Answer what was said with `/chat`; the question is shown because others cannot see a command's arguments."""
        heard_id, text = new_id(), without_asides(text)
        if not text.strip() and attachment is None:
            await tell(interaction, ONLY_AN_ASIDE)
            return
        text = await showable(interaction, text)
        key = await conversation_of(interaction, private=private)
        speaker = await self.casting.answering(interaction.guild_id, interaction.channel, key, Heard(text))
        persona = speaker.persona if speaker is not None else None
        style = await style_of(
            self._bot.services, interaction.channel, interaction.guild_id, interaction.app_permissions
        )
        by_name = not private and self._may_speak_by_name(interaction, persona, style)
        expired = await _deferred_too_late(interaction, private=private or by_name)
        if expired and private:
            return  # there is no way left to tell the person alone
        said = await self._reader.read(interaction.id, text, [attachment] if attachment else [])
        turn = NewTurn(
            key,
            claim_id=interaction.id,
            discord_id=None,
            author_id=interaction.user.id,
            author_name=await self._name_of(interaction.user, interaction.guild_id),
            content=said.content,
            pictures=said.pictures,
            model=None,
            created_at=interaction.created_at,
            persona_id=persona.id if persona else None,
            persona_name=persona.name if persona else None,
            heard_id=heard_id,
        )
        outlet: Outlet = InteractionOutlet(interaction, private=private, expired=expired, style=style)
        if by_name:
            outlet = await self._bot.voices.outlet(
                interaction.channel, interaction.guild_id, persona, style, asker_id=interaction.user.id
            )
        header = quoted(text, interaction.user.display_name if by_name else None)
        header += f"> 📎 `{await showable(interaction, one_line(attachment.filename))}`\n" if attachment else ""
        screen = ReplyScreen(outlet, self._pace, header=header, name=persona.name if persona else None)
        scopes = scopes_of(interaction.channel, interaction.guild_id)
        own_names = self.own_names(interaction.guild, persona)
        called = speaker is not None and speaker.called
        question = Question(turn, scopes, notes=said.notes, own_names=own_names, persona=persona, called=called)
        async with turned_away_alone(interaction):
            await self.casting.ask(question, screen, interaction.user, interaction.channel, style)
        if by_name and persona is not None and not expired:
            await quietly(interaction.edit_original_response(content=f"-# {plain(persona.name)} answers you here."))

    def _may_speak_by_name(
        self, interaction: discord.Interaction[Bot], persona: Persona | None, style: ReplyStyle
    ) -> bool:
        """Whether a persona answers a command with a message of its own; a webhook cannot answer an interaction."""
        may_write = writable_channel(interaction, style) is not None
        return persona is not None and may_write and self._bot.voices.may_use_webhooks(interaction.channel)

    async def complete(
        self, interaction: discord.Interaction[Bot], prompt: str, model: str | None, max_tokens: int | None
    ) -> None:
        """Stream a plain text completion under its prompt."""
        prompt = await showable(interaction, prompt)
        await interaction.response.defer(thinking=True)
        screen = ReplyScreen(InteractionOutlet(interaction, private=False), self._pace, header=quoted(prompt))
        async with turned_away_alone(interaction):
            await self._bot.services.conversations.complete(
                await conversation_of(interaction),
                interaction.id,
                interaction.user.id,
                scopes_of(interaction.channel, interaction.guild_id),
                screen,
                prompt,
                model=model,
                max_tokens=max_tokens,
            )


async def _deferred_too_late(interaction: discord.Interaction[Bot], *, private: bool) -> bool:
    """Acknowledge a command; whether that took us longer than Discord waits. The channel is still there then."""
    try:
        await interaction.response.defer(ephemeral=private, thinking=True)
    except discord.NotFound:
        return True
    return False
