"""Which pulse is counted, on curves whose metre is known."""

import numpy as np
import pytest

from curate.labels import tactus
from curate.labels.onsets import CURVE_RATE, Curve, Curves


def spikes(times: np.ndarray, heights: np.ndarray, seconds: float) -> Curve:
    curve = np.zeros(round(seconds * CURVE_RATE), np.float32)
    curve[np.round(times * CURVE_RATE).astype(int)] = heights
    return curve


def alike(curve: Curve) -> Curves:
    """Three curves that say the same."""
    return np.stack([curve] * 3)


def steps(pattern: str, step: float, seconds: float = 26.0) -> tuple[Curves, np.ndarray]:
    """Curves with the bar `pattern` (tenths of full strength) repeated, and its steps' times."""
    bars = round(seconds / step / len(pattern))
    heights = np.tile([int(c) / 10 for c in pattern], bars)
    times = 0.5 + np.arange(len(heights)) * step
    return alike(spikes(times, heights, float(times[-1]) + 1.0)), times


# --- tempo --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("beats", "bpm"),
    [
        (np.arange(10) * 0.5, 120.0),
        (np.arange(4) * 0.4, 150.0),
        (np.arange(3) * 0.5, None),
        (np.zeros(0), None),
        (np.array([0.0, 0.5, 1.0, 1.5, 3.5, 4.0, 4.5]), 120.0),  # a pause
        (np.cumsum([0.49, 0.51] * 8 + [0.49]), 120.0),
    ],
)
def test_tempo_is_that_of_the_usual_interval(beats: np.ndarray, bpm: float | None) -> None:
    assert tactus.tempo_of(beats) == bpm


# --- octave -------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 1])
def test_half_beats_give_way_to_the_beats(first: int) -> None:
    """160 a minute, every other one weak and nothing between: what is tapped is 80."""
    tracked = 0.5 + np.arange(32) * 0.375
    heights = np.where(np.arange(32) % 2 == first, 1.0, 0.3)
    kept = tactus.at_tactus(alike(spikes(tracked, heights, 14)), tracked)
    assert np.array_equal(kept, tracked[first::2])


@pytest.mark.parametrize("other", [0, 1, 2])
def test_half_beats_stay_unless_every_curve_knows_them(other: int) -> None:
    """A snare on every other beat is weak in the bass only."""
    tracked = 0.5 + np.arange(32) * 0.375
    curves = alike(spikes(tracked, np.where(np.arange(32) % 2 == 0, 1.0, 0.3), 14))
    curves[other] = spikes(tracked, np.ones(32), 14)
    assert tactus.at_tactus(curves, tracked) is tracked


def test_every_other_beat_is_joined_by_those_between() -> None:
    """60 a minute with equal onsets half-way: what is tapped is 120."""
    played = 0.5 + np.arange(31) * 0.5
    found = tactus.at_tactus(alike(spikes(played, np.ones(31), 18)), played[::2])
    assert np.allclose(found, played)


@pytest.mark.parametrize(
    ("bpm", "weak", "between"),
    [
        (160, 0.6, 0.0),  # every other beat weaker, but not by half
        (160, 0.3, 0.3),  # and something between them
        (115, 0.3, 0.0),  # 57 would be slow
        (60, 0.3, 0.0),
        (60, 1.0, 0.5),  # the half-way ones are weaker
        (60, 0.5, 0.8),  # the beats are uneven: these are bars of two
        (92, 1.0, 1.0),  # 184 would be fast
    ],
)
def test_without_clear_evidence_the_tracker_is_believed(
    bpm: float, weak: float, between: float
) -> None:
    places = 0.5 + np.arange(64) * 30 / bpm
    heights = np.tile([1.0, between, weak, between], 16)
    curves = alike(spikes(places, heights, float(places[-1]) + 1.0))
    tracked = places[::2]
    assert tactus.at_tactus(curves, tracked) is tracked


def test_a_raised_floor_is_no_evidence() -> None:
    """Noise lifts what is between the beats; only what stands out of it counts."""
    tracked = 0.5 + np.arange(32) * 0.375
    heights = np.where(np.arange(32) % 2 == 0, 1.0, 0.3)
    lifted = np.maximum(spikes(tracked, heights, 14), np.float32(0.2))
    assert np.array_equal(tactus.at_tactus(alike(lifted), tracked), tracked[::2])


