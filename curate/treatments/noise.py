"""denoise: steady noise (hiss, the hum of air, a noisy preamplifier) taken out of a whole track.

A spectral gate after Berouti, Schwartz and Makhoul (Enhancement of speech corrupted by acoustic
noise, ICASSP 1979), with the noise found in the track itself, as the floor that its spectrum comes
back to (after Martin, Noise power spectral density estimation, IEEE Trans. SAP 9, 2001). What tells
noise from quiet music is that its floor is steady: averaged over half a second it stays within what
chance allows, while music that is soft, or goes on without a pause, does not. Where no such floor
is found, nothing is done: a clean recording comes back as it is, to the last bit.

Tones that last, such as the hum of the mains, are left alone: nothing tells them from a drone.

noisereduce was tried in its place: its stationary mode takes the music itself for the noise unless
it is told where there is none, and quietened clean recordings by 10 to 19 dB.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from curate.audio import Decoded, Samples
from curate.records import Hertz, Seconds

VERSION = 1
"""Raised when the same track would come out as another."""

WINDOW: Seconds = 0.08
"""Length of a frame, to the nearest power of two: 4096 at 44.1 and 48 kHz. Longer ones tell more
tones from noise but smear onsets."""

GROUP = 8
"""Frames (half overlapped) that are averaged before the floor is looked for: 0.4 s."""

LOW = 0.1
"""The floor is what this share of the groups stays below; so much of a track should be without
music, at each frequency by itself."""

EARLY, LATE = 0.05, 0.2
"""The floor's spread is measured between these shares."""

STEADY_DB = (1.7, 2.2)
"""Spread up to which a floor is noise, and from which it is music. Noise has 1.0 to 1.6, what is
quiet in music mostly more than 3."""

FROZEN_DB = (0.4, 0.7)
"""Noise does not stand still either: below the first, a floor is a tone, as of an organ."""

AROUND_HZ = 330.0
"""Floors are compared with those so far above and below, so that a lasting tone is none."""

TILT_HZ = 20.0
"""Noise mostly falls with frequency: so it is compared as if it fell by 3 dB an octave from here."""

SILENT = 1e-9
"""Power (-90 dBFS) below which there is no sound: digital silence, and the noise of 16 bits."""

EXCESS = 3.0
"""So many times the mean power of the noise is taken away, for its peaks are well above that."""

DEEPEST_DB = 18.0
"""Most that anything is lowered: noise that is gone altogether leaves holes."""

BLOCK = 256
"""Frames worked on at a time."""

Spectrum = npt.NDArray[np.float32]


def denoise(decoded: Decoded) -> Decoded:
    """A track without its steady noise; just as long, and the same object where there is none.

    Takes memory for one more copy of the track; what else it needs does not grow with it.
    """
    size = window_size(decoded.sample_rate)
    noise = floor(decoded.samples, decoded.sample_rate)
    if not noise.any():
        return decoded
    return Decoded(_gated(decoded.samples, size, noise), decoded.sample_rate)


def window_size(rate: Hertz) -> int:
    """Samples in a frame: a power of two."""
    return 1 << max(round(np.log2(WINDOW * rate)), 4)


