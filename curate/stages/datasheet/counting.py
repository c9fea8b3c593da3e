"""What stands in a datasheet, counted in one pass over tracks.jsonl.

What is kept grows with the number of artists, licences and sources, not with that of tracks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from curate import licences
from curate.records import Label, Seconds, TrackLine

Row = tuple[str, ...]

MOST_CLAIMS = 10_000
"""Different wordings of licences that are told apart: a claim may name its track."""


@dataclass(slots=True)
class Sums:
    """Tracks and clips by name, or by several names."""

    tracks: dict[Row, int] = field(default_factory=dict)
    clips: dict[Row, int] = field(default_factory=dict)

    def add(self, clips: int, *names: str) -> None:
        """Adds a track."""
        self.tracks[names] = self.tracks.get(names, 0) + 1
        self.clips[names] = self.clips.get(names, 0) + clips

    def rows(self, clip_s: Seconds) -> list[tuple[object, ...]]:
        """Names, tracks, clips, hours; the most clips first."""
        ranked = sorted(self.clips, key=lambda names: (-self.clips[names], names))
        return [
            (*names, self.tracks[names], self.clips[names], self.clips[names] * clip_s / 3600)
            for names in ranked
        ]


Value = TypeVar("Value", float, str)


@dataclass(slots=True)
class Range(Generic[Value]):
    """The least and the greatest of something."""

    low: Value | None = None
    high: Value | None = None

    def add(self, value: Value | None) -> None:
        """Takes a value into account; None is none."""
        if value is not None:
            self.low = value if self.low is None else min(self.low, value)
            self.high = value if self.high is None else max(self.high, value)


@dataclass(slots=True)
class Counted:
    """What was counted.

    Attributes:
        clip_s: Length of a clip.
        artists: By artist.
        sources: By source.
        read_by: By what read the site and its version; local files are not among them.
        licences: By normalised licence and who claims it.
        claims: By the words of the claim and what they were read as.
        said: Tracks of which somebody says something, by who says it.
        kinds: What kinds of things they say.
        lacking: Tracks that lack something, by what.
        terms: Tracks whose licence asks for something, by what (`nc`, `nd`, `sa`).
        attributed: Tracks whose author has to be named.
        tracks: All of them.
        seconds: Lengths of the tracks.
        years: Of release.
        retrieved: Days on which audio was fetched.
        matches: How sure it is that audio from elsewhere is the track, where that was a question.
        matched: Of how many tracks that was a question.
    """

    clip_s: Seconds
    artists: Sums = field(default_factory=Sums)
    sources: Sums = field(default_factory=Sums)
    read_by: Sums = field(default_factory=Sums)
    licences: Sums = field(default_factory=Sums)
    claims: Sums = field(default_factory=Sums)
    said: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, set[str]] = field(default_factory=dict)
    lacking: dict[str, int] = field(default_factory=dict)
    terms: dict[str, int] = field(default_factory=dict)
    attributed: int = 0
    tracks: int = 0
    seconds: Range[float] = field(default_factory=Range)
    years: Range[float] = field(default_factory=Range)
    retrieved: Range[str] = field(default_factory=Range)
    matches: Range[float] = field(default_factory=Range)
    matched: int = 0

    def add(self, line: TrackLine) -> None:
        """Counts one track."""
        origin = line.origin
        self.tracks += 1
        self.artists.add(line.chunks, line.artist)
        self.sources.add(line.chunks, line.source)
        if origin.extractor:
            self.read_by.add(line.chunks, origin.extractor, origin.version or "")
        self.seconds.add(line.inspection.duration_s)
        self.years.add(None if line.year is None else float(line.year))
        self.retrieved.add(origin.retrieved_at[:10] if origin.retrieved_at else None)
        self.matches.add(origin.match)
        self.matched += origin.match is not None
        self._licence(line)
        for name, value in (
            ("licence", line.licence),
            ("album", line.album),
            ("year of release", line.year),
            ("ISRC", line.isrc),
        ):
            self.lacking[name] = self.lacking.get(name, 0) + (value is None)
        self._labels(line.labels)

    def _licence(self, line: TrackLine) -> None:
        name = licences.normalise(line.licence)
        self.attributed += licences.needs_attribution(name)
        for term in {"nc", "nd", "sa"}.intersection(licences.family(name).split("-")):
            self.terms[term] = self.terms.get(term, 0) + 1
        shown = licences.title(name) if line.licence else "none claimed"
        self.licences.add(line.chunks, shown, line.licence_source or "")
        if line.licence:
            claim = (line.licence[:200], shown)
            if claim not in self.claims.tracks and len(self.claims.tracks) >= MOST_CLAIMS:
                claim = ("in other words", shown)
            self.claims.add(line.chunks, *claim)

    def _labels(self, labels: Iterable[Label]) -> None:
        sources = set()
        for label in labels:
            sources.add(label.source)
            self.kinds.setdefault(label.source, set()).add(label.kind)
        for source in sources:
            self.said[source] = self.said.get(source, 0) + 1


def count(lines: Iterable[TrackLine], clip_s: Seconds) -> Counted:
    """Counts all tracks.

    Args:
        lines: Of tracks.jsonl.
        clip_s: Length of a clip in seconds.
    """
    counted = Counted(clip_s)
    for line in lines:
        counted.add(line)
    return counted