@pytest.mark.parametrize("count", [0, 1, 3, 7])
def test_a_few_beats_stay_as_they_are(count: int) -> None:
    tracked = 0.5 + np.arange(count) * 0.375
    curves = alike(spikes(tracked, np.where(np.arange(count) % 2 == 0, 1.0, 0.1), 14))
    assert tactus.at_tactus(curves, tracked) is tracked


# --- metre --------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["935735", "934634", "955755755755"])
@pytest.mark.parametrize("step", [0.32, 0.26, 0.21])
def test_steps_in_threes_are_not_beaten_in_twos(pattern: str, step: float) -> None:
    """Six-eight and twelve-eight of 62 to 95 a minute: the tracker takes two steps of three."""
    curves, times = steps(pattern, step)
    assert np.allclose(tactus.at_tactus(curves, times[::2]), times[::3])


@pytest.mark.parametrize(
    ("pattern", "group"),
    [
        ("93", 2),  # off-beats between beats, nothing longer than a beat
        ("93734383", 2),  # four-four
        ("39374838", 2),  # four-four, off-beats accented
        ("94449444", 2),  # half-time: nothing but the bar is accented
        ("937373", 2),  # three-four: six steps come back, but three do not
        ("9373737373", 2),  # five-four
        ("9544954454", 2),  # five-four as 4 + 4 + 2 steps
        ("94494494", 2),  # tresillo: three steps come back once, then two
        ("9449449494", 2),  # five-four as 3 + 3 + 2 + 2
        ("94494449449494444"[:16], 2),  # clave
        ("9474744", 2),  # seven-eight as 2 + 2 + 3
        ("9447474", 2),  # seven-eight as 3 + 2 + 2
        ("909604806", 3),  # swung: the last of three steps
        ("905805", 3),
        ("935735", 3),  # six-eight, as it is
        ("934834734", 3),
    ],
)
@pytest.mark.parametrize("first", [0, 1])
def test_a_metre_that_fits_stays(pattern: str, group: int, first: int) -> None:
    curves, times = steps(pattern, 0.6 / group)
    tracked = times[first * group :: group]
    assert tactus.at_tactus(curves, tracked) is tracked


def test_steps_that_come_back_by_chance_are_no_metre() -> None:
    """Noise between the beats repeats after three steps as little as after any."""
    curves, times = steps("9595", 0.3)
    heights = np.random.default_rng(1).uniform(0.4, 1.0, len(times))
    curves = alike(spikes(times, heights, float(times[-1]) + 1.0))
    assert tactus.at_tactus(curves, times[::2]) is not None
    assert len(tactus.at_tactus(curves, times[::2])) == len(times[::2])


# --- doubt --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bpm", "weak", "between", "doubt"),
    [
        (130, 1.0, 0.0, False),
        (130, 0.8, 0.0, False),
        (130, 0.6, 0.0, True),  # every other beat weaker: 65 may be meant
        (130, 0.6, 0.5, True),  # with off-beats, too
        (105, 0.5, 0.0, False),  # 52 is not
        (80, 1.0, 0.0, False),
        (80, 1.0, 0.2, False),
        (80, 1.0, 0.4, True),  # something half-way: 160 may be meant
        (105, 1.0, 0.9, False),  # 210 is not
    ],
)
def test_an_open_octave_is_told(bpm: float, weak: float, between: float, doubt: bool) -> None:
    places = 0.5 + np.arange(64) * 30 / bpm
    heights = np.tile([1.0, between, weak, between], 16)
    curves = alike(spikes(places, heights, float(places[-1]) + 1.0))
    assert tactus.doubtful(curves, places[::2]) is doubt


def test_of_a_doubt_the_middle_one_of_three_curves_decides() -> None:
    tracked = 0.5 + np.arange(32) * 0.46
    weaker = spikes(tracked, np.where(np.arange(32) % 2 == 0, 1.0, 0.5), 16)
    even = spikes(tracked, np.ones(32), 16)
    assert tactus.doubtful(np.stack([weaker, even, weaker]), tracked)
    assert not tactus.doubtful(np.stack([even, weaker, even]), tracked)


def test_a_few_beats_are_always_in_doubt() -> None:
    tracked = 0.5 + np.arange(7) * 0.6
    assert tactus.doubtful(alike(spikes(tracked, np.ones(7), 6)), tracked)
