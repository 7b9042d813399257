"""Every text colour of the page is readable on every ground on which it stands, in both themes (WCAG 2, level AA)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parents[3] / "playground" / "page" / "static" / "css"
ENOUGH = 4.5

MESSAGE = "bg bg-message bg-pinged bg-private bg-flash"
PLACES = "bg-side bg-deep bg-hover bg-chosen"
FRONT = "bg-raised bg-field"
GROUNDS = {
    "text": f"{MESSAGE} {PLACES} {FRONT} bg-code",
    "text-strong": f"{MESSAGE} {PLACES} {FRONT} bg-code",
    "text-soft": f"{MESSAGE} {PLACES} {FRONT} bg-code",
    "text-faint": "bg bg-message bg-side bg-deep bg-hover bg-raised",
    "link": f"{MESSAGE} bg-side bg-raised bg-code",
    "danger-text": f"{MESSAGE} {PLACES} {FRONT}",
    "green-text": f"{MESSAGE} {PLACES} {FRONT}",
    "mention-text": "mention",
    "button-text": "button",
    "on-color": "button-primary button-success button-danger accent-blue-strong",
    **{f"code-{kind}": "bg-code" for kind in ("keyword", "string", "number", "comment", "name", "added", "removed")},
}
ELSEWHERE = {"inherit", "transparent", "currentColor", "light-dark(var(--role-light), var(--role-dark))"}
ON_PICTURES = {"#fff", "#a9c8f7"}  # words in front of a darkened page, where no theme holds

_VARIABLE = re.compile(r"--([\w-]+):\s*(?:light-dark\((#\w+),\s*(#\w+)\)|(#\w+));")
_COLOR = re.compile(r"(?<![-\w])color:\s*([^;}]+)")


def palette(theme: str) -> dict[str, str]:
    """The variables of base.css in one theme."""
    found = _VARIABLE.findall((CSS / "base.css").read_text())
    return {name: both or (light if theme == "light" else dark) for name, light, dark, both in found}


def luminance(color: str) -> float:
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_is_that_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_texts_are_readable(theme: str) -> None:
    colors = palette(theme)
    poor = [
        f"{text} on {ground}: {ratio:.2f}"
        for text, grounds in GROUNDS.items()
        for ground in grounds.split()
        if (ratio := contrast(colors[text], colors[ground])) < ENOUGH
    ]
    assert not poor


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_focus_is_seen(theme: str) -> None:
    colors = palette(theme)
    for ground in f"{MESSAGE} {PLACES} {FRONT}".split():
        assert contrast(colors["focus"], colors[ground]) >= 3, ground


def test_every_text_colour_is_one_of_those_that_were_measured() -> None:
    allowed = {f"var(--{name})" for name in GROUNDS} | ELSEWHERE | ON_PICTURES
    used = {
        f"{path.name}: {color.strip()}"
        for path in CSS.glob("*.css")
        for color in _COLOR.findall(path.read_text())
        if color.strip() not in allowed
    }
    signs = {f"places.css: var(--{name})" for name in ("yellow",)}  # the owner's crown, which has words too
    assert used <= signs
