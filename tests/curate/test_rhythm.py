"""Beats, onsets and tempo of click tracks and drum patterns."""

import itertools

import numpy as np
import pytest
import sounds

from curate import audio
from curate.labels import onsets, rhythm
from curate.labels.onsets import CURVE_RATE, RATE

BEATS_BPM = (60, 75, 90, 100, 120, 140, 160, 180)


def analysed(bpm: float, start: float = 0.0) -> rhythm.Rhythm:
    return rhythm.analyse(sounds.clicks(bpm, 20, rate=RATE, start=start))


@pytest.mark.parametrize("bpm", BEATS_BPM)
def test_the_tempo_of_clicks_is_found(bpm: float) -> None:
    found = analysed(bpm)
    assert found.bpm == pytest.approx(bpm, rel=0.002)
    assert found.confidence > (0.5 if bpm in (60, 180) else 0.9)  # 120 and 90 are near


@pytest.mark.parametrize("bpm", [75, 120])
def test_beats_fall_on_clicks(bpm: float) -> None:
    beats = analysed(bpm).beats
    off = np.abs(beats * bpm / 60 - np.round(beats * bpm / 60)) * 60 / bpm
    assert len(beats) >= 0.9 * 20 * bpm / 60
    assert off.max() < 0.04


def test_a_window_has_its_own_beats_and_onsets() -> None:
    found = analysed(120)
    beats, count = found.within(5.01, 10.01)
    assert count == 10
    assert len(beats) == 10
    assert beats.min() >= 5.01
    assert beats.max() < 10.01


@pytest.mark.parametrize(
    "samples", [np.zeros(0), np.zeros(10 * RATE), sounds.clicks(120, 3, rate=RATE)]
)
def test_silence_and_moments_have_no_tempo(samples: np.ndarray) -> None:
    found = rhythm.analyse(samples.astype(np.float32))
    assert (found.bpm, found.confidence, len(found.beats)) == (None, 0.0, 0)


@pytest.mark.parametrize("seed", range(4))
def test_noise_has_no_sure_tempo(seed: int) -> None:
    samples = sounds.noise(20, seed=seed, rate=RATE)[:, 0]
    assert rhythm.analyse(samples).confidence < 0.2


def test_a_window_has_the_tempo_of_its_own_sound() -> None:
    """90 then 140 a minute: no beat of one is counted in the other."""
    parts = [sounds.clicks(bpm, 20, rate=RATE) for bpm in (90, 140)]
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
    clicks = sounds.clicks(60, 10, rate=RATE)
    found = rhythm.analyse(np.concatenate([clicks, np.zeros(20 * RATE, np.float32)]))
    assert found.tempo_within(*window) == (None, 0.0)


def test_the_tempo_survives_resampling() -> None:
    single = audio.resample(sounds.clicks(96, 20), sounds.RATE, RATE, quality="LQ")
    assert rhythm.analyse(single).bpm == pytest.approx(96, rel=0.002)


# --- patterns -----------------------------------------------------------------------------------


