"""How sure a figure is: intervals by bootstrap over clips, and paired differences.

Conventions: a clip is what is drawn, never a patch or a frame of it, because those of one clip are
alike. Values are float64 and finite, one a clip, in any unit; shares are 0..1. An interval is the
95% percentile interval of resampled clips, a little wider than the plain one (`_level`), which is
too narrow for few clips. Models are compared on the same prompts, so a difference is resampled by
prompt: what one prompt adds to both cancels. Shares and ratios are not resampled: of four clips
without a hit every draw is without a hit, and would say that there is none. Theirs is Wilson's.

The draws come from a fixed seed, so the same values always give the same interval.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

RESAMPLES = 2000
LEVEL = 0.95
SEED = 20240607
FEW = 8
"""With fewer clips no draw reaches far enough: the whole range of two holds the truth in half of
all cases. The spread of draws is stretched then, and may leave what values are possible."""

BLOCK = 1 << 21
"""Numbers drawn at a time: 16 MB."""

Values = npt.NDArray[np.float64]
Statistic = Callable[..., Values]
"""Takes how often each clip was drawn, [B, n] for each of its samples; gives B values."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and how sure it is.

    Attributes:
        value: Of the clips as they are.
        low: Lower end of the 95% interval; None where one clip or none tells nothing of it.
        high: Its upper end.
        n: Clips (of a difference: pairs of clips) it rests on.
    """

    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a model, and how it differs from the baseline's.

    Attributes:
        estimate: Of the model.
        difference: Model minus baseline on the prompts that both have; None without a baseline.
    """

    estimate: Estimate
    difference: Estimate | None = None


def validate(values: npt.ArrayLike, name: str = "values") -> Values:
    """The values as float64 [n].

    Raises:
        ValueError: They are none, not one a clip, or not finite; says which clip.
    """
    found = np.asarray(values, np.float64)
    if found.ndim != 1 or not len(found):
        raise ValueError(f"{name}: shape {found.shape}, expected one value a clip, at least one")
    wrong = np.flatnonzero(~np.isfinite(found))
    if len(wrong):
        raise ValueError(
            f"{name}: {found[wrong[0]]} at place {wrong[0]} ({len(wrong)} of {len(found)} are not "
            "finite); leave out clips of which nothing can be said"
        )
    return found


def bootstrap(statistic: Statistic, *sizes: int, resamples: int = RESAMPLES) -> Estimate:
    """A statistic of one or more independent samples of clips, with its interval.

    Args:
        statistic: Takes for each sample how often each clip was drawn, float64 [B, n] whose rows
            add up to n, and gives [B]. What is not finite (a draw without any of what is divided
            by) is left out.
        sizes: Clips of each sample.
        resamples: How often to draw.

    Raises:
        ValueError: A sample is empty.
    """
    drawn = _drawn(statistic, sizes, resamples)
    value = float(statistic(*(np.ones((1, n)) for n in sizes))[0])
    low, high = interval(drawn, min(sizes), value)
    return Estimate(value, low, high, sizes[0])


def unbiased(statistic: Statistic, *sizes: int) -> Estimate:
    """A statistic that few clips make too large (or too small), such as a divergence, freed of it.

    What it is too large by goes with 1/n, and is told by leaving out each clip in turn (the
    jackknife). Drawn with replacement it is too large by as much again, so the plain interval may
    lie beside the value; this one is moved to where it belongs.

    Args:
        statistic: See `bootstrap`.
        sizes: Likewise.

    Raises:
        ValueError: A sample is empty.
    """
    drawn = _drawn(statistic, sizes, RESAMPLES)
    ones = [np.ones((1, n)) for n in sizes]
    whole = value = float(statistic(*ones)[0])
    for place, n in enumerate(sizes):
        if n > 1:
            without = (np.ones((n, n)) - np.eye(n)) * n / (n - 1)
            given = [np.repeat(one, n, axis=0) for one in ones]
            given[place] = without
            value += (n - 1) * (whole - float(np.mean(statistic(*given))))
    moved = drawn - drawn[np.isfinite(drawn)].mean() + value
    low, high = interval(moved, min(sizes), value)
    return Estimate(value, low, high, sizes[0])


