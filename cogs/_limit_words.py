"""Limits in words: what was set, which one is reached, and what is left of the others."""

from collections.abc import Sequence

from chat.errors import LimitReachedError
from moderation.limit_book import LimitError, LimitTargetError, NoSuchLimitError, Overview, TooManyLimitsError
from moderation.limiter import Standing
from moderation.limits import EACH
from storage import Limit, LimitGrant, LimitUse

MOST_TOLD = 5  # of the limits that have something left
NOTHING_SET = "There are no limits here: everyone may use me as much as the API key allows."
MAY_ASK = "You may ask me now."
COMES_LAST = "You may ask me now, but you come after everybody else:"


def limit_reached_words(error: LimitReachedError) -> str:
    """Which limit is reached, when it ends, and what is left elsewhere; where others read it only the first two."""
    ends = _time(error.reached, "R")
    if error.late:
        return f"A limit here has no room for this, until {ends}. Retry tells you alone which one."
    lines = [_reached(error.reached, error.needed), *left_lines(error.others)]
    return "\n".join(lines)


def standing_words(standing: Standing) -> str:
    """How somebody stands with the limits now, for them alone."""
    if standing.reached is None:
        return "\n".join([MAY_ASK, *left_lines(standing.others)])
    reached = _reached(standing.reached, 1)
    return "\n".join([*([COMES_LAST] if standing.over else []), reached, *left_lines(standing.others)])


def left_lines(uses: Sequence[LimitUse]) -> list[str]:
    """What is left of limits, the least first."""
    if not uses:
        return []
    scarcest = sorted(uses, key=lambda use: use.left / use.amount)[:MOST_TOLD]
    return [
        "What is left:",
        *(f"- {use.left:,} of {_whose(use)} {_amount(use)}, until {_time(use, _moment(use))}" for use in scarcest),
    ]


def limit_line(limit: Limit, guild_id: int) -> str:
    """A limit as moderators see it."""
    kind = "hard" if limit.hard else "soft"
    return f"{scope_words(limit, guild_id)}: **{_counted(limit.amount, limit.unit)} per {limit.period}** ({kind})"


def scope_words(limit: Limit, guild_id: int) -> str:
    """Whom or what a limit is for."""
    match limit.scope_kind, limit.scope_id:
        case "guild", _:
            return "The whole server"
        case "channel" | "user" as kind, scope_id if scope_id == EACH:
            return "Each channel" if kind == "channel" else "Each person"
        case "channel", channel_id:
            return f"<#{channel_id}>"
        case "user", user_id:
            return f"<@{user_id}>"
        case _, role_id:
            return role_words(role_id, guild_id)


def role_words(role_id: int, guild_id: int) -> str:
    """A role as Discord shows it."""
    return "@everyone" if role_id == guild_id else f"<@&{role_id}>"


def grant_words(grant: LimitGrant) -> str:
    """What somebody gets extra."""
    if not grant.amount:
        return f"<@{grant.user_id}> gets no extra {grant.unit} any more."
    until = f"<t:{int(grant.until.timestamp())}:f>"
    return (
        f"<@{grant.user_id}> gets {_counted(grant.amount, grant.unit)} extra in each of their own limits until {until}."
    )


def overview_lines(found: Overview, guild_id: int) -> list[str]:
    """All that is set for a server."""
    lines = []
    for limit, use in found.uses:
        line = limit_line(limit, guild_id)
        lines.append(f"{line} · {use.used:,} used, ends {_time(use, 'R')}" if use is not None else line)
    lines += [grant_words(grant) for grant in found.grants]
    for role_id, weight in sorted(found.weights.items(), key=lambda item: -item[1]):
        lines.append(f"{role_words(role_id, guild_id)} weighs {weight} in the line.")
    return lines or [NOTHING_SET]


def limit_problem_words(error: LimitError) -> str:
    """Why a limit cannot be as somebody wishes."""
    match error:
        case LimitTargetError():
            return "Name one of them: a channel, a role, a person, or each. None of them means the whole server."
        case TooManyLimitsError(limit=limit):
            return f"There are {limit} limits here, which is the most. Take some away with `/limit remove`."
        case NoSuchLimitError():
            return "There is no such limit. `/limit list` shows them."
        case _:
            return "This cannot be a limit."


def _reached(use: LimitUse, needed: int) -> str:
    ends = _time(use, "R")
    if use.limit.unit == "tokens" and use.left:
        return (
            f"There is not enough left of {_whose(use)} {_amount(use)} for this: "
            f"it takes about {needed:,}, and {use.left:,} are left. That ends {ends}."
        )
    return f"{_user(use)} used up {_own(use)} {_amount(use)}. That ends {ends}."


def _whose(use: LimitUse) -> str:
    match use.limit.scope_kind:
        case "guild":
            return "this server's"
        case "channel":
            return "this channel's"
        case _:
            return "your"


def _user(use: LimitUse) -> str:
    return {"guild": "This server has", "channel": "This channel has"}.get(use.limit.scope_kind, "You have")


def _own(use: LimitUse) -> str:
    return "its" if use.limit.scope_kind in {"guild", "channel"} else "your"


def _amount(use: LimitUse) -> str:
    return f"{_counted(use.amount, use.limit.unit)} per {use.limit.period}"


def _counted(amount: int, unit: str) -> str:
    return f"{amount:,} {unit if amount != 1 else unit.removesuffix('s')}"


def _moment(use: LimitUse) -> str:
    """How the end of a limit is shown: a clock time alone says nothing of the end of a week."""
    return "t" if use.limit.period in {"minute", "hour"} else "f"


def _time(use: LimitUse, style: str) -> str:
    return f"<t:{int(use.ends_at.timestamp())}:{style}>"
