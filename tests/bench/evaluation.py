"""How fast clips are generated, beside audiocraft's own `MusicGen.generate`, and measured.

    python tests/bench/evaluation.py [--only generating|measuring] [--threads N]
        generating: [--size small|mini] [--layers N] [--seconds S] [--batches 1,4,16] [--rounds N]
                    [--precision fp16]
        measuring:  [--clips N] [--clip-seconds 30] [--embedders effnet.onnx,...] [--processes N]
                    [--cloud 1000]

Both take three minutes on two cores; nothing is downloaded. Everything has random weights in the
official shapes and formats: tests/standins, and a base model that is made in a temporary folder.

**generating** (a GPU is used if there is one): the same language model, EnCodec and texts for both
ways, in one process and in turns, --rounds times, median. First both take the likeliest codes of a
batch, which is not timed: "same codes" says whether these are the same. Then clips are generated
whole, from text to sound. "x real time": seconds of sound for a second of waiting. "Times stock"
compares waiting on a GPU and processor time on a CPU, which other work on the machine moves less
(so long as --threads 1 lets none wait for another). On a GPU a third way launches CUDA graphs.
MusicGen-small has 24 layers; --layers takes fewer of them.

**measuring**: clips of noise with tones are written as generated clips are (WAV, 32 kHz); each
embedder then does what an evaluation has it do, in processes of its own, from file to cache; what
it takes for a first clip is its start, and not in the figures of a clip. Spectrograms and chroma
are measured of 16 clips. Then FAD and FAD infinity of --cloud clips against as many are timed on
numbers drawn at random, as many and as wide as those embeddings are. "MiB": the largest process;
"grown": from a quarter of the clips to their end.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import shapes
from generation import table, timed

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)  # in place of this folder, whose catalogue.py would be spaCy's
sys.path.insert(1, str(ROOT / "tests" / "standins"))

os.environ.update(HF_HUB_OFFLINE="1")

EMBEDDERS = ("effnet.onnx", "effnet.pb", "vggish.pb", "clap", "encodec")
PATCHES = {"effnet": (29, 1280), "vggish": (31, 128), "clap": (3, 512), "encodec": (300, 128)}
"""Rows a clip of 30 s has, and their width."""


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", choices=("generating", "measuring"))
    add("--threads", type=int, help="of torch (default: its own)")
    add("--size", choices=shapes.SIZES, default="small")
    add("--layers", type=int, help="of the language model (default: all on a GPU, 6 without)")
    add("--seconds", type=float, help="of sound a clip (default: 30 on a GPU, 1 without)")
    add("--batches", default="1,4,16")
    add("--rounds", type=int, default=1)
    add("--precision", help="default: fp16 on a GPU, fp32 without")
    add("--clips", type=int, default=16)
    add("--clip-seconds", type=float, default=30.0)
    add("--embedders", default=",".join(EMBEDDERS))
    add("--processes", type=int, help="default: as an evaluation takes")
    add("--cloud", type=int, default=1000)
    given = parser.parse_args()
    import torch

    if given.threads:
        torch.set_num_threads(given.threads)
        os.environ["OMP_NUM_THREADS"] = str(given.threads)  # for processes too
    with tempfile.TemporaryDirectory() as name:
        if given.only != "measuring":
            table(given, Path(name))
        if given.only != "generating":
            measuring(given, Path(name))


# --- measuring ----------------------------------------------------------------------------------


def measuring(given: argparse.Namespace, folder: Path) -> None:
    """Prints the tables of embeddings, FAD and what else is measured of sound."""
    from plugins.musicgen.evaluation.features.sounds import Sound
    from plugins.musicgen.evaluation.metrics import spectral

    files = _write_clips(folder / "clips", given.clips, given.clip_seconds)
    print(f"\n{given.clips} clips of {given.clip_seconds:g} s\n")
    print(
        "| embedder | start s | wall s a clip | processor s a clip | x real time | rows | MiB "
        "| grown |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    for name in given.embedders.split(","):
        _embedding(name, files, folder, given)
    cache = folder / "spectral"
    sounds = [Sound(file, Path(file)) for file in files[:16]]

    spectral.measure(sounds[0], sounds[0])  # imports what it needs

    def each() -> None:
        for sound in sounds:
            spectral.measure(sound, sounds[0], cache)

    for name in ("spectrogram and chroma", "the same, kept"):
        wall, spent = (one / len(sounds) for one in timed(each))
        print(f"| {name} | | {wall:.4f} | {spent:.4f} | {given.clip_seconds / wall:.0f} | | | |")
    print(f"\n| FAD of {given.cloud} clips | rows | width | fad s | fad infinity s | MiB |")
    print("|---|--:|--:|--:|--:|--:|", flush=True)
    for name, (patches, width) in PATCHES.items():
        _distance(name, given.cloud, patches, width)


def _write_clips(folder: Path, count: int, seconds: float) -> list[str]:
    """Clips as generated ones are written; each another tone in another noise."""
    import soundfile

    folder.mkdir()
    random, clock = np.random.default_rng(0), np.arange(round(seconds * shapes.RATE)) / shapes.RATE
    noise = random.standard_normal(len(clock)).astype(np.float32)
    files = []
    for number in range(count):
        tone = np.sin(2 * np.pi * random.uniform(80, 2000) * clock).astype(np.float32)
        sound = random.uniform(0.05, 0.4) * tone + 0.05 * np.roll(noise, 977 * number)
        files.append(str(folder / f"{number}.wav"))
        soundfile.write(files[-1], sound, shapes.RATE, subtype="PCM_16")
    return files


def _embedding(name: str, files: list[str], folder: Path, given: argparse.Namespace) -> None:
    """One row: an embedder on all clips, in processes of its own; EnCodec in this one."""
    from plugins.musicgen.evaluation.features import apart, sharing

    kind = name.split(".")[0]
    sizes: list[int] = []
    place = _weights(name, folder / "weights" / name)
    if kind == "encodec":
        embed = _by_codec(place, sizes)
    else:

        def embed(some: list[str], cache: Path) -> None:
            work = apart.Work("embed", tuple(some), str(cache), kind, essentia=str(place))
            work = replace(work, clap=str(place))
            sharing.run(work, lambda _: sizes.append(_largest_child()), given.processes)

    cache = folder / f"cache-{name}"
    start = _spent(lambda: embed(files[:1], folder / f"first-{name}"))
    whole = _spent(lambda: embed(files, cache))
    wall, spent = ((b - a) / (len(files) - 1) for a, b in zip(start, whole, strict=True))
    rows = np.load(next(cache.rglob("*.npy"))).shape
    quarter = len(sizes) // 4
    print(
        f"| {name} | {start[0]:.1f} | {wall:.3f} | {spent:.3f} | {given.clip_seconds / wall:.0f} "
        f"| {rows[0]} x {rows[1]} | {max(sizes) / 2**20:.0f} "
        f"| {(sizes[-1] - sizes[quarter]) / 2**20:+.0f} |",
        flush=True,
    )


def _by_codec(place: Path, sizes: list[int]) -> Callable[[list[str], Path], None]:
    """EnCodec embeds in this process, where an evaluation has it already."""
    from plugins.musicgen.evaluation.features import apart, embeddings
    from plugins.musicgen.evaluation.features.models import Places
    from plugins.musicgen.evaluation.features.sounds import Sound
    from plugins.musicgen.models import base, tuned

    codec = tuned.compression_model(base.open_base(str(place)))
    embedder = embeddings.load("encodec", Places(compression=codec))

    def embed(files: list[str], cache: Path) -> None:
        for first in range(0, len(files), apart.A_TIME):
            some = [Sound(file, Path(file)) for file in files[first : first + apart.A_TIME]]
            embeddings.embed(some, embedder, cache)
            sizes.append(int(psutil.Process().memory_info().rss))

    return embed


def _spent(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of waiting, and of processors, those of processes that ended meanwhile too."""
    before = _children_s()
    wall, spent = timed(work)
    return wall, spent + _children_s() - before


