"""From sound to what networks take: mel spectrograms, and patches cut from them.

Two spectrograms, with the values of Essentia's `TensorflowInputMusiCNN` (for EffNet too) and
`TensorflowInputTempoCNN`, but computed many frames at a time: several times as fast as one call a
frame. The window is Essentia's default, the bands are asked of Essentia itself, so only the
transform is ours. A frame is centred on its time: the first one starts half a frame before the
sound, the last one is centred at its end or just after it.
"""

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from curate.labels.essentia import algorithms
from curate.records import Hertz, Seconds

Array = npt.NDArray[np.float32]
Starts = npt.NDArray[np.intp]
"""Frames at which patches start, [n]."""

BLOCK = 512
"""Frames transformed at a time: they stay in the processor's cache."""

SILENT = 1e-6
"""A patch whose values differ by less has no sound: there is nothing to standardise."""


@dataclass(frozen=True, slots=True)
class Spectrogram:
    """How sound becomes bands.

    Attributes:
        rate: Of the sound.
        frame: Samples a frame.
        hop: Samples from one frame to the next.
        bands: Number of bands, triangles that are even on Slaney's mel scale.
        lowest: Where the first band starts, in Hz.
        highest: Where the last band ends, in Hz.
        power: Whether bands add power and are compressed to `log10(1 + 10000 x)`; else they add
            magnitudes and stay as they are.
    """

    rate: Hertz
    frame: int
    hop: int
    bands: int
    lowest: float
    highest: float
    power: bool

    @property
    def frame_s(self) -> Seconds:
        """From one frame to the next."""
        return self.hop / self.rate

    def frames(self, samples: int) -> int:
        """How many frames so many samples make."""
        return -(-samples // self.hop) + 1 if samples else 0

    def of(self, single: Array) -> Array:
        """Mono sound [T] at `rate` to [frames, bands]; what is not finite stays so."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._of(single)

    def _of(self, single: Array) -> Array:
        from scipy.fft import rfft

        bank, window = _bank(self), np.hanning(self.frame).astype(np.float32)
        count = self.frames(len(single))
        found = np.empty((count, self.bands), np.float32)
        for first in range(0, count, BLOCK):
            last = min(first + BLOCK, count)
            start = first * self.hop - self.frame // 2
            samples = _stretch(single, start, start + (last - first - 1) * self.hop + self.frame)
            cut = np.lib.stride_tricks.sliding_window_view(samples, self.frame)[:: self.hop]
            spectrum = rfft(cut * window, axis=1)
            strength = spectrum.real**2 + spectrum.imag**2
            if not self.power:
                np.sqrt(strength, out=strength)
            np.matmul(strength, bank, out=found[first:last])
        return np.log10(1 + 10000 * found, out=found) if self.power else found


MUSICNN = Spectrogram(16000, 512, 256, 96, 0.0, 8000.0, power=True)
"""What MusiCNN and discogs-effnet take: 62.5 frames a second."""

TEMPOCNN = Spectrogram(11025, 1024, 512, 40, 20.0, 5000.0, power=False)
"""What TempoCNN takes, before `standardised`: 21.5 frames a second."""


def patches(mel: Array, starts: Starts, size: int) -> Array:
    """Cuts [frames, bands] at these frames into [n, size, bands]."""
    return mel[starts[:, None] + np.arange(size)]


def starts(frames: int, size: int, hop: int) -> Starts:
    """Where patches of `size` frames start, every `hop` frames; what fills no patch is left out."""
    return np.arange(0, max(0, frames - size + 1), hop)


def spread(frames: int, size: int, most: int) -> Starts:
    """Where a few patches start: one in the middle of each of equal parts of at most `most` frames.

    So they are evenly spaced, none further than `most` from the next, and none is missing as long
    as one patch fits at all.
    """
    if frames < size:
        return np.zeros(0, np.intp)
    length = frames - 1  # from the first frame's middle to the last one's
    parts = -(-length // most)
    middles = (np.arange(parts) + 0.5) * (length / parts)
    return np.clip(np.round(middles - size / 2), 0, frames - size).astype(np.intp)


def standardised(cut: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Patches of `TEMPOCNN` as the network takes them: each with mean 0 and deviation 1, `turned`.

    A silent one cannot have that, and has no tempo: it is left out (Essentia fills it with random
    noise instead). The second value says which of [n, frames, bands] stayed, [n].
    """
    with np.errstate(invalid="ignore"):  # what is not finite counts as silent
        deviation = cut.std((1, 2), dtype=np.float64)
    sounds = deviation > SILENT
    kept = cut[sounds]
    kept -= kept.mean((1, 2), dtype=np.float64)[:, None, None].astype(np.float32)
    kept /= deviation[sounds][:, None, None].astype(np.float32)
    return turned(kept), sounds


def turned(cut: Array) -> Array:
    """[n, frames, bands] as an image: [n, bands, frames, 1]."""
    return cut.transpose(0, 2, 1)[..., None]


def _stretch(single: Array, start: int, end: int) -> Array:
    """The samples `start`..`end`, zeros where there are none."""
    inside = single[max(start, 0) : max(end, 0)]
    before = max(-start, 0)
    return np.pad(inside, (before, end - start - before - len(inside)))


@functools.cache
def _bank(kind: Spectrogram) -> Array:
    """[bins, bands], from what Essentia's bands say of a spectrum with one bin each."""
    bins = kind.frame // 2 + 1
    bands = algorithms().MelBands(
        inputSize=bins,
        numberBands=kind.bands,
        sampleRate=kind.rate,
        lowFrequencyBound=kind.lowest,
        highFrequencyBound=kind.highest,
        warpingFormula="slaneyMel",
        weighting="linear",
        normalize="unit_tri",
    )
    return np.array([bands(spectrum) for spectrum in np.eye(bins, dtype=np.float32)])
