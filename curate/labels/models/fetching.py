"""Bringing model files into the models folder; `weights` says what lies there."""

import contextlib
import functools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from curate.errors import CurateError
from curate.labels.models import download, shelf, weights
from curate.labels.models.shelf import Shelf
from curate.labels.models.zoo import Model

Choice = Literal["pb", "onnx", "both"]
"""Which weights to fetch; where there is no `.onnx`, every choice means the `.pb`."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What `fetch` did.

    Attributes:
        written: Files that were downloaded.
        models: How many models were asked for; all of them are whole now.
    """

    written: tuple[Path, ...]
    models: int

    @property
    def megabytes(self) -> float:
        """Size of what was downloaded, in units of 10^6 bytes."""
        return sum(map(shelf.size, self.written)) / 1e6


def fetch(
    models: Iterable[Model],
    place: Path,
    backend: Choice | None = None,
    tell: download.Tell | None = None,
    *,
    offline: bool = False,
) -> Fetched:
    """Downloads what is missing or broken of these models, the `.json` of each too.

    What is there is left alone if it is as recorded; what arrives must be as pinned in the table.

    Args:
        models: What to fetch; see `weights.complete`.
        place: The models folder, made if need be.
        backend: Which weights. By default nothing is done where all these models can be used as
            they are, else `.onnx` is fetched where onnxruntime is installed.
        tell: Told of every download.
        offline: Download nothing; only say what is missing.

    Raises:
        CurateError: The network or the server refuses, the disk is full, or what arrived is not
            what is pinned; says which file, and that the same command goes on from there. A file
            that cannot be had does not keep back the others. Or `offline` and something is missing.
    """
    wanted, held = tuple(models), Shelf(place)
    chosen: Choice = backend or ("onnx" if weights.onnx_available() else "pb")
    parts = [(model, extension) for model in wanted for extension in _parts(model, chosen)]
    lacking = [part for part in parts if held.look(*part).state != "whole"]
    if backend is None and not any(state.problem for state in weights.states(wanted, place)):
        lacking = []
    if offline and lacking:
        lines = [f"  {held.look(*part).problem}" for part in lacking]
        raise CurateError(
            f"{len(lacking)} model files cannot be used, and --offline forbids to fetch them (in "
            f"{place}):\n" + "\n".join(lines) + "\ncopy them there, or fetch without --offline"
        )
    written: list[Path] = []
    if lacking:
        with _alone(place), _saving(held):
            _fetch(lacking, held, tell or download.Quiet(), written)
    return Fetched(tuple(written), len(wanted))


def _parts(model: Model, backend: Choice) -> tuple[str, ...]:
    """Extensions of the files of a model that a fetch brings."""
    if model.purpose == "stems":
        return model.extensions
    offered = bool(model.onnx)
    graph = backend != "onnx" or not (offered or weights.answered_by_embedding(model))
    network = backend != "pb" and offered
    return ("json", *(["pb"] if graph else []), *(["onnx"] if network else []))


def _fetch(
    lacking: Iterable[tuple[Model, str]], held: Shelf, tell: download.Tell, written: list[Path]
) -> None:
    refused = []
    for model, extension in lacking:
        path = held.path(model, extension)
        wanted = download.Wanted(
            weights.address(model, extension),
            path,
            model.pinned.get(extension, ""),
            functools.partial(shelf.content_fault, model, extension),
        )
        try:
            download.download(wanted, tell)
        except download.Refused as error:
            refused.append(str(error))
            continue
        held.disown(path.name)
        held.note(held.look(model, extension))
        written.append(path)
    if refused:
        raise CurateError("\n".join([*refused, f"{len(written)} other files were fetched"]))


@contextlib.contextmanager
def _saving(held: Shelf) -> Iterator[None]:
    """Records what has arrived, also where the rest did not or Ctrl-C came between."""
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            held.save()


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Holds the models folder for one fetch at a time; two would write into the same files."""
    import fcntl

    try:
        place.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(place, os.O_RDONLY)
    except OSError as error:
        raise CurateError(
            f"{place}: cannot be used: {error.strerror}; name another folder with --models or "
            f"{weights.VARIABLE}"
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CurateError(f"{place}: another fetch is at work here; wait for it") from None
        except OSError:  # some network file systems lock no folders; mostly there is one fetch
            pass
        yield
    finally:
        os.close(descriptor)
