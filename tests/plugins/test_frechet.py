"""FAD against the closed form, against other ways to compute it, and freed from its bias."""

import functools

import mpmath
import numpy as np
import numpy.typing as npt
import pytest
import scipy.linalg
from scipy.stats import special_ortho_group

from plugins.musicgen.evaluation import METRICS
from plugins.musicgen.evaluation.metrics import frechet, statistics

Array = npt.NDArray[np.float64]


def clips(rows: Array, patches: int = 1) -> dict[str, Array]:
    """Rows as clips of so many patches each."""
    return {str(k): part for k, part in enumerate(rows.reshape(-1, patches, rows.shape[-1]))}


def by_square_root(one: Array, other: Array) -> float:
    """The distance as it is usually programmed: by the root of a product of covariances."""
    means, covariances = [x.mean(0) for x in (one, other)], [np.cov(x.T) for x in (one, other)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    traces = np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.trace(root)
    return float(np.sum((means[0] - means[1]) ** 2) + traces)


def in_fifty_digits(one: Array, other: Array) -> float:
    """The same in 50 digits, by the eigenvalues of F2 C1 F2^T of the few rows there are."""
    with mpmath.workdps(50):
        parts = []
        for rows in (one, other):
            matrix = mpmath.matrix(rows.tolist())
            n, width = matrix.rows, matrix.cols
            mean = [mpmath.fsum(matrix[:, k]) / n for k in range(width)]
            centred = mpmath.matrix(n, width)
            for i in range(n):
                for k in range(width):
                    centred[i, k] = (matrix[i, k] - mean[k]) / mpmath.sqrt(n - 1)
            parts.append((mean, centred))
        (m1, f1), (m2, f2) = parts
        cross = f1 * f2.T
        values = mpmath.eigsy(cross * cross.T, eigvals_only=True)
        root = mpmath.fsum(mpmath.sqrt(max(value, mpmath.mpf(0))) for value in values)
        variance = sum((x**2 for f in (f1, f2) for x in f), mpmath.mpf(0))
        apart = sum(((a - b) ** 2 for a, b in zip(m1, m2, strict=True)), mpmath.mpf(0))
        return float(apart + variance - 2 * root)


@pytest.mark.parametrize("width", [1, 2, 16, 128])
def test_gaussians_of_known_shape_have_the_closed_form(width: int) -> None:
    random = np.random.default_rng(width)
    turn = np.eye(1) if width == 1 else special_ortho_group.rvs(width, random_state=width)
    means = random.normal(size=(2, width))
    spreads = random.uniform(0.1, 3.0, (2, width))  # common axes: the root is theirs
    one, other = (
        frechet.known(mean, turn @ np.diag(spread**2) @ turn.T)
        for mean, spread in zip(means, spreads, strict=True)
    )
    expected = np.sum((means[0] - means[1]) ** 2) + np.sum((spreads[0] - spreads[1]) ** 2)
    assert frechet.distance(one, other) == pytest.approx(expected, abs=1e-6)
    assert frechet.distance(one, one) == pytest.approx(0.0, abs=1e-6)


def test_two_wide_gaussians_have_the_closed_form_of_two_by_two() -> None:
    one, other = np.array([[2.0, 0.8], [0.8, 1.0]]), np.array([[1.0, -0.5], [-0.5, 3.0]])
    product = one @ other  # tr of the root of a 2 x 2 matrix: sqrt(tr + 2 sqrt(det))
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = 25.0 + np.trace(one) + np.trace(other) - 2 * root
    found = frechet.distance(frechet.known([3, 0], one), frechet.known([0, 4], other))
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("n", "m", "width"), [(300, 500, 8), (1000, 700, 64), (900, 800, 128)])
def test_an_independent_implementation_gives_the_same(n: int, m: int, width: int) -> None:
    random = np.random.default_rng(n)
    mix = random.normal(size=(width, width)) / np.sqrt(width)
    one = random.normal(size=(n, width)) @ mix + 0.3
    other = random.laplace(size=(m, width))
    found = frechet.fad(clips(one), clips(other))
    assert found == pytest.approx(by_square_root(one, other), rel=1e-8)


@pytest.mark.parametrize(("n", "m", "width"), [(5, 9, 12), (12, 30, 6), (2, 3, 40)])
def test_few_rows_give_what_fifty_digits_give(n: int, m: int, width: int) -> None:
    random = np.random.default_rng(width)
    one, other = random.normal(size=(n, width)), 2 * random.normal(size=(m, width)) + 1
    found = frechet.fad(clips(one), clips(other))
    assert found == pytest.approx(in_fifty_digits(one, other), abs=1e-6)


