"""Codes on the disk: one small file for each audio file, named by the content of both models.

    FOLDER/MODEL/ab/cdef….npz     codes of the audio file whose SHA-256 is abcdef…
    FOLDER/MODEL/ab/cdef…-N.npz   codes of it followed by silence, N samples in all

One file for each, because then writing is one rename, which no kill and no other process can
disturb: packed shards need an index, locks and repairs. 30 s are 12 kB, 256 folders keep the
listings short (400 files each with 100,000 clips), and reading one takes 0.2 ms. The format is
numpy's own; it has a checksum (CRC-32) for each array, so damage is noticed.
"""

import contextlib
import errno
import os
import secrets
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import TrainingError

if TYPE_CHECKING:
    import numpy as np

OLD_S = 3600.0
"""A half-written file this old, in seconds, is nobody's any more."""

FULL = (errno.ENOSPC, errno.EDQUOT)


class DamagedError(Exception):
    """A file of the cache is not what was written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Codes of an audio file.

    Attributes:
        codes: [K, T], int16 where the codebooks are small enough.
        samples: Of the sound at the model's rate, without silence behind it.
        size: Of the audio file, in bytes.
    """

    codes: "np.ndarray"
    samples: int
    size: int


@dataclass(frozen=True, slots=True)
class Store:
    """The entries of one compression model.

    Attributes:
        folder: Of the whole cache.
        model: Names the compression model by its content, see `encode.model_hash`.
    """

    folder: Path
    model: str

    def path(self, key: str) -> Path:
        """Where an entry is, if it is.

        Args:
            key: SHA-256 of the audio file in hex, and what follows it.
        """
        return self.folder / self.model / key[:2] / f"{key[2:]}.npz"

    def read(self, key: str) -> Entry | None:
        """An entry; None if there is none.

        Raises:
            DamagedError: There is one, and it is not what was written.
        """
        import numpy as np

        try:
            with np.load(self.path(key), allow_pickle=False) as found:
                codes, about = found["codes"], found["about"]
            if codes.ndim != 2 or codes.dtype.kind != "i" or about.shape != (2,):
                raise DamagedError(f"{self.path(key)}: no codes in it")
            return Entry(codes, int(about[0]), int(about[1]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise DamagedError(f"{self.path(key)}: {error}") from error

    def write(self, key: str, entry: Entry) -> None:
        """Keeps an entry, whole or not at all; the last of several writers stays.

        Raises:
            TrainingError: The folder cannot be written, or its disk is full.
        """
        import numpy as np

        path = self.path(key)
        about = np.array([entry.samples, entry.size], dtype=np.int64)
        with writing(self.folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            waiting = path.with_name(f".{os.getpid()}-{secrets.token_hex(4)}.tmp")
            try:
                with waiting.open("wb") as file:
                    np.savez(file, codes=entry.codes, about=about)
                waiting.replace(path)
            except BaseException:
                waiting.unlink(missing_ok=True)
                raise

    def remove(self, key: str) -> None:
        """Forgets an entry."""
        with contextlib.suppress(OSError):
            self.path(key).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Removes what killed processes left half written."""
        for path in (self.folder / self.model).glob("*/.*.tmp"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > OLD_S:
                    path.unlink()


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Says what to do where the cache's folder cannot be written.

    Raises:
        TrainingError: Instead of any OSError within.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in FULL
        why = "its disk is full" if full else f"it cannot be written ({error.strerror})"
        raise TrainingError(
            f"token_cache.folder={folder}: {why}; name a folder on another disk with "
            "token_cache.folder=DIR, or do without by token_cache.use=false. What is there stays "
            "good"
        ) from error
