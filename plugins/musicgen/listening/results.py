"""What came of a listening test: preference, and how far listeners agree.

Conventions: a share is of the votes that prefer one of the two; votes that hear no difference are
left out of it and told beside it. Intervals are Wilson's at 95%; they take every vote for a draw of
its own, which votes of one listener are not quite. Agreement is Krippendorff's alpha with a = -1,
no difference = 0, b = 1 and squared differences: 1 is full agreement, 0 what chance would give.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

from .preparing import Trial
from .votes import QUESTIONS, Box, Choice, Vote

LEVEL = 0.95

SCALE: dict[Choice, float] = {"a": -1.0, "tie": 0.0, "b": 1.0}
"""No difference lies between the two, so it disagrees less with either than they do."""


@dataclass(frozen=True, slots=True)
class Preference:
    """How a question was answered.

    Attributes:
        a: Votes for the first set.
        b: Votes for the second set.
        ties: Votes that hear no difference.
        share_a: Of those that prefer one, how many prefer the first set; None without any.
        interval: Wilson's 95% interval of `share_a`; None without any.
        share_a_ties_half: The share with each tie counted as half a vote for either.
    """

    a: int
    b: int
    ties: int
    share_a: float | None
    interval: tuple[float, float] | None
    share_a_ties_half: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far listeners agree on a question.

    Attributes:
        alpha: Krippendorff's; None where it is not defined, for `why`.
        pairs: Pairs that at least two listeners have judged.
        listeners: Listeners who have judged such pairs.
        votes: Their votes on them.
        why: Why there is no alpha; empty where there is one.
    """

    alpha: float | None
    pairs: int
    listeners: int
    votes: int
    why: str


def wilson(successes: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927; Newcombe 1998, method 3).

    Args:
        successes: 0 to n.
        n: At least 1.
        level: Of confidence, between 0 and 1.

    Raises:
        ValueError: No such counts.
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} of {n}: expected 0 <= successes <= n and n >= 1")
    z = NormalDist().inv_cdf((1.0 + level) / 2.0)
    share = successes / n
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1.0 - share) / n + z * z / (4 * n * n))
    low, high = (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
    return (max(low, 0.0) if successes else 0.0, min(high, 1.0) if successes < n else 1.0)


def krippendorff_alpha(units: Iterable[Sequence[float]]) -> float | None:
    """Krippendorff's alpha for values on an interval scale.

    Hayes & Krippendorff 2007; "Computing Krippendorff's Alpha-Reliability" (2011), section D.

    Args:
        units: For each thing judged, the values it was given by those who judged it.

    Returns:
        At most 1; None where no unit has two values, or all values are the same.
    """
    paired = [unit for unit in units if len(unit) >= 2]
    values = [value for unit in paired for value in unit]
    n = len(values)
    observed = math.fsum(_apart(unit) / (len(unit) - 1) for unit in paired)
    expected = _apart(values) / (n - 1) if n else 0.0
    if not expected:
        return None
    return 1.0 - observed / expected


def _apart(values: Sequence[float]) -> float:
    """Sum of squared differences over all ordered pairs, by counts of the distinct values."""
    counts = Counter(values)
    return math.fsum(
        n * m * (one - other) ** 2 for one, n in counts.items() for other, m in counts.items()
    )


def preference(choices: Iterable[Choice]) -> Preference:
    """Counts and share of the answers to one question."""
    counts = Counter(choices)
    a, b, ties = counts["a"], counts["b"], counts["tie"]
    n = a + b + ties
    return Preference(
        a,
        b,
        ties,
        a / (a + b) if a + b else None,
        wilson(a, a + b) if a + b else None,
        (a + ties / 2) / n if n else None,
    )


def agreement(votes: Sequence[Vote], question: str) -> Agreement:
    """How far the listeners agree on a question."""
    by_pair: dict[str, list[Vote]] = {}
    for vote in votes:
        by_pair.setdefault(vote.pair, []).append(vote)
    shared = [judged for judged in by_pair.values() if len(judged) >= 2]
    alpha = krippendorff_alpha([SCALE[v.answers[question]] for v in judged] for judged in shared)
    why = ""
    if alpha is None:
        why = "all answers are the same" if shared else "no pair was judged by two listeners"
    listeners = {vote.listener for judged in shared for vote in judged}
    return Agreement(alpha, len(shared), len(listeners), sum(map(len, shared)), why)


def summary(trial: Trial, box: Box) -> dict[str, Any]:
    """All that the votes say, for JSON: see `Preference` and `Agreement`."""
    listeners = sorted({vote.listener for vote in box.votes})
    return {
        "test": trial.fingerprint,
        "a": trial.a,
        "b": trial.b,
        "pairs": len(trial.pairs),
        "seconds": trial.seconds,
        "listeners": len(listeners),
        "votes": len(box.votes),
        "complete_listeners": sum(_judged(box.votes, one) == len(trial.pairs) for one in listeners),
        "questions": _by_question(box.votes, preference),
        "first_heard": _by_question([_as_heard(vote) for vote in box.votes], preference),
        "agreement": {question: agreement(box.votes, question) for question in QUESTIONS},
        "by_listener": {
            one: _by_question([v for v in box.votes if v.listener == one], preference)
            for one in listeners
        },
        "changed_votes": box.changed,
        "broken_lines": box.broken,
        "votes_on_other_tests": box.other,
    }


def _by_question(
    votes: Sequence[Vote], measure: Callable[[Iterable[Choice]], Preference]
) -> dict[str, Preference]:
    return {question: measure(vote.answers[question] for vote in votes) for question in QUESTIONS}


def _judged(votes: Iterable[Vote], listener: str) -> int:
    return sum(1 for vote in votes if vote.listener == listener)


def _as_heard(vote: Vote) -> Vote:
    """The vote with `a` for the clip heard first: whether places are preferred, not sets."""

    def place(choice: Choice) -> Choice:
        if choice == "tie":
            return choice
        return "a" if choice == vote.first else "b"

    return replace(vote, answers={asked: place(said) for asked, said in vote.answers.items()})
