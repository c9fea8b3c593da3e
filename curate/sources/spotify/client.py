"""What Spotify is asked, one thing a request, and each answer kept: a second build asks nothing.

Batches of tracks, artists or albums are gone from the API for most apps, so none are asked for.
That something is not there, or is not given to this app, is an answer too. Answers are kept by
request, without anything of the app or its token.
"""

import json
import logging
import urllib.parse
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from curate.config import SpotifyOptions
from curate.sources.cache import Cache
from curate.sources.source import SourceError
from curate.sources.spotify import connection
from curate.sources.spotify.connection import Connection

PAGE = 50
"""Most that a page of a playlist or an album can have."""

ALBUMS_PAGE = 10
"""Most albums of an artist in a page, since 2026."""

_LASTING = frozenset({"removed", "private", "unsupported"})
_LIMIT = "pause spotify"
"""Not an answer of its own: it stays when those are forgotten."""

_NO_FEATURES = "spotify audio-features closed"

_LOG = logging.getLogger(__name__)


class Client:
    """Spotify's answers, from the cache or the connection.

    Args:
        cache: Where answers are kept.
        options: How old they may be.
        opened: Where they come from.
        offline: Nothing is asked; answers of any age will do.

    Every method raises `SourceError` as `Connection.get` does, and `offline` where an answer would
    have to be asked for; `CurateError` for credentials.
    """

    def __init__(
        self, cache: Cache, options: SpotifyOptions, opened: Connection, offline: bool = False
    ) -> None:
        self._cache = cache
        self._connection = opened
        self._offline = offline
        self._max_age_s = None if offline else options.refresh_hours * 3600

    def track(self, id_: str) -> dict[str, Any]:
        """A track, whole."""
        return self._ask(f"tracks/{id_}")

    def known_track(self, id_: str) -> dict[str, Any] | None:
        """A track if its answer is in the cache, of any age."""
        try:
            return self._kept(f"tracks/{id_}", None)
        except SourceError:
            return None

    def artist(self, id_: str) -> dict[str, Any]:
        """An artist."""
        return self._ask(f"artists/{id_}")

    def artist_albums(self, id_: str) -> Iterator[Any]:
        """An artist's albums and singles, simplified; not what the artist only appears on."""
        query = {"include_groups": "album,single", "limit": ALBUMS_PAGE}
        return self._items(self._ask(f"artists/{id_}/albums", query))

    def album_tracks(self, id_: str) -> Iterator[Any]:
        """The tracks of an album, simplified: without album and ISRC."""
        return self._items(self._ask(f"albums/{id_}/tracks", {"limit": PAGE}))

    def playlist_entries(self, id_: str) -> Iterator[Any]:
        """The entries of a playlist, each with its track."""
        query = {"limit": PAGE, "additional_types": "track,episode"}
        try:
            first = self._ask(f"playlists/{id_}/items", query)
        except SourceError as new:
            if new.code not in _LASTING:
                raise
            first = self._old_playlist(id_, query, new)
        return self._items(first)

    def features(self, id_: str) -> dict[str, Any] | None:
        """The audio features of a track; None where it has none or they are closed to this app."""
        address = f"audio-features/{id_}"
        try:
            kept = self._kept(address, self._max_age_s)
            if kept is not None or self._offline or self._features_closed():
                return kept
            return self._ask(address, lasting=_LASTING - {"private"})
        except SourceError as error:
            if error.code == "private":
                self._close_features()
            elif error.code != "removed":
                raise
            return None

    def _old_playlist(self, id_: str, query: dict[str, Any], new: SourceError) -> dict[str, Any]:
        """The first page where it was until 2026."""
        try:
            return self._ask(f"playlists/{id_}/tracks", query)
        except SourceError as old:
            if old.code not in _LASTING:
                raise
        if new.code != "private":
            raise new
        raise SourceError(
            "private",
            f"{new.reason}: since 2026 apps get only playlists of their owners; list its artists, "
            "albums or tracks instead",
        ) from None

    def _items(self, page: dict[str, Any]) -> Iterator[Any]:
        """All items of a listing, page after page, lazily."""
        followed: set[str] = set()
        while True:
            items, after = page.get("items"), page.get("next")
            if not isinstance(items, list):
                raise SourceError("unsupported", "Spotify's listing has no items; build again")
            yield from items
            if not isinstance(after, str) or not after or not items:
                return
            if after in followed or not self._connection.owns(after):
                shown = urllib.parse.urlsplit(after).netloc.rpartition("@")[2]
                raise SourceError(
                    "unsupported",
                    f"Spotify's listing goes on in a circle or elsewhere ({shown}); not followed",
                )
            followed.add(after)
            page = self._ask(after)

    def _ask(
        self,
        address: str,
        query: Mapping[str, object] | None = None,
        lasting: frozenset[str] = _LASTING,
    ) -> dict[str, Any]:
        """The answer to a request.

        Args:
            address: Of the request.
            query: Its parameters.
            lasting: Refusals that are kept like answers.
        """
        key = f"{address}?{urllib.parse.urlencode(query)}" if query else address
        kept = self._kept(key, self._max_age_s)
        if kept is not None:
            return kept
        if self._offline:
            raise SourceError("offline", "Spotify was not asked before; build without --offline")
        self._check_limit()
        try:
            found = self._connection.get(address, query or {})
        except SourceError as error:
            if error.until is not None:
                limit = {"app": self._connection.app, "until": error.until.timestamp()}
                self._put(_LIMIT, limit)
            elif error.code in lasting:
                self._put(f"spotify {key}", {"code": error.code, "reason": error.reason})
            raise
        self._put(f"spotify {key}", {"found": found})
        return found

    def _kept(self, key: str, max_age_s: float | None) -> dict[str, Any] | None:
        kept = self._read(f"spotify {key}", max_age_s)
        if "code" in kept:
            raise SourceError(str(kept["code"]), str(kept.get("reason")))
        return kept.get("found")

    def _check_limit(self) -> None:
        """Does not ask before the time that Spotify named, in an earlier build too."""
        limit, now = self._read(_LIMIT, None), self._connection.now()
        until_s = limit.get("until", 0.0)
        if limit.get("app") == self._connection.app and 0 < until_s - now <= connection.LONGEST_S:
            until = datetime.fromtimestamp(until_s, UTC)
            reason = f"Spotify asked to wait until {until:%Y-%m-%d %H:%M} UTC; build again then"
            raise SourceError("rate_limited", reason, until)

    def _features_closed(self) -> bool:
        closed = self._read(_NO_FEATURES, self._max_age_s)
        return bool(closed) and self._connection.app in ("", closed.get("app"))

    def _close_features(self) -> None:
        """Remembers that this app gets no features; another app may."""
        self._put(_NO_FEATURES, {"app": self._connection.app})
        _LOG.warning(
            "Spotify gives this app no audio features (403), as most since November 2024; tempo "
            "and key come from the audio alone"
        )

    def _read(self, key: str, max_age_s: float | None) -> dict[str, Any]:
        data = self._cache.answer(key, max_age_s)
        try:
            found = json.loads(data or b"{}")
        except ValueError:  # not ours, or broken: as if it were not there
            return {}
        return found if isinstance(found, dict) else {}

    def _put(self, key: str, answer: dict[str, Any]) -> None:
        self._cache.put_answer(key, json.dumps(answer).encode())
