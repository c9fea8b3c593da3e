"""The run over a folder: one pass over its manifests, then what only the whole can tell."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import msgspec

from curate import schema
from curate.config import ChunkLimits
from curate.fingerprint import Fingerprint
from curate.records import ManifestLine
from curate.validate import built as own
from curate.validate import dset, labels, layout, meaning, sound, text
from curate.validate.entries import Entry, Paths
from curate.validate.layout import Layout, Manifest
from curate.validate.report import Collector, Finding, ManifestCount, Report
from curate.validate.splits import Ledger

BATCH = 64
"""Clips that are decoded, or in memory, at a time."""


def validate(folder: Path, *, deep: bool = False) -> Report:
    """See `curate.validate.validate`."""
    place = layout.find(folder)
    collector = Collector(place.root, ours=place.ours)
    layout.check(place, collector)
    run = _Run(place, collector, deep=deep)
    for manifest in place.manifests:
        run.manifest(manifest)
    run.finish()
    findings = sorted(collector.findings, key=_order)
    return Report(str(place.root), place.ours, deep, tuple(run.counts), tuple(findings))


def _order(finding: Finding) -> tuple[bool, str, int]:
    return finding.severity == "warning", finding.file, finding.line or 0


class _Run:
    """Holds what the checks share while the lines go by."""

    def __init__(self, place: Layout, collector: Collector, *, deep: bool) -> None:
        self.place = place
        self.collector = collector
        self.deep = deep
        self.counts: list[ManifestCount] = []
        self._parser = text.Parser()
        self._built = own.read(place, collector, self._parser)
        config = self._built.config
        limits = config.limits.chunk if config else ChunkLimits()
        self._max_clipped = limits.max_clipping_share
        by_artist = config is not None and config.split.by == "artist"
        self._paths = Paths(place, collector)
        self._ledger = Ledger(self._built.owners, ours=place.ours, by_artist=by_artist)
        self._tally = own.Tally(self._built)
        self._formats = sound.Formats()
        self._balance = labels.Balance()
        self._fingerprint = Fingerprint()
        self._fingerprinted = True
        self._used: set[str] = set()
        self._no_sidecar: dict[Path, list[tuple[int, str | None]]] = {}
        self._sidecars: Counter[Path] = Counter()
        self._line_checker = schema.Checker("manifest-line")
        self._sidecar_checker = schema.Checker("sidecar")

    def manifest(self, manifest: Manifest) -> None:
        """Checks every line of a manifest."""
        whole = not self.collector.incomplete
        lines, seconds = 0, 0.0
        for batch in _batches(self._entries(manifest), BATCH):
            for entry in batch:
                self._clip(entry)
            sounds = self._listen(batch)
            for entry, heard in zip(batch, sounds, strict=True):
                self._remember(entry, heard)
                lines += 1
                duration = text.number(entry.document.get("duration")) or 0.0
                seconds += duration if 0 < duration < float("inf") else 0.0
        relative = self.collector.relative(manifest.path)
        self.counts.append(ManifestCount(relative, manifest.split, lines, seconds / 3600))
        if lines == 0 and not self.place.ours and whole and not self.collector.incomplete:
            self.collector.add("split_empty", "the manifest has no line", file=manifest.path)

    def _entries(self, manifest: Manifest) -> Iterator[Entry]:
        try:
            for line in text.read_lines(manifest.path, self._parser):
                if line.parsed.value is None:
                    self.collector.incomplete = True
                for fault in line.parsed.faults:
                    self.collector.add(
                        fault.code, fault.message, file=manifest.path, line=line.number
                    )
                if line.parsed.value is not None:
                    entry = Entry(manifest, line.number, line.parsed.value)
                    entry.flagged.update(f.field for f in line.parsed.faults if f.field)
                    yield entry
        except text.READ_ERRORS as error:
            self.collector.incomplete = True
            self.collector.add("file_unreadable", text.reason(error), file=manifest.path)

    def _clip(self, entry: Entry) -> None:
        """The checks of one clip by itself, the special before the general."""
        collector, config = self.collector, self._built.config
        meaning.check_line(entry, collector)
        entry.audio = self._paths.locate(entry)
        sound.check_header(entry, collector)
        if "path" not in entry.flagged or entry.header is not None:
            self._read_sidecar(entry)
        meaning.check_sidecar(entry, collector)
        labels.check(entry, collector)
        if config is not None:
            sound.check_configured(entry, config, collector)
        sound.check_silent(entry, collector)
        if self.place.ours:
            self._check_schema(entry)
        meaning.check_equal(entry, collector)
        split = entry.document.get("split")
        if self.place.ours and split != entry.split and "split" not in entry.flagged:
            message = f"split is {split!r}, the manifest is that of '{entry.split}'"
            entry.add(collector, "wrong_split", message, "split")

    def _read_sidecar(self, entry: Entry) -> None:
        path = entry.sidecar_path
        if path is None:
            return
        try:
            parsed = text.read_object(path, self._parser)
        except FileNotFoundError:
            row = entry.number, entry.id
            self._no_sidecar.setdefault(entry.manifest.path, []).append(row)
            return
        self._sidecars[entry.manifest.path] += 1
        entry.sidecar = parsed.value
        for fault in parsed.faults:
            fields = (fault.field,) if fault.field else ()
            entry.add(self.collector, fault.code, fault.message, *fields, sidecar=True)

    def _check_schema(self, entry: Entry) -> None:
        documents = (
            (self._line_checker, entry.document, False),
            (self._sidecar_checker, entry.sidecar, True),
        )
        flagged = set(entry.flagged)
        for checker, document, beside in documents:
            if document is None:
                continue
            for fault in checker.faults(document):
                name = str(fault.path[0]) if fault.path else ""
                if name in flagged or any(f"'{known}'" in fault.message for known in flagged):
                    continue
                message = f"{fault.where}: {fault.message}"
                entry.add(self.collector, "schema", message, name, sidecar=beside)

    def _listen(self, batch: list[Entry]) -> Iterable[sound.Sound | None]:
        if not self.deep:
            return [None] * len(batch)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(_hear, batch))

    def _remember(self, entry: Entry, heard: sound.Sound | None) -> None:
        """What counts across clips."""
        content: str | bytes | None = None
        if heard is not None and entry.header is not None:
            sound.check_sound(entry, heard, self.collector, self._max_clipped)
            content = heard.content or None
        elif not self.deep and entry.sidecar is not None:
            stored = entry.sidecar.get("audio_sha256")
            content = stored if isinstance(stored, str) else None
        self._ledger.add(entry, content, self.collector)
        self._formats.add(entry)
        self._balance.add(entry)
        if not self.place.ours:
            return
        self._tally.add(entry, self.collector)
        relative = self._paths.inside(entry.audio) if entry.audio is not None else None
        if relative is not None:
            self._used.add(relative)
        self._add_to_fingerprint(entry, relative)

    def _add_to_fingerprint(self, entry: Entry, relative: str | None) -> None:
        sha = entry.sidecar.get("audio_sha256") if entry.sidecar else None
        if relative is None or not isinstance(sha, str) or entry.flagged:
            self._fingerprinted = False
        if not self._fingerprinted:
            return
        try:
            line = msgspec.convert(entry.document, ManifestLine)
        except msgspec.ValidationError:
            self._fingerprinted = False
            return
        self._fingerprint.add(line, str(relative), str(sha))

    def finish(self) -> None:
        """What only the whole can tell."""
        collector, place = self.collector, self.place
        self._missing_sidecars()
        self._paths.finish()
        self._formats.finish(collector)
        here = place.manifests[0].path if len(place.manifests) == 1 else place.root / "manifests"
        where = str(here if place.ours or len(place.manifests) == 1 else place.root)
        self._ledger.finish(collector, where)
        self._balance.finish(collector, where)
        if not place.ours:
            return
        root = place.root
        dset.check(place, self._built, self._paths, self._lines_of(), collector)
        self._tally.check_tracks(root / "tracks.jsonl", self._ledger.leaked, collector)
        self._tally.check_counts(root / "build.json", collector)
        if not collector.incomplete and self._built.complete:
            layout.orphans(root, self._used, collector)
        build = self._built.build
        if build is None or collector.incomplete or collector.errors or not self._fingerprinted:
            return
        found = self._fingerprint.hexdigest()
        if found != build["fingerprint"]:
            message = f"fingerprint is {build['fingerprint'][:12]}…, the data has {found[:12]}…"
            collector.add("fingerprint_differs", message, file=root / "build.json")

    def _lines_of(self) -> dict[str, int]:
        return {str(count.split): count.lines for count in self.counts}

    def _missing_sidecars(self) -> None:
        """Each by itself, or all at once where a manifest has none at all."""
        for path, missing in self._no_sidecar.items():
            if not self._sidecars[path] and len(missing) > 1:
                message = f"none of {len(missing)} clips has a sidecar"
                self.collector.add("sidecar_missing", message, file=path)
                continue
            for line, id in missing:
                message = f"there is no sidecar beside the audio of {id}"
                self.collector.add("sidecar_missing", message, file=path, line=line, id=id)


def _hear(entry: Entry) -> sound.Sound | None:
    if entry.audio is None or entry.header is None:
        return None
    return sound.listen(entry.audio)


def _batches(entries: Iterator[Entry], size: int) -> Iterator[list[Entry]]:
    while batch := list(islice(entries, size)):
        yield batch
