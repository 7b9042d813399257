"""Takes reports to the moderators' channel, and does there what moderators decide about them."""

import asyncio
import io
import logging
from typing import Any, Final
from weakref import WeakValueDictionary

import discord
from discord import app_commands
from discord.http import handle_message_parameters
from discord.utils import MISSING

from chat.errors import StaleControlError
from cogs._bot import Bot, tell
from cogs._controls import view_of
from cogs._log_posts import channel_of, log_channel
from cogs._outlets import NO_PREVIEWS, shown_text
from cogs._places import scopes_of
from cogs._posts import WRITE_PROBLEMS
from cogs._report_controls import report_controls, time_controls
from cogs._report_form import ReportForm
from cogs._report_words import (
    KEPT,
    KNOWN,
    REPORTED,
    WITHOUT_REASON,
    Subject,
    report_file,
    report_text,
    until_words,
)
from cogs._stopping import stop_denied
from moderation.reports import BLOCK_TIMES, Desk, NoRequesterError, NotReportableError
from moderation.rulebook import Rulebook
from storage import Report, ReportDeed, ReportedMessage, ShownReply

logger = logging.getLogger(__name__)

LARGEST_FILE: Final = 8 * 1024 * 1024
SHOWN_LATER: Final = 10
"""Reports from before there was a channel for them, shown when the next one is."""


