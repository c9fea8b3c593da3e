"""What `import curate` and the command line both do: build, plan, validate, load, relocate."""

import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate import config, pipeline, sources
from curate.building import readiness
from curate.building.catalog import Catalog, locked
from curate.building.orders import Options, Plan, Result
from curate.config import CaptionOptions
from curate.dataset import Dataset
from curate.dataset import load as _load
from curate.engine import Done, Engine, Job
from curate.engine import Result as Outcome
from curate.errors import ConfigError
from curate.labels import vocabulary
from curate.labels.models import weights
from curate.labels.models.weights import Files
from curate.labels.vocabulary import Vocabulary
from curate.progress import Progress, Silent
from curate.records import Seconds
from curate.sources.cache import Cache
from curate.treatments import separation
from curate.treatments.separation import Separator
from curate.validate import Report
from curate.validate import validate as _validate

if TYPE_CHECKING:
    from curate.captions.llm import Captioner, Estimate
    from curate.stages.recaption import Recaptioned

TIMEOUT: Seconds = 900.0
"""Longest a worker may take for one track, unless told otherwise."""

SEPARATING = 4.0
"""Likewise where vocals are taken away, in lengths of the longest track that is allowed: it takes
as long as the music lasts, on a slow machine a few times longer."""

USUAL_BYTES, SEPARATING_BYTES = 2 << 30, 4 << 30
"""What a worker needs for a track of usual length, with models; and where vocals are taken away."""


def build(
    artists: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    jobs: int | None = None,
    limit: int | None = None,
    timeout: Seconds | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
    models: str | os.PathLike[str] | None = None,
    offline: bool = False,
    keep_downloads: bool = True,
    without_sources: Iterable[str] = (),
    retry: bool = False,
) -> Result:
    """Builds the dataset that an artists.yaml describes, or brings it up to date.

    Args:
        artists: The artists.yaml.
        out: The dataset's folder; `build/` beside the file by default.
        jobs: Worker processes; as many as processors by default.
        limit: Use only the first so many tracks.
        timeout: Longest a worker may take for one track, in seconds; by default `TIMEOUT`, and
            where vocals are taken away `SEPARATING` times the longest track that is allowed.
        progress: Told of every step.
        engine: Where work runs; a pool of `jobs` processes by default.
        models: Folder of model files, see `curate.labels.models.weights.folder`.
        offline: Ask nothing of the network: only what is here already is used.
        keep_downloads: Keep fetched files in the cache (`CURATE_CACHE`) for other datasets.
        without_sources: Sources whose statements are left out, e.g. `spotify`.
        retry: Try again what failed for good in earlier builds.

    Raises:
        curate.errors.CurateError: The configuration is wrong, a model that it asks for is missing
            or broken, or the folder cannot be used.
    """
    if engine is None:
        engine = _engine(config.load(Path(artists)), jobs or processors(), timeout)
    options = Options(
        limit=limit,
        offline=offline,
        keep_downloads=keep_downloads,
        without=_known_sources(without_sources),
        retry=retry,
    )
    with _prepared(artists, out, engine, progress, options, models) as made:
        return made.run()


def _engine(loaded: config.Config, workers: int, timeout: Seconds | None) -> Engine:
    """A pool of so many processes, with the time and memory that this work needs."""
    from curate.engine.local import LocalEngine

    usual, least = TIMEOUT, USUAL_BYTES
    if loaded.vocals == "separate":  # about as long as the music lasts, and a large network
        usual, least = max(TIMEOUT, SEPARATING * loaded.limits.track.max_seconds), SEPARATING_BYTES
    return LocalEngine(workers, timeout or usual, memory_share(workers, least))


