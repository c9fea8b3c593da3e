"""write: the finished dataset: sidecars, manifests, tables, datasource, datasheet.

Sidecars are renamed into place and synced in one go; only then the manifests that name them appear.
Everything is written to a temporary name first, so a reader sees the old dataset or the new one.
"""

import contextlib
import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from curate import jsonio
from curate.config import Config
from curate.fingerprint import Fingerprint
from curate.labels.statements import Statements
from curate.records import (
    SPLITS,
    Caption,
    Captions,
    Chunk,
    Chunked,
    Facts,
    Fetched,
    Inspection,
    ManifestLine,
    Origin,
    Sidecar,
    Split,
    SplitCount,
    Track,
    TrackLine,
)
from curate.stages.credits import featured, title

NAME = "write"


@dataclass(frozen=True, slots=True)
class Finished:
    """A track with everything that is known of it."""

    track: Track
    origin: Origin
    fetched: Fetched
    inspection: Inspection
    said: Statements
    chunked: Chunked
    facts: tuple[Facts, ...]
    captions: Captions
    group: str
    split: Split


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Attributes:
        splits: Tracks, chunks and hours of each split.
        captions: Clips by who described them.
        fingerprint: Of the data.
    """

    splits: dict[str, SplitCount]
    captions: dict[str, int]
    fingerprint: str


def write(
    out: Path,
    finished: Iterable[Finished],
    config: Config,
    note: Callable[[tuple[str, str]], None],
) -> Written:
    """Writes sidecars, `manifests/*/data.jsonl` and `tracks.jsonl` of the dataset at `out`.

    Args:
        out: The dataset's folder.
        finished: Its tracks, in order.
        config: Of the build.
        note: Told the audio file and the sidecar of every clip, relative to `out`.
    """
    data = Fingerprint()
    sources: Counter[str] = Counter()
    tracks, chunks, seconds = (dict.fromkeys(SPLITS, 0.0) for _ in range(3))
    with _outputs(out) as (manifests, table):
        for item in finished:
            table.write(jsonio.encode(_track_line(item, config.rights)) + b"\n")
            tracks[item.split] += 1
            clips = zip(item.chunked.chunks, item.captions.captions, strict=True)
            for place, (chunk, caption) in enumerate(clips):
                sidecar = _sidecar(item, place, chunk, caption, config)
                line = _manifest_line(sidecar, f"{out}/{chunk.path}", chunk.amplitude)
                beside = f"{chunk.path.rpartition('.')[0]}.json"
                jsonio.write_atomically(f"{out}/{beside}", jsonio.pretty(sidecar), sync=False)
                note((chunk.path, beside))
                manifests[item.split].write(jsonio.encode(line) + b"\n")
                data.add(line, chunk.path, chunk.sha256)
                sources[caption.source] += 1
                chunks[item.split] += 1
                seconds[item.split] += chunk.duration_s
        os.sync()  # one for all sidecars: a sync each costs more than the rest of the stage
    counts: dict[str, SplitCount] = {
        split: SplitCount(int(tracks[split]), int(chunks[split]), round(seconds[split] / 3600, 6))
        for split in SPLITS
    }
    return Written(counts, dict(sorted(sources.items())), data.hexdigest())


def _sidecar(item: Finished, place: int, chunk: Chunk, caption: Caption, config: Config) -> Sidecar:
    chosen = item.said.fields[place]
    name, _, extension = chunk.path.rpartition("/")[2].rpartition(".")
    return Sidecar(
        key=chosen.key,
        artist=item.track.artist,
        file_extension=extension,
        description=caption.texts[0],
        descriptions=caption.texts,
        keywords=chosen.keywords,
        bpm=chosen.bpm,
        genre=", ".join(chosen.genres),
        title=chosen.title or title(item.track, item.fetched.tags),
        name=name,
        instrument=", ".join(chosen.instruments),
        moods=chosen.moods,
        duration=chunk.duration_s,
        sample_rate=config.chunk.sample_rate,
        track_id=item.track.id,
        start=chunk.start_s,
        split=item.split,
        description_source=caption.source,
        facts=item.facts[place],
        audio_sha256=chunk.sha256,
        labels=item.said.of_clip(place),
    )


_SHARED = [f.name for f in dataclasses.fields(Sidecar) if f.name in ManifestLine.__slots__]


def _manifest_line(sidecar: Sidecar, path: str, amplitude: float) -> ManifestLine:
    shared: dict[str, Any] = {name: getattr(sidecar, name) for name in _SHARED}
    return ManifestLine(path=path, amplitude=amplitude, weight=None, info_path=None, **shared)


def _track_line(item: Finished, rights: str) -> TrackLine:
    tags, said = item.fetched.tags, item.said.track
    return TrackLine(
        id=item.track.id,
        artist=item.track.artist,
        featured=featured(item.track, tags),
        title=said.title or title(item.track, tags),
        album=said.album or tags.album or None,
        year=said.year,
        isrc=said.isrc or tags.isrc or None,
        source=item.track.source,
        uri=item.track.uri,
        origin=item.origin,
        sha256=item.fetched.sha256,
        rights=rights,
        licence=item.origin.licence or tags.licence,
        licence_source=item.origin.licence_source or ("tag" if tags.licence else None),
        tags=tags,
        inspection=item.inspection,
        labels=item.said.whole,
        group=item.group,
        split=item.split,
        chunks=len(item.chunked.chunks),
    )


@contextlib.contextmanager
def _outputs(out: Path) -> Iterator[tuple[dict[Split, BinaryIO], BinaryIO]]:
    """The three manifests and the table of tracks, open; renamed into place together at the end."""
    with contextlib.ExitStack() as stack:

        def opened(path: Path) -> BinaryIO:
            return stack.enter_context(stack.enter_context(jsonio.replacing(path)).open("wb"))

        manifests = {split: opened(out / "manifests" / split / "data.jsonl") for split in SPLITS}
        yield manifests, opened(out / "tracks.jsonl")
