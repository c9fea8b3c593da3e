"""split: groups of tracks are dealt out to train, valid and test, and never cross.

A group is what must stay together: copies of one recording, and with `split.by: artist` everything
an artist had a part in. Each group has a number in 0..1, a hash of the seed and its first track;
the number alone decides (below `test`: test, below `test + valid`: valid, else train), so more
tracks do not move those that are there. Where that leaves the fractions off, single groups without
a place from an earlier build are moved, the most helpful move first, until none helps.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from curate.config import SplitOptions
from curate.names import digest, normalise
from curate.records import SPLITS, Split
from curate.stages.dedupe import Union

NAME = "split"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Member:
    """A track on its way into a split.

    Attributes:
        track: Its id.
        artists: All who had a part in it, as names.
        recording: What copies of one recording share.
        weight: Its number of clips.
    """

    track: str
    artists: tuple[str, ...]
    recording: str
    weight: int


@dataclass(slots=True)
class Group:
    """Tracks that stay together.

    Attributes:
        name: Id of its first track by id: stable as long as that stays.
        tracks: Ids.
        weight: Clips in all.
        number: Its place in 0..1.
        split: Where it goes.
        placed: Whether an earlier build put it there.
    """

    name: str
    tracks: list[str]
    weight: int
    number: float
    split: Split = "train"
    placed: bool = False


@dataclass(frozen=True, slots=True)
class Deal:
    """The outcome.

    Attributes:
        groups: Every group with its split.
        notes: What could not be met, in sentences.
    """

    groups: list[Group]
    notes: tuple[str, ...]


def deal_name(options: SplitOptions) -> str:
    """Names the deal that earlier placements belong to; other options deal anew."""
    return digest(NAME, VERSION, options.by, options.seed, options.valid, options.test)[:16]


def split(members: list[Member], options: SplitOptions, before: dict[str, Split]) -> Deal:
    """Deals out the tracks.

    Args:
        members: The tracks that are in the dataset.
        options: Kind, fractions and seed.
        before: Where earlier builds of the same deal placed tracks.
    """
    groups = _groups(members, options)
    wanted = {"train": 1 - options.valid - options.test, "valid": options.valid}
    wanted["test"] = options.test
    for group in groups:
        _first_place(group, options, before)
    used = [name for name in SPLITS if wanted[name] > 0]
    _balance(groups, wanted, used, may_empty=True)
    _fill_empty(groups, used)
    _balance(groups, wanted, used, may_empty=False)
    return Deal(groups, tuple(_notes(groups, used)))


def _groups(members: list[Member], options: SplitOptions) -> list[Group]:
    union = Union(range(len(members)))
    firsts: dict[str, int] = {}
    for index, member in enumerate(members):
        ties = [f"recording:{member.recording}"]
        if options.by == "artist":
            ties += [f"artist:{normalise(name)}" for name in member.artists]
        for tie in ties:
            union.join(firsts.setdefault(tie, index), index)
    made = []
    for indices in union.groups():
        tracks = [members[i].track for i in indices]
        name = min(tracks)
        number = int(digest(NAME, options.seed, name)[:13], 16) / 16**13
        made.append(Group(name, tracks, sum(members[i].weight for i in indices), number))
    return sorted(made, key=lambda group: group.number)


def _first_place(group: Group, options: SplitOptions, before: dict[str, Split]) -> None:
    earlier = [before[track] for track in group.tracks if track in before]
    if earlier:  # groups that grew together go where most of them were
        group.split = max(SPLITS, key=earlier.count)
        group.placed = True
    elif group.number < options.test:
        group.split = "test"
    elif group.number < options.test + options.valid:
        group.split = "valid"


def _balance(
    groups: list[Group], wanted: dict[str, float], used: list[Split], *, may_empty: bool
) -> None:
    """Moves groups one by one while that brings the shares nearer to what is wanted."""
    total = sum(group.weight for group in groups)
    off = {name: -wanted[name] * total for name in SPLITS}
    for group in groups:
        off[group.split] += group.weight
    held = Counter(group.split for group in groups)
    movable = [group for group in groups if not group.placed]
    for _ in range(len(movable)):
        best: tuple[float, int, Split] | None = None
        for index, group in enumerate(movable):
            here = group.split
            if held[here] == 1 and not may_empty:
                continue
            for there in used:
                if there == here:
                    continue
                now = abs(off[here]) + abs(off[there])
                then = abs(off[here] - group.weight) + abs(off[there] + group.weight)
                gain = now - then
                if gain > 1e-9 and (best is None or gain > best[0] + 1e-9):
                    best = (gain, index, there)
        if best is None:
            return
        _, index, there = best
        off[movable[index].split] -= movable[index].weight
        off[there] += movable[index].weight
        held[movable[index].split] -= 1
        held[there] += 1
        movable[index].split = there


def _fill_empty(groups: list[Group], used: list[Split]) -> None:
    """With at least as many groups as splits, none stays empty: the lightest spare group moves."""
    if len(groups) < len(used):
        return
    for name in used:
        held = {split: [g for g in groups if g.split == split] for split in used}
        if held[name]:
            continue
        spare = [g for split in used if len(held[split]) > 1 for g in held[split]]
        spare.sort(key=lambda g: (g.placed, g.weight, g.number))
        spare[0].split = name


def _notes(groups: list[Group], used: list[Split]) -> Iterable[str]:
    empty = [name for name in used if not any(group.split == name for group in groups)]
    if empty:
        yield (
            f"{len(groups)} group{'s' if len(groups) != 1 else ''} cannot fill {len(used)} splits: "
            f"{', '.join(empty)} stays empty; add tracks or artists, or set its fraction to 0"
        )
