"""The overview in the terminal: a bar a value, shares by split or artist beside it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich.console import Console
from rich.table import Table
from rich.text import Text

from curate.command.terminal import Bars
from curate.overview import wording
from curate.overview.counting import DISTRIBUTIONS, Artist, Overview, together
from curate.overview.distributions import NO_PART, TEXT, Distribution, Part
from curate.overview.shifts import BASE, FEW_TRACKS, LEVEL, Shift
from curate.progress import Teller

PIPED_WIDTH = 100
"""Columns where there is no terminal."""

ORDERED = ("key", "tempo", "year", "loudness", "caption_words")
"""What is shown whole, in its own order: a histogram with a gap would be none."""

_LABEL, _BAR, _LEAST_BAR = 26, 30, 8
_SPLIT, _ARTIST = 6, 10
_EIGHTHS = " ▏▎▍▌▋▊▉"

Columns = list[tuple[str, str]]


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leaves it to the command line: `curate labels | head` is no failure."""
        raise BrokenPipeError


class Waiting:
    """A progress bar, from when there is something to wait for."""

    @contextlib.contextmanager
    def stage(self, name: str, total: int) -> Iterator[Teller]:
        """See `curate.progress.Progress`."""
        with Bars() as bars, bars.stage(name, total) as bar:
            yield bar


def show(overview: Overview, *, by: str, top: int, console: Console | None = None) -> None:
    """See `curate.overview.show`."""
    out = console or _standard()
    page = _Page(overview, out, by, top)
    if not overview.clips:
        page.faults()
        out.print(Text(f"{wording.fit(overview.name, 60)}: no clips, nothing to show", "red"))
        return
    for part in (page.sizes, page.artists, page.labels, page.filled, page.sources, page.shifts):
        part()
    page.faults()


def _standard() -> Console:
    out = _Console(highlight=False)
    if not out.is_terminal and "COLUMNS" not in out._environ:
        out.width = PIPED_WIDTH
    return out


@dataclass(frozen=True, slots=True)
class _Row:
    label: str
    count: int
    share: float | None
    beside: tuple[str, ...] = ()
    bar: bool = True


