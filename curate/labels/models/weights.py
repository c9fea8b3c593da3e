"""Model files on this machine: where they are, and whether a build can use them.

A models folder holds, for each model of `zoo.MODELS`, its `.json` and a `.pb` or `.onnx`; files may
as well be copied there by hand (`shelf` says which are right). One model's weights
can lie in another's file: the `.onnx` of discogs-effnet answers with the 400 genres itself, so that
beside it genre_discogs400 needs its `.json` only.
"""

import contextlib
import difflib
import importlib.util
import os
import re
import shlex
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from curate.errors import ConfigError, CurateError
from curate.labels.models import shelf, zoo
from curate.labels.models.shelf import Held, Shelf
from curate.labels.models.zoo import Model

Backend = Literal["pb", "onnx", "th"]

VARIABLE = "CURATE_MODELS"
"""Environment variable that names the models folder."""

MIRROR = "CURATE_MODELS_URL"
"""Environment variable with the address of a mirror, in place of the models' own sites."""


@dataclass(frozen=True, slots=True)
class Files:
    """A model's files, found and checked.

    Attributes:
        model: The model.
        backend: Which of its weights is used.
        weights: The `.pb` or `.onnx`; of genre_discogs400 the embedding's `.onnx` where that is
            used, whose output `activations` it is.
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
        files: Every file that there is of it, here or not.
        backend: The weights that a build here would use; None where it cannot be used.
        problem: Why it cannot be used, or "".
    """

    model: Model
    files: tuple[Held, ...]
    backend: Backend | None
    problem: str

    @property
    def here(self) -> tuple[str, ...]:
        """Extensions of the files that are there, whole or not."""
        return tuple(held.extension for held in self.files if held.state != "missing")

    @property
    def word(self) -> Literal["ready", "missing", "broken"]:
        """`broken` where a file is there but wrong."""
        if not self.problem:
            return "ready"
        return "broken" if any(held.state == "broken" for held in self.files) else "missing"

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        model = self.model
        return {
            "name": model.name,
            "kind": model.kind,
            "needs": model.needs,
            "state": self.word,
            "problem": self.problem,
            "backend": self.backend,
            "megabytes": model.megabytes,
            "licence": model.licence,
            "citation": model.citation,
            "files": [
                {
                    "file": held.file,
                    "state": held.state,
                    "problem": held.problem,
                    "size_bytes": held.size_bytes,
                    "sha256": held.sha256,
                    "expected_sha256": held.expected,
                    "address": address(model, held.extension),
                }
                for held in self.files
            ],
        }


def folder(given: Path | None = None) -> Path:
    """The models folder: given, else `CURATE_MODELS`, else below the user's cache folder."""
    if given is not None:
        return given.expanduser()
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "musicgen-curate" / "models"


def address(model: Model, extension: str) -> str:
    """Where a file is downloaded from: the official site, or the mirror of `CURATE_MODELS_URL`.

    Raises:
        ConfigError: That is no plain address of a folder.
    """
    named = os.environ.get(MIRROR, "").strip()
    if named and not _is_plain(named):
        raise ConfigError(
            f"{MIRROR} must be the address of a folder, http:// or https://, without user name, "
            "password, query (?) and fragment (#); what it holds is not shown, it may be a secret. "
            "From a site that asks for a password, copy the files into the models folder"
        )
    return f"{(named or model.base).rstrip('/')}/{model.folder}/{model.file(extension)}"


