"""Which texts are nothing but emoji: Discord shows a few of them large."""

from __future__ import annotations

import regex

MOST_LARGE = 30

EMOJI = regex.compile(
    r"\p{Regional_Indicator}{2}|[0-9#*]\ufe0f?\u20e3"
    r"|(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|[\p{Emoji_Modifier_Base}])\p{Emoji_Modifier}?\ufe0f?"
    r"(?:\u200d\p{Extended_Pictographic}\p{Emoji_Modifier}?\ufe0f?)*"
)
"""One emoji with everything that is joined to it."""

_OWN = regex.compile(r"<a?:\w{2,32}:\d{1,20}>")


def is_only_emoji(text: str) -> bool:
    """Say whether a text holds some emoji and nothing else."""
    rest, own = _OWN.subn("", text)
    rest, shown = EMOJI.subn("", rest)
    return 0 < own + shown <= MOST_LARGE and not rest.strip()
