"""How fast the models label a track, and whether a worker's memory stays level.

    python tests/bench/models.py [--tracks 4] [--many 500]

Full-size stand-ins for the official weights (tests/standins) are written to a temporary folder: the
same layers, so the same cost, and random weights. The first table has all models on tracks of 240 s
at 44.1 kHz, from samples to the answers for the whole and for its clips of 30 s, loading and a
first track left out; the second has the processor time of its parts. The third runs tiny stand-ins
on many tracks of 15 to 25 s, one after the other in one process, and prints its resident size.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "standins")]

from curate import audio
from curate.engine.local import SINGLE_THREADED
from curate.labels import signal
from curate.labels.models import listening as models
from curate.labels.models import mel, weights, zoo

RATE = signal.RATE
TRACK_S = 240
CLIP_S = 30
FLOOR = 0.05
BACKENDS = ("pb", "onnx")
PARTS = {
    "discogs-effnet and its heads": lambda model: zoo.EFFNET in (model.name, model.needs),
    "MusiCNN and its head": lambda model: zoo.MUSICNN in (model.name, model.needs),
    "TempoCNN": lambda model: model.name == zoo.TEMPOCNN,
}


def main() -> None:
    """Prints the tables; each row is measured in processes of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=4, help="tracks of 240 s for each process")
    parser.add_argument("--many", type=int, default=500, help="tracks for the memory")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ.update(dict.fromkeys(SINGLE_THREADED, "1"))
    if options.only:
        what, backend = options.only.split()
        print(json.dumps(CHILDREN[what](options.folder, backend, options.many)))
        return
    with tempfile.TemporaryDirectory() as name:
        full, tiny = Path(name) / "full", Path(name) / "tiny"
        write(full, "full")
        write(tiny, "tiny")
        speed(full, options.tracks)
        parts(full)
        memory(tiny, options.many)


def write(folder: Path, size: str) -> None:
    """Stand-ins for all models."""
    from models import write_models  # of tests/standins: it comes first on the path

    write_models(folder, size)


def files(folder: Path, backend: str) -> tuple[weights.Files, ...]:
    """The stand-ins' files, which cannot have the official ones' hashes."""
    unpinned = [replace(model, pinned={}) for model in zoo.MODELS]
    return weights.find(unpinned, folder, onnx=backend == "onnx")


def noise(seconds: float, seed: int = 0) -> npt.NDArray[np.float32]:
    """Mono noise at `RATE`."""
    samples = np.random.default_rng(seed).standard_normal(round(seconds * RATE), np.float32)
    return 0.1 * samples


def speed(folder: Path, tracks: int) -> None:
    """Prints the table of speeds."""
    print(f"| all models, {TRACK_S} s | processes | audio s per s | processor s a track | MiB |")
    print("|---|--:|--:|--:|--:|", flush=True)
    for backend in BACKENDS:
        for processes in (1, 2):
            context = multiprocessing.get_context("spawn")
            with context.Pool(processes, _ready, (folder, backend)) as pool:
                pool.map(_listen, range(processes), chunksize=1)
                started = time.perf_counter()
                done = pool.map(_listen, range(processes * tracks), chunksize=1)
                wall = time.perf_counter() - started
            processor = np.median([seconds for seconds, _ in done])
            print(
                f"| {backend} | {processes} | {len(done) * TRACK_S / wall:.0f} "
                f"| {processor:.2f} | {max(peak for _, peak in done):.0f} |",
                flush=True,
            )


_AT_HAND: dict[str, Any] = {}
"""In a process of the pool: the models and the track."""


def _ready(folder: Path, backend: str) -> None:
    _AT_HAND.update(models=models.load(files(folder, backend)), track=noise(TRACK_S))


def _listen(_: int) -> tuple[float, float]:
    """Processor seconds for a track, and the process's largest size in MiB."""
    started = time.process_time()
    heard = _AT_HAND["models"].listen(_AT_HAND["track"], RATE)
    heard.whole(FLOOR)
    for start in range(0, TRACK_S, CLIP_S):
        heard.between(start, start + CLIP_S, FLOOR)
    return time.process_time() - started, peak()


def peak() -> float:
    """This process's largest resident size, in MiB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if MAC else 2**10)


MAC = sys.platform == "darwin"


def parts(folder: Path) -> None:
    """Prints where the time goes."""
    found = {backend: child("split", folder, backend, 0) for backend in BACKENDS}
    print(f"\n| processor s for {TRACK_S} s | pb | onnx |")
    print("|---|--:|--:|")
    for name in found["pb"]:
        print(f"| {name} | {found['pb'][name]:.3f} | {found['onnx'][name]:.3f} |", flush=True)


def split(folder: Path, backend: str, _: int) -> dict[str, float]:
    """Processor seconds by part of the work."""
    single = noise(TRACK_S)
    kinds = (mel.MUSICNN, mel.TEMPOCNN)
    sounds = {kind: audio.resample(single, RATE, kind.rate) for kind in kinds}
    taken = {
        "resampling": best(lambda: [audio.resample(single, RATE, kind.rate) for kind in kinds]),
        "spectrograms": best(lambda: [kind.of(sounds[kind]) for kind in kinds]),
    }
    for name, belongs in PARTS.items():
        chosen = [one for one in files(folder, backend) if belongs(one.model)]
        kind = models.INTAKES[chosen[0].model.name].spectrogram
        ready, sound = models.Models(chosen), sounds[kind]
        whole = best(lambda run=ready, kind=kind, sound=sound: run.listen(sound, kind.rate))
        taken[name] = whole - best(lambda kind=kind, sound=sound: kind.of(sound))
    return taken


def best(work: Callable[[], object], times: int = 4) -> float:
    """Processor seconds of the fastest of some runs after a first."""
    work()
    seconds = []
    for _ in range(times):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def memory(folder: Path, tracks: int) -> None:
    """Prints how a process grows."""
    marks = sorted({min(mark, tracks) for mark in (10, 100, tracks)})
    print(
        f"\n| tiny stand-ins | {' | '.join(f'MiB after {mark} tracks' for mark in marks)} | grown |"
    )
    print("|---|" + "--:|" * (len(marks) + 1), flush=True)
    for backend in BACKENDS:
        sizes = child("grow", folder, backend, tracks)
        row = [sizes[mark - 1] for mark in marks]
        grown = row[-1] / row[0] - 1
        print(f"| {backend} | {' | '.join(f'{size:.0f}' for size in row)} | {grown:+.1%} |")


def grow(folder: Path, backend: str, tracks: int) -> list[float]:
    """Resident size in MiB after each of so many tracks."""
    ready = models.load(files(folder, backend))
    process, sizes = psutil.Process(), []
    longest = noise(25)
    for length in np.random.default_rng(1).uniform(15, 25, tracks):
        heard = ready.listen(longest[: round(length * RATE)], RATE)
        heard.whole(FLOOR)
        heard.between(0.0, 5.0, FLOOR)
        sizes.append(process.memory_info().rss / 2**20)
    return sizes


CHILDREN: dict[str, Callable[[Path, str, int], object]] = {"split": split, "grow": grow}


def child(what: str, folder: Path, backend: str, many: int) -> Any:
    """Runs one of `CHILDREN` in a process of its own."""
    arguments: Iterable[str] = ("--folder", str(folder), "--many", str(many))
    command = [sys.executable, __file__, "--only", f"{what} {backend}", *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


if __name__ == "__main__":
    main()
