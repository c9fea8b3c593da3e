"""Tracks from a table: `table:` in artists.yaml.

Every row is a track: a file beside the table or an address, all of it or the part from `start` to
`end`. Rows of one address share one download. What a row says of the music are labels with the
source `table.<name>`, its caption among them. Rows that cannot be used, and those that `where`
leaves out, are rejections that name the line.
"""

import logging
import os
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from curate.config import Artist, Table
from curate.errors import ConfigError
from curate.filters import expression
from curate.filters.expression import Expression, ExpressionError, Kind
from curate.labels import vocabulary
from curate.labels.manual.columns import MAX_TITLE, text
from curate.labels.manual.sheet import Wrong
from curate.labels.vocabulary import Vocabulary
from curate.names import digest, slug, track_id
from curate.records import Label, Origin, Rejection, Seconds, Track
from curate.sources.files import title_of
from curate.sources.source import Got, Tell
from curate.sources.table import columns, reading
from curate.sources.table.columns import MEANINGS, PLACES, PRESETS, Cells
from curate.sources.table.reading import Bad, Row, Sheet
from curate.sources.web.addresses import host_of, redact

NAME = "table"

LONGEST_WHOLE_S: Seconds = 6 * 3600.0
"""Recordings of which only a part is used may be so long, whatever artists.yaml says of tracks."""

_LOG = logging.getLogger(__name__)

_DESCRIBING = tuple(meaning for meaning in MEANINGS if meaning not in {*PLACES, "start", "end"})
_NO_LABELS = {"artist"}


class Fetcher(Protocol):
    """What fetches addresses: `curate.sources.web.source.Web`."""

    def kept(self, uri: str) -> Got | None:
        """What was fetched from there, if its file is still there."""
        ...

    def fetch(
        self,
        uri: str,
        tell: Tell,
        listed_at: str | None = None,
        longest_s: Seconds | None = None,
    ) -> Got:
        """Fetches it, for the first time or again.

        Args:
            uri: The address.
            tell: Told of the progress.
            listed_at: The address that leads there; its host may be at home, no other may.
            longest_s: Longer recordings are not fetched; None leaves it to artists.yaml.

        Raises:
            SourceError: It cannot be had.
        """
        ...

    def release(self, track: Track) -> None:
        """Gives up what was fetched from `track.uri`."""
        ...


class Tables:
    """Lists the rows of tables. See `Source`.

    Args:
        base: Folder of artists.yaml.
        web: Fetches addresses.
        words: Knows the words for voices and the like.
        homes: Addresses on this machine or in the house that rows may lead to. A table may come
            from anyone, so it leads to the open web only.
    """

    name = NAME

    def __init__(
        self,
        base: Path,
        web: Fetcher,
        words: Vocabulary | None = None,
        homes: tuple[str, ...] = (),
    ) -> None:
        self._base = Path(os.path.abspath(base))
        self._web = web
        self._words = words or vocabulary.load()
        self._homes = {host_of(home): home for home in homes}
        self._secret: dict[str, str] = {}  # addresses with tokens, by what may be shown of them

    def list_tracks(self, artist: Artist) -> Iterator[Track | Rejection]:
        """The rows of the artist's table, in its order.

        Raises:
            ConfigError: The table cannot be read, or lacks a column, or `where` says nothing.
        """
        if artist.table is None:
            return
        try:
            path = self._base / Path(artist.table.file).expanduser()
        except RuntimeError as error:  # ~nobody
            raise ConfigError(f"{artist.table.file}: {error}; correct `table.file`") from None
        with reading.opened(path) as sheet:
            rows = _Rows(artist, artist.table, path, self._base, sheet, self._words)
            rows.secret = self._secret
            yield from rows.tracks(sheet)

    def at_hand(self, track: Track) -> Got | None:
        """The file that a row names, whether or not it is there; of an address, what is kept."""
        place = _whole(track)
        if "://" not in place:
            return _with_licence(Got(self._base / place, Origin(place)), track)
        got = self._web.kept(self._secret.get(place, place))
        return None if got is None else _with_licence(got, track)

    def get(self, track: Track, tell: Tell) -> Got:
        """See `Source`. All of an address is fetched, so that its rows share it."""
        found = self.at_hand(track)
        if found is not None:
            return found
        place = _whole(track)
        longest_s = None if track.end_s is None else max(LONGEST_WHOLE_S, track.end_s)
        address = self._secret.get(place, place)
        got = self._web.fetch(address, tell, self._homes.get(host_of(place)), longest_s)
        return _with_licence(got, track)

    def release(self, track: Track) -> None:
        """See `Source`; to be called after the last row of an address."""
        place = _whole(track)
        if "://" in place:
            self._web.release(replace(track, uri=self._secret.get(place, place)))

    def close(self) -> None:
        """See `Source`: what fetches for it closes itself."""


