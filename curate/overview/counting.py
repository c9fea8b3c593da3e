"""Everything that is counted of a dataset, and what comes of it: the overview."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from curate import jsonio
from curate.overview import scales, shifts
from curate.overview.distributions import (
    TEXT,
    Beside,
    Clip,
    Distribution,
    Order,
    Tally,
    in_order,
)
from curate.overview.shifts import Shift
from curate.records import Seconds

DISTRIBUTIONS = (
    "genre",
    "mood",
    "instrument",
    "keyword",
    "voice",
    "key",
    "tempo",
    "year",
    "loudness",
    "caption_words",
    "caption_source",
)
"""What is counted, in the order it is shown. Tempo, loudness and caption_words are histograms."""

_WORDS = DISTRIBUTIONS[:5]
_ORDERS: dict[str, tuple[Order, bool]] = {
    "key": (scales.key_order, False),
    "tempo": (scales.TEMPO.order, True),
    "year": (scales.ascending, False),
    "loudness": (scales.LOUDNESS.order, True),
    "caption_words": (scales.WORDS.order, True),
}
"""What has an order of its own, and whether its gaps are shown."""

_BY_ARTIST = DISTRIBUTIONS[:7]
"""The others say nothing of an artist that one would want to know."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of something."""

    clips: int
    hours: float


@dataclass(frozen=True, slots=True)
class Artist:
    """How much there is of an artist, and in which split."""

    clips: int
    hours: float
    splits: dict[str, Size]


@dataclass(frozen=True, slots=True)
class Side:
    """How much a split holds.

    Attributes:
        clips: Clips.
        hours: Of audio.
        tracks: Tracks, as far as the clips name them.
        artists: Artists, likewise.
        filled: Clips in which each of `TEXT` holds something.
    """

    clips: int
    hours: float
    tracks: int
    artists: int
    filled: dict[str, int]


@dataclass(frozen=True, slots=True)
class Source:
    """What one source of labels says.

    Attributes:
        labels: Labels of whole tracks.
        tracks: Tracks it says something of.
        kinds: Labels of whole tracks by kind.
        clips: Clips whose sidecar has a word of it, of the sidecars that were read.
    """

    labels: int
    tracks: int
    kinds: dict[str, int]
    clips: int


