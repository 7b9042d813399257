"""`python -m playground`: a local Discord, a local Infermatic and the page, for a bot that somebody else starts."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys

from playground.world import start_playground


async def serve(page_port: int, tokens_per_second: float) -> None:
    """Run until interrupted, after telling where everything is."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stopping.set)
    async with await start_playground(page_port=page_port, tokens_per_second=tokens_per_second) as playground:
        lines = [
            f"Page:       {playground.page_url}",
            f"Discord:    {playground.discord.url}",
            f"Infermatic: {playground.infermatic.url}",
            "A bot needs in its environment:",
            *(f"  {name}={value}" for name, value in playground.environment().items()),
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        await stopping.wait()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m playground", description="A Discord and an Infermatic of your own")
    parser.add_argument("--port", type=int, default=0, help="port of the page (default: a free one)")
    parser.add_argument("--tokens-per-second", type=float, default=40.0, help="speed of the local models")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(arguments.port, arguments.tokens_per_second))


if __name__ == "__main__":
    main()