@dataclass(frozen=True, slots=True)
class _Page:
    overview: Overview
    out: Console
    by: str
    top: int

    def sizes(self) -> None:
        """What there is, by split."""
        name = wording.fit(self.overview.name, 60)
        self.out.print(Text.assemble((name, "bold"), "  ", wording.size(self.overview)))
        table = _grid("left", *["right"] * 4)
        table.add_row(
            *(Text(each, style="dim") for each in ("", "clips", "hours", "tracks", "artists"))
        )
        for name, side in self.overview.splits.items():
            hours = f"{side.hours:,.2f}"
            row = f"{side.clips:,}", hours, f"{side.tracks:,}", f"{side.artists:,}"
            table.add_row(Text(wording.fit(name, _LABEL)), *row)
        self.out.print(table)

    def artists(self) -> None:
        """Clips and hours of each artist, and where they are."""
        found = self.overview.artists
        if not any(found):
            return
        self._heading("artists", f"{len(found):,}; clips, hours, clips by split")
        splits = list(self.overview.splits)
        shown = dict(list(found.items())[: self.top])
        rows = [
            _artist_row(name, each, splits, self.overview.clips) for name, each in shown.items()
        ]
        rest = list(found.values())[self.top :]
        if rest:
            name = f"others ({len(rest):,})"
            rows.append(
                replace(_artist_row(name, together(rest), splits, self.overview.clips), bar=False)
            )
        self._bars(rows, ["hours", *splits], _SPLIT)

    def labels(self) -> None:
        """Every distribution."""
        for name in DISTRIBUTIONS:
            found = self.overview.distributions[name]
            if name == "keyword" and not found.whole.labelled:
                continue  # ours are the words of genre, mood and instrument
            self._distribution(name, found)

    def filled(self) -> None:
        """Share of clips in which each field of the text holds something."""
        self._heading("text that MusicGen can see", "share of clips with something in the field")
        sides = self.overview.splits
        rows = []
        for name in TEXT:
            count = sum(side.filled[name] for side in sides.values())
            beside = tuple(
                _share(side.filled[name] / side.clips if side.clips else None)
                for side in sides.values()
            )
            rows.append(_Row(name, count, _of(count, self.overview.clips), beside))
        self._bars(
            rows, list(sides) if self.by == "split" else [], _SPLIT, most=self.overview.clips
        )

    def sources(self) -> None:
        """Who said what is said."""
        found, read = self.overview.sources, self.overview.sidecars
        tracks = self.overview.tracks
        known = f"{read.read:,} of {read.clips:,} sidecars read" if read.sampled else ""
        self._heading("labels by source", known)
        if not found:
            self._none("no labels with a source")
            return
        table = _grid("left", "right", "right", "right", "left")
        head = "", "labels", "tracks", "clips", "of kind"
        table.add_row(*(Text(each, style="dim") for each in head))
        for name, source in list(found.items())[: self.top]:
            kinds = ", ".join(source.kinds)
            table.add_row(
                Text(wording.fit(name, max(_LABEL, self.out.width - 60))),
                f"{source.labels:,}",
                _share(_of(source.tracks, tracks)),
                _share(_of(source.clips, read.read)),
                Text(wording.fit(kinds, 40), style="dim"),
            )
        self.out.print(table)
        if len(found) > self.top:
            self._none(f"others ({len(found) - self.top:,})")

    def shifts(self) -> None:
        """How far the splits lie apart."""
        found = self.overview.shifts
        if not found or self.by != "split":
            return
        self._heading(f"distance from {BASE}", "0 the same, 1 nothing in common")
        table = _grid("left", "left", "right", "right", "right", "left")
        head = "", "", "distance", "by chance", "tracks", ""
        table.add_row(*(Text(each, style="dim") for each in head))
        for shift in found:
            split = Text(wording.fit(shift.split, 16))
            table.add_row(wording.TITLES[shift.field], split, *_judged(shift))
        self.out.print(table)
        self._none(
            f"By chance: {LEVEL:.0%} of random splits of as many tracks lie below. Fewer tracks "
            f"lie further apart by chance; with fewer than {FEW_TRACKS} nothing can be told."
        )

    def faults(self) -> None:
        """What could not be read."""
        read = self.overview.sidecars
        if read.missing or read.unreadable:
            tried = read.read + read.missing + read.unreadable
            self.out.print(
                f"[yellow]note:[/] of {tried:,} sidecars {read.missing:,} are missing and "
                f"{read.unreadable:,} cannot be read"
            )
        if self.overview.broken:
            self.out.print(
                f"[red]{self.overview.broken:,} lines cannot be read[/] and do not count:"
            )
            for fault in self.overview.faults:
                self.out.print(Text(f"  {fault}"), soft_wrap=True)

    def _distribution(self, name: str, found: Distribution) -> None:
        said = [wording.known(name, self.overview)]
        if name not in ORDERED and found.whole.labelled:
            said.append(wording.values(found.whole))
        said += [wording.middle(found)] if found.spread else []
        self._heading(wording.TITLES[name], "; ".join(said))
        if not found.whole.labelled:
            self._none("none labelled")
            return
        columns = list(self._columns(found))
        top = len(found.whole.counts) if name in ORDERED else self.top
        values, others, times = wording.listed(found.whole, top)
        rows = [_value_row(value, found.whole, columns) for value in values]
        if others:
            share = None if found.whole.several else _of(times, found.whole.labelled)
            rows.append(_Row(f"others ({others:,})", times, share, bar=False))
        width = _ARTIST if self.by == "artist" else _SPLIT
        self._bars(rows, [title for title, _ in columns], width)

    def _columns(self, found: Distribution) -> Iterator[tuple[str, Part]]:
        if self.by == "split":
            for split in self.overview.splits:
                yield split, found.splits.get(split, NO_PART)
        elif self.by == "artist" and found.artists:
            for name in self.overview.artists:
                yield wording.artist(name), found.artists.get(name, NO_PART)

    def _bars(self, rows: list[_Row], titles: list[str], width: int, most: int = 0) -> None:
        """Rows as bars; as many columns beside them as there is room for."""
        most = most or max(row.count for row in rows if row.bar)
        longest = _LABEL if self.out.width >= 70 else _LABEL // 2
        label = min(longest, max(wording.cells(row.label) for row in rows))
        digits = max(len(f"{row.count:,}") for row in rows)
        room = self.out.width - 2 - label - 1 - digits - 1 - 4 - 1
        titles = titles[: max(0, (room - _LEAST_BAR) // (width + 1))]
        bar = max(1, min(_BAR, room - len(titles) * (width + 1)))
        table = _grid("left", "left", "right", "right", *["right"] * len(titles))
        if titles:
            head = [Text(wording.fit(title, width), style="dim") for title in titles]
            table.add_row("", " " * bar, "", "", *head)
        for row in rows:
            table.add_row(
                Text(wording.fit(row.label, label)),
                Text(self._bar(row.count / most if most and row.bar else 0.0, bar), style="cyan"),
                f"{row.count:,}",
                _share(row.share),
                *(
                    Text(cell, style="dim" if cell == "-" else "")
                    for cell in row.beside[: len(titles)]
                ),
            )
        self.out.print(table)

    def _bar(self, share: float, width: int) -> str:
        if self.out.options.ascii_only:
            return ("#" * round(share * width)).ljust(width)
        eighths = max(round(share * width * 8), 1 if share else 0)
        return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()).ljust(width)

    def _heading(self, title: str, note: str) -> None:
        self.out.print()
        self.out.print(Text.assemble((title, "bold"), "  ", (note, "dim")))

    def _none(self, text: str) -> None:
        self.out.print(Text(f"  {text}", style="dim"))


def _grid(*sides: str) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    for side in sides:
        table.add_column(justify=side, no_wrap=True)  # type: ignore[arg-type]
    return table


def _value_row(value: str, whole: Part, columns: list[tuple[str, Part]]) -> _Row:
    beside = tuple(_share(part.share(value) if part.labelled else None) for _, part in columns)
    return _Row(value, whole.counts[value], whole.share(value), beside)


def _artist_row(name: str, found: Artist, splits: list[str], clips: int) -> _Row:
    sizes = [found.splits.get(split) for split in splits]
    beside = f"{found.hours:,.2f}", *(f"{size.clips:,}" if size else "-" for size in sizes)
    return _Row(wording.artist(name), found.clips, _of(found.clips, clips), beside)


def _judged(shift: Shift) -> tuple[str, str, str, Text]:
    verdicts = {
        "large": Text("large: more than chance", style="yellow"),
        "chance": Text("not more than chance", style="dim"),
        "unsure": Text("too few tracks to tell", style="dim"),
    }
    tracks = f"{shift.tracks:,.0f}"
    return f"{shift.distance:.2f}", f"<{shift.chance:.2f}", tracks, verdicts[shift.verdict]


def _of(count: int, all_: int) -> float | None:
    return count / all_ if all_ else None


def _share(share: float | None) -> str:
    return "-" if not share else wording.percent(share)
