"""How strongly notes begin, at every moment: three curves of it, from one transform.

Each hears what another misses: the log-mel flux hears every instrument alike, the complex
difference also hears soft changes of pitch, the energy flux hears the loud. They are those of
Essentia's `BeatTrackerMultiFeature` (Zapata, Davies and Gomez 2014) that differ most; its other two
brought nothing more here and cost most (tests/bench/README.md).
"""

import numpy as np
import numpy.typing as npt

from curate.records import Hertz

RATE: Hertz = 22050
FRAME = 1024
HOP = 256
CURVE_RATE = RATE / HOP
"""86.1 values a second: what Essentia's TempoTapDegara expects."""

BANDS = 64
BLOCK = 2048
"""Frames taken at a time, an even number: 24 s."""

SILENCE = 1e-4
"""A log-mel flux that never comes above this is of no sound."""

Curve = npt.NDArray[np.float32]
Curves = npt.NDArray[np.float32]
Times = npt.NDArray[np.float64]
_Spectra = npt.NDArray[np.complex64]


def strengths(single: npt.NDArray[np.float32]) -> Curves:
    """Onset strength of [T] at `RATE`: [3, T / HOP], the largest value of each curve 1, or all 0.

    In this order: log-mel flux, complex difference, energy flux. Frames go through in blocks so
    that memory does not grow with the recording.
    """
    from numpy.lib.stride_tricks import sliding_window_view
    from scipy.fft import rfft

    padded = np.concatenate([np.zeros(FRAME // 2, np.float32), single, np.zeros(FRAME, np.float32)])
    frames = sliding_window_view(padded, FRAME)[::HOP]
    window = np.hanning(FRAME).astype(np.float32)
    mel = _mel_bank()
    bands, changes, energy = [], [], []
    before = np.zeros((2, FRAME // 2 + 1), np.complex64)
    for start in range(0, len(frames), BLOCK):
        spectra = rfft(frames[start : start + BLOCK] * window, axis=1)
        power = spectra.real**2 + spectra.imag**2
        bands.append(np.log1p(1e3 * np.sqrt(power @ mel)))
        # Every second frame is enough for these two: Essentia's own way.
        energy.append(np.sqrt(power[::2].sum(axis=1)))
        row = np.concatenate([before, spectra[::2]])
        changes.append(_complex_difference(row))
        before = row[-2:]
    flux = np.zeros(len(frames), np.float32)
    flux[1:-1] = _rise(np.concatenate(bands), 2).mean(axis=1)  # over two hops: for soft attacks
    halves = (np.concatenate(changes), np.append(0.0, _rise(np.concatenate(energy), 1)))
    whole = np.arange(len(frames)) / 2
    curves = np.stack([flux, *(np.interp(whole, np.arange(len(half)), half) for half in halves)])
    if flux.max() <= SILENCE:
        return np.zeros_like(curves, np.float32)
    return (curves / np.maximum(curves.max(axis=1, keepdims=True), 1e-9)).astype(np.float32)


def pick(curve: Curve) -> Times:
    """Times (s) where a curve peaks above its surroundings (Boeck et al. 2012, off-line form)."""
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    if not len(curve):
        return np.zeros(0)
    peak = curve == maximum_filter1d(curve, 7)
    strong = curve > uniform_filter1d(curve, round(0.4 * CURVE_RATE)) + 0.06
    return np.flatnonzero(peak & strong) / CURVE_RATE


def at(curve: Curve, times: Times) -> Curve:
    """A curve's largest value within 25 ms of each time."""
    places = np.clip(np.round(times * CURVE_RATE).astype(int), 2, len(curve) - 3)
    return np.maximum.reduce([curve[places + shift] for shift in range(-2, 3)])


def _rise(values: npt.NDArray[np.float32], steps: int) -> npt.NDArray[np.float32]:
    return np.maximum(values[steps:] - values[:-steps], 0.0)


def _complex_difference(spectra: _Spectra) -> Curve:
    """How far each spectrum but the first two is from going on steadily (Bello et al. 2004).

    A steady sound keeps its magnitudes and turns its phases as far as it did before. Phases are
    turned by products of unit numbers, which needs no angle.
    """
    unit = spectra[:-1] / np.maximum(np.abs(spectra[:-1]), np.float32(1e-9))
    expected = spectra[1:-1] * unit[1:] * unit[:-1].conj()
    return np.abs(spectra[2:] - expected).sum(axis=1)


def _mel_bank() -> npt.NDArray[np.float32]:
    """[FRAME / 2 + 1, BANDS] triangles, evenly spaced in mel from 30 Hz to 10 kHz."""
    mels = np.linspace(_mel(30.0), _mel(10_000.0), BANDS + 2)
    edges = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    bins = np.arange(FRAME // 2 + 1) * RATE / FRAME
    rise = (bins[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[None, 2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rise, fall)).astype(np.float32)


def _mel(hertz: float) -> float:
    return 2595.0 * float(np.log10(1.0 + hertz / 700.0))
