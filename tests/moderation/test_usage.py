"""Reports of usage, their table, and their charts."""

import asyncio
import csv
import io
import math
import sys
from collections.abc import AsyncIterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from moderation import _charts, charts
from moderation.charts import MOST_ALT_CHARACTERS, MOST_COLOURS, ChartDrawer, Shares, Timeline, chart_of, describe
from moderation.usage import (
    LONGEST_BY_DAY,
    LONGEST_PERIOD,
    NOBODY,
    PERIODS,
    ExportTooLargeError,
    Period,
    Report,
    UnknownPeriodError,
    UsageReports,
    period_of,
    quantile,
    report_on,
)
from moderation.usage_table import BEGINS_A_FORMULA, COLUMNS, safe, usage_table
from storage import Usage, UsageBook, UsageDay, UsageSum, UsageTotals
from storage.records import WAIT_EDGES

TODAY = date(2026, 3, 15)
DAYS = st.dates(date(2025, 1, 1), date(2090, 1, 1))
NO_WAITS = (0,) * (len(WAIT_EDGES) + 1)
NAMES = st.text(max_size=60)
KINDS: tuple[charts.ChartKind, ...] = ("time", "model", "user", "waits")


def used(tokens: int, requests: int = 1, waits: tuple[int, ...] = NO_WAITS, waited: float = 0.0) -> UsageSum:
    return UsageSum(requests, tokens, 0, waited, waits)


def book(models: dict[tuple[date, str], int], users: dict[int, int] | None = None) -> UsageBook:
    people = {user: UsageTotals(1, tokens, 0) for user, tokens in (users or {}).items()}
    return UsageBook(tuple((day, model, used(tokens)) for (day, model), tokens in models.items()), people, {})


# --- periods


@given(DAYS, st.sampled_from(PERIODS) | st.integers(1, LONGEST_PERIOD).map(str))
def test_a_period_ends_today_and_costs_few_steps(today: date, typed: str) -> None:
    period = period_of(f" {typed.upper()} ", today)
    starts = period.starts
    assert period.since == starts[0] <= starts[-1] <= period.until == today
    assert starts == sorted(set(starts))
    if period.level == "day":
        assert len(starts) <= LONGEST_BY_DAY
        assert starts[-1] == today
    else:
        assert {start.day for start in starts} == {1}
        assert len(starts) <= LONGEST_PERIOD / 28
    if typed.isdecimal():
        assert (today - timedelta(int(typed) - 1)) - period.since <= timedelta(0 if period.level == "day" else 30)
    assert len(period_of("year", today).starts) == 12


def test_periods_are_said_plainly() -> None:
    assert period_of("day", TODAY) == Period(TODAY, TODAY)
    assert period_of("week", TODAY) == Period(date(2026, 3, 9), TODAY)
    assert period_of("10 days", TODAY) == period_of("10", TODAY) == Period(date(2026, 3, 6), TODAY)
    assert period_of("year", TODAY) == Period(date(2025, 4, 1), TODAY, "month")


@pytest.mark.parametrize("typed", ["", "0", "-3", "fortnight", "1e3", "99999", "3661", "٣", "7 weeks"])
def test_what_is_no_period_is_refused(typed: str) -> None:
    with pytest.raises(UnknownPeriodError) as caught:
        period_of(typed, TODAY)
    assert caught.value.typed == typed


# --- reports


@given(st.lists(st.floats(0, 300), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 1.0]))
def test_quantiles_are_right_to_the_width_of_their_bar(waits: list[float], share: float) -> None:
    edges = (-1.0, *WAIT_EDGES, math.inf)
    counts = tuple(sum(low < wait <= high for wait in waits) for low, high in pairwise(edges))
    exact = sorted(waits)[math.ceil(share * len(waits)) - 1]
    place = next(place for place, high in enumerate(edges[1:]) if exact <= high)
    found = quantile(counts, share)
    assert max(edges[place], 0.0) <= found <= edges[place + 1]
    assert math.isinf(found) == (exact > WAIT_EDGES[-1])


@given(
    st.dictionaries(
        st.tuples(st.sampled_from([TODAY, TODAY - timedelta(3)]), st.text(max_size=3)),
        st.integers(0, 10**9),
        max_size=30,
    ),
    st.dictionaries(st.integers(0, 50), st.integers(0, 10**9), max_size=30),
)
def test_parts_add_up_and_come_in_order(models: dict[tuple[date, str], int], users: dict[int, int]) -> None:
    period = period_of("week", TODAY)
    report = report_on(book(models, users), period)
    assert report.total.tokens == sum(models.values()) == sum(total.tokens for _, total in report.by_time)
    assert [start for start, _ in report.by_time] == period.starts
    for parts in (report.by_model, report.by_user):
        assert [part.used.tokens for part in parts] == sorted((part.used.tokens for part in parts), reverse=True)
    if report.total.tokens:
        assert math.isclose(sum(part.share for part in report.by_model), 1.0)
    assert report.waits is None


