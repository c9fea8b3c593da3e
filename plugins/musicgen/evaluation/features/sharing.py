"""What metrics need of clips, computed once for all subjects and kept on disk.

Embeddings, labels and prints are made in processes of their own (`apart`), several where one would
keep but one processor busy. What fails fails once, and again for each metric that asks for it.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from curate.progress import Progress

from ..material import Material
from ..metrics import novelty
from ..metrics.likelihood import Surprise
from ..metrics.outcome import Checkpoint, NotRun
from ..reports.record import REAL
from ..subjects import Clips
from . import apart, embeddings, hearing
from .apart import Left, Work
from .embeddings import Rows
from .hearing import Heard
from .models import Places
from .sounds import Sound

_LOG = logging.getLogger(__name__)

NEAREST = ("effnet", "clap", "vggish", "encodec")
"""What novelty is measured with: the first that runs."""

AT_ONCE = 64
"""Training clips whose embeddings are in memory at once."""

AT_LEAST = 16
"""Clips worth a process, which takes seconds to start."""

MOST = 4
"""Processes: each takes up to 0.6 GB."""

ByClip = dict[str, Rows]


@dataclass(frozen=True, slots=True)
class Bench:
    """All that is measured, and with what.

    Attributes:
        material: The dataset.
        sets: Clips by title; without the ceiling.
        baseline: Title of one of them, or "".
        real: The real clips of the prompts, as long as generated ones.
        train: Training clips that are looked at.
        reference: Other clips to hold against; may be empty.
        surprises: Likelihood by title, or why there is none.
        places: Where weights are.
        cache: Where results are kept.
        embedders: Of `EMBEDDINGS`, those to use.
        progress: Told of everything.
        isolated: Do native work in processes of their own.
    """

    material: Material
    sets: Mapping[str, Clips]
    baseline: str
    real: tuple[Sound, ...]
    train: tuple[Sound, ...]
    reference: tuple[Sound, ...]
    surprises: Mapping[str, Mapping[str, Surprise] | Exception]
    places: Places
    cache: Path
    embedders: tuple[str, ...]
    progress: Progress
    isolated: bool = True

    @property
    def titles(self) -> tuple[str, ...]:
        """Of all that has clips, the ceiling last."""
        return (*self.sets, REAL)

    def sounds(self, title: str) -> tuple[Sound, ...]:
        """The clips of a title."""
        return self.real if title == REAL else self.sets[title].sounds

    @property
    def generated(self) -> tuple[Sound, ...]:
        """All clips of all subjects and the real ones of the prompts, each file once.

        Keys are those of files here: the same prompt has a clip of every subject.
        """
        every = [sound.path for title in self.titles for sound in self.sounds(title)]
        return keyed(every)

    def texts(self, title: str) -> Mapping[str, str]:
        """The prompts of a title's clips."""
        if title == REAL:
            return {item.prompt.id: item.prompt.prompt for item in self.material.items}
        return self.sets[title].texts


def keyed(paths: Iterable[Path]) -> tuple[Sound, ...]:
    """Files as sounds with keys of their own, each once."""
    return tuple(Sound(str(path), path) for path in dict.fromkeys(paths))


@dataclass(frozen=True, slots=True)
class Done:
    """Work that is done; with which weights."""

    checkpoints: tuple[Checkpoint, ...]


@dataclass(frozen=True, slots=True)
class Embedded:
    """What an embedder left on disk."""

    name: str
    embedder: Any
    cache: Path

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """The weights."""
        return (self.embedder.checkpoint,)

    def of(self, sounds: Sequence[Sound]) -> ByClip:
        """Embeddings by the keys of these sounds; without those that are too short for one.

        Raises:
            NotRun: All are too short.
        """
        found = embeddings.embed(sounds, self.embedder, self.cache)
        if not found:
            raise NotRun(
                f"all {len(sounds)} clips are too short for {self.name}; take --seconds 10"
            )
        return found

    def text(self, said: str) -> Rows:
        """The embedding of a text, [width]."""
        found: Rows = np.load(apart.text_path(self.cache, self.embedder, said), allow_pickle=False)
        return found


class Once:
    """A value that is computed at the first call, or fails at every one."""

    def __init__(self, compute: Callable[[], Any]) -> None:
        self._compute = compute
        self._error: Exception | None = None
        self.kept: Any = None

    def value(self) -> Any:
        """The value."""
        if self._error is not None:
            raise self._error
        if self.kept is None:
            try:
                self.kept = self._compute()
            except Exception as error:
                self._error = error
                raise
        return self.kept


