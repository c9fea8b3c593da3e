"""Drum strokes: a pitch-swept sine, filtered noise, or both, as mono float32 one-shots."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.signal import butter, sosfilt

from synth import SAMPLE_RATE, Samples, Seconds


def _noise(count: int, seed: int, low_hz: float, high_hz: float) -> np.ndarray:
    white = np.random.default_rng(seed).normal(size=count)
    band = butter(2, [low_hz, high_hz], "bandpass", fs=SAMPLE_RATE, output="sos")
    return sosfilt(band, white)


def _sweep(seconds: Seconds, start_hz: float, end_hz: float, glide_s: Seconds) -> np.ndarray:
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    frequency = end_hz + (start_hz - end_hz) * np.exp(-t / glide_s)
    return np.sin(2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE)


def _decay(count: int, seconds: Seconds) -> np.ndarray:
    return np.exp(-np.arange(count) / (seconds * SAMPLE_RATE))


def _kick() -> np.ndarray:
    body = _sweep(0.35, 160.0, 48.0, 0.03)
    click = _noise(body.size, 1, 1500.0, 6000.0) * _decay(body.size, 0.004)
    return body * _decay(body.size, 0.09) + 0.15 * click


def _snare() -> np.ndarray:
    body = _sweep(0.3, 260.0, 180.0, 0.02)
    rattle = _noise(body.size, 2, 1200.0, 9000.0)
    return 0.6 * body * _decay(body.size, 0.05) + 0.7 * rattle * _decay(body.size, 0.07)


def _brush() -> np.ndarray:
    count = int(0.25 * SAMPLE_RATE)
    return 0.8 * _noise(count, 3, 1500.0, 7000.0) * _decay(count, 0.05)


def _hat() -> np.ndarray:
    count = int(0.12 * SAMPLE_RATE)
    return _noise(count, 4, 7000.0, 16000.0) * _decay(count, 0.022)


def _open_hat() -> np.ndarray:
    count = int(0.4 * SAMPLE_RATE)
    return _noise(count, 5, 6500.0, 16000.0) * _decay(count, 0.11)


def _crash() -> np.ndarray:
    count = int(1.6 * SAMPLE_RATE)
    return _noise(count, 6, 3500.0, 15000.0) * _decay(count, 0.45)


def _tom() -> np.ndarray:
    body = _sweep(0.4, 170.0, 95.0, 0.06)
    return body * _decay(body.size, 0.12)


def _taiko() -> np.ndarray:
    """Two drumhead modes (ratio 1.59) that keep sinking, so that no steady pitch is heard."""
    body = _sweep(0.9, 112.0, 55.0, 0.16)
    second = _sweep(0.9, 178.0, 88.0, 0.16)
    stick = _noise(body.size, 7, 300.0, 3000.0) * _decay(body.size, 0.02)
    return body * _decay(body.size, 0.16) + 0.35 * second * _decay(body.size, 0.09) + 0.45 * stick


def _rim() -> np.ndarray:
    """The wooden edge of a taiko, or a side stick."""
    body = _sweep(0.12, 1700.0, 1650.0, 0.02)
    knock = _noise(body.size, 8, 1500.0, 6000.0) * _decay(body.size, 0.008)
    return 0.7 * body * _decay(body.size, 0.012) + 0.5 * knock


def _shaker() -> np.ndarray:
    count = int(0.14 * SAMPLE_RATE)
    swell = np.minimum(1.0, np.arange(count) / (0.012 * SAMPLE_RATE))
    return _noise(count, 9, 5000.0, 12000.0) * swell * _decay(count, 0.03)


DRUMS: dict[str, tuple[Callable[[], np.ndarray], float]] = {
    "kick": (_kick, 0.75),
    "snare": (_snare, 0.5),
    "brush": (_brush, 0.3),
    "hat": (_hat, 0.3),
    "open hat": (_open_hat, 0.3),
    "crash": (_crash, 0.38),
    "tom": (_tom, 0.55),
    "taiko": (_taiko, 0.75),
    "rim": (_rim, 0.3),
    "shaker": (_shaker, 0.24),
}
"""Name -> (stroke, peak level)."""


@lru_cache(maxsize=32)
def stroke(name: str) -> Samples:
    """The one-shot of a drum at its natural level, float32 [n]; never written to by callers.

    Raises:
        KeyError: `name` is not in `DRUMS`.
    """
    make, level = DRUMS[name]
    shot = make()
    shot[-256:] *= np.linspace(1.0, 0.0, 256)
    return (shot * (level / np.abs(shot).max())).astype(np.float32)
