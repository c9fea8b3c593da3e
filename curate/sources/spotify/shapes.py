"""Spotify's JSON to records and labels, in the forms it had until 2026 and has since.

An entry of a playlist holds its track under `item`, in the old form under `track`; a track in an
album's listing has neither album nor ISRC. Nothing is taken for granted: a field of an unexpected
type is as good as missing.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from curate.records import Label, Seconds

SOURCE = "spotify"
"""The source of every label from here."""

MAX_TEXT = 200

TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
"""By Spotify's number of the key, in the spelling of our own analysis."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A track as Spotify lists it.

    Attributes:
        id: Spotify's id.
        title: With what it adds to it: `Bohemian Rhapsody - Remastered 2011`.
        artists: Names of all that are credited, the first one first.
        artist_ids: Their ids, "" where there is none.
        duration_s: Length, None where it is not said.
        album: Title of the album.
        year: The album's; None for compilations, which are of another year than their tracks.
        isrc: International Standard Recording Code.
    """

    id: str
    title: str
    artists: tuple[str, ...]
    artist_ids: tuple[str, ...]
    duration_s: Seconds | None
    album: str | None
    year: int | None
    isrc: str | None

    @property
    def uri(self) -> str:
        """As Spotify names it."""
        return f"spotify:track:{self.id}"


@dataclass(frozen=True, slots=True)
class Lost:
    """Something in a listing that cannot become a track.

    Attributes:
        uri: As Spotify names it; for what has no name its place in the listing.
        title: Title, as far as known.
        code: Of the rejection.
        reason: One sentence with the remedy.
    """

    uri: str
    title: str
    code: str
    reason: str


def recording(found: object, place: str) -> Recording | Lost:
    """A track.

    Args:
        found: The track object, whole or simplified.
        place: Names it where it does not say its own name.
    """
    track = _object(found)
    uri, title, kind = text(track.get("uri")), text(track.get("name")), track.get("type", "track")
    name = uri or place
    if track.get("is_local") or uri.startswith("spotify:local:"):
        reason = "a file on its listener's machine, not on Spotify; add the file under `files`"
        return Lost(name, title, "unsupported", reason)
    if kind != "track":
        reason = f"a Spotify {text(kind) or 'thing'}, not a track of music; take it off the list"
        return Lost(name, title, "unsupported", reason)
    if not title or not _is_id(track.get("id")):
        return Lost(name, title, "removed", "Spotify has it no longer; take it off the list")
    album = _object(track.get("album"))
    credits = [_object(artist) for artist in _list(track.get("artists"))]
    named = [(text(artist.get("name")), artist.get("id")) for artist in credits]
    named = [(name, id_) for name, id_ in named if name]
    return Recording(
        id=track["id"],
        title=title,
        artists=tuple(name for name, _ in named),
        artist_ids=tuple(str(id_) if _is_id(id_) else "" for _, id_ in named),
        duration_s=_duration(track.get("duration_ms")),
        album=text(album.get("name")) or None,
        year=_year(album),
        isrc=_isrc(track),
    )


def entry(found: object, place: str) -> Recording | Lost:
    """An entry of a playlist.

    Args:
        found: The playlist item object.
        place: Names an entry that holds nothing.
    """
    item = _object(found)
    inner = _object(item.get("item")) or _object(item.get("track"))
    if item.get("is_local"):
        inner = {**inner, "is_local": True}
    return recording(inner, place)


def genres(artist: Mapping[str, Any]) -> tuple[Label, ...]:
    """The genres of an artist."""
    words = dict.fromkeys(filter(None, map(text, _list(artist.get("genres")))))
    return tuple(Label("genre", word, SOURCE) for word in words)


def features(found: Mapping[str, Any]) -> tuple[Label, ...]:
    """Tempo and key of Spotify's audio features.

    The others are left out, because their scales are not ours: danceability is 0..1 and not
    Essentia's 0..3, valence and energy are 0..1 and not 1..9, loudness is in dB and not LUFS, and
    of speech, liveness and the like we have no kinds.
    """
    made = []
    tempo = _number(found.get("tempo"))
    if tempo is not None and 20.0 <= tempo <= 400.0:  # 0 where none was found
        made.append(Label("tempo", round(tempo, 2), SOURCE))
    key, mode = found.get("key"), found.get("mode")
    if type(key) is int and 0 <= key < len(TONICS) and mode in (0, 1):  # -1 where none was found
        made.append(Label("key", f"{TONICS[key]} {'major' if mode else 'minor'}", SOURCE))
    return tuple(made)


def labels(track: Recording) -> tuple[Label, ...]:
    """What Spotify says of a track itself."""
    made = [Label("title", track.title, SOURCE)]
    if track.album:
        made.append(Label("album", track.album, SOURCE))
    if track.isrc:
        made.append(Label("isrc", track.isrc, SOURCE))
    if track.year:
        made.append(Label("year", float(track.year), SOURCE))
    return tuple(made)


def text(value: object) -> str:
    """One line of clean text, "" where it is none."""
    if not isinstance(value, str):
        return ""
    whole = value.encode("utf-8", "replace").decode()  # JSON can hold half of a character
    plain = unicodedata.normalize("NFC", whole[: 8 * MAX_TEXT])
    printable = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in plain)
    return " ".join(printable.split())[:MAX_TEXT]


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_id(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9A-Za-z]{1,64}", value) is not None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e12 else None  # neither NaN nor infinite


def _duration(value: object) -> Seconds | None:
    milliseconds = _number(value)
    return milliseconds / 1000 if milliseconds and milliseconds > 0 else None


def _year(album: Mapping[str, Any]) -> int | None:
    if album.get("album_type") == "compilation":
        return None
    match = re.match(r"\d{4}", text(album.get("release_date")))
    return int(match[0]) if match and 1000 <= int(match[0]) <= 2999 else None


def _isrc(track: Mapping[str, Any]) -> str | None:
    plain = re.sub(r"[\s-]", "", text(_object(track.get("external_ids")).get("isrc"))).upper()
    return plain if re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}\d{7}", plain) else None
