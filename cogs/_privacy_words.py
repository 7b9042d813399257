"""What `/privacy` says."""

from storage import Erased

STAYS = (
    "What stays: blocks and limits, counts without your name, that you started a scene, what you did as moderator, and "
    "characters and lorebooks that you gave to a server."
)
DELETING = "-# Deleting…"
NOT_YET = "My memory cannot be reached at the moment. I have noted it down, and delete everything as soon as it can be."
OPTED_IN = "I hear you again, from your next message on."
STILL_OUT = (
    "You opted out everywhere, so I still do not hear you here. `/privacy opt_in where:everywhere` changes that."
)


def info_text(days: int | None, *, opted_out: bool) -> str:
    """What is kept, for how long, who gets it, and what a person can do."""
    kept = "until you or a moderator delete it" if days is None else f"for {days} days in this channel"
    own = " You have opted out here; `/privacy opt_in` takes that back." if opted_out else ""
    return f"""\
**What I keep about you**
- **What you say to me**: messages that mention or answer me, `/chat`, and every message where a channel lets me \
always listen; with your name, your pictures and what I answered. I keep it {kept}. \
Other messages I do not keep, unless somebody replies to yours and calls me: then that is quoted, and stays yours.
- **What you made**: your profile, your characters, your choices.
- **Numbers without words**: how many requests and tokens, to share the key fairly. Single requests for 40 days.
- **Decisions**: what moderators allowed or denied you, and what you changed as one, for a year.

**Who gets it**: to answer, I send the conversation with its names to Infermatic, whose models write the reply. Nobody \
else. Whoever runs me can open my database; moderators see who uses me how much.

**What you can do**
- Edit or delete a message in Discord: my memory follows.
- `/privacy export`: everything as files. `/privacy delete`: your words go for good.
- `/privacy opt_out`: I neither keep nor pass on what you say.{own}"""


def scope_of(everywhere: bool, *, is_direct: bool) -> str:
    """Where something is meant, to be put behind a sentence."""
    if everywhere:
        return " on all servers and in direct messages"
    return " in direct messages" if is_direct else " on this server"


def too_soon(seconds: float) -> str:
    """An export was made not long ago."""
    return f"You had an export within the last hour. Come back in {max(1, round(seconds / 60))} minutes."


def exported(number: int, scope: str) -> str:
    """Above each file."""
    return f"-# All that I keep about you{scope}." if number == 1 else f"-# Part {number}."


def delete_text(everywhere: bool, *, is_direct: bool, answers: bool, in_discord: bool) -> str:
    """What pressing the button will do."""
    scope = scope_of(everywhere, is_direct=is_direct)
    replies = (
        "My answers to you alone go as well; those that also answer others stay, and may quote you."
        if answers
        else "My answers stay in the conversations, and may quote you."
    )
    shown = (
        "In Discord I delete these answers, too. Your own messages there are yours to delete."
        if in_discord
        else "In Discord nothing is deleted: your messages there are yours to delete, and my answers stay."
    )
    return "\n".join(
        [
            f"**Delete what I keep about you{scope}?** This cannot be undone.",
            "- Your words, pictures and name go. An empty place stays, so that what others said keeps its order.",
            f"- {replies}",
            "- Your profile, own characters and drafts, notes and choices go, and API keys that you lent.",
            f"- {shown}",
            f"- {STAYS}",
            "-# Old copies of the database are deleted within 30 days. To be heard no more, use `/privacy opt_out`.",
        ]
    )


def deleted(erased: Erased, swept: str, *, in_discord: bool) -> str:
    """What is gone."""
    gone = [
        _counted(erased.messages, "message"),
        _counted(erased.answers, "answer"),
        _counted(erased.pictures, "picture"),
        _counted(erased.personas, "character"),
    ]
    if erased.keys:
        gone.append(_counted(erased.keys, "lent key"))
    there = " My answers to you are deleted in Discord, too." if in_discord else ""
    left = {
        "busy": "\n-# Traces may be left in the log of my database for a moment. I go on until they are gone.",
        "large": "\n-# Traces may be left in the file of my database until I am started again.",
    }.get(swept, "")
    return f"Done. Gone for good: {', '.join(gone[:-1])} and {gone[-1]}.{there}{left}"


def opted_out(everywhere: bool, *, is_direct: bool) -> str:
    """What holds from now on."""
    scope = scope_of(everywhere, is_direct=is_direct)
    return (
        f"From now on I neither keep nor pass on what you say{scope}, and answer none of it. What you said before is "
        "passed on no longer; `/privacy delete` removes it. `/privacy opt_in` takes this back."
    )


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}" + ("" if count == 1 else "s")
