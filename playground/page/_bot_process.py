"""The bot as the page can hold it: to start it again, and to read the figures that it publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from pathlib import Path

    JSON = dict[str, Any]

_PATIENCE = aiohttp.ClientTimeout(total=1.0)


class BotProcess(Protocol):
    """Whoever started the bot and can start it again."""

    @property
    def metrics_address(self) -> str | None:
        """Where the bot publishes its figures, as host:port."""

    @property
    def database(self) -> Path | None:
        """The file in which the bot keeps what it knows, if it is one that can be looked into."""

    async def restart(self) -> None:
        """End the bot's process and start another."""


async def figures_of(session: aiohttp.ClientSession, bot: BotProcess | None) -> JSON | None:
    """Return what the bot says of itself; None when it says nothing now."""
    if bot is None or not bot.metrics_address:
        return None
    try:
        async with session.get(f"http://{bot.metrics_address}/metrics", timeout=_PATIENCE) as response:
            return read_figures(await response.text())
    except (aiohttp.ClientError, TimeoutError):
        return None


def read_figures(text: str) -> JSON:
    """Return how many conversations wait and how the replies ended, from the Prometheus format."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        "waiting": sum(int(sample.value) for sample in samples if sample.name == "bot_waiting"),
        "replies": {s.labels["state"]: int(s.value) for s in samples if s.name == "bot_replies_total"},
    }
