"""The run over a folder: one pass over its manifests, then what only the whole can tell."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import msgspec

from curate.config import ChunkLimits
from curate.fingerprint import Fingerprint
from curate.records import ManifestLine
from curate.validate import built as own
from curate.validate import dset, labels, layout, sound, text
from curate.validate.clips import ClipChecks
from curate.validate.entries import Entry, Paths
from curate.validate.layout import Layout, Manifest
from curate.validate.opening import Opener
from curate.validate.report import Collector, Finding, ManifestCount, Report
from curate.validate.splits import Ledger

BATCH = 64
"""Clips that are decoded, or in memory, at a time."""


def validate(folder: Path, *, deep: bool = False) -> Report:
    """See `curate.validate.validate`."""
    place = layout.find(folder)
    collector = Collector(place.root, ours=place.ours)
    layout.check(place, collector)
    run = _Run(place, collector)
    ears = ThreadPoolExecutor(os.cpu_count())
    try:
        with Opener() as opener:
            for manifest in place.manifests:
                run.manifest(manifest, opener, ears if deep else None)
    finally:
        ears.shutdown(cancel_futures=True)  # Ctrl-C does not wait for what is not begun
    run.finish()
    findings = sorted(collector.findings, key=_order)
    return Report(str(place.root), place.ours, deep, tuple(run.counts), tuple(findings))


def _order(finding: Finding) -> tuple[bool, str, int]:
    return finding.severity == "warning", finding.file, finding.line or 0


class _Run:
    """Holds what the checks share while the lines go by."""

    def __init__(self, place: Layout, collector: Collector) -> None:
        self.counts: list[ManifestCount] = []
        self._place = place
        self._collector = collector
        parser = text.Parser()
        self._built = own.read(place, collector, parser)
        config = self._built.config
        limits = config.limits.chunk if config else ChunkLimits()
        self._max_clipped = limits.max_clipping_share
        self._paths = Paths(place, collector)
        self._clips = ClipChecks(self._paths, config, collector, parser)
        by_artist = config is not None and config.split.by == "artist"
        self._ledger = Ledger(self._built.owners, ours=place.ours, by_artist=by_artist)
        self._tally = own.Tally(self._built)
        self._formats = sound.Formats()
        self._balance = labels.Balance()
        self._fingerprint: Fingerprint | None = Fingerprint()
        self._used: set[str] = set()

    def manifest(self, manifest: Manifest, opener: Opener, ears: ThreadPoolExecutor | None) -> None:
        """Checks every line of a manifest; with `ears`, listens to the audio too."""
        whole = not self._collector.incomplete
        lines, seconds = 0, 0.0
        for batch in _batches(self._clips.lines(manifest), BATCH):
            for entry, opened in zip(batch, opener.open(batch), strict=True):
                self._clips.check(entry, opened)
            sounds: Iterable[sound.Sound | None] = [None] * len(batch)
            if ears is not None:
                sounds = ears.map(_hear, batch)
            for entry, heard in zip(batch, sounds, strict=True):
                self._remember(entry, heard)
                lines += 1
                duration = text.number(entry.document.get("duration")) or 0.0
                seconds += duration if 0 < duration < float("inf") else 0.0
        relative = self._collector.relative(manifest.path)
        self.counts.append(ManifestCount(relative, manifest.split, lines, seconds / 3600))
        lost = whole and self._collector.incomplete
        if lines == 0 and not self._place.ours and not lost:
            self._collector.add("split_empty", "the manifest has no line", file=manifest.path)

    def _remember(self, entry: Entry, heard: sound.Sound | None) -> None:
        """What counts across clips."""
        collector = self._collector
        stored = entry.sidecar.get("audio_sha256") if entry.sidecar else None
        content: str | bytes | None = stored if isinstance(stored, str) else None
        if heard is not None:
            sound.check_sound(entry, heard, collector, self._max_clipped)
            content = heard.content or None
        self._ledger.add(entry, content, collector)
        self._formats.add(entry)
        self._balance.add(entry)
        if not self._place.ours:
            return
        self._tally.add(entry, collector)
        relative = self._paths.inside(entry.audio) if entry.audio is not None else None
        if relative is not None:
            self._used.add(relative)
        self._add_to_fingerprint(entry, relative, stored)

    def _add_to_fingerprint(self, entry: Entry, relative: str | None, sha: object) -> None:
        if self._fingerprint is None:
            return
        if relative is None or not isinstance(sha, str) or entry.flagged:
            self._fingerprint = None  # there is a finding that says more
            return
        try:
            line = msgspec.convert(entry.document, ManifestLine)
        except msgspec.ValidationError:
            self._fingerprint = None
            return
        self._fingerprint.add(line, relative, sha)

    def finish(self) -> None:
        """What only the whole can tell."""
        collector, place = self._collector, self._place
        self._clips.finish()
        self._paths.finish()
        self._formats.finish(collector)
        where = str(place.root / "manifests" if place.ours else place.root)
        if len(place.manifests) == 1:
            where = str(place.manifests[0].path)
        self._ledger.finish(collector, where)
        self._balance.finish(collector, where)
        if not place.ours:
            return
        root = place.root
        lines = {str(count.split): count.lines for count in self.counts}
        dset.check(place, self._built, self._paths, lines, collector)
        self._tally.check_tracks(root / "tracks.jsonl", self._ledger.leaked, collector)
        self._tally.check_counts(root / "build.json", collector)
        if not collector.incomplete and self._built.complete:
            layout.orphans(root, self._used, collector)
        self._check_fingerprint(root / "build.json")

    def _check_fingerprint(self, path: Path) -> None:
        build, data = self._built.build, self._fingerprint
        if build is None or data is None or self._collector.incomplete or self._collector.errors:
            return
        says, found = build["fingerprint"], data.hexdigest()
        if found != says:
            message = f"fingerprint is {says[:12]}…, the data has {found[:12]}…"
            self._collector.add("fingerprint_differs", message, file=path)


def _hear(entry: Entry) -> sound.Sound | None:
    if entry.audio is None or entry.header is None:
        return None
    return sound.listen(entry.audio)


def _batches(entries: Iterator[Entry], size: int) -> Iterator[list[Entry]]:
    while batch := list(islice(entries, size)):
        yield batch
