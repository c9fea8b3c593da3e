"""The audio work of a build: tracks are fetched, given to workers, and what comes back is stored.

Fetching runs beside the workers (`retrieval`); the catalog is written here, in the driver, alone.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from curate.building import listing
from curate.building.ledger import Item, Ledger
from curate.building.retrieval import Arrived, retrieve
from curate.building.roster import Roster
from curate.building.work import Job, Known, Outcome, process, rejection
from curate.engine import Done, Engine, Lost
from curate.errors import AudioError
from curate.progress import Progress
from curate.sources.source import Got, Source, Tell
from curate.stages import fetch


class Workshop:
    """Has workers do what is left to do on tracks.

    Args:
        ledger: Knows what is known of each track.
        engine: Where work runs.
        sources: By name.
        progress: Told of every track.
        keep_downloads: Keep what was fetched after it has been worked on.

    Attributes:
        decoded_tracks: Tracks whose audio was decoded so far.
        decoded_s: Seconds of audio decoded so far.
    """

    def __init__(
        self,
        ledger: Ledger,
        engine: Engine,
        sources: Mapping[str, Source],
        progress: Progress,
        *,
        keep_downloads: bool = True,
    ) -> None:
        self._ledger = ledger
        self._engine = engine
        self._sources = sources
        self._progress = progress
        self._keep_downloads = keep_downloads
        self._users: Counter[str] = Counter()
        self._own: set[str] = set()
        self.decoded_tracks = 0
        self.decoded_s = 0.0

    def work(self, name: str, roster: Roster, *, clips: bool = False) -> None:
        """Has the work that is left done, and stores what comes back, as it comes back.

        Args:
            name: Of the step, for the progress.
            roster: The tracks; those that fail are left out.
            clips: Also make clips again that are not on disk any more. Only kept tracks are asked,
                so the clips of a dropped duplicate are not made again.
        """
        total = roster.left if clips else len(roster)
        if not self._keep_downloads:
            self._users = Counter(listing.place(item.track) for item in roster.kept())
            self._own = set()
        with self._progress.stage(name, total) as tell:
            todo = self._at_hand(roster, self.jobs(roster, clips=clips), tell.skip)
            with contextlib.closing(self._engine.map(process, todo)) as finished:
                for done in finished:
                    seconds = self._take(roster, done)
                    tell.advance(f"{done.job.track.artist} - {done.job.track.title}", seconds)

    def jobs(self, roster: Roster, *, clips: bool = False) -> Iterator[Job | None]:
        """The work left on tracks, None for a track with nothing left. Arguments: see `work`."""
        for item in roster.kept():
            known, rejected = self._ledger.judge(item)
            if rejected is not None:
                roster.reject(item, rejected)
            elif (complete := known.complete) is None:
                yield self._ledger.job(item, known)
                continue
            elif clips and not self._ledger.clips_there(complete.chunked):
                yield self._ledger.job(item, self._ledger.without_clips(known))
                continue
            yield None
            self._release(item)

    def _at_hand(
        self, roster: Roster, jobs: Iterator[Job | None], skip: Callable[[], None]
    ) -> Iterator[Job]:
        """The jobs, each as soon as its file is on this machine."""
        for found in retrieve(jobs, lambda job: not job.path.name, self._download):
            if isinstance(found, Arrived):
                job, item = found.work, roster[found.work.index]
                if isinstance(found.got, Got):
                    item, job = self._ledger.arrived(item, job, found.got)
                    roster.replace(item)
                    yield job
                else:
                    refused = rejection(job.track, fetch.NAME, found.got)
                    roster.reject(item, refused)
                    self._ledger.refuse(item, refused)
                    self._release(item)
                    skip()
            elif found is None:
                skip()
            else:
                yield found

    def _download(self, job: Job, tell: Tell) -> Got:
        """In a thread of its own: nothing here touches the catalog."""
        return self._sources[job.track.source].get(job.track, tell)

    def _take(self, roster: Roster, done: Done[Job, Outcome]) -> float:
        item, outcome = roster[done.job.index], done.result
        if isinstance(outcome, Lost):
            error = AudioError(outcome.code, outcome.reason)
            outcome = Outcome(Known(), 0.0, rejection(item.track, "worker", error))
        self._ledger.store(item, done.job.known, outcome)
        if outcome.rejection is not None:
            roster.reject(item, outcome.rejection)
        self._release(item)
        self.decoded_tracks += outcome.decoded_s > 0
        self.decoded_s += outcome.decoded_s
        return outcome.decoded_s

    def _release(self, item: Item) -> None:
        """A track is done with its file: the last one gives it up, if none are to be kept.

        Only what was fetched for this dataset is given up: what lay in the cache already was kept
        there for another one.
        """
        if self._keep_downloads:
            return
        place = listing.place(item.track)
        self._users[place] -= 1
        if self._ledger.fetched(item):
            self._own.add(place)
        if self._users[place] <= 0 and place in self._own:
            self._sources[item.track.source].release(item.track)
