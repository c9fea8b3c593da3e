"""Every metric over every subject: rows of results, whatever becomes of any of them.

What metrics need of clips comes from `sharing`; what fails there fails for those that need it, and
for no other.
"""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from curate.labels.fields import Fields
from curate.records import Facts
from curate.stages import dedupe

from .features import hearing
from .features.sharing import Bench, ByClip, Done, Once, Shared
from .features.sounds import Sound
from .metrics import adherence, clap, frechet, likelihood, novelty, posteriors, spectral
from .metrics.likelihood import Surprise
from .metrics.outcome import Checkpoint, NotRun, Outcome, attempt
from .metrics.statistics import Figure
from .metrics.wording import Wording
from .reports.record import REAL, Row

Value = TypeVar("Value")

GROUPS = {
    "likelihood": "cross entropy and perplexity on real clips",
    "fad": "Fréchet audio distance, also without its bias, and song by song",
    "clap": "how well clips fit their prompts",
    "kl": "label posteriors against those of real clips",
    "adherence": "key, tempo, genre, mood, instrument, vocals: asked for and heard",
    "sound": "spectrogram, chroma, silence, clipping, repetition",
    "novelty": "diversity, and nearness to training clips",
    "copies": "training recordings in the clips",
}
"""Every metric, in the order of the report."""

EMBEDDINGS = ("vggish", "effnet", "clap", "encodec")
"""What FAD is measured with."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a metric says of a subject.

    Attributes:
        figures: See `Row`, and the others too.
        checkpoints: Weights.
        values: By clip.
        words: By clip.
        reason: What is to be known of the figures.
        command: What helps.
    """

    figures: Mapping[str, Figure]
    checkpoints: tuple[Checkpoint, ...] = ()
    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    reason: str = ""
    command: str = ""