def _drawn(statistic: Statistic, sizes: Sequence[int], resamples: int) -> Values:
    """The statistic of so many draws."""
    if not sizes or min(sizes) < 1:
        raise ValueError(f"samples of {sizes} clips; need at least one clip in each")
    random, found = np.random.default_rng(SEED), []
    a_time = max(1, BLOCK // sum(sizes))
    for start in range(0, resamples, a_time):
        count = min(a_time, resamples - start)
        drawn = (random.multinomial(n, np.full(n, 1 / n), size=count) for n in sizes)
        found.append(statistic(*(counts.astype(np.float64) for counts in drawn)))
    return np.concatenate(found)


def interval(drawn: Values, n: int, value: float) -> tuple[float | None, float | None]:
    """The ends of the interval of resampled values.

    Args:
        drawn: Values of draws.
        n: Clips that were drawn from, in the smallest sample.
        value: Of the clips as they are.
    """
    finite = drawn[np.isfinite(drawn)]
    if n < 2 or not len(finite):
        return None, None
    if n >= FEW:
        tail = _level(n)
        low, high = np.quantile(finite, [tail, 1 - tail])
        return float(low), float(high)
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    wider = _wider(n)
    return value - wider * (value - float(low)), value + wider * (float(high) - value)


def _wider(n: int) -> float:
    """How much wider Student's t is than the spread of resampled means of n normal values."""
    from scipy.stats import norm, t

    tail = (1 + LEVEL) / 2
    return float(math.sqrt(n / (n - 1)) * t.ppf(tail, n - 1) / norm.ppf(tail))


def _level(n: int) -> float:
    """The tail to cut off so that the interval of a mean covers as that by Student's t would.

    The bootstrap takes the spread with n and not n - 1, and normal quantiles: T. Hesterberg, What
    Teachers Should Know About the Bootstrap, The American Statistician 69 (2015), 3.3.
    """
    from scipy.stats import norm, t

    tail = (1 - LEVEL) / 2
    return float(norm.cdf(-math.sqrt(n / (n - 1)) * t.ppf(1 - tail, n - 1)))


def mean(values: npt.ArrayLike) -> Estimate:
    """The mean of one value a clip."""
    found = validate(values)
    return bootstrap(lambda drawn: drawn @ found / len(found), len(found))


def share(flags: npt.ArrayLike) -> Estimate:
    """The share of clips of which something holds, 0..1.

    Its interval is Wilson's: resampling clips of which it holds of none says that it never does.
    """
    found = validate(np.asarray(flags, np.float64), "flags")
    if not np.isin(found, (0.0, 1.0)).all():
        raise ValueError("flags: expected true or false for every clip")
    low, high = wilson(int(found.sum()), len(found))
    return Estimate(float(found.mean()), low, high, len(found))


def wilson(count: float, n: float) -> tuple[float, float]:
    """Wilson's 95% interval of a share, of `count` of n; both may be broken numbers (`ratio`)."""
    from scipy.stats import norm

    z2 = float(norm.ppf((1 + LEVEL) / 2)) ** 2
    middle = (count + z2 / 2) / (n + z2)
    half = math.sqrt(z2) / (n + z2) * math.sqrt(max(0.0, count * (n - count)) / n + z2 / 4)
    low = 0.0 if not count else middle - half
    return low, 1.0 if count == n else middle + half


def ratio(numerators: npt.ArrayLike, denominators: npt.ArrayLike) -> Estimate | None:
    """What the numerators add up to, divided by what the denominators do, such as a precision.

    Args:
        numerators: Hits, of each clip; not more than its denominator.
        denominators: Of what.

    Returns:
        None where the denominators add up to nothing. `n` counts the clips that have one.
    """
    above, below = validate(numerators, "numerators"), validate(denominators, "denominators")
    if not ((above >= 0) & (above <= below)).all():
        raise ValueError("numerators: expected 0 to their denominators")
    used = below > 0
    if not used.any():
        return None
    above, below = above[used], below[used]
    value, worth = float(above.sum() / below.sum()), _worth(above, below)
    low, high = wilson(value * worth, worth) if value < 1 else wilson(worth, worth)
    return Estimate(value, low, high, len(above))


def _worth(above: Values, below: Values) -> float:
    """How many answers of yes or no, each by itself, would leave the same doubt about a ratio.

    Answers about one clip are alike, so it is fewer than there are: by their variance over clips
    (E. Korn and B. Graubard, Confidence Intervals for Proportions, Survey Methodology 24, 1998).
    Where that tells nothing, for all answers are the same, a clip is worth one.
    """
    answers, value, clips = float(below.sum()), float(above.sum() / below.sum()), len(below)
    spread = float(((above - value * below) ** 2).sum())
    alone = value * (1 - value) * answers**2
    if alone <= 0:
        return clips
    worth = answers if spread <= 0 else min(answers, alone / spread)
    if (below == 1).all():
        return worth  # the number of clips: Wilson's own
    return worth * _few(clips) if clips > 1 else 1.0


def _few(clips: int) -> float:
    """By how much the variance of few clips tells less, as Student's t is wider than the normal."""
    from scipy.stats import norm, t

    tail = (1 + LEVEL) / 2
    return float(norm.ppf(tail) / t.ppf(tail, clips - 1)) ** 2


def difference(values: npt.ArrayLike, baseline: npt.ArrayLike) -> Estimate:
    """Mean of values minus mean of the baseline's, paired: the same place is the same prompt."""
    one, other = validate(values), validate(baseline, "baseline")
    if len(one) != len(other):
        raise ValueError(f"{len(one)} values and {len(other)} of the baseline; pair them first")
    return mean(one - other)


def share_difference(flags: npt.ArrayLike, baseline: npt.ArrayLike) -> Estimate:
    """Share of the flags minus share of the baseline's, paired; see `ratio_difference`."""
    one, other = share(flags), share(baseline)
    if one.n != other.n:
        raise ValueError(f"{one.n} flags and {other.n} of the baseline; pair them first")
    rests = (np.asarray(some, np.float64) - value
             for some, value in ((flags, one.value), (baseline, other.value)))  # fmt: skip
    return _minus(one, other, _alike(*rests), one.n)


def ratio_difference(
    model: tuple[npt.ArrayLike, npt.ArrayLike], baseline: tuple[npt.ArrayLike, npt.ArrayLike]
) -> Estimate | None:
    """Ratio of the model minus ratio of the baseline, paired; each as (numerators, denominators).

    Returns:
        None where one of them has nothing to divide by. `n` counts all pairs of clips.
    """
    one, other = ratio(*model), ratio(*baseline)
    if one is None or other is None:
        return None
    rests = [
        validate(above) - found.value * validate(below)
        for found, (above, below) in ((one, model), (other, baseline))
    ]
    return _minus(one, other, _alike(*rests), len(rests[0]))


def _alike(one: Values, other: Values) -> float:
    """How far two models fail on the same prompts, -1..1; chance alone counts as not at all.

    With R. Newcombe's correction for small numbers (Improved Confidence Intervals for the
    Difference Between Binomial Proportions Based on Paired Data, Statistics in Medicine 17, 1998).
    """
    lengths = math.sqrt(float((one**2).sum()) * float((other**2).sum()))
    together = float(one @ other)
    if together > 0:
        together = max(0.0, together - 0.5)
    return together / lengths if lengths > 0 else 0.0


def _minus(one: Estimate, other: Estimate, alike: float, n: int) -> Estimate:
    """The difference of two shares, from the interval of each.

    Newcombe's method 10 for shares, MOVER for others (G. Zou and A. Donner, Statistics in Medicine
    27, 2008).
    """
    if None in (one.low, one.high, other.low, other.high):
        return Estimate(one.value - other.value, None, None, n)
    below, above = one.value - (one.low or 0.0), (one.high or 0.0) - one.value
    others = other.value - (other.low or 0.0), (other.high or 0.0) - other.value
    value = one.value - other.value

    def half(own: float, theirs: float) -> float:
        return math.sqrt(max(0.0, own**2 + theirs**2 - 2 * alike * own * theirs))

    return Estimate(value, value - half(below, others[1]), value + half(above, others[0]), n)


def paired(values: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[str]:
    """The clips that both have, in the first one's order.

    Raises:
        ValueError: They have none in common.
    """
    common = [key for key in values if key in baseline]
    if not common:
        raise ValueError(
            f"none of {len(values)} clips is among the baseline's {len(baseline)}; both must be "
            "made from the same prompts"
        )
    return common


def figure(
    values: Mapping[str, float], baseline: Mapping[str, float] | None = None, *, of: str = "mean"
) -> Figure:
    """Mean (or with `of="share"` share) of one value a clip, and its paired difference."""
    numbers = list(values.values())
    estimate = share(numbers) if of == "share" else mean(numbers)
    if baseline is None:
        return Figure(estimate)
    both = paired(values, baseline)
    apart = share_difference if of == "share" else difference
    return Figure(estimate, apart([values[k] for k in both], [baseline[k] for k in both]))


def stacked(values: Mapping[str, Any], keys: Sequence[str]) -> npt.NDArray[np.float64]:
    """The values of these clips, one row each."""
    return np.asarray([values[key] for key in keys], np.float64)
