"""Model files on this machine: where they are, whether they are whole, and fetching them.

A models folder holds, for each model of `zoo.MODELS`, its `.json` and a `.pb` or `.onnx`; files may
as well be copied there by hand. `checksums.json` beside them records what was accepted: a file's
hash is compared with that record, else with the one pinned in the table, else recorded at first
sight. A file is written as `<name>.partial` and renamed when whole, so a fetch that was interrupted
goes on where it stopped.
"""

import contextlib
import hashlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from curate import jsonio
from curate.errors import CurateError
from curate.labels.zoo import Model

Backend = Literal["pb", "onnx"]

VARIABLE = "CURATE_MODELS"
"""Environment variable that names the models folder."""

RECORD = "checksums.json"

TIMEOUT_S = 30.0
_BLOCK = 1 << 18

Tell = Callable[[str, int, int | None], None]
"""Told of a download: file, bytes so far, bytes in all if known."""


@dataclass(frozen=True, slots=True)
class Files:
    """A model's files, found and checked.

    Attributes:
        model: The model.
        backend: Which of its weights is used.
        weights: The `.pb` or `.onnx`.
        sha256: Of the weights.
        classes: Names of its outputs, in the order of this very file; () for an embedding.
    """

    model: Model
    backend: Backend
    weights: Path
    sha256: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What `curate models list` says of a model.

    Attributes:
        model: The model.
        here: Extensions of the files that are there.
        problem: Why it cannot be used, or "".
    """

    model: Model
    here: tuple[str, ...]
    problem: str


def folder(given: Path | None = None) -> Path:
    """The models folder: given, else `CURATE_MODELS`, else below the user's cache folder."""
    if given is not None:
        return given.expanduser()
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "musicgen-curate" / "models"


def find(models: Iterable[Model], place: Path, *, onnx: bool) -> tuple[Files, ...]:
    """The files of these models.

    Args:
        models: What is needed.
        place: The models folder.
        onnx: Whether `.onnx` weights may be used where they are there.

    Raises:
        CurateError: With one line for every model that is missing, cut off, changed or wrong, and
            the command that mends it.
    """
    record = _Record(place)
    found, problems = [], []
    for model in models:
        try:
            found.append(_find(model, place, record, onnx=onnx))
        except _Unusable as reason:
            problems.append((model.name, str(reason)))
    record.save()
    if problems:
        lines = [f"  {name}: {reason}" for name, reason in problems]
        names = " ".join(name for name, _ in problems)
        raise CurateError(
            f"{len(problems)} models that artists.yaml asks for cannot be used (in {place}):\n"
            + "\n".join(lines)
            + f"\nrun `curate models fetch {names}`, or set `labels: signal` to do without"
        )
    return tuple(found)


def states(models: Iterable[Model], place: Path) -> Iterator[State]:
    """The state of every model, for showing. Changes nothing."""
    record = _Record(place)
    for model in models:
        here = tuple(e for e in ("pb", "onnx", "json") if (place / model.file(e)).is_file())
        try:
            _find(model, place, record, onnx=True)
            yield State(model, here, "")
        except _Unusable as reason:
            yield State(model, here, str(reason))


def fetch(models: Iterable[Model], place: Path, tell: Tell, *, onnx: bool = False) -> list[Path]:
    """Downloads what is missing or broken of these models, the `.json` of each too.

    Returns the files that were written.

    Raises:
        CurateError: The network or the server refuses, the disk is full, or what arrived is not
            what is pinned; says which file, and that the same command goes on from there.
    """
    place.mkdir(parents=True, exist_ok=True)
    record = _Record(place)
    written = []
    for model in models:
        for extension in ("json", "onnx" if onnx and model.onnx else "pb"):
            path = place / model.file(extension)
            if path.is_file() and not _differs(path, record.expected(model, extension)):
                continue
            _download(model.address(extension), path, record.expected(model, extension), tell)
            record.note(path.name, _sha256(path))
            written.append(path)
    record.save()
    return written


