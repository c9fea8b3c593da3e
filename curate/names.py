"""Ids, and names that are safe as paths.

Artist names and titles come from outside. Nothing of them reaches the file system but through
`slug`, whose result holds only letters, digits and single hyphens, in any script.
"""

import functools
import hashlib
import unicodedata

from curate.records import Track

SLUG_BYTES = 64
"""Longest slug in UTF-8 bytes: leaves room for ids and suffixes within the usual 255."""

_RESERVED = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))}


def digest(*parts: object) -> str:
    """64 hex digits that name these parts; different parts never share one by mere joining."""
    text = "\x1f".join(f"{len(str(part))}:{part}" for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def track_id(source: str, uri: str) -> str:
    """12 hex digits for what a source calls by this uri."""
    return digest("track", source, unicodedata.normalize("NFC", uri))[:12]


def chunk_id(track: str, index: int) -> str:
    """The id of the track's chunk number `index`."""
    return f"{track}_{index:03d}"


@functools.lru_cache(maxsize=8192)
def slug(text: str) -> str:
    """`text` as one safe path component, in its own script: `夜に駆ける` stays, `../x` is `x`.

    NFKC and case-folded, so that names differing only in case or composition meet; every run of
    anything but letters, marks and digits is one hyphen; at most `SLUG_BYTES` bytes; never empty
    and never a name that Windows reserves.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in folded)
    joined = "-".join(kept.split())
    cut = joined.encode("utf-8", "ignore")[:SLUG_BYTES].decode("utf-8", "ignore").strip("-")
    if not cut:
        return "untitled"
    return f"{cut}-" if cut in _RESERVED else cut


def track_slug(track: Track) -> str:
    """Folder and file stem of a track: its listed title, and its id so that no two collide.

    A title from Spotify stays out of it: what it says can be withdrawn from a dataset.
    """
    title = track.source if track.source == "spotify" else track.title
    return f"{slug(title)}-{track.id}"


def normalise(text: str) -> str:
    """For comparing names: NFKC, case-folded, inner space as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
