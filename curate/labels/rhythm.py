"""Onsets, beats and tempo from one onset-strength curve.

Essentia's `RhythmExtractor2013` is the yardstick for tempo: `multifeature` is accurate but takes
0.3 s for 30 s of audio, `degara` 0.1 s without a confidence. Here the curve (log-mel spectral flux)
is computed once and feeds both onset picking and Essentia's own beat tracker, `TempoTapDegara`:
over the whole, and over any window by itself, which takes 2 ms for 30 s. The figures of all of them
on pieces of known tempo are in tests/bench/README.md.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from curate.labels.essentia import algorithms
from curate.records import Bpm, Hertz, Seconds, Share

RATE: Hertz = 22050
FRAME = 1024
HOP = 256
CURVE_RATE = RATE / HOP
"""86.1 values a second: what TempoTapDegara expects."""

BANDS = 64
MIN_SECONDS: Seconds = 4.0
"""In less than this no tempo can be told."""

FAST_BPM: Bpm = 118.0
SLOW_BPM: Bpm = 95.0
EMPTY, UNEVEN = 0.1, 0.45
FULL, EVEN = 0.65, 0.65
"""Evidence for another octave: strength half-way between beats, and of the weaker of alternate
beats, as shares of the beats' own and of the stronger's."""

GROUPED = 0.4
CLEARLY = 1.1
LEAST = 0.1
"""Evidence that the tracker groups the steps between beats wrongly, in twos for threes: strength of
these steps as a share of the beats', by how much the curve must repeat better after four and eight
of them than after six (or after three and six than after four), and what counts as repeating at
all. What these rules bring, and on what they were set, is in tests/bench/README.md."""

LIKE = 0.85
SOME, MUCH = 0.2, 0.5
HALF_FULL = 0.3
"""What leaves the octave open: every other one of fast beats weaker than `LIKE`, though not weak
enough to go; something half-way between fast beats, but less than an off-beat; something half-way
between slow ones, though not enough to join."""

MIN_BEATS = 8
"""A window with fewer has no tempo of its own."""

OCTAVE_RIGHT: tuple[Share, ...] = (0.97, 0.8, 0.5)
"""How often the octave is right where nothing, one thing or two leave it open."""

Curve = npt.NDArray[np.float32]
Times = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The rhythm of a recording.

    Attributes:
        bpm: Tempo of the whole; None where no beat was found.
        confidence: How much of the curve's periodicity the tempo explains and how steady the beats
            are, 0..1.
        beats: Times of the beats.
        onsets: Times of the onsets.
        curve: Onset strength, `CURVE_RATE` values a second.
    """

    bpm: Bpm | None
    confidence: Share
    beats: Times
    onsets: Times
    curve: Curve = field(default_factory=lambda: np.zeros(0, np.float32))

    def within(self, start: Seconds, end: Seconds) -> tuple[Times, int]:
        """Beats of a window, and how many onsets it holds."""
        beats = self.beats[(self.beats >= start) & (self.beats < end)]
        return beats, int(np.sum((self.onsets >= start) & (self.onsets < end)))

    def tempo_within(self, start: Seconds, end: Seconds) -> tuple[Bpm | None, Share]:
        """Tempo of a window and how sure it is, from nothing but the window.

        Beats tracked over the whole carry the tempo of one section over into the next: a window
        tracked by itself is right more often where the tempo changes, and as often where not.
        """
        curve = self.curve[round(start * CURVE_RATE) : round(end * CURVE_RATE)]
        _, onsets = self.within(start, end)
        beats, bpm, confidence = track(curve) if onsets else (np.zeros(0), None, 0.0)
        return (bpm, confidence) if len(beats) >= MIN_BEATS else (None, 0.0)


def analyse(single: npt.NDArray[np.float32]) -> Rhythm:
    """The rhythm of [T] at `RATE`."""
    curve = onset_strength(single)
    onsets = pick_onsets(curve)
    beats, bpm, confidence = track(curve) if len(onsets) else (np.zeros(0), None, 0.0)
    return Rhythm(bpm, confidence, beats, onsets, curve)


