"""What a site says of a recording: its origin, labels, and a plain record of it."""

import math
from typing import Any

from curate import jsonio
from curate.records import Label, Origin
from curate.sources.web.addresses import canonical, clean, fault, redact

_KEPT = tuple(
    """
    id display_id title fulltitle alt_title track track_number disc_number artist artists album
    album_type album_artist album_artists composer composers creator creators genre genres
    release_year release_date upload_date timestamp uploader uploader_id uploader_url channel
    channel_id channel_url description tags categories license licenseurl license_url copyright
    duration age_limit availability live_status language webpage_url extractor extractor_key
    format_id ext acodec abr asr audio_channels filesize playlist_title playlist_id
    """.split()
)
"""What is kept of yt-dlp's information: nothing that expires, opens anything or fills the disk."""

_MAX_TEXT = 5000
_MAX_LIST = 100

_LICENCES = ("license", "licenseurl", "license_url", "licence")

_YEARS = range(1850, 2101)


def origin(info: dict[str, Any], address: str, retrieved_at: str) -> Origin:
    """Where a recording comes from and on what terms, as the site says.

    Args:
        info: yt-dlp's information.
        address: What was asked for, without secrets; used where the site names no page.
        retrieved_at: ISO 8601, UTC.
    """
    import yt_dlp

    claims = (_text(info, name, 1000) for name in _LICENCES)
    licence = next((claim for claim in claims if claim), None)
    page = str(info.get("webpage_url") or "")
    return Origin(
        address=address if fault(page) else redact(canonical(page)),
        uploader=_text(info, "uploader") or _text(info, "channel"),
        licence=licence,
        licence_source=_key(info) if licence else None,
        retrieved_at=retrieved_at,
        extractor=_text(info, "extractor") or "generic",
        version=yt_dlp.version.__version__,
    )


def labels(info: dict[str, Any]) -> tuple[Label, ...]:
    """What a site says of the music; only what it says, nothing from the file's name.

    A title is taken from where the site knows it to be a track's or where it has titles at all.
    """
    source = f"web.{_key(info)}"
    made = []
    title = _text(info, "track") or (None if is_nameless(info) else _text(info, "title"))
    if title:
        made.append(Label("title", title, source))
    album = _text(info, "album")
    if album:
        made.append(Label("album", album, source))
    year = info.get("release_year") or str(info.get("release_date") or "")[:4]
    if str(year).isdecimal() and int(year) in _YEARS:
        made.append(Label("year", float(year), source))
    made += [Label("genre", genre, source) for genre in _genres(info)]
    return tuple(made)


def record(info: dict[str, Any]) -> bytes:
    """The information as JSON, cut down to what may be kept."""
    return jsonio.encode({name: _plain(info[name]) for name in _KEPT if info.get(name) is not None})


def is_nameless(info: dict[str, Any]) -> bool:
    """Whether the title was only made from the address: that of a file somewhere."""
    return _key(info) == "generic" and bool(info.get("direct"))


def _genres(info: dict[str, Any]) -> list[str]:
    found = info.get("genres") or info.get("genre") or ()
    words = found.split(",") if isinstance(found, str) else found
    genres = (clean(word, 100) for word in words if isinstance(word, str))
    return list(dict.fromkeys(genre for genre in genres if genre))[:20]


def _key(info: dict[str, Any]) -> str:
    """The extractor's key in small letters: `youtube`."""
    key = str(info.get("extractor_key") or "generic").lower()
    return "".join(c for c in key if c.isascii() and c.isalnum()) or "generic"


def _text(info: dict[str, Any], name: str, most: int = 200) -> str | None:
    found = info.get(name)
    return clean(redact(found), most) or None if isinstance(found, str) else None


def _plain(value: Any) -> Any:
    """Strings without secrets, numbers that are numbers, lists of such."""
    if isinstance(value, str):
        return redact(value[:_MAX_TEXT]).encode("utf-8", "replace").decode()
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value[:_MAX_LIST]]
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return None
