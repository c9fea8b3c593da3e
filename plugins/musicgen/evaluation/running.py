"""An evaluation from its subjects to its report; what is done already is not done again.

Each model is opened once, makes its clips, says how well it predicts the real ones, and is let go.
Then everything is measured, and `evaluation.json` and `index.html` are written. A run that is
stopped goes on where it was: clips, embeddings, labels and likelihoods are on disk one by one.

Beside a training all of it runs in a process of its own (`beside`).
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate import jsonio, names
from curate.progress import Progress, Silent

from ..errors import TrainingError
from . import making, material, subjects
from .features.models import Places
from .features.sharing import Bench
from .features.sounds import Sound
from .material import Material
from .measuring import Measuring
from .metrics import likelihood
from .metrics.likelihood import Surprise
from .metrics.outcome import NotRun
from .options import BASE, NONE, ROOT, Options
from .reports import page, record
from .reports.record import REAL, Evaluation, Row, Told
from .subjects import Clips, Subject

if TYPE_CHECKING:
    from ..generation.generating import Model

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Gathered:
    """What has been made so far.

    Attributes:
        sets: Clips by title.
        surprises: Likelihood by title, or why there is none.
        failed: Why a subject has no clips, by title.
        compression: The first model's codec.
    """

    sets: dict[str, Clips] = field(default_factory=dict)
    surprises: dict[str, Any] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)
    compression: Any = None


def evaluate(
    given: Sequence[str], options: Options, progress: Progress | None = None
) -> Evaluation:
    """Evaluates subjects, and writes the report into `options.out`.

    Args:
        given: Experiments, folders or names on the Hub; see `subjects`.
        options: How.
        progress: Told of everything.

    Raises:
        TrainingError: A subject, the data or an option is wrong, or no subject gives clips. What
            befalls a metric is in the result instead.
    """
    run = _Run(subjects.find(given), options, progress or Silent())
    return run.all()


def folder(given: Sequence[str], options: Options) -> Path:
    """Where the report goes."""
    if options.out is not None:
        return options.out
    return ROOT / "-vs-".join(names.slug(title)[:40] for title in subjects.titles(given))


class _Run:
    def __init__(self, found: list[Subject], options: Options, progress: Progress) -> None:
        from ..generation.generating import Settings

        self.options = options
        self.progress = progress
        self.subjects = found
        self.out = folder([one.name for one in found], options)
        self.cache = options.cache
        self.material: Material = material.read(options.data, options.limit, options.seed)
        seconds = self.material.seconds if options.seconds is None else options.seconds
        self.settings: Settings = Settings(
            seconds, options.cfg, options.temperature, options.top_k, options.seed
        )
        self.prompts = [item.prompt for item in self.material.items]
        self.made = _Gathered()
        self.notes = list(self.material.notes)
        if seconds > self.material.shortest_s + subjects.SHORT_S:
            shortest = self.material.shortest_s
            self.notes.append(f"clips have {seconds:g} s, but real ones {shortest:g} s and more")
        # what is wrong with these is said before the work
        real = {item.prompt.id: item.real for item in self.material.items}
        self.real = subjects.excerpts(real, seconds, self.cache)
        self.reference: tuple[Sound, ...] = ()
        if options.reference is not None:
            self.reference, broken = subjects.sounds_of(options.reference)
            if broken:
                self.notes.append(f"{broken} files of {options.reference} are broken: left out")
        if options.baseline not in (BASE, NONE) and self._named(options.baseline) is None:
            known = [one.name for one in found]
            title = subjects.titles([options.baseline, *known])[0]
            kind = subjects.find([options.baseline])[0].kind
            self.subjects = [Subject(options.baseline, title, kind), *found]

    def _named(self, name: str) -> Subject | None:
        return next((one for one in self.subjects if name in (one.name, one.title)), None)

    def all(self) -> Evaluation:
        """Everything."""
        for subject in self.subjects:
            self._gather(subject)
        baseline = self._baseline()
        if not self.made.sets:
            raise next(iter(self.made.failed.values()))
        sets = self.made.sets
        if baseline:  # first in all tables
            sets = {baseline: sets[baseline], **sets}
        bench = self._bench(sets, baseline)
        rows = Measuring(bench).rows(self.options.metrics)
        rows += [
            Row("clips", "", "", title, "failed", reason=str(why))
            for title, why in self.made.failed.items()
        ]
        evaluation = self._told(bench, rows)
        record.write(evaluation, self.out)
        self._page(evaluation)
        return evaluation

    def _gather(self, subject: Subject) -> None:
        """The clips of a subject, or why there are none."""
        try:
            if subject.kind == "clips":
                clips = subjects.of_folder(subject, self.prompts, self.settings.seconds, self.cache)
                self.made.sets[subject.title] = clips
                self.made.surprises[subject.title] = NotRun("a folder of clips predicts nothing")
            else:
                self._make(subject)
        except TrainingError as why:
            _LOG.warning("%s: %s", subject.title, why)
            self.made.failed[subject.title] = why

    def _make(self, subject: Subject) -> None:
        from ..generation.generating import open_model

        options = self.options
        model = open_model(
            subject.name, base=options.base, device=options.device, precision=options.precision
        )
        if self.made.compression is None:
            self.made.compression = model.compression
        done = making.generate(
            model,
            self.prompts,
            self.settings,
            self.cache,
            self.progress,
            title=subject.title,
            batch=options.batch,
        )
        self.made.sets[subject.title] = subjects.of_model(model, subject, self.prompts, done)
        if "likelihood" in options.metrics:
            self.made.surprises[subject.title] = self._surprises(model, subject.title)
        else:
            self.made.surprises[subject.title] = NotRun("not asked for")

    def _surprises(self, model: "Model", title: str) -> dict[str, Surprise] | Exception:
        with self.progress.stage(f"{title}: likelihood", len(self.prompts)) as stage:
            try:
                return likelihood.measure(model, self.material, self.cache, stage.advance)
            except Exception as error:  # a metric as others
                return error

    def _baseline(self) -> str:
        """Title of the subject that others are compared to; makes the base's clips where needed."""
        wanted = self.options.baseline
        if wanted == NONE:
            return ""
        if wanted != BASE:
            chosen = self._named(wanted)
            return chosen.title if chosen and chosen.title in self.made.sets else ""
        every = list(self.made.sets.values())
        name = next((clips.base for clips in every if clips.base), "")
        if not name:
            own = [c.subject.title for c in every if c.subject.kind == "model"]
            if len(every) > 1 and own:
                self.notes.append(f"no base is known: {own[0]} is the baseline")
                return own[0]
            self.notes.append("no base is known, so nothing is compared; name one by --baseline")
            return ""
        return self._base(name)

    def _base(self, name: str) -> str:
        for clips in self.made.sets.values():
            if clips.subject.name == name or _same_folder(clips.subject.name, name):
                return clips.subject.title
        taken = [one.name for one in self.subjects]
        title = subjects.titles([name, *taken])[0]
        if title in self.made.sets:
            title = f"{title} (base)"
        self._gather(Subject(name, title, "model"))
        if title not in self.made.sets:
            self.notes.append(f"the base {name} gives no clips, so nothing is compared to it")
            return ""
        return self._known(title)

    def _known(self, title: str) -> str:
        """The subject that is the same model under another name, if there is one."""
        own = self.made.sets[title].hash
        for other, clips in list(self.made.sets.items()):
            if other != title and clips.hash == own:
                del self.made.sets[title]
                return other
        return title

    def _bench(self, sets: dict[str, Clips], baseline: str) -> Bench:
        options = self.options
        train = self.material.train
        return Bench(
            material=self.material,
            sets=sets,
            baseline=baseline,
            real=self.real,
            train=train[: options.training] if options.training else train,
            reference=self.reference,
            surprises=self.made.surprises,
            places=Places(options.models, options.clap, options.muq, self.made.compression),
            cache=self.cache,
            embedders=options.embeddings,
            progress=self.progress,
            isolated=options.isolated,
        )

    def _told(self, bench: Bench, rows: list[Row]) -> Evaluation:
        options = self.options
        return Evaluation(
            version=record.VERSION,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            data=record.Data(
                options.data.absolute().name,
                self.material.fingerprint,
                self.material.split,
                len(self.material.test),
                len(bench.train),
                "" if options.reference is None else str(options.reference),
            ),
            making=record.Making(
                self.settings.seconds,
                self.settings.cfg,
                self.settings.temperature,
                self.settings.top_k,
                self.settings.seed,
                options.precision,
            ),
            baseline=bench.baseline,
            subjects=(*(self._subject(c, bench) for c in bench.sets.values()), _ceiling(bench)),
            prompts=self._lines(bench),
            results=tuple(rows),
            notes=tuple(self.notes),
        )

    def _subject(self, clips: Clips, bench: Bench) -> Told:
        title = clips.subject.title
        return Told(
            title=title,
            name=clips.subject.name,
            kind=clips.subject.kind,
            role="baseline" if title == bench.baseline else "subject",
            hash=clips.hash,
            base=clips.base,
            clips=len(clips.sounds),
            notes=(*clips.notes, *trained(clips.subject.name)),
            curves=curves(clips.subject.name),
        )

    def _lines(self, bench: Bench) -> tuple[record.PromptLine, ...]:
        """The prompts with the files of their clips, which are put beside the report."""
        taken: set[str] = set()
        files: dict[str, dict[str, Path]] = {}
        for title, clips in bench.sets.items():
            name = names.slug(title)
            while name in taken:
                name += "-"
            taken.add(name)
            files[title] = subjects.gather(clips, self.out / "clips" / name)
        texts: dict[str, str] = {prompt.id: prompt.prompt for prompt in self.prompts}
        for clips in bench.sets.values():
            texts |= {sound.key: clips.texts.get(sound.key, "") for sound in clips.sounds}
        return tuple(
            record.PromptLine(
                key,
                text,
                {
                    title: os.path.relpath(some[key].absolute(), self.out.absolute())
                    for title, some in files.items()
                    if key in some
                },
            )
            for key, text in texts.items()
        )

    def _page(self, evaluation: Evaluation) -> None:
        jsonio.write_atomically(self.out / record.PAGE, page.render(evaluation, self.out).encode())


