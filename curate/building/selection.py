"""Which clips of a track are used, and what is said of them: worked out once a track.

Several steps ask: the choice by `where`, the split, the language model, the sidecars. What is said
costs milliseconds a track, a thousand times less than its audio, but with a hundred thousand tracks
that is minutes; so it is kept in memory for as many clips as fit there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curate.building.ledger import Item, Ledger
from curate.building.work import Complete, rejection
from curate.config import Config
from curate.errors import AudioError
from curate.labels.statements import Statements
from curate.records import Chunked, Rejection
from curate.stages import select
from curate.stages.caption import Sayable

MOST_CLIPS = 20_000
"""Clips of which it is kept; beyond them it is worked out again. About 0.2 GB."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """All that is known and said of a track, of the clips that are used.

    Attributes:
        known: What workers found out.
        said: What is said of it.
        about: What captions may say.
    """

    known: Complete
    said: Statements
    about: Sayable


class Selection:
    """Chooses by what is asserted; nothing is stored, so another `where` costs no audio work.

    Args:
        ledger: Knows what is known of tracks.
        config: Of the build.
        most_clips: Of how many clips it is kept in memory what is said.

    Raises:
        ConfigError: `where` cannot be understood.
    """

    def __init__(self, ledger: Ledger, config: Config, most_clips: int = MOST_CLIPS) -> None:
        self._ledger = ledger
        self._config = config
        self._where = select.condition(config)
        self._copies: Mapping[int, Sequence[str]] = {}
        self._kept: dict[int, Chosen] = {}
        self._room = most_clips

    @property
    def chooses(self) -> bool:
        """Whether anything is left out by what is asserted of it."""
        return self._where is not None or self._config.vocals == "drop_tracks"

    def join(self, copies: Mapping[int, Sequence[str]]) -> None:
        """What people said of copies that are dropped counts for the track that stays."""
        self._copies = copies
        for index in copies:
            self._kept.pop(index, None)

    def of(self, item: Item) -> Chosen:
        """All that is known and said of a track that has been worked on."""
        found = self._kept.get(item.index)
        if found is None:
            found = self._chosen(item)
            if (clips := len(found.known.chunked.chunks)) <= self._room:
                self._room -= clips
                self._kept[item.index] = found
        return found

    def chunked(self, item: Item) -> Chunked:
        """A track's clips that are used, and those that are not."""
        return (self._ledger if self._where is None else self).complete(item).chunked

    def complete(self, item: Item) -> Complete:
        """What workers found out of a track, of the clips that are used."""
        return self.of(item).known

    def refusal(self, item: Item) -> Rejection | None:
        """Why a track is left out: what is asserted of it, or that no clip of it is left."""
        chosen = self.of(item)
        try:
            select.track(chosen.said, self._config)
            if not chosen.known.chunked.chunks:
                why = f"`where: {self._config.where}` holds of no clip of it"
                raise AudioError("filtered", why)
        except AudioError as error:
            return rejection(item.track, select.NAME, error)
        return None

    def _chosen(self, item: Item) -> Chosen:
        known = self._ledger.complete(item)
        said = self._ledger.statements(item, known, self._copies.get(item.index, ()))
        if self._where is not None:
            known, said = select.clips(item.track, known, said, self._where)
        return Chosen(known, said, self._ledger.sayable(item, known, said))
