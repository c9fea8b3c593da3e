"""Beats, onsets and tempo of click tracks."""

import numpy as np
import pytest
import sounds

from curate import audio
from curate.labels import rhythm

BEATS_BPM = (60, 75, 90, 100, 120, 140, 160, 180)


def analysed(bpm: float, start: float = 0.0) -> rhythm.Rhythm:
    return rhythm.analyse(sounds.clicks(bpm, 20, rate=rhythm.RATE, start=start))


@pytest.mark.parametrize("bpm", BEATS_BPM)
def test_the_tempo_of_clicks_is_found(bpm: float) -> None:
    found = analysed(bpm)
    assert found.bpm == pytest.approx(bpm, rel=0.002)
    assert found.confidence > 0.9


@pytest.mark.parametrize("bpm", BEATS_BPM)
def test_every_click_is_an_onset_and_nothing_else_is(bpm: float) -> None:
    there = np.arange(0.5, 20 - 0.05, 60 / bpm)
    found = analysed(bpm, start=0.5).onsets
    assert len(found) == len(there)
    assert np.abs(found - there).max() < 0.025


@pytest.mark.parametrize("bpm", [75, 120])
def test_beats_fall_on_clicks(bpm: float) -> None:
    beats = analysed(bpm).beats
    off = np.abs(beats * bpm / 60 - np.round(beats * bpm / 60)) * 60 / bpm
    assert len(beats) >= 0.9 * 20 * bpm / 60
    assert off.max() < 0.04


def test_a_window_has_its_own_beats_and_onsets() -> None:
    found = analysed(120)
    beats, onsets = found.within(5.01, 10.01)
    assert onsets == 10
    assert len(beats) == 10
    assert beats.min() >= 5.01
    assert beats.max() < 10.01


@pytest.mark.parametrize(
    "samples", [np.zeros(0), np.zeros(10 * rhythm.RATE), sounds.clicks(120, 3, rate=rhythm.RATE)]
)
def test_silence_and_moments_have_no_tempo(samples: np.ndarray) -> None:
    found = rhythm.analyse(samples.astype(np.float32))
    assert (found.bpm, found.confidence, len(found.beats)) == (None, 0.0, 0)


def test_noise_has_no_sure_tempo() -> None:
    assert rhythm.analyse(sounds.noise(20, rate=rhythm.RATE)[:, 0]).confidence < 0.15


def test_a_window_has_the_tempo_of_its_own_sound() -> None:
    """90 then 140 a minute: no beat of one is counted in the other."""
    parts = [sounds.clicks(bpm, 20, rate=rhythm.RATE) for bpm in (90, 140)]
    found = rhythm.analyse(np.concatenate(parts))
    for bpm, start in ((90, 0.0), (140, 20.0)):
        own, confidence = found.tempo_within(start, start + 20)
        assert own == pytest.approx(bpm, rel=0.002)
        assert confidence > 0.9
    across, doubtful = found.tempo_within(10.0, 30.0)
    assert across is not None
    assert doubtful < 0.8


@pytest.mark.parametrize("window", [(0.0, 3.9), (5.0, 9.0), (12.0, 22.0), (30.0, 40.0)])
def test_a_window_with_few_beats_has_no_tempo(window: tuple[float, float]) -> None:
    """Too short; slow; silent; behind the end."""
    clicks = sounds.clicks(60, 10, rate=rhythm.RATE)
    found = rhythm.analyse(np.concatenate([clicks, np.zeros(20 * rhythm.RATE, np.float32)]))
    assert found.tempo_within(*window) == (None, 0.0)


@pytest.mark.parametrize(
    ("beats", "bpm"),
    [
        (np.arange(10) * 0.5, 120.0),
        (np.arange(4) * 0.4, 150.0),
        (np.arange(3) * 0.5, None),
        (np.array([0.0, 0.5, 1.0, 1.5, 3.5, 4.0, 4.5]), 120.0),  # a pause
        (np.cumsum([0.49, 0.51] * 8 + [0.49]), 120.0),
    ],
)
def test_tempo_is_that_of_the_usual_interval(beats: np.ndarray, bpm: float | None) -> None:
    assert rhythm.tempo_of(beats) == bpm


def spikes(times: np.ndarray, heights: np.ndarray, seconds: float) -> rhythm.Curve:
    curve = np.zeros(round(seconds * rhythm.CURVE_RATE), np.float32)
    curve[np.round(times * rhythm.CURVE_RATE).astype(int)] = heights
    return curve


def test_half_beats_give_way_to_the_beats() -> None:
    """160 a minute, every other one weak and nothing between: what is tapped is 80."""
    tracked = 0.5 + np.arange(32) * 0.375
    for first in (0, 1):
        heights = np.where(np.arange(32) % 2 == first, 1.0, 0.3)
        kept = rhythm.at_tactus(spikes(tracked, heights, 14), tracked)
        assert np.array_equal(kept, tracked[first::2])