def _ceiling(bench: Bench) -> Told:
    return Told(REAL, REAL, "real", "ceiling", clips=len(bench.real))


def _same_folder(one: str, other: str) -> bool:
    first, second = Path(one).expanduser(), Path(other).expanduser()
    return first.is_dir() and second.is_dir() and first.samefile(second)


UNTOLD = ("data", "base", "device", "solver", "execute_only", "evaluate", "generate", "dataset.num")
"""Settings of an experiment that say nothing of what it learnt."""


def trained(name: str) -> tuple[str, ...]:
    """What sets an experiment apart: its settings, as Dora has kept them; else nothing."""
    if "/" in name or (place := subjects.experiment(name)) is None:
        return ()
    try:
        words = [str(word) for word in jsonio.load_json(place / ".argv.json")]
    except (OSError, ValueError):
        return ()
    told = [word for word in words if not word.lstrip("+").startswith(UNTOLD)]
    return (f"trained with {' '.join(told)}",) if told else ()


def curves(name: str) -> dict[str, tuple[float | None, ...]]:
    """Cross entropies of an experiment, epoch by epoch, from its `history.json`; else none."""
    if "/" in name or (place := subjects.experiment(name)) is None:
        return {}
    try:
        history = jsonio.load_json(place / "history.json")
    except (OSError, ValueError):
        return {}
    found: dict[str, tuple[float | None, ...]] = {}
    for stage in ("train", "valid", "evaluate"):
        values = tuple(epoch.get(stage, {}).get("ce") for epoch in history)
        if any(value is not None for value in values):
            found[f"{stage} ce"] = values
    return found
