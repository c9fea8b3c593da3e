"""The build, in order: list, work on tracks, dedupe, caption, split, write. Read this first.

`Build.run` is the whole story. The driver (this process) owns the catalog and every decision that
needs more than one track; `building.work.process` does all that needs a track's audio, in a worker.
What is known stays known: a step is done only where the catalog has no result under the step's
fingerprint, so a killed build continues and a finished one finds nothing to do.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate import sources
from curate.building import listing, readiness, recordings, tidying, withdrawal
from curate.building.catalog import Catalog
from curate.building.ledger import Item, Ledger
from curate.building.orders import Options, Plan, Result
from curate.building.roster import Roster
from curate.building.selection import Selection
from curate.building.workshop import Workshop
from curate.captions.author import Author
from curate.config import Config
from curate.engine import Engine
from curate.errors import ConfigError
from curate.labels import manual, vocabulary
from curate.labels.models import zoo
from curate.progress import Progress
from curate.records import BuildInfo, CaptionCounts, Counts, Rejection
from curate.sources.cache import Cache
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

if TYPE_CHECKING:
    from curate.captions.llm import Request

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
        self._out = out
        self._catalog = catalog
        self._engine = engine
        self._progress = progress
        self._options = options = options or Options()
        own = config.labels.vocabulary
        words = vocabulary.load(None if own is None else base / own)
        self._cache = Cache(options.cache)
        self._sources = sources.open_sources(
            base, config, words, self._cache, offline=options.offline
        )
        self._manual = manual.read(base, words)
        readiness.check_words(options.models, words)
        self._ledger = Ledger(
            catalog,
            config,
            out,
            options.models,
            self._manual,
            words,
            options.without,
            options.separator,
        )
        self._selection = Selection(self._ledger, config)
        self._workshop = Workshop(
            self._ledger, engine, self._sources, progress, keep_downloads=options.keep_downloads
        )
        self._author = Author(config.captions, options.captioner)
        self._roster = Roster()
        self._copies: dict[int, list[str]] = {}
        self._notes: list[str] = []

    def run(self) -> Result:
        """Builds the dataset."""
        self._prepare()
        self._list()
        self._work("audio")
        self._select(self._roster)  # first: a copy that is not wanted drops none that is
        names = self._dedupe()
        self._work("clips", clips=True)
        self._manual.check_chunks(self._clips_by_track())
        dealt = self._split(names)
        self._caption()
        written = self._write(dealt)
        info = self._report(written)
        self._sweep()
        return self._result(info)

    def close(self) -> None:
        """Closes what the sources have open."""
        for source in self._sources.values():
            source.close()

    def plan(self) -> Plan:
        """What `run` would do: files are looked at, no audio is read and nothing written."""
        self._list()
        to_do = sum(job is not None for job in self._workshop.jobs(self._roster))
        known = self._roster.left - to_do
        return Plan(len(self._roster), to_do, known, self._roster.codes())

    def _prepare(self) -> None:
        """Whatever would end the build is found out before any work."""
        options = self._options
        tidying.remove_partial(self._out)
        if options.retry:
            self._catalog.forgive_all()
        readiness.check_models(options.models, self._engine, self._catalog)
        readiness.check_separator(options.separator, self._engine, self._catalog)
        if options.captioner is not None and not options.offline:
            options.captioner.check_key()

    def _list(self) -> None:
        """Every track of every source, in the order of artists.yaml; files are not opened."""
        options = self._options
        listed = listing.take(self._config, self._sources, options.limit, options.without)
        self._roster = Roster(listed.items, listed.rejected)
        try:
            self._manual.check((item.track.id, item.track.uri) for item in listed.items)
        except ConfigError as unknown:
            if listed.whole:
                raise
            self._notes.append(f"not listed now, behind a limit or away:\n{unknown}")
        self._notes += self._renumbered()

    def _renumbered(self) -> Iterator[str]:
        """A note where people's labels name clips by numbers that meant other parts before."""
        now, last = self._config.chunk.seconds, report.earlier(self._out)
        cut: Any = last.config.get("chunk", {}) if last else {}
        before, first = cut.get("seconds", now), next(self._manual.of_clips, None)
        if before != now and first is not None:
            yield (
                f"chunk.seconds was {before:g} and is {now:g}: clip {first.text} ({first.place}) "
                "and all others that your labels name by number are other parts of their tracks "
                "now; see that they are meant"
            )

    def _work(self, name: str, *, clips: bool = False) -> None:
        """Has workers do what is left to do on tracks that are still in."""
        self._workshop.work(name, self._roster, clips=clips)
        self._catalog.commit(now=True)

    def _select(self, items: Iterable[Item]) -> None:
        """Leaves out tracks by what is asserted of them, or because no clip of theirs is left."""
        if not self._selection.chooses:
            return
        for item in items:
            known = self._roster.why(item)
            if known is None and (refusal := self._selection.refusal(item)) is not None:
                self._roster.reject(item, refusal)

    def _dedupe(self) -> dict[int, str]:
        """Finds copies. Returns a name of its recording for each track that is still in."""
        kept = list(self._roster.kept())
        with self._progress.stage("duplicates", len(kept)) as tell:
            drop = self._config.dedupe == "drop"
            found = recordings.find(kept, self._ledger, drop=drop, tell=tell)
        for index, copied in found.rejected.items():
            self._roster.reject(self._roster[index], copied)
        self._copies = found.copies
        self._selection.join(found.copies)
        self._select(self._roster[index] for index in found.copies)
        return found.names

    def _clips_by_track(self) -> Callable[[str], set[str] | None]:
        """The ids of a track's clips, the dropped ones too; None for a track that was not cut."""
        by_id = {item.track.id: item for item in self._roster if item.on_disk}

        def clips(track: str) -> set[str] | None:
            item = by_id.get(track)
            if item is None or self._roster.why(item) is not None:
                return None
            chunked = self._ledger.complete(item).chunked
            kept = {clip.id for clip in chunked.chunks}
            return kept | {dropped.id for dropped in chunked.rejections}

        return clips

    def _split(self, names: dict[int, str]) -> _Dealt:
        members = []
        for item in self._roster.kept():
            known = self._ledger.complete(item)
            artists = (item.track.artist, *featured(item.track, known.fetched.tags))
            clips = len(self._selection.chunked(item).chunks)
            members.append(dealing.Member(item.track.id, artists, names[item.index], clips))
        deal = dealing.deal_name(self._config.split)
        dealt = dealing.split(members, self._config.split, self._catalog.placements(deal))
        placed = {track: group for group in dealt.groups for track in group.tracks}
        self._catalog.place(deal, {track: group.split for track, group in placed.items()})
        self._notes += dealt.notes if members else ()  # nothing to split is told otherwise
        return placed

    def _caption(self) -> None:
        """Has a language model write captions, if one is to; its answers are kept for `_write`."""
        captioner = self._options.captioner
        if captioner is None or self._options.offline:
            return
        clips = sum(len(self._selection.chunked(item).chunks) for item in self._roster.kept())
        with self._progress.stage("captions", clips) as tell:
            tally = captioner.write(self._requests(), tell.skip)
        self._notes += tally.notes

    def _requests(self) -> Iterator["Request"]:
        """What a language model is to describe: clips that nobody has described."""
        from curate.captions.llm import Request

        for item in self._roster.kept():
            chosen = self._selection.of(item)
            sources, about = withdrawal.words_in(chosen.said.every), chosen.about
            yield from (Request(facts, about.names, sources) for facts in about.untold())

    def _write(self, dealt: _Dealt) -> write.Written:
        self._catalog.name_no_files()

        def note(paths: tuple[str, str]) -> None:
            self._catalog.note_file(*paths, named=True)

        with self._progress.stage("writing", self._roster.left) as tell:
            finished = self._finished(dealt, tell.skip)
            return write.write(self._out, finished, self._config, note)

    def _finished(self, dealt: _Dealt, tell: Callable[[], None]) -> Iterator[write.Finished]:
        for item in self._roster.kept():
            chosen, group = self._selection.of(item), dealt[item.track.id]
            yield write.Finished(
                item.track,
                self._ledger.origin(item).origin,
                chosen.known.fetched,
                chosen.known.inspection,
                chosen.said,
                chosen.known.chunked,
                chosen.about.facts,
                self._ledger.captions(item, chosen.about, self._author),
                group.name,
                group.split,
            )
            tell()

    def _report(self, written: write.Written) -> BuildInfo:
        options, totals = self._options, written.splits.values()
        dropped = self._rejections()
        if withdrawal.SOURCE in options.without:
            dropped = map(withdrawal.plain, dropped)
        rejected = report.write_rejected(self._out, dropped)
        counts = Counts(
            listed=len(self._roster),
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
            complete=options.limit is None,
            config=report.resolved(self._config),
            versions=report.versions(onnx=any(one.backend == "onnx" for one in options.models)),
            models=self._hashes(),
            without=tuple(sorted(options.without)),
            counts=counts,
            captions=CaptionCounts(written.captions, self._author.counts()),
        )
        report.write_dset(self._out, self._config, written.splits)
        report.write_build(self._out, info)
        datasheet.write(self._out, info)
        return info

    def _hashes(self) -> dict[str, str]:
        """Of every model that had a part in the data."""
        found = {files.model.name: files.sha256 for files in self._options.models}
        separator = self._options.separator
        return found if separator is None else found | {zoo.HTDEMUCS.name: separator.sha256}

    def _rejections(self) -> Iterator[Rejection]:
        """Every dropped track and clip, in the order of the listing."""
        for item in self._roster:
            dropped = self._roster.why(item)
            if dropped is None:
                yield from self._selection.chunked(item).rejections
                continue
            yield dropped
            if dropped.code == "no_chunks" and (chunked := self._ledger.known(item).chunked):
                yield from chunked.rejections

    def _sweep(self) -> None:
        """Removes what earlier builds left and this dataset does not name or say."""
        if self._options.limit is None:
            tidying.sweep(self._out, self._catalog, self._roster.rejected())
        if withdrawal.SOURCE in self._options.without:
            gone = withdrawal.withdraw(self._out, self._config.name, self._catalog, self._cache)
            self._notes.append(gone.note)
        self._catalog.commit(now=True)

    def _result(self, info: BuildInfo) -> Result:
        notes = (*self._notes, *self._unused_labels())
        worked = (self._workshop.decoded_tracks, self._workshop.decoded_s)
        made = Result(self._out, info.counts, info.captions, *worked, notes)
        if set(self._sources) <= {"files"}:
            return made
        return replace(made, cache=self._cache.place, cache_bytes=self._cache.size_bytes())

    def _unused_labels(self) -> Iterator[str]:
        """Notes on people's labels of tracks that are left out."""
        copies = {track for tracks in self._copies.values() for track in tracks}
        by_id = {item.track.id: why.code for item, why in self._roster.rejected()}
        for named in self._manual.named:
            tracks = {name.partition("_")[0] for name in named.ids} - copies
            for track in sorted(tracks & by_id.keys()):
                yield f"{named.place}: {named.text} is left out: {by_id[track]}"
