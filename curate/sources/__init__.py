"""Where tracks come from.

A source lists an artist's tracks cheaply (`list_tracks`) and says where each one's audio file is
(`locate`). `SOURCES` holds every one, by the key that names it in artists.yaml.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from curate.config import Artist
from curate.records import Rejection, Track
from curate.sources.files import Files


class Source(Protocol):
    """What the pipeline asks of a source. Sources are made once a build and hold no audio."""

    name: str

    def list_tracks(self, artist: Artist) -> Iterator[Track | Rejection]:
        """The artist's tracks in a stable order; what cannot become one is a rejection."""
        ...

    def locate(self, track: Track) -> Path:
        """Where the audio file of a listed track is, or will be after fetching."""
        ...


def open_sources(base: Path) -> dict[str, Source]:
    """Every source, ready to list.

    Args:
        base: Folder of artists.yaml; relative paths in it start here.
    """
    return {source.name: source for source in (Files(base),)}
