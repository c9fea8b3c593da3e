"""What an evaluation found, as `evaluation.json` has it (schemas/evaluation.schema.json).

Conventions: a row is one way of measuring one subject: a metric, of what (an embedder, a head of
labels, a codec), against what. A figure is named as its module names it. Values by clip are those
that figures are made of, where they are made of such; they are what distributions are drawn of.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from curate import jsonio
from curate.records import Seconds

from .. import METRICS, Metric
from ..metrics import likelihood
from ..metrics.outcome import Checkpoint
from ..metrics.statistics import Figure

VERSION = 1
"""Of the file's format."""

JSON = "evaluation.json"
PAGE = "index.html"

REAL = "real clips"
"""Title of the test clips themselves, where what they reach is the ceiling."""

Role = Literal["baseline", "subject", "ceiling"]


@dataclass(frozen=True, slots=True)
class Data:
    """The dataset.

    Attributes:
        name: Of its folder.
        fingerprint: Of its content, 12 hex digits.
        split: Where prompts and real clips are from.
        clips: Clips of this split.
        training: Clips of the training split that were looked at for copies.
        reference: Folder of the reference that was given; else "".
    """

    name: str
    fingerprint: str
    split: str
    clips: int
    training: int
    reference: str


@dataclass(frozen=True, slots=True)
class Making:
    """How clips were made, the same for all subjects.

    Attributes:
        seconds: Their length.
        cfg: Weight of classifier-free guidance.
        temperature: Of the draw.
        top_k: Codes that are drawn from.
        seed: Of the draw.
        precision: Of the language models.
    """

    seconds: Seconds
    cfg: float
    temperature: float
    top_k: int
    seed: int
    precision: str


@dataclass(frozen=True, slots=True)
class Told:
    """A subject.

    Attributes:
        title: Its name in all else.
        name: As it was given.
        kind: `model`, `clips` or, for the ceiling, `real`.
        role: Whether others are compared to it.
        hash: Of the model; else "".
        base: What the model was trained from; else "".
        clips: How many it has.
        notes: What to know of it.
        curves: Of an experiment: values an epoch, by stage and metric, such as `valid ce`; null
            where an epoch has none.
    """

    title: str
    name: str
    kind: Literal["model", "clips", "real"]
    role: Role
    hash: str = ""
    base: str = ""
    clips: int = 0
    notes: tuple[str, ...] = ()
    curves: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PromptLine:
    """A prompt.

    Attributes:
        id: Of its clips.
        text: The prompt.
        clips: Files by subject, from the folder of the report.
    """

    id: str
    text: str
    clips: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """What one metric says of one subject.

    Attributes:
        metric: Key of `measuring.GROUPS`.
        of: Embedder, head or model it is measured with; "" where there is no choice.
        against: `test`, `reference` or `train`; "" where it is held against nothing.
        subject: Title.
        state: `ok`, `not run` or `failed`.
        figures: By name, where it is ok.
        reason: Why there are none, or "".
        command: What to type so that it runs, or "".
        checkpoints: The weights it was measured with.
        values: By name and clip.
        words: By name and clip, such as the nearest training clip.
    """

    metric: str
    of: str
    against: str
    subject: str
    state: Literal["ok", "not run", "failed"]
    figures: Mapping[str, Figure] = field(default_factory=dict)
    reason: str = ""
    command: str = ""
    checkpoints: tuple[Checkpoint, ...] = ()
    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation.

    Attributes:
        version: Of this format.
        made_at: ISO 8601, UTC.
        data: What it is held against.
        making: How clips were made.
        baseline: Title of the subject that others are compared to; "" without one.
        subjects: Baseline first, then as given, then the ceiling.
        prompts: What was asked for.
        results: All rows.
        notes: What to know of the whole.
    """

    version: int
    made_at: str
    data: Data
    making: Making
    baseline: str
    subjects: tuple[Told, ...]
    prompts: tuple[PromptLine, ...]
    results: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def rows(self, metric: str) -> list[Row]:
        """The rows of a metric."""
        return [row for row in self.results if row.metric == metric]


def write(evaluation: Evaluation, folder: Path) -> Path:
    """Writes `evaluation.json`; gives its path."""
    path = folder / JSON
    jsonio.write_atomically(path, jsonio.pretty(evaluation))
    return path


def load(folder: Path) -> Evaluation:
    """The evaluation in a folder."""
    return jsonio.decode((folder / JSON).read_bytes(), Evaluation)


def meaning(figure: str) -> Metric:
    """What a figure says."""
    every = {one.name: one for one in (*METRICS, *likelihood.metrics(16))}
    return every.get(figure) or Metric(figure, "", "near", "", figure)


def better(figure: str, value: Figure) -> bool | None:
    """Whether a subject is surely better (or worse) than the baseline; None: it cannot be said."""
    apart = value.difference
    way = meaning(figure).better
    if apart is None or apart.low is None or apart.high is None or way == "near":
        return None
    if apart.low <= 0 <= apart.high:
        return None
    return (apart.low > 0) == (way == "higher")
