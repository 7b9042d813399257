"""Refusals in words: why something is not allowed, and when it will be."""

from chat.errors import DeniedError, LineClearedError, PausedError
from moderation.access import Reason, RefusedError
from moderation.rights import Level

LEVEL_WORDS = {
    Level.SCENE_OWNER: "moderators and whoever started this scene",
    Level.MODERATOR: "moderators",
    Level.ADMIN: "people who may manage this server",
    Level.OPERATOR: "the person who runs this bot",
}
REFUSALS = {
    Reason.GUILD_NOT_APPROVED: "This server is not approved yet. Whoever runs me can approve it here.",
    Reason.DMS_OFF: "I do not answer direct messages here. Talk to me in a server.",
    Reason.CHANNEL_OFF: "I am switched off in this channel, except for commands such as `/chat`.",
    Reason.SHUTTING_DOWN: "I am just restarting. Say it again in a moment.",
    Reason.NOT_ALLOWED: "I may be used here by some people or in some channels only, and this is none of them.",
    Reason.PAUSED: "I am paused here. A moderator can let me go on with `/resume`.",
    Reason.NO_HOME: "Direct messages count against a server that we share. Choose yours with `/home`.",
    Reason.OPTED_OUT: (
        "You opted out: I neither keep nor pass on what you say, so I cannot answer. `/privacy opt_in` changes that."
    ),
    Reason.LIMITED: "A limit of this server is reached. Ask again later.",
    Reason.FILTERED: "Something in it is not allowed in this server. Say it in other words.",
}


def refusal_words(refusal: RefusedError) -> str:
    """Why something was refused."""
    if refusal.reason is Reason.LEVEL_TOO_LOW:
        return f"That is for {LEVEL_WORDS.get(refusal.required or Level.NOBODY, 'others')}."
    if refusal.reason is Reason.DENIED:
        return _denial_words(refusal)
    return REFUSALS.get(refusal.reason, "That is not allowed here.")


def halt_words(error: PausedError | DeniedError | LineClearedError) -> str:
    """What a moderator did to an answer that was under way; everyone reads it, so it tells no reason."""
    match error:
        case PausedError():
            return "A moderator paused me here."
        case DeniedError():
            return "A moderator has switched this off for you here."
    return "A moderator sent away those who waited."


def _denial_words(refusal: RefusedError) -> str:
    words = "A moderator has switched this off for you here"
    if refusal.until is not None:
        ends = int(refusal.until.timestamp())
        words += f" until <t:{ends}:f> (<t:{ends}:R>)"
    reason = " ".join((refusal.note or "").split())
    return f"{words}. Their reason: {reason}" if reason else f"{words}."
