"""Records to JSON and back, and files that are either old or new, never half.

The only module that turns records into text. Numbers keep Python's shortest exact form, so the
same records always give the same bytes.
"""

import contextlib
import filecmp
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

Record = TypeVar("Record")

PARTIAL = ".partial"
"""Suffix of a file that is still being written; one that is found was left by a killed build."""


def encode(record: object) -> bytes:
    """One line of JSON, UTF-8, without a newline. NaN and infinity become null."""
    return msgspec.json.encode(record)


def decode(data: bytes | str, kind: type[Record]) -> Record:
    """The record of this type. Raises `msgspec.ValidationError` naming the field that is off."""
    return msgspec.json.decode(data, type=kind)


def pretty(record: object) -> bytes:
    """JSON indented by two, with a final newline: for files that people open."""
    return msgspec.json.format(encode(record), indent=2) + b"\n"


def builtins(record: object) -> Any:
    """The record as dicts, lists, strings and numbers."""
    return msgspec.to_builtins(record)


def write_atomically(path: Path | str, data: bytes, *, sync: bool = True) -> None:
    """Writes to a temporary name beside `path`, syncs, renames. An unchanged file is left alone.

    Called for every clip, so it speaks to the system without `pathlib`'s detours.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            if file.read(len(data) + 1) == data:
                return
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    partial = _partial(path)
    try:
        with open(partial, "wb") as file:  # unbuffered, a full disk would only shorten the write
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
        raise


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary path to write; on leaving, syncs it and renames it to `path`.

    On an error, or if nothing changed, the temporary file is removed and `path` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(_partial(path))
    try:
        yield partial
        if path.is_file() and filecmp.cmp(partial, path, shallow=False):
            partial.unlink()
            return
        _sync(partial)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_lines(path: Path, records: Iterable[object]) -> int:
    """Writes one JSON line a record, atomically. Returns how many."""
    count = 0
    with replacing(path) as partial, partial.open("wb") as file:
        for record in records:
            file.write(encode(record) + b"\n")
            count += 1
    return count


def read_lines(path: Path, kind: type[Record]) -> Iterator[Record]:
    """The records of a JSON-lines file, one by one. A missing file has none."""
    if not path.exists():
        return
    decoder = msgspec.json.Decoder(kind)
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield decoder.decode(line)


def load_json(path: Path) -> Any:
    """Any JSON file, as plain Python."""
    return json.loads(path.read_bytes())


def _partial(path: Path | str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{os.getpid()}{PARTIAL}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
