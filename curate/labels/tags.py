"""What an audio file says of itself: ID3, Vorbis comments, MP4 atoms, ASF and APE, by mutagen.

Values are cleaned (NFC, trimmed, split at `;` and `/` where the format has no lists) but never
interpreted. A file whose tags cannot be read has none: tags never cost a track.
"""

import logging
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from curate import audio
from curate.records import Label, Tags

VERSION = 1

_LOG = logging.getLogger(__name__)

_VORBIS: dict[str, tuple[str, ...]] = {
    "title": ("title",),
    "artists": ("artists", "artist", "author"),
    "album": ("album", "wm/albumtitle"),
    "year": ("originaldate", "originalyear", "date", "year", "wm/year"),
    "isrc": ("isrc", "wm/isrc"),
    "genres": ("genre", "style", "wm/genre"),
    "moods": ("mood", "wm/mood"),
    "instruments": ("instrument", "instruments"),
    "bpm": ("bpm", "tempo", "tbpm", "wm/beatsperminute"),
    "key": ("initialkey", "initial key", "key", "wm/initialkey"),
    "licence": ("license", "licence", "copyright url"),
}
"""Field to the names of Vorbis comments, APE, ASF and free-form MP4 and ID3 (TXXX) fields."""

_ID3: dict[str, tuple[str, ...]] = {
    "title": ("TIT2",),
    "artists": ("TPE1",),
    "album": ("TALB",),
    "year": ("TDOR", "TDRC", "TYER"),
    "isrc": ("TSRC",),
    "genres": ("TCON",),
    "moods": ("TMOO",),
    "instruments": ("TMCL", "TIPL"),
    "bpm": ("TBPM",),
    "key": ("TKEY",),
    "licence": ("WCOP",),
}

_MP4: dict[str, tuple[str, ...]] = {
    "title": ("\xa9nam",),
    "artists": ("\xa9ART",),
    "album": ("\xa9alb",),
    "year": ("\xa9day",),
    "genres": ("\xa9gen",),
    "bpm": ("tmpo",),
}

_LISTS = {"artists", "genres", "moods", "instruments"}
_MAX_VALUE = 500
_CREDITS = {"arranger", "engineer", "producer", "dj-mix", "mix", "vocal arranger"}
"""Roles in ID3 people lists that are not instruments."""


def read(path: Path) -> Tags:
    """The tags of a file; empty where there are none or they cannot be read."""
    import mutagen

    try:
        file = mutagen.File(path)
    except Exception as error:  # mutagen meets hostile bytes with any exception there is
        _LOG.debug("tags of %s cannot be read: %s", path.name, error)
        return Tags()
    found = audio.metadata(path) if file is None else file.tags  # mutagen has no Matroska, no CAF
    if not found:
        return Tags()
    raw = {field: list(_clean(values, field)) for field, values in _fields(found)}
    return _typed(raw)


def labels(found: Tags) -> tuple[Label, ...]:
    """The tags that are labels, in a fixed order, source `tag`."""
    words = [("genre", found.genres), ("mood", found.moods), ("instrument", found.instruments)]
    made = [Label(kind, value, "tag") for kind, values in words for value in values]
    if found.key:
        made.append(Label("key", found.key, "tag"))
    if found.bpm:
        made.append(Label("tempo", found.bpm, "tag"))
    if found.year:
        made.append(Label("year", float(found.year), "tag"))
    return tuple(made)


def _fields(found: Any) -> Iterator[tuple[str, list[Any]]]:
    kind = type(found).__module__
    if "id3" in kind or hasattr(found, "getall"):
        free = {f.desc.casefold(): list(f.text) for f in found.getall("TXXX")}
        for field, names in _ID3.items():
            values = [v for name in names for f in found.getall(name) for v in _id3_values(f)]
            values += [v for name in _VORBIS[field] for v in free.get(name, [])]
            yield field, values
        return
    flat = {}
    for key in found.keys():  # noqa: SIM118 - Vorbis comments iterate as pairs
        name = str(key).casefold()
        flat[name.removeprefix("----:com.apple.itunes:")] = _as_list(found[key])
    for field, names in _VORBIS.items():
        mp4 = [name.casefold() for name in _MP4.get(field, ())]
        ranked = (flat.get(name) for name in (*names, *mp4))
        yield field, next((values for values in ranked if values), [])


def _id3_values(frame: Any) -> list[Any]:
    if hasattr(frame, "genres"):
        return list(frame.genres)
    if hasattr(frame, "people"):
        return [role for role, _ in frame.people if role.casefold() not in _CREDITS]
    return list(getattr(frame, "text", None) or [getattr(frame, "url", "")])


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, str | bytes):
        return [value]
    if isinstance(value, Iterable):
        return list(value)
    return [value]


def _clean(values: list[Any], field: str) -> Iterator[str]:
    seen = set()
    for value in values:
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        text = text[: 8 * _MAX_VALUE]  # a tag can hold a book
        parts = re.split(r"[;\x00\uff1b]|\s/\s", text) if field in _LISTS else [text]
        for part in parts:
            printable = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in part)
            word = " ".join(unicodedata.normalize("NFC", printable).split())[:_MAX_VALUE]
            if word and word.casefold() not in seen:
                seen.add(word.casefold())
                yield word


def _typed(raw: dict[str, list[str]]) -> Tags:
    def first(field: str) -> str | None:
        return next(iter(raw.get(field, [])), None)

    return Tags(
        title=first("title"),
        artists=tuple(raw.get("artists", [])),
        album=first("album"),
        year=_year(first("year")),
        isrc=_isrc(first("isrc")),
        genres=tuple(raw.get("genres", [])),
        moods=tuple(raw.get("moods", [])),
        instruments=tuple(raw.get("instruments", [])),
        bpm=_bpm(first("bpm")),
        key=key_name(first("key")),
        licence=first("licence"),
    )


def _year(text: str | None) -> int | None:
    match = re.match(r"\s*(\d{4})", text or "")
    return int(match[1]) if match and 1000 <= int(match[1]) <= 2999 else None


def _isrc(text: str | None) -> str | None:
    plain = re.sub(r"[\s-]", "", text or "").upper()
    return plain if re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}\d{7}", plain) else None


def _bpm(text: str | None) -> float | None:
    try:
        value = float((text or "").replace(",", "."))
    except ValueError:
        return None
    return value if 20.0 <= value <= 400.0 else None


_SHARP = {"Db": "C#", "D#": "Eb", "Gb": "F#", "G#": "Ab", "A#": "Bb", "Cb": "B", "Fb": "E"} | {
    "E#": "F",
    "B#": "C",
}
"""One spelling a pitch class, the one Essentia uses."""


def key_name(text: str | None) -> str | None:
    """`Am`, `F♯ major`, `bb` as `A minor`, `F# major`, `Bb major`; None if it is no key."""
    if not text:
        return None
    plain = text.strip().replace("\u266f", "#").replace("\u266d", "b")
    match = re.fullmatch(r"([A-Ga-g])([#b]?)\s*[-:]?\s*(.*)", plain)
    if not match:
        return None
    rest = match[3].strip()
    if rest in {"", "M"} or rest.casefold() in {"maj", "major", "dur"}:
        mode = "major"
    elif rest == "m" or rest.casefold() in {"min", "minor", "moll"}:
        mode = "minor"
    else:
        return None
    tonic = match[1].upper() + match[2]
    return f"{_SHARP.get(tonic, tonic)} {mode}"
