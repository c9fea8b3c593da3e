"""What is measured of sounds whose measurements are known."""

import numpy as np
import pytest
import sounds
from sounds import RATE

from curate import audio
from curate.labels.essentia import algorithms
from curate.records import Fetched, Tags
from curate.stages import inspect


def decibels(amplitude: float) -> float:
    return 20 * float(np.log10(amplitude))


# --- true peak ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [32000, 44100, 48000])
def test_a_peak_between_the_samples_is_found(rate: int) -> None:
    """A quarter of the sample rate, 45 degrees late: every sample is 3 dB below the peak."""
    samples = sounds.faded(sounds.sine(rate / 4, 2, rate=rate, phase=np.pi / 4), rate=rate)
    assert decibels(np.abs(samples).max()) == pytest.approx(decibels(0.5) - 3.01, abs=0.01)
    assert inspect.true_peak(samples) == pytest.approx(decibels(0.5), abs=0.05)


@pytest.mark.parametrize(
    ("fraction", "degrees", "amplitude", "dbtp"),
    [
        pytest.param(4, 0, 0.5, -6.0, id="case 15"),
        pytest.param(4, 45, 0.5, -6.0, id="case 16"),
        pytest.param(6, 60, 0.5, -6.0, id="case 17"),
        pytest.param(8, 67.5, 0.5, -6.0, id="case 18"),
        pytest.param(4, 45, 1.41, 3.0, id="case 19"),
    ],
)
def test_the_peaks_of_ebu_tech_3341(
    fraction: int, degrees: float, amplitude: float, dbtp: float
) -> None:
    phase = np.deg2rad(degrees)
    samples = sounds.sine(48000 / fraction, 2, rate=48000, peak=amplitude, phase=phase)
    assert -0.4 <= inspect.true_peak(sounds.faded(samples, rate=48000)) - dbtp <= 0.2


