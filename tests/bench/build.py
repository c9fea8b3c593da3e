"""How fast a build is, and how much memory it takes.

    python tests/bench/build.py [--minutes 60] [--jobs 2] [--format flac mp3]

Renders 4-minute tracks from the demo's melodies, builds them with signal labels through the command
line, and prints seconds of audio per second of wall time, start of the workers included. Memory is
the resident size of the driver and of its largest worker, looked at ten times a second. A 10-minute
track is built on its own for the worker's peak.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "datasets" / "demo")]

TRACK_S = 240
RATE = 44100


def main() -> None:
    """Runs the benchmark and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--format", nargs="+", default=["flac", "mp3"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tracks = render(Path(folder) / "flac", options.minutes * 60 // TRACK_S)
        print("| input | audio | wall | audio s per s | driver MiB | worker MiB |")
        print("|---|--:|--:|--:|--:|--:|")
        for kind in options.format:
            files = tracks if kind == "flac" else [encode(path, kind) for path in tracks]
            report(f"{len(files)} x 4 min {kind}", files, options.jobs, Path(folder))
        long = Path(folder) / "long" / "ten-minutes.flac"
        long.parent.mkdir()
        parts = [soundfile.read(path, dtype="float32")[0] for path in tracks[:3]]
        soundfile.write(long, np.concatenate(parts)[: 600 * RATE], RATE)
        report("1 x 10 min flac", [long], 1, Path(folder))


def render(folder: Path, count: int) -> list[Path]:
    """Tracks of `TRACK_S` seconds, each of other pieces, as FLAC."""
    folder.mkdir()
    with ProcessPoolExecutor() as pool:
        return list(pool.map(_render_one, [folder] * count, range(count)))


def _render_one(folder: Path, index: int) -> Path:
    from arrange import render as play
    from pieces import bench_pieces

    pieces = bench_pieces()
    parts, seconds, step = [], 0.0, index
    while seconds < TRACK_S:
        samples = play(pieces[step % len(pieces)]).samples.T
        parts.append(samples)
        seconds += len(samples) / RATE
        step += 17
    path = folder / f"track-{index:03d}.flac"
    soundfile.write(path, np.concatenate(parts)[: TRACK_S * RATE], RATE)
    return path


def encode(path: Path, kind: str) -> Path:
    """The same track in another format."""
    other = path.parent.parent / kind / f"{path.stem}.{kind}"
    other.parent.mkdir(exist_ok=True)
    samples, rate = soundfile.read(path, dtype="float32")
    soundfile.write(other, samples, rate)
    return other


def report(name: str, files: list[Path], jobs: int, folder: Path) -> None:
    """Builds a dataset of these files and prints one row."""
    recipe = folder / "artists.yaml"
    artist = {"name": "Bench", "files": [str(path) for path in files]}
    recipe.write_text(json.dumps({"name": "bench", "rights": "CC0", "artists": [artist]}))
    with tempfile.TemporaryDirectory(dir=folder) as out:
        started = time.perf_counter()
        command = [sys.executable, "-m", "curate.cli", "build", "--artists", str(recipe)]
        command += ["--out", out, "--jobs", str(jobs)]
        run = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
        )
        driver, worker = watch(run)
        wall = time.perf_counter() - started
        counts = json.loads((Path(out) / "build.json").read_text())["counts"]
    audio = sum(soundfile.info(path).duration for path in files)
    kept = counts["tracks"]
    assert kept + sum(counts["rejected"].values()) == len(files), counts
    print(
        f"| {name} | {audio / 60:.0f} min | {wall:.1f} s | {audio / wall:.0f} "
        f"| {driver:.0f} | {worker:.0f} |",
        flush=True,
    )


def watch(run: "subprocess.Popen[bytes]") -> tuple[float, float]:
    """Largest resident sizes (MiB) of a process and of any of its children until it ends."""
    process = psutil.Process(run.pid)
    driver = worker = 0.0
    while run.poll() is None:
        try:
            driver = max(driver, process.memory_info().rss / 2**20)
            for child in process.children(recursive=True):
                worker = max(worker, child.memory_info().rss / 2**20)
        except psutil.NoSuchProcess:
            continue
        time.sleep(0.1)
    return driver, worker


if __name__ == "__main__":
    main()
