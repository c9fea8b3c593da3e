"""Local audio files: `files:` in artists.yaml.

An entry is a glob (`~/music/yoasobi/**/*.flac`), a folder (everything below it), an audio file or
an m3u/m3u8 playlist. Relative entries start at artists.yaml. Order is the entries' order, then by
name, so every build lists alike on every machine.
"""

import glob
import os
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from curate.config import Artist
from curate.names import track_id
from curate.records import Rejection, Track

SUFFIXES = frozenset(
    ".wav .wave .flac .mp3 .ogg .oga .opus .m4a .mp4 .aac .aif .aiff .aifc .webm .wma .wv .ape"
    " .caf .au".split()
)
"""What counts as an audio file in a folder or behind a `*`; a file named in full always does."""

PLAYLISTS = frozenset({".m3u", ".m3u8"})


class Files:
    """Lists files on this machine."""

    name = "files"

    def __init__(self, base: Path) -> None:
        self._base = Path(os.path.abspath(base))

    def list_tracks(self, artist: Artist) -> Iterator[Track | Rejection]:
        """Tracks of the artist's `files:`; an entry that matches nothing is a rejection."""
        seen: set[str] = set()
        for entry in artist.files:
            found = False
            for path in self._expand(entry):
                uri = self._uri(path)
                found = True
                if uri not in seen:
                    seen.add(uri)
                    yield Track(
                        track_id(self.name, uri), self.name, uri, artist.name, title_of(path)
                    )
            if not found:
                yield Rejection(
                    id=track_id(self.name, entry),
                    stage="list",
                    code="missing",
                    reason=f"'{entry}' matches no audio file under {self._base}; correct the entry",
                    artist=artist.name,
                    uri=entry,
                )

    def locate(self, track: Track) -> Path:
        """The file of a track."""
        return self._base / track.uri

    def _uri(self, path: Path) -> str:
        try:
            return path.relative_to(self._base).as_posix()
        except ValueError:
            return path.as_posix()

    def _expand(self, entry: str) -> Iterator[Path]:
        pattern = Path(os.path.abspath(self._base / Path(entry).expanduser()))
        if pattern.suffix.lower() in PLAYLISTS and pattern.is_file():
            yield from self._playlist(pattern)
        elif pattern.is_dir():
            yield from self._walk(pattern)
        elif os.path.lexists(pattern) or not glob.has_magic(entry):
            if os.path.lexists(pattern):
                yield pattern
        else:
            for name in sorted(glob.iglob(str(pattern), recursive=True), key=_order):
                path = Path(name)
                if path.suffix.lower() in PLAYLISTS and path.is_file():
                    yield from self._playlist(path)
                elif _wanted(path):
                    yield path

    def _walk(self, folder: Path) -> Iterator[Path]:
        for parent, folders, names in os.walk(folder):
            folders[:] = sorted((name for name in folders if name[0] != "."), key=_order)
            dressed = [name for name in folders if Path(name).suffix.lower() in SUFFIXES]
            for name in sorted([*names, *dressed], key=_order):
                path = Path(parent, name)
                if _wanted(path):
                    yield path

    def _playlist(self, path: Path) -> Iterator[Path]:
        data = path.read_bytes()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")  # what .m3u meant before .m3u8
        for line in text.splitlines():
            entry = line.strip()
            if entry and not entry.startswith("#"):
                yield Path(os.path.abspath(path.parent / Path(entry).expanduser()))


def title_of(path: Path) -> str:
    """A title from a file name: its stem, NFC, broken bytes replaced."""
    stem = os.fsencode(path.stem).decode("utf-8", "replace")
    return " ".join(unicodedata.normalize("NFC", stem).split()) or "untitled"


def _wanted(path: Path) -> bool:
    """Audio by its name.

    A folder or a dead link named like audio is listed too: it is rejected with a reason.
    """
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _order(name: str) -> tuple[str, str]:
    return unicodedata.normalize("NFC", name), name


def is_regular(path: Path) -> bool:
    """True for a file that can be read to its end: not a folder, pipe or device."""
    return stat.S_ISREG(path.stat().st_mode)
