"""The orders that values are counted in: bins of numbers, the circle of fifths.

Bins are of fixed width between two edges, with an open bin at each end, so that one wild value
neither stretches the histogram nor is lost.
"""

import math
from collections import Counter
from dataclasses import dataclass

from curate.labels.tags import key_name

FIFTHS = ("C", "G", "D", "A", "E", "B", "F#", "C#", "Ab", "Eb", "Bb", "F")
"""Tonics a fifth apart, in the spelling of `curate.labels.tags.key_name`."""

MAJORS = tuple(f"{tonic} major" for tonic in FIFTHS)
"""Major keys around the circle of fifths."""

MINORS = tuple(f"{tonic} minor" for tonic in (*FIFTHS[3:], *FIFTHS[:3]))
"""Each the relative of the key at its place in `MAJORS`: same notes, three steps on."""

KEYS = tuple(key for pair in zip(MAJORS, MINORS, strict=True) for key in pair)
"""All 24, neighbours sounding alike: C major, A minor, G major, E minor ..."""

MAX_YEARS = 16
"""Where years span more than this they are counted by decade."""


@dataclass(frozen=True, slots=True)
class Bins:
    """A scale of numbers, cut into bins.

    Attributes:
        low: Lower edge of the first closed bin; below it is one open bin.
        high: From here on is one open bin.
        step: Width of a bin.
        whole: Bins are written `90-99`, as of whole numbers, else `-16 to -14`.
    """

    low: int
    high: int
    step: int
    whole: bool = True

    def label(self, value: float) -> str:
        """The bin that a finite number falls into."""
        if value < self.low:
            return f"<{self.low}"
        if value >= self.high:
            return f"{self.high}+"
        return self._name(self.low + int((value - self.low) // self.step) * self.step)

    def order(self, counts: Counter[str]) -> tuple[str, ...]:
        """The bins from the first to the last that holds something."""
        starts = range(self.low, self.high, self.step)
        labels = (f"<{self.low}", *map(self._name, starts), f"{self.high}+")
        used = [place for place, label in enumerate(labels) if counts[label]]
        return labels[used[0] : used[-1] + 1] if used else ()

    def _name(self, start: int) -> str:
        end = start + self.step
        return f"{start}-{end - 1}" if self.whole else f"{start} to {end}"


TEMPO = Bins(40, 240, 10)
"""BPM."""

LOUDNESS = Bins(-40, 0, 2, whole=False)
"""LUFS."""

WORDS = Bins(0, 100, 5)
"""Words of a caption."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Where numbers lie: smallest, quartiles, largest."""

    least: float
    lower: float
    median: float
    upper: float
    most: float


def spread(values: Counter[float]) -> Spread | None:
    """The spread of numbers that were counted; None where there are none.

    A quartile is the smallest number that at least so large a share does not exceed.
    """
    total, seen = values.total(), 0
    if not total:
        return None
    ordered = sorted(values)
    shares, found = [0.25, 0.5, 0.75], []
    for value in ordered:
        seen += values[value]
        while shares and seen >= shares[0] * total:
            found.append(value)
            shares.pop(0)
    lower, median, upper = found
    return Spread(ordered[0], lower, median, upper, ordered[-1])


def ascending(counts: Counter[str]) -> tuple[str, ...]:
    """Values by name."""
    return tuple(sorted(counts))


def key(text: str | None) -> str:
    """A key as one of `KEYS`; one of another mode as it is written; "" for none."""
    return (key_name(text) or text or "").strip()


def key_order(counts: Counter[str]) -> tuple[str, ...]:
    """The keys that occur, around the circle of fifths; other modes at the end, by name."""
    return tuple(k for k in KEYS if counts[k]) + tuple(sorted(set(counts) - set(KEYS)))


def periods(years: set[int]) -> dict[int, str]:
    """What a year is counted as: itself, or its decade where they span many."""
    wide = bool(years) and max(years) - min(years) > MAX_YEARS
    return {y: f"{y // 10 * 10}s" if wide else str(y) for y in sorted(years)}


def finite(value: object) -> float | None:
    """The value if it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