def test_ill_conditioned_rows_give_what_fifty_digits_give() -> None:
    random = np.random.default_rng(0)
    scale = np.logspace(0, -9, 8)  # covariances of condition 1e18
    one, other = (random.normal(size=(20, 8)) * scale for _ in range(2))
    assert frechet.fad(clips(one), clips(other)) == pytest.approx(
        in_fifty_digits(one, other), abs=1e-6
    )


@pytest.mark.parametrize("case", ["fewer rows", "flat", "constant", "one axis", "the same row"])
def test_covariances_without_full_rank_give_real_numbers(case: str) -> None:
    random = np.random.default_rng(7)
    one, other = random.normal(size=(2, 40, 64))
    if case == "flat":
        one, other = (random.normal(size=(400, 3)) @ random.normal(size=(3, 64)) for _ in "12")
    elif case == "constant":
        one[:] = 1.0
    elif case == "one axis":
        one = np.zeros((200, 64))
        one[:, 5] = random.normal(size=200)
    elif case == "the same row":
        one = other = np.repeat(random.normal(size=(1, 64)), 100, axis=0)
    found = frechet.fad(clips(one), clips(other))
    assert isinstance(found, float)
    assert np.isfinite(found)
    assert found >= -1e-9
    every = frechet.evaluate(clips(one), clips(other), clips(other[: len(one)]))
    for figure in every.values():
        assert figure.difference is not None
        for estimate in (figure.estimate, figure.difference):
            assert np.isfinite([estimate.value, estimate.low, estimate.high]).all()
    songs = frechet.per_song(clips(one), clips(other))
    assert np.isfinite(list(songs.values())).all()


def test_disjoint_planes_are_as_far_as_their_variances() -> None:
    one, other = np.diag([1.0, 1.0, 0.0, 0.0]), np.diag([0.0, 0.0, 4.0, 4.0])
    zero = np.zeros(4)
    found = frechet.distance(frechet.known(zero, one), frechet.known(zero, other))
    assert found == pytest.approx(10.0, abs=1e-12)


def test_the_distance_does_not_depend_on_how_rows_are_dealt_into_clips() -> None:
    random = np.random.default_rng(8)
    one, other = random.normal(size=(1200, 16)), random.normal(0.2, 1.3, size=(600, 16))
    found = [frechet.fad(clips(one, k), clips(other, k)) for k in (1, 10, 60)]
    assert found == pytest.approx([found[0]] * 3, rel=1e-10)


# --- FAD infinity -------------------------------------------------------------------------------


def populations(width: int, decay: float) -> tuple[Array, Array, Array, float]:
    """Spreads of two populations, where the second lies, and their true distance."""
    random = np.random.default_rng(width)
    spread = np.exp(-decay * np.arange(width) / width)
    other, centre = spread * np.exp(random.normal(0, 0.3, width)), random.normal(0, 0.3 * spread)
    return spread, other, centre, float(np.sum(centre**2) + np.sum((spread - other) ** 2))


@pytest.mark.parametrize(
    ("n", "width", "decay", "trials"),
    [(100, 16, 1.0, 60), (300, 64, 3.0, 24), (1000, 64, 3.0, 12), (2000, 128, 5.0, 8)],
)
def test_infinity_is_unbiased_for_samples_of_100_to_2000(
    n: int, width: int, decay: float, trials: int
) -> None:
    one, other, centre, truth = populations(width, decay)
    random, plain, found = np.random.default_rng(n), [], []
    for _ in range(trials):
        generated = clips(random.normal(size=(n, width)) * one)
        reference = clips(random.normal(size=(n, width)) * other + centre)
        plain.append(frechet.fad(generated, reference) - truth)
        found.append(frechet.infinity(generated, reference) - truth)
    sure = np.std(found) / np.sqrt(trials)
    assert abs(np.mean(found)) < 3 * sure + 0.01 * truth
    assert np.mean(plain) > 6 * abs(np.mean(found))


def test_infinity_against_a_known_reference_is_unbiased() -> None:
    one, other, centre, truth = populations(32, 2.0)
    reference = frechet.known(centre, np.diag(other**2))
    random = np.random.default_rng(1)
    found = [
        frechet.infinity(clips(random.normal(size=(100, 32)) * one), reference) - truth
        for _ in range(60)
    ]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(60) + 0.01 * truth


