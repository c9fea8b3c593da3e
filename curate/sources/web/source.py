"""The web as a source of tracks: `playlists:` in artists.yaml, read by yt-dlp."""

import contextlib
import threading
import urllib.parse
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from curate.config import Artist, WebOptions
from curate.names import track_id
from curate.records import Rejection, Seconds, Track
from curate.sources.cache import Cache
from curate.sources.source import Got, SourceError, Tell
from curate.sources.spotify.matching import Candidate
from curate.sources.web import about, downloading, settings
from curate.sources.web.addresses import Guard, clean, fault, host_of, redact
from curate.sources.web.faults import REMEDIES, Fault
from curate.sources.web.hosts import Hosts, growing
from curate.sources.web.listing import MAX_TITLE, Item, Listings, too_long, walk
from curate.sources.web.runtime import javascript_runtime

SEARCHED = 8
"""Results of a search that are looked at."""

if TYPE_CHECKING:
    from curate.sources.web.asker import Asker, Errand


_Info = dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an item was listed, and the address to ask for, "" where it must be looked up there."""

    listing: str
    address: str


class Web:
    """Lists and fetches what yt-dlp can read. `get` may be called from several threads at once.

    Args:
        base: Folder of artists.yaml.
        options: `web:` in artists.yaml.
        max_seconds: Longer recordings are not fetched.
        cache: Where listings, files and half files are kept.
        offline: Ask nothing; take what the cache has.

    Raises:
        ConfigError: Cookies or proxy are not what they should be.
    """

    name = "web"

    def __init__(
        self,
        base: Path,
        options: WebOptions,
        max_seconds: Seconds,
        cache: Cache,
        *,
        offline: bool = False,
    ) -> None:
        self._base = base
        self._options = options
        self._longest_s = max_seconds
        self._cache = cache
        self._offline = offline
        self._hosts = Hosts(options, cache)
        refresh_s = options.refresh_hours * 3600
        self._listings = Listings(cache, self._hosts, refresh_s, offline=offline)
        self._places: dict[str, _Place] = {}
        self._idle: list[Asker] = []
        self._own = threading.Lock()
        self._params = settings.params(options, growing)
        self._cookies = settings.cookies(base, options) if options.cookies else None

    def list_tracks(self, artist: Artist) -> Iterator[Track | Rejection]:
        """Tracks of the artist's `playlists:`, in the sites' order; see `Source`."""
        seen: set[str] = set()
        for address in artist.playlists:
            try:
                for item in self.items(address):
                    if item.uri not in seen:
                        seen.add(item.uri)
                        yield self._track(artist, item)
            except SourceError as error:
                uri = redact(clean(address, 500))
                reason = f"'{uri}': {error.reason}"
                yield Rejection(
                    track_id(self.name, uri), "list", error.code, reason, artist.name, uri=uri
                )

    def at_hand(self, track: Track) -> Got | None:
        """See `Source`."""
        return self.kept(track.uri)

    def get(self, track: Track, tell: Tell) -> Got:
        """See `Source`."""
        return self.fetch(track.uri, tell)

    def release(self, track: Track) -> None:
        """See `Source`: drops what was fetched; a file that others share stays."""
        self._cache.drop(key_of(track.uri))

    def items(self, address: str) -> Iterator[Item]:
        """What an address leads to, lazily; for other sources too.

        Raises:
            SourceError: It cannot be read.
        """
        wrong = _fault_of(address)
        if wrong:
            raise SourceError("unsupported", f"{wrong}; {REMEDIES['unsupported']}")
        return self._items(address, host_of(address))

    def search(self, words: str) -> tuple[Candidate, ...]:
        """The first few recordings that a search on YouTube finds; `fetch` takes their places.

        Raises:
            SourceError: The search does not work.
        """
        address = f"ytsearch{SEARCHED}:{clean(words, 200)}"
        found = [item for item in self._items(address, "youtube.com") if not item.code]
        return tuple(
            Candidate(i.uri, (i.title,), (i.uploader,) if i.uploader else (), i.duration_s)
            for i in found
        )

    def kept(self, uri: str) -> Got | None:
        """What was fetched under this name, if its file is still there."""
        return self._cache.audio(key_of(uri))

    def fetch(
        self,
        uri: str,
        tell: Tell,
        listed_at: str | None = None,
        longest_s: Seconds | None = None,
    ) -> Got:
        """Fetches one recording; for other sources too.

        Args:
            uri: A name that `items` gave, or any address.
            tell: Told of the progress, and now and then while something is waited for; what it
                raises ends the download.
            listed_at: Address of the listing for the guard (`addresses.Guard`), where it is not one
                of `items`; by default only the open web is asked.
            longest_s: Longer recordings are not fetched, where another bound is meant than
                artists.yaml has, because only a part of it is used.

        Raises:
            SourceError: It cannot be had. `until` is there where its host is left alone from now
                on; other hosts are not concerned, and further calls ask that host nothing.
        """
        place = self._places.get(uri)
        if place is None:
            place = _Place(listed_at or "", uri)
        wrong = _fault_of(place.address or place.listing)
        if wrong:
            raise SourceError("unsupported", f"{wrong}; {REMEDIES['unsupported']}")
        if (got := self.kept(uri)) is not None:
            return got
        if self._offline:
            raise SourceError("offline", "not fetched yet; build once without --offline")
        longest_s = longest_s or self._longest_s
        progress = downloading.Progress(tell, longest_s)
        host = host_of(place.address or place.listing)
        with self._cache.alone(key_of(uri), progress.tick), self._hosts.turn(host, progress.tick):
            if (got := self.kept(uri)) is not None:  # another thread or process has brought it
                return got
            return self._hosts.persist(
                host, progress.tick, lambda: self._fetch(uri, place, host, progress, longest_s)
            )

    def close(self) -> None:
        """Closes connections; what is asked for later opens new ones."""
        with self._own:
            askers, self._idle = self._idle, []
        for asker in askers:
            asker.close()

    def _fetch(
        self,
        uri: str,
        place: _Place,
        host: str,
        progress: downloading.Progress,
        longest_s: Seconds,
    ) -> Got:
        from curate.sources.web.asker import Errand

        with self._asker(Errand(Guard(place.listing), one=True)) as asker:
            try:
                info = downloading.ask(asker, lambda: self._info(asker, uri, place))
            except Fault as problem:
                raise _explained(problem, host) from None
            downloading.check(asker, info, longest_s)
            with self._hosts.download(host, progress.tick):
                folder = self._cache.partial(key_of(uri))
                path = downloading.download(asker, info, folder, progress)
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self._cache.put_answer(info_key(uri), about.record(info))
        origin = about.origin(info, redact(uri), now)
        return self._cache.keep(key_of(uri), path, origin, about.labels(info))

    def _info(self, asker: "Asker", uri: str, place: _Place) -> _Info:
        if place.address:
            return cast("_Info", asker.extract_info(place.address, download=False))
        one, asker.errand.one = asker.errand.one, False
        entry = next((e for item, e in walk(asker, place.listing) if item.uri == uri), None)
        asker.errand.one = one
        if entry is None:
            raise Fault("removed", "the listing does not name it any more")
        return cast("_Info", asker.process_ie_result(entry, download=False))

    def _items(self, address: str, host: str) -> Iterator[Item]:
        def known(item: Item) -> None:
            self._places[item.uri] = _Place(address, item.address)

        for item in self._listings.items(address, host, lambda: self._walk(address), known):
            self._places.setdefault(item.uri, _Place(address, item.address))
            yield item

    def _walk(self, address: str) -> Generator[Item]:
        """What a site lists now. Raises `Fault`."""
        from curate.sources.web.asker import Errand

        with self._asker(Errand(Guard(address))) as asker:
            try:
                for item, _ in walk(asker, address):
                    yield item
            except Exception as error:
                raise asker.fault(error) from None

    def _track(self, artist: Artist, item: Item) -> Track | Rejection:
        number = track_id(self.name, item.uri)
        code, words = (item.code, item.words) if item.code else self._refusal(item)
        if code:
            reason = f"{words}; {REMEDIES.get(code, '')}"
            return Rejection(
                number, "list", code, reason, artist.name, title=item.title, uri=item.uri
            )
        return Track(number, self.name, item.uri, artist.name, item.title or _title_of(item.uri))

    def _refusal(self, item: Item) -> tuple[str, str]:
        """Code and words for an item that is not to be fetched, by our own rules."""
        code, words = too_long(item.duration_s, self._longest_s)
        if code:
            return code, words
        # Names are looked up when they are asked; here it would be a request for each item.
        guard = Guard(self._places[item.uri].listing)
        wrong = guard.refusal(item.address or item.uri, resolve=False)
        return ("unsafe_address", wrong) if wrong else ("", "")

    @contextlib.contextmanager
    def _asker(self, errand: "Errand") -> Iterator["Asker"]:
        """A yt-dlp for this errand; each keeps its connections for the next one."""
        from curate.sources.web.asker import Asker

        with self._own:
            if self._cookies is None:
                self._cookies = settings.cookies(self._base, self._options)
            asker = self._idle.pop() if self._idle else None
        if asker is None:
            asker = Asker(dict(self._params), self._cookies)
        try:
            with asker.on(errand):
                yield asker
        finally:
            with self._own:
                self._idle.append(asker)


def key_of(uri: str) -> str:
    """Under what a recording lies in the cache."""
    return f"web {uri}"


def info_key(uri: str) -> str:
    """Under what the cache keeps what the site said of a recording when it was fetched: JSON."""
    return f"web info {uri}"


def _fault_of(address: str) -> str:
    """Why an address cannot be asked, "" where it can."""
    wrong = fault(address)
    shown = redact(clean(address, 300))
    if not wrong and urllib.parse.urlsplit(address).password is not None:
        return f"'{shown}' has a password in it, which does not belong in artists.yaml"
    return f"'{shown}' {wrong}" if wrong else ""


def _explained(problem: Fault, host: str) -> Fault:
    """YouTube without a JavaScript runtime only says that there are no formats."""
    if problem.code == "no_audio" and host.endswith("youtube.com") and not javascript_runtime():
        return Fault("no_javascript", f"{problem.words}, for there is no JavaScript runtime")
    return problem


def _title_of(uri: str) -> str:
    """A title from an address: the last part of its path that has a name."""
    path = urllib.parse.unquote(urllib.parse.urlsplit(uri).path)
    return clean(path.rstrip("/").rpartition("/")[2], MAX_TITLE) or "untitled"
