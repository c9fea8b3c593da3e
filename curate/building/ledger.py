"""What is known of each track, and what is still to do: the catalog seen track by track.

Between the pipeline, which thinks in stages, and the catalog, which thinks in fingerprints.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from curate import jsonio, treatments
from curate.building.catalog import Catalog
from curate.building.work import Complete, Job, Known, Outcome, rejection
from curate.captions.author import Author
from curate.config import Config
from curate.errors import AudioError, CurateError
from curate.labels import signal, statements, tags, vocabulary
from curate.labels.manual import NO_MANUAL, Manual
from curate.labels.models.weights import Files
from curate.labels.statements import Manually, Statements
from curate.labels.vocabulary import Vocabulary
from curate.names import digest
from curate.records import (
    Captions,
    Chunked,
    Classified,
    Fetched,
    Inspection,
    Label,
    Origin,
    Rejection,
    Retrieved,
    Track,
    TrackLabels,
)
from curate.sources.source import Got
from curate.stages import caption, chunk, classify, fetch, inspect, judge, label
from curate.stages.caption import Sayable
from curate.stages.credits import names_of
from curate.treatments.separation import Separator

Record = TypeVar("Record")

TRANSIENT = frozenset(
    {"unreadable", "worker_crashed", "worker_timeout", "worker_memory", "unexpected"}
)
"""Codes that may be otherwise next time: a later build tries again, `MAX_ATTEMPTS` times in all."""

MAX_ATTEMPTS = 3

ELSEWHERE = frozenset({"network", "rate_limited", "bot_check", "offline", "no_javascript"})
"""Codes of a source that could not be asked: every later build asks again."""

AWAY = TRANSIENT | ELSEWHERE | {"missing"}
"""Codes of tracks that may come back: their finished clips are not removed."""


RETRIEVE = "retrieve"
"""Stage of what a source tells when it gives a track's audio."""


@dataclass(frozen=True, slots=True)
class Item:
    """A listed track.

    Attributes:
        index: Its place in the listing.
        track: The track.
        path: Its audio file; without a name where it is not on this machine.
        on_disk: The file's state (`fetch.fingerprint`, for what was fetched from elsewhere
            `fetch.remote_fingerprint`), "" where there is none.
        retrieved: What is known of the file's origin, if it is at hand.
    """

    index: int
    track: Track
    path: Path
    on_disk: str
    retrieved: Retrieved | None = None


