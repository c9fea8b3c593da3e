"""What a playlist, channel, album, feed or page lists: read as far as somebody wants to know.

yt-dlp gives entries one by one without opening each (`extract_flat`); a page of a long playlist is
asked for when its first entry is wanted. What was read is kept for `refresh_hours`, so a second
build asks nothing.
"""

import contextlib
import logging
import re
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from curate import jsonio
from curate.names import digest
from curate.records import Seconds
from curate.sources.cache import Cache
from curate.sources.source import SourceError
from curate.sources.web import faults
from curate.sources.web.addresses import (
    SMUGGLED,
    canonical,
    clean,
    fault,
    redact,
    unsmuggled,
)
from curate.sources.web.hosts import Hosts

_LOG = logging.getLogger(__name__)

DEPTH = 3
"""Listings within listings: a channel has tabs, a label has albums."""

MAX_TITLE = 200

_VERSION = 1

_TITLES = {"[Private video]": "private", "[Deleted video]": "removed"}
_AVAILABILITY = {
    "private": "private",
    "needs_auth": "private",
    "premium_only": "members_only",
    "subscriber_only": "members_only",
}
LIVE = {
    "is_live": "it is live now",
    "is_upcoming": "it has not begun yet",
    "post_live": "it has only just ended",
}
"""What yt-dlp's live_status means where there is no recording yet."""

_LINKS = ("url", "url_transparent")
_LISTS = ("playlist", "multi_video")
_INHERITED = ("extractor", "extractor_key", "webpage_url", "license", "uploader", "album")
"""What a recording on a page has of the page, where it says nothing of its own."""

_FILE = re.compile(r"(?i)\.(mp3|m4a|m4b|ogg|oga|opus|flac|wav|aac|aiff?|webm|mp4)([?#]|$)")
"""Addresses of files: no need to ask a thousand extractors whether they know them."""

_SECRET = re.compile(r"(?i)passw|token|secret|auth|cookie|header|key|sign")