def track(curve: Curve) -> tuple[Times, Bpm | None, Share]:
    """Times of the beats of a curve, their tempo (None if there is none) and how sure it is.

    The confidence is how steady the beats are, times how much they stand out, times how clear their
    octave is. It is about the share of tempi that are right (tests/bench/README.md).
    """
    if len(curve) < MIN_SECONDS * CURVE_RATE:
        return np.zeros(0), None, 0.0
    ticks = algorithms().TempoTapDegara(sampleRateODF=CURVE_RATE)(np.ascontiguousarray(curve))
    beats = at_tactus(curve, np.asarray(ticks, np.float64))
    bpm = tempo_of(beats)
    if bpm is None:
        return beats, None, 0.0
    steady = float(np.mean(np.abs(np.diff(beats) * bpm / 60.0 - 1.0) < 0.05))
    contrast = float(_strength(curve, beats).mean() / (curve.mean() + 1e-9))
    clear = min(max((contrast - 1.0) / 3.0, 0.0), 1.0)
    return beats, bpm, round(steady * clear * _octave(curve, beats, bpm), 4)


def tempo_of(beats: Times) -> Bpm | None:
    """Tempo of consecutive beat times: from the median interval; None for fewer than 4 beats."""
    if len(beats) < 4:
        return None
    intervals = np.diff(beats)
    middle = float(np.median(intervals))
    near = intervals[np.abs(intervals - middle) < 0.1 * middle]  # their mean resolves finer
    return round(60.0 / (float(near.mean()) if len(near) else middle), 2)


def at_tactus(curve: Curve, beats: Times) -> Times:
    """Moves tracked beats to the pulse that people tap, where the tracker has another.

    First the metre: of steps that fill the time between beats, two where the music groups them in
    threes (6/8), or three where it groups them in twos (a clave), make a beat that nobody counts.
    Then the octave: fast beats of which every other one is weak, with nothing between them, are
    half-beats, and the strong ones stay; slow beats with equally strong onsets half-way are every
    other beat, and the half-way ones join. Any of it needs clear evidence, else the tracker's
    choice stands.
    """
    if len(beats) < MIN_BEATS:
        return beats
    beats = _in_metre(curve, beats)
    bpm = tempo_of(beats)
    if bpm is None:
        return beats
    level = _level(curve, beats)
    if bpm > FAST_BPM and level.halves < EMPTY and level.balance < UNEVEN:
        return _regrouped(curve, beats, 1, 2)
    if bpm < SLOW_BPM and level.halves > FULL and level.balance > EVEN:
        return _regrouped(curve, beats, 2, 1)
    return beats


def _in_metre(curve: Curve, beats: Times) -> Times:
    level = _level(curve, beats)
    period = float(np.median(np.diff(beats))) * CURVE_RATE
    into = 3 if level.thirds > GROUPED and level.halves < level.thirds / 2 else 2
    if into == 2 and not (level.halves > GROUPED and level.thirds < level.halves / 2):
        return beats
    lags = [round(steps * period / into) for steps in (3, 4, 6, 8)]
    three, four, six, eight = (max(value, LEAST) for value in _repetition(curve, lags))
    if into == 3 and min(four, eight) > CLEARLY * six:
        return _regrouped(curve, beats, 3, 2)
    if into == 2 and min(three, six) > CLEARLY * four:
        return _regrouped(curve, beats, 2, 3)
    return beats


def _regrouped(curve: Curve, beats: Times, into: int, group: int) -> Times:
    """Beats divided into so many steps, of which so many make a beat, from the strongest on."""
    places = np.arange((len(beats) - 1) * into + 1) / into
    steps = np.interp(places, np.arange(len(beats)), beats)
    return max((steps[at::group] for at in range(group)), key=lambda b: _strength(curve, b).mean())


