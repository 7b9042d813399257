"""Is a lorebook looked through quickly, and does a bad pattern hold up nobody?

    python -m benchmarks.lorebook

Looks for 1,000 keys, each an entry of its own, and compares that with one search by the regex module for all of them
as one alternation over the same text. Then looks for patterns that never end, while the event loop's longest stall is
measured. Exits with 1 if a limit is exceeded.
"""

import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from statistics import median

import regex

from chat.lorebooks import Chat, Lorebook, Said, read_lorebook, scan
from chat.macros import Macros
from chat.tokens import TokenEstimator

LIMIT = 3.0
PATTERNS_SECONDS = 0.2
STALL_SECONDS = 0.020
ENTRIES = 1_000
ROUNDS = 15
SLOW_ROUNDS = 5
TICK_SECONDS = 0.001
WORDS_IN_TEXT = (20, 60, 600, 4_000)

SLOW_PATTERNS = (
    r"/(a+)+$/", r"/(a|aa)+$/", r"/(a|a?)+$/", r"/(.*a){25}$/", r"/([a-z]+)*\d/", r"/^(([a-z])+.)+[A-Z]([a-z])+$/",
    r"/(x+x+)+y/", r"/(?:(?:a*)*)*b/", r"/(.*)*(.*)*(.*)*=/i", r"/(\w+\s?)*!$/", r"/(?:a?){300}a{300}b/",
)  # fmt: skip


async def main() -> int:
    """Measure both."""
    dice = random.Random(7)
    words = ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=dice.randint(4, 9))) for _ in range(8_000)]
    keys = [word if number % 4 else f"{word} {words[number + 1]}" for number, word in enumerate(words[:ENTRIES])]
    others = [word for word in words[ENTRIES + 1 :] if not any(key in word for key in keys)]
    missed = False
    for count in WORDS_IN_TEXT:
        text = " ".join(dice.choices(others, k=count)).capitalize()
        ratio = await _ratio(keys, text)
        missed |= ratio > LIMIT
    return int(await _slow_patterns() or missed)


async def _ratio(keys: Sequence[str], text: str) -> float:
    """How much longer the scan takes; no key is in the text, so that both must look at all of it."""
    book = _book(keys)
    together = regex.compile("|".join(map(regex.escape, keys)), regex.IGNORECASE)
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(ROUNDS):
        started = time.perf_counter()
        assert not together.search(f"{text} {number}")
        theirs.append(time.perf_counter() - started)
        started = time.perf_counter()
        found = await _scan(book, f"{text} {number}")
        ours.append(time.perf_counter() - started)
        assert not found
    ratio = median(ours) / median(theirs)
    print(
        f"{len(keys):,} keys in {len(text):,} characters: scan {median(ours) * 1e3:.2f} ms, "
        f"one alternation {median(theirs) * 1e3:.2f} ms, ratio {ratio:.2f}, limit {LIMIT}"
    )
    return ratio


async def _slow_patterns() -> bool:
    """Whether patterns that never end take too long, or hold up the event loop."""
    book = _book(
        [*SLOW_PATTERNS, *(pattern.replace("/", f"/(?:zz{n})?", 1) for n in range(20) for pattern in SLOW_PATTERNS)]
    )
    text = "a" * 3_000 + " x" * 300 + "x" * 3_000 + " word" * 500
    taken: list[float] = []
    stalls: list[float] = []
    for _ in range(SLOW_ROUNDS):
        seconds, stall = await watched(_scan(book, text))
        taken.append(seconds)
        stalls.append(stall)
    print(
        f"{len(book.entries)} patterns that never end: {median(taken) * 1e3:.0f} ms in all "
        f"(worst {max(taken) * 1e3:.0f}), limit {PATTERNS_SECONDS * 1e3:.0f}; "
        f"longest stall {median(stalls) * 1e3:.1f} ms (worst {max(stalls) * 1e3:.1f}), limit {STALL_SECONDS * 1e3:.0f}"
    )
    # What the scan itself does wrong shows in every round; a busy machine is late in some.
    return median(taken) > PATTERNS_SECONDS or median(stalls) > STALL_SECONDS


async def watched(work: Awaitable[object]) -> tuple[float, float]:
    """How long it takes, and the event loop's longest stall meanwhile."""
    stall, done = [0.0], asyncio.Event()
    watching = asyncio.create_task(_watch(stall, done))
    await asyncio.sleep(TICK_SECONDS * 5)
    started = time.perf_counter()
    await work
    seconds = time.perf_counter() - started
    done.set()
    await watching
    return seconds, stall[0]


async def _watch(stall: list[float], done: asyncio.Event) -> None:
    """Note by how much the loop comes too late."""
    while not done.is_set():
        started = time.perf_counter()
        await asyncio.sleep(TICK_SECONDS)
        stall[0] = max(stall[0], time.perf_counter() - started - TICK_SECONDS)


def _book(keys: Sequence[str]) -> Lorebook:
    return read_lorebook({"entries": [{"keys": [key], "content": f"About {key}."} for key in keys]}, key="book")


async def _scan(book: Lorebook, text: str) -> Sequence[object]:
    dice = random.Random(1)
    macros = Macros({}, now=datetime(2026, 1, 1, tzinfo=UTC), random=dice)
    chat = Chat([Said(1, "Ada", text, by_user=True)])
    return (await scan([[book]], chat, macros, TokenEstimator().measure, 4_000, random=dice)).fired


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
