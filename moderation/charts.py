"""Charts of what was used: what they show, what they say to those who cannot see them, and when they are drawn."""

import asyncio
import importlib.util
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from moderation.usage import MONTHS_OF_A_YEAR, NOBODY, Part, Period, Report, Waits
from storage.records import WAIT_EDGES

MOST_COLOURS: Final = 8
"""More cannot be told apart; the rest is drawn together, as others."""

MOST_ALT_CHARACTERS: Final = 1024
"""Discord takes no longer description of a picture."""

MOST_TEXT_BARS: Final = 31
TEXT_BAR_CELLS: Final = 16
OTHERS: Final = "others"

ChartKind = Literal["time", "model", "user", "waits"]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Tokens by day or month, each divided among models; `others` tells that the last of these are several."""

    title: str
    note: str
    labels: tuple[str, ...]
    ticks: tuple[str, ...]  # the same where there is little room
    series: tuple[tuple[str, tuple[int, ...]], ...]
    others: bool = False

    @property
    def totals(self) -> tuple[int, ...]:
        """The heights of the bars."""
        return tuple(sum(values) for values in zip(*(values for _, values in self.series), strict=True))


@dataclass(frozen=True, slots=True)
class Shares:
    """Who or what used how many tokens, the most first; `others` tells that the last of these are several."""

    title: str
    note: str
    rows: tuple[tuple[str, int], ...]
    plain_names: tuple[str, ...]  # for the names that no font can write
    others: bool = False


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many questions waited how long."""

    title: str
    note: str
    labels: tuple[str, ...]
    counts: tuple[int, ...]


Chart = Timeline | Shares | Histogram


def chart_of(kind: ChartKind, report: Report, whose: str, names: Mapping[int, str]) -> Chart | None:
    """The chart of a report; None when there is nothing to show. `names` are those of the people that are shown."""
    if not report.total.tokens:
        return None
    span = span_words(report.period)
    sums = f"{short(report.total.tokens)} tokens in {counted(report.total.requests, 'request')}"
    match kind:
        case "time":
            return _over_time(report, f"Tokens by {report.period.level}, {whose}", f"{span} · {sums}")
        case "model":
            rows, others = _rows([(part.key, part.used.tokens) for part in report.by_model])
            plain = tuple(name for name, _ in rows)
            return Shares(f"Tokens by model, {whose}", f"{span} · {sums}", rows, plain, others)
        case "user" if report.by_user:
            people = [(name_of(part, names), part.used.tokens) for part in report.by_user]
            rows, others = _rows(people)
            plain = tuple(name_of(part, {}) for part in report.by_user[: len(rows)])
            return Shares(f"Tokens by person, {whose}", f"{span} · {sums}", rows, plain, others)
        case "waits" if report.waits is not None:
            note = f"{span} · {wait_words(report.waits)}"
            return Histogram(f"Waiting times, {whose}", note, _wait_labels(), report.waits.counts)
    return None


def shown_people(report: Report) -> list[int]:
    """Whose names a chart of people needs."""
    most = MOST_COLOURS if len(report.by_user) <= MOST_COLOURS else MOST_COLOURS - 1
    return [part.key for part in report.by_user[:most] if part.key != NOBODY]


def name_of(part: Part[int], names: Mapping[int, str]) -> str:
    """What a person is called in a picture, in which a mention would be a number."""
    if part.key == NOBODY:
        return "deleted"
    return names.get(part.key) or f"user …{part.key % 10_000:04}"


def describe(chart: Chart) -> str:
    """The chart in words, for those who cannot see it: what it is, what stands out, then every number that fits."""
    opening = f"{chart.title}. {chart.note}."
    match chart:
        case Timeline(labels=labels, series=series):
            totals = chart.totals
            most = max(range(len(totals)), key=totals.__getitem__)
            whole = sum(totals)
            shares = ", ".join(f"{name} {percent(sum(values) / whole)}" for name, values in series)
            opening += f" Most: {labels[most]} with {short(totals[most])}. By model: {shares}."
            numbers = [f"{label} {short(total)}" for label, total in zip(labels, totals, strict=True) if total]
        case Shares(rows=rows):
            whole = sum(value for _, value in rows)
            numbers = [f"{name} {short(value)} ({percent(value / whole)})" for name, value in rows]
        case Histogram(labels=labels, counts=counts):
            numbers = [f"{label}: {count}" for label, count in zip(labels, counts, strict=True)]
    return _fitting(f"{opening} ", numbers)


