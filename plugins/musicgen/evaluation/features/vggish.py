"""What VGGish sees: log-mel patches with the values of Essentia's `TensorflowInputVGGish`.

64 bands from 125 to 7500 Hz on HTK's mel scale, of the magnitudes in frames of 25 ms every 10 ms at
16 kHz, as log(x + 0.01); a patch is 96 frames, 0.96 s, and patches do not overlap, as in AudioSet's
own features (Essentia's predictor takes one every 0.93 s). Frames are transformed many at a time;
the bands are asked of Essentia itself.
"""

import functools

import numpy as np
import numpy.typing as npt

from curate.labels.essentia import algorithms
from curate.records import Hertz

RATE: Hertz = 16000
FRAME, HOP, FFT = 400, 160, 512
BANDS = 64
SIZE = 96
"""Frames a patch, and from patch to patch."""

WIDTH = 128
BLOCK = 512
"""Frames transformed at a time."""

Array = npt.NDArray[np.float32]


def spectrogram(single: Array) -> Array:
    """[T] at `RATE` to [frames, BANDS]; the first frame is centred on the start."""
    from scipy.fft import rfft

    count = -(-len(single) // HOP) + 1 if len(single) else 0
    if not count:
        return np.zeros((0, BANDS), np.float32)
    padded = np.pad(single, (FRAME // 2, count * HOP + FRAME - FRAME // 2 - len(single)))
    cut = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP][:count]
    window, bank = np.hanning(FRAME).astype(np.float32), _bank()
    found = np.empty((count, BANDS), np.float32)
    for first in range(0, count, BLOCK):
        frames = cut[first : first + BLOCK] * window
        found[first : first + BLOCK] = np.abs(rfft(frames, FFT, axis=1)) @ bank
    return np.log(found + np.float32(0.01))


def patches(single: Array) -> Array:
    """[T] at `RATE` to [n, SIZE, BANDS]; what fills no patch is left out."""
    bands = spectrogram(single)
    whole = len(bands) // SIZE
    return bands[: whole * SIZE].reshape(whole, SIZE, BANDS)


@functools.cache
def _bank() -> Array:
    """[bins, BANDS], from what Essentia's bands say of a spectrum with one bin each."""
    bins = FFT // 2 + 1
    bands = algorithms().MelBands(
        inputSize=bins,
        numberBands=BANDS,
        sampleRate=RATE,
        lowFrequencyBound=125.0,
        highFrequencyBound=7500.0,
        warpingFormula="htkMel",
        weighting="warping",
        normalize="unit_max",
        type="magnitude",
    )
    return np.array([bands(spectrum) for spectrum in np.eye(bins, dtype=np.float32)])
