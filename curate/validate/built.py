"""The other files of a built dataset: build.json, tracks.jsonl, rejected.jsonl, dset.yaml."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from curate import schema
from curate.config import Config
from curate.names import normalise
from curate.records import SPLITS
from curate.validate import labels, text
from curate.validate.clips import worded
from curate.validate.entries import Entry
from curate.validate.layout import Layout
from curate.validate.report import Collector, shown
from curate.validate.splits import Owner

HOURS_TOLERANCE = 1e-3


@dataclass(slots=True)
class TrackRow:
    """What tracks.jsonl says of a track, as far as it is compared with the manifests."""

    line: int
    artist: str
    split: str
    group: str
    chunks: int
    artists: tuple[str, ...]


@dataclass(slots=True)
class Built:
    """The files of a dataset of ours beside its manifests, as far as they could be read.

    Attributes:
        config: The configuration in build.json.
        build: All of build.json.
        tracks: By id.
        tracks_whole: False if a line of tracks.jsonl was lost.
        rejected: Rows of rejected.jsonl by code; None if a line was lost.
    """

    config: Config | None = None
    build: dict[str, Any] | None = None
    tracks: dict[str, TrackRow] = field(default_factory=dict)
    tracks_whole: bool = True
    rejected: Counter[str] | None = None

    @property
    def complete(self) -> bool:
        """Whether the build took all tracks; else clips of earlier builds may lie about."""
        return bool(self.build and self.build["complete"])

    @property
    def owners(self) -> dict[str, Owner]:
        """What the splits need to know of the tracks."""
        return {id: Owner(row.group, row.artists) for id, row in self.tracks.items()}


def read(layout: Layout, collector: Collector, parser: text.Parser) -> Built:
    """Reads the files and notes what is wrong with each by itself."""
    built = Built()
    if layout.ours:
        _read_build(layout.root / "build.json", built, collector, parser)
        _read_tracks(layout.root / "tracks.jsonl", built, collector, parser)
        _read_rejected(layout.root / "rejected.jsonl", built, collector, parser)
    return built


def _faults(parsed: text.Parsed, checker: schema.Checker) -> list[tuple[str, str]]:
    """Faults of a document, those of its text before those of its schema."""
    found = [(fault.code, fault.message) for fault in parsed.faults]
    flagged = {fault.field for fault in parsed.faults}
    if parsed.value is None:
        return found
    for code, message in labels.faults(parsed.value.get("labels")):
        found.append((code, message))
        flagged.add("labels")
    for fault in checker.faults(parsed.value):
        if not fault.path or fault.path[0] not in flagged:
            found.append(("schema", worded(fault)))  # noqa: PERF401
    return found


def _read_build(path: Path, built: Built, collector: Collector, parser: text.Parser) -> None:
    if not text.is_file(path):
        return
    data = text.read_bytes(path)
    whole = parser.parse(data) if isinstance(data, bytes) else text.Parsed(None, (data,))
    found = _faults(whole, schema.Checker("build"))
    for code, message in found:
        collector.add(code, f"build.json: {message}", file=path)
    if whole.value is None or found:
        return
    built.build = whole.value
    try:
        built.config = msgspec.convert(whole.value["config"], Config)
    except msgspec.ValidationError as error:
        collector.add("schema", f"build.json: config: {error}", file=path)


def _lines(
    path: Path, name: str, collector: Collector, parser: text.Parser
) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Lines of a file of ours: number, and object or None; faults are noted."""
    if not text.is_file(path):
        return
    checker = schema.Checker(name)
    for line in text.read_lines(path, parser):
        value = line.parsed.value
        id = value.get("id") if value else None
        id = id if isinstance(id, str) else None
        for code, message in _faults(line.parsed, checker):
            collector.add(code, message, file=path, line=line.number or None, id=id)
        yield line.number, value


def _read_tracks(path: Path, built: Built, collector: Collector, parser: text.Parser) -> None:
    built.tracks_whole = text.is_file(path)
    first_by_sha: dict[str, tuple[str, str, int]] = {}
    for number, value in _lines(path, "track", collector, parser):
        id = value.get("id") if value else None
        if value is None or not isinstance(id, str):
            built.tracks_whole = False
            continue
        if id in built.tracks:
            message = f"track {id} is already in line {built.tracks[id].line}"
            collector.add("track_twice", message, file=path, line=number, id=id)
            continue
        row = _row(number, value)
        if row is None:
            built.tracks_whole = False
            continue
        built.tracks[id] = row
        sha, group = value.get("sha256"), row.group
        if isinstance(sha, str):
            other, other_group, line = first_by_sha.setdefault(sha, (id, group, number))
            if other != id and other_group != group:
                message = f"track {id} has the same file as {other} in line {line}, another group"
                collector.add("recording_twice", message, file=path, line=number, id=id)


