"""What the sound itself tells: distances from the real clip, and what is broken.

Conventions: sound is mono float32 [T] at `RATE`, full scale 1. Distances are between the generated
clip and the real clip of the same prompt, over the length that both have; 0 is the same sound. They
compare moment by moment, so two good performances of one prompt are far apart too: judge them by
the baseline's. Shares are 0..1 of a clip; `n` counts clips.

- `mel_mse`: mean squared difference of log-mel spectrograms in dB^2, the mean over the frame
  lengths of `SCALES`; levels below `FLOOR_DB` of full scale count as that.
- `chroma`: 1 - cosine of the mean strengths of the twelve pitch classes (`curate`'s, the key's): of
  a clip in another key it is large.
- `silence`: share of 100 ms blocks below -60 dBFS.
- `clipping`: share of samples in runs at full scale.
- `repetition`: share of a clip that comes again at least `SEGMENT_S` later with the same sound,
  less than `SAME_DB` apart in the mean of all bands: a loop of a model that is stuck, or one held
  tone; musicians who repeat themselves stay above it. Silence does not count.
"""

import functools
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from curate.labels import tonality
from curate.records import Hertz, Seconds, Share
from curate.stages import inspect

from ..features.sounds import Kept, Mono, Sound, mono
from .statistics import Figure, figure, paired

VERSION = 1
"""Raised when the same sound would give other values."""

RATE: Hertz = tonality.RATE
SCALES = ((512, 40), (2048, 80), (8192, 128))
"""Samples a frame and mel bands: 23 ms to 0.37 s. The hop is a quarter of a frame."""

FLOOR_DB = -80.0
SEGMENT_S: Seconds = 1.0
SAME_DB = 1.0
"""Loops of a synthesiser differ by 0.4 dB and with noise of -30 dB by 1.0; played songs by 1.6 and
more at their most alike, white noise by 2.2."""

REPEATED = (2048, 512, 64)
"""Frame, hop and bands for `repetition`."""

MEASURES = ("mel_mse", "chroma", "silence", "clipping", "repetition")

Spectrum = npt.NDArray[np.float32]


def validate(single: Mono, name: str = "sound") -> None:
    """Checks sound.

    Raises:
        ValueError: It is not [T], empty or not finite.
    """
    if single.ndim != 1 or not len(single):
        raise ValueError(f"{name}: shape {single.shape}, expected mono sound [T]")
    if not np.isfinite(single).all():
        raise ValueError(f"{name}: samples that are not finite")


