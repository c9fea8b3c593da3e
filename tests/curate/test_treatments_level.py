"""Clips of one loudness."""

import numpy as np
import pytest
import sounds

from curate import loudness
from curate.audio import Samples
from curate.labels.essentia import algorithms
from curate.treatments.level import CEILING_DBTP, TARGET, level, true_peak

RATE = 32000


def lufs(samples: Samples) -> float:
    return loudness.integrated(loudness.block_energy(samples, RATE))


def peak_dbfs(samples: Samples) -> float:
    return 20 * float(np.log10(np.abs(samples).max()))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("dbfs", [-60.0, -20.0, 0.0])
def test_a_clip_is_brought_to_the_target(dbfs: float, channels: int) -> None:
    """A sine has its loudness from its peak: -3.01 dB below it in one channel, the same in two."""
    clip = sounds.sine(1000, 5, peak=10 ** (dbfs / 20), rate=RATE, channels=channels)
    expected = TARGET - (dbfs - 3.01 + (3.01 if channels == 2 else 0.0))
    before = clip.copy()
    made, gain_db = level(clip, RATE)
    assert gain_db == pytest.approx(expected, abs=0.1)
    assert lufs(made) == pytest.approx(TARGET, abs=0.005)
    assert made.dtype == np.float32
    assert made.shape == clip.shape
    assert np.array_equal(clip, before)


def test_the_gain_is_what_was_done() -> None:
    clip = sounds.noise(3, level=0.02, rate=RATE, channels=2)
    made, gain_db = level(clip, RATE)
    assert np.allclose(made, clip * 10 ** (gain_db / 20), rtol=1e-6)
    assert gain_db == round(gain_db, 3)


def clapping(share: float, phase: float) -> Samples:
    """Quiet noise with short loud tones whose peaks lie between the samples."""
    clip = sounds.noise(5, level=0.01, rate=RATE)
    tone = sounds.sine(RATE / 4, 0.02, peak=share, rate=RATE, phase=phase)
    tone = sounds.faded(tone, 0.005, RATE)
    for start in range(0, 5 * RATE, RATE):
        clip[start : start + len(tone)] += tone
    return clip


@pytest.mark.parametrize("phase", [0.0, np.pi / 4])
def test_peaks_stay_below_the_ceiling_and_the_clip_quieter(phase: float) -> None:
    """At a quarter of the rate and an eighth off, samples miss the peak by 3 dB."""
    clip = clapping(0.9, phase)
    made, gain_db = level(clip, RATE)
    assert lufs(made) < TARGET - 1
    assert true_peak(made) == pytest.approx(CEILING_DBTP, abs=0.002)
    assert gain_db == pytest.approx(CEILING_DBTP - true_peak(clip), abs=0.002)
    if phase:
        assert peak_dbfs(made) < CEILING_DBTP - 2


def test_too_loud_a_clip_gets_quieter_unclipped() -> None:
    clip = sounds.sine(1000, 2, peak=1.5, rate=RATE)
    made, gain_db = level(clip, RATE)
    assert gain_db < -14
    assert np.allclose(made / clip.max(), clip / clip.max() * made.max() / clip.max(), atol=1e-6)


@pytest.mark.parametrize(
    "clip",
    [
        pytest.param(np.zeros((5 * RATE, 2), np.float32), id="digital silence"),
        pytest.param(sounds.noise(5, level=1e-4, rate=RATE), id="below -70 LUFS"),
        pytest.param(sounds.sine(1000, 0.39, rate=RATE), id="shorter than a gating block"),
        pytest.param(np.zeros((0, 1), np.float32), id="empty"),
    ],
)
def test_silence_is_left_alone(clip: Samples) -> None:
    made, gain_db = level(clip, RATE)
    assert made is clip
    assert gain_db == 0.0


def test_true_peak_is_essentias() -> None:
    clip = clapping(0.7, np.pi / 4)[:, 0]
    meter = algorithms().TruePeakDetector(sampleRate=RATE, version=4, oversamplingFactor=4)
    theirs = 20 * np.log10(np.abs(meter(clip)[1]).max())
    assert true_peak(clip[:, None]) == pytest.approx(theirs, abs=0.1)
    assert 0.7 <= 10 ** (true_peak(clip[:, None]) / 20) <= 0.75