def _weights(name: str, folder: Path) -> Path:
    """Full-size stand-ins, in the official formats."""
    import models as standins
    import vggish_standin

    from curate.labels.models import weights, zoo
    from plugins.musicgen.evaluation.features import models

    kind, _, form = name.partition(".")
    if kind == "effnet":
        names = (zoo.EFFNET, *([standins.EFFNET_ONNX] if form == "onnx" else []))
        standins.write_models(folder, "full", names=names)
        if form == "onnx":
            (folder / f"{zoo.EFFNET}.pb").unlink()
        weights.accept((models.EFFNET,), folder)
    elif kind == "vggish":
        vggish_standin.write(folder, full=True)
        weights.accept((models.VGGISH,), folder)
    elif kind == "clap":
        _write_clap(folder)
    else:
        shapes.write_base(folder, replace(shapes.SIZES["small"], lm=shapes.SIZES["mini"].lm))
    return folder


def _write_clap(folder: Path) -> None:
    """The shape of laion/clap-htsat-unfused, which is transformers' own default."""
    import clap_standin
    from transformers import ClapConfig, ClapModel

    clap_standin.write(folder)  # for its processor
    ClapModel(ClapConfig()).save_pretrained(folder)


def _children_s() -> float:
    """Processor seconds of processes that have ended."""
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _largest_child() -> int:
    found = [0]
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            found.append(int(child.memory_info().rss))
    return max(found)


DISTANCE = """
import json, resource, sys, time
from pathlib import Path
import numpy as np
from plugins.musicgen.evaluation.metrics import frechet
count, patches, width = map(int, sys.argv[1:])
random = np.random.default_rng(0)
sets = [
    {str(n): random.standard_normal((patches, width), np.float32) + 0.1 * random.standard_normal()
     for n in range(count)} for _ in range(2)
]
found = []
for measure in (frechet.fad, frechet.infinity):
    began = time.perf_counter()
    measure(*sets)
    found.append(time.perf_counter() - began)
told = Path("/proc/self/status")  # a new process's ru_maxrss is at least what its parent had
kib = [line.split()[1] for line in told.read_text().splitlines() if "VmHWM" in line] if (
    told.is_file()) else [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]
print(json.dumps([*found, int(kib[0]) / 1024]))
"""


def _distance(name: str, count: int, patches: int, width: int) -> None:
    """One row, from a process of its own."""
    import json

    done = subprocess.run(
        [sys.executable, "-c", DISTANCE, str(count), str(patches), str(width)],
        cwd=ROOT, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    whole, infinite, peak = json.loads(done.stdout)
    print(
        f"| {name} | {count * patches} | {width} | {whole:.2f} | {infinite:.2f} | {peak:.0f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
