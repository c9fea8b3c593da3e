"""How far copies of a recording and different recordings lie apart, in Chromaprint bits.

    python tests/bench/duplicates.py [--pieces 16]

Each piece is changed as copies are (MP3, Vorbis, another rate, quieter, cut at the start, a little
noise) and compared with the original and with every other piece, at the offset that most items
agree on. `curate.stages.dedupe` calls a pair one recording up to `MAX_BIT_ERROR`.
"""

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "datasets" / "demo")]

from curate import audio
from curate.labels.essentia import algorithms
from curate.stages import dedupe

RATE = 44100


def coded(kind: str, subtype: str) -> Callable[[np.ndarray], np.ndarray]:
    """Through a lossy codec and back."""

    def run(single: np.ndarray) -> np.ndarray:
        held = io.BytesIO()
        with soundfile.SoundFile(held, "w", RATE, 1, subtype, format=kind) as file:
            for start in range(0, len(single), 1 << 15):
                file.write(single[start : start + (1 << 15)])
        held.seek(0)
        return soundfile.read(held, dtype="float32")[0]

    return run


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "MP3": coded("MP3", "MPEG_LAYER_III"),
    "Vorbis": coded("OGG", "VORBIS"),
    "48 kHz and back": lambda x: audio.resample(audio.resample(x, RATE, 48000), 48000, RATE),
    "6 dB quieter": lambda x: x * np.float32(0.5),
    "cut by 3.3 s": lambda x: x[round(3.3 * RATE) :],
    "noise at -50 dBFS": lambda x: (
        x + np.random.default_rng(0).normal(0, 0.003, len(x)).astype(np.float32)
    ),
}


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=16)
    from arrange import render
    from pieces import bench_pieces

    pieces = bench_pieces()[:: max(64 // parser.parse_args().pieces, 1)]
    singles = [render(piece).samples.mean(axis=0) for piece in pieces]
    prints = [printed(single) for single in singles]
    print("| compared | smallest | median | largest | found |")
    print("|---|--:|--:|--:|--:|", flush=True)
    for name, change in CHANGES.items():
        changed = [printed(change(single)) for single in singles]
        row(name, list(zip(prints, changed, strict=True)))
    others = [(a, b) for i, a in enumerate(prints) for b in prints[i + 1 :]]
    row("another piece", others)


def printed(single: np.ndarray) -> dedupe.Items:
    """The Chromaprint items of [T]."""
    run = algorithms().Chromaprinter(sampleRate=RATE)
    return dedupe.decode(str(run(np.ascontiguousarray(single, np.float32))))


def row(name: str, pairs: list[tuple[dedupe.Items, dedupe.Items]]) -> None:
    """Bit errors of pairs, those without any common item counted as one half."""
    errors = []
    for one, other in pairs:
        offset = dedupe.offset(one, other)
        errors.append(0.5 if offset is None else dedupe.bit_error(one, other, offset))
    found = np.mean([dedupe.same(one, other) is not None for one, other in pairs])
    low, middle, high = np.percentile(errors, (0, 50, 100))
    print(
        f"| {name} | {low:.1%} | {middle:.1%} | {high:.1%} | {found:.0%} of {len(pairs)} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
