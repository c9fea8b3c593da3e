"""Counting what a dataset says of its clips, one clip at a time; no file is opened here.

Memory grows with the number of different values, artists and tracks, not with that of clips. What
is counted is what audiocraft reads: a genre that is a list is none to it, a mood that is a string
is cut at its spaces (see `curate.validate.upstream`).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from curate.overview import scales
from curate.overview.scales import Spread
from curate.records import SPLITS, Bpm, Lufs, Seconds
from curate.validate import upstream

TEXT = ("description", *upstream.MERGED)
"""What MusicGen can be told of a clip: the description, and what is merged into it."""

MOST = 1e6
"""Numbers beyond are as good as this one, so that they do not pile up."""

Order = Callable[[Counter[str]], tuple[str, ...]]
"""Gives the values that were counted, in the order they are shown."""


@dataclass(frozen=True, slots=True)
class Clip:
    """What a manifest or a sidecar says of a clip, as audiocraft reads it.

    Attributes:
        split: The side it is on: `train`, `valid`, `test`, or the name of its manifest's folder.
        artist: "" where none is named.
        track: The track it was cut from; None where that is not known.
        duration_s: Its length.
        words: Words by distribution: genre, mood, instrument, keyword (what is none of these),
            voice (who sings, or that nobody does).
        key: As `scales.key` writes it; "" where unknown.
        bpm: None where unknown.
        description: "" where there is none.
        filled: Those of `TEXT` that hold something.
    """

    split: str
    artist: str
    track: str | None
    duration_s: Seconds
    words: dict[str, tuple[str, ...]]
    key: str
    bpm: Bpm | None
    description: str
    filled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """What only the sidecar of a clip says.

    Attributes:
        loudness_lufs: Of the clip.
        caption_source: Who wrote the description; "" where that is not said.
        sources: Every source that says something of the clip or its track, once.
    """

    loudness_lufs: Lufs | None = None
    caption_source: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """Counts of one field over some clips.

    Attributes:
        clips: Clips that were looked at.
        labelled: Those with a value.
        counts: Clips by value; a clip with several values counts under each.
        tracks: Tracks of the labelled clips, less where some have many more clips than others
            (Kish's effective sample size); clips whose track is not known count as one each.
    """

    clips: int
    labelled: int
    counts: dict[str, int]
    tracks: float

    @property
    def several(self) -> bool:
        """Whether clips have several values."""
        return sum(self.counts.values()) > self.labelled

    def share(self, value: str) -> float:
        """Share of the labelled clips that have this value, 0..1."""
        return self.counts.get(value, 0) / self.labelled if self.labelled else 0.0


NO_PART = Part(0, 0, {}, 0.0)
"""Of no clips."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How often each value of a field occurs.

    Attributes:
        whole: In all clips; values by frequency, or in their own order where they have one.
        splits: In each split.
        artists: In the clips of each artist, most clips first; empty where it says nothing.
        spread: Of the numbers, where it is a field of numbers.
    """

    whole: Part
    splits: dict[str, Part]
    artists: dict[str, Part]
    spread: Spread | None = None


@dataclass(slots=True)
class _Cell:
    clips: int = 0
    labelled: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    tracks: Counter[str] = field(default_factory=Counter)
    alone: int = 0

    def add(self, values: list[str], track: str | None, times: int) -> None:
        self.clips += times
        for value in values:
            self.counts[value] += times
        if values:
            self.labelled += times
            if track is None:
                self.alone += times
            else:
                self.tracks[track] += times

    def include(self, other: "_Cell") -> None:
        self.clips += other.clips
        self.labelled += other.labelled
        self.counts.update(other.counts)
        self.tracks.update(other.tracks)
        self.alone += other.alone

    def part(self, order: tuple[str, ...], names: dict[str, str]) -> Part:
        counts = {names[value]: self.counts[value] for value in order if value in self.counts}
        squares = sum(n * n for n in self.tracks.values()) + self.alone
        total = self.tracks.total() + self.alone
        return Part(self.clips, self.labelled, counts, total * total / squares if squares else 0.0)


class Tally:
    """Counts the values of one field. `Jazz` and `jazz` are one, written as most do."""

    def __init__(self, *, artists: bool = True) -> None:
        self._splits: defaultdict[str, _Cell] = defaultdict(_Cell)
        self._artists: defaultdict[str, _Cell] | None = defaultdict(_Cell) if artists else None
        self._spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._numbers: Counter[float] = Counter()

    def add(
        self, values: Iterable[str], split: str, artist: str, track: str | None, times: int = 1
    ) -> None:
        """Counts the values of one clip, or of so many that are alike."""
        known = []
        for value in values:
            folded = value.casefold()
            self._spellings[folded][value] += times
            known.append(folded)
        self._splits[split].add(known, track, times)
        if self._artists is not None:
            self._artists[artist].add(known, track, times)

    def number(
        self,
        value: float | None,
        bins: scales.Bins,
        split: str,
        artist: str,
        track: str | None,
    ) -> None:
        """Counts a number, None where the clip has none."""
        if value is not None:
            self._numbers[round(max(-MOST, min(value, MOST)), 1)] += 1
        self.add(() if value is None else (bins.label(value),), split, artist, track)

    def finish(self, order: Order | None = None, zeros: bool = False) -> Distribution:
        """The counts so far.

        Args:
            order: Gives the values in their order; by frequency, then name, without it.
            zeros: Values of the order that do not occur are kept, as a histogram needs them.
        """
        whole = _Cell()
        for cell in self._splits.values():
            whole.include(cell)
        names = {
            folded: max(spelled, key=lambda word, n=spelled: (n[word], word))  # type: ignore[misc]
            for folded, spelled in self._spellings.items()
        }
        counts = Counter({names[folded]: n for folded, n in whole.counts.items()})
        listed = order(counts) if order else tuple(sorted(counts, key=lambda v: (-counts[v], v)))
        if zeros:
            whole.counts.update(dict.fromkeys((name.casefold() for name in listed), 0))
        names |= {name.casefold(): name for name in listed}
        ordered = tuple(name.casefold() for name in listed)
        return Distribution(
            whole.part(ordered, names),
            {split: self._splits[split].part(ordered, names) for split in in_order(self._splits)},
            {
                artist: cell.part(ordered, names)
                for artist, cell in sorted((self._artists or {}).items(), key=_most_clips)
            },
            scales.spread(self._numbers),
        )


def in_order(splits: Iterable[str]) -> list[str]:
    """train, valid, test, then what else there is by name."""
    known: dict[str, int] = {split: place for place, split in enumerate(SPLITS)}
    return sorted(set(splits), key=lambda split: (known.get(split, len(known)), split))


def _most_clips(item: tuple[str, _Cell]) -> tuple[int, str]:
    return -item[1].clips, item[0]