class Shared:
    """What is shared between metrics."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._embedded: dict[str, Embedded | Exception] = {}
        self._heard = {only: Once(partial(self._hear, signal_only=only)) for only in (True, False)}

    def embedded(self, name: str) -> Embedded:
        """All clips but the training's by one embedder; computed once, failing once."""
        known = self._embedded.get(name)
        if known is None:
            others = (*self.bench.material.test, *self.bench.reference)
            sounds = (*self.bench.generated, *keyed(sound.path for sound in others))
            sounds = tuple({sound.key: sound for sound in sounds}.values())
            try:
                known = self._embed(name, sounds, name)
            except Exception as why:
                known = why
            self._embedded[name] = known
        if isinstance(known, Exception):
            raise known
        return known

    def heard(self, *, signal_only: bool) -> tuple[dict[str, dict[str, Heard]], Done]:
        """What is heard in the clips of each title; computed once, failing once."""
        found: tuple[dict[str, dict[str, Heard]], Done] = self._heard[signal_only].value()
        return found

    def _hear(self, *, signal_only: bool) -> tuple[dict[str, dict[str, Heard]], Done]:
        sounds = self.bench.generated
        work = self._work("hear", sounds, signal_only=signal_only)
        done = self._done(work, "labels")
        files = () if signal_only else hearing.files(self.bench.places.essentia)
        heard = hearing.hear(sounds, files, self.bench.cache)
        found = {
            title: {one.key: heard[str(one.path)] for one in self.bench.sounds(title)}
            for title in self.bench.titles
        }
        return found, done

    def space(self) -> tuple[Embedded, ByClip]:
        """The first embedder that runs, and the mean embeddings of the training clips."""
        names = [name for name in NEAREST if name in self.bench.embedders]
        command = ""
        for name in names:
            try:
                return self.embedded(name), self._training(name)
            except NotRun as why:
                command = command or why.command
            except Exception as why:  # the next may do
                _LOG.warning("novelty by %s: %s", name, why)
        raise NotRun(f"of {', '.join(names)} none runs here", command)

    def _training(self, name: str) -> ByClip:
        sounds = keyed(sound.path for sound in self.bench.train)
        embedded = self._embed(name, sounds, "training clips")
        found: ByClip = {}
        for first in range(0, len(sounds), AT_ONCE):
            for key, rows in embedded.of(sounds[first : first + AT_ONCE]).items():
                found[key] = rows.mean(0, keepdims=True, dtype=np.float64).astype(np.float32)
        return found

    def prints(self) -> tuple[dict[str, dict[str, Any]], novelty.Recordings]:
        """Chromaprints of each title's clips, and of the training clips."""
        train = keyed(sound.path for sound in self.bench.train)
        generated = self.bench.generated
        self._done(self._work("print", (*generated, *train)), "prints")
        printed = novelty.prints(generated, self.bench.cache)
        by_title = {
            title: {one.key: printed[str(one.path)] for one in self.bench.sounds(title)}
            for title in self.bench.titles
        }
        return by_title, novelty.Recordings(novelty.prints(train, self.bench.cache))

    def _embed(self, name: str, sounds: tuple[Sound, ...], what: str) -> Embedded:
        if name == "encodec":  # the codec is in this process already
            if self.bench.places.compression is None:
                raise NotRun("there is no model, whose codec it is; name one by --baseline")
            embedder = embeddings.load(name, self.bench.places)
            with self.bench.progress.stage(what, len(sounds)) as stage:
                for first in range(0, len(sounds), apart.A_TIME):
                    some = sounds[first : first + apart.A_TIME]
                    embeddings.embed(some, embedder, self.bench.cache)
                    for _ in some:
                        stage.advance()
            return Embedded(name, embedder, self.bench.cache)
        said = [text for title in self.bench.titles for text in self.bench.texts(title).values()]
        texts = tuple(dict.fromkeys(said)) if name in ("clap", "muq") else ()
        done = self._done(self._work("embed", sounds, embedder=name, texts=texts), what)
        return Embedded(name, Left(name, done.checkpoints[0]), self.bench.cache)

    def _work(self, kind: apart.Kind, sounds: tuple[Sound, ...], **more: Any) -> Work:
        places = self.bench.places
        return Work(
            kind,
            tuple(str(sound.path) for sound in sounds),
            str(self.bench.cache),
            essentia="" if places.essentia is None else str(places.essentia),
            clap=places.clap,
            muq=places.muq,
            **more,
        )

    def _done(self, work: Work, what: str) -> Done:
        """Work, done apart or here."""
        with self.bench.progress.stage(what, len(work.files)) as stage:

            def tell(count: int) -> None:
                for _ in range(count):
                    stage.advance()

            if not self.bench.isolated:
                return Done(apart.do(work, tell))
            return Done(run(work, tell))


def run(
    work: Work, tell: Callable[[int], None] = lambda _: None, processes: int | None = None
) -> tuple[Checkpoint, ...]:
    """Does work in other processes, each with its part of the clips; see `apart.run`.

    Args:
        work: What.
        tell: Told of every few clips that are done.
        processes: How many; None for what suits the work and the machine.
    """
    shares = _shares(work, processes or _processes(work))
    if len(shares) == 1:
        return apart.run(work, tell)
    one_at_a_time = threading.Lock()

    def told(count: int) -> None:
        with one_at_a_time:
            tell(count)

    with ThreadPoolExecutor(len(shares)) as pool:
        found = list(pool.map(lambda share: apart.run(share, told), shares))
    return found[0]


def _processes(work: Work) -> int:
    """How many processes suit: the models of torch's use all processors by themselves."""
    from curate.api import processors

    if work.embedder in ("clap", "muq"):
        return 1
    return max(1, min(processors(), MOST, len(work.files) // AT_LEAST))


def _shares(work: Work, count: int) -> list[Work]:
    """The clips dealt out, so that long and short ones are even; texts are the first one's."""
    dealt = [work.files[first::count] for first in range(count)]
    return [
        replace(work, files=files, texts=work.texts if first == 0 else ())
        for first, files in enumerate(dealt)
        if files or first == 0
    ]
