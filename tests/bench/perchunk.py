"""A build with all labels beside the way of the published recipe, which labels each cut on its own.

    python tests/bench/perchunk.py [--tracks 8] [--peer-tracks 3] [--rounds 2] [--jobs 2]

Both start from the same 4-minute FLAC tracks and end with a manifest, with the same number of
processes of one thread each and full-size stand-ins of the models (random weights, the official
cost). The rounds are interleaved, so that a busy moment meets all ways, and the best round counts.

Ours is `curate build` with `labels: all`, with `.onnx` and with `.pb` files.

The recipe's (pydub, Essentia, librosa; a notebook for fine-tuning MusicGen) is run in two steps by
one pool: tracks are cut into WAV files of 30 s, then each file is labelled. It does the recipe's
calls with the recipe's settings: `MonoLoader(resampleQuality=4)`, Essentia's own predicting
algorithms on the bs64 graph, librosa at its 22,050 Hz, `beat_track` and `chroma_stft` (the dearer
one with `--chroma cqt`). Rows:

- `all labels, a model a cut`: as the recipe, which makes every algorithm anew for each cut, but
  with all labels that ours gives: voice, danceability, approachability, engagement, arousal and
  valence by MusiCNN at its own hop of 1.5 s, TempoCNN.
- `all labels, models kept`: as a careful script would, every algorithm once a process. (Essentia
  rebuilds its session at every call all the same.)
- `genre, mood, instrument`: what the recipe labels and no more, a model a cut. Ours gives it all.

A rate is seconds of audio per second. The first counts everything, start of the processes included;
the second leaves the start out: it is the slope from a run over a single cut for each process to
one over so many tracks. Ours is given more tracks, because it would be over too soon, which spreads
its start over more audio than the peer's, so the second rates are the ones to compare. (librosa
compiles itself at its first use on a machine, 20 s; that is done before the clock starts.)

The last columns say how many times as fast ours are: by the wall clock, and by the processor time
of all processes, which other work on the machine disturbs less; both without the start.
"""

import argparse
import functools
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "standins")]

from curate.engine.local import SINGLE_THREADED
from curate.labels.essentia import algorithms
from curate.labels.models import weights, zoo

CUT_S = 30
THRESHOLDS = {"genre": 0.1, "mood": 0.05, "instrument": 0.1}
"""The recipe's own, and its three kinds."""

OURS = 2
"""So many of the rows are ours."""

PITCHES = "C C# D D# E F F# G G# A A# B".split()


@dataclass(frozen=True)
class Way:
    """One row.

    Attributes:
        name: Of the row.
        run: Takes tracks and an empty folder, leaves a manifest there.
        count: How many tracks of four minutes it is given.
        full: Wall and processor seconds of each run over these.
        start: Likewise of runs over one cut for each process.
    """

    name: str
    run: Callable[[list[Path], Path], None]
    count: int
    full: list[tuple[float, float]] = field(default_factory=list)
    start: list[tuple[float, float]] = field(default_factory=list)

    def measure(self, tracks: list[Path], short: list[Path], folder: Path) -> None:
        """Runs it once over one cut a process and once over its tracks."""
        for given, times in ((short, self.start), (tracks[: self.count], self.full)):
            with tempfile.TemporaryDirectory(dir=folder) as out:
                started, worked = time.perf_counter(), processor()
                self.run(given, Path(out))
                times.append((time.perf_counter() - started, processor() - worked))
        print(f"{self.name}: {self.start[-1]} {self.full[-1]}", file=sys.stderr, flush=True)


def processor() -> float:
    """Processor seconds of all child processes that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Runs the benchmark and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, default=8, help="for each of our ways")
    parser.add_argument("--peer-tracks", type=int, default=3, help="for each way of the recipe")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--chroma", choices=["stft", "cqt"], default="stft")
    options = parser.parse_args()
    os.environ.update(dict.fromkeys(SINGLE_THREADED, "1"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tracks, short = prepare(folder, max(options.tracks, options.peer_tracks), options.jobs)
        ways = all_ways(folder, options)
        warm_up(short[0], options.chroma, folder)
        for _ in range(options.rounds):
            for way in ways:
                way.measure(tracks, short, folder)
        table(ways, soundfile.info(tracks[0]).duration, options.jobs * CUT_S)


def warm_up(track: Path, chroma: str, folder: Path) -> None:
    """Has librosa compile what it keeps compiled on disk."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        Recipe(folder, (), chroma).run(1, [track], Path(out))


