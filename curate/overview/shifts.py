"""How far the splits of a dataset lie apart, and how much of it would be chance.

The measure is the total variation distance: half the sum of differences between two distributions,
0 where they are the same, 1 where they have nothing in common. It is large by chance alone where
there is little data, so it is held against what random splits of as many tracks would give. Tracks
count, not clips: the clips of a track sound alike and never part.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from curate.overview.distributions import Distribution, Part

Verdict = Literal["large", "chance", "unsure"]

FIELDS = ("genre", "mood", "instrument", "voice", "key", "tempo")
"""Distributions that are compared between splits."""

BASE = "train"
"""What the other splits are held against."""

LEVEL = 0.99
"""So many of random splits lie below the chance level; several fields are looked at at once."""

FEW_TRACKS = 5
"""With fewer tracks on one side nothing can be told."""

LEAST = 0.1
"""A smaller distance is of no use to know, however sure it is."""

DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Shift:
    """The distance of a split from train in one field.

    Attributes:
        field: A key of `Overview.distributions`.
        split: The other split.
        distance: Total variation, 0..1.
        chance: What 99 of 100 random splits with as many tracks stay below.
        tracks: Labelled tracks of the split. Those with many clips weigh more, so this is Kish's
            effective number, at most the real one.
        base_tracks: The same of train.
        verdict: `large`: more than chance; `chance`: not more; `unsure`: too few tracks to tell.
    """

    field: str
    split: str
    distance: float
    chance: float
    tracks: float
    base_tracks: float
    verdict: Verdict


def compare(distributions: Mapping[str, Distribution]) -> tuple[Shift, ...]:
    """Every other split against train, in every field that both have labels of."""
    found = []
    for field in FIELDS:
        parts = distributions[field].splits
        base = parts.get(BASE)
        if base is None or not base.labelled:
            continue
        for split, part in parts.items():
            if split != BASE and part.labelled:
                found.append(_shift(field, split, base, part))
    return tuple(found)


def distance(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Total variation distance of two counts, each of at least one thing: 0..1."""
    first, second = sum(one.values()), sum(other.values())
    values = {*one, *other}
    return sum(abs(one.get(v, 0) / first - other.get(v, 0) / second) for v in values) / 2


def chance(one: Mapping[str, int], other: Mapping[str, int], sizes: tuple[float, float]) -> float:
    """What `LEVEL` of random splits stay below, were both sides drawn from the two together.

    Args:
        one: Counts of one side.
        other: Counts of the other.
        sizes: Independent draws that each side is worth.
    """
    import numpy as np

    values = sorted({*one, *other})
    both = np.array([one.get(v, 0) + other.get(v, 0) for v in values], dtype=float)
    random = np.random.default_rng(0)  # the same dataset, the same figure
    first, second = (
        random.multinomial(size, both / both.sum(), DRAWS) / size
        for size in (max(1, round(n)) for n in sizes)
    )
    return float(np.quantile(np.abs(first - second).sum(axis=1) / 2, LEVEL))


def _shift(field: str, split: str, base: Part, part: Part) -> Shift:
    far = distance(base.counts, part.counts)
    by_chance = chance(base.counts, part.counts, (base.tracks, part.tracks))
    verdict: Verdict = "chance"
    if min(base.tracks, part.tracks) < FEW_TRACKS:
        verdict = "unsure"
    elif far > max(by_chance, LEAST):
        verdict = "large"
    return Shift(
        field,
        split,
        round(far, 4),
        round(by_chance, 4),
        round(part.tracks, 2),
        round(base.tracks, 2),
        verdict,
    )
