"""The bands of the plot page, from top to bottom: what stands beside what, and how high it is."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from curate.overview import panels, wording
from curate.overview.counting import Overview, together
from curate.overview.distributions import NO_PART, TEXT, Part
from curate.overview.panels import BAR, COLOURS, HEAD, INK, MARKS, ROW, SMALL, SOFT, Box, Sheet
from curate.overview.scales import KEYS
from curate.overview.shifts import BASE, FEW_TRACKS, FIELDS, LEVEL

WIDTH, MARGIN, GAP = 13.2, 0.55, 0.6
"""Of the page, its edge, and between its three columns, inches."""

COLUMN = (WIDTH - 2 * MARGIN - 2 * GAP) / 3

TOP = 10
"""Values a panel lists."""

SPLITS = len(MARKS)
"""Splits that are shown: folders of others may hold any number of manifests."""

ARTISTS, GENRES = 12, 9
"""Rows and columns of the table of artists and genres."""

_NAME, _CLIPS, _SLANT = 1.95, 2.85, 0.82
_NUMBERS = 1.15


_HEATS = {
    "genre": ("genre by artist", "percent of the artist's labelled clips"),
    "tempo": ("tempo by artist, BPM", "the darker, the more of the artist's clips"),
}


@dataclass(frozen=True, slots=True)
class Band:
    """A band of the page.

    Attributes:
        height: In inches.
        draw: Draws it, from so many inches below the top of the sheet.
    """

    height: float
    draw: Callable[[Sheet, float], None]


def bands(overview: Overview) -> list[Band]:
    """All bands of the page."""
    return [
        _head(overview),
        _words(overview),
        _keys(overview),
        _tempo(overview),
        _artists(overview),
        _text(overview),
        _sources(overview),
    ]


def _place(column: int, top: float, height: float, columns: int = 1) -> Box:
    left = MARGIN + column * (COLUMN + GAP)
    return Box(left, top, columns * COLUMN + (columns - 1) * GAP, height)


def _splits(overview: Overview, name: str) -> list[Part]:
    """A field's counts in each split that is shown; a split's place is its colour."""
    found = overview.distributions[name].splits
    return [found.get(split, NO_PART) for split in list(overview.splits)[:SPLITS]]


def _head(overview: Overview) -> Band:
    sides = list(overview.splits.items())[:SPLITS]
    more = len(overview.splits) - len(sides)
    height = max(0.75, (2 + len(sides)) * 0.17)

    def draw(sheet: Sheet, top: float) -> None:
        name = wording.fit(overview.name, 60)
        sheet.text(MARGIN, top - 0.08, name, fontsize=20, fontweight="bold")
        sheet.text(MARGIN, top + 0.34, wording.size(overview), fontsize=11, color=SOFT)
        if overview.broken:
            broken = f"{overview.broken:,} lines cannot be read and do not count"
            sheet.text(MARGIN, top + 0.58, broken, fontsize=SMALL, color=COLOURS[5])
        box = _place(2, top, height)
        axes = sheet.axes(box)
        axes.set(xlim=(0, box.width), ylim=(height / 0.17, 0))
        axes.set_xticks([])
        axes.set_yticks([])
        axes.barh([0.5], [0.2], 0.55, color=BAR, linewidth=0)
        lines = ["all clips; marks and lines: the share within each split"]
        for place, (split, side) in enumerate(sides):
            tracks = float(side.tracks or side.clips)
            panels.mark(axes, [(0.1, place + 1.5)], place, replace(NO_PART, tracks=tracks))
            lines.append(f"{wording.fit(split, 16)}: {wording.side(side)}")
        lines.append(f"hollow: fewer than {FEW_TRACKS} tracks, too few to tell")
        lines[-1] += f"; {more:,} more splits are not shown" if more else ""
        for row, line in enumerate(lines):
            ink = SOFT if row == len(lines) - 1 else INK
            axes.text(0.3, row + 0.5, line, va="center", fontsize=SMALL, color=ink)

    return Band(height, draw)


def _words(overview: Overview) -> Band:
    names = ("genre", "mood", "instrument")
    lines = max(_lines(overview.distributions[name].whole) for name in names)

    def draw(sheet: Sheet, top: float) -> None:
        for column, name in enumerate(names):
            _bars(sheet, _place(column, top, HEAD + lines * ROW), overview, name)

    return Band(HEAD + max(lines, 3) * ROW, draw)


def _keys(overview: Overview) -> Band:
    key, voice, year = (overview.distributions[name].whole for name in ("key", "voice", "year"))
    upper = HEAD + max(1, min(3, _lines(voice))) * ROW
    height = 2.75 if key.labelled or year.labelled else upper + 0.2 + HEAD + ROW

    def draw(sheet: Sheet, top: float) -> None:
        note = wording.known("key", overview)
        if key.labelled:
            note += "; major upwards, its relative minor below, around the circle of fifths"
        if other := len(set(key.counts) - set(KEYS)):
            note += f"; {other:,} others are not shown"
        rest = sheet.head(_place(0, top, height, 2), "key", note)
        if key.labelled:
            panels.keys(sheet, rest, key, _splits(overview, "key"))
        else:
            panels.nothing(sheet, rest)
        _bars(sheet, _place(2, top, upper), overview, "voice", 3)
        lower = top + upper + 0.2
        _histogram(sheet, _place(2, lower, top + height - lower), overview, "year")

    return Band(height, draw)


def _tempo(overview: Overview) -> Band:
    names = ("tempo", "loudness")
    known = any(overview.distributions[name].whole.labelled for name in names)
    height = 2.3 if known else HEAD + ROW

    def draw(sheet: Sheet, top: float) -> None:
        _histogram(sheet, _place(0, top, height, 2), overview, "tempo")
        _histogram(sheet, _place(2, top, height), overview, "loudness")

    return Band(height, draw)


def _artists(overview: Overview) -> Band:
    names = list(overview.artists)
    shown, rest = names[:ARTISTS], names[ARTISTS:]
    rows = len(shown) + bool(rest)

    def draw(sheet: Sheet, top: float) -> None:
        box = Box(MARGIN, top, WIDTH - 2 * MARGIN, HEAD + _SLANT + rows * ROW)
        count = f"{len(names):,} artists" if len(names) != 1 else "1 artist"
        below = sheet.head(box, "artists", f"{count}; clips by split" if any(names) else "")
        if not any(names):
            panels.nothing(sheet, below, "no clip names one")
            return
        start = below.top + _SLANT - 0.3
        _sizes(sheet, start, overview, shown, rest)
        left = MARGIN + _NAME + _CLIPS + 0.15
        width = (WIDTH - MARGIN - left - 0.5) / 2
        for place, name in enumerate(("genre", "tempo")):
            found = overview.distributions[name]
            values = list(found.whole.counts)
            values = values[:GENRES] if name == "genre" else values
            if not values:
                continue
            parts = [found.artists[artist] for artist in shown]
            parts += [_sum([found.artists[artist] for artist in rest])] if rest else []
            title, note = _HEATS[name]
            at = left + place * (width + 0.5)
            sheet.head(Box(at, top, width, HEAD), title, note)
            area = Box(at, start, width - 0.3 * place, rows * ROW)
            panels.heat(sheet, area, parts, values, numbers=name == "genre")

    slant = _SLANT - 0.3 if any(names) else 0.0
    return Band(HEAD + slant + max(rows, 1) * ROW, draw)


def _sizes(sheet: Sheet, top: float, overview: Overview, shown: list[str], rest: list[str]) -> None:
    found = [(wording.artist(name), overview.artists[name]) for name in shown]
    if rest:
        found.append((f"others ({len(rest):,})", together([overview.artists[n] for n in rest])))
    axes = sheet.axes(Box(MARGIN + _NAME, top, _CLIPS - _NUMBERS, len(found) * ROW))
    most = max(artist.clips for _, artist in found[:ARTISTS])
    axes.set(xlim=(0, most), ylim=(len(found), 0))
    axes.set_xticks([])
    axes.set_yticks([])
    for row, (name, artist) in enumerate(found):
        centre = top + (row + 0.5) * ROW
        label = wording.fit(name, int(_NAME / panels.CELL))
        sheet.text(MARGIN + _NAME - 0.09, centre, label, ha="right", va="center")
        start = 0.0
        for place, split in enumerate(overview.splits):
            size = artist.splits.get(split)
            if size is not None and row < len(shown):  # the others would not fit the scale
                colour = COLOURS[place % len(COLOURS)]
                axes.barh(row + 0.5, size.clips, 0.62, start, color=colour, linewidth=0)
                start += size.clips
        said = f"{artist.clips:,}  {artist.hours:,.2f} h"
        sheet.text(MARGIN + _NAME + _CLIPS - 0.12, centre, said, ha="right", va="center",
                   fontsize=SMALL)  # fmt: skip


def _text(overview: Overview) -> Band:
    height = HEAD + max(len(TEXT), len(FIELDS)) * ROW * 1.15

    def draw(sheet: Sheet, top: float) -> None:
        box = sheet.head(
            _place(0, top, height), "text MusicGen can see", "clips with something in the field"
        )
        sides = list(overview.splits.values())
        filled = {name: sum(side.filled[name] for side in sides) for name in TEXT}
        whole = Part(overview.clips, overview.clips, filled, 0.0)
        parts = [
            Part(side.clips, side.clips, side.filled, side.tracks or side.clips)
            for side in sides[:SPLITS]
        ]
        panels.bars(sheet, box, whole, parts, len(TEXT))
        _histogram(sheet, _place(1, top, height), overview, "caption_words")
        _shifts(sheet, _place(2, top, height), overview)

    return Band(height, draw)


def _shifts(sheet: Sheet, box: Box, overview: Overview) -> None:
    note = f"total variation, 0 to 1; grey: {LEVEL:.0%} of random splits of as many tracks"
    below = sheet.head(box, f"distance from {BASE}", note)
    fields = [field for field in FIELDS if any(s.field == field for s in overview.shifts)]
    if not fields:
        panels.nothing(sheet, below, f"nothing to hold against {BASE}")
        return
    others = [split for split in list(overview.splits)[:SPLITS] if split != BASE]
    axes = sheet.axes(
        Box(below.left + 0.85, below.top, below.width - 1.75, len(fields) * ROW * 1.15)
    )
    axes.set(xlim=(0, 1), ylim=(len(fields), 0))
    axes.set_yticks([])
    axes.set_xticks([])
    for row, field in enumerate(fields):
        centre = below.top + (row + 0.5) * ROW * 1.15
        title = wording.TITLES[field].split(",")[0]
        sheet.text(below.left + 0.76, centre, title, ha="right", va="center")
        found = {shift.split: shift for shift in overview.shifts if shift.field == field}
        for place, split in enumerate(others):
            if split not in found:
                continue
            y = row + 0.5 + 0.36 * (place - (len(others) - 1) / 2)
            axes.barh(y, found[split].chance, 0.26, color=BAR, linewidth=0)
            index = list(overview.splits).index(split)
            worth = replace(NO_PART, tracks=min(found[split].tracks, found[split].base_tracks))
            panels.mark(axes, [(found[split].distance, y)], index, worth)
        verdicts = {shift.verdict for shift in found.values()}
        said = "large" if "large" in verdicts else "chance"
        said = "few tracks" if verdicts == {"unsure"} else said
        colour = INK if said == "large" else SOFT
        sheet.text(below.left + below.width, centre, said, ha="right", va="center",
                   fontsize=SMALL, color=colour)  # fmt: skip


def _sources(overview: Overview) -> Band:
    labels = {name: source.labels for name, source in overview.sources.items()}
    total = sum(labels.values())
    whole = Part(overview.tracks, total, labels, 0.0)
    caption = overview.distributions["caption_source"].whole
    lines = max(_lines(whole), _lines(caption))

    def draw(sheet: Sheet, top: float) -> None:
        note = f"{total:,} labels of {overview.tracks:,} whole tracks" if total else ""
        box = sheet.head(_place(0, top, HEAD + lines * ROW, 2), "labels by source", note)
        if total:
            panels.bars(sheet, box, whole, (), TOP, 3.4)
        else:
            panels.nothing(sheet, box, "no labels with a source")
        _bars(sheet, _place(2, top, HEAD + lines * ROW), overview, "caption_source")

    return Band(HEAD + max(1, lines) * ROW, draw)


def _bars(sheet: Sheet, box: Box, overview: Overview, name: str, top: int = TOP) -> None:
    found = overview.distributions[name]
    known = wording.known(name, overview)
    rest = sheet.head(
        box,
        wording.TITLES[name],
        f"{known}; {wording.values(found.whole)}" if found.whole.labelled else known,
    )
    if found.whole.labelled:
        panels.bars(sheet, rest, found.whole, _splits(overview, name), top)
    else:
        panels.nothing(sheet, rest)


def _histogram(sheet: Sheet, box: Box, overview: Overview, name: str) -> None:
    found = overview.distributions[name]
    middle = wording.middle(found)
    note = wording.known(name, overview) + (f"; {middle}" if middle else "")
    rest = sheet.head(box, wording.TITLES[name], note)
    if found.whole.labelled:
        panels.histogram(sheet, rest, found.whole, _splits(overview, name))
    else:
        panels.nothing(sheet, rest)


def _lines(whole: Part, top: int = TOP) -> int:
    values, others, _ = wording.listed(whole, top)
    return len(values) + bool(others)


def _sum(parts: list[Part]) -> Part:
    counts: dict[str, int] = {}
    for part in parts:
        for value, count in part.counts.items():
            counts[value] = counts.get(value, 0) + count
    return Part(sum(p.clips for p in parts), sum(p.labelled for p in parts), counts, 0.0)
