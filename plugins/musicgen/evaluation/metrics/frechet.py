"""Fréchet audio distance: how far two sets of clips are apart as clouds of embeddings.

Each cloud is described by its mean and covariance, and the distance is that of two Gaussians
(Fréchet 1957; Kilgour et al., Fréchet Audio Distance, Interspeech 2019):

    |m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1 C2)^(1/2))

Conventions: embeddings are rows [patches, width] of a clip, any float type, by the clip's name; all
sums are float64. The unit is the square of the embedding's own, so distances of different
embeddings cannot be compared. 0 is best. `n` counts generated clips.

**Rank.** With C = F^T F the trace of the root is the sum of the singular values of F1 F2^T: real,
never negative, and defined for covariances of any rank. No root of a matrix is ever taken.

**FAD infinity.** A distance of samples is too large, by about a/n (Chong and Forsyth, CVPR 2020;
Gui et al., ICASSP 2024). It is computed for parts of both sets and extrapolated to 1/n = 0. The
parts are balanced (each clip is left out equally often), so they add hardly any noise. None has
less than half of the clips: further down the distance no longer goes with 1/n. Where the reference
is a `Gaussian` (known, or told by others), only the generated set is parted; then thirds are used
too, and a parabola, for the distance bends more (figures in tests/plugins/test_frechet.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .statistics import Estimate, Figure, Values, bootstrap, paired

Rows = npt.NDArray[np.float32] | npt.NDArray[np.float64]
ByClip = Mapping[str, Rows]
Matrix = npt.NDArray[np.float64]

PARTS = 12
"""A set is dealt into so many parts for FAD infinity; it needs as many clips."""

LEFT_OUT = (2, 3, 4, 6)
"""Leaving out one of so many equal lots: 1/2, 2/3, 3/4 and 5/6 of the clips remain."""

THIRDS = 3
"""And against a known reference each third by itself."""


@dataclass(frozen=True, slots=True)
class Gaussian:
    """A cloud of embeddings.

    Attributes:
        mean: [width].
        factor: F with F^T F = covariance, [rank, width].
    """

    mean: Matrix
    factor: Matrix

    @property
    def variance(self) -> float:
        """Trace of the covariance."""
        return float(np.sum(self.factor**2))


def validate(clips: ByClip, name: str = "clips") -> int:
    """Checks embeddings; gives their width.

    Raises:
        ValueError: There are fewer than two rows in all, they differ in width, or are not finite;
            names the clip.
    """
    widths, count = set(), 0
    for key, rows in clips.items():
        if rows.ndim != 2 or not len(rows):
            raise ValueError(f"{name}, clip {key}: shape {rows.shape}, expected [patches, width]")
        if not np.isfinite(rows).all():
            raise ValueError(f"{name}, clip {key}: embeddings that are not finite; leave it out")
        widths.add(rows.shape[1])
        count += len(rows)
    if count < 2:
        raise ValueError(f"{name}: {count} embeddings; a covariance needs two at least")
    if len(widths) > 1:
        raise ValueError(f"{name}: embeddings of different widths: {sorted(widths)}")
    return widths.pop()


def known(mean: npt.ArrayLike, covariance: npt.ArrayLike) -> Gaussian:
    """A Gaussian of known mean [width] and covariance [width, width].

    Raises:
        ValueError: The shapes do not fit, or the covariance is not symmetric or has a negative
            eigenvalue beyond rounding.
    """
    centre, matrix = np.asarray(mean, np.float64), np.asarray(covariance, np.float64)
    if matrix.shape != (len(centre), len(centre)):
        raise ValueError(f"mean of {len(centre)} and covariance of shape {matrix.shape}")
    scale = float(np.abs(matrix).max(initial=0.0))
    if not np.allclose(matrix, matrix.T, atol=1e-9 * scale):
        raise ValueError("the covariance is not symmetric")
    return Gaussian(centre, _factor((matrix + matrix.T) / 2))


def _factor(covariance: Matrix) -> Matrix:
    """F with F^T F = covariance: by Cholesky, and where the rank is not full by eigenvalues."""
    try:
        return np.asarray(np.linalg.cholesky(covariance).T, np.float64)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
    largest = float(values.max(initial=0.0))
    if values.min(initial=0.0) < -1e-8 * max(largest, 1e-300):
        raise ValueError(f"the covariance has the negative eigenvalue {values.min():.3g}")
    kept = values > len(values) * np.finfo(float).eps * largest
    return np.sqrt(values[kept])[:, None] * vectors[:, kept].T


def fit(rows: Rows) -> Gaussian:
    """The Gaussian of embeddings [n, width], n at least 2; its covariance is divided by n - 1."""
    return _Sums.of([rows]).gaussian()


def distance(one: Gaussian, other: Gaussian) -> float:
    """The Fréchet distance; not negative but for rounding of about 1e-12 of the variances."""
    cross = one.factor @ other.factor.T
    root = float(np.linalg.svd(cross, compute_uv=False).sum()) if cross.size else 0.0
    apart = float(np.sum((one.mean - other.mean) ** 2))
    return apart + one.variance + other.variance - 2 * root


def fad(generated: ByClip, reference: ByClip | Gaussian) -> float:
    """The distance of two sets of clips as they are: too large for few clips."""
    return distance(_gaussian(generated), _gaussian(reference))


def curve(generated: ByClip, reference: ByClip | Gaussian) -> tuple[Values, Values]:
    """Distances of parts of the sets: (all clips / remaining clips, mean distance), all first.

    Raises:
        ValueError: One of the sets has fewer clips than `PARTS`.
    """
    parts = _parted(generated)
    fixed = isinstance(reference, Gaussian)
    others = reference if isinstance(reference, Gaussian) else _parted(reference)
    inverse, found = [1.0], [_of_parts(parts, others, range(PARTS))]
    for lots in LEFT_OUT:
        inverse.append(lots / (lots - 1))
        found.append(_balanced(parts, others, lots, without=True))
    if fixed:
        inverse.append(float(THIRDS))
        found.append(_balanced(parts, others, THIRDS, without=False))
    return np.asarray(inverse), np.asarray(found)


def _balanced(
    parts: list["_Sums"], others: list["_Sums"] | Gaussian, lots: int, *, without: bool
) -> float:
    """The mean distance without each of so many lots, or of each lot by itself."""
    kept = [[p for p in range(PARTS) if (p % lots == lot) != without] for lot in range(lots)]
    return float(np.mean([_of_parts(parts, others, some) for some in kept]))


def infinity(generated: ByClip, reference: ByClip | Gaussian) -> float:
    """FAD infinity; may be below 0 where the sets are alike."""
    inverse, found = curve(generated, reference)
    degree = 2 if isinstance(reference, Gaussian) else 1
    # through the whole sets' own distance, which is the least noisy
    powers = inverse[1:, None] ** np.arange(1, degree + 1) - 1
    slopes = np.linalg.lstsq(powers, found[1:] - found[0], rcond=None)[0]
    return float(found[0] - slopes.sum())


def per_song(generated: ByClip, reference: ByClip | Gaussian) -> dict[str, float]:
    """The distance of each clip's own cloud from the reference: the largest are the odd ones.

    It holds the spread within a clip against that of the whole reference, so it ranks clips and
    says nothing by itself (Gui et al. 2024). Clips of a single patch have no spread: their distance
    is that of a point.
    """
    cloud = _gaussian(reference)
    return {key: distance(_Sums.of([rows]).gaussian(), cloud) for key, rows in generated.items()}


def influences(generated: ByClip, reference: ByClip | Gaussian) -> tuple[Values, Values]:
    """By how much each clip raises the distance, in first order: [n generated], [n reference].

    They add up to 0. A resampled distance is the distance plus the mean of the drawn influences,
    which is what the intervals are made of: thousands of real ones would take hours.
    """
    one, other = _gaussian(generated), _gaussian(reference)
    left, values, right = np.linalg.svd(one.factor @ other.factor.T, full_matrices=False)
    sound = values > 1e-7 * values.max(initial=0.0)
    scale = 1 / np.sqrt(values[sound])[:, None]
    root = float(values.sum())
    to_other = scale * (right[sound] @ other.factor)
    to_one = scale * (left[:, sound].T @ one.factor)
    raised = _raised(generated, one, other.mean, to_other, root)
    if isinstance(reference, Gaussian):
        return raised, np.zeros(0)
    return raised, _raised(reference, other, one.mean, to_one, root)


def evaluate(
    generated: ByClip, reference: ByClip | Gaussian, baseline: ByClip | None = None
) -> dict[str, Figure]:
    """`fad`, and with at least `PARTS` clips in each set `fad_infinity`.

    Args:
        generated: Embeddings of the model's clips.
        reference: Of the real clips.
        baseline: Of the baseline's clips, by the same names.

    Raises:
        ValueError: See `validate`; or the widths differ.
    """
    widths = {validate(generated, "generated"), validate_reference(reference)}
    if baseline is not None:
        widths.add(validate(baseline, "baseline"))
    if len(widths) > 1:
        raise ValueError(f"embeddings of different models: widths {sorted(widths)}")
    whole = _measured(generated, reference)
    found = {name: Figure(_interval(value, whole[1])) for name, value in whole[0].items()}
    if baseline is None:
        return found
    both = paired(generated, baseline)
    one = whole
    if len(both) < len(generated):
        one = _measured({key: generated[key] for key in both}, reference)
    other = _measured({key: baseline[key] for key in both}, reference)
    for name in one[0]:
        apart = _interval(one[0][name] - other[0][name], one[1], other[1])
        found[name] = Figure(found[name].estimate, apart)
    return found


def _measured(
    generated: ByClip, reference: ByClip | Gaussian
) -> tuple[dict[str, float], tuple[Values, Values]]:
    """The distances, and the influences on them."""
    found = {"fad": fad(generated, reference)}
    if min(len(generated), PARTS if isinstance(reference, Gaussian) else len(reference)) >= PARTS:
        found["fad_infinity"] = infinity(generated, reference)
    return found, influences(generated, reference)


def validate_reference(reference: ByClip | Gaussian) -> int:
    """`validate` for either kind of reference."""
    if isinstance(reference, Gaussian):
        return len(reference.mean)
    return validate(reference, "reference")


@dataclass(frozen=True, slots=True)
class _Sums:
    """What is kept of rows: how many, their mean, and their scatter around it.

    Few rows are kept as they are, [n, width]: their scatter would be larger than they.
    """

    n: int
    mean: Matrix
    scatter: Matrix
    rows: Matrix | None

    @classmethod
    def of(cls, clips: Sequence[Rows]) -> "_Sums":
        width = clips[0].shape[1]
        if sum(map(len, clips)) <= width:
            rows = np.concatenate(clips).astype(np.float64)
            return cls(len(rows), rows.mean(0), np.zeros((0, 0)), rows)
        n, mean, scatter = 0, np.zeros(width), np.zeros((width, width))
        for first in range(0, len(clips), 32):  # a few clips at a time in float64
            rows = np.concatenate(clips[first : first + 32]).astype(np.float64)
            own = rows.mean(0)
            rows -= own
            apart, total = own - mean, n + len(rows)
            scatter += rows.T @ rows + np.outer(apart, apart) * (n * len(rows) / total)
            mean += apart * (len(rows) / total)
            n = total
        return cls(n, mean, scatter, None)

    def joined(self, other: "_Sums") -> "_Sums":
        if self.rows is not None and other.rows is not None:
            return _Sums.of([self.rows, other.rows])
        one, two = self._whole(), other._whole()
        n, apart = one.n + two.n, two.mean - one.mean
        scatter = one.scatter + two.scatter + np.outer(apart, apart) * (one.n * two.n / n)
        return _Sums(n, one.mean + apart * (two.n / n), scatter, None)

    def _whole(self) -> "_Sums":
        if self.rows is None:
            return self
        apart = self.rows - self.mean
        return _Sums(self.n, self.mean, apart.T @ apart, None)

    def gaussian(self) -> Gaussian:
        if self.n < 2:
            return Gaussian(self.mean, np.zeros((0, len(self.mean))))
        if self.rows is not None:
            return Gaussian(self.mean, (self.rows - self.mean) / np.sqrt(self.n - 1))
        return Gaussian(self.mean, _factor(self.scatter / (self.n - 1)))


def _gaussian(clips: ByClip | Gaussian) -> Gaussian:
    return clips if isinstance(clips, Gaussian) else _Sums.of(list(clips.values())).gaussian()


def _parted(clips: ByClip) -> list[_Sums]:
    """The clips dealt into `PARTS` parts, in an order that is random but always the same."""
    if len(clips) < PARTS:
        raise ValueError(f"{len(clips)} clips; FAD infinity needs {PARTS} in each set")
    order = np.random.default_rng(len(clips)).permutation(len(clips))
    rows = list(clips.values())
    return [_Sums.of([rows[index] for index in order[part::PARTS]]) for part in range(PARTS)]


def _of_parts(parts: list[_Sums], others: list[_Sums] | Gaussian, kept: Sequence[int]) -> float:
    other = others if isinstance(others, Gaussian) else _together(others, kept)
    return distance(_together(parts, kept), other)


def _together(parts: list[_Sums], kept: Sequence[int]) -> Gaussian:
    whole = parts[kept[0]]
    for part in kept[1:]:
        whole = whole.joined(parts[part])
    return whole.gaussian()


def _raised(clips: ByClip, own: Gaussian, other: Matrix, root: Matrix, sum_: float) -> Values:
    """Influences of one set's clips; `root` [rank, width] turns a row into what it shares."""
    total = sum(map(len, clips.values())) / len(clips)
    found = []
    for rows in clips.values():
        apart = rows.astype(np.float64) - own.mean
        shared = apart @ root.T
        raised = 2 * (apart @ (own.mean - other)) + (apart**2).sum(1) - (shared**2).sum(1)
        found.append(float(np.sum(raised - own.variance + sum_) / total))
    return np.asarray(found) - np.mean(found)


def _interval(
    value: float, own: tuple[Values, Values], baseline: tuple[Values, Values] | None = None
) -> Estimate:
    generated, reference = own
    if baseline is not None:
        generated, reference = generated - baseline[0], reference - baseline[1]
    sizes = (len(generated), *([len(reference)] if len(reference) else []))

    def statistic(drawn: Values, others: Values | None = None) -> Values:
        found = value + drawn @ generated / len(generated)
        return found if others is None else found + others @ reference / len(reference)

    return bootstrap(statistic, *sizes)
