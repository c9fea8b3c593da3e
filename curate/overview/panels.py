"""The panels of the plot page: each draws one thing into a box of the figure.

Grey bars are all clips; coloured marks are the share within each split, so a split that is like
the others has its marks on the bar's end, however small it is. Boxes are in inches from the left
and the top of the figure.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from curate.overview import wording
from curate.overview.distributions import Part
from curate.overview.scales import FIFTHS, MAJORS, MINORS
from curate.overview.shifts import FEW_TRACKS

INK, SOFT, FAINT, BAR = "#1f2933", "#66727f", "#e6eaee", "#c3ccd6"
TITLE, TEXT, SMALL = 10.5, 8.5, 7.5

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""Okabe and Ito: told apart by the colour-blind too. In the order of the splits."""

MARKS = ("o", "D", "^", "s", "v", "P")
"""Told apart without any colour."""

ROW = 0.215
"""Height of a row of bars, inches."""

HEAD = 0.5
"""Height of a panel's title and note, inches."""

LABEL = 1.55
"""Width of the names before bars, inches."""

CELL = 0.075
"""Width of a wide letter at size `TEXT`, inches; a kanji is less than two."""

SLANTED = 0.2
"""What a slanted name takes of the line it stands on, inches."""


@dataclass(frozen=True, slots=True)
class Box:
    """A place on the page, in inches from its left and top."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """The figure that is drawn on.

    Attributes:
        figure: `matplotlib.figure.Figure`.
        width: In inches.
        height: In inches.
    """

    figure: Any
    width: float
    height: float

    def text(self, left: float, top: float, text: str, **options: Any) -> None:
        """Text at a place of the page."""
        options = {"fontsize": TEXT, "color": INK, "va": "top", **options}
        self.figure.text(left / self.width, 1 - top / self.height, text, **options)

    def axes(self, box: Box) -> Any:
        """Axes that fill a box, without a frame."""
        axes = self.figure.add_axes(
            (
                box.left / self.width,
                1 - (box.top + box.height) / self.height,
                box.width / self.width,
                box.height / self.height,
            )
        )
        axes.patch.set_visible(False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(length=0, labelsize=SMALL, colors=SOFT, pad=3)
        return axes

    def head(self, box: Box, title: str, note: str) -> Box:
        """Writes a panel's title; gives the box that is left below it."""
        self.text(box.left, box.top, title, fontsize=TITLE, fontweight="bold")
        self.text(box.left, box.top + 0.205, note, fontsize=SMALL, color=SOFT)
        return Box(box.left, box.top + HEAD, box.width, box.height - HEAD)


def nothing(sheet: Sheet, box: Box, text: str = "none labelled") -> None:
    """Says that there is nothing."""
    sheet.text(box.left, box.top + 0.02, text, color=SOFT, fontstyle="italic")


def bars(
    sheet: Sheet, box: Box, whole: Part, splits: Sequence[Part], top: int, label: float = LABEL
) -> None:
    """One bar a value with its share of the labelled clips, and marks for the splits."""
    values, others, times = wording.listed(whole, top)
    axes = sheet.axes(Box(box.left + label, box.top, box.width - label - 0.95, box.height))
    rows = box.height / ROW
    shares = [part.share(value) for part in (whole, *splits) for value in values]
    most = max(shares, default=0.0) or 1.0
    axes.set(xlim=(0, most * 1.04), ylim=(rows, 0))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.barh([y + 0.5 for y in range(len(values))], [whole.share(v) for v in values], 0.62,
              color=BAR, linewidth=0)  # fmt: skip
    for y, value in enumerate(values):
        _row(sheet, box, y, value, label)
        _row_end(sheet, box, y, whole.counts[value], wording.percent(whole.share(value)))
    for place, part in enumerate(splits):
        at = _beside(len(splits), place, 0.17)
        found = [(part.share(v), y + 0.5 + at) for y, v in enumerate(values) if part.share(v)]
        mark(axes, found, place, part)
    if others:
        _row(sheet, box, len(values), f"others ({others:,})", label, SOFT)
        _row_end(sheet, box, len(values), times, "", SOFT)


def _row(sheet: Sheet, box: Box, y: float, text: str, label: float, colour: str = INK) -> None:
    name = wording.fit(text, int(label / CELL))
    top = box.top + (y + 0.5) * ROW
    sheet.text(box.left + label - 0.09, top, name, ha="right", va="center", color=colour)


def _row_end(sheet: Sheet, box: Box, y: float, count: int, share: str, colour: str = INK) -> None:
    top, right = box.top + (y + 0.5) * ROW, box.left + box.width
    for at, text in ((right - 0.38, f"{count:,}"), (right, share)):
        sheet.text(at, top, text, ha="right", va="center", color=colour, fontsize=SMALL)


def _beside(splits: int, place: int, step: float) -> float:
    """How far a split's marks are moved, so that equal ones do not hide each other."""
    return step * (place - (splits - 1) / 2)