def _is_plain(address: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(address)
        named = bool(parts.hostname) and parts.port != 0  # a port that is none raises
    except ValueError:
        return False
    odd = "@" in parts.netloc or re.search(r"[?#\\\x00-\x20\x7f]", address)
    return named and parts.scheme in ("http", "https") and not odd


def onnx_available() -> bool:
    """Whether onnxruntime is installed, so that `.onnx` weights can be used."""
    return importlib.util.find_spec("onnxruntime") is not None


def named(names: Iterable[str]) -> tuple[Model, ...]:
    """The models that these names mean: a model's name, a kind of label, or `all`.

    Raises:
        CurateError: There is no such name; with the nearest one and all there are.
    """
    chosen: set[str] = set()
    for name in names:
        found = {m.name for m in zoo.MODELS if name in ("all", m.name, m.kind, m.onnx) and name}
        found |= {m.name for m in zoo.OTHERS if name == m.name}
        if not found:
            by_name = [*zoo.BY_NAME, *(m.name for m in zoo.OTHERS)]
            known = ["all", *zoo.KINDS, *by_name]
            near = difflib.get_close_matches(name, known, 1, 0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise CurateError(
                f"no model {name!r}{hint}\nby label: all, {', '.join(zoo.KINDS)}\nby name: "
                + ", ".join(by_name)
            )
        chosen |= found
    return tuple(model for model in (*zoo.MODELS, *zoo.OTHERS) if model.name in chosen)


def complete(models: Iterable[Model]) -> tuple[Model, ...]:
    """These models and the embeddings they need, in the table's order."""
    chosen = {name for model in models for name in (model.name, model.needs)}
    return tuple(model for model in (*zoo.MODELS, *zoo.OTHERS) if model.name in chosen)


def find(
    models: Iterable[Model], place: Path, *, onnx: bool, remember: bool = True
) -> tuple[Files, ...]:
    """The files of these models.

    Args:
        models: What is needed.
        place: The models folder.
        onnx: Whether `.onnx` weights may be used where they are there.
        remember: Record there which files were found, so that they may not change unnoticed.

    Raises:
        CurateError: With one line for every model that is missing, cut off, changed or wrong, and
            the command that mends it.
    """
    held = Shelf(place)
    found, problems, other = [], {}, []
    for model in models:
        try:
            found.append(_find(model, held, onnx=onnx))
        except _Unusable as fault:
            problems[model.name] = fault.file.problem
            other += [model.name] if fault.file.differs else []
    if remember:
        with contextlib.suppress(OSError):  # a folder that is only read is as good
            held.save()
    if problems:
        lines = [f"  {name}: {reason}" for name, reason in problems.items()]
        mend = f"run `{command(place, problems, onnx=onnx)}`, or set `labels: signal` to do without"
        if other:
            words = " ".join(["curate models accept", *other, *_named(place)])
            mend += f"; `{words}` if another version is meant"
        raise CurateError(
            f"{len(problems)} models that artists.yaml asks for cannot be used (in {place}):\n"
            + "\n".join([*lines, mend])
        )
    return tuple(found)


def states(models: Iterable[Model], place: Path, *, onnx: bool | None = None) -> Iterator[State]:
    """The state of every model, for showing. Changes nothing.

    Args:
        models: Of which.
        place: The models folder.
        onnx: Whether `.onnx` weights may be used; by default where onnxruntime is installed.
    """
    held = Shelf(place)
    usable = onnx_available() if onnx is None else onnx
    for model in models:
        files = tuple(held.look(model, extension) for extension in model.extensions)
        try:
            yield State(model, files, _find(model, held, onnx=usable).backend, "")
        except _Unusable as fault:
            yield State(model, files, None, fault.file.problem)


def command(place: Path, names: Iterable[str], *, onnx: bool) -> str:
    """The command line that fetches these models for a build that may use `.onnx` or not."""
    words = ["curate models fetch", *names]
    if onnx != onnx_available():
        words.append(f"--backend {'onnx' if onnx else 'pb'}")
    return " ".join([*words, *_named(place)])


def _named(place: Path) -> tuple[str, ...]:
    """The option that names a models folder, where it is not the usual one."""
    return () if place == folder() else (f"--models {shlex.quote(str(place))}",)


def accept(models: Iterable[Model], place: Path) -> tuple[Path, ...]:
    """Records the files of these models as right, whatever the table has pinned.

    For files of another version, copied there by hand. Returns them.

    Raises:
        CurateError: None of a model is there, or one that is there cannot be a model's file.
    """
    held, accepted = Shelf(place), []
    for model in models:
        there = [e for e in model.extensions if held.look(model, e).state != "missing"]
        if not there:
            raise CurateError(f"{model.name}: none of its files is in {place}")
        for extension in there:
            found = held.look(model, extension)
            if not found.sha256:
                raise CurateError(f"{place}: {found.problem}; it was not accepted")
            if fault := shelf.content_fault(model, extension, found.path):
                raise CurateError(f"{found.path} {fault}; it was not accepted")
            held.note(found)
            accepted.append(found.path)
    held.save()
    return tuple(accepted)


class _Unusable(Exception):
    """A model cannot be used, because of this file."""

    def __init__(self, file: Held) -> None:
        super().__init__(file.problem)
        self.file = file


def _find(model: Model, held: Shelf, *, onnx: bool) -> Files:
    if model.purpose == "stems":
        checkpoint = held.look(model, "th")
        if checkpoint.problem:
            raise _Unusable(checkpoint)
        return Files(model, "th", checkpoint.path, checkpoint.sha256, ())
    backend: Backend = "pb"
    source = zoo.BY_NAME[model.needs] if answered_by_embedding(model) else model
    if onnx and source.onnx and held.look(source, "onnx").state != "missing":
        backend = "onnx"
    else:
        source = model
    weights, about = held.look(source, backend), held.look(source, "json")
    for file in (weights, held.look(model, "json"), about):
        if file.problem:
            raise _Unusable(file)
        held.note(file)
    classes = shelf.classes(model, about.path)  # the order of the file that answers
    return Files(model, backend, weights.path, weights.sha256, classes)


def answered_by_embedding(model: Model) -> bool:
    """Whether the `.onnx` of the embedding gives what this head would: it has none of its own."""
    return bool(model.needs and not model.onnx)
