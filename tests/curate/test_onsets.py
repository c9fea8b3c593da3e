"""Onset strength of sounds whose onsets are known."""

import numpy as np
import pytest
import sounds

from curate.labels import onsets
from curate.labels.onsets import CURVE_RATE, RATE

LOG_MEL, COMPLEX, ENERGY = 0, 1, 2


def test_every_curve_follows_the_sound_and_not_the_blocks() -> None:
    """A minute is more than two blocks."""
    curves = onsets.strengths(sounds.clicks(100, 60, rate=RATE))
    assert curves.shape == (3, pytest.approx(60 * CURVE_RATE, abs=5))
    assert curves.dtype == np.float32
    assert curves.max(axis=1).tolist() == [1.0, 1.0, 1.0]
    assert curves.min() == 0.0
    there = np.arange(1, 99) * 0.6
    for curve in curves:
        assert onsets.at(curve, there).min() > 0.2
        assert onsets.at(curve, there + 0.3).max() < 0.01


def test_a_steady_tone_has_no_onset_but_its_edges() -> None:
    """Nor where one block ends and the next begins."""
    curves = onsets.strengths(sounds.sine(440, 60, rate=RATE)[:, 0])
    assert curves.max(axis=1).tolist() == [1.0, 1.0, 1.0]
    assert curves[:, round(0.2 * CURVE_RATE) : round(59.8 * CURVE_RATE)].max() < 0.01


def test_the_complex_difference_hears_notes_that_are_no_louder() -> None:
    """A tone that glides to another pitch within a moment, at the same level, every second."""
    clock = np.arange(20 * RATE) / RATE
    hertz = np.where(clock.astype(int) % 2 == 0, 440.0, 494.0)
    single = (0.5 * np.sin(2 * np.pi * np.cumsum(hertz) / RATE)).astype(np.float32)
    curves = onsets.strengths(single)
    changes, between = np.arange(1.0, 19.0), np.arange(1.5, 19.0)
    assert onsets.at(curves[COMPLEX], changes).min() > 0.1
    assert onsets.at(curves[COMPLEX], between).max() < 0.01
    assert onsets.at(curves[ENERGY], changes).max() < 0.03


@pytest.mark.parametrize("seconds", [0, 0.01, 1, 25])
def test_silence_has_no_strength(seconds: float) -> None:
    curves = onsets.strengths(np.zeros(round(seconds * RATE), np.float32))
    assert curves.shape[0] == 3
    assert curves.shape[1] >= round(seconds * CURVE_RATE)
    assert not curves.any()
    assert not len(onsets.pick(curves[LOG_MEL]))


@pytest.mark.parametrize("bpm", [60, 100, 140, 180])
def test_every_click_is_an_onset_and_nothing_else_is(bpm: float) -> None:
    there = np.arange(0.5, 20 - 0.05, 60 / bpm)
    curves = onsets.strengths(sounds.clicks(bpm, 20, rate=RATE, start=0.5))
    found = onsets.pick(curves[LOG_MEL])
    assert len(found) == len(there)
    assert np.abs(found - there).max() < 0.025


def test_of_an_empty_curve_nothing_is_picked() -> None:
    assert onsets.pick(np.zeros(0, np.float32)).tolist() == []


def test_strength_at_a_time_is_the_largest_within_25_ms() -> None:
    curve = np.zeros(100, np.float32)
    curve[50] = 0.7
    times = np.array([47.0, 48.0, 50.0, 52.0, 53.0, -5.0, 500.0]) / CURVE_RATE
    assert onsets.at(curve, times) == pytest.approx([0, 0.7, 0.7, 0.7, 0, 0, 0])
