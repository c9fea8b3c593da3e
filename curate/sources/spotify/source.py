"""The source `spotify`: what its links list, and where the audio of it is found."""

import dataclasses
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from curate.config import Artist, SpotifyOptions
from curate.names import track_id
from curate.records import Label, Origin, Rejection, Track
from curate.sources.cache import Cache
from curate.sources.source import Got, SourceError, Tell
from curate.sources.spotify import links, matching, shapes
from curate.sources.spotify.client import Client
from curate.sources.spotify.connection import Connection
from curate.sources.spotify.links import Link
from curate.sources.spotify.local import Local
from curate.sources.spotify.matching import Candidate, Limits, Match, Wanted
from curate.sources.spotify.shapes import Lost, Recording

Finder = Callable[[str], Sequence[Candidate]]
"""Searches for audio: `artist title` to what was found, with length, title and uploader. May raise
`SourceError`."""

Download = Callable[[str, Tell], Got]
"""Fetches what a `Candidate.place` names, as `Source.get` does."""

_LOG = logging.getLogger(__name__)

_OF_ONE_TRACK = frozenset({"removed", "private", "unsupported"})
"""These say nothing of the rest of a listing."""


class Spotify:
    """Lists tracks on Spotify; their audio is the artist's own files or is searched for.

    Args:
        base: Folder of artists.yaml.
        options: What is asked for; it is taken for granted that something is.
        cache: Of answers and audio.
        offline: Only what is in the cache.
        finder: Searches for audio; needed for `match: youtube`.
        download: Fetches what was found; likewise.
        client: What answers; by default Spotify.
    """

    name = "spotify"

    def __init__(
        self,
        base: Path,
        options: SpotifyOptions,
        cache: Cache,
        offline: bool = False,
        finder: Finder | None = None,
        download: Download | None = None,
        client: Client | None = None,
    ) -> None:
        self._options = options
        self._limits = Limits(options.max_seconds_apart, options.min_title_match)
        self._cache = cache
        self._offline = offline
        self._finder = finder
        self._download = download
        opened = Connection(options.max_wait_s)
        self._client = client or Client(cache, options, opened, offline)
        self._local = Local(base)
        self._artists: dict[str, Artist] = {}
        self._listed: dict[str, Recording] = {}
        self._genres: dict[str, tuple[Label, ...]] = {}
        self._told: set[str] = set()

    def list_tracks(self, artist: Artist) -> Iterator[Track | Rejection]:
        """The tracks of the artist's `spotify:`, each recording once.

        Where Spotify cannot be asked now, the entry is a rejection (`rate_limited`, `network`,
        `offline`) and the listing goes on with the next.

        Raises:
            CurateError: No credentials, or Spotify does not accept them.
        """
        self._artists[artist.name] = artist
        seen: dict[str, Recording | None] = {}
        for entry in artist.spotify:
            place = links.shown(entry)
            try:
                link = links.parse(entry)
                place = link.uri
                for found in self._found(link):
                    if found.uri not in seen:
                        yield self._listing(artist, found, seen)
            except SourceError as error:
                lost = Lost(place, "", error.code, f"{place}: {error.reason}")
                yield self._rejection(artist, lost)

    def at_hand(self, track: Track) -> Got | None:
        """A track's audio, if it is on this machine; never asks Spotify."""
        if self._options.match == "youtube":
            return self._cache.audio(track.uri)
        found = self._among_files(track)
        return None if found is None or found[1].fault else self._file(track, *found)

    def get(self, track: Track, tell: Tell) -> Got:
        """Finds a track's audio.

        Raises:
            SourceError: `no_match` where nothing is surely the track, `offline`, and whatever
                search and download raise.
        """
        if (got := self.at_hand(track)) is not None:
            return got
        if self._options.match == "files":
            raise self._no_match(track, "among the artist's files", self._among_files(track))
        if self._offline:
            raise SourceError("offline", "not searched for before; build without --offline")
        if self._finder is None or self._download is None:
            raise ValueError("match: youtube needs a finder and a download")
        wanted = self._wanted(track, self._recording(track) or self._asked(track))
        query = f"{wanted.artists[0]} {wanted.title}"
        found = matching.best(wanted, self._finder(query), self._limits)
        if found is None or found[1].fault:
            raise self._no_match(track, f"by a search for '{query}'", found)
        candidate, match = found
        got = self._download(candidate.place, tell)
        self._cache.put_answer(_place_key(track), candidate.place.encode())
        return self._keep(track, got, match)

    def release(self, track: Track) -> None:
        """See `Source`: gives up what was searched for and fetched."""
        from curate.sources.web import key_of

        if (place := self._cache.answer(_place_key(track), None)) is not None:
            self._cache.drop(key_of(place.decode()))
        self._cache.drop(track.uri)

    def close(self) -> None:
        """See `Source`: the connection lives as long as this."""

    def _found(self, link: Link) -> Iterator[Recording | Lost]:
        """What a link lists, in Spotify's order."""
        if link.kind == "track":
            yield shapes.recording(self._client.track(link.id), link.uri)
        elif link.kind == "playlist":
            for place, item in enumerate(self._client.playlist_entries(link.id), start=1):
                yield shapes.entry(item, f"{link.uri}#{place}")
        elif link.kind == "album":
            yield from self._of_album(link.id, "")
        else:
            for album in self._client.artist_albums(link.id):
                id_ = album.get("id") if isinstance(album, dict) else None
                if isinstance(id_, str) and id_.isalnum():
                    yield from self._of_album(id_, link.id)

    def _of_album(self, album: str, artist: str) -> Iterator[Recording | Lost]:
        """The tracks of an album; of this artist, where one is given.

        An album lists its tracks without ISRC, so each one is asked for.
        """
        for place, item in enumerate(self._client.album_tracks(album), start=1):
            brief = shapes.recording(item, f"spotify:album:{album}#{place}")
            if isinstance(brief, Lost):
                yield brief
            elif not artist or artist in brief.artist_ids:
                try:
                    yield shapes.recording(self._client.track(brief.id), brief.uri)
                except SourceError as error:
                    if error.code not in _OF_ONE_TRACK:
                        raise
                    yield Lost(brief.uri, brief.title, error.code, error.reason)

    def _listing(
        self, artist: Artist, found: Recording | Lost, seen: dict[str, Recording | None]
    ) -> Track | Rejection:
        seen[found.uri] = None
        if isinstance(found, Lost):
            return self._rejection(artist, found)
        if found.isrc is not None:
            first = seen.setdefault(found.isrc, found)
            if first is not None and first is not found and self._near(first, found):
                reason = f'the same recording (ISRC {found.isrc}) as "{first.title}" ({first.uri})'
                return self._rejection(
                    artist, Lost(found.uri, found.title, "listed_twice", f"{reason}; one is enough")
                )
        id_ = track_id(self.name, found.uri)
        self._listed[id_] = found
        labels = self._labels(found)
        return Track(id_, self.name, found.uri, artist.name, found.title, labels=labels)

    def _near(self, one: Recording, other: Recording) -> bool:
        if one.duration_s is None or other.duration_s is None:
            return True
        return abs(one.duration_s - other.duration_s) <= self._limits.max_seconds_apart

    def _rejection(self, artist: Artist, lost: Lost) -> Rejection:
        id_ = track_id(self.name, lost.uri)
        return Rejection(id_, "list", lost.code, lost.reason, artist.name, lost.title, lost.uri)

    def _labels(self, found: Recording) -> tuple[Label, ...]:
        """All that Spotify says of a track, as far as it is in use; the title always."""
        use = self._options.use
        own = shapes.labels(found)
        made = [label for label in own if "tracks" in use or label.kind == "title"]
        try:
            if "genres" in use and found.artist_ids and found.artist_ids[0]:
                made += self._genres_of(found.artist_ids[0])
            if "features" in use and (said := self._client.features(found.id)) is not None:
                made += shapes.features(said)
        except SourceError as error:
            if error.code not in self._told:  # once a build; the next one asks again
                self._told.add(error.code)
                _LOG.warning("labels of Spotify are missing for some tracks: %s", error.reason)
        return tuple(made)

    def _genres_of(self, artist: str) -> tuple[Label, ...]:
        if artist not in self._genres:
            try:
                self._genres[artist] = shapes.genres(self._client.artist(artist))
            except SourceError as error:
                if error.code not in _OF_ONE_TRACK:
                    raise
                self._genres[artist] = ()
        return self._genres[artist]

    def _recording(self, track: Track) -> Recording | None:
        """What was listed, or is in the cache."""
        if track.id in self._listed:
            return self._listed[track.id]
        known = self._client.known_track(track.uri.rpartition(":")[2])
        found = None if known is None else shapes.recording(known, track.uri)
        return found if isinstance(found, Recording) else None

    def _asked(self, track: Track) -> Recording | None:
        found = shapes.recording(self._client.track(track.uri.rpartition(":")[2]), track.uri)
        return found if isinstance(found, Recording) else None

    def _wanted(self, track: Track, found: Recording | None) -> Wanted:
        if found is None:
            return Wanted(track.title, (track.artist,))
        names = tuple(dict.fromkeys((*found.artists, track.artist)))
        return Wanted(found.title, names, found.duration_s, found.isrc)

    def _among_files(self, track: Track) -> tuple[Candidate, Match] | None:
        artist = self._artists.get(track.artist)
        if artist is None:
            return None
        wanted = self._wanted(track, self._recording(track))
        return matching.best(wanted, self._local.candidates(artist), self._limits)

    def _file(self, track: Track, candidate: Candidate, match: Match) -> Got:
        path = self._local.path(self._artists[track.artist], candidate.place)
        return Got(path, Origin(candidate.place, match=match.score))

    def _no_match(
        self, track: Track, where: str, closest: tuple[Candidate, Match] | None
    ) -> SourceError:
        if closest is None:
            said = "nothing was found"
        else:
            candidate, match = closest
            title, place = shapes.text(candidate.titles[0]), shapes.text(candidate.place)
            apart = "unknown" if match.seconds_apart is None else f"{match.seconds_apart:.1f} s"
            said = (
                f'the closest, "{title}" ({place}), is not it: {match.fault}; titles alike '
                f"{match.title:.2f}, least {self._limits.min_title_match:g}; lengths apart "
                f"{apart}, most {self._limits.max_seconds_apart:g} s"
            )
        return SourceError(
            "no_match", f'no audio of "{track.title}" {where}: {said}; add the file under `files`'
        )

    def _keep(self, track: Track, got: Got, match: Match) -> Got:
        """Has the cache know fetched audio under this track, too; the bytes lie there once."""
        copy = self._cache.partial(track.uri) / f"audio{got.path.suffix}"
        copy.unlink(missing_ok=True)
        try:
            os.link(got.path, copy)
        except OSError:  # another file system, or one without links
            shutil.copyfile(got.path, copy)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        retrieved = got.origin.retrieved_at or now
        origin = dataclasses.replace(got.origin, match=match.score, retrieved_at=retrieved)
        return self._cache.keep(track.uri, copy, origin, got.labels)


def _place_key(track: Track) -> str:
    """Under what the cache keeps where the audio of a track was found."""
    return f"spotify place {track.uri}"
