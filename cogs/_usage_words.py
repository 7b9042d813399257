"""What reports of usage and their errors read like."""

import math
from collections.abc import Sequence

from moderation.charts import counted, percent, seconds_words, short, span_words
from moderation.usage import (
    LONGEST_PERIOD,
    NOBODY,
    ExportTooLargeError,
    OwnReport,
    Part,
    Period,
    Report,
    UnknownPeriodError,
    UsageError,
    Waits,
)

SHOWN_PEOPLE, SHOWN_CHANNELS, SHOWN_MODELS = 10, 5, 5
NOTHING_USED = "Nobody used me in that time."
FRACTIONS = {
    "all": 1.0, "nine tenths": 0.9, "four fifths": 0.8, "three quarters": 0.75, "two thirds": 2 / 3,
    "three fifths": 0.6, "half": 0.5, "two fifths": 0.4, "a third": 1 / 3, "a quarter": 0.25,
}  # fmt: skip
LEAST_FRACTION = 0.23


def own_text(own: OwnReport) -> str:
    """What a person used, for them alone."""
    report = own.own
    if not report.total.requests:
        return f"You have not used me {_time(report.period)}."
    lines = [f"**You**, {_time(report.period)}: {_sums(report)}"]
    if own.share_of_server is not None:
        lines.append(f"That is {share_words(own.share_of_server)} of what this server used.")
    return "\n".join(
        [*lines, *_list("By model", [_model(part) for part in report.by_model], SHOWN_MODELS), *_wait(report)]
    )


def report_text(whose: str, report: Report) -> str:
    """What a server or a channel used."""
    if not report.total.requests:
        return f"Nobody used me in {whose} {_time(report.period)}." if whose != "this server" else NOTHING_USED
    lines = [f"**{whose[:1].upper()}{whose[1:]}**, {_time(report.period)}: {_sums(report)}"]
    lines += _list("By person", [_person(part) for part in report.by_user], SHOWN_PEOPLE)
    lines += _list("By channel", [f"<#{part.key}> {_used(part)}" for part in report.by_channel], SHOWN_CHANNELS)
    lines += _list("By model", [_model(part) for part in report.by_model], SHOWN_MODELS)
    return "\n".join([*lines, *_wait(report)])


def direct_lines(direct: Report) -> list[str]:
    """What direct messages that count against a server used, told besides: whose they are is nobody's affair."""
    if not direct.total.requests:
        return []
    return [f"-# Besides, members' direct messages that count against this server: {_sums(direct)}"]


def share_words(share: float) -> str:
    """A share as people say it, with the figure."""
    if share <= 0:
        return "nothing"
    if share < LEAST_FRACTION:
        return f"about one part in {round(1 / share):,} ({percent(share)})"
    words = min(FRACTIONS, key=lambda name: abs(FRACTIONS[name] - share))
    if math.isclose(FRACTIONS[words], share, abs_tol=0.001):
        return words
    return f"{'nearly' if words == 'all' else 'about'} {words} ({percent(share)})"


def usage_error_words(error: UsageError) -> str:
    """Why something about usage cannot be told, and what to do."""
    match error:
        case UnknownPeriodError(typed=typed):
            shown = " ".join(typed.replace("`", "'").split())[:30]
            return f"I know no period `{shown}`: take `day`, `week`, `month`, `year`, or up to {LONGEST_PERIOD:,} days."
        case ExportTooLargeError(limit_bytes=limit):
            return f"The table is larger than a file may be here ({limit >> 20} MiB). Take a shorter period."
    return "I cannot tell that."


def _time(period: Period) -> str:
    if period.since == period.until:
        return "today (UTC)"
    return f"{span_words(period)} (UTC)"


def _sums(report: Report) -> str:
    total = report.total
    return (
        f"{counted(total.requests, 'request')}, {total.tokens:,} tokens "
        f"({total.prompt_tokens:,} read, {total.completion_tokens:,} written)."
    )


def _wait(report: Report) -> list[str]:
    return [] if report.waits is None else [waits_text(report.waits)]


def waits_text(waits: Waits) -> str:
    """How long people waited."""
    return (
        f"Waiting: half of the questions got their turn {seconds_words(waits.median_seconds)}, "
        f"95 of 100 {seconds_words(waits.p95_seconds)}."
    )


def _list(title: str, lines: Sequence[str], most: int) -> list[str]:
    if not lines:
        return []
    rest = [f"- {len(lines) - most:,} more"] if len(lines) > most else []
    return [f"{title}:", *(f"- {line}" for line in lines[:most]), *rest]


def _person(part: Part[int]) -> str:
    return f"{'people whose data was deleted' if part.key == NOBODY else f'<@{part.key}>'} {_used(part)}"


def _model(part: Part[str]) -> str:
    return f"`{part.key.replace('`', chr(39))[:60]}` {_used(part)}"


def _used(part: Part[int] | Part[str]) -> str:
    return f"{percent(part.share)} · {short(part.used.tokens)} tokens, {counted(part.used.requests, 'request')}"
