"""What must not be twice, and what must not be in two splits.

One cause gives one finding: a clip that is in two splits is no second time a track that is.
"""

from dataclasses import dataclass
from typing import Any

from curate.names import normalise
from curate.records import Split
from curate.validate.entries import Entry
from curate.validate.report import Collector, shown

_Place = tuple[Split | None, str, int]


@dataclass(frozen=True, slots=True)
class Owner:
    """What tracks.jsonl says of a track, as far as the splits go.

    Attributes:
        group: Near-duplicates share it.
        artists: Its artist and those featured, normalised.
    """

    group: str | None = None
    artists: tuple[str, ...] = ()


class Ledger:
    """Remembers where every clip, sound, track, group and artist was first seen.

    Keys are kept as hashes of 64 bits, to be small: at a million clips (three keys each) two would
    meet by chance once in four million runs.
    """

    def __init__(self, owners: dict[str, Owner], *, ours: bool, by_artist: bool) -> None:
        self._owners = owners
        self._ours = ours
        self._by_artist = by_artist
        self._first: dict[int, _Place] = {}
        self._sides: dict[int, set[Split | None]] = {}
        self._artists: dict[str, dict[str, set[Split]]] = {}
        self._sidecars: dict[int, int] = {}
        self.leaked: set[str] = set()

    def add(self, entry: Entry, content: str | bytes | None, collector: Collector) -> None:
        """Takes in one clip.

        Args:
            entry: The clip.
            content: What names its sound: a digest of the file or of the samples.
            collector: Takes the findings.
        """
        track = entry.document.get("track_id")
        track = track if isinstance(track, str) else None
        found = self._shared_sidecar(entry, collector)
        found = found or self._same_clip(entry, track, collector)
        if content is not None:
            found = self._same_audio(entry, track, content, found, collector)
        self._crossing(entry, track, found, collector)

    def finish(self, collector: Collector, file: str) -> None:
        """Notes artists on two sides in manifests of others, once for all."""
        for artists in self._artists.values():
            shared = sorted(name for name, sides in artists.items() if len(sides) > 1)
            if shared:
                names = ", ".join(shown(name, 40)[1:-1] for name in shared[:5])
                message = f"{len(shared)} of {len(artists)} artists are in two splits: {names}"
                collector.add("leak_artist", message, file=file)

    def _seen(self, entry: Entry, kind: str, key: Any) -> _Place | None:
        name = hash((entry.manifest.family, kind, key))
        place = self._first.get(name)
        if place is None:
            self._first[name] = entry.split, str(entry.manifest.path), entry.number
        return place

    def _same_clip(self, entry: Entry, track: str | None, collector: Collector) -> bool:
        if entry.audio is not None:
            place = self._seen(entry, "path", str(entry.audio))
            if place is not None:
                return self._twice(entry, place, "path_twice", "leak_chunk", collector)
        start = entry.document.get("start")
        if track is None or not isinstance(start, int | float):
            return False
        place = self._seen(entry, "chunk", (track, round(start, 3)))
        if place is None:
            return False
        return self._twice(entry, place, "chunk_twice", "leak_chunk", collector)

    def _same_audio(
        self,
        entry: Entry,
        track: str | None,
        content: str | bytes,
        found: bool,
        collector: Collector,
    ) -> bool:
        place = self._seen(entry, "audio", content)
        if found or place is None:
            return found
        return self._twice(entry, place, "audio_twice", "leak_audio", collector)

    def _twice(
        self, entry: Entry, place: _Place, same: str, other: str, collector: Collector
    ) -> bool:
        split, file, line = place
        crossing = split != entry.split and split is not None and entry.split is not None
        if not crossing and file != str(entry.manifest.path):
            return False  # others keep one list of all beside lists of some, or two for one split
        where = f"line {line} of {collector.relative(file)}"
        message = f"{self._name(entry)} is the same as {where}"
        if crossing:
            message = f"{self._name(entry)} in {entry.split} is in {split} too: {where}"
        entry.add(collector, other if crossing else same, message, "path")
        return True

    def _shared_sidecar(self, entry: Entry, collector: Collector) -> bool:
        if entry.audio is None or entry.sidecar is None:
            return False
        path = str(entry.audio)
        first = self._sidecars.setdefault(hash(str(entry.sidecar_path)), hash(path))
        if first == hash(path):
            return False
        message = f"{shown(path, 200)} has the sidecar of an earlier line's audio"
        entry.add(collector, "sidecar_shared", message)
        return True

    def _crossing(self, entry: Entry, track: str | None, found: bool, collector: Collector) -> None:
        """Track, group, artist on a second side; only the strongest is noted, and once."""
        if entry.split is None:
            return
        owner = self._owners.get(track or "", Owner())
        if track is not None and self._crosses(entry, "track", track):
            self.leaked.add(track)
            if not found:
                message = f"track {shown(track)[1:-1]} is in {self._two(entry, 'track', track)}"
                entry.add(collector, "leak_track", message)
            found = True
        if owner.group is not None and self._crosses(entry, "group", owner.group):
            if not found:
                two = self._two(entry, "group", owner.group)
                message = f"group {shown(owner.group)[1:-1]} is in {two}"
                entry.add(collector, "leak_group", message)
            found = True
        if not self._ours:
            self._note_artist(entry)
            return
        for artist in owner.artists if self._by_artist else ():
            if self._crosses(entry, "artist", artist) and not found:
                two = self._two(entry, "artist", artist)
                message = f"artist {shown(artist)} is in {two}; split.by is artist"
                entry.add(collector, "leak_artist", message)
                found = True

    def _crosses(self, entry: Entry, kind: str, key: str) -> bool:
        """Whether this entry is the first to bring `key` to a second side."""
        sides = self._sides.setdefault(hash((entry.manifest.family, kind, key)), set())
        new = entry.split not in sides
        sides.add(entry.split)
        return new and len(sides) > 1

    def _two(self, entry: Entry, kind: str, key: str) -> str:
        sides = self._sides[hash((entry.manifest.family, kind, key))]
        others = sorted(str(side) for side in sides if side != entry.split)
        return f"{entry.split} and in {' and '.join(others)}"

    def _note_artist(self, entry: Entry) -> None:
        artist = entry.seen.get("artist")
        if isinstance(artist, str) and artist and entry.split is not None:
            sides = self._artists.setdefault(entry.manifest.family, {})
            sides.setdefault(normalise(artist), set()).add(entry.split)

    @staticmethod
    def _name(entry: Entry) -> str:
        return f"clip {entry.id}" if entry.id else "the clip"
