"""Audio that was fetched and answers that were given, kept in one folder for all datasets.

    audio/<2 digits>/<sha256>.<extension>   by content: the same bytes lie there once
    keys/<2 digits>/<hash of a key>.json    what was fetched under a key: its file, origin, labels
    users/<2 digits>/<file>/<hash of a key> which keys name a file: it goes with the last of them
    answers/<source>/<2 digits>/<hash of a key>    listings and other answers, by the first word
                                            of the key; their age is the file's
    partial/<hash of a key>/                what has arrived of a download
    lock, locks/<hash of a key>             held for a moment, and while a key is fetched

A key is any text that names one thing forever, such as a source and an address. Every name in the
folder is a hash, so nothing from outside becomes a path. Files appear whole, by renaming; several
threads and processes may use one folder at once.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from curate import jsonio
from curate.errors import CurateError
from curate.names import digest
from curate.records import Label, Origin, Seconds
from curate.sources.source import Got

ENVIRONMENT = "CURATE_CACHE"
"""Names another folder than the usual one."""


_ANSWERING = frozenset({"web", "spotify"})
"""Sources whose answers lie in a folder of their own: nothing of a key becomes a path."""

_LEFT_S: Seconds = 3600.0
"""A file that was half-written so long ago was left by a killed build."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was fetched under a key: the file's name in `audio`, and what came with it."""

    file: str
    size_bytes: int
    origin: Origin
    labels: tuple[Label, ...]


class Cache:
    """The cache in one folder, which is made when something is first put into it.

    Args:
        place: The folder; by default CURATE_CACHE, else `musicgen-curate` in XDG_CACHE_HOME or
            `~/.cache`.

    Writing raises `CurateError` where the folder cannot be written to.
    """

    def __init__(self, place: Path | None = None) -> None:
        self.place = Path(os.path.abspath(_usual_place() if place is None else place))

    def audio(self, key: str) -> Got | None:
        """What was fetched under this key, if its file is still there in its full size."""
        kept = self._read(key)
        if kept is None:
            return None
        path = self._audio(kept.file)
        if not path.is_file() or path.stat().st_size != kept.size_bytes:
            return None
        return Got(path, kept.origin, kept.labels)

    def keep(
        self, key: str, file: Path, origin: Origin, labels: tuple[Label, ...] | list[Label]
    ) -> Got:
        """Takes a file in under this key: it is moved, and what else is partial of it removed.

        A key that named another file names this one from now on.
        """
        with self._writing(), file.open("rb+") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
            size_bytes = opened.tell()
            os.fsync(opened.fileno())  # else a machine that stops leaves a name without content
        kept = _Kept(f"{sha256}.{_extension(file)}", size_bytes, origin, tuple(labels))
        path = self._audio(kept.file)
        with self._writing(), _lock(self.place / "lock"):
            if path.is_file() and path.stat().st_size == size_bytes:
                file.unlink()
            else:
                _move(file, path)
            before = self._read(key)
            user = self._user(kept.file, key)
            user.parent.mkdir(parents=True, exist_ok=True)
            user.touch()
            _write(self._record(key), jsonio.encode(kept))
            if before is not None and before.file != kept.file:
                self._release(before.file, key)
        shutil.rmtree(self._partial(key), ignore_errors=True)
        return Got(path, origin, kept.labels)

    def drop(self, key: str) -> None:
        """Forgets what was fetched under this key; its file stays while another key names it."""
        if not self._record(key).exists():
            return
        with self._writing(), _lock(self.place / "lock"):
            kept = self._read(key)
            self._record(key).unlink(missing_ok=True)
            if kept is not None:
                self._release(kept.file, key)

    def answer(self, key: str, max_age_s: Seconds | None) -> bytes | None:
        """An answer that is not older than this; of any age with None."""
        try:
            with self._answer(key).open("rb") as file:
                age_s = abs(time.time() - os.fstat(file.fileno()).st_mtime)  # clocks get set back
                return file.read() if max_age_s is None or age_s <= max_age_s else None
        except OSError:
            return None

    def put_answer(self, key: str, data: bytes) -> None:
        """Keeps an answer in place of an earlier one. Secrets must have been removed from it."""
        with self._writing():
            _write(self._answer(key), data)

    def drop_answer(self, key: str) -> None:
        """Forgets an answer."""
        with self._writing():
            self._answer(key).unlink(missing_ok=True)

    def drop_answers(self, source: str) -> int:
        """Forgets all answers of a source; returns how many. What is just being written stays."""
        dropped = 0
        with self._writing():
            for path in self._answers(source).glob("*/*"):
                if path.name[0] != "." or time.time() - path.stat().st_mtime > _LEFT_S:
                    path.unlink(missing_ok=True)
                    dropped += 1
        return dropped

    def size_bytes(self) -> int:
        """Of everything in the folder."""
        return _size(str(self.place))

    def partial(self, key: str) -> Path:
        """The folder for what has arrived of this key's download, so that it continues there."""
        path = self._partial(key)
        with self._writing():
            path.mkdir(parents=True, exist_ok=True)
        return path

    @contextlib.contextmanager
    def alone(self, key: str, tick: Callable[[], None] | None = None) -> Iterator[None]:
        """Waits until no other thread or process is fetching this key, and keeps them waiting.

        Ask `audio` again inside: the other one may have brought it.

        Args:
            key: The key.
            tick: Called now and then while waiting; what it raises ends the wait.
        """
        path = self.place / "locks" / digest(key)
        with self._writing():
            file = _locked(path, tick)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(file)

    def _audio(self, file: str) -> Path:
        return self.place / "audio" / file[:2] / file

    def _record(self, key: str) -> Path:
        name = digest(key)
        return self.place / "keys" / name[:2] / f"{name}.json"

    def _user(self, file: str, key: str) -> Path:
        return self.place / "users" / file[:2] / file / digest(key)

    def _answer(self, key: str) -> Path:
        name, source = digest(key), key.partition(" ")[0]
        return self._answers(source) / name[:2] / name

    def _answers(self, source: str) -> Path:
        return self.place / "answers" / (source if source in _ANSWERING else "other")

    def _partial(self, key: str) -> Path:
        return self.place / "partial" / digest(key)

    def _read(self, key: str) -> _Kept | None:
        try:
            kept = jsonio.decode(self._record(key).read_bytes(), _Kept)
        except (OSError, msgspec.DecodeError):
            return None
        return kept if re.fullmatch(r"[0-9a-f]{64}\.[a-z0-9]+", kept.file) else None

    def _release(self, file: str, key: str) -> None:
        """A key no longer names a file; the last one takes it along."""
        user = self._user(file, key)
        user.unlink(missing_ok=True)
        try:
            user.parent.rmdir()
        except FileNotFoundError:
            pass
        except OSError:  # others name it
            return
        self._audio(file).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CurateError(
                f"{self.place}: the cache of downloads cannot be written: "
                f"{error.strerror or error}; free some space or name another folder with "
                f"{ENVIRONMENT}"
            ) from None


