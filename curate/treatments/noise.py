"""denoise: steady noise, such as hiss, taken out of a whole track.

A spectral gate after Berouti, Schwartz and Makhoul (Enhancement of speech corrupted by acoustic
noise, ICASSP 1979). The noise is found in the track itself: it is the floor that the spectrum comes
back to (after Martin, Noise power spectral density estimation, IEEE Trans. SAP 9, 2001). Quiet
music has a floor too, so it counts as noise only where it behaves as noise must: from half second
to half second it stays the same within what chance allows, and from moment to moment it varies as
much as chance demands. Soft playing fails the first, shakers fail the second by varying too much
and organs by varying too little. Where there is no such floor nothing is done: a clean recording
comes back as it is, to the last bit.

Tones that last, such as the hum of the mains, are left alone: nothing tells them from a drone. So
is rumble that grows faster than 3 dB an octave towards the bass.

noisereduce was tried in its place: its stationary mode takes all of a track for its noise unless it
is told where there is no music, and quietened clean recordings by 10 to 19 dB.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from curate.audio import Decoded, Samples
from curate.records import Hertz, Seconds

VERSION = 1
"""Raised when the same track would come out as another."""

WINDOW: Seconds = 0.08
"""Length of a frame, to the nearest power of two: 4096 at 44.1 and 48 kHz. Longer ones tell tones
from noise better but smear onsets."""

GROUP = 8
"""Frames (half overlapped) that are averaged before the floor is looked for: 0.4 s."""

FEWEST = 20
"""Groups (8 s of sound) that are needed to say anything."""

LOW = 0.1
"""The floor is what this share of the groups stays below: at each frequency by itself, so much of a
track has to be without music."""

EARLY, LATE = 0.05, 0.2
"""How steady a floor is, is measured between these shares."""

STEADY_DB = (1.7, 2.2)
"""A floor is noise if it spreads no more than the first, and music from the second on. Noise gives
0.9 (stereo) to 1.6, quiet music more than 3."""

SHORTER = 4
"""The frames in which moment is compared to moment are shorter by this: 23 ms."""

VARIED_DB = (2.05, 2.25, 2.6, 2.75)
"""Mean power over geometric mean power: noise if between the two in the middle, none beyond the
outer two. Gaussian noise gives 2.5, lasting tones less, a shaker more than 2.75."""

AROUND_HZ = 330.0
"""A frequency's floor is compared with those so far above and below: a lasting tone stands out."""

TILT_HZ = 20.0
"""Most noise is louder below: it is compared as if it fell by 3 dB an octave, from here on."""

SILENT = 1e-9
"""Power (-90 dBFS) below which there is no sound: digital silence, and the noise of 16 bits."""

EXCESS = 3.0
"""So many times the mean power of the noise is taken away, for its peaks are well above that."""

DEEPEST_DB = 18.0
"""Most that anything is lowered: where noise is gone altogether, it leaves holes to be heard."""

BLOCK = 256
"""Frames worked on at a time."""

Spectrum = npt.NDArray[np.float32]
Spectra = npt.NDArray[np.complex64]


def denoise(decoded: Decoded) -> Decoded:
    """A track without its steady noise; just as long, and the same object where there is none.

    All channels get one gain, so that each sound stays where it is between them. Takes memory for
    one more copy of the track, and 25 KB a second.

    Args:
        decoded: float32 [T, C], finite (as `inspect.measure` leaves it), at any rate.
    """
    noise = floor(decoded.samples, decoded.sample_rate)
    if not noise.any():
        return decoded
    return Decoded(_gated(decoded.samples, noise), decoded.sample_rate)


