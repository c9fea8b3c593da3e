"""Labels by signal analysis, at 44.1 kHz mono: key, tempo, loudness, and how the sound moves.

What costs most is computed once over the whole track: the onset curves and the chroma. A chunk is
its stretch of them, with a tempo and a key of its own; what is cheap (danceability, dynamics) comes
from its samples. Every value is rounded far below what it can tell, so that dust in the last bits
never changes a file.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from curate import audio
from curate.labels import onsets, rhythm, tonality
from curate.labels.essentia import algorithms
from curate.records import Hertz, Label, Seconds

VERSION = 3
RATE: Hertz = 44100
"""What Essentia's algorithms are tuned for."""

MIN_SECONDS: Seconds = 3.0
"""Below this there is nothing to say of key or dynamics."""

MAX_DANCEABILITY = 10.0
"""Music has 0 to about 3; a machine-made pattern without any drift sends the exponent it is made of
to 0 and the value anywhere: that is no measurement."""

Mono = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Analysis:
    """A track's analysis while its chunks are made.

    Attributes:
        single: [T] at `RATE`.
        rhythm: Beats and onsets of the whole.
        labels: Labels of the whole.
        chroma: Of the whole.
    """

    single: Mono
    rhythm: rhythm.Rhythm
    labels: tuple[Label, ...]
    chroma: tonality.Chroma = field(default_factory=lambda: np.zeros((0, 12), np.float32))


def analyse(single: Mono, loudness_lufs: float) -> Analysis:
    """Analyses [T] at `RATE`; loudness is measured elsewhere, on all channels."""
    half = audio.resample(single, RATE, onsets.RATE, quality="LQ")
    beat, chroma = rhythm.analyse(half), tonality.chroma(half)
    labels = [
        *_tempo(beat.bpm, beat.confidence),
        *_sound(single, _key(chroma)),
        *_movement(len(beat.onsets), len(single) / RATE),
        Label("loudness", round(loudness_lufs, 2), "signal.ebur128"),
    ]
    return Analysis(single, beat, tuple(labels), chroma)


def chunk_labels(
    whole: Analysis, start: Seconds, end: Seconds, loudness_lufs: float
) -> tuple[Label, ...]:
    """Labels of the window `start`..`end` of an analysed track."""
    single = np.ascontiguousarray(whole.single[round(start * RATE) : round(end * RATE)])
    _, count = whole.rhythm.within(start, end)
    return (
        *_tempo(*whole.rhythm.tempo_within(start, end)),
        *_sound(single, _key(tonality.within(whole.chroma, start, end), whole.chroma)),
        *_movement(count, max(end - start, 1e-9)),
        Label("loudness", round(loudness_lufs, 2), "signal.ebur128"),
    )


def key(single: Mono) -> Label | None:
    """Key of [T] at `RATE`; None where there is no tone."""
    return _key(tonality.chroma(audio.resample(single, RATE, tonality.RATE, quality="LQ")))


def _key(chroma: tonality.Chroma, whole: tonality.Chroma | None = None) -> Label | None:
    """The key of a stretch, held against that of the whole it is from."""
    fitted = tonality.fit(chroma)
    if fitted is None:
        return None
    found = tonality.best(fitted, None if whole is None else tonality.fit(whole))
    return Label("key", found.name, "signal.chroma", found.score)


def _tempo(bpm: float | None, confidence: float) -> list[Label]:
    if bpm is None:
        return []
    other = (round(bpm / 2, 2), round(bpm * 2, 2))
    return [Label("tempo", bpm, "signal.degara", confidence, other)]


def _sound(single: Mono, found: Label | None) -> list[Label]:
    """The key that was found, and what the samples say; nothing where there is too little sound."""
    if len(single) < MIN_SECONDS * RATE or float(np.abs(single).max()) < 1e-4:
        return []
    standard = algorithms()
    danceability = float(standard.Danceability(sampleRate=RATE)(single)[0])
    complexity = float(standard.DynamicComplexity(sampleRate=RATE)(single)[0])
    labels = [found] if found else []
    for kind, value, most in (
        ("danceability", danceability, MAX_DANCEABILITY),
        ("dynamic_complexity", complexity, np.inf),
    ):
        if np.isfinite(value) and value <= most:
            labels.append(Label(kind, round(value, 4), f"signal.{kind}"))
    return labels


def _movement(count: int, seconds: Seconds) -> list[Label]:
    return [Label("onset_rate", round(count / seconds, 4), "signal.flux")] if seconds else []
