"""The artist's own files as audio that may be a track: tags and lengths, read once a build."""

import re
import threading
from pathlib import Path

from curate import audio
from curate.config import Artist
from curate.errors import AudioError
from curate.labels import tags
from curate.records import Rejection, Seconds
from curate.sources.files import Files, title_of
from curate.sources.spotify.matching import Candidate

_NUMBERED = re.compile(r"^(?:\d{1,2}[-.])?\d{1,3}[\s._-]+(?=\S)")
"""`01 `, `1-03. `: a track's number before its title."""


class Local:
    """Files under `files:` of the artists. May be used by several threads.

    Args:
        base: Folder of artists.yaml.
    """

    def __init__(self, base: Path) -> None:
        self._files = Files(base)
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, tuple[Path, Candidate]]] = {}

    def candidates(self, artist: Artist) -> list[Candidate]:
        """The artist's files, in the order of `files:`; `place` is as `Files` names them."""
        return [candidate for _, candidate in self._read(artist).values()]

    def path(self, artist: Artist, place: str) -> Path:
        """Where the file of a candidate is."""
        return self._read(artist)[place][0]

    def _read(self, artist: Artist) -> dict[str, tuple[Path, Candidate]]:
        with self._lock:
            if artist.name not in self._known:
                found = {}
                for listed in self._files.list_tracks(artist):
                    if not isinstance(listed, Rejection):
                        path = self._files.locate(listed)
                        found[listed.uri] = (path, candidate(path, listed.uri))
                self._known[artist.name] = found
            return self._known[artist.name]


def candidate(path: Path, place: str) -> Candidate:
    """What a file says of itself; its name stands in for a title that it does not have."""
    said = tags.read(path)
    named = title_of(path).replace("_", " ")
    called = (said.title,) if said.title else (named, _NUMBERED.sub("", named))
    return Candidate(
        place=place,
        titles=tuple(dict.fromkeys(called)),
        artists=said.artists,
        duration_s=_duration(path),
        isrc=said.isrc,
        own=True,
    )


def _duration(path: Path) -> Seconds | None:
    try:
        with audio.Reader(path) as reader:
            return reader.header.duration_s
    except (AudioError, OSError):  # why, the pipeline will say if the file is used
        return None
