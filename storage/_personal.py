"""Which columns name people, and what becomes of each when somebody wants their data deleted."""

from enum import Enum
from typing import Final


class Upon(Enum):
    """What deletion does to a row whose column names the person."""

    EMPTIED = "emptied"  # the words go, the row keeps its place for what hangs under it
    DELETED = "deleted"
    NOBODYS = "nobody's"  # it belongs to the server and stays, without the person's id
    STAYS = "stays"  # blocks, counters and records of deeds, which have no words of theirs
    SUMMED = "summed"  # kept for the totals under nobody's name, by what looks after usage


PERSONAL: Final = {
    "messages.author_id": Upon.EMPTIED,
    "messages.quoted_author_id": Upon.EMPTIED,  # of their words in what others said
    "messages.private_to": Upon.STAYS,  # an empty place in a private conversation is not shown to others either
    "heads.owner_id": Upon.DELETED,
    "personas.owner_id": Upon.DELETED,  # those of the server are nobody's from then on
    "personas.updated_by": Upon.NOBODYS,
    "persona_versions.updated_by": Upon.NOBODYS,
    "lorebooks.created_by": Upon.NOBODYS,  # those of direct messages go
    "settings.scope_id": Upon.DELETED,  # of the scope of a user
    "settings.set_by": Upon.NOBODYS,  # what they wrote, or set in direct messages, goes
    "usage.user_id": Upon.SUMMED,
    "usage_days.user_id": Upon.SUMMED,
    "usage_sums.scope_id": Upon.SUMMED,
    "audit_entries.actor_id": Upon.STAYS,
    "access_rules.user_id": Upon.STAYS,
    "access_rules.set_by": Upon.STAYS,
    "filters.created_by": Upon.STAYS,
    "limits.scope_id": Upon.STAYS,
    "limits.set_by": Upon.STAYS,
    "limit_grants.user_id": Upon.STAYS,
    "limit_grants.set_by": Upon.STAYS,
    "limit_counters.subject_id": Upon.STAYS,
    "reports.requester_id": Upon.STAYS,
    "report_reporters.reporter_id": Upon.EMPTIED,
    "report_deeds.done_by": Upon.STAYS,
    "sealed_keys.owner_id": Upon.DELETED,  # those that they lend
    "opt_outs.user_id": Upon.STAYS,
    "erasures.user_id": Upon.STAYS,
}

PERSONAL_NAMES: Final = (
    "user_id", "author_id", "owner_id", "actor_id", "private_to", "scope_id", "subject_id", "requester_id",
    "reporter_id", "quoted_author_id",
)  # fmt: skip
"""What such columns are called, besides those that end with `_by`."""

NOT_PEOPLES: Final = frozenset({"lorebook_places.scope_id"})
"""Columns of these names that never hold a person's id."""
