"""How right tempo and key are, on rendered music with known answers.

    python tests/bench/labels.py [--all] [--sets demo,practice,second practice,held-out]

Four sets: the 64 variants of the demo's pieces, and two of songs and medleys to practise on
(`music.py:PRACTICE` and `SECOND`; `THIRD`, held out from the first rules), on all of which the
rules were set; and `music.py:HELD_OUT`, on which they were only measured. A tempo is right within
4%. Every recording is heard as a whole and in windows of 30 s, as a build cuts it. `--all` adds
what a build does not use: Essentia's rhythm extractors and single key profiles, and librosa's beat
tracker. Times are of the processor, for 30 s of audio.
"""

import argparse
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "datasets" / "demo"), str(Path(__file__).parent)]

import music
import voices
from music import RATE, Mono, Recording, Section

from curate.labels import agreement
from curate.records import Label

SETS = ("demo", "practice", "second practice", "held-out")
PROFILES = ("bgate", "shaath", "temperley2005", "edma", "krumhansl", "temperley", "noland", "gomez")
BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 1.01)


@dataclass
class Window:
    """What is said of 30 s of a recording.

    Attributes:
        known: The section that most of it lies in.
        track: Labels of the recording.
        clip: Labels of the window.
        bpms: Tempi by other ways.
        keys: Keys by other ways.
    """

    known: Section
    track: tuple[Label, ...]
    clip: tuple[Label, ...]
    bpms: dict[str, float]
    keys: dict[str, str]


@dataclass
class Heard:
    """What was heard in a recording, by method."""

    name: str
    group: str
    condition: str
    seconds: float
    sections: tuple[Section, ...]
    bpms: dict[str, float] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)
    windows: list[Window] = field(default_factory=list)

    @property
    def steady(self) -> bool:
        """Whether it has one tempo and one key."""
        return len(self.sections) == 1


def main() -> None:
    """Runs the benchmark and prints its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="other methods too")
    parser.add_argument("--sets", default=",".join(SETS), help="which sets")
    options = parser.parse_args()
    chosen = options.sets.split(",")
    heard: dict[str, list[Heard]] = {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for name in chosen:
            jobs = [(name, recipe, options.all) for recipe in recipes(name)]
            heard[name] = list(pool.map(listen, jobs))
    whole_tables(heard)
    if options.all:
        verdict(heard)
    window_tables(heard)
    reliability(heard)
    voices.table(heard)
    group_table(heard[chosen[-1]], chosen[-1])


def recipes(name: str) -> Sequence[Any]:
    """What to play in a set."""
    if name == "demo":
        from pieces import bench_pieces

        return bench_pieces()
    if name == "practice":
        return (*_songs(music.PRACTICE, 40, 6), *_songs(music.SECOND, 36, 6))
    if name == "second practice":
        return _songs(music.THIRD, 80, 6)
    return _songs(music.HELD_OUT, 200, 36)


def _songs(material: music.Material, songs: int, medleys: int) -> Sequence[Any]:
    return (*music.songs(material, songs), *music.medleys(material, medleys))


def listen(job: tuple[str, Any, bool]) -> Heard:
    """Plays a recipe and hears it in every way; runs in a worker."""
    name, recipe, everything = job
    played = _demo(recipe) if name == "demo" else music.play(recipe)
    condition = getattr(recipe, "condition", "clean")
    heard = Heard(name, played.group, condition, len(played.single) / RATE, played.sections)
    _curate(heard, played)
    if everything:
        _others(heard, played)
    return heard


def _demo(piece: Any) -> Recording:
    from arrange import render

    played = render(piece)
    single = np.ascontiguousarray(played.samples.mean(axis=0))
    key = f"{played.tonic} {played.mode}"
    known = Section(0.0, len(single) / RATE, played.tempo_bpm, key)
    return Recording(piece.style.name, single, (known,))


def _curate(heard: Heard, played: Recording) -> None:
    """What a build says, and the parts of it alone."""
    from curate import audio
    from curate.labels import onsets, rhythm, signal, tactus, tonality

    half = audio.resample(played.single, RATE, onsets.RATE, "LQ")
    spans = [(start, end) for start, end, _ in music.windows(played)]
    beat = _timed(heard, "curate tempo", lambda: rhythm.analyse(half))
    _timed(heard, "curate tempo", lambda: [beat.tempo_within(*span) for span in spans])
    _timed(heard, "curate tempo", lambda: audio.resample(played.single, RATE, onsets.RATE, "LQ"))
    chroma = _timed(heard, "curate key", lambda: tonality.chroma(half))
    whole = signal.analyse(played.single, -20.0)
    heard.bpms["curate"] = _number(whole.labels)
    heard.bpms["curate, octave as tracked"] = _as_tracked(beat.curves)
    heard.keys["curate"] = _word(whole.labels)
    for start, end, known in music.windows(played):
        clip = signal.chunk_labels(whole, start, end, -20.0)
        beats, _ = whole.rhythm.within(start, end)
        alone = tonality.fit(tonality.within(chroma, start, end))
        window = Window(known, whole.labels, clip, {}, {})
        window.bpms["track's beats there"] = tactus.tempo_of(beats) or 0.0
        window.keys["clip alone"] = "" if alone is None else tonality.best(alone).name
        heard.windows.append(window)


def _as_tracked(curves: Any) -> float:
    """The committee's tempo before it goes to the pulse that people tap."""
    from curate.labels import rhythm, tactus

    return tactus.tempo_of(rhythm.beats_of(curves)[0]) or 0.0