def _whole(track: Track) -> str:
    """The file or address that a track is all or a part of."""
    return track.uri.removesuffix(_fragment(track.start_s, track.end_s))


def _with_licence(got: Got, track: Track) -> Got:
    """The table's word on the licence counts where the place of the audio says nothing."""
    said = next((str(label.value) for label in track.labels if label.kind == "licence"), None)
    if said is None or got.origin.licence is not None:
        return got
    return replace(got, origin=replace(got.origin, licence=said, licence_source=NAME))


def _fragment(start_s: Seconds, end_s: Seconds | None) -> str:
    """How a part is written behind an address (W3C Media Fragments); "" for the whole."""
    if not start_s and end_s is None:
        return ""
    end = "" if end_s is None else f",{_short(end_s)}"
    return f"#t={_short(start_s)}{end}"


def _short(seconds: Seconds) -> str:
    return f"{seconds:.6f}".rstrip("0").rstrip(".")


@dataclass(slots=True)
class _Unread:
    """Cells of a column that say nothing."""

    count: int = 0
    example: str = ""


class _Rows:
    """Makes tracks of the rows of one table."""

    def __init__(
        self,
        artist: Artist,
        table: Table,
        path: Path,
        base: Path,
        sheet: Sheet,
        words: Vocabulary,
    ) -> None:
        self._artist = artist
        self._path = path
        self._name = table.file
        self._base = str(base)
        self._folder = str(Path(os.path.abspath(path)).parent)
        self._words = words
        self._columns = columns.mapped(table, sheet.columns, str(path))
        self._where = _filter(table, path, self._columns, sheet.columns)
        needed = PRESETS[table.preset].needed if table.preset else ()
        self._needed = [meaning for meaning in needed if meaning in self._columns]
        self._source = f"{NAME}.{table.preset or _name(path)}"
        self._seen = _Seen()
        self.secret: dict[str, str] = {}
        self._unread: dict[str, _Unread] = {}

    def tracks(self, sheet: Sheet) -> Iterator[Track | Rejection]:
        """A track or a rejection for every row."""
        wanted = set(self._columns.values())
        if self._where is not None:
            wanted |= {name for name in self._where.names if name in sheet.columns}
        for row in sheet.rows(wanted):
            yield self._bad(row.number, row.reason) if isinstance(row, Bad) else self._row(row)
        for meaning, unread in self._unread.items():
            column = self._columns[meaning]
            what = f"column '{column}' ({meaning}): {unread.count} cells are left out"
            _LOG.warning("%s: %s, e.g. line %s", self._path, what, unread.example)

    def _row(self, row: Row) -> Track | Rejection:
        if self._where is not None and not self._where.holds(self._values(row.cells)):
            return self._rejection(row, "filtered", f"where is not true: {self._where.text}")
        try:
            track = self._track(row)
        except Wrong as wrong:
            return self._bad(row.number, f"{wrong}; correct the row")
        first = self._seen.first(track.id, row.number)
        if first is not None:
            again = f"the same part of the same audio as line {first}; keep one of the two"
            return self._rejection(row, "listed_twice", again)
        return track

    def _cell(self, meaning: str, cells: Cells) -> object:
        """What a row says there; None for nothing."""
        column = self._columns.get(meaning)
        return None if column is None else cells.get(column)

    def _values(self, cells: Cells) -> dict[str, object]:
        """What `where` looks at."""
        values: dict[str, object] = {}
        for name in self._where.names if self._where else ():
            value = self._cell(name, cells) if name in self._columns else cells.get(name)
            if name in self._columns and MEANINGS[name] == "words":
                value = columns.words(value)
            elif name in {"start", "end"} and name in self._columns and value is not None:
                value = _seconds(value)
            values[name] = value
        return values

    def _track(self, row: Row) -> Track:
        cells = row.cells
        for meaning in self._needed:
            if self._cell(meaning, cells) is None:
                raise Wrong(f"'{self._columns[meaning]}' is empty")
        place, title = self._place(cells)
        start_s, end_s = self._part(cells)
        labels = tuple(self._labels(row))
        uri = place + _fragment(start_s, end_s)
        artist = self._cell("artist", cells)
        return Track(
            track_id(NAME, uri),
            NAME,
            uri,
            self._artist.name if artist is None else text(artist, MAX_TITLE),
            next((str(label.value) for label in labels if label.kind == "title"), title),
            start_s,
            end_s,
            labels,
        )

    def _place(self, cells: Cells) -> tuple[str, str]:
        """The file or address of a row, and a title for it."""
        meaning = next((name for name in PLACES if self._cell(name, cells) is not None), None)
        if meaning is None:
            names = " and ".join(f"'{self._columns[m]}'" for m in PLACES if m in self._columns)
            raise Wrong(f"{names}: empty, so it does not say where the audio is")
        value = self._cell(meaning, cells)
        if meaning == "file":
            path = columns.inside(value, self._folder, self._base)
            below = path.removeprefix(f"{self._base.rstrip('/')}/")
            return below, title_of(Path(path))
        known = columns.youtube(value) if meaning == "youtube" else columns.address(value)
        shown = redact(known)
        if shown != known:
            self.secret[shown] = known
        return shown, columns.title_of(shown)

    def _part(self, cells: Cells) -> tuple[Seconds, Seconds | None]:
        start, end = self._cell("start", cells), self._cell("end", cells)
        start_s = 0.0 if start is None else columns.seconds(start)
        end_s = None if end is None else columns.seconds(end)
        if end_s is not None and end_s <= start_s:
            raise Wrong(f"the end, {end_s:g} s, is not after the start, {start_s:g} s")
        return start_s, end_s

    def _labels(self, row: Row) -> Iterator[Label]:
        for meaning in _DESCRIBING:
            value = self._cell(meaning, row.cells)
            if value is None or meaning in _NO_LABELS:
                continue
            try:
                yield from columns.labels(meaning, value, self._source, self._words)
            except Wrong as wrong:
                unread = self._unread.setdefault(meaning, _Unread())
                unread.count += 1
                unread.example = unread.example or f"{row.number}: {wrong}"

    def _bad(self, number: int, reason: str) -> Rejection:
        place = f"{self._name}:{number}"
        told, name = f"{place}: {reason}", self._artist.name
        return Rejection(track_id(NAME, place), "list", "bad_row", told, name, uri=place)

    def _rejection(self, row: Row, code: str, reason: str) -> Rejection:
        """A row that is understood but not used."""
        plain = self._bad(row.number, reason)
        try:
            place, title = self._place(row.cells)
            uri = place + _fragment(*self._part(row.cells))
        except Wrong:
            return replace(plain, code=code)
        return replace(plain, id=track_id(NAME, uri), code=code, title=title, uri=uri)


