"""Local audio files: `files:` in artists.yaml.

An entry is a glob (`~/music/yoasobi/**/*.flac`), a folder (everything below it), an audio file or
an m3u/m3u8 playlist. Relative entries start at artists.yaml. Order is the entries' order, then by
name, so every build lists alike on every machine. Links are followed, but never in a circle; hidden
files and the clips of built datasets are passed over; a folder that cannot be read is a rejection.
"""

import fnmatch
import glob
import os
import re
import unicodedata
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path

from curate.config import Artist
from curate.names import track_id
from curate.records import Origin, Rejection, Track
from curate.sources.source import Got, Tell

SUFFIXES = frozenset(
    ".wav .wave .flac .mp3 .ogg .oga .opus .m4a .mp4 .aac .aif .aiff .aifc .webm .wma .wv .ape"
    " .caf .au".split()
)
"""What counts as an audio file in a folder or behind a `*`; a file named in full always does."""

PLAYLISTS = frozenset({".m3u", ".m3u8"})

MAX_TITLE = 200

_CLIP = re.compile(r"/audio/[^/]+/([^/]+-[0-9a-f]{12})/\1_chunk\d{3,}\.(?:flac|wav)$")
"""A clip of a built dataset. With `build/` beside artists.yaml, `**/*.flac` would find them."""


_Troubles = dict[str, str]
"""Folders and playlists that cannot be read, with the system's reason."""


class Files:
    """Lists files on this machine."""

    name = "files"

    def __init__(self, base: Path) -> None:
        self._base = Path(os.path.abspath(base))

    def list_tracks(self, artist: Artist) -> Iterator[Track | Rejection]:
        """Tracks of the artist's `files:`; an entry that matches nothing is a rejection."""
        seen: set[str] = set()
        for entry in artist.files:
            troubles: _Troubles = {}
            found = False
            for path in self._expand(entry, troubles):
                found = True
                uri = self._uri(path)
                if uri not in seen:
                    seen.add(uri)
                    yield Track(
                        track_id(self.name, uri), self.name, uri, artist.name, title_of(path)
                    )
            for place, trouble in troubles.items():
                reason = f"'{_text(place)}': {trouble}; mend that or take it off the list"
                yield self._rejection(artist, self._uri(Path(place)), "unreadable", reason)
            if not found and not troubles:
                reason = f"'{entry}' matches no audio file under {self._base}; correct the entry"
                yield self._rejection(artist, entry, "missing", _text(reason))

    def at_hand(self, track: Track) -> Got:
        """The file of a track, whether or not it is there."""
        return Got(self.locate(track), Origin(track.uri))

    def get(self, track: Track, tell: Tell) -> Got:
        """See `Source`: files are at hand or nowhere."""
        return self.at_hand(track)

    def release(self, track: Track) -> None:
        """See `Source`: these files are not ours."""

    def close(self) -> None:
        """See `Source`: nothing is open."""

    def locate(self, track: Track) -> Path:
        """The path of a track's file."""
        if track.uri.startswith("file:///"):
            return Path(os.fsdecode(urllib.parse.unquote_to_bytes(track.uri[len("file://") :])))
        return self._base / track.uri

    def _rejection(self, artist: Artist, uri: str, code: str, reason: str) -> Rejection:
        return Rejection(track_id(self.name, uri), "list", code, reason, artist.name, uri=uri)

    def _uri(self, path: Path) -> str:
        """The path below artists.yaml, else the whole; a file URI where its bytes are no text."""
        if not _is_text(str(path)):
            return path.as_uri()
        try:
            return path.relative_to(self._base).as_posix()
        except ValueError:
            return path.as_posix()

    def _expand(self, entry: str, troubles: _Troubles) -> Iterator[Path]:
        entry = os.path.expanduser(entry)
        path = os.path.abspath(os.path.join(self._base, entry))
        named = os.path.lexists(path) or not glob.has_magic(entry)
        matches = {path}
        if not os.path.lexists(path):
            start = "/" if os.path.isabs(entry) else str(self._base)
            parts = [part for part in entry.split("/") if part not in {"", "."}]
            matches = {os.path.normpath(match) for match in _glob(start, parts, troubles)}
            if named and not matches and Path(path).suffix.lower() in SUFFIXES:
                matches = {path}  # a track whose file is not there
        for match in sorted(matches, key=_order):
            if Path(match).suffix.lower() in PLAYLISTS and os.path.isfile(match):
                yield from _playlist(match, troubles)
            elif named and os.path.isdir(match):
                yield from _wanted(_below(match, troubles))
            else:
                yield from [Path(match)] if named else _wanted([match])


