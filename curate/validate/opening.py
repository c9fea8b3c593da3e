"""Opening a clip's two files, audio header and sidecar: the only slow part of a quick check.

On a local disk one thread is fastest (about 0.1 ms a clip; more threads only fight for the
interpreter, see tests/bench/validate.py). On a network disk every open waits, so as soon as a batch
is slow the next ones are opened by many threads.
"""

import errno
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from curate import audio
from curate.errors import AudioError
from curate.validate import text
from curate.validate.entries import Entry

SLOW_S = 0.002
"""A clip that takes longer to open than this waits for the disk, not for us."""

THREADS = 16


@dataclass(frozen=True, slots=True)
class Opened:
    """What the two files of a clip gave.

    Attributes:
        header: What the audio's header says; None where it could not be read.
        audio_fault: Code and message why not; None also where the line names no file.
        sidecar: Its bytes; None where it could not be read.
        sidecar_fault: Why not; None also where there is none.
        sidecar_missing: There is no sidecar.
    """

    header: audio.Header | None = None
    audio_fault: tuple[str, str] | None = None
    sidecar: bytes | None = None
    sidecar_fault: text.Fault | None = None
    sidecar_missing: bool = False


class Opener:
    """Opens the files of batches of clips."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS)
        self._slow = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def open(self, entries: list[Entry]) -> list[Opened]:
        """The files of these clips, in their order."""
        if self._slow:
            return list(self._pool.map(open_files, entries))
        start = time.perf_counter()
        opened = [open_files(entry) for entry in entries]
        self._slow = (time.perf_counter() - start) / max(len(entries), 1) > SLOW_S
        return opened


def open_files(entry: Entry) -> Opened:
    """Opens audio and sidecar of one clip. Raises nothing for what they hold."""
    path, beside = entry.audio, entry.sidecar_path
    if path is None or beside is None:
        return Opened()
    header = audio_fault = None
    try:
        text.check_regular(path)
        with audio.Reader(path) as reader:
            header = reader.header
    except (AudioError, RuntimeError, *text.READ_ERRORS) as error:
        audio_fault = why(error)
    try:
        found = text.read_bytes(beside)
    except FileNotFoundError:
        return Opened(header, audio_fault, sidecar_missing=True)
    if isinstance(found, text.Fault):
        return Opened(header, audio_fault, sidecar_fault=found)
    return Opened(header, audio_fault, found)


def why(error: BaseException) -> tuple[str, str]:
    """Code and message for audio that cannot be opened."""
    if isinstance(error, AudioError):
        return "audio_unreadable", error.reason
    gone = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
    if isinstance(error, ValueError) or getattr(error, "errno", None) in gone:
        return "audio_missing", "there is no such file"
    return "audio_unreadable", text.reason(error)
