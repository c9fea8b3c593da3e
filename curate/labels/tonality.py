"""Key from chroma: which of the 24 keys explains best the notes that sound.

The chroma is that of Essentia's `KeyExtractor` (spectral peaks, whitened, with four harmonics): at
half the sample rate and a frame of half the length it gives the same keys. It is computed once over
a track; a clip's is a slice of it. Keys are compared as `KeyExtractor` does, by correlation with a
profile, but with three profiles at a time (figures in tests/bench/README.md).
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from curate.labels.essentia import algorithms
from curate.records import Hertz, Seconds, Share

RATE: Hertz = 22050
FRAME = 2048
FRAME_RATE = RATE / FRAME
"""10.8 frames a second, one after the other."""

BLOCK = 1024
"""Frames taken at a time: 95 s."""

TONICS = ("A", "Bb", "B", "C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab")
KEYS = tuple(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in TONICS)
"""The 24 keys, as Essentia spells them and in the order of its chroma."""

PROFILES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "bgate": (
        (1.00, 0.00, 0.42, 0.00, 0.53, 0.37, 0.00, 0.77, 0.00, 0.38, 0.21, 0.30),
        (1.00, 0.00, 0.36, 0.39, 0.00, 0.38, 0.00, 0.74, 0.27, 0.00, 0.42, 0.23),
    ),
    "shaath": (
        (6.6, 2.0, 3.5, 2.3, 4.6, 4.0, 2.5, 5.2, 2.4, 3.7, 2.3, 3.4),
        (6.5, 2.7, 3.5, 5.4, 2.6, 3.5, 2.5, 5.2, 4.0, 2.7, 4.3, 3.2),
    ),
    "temperley2005": (
        (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
        (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
    ),
}
"""Weight of each semitone above the tonic, major and minor: Faraldo et al. 2017 (from electronic
music), Shaath 2011 (from popular music), Temperley 2005 (from classical music), as in Essentia's
`Key`. Each alone is weak on another's repertoire."""

FLOOR: Share = 0.2
"""Pitch classes weaker than this share of the strongest do not count (`KeyExtractor`'s default)."""

NEAR = 0.1
"""A clip is in its track's key unless another explains it better by more than this correlation."""

Chroma = npt.NDArray[np.float32]
Fit = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Key:
    """A key, an item of `KEYS`, and how sure it is."""

    name: str
    score: Share


def chroma(single: npt.NDArray[np.float32]) -> Chroma:
    """Strength of the twelve pitch classes in [T] at `RATE`: [F, 12], from A."""
    from scipy.fft import rfft

    if not len(single):
        return np.zeros((0, 12), np.float32)
    peaks, whiten, fold = _chain()
    window = np.hanning(FRAME)
    window = (2.0 * window / window.sum()).astype(np.float32)
    found = []
    for frames in _blocks(single):
        for spectrum in np.abs(rfft(frames * window, axis=1)):
            hertz, heights = peaks(spectrum)
            found.append(fold(hertz, whiten(spectrum, hertz, heights)))
    return np.asarray(found, np.float32)


def _blocks(single: npt.NDArray[np.float32]) -> Iterator[npt.NDArray[np.float32]]:
    """[T] as frames [up to BLOCK, FRAME], the first centred on its start: no copy of the whole."""
    half = FRAME // 2
    for start in range(-half, len(single), BLOCK * FRAME):
        block = single[max(start, 0) : start + BLOCK * FRAME]
        before = max(-start, 0)
        yield np.pad(block, (before, -(before + len(block)) % FRAME)).reshape(-1, FRAME)


def within(frames: Chroma, start: Seconds, end: Seconds) -> Chroma:
    """The frames of a window."""
    return frames[round(start * FRAME_RATE) : round(end * FRAME_RATE)]


def fit(frames: Chroma) -> Fit | None:
    """How well each of `KEYS` explains the frames, -1..1: [24]; None where there is no tone."""
    mean = frames.mean(axis=0, dtype=np.float64) if len(frames) else np.zeros(12)
    if not mean.max() > 0.0:
        return None
    mean = mean / mean.max()
    mean[mean < FLOOR] = 0.0
    return _templates() @ _normal(mean)


def best(fitted: Fit, track: Fit | None = None) -> Key:
    """The key of a clip, or of a track where there is no other.

    Args:
        fitted: How well the keys explain the clip.
        track: How well they explain the whole of its track. Its best key is the clip's too where it
            explains the clip nearly as well as the best: music leaves its key for some bars without
            modulating.
    """
    chosen = int(fitted.argmax())
    if track is not None and fitted.max() - fitted[int(track.argmax())] <= NEAR:
        chosen = int(track.argmax())
    return Key(KEYS[chosen], _score(fitted, chosen))


def _score(fitted: Fit, chosen: int) -> Share:
    """How often such a key is right: by its lead over all others, and by how well it explains."""
    lead = float(fitted[chosen] - np.delete(fitted, chosen).max())
    sure = min(max(0.65 + 1.4 * lead, 0.0), 1.0)
    tonal = min(max((float(fitted[chosen]) - 0.5) / 0.25, 0.0), 1.0)
    return round(sure * tonal, 4)


@functools.cache
def _templates() -> Fit:
    """[24, 12], each row the mean of the profiles, so that one product correlates with all."""
    rows = [
        sum(_normal(np.roll(np.array(profile[mode]), shift)) for profile in PROFILES.values())
        for mode in (0, 1)
        for shift in range(12)
    ]
    return np.asarray(rows) / len(PROFILES)


def _normal(values: Fit) -> Fit:
    """Without its mean, of length 1."""
    centred = values - values.mean()
    return centred / max(float(np.linalg.norm(centred)), 1e-9)


def _chain() -> tuple[Any, Any, Any]:
    """Essentia's algorithms from spectrum to chroma, set as in its `KeyExtractor`."""
    standard = algorithms()
    low, high = 25.0, 3500.0
    peaks = standard.SpectralPeaks(
        sampleRate=RATE,
        magnitudeThreshold=1e-4,
        maxPeaks=60,
        minFrequency=low,
        maxFrequency=high,
        orderBy="magnitude",
    )
    whiten = standard.SpectralWhitening(sampleRate=RATE, maxFrequency=high)
    fold = standard.HPCP(
        size=12,
        sampleRate=RATE,
        minFrequency=low,
        maxFrequency=high,
        harmonics=4,
        weightType="cosine",
        windowSize=1.0,
        bandPreset=False,
        normalized="none",
    )
    return peaks, whiten, fold