def test_waits_are_summed_up() -> None:
    first, second = (0, 2, 0, 0, 0, 0, 0, 0, 0), (0, 0, 2, 0, 0, 0, 0, 0, 1)
    rows = ((TODAY, "a", used(1, 2, first, 3.0)), (TODAY, "b", used(1, 3, second, 210.0)))
    report = report_on(UsageBook(rows, {}, {}), period_of("day", TODAY))
    assert report.waits is not None
    assert report.waits.counts == (0, 2, 2, 0, 0, 0, 0, 0, 1)
    assert report.waits.mean_seconds == 42.6
    assert report.waits.median_seconds == 2.75
    assert math.isinf(report.waits.p95_seconds)


class Books:
    """What a storage would say."""

    def __init__(self, *days: list[UsageDay]) -> None:
        self.asked: list[Any] = []
        self._days = days

    async def book(self, guild_id: int | None, kind: str, scope_id: int, level: str, since: date) -> UsageBook:
        self.asked.append((guild_id, kind, scope_id, level, since))
        return book({(TODAY, "a"): 25 if kind == "user" else 100})

    async def days(self, *_: object) -> AsyncIterator[list[UsageDay]]:
        for found in self._days:
            yield found


async def test_a_person_is_compared_with_their_server_and_in_direct_messages_with_nobody() -> None:
    books = Books()
    reports = UsageReports(cast("Usage", books), lambda: TODAY)
    own = await reports.of_person(1, 7, reports.period("year"))
    assert own.share_of_server == 0.25
    since = date(2025, 4, 1)
    assert books.asked == [(1, "user", 7, "month", since), (1, "server", 0, "month", since)]
    books.asked.clear()
    assert (await reports.of_person(None, 7, reports.period("day"))).share_of_server is None
    assert books.asked == [(None, "user", 7, "day", TODAY)]


# --- the table


def day_of(day: date, tokens: int, user_id: int = 5, model: str = "a", **how: Any) -> UsageDay:
    return UsageDay(day, 9, user_id, model, "chat", used(tokens, **how))


async def rows_of(days: list[list[UsageDay]], period: Period, limit: int = 10_000) -> list[dict[str, str]]:
    content = await usage_table(cast("Usage", Books(*days)), 1, period, {9: "=cmd|'/C calc'!A0"}, limit)
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


async def test_the_table_has_a_row_for_each_day_or_month() -> None:
    march, february = date(2026, 3, 3), date(2026, 2, 3)
    waited = (1, 1, 0, 0, 0, 0, 0, 0, 0)
    days = [[day_of(february, 10)], [day_of(march, 5), day_of(march, 7, NOBODY, "-ä")], [day_of(TODAY, 1)]]
    days[2][0] = day_of(TODAY, 1, requests=2, waits=waited, waited=3.0)
    by_day = await rows_of(days, period_of("60", TODAY))
    assert list(by_day[0]) == list(COLUMNS)
    assert [row["since"] for row in by_day] == ["2026-02-03", "2026-03-03", "2026-03-03", "2026-03-15"]
    assert {row["channel"] for row in by_day} == {"<#9>"}
    by_month = await rows_of(days, period_of("year", TODAY))
    assert [(row["since"], row["user"], row["prompt_tokens"]) for row in by_month] == [
        ("2026-02-01", "<@5>", "10"),
        ("2026-03-01", "deleted", "7"),
        ("2026-03-01", "<@5>", "6"),
    ]
    assert by_month[1]["model"] == "'-ä"
    assert by_month[1]["channel_name"] == "'=cmd|'/C calc'!A0"
    assert [row["average_wait_seconds"] for row in by_month] == ["", "", "1.5"]
    assert [row["requests"] for row in by_month] == ["1", "1", "3"]
    assert await rows_of([], period_of("week", TODAY)) == []


async def test_a_table_that_is_too_large_is_refused() -> None:
    days = [[day_of(TODAY - timedelta(9 - n), 10)] for n in range(10)]
    assert len(await rows_of(days, period_of("week", TODAY), 2000)) == 10
    with pytest.raises(ExportTooLargeError):
        await rows_of(days, period_of("week", TODAY), 300)


@given(NAMES)
def test_no_cell_begins_a_formula(text: str) -> None:
    assert not safe(text).startswith(BEGINS_A_FORMULA)
    assert safe(text).removeprefix("'") == text.removeprefix("'")


# --- charts


def busy(models: int = 11, people: int = 11, typed: str = "month") -> Report:
    period = period_of(typed, TODAY)
    waits = (5, 4, 3, 2, 1, 1, 1, 1, 1)
    rows = tuple(
        (start, f"model-{n}", used(1000 * (n + 1) + start.day, 3, waits, 50.0))
        for start in period.starts
        for n in range(models)
    )
    users = {NOBODY: UsageTotals(1, 10**6, 0)} | {1000 + n: UsageTotals(1, 1000 - n, 0) for n in range(people)}
    return report_on(UsageBook(rows, users, {}), period)