def _usual_place() -> Path:
    named = os.environ.get(ENVIRONMENT, "")
    if named:
        return Path(named).expanduser()
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # What is not absolute is to be ignored: XDG Base Directory Specification.
    return (base if base.is_absolute() else Path.home() / ".cache") / "musicgen-curate"


def _extension(file: Path) -> str:
    found = file.suffix.lower().lstrip(".")
    return found if re.fullmatch(r"[a-z0-9]{1,8}", found, re.ASCII) else "bin"


def _write(path: Path, data: bytes) -> None:
    """Like `jsonio.write_atomically`, but for several threads, and the file is new each time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _beside(path)
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _move(file: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file.replace(path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        partial = _beside(path)
        try:
            shutil.copyfile(file, partial)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        file.unlink()


def _beside(path: Path) -> Path:
    """A name that no other thread or process uses."""
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}{jsonio.PARTIAL}")


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Holds a lock, which goes when its holder dies. Of `flock`, threads are holders, too."""
    file = _locked(path)
    try:
        yield
    finally:
        os.close(file)


def _locked(path: Path, tick: Callable[[], None] | None = None) -> int:
    """A descriptor that holds the lock of this file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            _wait_for(file, tick)
            if os.path.samestat(os.fstat(file), path.stat()):
                return file
        except FileNotFoundError:  # the one before removed it
            pass
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _wait_for(file: int, tick: Callable[[], None] | None) -> None:
    while tick is not None:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tick()
            time.sleep(0.1)
    return fcntl.flock(file, fcntl.LOCK_EX)


def _size(folder: str) -> int:
    size_bytes = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    size_bytes += _size(entry.path)
                else:
                    with contextlib.suppress(OSError):  # gone meanwhile
                        size_bytes += entry.stat(follow_symlinks=False).st_size
    except OSError:
        return size_bytes
    return size_bytes
