"""Words for what goes wrong with scenes."""

from typing import Final

from chat.errors import NoThreadsHereError, SceneError, ThreadRefusal, ThreadRefusedError, ThreadRightsError

REFUSALS: Final[dict[ThreadRefusal, str]] = {
    "full": "Discord opens no more threads on this server: too many are open. Archive some.",
    "tag": "Posts in #{channel} need a tag, and I may choose none of them. Add one, or let me manage threads there.",
    "title": "This server's AutoMod allows no thread with this title. Choose another `title`.",
    "other": "Discord opens no thread with this title in #{channel}. Choose another `title`.",
}


def scene_words(error: SceneError) -> str:
    """What happened and what to do next."""
    match error:
        case NoThreadsHereError():
            return "Scenes are threads, and there are none in this channel. Start one in a text channel or a forum."
        case ThreadRightsError(missing=missing, channel=channel, of_person=of_person):
            rights = ", ".join(name.replace("_", " ").title().replace(" In ", " in ") for name in missing)
            who = "You lack" if of_person else "I lack"
            return f"{who} a permission in #{channel.replace('`', '')}: {rights}."
        case ThreadRefusedError(why=why, channel=channel):
            return REFUSALS.get(why, REFUSALS["other"]).replace("{channel}", channel.replace("`", ""))
    return "This cannot be done with scenes."
