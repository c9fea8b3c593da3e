"""Ids from what a person copies out of Spotify: URIs and addresses of its player."""

import re
import urllib.parse
from dataclasses import dataclass
from typing import Literal

from curate.sources.source import SourceError

Kind = Literal["artist", "album", "playlist", "track"]

KINDS: tuple[Kind, ...] = ("artist", "album", "playlist", "track")

_ID = re.compile(r"[0-9A-Za-z]{22}")
_HOSTS = frozenset({"open.spotify.com", "play.spotify.com"})
_PASSED_OVER = re.compile(r"intl-[a-z]{2,3}(?:-[a-z]{2,4})?|embed|embed-podcast", re.IGNORECASE)
"""Parts of an address before the kind: the language of the page, the player in other pages."""


@dataclass(frozen=True, slots=True)
class Link:
    """Something on Spotify.

    Attributes:
        kind: What it is.
        id: Its id: 22 letters and digits.
    """

    kind: Kind
    id: str

    @property
    def uri(self) -> str:
        """As Spotify names it, `spotify:track:...`."""
        return f"spotify:{self.kind}:{self.id}"

    @property
    def address(self) -> str:
        """A page that a person can open."""
        return f"https://open.spotify.com/{self.kind}/{self.id}"


def parse(entry: str) -> Link:
    """The link in an entry of `spotify:`.

    It may be a URI (`spotify:album:...`) or an address of open.spotify.com, as it is copied there:
    with a language (`/intl-ja/`), a player for other pages (`/embed/`) and `?si=...`.

    Raises:
        SourceError: `unsupported`, for anything else.
    """
    text = entry.strip()
    if text.startswith("spotify:"):
        parts = text.partition("?")[0].split(":")[1:]
    else:
        parts = _of_address(text)
    if len(parts) == 4 and parts[0] == "user" and parts[2] == "playlist":  # the form before 2018
        parts = parts[2:]
    if len(parts) != 2:
        raise SourceError("unsupported", f"'{shown(entry)}' is no {_expected()}")
    kind, id_ = parts
    if kind not in KINDS:
        raise SourceError(
            "unsupported", f"'{shown(entry)}' is a Spotify {kind}, which has no tracks of music"
        )
    if not _ID.fullmatch(id_):
        raise SourceError(
            "unsupported", f"'{shown(entry)}': an id has 22 letters and digits; copy it again"
        )
    return Link(kind, id_)


def shown(entry: str) -> str:
    """An entry as it may stand in a message: without what could be a password or a token."""
    text = re.sub(r"//[^/@]*@", "//", entry.strip()).partition("?")[0].partition("#")[0]
    return "".join(c if c.isprintable() else " " for c in text)[:200]


def _of_address(text: str) -> list[str]:
    if "://" not in text:
        text = f"https://{text}"
    try:
        found = urllib.parse.urlsplit(text)
        host = (found.hostname or "").lower()
    except ValueError:
        return []
    if found.scheme not in ("http", "https") or host not in _HOSTS:
        return []
    parts = [part for part in found.path.split("/") if part]
    while parts and _PASSED_OVER.fullmatch(parts[0]):
        del parts[0]
    return parts


def _expected() -> str:
    return (
        "artist, album, playlist or track of Spotify; copy its URI (spotify:album:...) or its "
        "address (https://open.spotify.com/album/...)"
    )
