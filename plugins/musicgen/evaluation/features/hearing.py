"""What `curate` hears in clips: the labels that adherence and label posteriors are measured by.

A clip is treated as a track of its own, by the same analysis and models that labelled the dataset.
What is kept on disk are the models' scores, so other thresholds or words cost no audio work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curate import loudness
from curate.config import LabelOptions
from curate.labels import fields, signal, statements
from curate.labels.fields import Fields
from curate.labels.models import zoo
from curate.labels.models.weights import Files
from curate.labels.vocabulary import Vocabulary
from curate.names import digest
from curate.records import Answer, Label

from . import models
from .sounds import Kept, Sound, mono, validate

VERSION = 1

HEADS = tuple(model for model in zoo.MODELS if model.kind in ("genre", "mood", "instrument"))
VOICE = tuple(model for model in zoo.MODELS if model.kind == "voice")
ASKED = (models.EFFNET, *HEADS, *VOICE)
"""The models that are asked."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What is heard in a clip.

    Attributes:
        signal: Labels by analysis: key, tempo and others.
        answers: Every class of every model, with the mean of its scores over the clip; a model for
            which the clip is too short gives none.
    """

    signal: tuple[Label, ...]
    answers: tuple[Answer, ...]


def files(place: Path | None) -> tuple[Files, ...]:
    """The models that are asked, found and checked.

    Raises:
        NotRun: One is missing or broken.
    """
    return models.essentia(ASKED, place)


def hear(
    sounds: Sequence[Sound], asked: tuple[Files, ...] = (), cache: Path | None = None
) -> dict[str, Heard]:
    """What is heard in each clip.

    Args:
        sounds: The clips.
        asked: The models; without any there are labels by analysis only.
        cache: Folder where it is kept, or None.

    Raises:
        ValueError: A file is missing or broken; names the clip.
        CurateError: A model does not run.
    """
    from curate.labels.models import listening

    validate(sounds)
    names = [(one.model.name, one.sha256) for one in asked]
    version = (VERSION, signal.VERSION, listening.VERSION)
    kept, found = Kept(cache, f"heard-{digest(*version, names)[:16]}"), {}
    for sound in sounds:
        heard = kept.record(sound, Heard)
        if heard is None:
            heard = _hear(sound, asked)
            kept.keep_record(sound, heard)
        found[sound.key] = heard
    return found


def _hear(sound: Sound, asked: tuple[Files, ...]) -> Heard:
    from curate.labels.models import listening

    single = mono(sound, signal.RATE)
    energy = loudness.block_energy(single[:, None], signal.RATE)
    labels = signal.analyse(single, loudness.integrated(energy)).labels
    if not asked:
        return Heard(labels, ())
    return Heard(labels, listening.load(asked).listen(single, signal.RATE).whole(0.0))


def asserted(heard: Heard, words: Vocabulary, options: LabelOptions | None = None) -> Fields:
    """What a dataset would assert of such a clip.

    Args:
        heard: See `hear`.
        words: The vocabulary of the dataset, whose words the prompts have.
        options: Thresholds; best those of the dataset's own `build.json`.
    """
    chosen = options or LabelOptions()
    floor = (
        Answer(one.model, {name: s for name, s in one.scores.items() if s >= chosen.floor})
        if zoo.BY_NAME[one.model].purpose == "words"
        else one
        for one in heard.answers
    )
    labels = (*heard.signal, *statements.labels(floor, chosen))
    return fields.choose((), labels, chosen, words)
