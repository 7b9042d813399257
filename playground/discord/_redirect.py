"""Pointing discord.py at another server."""

from __future__ import annotations


def redirect_discord(url: str) -> None:
    """Make discord.py, in this whole process, speak with the Discord at an address instead of the real one."""
    import discord
    import yarl
    from discord.gateway import DiscordWebSocket
    from discord.http import Route

    Route.BASE = f"{url}/api/v10"
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url.replace("http", "ws", 1) + "/gateway")
    discord.Asset.BASE = f"{url}/cdn"
