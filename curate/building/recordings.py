"""Which tracks are one recording, and which copy of it stays.

The fingerprints say what sounds alike (`stages.dedupe`); here the best copy is chosen, and tracks
that are parts of one file are kept on one side of the split.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from curate.building import listing
from curate.building.ledger import Item, Ledger
from curate.building.work import rejection
from curate.errors import AudioError
from curate.progress import Teller
from curate.records import Rejection
from curate.stages import dedupe


@dataclass(frozen=True, slots=True)
class Recordings:
    """What was found.

    Attributes:
        names: A name of its recording for each track, by the track's place in the listing.
        copies: Ids of tracks that a better copy stands for, by the place of that copy.
        rejected: Copies that are left out, by place.
    """

    names: dict[int, str]
    copies: dict[int, list[str]] = field(default_factory=dict)
    rejected: dict[int, Rejection] = field(default_factory=dict)


def find(items: Sequence[Item], ledger: Ledger, *, drop: bool, tell: Teller) -> Recordings:
    """Finds the copies among tracks that have been worked on.

    Args:
        items: The tracks.
        ledger: Knows their fingerprints.
        drop: Leave out all copies but the best; else they only share a side of the split.
        tell: Told when all are compared.
    """
    first: dict[str, int] = {}
    files = (listing.part(item.track) + ledger.sha256(item) for item in items)
    twins = [(first.setdefault(name, index), index) for index, name in enumerate(files)]
    groups = dedupe.groups(len(items), lambda i: ledger.print_of(items[i]), twins)
    tell.skip(len(items))
    found = Recordings({})
    for group in groups:
        members = [items[index] for index in group]
        best = min(members, key=lambda i: _quality(i, ledger)) if len(members) > 1 else members[0]
        for item in members:
            found.names[item.index] = best.track.id
            if item is not best and drop and not _parts(item, best):
                found.copies.setdefault(best.index, []).append(item.track.id)
                found.rejected[item.index] = _duplicate(item, best)
    joined = dedupe.joined(found.names, _parts_by_file(items, ledger))
    return Recordings(joined, found.copies, found.rejected)


def _duplicate(item: Item, best: Item) -> Rejection:
    same = f'the same recording as track {best.track.id} "{best.track.title}" by '
    same += f"'{best.track.artist}'; set dedupe: keep to have both"
    return rejection(item.track, dedupe.NAME, AudioError("duplicate", same))


def _parts_by_file(items: Sequence[Item], ledger: Ledger) -> dict[str, list[int]]:
    """Tracks that are parts of one file, and all of it: they never stand on two sides."""
    if not any(listing.part(item.track) for item in items):
        return {}
    files: dict[str, list[int]] = {}
    for item in items:
        files.setdefault(ledger.sha256(item), []).append(item.index)
    return files


def _quality(item: Item, ledger: Ledger) -> tuple[bool, float, int, int]:
    """Sorts the best copy first: lossless, wide band, high rate, listed early."""
    known = ledger.complete(item)
    lossy = known.fetched.suffix not in dedupe.LOSSLESS
    found = known.inspection
    return lossy, -round(found.bandwidth_hz, -3), -found.sample_rate, item.index


def _parts(one: Item, other: Item) -> bool:
    """Whether both are parts of one file, which may sound alike and still are two."""
    return bool(listing.part(one.track)) and listing.place(one.track) == listing.place(other.track)
