"""Everything said of a track and of its clips, by anyone, and what of it the dataset asserts.

Signal analysis, the file's tags, models and people all make `Label`s. Here the models' scores
become labels, all are gathered, and `fields.choose` draws the fields from them. No audio is needed:
other thresholds, words or manual labels cost no more than writing the sidecars.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from curate.config import LabelOptions
from curate.labels import fields
from curate.labels.fields import Fields
from curate.labels.models import zoo
from curate.labels.vocabulary import Vocabulary
from curate.records import Answer, Chunk, Classified, Label

PARENT = 0.3
"""Least score of a parent genre (`Rock`), when no single style of it stands out.

A parent is as likely as any of its styles, but only those count that are `NOTICEABLE`: of the
hundred styles of `Electronic`, each with next to nothing, there would always be one.
"""

NOTICEABLE = 0.05
"""Half of Essentia's usual threshold. It is fixed: what is measured does not move with what is
asserted."""

NON_MUSIC = "Non-Music"
"""Discogs' parent of speech and noise: no genre, but good to know."""

_NUMBERS = {"arousal": "arousal", "valence": "valence"}
"""Label of an output of a model with several numbers, by the model's own name of it."""


@dataclass(frozen=True, slots=True)
class Manually:
    """What people said.

    Attributes:
        whole: Of the track.
        clips: Of each of its clips, in their order.
    """

    whole: tuple[Label, ...]
    clips: tuple[tuple[Label, ...], ...]


@dataclass(frozen=True, slots=True)
class Statements:
    """What is said of a track.

    Attributes:
        whole: Of the track as a whole.
        clips: Of each of its clips, in their order.
        fields: What is asserted of each clip.
        track: What is asserted of the whole.
    """

    whole: tuple[Label, ...]
    clips: tuple[tuple[Label, ...], ...]
    fields: tuple[Fields, ...]
    track: Fields

    @property
    def every(self) -> Iterator[Label]:
        """All of it."""
        yield from self.whole
        for own in self.clips:
            yield from own

    def of_clip(self, place: int) -> tuple[Label, ...]:
        """A clip's own labels, then the track's.

        What models say of the whole track is left out: they were asked about the clip itself.
        """
        whole = (label for label in self.whole if not label.source.startswith("essentia."))
        return (*self.clips[place], *whole)


def gather(
    analysed: Iterable[Label],
    answers: Classified,
    manual: Manually,
    chunks: Sequence[Chunk],
    options: LabelOptions,
    words: Vocabulary,
) -> Statements:
    """All that is said of a track, people first.

    Args:
        analysed: Labels of the whole by analysis, then by the file's tags.
        answers: What models say.
        manual: What people say.
        chunks: The track's clips; they hold their own analysis.
        options: From which score on a model's word is a label.
        words: What to call things.
    """
    whole = (*manual.whole, *analysed, *labels(answers.whole, options))
    clips = []
    for said, chunk in zip(manual.clips, chunks, strict=True):
        heard = answers.windows[chunk.index] if answers.windows else ()
        clips.append((*said, *chunk.labels, *labels(heard, options)))
    chosen = tuple(fields.choose(whole, own, options, words) for own in clips)
    return Statements(whole, tuple(clips), chosen, fields.choose(whole, whole, options, words))


def labels(answers: Iterable[Answer], options: LabelOptions) -> Iterator[Label]:
    """A model's answers as labels: words from their threshold on, numbers always."""
    for answer in answers:
        model = zoo.BY_NAME[answer.model]
        source = f"essentia.{model.name}"
        if model.purpose == "words":
            yield from _words(model.kind, answer.scores, source, options)
        elif model.purpose == "pair":
            name, score = max(answer.scores.items(), key=lambda item: item[1])
            yield Label(model.kind, name, source, score)
        elif model.purpose == "tempo":
            yield from _tempo(answer.scores, source)
        else:
            for name, value in answer.scores.items():
                yield Label(_NUMBERS.get(name, model.kind), value, source)


def _words(
    kind: str, scores: dict[str, float], source: str, options: LabelOptions
) -> Iterator[Label]:
    threshold = getattr(options, kind).threshold
    parents: dict[str, float] = {}
    for name, score in scores.items():  # the largest first
        parent, dashes, _ = name.partition("---")
        if dashes and (parent not in parents or score >= NOTICEABLE):
            parents[parent] = 1.0 - (1.0 - parents.get(parent, 0.0)) * (1.0 - score)
        if score >= threshold and parent != NON_MUSIC:
            yield Label(kind, name, source, score)
    for parent, score in sorted(parents.items(), key=lambda item: -item[1]):
        if parent == NON_MUSIC:
            yield Label("non_music", round(score, 4), source)
        elif score >= max(PARENT, threshold):
            yield Label(kind, parent, source, round(score, 4))


def _tempo(scores: dict[str, float], source: str) -> Iterator[Label]:
    """The likeliest tempo; its score is all that lies within 4% of it."""
    if not scores:
        return
    best = float(max(scores, key=scores.__getitem__))
    near = math.fsum(score for bpm, score in scores.items() if abs(float(bpm) / best - 1) < 0.04)
    yield Label("tempo", best, source, round(min(near, 1.0), 4), (best / 2, best * 2))
