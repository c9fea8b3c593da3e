"""Reading a dataset's files into what is counted.

Manifests and tracks.jsonl are read whole, line by line. Where a manifest holds the text itself, as
ours do, sidecars add only loudness, the caption's source and the labels' sources; opening that many
small files is slow, so of a large dataset only a sample is. Manifests of others hold paths and
lengths; then every sidecar is read.

Whether there are vocals is what the clip's keywords say, in the vocabulary's word: labels are what
each source says, whether or not it is believed.
"""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from curate.errors import ConfigError, CurateError
from curate.labels import vocabulary
from curate.overview import scales
from curate.overview.counting import Counting, Overview, Sidecars, TrackSays
from curate.overview.distributions import TEXT, Beside, Clip
from curate.progress import Progress, Silent
from curate.records import Seconds
from curate.validate import text, upstream
from curate.validate.entries import Entry, Paths
from curate.validate.layout import Layout, Manifest, find
from curate.validate.report import Collector, printable

SAMPLE = 10_000
"""Sidecars that are read where the manifests hold the text: shares are then right to 1 in 100."""

MAX_FAULTS = 10
"""Broken lines that are named; all are counted."""

SLOW = 5_000
"""So many sidecars take a second or so: worth a progress bar."""

LONGEST_S: Seconds = 1e7
"""A clip of four months is a broken line; so is a track of as many clips."""

_GOLDEN = 0.6180339887498949
"""Multiples of it, modulo 1, spread evenly and never fall into step with the clips of a track."""


class _Odd(Exception):
    """A line says what cannot be; the message says what."""


class NoDataset(CurateError):
    """There is nothing to look at; the message says what was expected."""


def read(
    folder: Path, *, sample: int | None = SAMPLE, progress: Progress | None = None
) -> Overview:
    """Counts what is in a dataset: ours, or any folder of audiocraft manifests.

    Args:
        folder: Of the dataset.
        sample: How many sidecars are read where the manifests hold the text; None reads all.
        progress: Told of sidecars, where there are many.

    Raises:
        NoDataset: There is no such folder, or no manifest in it.
    """
    layout = _layout(folder)
    reader = _Reader(layout, _voices(layout.root))
    total = sum(_lines(manifest.path) for manifest in layout.manifests)
    reader.share = 1.0 if sample is None else min(1.0, sample / max(total, 1))
    slow = total if reader.bare() else total * reader.share
    with contextlib.ExitStack() as stack:
        tell = None
        if progress is not None and slow >= SLOW:
            tell = stack.enter_context(progress.stage("sidecars", total))
        tell = tell or stack.enter_context(Silent().stage("sidecars", total))
        for _ in reader.manifests():
            tell.advance()
    reader.tracks()
    return reader.overview()


def _layout(folder: Path) -> Layout:
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "no such folder"
        raise NoDataset(f"{folder}: {what}; give the folder of a dataset")
    layout = find(folder)
    if layout.manifests:
        return layout
    if layout.ours or (folder / "catalog.sqlite").is_file():
        raise NoDataset(f"{folder}: no manifests yet; `curate build` goes on from here")
    raise NoDataset(
        f"{folder}: no dataset, there is no data.jsonl in it or below; give the folder that "
        "`curate build` wrote, or one of audiocraft manifests"
    )


class _Quick(text.Parser):
    """Most lines are good and read fast; of the others the slow parser says what is wrong."""

    def parse(self, data: bytes) -> text.Parsed:
        try:
            value = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return super().parse(data)
        return text.Parsed(value) if isinstance(value, dict) else super().parse(data)


