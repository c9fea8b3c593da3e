"""normalize: every clip as loud as the next, by one gain each.

EBU R128 without its limiter: what would go over the ceiling gets less gain, so that the dynamics of
the music stay what they are.
"""

import math

import numpy as np

from curate import audio, loudness
from curate.audio import Samples
from curate.records import Hertz, Lufs

VERSION = 1
"""Raised when the same clip would get another gain."""

TARGET: Lufs = -14.0
"""Integrated loudness that clips are brought to: that of streaming, and of most of pop music."""

CEILING_DBTP = -1.0
"""Highest true peak, for what comes after (lossy formats, resampling) adds to peaks."""

OVERSAMPLING = 4
"""As in BS.1770-4, annex 2."""


def level(clip: Samples, rate: Hertz) -> tuple[Samples, float]:
    """Brings a clip to `TARGET`, or as near as `CEILING_DBTP` lets it.

    Args:
        clip: float32 [T, C], full scale 1; not changed.
        rate: Its sample rate.

    Returns:
        The clip and the gain in dB, a multiple of 0.001. A silent clip (-70 LUFS or less, or
        shorter than 0.4 s) comes back as it is with 0.0: nothing would come of it but its noise.
    """
    measured = loudness.integrated(loudness.block_energy(clip, rate))
    if measured <= loudness.SILENCE:
        return clip, 0.0
    allowed = min(TARGET - measured, CEILING_DBTP - true_peak(clip))
    gain_db = math.floor(allowed * 1000.0) / 1000.0  # never above the ceiling by rounding
    return clip * np.float32(10.0 ** (gain_db / 20.0)), gain_db


def true_peak(clip: Samples) -> float:
    """Highest peak of [T, C] between the samples too, dBTP.

    `inspect.true_peak` looks only where whole tracks are loudest; here a ceiling has to hold.
    """
    between = audio.resample(clip, 1, OVERSAMPLING)
    peak = max(float(np.abs(clip).max(initial=0.0)), float(np.abs(between).max(initial=0.0)))
    return 20.0 * math.log10(max(peak, 1e-6))
