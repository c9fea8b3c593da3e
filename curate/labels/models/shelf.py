"""A folder of model files while it is looked at: what lies there, and whether it is right.

`checksums.json` beside the files records what was accepted. A file must have the hash recorded
there, else the one pinned in the table, else it is taken as it is and recorded at first sight. The
hash alone would let a login page pass for a model at first sight, so what can be told from a file's
content is looked at as well.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from curate import jsonio
from curate.errors import CurateError
from curate.labels.models.zoo import Model

RECORD = "checksums.json"

EXTENSIONS = ("pb", "onnx", "json", "th")

NO_FILE = "is no file, but a folder or a device"

TEMPI = tuple(str(bpm) for bpm in range(30, 286))
"""What the outputs of a TempoCNN stand for, in BPM (Essentia's `TempoCNN`: index plus 30)."""

_PAGES = (b"<!doctype", b"<html", b"<?xml", b"<head", b"{")


@dataclass(frozen=True, slots=True)
class Held:
    """One file of a model, there or not.

    Attributes:
        file: Its name.
        extension: One of `EXTENSIONS`.
        path: Where it is or should be.
        state: `whole`, `missing` or `broken`.
        problem: Why it cannot be used, or "".
        size_bytes: Of the file; of what has arrived of it where it is missing.
        sha256: Of the file, "" where it is missing or cannot be read.
        expected: The sha256 it must have, "" where none is known.
    """

    file: str
    extension: str
    path: Path
    state: Literal["whole", "missing", "broken"]
    problem: str
    size_bytes: int
    sha256: str
    expected: str

    @property
    def differs(self) -> bool:
        """Whether it is another file than expected: cut off, or of another version."""
        return bool(self.sha256 and self.expected) and self.sha256 != self.expected


class Shelf:
    """A models folder and its record. Every file is hashed once, however often it is looked at."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._path = place / RECORD
        self._known: dict[str, str] = {}
        self._changed = False
        self._seen: dict[str, Held] = {}
        if place.exists() and not place.is_dir():
            raise CurateError(
                f"{place}: is a file, and models lie in a folder; name one with --models or "
                "CURATE_MODELS"
            )
        if not self._path.exists():
            return
        if not self._path.is_file():
            raise CurateError(f"{self._path}: {NO_FILE}; remove it")
        try:
            self._known = jsonio.decode(self._path.read_bytes(), dict[str, str])
        except ValueError:
            raise CurateError(f"{self._path}: not valid JSON; remove it") from None

    def path(self, model: Model, extension: str) -> Path:
        """Where a file of a model belongs."""
        return self.place / model.file(extension)

    def look(self, model: Model, extension: str) -> Held:
        """The state of one file."""
        name = model.file(extension)
        if name not in self._seen:
            self._seen[name] = self._look(model, extension)
        return self._seen[name]

    def note(self, held: Held) -> None:
        """Accepts a file as it is."""
        if self._known.get(held.file) != held.sha256:
            self._known[held.file] = held.sha256
            self._changed = True

    def forget(self, name: str) -> None:
        """Looks at a file again the next time, because it has been written."""
        self._seen.pop(name, None)

    def disown(self, name: str) -> None:
        """Drops what was recorded of a file: the official one takes its place."""
        self._changed |= self._known.pop(name, None) is not None
        self.forget(name)

    def save(self) -> None:
        """Writes what was accepted. Raises OSError where the folder cannot be written to."""
        if self._changed:
            data = json.dumps(self._known, indent=2, sort_keys=True).encode() + b"\n"
            jsonio.write_atomically(self._path, data)
            self._changed = False

    def _look(self, model: Model, extension: str) -> Held:
        path = self.path(model, extension)
        expected = self._known.get(path.name) or model.pinned.get(extension, "")
        try:
            if not path.exists():
                arrived = size(partial(path))
                problem = f"{path.name} is not there"
                if arrived:
                    problem += f" ({arrived / 1e6:.1f} MB of it have arrived)"
                return Held(path.name, extension, path, "missing", problem, arrived, "", expected)
            if not path.is_file():  # opening a pipe would never end
                problem = f"{path.name} {NO_FILE}"
                return Held(path.name, extension, path, "broken", problem, 0, "", expected)
            actual = sha256(path)
        except OSError as error:
            problem = f"{path.name} cannot be read: {error.strerror or error}"
            return Held(path.name, extension, path, "broken", problem, 0, "", expected)
        bytes_there = size(path)
        problem = ""
        if expected and actual != expected:
            problem = (
                f"{path.name} is cut off, changed or another file ({bytes_there} bytes, sha256 "
                f"{actual[:12]}..., expected {expected[:12]}...)"
            )
        elif fault := content_fault(model, extension, path):
            problem = f"{path.name} {fault}"
        state: Literal["whole", "broken"] = "broken" if problem else "whole"
        return Held(path.name, extension, path, state, problem, bytes_there, actual, expected)


def content_fault(model: Model, extension: str, path: Path) -> str:
    """What can be told to be wrong without knowing the hash: "is empty", say; "" where nothing is.

    Args:
        model: The model.
        extension: Which of its files this should be.
        path: Where the file lies, under whatever name.
    """
    with path.open("rb") as file:
        head = file.read(512).lstrip().lower()
    if not head:
        return "is empty"
    if extension == "th":
        return "" if head.startswith(b"pk") else "is no checkpoint of PyTorch"
    if extension != "json":
        return "is a web page or a text, not a model" if head.startswith(_PAGES) else ""
    if head.startswith(b"<"):
        return "is a web page, not a model's description"
    try:
        classes(model, path)
    except ValueError as fault:
        return str(fault)
    return ""


def classes(model: Model, about: Path) -> tuple[str, ...]:
    """Names of a model's outputs in the order of its own `.json`, () for an embedding.

    Raises:
        ValueError: It names none; what is wrong, without the file's name.
    """
    try:
        named = jsonio.decode(about.read_bytes(), dict[str, Any]).get("classes")
    except ValueError:
        raise ValueError("is not a JSON object; it is not the model's own") from None
    if model.purpose == "embedding":
        return ()
    if model.purpose == "tempo":
        return tuple(map(str, named)) if isinstance(named, list) and _are_tempi(named) else TEMPI
    if not isinstance(named, list) or not named:
        raise ValueError("names no classes; it is not the model's own")
    if not all(isinstance(name, str) for name in named) or len(set(named)) < len(named):
        raise ValueError("has 'classes' that are not a list of different names")
    return tuple(named)


def partial(path: Path) -> Path:
    """Where a file lies while it arrives."""
    return path.with_name(f"{path.name}{jsonio.PARTIAL}")


def size(path: Path) -> int:
    """Size in bytes, 0 where there is no file."""
    return path.stat().st_size if path.is_file() else 0


def sha256(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _are_tempi(named: list[Any]) -> bool:
    """Whether these are whole BPM as text. If not, what the outputs stand for is known anyway."""
    return len(named) == len(TEMPI) and all(str(name).isdecimal() for name in named)
