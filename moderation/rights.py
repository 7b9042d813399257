"""Who may do what: the levels of rights and the action that each entry of the bot stands for."""

from enum import IntEnum


class Level(IntEnum):
    """Rights, each including those below it."""

    NOBODY = 0
    MEMBER = 1
    SCENE_OWNER = 2
    MODERATOR = 3
    ADMIN = 4
    OPERATOR = 5


# An action that is missing here is allowed to nobody. What a person does to their own turn counts as an action of its
# own (`stop own`), because everyone may end what they started.
REQUIRED: dict[str, Level] = {
    "chat": Level.MEMBER,
    "complete": Level.MEMBER,
    "help": Level.MEMBER,
    "doctor": Level.ADMIN,
    "setup": Level.ADMIN,
    "home": Level.MEMBER,
    "access allow": Level.MODERATOR,
    "access deny": Level.MODERATOR,
    "access clear": Level.MODERATOR,
    "access list": Level.MODERATOR,
    "filter add": Level.MODERATOR,
    "filter remove": Level.MODERATOR,
    "filter list": Level.MODERATOR,
    "filter test": Level.MODERATOR,
    "filter automod": Level.MODERATOR,
    "apikey set": Level.ADMIN,
    "apikey lend": Level.MEMBER,
    "apikey show own": Level.MEMBER,
    "apikey show": Level.MODERATOR,  # of all members who lend one
    "apikey remove own": Level.MEMBER,
    "apikey remove lent": Level.MODERATOR,
    "apikey remove": Level.ADMIN,  # the server's own
    "report": Level.MEMBER,
    "report handle": Level.MODERATOR,
    "audit show": Level.MODERATOR,
    "audit export": Level.MODERATOR,
    "pause": Level.MODERATOR,
    "resume": Level.MODERATOR,
    "tokens": Level.MEMBER,
    "context": Level.MEMBER,
    "privacy info": Level.MEMBER,
    "privacy export": Level.MEMBER,
    "privacy delete": Level.MEMBER,
    "privacy opt_out": Level.MEMBER,
    "privacy opt_in": Level.MEMBER,
    "usage me": Level.MEMBER,
    "usage server": Level.MODERATOR,
    "usage channel": Level.MODERATOR,
    "usage chart": Level.MODERATOR,
    "usage export": Level.MODERATOR,
    "limit set": Level.MODERATOR,
    "limit list": Level.MODERATOR,
    "limit remove": Level.MODERATOR,
    "limit grant": Level.MODERATOR,
    "limit weight": Level.MODERATOR,
    "queue show": Level.MODERATOR,
    "queue clear": Level.MODERATOR,
    "model list": Level.MEMBER,
    "model show": Level.MEMBER,
    "model set": Level.SCENE_OWNER,
    "model reset": Level.SCENE_OWNER,
    "sampling show": Level.MEMBER,
    "sampling set": Level.SCENE_OWNER,
    "sampling reset": Level.SCENE_OWNER,
    "sampling load": Level.SCENE_OWNER,
    "sampling import": Level.SCENE_OWNER,
    "sampling save": Level.MODERATOR,  # presets belong to the whole server
    "sampling delete": Level.MODERATOR,
    "persona list": Level.MEMBER,
    "persona show": Level.MEMBER,
    "persona export": Level.MEMBER,
    "persona import": Level.MEMBER,  # one's own
    "import as persona": Level.MEMBER,
    "persona create": Level.MEMBER,
    "persona edit own": Level.MEMBER,
    "persona edit": Level.MODERATOR,
    "persona bring own": Level.MEMBER,
    "persona bring": Level.MODERATOR,
    "persona undo own": Level.MEMBER,
    "persona undo": Level.MODERATOR,
    "persona redo own": Level.MEMBER,
    "persona redo": Level.MODERATOR,
    "persona delete own": Level.MEMBER,
    "persona delete": Level.MODERATOR,
    "persona look after": Level.MODERATOR,  # all of the server's, also those of its members
    "persona mark": Level.MODERATOR,  # as not for adults
    "persona share": Level.MODERATOR,  # a member's with the whole server
    "persona use": Level.SCENE_OWNER,
    "persona clear": Level.SCENE_OWNER,
    "persona turns": Level.SCENE_OWNER,
    "lore list": Level.MEMBER,
    "lore show": Level.MEMBER,
    "lore read": Level.MODERATOR,  # what an entry says, which players are to find out
    "lore read own": Level.MEMBER,
    "lore test": Level.MEMBER,
    "lore import": Level.SCENE_OWNER,
    "lore enable": Level.SCENE_OWNER,
    "lore disable": Level.SCENE_OWNER,
    "lore delete": Level.MODERATOR,
    "lore server": Level.MODERATOR,  # in the whole server, not only in this channel
    "scene start": Level.MEMBER,
    "scene settings": Level.MEMBER,
    "scene end": Level.SCENE_OWNER,
    "profile set": Level.MEMBER,
    "profile show": Level.MEMBER,
    "profile clear": Level.MEMBER,
    "note show": Level.MEMBER,
    "note set": Level.SCENE_OWNER,
    "note clear": Level.SCENE_OWNER,
    "channel show": Level.MEMBER,
    "channel set": Level.SCENE_OWNER,
    "channel set server": Level.MODERATOR,  # in the whole server, not only in this channel
    "history show": Level.MEMBER,
    "history search": Level.MEMBER,
    "history branches": Level.MEMBER,
    "history export": Level.MEMBER,
    "history checkout": Level.SCENE_OWNER,
    "history import": Level.SCENE_OWNER,
    "reset own": Level.MEMBER,  # where everyone has a conversation of their own
    "reset": Level.SCENE_OWNER,
    "restore own": Level.MEMBER,
    "restore": Level.SCENE_OWNER,
    "undo own": Level.MEMBER,
    "undo": Level.SCENE_OWNER,
    "stop own": Level.MEMBER,
    "stop": Level.SCENE_OWNER,
    "retry own": Level.MEMBER,
    "retry": Level.SCENE_OWNER,
    "swipe own": Level.MEMBER,
    "swipe": Level.SCENE_OWNER,
    "regenerate own": Level.MEMBER,
    "regenerate": Level.SCENE_OWNER,
    "continue own": Level.MEMBER,
    "continue": Level.SCENE_OWNER,
    "continue from here own": Level.MEMBER,  # of the newest reply this makes more
    "continue from here": Level.SCENE_OWNER,
    "edit own": Level.MEMBER,
    "edit": Level.SCENE_OWNER,
    "delete own": Level.MEMBER,
    "delete": Level.SCENE_OWNER,
    "forget own": Level.MEMBER,
    "forget": Level.SCENE_OWNER,
    "why": Level.MEMBER,
    "approve guild": Level.OPERATOR,
}
# What people may do about what is kept of them, wherever they are, also where direct messages are switched off.
PRIVACY_ACTIONS = frozenset({"privacy info", "privacy export", "privacy delete", "privacy opt_out", "privacy opt_in"})
# What works in a server that the operator has not approved.
DORMANT_ACTIONS = frozenset({"help", "why", "approve guild"}) | PRIVACY_ACTIONS
# What is open also to people who are denied or paused, or whose direct messages have no home server: it tells them why,
# or takes away what is theirs. What they see they may also report.
OPEN_ACTIONS = (
    frozenset(
        {"apikey remove own", "help", "why", "home", "report", "usage me", "stop own", "delete own", "forget own"}
    )
    | PRIVACY_ACTIONS
)
# What makes the model answer. Nobody can while it is paused.
MAKES_ANSWERS = frozenset(
    {
        "chat", "complete", "retry", "retry own", "regenerate", "regenerate own", "continue", "continue own",
        "continue from here", "continue from here own",
    }
)  # fmt: skip
# What a person gives of their own to be kept or to be passed on. Who opted out cannot; a server's staff still looks
# after its settings.
GIVES_WORDS = frozenset(
    {
        "chat", "complete", "tokens", "profile set", "edit", "edit own", "persona create", "persona import",
        "import as persona", "persona edit", "persona edit own", "note set", "lore import", "history import",
        "scene start",
    }
)  # fmt: skip
