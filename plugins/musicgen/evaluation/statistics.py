"""How sure a figure is: intervals by bootstrap over clips, and paired differences.

Conventions: a clip is what is drawn, never a patch or a frame of it, because those of one clip are
alike. Values are float64 and finite, one a clip, in any unit; shares are 0..1. An interval is the
95% percentile interval of resampled clips, a little wider than the plain one (`_level`), which is
too narrow for few clips. Models are compared on the same prompts, so a difference is resampled by
prompt: what one prompt adds to both cancels.

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
    if not sizes or min(sizes) < 1:
        raise ValueError(f"samples of {sizes} clips; need at least one clip in each")
    value = float(statistic(*(np.ones((1, n)) for n in sizes))[0])
    random, found = np.random.default_rng(SEED), []
    a_time = max(1, BLOCK // sum(sizes))
    for start in range(0, resamples, a_time):
        count = min(a_time, resamples - start)
        drawn = (random.multinomial(n, np.full(n, 1 / n), size=count) for n in sizes)
        found.append(statistic(*(counts.astype(np.float64) for counts in drawn)))
    low, high = interval(np.concatenate(found), min(sizes))
    return Estimate(value, low, high, sizes[0])


def interval(drawn: Values, n: int) -> tuple[float | None, float | None]:
    """The ends of the interval of resampled values, of samples of n clips."""
    finite = drawn[np.isfinite(drawn)]
    if n < 2 or not len(finite):
        return None, None
    tail = _level(n)
    low, high = np.quantile(finite, [tail, 1 - tail])
    return float(low), float(high)


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


def wilson(count: int, n: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share, of `count` of n."""
    from scipy.stats import norm

    z2 = float(norm.ppf((1 + LEVEL) / 2)) ** 2
    middle = (count + z2 / 2) / (n + z2)
    half = math.sqrt(z2) / (n + z2) * math.sqrt(count * (n - count) / n + z2 / 4)
    low = 0.0 if not count else middle - half
    return low, 1.0 if count == n else middle + half


def ratio(numerators: npt.ArrayLike, denominators: npt.ArrayLike) -> Estimate | None:
    """What the numerators add up to, divided by what the denominators do, such as a precision.

    Returns:
        None where the denominators add up to nothing. `n` counts the clips that have one.
    """
    above, below = validate(numerators, "numerators"), validate(denominators, "denominators")
    used = below > 0
    if not used.any():
        return None
    above, below = above[used], below[used]
    return bootstrap(lambda drawn: (drawn @ above) / (drawn @ below), len(above))


def difference(values: npt.ArrayLike, baseline: npt.ArrayLike) -> Estimate:
    """Mean of values minus mean of the baseline's, paired: the same place is the same prompt."""
    one, other = validate(values), validate(baseline, "baseline")
    if len(one) != len(other):
        raise ValueError(f"{len(one)} values and {len(other)} of the baseline; pair them first")
    return mean(one - other)


def ratio_difference(
    model: tuple[npt.ArrayLike, npt.ArrayLike], baseline: tuple[npt.ArrayLike, npt.ArrayLike]
) -> Estimate | None:
    """Ratio of the model minus ratio of the baseline, paired; each as (numerators, denominators).

    Returns:
        None where one of them has nothing to divide by.
    """
    a, b = (validate(one) for one in model)
    c, d = (validate(one) for one in baseline)
    if not (b.sum() > 0 and d.sum() > 0):
        return None

    def statistic(drawn: Values) -> Values:
        with np.errstate(divide="ignore", invalid="ignore"):
            return (drawn @ a) / (drawn @ b) - (drawn @ c) / (drawn @ d)

    return bootstrap(statistic, len(a))


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
    return Figure(estimate, difference([values[k] for k in both], [baseline[k] for k in both]))


def stacked(values: Mapping[str, Any], keys: Sequence[str]) -> npt.NDArray[np.float64]:
    """The values of these clips, one row each."""
    return np.asarray([values[key] for key in keys], np.float64)