def floor(samples: Samples, rate: Hertz) -> Spectrum:
    """Power of the steady noise in [T, C], summed over channels: [bins] of a frame's spectrum.

    In units of `|rfft(frame * Hann)|^2`. Zero where there is none, and everywhere in a track with
    less than `FEWEST` groups of sound.
    """
    from scipy.ndimage import percentile_filter
    from scipy.special import gammaincinv

    size = 1 << max(round(np.log2(WINDOW * rate)), 4)
    window = _hann(size)
    silent = SILENT * float(np.square(window).sum()) * size / 2  # in all bins together
    heard = _survey(samples, window, silent)
    if len(heard.power) < FEWEST:
        return np.zeros(size // 2 + 1, np.float32)
    freedom = 0.95 * GROUP  # of the mean of half-overlapped frames, in pairs
    mean = np.quantile(heard.power, LOW, axis=0) * (freedom / gammaincinv(freedom, LOW))
    tilt = np.arange(len(mean)) * rate / size + TILT_HZ
    # A low percentile: where tones stand close, what lies between them is the lesser part.
    even = percentile_filter(mean * tilt, 25, _around(rate, size), mode="mirror") / tilt
    found = even * _sureness(heard, rate, size)
    return (found if found.sum() > silent else np.zeros_like(found)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Heard:
    """The groups of a track that are not silent, n of them.

    Attributes:
        power: Mean over a group's frames, summed over channels, [n, bins].
        short: The same of shorter frames, [n, fewer bins].
        varied_db: Mean over geometric mean of the power of these shorter frames, [n, fewer bins].
    """

    power: Spectrum
    short: Spectrum
    varied_db: Spectrum


def _survey(samples: Samples, window: Spectrum, silent: float) -> _Heard:
    hop, short = len(window) // 2, _hann(len(window) // SHORTER)
    count = (len(samples) - len(window)) // hop + 1
    found = []
    for first in range(0, count - GROUP + 1, GROUP):
        part = samples[first * hop : (first + GROUP - 1) * hop + len(window)]
        power = _power(_spectra(part, window, hop)).sum(axis=2).mean(axis=0)
        if power.sum() <= silent:
            continue
        moments = _power(_spectra(part, short, len(short) // 2)) + np.float32(1e-20)
        mean = moments.mean(axis=0)
        varied = 10.0 * (np.log10(mean) - np.log10(moments).mean(axis=0))
        total = mean.sum(axis=1)
        found.append((power, total, (varied * mean).sum(axis=1) / total))
    return _Heard(*(np.array(column) for column in zip(*found, strict=True))) if found else _NONE


_NONE = _Heard(*(np.zeros((0, 0), np.float32) for _ in range(3)))


def _sureness(heard: _Heard, rate: Hertz, size: int) -> Spectrum:
    """How far the floor is steady noise, 0..1 in each bin."""
    from scipy.ndimage import median_filter

    early, late = np.maximum(np.quantile(heard.power, [EARLY, LATE], axis=0), 1e-30)
    spread = median_filter(10.0 * np.log10(late / early), _around(rate, size), mode="mirror")
    few = max(round(LATE * len(heard.short)), 1)
    quiet = np.argpartition(heard.short, few - 1, axis=0)[:few]
    # The median, for in a group that a sound or digital silence begins in, moments differ much.
    varied = np.median(np.take_along_axis(heard.varied_db, quiet, axis=0), axis=0)
    varied = median_filter(varied, _around(rate, size // SHORTER), mode="mirror")
    varied = np.interp(np.arange(len(spread)) / SHORTER, np.arange(len(varied)), varied)
    steady = np.interp(spread, STEADY_DB, (1.0, 0.0))
    return steady * np.interp(varied, VARIED_DB, (0.0, 1.0, 1.0, 0.0))


def _around(rate: Hertz, size: int) -> int:
    """`AROUND_HZ` on either side, in bins."""
    return 2 * round(AROUND_HZ * size / rate) + 1


def _gated(samples: Samples, noise: Spectrum) -> Samples:
    """[T, C] with the noise subtracted; frames overlap by three quarters.

    How loud a place is, its neighbours in time say with it: so each block is cut out with one more
    frame on either side.
    """
    from scipy.fft import irfft

    size = 2 * (len(noise) - 1)
    window, hop = _hann(size), size // 4
    lead = size - hop  # before the first sample, so that it too is in four frames
    count = -(-(len(samples) + lead) // hop)
    back = (window / 1.5)[:, None]  # what four overlapping windows squared add up to
    out = np.zeros_like(samples)
    for first in range(0, count, BLOCK):
        last = min(first + BLOCK, count)
        before, after = int(first > 0), int(last < count)
        part = _cut(samples, (first - before) * hop - lead, (last + after - 1) * hop - lead + size)
        spectra = _spectra(part, window, hop)
        gain = _gain(_power(spectra).sum(axis=2), noise)[:, :, None]
        inner = slice(before, len(spectra) - after)
        _add(out, irfft(spectra[inner] * gain[inner], size, axis=1) * back, first * hop - lead, hop)
    return out


def _gain(power: Spectrum, noise: Spectrum) -> Spectrum:
    """What to multiply each place of [frames, bins] by, judged with the places around it."""
    from scipy.ndimage import uniform_filter

    around = np.maximum(uniform_filter(power, (3, 5), mode="nearest"), np.float32(1e-30))
    left = 1.0 - np.float32(EXCESS) * noise / around
    return np.sqrt(np.maximum(left, np.float32(10.0 ** (-DEEPEST_DB / 10.0))))


def _cut(samples: Samples, start: int, end: int) -> Samples:
    """`samples[start:end]`, with zeros where that reaches beyond them."""
    inside = samples[max(start, 0) : max(end, 0)]
    before = max(-start, 0)
    after = end - start - before - len(inside)
    return np.pad(inside, ((before, after), (0, 0))) if before or after else inside


def _add(out: Samples, frames: Samples, start: int, hop: int) -> None:
    """Adds overlapping frames [n, size, C] to [T, C], the first one at `start`."""
    overlapping = frames.shape[1] // hop
    whole = np.zeros(((len(frames) + overlapping - 1) * hop, out.shape[1]), np.float32)
    for offset in range(min(overlapping, len(frames))):  # frames so far apart only touch
        flat = frames[offset::overlapping].reshape(-1, out.shape[1])
        whole[offset * hop : offset * hop + len(flat)] += flat
    first, last = max(start, 0), min(start + len(whole), len(out))
    out[first:last] += whole[first - start : last - start]


def _spectra(samples: Samples, window: Spectrum, hop: int) -> Spectra:
    """Spectra of every whole frame of [T, C]: [frames, bins, C]."""
    from scipy.fft import rfft

    framed = np.lib.stride_tricks.sliding_window_view(samples, len(window), axis=0)[::hop]
    return rfft(framed * window, axis=2).transpose(0, 2, 1)


def _power(spectra: Spectra) -> Spectrum:
    return np.square(spectra.real) + np.square(spectra.imag)


def _hann(size: int) -> Spectrum:
    """The periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)).astype(np.float32)
