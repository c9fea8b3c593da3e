"""Fetching what is not on this machine while workers are busy with what is.

Downloads run in a few threads of the driver, for they only wait; sources pace themselves, host by
host. Work that needs no download passes through at once and in order, the rest as it arrives.
"""

import concurrent.futures
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from curate.errors import AudioError, CurateError
from curate.sources.source import Got, Tell

_LOG = logging.getLogger(__name__)

Work = TypeVar("Work")

THREADS = 4
"""Downloads at a time: one host gets one at a time from most sources."""

AHEAD = 2
"""Files for each thread that may lie ready before they are worked on."""


class Stopped(Exception):
    """The build ends; a download is to be left as it is."""


@dataclass(frozen=True, slots=True)
class Arrived(Generic[Work]):
    """What came of a download."""

    work: Work
    got: Got | AudioError


def retrieve(
    works: Iterator[Work | None],
    needs: Callable[[Work], bool],
    download: Callable[[Work, Tell], Got],
    threads: int = THREADS,
) -> Iterator[Work | Arrived[Work] | None]:
    """Yields work as it can be done: at once what needs no download, as it arrives what does.

    Args:
        works: What is to be done; None (nothing to do) passes through.
        needs: Whether one needs a download.
        download: Fetches the audio of one; called in several threads.
        threads: Downloads at a time.

    Raises:
        CurateError: A source cannot work at all.
    """
    stop = threading.Event()
    pool: concurrent.futures.ThreadPoolExecutor | None = None
    running: dict[concurrent.futures.Future[Got], Work] = {}

    def tell(done: int, total: int | None) -> None:
        if stop.is_set():
            raise Stopped

    try:
        for work in works:
            if work is None or not needs(work):
                yield work
                yield from _arrived(running, wait=False)
                continue
            if pool is None:
                pool = concurrent.futures.ThreadPoolExecutor(threads, "download")
            running[pool.submit(download, work, tell)] = work
            yield from _arrived(running, wait=len(running) >= threads * AHEAD)
        while running:
            yield from _arrived(running, wait=True)
    finally:
        stop.set()
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)


def _arrived(
    running: dict[concurrent.futures.Future[Got], Work], *, wait: bool
) -> Iterator[Arrived[Work]]:
    """What has arrived by now, taken out of `running`; waits for the next if need be."""
    if wait:
        concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
    for future in [future for future in running if future.done()]:
        work = running.pop(future)
        try:
            yield Arrived(work, future.result())
        except (AudioError, OSError) as error:
            yield Arrived(work, _as_audio(error))
        except CurateError:
            raise  # a source that cannot work at all: the end of the build
        except Exception as error:  # a bug of ours or of a library: one track, not the build
            _LOG.exception("download of %s", work)
            yield Arrived(work, AudioError("unexpected", f"{type(error).__name__}: {error}"))


def _as_audio(error: AudioError | OSError) -> AudioError:
    if isinstance(error, OSError):
        return AudioError("unreadable", f"{error.strerror or error}; mend that and build again")
    return error