class Ledger:
    """Knows and stores what is known of tracks under one configuration."""

    def __init__(
        self,
        catalog: Catalog,
        config: Config,
        out: Path,
        models: tuple[Files, ...] = (),
        manual: Manual = NO_MANUAL,
        words: Vocabulary | None = None,
        without: frozenset[str] = frozenset(),
        separator: Separator | None = None,
    ) -> None:
        self._catalog = catalog
        self._config = config
        self._out = out
        self._models = models
        self._manual = manual
        self._words = words or vocabulary.load()
        self._without = without
        self._separator = separator
        self._treated = treatments.fingerprint(config, separator)

    def known(self, item: Item) -> Known:
        """What the catalog has of a track in its present state on disk.

        A file that was touched since is hashed here: unless its bytes changed, all stays known.

        Raises:
            AudioError: The file cannot be read.
        """
        stored = self._catalog.results(item.track.id)
        if not stored:
            return Known()

        def get(stage: str, name: str, kind: type[Record]) -> Record | None:
            value = stored.get((stage, name))
            return None if value is None else jsonio.decode(value, kind)

        fetched = get(fetch.NAME, item.on_disk, Fetched)
        if fetched is None and not item.path.name:
            return Known()
        if fetched is None:
            fetched = fetch.fetch(item.path, fetch.look(item.path))
            self._catalog.put(item.track.id, fetch.NAME, item.on_disk, fetched, only=True)
        return Known(
            fetched,
            get(inspect.NAME, inspect.fingerprint(fetched), Inspection),
            get(label.NAME, label.fingerprint(self._sound(fetched)), TrackLabels),
            get(classify.NAME, self._asked(fetched), Classified)
            if self._models
            else classify.NOTHING,
            get(chunk.NAME, self._cut(item, fetched), Chunked),
        )

    def complete(self, item: Item) -> Complete:
        """All that is known of a track that has been worked on."""
        found = self.known(item).complete
        if found is None:
            raise CurateError(
                f'track {item.track.id} "{item.track.title}": changed on disk during the build; '
                "build again"
            )
        return found

    def judge(self, item: Item) -> tuple[Known, Rejection | None]:
        """What is known of a track, and the rejection that follows from it, if any does."""
        failed = self._catalog.failure(item.track.id, self._failure_name(item))
        if failed and _is_final(*failed):
            return Known(), failed[0]
        try:
            known = self.known(item)
            if known.fetched:
                judge.licence(self.origin(item).origin, known.fetched.tags, self._config)
            if known.inspection:
                judge.track(known.inspection, self._config)
        except AudioError as error:
            return Known(), rejection(item.track, inspect.NAME, error)
        if known.chunked and not known.chunked.chunks:
            none = AudioError("no_chunks", "no clip of it is within limits.chunk")
            return known, rejection(item.track, chunk.NAME, none)
        return known, None

    def sha256(self, item: Item) -> str:
        """The hash of the file of a track that has been worked on."""
        return self.complete(item).fetched.sha256

    def print_of(self, item: Item) -> str:
        """The acoustic fingerprint of a track that has been worked on."""
        return self.complete(item).labels.fingerprint

    def job(self, item: Item, known: Known) -> Job:
        """The work that is left to do on a track."""
        origin = self.origin(item).origin
        return Job(
            item.index,
            item.track,
            item.path,
            origin,
            self._out,
            self._config,
            self._models,
            self._separator,
            known,
        )

    def origin(self, item: Item) -> Retrieved:
        """Where a track's audio comes from, also when the file is not kept."""
        found = item.retrieved
        if found is None:
            found = self._catalog.get(item.track.id, RETRIEVE, item.on_disk, Retrieved)
            found = _as_listed(found or Retrieved(Origin(item.track.uri)), item.track)
        if item.track.source in self._without:  # how well it matches is known from there
            found = replace(found, origin=replace(found.origin, match=None))
        return found

    def fetched(self, item: Item) -> bool:
        """Whether a track's file was fetched for this dataset, in this build or an earlier one."""
        return self._catalog.get(item.track.id, RETRIEVE, item.on_disk, Retrieved) is not None

    def arrived(self, item: Item, job: Job, got: Got) -> tuple[Item, Job]:
        """Stores where a fetched file comes from; gives item and job with the file.

        If these are not the bytes that were analysed before, nothing is known of them.
        """
        retrieved = Retrieved(got.origin, got.labels)
        self._catalog.put(item.track.id, RETRIEVE, item.on_disk, retrieved, only=True)
        known = job.known
        if known.fetched is not None and got.path.stem != known.fetched.sha256:
            known = Known()
        item = replace(item, path=got.path, retrieved=retrieved)
        return item, replace(job, path=got.path, origin=got.origin, known=known)

    def refuse(self, item: Item, rejected: Rejection) -> None:
        """Stores that a source did not give a track."""
        self._catalog.fail(item.track.id, self._failure_name(item), rejected)

    def clips_there(self, chunked: Chunked) -> bool:
        """Whether every clip's audio file is where it was written, in its size."""
        for clip in chunked.chunks:
            try:
                if (self._out / clip.path).stat().st_size != clip.size_bytes:
                    return False
            except OSError:
                return False
        return True

    def without_clips(self, known: Known) -> Known:
        """As if the track had not been cut yet."""
        return replace(known, chunked=None)

    def store(self, item: Item, before: Known, outcome: Outcome) -> None:
        """Stores what a worker added to `before`, and how it failed if it did."""
        put, name, known = self._catalog.put, item.track.id, outcome.known
        fetched = known.fetched
        if fetched is not None:
            if before.fetched is None:
                put(name, fetch.NAME, item.on_disk, fetched, only=True)
            if before.inspection is None and known.inspection is not None:
                put(name, inspect.NAME, inspect.fingerprint(fetched), known.inspection)
            if before.labels is None and known.labels is not None:
                put(name, label.NAME, label.fingerprint(self._sound(fetched)), known.labels)
            if before.classified is None and known.classified is not None and self._models:
                put(name, classify.NAME, self._asked(fetched), known.classified)
            if before.chunked is None and known.chunked is not None:
                put(name, chunk.NAME, self._cut(item, fetched), known.chunked, only=True)
                self._catalog.note_file(*(clip.path for clip in known.chunked.chunks), named=False)
        if outcome.rejection is None:
            self._catalog.forgive(name)
        else:
            self._catalog.fail(name, self._failure_name(item), outcome.rejection)

    def statements(self, item: Item, known: Complete, copies: Iterable[str] = ()) -> Statements:
        """Everything said of a track and its clips, and what of it the dataset asserts.

        Args:
            item: The track.
            known: What is known of it.
            copies: Tracks that were dropped in its favour: what people said of these counts too,
                for kinds that they do not speak of otherwise.
        """
        clips = [clip.id for clip in known.chunked.chunks]
        whole = list(self._manual.of_track(item.track.id))
        for copy in copies:
            said = {label.kind for label in whole}
            whole += [x for x in self._manual.of_track(copy) if x.kind not in said]
        manual = Manually(tuple(whole), tuple(map(self._manual.of_chunk, clips)))
        analysed = (
            *known.labels.labels,
            *tags.labels(known.fetched.tags),
            *self._of_sources(item),
        )
        chunks, options = known.chunked.chunks, self._config.labels
        return statements.gather(analysed, known.classified, manual, chunks, options, self._words)

    def _of_sources(self, item: Item) -> list[Label]:
        """What the listing and the place of the audio say, but for sources that are left out."""
        said = (*item.track.labels, *self.origin(item).labels)
        return [label for label in said if label.source.split(".")[0] not in self._without]

    def sayable(self, item: Item, known: Complete, said: Statements) -> Sayable:
        """What captions may say of a track's clips."""
        names = names_of(item.track, known.fetched.tags, said.track)
        return caption.sayable(said, known.chunked.chunks, names, self._words)

    def captions(self, item: Item, about: Sayable, author: Author) -> Captions:
        """The captions of a track's clips; those of a template are made if they are not known."""
        options = self._config.captions
        if options.llm is not None:  # its answers are stored where they can be shared
            return caption.caption(about, author)
        name = caption.fingerprint(about, options)
        found = self._catalog.get(item.track.id, caption.NAME, name, Captions)
        if found is None:
            found = caption.caption(about, author)
            self._catalog.put(item.track.id, caption.NAME, name, found)
        return found

    def _asked(self, fetched: Fetched) -> str:
        return classify.fingerprint(self._sound(fetched), self._config, self._models)

    def _cut(self, item: Item, fetched: Fetched) -> str:
        return chunk.fingerprint(item.track, self._sound(fetched), self._config)

    def _sound(self, fetched: Fetched) -> Fetched:
        """The file as a name for what is heard: treated sound is other sound."""
        if not self._treated:
            return fetched
        return replace(fetched, sha256=digest(fetched.sha256, self._treated))

    def _failure_name(self, item: Item) -> str:
        shape = (
            fetch.VERSION,
            inspect.VERSION,
            label.VERSION,
            chunk.VERSION,
            signal.VERSION,
            classify.VERSION,
        )
        limits, chunks = repr(self._config.limits), repr(self._config.chunk)
        asked = [files.sha256 for files in self._models]
        web = self._config.web
        means = (web.cookies, web.proxy, web.country, web.homes)  # others may get what these do not
        terms = repr((self._config.licences, self._config.spotify, means))
        return digest("failure", item.on_disk, *shape, limits, chunks, asked, self._treated, terms)


def _is_final(rejected: Rejection, attempts: int) -> bool:
    if rejected.code in ELSEWHERE:
        return False
    return rejected.code not in TRANSIENT or attempts >= MAX_ATTEMPTS


def _as_listed(found: Retrieved, track: Track) -> Retrieved:
    """What was stored, with the licence that the table states today."""
    if found.origin.licence_source != track.source:
        return found
    said = next((str(label.value) for label in track.labels if label.kind == "licence"), None)
    source = None if said is None else track.source
    return replace(found, origin=replace(found.origin, licence=said, licence_source=source))
