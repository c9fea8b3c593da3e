"""dedupe: the same recording under two names, in two formats, becomes one group.

Chromaprint (as AcoustID uses it) gives each track about eight 32-bit items a second. Two copies of
one recording share many items exactly, however they were encoded. A sketch of the items finds
candidate pairs without comparing all with all; a pair is the same recording when, at the offset
most shared items agree on, few bits differ over a long stretch. Covers and live versions are other
recordings and stay apart.
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from curate.records import Share

NAME = "dedupe"

Items = npt.NDArray[np.uint32]

ITEMS_PER_SECOND = 11025 / 1365
"""Chromaprint's frame rate: 11,025 Hz, hop 1365."""

LOSSLESS = frozenset({"flac", "wav", "wave", "aif", "aiff", "aifc", "wv", "ape", "caf", "au"})
"""File types that lose nothing: the better of two copies."""

SKETCH = 64
"""So many item values stand for a track in the search for candidates: those with the smallest hash,
so that copies pick mostly the same ones (a bottom-k sketch, Broder 1997)."""

MIN_SHARED = 4
"""Candidates share at least so many values of their sketches."""

TOO_COMMON = 100
"""A value in more tracks than this tells nothing (silence, a drone)."""

MAX_BIT_ERROR: Share = 0.16
"""Copies differ in 0-10% of the bits, other recordings in 40-50% (tests/bench/README.md)."""

MIN_OVERLAP_S = 15.0
MIN_OVERLAP: Share = 0.5
"""Of the shorter track, and in seconds: how much must agree."""


@dataclass(frozen=True, slots=True)
class Match:
    """Two tracks that hold the same recording.

    Attributes:
        first: Index of one track.
        second: Index of the other.
        bit_error: Share of differing bits over the stretch both have.
    """

    first: int
    second: int
    bit_error: Share


def groups(
    count: int, prints: Callable[[int], str], twins: Iterable[tuple[int, int]] = ()
) -> list[list[int]]:
    """Groups the tracks 0..count-1 by recording: lists of indices, in order, singles too.

    Args:
        count: Number of tracks.
        prints: Gives the compressed Chromaprint of one; asked again for the few candidates, so that
            memory holds a sketch a track and not the prints.
        twins: Pairs that are known to be the same, byte for byte: a print tells nothing of a few
            seconds or of one long tone.
    """
    values, owners = _sketches(count, prints)
    union = Union(range(count))
    for one, other in twins:
        union.join(one, other)
    for first, second in _candidates(values, owners):
        if union.find(first) == union.find(second):
            continue
        if same(decode(prints(first)), decode(prints(second))) is not None:
            union.join(first, second)
    return union.groups()


def same(one: Items, other: Items) -> Share | None:
    """The share of differing bits if the two are one recording, else None."""
    later = offset(one, other)
    if later is None:
        return None
    overlap = min(len(one), len(other) + later) - max(0, later)
    shorter = min(len(one), len(other))
    enough = max(MIN_OVERLAP_S * ITEMS_PER_SECOND, MIN_OVERLAP * shorter)
    if overlap < min(enough, 0.9 * shorter):
        return None
    error = bit_error(one, other, later)
    return error if error <= MAX_BIT_ERROR else None


def bit_error(one: Items, other: Items, later: int) -> Share:
    """The share of differing bits where both are; `other` starts `later` items after `one`."""
    start, end = max(0, later), min(len(one), len(other) + later)
    different = one[start:end] ^ other[start - later : end - later]
    return float(np.bitwise_count(different).mean()) / 32


