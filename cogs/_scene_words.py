"""Words for what goes wrong with scenes."""

from chat.errors import NoThreadsHereError, SceneError, ThreadRightsError


def scene_words(error: SceneError) -> str:
    """What happened and what to do next."""
    match error:
        case NoThreadsHereError():
            return "Scenes are threads, and there are none in this channel. Start one in a text channel or a forum."
        case ThreadRightsError(missing=missing, channel=channel, of_person=of_person):
            rights = ", ".join(name.replace("_", " ").title().replace(" In ", " in ") for name in missing)
            who = "You lack" if of_person else "I lack"
            return f"{who} a permission in #{channel.replace('`', '')}: {rights}."
    return "This cannot be done with scenes."
