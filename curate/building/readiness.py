"""Whether models can do their work, found out before any audio is touched."""

from pathlib import Path

from curate.building.catalog import Catalog
from curate.engine import Engine, Lost
from curate.errors import ConfigError
from curate.labels.models import listening as running
from curate.labels.models import weights
from curate.labels.models.weights import Files
from curate.labels.vocabulary import UnknownClass, Vocabulary
from curate.names import digest
from curate.treatments import separation
from curate.treatments.separation import Separator

TRIED = "models"
"""Item and stage of the catalog's record of models that have been tried: no item of the dataset."""


def check_words(models: tuple[Files, ...], words: Vocabulary) -> None:
    """Every class of every model has a word, or is known to have none.

    Raises:
        ConfigError: With every line that the vocabulary lacks.
    """
    faults = []
    for files in models:
        for name in files.classes if files.model.purpose in ("words", "pair") else ():
            try:
                words.word(files.model.kind, name)
                words.parent(name)
            except UnknownClass as error:
                faults.append(f"{files.model.name}: {error}")
    if faults:
        raise ConfigError("\n".join(faults))


def check_models(models: tuple[Files, ...], engine: Engine, catalog: Catalog) -> None:
    """Runs each model once, on silence, in a worker: a broken file may crash the process.

    Files that passed before are not run again.

    Raises:
        ConfigError: With one line for every model that cannot be used, and the remedy.
    """
    if not models:
        return
    versions = (files.sha256 + "".join(files.classes) for files in models)
    tried = digest(TRIED, running.VERSION, *versions)
    if catalog.get(TRIED, TRIED, tried, bool):
        return
    faults = {}
    for done in engine.map(running.probe, models):
        found = done.result.reason if isinstance(done.result, Lost) else done.result
        if found:
            faults[done.job.model.name] = found
    if faults:
        place = models[0].weights.parent
        onnx = any(files.backend == "onnx" for files in models)
        mend = weights.command(place, sorted(faults), onnx=onnx)
        lines = [f"  {name}: {reason}" for name, reason in sorted(faults.items())]
        raise ConfigError(
            f"{len(faults)} models cannot be used (in {place}):\n" + "\n".join(lines) + "\n"
            f"remove these files and run `{mend}`, or set `labels: signal` to do without"
        )
    catalog.put(TRIED, TRIED, tried, True, only=True)


def check_separator(separator: Separator | None, engine: Engine, catalog: Catalog) -> None:
    """Runs the separator once, as `check_models` does.

    Raises:
        ConfigError: It cannot be used.
    """
    if separator is None:
        return
    tried = digest(TRIED, separation.VERSION, separator.sha256)
    if catalog.get(TRIED, "separator", tried, bool):
        return
    for done in engine.map(separation.probe, [separator]):
        found = done.result.reason if isinstance(done.result, Lost) else done.result
        if found:
            raise ConfigError(
                f"{found}\nremove the file and run `curate models fetch htdemucs`, or set "
                "`vocals: keep`"
            )
    catalog.put(TRIED, "separator", tried, True, only=True)


def find(kinds: tuple[str, ...], place: Path | None, *, remember: bool = True) -> tuple[Files, ...]:
    """The files of the models behind these labels.

    Args:
        kinds: Of labels, see `zoo.KINDS`.
        place: The models folder, see `weights.folder`.
        remember: Write down there what was found.

    Raises:
        CurateError: See `weights.find`.
    """
    wanted, onnx = weights.complete(weights.named(kinds)), weights.onnx_available()
    return weights.find(wanted, weights.folder(place), onnx=onnx, remember=remember)