def stroke(drum: str) -> np.ndarray:
    """An eighth of a second of an instrument of a very small band."""
    time = np.arange(RATE // 8) / RATE
    hiss = np.random.default_rng(1).standard_normal(len(time))
    return {
        "kick": np.sin(2 * np.pi * 60 * time) * np.exp(-25 * time),
        "snare": 0.5 * hiss * np.exp(-30 * time),
        "hat": 0.25 * np.diff(hiss, prepend=0.0) * np.exp(-90 * time),
        "rim": 0.5 * np.sin(2 * np.pi * 900 * time) * np.exp(-80 * time),
        "bass": 0.5 * np.sin(2 * np.pi * 110 * time) * np.exp(-8 * time),
        "chord": sum(np.sin(2 * np.pi * f * time) for f in (262, 330, 392))
        * 0.2
        * np.exp(-10 * time),
    }[drum]


def played(band: dict[str, str], bpm: float, grid: int, swing: float = 0.5) -> np.ndarray:
    """24 s of bars, one character a step: X loud, x less, o soft; so many steps a beat."""
    out = np.zeros(25 * RATE)
    for drum, bar in band.items():
        sound = stroke(drum)
        for step in range(int(24 * bpm / 60 * grid)):
            beat, share = divmod(step, grid)
            place = round(
                (beat + (swing if grid == 2 and share else share / grid)) * 60 / bpm * RATE
            )
            loud = {"X": 1.0, "x": 0.6, "o": 0.35, ".": 0.0}[bar[step % len(bar)]]
            out[place : place + len(sound)] += loud * sound
    return (0.5 * out / np.abs(out).max()).astype(np.float32)


@pytest.mark.parametrize(
    ("band", "grid", "tempi"),
    [
        pytest.param(
            {"kick": "X...X...", "snare": "..X...X.", "hat": "xxxxxxxx"},
            2,
            (92, 104, 116, 126),
            id="four-four",
        ),
        pytest.param(
            {"kick": "X.X.X.X.", "hat": ".x.x.x.x", "snare": "..x...x."},
            2,
            (110, 120, 138),
            id="four on the floor",
        ),
        pytest.param(
            {"kick": "X.....", "hat": "..x.x.", "bass": "X....."},
            2,
            (90, 110, 140),
            id="three-four",
        ),
        pytest.param(
            {"kick": "X.....X...", "snare": "....X...X.", "hat": "x.x.x.x.x."},
            2,
            (90, 110, 140),
            id="five-four",
        ),
        pytest.param(
            {"kick": "X...X..", "snare": "..X..X.", "hat": "xxxxxxx"},
            2,
            (104, 110),
            id="seven-eight",
        ),
        pytest.param({"kick": "X..X..X.", "hat": "xxxxxxxx"}, 2, (104, 116), id="tresillo"),
        pytest.param(
            {"rim": "X..X..X...X.X...", "kick": "X.......X.......", "hat": "x.x.x.x.x.x.x.x."},
            4,
            (96, 108),
            id="clave",
        ),
        pytest.param(
            {"kick": "X.......", "snare": "....X...", "hat": "x.x.x.x."},
            2,
            (90, 104),
            id="half-time",
        ),
        pytest.param(
            {"kick": "X...X...", "chord": ".X.X.X.X", "hat": ".x.x.x.x"},
            2,
            (90, 104, 116),
            id="off-beat",
        ),
        pytest.param(
            {"bass": "X...X...", "chord": ".X.X.X.X"}, 2, (90, 104, 116), id="off-beat, no drums"
        ),
        pytest.param({"bass": "X...X...", "chord": "xoxoxoxo"}, 2, (96, 110), id="no drums"),
        pytest.param({"chord": "X.......", "bass": "X...x..."}, 4, (70, 84, 100), id="few notes"),
    ],
)
def test_the_tempo_of_a_pattern_is_that_of_its_beats(
    band: dict[str, str], grid: int, tempi: tuple[float, ...]
) -> None:
    for bpm in tempi:
        found = rhythm.analyse(played(band, bpm, grid))
        assert found.bpm == pytest.approx(bpm, rel=0.01)
        assert found.confidence > 0.6


@pytest.mark.parametrize("bpm", [84, 100, 116, 126])
def test_a_shuffles_tempo_is_that_of_its_beats(bpm: float) -> None:
    band = {"kick": "X...X...", "snare": "..X...X.", "hat": "xxxxxxxx"}
    found = rhythm.analyse(played(band, bpm, 2, swing=2 / 3))
    assert found.bpm == pytest.approx(bpm, rel=0.01)
    assert found.confidence > 0.9


@pytest.mark.parametrize("bpm", [70, 84])
def test_sixteenths_leave_it_open_what_is_counted(bpm: float) -> None:
    """A slow beat with sixteenths is a fast one with eighths: either, but never surely."""
    band = {"kick": "X.....X.X.......", "snare": "....X.......X...", "hat": "xoxoxoxoxoxoxoxo"}
    found = rhythm.analyse(played(band, bpm, 4))
    assert found.bpm == pytest.approx(bpm, rel=0.01) or found.bpm == pytest.approx(
        2 * bpm, rel=0.01
    )
    assert 0.3 < found.confidence < 0.8


# --- the committee ------------------------------------------------------------------------------


def pulses(bpm: float, weak: float = 1.0, seconds: float = 30.0) -> onsets.Curve:
    curve = np.zeros(round(seconds * CURVE_RATE), np.float32)
    places = np.round(np.arange(0.5, seconds - 0.5, 60 / bpm) * CURVE_RATE).astype(int)
    curve[places] = np.where(np.arange(len(places)) % 2 == 0, 1.0, weak)
    return curve


@pytest.mark.parametrize("order", list(itertools.permutations([0, 1, 2])))
def test_the_majority_of_trackers_is_believed(order: tuple[int, ...]) -> None:
    curves = np.stack([pulses(100), pulses(100), pulses(71)])[list(order)]
    beats, agreed = rhythm.beats_of(curves)
    assert agreed == 2
    assert 60 / np.median(np.diff(beats)) == pytest.approx(100, rel=0.02)


@pytest.mark.parametrize(
    ("tempi", "agreed"), [((100, 100, 100), 3), ((100, 100, 71), 2), ((92, 101, 112), 1)]
)
def test_the_more_trackers_agree_the_surer_is_the_tempo(
    tempi: tuple[float, ...], agreed: int
) -> None:
    curves = np.stack([pulses(bpm) for bpm in tempi])
    assert rhythm.beats_of(curves)[1] == agreed
    _, bpm, confidence = rhythm.track(curves)
    assert any(bpm == pytest.approx(one, rel=0.01) for one in tempi)
    assert confidence == pytest.approx(rhythm.AGREED[agreed - 1], rel=0.06)


@pytest.mark.parametrize(
    ("weak", "bpm", "sure"), [(1.0, 130, 1.0), (0.6, 130, 0.72), (0.2, 65, 0.72)]
)
def test_an_open_octave_is_less_sure(weak: float, bpm: float, sure: float) -> None:
    """130 a minute, every other beat weaker: the weaker, the likelier 65 is meant."""
    _, found, confidence = rhythm.track(np.stack([pulses(130, weak)] * 3))
    assert found == pytest.approx(bpm, rel=0.01)
    assert confidence == pytest.approx(rhythm.AGREED[2] * sure, rel=0.06)


def test_beats_that_waver_are_less_sure() -> None:
    places = np.cumsum(0.6 + 0.1 * np.sin(np.arange(45) * 0.9))
    curve = np.zeros(round(30 * CURVE_RATE), np.float32)
    curve[np.round(places * CURVE_RATE).astype(int)] = 1.0
    wavering, steady = (rhythm.track(np.stack([c] * 3))[2] for c in (curve, pulses(100)))
    assert wavering < 0.8 * steady
