"""What the pipeline asks of a source of tracks, and how a source says no."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from curate.config import Artist
from curate.errors import AudioError
from curate.records import Label, Origin, Rejection, Track


@dataclass(frozen=True, slots=True)
class Got:
    """A track's audio file at hand.

    Attributes:
        path: The file; for local files it may turn out to be missing.
        origin: Where it came from and on what terms.
        labels: What the place it came from says of the track, beyond `Track.labels`.
    """

    path: Path
    origin: Origin
    labels: tuple[Label, ...] = ()


class SourceError(AudioError):
    """A track that its source does not give.

    Attributes:
        code: The reason, a code of the table in schemas/README.md.
        reason: One sentence with the remedy.
        until: When it makes sense to ask this source again, for any track; None if this track alone
            is concerned.
    """

    def __init__(self, code: str, reason: str, until: datetime | None = None) -> None:
        super().__init__(code, reason)
        self.args = (code, reason, until)
        self.until = until


class Tell(Protocol):
    """Told how a download goes on."""

    def __call__(self, done: int, total: int | None) -> None:
        """So many bytes of so many, None where that is not known."""
        ...


class Source(Protocol):
    """A place where tracks come from. One is made for each build; it holds no audio in memory."""

    name: str

    def list_tracks(self, artist: Artist) -> Iterator[Track | Rejection]:
        """The artist's tracks in a stable order, lazily; what cannot become one is a rejection.

        Cheap: a page of a listing at a time, and what was listed lately is not asked for again.
        """
        ...

    def at_hand(self, track: Track) -> Got | None:
        """A listed track's file if it is on this machine. Never touches the network."""
        ...

    def get(self, track: Track, tell: Tell) -> Got:
        """Fetches a track that is not at hand. May be called from several threads at once.

        Raises:
            SourceError: It cannot be had, now or ever.
        """
        ...

    def release(self, track: Track) -> None:
        """Gives up the fetched file of a track; what is on this machine anyway stays."""
        ...

    def close(self) -> None:
        """Closes connections: nothing more will be asked."""
        ...
