"""Why something cannot be set for a server, in words."""

from cogs._rule_words import as_code
from moderation.server_setup import (
    MOST_AMOUNT,
    AmountError,
    CannotWriteError,
    EverybodyModeratesError,
    SetupError,
)


def setup_words(error: SetupError) -> str:
    """What is wrong, and what to do."""
    match error:
        case AmountError(unit=unit, period=period, typed=typed):
            return (
                f"{unit.capitalize()} per {period}: `{as_code(typed)}` is no number from 1 to "
                f"{MOST_AMOUNT:,}. An empty field means no limit. Nothing was changed."
            )
        case CannotWriteError(channel_id=channel_id, missing=missing):
            return f"I cannot write in <#{channel_id}>: I lack {', '.join(missing)} there. Nothing was changed."
        case EverybodyModeratesError():
            return "Everybody has this role, so everybody would be a moderator. Nothing was changed."
        case _:
            return "This cannot be set."
