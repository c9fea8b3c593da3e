"""Loudness by ITU-R BS.1770-4 / EBU R128, in one filtering pass that any window can be cut from.

`block_energy` filters a recording once and keeps the K-weighted energy of every 100 ms;
`integrated` gates and averages any run of those. Filtering goes by blocks, so memory stays flat.
"""

import math

import numpy as np
import numpy.typing as npt

from curate.audio import Samples
from curate.records import Hertz, Lufs

BLOCK_S = 0.1
"""Hop of the gating blocks; BS.1770-4 gates blocks of 400 ms that overlap by 75%."""

SILENCE: Lufs = -70.0
"""The absolute gate: what is below it is silence."""

_FILTER_FRAMES = 1 << 18


def block_energy(samples: Samples, sample_rate: Hertz) -> npt.NDArray[np.float64]:
    """K-weighted mean square of every whole 100 ms of [T, C], summed over channels: [T / 0.1 s]."""
    from scipy.signal import sosfilt

    sos = _k_weighting(sample_rate)
    hop = round(sample_rate * BLOCK_S)
    state = np.zeros((len(sos), 2, samples.shape[1]))
    energies = []
    step = max(_FILTER_FRAMES // hop, 1) * hop
    for start in range(0, len(samples), step):
        part = samples[start : start + step]
        filtered, state = sosfilt(sos, part, axis=0, zi=state)
        whole = len(filtered) // hop
        blocks = filtered[: whole * hop].reshape(whole, hop, samples.shape[1])
        energies.append(np.einsum("btc,btc->b", blocks, blocks) / hop)
    return np.concatenate(energies) if energies else np.zeros(0)


def integrated(energy: npt.NDArray[np.float64]) -> Lufs:
    """Integrated loudness of consecutive 100 ms energies; -70 where nothing passes the gate."""
    if len(energy) < 4:
        return SILENCE
    blocks = np.convolve(energy, np.full(4, 0.25), mode="valid")
    gated = blocks[blocks > _power(SILENCE)]
    if not len(gated):
        return SILENCE
    relative = _lufs(float(gated.mean())) - 10.0
    return _lufs(float(gated[gated > _power(relative)].mean()))


def _lufs(power: float) -> Lufs:
    return -0.691 + 10.0 * math.log10(power)


def _power(lufs: Lufs) -> float:
    return 10.0 ** ((lufs + 0.691) / 10.0)


def _k_weighting(sample_rate: Hertz) -> npt.NDArray[np.float64]:
    """The two biquads of BS.1770-4, re-derived for any rate (constants as in libebur128)."""
    k = math.tan(math.pi * 1681.974450955533 / sample_rate)
    q = 0.7071752369554196
    high = 10.0 ** (3.999843853973347 / 20.0)
    band = high**0.4996667741545416
    a0 = 1.0 + k / q + k * k
    shelf = [
        (high + band * k / q + k * k) / a0,
        2.0 * (k * k - high) / a0,
        (high - band * k / q + k * k) / a0,
        1.0,
        2.0 * (k * k - 1.0) / a0,
        (1.0 - k / q + k * k) / a0,
    ]
    k = math.tan(math.pi * 38.13547087602444 / sample_rate)
    q = 0.5003270373238773
    a0 = 1.0 + k / q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0]
    return np.array([shelf, high_pass])