def plan(
    artists: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    limit: int | None = None,
    models: str | os.PathLike[str] | None = None,
    offline: bool = False,
) -> Plan:
    """What `build` would do, without doing it. Writes nothing."""
    file = Path(artists)
    loaded = config.load(file)
    folder = output_folder(file, out)
    _check_names(folder)
    asked = _models(loaded, models, remember=False)
    with contextlib.ExitStack() as stack:
        catalog = stack.enter_context(Catalog.look(folder / "catalog.sqlite"))
        base = Path(os.path.abspath(file)).parent
        separator = _separator(loaded, models)
        options = Options(limit=limit, models=asked, separator=separator, offline=offline)
        made = pipeline.Build(loaded, base, folder, catalog, _Nowhere(), Silent(), options)
        stack.callback(made.close)
        return made.plan()


def load(folder: str | os.PathLike[str]) -> Dataset:
    """Opens a built dataset: typed clips by split, with lazy audio."""
    return _load(Path(folder))


def validate(folder: str | os.PathLike[str], *, deep: bool = False) -> Report:
    """Checks a dataset, ours or anyone's audiocraft manifest; `deep` decodes all audio."""
    return _validate(Path(folder), deep=deep)


def caption_options(
    folder: str | os.PathLike[str], changes: dict[str, Any] | None = None
) -> CaptionOptions:
    """How the captions of a built dataset were made, with some options changed.

    Args:
        folder: The dataset's.
        changes: As under `captions:` in artists.yaml. `llm: null` is no language model, and of an
            `llm` with a model in use only what is named changes; `style` and `variants` are those
            of the model where there is one.

    Raises:
        curate.errors.ConfigError: A change is not what it may be.
    """
    from curate.stages.recaption import changed

    return changed(_load(Path(folder)).build, changes or {})


def recaption(
    folder: str | os.PathLike[str],
    options: CaptionOptions | None = None,
    *,
    progress: Progress | None = None,
) -> "Recaptioned":
    """Writes the captions of a built dataset anew. No audio is touched.

    Args:
        folder: The dataset's.
        options: How captions are to be; as they were by default. A prompt of one's own is looked
            for here, then beside the dataset, where artists.yaml usually is.
        progress: Told of every step.

    Raises:
        curate.errors.CurateError: There is no dataset, a build is working on it, or the language
            model cannot be asked.
    """
    from curate.stages.recaption import Recaption

    place = Path(folder).absolute()
    asked = options or caption_options(place)
    with contextlib.ExitStack() as stack:
        found = _load(place)
        stack.enter_context(locked(place))
        captioner = stack.enter_context(_captioner_again(asked, found))
        return Recaption(place, asked, captioner).run(progress or Silent())


def estimate(folder: str | os.PathLike[str], options: CaptionOptions | None = None) -> "Estimate":
    """What captions by a language model would cost. Sends nothing.

    Raises:
        curate.errors.CurateError: There is no dataset, or the options name no language model.
    """
    from curate.stages.recaption import Recaption

    place = Path(folder).absolute()
    asked = options or caption_options(place)
    with _captioner_again(asked, _load(place)) as captioner:
        if captioner is None:
            raise ConfigError("captions by templates cost nothing; name a model: --llm MODEL")
        return captioner.estimate(Recaption(place, asked, captioner).requests())


def _captioner_again(
    options: CaptionOptions, dataset: Dataset
) -> contextlib.AbstractContextManager["Captioner | None"]:
    """The language model for a built dataset, with the files that its build used.

    They are named relative to artists.yaml, and where that is nobody wrote down; mostly it lies
    beside the dataset's folder.
    """
    beside = dataset.folder.parent
    base = Path.cwd()
    if options.llm is not None and not (base / options.llm.style).is_file():
        base = beside
    labels: Any = dataset.build.config.get("labels") or {}
    own = beside / (labels.get("vocabulary") or "")
    words = vocabulary.load(own) if own.is_file() else None
    return _captioner(options, base, dataset.build.name, words)


@contextlib.contextmanager
def _captioner(
    options: CaptionOptions, base: Path, name: str, words: Vocabulary | None = None
) -> Iterator["Captioner | None"]:
    """The language model that writes captions, if one is to.

    Args:
        options: Of captions.
        base: Where a relative name of a prompt's file starts.
        name: Of the dataset: its spending is counted under it.
        words: What to call things.
    """
    if options.llm is None:
        yield None
        return
    from curate.captions import llm

    with llm.Answers(llm.Answers.file(Cache().place)) as answers:
        known = words or vocabulary.load()
        yield llm.Captioner(options.llm, base, answers, name, known, language=options.language)


