"""Intervals cover what they claim, differences are paired, and nonsense is refused."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from plugins.musicgen.evaluation.metrics import statistics
from plugins.musicgen.evaluation.metrics.outcome import Checkpoint, NotRun, attempt
from plugins.musicgen.evaluation.metrics.statistics import Estimate, Figure

TRIALS = 400


def covered(estimates: list[Estimate | None], truth: float) -> float:
    hits = [e is not None and e.low is not None and e.low <= truth <= e.high for e in estimates]
    return float(np.mean(hits))


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "RESAMPLES", 500)
    original = statistics.bootstrap
    monkeypatch.setattr(statistics, "bootstrap", lambda *a, **k: original(*a, resamples=500, **k))


@pytest.mark.parametrize("n", [2, 3, 5, 8, 20, 100])
def test_intervals_of_means_cover_in_simulation(n: int) -> None:
    random = np.random.default_rng(n)
    found = [statistics.mean(random.normal(3.0, 2.0, n)) for _ in range(TRIALS)]
    assert 0.92 <= covered([*found], 3.0) <= 0.98  # 0.95 give or take three standard errors


def test_intervals_of_skewed_values_cover_nearly() -> None:
    random = np.random.default_rng(1)
    found = [statistics.mean(random.exponential(1.0, 40)) for _ in range(TRIALS)]
    assert 0.90 <= covered([*found], 1.0) <= 0.98


def test_intervals_of_ratios_cover_in_simulation() -> None:
    random, found = np.random.default_rng(2), []
    for _ in range(TRIALS):
        asked = random.integers(1, 5, 60)
        found.append(statistics.ratio(random.binomial(asked, 0.3), asked))
    assert 0.92 <= covered(found, 0.3) <= 0.98


def test_intervals_of_paired_differences_cover_and_are_narrow() -> None:
    random, found, apart = np.random.default_rng(3), [], []
    for _ in range(TRIALS):
        prompt = random.normal(0, 5.0, 30)  # what a prompt adds to both
        one, other = (prompt + random.normal(shift, 0.5, 30) for shift in (0.4, 0.0))
        found.append(statistics.difference(one, other))
        apart.append(statistics.mean(one))
    assert 0.92 <= covered([*found], 0.4) <= 0.98
    widths = [np.mean([e.high - e.low for e in some]) for some in (found, apart)]
    assert widths[0] < widths[1] / 5


def test_a_difference_of_ratios_is_paired() -> None:
    random = np.random.default_rng(4)
    asked = np.ones(200)
    hits = random.random(200) < 0.5
    better = hits | (random.random(200) < 0.2)
    found = statistics.ratio_difference((better, asked), (hits, asked))
    assert found is not None
    assert found.value == pytest.approx(better.mean() - hits.mean())
    assert found.low is not None
    assert found.low > 0
    assert found.n == 200


@pytest.mark.parametrize("n", [4, 10, 50])
@pytest.mark.parametrize("chance", [0.05, 0.3])
def test_intervals_of_few_yes_or_no_answers_cover(n: int, chance: float) -> None:
    random, found, apart, shares = np.random.default_rng(n), [], [], []
    for _ in range(TRIALS):
        drawn = random.random((2, n))
        one, other = drawn[0] < chance, np.where(drawn[1] < 0.5, drawn[0], random.random(n))
        better = (other < chance + 0.1).astype(float)  # of the same prompts, by half alike
        found.append(statistics.ratio(one, np.ones(n)))
        apart.append(statistics.ratio_difference((better, np.ones(n)), (one, np.ones(n))))
        shares.append(statistics.share_difference(better, one))
    assert covered(found, chance) >= 0.9
    assert covered(apart, 0.1) >= 0.93
    assert covered([*shares], 0.1) >= 0.93


def test_intervals_of_precisions_of_words_cover() -> None:
    random, found, apart = np.random.default_rng(6), [], []
    for _ in range(TRIALS):
        heard = random.integers(0, 4, (2, 12))
        hits = random.binomial(heard, [[0.5], [0.3]])
        found.append(statistics.ratio(hits[0], heard[0]))
        apart.append(statistics.ratio_difference((hits[0], heard[0]), (hits[1], heard[1])))
    assert 0.93 <= covered(found, 0.5) <= 0.995
    assert 0.92 <= covered(apart, 0.2) <= 0.995


def test_no_hit_in_few_clips_does_not_say_that_there_is_none() -> None:
    none, ones = np.zeros(4), np.ones(4)
    found = statistics.ratio(none, ones)
    assert found == statistics.share(none)
    assert found is not None
    assert found.high == pytest.approx(0.4899, abs=1e-3)
    apart = statistics.ratio_difference((none, ones), (none, ones))
    assert apart is not None
    assert apart.low is not None
    assert apart.value == 0
    assert apart.low < -0.4
    worst = statistics.share_difference(none[:1], ones[:1])
    assert worst.high is not None
    assert worst.high > 0  # of one clip nothing is sure


def test_what_few_clips_make_too_large_is_taken_off() -> None:
    random, found, plain = np.random.default_rng(7), [], []
    for _ in range(100):
        values = random.normal(0.2, 1.0, 10)  # the square of whose mean is 0.04 and not 0.14
        square = lambda drawn, values=values: (drawn @ values / 10) ** 2  # noqa: E731
        found.append(statistics.unbiased(square, 10))
        plain.append(statistics.bootstrap(square, 10))
    assert all(e.low is not None and e.low <= e.value <= (e.high or 0) for e in found)
    assert np.mean([e.value for e in found]) == pytest.approx(0.04, abs=0.04)
    assert np.mean([e.value for e in plain]) > 0.1
    assert covered([*found], 0.04) >= 0.92


@pytest.mark.parametrize(("count", "n"), [(0, 10), (3, 17), (10, 10), (99, 300)])
def test_shares_have_wilsons_interval(count: int, n: int) -> None:
    found = statistics.share([1.0] * count + [0.0] * (n - count))
    expected = binomtest(count, n).proportion_ci(method="wilson")
    assert found.value == count / n
    assert found.low == pytest.approx(expected.low, abs=1e-9)
    assert found.high == pytest.approx(expected.high, abs=1e-9)


def test_the_same_values_always_give_the_same_interval() -> None:
    values = np.random.default_rng(5).normal(size=50)
    assert statistics.mean(values) == statistics.mean(values)
    state = np.random.get_state()[1].tolist()  # type: ignore[union-attr]
    statistics.mean(values)
    assert np.random.get_state()[1].tolist() == state  # type: ignore[union-attr]


def test_one_clip_has_a_value_and_no_interval() -> None:
    assert statistics.mean([2.5]) == Estimate(2.5, None, None, 1)


def test_what_divides_by_nothing_is_no_figure() -> None:
    assert statistics.ratio([0.0, 0.0], [0.0, 0.0]) is None
    assert statistics.ratio_difference(([1.0], [1.0]), ([0.0], [0.0])) is None
    found = statistics.ratio([1.0, 0.0, 0.0], [2.0, 0.0, 2.0])
    assert found is not None
    assert (found.value, found.n) == (0.25, 2)


def test_figures_pair_by_name_whatever_the_order() -> None:
    found = statistics.figure({"a": 1.0, "b": 4.0, "x": 9.0}, {"b": 3.0, "a": 1.0})
    assert found.estimate.value == pytest.approx(14 / 3)
    assert found.difference is not None
    assert (found.difference.value, found.difference.n) == (0.5, 2)


@pytest.mark.parametrize(
    ("values", "said"), [([], "at least one"), ([1.0, math.nan], "place 1"), ([[1.0]], "shape")]
)
def test_values_that_are_none_are_refused(values: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        statistics.mean(values)


def test_clips_in_common_are_needed() -> None:
    with pytest.raises(ValueError, match="same prompts"):
        statistics.figure({"a": 1.0}, {"b": 1.0})
    with pytest.raises(ValueError, match="pair them first"):
        statistics.difference([1.0], [1.0, 2.0])


# --- what becomes of a metric -------------------------------------------------------------------


def test_a_metric_that_breaks_breaks_nothing() -> None:
    def breaks() -> dict[str, Figure]:
        raise RuntimeError("CUDA out of memory\nand much more")

    found = attempt("fad", breaks, (Checkpoint("vggish", "ab"),))
    assert (found.state, found.figures) == ("failed", {})
    assert found.reason == "RuntimeError: CUDA out of memory"
    assert found.checkpoints == (Checkpoint("vggish", "ab"),)


def test_a_metric_without_weights_says_how_they_are_had() -> None:
    def lacks() -> dict[str, Figure]:
        raise NotRun("no weights", "hf download x/y")

    found = attempt("clap", lacks)
    assert (found.state, found.reason, found.command) == (
        "not run",
        "no weights",
        "hf download x/y",
    )


def test_ctrl_c_ends_a_metric() -> None:
    def interrupted() -> dict[str, Figure]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt("fad", interrupted)


def test_a_metric_that_runs_gives_its_figures() -> None:
    figures = {"a": Figure(Estimate(1.0, 0.0, 2.0, 3))}
    assert attempt("a", lambda: figures).figures == figures