@dataclass(frozen=True, slots=True)
class TrackSays:
    """What `tracks.jsonl` says of a track.

    Attributes:
        id: Of the track.
        split: The side its clips are on.
        clips: How many of them there are.
        year: Of release.
        labels: Source and kind of every label of the whole track.
    """

    id: str
    split: str
    clips: int
    year: int | None
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sidecars:
    """How far the sidecars were read.

    Attributes:
        clips: Clips of the dataset.
        read: Sidecars that were read. Fewer than clips where only a sample was taken.
        missing: Clips of the sample that have none.
        unreadable: Sidecars of the sample that hold no JSON object.
        sampled: Only a sample was taken.
    """

    clips: int
    read: int
    missing: int
    unreadable: int
    sampled: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """What a dataset's clips are like.

    Attributes:
        folder: Of the dataset, absolute.
        name: From its build.json, else the folder's.
        clips: Clips in all manifests.
        hours: Of audio.
        tracks: Tracks they were cut from, as far as the clips name them.
        splits: What each side holds: train, valid, test, then others.
        artists: What there is of each, most clips first; "" are clips that name none.
        distributions: By a name of `DISTRIBUTIONS`; every name is there.
        sources: Sources of labels, most labels first; none where there is no tracks.jsonl.
        shifts: How far the other splits lie from train.
        sidecars: How far loudness, caption_source and the sources' clips can be trusted.
        broken: Lines that could not be read; they count nowhere.
        faults: Where the first of them are, and what is wrong with them.
    """

    folder: str
    name: str
    clips: int
    hours: float
    tracks: int
    splits: dict[str, Side]
    artists: dict[str, Artist]
    distributions: dict[str, Distribution]
    sources: dict[str, Source]
    shifts: tuple[Shift, ...]
    sidecars: Sidecars
    broken: int
    faults: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For machines: every number there is, nothing cut off."""
        made: dict[str, Any] = jsonio.builtins(self)
        return made


@dataclass(slots=True)
class _Side:
    clips: int = 0
    seconds: float = 0.0
    tracks: set[str] = field(default_factory=set)
    artists: set[str] = field(default_factory=set)
    filled: Counter[str] = field(default_factory=Counter)

    def finish(self) -> Side:
        filled = {name: self.filled[name] for name in TEXT}
        hours = _hours(self.seconds)
        return Side(self.clips, hours, len(self.tracks), len(self.artists), filled)


@dataclass(slots=True)
class _Source:
    kinds: Counter[str] = field(default_factory=Counter)
    tracks: int = 0
    clips: int = 0

    def finish(self) -> Source:
        return Source(self.kinds.total(), self.tracks, dict(self.kinds.most_common()), self.clips)


class Counting:
    """Takes clips, what lies beside them, and tracks; gives the overview."""

    def __init__(self) -> None:
        self._sides: defaultdict[str, _Side] = defaultdict(_Side)
        self._artists: defaultdict[str, dict[str, list[float]]] = defaultdict(dict)
        self._tallies = {name: Tally(artists=name in _BY_ARTIST) for name in DISTRIBUTIONS}
        self._sources: defaultdict[str, _Source] = defaultdict(_Source)
        self._years: list[tuple[TrackSays, int]] = []

    def clip(self, clip: Clip) -> None:
        """Counts what the manifest says of a clip."""
        side = self._sides[clip.split]
        side.clips += 1
        side.seconds += clip.duration_s
        side.artists.add(clip.artist)
        side.filled.update(clip.filled)
        if clip.track is not None:
            side.tracks.add(clip.track)
        size = self._artists[clip.artist].setdefault(clip.split, [0, 0.0])
        size[0] += 1
        size[1] += clip.duration_s
        where = clip.split, clip.artist, clip.track
        for name in _WORDS:
            self._tallies[name].add(clip.words.get(name, ()), *where)
        self._tallies["key"].add((clip.key,) if clip.key else (), *where)
        self._tallies["tempo"].number(clip.bpm, scales.TEMPO, *where)
        words = len(clip.description.split()) or None
        self._tallies["caption_words"].number(words, scales.WORDS, *where)

    def beside(self, clip: Clip, beside: Beside) -> None:
        """Counts what only the sidecar of a clip says."""
        where = clip.split, clip.artist, clip.track
        self._tallies["loudness"].number(beside.loudness_lufs, scales.LOUDNESS, *where)
        source = (beside.caption_source,) if beside.caption_source else ()
        self._tallies["caption_source"].add(source, *where)
        for name in beside.sources:
            self._sources[name].clips += 1

    def track(self, track: TrackSays) -> None:
        """Counts a track and its labels."""
        for name, kind in track.labels:
            self._sources[name].kinds[kind] += 1
        for name in {source for source, _ in track.labels}:
            self._sources[name].tracks += 1
        self._years.append((track, track.year or 0))

    def finish(
        self, folder: str, name: str, sidecars: Sidecars, broken: int, faults: tuple[str, ...]
    ) -> Overview:
        """The overview; called once, at the end. For the arguments see `Overview`."""
        distributions = self._distributions()
        splits = {split: self._sides[split].finish() for split in in_order(self._sides)}
        sources = {name: source.finish() for name, source in self._sources.items()}
        ranked = sorted(sources.items(), key=lambda item: (-item[1].labels, item[0]))
        artists = {name: _artist(sizes) for name, sizes in self._artists.items()}
        return Overview(
            folder=folder,
            name=name,
            clips=sum(side.clips for side in splits.values()),
            hours=_hours(sum(side.seconds for side in self._sides.values())),
            tracks=len(set().union(*(side.tracks for side in self._sides.values()))),
            splits=splits,
            artists=dict(sorted(artists.items(), key=lambda item: (-item[1].clips, item[0]))),
            distributions=distributions,
            sources=dict(ranked),
            shifts=shifts.compare(distributions),
            sidecars=sidecars,
            broken=broken,
            faults=faults,
        )

    def _distributions(self) -> dict[str, Distribution]:
        tallies = self._tallies
        periods = scales.periods({year for _, year in self._years if year})
        for track, year in self._years:
            period = (periods[year],) if year else ()
            tallies["year"].add(period, track.split, "", track.id, track.clips)
        return {
            name: tally.finish(*_ORDERS.get(name, (None, False))) for name, tally in tallies.items()
        }


def together(artists: Iterable[Artist]) -> Artist:
    """Several artists as one."""
    clips, hours, splits = 0, 0.0, dict[str, Size]()
    for artist in artists:
        clips, hours = clips + artist.clips, hours + artist.hours
        for split, size in artist.splits.items():
            before = splits.get(split, Size(0, 0.0))
            splits[split] = Size(before.clips + size.clips, before.hours + size.hours)
    return Artist(clips, hours, splits)


def _artist(sizes: dict[str, list[float]]) -> Artist:
    splits = {
        split: Size(int(sizes[split][0]), _hours(sizes[split][1])) for split in in_order(sizes)
    }
    seconds = sum(size[1] for size in sizes.values())
    return Artist(sum(size.clips for size in splits.values()), _hours(seconds), splits)


def _hours(seconds: Seconds) -> float:
    return round(seconds / 3600, 6)