class Measuring:
    """Measures a bench."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._shared = Shared(bench)

    def rows(self, metrics: Sequence[str]) -> list[Row]:
        """The rows of these metrics, in the order of `GROUPS`."""
        ways: dict[str, Callable[[], list[Row]]] = {
            "likelihood": self._likelihood,
            "fad": self._fad,
            "clap": self._clap,
            "kl": self._kl,
            "adherence": self._adherence,
            "sound": self._sound,
            "novelty": self._novelty,
            "copies": self._copies,
        }
        found = []
        for metric in GROUPS:
            if metric in metrics:
                found += ways[metric]()
        return found

    def _each(
        self,
        metric: str,
        measure: Callable[[str], Found],
        *,
        of: str = "",
        against: str = "",
        real: bool = False,
    ) -> list[Row]:
        """A row of every title."""
        rows = []
        for title in self.bench.titles if real else self.bench.sets:
            kept: list[Found] = []

            def run(title: str = title, kept: list[Found] = kept) -> Mapping[str, Figure]:
                kept.append(measure(title))
                return kept[0].figures

            rows.append(_row(attempt(metric, run), kept, of, against, title))
        return rows

    def _theirs(
        self,
        title: str,
        own: Mapping[str, Any],
        values: Callable[[str], Mapping[str, Value] | None],
    ) -> Mapping[str, Value] | None:
        """The baseline's values to hold a title's against; None where nothing can be paired."""
        baseline = self.bench.baseline
        if not baseline or title in (baseline, REAL):
            return None
        found = values(baseline)
        return found if found and found.keys() & own.keys() else None

    def _likelihood(self) -> list[Row]:
        def measure(title: str) -> Found:
            own = self.bench.surprises[title]
            if isinstance(own, Exception):
                raise own

            def known(name: str) -> Mapping[str, Surprise] | None:
                other = self.bench.surprises[name]
                return None if isinstance(other, Exception) else other

            theirs = self._theirs(title, own, known)
            values = {"ce": {key: one.ce for key, one in own.items()}}
            return Found(likelihood.evaluate(own, theirs), values=values)

        return self._each("likelihood", measure, against="test")

    def _fad(self) -> list[Row]:
        rows = []
        for name in self.bench.embedders:
            for against, sounds in (("test", self.bench.material.test),
                                    ("reference", self.bench.reference)):  # fmt: skip
                if sounds:
                    rows += self._each("fad", self._fad_of(name, sounds), of=name, against=against)
        return rows

    def _fad_of(self, name: str, sounds: tuple[Sound, ...]) -> Callable[[str], Found]:
        cloud: list[ByClip] = []

        def measure(title: str) -> Found:
            embedded = self._shared.embedded(name)
            if not cloud:
                cloud.append(embedded.of(sounds))
            own = embedded.of(self.bench.sounds(title))
            few = min(len(own), len(cloud[0]))
            if few < 2:
                raise NotRun(f"a distance of clouds needs two clips in each, and one has {few}")
            theirs = self._theirs(title, own, lambda name: embedded.of(self.bench.sounds(name)))
            if theirs is not None and len(theirs.keys() & own.keys()) < 2:
                theirs = None
            figures = frechet.evaluate(own, cloud[0], theirs)
            values = {"per_song": frechet.per_song(own, cloud[0])}
            return Found(figures, embedded.checkpoints, values, reason=_small(few, own, cloud[0]))

        return measure

    def _clap(self) -> list[Row]:
        names = ["clap", *(["muq"] if importlib.util.find_spec("muq") else [])]
        rows = []
        for name in names:
            rows += self._each("clap", lambda title, name=name: self._score(name, title),  # type: ignore[misc]
                               of=name, real=True)  # fmt: skip
        return rows

    def _score(self, name: str, title: str) -> Found:
        embedded = self._shared.embedded(name)
        texts = {key: embedded.text(said) for key, said in self.bench.texts(title).items()}
        own = {k: r for k, r in embedded.of(self.bench.sounds(title)).items() if k in texts}
        if not own:
            raise NotRun("nothing is known of its prompts; put prompts.jsonl into its folder")

        def known(name: str) -> ByClip:
            every = embedded.of(self.bench.sounds(name))
            return {key: rows for key, rows in every.items() if key in texts}

        theirs = self._theirs(title, own, known)
        values = {"score": clap.scores(own, texts), "contrast": clap.contrasts(own, texts)}
        return Found(clap.evaluate(own, texts, theirs), embedded.checkpoints, values)

    def _kl(self) -> list[Row]:
        once = Once(lambda: self._shared.heard(signal_only=False))

        def measure(title: str, head: str) -> Found:
            heard, done = once.value()
            every = {name: posteriors.of_head(one, head) for name, one in heard.items()}
            own = every[title]
            if not own:
                raise NotRun("its clips are too short or silent for the head; take --seconds 10")
            figures = posteriors.evaluate(own, every[REAL], self._theirs(title, own, every.get))
            values = {"paired": posteriors.divergences(own, every[REAL])}
            return Found(figures, done.checkpoints, values)

        rows = []
        for model in hearing.HEADS:
            rows += self._each("kl", lambda title, head=model.name: measure(title, head),  # type: ignore[misc]
                               of=model.name, against="test")  # fmt: skip
        return rows

    def _adherence(self) -> list[Row]:
        once = Once(self._asserted)

        def measure(title: str) -> Found:
            fields, done, reason, command = once.value()
            wanted = self._wanted(models=not reason)
            every = {
                name: {key: one for key, one in some.items() if key in wanted}
                for name, some in fields.items()
            }
            own = every[title]
            if not own:
                raise NotRun("none of its clips is of these prompts")
            figures = adherence.evaluate(wanted, own, self._theirs(title, own, every.get))
            return Found(figures, done.checkpoints, reason=reason, command=command)

        return self._each("adherence", measure, real=True)

    def _asserted(self) -> tuple[dict[str, dict[str, Fields]], Done, str, str]:
        """What would be asserted of each clip; if only by analysis, why."""
        reason = command = ""
        try:
            heard, done = self._shared.heard(signal_only=False)
        except Exception as why:
            reason = f"key and tempo only: {why.reason if isinstance(why, NotRun) else why}"
            command = why.command if isinstance(why, NotRun) else ""
            heard, done = self._shared.heard(signal_only=True)
        material = self.bench.material
        fields = {
            title: {
                key: hearing.asserted(one, material.words, material.options)
                for key, one in some.items()
            }
            for title, some in heard.items()
        }
        return fields, done, reason, command

    def _wanted(self, *, models: bool) -> dict[str, Facts]:
        found, wording = {}, Wording(self.bench.material.words)
        for item in self.bench.material.items:
            wanted = adherence.asked(item.prompt.prompt, item.facts, wording)
            if not models:  # else what nobody listened for would count as not heard
                wanted = replace(wanted, genres=(), moods=(), instruments=(), sung=None)
            found[item.prompt.id] = wanted
        return found

    def _sound(self) -> list[Row]:
        real = {sound.key: sound for sound in self.bench.real}
        measured: dict[str, dict[str, dict[str, float]]] = {}

        def values(title: str) -> dict[str, dict[str, float]]:
            if title not in measured:
                sounds, found = self.bench.sounds(title), {}
                with self.bench.progress.stage(f"{title}: sound", len(sounds)) as stage:
                    for sound in sounds:
                        other = None if title == REAL else real.get(sound.key)
                        found[sound.key] = spectral.measure(sound, other, self.bench.cache)
                        stage.advance()
                measured[title] = found
            return measured[title]

        def measure(title: str) -> Found:
            own = values(title)
            figures = spectral.evaluate(own, self._theirs(title, own, values))
            return Found(figures, values=_turned(own))

        return self._each("sound", measure, against="test", real=True)

    def _novelty(self) -> list[Row]:
        once = Once(self._shared.space)

        def measure(title: str) -> Found:
            embedded, training = once.value()
            if len(training) < 2:
                raise NotRun("there is one training clip; nearness is told by two and more")
            own = embedded.of(self.bench.sounds(title))
            theirs = self._theirs(title, own, lambda name: embedded.of(self.bench.sounds(name)))
            held_out = embedded.of(self.bench.material.test)
            figures = novelty.evaluate(own, training, held_out, theirs)
            near = novelty.neighbours(own, novelty.Space.of(training))
            return Found(
                figures,
                embedded.checkpoints,
                {"nearest": {key: one.distance for key, one in near.items()}},
                {"nearest": {key: Path(one.key).name for key, one in near.items()}},
                _few_held_out(len(held_out)),
            )

        rows = self._each("novelty", measure, against="train", real=True)
        used = once.kept[0].name if once.kept else ""
        return [replace(row, of=used) for row in rows]

    def _copies(self) -> list[Row]:
        once = Once(self._shared.prints)

        def measure(title: str) -> Found:
            printed, recordings = once.value()
            own = printed[title]
            size = round(novelty.STRETCH_S * dedupe.ITEMS_PER_SECOND)
            if all(len(items) < size for items in own.values()):
                raise NotRun(
                    f"its clips are too short to hold a stretch of {novelty.STRETCH_S:g} s; "
                    "give --seconds 10"
                )
            theirs = self._theirs(title, own, printed.get)
            figures = novelty.evaluate_copies(own, recordings, theirs)
            copied = {key: recordings.copied(items) for key, items in own.items()}
            words = {key: Path(one[0]).name for key, one in copied.items() if one is not None}
            flags = {key: float(one is not None) for key, one in copied.items()}
            return Found(figures, values={"copied": flags}, words={"copied": words})

        return self._each("copies", measure, against="train", real=True)


def _small(few: int, own: ByClip, cloud: ByClip) -> str:
    """What to know of a distance of few clips, or of fewer embeddings than dimensions."""
    rows = min(sum(map(len, some.values())) for some in (own, cloud))
    width = next(iter(own.values())).shape[1]
    told = []
    if few < frechet.PARTS:
        told.append(f"fad_infinity needs {frechet.PARTS} clips, and there are {few}")
    if rows <= width:
        told.append(f"{rows} embeddings in {width} dimensions leave covariances without full rank")
    if not told:
        return ""
    return f"{'; '.join(told)}: fad is too large, and fit only to be compared with as many clips"


def _few_held_out(count: int) -> str:
    """What to know of a threshold that is the 5% quantile of few real clips."""
    if count * novelty.NEAR >= 1:
        return ""
    return (
        f"what near means is told by {count} held-out clips, and {round(1 / novelty.NEAR)} would "
        "be wanted: near_share says little"
    )


def _turned(values: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """By clip and name to by name and clip."""
    found: dict[str, dict[str, float]] = {}
    for key, named in values.items():
        for name, value in named.items():
            found.setdefault(name, {})[key] = value
    return found


def _row(outcome: Outcome, kept: list[Found], of: str, against: str, title: str) -> Row:
    found = kept[0] if kept and outcome.state == "ok" else Found({})
    return Row(
        metric=outcome.metric,
        of=of,
        against=against,
        subject=title,
        state=outcome.state,
        figures=outcome.figures,
        reason=outcome.reason or found.reason,
        command=outcome.command or found.command,
        checkpoints=found.checkpoints,
        values=found.values,
        words=found.words,
    )
