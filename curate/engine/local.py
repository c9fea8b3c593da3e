"""The process pool of this machine, by pebble.

A worker is a fresh interpreter (spawn), one thread of computation each. It may crash, hang or be
killed for memory: its job is run once more with nothing beside it, so that it fails by its own
doing, and then counts as lost. The pool is made when the first job comes and not before.
"""

import concurrent.futures
import contextlib
import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker
from typing import Any

from curate.engine import Done, Job, Lost, Result
from curate.errors import CurateError
from curate.records import Seconds

_LOG = logging.getLogger(__name__)

SINGLE_THREADED = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
"""Set to 1 in workers: processes are the parallelism, threads inside them only get in the way."""

AHEAD = 2
"""Jobs in the queue for each worker, so that none waits."""


class LocalEngine:
    """Runs jobs in `jobs` processes.

    Args:
        jobs: Number of processes.
        timeout: Longest a job may take, in seconds.
        memory_bytes: Most memory a worker may grow to; None leaves it to the system.

    Attributes:
        timeout: As given.
    """

    def __init__(self, jobs: int, timeout: Seconds, memory_bytes: int | None = None) -> None:
        self._jobs = jobs
        self.timeout = timeout
        self._memory = memory_bytes

    def map(
        self, function: Callable[[Job], Result], jobs: Iterable[Job]
    ) -> Generator[Done[Job, Result]]:
        """See `curate.engine.Engine`. Closing the iterator stops the workers at once."""
        suspects: list[Job] = []
        for done in self._run(function, jobs, self._jobs):
            if isinstance(done.result, Lost):
                _LOG.info("%s; once more, alone", done.result.reason)
                suspects.append(done.job)
            else:
                yield done
        for job in suspects:
            yield from self._run(function, [job], 1)

    def _run(
        self, function: Callable[[Job], Result], jobs: Iterable[Job], workers: int
    ) -> Generator[Done[Job, Result]]:
        import pebble

        pool: Any = None
        running: dict[concurrent.futures.Future[Result], Job] = {}
        source = iter(jobs)
        finished = False
        try:
            while running or not finished:
                while not finished and len(running) < workers * AHEAD:
                    job = next(source, None)
                    if job is None:
                        finished = True
                        break
                    if pool is None:
                        pool = pebble.ProcessPool(
                            max_workers=workers,
                            context=multiprocessing.get_context("spawn"),
                            initializer=_start,
                            initargs=(os.getpid(), self._memory),
                        )
                    with _without_interrupts():
                        running[pool.schedule(function, args=[job], timeout=self.timeout)] = job
                ready, _ = concurrent.futures.wait(
                    running, return_when=concurrent.futures.FIRST_COMPLETED
                )
                for future in ready:
                    outcome: Result | Lost = self._outcome(future)
                    yield Done(running.pop(future), outcome)
        finally:
            if pool is not None:
                if running or not finished:
                    pool.stop()
                else:
                    pool.close()
                pool.join()

    def _outcome(self, future: concurrent.futures.Future[Result]) -> Result | Lost:
        import pebble

        try:
            return future.result()
        except concurrent.futures.TimeoutError:
            return Lost(
                "worker_timeout",
                f"took longer than {self.timeout:g} s; raise --timeout or take it off the list",
            )
        except pebble.ProcessExpired as error:
            code = error.exitcode
            if code in (-signal.SIGKILL, 137):
                return Lost("worker_memory", "the worker was killed, most likely for its memory")
            name = signal.Signals(-code).name if code and code < 0 else f"exit code {code}"
            return Lost("worker_crashed", f"the worker died ({name}) while working on it")
        except MemoryError:
            limit = f"{(self._memory or 0) / 2**30:.1f} GiB"
            return Lost("worker_memory", f"needed more than {limit} of memory")
        except BrokenProcessPool as error:
            raise CurateError(
                f"no worker process stays alive ({error}): with little memory use fewer --jobs; "
                "workers import a script, so it has to build below `if __name__ == '__main__':`"
            ) from None


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Processes started meanwhile, and by threads started meanwhile, leave Ctrl-C to this one.

    They do so from their first moment on; `_start` is too late for one that is pressed early.
    """
    resource_tracker.ensure_running()  # starting it would let the signal in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(parent: int, memory_bytes: int | None) -> None:
    """First thing in a worker: leaves Ctrl-C to the driver, dies with it, takes one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # pebble's handler waits for C code to return
    os.environ.update(dict.fromkeys(SINGLE_THREADED, "1"))
    with contextlib.suppress(Exception):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: Linux only
        if os.getppid() != parent:
            os._exit(1)
    if memory_bytes is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