@pytest.mark.parametrize("alike", [False, True])
def test_intervals_cover_the_true_distance_also_of_clips_of_alike_patches(
    alike: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = functools.partial(statistics.bootstrap, resamples=200)
    monkeypatch.setattr(frechet, "bootstrap", draws)  # enough for the ends of an interval
    one, other, centre, truth = populations(16, 1.0)
    if alike:  # the least favourable case: the first order vanishes
        other, centre, truth = one, np.zeros(16), 0.0
    random, hits = np.random.default_rng(2), 0
    for _ in range(100):
        sets = []
        for spread, middle in ((one, np.zeros(16)), (other, centre)):
            patches = random.normal(size=(100, 1, 16)) + random.normal(size=(100, 4, 16))
            sets.append(clips((patches * np.sqrt(0.5) * spread + middle).reshape(-1, 16), 4))
        found = frechet.evaluate(*sets)["fad_infinity"].estimate
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
        assert found.n == 100
    assert 0.88 <= hits / 100 <= 1.0  # 0.95 less three standard errors


def test_the_curve_rises_as_clips_are_left_out() -> None:
    random = np.random.default_rng(3)
    inverse, found = frechet.curve(*(clips(random.normal(size=(120, 24))) for _ in "12"))
    order = np.argsort(inverse)
    assert (np.diff(found[order]) > 0).all()
    assert inverse.tolist() == pytest.approx([1, 2, 1.5, 4 / 3, 1.2])


def test_infinity_is_missing_where_clips_are_few() -> None:
    random = np.random.default_rng(4)
    few, many = clips(random.normal(size=(8, 4))), clips(random.normal(size=(50, 4)))
    assert set(frechet.evaluate(few, many)) == {"fad"}
    with pytest.raises(ValueError, match="8 clips; FAD infinity needs 12"):
        frechet.infinity(few, many)


# --- moving the right way -----------------------------------------------------------------------


def test_a_paired_difference_sees_what_intervals_alone_do_not() -> None:
    random = np.random.default_rng(5)
    reference = clips(random.normal(size=(300, 8)))
    baseline = random.normal(size=(60, 8)) * 1.5
    better = clips(baseline * 0.9 + random.normal(0, 0.02, size=(60, 8)))
    found = frechet.evaluate(better, reference, clips(baseline))["fad_infinity"]
    alone = frechet.evaluate(clips(baseline), reference)["fad_infinity"].estimate
    assert found.difference is not None
    assert found.difference.high is not None
    assert found.difference.high < 0
    assert found.difference.n == 60
    assert None not in (alone.low, found.estimate.high)
    assert found.estimate.high > alone.low  # type: ignore[operator]


def test_the_odd_song_is_found() -> None:
    random = np.random.default_rng(6)
    generated = clips(random.normal(size=(200, 8)), 10)
    generated["3"] = generated["3"] + 4.0
    songs = frechet.per_song(generated, clips(random.normal(size=(400, 8)), 10))
    assert max(songs, key=songs.__getitem__) == "3"
    raised, _ = frechet.influences(generated, clips(random.normal(size=(400, 8)), 10))
    assert int(raised.argmax()) == 3
    assert raised.sum() == pytest.approx(0.0, abs=1e-9)


def test_influences_tell_what_leaving_a_clip_out_does() -> None:
    random = np.random.default_rng(9)
    generated, reference = clips(random.normal(0.5, 1.4, (400, 4))), clips(
        random.normal(size=(400, 4))
    )  # fmt: skip
    raised, _ = frechet.influences(generated, reference)
    whole = frechet.fad(generated, reference)
    for key in ("0", "17", "200"):
        rest = {k: v for k, v in generated.items() if k != key}
        left_out = (whole - frechet.fad(rest, reference)) * 399
        assert raised[int(key)] == pytest.approx(left_out, abs=0.05 * np.std(raised) + 0.05)


def test_embeddings_that_do_not_fit_are_refused() -> None:
    rows = np.ones((3, 4))
    with pytest.raises(ValueError, match="widths"):
        frechet.evaluate({"a": rows}, {"b": np.ones((3, 5))})
    with pytest.raises(ValueError, match="clip a: embeddings that are not finite"):
        frechet.evaluate({"a": rows * np.nan}, {"b": rows})
    with pytest.raises(ValueError, match="a covariance needs two"):
        frechet.evaluate({"a": rows[:1]}, {"b": rows})
    with pytest.raises(ValueError, match="negative eigenvalue"):
        frechet.known([0, 0], [[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(ValueError, match="not symmetric"):
        frechet.known([0, 0], [[1.0, 2.0], [0.0, 1.0]])


def test_the_table_of_figures_knows_them() -> None:
    random = np.random.default_rng(10)
    found = frechet.evaluate(*(clips(random.normal(size=(30, 3))) for _ in "12"))
    assert set(found) == {metric.name for metric in METRICS if metric.module == "frechet"}