Entry = dict[str, Any]
"""What yt-dlp says of one entry."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a listing.

    Attributes:
        uri: Names it forever: its address without what is secret; for a recording without an
            address of its own that of its page and `#` with its id there.
        address: What yt-dlp is to be asked for; "" where it must be looked up in the listing, for
            it holds a secret, which is not kept, or has no address.
        title: As listed, "" where it is not.
        duration_s: As listed.
        uploader: As listed.
        code: Why it cannot be had, as far as the listing tells: a code, "" where it does not.
        words: The same in words.
    """

    uri: str
    address: str
    title: str = ""
    duration_s: Seconds | None = None
    uploader: str | None = None
    code: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A listing as far as it was read."""

    version: int
    complete: bool
    items: tuple[Item, ...]


class Listings:
    """Reads listings and remembers them.

    Args:
        cache: Where they are kept.
        hosts: How hosts are treated.
        refresh_s: Younger ones are not asked for again.
        offline: Take what is kept, however old it is; ask nothing.
    """

    def __init__(self, cache: Cache, hosts: Hosts, refresh_s: Seconds, *, offline: bool) -> None:
        self._cache = cache
        self._hosts = hosts
        self._refresh_s = refresh_s
        self._offline = offline

    def items(
        self,
        address: str,
        host: str,
        walk: Callable[[], Generator[Item]],
        known: Callable[[Item], None],
    ) -> Iterator[Item]:
        """The items at an address, in the site's order, each once.

        Those that are kept come first, the site is asked for what somebody wants beyond them.

        Args:
            address: Of the listing.
            host: Whose patience is asked.
            walk: Reads it on the site; raises `Fault`.
            known: Told of each item that was read just now, with its secrets.

        Raises:
            SourceError: The listing cannot be read, nor is an older one kept.
        """
        key = f"web listing {address}"
        kept = self._kept(key, None if self._offline else self._refresh_s)
        have = list(kept.items) if kept else []
        yield from have
        if kept and (kept.complete or self._offline):
            return
        if self._offline:
            raise SourceError("offline", "was never listed; build once without --offline")
        seen = {item.uri for item in have}
        complete = False
        keep = True
        try:
            for item in self._persistently(host, walk, seen):
                known(item)
                have.append(_public(item))
                yield have[-1]
            complete = True
        except SourceError as error:
            older = self._kept(key, None)
            rest = [item for item in older.items if item.uri not in seen] if older else []
            if not rest:
                raise
            keep = False  # the older one says more
            _LOG.warning("%s: %s; an older listing is used", redact(address), error.reason)
            yield from rest
        finally:
            if keep and (complete or len(have) > (len(kept.items) if kept else 0)):
                self._keep(key, _Kept(_VERSION, complete, tuple(have)))

    def _persistently(
        self, host: str, walk: Callable[[], Generator[Item]], seen: set[str]
    ) -> Iterator[Item]:
        """What `walk` gives and is not seen yet; begun anew after faults that may pass."""
        tries = 0
        while True:
            self._hosts.check(host)
            try:
                with contextlib.closing(walk()) as walking:
                    for item in walking:
                        if item.uri not in seen:
                            seen.add(item.uri)
                            yield item
                return
            except faults.Fault as problem:
                wait_s = self._hosts.after(host, problem, tries)
                _LOG.info("%s: %s; again in %.1f s", host, problem.reason, wait_s)
                time.sleep(wait_s)
                tries += 1

    def _kept(self, key: str, max_age_s: Seconds | None) -> _Kept | None:
        data = self._cache.answer(key, max_age_s)
        try:
            kept = None if data is None else jsonio.decode(data, _Kept)
        except msgspec.DecodeError:
            return None
        return kept if kept and kept.version == _VERSION else None

    def _keep(self, key: str, kept: _Kept) -> None:
        self._cache.put_answer(key, jsonio.encode(kept))


def walk(asker: Any, address: str) -> Generator[tuple[Item, Entry]]:
    """Every recording that an address leads to, with yt-dlp's own entry.

    Args:
        asker: A yt-dlp (`asker.Asker`) that is on an errand for this listing.
        address: Of a listing or a single recording.

    Raises:
        Exception: Whatever yt-dlp raises where the listing cannot be read.
    """
    seen: dict[str, str] = {}
    for entry, parent in _entries(asker, address, None, DEPTH):
        item = _item(entry, parent)
        if parent and entry.get("_type") not in _LINKS:
            for name in _INHERITED:
                entry.setdefault(name, parent.get(name))
        whole = item.address or item.uri
        if seen.setdefault(item.uri, whole) != whole:  # they differ only in what is secret
            uri = f"{item.uri}#{digest(whole)[:12]}"
            seen[uri] = whole
            item = replace(item, uri=uri)
        yield item, entry


def _entries(
    asker: Any, address: str, key: str | None, depth: int
) -> Generator[tuple[Entry, Entry]]:
    """Entries that are no listings themselves, each with the listing that it is in."""
    from yt_dlp.utils import PlaylistEntries

    found = asker.extract_info(address, download=False, ie_key=key, process=False)
    for _ in range(5):  # what leads elsewhere is followed
        if not found or found.get("_type") not in _LINKS:
            break
        address, key = found["url"], found.get("ie_key")
        found = asker.extract_info(address, download=False, ie_key=key, process=False)
    if not found:
        return
    found.setdefault("webpage_url", address)
    if found.get("_type", "video") not in _LISTS:
        yield found, {}
        return
    for _, entry in PlaylistEntries(asker, found).get_requested_items():
        if not isinstance(entry, dict):
            continue
        if entry.get("_type") in _LISTS:
            for _, inner in PlaylistEntries(asker, entry).get_requested_items():
                yield inner, {**found, **entry}
        elif depth and (inner_key := _listing_key(asker, entry)):
            yield from _inner(asker, entry, found, inner_key, depth - 1)
        else:
            yield entry, found


def _inner(
    asker: Any, entry: Entry, parent: Entry, key: str, depth: int
) -> Generator[tuple[Entry, Entry]]:
    """A listing within a listing; one that can never be read is an entry that says why."""
    try:
        yield from _entries(asker, entry["url"], key, depth)
    except Exception as error:
        problem = asker.fault(error)
        if problem.code in faults.PASSING or problem.pause_s:
            raise
        yield {**entry, "curate_fault": (problem.code, problem.words)}, parent


def _listing_key(asker: Any, entry: Entry) -> str:
    """The extractor of an entry that is a listing itself, "" where it is not."""
    where = str(entry.get("url") or "")
    if entry.get("_type") not in _LINKS or fault(where) or _FILE.search(unsmuggled(where)):
        return ""
    key = str(entry.get("ie_key") or asker.key_of(where))
    return key if asker.is_listing(key, where) else ""


def _item(entry: Entry, parent: Entry) -> Item:
    address, uri = _where(entry, parent)
    title = clean(entry.get("title"), MAX_TITLE)
    duration = entry.get("duration")
    duration_s = float(duration) if isinstance(duration, int | float) and duration > 0 else None
    uploader = clean(entry.get("uploader") or entry.get("channel"), MAX_TITLE) or None
    code, words = _known_fault(entry, address or uri)
    return Item(uri, address, title, duration_s, uploader, code, words)


def _where(entry: Entry, parent: Entry) -> tuple[str, str]:
    """The address to ask for, and the name forever."""
    page = str(parent.get("webpage_url") or "")
    address = str(entry.get("url" if entry.get("_type") in _LINKS else "webpage_url") or "")
    if not address or (entry.get("_type") not in _LINKS and address == page):
        number = entry.get("id") or entry.get("title") or entry.get("url")  # one of several there
        return "", redact(f"{canonical(page)}#{clean(str(number), MAX_TITLE)}")
    if fault(address):
        return address, redact(clean(unsmuggled(address), 500))
    key = str(entry.get("ie_key") or entry.get("extractor_key"))
    if key == "Youtube" and entry.get("id"):  # /shorts/, music., youtu.be: the same video
        address = f"https://www.youtube.com/watch?v={entry['id']}"
    return address, redact(canonical(address))


def _known_fault(entry: Entry, address: str) -> tuple[str, str]:
    """Why an entry cannot be had, as far as the listing tells: code and words, else twice ""."""
    if "curate_fault" in entry:
        code, words = entry["curate_fault"]
        return code, words
    wrong = fault(address)
    if wrong:
        return "unsupported", f"'{redact(clean(unsmuggled(address), 200))}' {wrong}"
    title = str(entry.get("title") or "")
    if title in _TITLES:
        return _TITLES[title], f"the site calls it {title}"
    availability = str(entry.get("availability") or "")
    if availability in _AVAILABILITY:
        return _AVAILABILITY[availability], f"the site calls it {availability}"
    status = "is_live" if entry.get("is_live") else str(entry.get("live_status") or "")
    return ("live", LIVE[status]) if status in LIVE else ("", "")


def _public(item: Item) -> Item:
    """An item as it may be written down: without an address that holds a secret."""
    plain, notes, more = item.address.partition(SMUGGLED)
    if redact(plain) == plain and not (notes and _SECRET.search(more)):
        return item
    return replace(item, address="")


def too_long(duration_s: Seconds | None, longest_s: Seconds) -> tuple[str, str]:
    """Code and words for a recording that is longer than wanted, else twice ""."""
    if duration_s is not None and duration_s > longest_s:
        return "too_long", f"{duration_s:.0f} s, at most {longest_s:g} s are wanted"
    return "", ""