class _Unusable(Exception):
    """Why a model cannot be used."""


class _Record:
    """`checksums.json` of a models folder."""

    def __init__(self, place: Path) -> None:
        self._path = place / RECORD
        self._known: dict[str, str] = {}
        self._changed = False
        with contextlib.suppress(FileNotFoundError):
            try:
                self._known = jsonio.decode(self._path.read_bytes(), dict[str, str])
            except ValueError:
                raise CurateError(f"{self._path}: not valid JSON; remove it") from None

    def expected(self, model: Model, extension: str) -> str | None:
        """The hash a file must have, if one is known."""
        return self._known.get(model.file(extension)) or model.pinned.get(extension)

    def note(self, name: str, sha256: str) -> None:
        """Accepts a file as it is."""
        if self._known.get(name) != sha256:
            self._known[name] = sha256
            self._changed = True

    def save(self) -> None:
        """Writes what was accepted. A folder that cannot be written to is left as it is."""
        if self._changed:
            data = json.dumps(self._known, indent=2, sort_keys=True).encode() + b"\n"
            with contextlib.suppress(OSError):
                jsonio.write_atomically(self._path, data)


def _find(model: Model, place: Path, record: _Record, *, onnx: bool) -> Files:
    backend: Backend = "pb"
    if onnx and model.onnx and (place / model.file("onnx")).is_file():
        backend = "onnx"
    about, weights = place / model.file("json"), place / model.file(backend)
    for path in (weights, about):
        if not path.is_file():
            raise _Unusable(f"{path.name} is not there")
    sha256 = _accept(model, backend, weights, record)
    _accept(model, "json", about, record)
    classes = () if model.purpose == "embedding" else _classes(about)
    return Files(model, backend, weights, sha256, classes)


def _accept(model: Model, extension: str, path: Path, record: _Record) -> str:
    expected, actual = record.expected(model, extension), _sha256(path)
    if expected is not None and actual != expected:
        raise _Unusable(
            f"{path.name} is cut off, changed or another file ({path.stat().st_size} bytes, sha256 "
            f"{actual[:12]}..., expected {expected[:12]}...)"
        )
    record.note(path.name, actual)
    return actual


def _classes(about: Path) -> tuple[str, ...]:
    try:
        named = jsonio.decode(about.read_bytes(), dict[str, Any])["classes"]
    except (ValueError, KeyError, TypeError):
        raise _Unusable(f"{about.name} names no classes; it is not the model's own") from None
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise _Unusable(f"{about.name}: 'classes' is not a list of names")
    return tuple(named)


def _download(address: str, path: Path, expected: str | None, tell: Tell) -> None:
    partial = path.with_name(f"{path.name}{jsonio.PARTIAL}")
    try:
        _receive(address, partial, path.name, tell)
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise CurateError(
            f"{address}: {getattr(error, 'reason', None) or error}; the same command goes on from "
            f"{partial.stat().st_size if partial.exists() else 0} bytes"
        ) from None
    if _differs(partial, expected):
        actual = _sha256(partial)
        partial.unlink()
        raise CurateError(
            f"{address}: what arrived has sha256 {actual}, expected {expected}; it was not kept"
        )
    partial.replace(path)


def _receive(address: str, partial: Path, name: str, tell: Tell) -> None:
    """Appends to `partial` what is left of the file."""
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(address, headers={"User-Agent": "musicgen-curate"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        answer: Any = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is left: it was whole but for the renaming
            return
        raise
    with answer:
        if answer.status != 206:  # the server does not go on: from the start
            have = 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        with partial.open("ab" if have else "wb") as file:
            while block := answer.read(_BLOCK):
                file.write(block)
                have += len(block)
                tell(name, have, total)
        if total is not None and have != total:
            raise OSError(f"the connection ended after {have} of {total} bytes")


def _differs(path: Path, expected: str | None) -> bool:
    return expected is not None and _sha256(path) != expected


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
