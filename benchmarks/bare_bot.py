"""The yardstick: the least that can be called a streaming bot.

discord.py and aiohttp; a mention is streamed into edits 0.93 s apart. No storage, no checks, no limits, one message.
"""

import asyncio
import contextlib
import json
import os

import aiohttp
import discord

from playground.discord import redirect_discord

EDIT_SPACING_SECONDS = 0.93


class BareBot(discord.Client):
    """Streams the answer to every mention."""

    async def setup_hook(self) -> None:
        headers = {"Authorization": f"Bearer {os.environ['INFERMATIC_API_KEY']}"}
        self.api = aiohttp.ClientSession(os.environ["INFERMATIC_BASE_URL"], headers=headers)

    async def close(self) -> None:
        await self.api.close()
        await super().close()

    async def on_message(self, message: discord.Message) -> None:
        """Ask, post the first words, and edit in the rest."""
        if message.author.bot or self.user not in message.mentions:
            return
        body = {
            "model": os.environ["DEFAULT_MODEL"],
            "messages": [{"role": "user", "content": message.content}],
            "stream": True,
            "max_tokens": 400,
        }
        pieces: list[str] = []
        showing = None
        ended = asyncio.Event()
        async with self.api.post("/v1/chat/completions", json=body) as response:
            async for line in response.content:
                if not line.startswith(b"data: {"):
                    continue
                choices = json.loads(line[6:])["choices"]
                if choices and (piece := choices[0]["delta"].get("content")):
                    pieces.append(piece)
                if showing is None and pieces:
                    showing = asyncio.create_task(self._show(message, pieces, ended))
        ended.set()
        if showing is not None:
            await showing

    async def _show(self, message: discord.Message, pieces: list[str], ended: asyncio.Event) -> None:
        shown = len(pieces)
        reply = await message.reply("".join(pieces))
        while not ended.is_set() or shown != len(pieces):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), EDIT_SPACING_SECONDS)
            if shown != len(pieces):
                shown = len(pieces)
                await reply.edit(content="".join(pieces))


def main() -> None:
    """Run until ended."""
    redirect_discord(os.environ["PLAYGROUND_DISCORD_URL"])
    intents = discord.Intents(guilds=True, guild_messages=True, message_content=True)
    options = {"max_messages": None, "member_cache_flags": discord.MemberCacheFlags.none()}
    bot = BareBot(intents=intents, chunk_guilds_at_startup=False, guild_ready_timeout=0.1, **options)  # type: ignore[arg-type]  # plain keywords
    bot.run(os.environ["DISCORD_TOKEN"], log_handler=None)


if __name__ == "__main__":
    main()