def _row(number: int, value: dict[str, Any]) -> TrackRow | None:
    artist, featured = value.get("artist"), value.get("featured", [])
    split, group, chunks = value.get("split"), value.get("group"), value.get("chunks")
    if not (isinstance(artist, str) and isinstance(split, str) and isinstance(group, str)):
        return None
    if not isinstance(chunks, int) or not isinstance(featured, list):
        return None
    names = [artist, *(name for name in featured if isinstance(name, str))]
    return TrackRow(number, artist, split, group, chunks, tuple(map(normalise, names)))


def _read_rejected(path: Path, built: Built, collector: Collector, parser: text.Parser) -> None:
    if not text.is_file(path):
        return
    counts: Counter[str] | None = Counter()
    for _, value in _lines(path, "rejection", collector, parser):
        code = value.get("code") if value else None
        if not isinstance(code, str):
            counts = None
        elif counts is not None:
            counts[code] += 1
    built.rejected = counts


class Tally:
    """Counts tracks, clips and hours of the manifests, to hold them against the other files."""

    def __init__(self, built: Built) -> None:
        self._built = built
        self._chunks: Counter[str] = Counter()
        self._by_split: dict[str, tuple[set[str], int, float]] = {
            s: (set(), 0, 0.0) for s in SPLITS
        }
        self._wrong: set[str] = set()

    def add(self, entry: Entry, collector: Collector) -> None:
        """Takes in one clip."""
        track, split = entry.document.get("track_id"), entry.split
        duration = text.number(entry.document.get("duration")) or 0.0
        if not isinstance(track, str) or split is None:
            return
        self._chunks[track] += 1
        tracks, chunks, hours = self._by_split[split]
        tracks.add(track)
        self._by_split[split] = tracks, chunks + 1, hours + duration / 3600
        row = self._built.tracks.get(track)
        if row is None:
            if self._built.tracks_whole and track not in self._wrong:
                self._wrong.add(track)
                message = f"track {shown(track)[1:-1]} is not in tracks.jsonl"
                entry.add(collector, "track_unknown", message, "track_id")
            return
        artist = entry.document.get("artist")
        if artist != row.artist and "artist" not in entry.flagged:
            message = f"artist is {shown(artist)}, tracks.jsonl says {shown(row.artist)}"
            entry.add(collector, "track_differs", message, "artist")

    def check_tracks(self, path: Path, leaked: set[str], collector: Collector) -> None:
        """Every track has the split and the number of clips that tracks.jsonl says."""
        if collector.incomplete:
            return
        for id, row in self._built.tracks.items():
            sides = [s for s, (tracks, _, _) in self._by_split.items() if id in tracks]
            count = self._chunks[id]
            if id in leaked:
                continue
            if count != row.chunks:
                message = f"track {id} has {count} clips in the manifests, expected {row.chunks}"
                collector.add("track_chunks", message, file=path, line=row.line, id=id)
            elif sides and sides != [row.split]:
                message = f"track {id} is in {sides[0]}, tracks.jsonl says {shown(row.split)[1:-1]}"
                collector.add("track_differs", message, file=path, line=row.line, id=id)

    def check_counts(self, path: Path, collector: Collector) -> None:
        """build.json counts what is there."""
        build = self._built.build
        if build is None or collector.incomplete or collector.errors:
            return
        counts = build["counts"]
        found: dict[str, float] = {
            "tracks": len(set().union(*(tracks for tracks, _, _ in self._by_split.values()))),
            "chunks": sum(chunks for _, chunks, _ in self._by_split.values()),
            "hours": sum(hours for _, _, hours in self._by_split.values()),
        }
        says: dict[str, float] = {name: counts[name] for name in found}
        found["captions"], says["captions"] = (
            found["chunks"],
            sum(build["captions"]["clips"].values()),
        )
        for split, (tracks, chunks, hours) in self._by_split.items():
            row = counts["splits"].get(split, {"tracks": 0, "chunks": 0, "hours": 0})
            for name, value in (("tracks", len(tracks)), ("chunks", chunks), ("hours", hours)):
                found[f"splits.{split}.{name}"] = value
                says[f"splits.{split}.{name}"] = row[name]
        if self._built.rejected is not None:
            for code in sorted({*self._built.rejected, *counts["rejected"]}):
                found[f"rejected.{code}"] = self._built.rejected[code]
                says[f"rejected.{code}"] = counts["rejected"].get(code, 0)
        for name, value in found.items():
            allowed = HOURS_TOLERANCE if name.endswith("hours") else 0
            if abs(says[name] - value) > allowed:
                message = f"counts.{name} is {says[name]:g}, the files hold {value:g}"
                collector.add("counts_differ", message, file=path)
