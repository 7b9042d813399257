"""Drawing with matplotlib, in the colours of Discord's dark theme, large enough to be read on a phone.

Nothing of matplotlib's global state is used, and no text is taken for a formula.
"""

import io
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.ticker import MaxNLocator

from moderation.charts import Chart, Histogram, Shares, Timeline, percent, short

WIDTH, HEIGHT = 800, 500
"""Pixels. On a phone the picture is about 400 wide, so its letters are twice as large as they have to be."""

DPI: Final = 100
BACKGROUND, BRIGHT, TEXT, FAINT, LINES = "#313338", "#f2f3f5", "#dbdee1", "#b5bac1", "#43454b"

COLOURS: Final = ("#56b4e9", "#e69f00", "#2bb68c", "#f0e442", "#cc79a7", "#e8743b", "#8f9dff")
"""After Okabe and Ito, whose colours people tell apart however they see them; the dark ones are lighter here."""

REST_COLOUR: Final = "#949ba4"
TITLE_SIZE, NOTE_SIZE, LABEL_SIZE = 19.0, 13.5, 13.5
LEFT, RIGHT = 0.035, 0.965
GUTTER: Final = 0.105
"""Where bars begin, so that there is room for the numbers of the scale."""

FEWEST_BARS: Final = 7
"""Room is left for so many, because one bar as wide as the picture looks like none."""

FALLBACK_FONTS: Final = (
    "Noto Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans Thai", "Noto Sans Devanagari",
    "WenQuanYi Zen Hei", "Droid Sans Fallback", "Unifont",
)  # fmt: skip


def draw(chart: Chart) -> bytes:
    """The chart as a PNG file."""
    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=BACKGROUND)
    canvas = FigureCanvasAgg(figure)
    _write(figure, LEFT, 0.925, chart.title, size=TITLE_SIZE, color=BRIGHT, weight="bold", room=RIGHT - LEFT)
    _write(figure, LEFT, 0.86, chart.note, size=NOTE_SIZE, color=FAINT, room=RIGHT - LEFT)
    match chart:
        case Timeline():
            _draw_timeline(figure, chart)
        case Shares():
            _draw_shares(figure, chart)
        case Histogram():
            _draw_histogram(figure, chart)
    target = io.BytesIO()
    canvas.print_figure(target, format="png", facecolor=BACKGROUND)
    return target.getvalue()


def _draw_timeline(figure: Figure, chart: Timeline) -> None:
    rows = (len(chart.series) + 1) // 2
    bottom = 0.115 + 0.062 * rows
    axes = _axes(figure, bottom, 0.80 - bottom, left=GUTTER)
    spare = max(0, FEWEST_BARS - len(chart.labels)) / 2
    axes.set_xlim(-0.6 - spare, len(chart.labels) - 0.4 + spare)
    _scale(axes, max(chart.totals))
    below = [0] * len(chart.labels)
    colours = _colours(len(chart.series), chart.others)
    for (_, values), colour in zip(chart.series, colours, strict=True):
        axes.bar(
            range(len(values)), values, bottom=below, width=0.8 if len(values) < 40 else 1.0, color=colour,
            edgecolor=BACKGROUND, linewidth=0.8, zorder=2,
        )  # fmt: skip
        below = [low + value for low, value in zip(below, values, strict=True)]
    short_ticks = max(map(len, chart.ticks)) <= 3
    for place in _some_places(len(chart.ticks), 12 if short_ticks else 7):
        at_the_end = place == len(chart.ticks) - 1 and not spare and not short_ticks
        x, ha = (place + 0.5, "right") if at_the_end else (place, "center")
        _label(axes, x, -0.03, chart.ticks[place], ha=ha, va="top")
    _legend(figure, [name for name, _ in chart.series], colours, rows)


def _draw_shares(figure: Figure, chart: Shares) -> None:
    axes = _axes(figure, 0.04, 0.78)
    whole, largest = sum(value for _, value in chart.rows), max(value for _, value in chart.rows)
    slots = max(len(chart.rows), 5)
    axes.set_xlim(0, 1)
    axes.set_ylim(slots, 0)
    colours = _colours(len(chart.rows), chart.others)
    for place, ((name, value), colour, plain) in enumerate(zip(chart.rows, colours, chart.plain_names, strict=True)):
        said = f"{short(value)} · {percent(value / whole)}"
        _write_in(
            axes, 0, place + 0.33, clean(name) or plain, ha="left", va="center", size=LABEL_SIZE, color=TEXT, room=0.68
        )
        _write_in(axes, 1, place + 0.33, said, ha="right", va="center", size=LABEL_SIZE, color=BRIGHT)
        _rounded(axes, place, 1.0, LINES)
        _rounded(axes, place, value / largest, colour)


