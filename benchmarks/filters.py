"""Do filters cost little while a reply is written, and does a bad pattern hold up nobody?

    python -m benchmarks.filters

Lets a reply come word by word through what every reply goes through, without filters and with 500 words looked for.
Then lets patterns that never end look at a text, while the event loop's longest stall is measured. Exits with 1 if a
limit is exceeded.
"""

import asyncio
import json
import random
import sys
import time
from statistics import median

from benchmarks.lorebook import STALL_SECONDS, watched
from chat.cleaning import ReplyCleaner
from chat.reasoning import ReasoningFilter
from chat.splitting import ReplyParts
from infermatic_client._assembly import ChatAssembly
from infermatic_client._sse import SSEDecoder
from moderation._finding import Meaning
from moderation._patterns import Pattern
from moderation._sieve import Reading, Sieve
from moderation._words import Phrase, Words, divided

LIMIT = 4.0
"""How many times as long a reply may take with filters; without, it is decoded, cleaned and cut into messages."""

WORDS = 500
TOKENS = 400
ROUNDS = 15
SLOW_PATTERNS = (
    r"(?:a|aa){1,40}(?:a|aa){1,40}z", r"(?:a|b|ab|aa){5,80}z", r"(?:a|aa){20,90}z", r"(?:(?:a|aa){1,9}){1,9}z",
    r"(a+)+$", r"(.*a){25}$", r"(a|aa)+$", r"(\w+\s?)*!$", r"(.*)*(.*)*(.*)*=",
)  # fmt: skip


async def main() -> int:
    """Measure both."""
    dice = random.Random(7)
    names = ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=dice.randint(4, 9))) for _ in range(6_000)]
    phrases = {Phrase.read(name): Meaning("block", name) for name in names[:WORDS]}
    words = Sieve([Words(side) for side in divided({phrase: why for phrase, why in phrases.items() if phrase})])
    others = [name for name in names[WORDS:] if name not in set(names[:WORDS])]
    tokens = [f"{name} " if number % 9 else f"*{name}*, " for number, name in enumerate(dice.choices(others, k=TOKENS))]
    plain, filtered = [], []
    for _ in range(ROUNDS):
        plain.append(await _seconds(tokens, None))
        filtered.append(await _seconds(tokens, words))
    ratio = median(filtered) / median(plain)
    print(
        f"a reply of {TOKENS} tokens: {median(plain) * 1e3:.2f} ms without filters, {median(filtered) * 1e3:.2f} ms "
        f"with {WORDS} words, ratio {ratio:.2f}, limit {LIMIT}"
    )
    return int(await _slow_patterns() or ratio > LIMIT)


async def _seconds(tokens: list[str], sieve: Sieve | None) -> float:
    """How long it takes until a reply is ready to be shown."""
    reasoning, cleaner, parts = ReasoningFilter(), ReplyCleaner(["Ada"], ["Tom"]), ReplyParts()
    reading = None if sieve is None else Reading(sieve)
    decoder, assembly = SSEDecoder(), ChatAssembly(AssertionError)  # type: ignore[arg-type]  # never called
    wire = [b"data: %s\n\n" % json.dumps(_chunk(token)).encode() for token in tokens]
    started = time.perf_counter()
    for piece in wire:
        delta = assembly.take(decoder.feed(piece)[0])
        assert delta is not None
        shown = cleaner.feed(reasoning.feed(delta.text))
        if reading is not None:
            shown = await reading.feed(shown)
        if shown:
            parts.append(shown)
    rest = cleaner.feed(reasoning.finish()) + cleaner.finish()
    parts.append(rest if reading is None else await reading.feed(rest) + await reading.finish())
    seconds = time.perf_counter() - started
    assert sum(map(len, parts.parts)) > TOKENS
    return seconds


def _chunk(text: str) -> object:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "model", "choices": [choice]}


async def _slow_patterns() -> bool:
    """Whether patterns that never end hold up the event loop, in a reply that grows and in a whole text."""
    text = "word " * 20 + "a" * 120 + "! zone"
    sieves = [Sieve([Pattern(pattern, Meaning("flag", pattern))]) for pattern in SLOW_PATTERNS]
    stalls = [(await watched(work))[1] for sieve in sieves for work in (_written(sieve, text), sieve.review(text))]
    print(f"patterns that never end: longest stall {max(stalls) * 1e3:.1f} ms, limit {STALL_SECONDS * 1e3:.0f}")
    return median(sorted(stalls)[-5:]) > STALL_SECONDS


async def _written(sieve: Sieve, text: str) -> None:
    reading = Reading(sieve)
    for begin in range(0, len(text), 5):
        await reading.feed(text[begin : begin + 5])
    await reading.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
