"""Diversity, and memorisation: does the model make different clips, and are they its own?

Conventions: embeddings are rows [patches, width] by clip (`embeddings`); a clip's vector is the
mean of its rows, less the mean of the training clips' (without that all music is alike), of length
1. Distances are 1 - cosine, 0..2. Chromaprints are uint32 items, `dedupe.ITEMS_PER_SECOND` of them.
`n` counts generated clips.

- `diversity`: mean distance of pairs of clips. 0: all the same. Judge it by that of real clips.
- `nearest`: mean distance to the nearest training clip; small values tell of copying.
- `near_share`: share of clips nearer to a training clip than `NEAR` of the held-out real clips are:
  about 5% for a model that is as far from its training data as real music is.
- `copied_share`: share of clips of which `STRETCH_S` match a training clip by Chromaprint, as
  `curate`'s dedupe finds copies: the very recording, not the same notes played again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from curate.labels import signal
from curate.labels.essentia import algorithms
from curate.records import Seconds, Share
from curate.stages import dedupe

from ..features.sounds import Kept, Sound, mono, through, validate
from .statistics import Estimate, Figure, Values, bootstrap, figure, paired

NEAR: Share = 0.05
"""So many of the held-out clips may be as near to a training clip as what is called near."""

STRETCH_S: Seconds = 5.0
"""How long a match by Chromaprint must last."""

MAX_BIT_ERROR: Share = 0.1
"""Most differing bits of such a stretch. Copies through noise, filters and clipping have up to
0.05; the same notes played by the same synthesiser at another tempo reach 0.135 in their likest
5 s, so `dedupe`'s 0.16, made for whole recordings, is too much."""

CANDIDATES = 5
"""Training clips, and offsets, that are looked at closely."""

TOO_COMMON = 200
"""An item value that stands in more places tells nothing (silence, a drone)."""

VERSION = 1

Rows = npt.NDArray[np.float32]
ByClip = Mapping[str, Rows]
Items = dedupe.Items


