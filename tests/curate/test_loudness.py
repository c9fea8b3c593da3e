"""Loudness against the signals of EBU Tech 3341 and against Essentia's own meter."""

import numpy as np
import pytest
import sounds

from curate import loudness
from curate.labels.essentia import algorithms

RATE = 48000


def measured(samples: sounds.Samples, rate: int = RATE) -> float:
    return loudness.integrated(loudness.block_energy(samples, rate))


def tones(*parts: tuple[float, float]) -> sounds.Samples:
    """Stereo 1 kHz sines of (dBFS, seconds), one after the other."""
    made = [
        sounds.sine(1000, seconds, peak=10 ** (dbfs / 20), rate=RATE, channels=2)
        for dbfs, seconds in parts
    ]
    return np.concatenate(made)


@pytest.mark.parametrize(
    ("parts", "lufs"),
    [
        pytest.param([(-23, 20)], -23.0, id="case 1"),
        pytest.param([(-33, 20)], -33.0, id="case 2"),
        pytest.param([(-36, 10), (-23, 60), (-36, 10)], -23.0, id="case 3"),
        pytest.param([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0, id="case 4"),
        pytest.param([(-26, 20), (-20, 20.1), (-26, 20)], -23.0, id="case 5"),
    ],
)
def test_the_signals_of_ebu_tech_3341(parts: list[tuple[float, float]], lufs: float) -> None:
    assert measured(tones(*parts)) == pytest.approx(lufs, abs=0.1)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 44100, 48000])
def test_essentia_measures_the_same(rate: int) -> None:
    samples = sounds.noise(10, seed=rate, rate=rate, channels=2)
    swell = 0.1 + np.abs(np.sin(np.arange(len(samples)) / rate))
    samples = (samples * swell[:, None]).astype(np.float32)
    theirs = algorithms().LoudnessEBUR128(sampleRate=rate)(samples)[2]
    assert measured(samples, rate) == pytest.approx(theirs, abs=0.02)


def test_two_equal_channels_are_twice_the_energy_of_one() -> None:
    one, two = (sounds.sine(1000, 5, rate=RATE, channels=n) for n in (1, 2))
    assert measured(two) - measured(one) == pytest.approx(10 * np.log10(2), abs=1e-6)


def test_half_the_amplitude_is_6_db_less() -> None:
    samples = sounds.noise(5, rate=RATE)
    assert measured(samples) - measured(samples / 2) == pytest.approx(20 * np.log10(2), abs=1e-4)


@pytest.mark.parametrize(("rate", "hop"), [(48000, 4800), (22050, 2205), (11025, 1102)])
def test_energy_is_kept_of_every_whole_tenth_of_a_second(rate: int, hop: int) -> None:
    samples = sounds.noise(1, rate=rate, channels=2)
    assert loudness.block_energy(samples, rate).shape == (len(samples) // hop,)
    assert loudness.block_energy(samples[: hop - 1], rate).shape == (0,)
    assert loudness.block_energy(samples[:0], rate).shape == (0,)


@pytest.mark.parametrize("rest", [0, 1, 4799, 4800])
def test_any_length_can_be_measured(monkeypatch: pytest.MonkeyPatch, rest: int) -> None:
    """Also where the last slice holds no whole block: one track in sixty."""
    monkeypatch.setattr(loudness, "_FILTER_FRAMES", 48_000)
    samples = sounds.sine(1000, 4, rate=RATE)[: 96_000 + rest]
    assert measured(samples) == pytest.approx(20 * np.log10(0.5) - 3.01, abs=0.1)


def test_filtering_in_slices_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = sounds.noise(3, rate=RATE, channels=2)
    whole = loudness.block_energy(samples, RATE)
    monkeypatch.setattr(loudness, "_FILTER_FRAMES", 10_000)
    assert np.allclose(loudness.block_energy(samples, RATE), whole, rtol=1e-9)


def test_any_window_can_be_measured_of_one_pass() -> None:
    samples = tones((-40, 5), (-20, 5))
    energy = loudness.block_energy(samples, RATE)
    assert loudness.integrated(energy[:50]) == pytest.approx(-40, abs=0.1)
    assert loudness.integrated(energy[51:]) == pytest.approx(-20, abs=0.1)


@pytest.mark.parametrize("samples", [np.zeros((RATE, 2)), tones((-75, 2)), tones((0, 0.39))])
def test_what_does_not_pass_the_gate_is_silence(samples: sounds.Samples) -> None:
    assert measured(samples) == -70.0