def _others(heard: Heard, played: Recording) -> None:
    """What Essentia's and librosa's own methods say."""
    if heard.steady:
        for name, bpm_of in tempo_methods().items():
            heard.bpms[name] = _timed(heard, name, lambda run=bpm_of: run(played.single))
        for name, key_of in key_methods().items():
            heard.keys[name] = _timed(heard, name, lambda run=key_of: run(played.single))
    for window, (start, end, _) in zip(heard.windows, music.windows(played), strict=True):
        clip = np.ascontiguousarray(played.single[round(start * RATE) : round(end * RATE)])
        window.bpms["multifeature on the clip"] = tempo_methods()["multifeature"](clip)
        window.keys["bgate on the clip"] = key_methods()["bgate"](clip)


def tempo_methods() -> dict[str, Callable[[Mono], float]]:
    """Methods from [T] at 44.1 kHz to BPM."""
    from curate.labels.essentia import algorithms

    standard = algorithms()

    def librosa(single: Mono) -> float:
        import librosa

        return float(np.atleast_1d(librosa.beat.beat_track(y=single, sr=RATE)[0])[0])

    def extractor(method: str) -> Callable[[Mono], float]:
        return lambda single: float(standard.RhythmExtractor2013(method=method)(single)[0])

    return {
        "multifeature": extractor("multifeature"),
        "degara": extractor("degara"),
        "percival": lambda single: float(standard.PercivalBpmEstimator()(single)),
        "librosa": librosa,
    }


def key_methods() -> dict[str, Callable[[Mono], str]]:
    """Methods from [T] at 44.1 kHz to a key's name."""
    from curate.labels.essentia import algorithms

    def named(profile: str) -> Callable[[Mono], str]:
        extractor = algorithms().KeyExtractor(profileType=profile)
        return lambda single: " ".join(extractor(single)[:2])

    return {profile: named(profile) for profile in PROFILES}


def _timed(heard: Heard, name: str, run: Callable[[], Any]) -> Any:
    started = time.process_time()
    found = run()
    heard.cost[name] = heard.cost.get(name, 0.0) + time.process_time() - started
    return found


def _number(labels: Iterable[Label]) -> float:
    return next((float(label.value) for label in labels if label.kind == "tempo"), 0.0)


def _word(labels: Iterable[Label]) -> str:
    return next((str(label.value) for label in labels if label.kind == "key"), "")


def near(found: float, known: float) -> bool:
    """Whether two tempi agree."""
    return abs(found / known - 1.0) < agreement.SAME


def octave(found: float, known: float) -> bool:
    """Whether they agree but for a half or double."""
    return any(near(found, known * times) for times in (0.5, 1.0, 2.0))


# --- tables -------------------------------------------------------------------------------------


def line(*cells: object) -> None:
    """Prints a row of a table; shares as percent."""
    shown = (f"{cell:.1%}" if isinstance(cell, float) else str(cell) for cell in cells)
    print(f"| {' | '.join(shown)} |")


def head(*cells: str) -> None:
    """Prints the head of a table."""
    print()
    line(*cells)
    print("|---|" + "--:|" * (len(cells) - 1))


def mean(hits: Iterable[bool]) -> float | str:
    """The share of hits; a dash where there is nothing to count."""
    counted = list(hits)
    return float(np.mean(counted)) if counted else "-"


def whole_tables(heard: dict[str, list[Heard]]) -> None:
    """Methods on steady recordings as a whole."""
    steady = {name: [h for h in found if h.steady] for name, found in heard.items()}
    every = [h for found in steady.values() for h in found]
    seconds = sum(h.seconds for h in every)
    columns = [f"{name} ({len(found)})" for name, found in steady.items()]

    def cost(method: str, own: str) -> str:
        name = own if method == "curate" else method
        spent = [h.cost[name] for h in every if name in h.cost]
        return f"{sum(spent) / seconds * 30_000:.0f}" if spent else ""

    head("tempo of recordings", *columns, *(f"{c}, octave allowed" for c in steady), "ms per 30 s")
    for method in every[0].bpms:
        rows = [
            mean(right(h.bpms[method], h.sections[0].bpm) for h in found)
            for right in (near, octave)
            for found in steady.values()
        ]
        line(method, *rows, cost(method, "curate tempo"))
    head("key of recordings", *columns, "ms per 30 s")
    for method in every[0].keys:
        rows = [mean(h.keys[method] == h.sections[0].key for h in f) for f in steady.values()]
        line(method, *rows, cost(method, "curate key"))


