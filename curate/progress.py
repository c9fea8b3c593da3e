"""How long work tells of itself. The library is silent; the command line shows a bar."""

import contextlib
from collections.abc import Iterator
from typing import Protocol


class Teller(Protocol):
    """Told of every item of one stage."""

    def advance(self, what: str = "", audio_s: float = 0.0) -> None:
        """One more item is done; `audio_s` seconds of audio were worked through for it."""
        ...

    def skip(self, count: int = 1) -> None:
        """So many items had nothing to do."""
        ...


class Progress(Protocol):
    """Told of every stage."""

    def stage(self, name: str, total: int) -> contextlib.AbstractContextManager[Teller]:
        """A stage over `total` items, while the context is open."""
        ...


class Silent:
    """Says nothing."""

    @contextlib.contextmanager
    def stage(self, name: str, total: int) -> Iterator[Teller]:
        """See `Progress`."""
        yield self

    def advance(self, what: str = "", audio_s: float = 0.0) -> None:
        """See `Teller`."""

    def skip(self, count: int = 1) -> None:
        """See `Teller`."""
