"""Requests that are under way, so that two builds at once do not pay for the same one twice.

Each is a locked file in the folder of the answers. The lock ends with its process, however that
ends, so nothing has to be taken back and no lease to be waited for.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from curate.records import Seconds

POLL_S: Seconds = 0.2
"""How often to look whether another build has its answer."""


class Claims:
    """The folder of locks.

    Args:
        folder: Made with the first claim.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def claim(self, key: bytes) -> Iterator[bool]:
        """Whether nobody else has this request under way; nobody else will, while inside.

        Where the file system has no locks everybody is told so: it is paid for twice, not never.
        """
        path = self._folder / f"request-{key.hex()}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError:
            yield True
            return
        try:
            ours = _locked(file, path)
            yield ours
            if ours:
                path.unlink(missing_ok=True)
        finally:
            os.close(file)


def _locked(file: int, path: Path) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file), path.stat())  # else its holder has just removed it
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError:
        return True