def verdict(heard: dict[str, list[Heard]]) -> None:
    """Whether the fast path is within one point of multifeature."""
    print("\nThe fast path against multifeature:")
    for name, found in heard.items():
        steady = [h for h in found if h.steady]
        for what, right in (("exact", near), ("octave allowed", octave)):
            ours, theirs = (
                100 * float(np.mean([right(h.bpms[m], h.sections[0].bpm) for h in steady]))
                for m in ("curate", "multifeature")
            )
            passed = "within one point" if ours >= theirs - 1.0 else "MORE THAN ONE POINT WORSE"
            print(f"- {name}, {what}: {ours - theirs:+.1f} points: {passed}")


def columns_of(heard: dict[str, list[Heard]]) -> dict[str, list[Window]]:
    """Windows by what they are from: steady recordings of each set, then kinds of change."""
    found: dict[str, list[Window]] = {}
    for name, recordings in heard.items():
        for recording in recordings:
            column = f"{name}, steady" if recording.steady else recording.group
            if recording.steady or name == "held-out":
                found.setdefault(column, []).extend(recording.windows)
    return found


def window_tables(heard: dict[str, list[Heard]]) -> None:
    """The track's value, the clip's own, and the combination, for windows of 30 s."""
    columns = columns_of(heard)
    some = next(iter(columns.values()))[0]
    titles = [f"{name} ({len(found)})" for name, found in columns.items()]
    bpm_ways: dict[str, Callable[[Window], float]] = {
        "track's tempo": lambda w: _number(w.track),
        "clip alone": lambda w: _number(w.clip),
        "combined": lambda w: _value(agreement.tempo(w.track, w.clip), 0.0),
    } | {name: lambda w, n=name: w.bpms[n] for name in some.bpms}
    key_ways: dict[str, Callable[[Window], str]] = {
        "track's key": lambda w: _word(w.track),
        "clip, held against the track": lambda w: _word(w.clip),
        "combined": lambda w: _value(agreement.key(w.track, w.clip), ""),
    } | {name: lambda w, n=name: w.keys[n] for name in some.keys}
    head("tempo of 30 s", *titles)
    for name, bpm_of in bpm_ways.items():
        line(name, *(mean(near(bpm_of(w), w.known.bpm) for w in f) for f in columns.values()))
    head("key of 30 s", *titles)
    for name, key_of in key_ways.items():
        line(name, *(mean(key_of(w) == w.known.key for w in f) for f in columns.values()))


def _value(label: Label | None, nothing: Any) -> Any:
    return nothing if label is None else label.value


def reliability(heard: dict[str, list[Heard]]) -> None:
    """How often a value is right, by its score."""
    for kind, decide in (("tempo", agreement.tempo), ("key", agreement.key)):
        sets = {n: [w for h in found for w in h.windows] for n, found in heard.items()}
        scored = {name: [_scored(decide, w) for w in windows] for name, windows in sets.items()}
        head(f"{kind}: score", *(f"{name}: right (of)" for name in sets))
        for low, high in itertools.pairwise(BINS):
            cells = []
            for pairs in scored.values():
                hits = [hit for score, hit in pairs if low <= score < high]
                cells.append(f"{np.mean(hits):.0%} ({len(hits)})" if hits else "-")
            line(f"{low:g} to {min(high, 1):g}", *cells)


def _scored(decide: Callable[..., Label | None], window: Window) -> tuple[float, bool]:
    found = decide(window.track, window.clip)
    if found is None:
        return 0.0, False
    if found.kind == "tempo":
        return found.score or 0.0, near(float(found.value), window.known.bpm)
    return found.score or 0.0, found.value == window.known.key


def group_table(found: list[Heard], name: str) -> None:
    """What is hard: by groove, then by condition."""
    steady = [h for h in found if h.steady]
    methods = [m for m in ("curate", "multifeature") if m in steady[0].bpms]
    head(f"{name}, by kind", "recordings", *(f"tempo, {m}" for m in methods), "key, curate")
    kinds = [(h.group, h.group) for h in steady] + [(h.condition, "") for h in steady]
    for kind, _ in dict.fromkeys(kinds):
        those = [h for h in steady if kind in (h.group, h.condition)]
        rows = [mean(near(h.bpms[m], h.sections[0].bpm) for h in those) for m in methods]
        line(kind, len(those), *rows, mean(h.keys["curate"] == h.sections[0].key for h in those))


if __name__ == "__main__":
    main()