def prepare(folder: Path, count: int, jobs: int) -> tuple[list[Path], list[Path]]:
    """Renders tracks and one cut a process, and writes models, with and without `.onnx`."""
    from build import render
    from models import write_models

    tracks, short = render(folder / "music", count), []
    for index in range(jobs):
        short.append(folder / f"short-{index}.flac")
        samples, rate = soundfile.read(tracks[index % count], dtype="float32", frames=CUT_S * 44100)
        soundfile.write(short[-1], samples, rate)
    for kind in ("pb", "onnx"):
        write_models(folder / kind, "full")
    for path in (folder / "pb").glob("*.onnx"):
        path.unlink()
    for kind in ("pb", "onnx"):
        command = ["models", "accept", "--models", str(folder / kind), "all"]
        subprocess.run([*CURATE, *command], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return tracks, short


def all_ways(folder: Path, options: argparse.Namespace) -> list[Way]:
    """Every row, ours first."""
    jobs, models, chroma = options.jobs, folder / "pb", options.chroma
    ours = [
        Way(f"curate, .{kind}", functools.partial(build, folder / kind, jobs), options.tracks)
        for kind in ("onnx", "pb")
    ]
    peers = {
        "recipe, all labels, a model a cut": Recipe(models, zoo.KINDS, chroma),
        "recipe, all labels, models kept": Recipe(models, zoo.KINDS, chroma, keep=True),
        "recipe, genre, mood, instrument": Recipe(models, tuple(THRESHOLDS), chroma),
    }
    return [
        *ours,
        *(
            Way(name, functools.partial(recipe.run, jobs), options.peer_tracks)
            for name, recipe in peers.items()
        ),
    ]


# --- ours ---------------------------------------------------------------------------------------

CURATE = (sys.executable, "-m", "curate.cli")


def build(models: Path, jobs: int, tracks: list[Path], out: Path) -> None:
    """`curate build` with all labels; checks that all were given."""
    artist = {"name": "Bench", "files": [str(path) for path in tracks]}
    recipe = {"name": "bench", "rights": "CC0", "labels": "all", "dedupe": "keep"}
    (out / "artists.yaml").write_text(json.dumps({**recipe, "artists": [artist]}))
    command = ["build", "--artists", str(out / "artists.yaml"), "--jobs", str(jobs)]
    command += ["--models", str(models)]
    done = subprocess.run([*CURATE, *command], capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"curate ended with {done.returncode}: {done.stderr[-2000:]}")
    lines = (out / "build" / "tracks.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == len(tracks), f"{len(lines)} of {len(tracks)} tracks are in the dataset"
    for line in lines:
        told = {label["source"].removeprefix("essentia.") for label in json.loads(line)["labels"]}
        silent = {m.name for m in zoo.MODELS if m.purpose in ("pair", "numbers")} - told
        assert not silent, f"these models said nothing: {silent}"


# --- the recipe ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """The published way; see the module.

    Attributes:
        models: Folder of `.pb` models and their `.json`.
        kinds: What is labelled by models.
        chroma: `stft` or `cqt`.
        keep: Whether algorithms are made once a process, not once a cut.
    """

    models: Path
    kinds: tuple[str, ...]
    chroma: str
    keep: bool = False

    def run(self, jobs: int, tracks: list[Path], out: Path) -> None:
        """Cuts all tracks, labels all cuts, writes data.jsonl."""
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(jobs, context) as pool:
            cuts = [cut for part in pool.map(cut_up, tracks, [out] * len(tracks)) for cut in part]
            lines = list(pool.map(self.label, cuts))
        (out / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        seconds = sum(soundfile.info(track).duration for track in tracks)
        assert len(lines) == round(seconds / CUT_S)
        assert all(set(self.kinds) <= set(line) for line in lines)

    def label(self, cut: Path) -> dict[str, Any]:
        """The manifest line of one cut."""
        import librosa

        standard = algorithms()
        single = standard.MonoLoader(filename=str(cut), sampleRate=16000, resampleQuality=4)()
        line: dict[str, Any] = {"path": str(cut)}
        embeddings: dict[str, Any] = {}
        for model in weights.complete(weights.named(self.kinds)):
            run = (kept if self.keep else made)(self.models, model.name)
            if model.purpose == "embedding":
                embeddings[model.name] = run(single)
            elif model.purpose == "tempo":
                slow = standard.MonoLoader(filename=str(cut), sampleRate=11025, resampleQuality=4)()
                line["tempo"] = float(run(slow)[0])
            else:
                means = np.mean(run(embeddings[model.needs]), axis=0)
                least, names = THRESHOLDS.get(model.kind, 0.0), classes(self.models, model.name)
                order = np.argsort(means)[::-1]
                line[model.kind] = [names[i] for i in order if means[i] > least]
        y, rate = librosa.load(cut)
        tempo, _ = librosa.beat.beat_track(y=y, sr=rate)
        chroma = getattr(librosa.feature, f"chroma_{self.chroma}")(y=y, sr=rate)
        line["bpm"] = round(float(np.ravel(tempo)[0]))
        line["key"] = PITCHES[int(np.argmax(np.sum(chroma, axis=1)))]
        line["duration"] = float(librosa.get_duration(y=y, sr=rate))
        return line


def cut_up(track: Path, out: Path) -> list[Path]:
    """A track as WAV files of `CUT_S`, by pydub."""
    import imageio_ffmpeg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for ffmpeg on the path only
        from pydub import AudioSegment

    AudioSegment.converter = imageio_ffmpeg.get_ffmpeg_exe()
    # where the codec is named, pydub does not call ffprobe, which this ffmpeg comes without
    whole = AudioSegment.from_file(str(track), format="flac", codec="flac").set_frame_rate(44100)
    cuts = []
    for start in range(0, len(whole), CUT_S * 1000):
        cuts.append(out / f"{track.stem}_chunk{start // 1000}.wav")
        whole[start : start + CUT_S * 1000].export(str(cuts[-1]), format="wav").close()
    return cuts


def made(folder: Path, name: str) -> Any:
    """Essentia's own algorithm for a model."""
    standard, model = algorithms(), zoo.BY_NAME[name]
    graph = str(folder / f"{name}.pb")
    if name == zoo.EFFNET:
        return standard.TensorflowPredictEffnetDiscogs(graphFilename=graph, output=model.output)
    if name == zoo.MUSICNN:
        return standard.TensorflowPredictMusiCNN(graphFilename=graph, output=model.output)
    if model.purpose == "tempo":
        return standard.TempoCNN(graphFilename=graph)
    return standard.TensorflowPredict2D(graphFilename=graph, input=model.input, output=model.output)


kept = functools.cache(made)


@functools.cache
def classes(folder: Path, name: str) -> list[str]:
    """The names of a model's outputs; the recipe has them written out."""
    found: list[str] = json.loads((folder / f"{name}.json").read_text("utf-8"))["classes"]
    return found


# --- the result ---------------------------------------------------------------------------------


def table(ways: list[Way], track_s: float, start_s: float) -> None:
    """Prints the table."""
    print(
        "| way | audio | wall | rate | start | rate without it | processor, 100 s of audio |",
        end="",
    )
    print(" .onnx is faster | .pb is faster |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    ours: list[tuple[float, float]] = []
    for number, way in enumerate(ways):
        audio = way.count * track_s
        wall = np.min(way.full, axis=0)[0]
        slope, effort = (np.min(way.full, axis=0) - np.min(way.start, axis=0)) / (audio - start_s)
        row = [way.name, f"{audio:.0f} s", f"{wall:.1f} s", f"{audio / wall:.1f}"]
        row += [f"{wall - audio * slope:.1f} s", f"{1 / slope:.1f}", f"{effort * 100:.2f} s"]
        if number < OURS:
            ours.append((slope, effort))
            row += [""] * OURS
        else:
            row += [f"{slope / one:.1f} x, {effort / other:.1f} x" for one, other in ours]
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
