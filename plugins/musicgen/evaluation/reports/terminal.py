"""Bars on a terminal, silence elsewhere."""

import contextlib
import sys
from collections.abc import Iterator

from curate.progress import Progress, Silent


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """What is told of an evaluation while the context is open."""
    if not sys.stderr.isatty():
        yield Silent()
        return
    from curate.command.terminal import Bars

    with Bars() as bars:
        yield bars
