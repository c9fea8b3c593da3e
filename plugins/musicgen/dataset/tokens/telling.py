"""How far the filling of the cache is: a bar on a terminal, lines of the log elsewhere."""

import logging
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

EVERY_S = 30.0
"""Between two lines of the log, in seconds."""

logger = logging.getLogger(__name__)


class Telling:
    """Tells of the clips that are encoded.

    Attributes:
        done: Clips so far.
    """

    def __init__(self, clips: int, missing: int, need: int, folder: Path, quiet: bool) -> None:
        """What will be done.

        Args:
            clips: Of the run.
            missing: Of these, not in the cache.
            need: Bytes that their codes will take.
            folder: Of the cache.
            quiet: Tell nothing.
        """
        self.done = 0
        self.missing = missing
        self.quiet = quiet
        self.begun_s = self.told_s = time.monotonic()
        self.bar = None
        if quiet:
            return
        logger.info(
            "Token cache: encoding %d of %d clips, %.0f MiB, into %s; once for all runs",
            *(missing, clips, need / 2**20, folder),
        )
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

            self.bar = Progress(
                *Progress.get_default_columns()[:2],
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self.task = self.bar.add_task("Encoding", total=missing)

    def __enter__(self) -> Self:
        if self.bar is not None:
            self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.stop()
        if not self.quiet and error is None:
            logger.info("Token cache: %d clips in %.0f s", self.done, self._elapsed_s())

    def step(self) -> None:
        """One clip more."""
        self.done += 1
        if self.bar is not None:
            self.bar.advance(self.task)
        elif not self.quiet and time.monotonic() - self.told_s > EVERY_S:
            self.told_s = time.monotonic()
            left_s = self._elapsed_s() / self.done * (self.missing - self.done)
            logger.info(
                "Token cache: %d of %d clips, about %.0f min left",
                *(self.done, self.missing, left_s / 60),
            )

    def _elapsed_s(self) -> float:
        return time.monotonic() - self.begun_s
