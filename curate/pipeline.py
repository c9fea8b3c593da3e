"""The build, in order: list, work on tracks, dedupe, caption, split, write. Read this first.

`Build.run` is the whole story. The driver (this process) owns the catalog and every decision that
needs more than one track; `curate.work.process` does all that needs a track's audio, in a worker.
What is known stays known: a step is done only where the catalog has no result under the step's
fingerprint, so a killed build continues and a finished one finds nothing to do.
"""

import contextlib
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from curate import jsonio, readiness, sources
from curate.catalog import Catalog
from curate.config import Config
from curate.engine import Done, Engine, Lost
from curate.errors import AudioError
from curate.labels import manual, vocabulary
from curate.labels.models.weights import Files
from curate.ledger import AWAY, Item, Ledger
from curate.progress import Progress
from curate.records import BuildInfo, Chunked, Counts, Rejection, Retrieved, Track
from curate.retrieval import Arrived, retrieve
from curate.sources.source import Got, Source, Tell
from curate.stages import (
    caption,
    chunk,
    classify,
    datasheet,
    dedupe,
    fetch,
    inspect,
    label,
    report,
    write,
)
from curate.stages import split as dealing
from curate.stages.credits import featured
from curate.work import Job, Known, Outcome, process, rejection

STAGES = (
    "list",
    fetch.NAME,
    inspect.NAME,
    label.NAME,
    chunk.NAME,
    classify.NAME,
    dedupe.NAME,
    caption.NAME,
    dealing.NAME,
    write.NAME,
    report.NAME,
)
"""Every stage in order; `fetch` to `classify` run in workers, on one decode a track."""

