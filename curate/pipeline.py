"""The build, in order: list, work on tracks, dedupe, caption, split, write. Read this first.

`Build.run` is the whole story. The driver (this process) owns the catalog and every decision that
needs more than one track; `curate.work.process` does all that needs a track's audio, in a worker.
What is known stays known: a step is done only where the catalog has no result under the step's
fingerprint, so a killed build continues and a finished one finds nothing to do.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from curate import listing, readiness, recordings, sources, tidying
from curate.captions.author import Author
from curate.catalog import Catalog
from curate.config import Config
from curate.engine import Done, Engine, Lost
from curate.errors import AudioError, ConfigError
from curate.labels import manual, vocabulary
from curate.labels.models import zoo
from curate.labels.models.weights import Files
from curate.labels.statements import Statements
from curate.ledger import Item, Ledger
from curate.progress import Progress
from curate.records import BuildInfo, CaptionCounts, Chunked, Counts, Rejection
from curate.retrieval import Arrived, retrieve
from curate.sources.cache import Cache
from curate.sources.source import Got, Tell
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
    select,
    write,
)
from curate.stages import split as dealing
from curate.stages.credits import featured
from curate.treatments.separation import Separator
from curate.work import Complete, Job, Known, Outcome, process, rejection

if TYPE_CHECKING:
    from curate.captions.llm import Captioner, Request

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
        captions: Who wrote the captions.
        decoded_tracks: Tracks whose audio was decoded in this run.
        decoded_s: Seconds of audio decoded in this run.
        notes: What a user should know, in sentences.
        cache: Where what was fetched lies, None where no source fetches.
        cache_bytes: How much lies there, of all datasets.
    """

    out: Path
    counts: Counts
    captions: CaptionCounts
    decoded_tracks: int
    decoded_s: float
    notes: tuple[str, ...]
    cache: Path | None = None
    cache_bytes: int = 0


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


@dataclass(frozen=True, slots=True)
class Options:
    """What a build is told beside artists.yaml.

    Attributes:
        limit: Use only the first so many tracks.
        models: Files of the models that are asked.
        separator: What takes vocals away, if they are to be.
        cache: Folder of what is fetched; None is the usual one.
        offline: Ask nothing of the network.
        keep_downloads: Keep what was fetched after it has been worked on.
        without: Sources whose statements are left out.
        retry: Try again what failed for good.
        captioner: The language model that writes captions, if one is to.
    """

    limit: int | None = None
    models: tuple[Files, ...] = ()
    separator: Separator | None = None
    cache: Path | None = None
    offline: bool = False
    keep_downloads: bool = True
    without: frozenset[str] = frozenset()
    retry: bool = False
    captioner: "Captioner | None" = None


