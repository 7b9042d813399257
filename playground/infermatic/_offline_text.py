"""The text that stands in for a model: visibly offline, but an answer to what was sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._calls import last_text
from ._pictures import picture_addresses, picture_size
from ._tokenizer import text_of

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from ._calls import Call

QUOTE_CHARACTERS = 140
SYSTEM_CHARACTERS = 70
USUAL_SENTENCES = (3, 5)
LONG_SENTENCES = (55, 75)  # about 5,000 characters: three messages of Discord

_WANTS_LONG = re.compile(r"\b(long|story|chapter|essay|novel|lengthy)\b", re.IGNORECASE)
_WANTS_MORE = re.compile(r"^\W*(continue|go on|carry on|and then|more|next)\b", re.IGNORECASE)
_WANTS_LIST = re.compile(r"\b(list|bullets?|steps|options)\b", re.IGNORECASE)
_WANTS_CODE = re.compile(r"\b(code|python|script|function)\b", re.IGNORECASE)

_OPENINGS = (
    "I stand in for MODEL, no model is running.",
    "no model runs here; MODEL is the one that was asked.",
    "this went to MODEL, or would have gone there.",
    "MODEL was asked for, and I answer in its place.",
    "here is where MODEL would speak.",
)

_REMARKS = (
    "Every word of this was put together on this machine, and nothing left it.",
    "A real model would answer the question itself; I only show how an answer arrives.",
    "Choose another model and ask again, and the first line will name that one.",
    "Ask for a long story to see a reply that needs more than one message.",
    "Ask again and I will pick other sentences, so that alternatives can be told apart.",
    "The words come at the pace of a busy server, which is why they drip in.",
    "Stop me whenever you like; what has been said so far stays.",
    "What I count as a token is a piece of a word of about four letters.",
    "If you change my instructions, the next answer quotes the new ones.",
    "Whoever speaks next in this channel is heard together with you.",
    "I keep no memory of my own: all I know is in the messages that came with this request.",
    "Numbers such as 42 or 1,024 are counted in groups of three digits.",
)

_STORY = (
    ("The lighthouse keeper found a letter under the door.", "A letter lay on the lighthouse stairs that morning."),
    ("It was dry, although it had rained all night.", "The ink had not run, in spite of the storm."),
    ("Nobody had climbed the cliff path for a month.", "The path below was overgrown and showed no footprints."),
    ("She read it twice and put the kettle on.", "She read it aloud to the cat, who did not look up."),
    ("It asked for the lamp to be put out at midnight.", "Somebody wanted the light gone, for one hour, at midnight."),
    ("In forty years the lamp had never been dark.", "The light had burned through two wars and a wedding."),
    ("By noon the fog had swallowed the harbour.", "Towards noon the bay went white and quiet."),
    ("A bell rang where there was no buoy.", "Somewhere out there a bell answered the gulls."),
    ("She counted the strokes and wrote the number down.", "Seven strokes, a pause, then seven more."),
    ("The logbook of her grandfather had the same number.", "An old logbook on the shelf held that number as well."),
    ("Beside it he had drawn a small ship with no mast.", "A ship was sketched there, without mast or name."),
    ("At dusk the cat sat down at the door and waited.", "When evening came, the cat would not leave the door."),
    ("She took the key from its nail.", "The key to the lamp room was cold in her hand."),
    (
        "A hundred and nine steps is a long time to think.",
        "On the stairs she had time to change her mind, and did not.",
    ),
    ("At midnight she closed the shutter.", "When the clock struck, the beam went out."),
    ("Without the light the stars came down to the water.", "The sea, left alone, lit up by itself."),
    ("And there, between two rocks, something was coming home.", "Then a hull slid out of the dark, close and silent."),
    ("“You are late,” she said.", "“We kept your place,” said a voice from below."),
)


def offline_text(call: Call, rng: random.Random) -> Iterator[str]:
    """Yield the reply piece by piece; it ends after a sensible length."""
    last = last_text(call)
    story = bool(_WANTS_LONG.search(last))
    if _continues(call, last):
        yield from _story_from(_story_position(call), rng, LONG_SENTENCES if story else USUAL_SENTENCES)
        return
    yield _opening(call, last, rng)
    if _WANTS_LIST.search(last):
        yield "\n- **one**: a list was asked for\n- *two*: so here is one\n- `three`: it ends here\n"
    if _WANTS_CODE.search(last):
        yield '\n```python\ndef greet(name: str) -> str:\n    return f"Hello, {name}!"\n```\n'
    if story:
        yield "\n"
        yield from _story_from(0, rng, LONG_SENTENCES)
        return
    yield "\n"
    yield " ".join(rng.sample(_REMARKS, rng.randint(*USUAL_SENTENCES)))


def padding(rng: random.Random) -> Iterator[str]:
    """Yield further sentences without end, for a reply that must reach a length."""
    while True:
        yield " " + rng.choice(_REMARKS)


def thoughts(call: Call) -> str:
    """Return what a reasoning model thinks before it answers."""
    return (
        f"The user wrote “{_shortened(last_text(call), 60)}”. I see {_turns(call)} before me. "
        "No model runs here, so I will say that, quote the message and keep it short."
    )


def _opening(call: Call, last: str, rng: random.Random) -> str:
    lines = ["*Offline playground:* " + rng.choice(_OPENINGS).replace("MODEL", f"**{call.model}**")]
    system = _system_text(call)
    if system:
        lines.append(f"My instructions begin “{_shortened(system, SYSTEM_CHARACTERS)}”.")
    if call.prompts:
        lines.append(f"The prompt has {len(call.prompts[-1])} characters and ends “{_ending(last)}”.")
    else:
        lines.append(f"I can see {_turns(call)}, and the last one says “{_shortened(last, QUOTE_CHARACTERS)}”.")
    lines += _sights(call)
    return " ".join(lines) + "\n"


def _sights(call: Call) -> list[str]:
    """Tell of the pictures that came along, as much as can be seen here."""
    sizes = [size for size in map(picture_size, picture_addresses(call.messages)) if size]
    told = ", ".join(f"{width} x {height}" for width, height in sizes)
    if not sizes:
        return []
    return [f"A picture came with it, {told} pixels." if len(sizes) == 1 else f"Pictures came with it: {told} pixels."]


def _story_from(position: int, rng: random.Random, sentences: tuple[int, int]) -> Iterator[str]:
    """Yield the story from a sentence on, a paragraph after every fourth; it starts over when it has ended."""
    for offset in range(rng.randint(*sentences)):
        number = position + offset
        yield rng.choice(_STORY[number % len(_STORY)])
        yield "\n\n" if number % 4 == 3 else " "


def _continues(call: Call, last: str) -> bool:
    if not call.messages:
        return False
    return call.messages[-1].get("role") == "assistant" or bool(_WANTS_MORE.search(last))


def _story_position(call: Call) -> int:
    """Return where the story goes on: after the last of its sentences that is in the messages."""
    told = " ".join(text_of(m.get("content")) for m in call.messages if m.get("role") == "assistant")
    return max((told.rfind(text), n + 1) for n, texts in enumerate(_STORY) for text in texts)[1] if told else 0


def _turns(call: Call) -> str:
    count = sum(message.get("role") in {"user", "assistant"} for message in call.messages)
    return f"{count} turn" if count == 1 else f"{count} turns"


def _system_text(call: Call) -> str:
    return "\n".join(text_of(m.get("content")) for m in call.messages if m.get("role") == "system")


def _shortened(text: str, limit: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[:limit].rsplit(" ", 1)[0] + " …"


def _ending(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= QUOTE_CHARACTERS else "… " + flat[-QUOTE_CHARACTERS:]