def _name(path: Path) -> str:
    """A table's name in the sources of labels, which are ASCII."""
    stem = slug(path.name.partition(".")[0])
    plain = re.sub("[^a-z0-9]+", "-", stem).strip("-")
    return plain if stem.isascii() else f"{plain or 'x'}-{digest(stem)[:6]}"


def _seconds(value: object) -> Seconds | None:
    try:
        return columns.seconds(value)
    except Wrong:
        return None


def _filter(
    table: Table, path: Path, mapped: dict[str, str], present: tuple[str, ...]
) -> Expression | None:
    if table.where is None:
        return None
    kinds: dict[str, Kind] = dict.fromkeys(present, "any")
    kinds |= {meaning: MEANINGS[meaning] for meaning in mapped}
    try:
        return expression.compile(table.where, kinds)
    except ExpressionError as error:
        raise ConfigError(f"{path}: where: {error}") from None


class _Seen:
    """Which tracks were listed, and on which line: 12 to 24 bytes each, for tables of millions."""

    def __init__(self) -> None:
        self._count = 0
        self._ids = array("Q", bytes(8 << 10))
        self._lines = array("Q", bytes(8 << 10))

    def first(self, track: str, line: int) -> int | None:
        """The line of an earlier listing; None if this is the first, which is kept in mind."""
        if 3 * self._count >= 2 * len(self._ids):
            self._grow()
        number = int(track, 16) + 1
        at = self._slot(number)
        if self._ids[at] == number:
            return self._lines[at]
        self._ids[at], self._lines[at] = number, line
        self._count += 1
        return None

    def _slot(self, number: int) -> int:
        """Where a number is or would be: ids are as good as random, so near its own place."""
        last = len(self._ids) - 1
        at = number & last
        while self._ids[at] not in {0, number}:
            at = (at + 1) & last
        return at

    def _grow(self) -> None:
        ids, lines = self._ids, self._lines
        self._ids = array("Q", bytes(2 * 8 * len(ids)))
        self._lines = array("Q", bytes(2 * 8 * len(lines)))
        for number, line in zip(ids, lines, strict=True):
            if number:
                at = self._slot(number)
                self._ids[at], self._lines[at] = number, line
