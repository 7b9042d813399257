"""What can go wrong with the API keys of a server, in words."""

from typing import Final

from chat.errors import (
    ApiKeyError,
    KeyFormatError,
    KeyNotAcceptedError,
    ModelOutsidePlanError,
    NoSuchKeyError,
    TooManyLendersError,
)
from cogs._rule_words import as_code

NO_SUCH: Final = {
    "mine": "You lend no key here. A moderator removes others' with `member`, an admin the server's with `key`.",
    "member": "This member lends no key here.",
    "server": "This server has no key of its own.",
}


def key_words(error: ApiKeyError) -> str:
    """What happened and what to do next."""
    match error:
        case ModelOutsidePlanError(model=model):
            return f"No API key of this server may use `{as_code(model)}`. Choose another model with `/model set`."
        case KeyFormatError():
            return "This does not look like an API key. Copy it again from your account; I kept nothing."
        case KeyNotAcceptedError():
            return "The service does not accept this key. Copy it again, or look at your plan; I kept nothing."
        case TooManyLendersError(limit=limit):
            return f"{limit} members lend their keys to this server, which is the most."
        case NoSuchKeyError(whose=whose):
            return NO_SUCH.get(whose, NO_SUCH["mine"])
    return "This cannot be done with API keys."
