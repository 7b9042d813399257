"""How many characters of their own the members of a server may have there, as its admins set it."""

from typing import Any, Final

from storage import Scope, ScopedSettings

IMPORTS: Final = "persona_imports"
"""Who may take characters in: `members`, or `moderators` alone."""

OWN_MOST: Final = "persona_own_most"
MOST_OWN: Final = 5
DEFAULTS: Final[dict[str, Any]] = {IMPORTS: "members", OWN_MOST: MOST_OWN}


async def own_most(settings: ScopedSettings, guild_id: int | None) -> int:
    """As many as one member may have; 0 where only moderators take characters in."""
    if guild_id is None:
        return MOST_OWN
    found = await settings.resolve(guild_id, [Scope("guild", guild_id)], DEFAULTS)
    return int(found[OWN_MOST].value) if found[IMPORTS].value == "members" else 0