def _draw_histogram(figure: Figure, chart: Histogram) -> None:
    axes = _axes(figure, 0.14, 0.64, left=GUTTER)
    axes.set_xlim(-0.55, len(chart.counts) - 0.45)
    _scale(axes, max(chart.counts))
    whole, top = sum(chart.counts), axes.get_ylim()[1]
    axes.bar(range(len(chart.counts)), chart.counts, width=0.78, color=COLOURS[0], zorder=2)
    for place, (label, count) in enumerate(zip(chart.labels, chart.counts, strict=True)):
        _label(axes, place, -0.03, label.removesuffix(" s").replace("over ", "> "), ha="center", va="top")
        if count:
            _write_in(
                axes, place, count + top * 0.02, percent(count / whole).replace("under ", "<"),
                ha="center", va="bottom", size=LABEL_SIZE, color=BRIGHT,
            )  # fmt: skip
    _write(figure, 0.5, 0.04, "seconds until the reply began", size=NOTE_SIZE, color=FAINT, ha="center")


def _axes(figure: Figure, bottom: float, height: float, *, left: float = LEFT) -> Axes:
    axes = figure.add_axes((left, bottom, RIGHT - left, height), facecolor=BACKGROUND)
    axes.set_axis_off()
    return axes


def _scale(axes: Axes, largest: float) -> None:
    """Lines at round heights, with what they mean beside their left ends."""
    top = largest * 1.12
    axes.set_ylim(0, top)
    for tick in MaxNLocator(nbins=4, integer=True).tick_values(0, largest):
        if 0 <= tick <= top:
            axes.axhline(tick, color=LINES, linewidth=1.0, zorder=1)
            axes.text(
                -0.012, tick, short(tick), transform=axes.get_yaxis_transform(), ha="right", va="center",
                size=LABEL_SIZE - 0.5, color=FAINT, parse_math=False, family=fonts(),
            )  # fmt: skip


def _legend(figure: Figure, names: Sequence[str], colours: Sequence[str], rows: int) -> None:
    """Two columns, read from the top down."""
    for place, (name, colour) in enumerate(zip(names, colours, strict=True)):
        left = LEFT + (RIGHT - LEFT) / 2 * (place // rows)
        height = 0.035 + 0.062 * (rows - 1 - place % rows)
        chip = Rectangle((left, height), 0.022, 0.035, transform=figure.transFigure, facecolor=colour)
        figure.add_artist(chip)
        _write(figure, left + 0.034, height + 0.0175, name, size=LABEL_SIZE, color=TEXT, va="center", room=0.42)


def _rounded(axes: Axes, place: int, length: float, colour: str) -> None:
    """A bar with round ends in its row; even the smallest can be seen."""
    height = 0.2
    bar = FancyBboxPatch(
        (0, place + 0.62), max(length, 0.012), height,
        boxstyle="round,pad=0,rounding_size=0.006", mutation_aspect=height / 0.012,
        facecolor=colour, edgecolor="none",
    )  # fmt: skip
    axes.add_patch(bar)


def _some_places(count: int, most: int) -> list[int]:
    """Which bars are labelled: so many at most, at equal distances, the last one among them."""
    return list(range(count - 1, -1, -max(1, -(-count // most))))[::-1]


def _colours(count: int, others: bool) -> list[str]:
    own = [COLOURS[place % len(COLOURS)] for place in range(count)]
    if others or count > len(COLOURS):
        own[-1] = REST_COLOUR
    return own


def _label(axes: Axes, x: float, below: float, text: str, **how: Any) -> None:
    axes.text(
        x, below, text, transform=axes.get_xaxis_transform(), size=LABEL_SIZE, color=FAINT, parse_math=False,
        family=fonts(), **how,
    )  # fmt: skip


def _write(figure: Figure, x: float, y: float, text: str, *, room: float | None = None, **how: Any) -> None:
    written = figure.text(x, y, clean(text) or "?", parse_math=False, family=fonts(), **how)
    if room is not None:
        _shorten(figure, written, room * WIDTH)


def _write_in(axes: Axes, x: float, y: float, text: str, *, room: float | None = None, **how: Any) -> None:
    written = axes.text(x, y, text, parse_math=False, family=fonts(), zorder=3, **how)
    if room is not None:
        _shorten(axes.figure, written, room * (RIGHT - LEFT) * WIDTH)


def _shorten(figure: Any, written: Any, pixels: float) -> None:
    """Cut a text until it fits."""
    renderer = figure.canvas.get_renderer()
    text = written.get_text()
    while len(text) > 1 and written.get_window_extent(renderer).width > pixels:
        text = text[:-1].rstrip()
        written.set_text(f"{text}…")


@cache
def fonts() -> list[str]:
    """The font that comes with matplotlib, and those on this machine that have other scripts."""
    there = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(name for name in FALLBACK_FONTS if name in there)]


@cache
def _characters() -> frozenset[int]:
    """What these fonts can write."""
    written: set[int] = set()
    for name in fonts():
        written |= FT2Font(font_manager.findfont(name)).get_charmap().keys()
    return frozenset(written)


def clean(text: str) -> str:
    """The text without what no font here has, which would be drawn as boxes."""
    kept = "".join(sign for sign in text if ord(sign) in _characters() and sign.isprintable())
    return " ".join(kept.split())
