"""The file of requests that makes a batch, and how large it may be."""

import tempfile
from dataclasses import dataclass
from typing import IO

from curate.records import Seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """What the Batch API takes; OpenAI's as of 2026.

    Attributes:
        requests: Most in one file.
        file_bytes: Largest file.
        poll_s: First pause between two looks at a batch.
        slowest_poll_s: Pauses grow up to this.
    """

    requests: int = 50_000
    file_bytes: int = 200_000_000
    poll_s: Seconds = 5.0
    slowest_poll_s: Seconds = 60.0


class Part:
    """The file of one batch while it grows."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self.keys: list[tuple[bytes, int]] = []
        self._ends: list[int] = []

    def has_room(self, line: bytes) -> bool:
        """Whether one more line fits; a first one always does."""
        size = self._ends[-1] if self._ends else 0
        full = len(self.keys) >= self._limits.requests
        return not self.keys or not (full or size + len(line) > self._limits.file_bytes)

    def add(self, key: bytes, most: int, line: bytes) -> None:
        """One more request, and what it costs at most."""
        self._file.write(line)
        self.keys.append((key, most))
        self._ends.append(self._file.tell())

    def cut(self, count: int) -> None:
        """Leaves the first requests only."""
        self._file.truncate(self._ends[count - 1] if count else 0)
        del self.keys[count:], self._ends[count:]

    def clear(self) -> None:
        """A new one."""
        self._file.seek(0)
        self.cut(0)

    def file(self) -> IO[bytes]:
        """To be read from its beginning."""
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Removes it."""
        self._file.close()