def title_of(path: Path) -> str:
    """A title from a file name: its stem, NFC, without control characters and broken bytes."""
    stem = unicodedata.normalize("NFC", _text(path.stem))[:MAX_TITLE]
    plain = "".join(" " if unicodedata.category(c) == "Cc" else c for c in stem)
    return " ".join(plain.split()) or "untitled"


def _playlist(path: str, troubles: _Troubles) -> Iterator[Path]:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        troubles[path] = str(error.strerror)
        return
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # what .m3u meant before .m3u8
    for line in re.split(r"[\r\n]+", text):
        name = line.strip()
        if name and not name.startswith("#"):
            yield Path(os.path.abspath(Path(path).parent / os.path.expanduser(name)))


def _glob(folder: str, parts: list[str], troubles: _Troubles) -> Iterator[str]:
    """Paths below a folder that match a pattern, part by part; `**` is any depth, files too.

    Names are compared in NFC: a Mac writes `が` as two characters.
    """
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        for here, names in _folders(folder, troubles):
            yield from _glob(here, rest, troubles) if rest else (f"{here}/{n}" for n in names)
    elif not set(part) & set("*?") and os.path.lexists(os.path.join(folder, part)):
        yield from _glob(os.path.join(folder, part), rest, troubles)
    else:
        pattern = unicodedata.normalize("NFC", part if glob.has_magic(part) else glob.escape(part))
        for name in _names(folder, troubles, hidden=part.startswith(".")):
            path = os.path.join(folder, name)
            fits = fnmatch.fnmatchcase(unicodedata.normalize("NFC", name), pattern)
            if fits and (not rest or os.path.isdir(path)):
                yield from _glob(path, rest, troubles)


def _below(folder: str, troubles: _Troubles) -> Iterator[str]:
    for here, names in _folders(folder, troubles):
        yield from (os.path.join(here, name) for name in names)


def _folders(folder: str, troubles: _Troubles) -> Iterator[tuple[str, list[str]]]:
    """A folder and all below with the names in each: each folder once, by a link only if need be.

    So links in a circle end, and a folder keeps its own path when someone links to it.
    """
    seen: set[tuple[int, int]] = set()
    links = [folder]
    while links:
        folders, links = sorted(links, key=_order, reverse=True), []
        while folders:
            here = folders.pop()
            try:
                state = os.stat(here)
            except OSError as error:
                troubles[here] = str(error.strerror)
                continue
            if (state.st_dev, state.st_ino) in seen:
                continue
            seen.add((state.st_dev, state.st_ino))
            names = _names(here, troubles)
            yield here, names
            for path in (os.path.join(here, name) for name in names):
                if os.path.isdir(path):
                    (links if os.path.islink(path) else folders).append(path)


def _names(folder: str, troubles: _Troubles, *, hidden: bool = False) -> list[str]:
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        troubles[folder] = str(error.strerror)
        return []
    return [name for name in names if hidden or not name.startswith(".")]


def _wanted(paths: Iterable[str]) -> Iterator[Path]:
    """Audio by its name, in order.

    A folder or a dead link named like audio is listed too: it is rejected with a reason.
    """
    for path in sorted(paths, key=_order):
        name = Path(path)
        if name.suffix.lower() in SUFFIXES and name.name[0] != "." and not _CLIP.search(path):
            yield name


def _order(name: str) -> tuple[str, str]:
    return unicodedata.normalize("NFC", name), name


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(path: str) -> str:
    """A path as text, broken bytes replaced."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
