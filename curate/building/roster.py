"""The tracks of a build, and which of them are out by now."""

from collections import Counter
from collections.abc import Iterable, Iterator

from curate.building.ledger import Item
from curate.records import Rejection


class Roster:
    """Every listed track in its order; one step of the build after another leaves some out.

    Args:
        items: Every entry of the listing, each at its `index`.
        rejected: Why an entry is no track, by its index.
    """

    def __init__(self, items: Iterable[Item] = (), rejected: dict[int, Rejection] | None = None):
        self._items = list(items)
        self._rejected = dict(rejected or {})

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __getitem__(self, index: int) -> Item:
        return self._items[index]

    def replace(self, item: Item) -> None:
        """More is known of a track: its file has arrived."""
        self._items[item.index] = item

    def kept(self) -> Iterator[Item]:
        """The tracks that are still in."""
        return (item for item in self._items if item.index not in self._rejected)

    def reject(self, item: Item, why: Rejection) -> None:
        """Leaves a track out; the last reason counts."""
        self._rejected[item.index] = why

    def why(self, item: Item) -> Rejection | None:
        """Why a track is out, None while it is in."""
        return self._rejected.get(item.index)

    def rejected(self) -> Iterator[tuple[Item, Rejection]]:
        """Those that are out, in the order of the listing."""
        for index in sorted(self._rejected):
            yield self._items[index], self._rejected[index]

    def codes(self) -> dict[str, int]:
        """How many are out, by code."""
        counts = Counter(why.code for why in self._rejected.values())
        return dict(sorted(counts.items()))

    @property
    def left(self) -> int:
        """How many are still in."""
        return len(self._items) - len(self._rejected)