def text_bars(chart: Chart) -> str:
    """The chart where no picture can be drawn, as lines of a code block."""
    match chart:
        case Timeline(labels=labels):
            rows = list(zip(labels, chart.totals, strict=True))[-MOST_TEXT_BARS:]
        case Shares(rows=shares):
            rows = list(shares)
        case Histogram(labels=labels, counts=counts):
            rows = list(zip(labels, counts, strict=True))
    largest = max(value for _, value in rows) or 1
    width = min(24, max(len(name) for name, _ in rows))
    lines = [
        f"{cut(name, width):<{width}} {short(value):>6} {'█' * math.ceil(value / largest * TEXT_BAR_CELLS)}".rstrip()
        for name, value in rows
    ]
    return "\n".join(lines).replace("`", "'")


class ChartDrawer:
    """Draws one chart at a time, on a thread, where matplotlib is installed."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Semaphore(1)
        self.available = importlib.util.find_spec("matplotlib") is not None

    async def draw(self, chart: Chart) -> bytes:
        """The chart as a PNG file."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(_draw, chart)


def _draw(chart: Chart) -> bytes:
    from moderation._charts import draw  # loads matplotlib, which takes a while and 50 MiB

    return draw(chart)


def span_words(period: Period) -> str:
    """The period, short and exact."""
    if period.level == "month":
        return f"{period.since:%b %Y} to {period.until:%b %Y}"
    if period.since == period.until:
        return f"{_day(period.since)} {period.since.year}"
    return f"{_day(period.since)} to {_day(period.until)} {period.until.year}"


def wait_words(waits: Waits) -> str:
    """What the waits come to."""
    return f"half {seconds_words(waits.median_seconds)}, 95% {seconds_words(waits.p95_seconds)}"


def seconds_words(seconds: float) -> str:
    """Within about so long."""
    if math.isinf(seconds):
        return f"beyond {WAIT_EDGES[-1]} s"
    return f"within {seconds:.1f} s" if seconds < 10 else f"within {seconds:.0f} s"


def short(number: float) -> str:
    """A number as it fits beside a bar."""
    for unit, sign in ((1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")):
        if number >= unit * 0.9995:
            return f"{number / unit:.3g}{sign}" if number < unit * 999.5 else f"{number / unit:.0f}{sign}"
    return f"{number:,.0f}"


def percent(share: float) -> str:
    """A share; what is there is never nothing."""
    return "under 1%" if 0 < share < 0.005 else f"{share:.0%}"


def counted(number: int, noun: str) -> str:
    """So many of them."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def cut(text: str, length: int) -> str:
    """The beginning of a text that is too long."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _over_time(report: Report, title: str, note: str) -> Timeline:
    starts = report.period.starts
    if report.period.level == "day":
        labels = ticks = tuple(_day(start) for start in starts)
    else:
        labels = tuple(f"{start:%b %Y}" for start in starts)
        ticks = tuple(f"{start:%b}" if len(starts) <= MONTHS_OF_A_YEAR else f"{start:%b %y}" for start in starts)
    models = [part.key for part in report.by_model]
    shown = models if len(models) <= MOST_COLOURS else models[: MOST_COLOURS - 1]
    used = report.models_by_time
    series = [(model, tuple(used.get((start, model), 0) for start in starts)) for model in shown]
    rest = models[len(shown) :]
    if rest:
        series.append((OTHERS, tuple(sum(used.get((start, model), 0) for model in rest) for start in starts)))
    return Timeline(title, note, labels, ticks, tuple(series), bool(rest))


def _rows(values: Sequence[tuple[str, int]]) -> tuple[tuple[tuple[str, int], ...], bool]:
    if len(values) <= MOST_COLOURS:
        return tuple(values), False
    shown, rest = values[: MOST_COLOURS - 1], values[MOST_COLOURS - 1 :]
    return (*shown, (f"{len(rest):,} {OTHERS}", sum(value for _, value in rest))), True


def _wait_labels() -> tuple[str, ...]:
    lower = (0, *WAIT_EDGES[:-1])
    return (*(f"{low}–{high} s" for low, high in zip(lower, WAIT_EDGES, strict=True)), f"over {WAIT_EDGES[-1]} s")


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _fitting(opening: str, numbers: Sequence[str]) -> str:
    """The opening and as many numbers as the description holds."""
    text = opening
    for place, number in enumerate(numbers):
        more = f"{number}{'.' if place == len(numbers) - 1 else ', '}"
        if len(text) + len(more) > MOST_ALT_CHARACTERS - 1:
            return f"{text.rstrip(', ')}…"[:MOST_ALT_CHARACTERS]
        text += more
    return text[:MOST_ALT_CHARACTERS]