def test_every_other_beat_is_joined_by_those_between() -> None:
    """60 a minute with equal onsets half-way: what is tapped is 120."""
    played = 0.5 + np.arange(31) * 0.5
    found = rhythm.at_tactus(spikes(played, np.ones(31), 18), played[::2])
    assert np.allclose(found, played)


@pytest.mark.parametrize(("interval", "weak"), [(0.375, 0.9), (0.52, 0.3), (1.0, 0.3)])
def test_without_clear_evidence_the_tracker_is_believed(interval: float, weak: float) -> None:
    tracked = 0.5 + np.arange(16) * interval
    heights = np.where(np.arange(16) % 2 == 0, 1.0, weak)
    assert rhythm.at_tactus(spikes(tracked, heights, 20), tracked) is tracked


def test_a_raised_floor_is_no_evidence() -> None:
    """Noise lifts what is between the beats; only what stands out of it counts."""
    tracked = 0.5 + np.arange(32) * 0.375
    heights = np.where(np.arange(32) % 2 == 0, 1.0, 0.3)
    lifted = np.maximum(spikes(tracked, heights, 14), np.float32(0.2))
    assert np.array_equal(rhythm.at_tactus(lifted, tracked), tracked[::2])


def steps(pattern: str, step: float, bars: int) -> tuple[rhythm.Curve, np.ndarray]:
    """A curve with the bar `pattern` (tenths of full strength) repeated, and its steps' times."""
    heights = np.tile([int(c) / 10 for c in pattern], bars)
    times = 0.5 + np.arange(len(heights)) * step
    return spikes(times, heights, float(times[-1]) + 1.0), times


def test_steps_in_threes_are_not_beaten_in_twos() -> None:
    """Six-eight, 62 a minute: the tracker's 93 takes two steps of three."""
    curve, times = steps("935735", 0.32, 16)
    assert np.allclose(rhythm.at_tactus(curve, times[::2]), times[::3])


def test_steps_in_twos_are_not_beaten_in_threes() -> None:
    """A syncopated bass, 140 a minute: the tracker's 93 takes three steps of two."""
    curve, times = steps("9347", 60 / 280, 32)
    moved = rhythm.at_tactus(curve, times[::3])
    assert rhythm.tempo_of(moved) == pytest.approx(140, rel=0.001)
    assert np.abs(moved[:, None] - times).min(axis=1).max() < 1e-6


@pytest.mark.parametrize(
    ("pattern", "group"),
    [
        ("93", 2),  # off-beats between beats, nothing longer than a beat
        ("93734383", 2),  # four-four
        ("937373", 2),  # three-four: six steps come back, but three do not
        ("935735", 3),  # six-eight, as it is
        ("934834734", 3),
    ],
)
def test_a_metre_that_fits_stays(pattern: str, group: int) -> None:
    curve, times = steps(pattern, 0.27, 72 // len(pattern))
    tracked = times[::group]
    assert rhythm.at_tactus(curve, tracked) is tracked


@pytest.mark.parametrize(
    ("bpm", "weak", "between", "confidence"),
    [
        (130, 1.0, 0.0, 0.97),
        (130, 0.7, 0.0, 0.8),  # every other beat weaker: 65 may be meant
        (130, 0.7, 0.35, 0.5),  # something half-way besides
        (130, 0.9, 0.7, 0.97),  # that much is an off-beat
        (100, 0.7, 0.0, 0.97),
        (80, 1.0, 0.0, 0.97),
        (80, 1.0, 0.4, 0.8),  # something half-way: 160 may be meant
        (100, 1.0, 0.4, 0.97),
    ],
)
def test_an_open_octave_is_told(bpm: float, weak: float, between: float, confidence: float) -> None:
    places = np.arange(0.5, 29, 30 / bpm)
    heights = np.tile([1.0, between, weak, between], len(places))[: len(places)]
    _, found, sure = rhythm.track(spikes(places, heights, 30))
    assert found == pytest.approx(bpm, rel=0.01)
    assert sure == pytest.approx(confidence, rel=0.08)


def test_onset_strength_follows_the_sound_and_not_the_slices() -> None:
    long = sounds.clicks(100, 60, rate=rhythm.RATE)
    curve = rhythm.onset_strength(long)
    assert len(curve) == pytest.approx(60 * rhythm.CURVE_RATE, abs=3)
    assert (curve.max(), curve.min()) == (1.0, 0.0)
    beats = np.flatnonzero(curve > 0.5) / rhythm.CURVE_RATE * 100 / 60
    assert set(np.round(beats)) == set(range(1, 100))
    assert np.abs(beats - np.round(beats)).max() * 60 / 100 < 0.04


def test_the_tempo_survives_resampling() -> None:
    single = audio.resample(sounds.clicks(96, 20), sounds.RATE, rhythm.RATE, quality="LQ")
    assert rhythm.analyse(single).bpm == pytest.approx(96, rel=0.002)
