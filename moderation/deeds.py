"""Which deeds of moderators are recorded when they are done. Changes of settings and rules record themselves."""

from typing import Final

from moderation.rights import REQUIRED, Level

# What is only looked at.
LOOKS: Final = frozenset(
    {
        "access list", "apikey show", "audit show", "audit export", "doctor", "filter list", "filter test",
        "limit list", "lore read", "persona look after", "queue show",
        "usage chart", "usage channel", "usage export", "usage server",
    }
)  # fmt: skip
# What makes an answer, which is in the history, with who asked for it.
ASKS: Final = frozenset({"retry", "swipe", "regenerate", "continue", "continue from here"})
# What changes nothing but settings or rules, or records itself.
RECORDED_ELSEWHERE: Final = frozenset(
    {
        "access allow", "access deny", "access clear", "apikey remove", "apikey remove lent", "apikey set",
        "approve guild", "channel set", "channel set server",
        "filter add", "filter automod", "filter remove", "limit grant", "limit remove", "limit set", "limit weight",
        "queue clear",
        "model set", "model reset", "note set", "note clear", "pause", "persona bring",
        "persona clear", "persona turns", "persona use", "report handle", "resume", "sampling delete",
        "sampling import", "sampling load", "sampling reset", "sampling save", "sampling set", "setup",
    }
)  # fmt: skip


def is_recorded(action: str) -> bool:
    """Whether doing this by more than a member's right is a deed to record; what nobody thought of is."""
    if REQUIRED.get(action, Level.MEMBER) <= Level.MEMBER:
        return False
    return action not in LOOKS | ASKS | RECORDED_ELSEWHERE