def decode(compressed: str) -> Items:
    """Raw items of a compressed Chromaprint.

    The format (chromaprint/src/fingerprint_compressor.cpp): base64url; a byte of algorithm, three
    of length; then for every item the distances between its set bits after XOR with its
    predecessor, three bits each, 0 ending an item; distances of 7 and more continue in five bits.
    """
    data = base64.urlsafe_b64decode(compressed + "=" * (-len(compressed) % 4))
    if len(data) < 4:
        return np.zeros(0, np.uint32)
    count = int.from_bytes(data[1:4], "big")
    bits = np.unpackbits(np.frombuffer(data[4:], np.uint8), bitorder="little")
    triples = bits[: len(bits) // 3 * 3].reshape(-1, 3) @ np.array([1, 2, 4], np.uint8)
    ends = np.flatnonzero(triples == 0)[:count]
    if len(ends) < count:
        return np.zeros(0, np.uint32)
    used = triples[: ends[-1] + 1].astype(np.int64) if count else triples[:0].astype(np.int64)
    wide = np.flatnonzero(used == 7)
    begin = (len(used) * 3 + 7) // 8 * 8
    fives = bits[begin : begin + 5 * len(wide)]
    if len(fives) == 5 * len(wide):
        used[wide] += fives.reshape(-1, 5) @ np.array([1, 2, 4, 8, 16], np.uint8)
    item = np.searchsorted(ends, np.arange(len(used)))
    total = np.cumsum(used)
    before = np.concatenate([[0], total[ends]])[item]
    place = total - before - 1
    keep = used > 0
    raised = np.zeros(count, np.uint64)
    ok = keep & (place < 32)
    np.bitwise_or.at(raised, item[ok], np.uint64(1) << place[ok].astype(np.uint64))
    return np.bitwise_xor.accumulate(raised).astype(np.uint32)


class Union:
    """Disjoint sets of hashable things (union-find), groups in order of first appearance."""

    def __init__(self, things: Iterable[int]) -> None:
        self._parent = {thing: thing for thing in things}

    def find(self, thing: int) -> int:
        """The representative of a thing's set: its earliest member."""
        while self._parent[thing] != thing:
            self._parent[thing] = self._parent[self._parent[thing]]
            thing = self._parent[thing]
        return thing

    def join(self, one: int, other: int) -> None:
        """Makes two sets one."""
        first, second = sorted((self.find(one), self.find(other)))
        self._parent[second] = first

    def groups(self) -> list[list[int]]:
        """The sets."""
        found: dict[int, list[int]] = {}
        for thing in self._parent:
            found.setdefault(self.find(thing), []).append(thing)
        return list(found.values())


def _sketches(count: int, prints: Callable[[int], str]) -> tuple[Items, npt.NDArray[np.int32]]:
    """The sketches of all tracks as one array of values, and whose each value is."""
    values, owners = [], []
    for index in range(count):
        kept = _sketch(decode(prints(index)))
        values.append(kept)
        owners.append(np.full(len(kept), index, np.int32))
    if not values:
        return np.zeros(0, np.uint32), np.zeros(0, np.int32)
    return np.concatenate(values), np.concatenate(owners)


def _sketch(items: Items) -> Items:
    hashed = items * np.uint32(2654435761)  # Knuth's multiplicative hash; wraps
    if len(items) > 4 * SKETCH:  # sorting all is the slow part: the smallest quarter will do
        low = items[hashed < 4 * SKETCH * 2**32 // len(items)]
        if len(np.unique(low)) >= SKETCH:
            items = low
    items = np.unique(items)
    return items[np.argsort(items * np.uint32(2654435761), kind="stable")[:SKETCH]]


def _candidates(values: Items, owners: npt.NDArray[np.int32]) -> list[tuple[int, int]]:
    order = np.argsort(values, kind="stable")
    values, owners = values[order], owners[order]
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    counts: dict[tuple[int, int], int] = {}
    for start, end in zip(starts, [*starts[1:], len(values)], strict=True):
        if 2 <= end - start <= TOO_COMMON:
            members = owners[start:end].tolist()
            for i, first in enumerate(members):
                for second in members[i + 1 :]:
                    counts[first, second] = counts.get((first, second), 0) + 1
    return sorted(pair for pair, shared in counts.items() if shared >= MIN_SHARED)


def offset(one: Items, other: Items) -> int | None:
    """How far `other` starts after `one`, in items: what most equal items agree on."""
    order = np.argsort(other, kind="stable")
    ranked = other[order]
    left = np.searchsorted(ranked, one, side="left")
    right = np.searchsorted(ranked, one, side="right")
    found = [
        index - order[left[index] : right[index]]
        for index in np.flatnonzero((right > left) & (right - left <= 8))
    ]
    if not found:
        return None
    offsets, votes = np.unique(np.concatenate(found), return_counts=True)
    return int(offsets[np.argmax(votes)])


def joined(recordings: dict[int, str], together: Mapping[str, Iterable[int]]) -> dict[int, str]:
    """Names of recordings, where some that belong together get one name.

    Args:
        recordings: Name of its recording by index of a track.
        together: Indices of tracks that belong together.
    """
    leader: dict[str, str] = {}

    def lead(name: str) -> str:
        while name in leader:
            name = leader[name]
        return name

    for indices in together.values():
        names = [lead(recordings[index]) for index in indices if index in recordings]
        for name in names[1:]:
            if lead(name) != lead(names[0]):
                leader[lead(name)] = lead(names[0])
    return {index: lead(name) for index, name in recordings.items()}
