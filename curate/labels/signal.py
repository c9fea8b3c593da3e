"""Labels by signal analysis, at 44.1 kHz mono: key, tempo, loudness, and how the sound moves.

The track is analysed as a whole; a chunk takes its beats and onsets from the track's, and what is
cheap (key, danceability, dynamics) from its own samples. Every value is rounded far below what it
can tell, so that dust in the last bits never changes a file.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from curate import audio
from curate.labels import rhythm
from curate.labels.essentia import algorithms
from curate.records import Hertz, Label, Seconds

VERSION = 1
RATE: Hertz = 44100
"""What Essentia's algorithms are tuned for."""

KEY_PROFILE = "bgate"
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
    """

    single: Mono
    rhythm: rhythm.Rhythm
    labels: tuple[Label, ...]


def analyse(single: Mono, loudness_lufs: float) -> Analysis:
    """Analyses [T] at `RATE`; loudness is measured elsewhere, on all channels."""
    beat = rhythm.analyse(audio.resample(single, RATE, rhythm.RATE, quality="LQ"))
    seconds = len(single) / RATE
    labels = [
        *_tempo(beat.bpm, beat.confidence),
        *_sound(single),
        *_movement(len(beat.onsets), seconds),
        Label("loudness", round(loudness_lufs, 2), "signal.ebur128"),
    ]
    return Analysis(single, beat, tuple(labels))


def chunk_labels(
    whole: Analysis, start: Seconds, end: Seconds, loudness_lufs: float
) -> tuple[Label, ...]:
    """Labels of the window `start`..`end` of an analysed track."""
    single = np.ascontiguousarray(whole.single[round(start * RATE) : round(end * RATE)])
    beats, onsets = whole.rhythm.within(start, end)
    bpm = rhythm.tempo_of(beats) if len(beats) >= 8 else None
    return (
        *_tempo(bpm, whole.rhythm.confidence),
        *_sound(single),
        *_movement(onsets, max(end - start, 1e-9)),
        Label("loudness", round(loudness_lufs, 2), "signal.ebur128"),
    )


def key(single: Mono, profile: str = KEY_PROFILE) -> Label | None:
    """Key of [T] at `RATE` with its strength as score; None where there is no tone."""
    tonic, scale, strength = algorithms().KeyExtractor(profileType=profile)(single)
    if not strength > 0.0:
        return None
    return Label("key", f"{tonic} {scale}", f"signal.{profile}", round(min(strength, 1.0), 4))


def _tempo(bpm: float | None, confidence: float) -> list[Label]:
    if bpm is None:
        return []
    other = (round(bpm / 2, 2), round(bpm * 2, 2))
    return [Label("tempo", bpm, "signal.degara", confidence, other)]


def _sound(single: Mono) -> list[Label]:
    if len(single) < MIN_SECONDS * RATE or float(np.abs(single).max()) < 1e-4:
        return []
    found = key(single)
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


def _movement(onsets: int, seconds: Seconds) -> list[Label]:
    return [Label("onset_rate", round(onsets / seconds, 4), "signal.flux")] if seconds else []