def relocate(folder: str | os.PathLike[str]) -> int:
    """Rewrites the absolute paths of a dataset that was moved. Returns the number of lines."""
    from curate.stages.relocate import relocate as rewrite

    return rewrite(Path(folder))


def output_folder(artists: Path, out: str | os.PathLike[str] | None) -> Path:
    """The dataset's folder, absolute."""
    return Path(os.path.abspath(out if out is not None else artists.parent / "build"))


def memory_share(workers: int, least: int = USUAL_BYTES) -> int:
    """Most memory each of so many workers may take, in bytes: this machine's, but for a fifth.

    A track that needs more is rejected with `worker_memory` instead of the system killing whatever
    it finds. No worker is given less than `least`, which a track of usual length needs.
    """
    import psutil

    return max(int(0.8 * psutil.virtual_memory().total / workers), least)


def processors() -> int:
    """Processors this process may use."""
    with contextlib.suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def _prepared(
    artists: str | os.PathLike[str],
    out: str | os.PathLike[str] | None,
    engine: Engine,
    progress: Progress | None,
    options: Options,
    models: str | os.PathLike[str] | None,
) -> Iterator[pipeline.Build]:
    file = Path(artists)
    loaded = config.load(file)
    folder = output_folder(file, out)
    _check_names(folder)
    asked = _models(loaded, models)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(folder))
        except FileExistsError:
            raise ConfigError(f"{folder}: is a file; name a folder with --out") from None
        except OSError as error:
            raise ConfigError(f"{folder}: cannot be written to: {error.strerror}") from None
        catalog = stack.enter_context(Catalog(folder / "catalog.sqlite"))
        base = Path(os.path.abspath(file)).parent
        told = progress or Silent()
        separator = _separator(loaded, models)
        own = loaded.labels.vocabulary
        words = vocabulary.load(None if own is None else base / own)
        captioner = stack.enter_context(_captioner(loaded.captions, base, loaded.name, words))
        options = dataclasses.replace(
            options, models=asked, separator=separator, captioner=captioner
        )
        made = pipeline.Build(loaded, base, folder, catalog, engine, told, options)
        stack.callback(made.close)
        yield made


def _known_sources(named: Iterable[str]) -> frozenset[str]:
    """Sources to leave out.

    Raises:
        ConfigError: There is no such source.
    """
    found = frozenset(named)
    known = {*sources.NAMES, "tag"}
    if unknown := sorted(found - known):
        raise ConfigError(f"no source '{unknown[0]}'; there are {', '.join(sorted(known))}")
    return found


def _models(
    loaded: config.Config, place: str | os.PathLike[str] | None, *, remember: bool = True
) -> tuple[Files, ...]:
    if not loaded.labels.models:
        return ()
    where = None if place is None else Path(place)
    return readiness.find(loaded.labels.models, where, remember=remember)


def _separator(loaded: config.Config, place: str | os.PathLike[str] | None) -> Separator | None:
    if loaded.vocals != "separate":
        return None
    return separation.find(weights.folder(None if place is None else Path(place)))


def _check_names(folder: Path) -> None:
    """Manifests are UTF-8, so names of files have to be."""
    if sys.getfilesystemencoding().lower() != "utf-8":
        raise ConfigError(
            f"file names are taken for {sys.getfilesystemencoding()} here, and a dataset needs "
            "UTF-8; set PYTHONUTF8=1 or LC_ALL=C.UTF-8"
        )
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{str(folder)!a}: the name is not UTF-8; name another --out") from None


class _Nowhere:
    """The engine of a plan: nothing runs."""

    def map(
        self, function: Callable[[Job], Outcome], jobs: Iterable[Job]
    ) -> Generator[Done[Job, Outcome]]:
        """Yields nothing: a plan does no work."""
        yield from ()
