"""KL divergence of label posteriors: are the same things heard in generated clips as in real ones?

Conventions: what a head says of a clip is one score a class [classes], in the order of its names,
averaged over the clip. It is made a distribution over the classes by dividing by its sum (the
heads of genre, mood and instrument score each class by itself), with `FLOOR` added to each class
first. Divergences are D(real || generated) in nats, 0 is best; `n` counts clips.

- `paired`: the mean over prompts of the divergence of the generated clip from the real clip of the
  same prompt, as in audiocraft's and AudioLDM's KLD (theirs: PaSST's classes).
- `pooled`: the divergence of the mean over all generated clips from that over the real ones of the
  same prompts (of a folder with other prompts: over all): whether the whole sounds like the
  dataset, whoever asked for what. What few clips make too large is taken off (`unbiased`), so it
  may be a little below 0 where nothing differs.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..features.hearing import Heard
from .statistics import Estimate, Figure, Values, figure, paired, stacked, unbiased

FLOOR = 1e-4
"""Scores are kept to four digits."""

Posteriors = Mapping[str, npt.NDArray[np.float64]]
"""Scores by clip, [classes] each."""


def validate(generated: Posteriors, reference: Posteriors) -> None:
    """Checks scores.

    Raises:
        ValueError: There are none, they differ in their number of classes, or are not 0..1.
    """
    shapes = set()
    for name, some in (("generated", generated), ("reference", reference)):
        if not some:
            raise ValueError(f"{name}: no clips")
        for key, scores in some.items():
            shapes.add(scores.shape)
            if not ((scores >= 0) & (scores <= 1)).all():
                raise ValueError(f"{name}, clip {key}: scores that are not within 0..1")
    if len(shapes) > 1 or len(shapes.pop()) != 1:
        raise ValueError("scores of different shapes; expected [classes] of one head")


def of_head(heard: Mapping[str, Heard], head: str) -> dict[str, npt.NDArray[np.float64]]:
    """What a head says of each clip, classes in the order of their names; silent clips left out."""
    found = {}
    for key, one in heard.items():
        for answer in one.answers:
            if answer.model == head:
                found[key] = np.array([answer.scores[name] for name in sorted(answer.scores)])
    return found


def distribution(scores: Values) -> Values:
    """Scores [..., classes] as distributions over the classes."""
    raised = np.asarray(scores, np.float64) + FLOOR
    return np.asarray(raised / raised.sum(-1, keepdims=True), np.float64)


def divergence(real: Values, generated: Values) -> Values:
    """D(real || generated) of distributions [..., classes], in nats: [...]."""
    return np.asarray(np.sum(real * np.log(real / generated), axis=-1), np.float64)


def divergences(generated: Posteriors, reference: Posteriors) -> dict[str, float]:
    """Of each clip whose real one is there."""
    return {
        key: float(divergence(distribution(reference[key]), distribution(scores)))
        for key, scores in generated.items()
        if key in reference
    }


def evaluate(
    generated: Posteriors, reference: Posteriors, baseline: Posteriors | None = None
) -> dict[str, Figure]:
    """`pooled`, and where clips have their real ones `paired`, of one head.

    Raises:
        ValueError: See `validate`.
    """
    validate(generated, reference)
    if baseline is not None:
        validate(baseline, reference)
    found = {}
    own = divergences(generated, reference)
    if own:
        theirs = None if baseline is None else divergences(baseline, reference)
        found["paired"] = figure(own, theirs or None)
    found["pooled"] = _pooled(generated, reference, baseline)
    return found


def _pooled(generated: Posteriors, reference: Posteriors, baseline: Posteriors | None) -> Figure:
    estimate = _Pooled.of(generated, reference).estimate()
    if baseline is None:
        return Figure(estimate)
    both = paired(generated, baseline)
    one, other = (
        _Pooled.of({k: some[k] for k in both}, reference) for some in (generated, baseline)
    )
    return Figure(estimate, one.minus(other))


class _Pooled:
    """The divergence of the means of resampled clips; those of the same prompt are drawn together.

    Attributes:
        own: Distributions of generated clips, [n, classes].
        real: Of real clips, [n or others, classes].
        together: Whether they are of the same prompts, in the same order.
    """

    def __init__(self, own: Values, real: Values, *, together: bool) -> None:
        self.own, self.real, self.together = own, real, together

    @classmethod
    def of(cls, generated: Posteriors, reference: Posteriors) -> "_Pooled":
        together = generated.keys() <= reference.keys()
        keys = list(generated) if together else list(reference)
        own, real = (
            distribution(stacked(some, some_keys))
            for some, some_keys in ((generated, list(generated)), (reference, keys))
        )
        return cls(own, real, together=together)

    @property
    def sizes(self) -> tuple[int, ...]:
        return (len(self.own),) if self.together else (len(self.own), len(self.real))

    def __call__(self, drawn: Values, real: Values | None = None) -> Values:
        others = drawn if real is None else real
        return divergence(others @ self.real / len(self.real), drawn @ self.own / len(self.own))

    def estimate(self) -> Estimate:
        return unbiased(self, *self.sizes)

    def minus(self, other: "_Pooled") -> Estimate:
        return unbiased(lambda *drawn: self(*drawn) - other(*drawn), *self.sizes)
