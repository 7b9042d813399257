"""The whole bot over the wire, against the bare bot in the same run.

Both bots run as processes of their own against the same local Discord (five writes per five seconds and method,
sliding) and the same local Infermatic (240 tokens at 40 a second, no limits). Measured for each reply:

- request: from the user's message to the API request;
- lag: how far the visible text is behind the stream, in the mean over its tokens;
- finish: from the last token to the complete text on the screen;
- CPU: of the bot's process for one reply.

`python -m benchmarks.over_the_wire` prints both and their ratios, and ends with 1 when a bar is missed.
"""

import asyncio
import bisect
import os
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import Process
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.discord import LocalDiscord
from playground.infermatic import LocalInfermatic

MODEL = "Sao10K-L3.3-70B-Euryale-v2.3-FP8-Dynamic"
TOKENS_PER_SECOND = 40.0
TOKENS = 240
WORD = " word"  # one token of the local Infermatic
CHANNELS = 40
SINGLE_REPLIES = 8
ROUNDS = 2

REQUEST_BAR = 5.0
LAG_BAR = 1.15
FINISH_LATER_SECONDS = 0.1
SPACING_SECONDS = 1.0
CPU_BAR = 1.6


@dataclass(frozen=True, slots=True)
class Reply:
    """What was measured of one reply, in seconds."""

    request: float
    lag: float
    finish: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One bot in one scene."""

    replies: list[Reply]
    cpu_seconds: float

    def median(self, name: str) -> float:
        """The median over all replies."""
        return statistics.median(float(getattr(reply, name)) for reply in self.replies)

    def mean(self, name: str) -> float:
        """The mean over all replies."""
        return statistics.fmean(getattr(reply, name) for reply in self.replies)


class Rig:
    """The local services, and the channels in which one bot after the other is asked."""

    def __init__(self, discord: LocalDiscord, api: LocalInfermatic) -> None:
        self.discord = discord
        self.api = api
        user = discord.add_user("Ada")
        guild = discord.add_guild("Bench", owner=user)
        self.person = discord.person(user)
        self.channels = [guild.add_text_channel(f"channel-{number}") for number in range(CHANNELS)]
        self._number = 0

    async def start_bot(self, module: str, folder: Path) -> Process:
        """Start one of the bots and wait until it has answered once."""
        environment = {
            **os.environ,
            "PLAYGROUND_DISCORD_URL": self.discord.url,
            "DISCORD_TOKEN": "local-token",
            "INFERMATIC_API_KEY": "sk-local",
            "INFERMATIC_BASE_URL": self.api.url,
            "REQUESTS_PER_MINUTE": "0",
            "PARALLEL_REQUESTS": "0",
            "DEFAULT_MODEL": MODEL,
            "DATABASE_URL": f"sqlite:///{folder}/bench.db",
            "LOG_LEVEL": "WARNING",
        }
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, env=environment)
        await self.discord.wait_until_connected(timeout=30)
        await asyncio.sleep(3.0)  # a new session has its servers only some moments later
        for channel in self.channels[:2]:
            await self.ask(channel, tokens=8)
        return process

    async def ask(self, channel: Any, tokens: int = TOKENS) -> Reply:
        """Ask in a channel and measure the reply."""
        self._number += 1
        marker = f"question{self._number}"
        text = (WORD * tokens).strip()
        self.api.replies.add(text, times=1)
        known = len(channel.messages)
        said_at = time.monotonic()
        await self.person.say(channel, f"<@{self.discord.bot.id}> {marker}")
        try:
            await self.discord.wait_until(lambda: _shows(channel, known, text), timeout=30)
        except TimeoutError:
            there = [f"{m.author.name}: {len(m.content)} characters" for m in channel.messages[known:]]
            asked = [r.body for r in self.api.requests if marker in str(r.body)]
            raise RuntimeError(f"no whole reply in {channel.name}: {there}, {len(asked)} requests") from None
        request = next(r for r in reversed(self.api.requests) if marker in str(r.body.get("messages")))
        versions = channel.messages[-1].history
        first = request.at + self.api.first_token_seconds
        emitted = [first + number / TOKENS_PER_SECOND for number in range(tokens)]
        finished_at = next(at for at, content in versions if content.strip() == text)
        return Reply(request.at - said_at, _mean_lag(emitted, versions, text), finished_at - emitted[-1])


def _shows(channel: Any, known: int, text: str) -> bool:
    messages = channel.messages
    return len(messages) > known + 1 and messages[-1].content.strip() == text


def _mean_lag(emitted: list[float], versions: list[tuple[float, str]], text: str) -> float:
    shown = [(min(content.count("word"), len(emitted)), at) for at, content in versions]
    counts = [count for count, _ in shown]
    lags = [shown[bisect.bisect_left(counts, number + 1)][1] - at for number, at in enumerate(emitted)]
    return statistics.fmean(lags)


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(rig: Rig, module: str) -> tuple[Figures, Figures]:
    """One bot alone in one channel, then in all channels at once."""
    with tempfile.TemporaryDirectory() as folder:
        process = await rig.start_bot(module, Path(folder))
        try:
            before = cpu_seconds(process.pid)
            single = [await rig.ask(channel) for channel in rig.channels[2 : 2 + SINGLE_REPLIES]]
            single_cpu = (cpu_seconds(process.pid) - before) / len(single)
            await asyncio.sleep(5.5)  # so that no allowance is used up by what came before
            before = cpu_seconds(process.pid)
            many: list[Reply] = []
            for _ in range(ROUNDS):
                many += await asyncio.gather(*(rig.ask(channel) for channel in rig.channels))
                await asyncio.sleep(5.5)
            many_cpu = (cpu_seconds(process.pid) - before) / len(many)
        finally:
            process.terminate()
            await process.wait()
    return Figures(single, single_cpu), Figures(many, many_cpu)


def report(scene: str, ours: Figures, bare: Figures) -> list[bool]:
    """Print one scene; whether each bar is held."""
    print(f"\n{scene:<28}{'ours':>10}{'bare':>10}{'ratio':>8}")
    rows = [
        ("request, median ms", ours.median("request") * 1e3, bare.median("request") * 1e3),
        ("lag, mean s", ours.mean("lag"), bare.mean("lag")),
        ("finish, median s", ours.median("finish"), bare.median("finish")),
        ("finish, longest s", max(r.finish for r in ours.replies), max(r.finish for r in bare.replies)),
        ("CPU a reply, ms", ours.cpu_seconds * 1e3, bare.cpu_seconds * 1e3),
    ]
    for name, our_figure, bare_figure in rows:
        print(f"{name:<28}{our_figure:>10.3f}{bare_figure:>10.3f}{our_figure / bare_figure:>8.2f}")
    return [
        rows[0][1] <= REQUEST_BAR * rows[0][2],
        rows[1][1] <= LAG_BAR * rows[1][2],
        rows[2][1] <= rows[2][2] + FINISH_LATER_SECONDS,
        rows[3][1] <= SPACING_SECONDS,
        rows[4][1] <= CPU_BAR * rows[4][2],
    ]


async def run() -> bool:
    """Measure both bots; whether every bar is held."""
    async with LocalDiscord() as discord, LocalInfermatic(tokens_per_second=TOKENS_PER_SECOND) as api:
        discord.rate_limits.global_per_second = 10_000  # the bare bot does not share it out, and would give up
        rig = Rig(discord, api)
        bare = await measure(rig, "benchmarks.bare_bot")
        ours = await measure(rig, "playground.bot_process")
    held = report("one channel", ours[0], bare[0]) + report(f"{CHANNELS} channels at once", ours[1], bare[1])
    print("\nall bars held" if all(held) else "\nA BAR IS MISSED")
    return all(held)


if __name__ == "__main__":
    raise SystemExit(0 if asyncio.run(run()) else 1)
