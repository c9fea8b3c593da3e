"""What people say of tracks and clips: labels.csv or labels.jsonl beside artists.yaml.

A line names a track or a clip by its id or its path and says whatever it wants of it. Source
`manual` is believed before everyone else. No audio work follows, and nothing that is written there
is ever opened: paths are only compared.

An empty cell or a missing key says nothing. `-` (in JSON also null or []) says that nothing is to
be asserted, whatever models and tags say: a label with the value "".
"""

import difflib
import functools
import os
import re
import unicodedata
import urllib.parse
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from curate import sources
from curate.labels import vocabulary
from curate.labels.manual import columns
from curate.labels.manual.sheet import Faults, Row, Wrong, rows
from curate.labels.vocabulary import Vocabulary
from curate.names import chunk_id, track_id
from curate.records import LABEL_UNITS, Label
from curate.validate.report import shown

FILES = ("labels.csv", "labels.jsonl")

MANUAL = columns.SOURCE
"""The source of every label here."""

MOST_GUESSES = 10
"""For so many unknown names the nearest one is looked up; that takes time in long listings."""

_IDS = re.compile(r"([0-9a-f]{12})(?:_([0-9]{3,}))?")
_CLIP = re.compile(
    r"(?:^|/)audio/[^/]+/([^/]+-([0-9a-f]{12}))/\1_chunk([0-9]{3,})\.(?:flac|wav|json)$"
)
"""A clip of a built dataset, or its sidecar: its name says which clip of which track."""


@dataclass(frozen=True, slots=True)
class Named:
    """A track or clip as a line names it.

    Attributes:
        place: `file:line`.
        text: The id or path as it stands there.
        ids: Ids of tracks and clips that it may mean.
    """

    place: str
    text: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manual:
    """What people said.

    Attributes:
        named: Every track and clip that is named, line by line.
        labels: What is said, by id of track or clip, in the order of `LABEL_UNITS`.
    """

    named: tuple[Named, ...] = ()
    labels: Mapping[str, tuple[Label, ...]] = field(default_factory=dict)

    def of_track(self, track: str) -> tuple[Label, ...]:
        """What is said of the track of this id."""
        return self.labels.get(track, ())

    def of_chunk(self, chunk: str) -> tuple[Label, ...]:
        """What is said of the clip of this id itself."""
        return self.labels.get(chunk, ())

    @property
    def of_clips(self) -> Iterator[Named]:
        """The lines that name a clip, whose number counts windows of `chunk.seconds`."""
        return (one for one in self.named if any("_" in name for name in one.ids))

    def check(self, tracks: Iterable[tuple[str, str]]) -> None:
        """Finds lines about tracks that are not there, or about clips of such tracks.

        Args:
            tracks: Id and uri of every track that is listed, rejected ones too.

        Raises:
            ConfigError: With all such lines, and what each may have meant.
        """
        uris = dict(tracks)
        faults, guess = Faults(), _Guess(uris)
        for named in self.named:
            if not any(name.partition("_")[0] in uris for name in named.ids):
                faults.add(
                    named.place, f"there is no track {shown(named.text)}; {guess.near(named)}"
                )
        faults.raise_any()

    def check_chunks(self, chunks: Callable[[str], Collection[str] | None]) -> None:
        """Finds lines about clips that their track does not have.

        Args:
            chunks: Gives the ids of all clips of a track, also of those that were left out; None
                for a track that has not been cut. Only tracks whose clips are named are asked for.

        Raises:
            ConfigError: With all such lines.
        """
        faults, cut = Faults(), functools.cache(chunks)
        for named in self.named:
            for name in named.ids:
                track, underscore, _ = name.partition("_")
                there = cut(track) if underscore else None
                if there is not None and name not in there:
                    last = f"its last is {max(there, key=_order)}" if there else "it has none"
                    problem = f"track {track} has no clip {shown(named.text)}; {last}"
                    faults.add(named.place, f"{problem}. Correct the line or take it out")
        faults.raise_any()


NO_MANUAL = Manual()
"""Where nobody said anything."""


def read(base: Path, words: Vocabulary | None = None) -> Manual:
    """Reads labels.csv and labels.jsonl, as far as they are there.

    Args:
        base: Folder of artists.yaml.
        words: The vocabulary that will be used.

    Raises:
        ConfigError: With every fault of both files, one a line: file, line, what is wrong, remedy.
    """
    faults = Faults()
    book = _Book(_Places(base), words or vocabulary.load(), faults)
    for name in FILES:
        if os.path.lexists(base / name):
            for row in rows(base / name, columns.column, (columns.ID, columns.PATH), faults):
                book.add(row)
    faults.raise_any()
    return book.manual()


