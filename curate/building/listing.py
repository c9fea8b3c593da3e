"""Every track of artists.yaml, in its order, before anything is read or fetched."""

import itertools
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from curate.building.ledger import AWAY, Item
from curate.building.work import rejection
from curate.config import Config
from curate.errors import AudioError
from curate.records import Rejection, Retrieved, Track
from curate.sources.source import Source
from curate.stages import fetch

_PART = re.compile(r"#t=[0-9.]*,?[0-9.]*$")
"""How a uri names a part (W3C Media Fragments)."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What the sources list.

    Attributes:
        items: Every entry, rejected ones too.
        rejected: Why an entry is no track, by its index.
        whole: Whether nothing was cut off by a limit, and no folder or site was away.
    """

    items: list[Item]
    rejected: dict[int, Rejection]
    whole: bool


def take(
    config: Config,
    sources: Mapping[str, Source],
    limit: int | None,
    without: Collection[str] = (),
) -> Listing:
    """Lists every artist's tracks; files are looked at but not opened.

    Args:
        config: Of the build.
        sources: By name.
        limit: Only so many entries.
        without: Sources whose words are left out, the titles they list too.
    """
    items: list[Item] = []
    rejected: dict[int, Rejection] = {}
    first: dict[str, Track] = {}
    for found in itertools.islice(_entries(config, sources), limit):
        index = len(items)
        if isinstance(found, Rejection):
            rejected[index] = found
            items.append(Item(index, Track(found.id, "", found.uri, found.artist, ""), Path(), ""))
            continue
        item, fault = _look(index, found, sources[found.source])
        if found.source in without:
            item = replace(item, track=replace(found, title=""))
        if found.id in first and fault is None:
            also = f"listed already under '{first[found.id].artist}'; keep one of the two"
            fault = AudioError("listed_twice", also)
        first.setdefault(found.id, found)
        if fault is not None:
            rejected[index] = rejection(found, "list", fault)
        items.append(item)
    limited = limit is not None or any(artist.limit for artist in config.artists)
    away = any(one.code in AWAY and not one.title for one in rejected.values())
    return Listing(items, rejected, not limited and not away)


def place(track: Track) -> str:
    """The file or address that a track is all or a part of."""
    return _PART.sub("", track.uri)


def part(track: Track) -> str:
    """Which part of its file a track is; "" for all of it."""
    found = _PART.search(track.uri)
    return found[0] if found and (track.start_s > 0.0 or track.end_s is not None) else ""


def _entries(config: Config, sources: Mapping[str, Source]) -> Iterator[Track | Rejection]:
    for artist in config.artists:
        used = [sources[name] for name in artist.sources]
        listed = itertools.chain.from_iterable(source.list_tracks(artist) for source in used)
        yield from _first(artist.limit, listed)


def _first(limit: int | None, listed: Iterable[Track | Rejection]) -> Iterator[Track | Rejection]:
    """The first so many tracks, with the rejections among them."""
    left = math.inf if limit is None else limit
    for found in listed:
        left -= isinstance(found, Track)
        yield found
        if left <= 0:
            return


def _look(index: int, track: Track, source: Source) -> tuple[Item, AudioError | None]:
    """A listed track as it lies on this machine, and why it cannot be used if it cannot."""
    got = source.at_hand(track)
    if got is None:
        return Item(index, track, Path(), fetch.remote_fingerprint(track)), None
    retrieved = Retrieved(got.origin, got.labels)
    if got.origin.retrieved_at is not None:  # in our own cache, where it stays as it was fetched
        return Item(index, track, got.path, fetch.remote_fingerprint(track), retrieved), None
    try:
        on_disk = fetch.fingerprint(fetch.look(got.path))
    except AudioError as error:
        return Item(index, track, got.path, "", retrieved), error
    return Item(index, track, got.path, on_disk, retrieved), None
