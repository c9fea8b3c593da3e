"""Plots as SVG text, with nothing but what they show: no script, no fonts, no other file.

Conventions: colours come from the page's own style by class (`c0` ... `c5` by subject, `ceiling`),
so plots follow light and dark. Names stand above what they name, and a plot is no wider than a
phone, so that its text is readable there. Every text is escaped here.
"""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..metrics.statistics import Estimate

WIDTH, LEFT, RIGHT = 400, 12, 16
"""Pixels: of a plot, and of its margins."""

HEAD = 26
"""Of the title."""

ROW, TALL = 40, 54
"""Of a subject's interval, and of its histogram."""

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

    @property
    def step(self) -> float:
        """From tick to tick: 1, 2 or 5 by a power of ten."""
        rough = (self.high - self.low) / 4
        power = 10.0 ** math.floor(math.log10(rough))
        return next(power * one for one in (1, 2, 5, 10) if power * one >= rough)

    def ticks(self) -> list[float]:
        """Two to six round values within."""
        first = math.ceil(self.low / self.step - 1e-9)
        last = math.floor(self.high / self.step + 1e-9)
        return [number * self.step for number in range(first, last + 1)]

    def told(self, tick: float) -> str:
        """A tick with as many digits as tell it from its neighbours."""
        digits = max(0, -math.floor(math.log10(self.step) + 1e-9))
        if digits > 6 or abs(tick) >= 1e7:
            return f"{tick:.3g}"
        return f"{round(tick, digits) + 0.0:,.{digits}f}"


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
    floor = HEAD + ROW * len(rows)
    parts = [_title(what), _axis(along, floor)]
    for number, one in enumerate(rows):
        found, top = estimates[one.title], HEAD + ROW * number
        y = top + 28
        parts.append(_label(one.title, top + 16, number_text(found.value)))
        if found.low is not None and found.high is not None:
            a, b = along.at(found.low), along.at(found.high)
            parts.append(f'<line class="stroke {one.style}" x1="{a}" x2="{b}" y1="{y}" y2="{y}"/>')
        said = f"{one.title}: {number_text(found.value)}"
        parts.append(
            f'<circle class="fill {one.style}" cx="{along.at(found.value)}" cy="{y}" r="5">'
            f"<title>{html.escape(said)}</title></circle>"
        )
    return _svg(parts, floor + 24, what)


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
    bottom = HEAD + TALL * len(rows) + 2
    parts = [_title(what), _axis(along, bottom)]
    for number, one in enumerate(rows):
        own = values[one.title]
        counts = [0] * BINS
        for value in own:
            share = (value - along.low) / (along.high - along.low)
            counts[min(BINS - 1, int(share * BINS))] += 1
        floor, most = HEAD + TALL * (number + 1), max(counts)
        parts.append(_label(one.title, floor - TALL + 16, f"{len(own)} clips"))
        wide = (WIDTH - RIGHT - LEFT) / BINS
        for place, count in enumerate(counts):
            if count:
                high = round((TALL - 24) * count / most, 2)
                x = round(LEFT + place * wide, 2)
                parts.append(
                    f'<rect class="fill {one.style}" x="{x}" y="{round(floor - high, 2)}" '
                    f'width="{round(wide - 1, 2)}" height="{high}">'
                    f"<title>{count} of {len(own)} clips</title></rect>"
                )
    return _svg(parts, bottom + 24, what)


def lines(
    curves: Mapping[str, Sequence[float | None]], styles: Mapping[str, str], what: str
) -> str:
    """Values epoch by epoch.

    Args:
        curves: By name; None where an epoch has no value.
        styles: Classes of each curve: its colour, and `dashed`.
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
    bottom = HEAD + 190
    every = [value for one in points.values() for _, value in one]
    up = scale(every, bottom, HEAD + 6)
    last = max(place for one in points.values() for place, _ in one)
    along = Scale(1, max(last, 2), 50, WIDTH - RIGHT)
    parts = [
        _title(what),
        f'<line class="axis" x1="50" x2="{along.end}" y1="{bottom}" y2="{bottom}"/>',
    ]
    for tick in up.ticks():
        y = up.at(tick)
        parts.append(f'<line class="grid" x1="50" x2="{along.end}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="44" y="{y + 4}" text-anchor="end">{up.told(tick)}</text>')
    for place in sorted({1, (last + 1) // 2, last}):
        x = along.at(place)
        said = f"epoch {place}" if place == 1 else f"{place}"
        anchor = "start" if place == 1 else "end" if place == last else "middle"
        parts.append(f'<text x="{x}" y="{bottom + 18}" text-anchor="{anchor}">{said}</text>')
    for number, (name, one) in enumerate(points.items()):
        parts += _curve(name, one, styles[name], along, up)
        y = bottom + 42 + 20 * number
        parts.append(_key(styles[name], y - 4, alone=len(one) == 1))
        parts.append(f'<text x="50" y="{y}">{html.escape(_short(name, 46))}</text>')
    return _svg(parts, bottom + 36 + 20 * len(points), what)


def _key(style: str, y: float, *, alone: bool) -> str:
    """What a curve looks like, for the legend; a single value is a dot."""
    if alone:
        return f'<circle class="fill {style}" cx="27" cy="{y}" r="3"/>'
    return f'<line class="stroke thin {style}" x1="14" x2="40" y1="{y}" y2="{y}"/>'


def _curve(
    name: str, points: Sequence[tuple[int, float]], style: str, along: Scale, up: Scale
) -> list[str]:
    path = " ".join(f"{along.at(place)},{up.at(value)}" for place, value in points)
    parts = [f'<polyline class="stroke thin {style}" points="{path}"/>']
    for place, value in points:
        said = html.escape(f"{name}, epoch {place}: {number_text(value)}")
        parts.append(
            f'<circle class="fill {style}" cx="{along.at(place)}" cy="{up.at(value)}" r="3">'
            f"<title>{said}</title></circle>"
        )
    return parts


def number_text(value: float) -> str:
    """A number as people read it: three or four digits."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if abs(value) >= 100:
        return f"{value:,.0f}" if abs(value) < 1e7 else f"{value:.3g}"
    return f"{value:.3g}"


def _axis(along: Scale, y: float) -> str:
    parts = [f'<line class="axis" x1="{along.start}" x2="{along.end}" y1="{y}" y2="{y}"/>']
    for tick in along.ticks():
        x = along.at(tick)
        anchor = "start" if x < 24 else "end" if x > WIDTH - 34 else "middle"
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{HEAD + 4}" y2="{y}"/>')
        parts.append(f'<text x="{x}" y="{y + 17}" text-anchor="{anchor}">{along.told(tick)}</text>')
    return "".join(parts)


def _title(what: str) -> str:
    return f'<text class="title" x="{LEFT}" y="16">{html.escape(_short(what, 52))}</text>'


def _label(title: str, y: float, said: str) -> str:
    """What a row is, and what is to be said of it."""
    right = f'x="{WIDTH - RIGHT}" y="{y}" text-anchor="end"'
    return (
        f'<text x="{LEFT}" y="{y}">{html.escape(_short(title, 36))}</text>'
        f'<text class="dim" {right}>{html.escape(said)}</text>'
    )


def _short(title: str, most: int) -> str:
    half = (most - 1) // 2
    return title if len(title) <= most else f"{title[:half]}…{title[-half:]}"


def _svg(parts: Sequence[str], height: float, what: str) -> str:
    said = html.escape(what, quote=True)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{said}">{"".join(parts)}</svg>'
    )