@given(
    st.lists(NAMES, min_size=1, max_size=15, unique=True),
    st.lists(st.integers(0, 10**12), min_size=1, max_size=15),
    st.sampled_from(["day", "month", "92", "year", "1000"]),
    NAMES,
)
def test_descriptions_and_text_bars_fit_whatever_the_names(
    names: list[str], tokens: list[int], typed: str, whose: str
) -> None:
    period = period_of(typed, TODAY)
    values = dict(zip(names, [*tokens, *([1] * 15)], strict=False))
    report = report_on(
        book({(period.starts[-1], name): value for name, value in values.items()}, dict(enumerate(values.values()))),
        period,
    )
    for kind in KINDS:
        chart = chart_of(kind, report, whose, dict(enumerate(names)))
        if chart is None:
            assert kind == "waits" or not report.total.tokens
            continue
        assert 0 < len(describe(chart)) <= MOST_ALT_CHARACTERS
        bars = charts.text_bars(chart)
        assert "`" not in bars
        assert len(bars) <= 31 * 60
        if isinstance(chart, Timeline):
            assert sum(chart.totals) == report.total.tokens
            assert len(chart.series) <= MOST_COLOURS


def test_what_stands_in_a_description() -> None:
    chart = chart_of("time", busy(2), "Harbour", {})
    assert chart is not None
    text = describe(chart)
    assert text.startswith("Tokens by day, Harbour. 14 Feb to 15 Mar 2026 · 90.9k tokens in 180 requests.")
    assert "Most: 28 Feb with 3.06k. By model: model-1 67%, model-0 33%. 14 Feb 3.03k, " in text
    assert text.endswith("15 Mar 3.03k.")
    people = chart_of("user", busy(), "Harbour", {1000: "Ada"})
    assert isinstance(people, Shares)
    assert [name for name, _ in people.rows] == [
        "deleted", "Ada", *(f"user …{number}" for number in range(1001, 1006)), "5 others",
    ]  # fmt: skip
    waits = chart_of("waits", busy(1), "#general", {})
    assert waits is not None
    assert "half within 2.5 s, 95% beyond 120 s" in describe(waits)


def pixels(png: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(png))
    assert picture.format == "PNG"
    assert picture.size == (_charts.WIDTH, _charts.HEIGHT)
    return picture.convert("RGB")


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))


async def test_charts_are_drawn_in_the_colours_of_the_theme() -> None:
    drawer = ChartDrawer()
    assert drawer.available
    names = {1000: "$\\alpha$ {Ada}", 1001: "日本語", 1002: "e\u0301 \u202e🎩" * 30}
    drawn = [chart for kind in KINDS if (chart := chart_of(kind, busy(), "Har$bour$", names)) is not None]
    assert len(drawn) == len(KINDS)
    for chart, png in zip(drawn, await asyncio.gather(*(drawer.draw(chart) for chart in drawn)), strict=True):
        picture = pixels(png)
        counted = cast("list[tuple[int, tuple[int, ...]]]", picture.getcolors(1 << 20))
        shown = {colour for count, colour in counted if count > 50}
        assert max(counted)[1] == rgb(_charts.BACKGROUND)
        used_colours = {rgb(colour) for colour in (*_charts.COLOURS, _charts.REST_COLOUR)} & shown
        assert len(used_colours) == (1 if isinstance(chart, charts.Histogram) else MOST_COLOURS)
        assert picture.getpixel((0, 0)) == picture.getpixel((799, 499)) == rgb(_charts.BACKGROUND)
    one = chart_of("time", busy(1, 1, "day"), "x", {})
    year = chart_of("time", busy(3, 1, "1000"), "x" * 300, {})
    assert one is not None
    assert year is not None
    for chart in (one, year):
        pixels(_charts.draw(chart))
    assert "matplotlib.pyplot" not in sys.modules


def test_names_without_letters_that_can_be_drawn_are_replaced() -> None:
    assert _charts.clean("Ada\u202e \U0010fffd") == "Ada"
    assert _charts.clean("\U0010fffd") == ""


def test_colours_can_be_told_from_the_background() -> None:
    def brightness(colour: str) -> float:
        parts = [part / 255 for part in rgb(colour)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    below = brightness(_charts.BACKGROUND) + 0.05
    for colour in (*_charts.COLOURS, _charts.REST_COLOUR):
        assert (brightness(colour) + 0.05) / below >= 3
    for colour in (_charts.BRIGHT, _charts.TEXT, _charts.FAINT):
        assert (brightness(colour) + 0.05) / below >= 4.5