def _repetition(curve: Curve, lags: list[int]) -> list[float]:
    """How well the curve repeats after about so many values; 0 beyond its end.

    Autocorrelation, summed over 60 ms, so that it matters little how sharp the onsets are.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    centred = curve - curve.mean()
    size = next_fast_len(2 * len(curve), real=True)
    spectrum = rfft(centred, size)
    every = irfft(spectrum.real**2 + spectrum.imag**2, size)[: len(curve)]
    every /= (len(curve) - np.arange(len(curve))) * max(float(centred.var()), 1e-12)
    return [float(every[max(lag - 2, 0) : lag + 3].sum()) for lag in lags]


def onset_strength(single: npt.NDArray[np.float32]) -> Curve:
    """Rectified log-mel flux of [T] at `RATE`: [T / HOP], largest value 1.

    Frames go through in slices so that memory does not grow with the recording.
    """
    from numpy.lib.stride_tricks import sliding_window_view
    from scipy.fft import rfft

    padded = np.concatenate([np.zeros(FRAME // 2, np.float32), single, np.zeros(FRAME, np.float32)])
    frames = sliding_window_view(padded, FRAME)[::HOP]
    window = np.hanning(FRAME).astype(np.float32)
    mel = _mel_bank()
    parts = []
    for start in range(0, len(frames), 2048):
        spectrum = rfft(frames[start : start + 2048] * window, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        parts.append(np.log1p(1e3 * np.sqrt(power @ mel)))
    bands = np.concatenate(parts)
    flux = np.maximum(bands[2:] - bands[:-2], 0.0).mean(axis=1)  # over two hops: soft attacks show
    curve = np.concatenate([np.zeros(1, np.float32), flux, np.zeros(1, np.float32)])
    top = float(curve.max(initial=0.0))
    return (curve / top if top > 1e-4 else np.zeros_like(curve)).astype(np.float32)


def pick_onsets(curve: Curve) -> Times:
    """Times (s) where the curve peaks above its surroundings (Boeck et al. 2012, off-line form)."""
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    if not len(curve):
        return np.zeros(0)
    peak = curve == maximum_filter1d(curve, 7)
    strong = curve > uniform_filter1d(curve, round(0.4 * CURVE_RATE)) + 0.06
    return np.flatnonzero(peak & strong) / CURVE_RATE


@dataclass(frozen=True, slots=True)
class _Level:
    """How the curve speaks of the beats' metrical level.

    Attributes:
        halves: Strength half-way between beats, as a share of the beats' own.
        thirds: Strength a third and two thirds of the way, likewise.
        balance: Strength of the weaker of alternate beats, as a share of the stronger.
    """

    halves: Share
    thirds: Share
    balance: Share


def _level(curve: Curve, beats: Times) -> _Level:
    """Strengths above the curve's floor, which noise and reverberation raise."""
    from scipy.ndimage import maximum_filter1d

    floor = float(np.median(maximum_filter1d(curve, 5)))

    def above(times: Times) -> float:
        return max(float(_strength(curve, times).mean()) - floor, 1e-9)

    first, gaps = beats[:-1], np.diff(beats)
    even, odd = above(beats[::2]), above(beats[1::2])
    thirds = np.concatenate([first + gaps / 3, first + gaps * 2 / 3])
    own = (even + odd) / 2
    balance = min(even, odd) / max(even, odd)
    return _Level(above(first + gaps / 2) / own, above(thirds) / own, balance)


def _octave(curve: Curve, beats: Times, bpm: Bpm) -> Share:
    """How likely it is that the beats are neither half nor double of what people tap."""
    level = _level(curve, beats)
    doubts = (
        bpm > FAST_BPM and UNEVEN <= level.balance < LIKE,
        bpm > FAST_BPM and SOME <= level.halves < MUCH,
        bpm < SLOW_BPM and level.halves > HALF_FULL,
    )
    return OCTAVE_RIGHT[sum(doubts)]


def _strength(curve: Curve, times: Times) -> Curve:
    """The curve's largest value within 25 ms of each time."""
    places = np.clip(np.round(times * CURVE_RATE).astype(int), 2, len(curve) - 3)
    return np.maximum.reduce([curve[places + shift] for shift in range(-2, 3)])


def _mel_bank() -> npt.NDArray[np.float32]:
    """[FRAME / 2 + 1, BANDS] triangles, evenly spaced in mel from 30 Hz to 10 kHz."""
    mels = np.linspace(_mel(30.0), _mel(10_000.0), BANDS + 2)
    edges = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    bins = np.arange(FRAME // 2 + 1) * RATE / FRAME
    rise = (bins[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[None, 2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rise, fall)).astype(np.float32)


def _mel(hertz: float) -> float:
    return 2595.0 * float(np.log10(1.0 + hertz / 700.0))