_Dealt = dict[str, dealing.Group]
"""The group, and with it the split, of every track by id."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a build came to.

    Attributes:
        out: The dataset's folder.
        counts: What was found and kept.
        decoded_tracks: Tracks whose audio was decoded in this run.
        decoded_s: Seconds of audio decoded in this run.
        notes: What a user should know, in sentences.
    """

    out: Path
    counts: Counts
    decoded_tracks: int
    decoded_s: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a build would do, in numbers of tracks.

    Attributes:
        listed: All that the sources list.
        to_do: Audio work is left.
        known: Nothing is left to do.
        rejected: Known to be left out, by code.
    """

    listed: int
    to_do: int
    known: int
    rejected: dict[str, int]


class Build:
    """One build of one dataset.

    Args:
        config: From artists.yaml.
        base: Folder of artists.yaml: relative sources start there.
        out: The dataset's folder, absolute.
        catalog: Open catalog of that folder.
        engine: Where work runs.
        progress: Told of every step.
        limit: Use only the first so many tracks.
        models: Files of the models that are asked.
    """

    def __init__(
        self,
        config: Config,
        base: Path,
        out: Path,
        catalog: Catalog,
        engine: Engine,
        progress: Progress,
        limit: int | None = None,
        models: tuple[Files, ...] = (),
    ) -> None:
        self._config = config
        self._base = base
        self._out = out
        self._catalog = catalog
        self._engine = engine
        self._progress = progress
        self._limit = limit
        self._models = models
        self._sources: dict[str, Source] = sources.open_sources(base)
        own = config.labels.vocabulary
        words = vocabulary.load(None if own is None else base / own)
        self._manual = manual.read(base, words)
        readiness.check_words(models, words)
        self._ledger = Ledger(catalog, config, out, models, self._manual, words)
        self._rejected: dict[int, Rejection] = {}
        self._decoded_tracks = 0
        self._decoded_s = 0.0

    def run(self) -> Result:
        """Builds the dataset."""
        remove_partial(self._out)
        readiness.check_models(self._models, self._engine, self._catalog)
        items = self._list()
        self._work("audio", len(items), items, self._jobs(items))
        recordings = self._dedupe(items)
        self._work("clips", len(recordings), items, self._jobs(items, clips=True))
        self._manual.check_chunks(self._clips_by_track(items))
        dealt, notes = self._split(items, recordings)
        written = self._write(items, dealt)
        counts = self._report(items, written)
        self._sweep(items)
        self._catalog.commit(now=True)
        return Result(self._out, counts, self._decoded_tracks, self._decoded_s, notes)

    def plan(self) -> Plan:
        """What `run` would do: files are looked at, no audio is read and nothing written."""
        items = self._list()
        to_do = sum(1 for job in self._jobs(items) if job is not None)
        rejected = Counter(rejection.code for rejection in self._rejected.values())
        known = len(items) - to_do - len(self._rejected)
        return Plan(len(items), to_do, known, dict(sorted(rejected.items())))

    def _list(self) -> list[Item]:
        """Every track of every source, in the order of artists.yaml; files are not opened."""
        first: dict[str, Track] = {}
        items: list[Item] = []
        for found in itertools.islice(self._listings(), self._limit):
            index = len(items)
            if isinstance(found, Rejection):
                self._rejected[index] = found
                lost = Track(found.id, "", found.uri, found.artist, "")
                items.append(Item(index, lost, Path(), ""))
                continue
            path, on_disk, retrieved = Path(), fetch.remote_fingerprint(found), None
            got = self._sources[found.source].at_hand(found)
            try:
                if got is not None:
                    path, retrieved = got.path, Retrieved(got.origin, got.labels)
                    if got.origin.retrieved_at is None:  # nobody else keeps it as it was
                        on_disk = ""
                        on_disk = fetch.fingerprint(fetch.look(path))
                if found.id in first:
                    also = f"listed already under '{first[found.id].artist}'; keep one of the two"
                    raise AudioError("listed_twice", also)
                first[found.id] = found
            except AudioError as error:
                self._rejected[index] = rejection(found, "list", error)
            items.append(Item(index, found, path, on_disk, retrieved))
        if self._lists_all(items):  # else labels may be of tracks that are not listed now
            self._manual.check((item.track.id, item.track.uri) for item in items)
        return items

    def _lists_all(self, items: list[Item]) -> bool:
        """Whether nothing was cut off the listing, and no folder of it was away."""
        limited = self._limit is not None or any(a.limit for a in self._config.artists)
        return not limited and all(item.track.title for item in items)

    def _clips_by_track(self, items: list[Item]) -> Callable[[str], set[str] | None]:
        """The ids of a track's clips, the dropped ones too; None for a track that was not cut."""
        by_id = {item.track.id: item for item in items if item.on_disk}

        def clips(track: str) -> set[str] | None:
            item = by_id.get(track)
            if item is None or self._rejected.get(item.index) is not None:
                return None
            chunked = self._ledger.complete(item).chunked
            kept = {clip.id for clip in chunked.chunks}
            return kept | {dropped.id for dropped in chunked.rejections}

        return clips

    def _listings(self) -> Iterator[Track | Rejection]:
        for artist in self._config.artists:
            opened = self._sources.values()
            listed = itertools.chain.from_iterable(source.list_tracks(artist) for source in opened)
            yield from itertools.islice(listed, artist.limit)

    def _kept(self, items: Iterable[Item]) -> Iterator[Item]:
        return (item for item in items if item.index not in self._rejected)

    def _jobs(self, items: list[Item], *, clips: bool = False) -> Iterator[Job | None]:
        """The work left on tracks, None for a track with nothing left.

        Args:
            items: All tracks.
            clips: Also look whether the clips are still on disk. Only kept tracks are asked, so the
                clips of a dropped duplicate are not made again.
        """
        for item in self._kept(items):
            known, rejected = self._ledger.judge(item)
            if rejected is not None:
                self._rejected[item.index] = rejected
                yield None
            elif (complete := known.complete) is None:
                yield self._ledger.job(item, known)
            elif clips and not self._ledger.clips_there(complete.chunked):
                yield self._ledger.job(item, self._ledger.without_clips(known))
            else:
                yield None

    def _work(self, name: str, total: int, items: list[Item], jobs: Iterator[Job | None]) -> None:
        """Has workers do the jobs and stores what comes back, as it comes back."""
        with self._progress.stage(name, total) as tell:
            todo = self._at_hand(items, jobs, tell.skip)
            with contextlib.closing(self._engine.map(process, todo)) as finished:
                for done in finished:
                    seconds = self._take(items[done.job.index], done)
                    tell.advance(f"{done.job.track.artist} - {done.job.track.title}", seconds)
        self._catalog.commit(now=True)

    def _at_hand(
        self, items: list[Item], jobs: Iterator[Job | None], skip: Callable[[], None]
    ) -> Iterator[Job]:
        """The jobs, each as soon as its file is on this machine."""
        for found in retrieve(jobs, lambda job: not job.path.name, self._download):
            if isinstance(found, Arrived):
                job, index = found.work, found.work.index
                if isinstance(found.got, Got):
                    items[index], job = self._ledger.arrived(items[index], job, found.got)
                    yield job
                else:
                    self._rejected[index] = rejection(job.track, fetch.NAME, found.got)
                    self._ledger.refuse(items[index], self._rejected[index])
                    skip()
            elif found is None:
                skip()
            else:
                yield found

    def _download(self, job: Job, tell: Tell) -> Got:
        """In a thread of its own: nothing here touches the catalog."""
        return self._sources[job.track.source].get(job.track, tell)

    def _take(self, item: Item, done: Done[Job, Outcome]) -> float:
        outcome = done.result
        if isinstance(outcome, Lost):
            error = AudioError(outcome.code, outcome.reason)
            outcome = Outcome(Known(), 0.0, rejection(item.track, "worker", error))
        self._ledger.store(item, done.job.known, outcome)
        if outcome.rejection is not None:
            self._rejected[item.index] = outcome.rejection
        self._decoded_tracks += outcome.decoded_s > 0
        self._decoded_s += outcome.decoded_s
        return outcome.decoded_s

    def _dedupe(self, items: list[Item]) -> dict[int, str]:
        """Finds copies. Returns a name of its recording for each track that is still in."""
        kept = list(self._kept(items))
        first: dict[str, int] = {}
        with self._progress.stage("duplicates", len(kept)) as tell:
            hashes = (self._ledger.complete(item).fetched.sha256 for item in kept)
            twins = [(first.setdefault(name, index), index) for index, name in enumerate(hashes)]
            groups = dedupe.groups(len(kept), lambda i: self._ledger.print_of(kept[i]), twins)
            tell.skip(len(kept))
        recordings: dict[int, str] = {}
        for group in groups:
            members = [kept[index] for index in group]
            best = min(members, key=self._quality) if len(members) > 1 else members[0]
            for item in members:
                recordings[item.index] = best.track.id
                if item is not best and self._config.dedupe == "drop":
                    same = f'the same recording as track {best.track.id} "{best.track.title}" by '
                    same += f"'{best.track.artist}'; set dedupe: keep to have both"
                    error = AudioError("duplicate", same)
                    self._rejected[item.index] = rejection(item.track, dedupe.NAME, error)
        return recordings

    def _quality(self, item: Item) -> tuple[bool, float, int, int]:
        """Sorts the best copy first: lossless, wide band, high rate, listed early."""
        known = self._ledger.complete(item)
        lossy = known.fetched.suffix not in dedupe.LOSSLESS
        found = known.inspection
        return lossy, -round(found.bandwidth_hz, -3), -found.sample_rate, item.index

    def _split(
        self, items: list[Item], recordings: dict[int, str]
    ) -> tuple[_Dealt, tuple[str, ...]]:
        members = []
        for item in self._kept(items):
            known = self._ledger.complete(item)
            artists = (item.track.artist, *featured(item.track, known.fetched.tags))
            clips = len(known.chunked.chunks)
            member = dealing.Member(item.track.id, artists, recordings[item.index], clips)
            members.append(member)
        deal = dealing.deal_name(self._config.split)
        dealt = dealing.split(members, self._config.split, self._catalog.placements(deal))
        placed = {track: group for group in dealt.groups for track in group.tracks}
        self._catalog.place(deal, {track: group.split for track, group in placed.items()})
        return placed, dealt.notes

    def _write(self, items: list[Item], dealt: _Dealt) -> write.Written:
        self._catalog.name_no_files()

        def note(paths: tuple[str, str]) -> None:
            self._catalog.note_file(*paths, named=True)

        with self._progress.stage("writing", len(items) - len(self._rejected)) as tell:
            finished = self._finished(items, dealt, tell.skip)
            return write.write(self._out, finished, self._config, note)

    def _finished(
        self, items: list[Item], dealt: _Dealt, tell: Callable[[], None]
    ) -> Iterator[write.Finished]:
        for item in self._kept(items):
            known = self._ledger.complete(item)
            said = self._ledger.statements(item, known)
            group = dealt[item.track.id]
            yield write.Finished(
                item.track,
                self._ledger.origin(item).origin,
                known.fetched,
                known.inspection,
                said,
                known.chunked,
                self._ledger.captions(item, known, said),
                group.name,
                group.split,
            )
            tell()

    def _report(self, items: list[Item], written: write.Written) -> Counts:
        rejected = report.write_rejected(self._out, self._rejections(items))
        totals = written.splits.values()
        counts = Counts(
            listed=len(items),
            tracks=sum(split.tracks for split in totals),
            chunks=sum(split.chunks for split in totals),
            hours=round(sum(split.hours for split in totals), 6),
            rejected=dict(sorted(rejected.items())),
            splits=written.splits,
        )
        info = BuildInfo(
            name=self._config.name,
            fingerprint=written.fingerprint,
            built_at=report.now(),
            complete=self._limit is None,
            config=jsonio.builtins(self._config),
            versions=report.versions(),
            models={files.model.name: files.sha256 for files in self._models},
            counts=counts,
        )
        report.write_dset(self._out, self._config, written.splits)
        report.write_build(self._out, info)
        datasheet.write(self._out, info)
        return counts

    def _rejections(self, items: list[Item]) -> Iterator[Rejection]:
        """Every dropped track and clip, in the order of the listing."""
        for item in items:
            dropped = self._rejected.get(item.index)
            if dropped is not None:
                yield dropped
            if dropped is None or dropped.code == "no_chunks":
                chunked: Chunked | None = self._ledger.known(item).chunked
                yield from chunked.rejections if chunked else ()

    def _sweep(self, items: list[Item]) -> None:
        """Removes clips and sidecars of earlier builds that the dataset no longer names.

        Only files that a build wrote are touched, none after a build with a limit, and none of
        tracks whose source is merely away for the moment.
        """
        if self._limit is not None:
            return
        away = self._away(items)
        stale = [path for path in self._catalog.unnamed_files() if away.isdisjoint(_above(path))]
        for path in stale:
            (self._out / path).unlink(missing_ok=True)
            for folder in (self._out / path).parents[:2]:
                with contextlib.suppress(OSError):
                    folder.rmdir()  # only where nothing is left in it
        self._catalog.forget_files(stale)

    def _away(self, items: list[Item]) -> set[str]:
        """Folders of tracks that may come back, and of artists of whom a whole entry may."""
        away = set()
        for index, dropped in self._rejected.items():
            if dropped.code in AWAY:
                track = chunk.folder(items[index].track)
                away.add(track if dropped.title else track.rpartition("/")[0])
        return away


def remove_partial(out: Path) -> None:
    """Removes what a killed build left half-written, where a build writes and nowhere else."""
    for place in (".", "manifests/*", "audio/*/*"):
        for path in out.glob(f"{place}/.*{jsonio.PARTIAL}"):
            if re.fullmatch(rf"\..+\.\d+{re.escape(jsonio.PARTIAL)}", path.name):
                with contextlib.suppress(OSError):
                    path.unlink()


def _above(path: str) -> tuple[str, str]:
    """The folders of a clip's track and artist."""
    track = path.rpartition("/")[0]
    return track, track.rpartition("/")[0]