@pytest.mark.parametrize("hertz", [30, 440, 997, 5000])
def test_cutting_the_signal_into_blocks_makes_no_peaks(hertz: float) -> None:
    samples = sounds.faded(sounds.sine(hertz, 2))
    assert inspect.true_peak(samples) == pytest.approx(decibels(0.5), abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_essentia_finds_the_same_peak(seed: int) -> None:
    samples = sounds.faded(sounds.noise(2, seed=seed, below=18000))
    detector = algorithms().TruePeakDetector(sampleRate=RATE, threshold=-100)
    theirs = float(np.abs(detector(samples[:, 0])[1]).max())
    assert inspect.true_peak(samples) == pytest.approx(decibels(theirs), abs=0.05)


@pytest.mark.parametrize("place", [0, 5, 4096, 200_000, 299_990])
def test_a_single_peak_is_found_wherever_it_is(place: int) -> None:
    samples = 0.01 * sounds.noise(300_000 / RATE, level=1.0, channels=2).clip(-3, 3)
    samples[place, 1] = 0.9
    assert inspect.true_peak(samples) == pytest.approx(decibels(0.9), abs=0.6)


def test_silence_has_no_peak() -> None:
    assert inspect.true_peak(np.zeros((5000, 2), np.float32)) == -120.0
    assert inspect.true_peak(np.zeros((0, 2), np.float32)) == -120.0


# --- clipping and silence -----------------------------------------------------------------------


def test_only_runs_at_full_scale_are_clipped() -> None:
    samples = np.zeros((1000, 2), np.float32)
    samples[10:13, 0] = 1.0  # a run of three
    samples[20:22, 0] = 1.0  # of two: a loud peak
    samples[40:50, 1] = -1.0  # at the other end
    samples[60:90, 1] = 0.99  # loud, not clipped
    samples[110, 1], samples[111, 1], samples[112, 1] = 1.0, -1.0, 1.0
    assert inspect.clipping_share(samples) == (3 + 10 + 3) / 2000


def test_a_sine_driven_beyond_full_scale_is_clipped_for_the_share_of_time_it_is_beyond() -> None:
    samples = sounds.sine(100, 2, peak=2.0).clip(-1, 1)
    beyond = 1 - 2 * np.arcsin(0.5) / np.pi
    assert inspect.clipping_share(samples) == pytest.approx(beyond, abs=0.005)


@pytest.mark.parametrize("rate", [8000, 44100])
def test_silence_is_the_share_of_silent_blocks(rate: int) -> None:
    samples = np.concatenate([sounds.sine(440, 3, rate=rate), np.zeros((rate, 1))])
    assert inspect.silence_share(samples[:, 0].astype(np.float32), rate) == 0.25


@pytest.mark.parametrize(("peak", "share"), [(0.002, 0.0), (0.001, 1.0)])
def test_below_60_db_is_silence(peak: float, share: float) -> None:
    assert inspect.silence_share(sounds.sine(441, 1, peak=peak)[:, 0], RATE) == share


def test_less_than_a_block_is_silent_or_not() -> None:
    assert inspect.silence_share(np.zeros(0, np.float32), RATE) == 1.0
    assert inspect.silence_share(np.zeros(100, np.float32), RATE) == 1.0
    assert inspect.silence_share(np.ones(100, np.float32), RATE) == 0.0


# --- bandwidth ----------------------------------------------------------------------------------


@pytest.mark.parametrize("hertz", [3500, 8000, 11025, 16000, 19000])
def test_bandwidth_ends_where_the_filter_does(hertz: float) -> None:
    samples = sounds.noise(6, below=hertz)
    assert inspect.bandwidth(samples[:, 0], RATE) == pytest.approx(hertz, abs=150)


def test_an_upsampled_recording_is_told_from_a_true_one() -> None:
    low = audio.resample(sounds.noise(6, rate=22050), 22050, RATE)
    assert inspect.bandwidth(low[:, 0], RATE) < 11_600
    assert inspect.bandwidth(sounds.noise(6)[:, 0], RATE) > 21_900


def test_nothing_has_no_bandwidth() -> None:
    assert inspect.bandwidth(np.zeros(RATE, np.float32), RATE) == 0.0
    assert inspect.bandwidth(np.ones(100, np.float32), RATE) == 0.0


# --- all together -------------------------------------------------------------------------------


def test_a_track_is_measured_in_every_respect() -> None:
    samples = sounds.sine(1000, 6, channels=2) + np.float32([0.0, -0.05])
    samples[: 3 * RATE] = 0.0
    found = inspect.measure(audio.Decoded(samples, RATE))
    assert (found.duration_s, found.sample_rate, found.channels) == (6.0, RATE, 2)
    entering = 10 * np.log10(
        (27 + 0.25 + 0.5 + 0.75) / 30
    )  # of 30 gating blocks 3 begin in silence
    assert found.loudness_lufs == pytest.approx(decibels(0.5) + entering, abs=0.02)
    assert found.silence_share == 0.5
    assert found.dc_offset == pytest.approx(0.025, abs=1e-4)
    assert (found.clipping_share, found.nonfinite_samples) == (0.0, 0)
    assert 1000 <= found.bandwidth_hz < RATE / 2


def test_samples_that_are_no_numbers_are_counted_and_set_to_zero() -> None:
    samples = sounds.sine(1000, 30, channels=2)
    for place, value in ((0, np.nan), (700_000, np.inf), (len(samples) - 1, -np.inf)):
        samples[place, 1] = value
    found = inspect.measure(audio.Decoded(samples, RATE))
    assert found.nonfinite_samples == 3
    assert (samples[0, 1], samples[700_000, 1], samples[-1, 1]) == (0.0, 0.0, 0.0)
    assert found.true_peak_dbtp == pytest.approx(decibels(0.5), abs=1.0)


def test_the_measurements_are_named_after_the_files_bytes() -> None:
    one = Fetched("aa", 1, 1, "wav", Tags())
    assert inspect.fingerprint(one) == inspect.fingerprint(Fetched("aa", 2, 3, "mp3", Tags("x")))
    assert inspect.fingerprint(one) != inspect.fingerprint(Fetched("ab", 1, 1, "wav", Tags()))