class Reporting:
    """One message in the moderators' channel for each report, which says what became of it."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._storage = bot.services.storage
        self._desk = Desk(self._storage.reports, Rulebook(self._storage.access))
        self._drawing: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    # --- members

    async def open_form(self, interaction: discord.Interaction[Bot], message: discord.Message) -> None:
        """Ask somebody why they report a message. Raises `NotReportableError`."""
        _, private = await self._found(interaction, message.id, message)
        await interaction.response.send_modal(ReportForm(message.id, private=private))

    async def report(self, interaction: discord.Interaction[Bot], discord_id: int, reason: str) -> None:
        """Take a report and show it to the moderators. Raises `ReportError`."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        about, _ = await self._found(interaction, discord_id, None)
        unheard = bool(reason.strip()) and self._storage.opt_outs.holds(about.guild_id, interaction.user.id)
        added = await self._desk.report(about, interaction.user.id, "" if unheard else reason)
        if added.report.deeds or (added.again and added.report.posted_id is not None):
            words = KNOWN
        elif await self._show(about.guild_id, added.report.id):
            words = REPORTED
            self._bot.begin_chore(self.show_waiting(about.guild_id))
        else:
            words = KEPT
        await interaction.edit_original_response(content=f"{words}\n{WITHOUT_REASON}" if unheard else words)

    async def show_waiting(self, guild_id: int) -> None:
        """Show the moderators what was reported before there was a channel for it."""
        for report in await self._storage.reports.waiting(guild_id, SHOWN_LATER):
            if not await self._show(guild_id, report.id):
                return

    async def _found(
        self, interaction: discord.Interaction[Bot], discord_id: int, message: discord.Message | None
    ) -> tuple[ReportedMessage, bool]:
        """What a message of the bot's in this channel is, and whether it is the person's alone."""
        guild_id, channel_id = interaction.guild_id, interaction.channel_id
        if guild_id is None or channel_id is None:
            raise app_commands.NoPrivateMessage
        stored = await self._storage.history.by_discord_id(guild_id, discord_id)
        if stored is None:
            message = message or await self._fetch(channel_id, discord_id)
            if message is None or not self._is_own(message):
                raise NotReportableError
            used_by = message.interaction_metadata
            return ReportedMessage(guild_id, channel_id, discord_id, None, used_by.user.id if used_by else None), False
        is_theirs = stored.private_to in {None, interaction.user.id}
        if stored.role != "assistant" or stored.channel_id != channel_id or not is_theirs:
            raise NotReportableError
        asked = await self._storage.history.turn_of(guild_id, stored.id)
        requester_id = stored.author_id or (asked[-1].author_id if asked else None)
        about = ReportedMessage(guild_id, channel_id, discord_id, stored.id, requester_id)
        return about, stored.private_to is not None

    def _is_own(self, message: discord.Message) -> bool:
        return message.author == self._bot.user or self._bot.voices.is_own(message)

    async def _fetch(self, channel_id: int, discord_id: int) -> discord.Message | None:
        try:
            return await self._bot.get_partial_messageable(channel_id).fetch_message(discord_id)
        except WRITE_PROBLEMS:
            return None

    # --- moderators

    async def delete(self, interaction: discord.Interaction[Bot], report_id: int) -> None:
        """Delete what was reported, first from the history; without Discord's help the report stays as it is."""
        report = await self._still(interaction, report_id, "deleted")
        await interaction.response.defer()
        left = await self._erase(report.about)
        if left:
            await self._bot.services.audit.record(
                report.about.guild_id,
                interaction.user.id,
                "report delete from history",
                f"message:{report.about.discord_id} channel:{report.about.channel_id}",
                None,
                {"left in Discord": left},
            )
            await tell(interaction, f"I no longer know it, but Discord did not let me delete {_messages(left)}.")
            return
        await self._note(interaction, report, "deleted")

    async def ask_how_long(self, interaction: discord.Interaction[Bot], report_id: int) -> None:
        """Offer times. Raises `NoRequesterError`."""
        about = (await self._still(interaction, report_id, "blocked")).about
        if about.requester_id is None:
            raise NoRequesterError
        text = f"For how long may <@{about.requester_id}> not use me?"
        shown = await self._shown(about)
        if shown is not None and (others := sorted(shown.asker_ids - {about.requester_id})):
            text += f"\n-# {', '.join(f'<@{user_id}>' for user_id in others)} asked, too: `/access deny`."
        await tell(interaction, text, view=view_of(*time_controls(report_id)))

    async def block(self, interaction: discord.Interaction[Bot], report_id: int, choice: int) -> None:
        """Deny the bot to whoever asked."""
        times = list(BLOCK_TIMES.values())
        report = await self._still(interaction, report_id, "blocked")
        if choice >= len(times):
            raise StaleControlError
        until = await self._desk.block(report, times[choice], interaction.user.id)
        words = f"⛔ <@{report.about.requester_id}> may not use me {until_words(until)}. `/access clear` takes it back."
        if report.about.guild_id is not None:
            await stop_denied(self._bot, report.about.guild_id)
        await interaction.response.edit_message(content=words, view=None)
        done = await self._storage.reports.note_done(
            report.about.guild_id, report.id, "blocked", interaction.user.id, until
        )
        if done is not None:
            await self._show(done.about.guild_id, done.id)

    async def dismiss(self, interaction: discord.Interaction[Bot], report_id: int) -> None:
        """Close the report."""
        report = await self._still(interaction, report_id, "dismissed")
        await interaction.response.defer()
        await self._note(interaction, report, "dismissed")

    async def _still(self, interaction: discord.Interaction[Bot], report_id: int, deed: ReportDeed) -> Report:
        """The report, if this can still be done about it; else its message is made to say what was."""
        report = await self._storage.reports.get(interaction.guild_id or 0, report_id)
        if report is None:
            raise StaleControlError
        if not report.can_be(deed):
            await self._show(report.about.guild_id, report.id)
            raise StaleControlError
        return report

    async def _note(self, interaction: discord.Interaction[Bot], report: Report, deed: ReportDeed) -> None:
        guild_id = report.about.guild_id
        done = await self._storage.reports.note_done(guild_id, report.id, deed, interaction.user.id)
        await self._show(guild_id, report.id)
        if done is None:
            raise StaleControlError  # another moderator was quicker

    async def _erase(self, about: ReportedMessage) -> int:
        """How many messages are left in Discord when the history has let go of all of it."""
        history, guild_id = self._storage.history, about.guild_id
        now_shown = await history.by_discord_id(guild_id, about.discord_id)
        replies = {about.message_id, now_shown.id if now_shown is not None else None} - {None}
        gone = {about.discord_id: None}
        for reply_id in replies:
            shown = await history.shown_reply(guild_id, reply_id or 0)
            if shown is not None:
                gone |= dict.fromkeys(await self._bot.services.turns.forget_reply(shown))
        left = 0
        for discord_id in gone:
            try:
                await self._bot.voices.delete(guild_id, about.channel_id, discord_id)
            except WRITE_PROBLEMS as error:
                logger.info("a reported message could not be deleted: %s", type(error).__name__)
                left += 1
            else:
                await history.unlink_discord(discord_id)
        return left

    # --- the moderators' message

    async def _show(self, guild_id: int, report_id: int) -> bool:
        """Let the moderators' message say how the report stands; whether there is one."""
        async with self._drawing.setdefault(report_id, asyncio.Lock()):
            report = await self._storage.reports.get(guild_id, report_id)
            if report is None:
                return False
            stands = report.posted_id is not None and await self._edit(report)
            return stands or (not report.deeds and await self._post(report))

    async def _post(self, report: Report) -> bool:
        guild_id = report.about.guild_id
        channel = await log_channel(self._bot, guild_id)
        if channel is None:
            return False
        subject = await self._subject(report, whole=True)
        content = report_file(report, subject).encode(errors="replace")[:LARGEST_FILE]
        options: dict[str, Any] = {
            "view": view_of(*report_controls(report)),
            "suppress_embeds": True,
            "nonce": str(report.posted_id or report.id),  # another one when the message was deleted
        }
        text = report_text(report, subject)
        try:
            try:
                posted = await channel.send(text, file=discord.File(io.BytesIO(content), "report.txt"), **options)
            except discord.Forbidden:  # perhaps only the file
                posted = await channel.send(text, **options)
        except WRITE_PROBLEMS as error:
            logger.info("a report could not be shown: %s", type(error).__name__)
            return False
        await self._storage.reports.note_posted(guild_id, report.id, posted.channel.id, posted.id)
        return True

    async def _edit(self, report: Report) -> bool:
        """Write the message anew; False if it is gone."""
        channel_id, posted_id = report.log_channel_id, report.posted_id
        if channel_id is None or posted_id is None or channel_of(self._bot, report.about.guild_id, channel_id) is None:
            return False
        is_deleted = any(deed.deed == "deleted" for deed in report.deeds)
        text = report_text(report, await self._subject(report))
        try:
            with handle_message_parameters(
                content=text,
                view=view_of(*report_controls(report)),
                attachments=[] if is_deleted else MISSING,
                flags=NO_PREVIEWS,
                allowed_mentions=discord.AllowedMentions.none(),
            ) as params:
                await self._bot.http.edit_message(channel_id, posted_id, params=params)
        except discord.NotFound:
            return False
        except WRITE_PROBLEMS as error:
            logger.info("a report could not be brought up to date: %s", type(error).__name__)
        return True

    # --- what it is about

    async def _subject(self, report: Report, *, whole: bool = False) -> Subject:
        """What was reported; `whole` with the prompt. Who opted out meanwhile is not quoted."""
        about = report.about
        if about.message_id is None:
            message = await self._fetch(about.channel_id, about.discord_id)
            return Subject(None if message is None else shown_text(message))
        shown = await self._shown(about)
        if shown is None:
            return Subject(None)
        reply, services, prompt = shown.reply, self._bot.services, None
        if whole:
            channel: Any = self._bot.get_channel(about.channel_id)
            if channel is None:  # an archived thread is in no cache
                channel = self._bot.get_partial_messageable(about.channel_id, guild_id=about.guild_id)
            persona = await self._bot.replies.who_speaks(about.guild_id, reply.persona_id)
            prompt = await services.context.behind(shown, scopes_of(channel, about.guild_id), persona)
        opted_out = self._storage.opt_outs.holds
        return Subject(
            None if reply.state == "deleted" else reply.content,
            [said for said in shown.asked if said.content and not opted_out(about.guild_id, said.author_id or 0)],
            reply.model,
            reply.author_name if reply.persona_id is not None else None,
            prompt,
        )

    async def _shown(self, about: ReportedMessage) -> ShownReply | None:
        if about.message_id is None:
            return None
        return await self._storage.history.shown_reply(about.guild_id, about.message_id)


def _messages(count: int) -> str:
    return "a message" if count == 1 else f"{count} messages"