@dataclass(frozen=True, slots=True)
class Space:
    """Where clips lie to the training clips.

    Attributes:
        centre: Mean of the training clips' rows' means, [width].
        training: Their vectors, [n, width].
        keys: Their keys.
    """

    centre: Values
    training: Values
    keys: tuple[str, ...]

    @classmethod
    def of(cls, training: ByClip) -> "Space":
        """The space of these training clips; needs two."""
        if len(training) < 2:
            raise ValueError(f"{len(training)} training clips; expected two at least")
        means = np.stack([rows.mean(0, dtype=np.float64) for rows in training.values()])
        centre = means.mean(0)
        return cls(centre, _unit(means - centre), tuple(training))

    def vectors(self, clips: ByClip) -> Values:
        """Vectors of clips, [n, width]."""
        means = np.stack([rows.mean(0, dtype=np.float64) for rows in clips.values()])
        if means.shape[1] != len(self.centre):
            raise ValueError(f"embeddings of width {means.shape[1]}, not {len(self.centre)}")
        return _unit(means - self.centre)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The nearest training clip of a clip.

    Attributes:
        key: Of the training clip.
        distance: 0..2.
    """

    key: str
    distance: float


def _unit(vectors: Values) -> Values:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float64)


def neighbours(clips: ByClip, space: Space) -> dict[str, Neighbour]:
    """The nearest training clip of each clip; one of the same key, itself, is passed over."""
    vectors, found = space.vectors(clips), {}
    places = {key: place for place, key in enumerate(space.keys)}
    for key, vector in zip(clips, vectors, strict=True):
        cosines = space.training @ vector
        if key in places:
            cosines[places[key]] = -np.inf
        best = int(cosines.argmax())
        found[key] = Neighbour(space.keys[best], max(0.0, 1.0 - float(cosines[best])))
    return found


def threshold(held_out: ByClip, space: Space) -> float:
    """The distance below which a clip is near: `NEAR` of these real clips are."""
    distances = [one.distance for one in neighbours(held_out, space).values()]
    return float(np.quantile(distances, NEAR))


def diversity(vectors: Values, baseline: Values | None = None) -> Figure:
    """Mean distance of pairs of clips, [n, width] of length 1, n at least 2.

    Args:
        vectors: Of the model's clips.
        baseline: Of the baseline's clips, of the same prompts in the same order.
    """
    own = _Pairs(vectors)
    estimate = _of_pairs(own, len(vectors))
    if baseline is None:
        return Figure(estimate)
    other = _Pairs(baseline)
    return Figure(estimate, _of_pairs(lambda drawn: own(drawn) - other(drawn), len(vectors)))


def _of_pairs(statistic: Callable[[Values], Values], n: int) -> Estimate:
    if n == 2:  # a single pair: nothing tells how sure it is
        return Estimate(float(statistic(np.ones((1, 2)))[0]), None, None, 2)
    return bootstrap(statistic, n)


class _Pairs:
    """Mean distance of pairs of different clips, of resampled clips."""

    def __init__(self, vectors: Values) -> None:
        if len(vectors) < 2:
            raise ValueError(f"{len(vectors)} clips; diversity is of pairs, expected two at least")
        self._distances = np.clip(1.0 - vectors @ vectors.T, 0.0, None)
        np.fill_diagonal(self._distances, 0.0)

    def __call__(self, drawn: Values) -> Values:
        total = np.einsum("bi,bi->b", drawn @ self._distances, drawn)
        pairs = drawn.sum(1) ** 2 - (drawn**2).sum(1)  # a clip drawn twice is no pair with itself
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(total / pairs, np.float64)


def prints(sounds: Sequence[Sound], cache: Path | None = None) -> dict[str, Items]:
    """Chromaprints of clips.

    Raises:
        ValueError: A file is missing or broken; names the clip.
    """
    validate(sounds)

    def compute(some: list[Sound]) -> list[Items]:
        return [chromaprint(mono(sound, signal.RATE)) for sound in some]

    kept = Kept(cache, f"chromaprint-{VERSION}")
    return {key: items.astype(np.uint32) for key, items in through(sounds, kept, compute, 1)}


def chromaprint(single: npt.NDArray[np.float32]) -> Items:
    """The items of [T] at `signal.RATE`; none of less than about 3 s."""
    try:
        printed = algorithms().Chromaprinter(sampleRate=signal.RATE)(single)
    except RuntimeError:  # too short for it
        return np.zeros(0, np.uint32)
    return dedupe.decode(str(printed))


class Recordings:
    """Training clips' Chromaprints, to be searched for copies.

    Args:
        training: Items by clip.
    """

    def __init__(self, training: Mapping[str, Items]) -> None:
        self._items = list(training.items())
        values = [items for _, items in self._items] or [np.zeros(0, np.uint32)]
        every = np.concatenate(values)
        owners = np.repeat(np.arange(len(values)), [len(items) for items in values])
        places = np.concatenate([np.arange(len(items)) for items in values])
        order = np.argsort(every, kind="stable")
        self._values, self._owners, self._places = every[order], owners[order], places[order]

    def copied(self, items: Items) -> tuple[str, Share] | None:
        """The training clip that a stretch of these items is copied from, and its bit error.

        Returns:
            None where no stretch of `STRETCH_S` has at most `MAX_BIT_ERROR`.
        """
        best: tuple[str, Share] | None = None
        for owner, later in self._candidates(items):
            key, other = self._items[owner]
            error = stretch_error(items, other, later)
            if error is not None and (best is None or error < best[1]):
                best = key, error
        return best if best is not None and best[1] <= MAX_BIT_ERROR else None

    def _candidates(self, items: Items) -> Iterable[tuple[int, int]]:
        """(clip, how much later it starts) that most equal items agree on."""
        left = np.searchsorted(self._values, items, side="left")
        right = np.searchsorted(self._values, items, side="right")
        found = [
            np.stack([self._owners[a:b], index - self._places[a:b]], axis=1)
            for index, (a, b) in enumerate(zip(left, right, strict=True))
            if 0 < b - a <= TOO_COMMON
        ]
        if not found:
            return []
        pairs, votes = np.unique(np.concatenate(found), axis=0, return_counts=True)
        chosen = pairs[np.argsort(-votes, kind="stable")[:CANDIDATES]]
        return [(int(owner), int(later)) for owner, later in chosen]


def stretch_error(one: Items, other: Items, later: int) -> Share | None:
    """The least share of differing bits over a stretch of `STRETCH_S` that both have.

    Args:
        one: Items.
        other: Items, the first of which belongs to number `later` of `one`.
        later: May be negative.

    Returns:
        None where they overlap by less.
    """
    start, end = max(0, later), min(len(one), len(other) + later)
    size = round(STRETCH_S * dedupe.ITEMS_PER_SECOND)
    if end - start < size:
        return None
    bits = np.bitwise_count(one[start:end] ^ other[start - later : end - later])
    sums = np.cumsum(np.concatenate([[0], bits.astype(np.int64)]))
    return float((sums[size:] - sums[:-size]).min()) / (32 * size)


def evaluate(
    generated: ByClip, training: ByClip, held_out: ByClip, baseline: ByClip | None = None
) -> dict[str, Figure]:
    """`diversity`, `nearest` and `near_share`.

    Args:
        generated: Embeddings of the model's clips.
        training: Of the clips it was trained on.
        held_out: Of real clips it was not trained on, such as the test split.
        baseline: Of the baseline's clips.

    Raises:
        ValueError: There are too few clips, or they are of different embedders.
    """
    space = Space.of(training)
    near = threshold(held_out, space)
    own = _distances(generated, space)
    theirs = None if baseline is None else _distances(baseline, space)
    found = {"nearest": figure(own, theirs), "near_share": _share(own, theirs, near)}
    if len(generated) >= 2:
        found["diversity"] = _diversity(generated, baseline, space)
    return found


def evaluate_copies(
    generated: Mapping[str, Items],
    training: Recordings,
    baseline: Mapping[str, Items] | None = None,
) -> dict[str, Figure]:
    """`copied_share`.

    Args:
        generated: Chromaprints of the model's clips.
        training: Of the clips it was trained on.
        baseline: Of the baseline's clips.

    Raises:
        ValueError: There are no clips.
    """

    def flags(some: Mapping[str, Items]) -> dict[str, float]:
        return {key: float(training.copied(items) is not None) for key, items in some.items()}

    theirs = None if baseline is None else flags(baseline)
    return {"copied_share": figure(flags(generated), theirs, of="share")}


def _distances(clips: ByClip, space: Space) -> dict[str, float]:
    return {key: one.distance for key, one in neighbours(clips, space).items()}


def _share(own: dict[str, float], baseline: dict[str, float] | None, near: float) -> Figure:
    def flags(some: dict[str, float]) -> dict[str, float]:
        return {key: float(distance < near) for key, distance in some.items()}

    return figure(flags(own), None if baseline is None else flags(baseline), of="share")


def _diversity(generated: ByClip, baseline: ByClip | None, space: Space) -> Figure:
    whole = diversity(space.vectors(generated))
    if baseline is None:
        return whole
    both = paired(generated, baseline)
    if len(both) < 2:
        return whole
    one, other = (space.vectors({key: some[key] for key in both}) for some in (generated, baseline))
    return Figure(whole.estimate, diversity(one, other).difference)
