"""How right key and tempo are, on rendered pieces with known answers.

    python tests/bench/labels.py [--all]

Each method alone on every piece of `datasets/demo/pieces.py:bench_pieces`: tempo within 4% exactly,
and allowing half and double; key exact, and its tonic alone. `--all` adds Essentia's own rhythm
extractors and key profiles beside what a build uses (`curate` rows).
"""

import argparse
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "datasets" / "demo")]

Mono = npt.NDArray[np.float32]
T = TypeVar("T")
RATE = 44100
TOLERANCE = 0.04
PROFILES = ("edma", "bgate", "temperley", "krumhansl", "edmm", "shaath", "noland", "temperley2005")


@dataclass
class Score:
    """Hits of one method, and the time it took a 30 s of audio."""

    first: list[bool] = field(default_factory=list)
    second: list[bool] = field(default_factory=list)
    seconds: float = 0.0


def main() -> None:
    """Runs the benchmark and prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="Essentia's own methods too")
    everything = parser.parse_args().all
    tempo, key, audio = measure(everything)
    table("tempo", "exact octave", "octave allowed", tempo, audio)
    table("key", "key and mode", "tonic", key, audio)


def measure(everything: bool) -> tuple[dict[str, Score], dict[str, Score], float]:
    """Scores by method for tempo and key, and the seconds of audio there were."""
    from pieces import bench_pieces

    tempo: dict[str, Score] = {}
    key: dict[str, Score] = {}
    audio = 0.0
    with ProcessPoolExecutor() as pool:
        for tonic, mode, bpm, single in pool.map(_render, bench_pieces()):
            audio += len(single) / RATE
            for name, method in tempo_methods(everything).items():
                found = timed(tempo.setdefault(name, Score()), method, single)
                tempo[name].first.append(near(found, bpm))
                tempo[name].second.append(any(near(found, bpm * k) for k in (0.5, 1, 2)))
            for name, method in key_methods(everything).items():
                told = timed(key.setdefault(name, Score()), method, single)
                key[name].first.append(told == f"{tonic} {mode}")
                key[name].second.append(told.split()[:1] == [tonic])
    return tempo, key, audio


def _render(piece: object) -> tuple[str, str, float, Mono]:
    from arrange import render

    played = render(piece)
    return played.tonic, played.mode, played.tempo_bpm, played.samples.mean(axis=0)


def tempo_methods(everything: bool) -> dict[str, Callable[[Mono], float]]:
    """Methods from [T] at 44.1 kHz to BPM."""
    from curate import audio
    from curate.labels import rhythm
    from curate.labels.essentia import algorithms

    def ours(single: Mono) -> float:
        return rhythm.analyse(audio.resample(single, RATE, rhythm.RATE, "LQ")).bpm or 0.0

    methods: dict[str, Callable[[Mono], float]] = {"curate": ours}
    if everything:
        standard = algorithms()
        for name in ("multifeature", "degara"):
            extractor = standard.RhythmExtractor2013(method=name)
            methods[name] = lambda single, run=extractor: float(run(single)[0])
        methods["percival"] = lambda single: float(standard.PercivalBpmEstimator()(single))
    return methods


def key_methods(everything: bool) -> dict[str, Callable[[Mono], str]]:
    """Methods from [T] at 44.1 kHz to a key's name."""
    from curate.labels import signal

    def named(profile: str) -> Callable[[Mono], str]:
        def run(single: Mono) -> str:
            found = signal.key(single, profile)
            return str(found.value) if found else ""

        return run

    others = {profile: named(profile) for profile in PROFILES} if everything else {}
    return {"curate": named(signal.KEY_PROFILE)} | others


def near(found: float, known: float) -> bool:
    """Whether two tempi agree."""
    return abs(found / known - 1.0) < TOLERANCE


def timed(score: Score, method: Callable[[Mono], T], single: Mono) -> T:
    """Runs a method and adds its time to its score."""
    started = time.perf_counter()
    found = method(single)
    score.seconds += time.perf_counter() - started
    return found


def table(name: str, first: str, second: str, scores: dict[str, Score], audio: float) -> None:
    """Prints one table."""
    pieces = len(next(iter(scores.values())).first)
    print(f"\n| {name}, {pieces} pieces | {first} | {second} | ms per 30 s |")
    print("|---|--:|--:|--:|")
    for method, score in scores.items():
        rate = score.seconds / audio * 30_000
        print(
            f"| {method} | {np.mean(score.first):.1%} | {np.mean(score.second):.1%} | {rate:.0f} |"
        )


if __name__ == "__main__":
    main()