def floor(samples: Samples, rate: Hertz) -> Spectrum:
    """Power of the steady noise in [T, C], summed over channels: [window_size // 2 + 1].

    In units of `|rfft(frame * Hann)|^2`. Zero where there is none, and everywhere in a track of
    less than 20 groups (8 s) of sound.
    """
    from scipy.ndimage import median_filter, percentile_filter
    from scipy.special import gammaincinv

    size = window_size(rate)
    loud = float(np.square(_hann(size)).sum()) * size / 2  # of a power of 1 a sample, all bins
    groups = np.array([group for group in _groups(samples, size) if group.sum() > SILENT * loud])
    if len(groups) < 20:
        return np.zeros(size // 2 + 1, np.float32)
    early, low, late = np.quantile(groups, [EARLY, LOW, LATE], axis=0)
    around = 2 * round(AROUND_HZ * size / rate) + 1
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = 10.0 * np.log10(np.where(early > 0, late / early, np.inf))
    spread = median_filter(np.minimum(spread, 100.0), around, mode="nearest")
    sure = _ramp(spread, *STEADY_DB[::-1]) * _ramp(spread, *FROZEN_DB)
    freedom = 0.95 * GROUP  # of a mean of half-overlapped frames, in pairs
    mean = low * (freedom / gammaincinv(freedom, LOW))
    tilt = np.arange(len(mean)) * rate / size + TILT_HZ
    found = sure * percentile_filter(mean * tilt, 25, around, mode="nearest") / tilt
    return (found if found.sum() > SILENT * loud else np.zeros_like(found)).astype(np.float32)


def _ramp(values: Spectrum, zero: float, one: float) -> Spectrum:
    """0 at `zero`, 1 at `one`, straight in between and flat beyond."""
    return np.clip((values - zero) / (one - zero), 0.0, 1.0)


def _groups(samples: Samples, size: int) -> Iterator[Spectrum]:
    """Mean power spectra of every `GROUP` frames, half overlapped, summed over channels."""
    hop, window = size // 2, _hann(size)
    count = (len(samples) - size) // hop + 1
    for first in range(0, count - GROUP + 1, GROUP):
        part = samples[first * hop : (first + GROUP - 1) * hop + size]
        yield _power(_spectra(part, window, hop)).mean(axis=0)


def _gated(samples: Samples, size: int, noise: Spectrum) -> Samples:
    """[T, C] with the noise subtracted; frames overlap by three quarters.

    A frame's neighbours say with it how loud a place is, so each block is cut with one more frame
    on either side.
    """
    from scipy.fft import irfft

    hop, frames = size // 4, len(samples)
    window = _hann(size)
    lead = size - hop  # before the first sample, so that it too is in four frames
    count = -(-(frames + lead) // hop)
    out = np.zeros_like(samples)
    window_twice = (window / 1.5).astype(np.float32)  # four Hann windows squared add up to 1.5
    for first in range(0, count, BLOCK):
        last = min(first + BLOCK, count)
        before, after = int(first > 0), int(last < count)
        start = (first - before) * hop - lead
        end = (last + after - 1) * hop - lead + size
        spectra = _spectra(_cut(samples, start, end), window, hop)
        gain = _gain(_power(spectra), noise)[before : len(spectra) - after]
        kept = spectra[before : len(spectra) - after] * gain[:, :, None]
        parts = irfft(kept, size, axis=1) * window_twice[:, None]
        _add(out, parts, first * hop - lead, hop)
    return out


def _gain(power: Spectrum, noise: Spectrum) -> Spectrum:
    """What to multiply each place of [frames, bins] by, from the power around it."""
    from scipy.ndimage import uniform_filter

    around = uniform_filter(power, (3, 5), mode="nearest")
    deepest = np.float32(10.0 ** (-DEEPEST_DB / 10.0))
    np.maximum(around, np.float32(1e-30), out=around)
    left = 1.0 - np.float32(EXCESS) * noise / around
    return np.sqrt(np.maximum(left, deepest))


def _cut(samples: Samples, start: int, end: int) -> Samples:
    """`samples[start:end]`, with zeros where that reaches beyond them."""
    inside = samples[max(start, 0) : max(end, 0)]
    before = max(-start, 0)
    after = end - start - before - len(inside)
    return np.pad(inside, ((before, after), (0, 0))) if before or after else inside


def _add(out: Samples, parts: Samples, start: int, hop: int) -> None:
    """Adds overlapping frames [n, size, C] to [T, C], the first one at `start`."""
    size = parts.shape[1]
    whole = np.zeros(((len(parts) - 1) * hop + size, out.shape[1]), np.float32)
    for quarter in range(size // hop):  # frames four apart do not overlap
        chosen = parts[quarter :: size // hop]
        if len(chosen):
            flat = chosen.reshape(-1, out.shape[1])
            whole[quarter * hop : quarter * hop + len(flat)] += flat
    first, last = max(start, 0), min(start + len(whole), len(out))
    out[first:last] += whole[first - start : last - start]


def _spectra(samples: Samples, window: Spectrum, hop: int) -> npt.NDArray[np.complex64]:
    """Spectra of every whole frame of [T, C]: [frames, bins, C]."""
    from scipy.fft import rfft

    size = len(window)
    framed = np.lib.stride_tricks.sliding_window_view(samples, size, axis=0)[::hop]
    return rfft(framed * window, axis=2).transpose(0, 2, 1)


def _power(spectra: npt.NDArray[np.complex64]) -> Spectrum:
    """[frames, bins, C] to [frames, bins]: the channels' power together, so that all get one gain
    and each sound stays where it is between them."""
    return (np.square(spectra.real) + np.square(spectra.imag)).sum(axis=2)


def _hann(size: int) -> Spectrum:
    """The periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)).astype(np.float32)
