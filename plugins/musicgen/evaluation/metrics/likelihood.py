"""How well a model predicts real music: cross entropy and perplexity on the test clips' tokens.

Conventions: nats; 0 is best, lower is better. Codebooks count from 1 as in audiocraft's logs: `ce`
is the mean of `ce_q1` ... `ce_qK`, each the mean over all tokens of that codebook, and `ppl` is
exp(ce). The arithmetic is the training's own (`steps`), so the numbers are those of its logs; but
each clip is computed by itself, so no text is padded to another's length, and clips can be drawn
and paired. `n` counts clips. Only models with the same codec can be compared.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from curate import names
from curate.records import Seconds

from .. import Metric
from ..features.sounds import Kept, Sound
from ..material import Material
from .statistics import Figure, Values, bootstrap, paired

if TYPE_CHECKING:
    from ...generation.generating import Model

VERSION = 1
"""Raised when the same model would be given other numbers."""


@dataclass(frozen=True, slots=True)
class Surprise:
    """What a clip costs a model.

    Attributes:
        nats: Summed cross entropy of each codebook, [K].
        counts: Tokens of each codebook that count, [K].
    """

    nats: tuple[float, ...]
    counts: tuple[float, ...]

    @property
    def ce(self) -> float:
        """Mean over codebooks of the clip's mean cross entropy."""
        return float(np.mean(np.divide(self.nats, self.counts)))


def metrics(codebooks: int) -> tuple[Metric, ...]:
    """The figures for a model of so many codebooks."""
    found = []
    for name, unit, words in (("ce", "nats", "cross entropy"), ("ppl", "", "perplexity")):
        found.append(
            Metric(name, "likelihood", "lower", unit, f"{words} of the real clips' tokens")
        )
        for book in range(1, codebooks + 1):
            of = f"{words}, codebook {book}"
            found.append(Metric(f"{name}_q{book}", "likelihood", "lower", unit, of))
    return tuple(found)


def validate(values: Mapping[str, Surprise]) -> int:
    """Checks values; gives the number of codebooks.

    Raises:
        ValueError: There are none, they differ in codebooks, or one is not finite; names the clip.
    """
    if not values:
        raise ValueError("no clips; expected at least one")
    books = {len(one.nats) for one in values.values()}
    if len(books) > 1:
        raise ValueError(f"clips of different numbers of codebooks: {sorted(books)}")
    for key, one in values.items():
        if not np.isfinite(one.nats).all() or min(one.counts) < 1:
            raise ValueError(f"clip {key}: a cross entropy of {one.nats} over {one.counts} tokens")
    return books.pop()


def measure(
    model: "Model",
    material: Material,
    cache: Path | None = None,
    tell: Callable[[], None] = lambda: None,
) -> dict[str, Surprise]:
    """What each real clip of the prompts costs a model.

    A clip longer than what the model overlooks is cropped where validation crops it.

    Args:
        model: Opened; its language model is float32 afterwards.
        material: Whose items' clips.
        cache: Folder where values are kept, or None.
        tell: Called after each clip.
    """
    seconds = min(model.longest_s, material.longest_train_s)
    precision = str(next(model.lm.parameters()).dtype)  # what was rounded stays so
    dataset, lm = _dataset(model, material, seconds), model.lm.float()
    places = {str(meta.path): place for place, meta in enumerate(dataset.meta)}
    found = {}
    for item in material.items:
        kept = Kept(cache, f"likelihood-{_stamp(model, precision, item.prompt.prompt, seconds)}")
        sound = Sound(item.prompt.id, item.real)
        value = kept.record(sound, Surprise)
        if value is None:
            value = _one(model, lm, dataset, places[str(item.real)])
            kept.keep_record(sound, value)
        found[item.prompt.id] = value
        tell()
    return found


def _stamp(model: "Model", precision: str, prompt: str, seconds: Seconds) -> str:
    return f"{model.hash}/{names.digest(VERSION, precision, prompt, seconds)[:16]}"


def _dataset(model: "Model", material: Material, seconds: Seconds) -> Any:
    """The clips as validation reads them."""
    from ...dataset import text
    from ...dataset.clips import ClipDataset

    found = ClipDataset.from_meta(
        str(material.manifest),
        segment_duration=seconds,
        min_segment_ratio=1.0,
        sample_rate=model.compression.sample_rate,
        channels=model.compression.channels,
        texts=text.TextOptions(),
        training=False,
        seed=0,
        shuffle=False,
        sample_on_duration=False,
        sample_on_weight=False,
    )
    found.num_samples = len(found.meta)
    return found


def _one(model: "Model", lm: Any, dataset: Any, place: int) -> Surprise:
    import torch

    from ...training import steps

    device = next(lm.parameters()).device
    sound, infos = dataset.collater([dataset[place]])
    attributes = [info.to_condition_attributes() for info in infos]
    used = lm.condition_provider.conditioners
    for one in attributes:
        one.wav = {name: wave for name, wave in one.wav.items() if name in used}
    with torch.inference_mode():
        codes, _ = model.compression.encode(sound.to(device))
        inputs, targets = steps.lay_out(lm, codes)
        conditions = lm.condition_provider(lm.condition_provider.tokenize(attributes))
        nats = steps.surprise(lm, steps.hidden(lm, inputs, conditions), targets)
        counts = steps.counted(targets, lm.special_token_id)
    return Surprise(tuple(map(float, nats)), tuple(map(float, counts)))


def evaluate(
    values: Mapping[str, Surprise], baseline: Mapping[str, Surprise] | None = None
) -> dict[str, Figure]:
    """`ce` and `ppl`, and `ce_q1`, `ppl_q1` ... of every codebook.

    Args:
        values: Of the model.
        baseline: Of the baseline; differences are left out where its codebooks are others.

    Raises:
        ValueError: See `validate`; or no clip in common.
    """
    books = validate(values)
    own = _Entropies(values, list(values))
    if baseline is not None and validate(baseline) != books:
        baseline = None
    both = None if baseline is None else paired(values, baseline)
    found = {}
    for book in (None, *range(books)):
        for name, shape in (("ce", _same), ("ppl", np.exp)):
            whole = bootstrap(own.statistic(book, shape), len(values))
            apart = None
            if baseline is not None and both is not None:
                one = _Entropies(values, both).statistic(book, shape)
                other = _Entropies(baseline, both).statistic(book, shape)
                apart = bootstrap(_minus(one, other), len(both))
            found[name if book is None else f"{name}_q{book + 1}"] = Figure(whole, apart)
    return found


Statistic = Callable[[Values], Values]


def _same(values: Values) -> Values:
    return values


def _minus(one: Statistic, other: Statistic) -> Statistic:
    return lambda drawn: one(drawn) - other(drawn)


class _Entropies:
    """Cross entropies of resampled clips."""

    def __init__(self, values: Mapping[str, Surprise], keys: list[str]) -> None:
        self._nats = np.array([values[key].nats for key in keys], np.float64)
        self._counts = np.array([values[key].counts for key in keys], np.float64)

    def statistic(self, book: int | None, shape: Callable[[Any], Any]) -> Statistic:
        """Of one codebook, or of all."""

        def found(drawn: npt.NDArray[np.float64]) -> Values:
            every = (drawn @ self._nats) / (drawn @ self._counts)
            chosen = every.mean(1) if book is None else every[:, book]
            return np.asarray(shape(chosen), np.float64)

        return found
