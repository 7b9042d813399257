"""The real bot, pointed at the local Discord whose address stands in `PLAYGROUND_DISCORD_URL`."""

import os

import bot
from playground.discord import redirect_discord
from settings import Settings


def main() -> None:
    """Serve with the settings of the environment alone; a `.env` file is for the real Discord."""
    redirect_discord(os.environ["PLAYGROUND_DISCORD_URL"])
    bot.serve(Settings.from_env(os.environ))


if __name__ == "__main__":
    main()