def log_mel(single: Mono, frame: int, hop: int, bands: int) -> Spectrum:
    """[T] at `RATE` to [frames, bands] in dB of a full-scale sine, not below `FLOOR_DB`."""
    from scipy.fft import rfft

    padded = np.pad(single, (frame // 2, frame // 2))
    cut = np.lib.stride_tricks.sliding_window_view(padded, frame)[::hop]
    window = np.hanning(frame).astype(np.float32)
    window *= np.float32(2 / window.sum())  # a full-scale sine has a peak of 1
    bank = _bank(frame, bands)
    found = np.empty((len(cut), bands), np.float32)
    for first in range(0, len(cut), 256):
        spectrum = rfft(cut[first : first + 256] * window, axis=1)
        found[first : first + 256] = (spectrum.real**2 + spectrum.imag**2) @ bank
    return np.asarray(np.maximum(10 * np.log10(found + 1e-12), FLOOR_DB), np.float32)


def mel_mse(one: Mono, other: Mono) -> float:
    """Mean squared difference of log-mel spectrograms, dB^2."""
    length = min(len(one), len(other))
    found = []
    for frame, bands in SCALES:
        first, second = (log_mel(x[:length], frame, frame // 4, bands) for x in (one, other))
        found.append(float(np.mean((first - second) ** 2, dtype=np.float64)))
    return float(np.mean(found))


def chroma_distance(one: Mono, other: Mono) -> float | None:
    """1 - cosine of the mean chroma; None where one of them has no tone."""
    means = [tonality.chroma(single).mean(0, dtype=np.float64) for single in (one, other)]
    lengths = [float(np.linalg.norm(mean)) for mean in means]
    if not all(length > 0 for length in lengths):
        return None
    return max(0.0, 1.0 - float(means[0] @ means[1]) / (lengths[0] * lengths[1]))


def repetition(single: Mono) -> Share:
    """Share of the clip that comes again later, or has come before."""
    frame, hop, bands = REPEATED
    levels = log_mel(single, frame, hop, bands)
    size = round(SEGMENT_S * RATE / hop)
    count = len(levels) - size + 1
    if count <= size:
        return 0.0
    squares = (levels.astype(np.float64) ** 2).sum(1)
    apart = squares[:, None] + squares - 2 * (levels @ levels.T).astype(np.float64)
    best = np.full(count, np.inf)
    for lag in range(size, count):
        sums = np.cumsum(np.concatenate([[0.0], np.diagonal(apart, lag)]))
        means = (sums[size:] - sums[:-size]) / (size * bands)
        best[: len(means)] = np.minimum(best[: len(means)], means)
        best[lag : lag + len(means)] = np.minimum(best[lag : lag + len(means)], means)
    same = np.zeros(len(levels), np.bool_)
    for start in np.flatnonzero(best < SAME_DB**2):
        same[start : start + size] = True
    return float(np.mean(same & (levels.max(1) > FLOOR_DB + 20)))


@dataclass(frozen=True, slots=True)
class Measured:
    """What is kept of a clip.

    Attributes:
        own: What it says by itself.
        against: Hash of the real clip's file; empty where it was held against none.
        apart: Distances from that.
    """

    own: dict[str, float]
    against: str
    apart: dict[str, float]


def measure(
    sound: Sound, reference: Sound | None = None, cache: Path | None = None
) -> dict[str, float]:
    """The values of one clip, by the names of `MEASURES`; distances only with its real clip.

    Args:
        sound: The clip.
        reference: Its real clip.
        cache: Folder where values are kept, or None.

    Raises:
        ValueError: A file is missing or broken; names the clip.
    """
    kept = Kept(cache, f"sound-{VERSION}")
    known = kept.record(sound, Measured) if sound.path.is_file() else None
    against = "" if reference is None or cache is None else _hashed(reference)
    if known is not None and (reference is None or known.against == against):
        return known.own if reference is None else known.own | known.apart
    single = mono(sound, RATE)
    validate(single, f"clip {sound.key}")
    found = Measured(_own(sound, single) if known is None else known.own, against, {})
    if reference is not None:
        real = mono(reference, RATE)
        validate(real, f"real clip {reference.key}")
        found.apart["mel_mse"] = mel_mse(single, real)
        if (apart := chroma_distance(single, real)) is not None:
            found.apart["chroma"] = apart
    kept.keep_record(sound, found)
    return found.own | found.apart


def _own(sound: Sound, single: Mono) -> dict[str, float]:
    return {
        "silence": inspect.silence_share(single, RATE),
        "clipping": clipping(sound),
        "repetition": repetition(single),
    }


def _hashed(sound: Sound) -> str:
    """Hash of a file's content; empty where it cannot be read, which `mono` tells better."""
    try:
        with sound.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def clipping(sound: Sound) -> Share:
    """Share of samples at full scale, of the file as it is: resampling would smooth it away."""
    from curate import audio

    return inspect.clipping_share(audio.read(sound.path).samples)


def evaluate(
    values: Mapping[str, Mapping[str, float]],
    baseline: Mapping[str, Mapping[str, float]] | None = None,
) -> dict[str, Figure]:
    """The mean of every measure.

    Args:
        values: What `measure` says of the model's clips.
        baseline: Of the baseline's.

    Raises:
        ValueError: There are no clips, or none in common.
    """
    if not values:
        raise ValueError("no clips; expected at least one")
    if baseline is not None:
        paired(values, baseline)
    found = {}
    for name in MEASURES:
        own = {key: said[name] for key, said in values.items() if name in said}
        theirs = {key: said[name] for key, said in (baseline or {}).items() if name in said}
        if own:
            found[name] = figure(own, theirs if own.keys() & theirs.keys() else None)
    return found


@functools.cache
def _bank(frame: int, bands: int) -> Spectrum:
    """[bins, bands]: triangles of height 1 on the mel scale (HTK's), 30 Hz to 10 kHz.

    None is narrower than a bin, so none is empty.
    """
    hertz = np.arange(frame // 2 + 1) * (RATE / frame)
    low, high = (2595 * math.log10(1 + end / 700) for end in (30.0, 10000.0))
    edges = 700 * (10 ** (np.linspace(low, high, bands + 2) / 2595) - 1)
    width = RATE / frame
    rising = (hertz[:, None] - edges[:-2]) / np.maximum(np.diff(edges)[:-1], width)
    falling = (edges[2:] - hertz[:, None]) / np.maximum(np.diff(edges)[1:], width)
    return np.asarray(np.clip(np.minimum(rising, falling), 0, 1), np.float32)