class _Book:
    """Takes row after row and holds them against each other."""

    def __init__(self, places: "_Places", words: Vocabulary, faults: Faults) -> None:
        self._places = places
        self._words = words
        self._faults = faults
        self._named: list[Named] = []
        self._said: dict[str, dict[str, tuple[tuple[Label, ...], str]]] = {}

    def add(self, row: Row) -> None:
        cells = dict(row.cells)
        try:
            named = self._name(
                row.place, cells.pop(columns.ID, None), cells.pop(columns.PATH, None)
            )
        except Wrong as wrong:
            self._faults.add(row.place, wrong)
            named = None
        for kind, cell in cells.items():
            try:
                labels = columns.labels(kind, cell, self._words)
                if named is not None:
                    self._note(named, kind, labels)
            except Wrong as wrong:
                self._faults.add(row.place, f"{kind}: {wrong}")
        if named is not None:
            self._named.append(named)

    def _name(self, place: str, by_id: object, by_path: object) -> Named:
        if (by_id is None) == (by_path is None):
            both = "names both id and path" if by_id is not None else "names neither id nor path"
            raise Wrong(f"{both}; name the track or clip by one of them")
        if by_id is not None:
            return Named(place, str(by_id), (_canonical_id(by_id),))
        if not isinstance(by_path, str) or not by_path:
            raise Wrong(f"path: {shown(by_path)} is none; write where the audio file or clip is")
        return Named(place, by_path, self._places.ids(by_path))

    def _note(self, named: Named, kind: str, labels: tuple[Label, ...]) -> None:
        for name in named.ids:
            said = self._said.setdefault(name, {})
            before, place = said.setdefault(kind, (labels, named.place))
            if before != labels:
                also = f"{_said(before)} in {place}, which is about the same; keep one"
                raise Wrong(f"{_said(labels)} here, but {also}")

    def manual(self) -> Manual:
        labels = {
            name: tuple(label for kind in LABEL_UNITS if kind in said for label in said[kind][0])
            for name, said in self._said.items()
        }
        return Manual(tuple(self._named), labels)


def _canonical_id(value: object) -> str:
    found = _IDS.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        raise Wrong(
            f"id: {shown(value)} is none: a track's has 12 of the digits 0-9 and a-f, a clip's has "
            "`_000` and so on behind it (a spreadsheet may have made a number of it: format the "
            "column as text); a file is named in column 'path'"
        )
    return found[1] if found[2] is None else chunk_id(found[1], int(found[2]))


class _Places:
    """Finds ids for paths, in the way that sources make uris of them."""

    def __init__(self, base: Path) -> None:
        self._base = os.path.abspath(base)
        self._real = os.path.realpath(base)
        self._sources = sources.NAMES

    def ids(self, text: str) -> tuple[str, ...]:
        """The track that a path or address may mean, and the clip if it is the name of one."""
        uri = self._uri(text)
        found = [track_id(source, uri) for source in self._sources]
        clip = _CLIP.search(unicodedata.normalize("NFC", uri))
        if clip is not None:
            found.append(chunk_id(clip[2], int(clip[3])))
        return tuple(found)

    def _uri(self, text: str) -> str:
        path = os.path.expanduser(text)  # noqa: PTH111 - Path's raises for a stranger's home
        if text.startswith("file:///"):
            path = os.fsdecode(urllib.parse.unquote_to_bytes(text.removeprefix("file://")))
            if not _is_text(path):
                return text  # files whose names are no text have such uris
        elif "://" in text:
            return text
        path = os.path.normpath(Path(self._base, path))
        for base in (self._base, self._real):  # the latter: it is reached by a link
            below = path.removeprefix(base.rstrip("/") + "/")
            if below != path:
                return below
        return path


class _Guess:
    """Says which track an unknown name may have meant."""

    def __init__(self, uris: Mapping[str, str]) -> None:
        self._ids = list(uris)
        self._uris = [unicodedata.normalize("NFC", uri) for uri in uris.values()]
        self._left = MOST_GUESSES

    def near(self, named: Named) -> str:
        """A hint, and what else to do."""
        found = self._find(named.text) if self._left > 0 else None
        self._left -= 1
        if found:
            return f"did you mean {shown(found)}? Correct the line or take it out"
        return "tracks.jsonl of the built dataset lists all; correct the line or take it out"

    def _find(self, text: str) -> str | None:
        if found := _IDS.fullmatch(text):
            near = difflib.get_close_matches(found[1], self._ids, n=1, cutoff=0.75)
            return near[0] + text[len(found[1]) :] if near else None
        path = unicodedata.normalize("NFC", text)
        name = path.rpartition("/")[2].casefold()
        for uri in self._uris:  # in another folder now
            if uri.rpartition("/")[2].casefold() == name:
                return uri
        return next(iter(difflib.get_close_matches(path, self._uris, n=1)), None)


def _order(chunk: str) -> tuple[int, str]:
    return len(chunk), chunk


def _said(labels: tuple[Label, ...]) -> str:
    return shown("; ".join(str(label.value) for label in labels) or "-")


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