class Build:
    """One build of one dataset.

    Args:
        config: From artists.yaml.
        base: Folder of artists.yaml: relative sources start there.
        out: The dataset's folder, absolute.
        catalog: Open catalog of that folder.
        engine: Where work runs.
        progress: Told of every step.
        options: Everything else.
    """

    def __init__(
        self,
        config: Config,
        base: Path,
        out: Path,
        catalog: Catalog,
        engine: Engine,
        progress: Progress,
        options: Options | None = None,
    ) -> None:
        self._config = config
        self._base = base
        self._out = out
        self._catalog = catalog
        self._engine = engine
        self._progress = progress
        self._options = options = options or Options()
        self._models = models = options.models
        own = config.labels.vocabulary
        words = vocabulary.load(None if own is None else base / own)
        self._where = select.condition(config)
        self._cache = Cache(options.cache)
        self._sources = sources.open_sources(
            base, config, words, self._cache, offline=options.offline
        )
        self._manual = manual.read(base, words)
        readiness.check_words(models, words)
        self._ledger = Ledger(
            catalog,
            config,
            out,
            models,
            self._manual,
            words,
            options.without,
            options.separator,
        )
        self._captioner = options.captioner
        self._author = Author(config.captions, options.captioner)
        self._rejected: dict[int, Rejection] = {}
        self._users: Counter[str] = Counter()
        self._copies: dict[int, list[str]] = {}
        self._notes: list[str] = []
        self._decoded_tracks = 0
        self._decoded_s = 0.0

    def run(self) -> Result:
        """Builds the dataset."""
        tidying.remove_partial(self._out)
        if self._options.retry:
            self._catalog.forgive_all()
        readiness.check_models(self._models, self._engine, self._catalog)
        readiness.check_separator(self._options.separator, self._engine, self._catalog)
        if self._captioner is not None and not self._options.offline:
            self._captioner.check_key()
        items = self._list()
        self._work("audio", len(items), items, self._jobs(items))
        self._select(items)  # first: a copy that is not wanted drops none that is
        names = self._dedupe(items)
        self._work("clips", len(names), items, self._jobs(items, clips=True))
        self._manual.check_chunks(self._clips_by_track(items))
        dealt = self._split(items, names)
        self._caption(items)
        written = self._write(items, dealt)
        info = self._report(items, written)
        if self._options.limit is None:
            dropped = ((items[index], left_out) for index, left_out in self._rejected.items())
            tidying.sweep(self._out, self._catalog, dropped)
        self._catalog.commit(now=True)
        notes = (*self._notes, *self._unused_labels(items))
        worked = (self._decoded_tracks, self._decoded_s)
        made = Result(self._out, info.counts, info.captions, *worked, notes)
        if set(self._sources) <= {"files"}:
            return made
        return replace(made, cache=self._cache.place, cache_bytes=self._cache.size_bytes())

    def close(self) -> None:
        """Closes what the sources have open."""
        for source in self._sources.values():
            source.close()

    def plan(self) -> Plan:
        """What `run` would do: files are looked at, no audio is read and nothing written."""
        items = self._list()
        to_do = sum(1 for job in self._jobs(items) if job is not None)
        rejected = Counter(rejection.code for rejection in self._rejected.values())
        known = len(items) - to_do - len(self._rejected)
        return Plan(len(items), to_do, known, dict(sorted(rejected.items())))

    def _list(self) -> list[Item]:
        """Every track of every source, in the order of artists.yaml; files are not opened."""
        options = self._options
        listed = listing.take(self._config, self._sources, options.limit, options.without)
        self._rejected.update(listed.rejected)
        self._users.update(listing.place(item.track) for item in self._kept(listed.items))
        try:
            self._manual.check((item.track.id, item.track.uri) for item in listed.items)
        except ConfigError as unknown:
            if listed.whole:
                raise
            self._notes.append(f"not listed now, behind a limit or away:\n{unknown}")
        return listed.items

    def _unused_labels(self, items: list[Item]) -> Iterator[str]:
        """Notes on people's labels of tracks that are left out."""
        copies = {track for tracks in self._copies.values() for track in tracks}
        by_id = {items[index].track.id: code.code for index, code in self._rejected.items()}
        for named in self._manual.named:
            tracks = {name.partition("_")[0] for name in named.ids} - copies
            for track in sorted(tracks & by_id.keys()):
                yield f"{named.place}: {named.text} is left out: {by_id[track]}"

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
        self._release(item)
        self._decoded_tracks += outcome.decoded_s > 0
        self._decoded_s += outcome.decoded_s
        return outcome.decoded_s

    def _release(self, item: Item) -> None:
        """Gives up a fetched file that nothing more is to be made of, if none are kept."""
        place = listing.place(item.track)
        self._users[place] -= 1
        if not self._options.keep_downloads and self._users[place] <= 0:
            self._sources[item.track.source].release(item.track)

    def _dedupe(self, items: list[Item]) -> dict[int, str]:
        """Finds copies. Returns a name of its recording for each track that is still in."""
        kept = list(self._kept(items))
        with self._progress.stage("duplicates", len(kept)) as tell:
            drop = self._config.dedupe == "drop"
            found = recordings.find(kept, self._ledger, drop=drop, tell=tell)
        self._rejected.update(found.rejected)
        self._copies = found.copies
        return found.names

    def _select(self, items: list[Item]) -> None:
        """Leaves out tracks by what is asserted of them, or because no clip of theirs is left."""
        if self._where is None and self._config.vocals != "drop_tracks":
            return
        for item in list(self._kept(items)):
            known, said = self._chosen(item)
            try:
                select.track(said, self._config)
                if not known.chunked.chunks:
                    why = f"`where: {self._config.where}` holds of no clip of it"
                    raise AudioError("filtered", why)
            except AudioError as error:
                self._rejected[item.index] = rejection(item.track, select.NAME, error)

    def _chosen(self, item: Item) -> tuple[Complete, Statements]:
        """All that is known and said of a track, of the clips that are used."""
        known = self._ledger.complete(item)
        said = self._ledger.statements(item, known, self._copies.get(item.index, ()))
        if self._where is None:
            return known, said
        return select.clips(item.track, known, said, self._where)

    def _split(self, items: list[Item], names: dict[int, str]) -> _Dealt:
        members = []
        for item in self._kept(items):
            known = self._chosen(item)[0] if self._where else self._ledger.complete(item)
            artists = (item.track.artist, *featured(item.track, known.fetched.tags))
            clips = len(known.chunked.chunks)
            member = dealing.Member(item.track.id, artists, names[item.index], clips)
            members.append(member)
        deal = dealing.deal_name(self._config.split)
        dealt = dealing.split(members, self._config.split, self._catalog.placements(deal))
        placed = {track: group for group in dealt.groups for track in group.tracks}
        self._catalog.place(deal, {track: group.split for track, group in placed.items()})
        self._notes += dealt.notes
        return placed

    def _caption(self, items: list[Item]) -> None:
        """Has a language model write captions, if one is to; its answers are kept for `_write`."""
        if self._captioner is None or self._options.offline:
            return
        clips = [len(self._chosen(item)[0].chunked.chunks) for item in self._kept(items)]
        with self._progress.stage("captions", sum(clips)) as tell:
            tally = self._captioner.write(self._requests(items), tell.skip)
        self._notes += tally.notes

    def _requests(self, items: list[Item]) -> Iterator["Request"]:
        """What a language model is to describe: clips that nobody has described."""
        from curate.captions.llm import Request

        for item in self._kept(items):
            about = self._ledger.sayable(item, *self._chosen(item))
            yield from (Request(facts, about.names) for facts in about.untold())

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
            known, said = self._chosen(item)
            about = self._ledger.sayable(item, known, said)
            group = dealt[item.track.id]
            yield write.Finished(
                item.track,
                self._ledger.origin(item).origin,
                known.fetched,
                known.inspection,
                said,
                known.chunked,
                about.facts,
                self._ledger.captions(item, about, self._author),
                group.name,
                group.split,
            )
            tell()

    def _report(self, items: list[Item], written: write.Written) -> BuildInfo:
        rejected = report.write_rejected(self._out, map(self._told, self._rejections(items)))
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
            complete=self._options.limit is None,
            config=report.resolved(self._config),
            versions=report.versions(onnx=any(one.backend == "onnx" for one in self._models)),
            models=self._hashes(),
            without=tuple(sorted(self._options.without)),
            counts=counts,
            captions=CaptionCounts(written.captions, self._author.counts()),
        )
        report.write_dset(self._out, self._config, written.splits)
        report.write_build(self._out, info)
        datasheet.write(self._out, info)
        return info

    def _hashes(self) -> dict[str, str]:
        """Of every model that had a part in the data."""
        found = {files.model.name: files.sha256 for files in self._models}
        separator = self._options.separator
        return found if separator is None else found | {zoo.HTDEMUCS.name: separator.sha256}

    def _told(self, dropped: Rejection) -> Rejection:
        """A rejection without the words of Spotify, where these are to be left out."""
        if "spotify" not in self._options.without or not dropped.uri.startswith("spotify:"):
            return dropped
        return replace(dropped, title="", reason=f"track {dropped.id}: {dropped.code}")

    def _rejections(self, items: list[Item]) -> Iterator[Rejection]:
        """Every dropped track and clip, in the order of the listing."""
        for item in items:
            dropped = self._rejected.get(item.index)
            if dropped is not None:
                yield dropped
            if dropped is None:
                yield from self._chosen(item)[0].chunked.rejections
            elif dropped.code == "no_chunks":
                chunked: Chunked | None = self._ledger.known(item).chunked
                yield from chunked.rejections if chunked else ()
