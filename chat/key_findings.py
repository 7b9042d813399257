"""How it stands with the API keys of one server: its own and those that members lend, tried at the service.

Like all findings they are made to be shown, and hold nothing of a key.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from chat.diagnosis import MOST_NAMES, Finding, Mark, models_of, service_words
from chat.keyring import Keyring, KeyStanding, ServerPool
from infermatic_client import AuthenticationError, InfermaticClient, InfermaticError, PermissionDeniedError
from storage import StorageError

OWN: Final = "This server's API key"
LENT: Final = "Lent API keys"
NO_OWN: Final = Finding(OWN, Mark.GOOD, "none; the keys of whoever runs me answer here.")
NEW_KEY: Final = "`/apikey set` enters another; until it works, the keys of whoever runs me answer here."
NEW_LENT: Final = "Who lends it enters another with `/apikey lend`, or it is taken away with `/apikey remove`."
CLOSED: Final = "it does not open any more, because `SECRET_KEY` was changed."


async def key_findings(keyring: Keyring, guild_id: int) -> list[Finding]:
    """Ask the service about all of a server's keys at the same time; what is wrong with the database tells itself."""
    try:
        standings = await keyring.standings(guild_id)
    except StorageError:
        return []
    pool = keyring.of(guild_id)
    clients = {key.lender_id: key.client for key in pool.kept} if isinstance(pool, ServerPool) else {}
    tried = await asyncio.gather(*(_try(clients.get(standing.lender_id)) for standing in standings))
    looked = list(zip(standings, tried, strict=True))
    own = [_own(standing, outcome) for standing, outcome in looked if standing.lender_id is None] or [NO_OWN]
    lent = [(standing.lender_id, outcome) for standing, outcome in looked if standing.lender_id is not None]
    return [*own, *([_lent(lent)] if lent else [])]


async def _try(client: InfermaticClient | None) -> int | InfermaticError | None:
    """How many models a key may use, or why that is not known; None for a key that does not open."""
    if client is None:
        return None
    try:
        return len(await models_of(client))
    except InfermaticError as error:
        return error


def _own(standing: KeyStanding, outcome: int | InfermaticError | None) -> Finding:
    if standing.state == "sealed" or outcome is None:
        return Finding(OWN, Mark.WRONG, CLOSED, "`/apikey set` enters it anew.")
    if isinstance(outcome, int):
        return Finding(OWN, Mark.GOOD, f"accepted; {outcome} models.")
    words, mend = service_words(outcome)
    return Finding(OWN, Mark.WRONG, words, NEW_KEY if _is_refusal(outcome) else mend)


def _lent(looked: Sequence[tuple[int, int | InfermaticError | None]]) -> Finding:
    count = "One member lends one" if len(looked) == 1 else f"{len(looked)} members lend one"
    no_use = [lender for lender, outcome in looked if outcome is None or _is_refusal(outcome)]
    if no_use:
        named = ", ".join(f"<@{lender}>" for lender in no_use[:MOST_NAMES])
        more = f" and {len(no_use) - MOST_NAMES} more" if len(no_use) > MOST_NAMES else ""
        return Finding(LENT, Mark.WARNING, f"{count}; no use are those of {named}{more}.", NEW_LENT)
    unknown = next((outcome for _, outcome in looked if isinstance(outcome, InfermaticError)), None)
    if unknown is not None:
        words, mend = service_words(unknown)
        return Finding(LENT, Mark.WARNING, f"{count}; whether they work cannot be told: {words}", mend)
    return Finding(LENT, Mark.GOOD, f"{count}; accepted.")


def _is_refusal(outcome: int | InfermaticError) -> bool:
    return isinstance(outcome, AuthenticationError | PermissionDeniedError)