@dataclass(slots=True)
class _Reader:
    layout: Layout
    voices: frozenset[str]
    share: float = 1.0
    counting: Counting = field(default_factory=Counting)
    parser: _Quick = field(default_factory=_Quick)
    clips: int = 0
    read: int = 0
    missing: int = 0
    unreadable: int = 0
    broken: int = 0
    faults: list[str] = field(default_factory=list)

    def bare(self) -> bool:
        """Whether the first line of the manifests leaves the text to its sidecar."""
        for manifest in self.layout.manifests:
            for line in text.read_lines(manifest.path, self.parser):
                return line.parsed.value is not None and not _has_text(line.parsed.value)
        return False

    def manifests(self) -> Iterator[None]:
        """Counts every clip; gives something after each."""
        paths = Paths(self.layout, Collector(self.layout.root, ours=self.layout.ours))
        for manifest in self.layout.manifests:
            for number, document in self._documents(manifest.path):
                if not isinstance(document.get("path"), str):
                    self._broken(manifest.path, number, "'path' is missing or no text")
                    continue
                try:
                    self._clip(manifest, number, document, paths)
                except _Odd as odd:
                    self._broken(manifest.path, number, str(odd))
                    continue
                yield

    def tracks(self) -> None:
        """Counts what tracks.jsonl says, if there is one."""
        path = self.layout.root / "tracks.jsonl"
        if text.is_file(path):
            for number, document in self._documents(path):
                try:
                    self.counting.track(_track(document))
                except _Odd as odd:
                    self._broken(path, number, str(odd))

    def overview(self) -> Overview:
        """What all of it comes to."""
        root = self.layout.root
        tried = self.read + self.missing + self.unreadable
        sampled = tried < self.clips
        sidecars = Sidecars(self.clips, self.read, self.missing, self.unreadable, sampled)
        name = _name(root) or root.name
        return self.counting.finish(str(root), name, sidecars, self.broken, tuple(self.faults))

    def _clip(
        self, manifest: Manifest, number: int, document: dict[str, Any], paths: Paths
    ) -> None:
        split = manifest.split or manifest.path.parent.name
        seconds = _number(document, "duration", LONGEST_S)
        known = _has_text(document)
        sidecar = None
        if not known or (self.clips * _GOLDEN) % 1.0 < self.share:
            entry = Entry(manifest, number, document)
            entry.audio = paths.locate(entry)
            sidecar = self._sidecar(entry)
        self.clips += 1
        said = document if known or sidecar is None else {**document, **sidecar}
        clip = _clip(said, split, seconds, self.voices)
        self.counting.clip(clip)
        if sidecar is not None:
            self.counting.beside(clip, _beside(sidecar))

    def _sidecar(self, entry: Entry) -> dict[str, Any] | None:
        path = entry.sidecar_path
        try:
            found = text.read_bytes(path) if path is not None else None
        except FileNotFoundError:
            found = None
        if found is None:
            self.missing += 1
            return None
        value = None if isinstance(found, text.Fault) else self.parser.parse(found).value
        if value is None:
            self.unreadable += 1
        else:
            self.read += 1
        return value

    def _documents(self, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        for line in text.read_lines(path, self.parser):
            if line.parsed.value is None:
                what = line.parsed.faults[0].message if line.parsed.faults else "no object"
                self._broken(path, line.number, what)
            else:
                yield line.number, line.parsed.value

    def _broken(self, path: Path, number: int, what: str) -> None:
        self.broken += 1
        if len(self.faults) < MAX_FAULTS:
            place = path.relative_to(self.layout.root).as_posix()
            where = f"{place}:{number}" if number else place
            self.faults.append(printable(f"{where}: {what}"))


def _has_text(document: dict[str, Any]) -> bool:
    return any(name in document for name in TEXT)


def _clip(
    document: dict[str, Any], split: str, duration_s: Seconds, voices: frozenset[str]
) -> Clip:
    words = {
        "genre": _joined(document.get("genre")),
        "mood": _listed(document.get("moods")),
        "instrument": _joined(document.get("instrument")),
    }
    said = {word.casefold() for found in words.values() for word in found}
    keywords = _listed(document.get("keywords"))
    others = tuple(word for word in keywords if word.casefold() not in said)
    sung = [word for word in (*others, *keywords) if word.casefold() in voices][:1]
    words["voice"] = tuple(sung)  # a word of its own before one that is an instrument as well
    words["keyword"] = tuple(word for word in others if word not in sung)
    key = upstream.get_musical_key(document.get("key"))
    bpm = _bpm(document.get("bpm"))
    description = upstream.get_string(document.get("description")) or ""
    filled = {
        "description": description,
        "key": key,
        "bpm": bpm is not None,
        "genre": words["genre"],
        "moods": words["mood"],
        "instrument": words["instrument"],
        "keywords": keywords,
    }
    return Clip(
        split=split,
        artist=upstream.get_string(document.get("artist")) or "",
        track=_track_id(document),
        duration_s=duration_s,
        words=words,
        key=scales.key(key),
        bpm=bpm,
        description=description,
        filled=tuple(name for name in TEXT if filled[name]),
    )


def _joined(value: Any) -> tuple[str, ...]:
    """Words of a field that audiocraft reads as one string; their case is kept."""
    whole = upstream.get_string(value)
    return _once(whole.split(",")) if whole else ()


def _listed(value: Any) -> tuple[str, ...]:
    """Words of a field that audiocraft reads as a list; their case is kept where it is one."""
    if isinstance(value, list):
        return _once(word for each in value if (word := upstream.get_string(each)))
    return _once(upstream.get_keyword_list(value) or ()) if isinstance(value, str) else ()


def _once(words: Iterable[str]) -> tuple[str, ...]:
    kept = {word.casefold(): word for word in map(str.strip, words) if word}
    return tuple(kept.values())


def _bpm(value: Any) -> float | None:
    try:
        return scales.finite(upstream.get_bpm(value))
    except (TypeError, OverflowError):
        return None


def _number(document: dict[str, Any], name: str, most: float) -> float:
    """A number, 0 where there is none."""
    value = text.number(document.get(name))
    if value is not None and not 0.0 <= value <= most:
        raise _Odd(f"'{name}' is {value:g}, expected 0 to {most:g}")
    return value or 0.0


def _track_id(document: dict[str, Any]) -> str | None:
    """The clip's track; by artist and title where others did not number theirs."""
    found, title = document.get("track_id"), upstream.get_string(document.get("title"))
    if isinstance(found, str) and found:
        return found
    return f"{document.get('artist')}\n{title}" if title else None


def _labels(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = document.get("labels")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _beside(sidecar: dict[str, Any]) -> Beside:
    loudness = None
    sources: dict[str, None] = {}
    for label in _labels(sidecar):
        source = label.get("source")
        if isinstance(source, str):
            sources[source] = None
        if label.get("kind") == "loudness" and loudness is None:
            loudness = scales.finite(label.get("value"))
    written_by = upstream.get_string(sidecar.get("description_source")) or ""
    return Beside(loudness, written_by, tuple(sources))


def _track(document: dict[str, Any]) -> TrackSays:
    labels = [(str(label.get("source")), str(label.get("kind"))) for label in _labels(document)]
    year, clips = _number(document, "year", 9999), _number(document, "chunks", LONGEST_S)
    for label in _labels(document):
        if label.get("kind") == "year" and label.get("source") == "manual":
            year = _number(label, "value", 9999)
    return TrackSays(
        id=str(document.get("id")),
        split=str(document.get("split")),
        clips=int(clips),
        year=int(year) or None,
        labels=tuple(labels),
    )


def _lines(path: Path) -> int:
    """About how many lines there are; what cannot be read is told later."""
    count = 0
    with contextlib.suppress(*text.READ_ERRORS), text.open_lines(path) as file:
        while block := file.read(1 << 20):
            count += block.count(b"\n")
    return count


def _name(root: Path) -> str:
    return upstream.get_string(_build(root).get("name")) or ""


def _build(root: Path) -> dict[str, Any]:
    """What build.json says, nothing where there is none."""
    try:
        found = text.read_bytes(root / "build.json")
    except FileNotFoundError:
        return {}
    return {} if isinstance(found, text.Fault) else text.Parser().parse(found).value or {}


def _voices(root: Path) -> frozenset[str]:
    """Words for vocals and for none; in the user's own words where these lie as usual.

    build.json names the file of words relative to artists.yaml, which lies beside the dataset
    unless `--out` said otherwise.
    """
    words = vocabulary.load()
    named: Any = _build(root)
    for key in ("config", "labels", "vocabulary"):
        named = named.get(key) if isinstance(named, dict) else None
    if isinstance(named, str):
        with contextlib.suppress(ConfigError):
            words = vocabulary.load(root.parent / named)
    return frozenset(word.casefold() for word in words.classes["voice"].values() if word)
