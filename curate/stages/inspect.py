"""inspect: what a track sounds like technically. Whether that is good enough: `judge`."""

import numpy as np
import numpy.typing as npt

from curate import audio, loudness
from curate.names import digest
from curate.records import Fetched, Hertz, Inspection

NAME = "inspect"
VERSION = 1

FULL_SCALE = 0.999
"""From here on a sample counts as at full scale: 16-bit clipping, with a little headroom."""

SILENT_RMS = 1e-3
"""-60 dBFS."""

PEAK_BLOCK = 4096
PEAK_BLOCKS = 64
"""True peak is looked for in this many of the loudest blocks of this many frames."""

PEAK_MARGIN = 256
"""Frames on either side that a block is oversampled with: the cut itself rings, so not there."""

SPECTRUM_SIZE = 8192
SPECTRUM_FRAMES = 96
BANDWIDTH_FLOOR_DB = 80.0
"""What is this far below the strongest part of the long-term spectrum is nothing."""


def fingerprint(fetched: Fetched) -> str:
    """Names what `measure` would return."""
    return digest(NAME, VERSION, fetched.sha256)


def measure(decoded: audio.Decoded) -> Inspection:
    """Measures a decoded track. Non-finite samples are set to zero in place and counted."""
    samples, rate = decoded.samples, decoded.sample_rate
    nonfinite = _mend_nonfinite(samples)
    single = audio.mono(samples)
    return Inspection(
        duration_s=decoded.duration_s,
        sample_rate=rate,
        channels=decoded.channels,
        loudness_lufs=round(loudness.integrated(loudness.block_energy(samples, rate)), 3),
        true_peak_dbtp=round(true_peak(samples), 3),
        clipping_share=clipping_share(samples),
        silence_share=silence_share(single, rate),
        bandwidth_hz=round(bandwidth(single, rate), 1),
        dc_offset=round(float(np.abs(samples.mean(axis=0, dtype=np.float64)).max()), 6),
        nonfinite_samples=nonfinite,
    )


def true_peak(samples: audio.Samples) -> float:
    """Highest peak between the samples too, dBTP: 4x oversampling (BS.1770-4, annex 2).

    Only the `PEAK_BLOCKS` loudest blocks are oversampled, each with its surroundings: the true peak
    lies there unless a quieter block overshoots by more, so the value is a close lower bound.
    """
    peak, starts = 0.0, np.arange(0, len(samples), PEAK_BLOCK)
    for channel in samples.T if len(starts) else ():
        highs = np.maximum.reduceat(np.abs(channel), starts)
        for start in starts[np.argsort(-highs, kind="stable")[:PEAK_BLOCKS]]:
            before = min(int(start), PEAK_MARGIN)
            part = channel[start - before : start + PEAK_BLOCK + PEAK_MARGIN]
            between = audio.resample(np.ascontiguousarray(part), 1, 4)
            block = between[4 * before : 4 * (before + PEAK_BLOCK)]
            peak = max(peak, float(np.abs(block).max()))
    return 20.0 * float(np.log10(max(peak, 1e-6)))


def clipping_share(samples: audio.Samples) -> float:
    """Share of samples of [T, C] that stand in runs of 3 or more at full scale."""
    clipped = 0
    for channel in samples.T:
        places = np.flatnonzero(np.abs(channel) >= FULL_SCALE)
        if len(places) >= 3:
            runs = np.split(places, np.flatnonzero(np.diff(places) != 1) + 1)
            clipped += sum(len(run) for run in runs if len(run) >= 3)
    return round(clipped / max(samples.size, 1), 6)


def silence_share(single: npt.NDArray[np.float32], rate: Hertz) -> float:
    """Share of 100 ms blocks of [T] below -60 dBFS RMS."""
    size = rate // 10
    whole = len(single) // size
    if not whole:
        return 1.0 if not len(single) or float(np.abs(single).max()) < SILENT_RMS else 0.0
    blocks = single[: whole * size].reshape(whole, size)
    power = np.einsum("bt,bt->b", blocks, blocks) / size
    return round(float(np.mean(power < SILENT_RMS**2)), 6)


def bandwidth(single: npt.NDArray[np.float32], rate: Hertz) -> float:
    """Highest frequency (Hz) where the long-term spectrum of [T] is more than a floor."""
    from scipy.fft import rfft

    if len(single) < SPECTRUM_SIZE:
        return 0.0
    starts = np.linspace(0, len(single) - SPECTRUM_SIZE, SPECTRUM_FRAMES).astype(int)
    window = np.hanning(SPECTRUM_SIZE).astype(np.float32)
    frames = np.stack([single[s : s + SPECTRUM_SIZE] for s in np.unique(starts)]) * window
    power = (np.abs(rfft(frames, axis=1)) ** 2).mean(axis=0)
    width = max(round(200 * SPECTRUM_SIZE / rate), 1)  # smooth over 200 Hz
    smooth = np.convolve(power, np.full(width, 1 / width), mode="same")
    top = float(smooth.max())
    if top <= 0:
        return 0.0
    above = np.flatnonzero(smooth > top * 10 ** (-BANDWIDTH_FLOOR_DB / 10))
    return float(above[-1] * rate / SPECTRUM_SIZE)


def _mend_nonfinite(samples: audio.Samples) -> int:
    bad = 0
    for start in range(0, len(samples), audio.BLOCK_FRAMES):
        part = samples[start : start + audio.BLOCK_FRAMES]
        if not np.isfinite(part.sum()):  # one NaN or infinity spoils the sum
            finite = np.isfinite(part)
            bad += int(part.size - finite.sum())
            part[~finite] = 0.0
    return bad
