"""Plots as SVG text, with nothing but what they show: no script, no fonts, no other file.

Conventions: colours come from the page's own style by class (`c0` ... `c5` by subject, `ceiling`),
so plots follow light and dark. Every text is escaped here.
"""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .statistics import Estimate

WIDTH, LEFT, RIGHT = 640, 150, 20
"""Pixels: of a plot, and of its margins."""

ROW = 26
BINS = 24


@dataclass(frozen=True, slots=True)
class Series:
    """What one subject is drawn with.

    Attributes:
        title: The subject.
        style: Class of its colour.
    """

    title: str
    style: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Values to pixels.

    Attributes:
        low: Value at `start`.
        high: Value at `end`.
        start: Pixel.
        end: Pixel.
    """

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a value."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)

    def ticks(self) -> list[float]:
        """Three to six round values within."""
        rough = (self.high - self.low) / 4
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * one for one in (1, 2, 5, 10) if power * one >= rough)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def scale(values: Sequence[float], start: float, end: float, *, zero: bool = False) -> Scale:
    """A scale that shows these values.

    Args:
        values: At least one, finite.
        start: Pixel of the lowest.
        end: Pixel of the highest.
        zero: Whether 0 is on it.
    """
    low, high = min(values), max(values)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - 0.5, high + 0.5
    margin = 0.04 * (high - low)
    return Scale(low if zero and low == 0 else low - margin, high + margin, start, end)


def intervals(estimates: Mapping[str, Estimate], series: Sequence[Series], what: str) -> str:
    """A dot with its 95% interval for each subject, on one line each.

    Args:
        estimates: By subject; those without one are left out.
        series: In order.
        what: What is shown, for the axis and for screen readers.
    """
    rows = [one for one in series if one.title in estimates]
    if not rows:
        return ""
    every = [
        end
        for one in rows
        for end in (estimates[one.title].value, estimates[one.title].low, estimates[one.title].high)
        if end is not None
    ]
    along = scale(every, LEFT, WIDTH - RIGHT, zero=min(every) >= 0)
    height = ROW * len(rows) + 48
    parts = [_axis(along, ROW * len(rows) + 10, what)]
    for number, one in enumerate(rows):
        found, y = estimates[one.title], ROW * number + 16
        parts.append(_label(one.title, y))
        if found.low is not None and found.high is not None:
            a, b = along.at(found.low), along.at(found.high)
            parts.append(f'<line class="stroke {one.style}" x1="{a}" x2="{b}" y1="{y}" y2="{y}"/>')
        said = f"{one.title}: {number_text(found.value)}"
        parts.append(
            f'<circle class="fill {one.style}" cx="{along.at(found.value)}" cy="{y}" r="5">'
            f"<title>{html.escape(said)}</title></circle>"
        )
    return _svg(parts, height, what)


def distributions(
    values: Mapping[str, Sequence[float]], series: Sequence[Series], what: str
) -> str:
    """How the values of clips are spread: a histogram for each subject, on one axis.

    Args:
        values: By subject, one a clip.
        series: In order.
        what: See `intervals`.
    """
    rows = [one for one in series if len(values.get(one.title, ()))]
    if not rows:
        return ""
    along = scale([v for one in rows for v in values[one.title]], LEFT, WIDTH - RIGHT)
    tall = 44
    parts = [_axis(along, tall * len(rows) + 6, what)]
    for number, one in enumerate(rows):
        own = values[one.title]
        counts = [0] * BINS
        for value in own:
            share = (value - along.low) / (along.high - along.low)
            counts[min(BINS - 1, int(share * BINS))] += 1
        floor, most = tall * (number + 1) + 2, max(counts)
        parts.append(_label(one.title, floor - 14))
        wide = (WIDTH - RIGHT - LEFT) / BINS
        for place, count in enumerate(counts):
            if count:
                high = round((tall - 10) * count / most, 2)
                x = round(LEFT + place * wide, 2)
                parts.append(
                    f'<rect class="fill {one.style}" x="{x}" y="{round(floor - high, 2)}" '
                    f'width="{round(wide - 1, 2)}" height="{high}">'
                    f"<title>{count} of {len(own)} clips</title></rect>"
                )
    return _svg(parts, tall * len(rows) + 44, what)


def lines(
    curves: Mapping[str, Sequence[float | None]], styles: Mapping[str, str], what: str
) -> str:
    """Values epoch by epoch.

    Args:
        curves: By name; None where an epoch has no value.
        styles: Class of each curve's colour.
        what: See `intervals`.
    """
    points = {
        name: [(place, value) for place, value in enumerate(one, 1)
               if value is not None and math.isfinite(value)]
        for name, one in curves.items()
    }  # fmt: skip
    points = {name: one for name, one in points.items() if one}
    if not points:
        return ""
    height, bottom = 240, 200
    every = [value for one in points.values() for _, value in one]
    up = scale(every, bottom, 14)
    last = max(place for one in points.values() for place, _ in one)
    along = Scale(1, max(last, 2), 60, WIDTH - 170)
    parts = [f'<line class="axis" x1="60" x2="{WIDTH - 170}" y1="{bottom}" y2="{bottom}"/>']
    for tick in up.ticks():
        y = up.at(tick)
        parts.append(f'<line class="grid" x1="60" x2="{WIDTH - 170}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="54" y="{y + 4}" text-anchor="end">{number_text(tick)}</text>')
    for place in sorted({1, (last + 1) // 2, last}):
        x = along.at(place)
        parts.append(f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{place}</text>')
    parts.append(f'<text x="60" y="{height - 4}">epoch; {html.escape(what)}</text>')
    for number, (name, one) in enumerate(points.items()):
        path = " ".join(f"{along.at(place)},{up.at(value)}" for place, value in one)
        style = styles[name]
        parts.append(f'<polyline class="stroke thin {style}" points="{path}"/>')
        for place, value in one:
            said = html.escape(f"{name}, epoch {place}: {number_text(value)}")
            parts.append(
                f'<circle class="fill {style}" cx="{along.at(place)}" cy="{up.at(value)}" r="3">'
                f"<title>{said}</title></circle>"
            )
        y = 20 + 18 * number
        parts.append(f'<rect class="fill {style}" x="{WIDTH - 160}" y="{y - 9}" width="10" '
                     'height="10"/>')  # fmt: skip
        parts.append(f'<text x="{WIDTH - 144}" y="{y}">{html.escape(_short(name))}</text>')
    return _svg(parts, max(height, 30 + 18 * len(points)), what)


def number_text(value: float) -> str:
    """A number as people read it: three or four digits."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if abs(value) >= 100:
        return f"{value:,.0f}" if abs(value) < 1e7 else f"{value:.3g}"
    return f"{value:.3g}"


def _axis(along: Scale, y: float, what: str) -> str:
    parts = [f'<line class="axis" x1="{along.start}" x2="{along.end}" y1="{y}" y2="{y}"/>']
    for tick in along.ticks():
        x = along.at(tick)
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="4" y2="{y}"/>')
        parts.append(f'<text x="{x}" y="{y + 16}" text-anchor="middle">{number_text(tick)}</text>')
    place = f'x="{along.end}" y="{y + 30}" text-anchor="end"'
    parts.append(f'<text {place} class="dim">{html.escape(what)}</text>')
    return "".join(parts)


def _label(title: str, y: float) -> str:
    return (
        f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{html.escape(_short(title))}</text>'
    )


def _short(title: str) -> str:
    return title if len(title) <= 22 else f"{title[:10]}…{title[-11:]}"


def _svg(parts: Sequence[str], height: float, what: str) -> str:
    said = html.escape(what, quote=True)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{said}">{"".join(parts)}</svg>'
    )