def mark(axes: Any, points: Sequence[tuple[float, float]], place: int, part: Part) -> None:
    """Marks of one split; hollow where it has too few tracks to tell anything by."""
    colour = COLOURS[place % len(COLOURS)]
    solid = part.tracks >= FEW_TRACKS
    axes.plot(
        [x for x, _ in points], [y for _, y in points], linestyle="",
        marker=MARKS[place % len(MARKS)], markersize=4.4 if solid else 4.0,
        color=colour if solid else "white", markeredgecolor="white" if solid else colour,
        markeredgewidth=0.5 if solid else 1.0, clip_on=False, zorder=3 + place,
    )  # fmt: skip


def histogram(sheet: Sheet, box: Box, whole: Part, splits: Sequence[Part]) -> None:
    """Upright bars in the values' own order, and a stepped line for each split."""
    values = list(whole.counts)
    axes = sheet.axes(Box(box.left + 0.3, box.top, box.width - 0.3, box.height - 0.3))
    shares = [part.share(value) for part in (whole, *splits) for value in values]
    axes.set(xlim=(0, max(len(values), 6)), ylim=(0, max(shares) * 1.05))
    axes.bar([x + 0.5 for x in range(len(values))], [whole.share(v) for v in values], 0.86,
             color=BAR, linewidth=0)  # fmt: skip
    for place, part in enumerate(splits):
        shares = [part.share(value) for value in values]
        if len(values) > 4 and part.tracks >= FEW_TRACKS:
            colour = COLOURS[place % len(COLOURS)]
            axes.stairs(shares, range(len(values) + 1), color=colour, linewidth=1.4,
                        baseline=None, zorder=3 + place)  # fmt: skip
        else:
            at = _beside(len(splits), place, 0.14) + 0.5
            mark(axes, [(x + at, y) for x, y in enumerate(shares) if y], place, part)
    longest = max(map(len, values)) * CELL + 0.1
    slot = (box.width - 0.3) / max(len(values), 6)
    every = math.ceil(longest / slot)
    shown = range(0, len(values), every)
    axes.set_xticks([x + 0.5 for x in shown], [values[x] for x in shown])
    _percent_axis(axes)


def _percent_axis(axes: Any) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], prune=None))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{abs(share):.0%}"))
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)


def keys(sheet: Sheet, box: Box, whole: Part, splits: Sequence[Part]) -> None:
    """Around the circle of fifths: major keys upwards, under each its relative minor downwards."""
    axes = sheet.axes(Box(box.left + 0.3, box.top + 0.2, box.width - 0.3, box.height - 0.45))
    shares = [part.share(key) for part in (whole, *splits) for key in (*MAJORS, *MINORS)]
    most = max(shares) * 1.08 or 1.0
    axes.set(xlim=(0, len(FIFTHS)), ylim=(-most, most))
    places = [x + 0.5 for x in range(len(FIFTHS))]
    for names, sign in ((MAJORS, 1), (MINORS, -1)):
        axes.bar(places, [sign * whole.share(key) for key in names], 0.74, color=BAR, linewidth=0)
        for place, part in enumerate(splits):
            at = _beside(len(splits), place, 0.19)
            found = zip(places, map(part.share, names), strict=True)
            mark(axes, [(x + at, sign * share) for x, share in found if share], place, part)
    axes.axhline(0, color=SOFT, linewidth=0.8)
    _percent_axis(axes)
    axes.set_xticks([])
    step = (box.width - 0.3) / len(FIFTHS)
    for place, (major, minor) in enumerate(zip(MAJORS, MINORS, strict=True)):
        centre = box.left + 0.3 + (place + 0.5) * step
        options: dict[str, Any] = {"ha": "center", "fontsize": TEXT}
        sheet.text(centre, box.top, _sign(major.removesuffix(" major")), **options)
        bottom = box.top + box.height - 0.2
        sheet.text(centre, bottom, _sign(minor.removesuffix(" minor")) + "m", **options)


def _sign(tonic: str) -> str:
    return tonic.replace("#", "♯").replace("b", "♭")


def heat(
    sheet: Sheet, box: Box, parts: Sequence[Part], values: Sequence[str], *, numbers: bool
) -> None:
    """A row an artist, a column a value: the darker, the larger its share of the row's clips."""
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("curate", ["#f4f6f8", "#9ecae1", "#08519c"])
    axes = sheet.axes(box)
    axes.set(xlim=(0, len(values)), ylim=(len(parts), 0))
    axes.set_xticks([])
    axes.set_yticks([])
    width = box.width / len(values)
    for y, part in enumerate(parts):
        for x, value in enumerate(values):
            share = part.share(value)
            colour = colours(share) if part.labelled else "none"
            axes.add_patch(_cell(x, y, colour))
            if numbers and share:
                ink = "white" if share > 0.6 else INK
                said = f"{max(share, 0.01) * 100:.0f}"
                axes.text(x + 0.5, y + 0.5, said, ha="center", va="center", fontsize=SMALL,
                          color=ink)  # fmt: skip
    every = math.ceil(SLANTED / width)
    for x in range(0, len(values), every):
        name = wording.fit(values[x], 16)
        sheet.text(
            box.left + (x + 0.5) * width + 0.03, box.top - 0.05, name, fontsize=SMALL, color=SOFT,
            rotation=38, rotation_mode="anchor", ha="left", va="bottom",
        )  # fmt: skip


def _cell(x: float, y: float, colour: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x + 0.03, y + 0.06), 0.94, 0.88, facecolor=colour, linewidth=0)
