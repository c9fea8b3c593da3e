"""What the driver itself costs a track, and whether its memory grows.

    python tests/bench/driver.py [--tracks 1000 10000] [--folder /dev/shm]

Runs the whole pipeline over so many tracks with the audio work replaced by a recorded result (eight
clips of labels like real ones, and a random acoustic fingerprint of four minutes). The time inside
the replaced engine is taken off; the rest is listing, catalog, duplicates, captions, split, and
writing sidecars, manifests and tables. A second build over the same tracks is timed as well. Eight
sidecars a track are written, so a slow disk shows: processor time stands beside wall time, and
`--folder` can name a RAM disk.
"""

import argparse
import base64
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from curate import config, pipeline
from curate.building.catalog import Catalog
from curate.building.work import Job, Known, Outcome
from curate.engine import Done
from curate.progress import Silent
from curate.records import Chunk, Chunked, Fetched, Inspection, Label, Tags, TrackLabels
from curate.stages import chunk
from curate.stages.classify import NOTHING

CLIPS = 8
ITEMS = 1938
"""Chromaprint items of four minutes."""


class Recorded:
    """An engine that does no audio work: it gives every track the same result, but its print."""

    def __init__(self) -> None:
        self.wall = 0.0
        self.processor = 0.0

    def map(
        self, function: Callable[[Job], Outcome], jobs: Iterable[Job]
    ) -> Generator[Done[Job, Outcome]]:
        """See `curate.engine.Engine`."""
        for job in jobs:
            started, worked = time.perf_counter(), time.process_time()
            outcome = recorded(job)
            self.wall += time.perf_counter() - started
            self.processor += time.process_time() - worked
            yield Done(job, outcome)


def recorded(job: Job) -> Outcome:
    """A worker's result, its clips as empty files."""
    folder = job.out / chunk.folder(job.track)
    folder.mkdir(parents=True, exist_ok=True)
    labels = (
        Label("tempo", 120.0, "signal.degara", 0.93, (60.0, 240.0)),
        Label("key", "A minor", "signal.bgate", 0.81),
        Label("danceability", 1.1, "signal.danceability"),
        Label("dynamic_complexity", 3.1, "signal.dynamic_complexity"),
        Label("onset_rate", 3.2, "signal.flux"),
        Label("loudness", -14.0, "signal.ebur128"),
    )
    clips = []
    for index in range(CLIPS):
        path = f"{chunk.folder(job.track)}/{index:03d}.flac"
        (job.out / path).touch()
        clips.append(
            Chunk(
                f"{job.track.id}_{index:03d}", index, 30.0 * index, 30.0, 0.0, path, 0, "0" * 64,
                0.9, -14.0, 0.0, 0.0, labels,
            )
        )  # fmt: skip
    tags = Tags(title=job.track.title, genres=("rock", "pop"), moods=("happy",), year=2020)
    fetched = Fetched(f"{job.index:064x}", 1, job.path.stat().st_mtime_ns, "flac", tags)
    inspection = Inspection(240.0, 44100, 2, -14.0, -1.0, 0.0, 0.0, 20000.0, 0.0, 0)
    printed = TrackLabels(labels, random_print(job.index))
    known = Known(fetched, inspection, printed, NOTHING, Chunked(tuple(clips), ()))
    return Outcome(known, 240.0)


def random_print(seed: int) -> str:
    """A valid compressed Chromaprint: up to six random gaps of 1 to 5 bits an item."""
    draw = np.random.default_rng(seed)
    gaps = draw.integers(1, 6, (ITEMS, 7), dtype=np.uint8)
    length = draw.integers(1, 7, ITEMS)
    gaps[np.arange(ITEMS), length] = 0
    triples = gaps[np.arange(7) <= length[:, None]]
    bits = ((triples[:, None] >> np.arange(3, dtype=np.uint8)) & 1).reshape(-1)
    data = bytes([1]) + ITEMS.to_bytes(3, "big") + np.packbits(bits, bitorder="little").tobytes()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def build(folder: Path, tracks: int) -> tuple[float, float, float]:
    """One build. Returns the driver's wall and processor seconds, and its growth in MiB."""
    engine: Any = Recorded()
    music = str(folder / "music")
    made = config.Config("bench", "CC0", (config.Artist("Bench", (music,)),))
    process = psutil.Process()
    before = process.memory_info().rss
    started, worked = time.perf_counter(), time.process_time()
    out = folder / "out"
    out.mkdir(exist_ok=True)
    with Catalog(out / "catalog.sqlite") as catalog:
        result = pipeline.Build(made, folder, out, catalog, engine, Silent()).run()
    wall = time.perf_counter() - started - engine.wall
    processor = time.process_time() - worked - engine.processor
    assert result.counts.tracks == tracks, result
    return wall, processor, (process.memory_info().rss - before) / 2**20


def one(tracks: int, place: str | None) -> None:
    """Two builds over so many tracks, in this process; prints a row."""
    with tempfile.TemporaryDirectory(dir=place) as name:
        folder = Path(name)
        (folder / "music").mkdir()
        for index in range(tracks):
            (folder / "music" / f"track {index}.flac").write_bytes(b"-")
        wall, processor, grown = build(folder, tracks)
        again, _, _ = build(folder, tracks)
    print(
        f"| {tracks} | {wall * 1000 / tracks:.2f} ms | {processor * 1000 / tracks:.2f} ms "
        f"| {again * 1000 / tracks:.2f} ms | {grown:.0f} MiB |"
    )


def main() -> None:
    """Each size in a process of its own, so that memory is its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--folder", help="where to build; default: the system's temporary folder")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.tracks[0], options.folder)
        return
    print("| tracks | wall a track | processor a track | second build | memory grown by |")
    print("|--:|--:|--:|--:|--:|", flush=True)
    for tracks in options.tracks:
        command = [sys.executable, __file__, "--one", "--tracks", str(tracks)]
        command += ["--folder", options.folder] if options.folder else []
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
