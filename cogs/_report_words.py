"""Reports in words: the moderators' message, the file with the whole prompt, and what members are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chat.prompt import Prompt
from cogs._words import link_to, plain
from storage import DoneDeed, Report, StoredMessage

LONGEST_MESSAGE: Final = 2000
LONGEST_EXCERPT: Final = 500
MOST_REPORTERS: Final = 5

REPORTED: Final = "Reported to the moderators. Thank you."
KNOWN: Final = "You have reported this before. The moderators know of it."
KEPT: Final = (
    "I keep your report, but there is no channel where I could show it to the moderators. Please tell one of them."
)
WITHOUT_REASON: Final = "-# You opted out, so I kept nothing of what you wrote."
REBUILT: Final = (
    "Rebuilt from what is kept now. Settings, characters, lorebooks and edited messages may have been others when the "
    "reply was written. Who opted out is left out."
)
NO_PROMPT: Final = "No model was asked for it."


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about, as far as it is still there; `words` is None when the message is gone."""

    words: str | None
    asked: Sequence[StoredMessage] = ()
    model: str | None = None
    character: str | None = None
    prompt: Prompt | None = None


def report_text(report: Report, subject: Subject) -> str:
    """The moderators' message: as much of the words as fits."""
    limit = LONGEST_EXCERPT
    while len(text := _text(report, subject, limit)) > LONGEST_MESSAGE:
        limit = limit * 2 // 3
    return text


def _text(report: Report, subject: Subject, limit: int) -> str:
    about = report.about
    link = link_to(about.guild_id, about.channel_id, about.discord_id)
    lines = [f"🚩 **Report** of [a message]({link}) in <#{about.channel_id}>"]
    if subject.words is not None and not any(deed.deed == "deleted" for deed in report.deeds):
        lines += [f"> <@{said.author_id}>: {_short(said.content, limit // 3)}" for said in subject.asked[-3:]]
        lines.append(f"> **I**: {_short(subject.words, limit)}" if subject.words.strip() else "> -# without words")
    if about.requester_id is not None:
        lines.append(f"Asked by <@{about.requester_id}>")
    made_by = [f"`{subject.model}`" if subject.model else "", plain(subject.character or "")]
    if any(made_by):
        lines.append(f"-# Written by {' as '.join(filter(None, made_by))}")
    lines += [
        f"Reported by <@{reporter.user_id}>" + (f": {_short(reporter.reason, limit // 2)}" if reporter.reason else "")
        for reporter in report.reporters[:MOST_REPORTERS]
    ]
    if len(report.reporters) > MOST_REPORTERS:
        lines.append(f"-# and {len(report.reporters) - MOST_REPORTERS} more")
    return "\n".join([*lines, *(_deed_line(deed, about.requester_id) for deed in report.deeds)])


def _deed_line(deed: DoneDeed, requester_id: int | None) -> str:
    by, when = f"<@{deed.done_by}>", f"<t:{int(deed.at.timestamp())}:R>"
    match deed.deed:
        case "deleted":
            return f"🗑️ {by} deleted it everywhere {when}."
        case "blocked":
            return f"⛔ {by} blocked <@{requester_id}> {until_words(deed.until)} {when}."
        case "dismissed":
            return f"✅ {by} dismissed it {when}."


def until_words(until: datetime | None) -> str:
    """How long a block lasts."""
    return "for good" if until is None else f"until <t:{int(until.timestamp())}:f>"


def report_file(report: Report, subject: Subject) -> str:
    """All that was asked and said, with the whole prompt, as plain text."""
    about = report.about
    parts = [
        f"Message {about.discord_id} in channel {about.channel_id}",
        f"Model: {subject.model or 'none'}",
        *([f"Character: {subject.character}"] if subject.character else []),
        *([f"Asked by: {about.requester_id}"] if about.requester_id is not None else []),
        "",
        *(
            f"=== {said.author_name or 'Somebody'} ({said.author_id}) asked\n\n{said.content}\n"
            for said in subject.asked
        ),
        f"=== The reply\n\n{subject.words or ''}\n",
        "=== The prompt\n",
    ]
    if subject.prompt is None:
        return "\n".join([*parts, NO_PROMPT, ""])
    told = [f"--- {message['role']}\n\n{_content(message['content'])}\n" for message in subject.prompt.messages]
    return "\n".join([*parts, f"{REBUILT}\n", *told])


def _content(content: str | list[dict[str, object]]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(str(part["text"]) if part["type"] == "text" else "[picture]" for part in content)


def _short(text: str, limit: int) -> str:
    """The beginning of a text on one line in which nothing means anything to Discord."""
    line = " ".join(text.split())
    return plain(line if len(line) <= limit else f"{line[: max(1, limit - 1)]}…")
