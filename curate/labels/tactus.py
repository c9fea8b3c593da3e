"""The pulse that people tap, and how likely it is that tracked beats are it.

A tracker finds a pulse, but of several that fit (beats, half-beats, every other beat, two steps of
a bar in threes) it may take one that nobody counts. Beats are moved only where the evidence is
plain: rules that went further were right on the rhythms they were set on and wrong on others
(tests/bench/README.md). Where it is not plain, the doubt is told.
"""

from dataclasses import dataclass

import numpy as np

from curate.labels import onsets
from curate.labels.onsets import CURVE_RATE, Curve, Curves, Times
from curate.records import Bpm, Share

MIN_BEATS = 8
"""Fewer tell nothing of a metre, nor of the tempo of a window."""

FAST_BPM: Bpm = 118.0
EMPTY, UNEVEN = 0.15, 0.5
"""From what tempo on beats may be half-beats, and the evidence: in every curve, strength half-way
between beats at most this share of the beats' own, and every other beat weaker than this share of
those between."""

SLOW_BPM: Bpm = 90.0
FULL, EVEN = 0.6, 0.65
"""Up to what tempo beats may be every other beat, and the evidence: strength half-way between beats
at least this share of the beats' own, and no alternate beats weaker than this share."""

GROUPED = 0.4
CLEARLY = 1.05
LEAST = 0.1
"""Evidence that the tracker groups the steps between beats wrongly, in twos for threes: strength of
these steps as a share of the beats'; by how much better the curve repeats after three of them than
after two and after four; and what counts as repeating at all. It must repeat better after six than
after eight, too: a tresillo (3 + 3 + 2) does not."""

ALIKE = 0.7
FREE = 0.3
"""Fast beats this even are seldom half-beats, and slow ones with no more than this half-way between
them are seldom every other beat."""


@dataclass(frozen=True, slots=True)
class _Level:
    """How a curve speaks of the beats' metrical level.

    Attributes:
        halves: Strength half-way between beats, as a share of the beats' own.
        thirds: Strength a third and two thirds of the way, likewise.
        balance: Strength of the weaker of alternate beats, as a share of the stronger.
    """

    halves: Share
    thirds: Share
    balance: Share


def tempo_of(beats: Times) -> Bpm | None:
    """Tempo of consecutive beat times: from the median interval; None for fewer than 4 beats."""
    if len(beats) < 4:
        return None
    intervals = np.diff(beats)
    middle = float(np.median(intervals))
    near = intervals[np.abs(intervals - middle) < 0.1 * middle]  # their mean resolves finer
    return round(60.0 / (float(near.mean()) if len(near) else middle), 2)


def at_tactus(curves: Curves, beats: Times) -> Times:
    """Moves tracked beats to the pulse that people tap, where it plainly is another.

    First the metre: where the steps between beats come in threes (six-eight), two of them make a
    beat that nobody counts. Then the octave: fast beats of which every other one is weak in every
    curve, with nothing between them, are half-beats, and the strong ones stay; slow beats with
    equally strong onsets half-way are every other beat, and the half-way ones join.
    """
    beats = _in_metre(curves[0], beats)
    bpm = tempo_of(beats)
    if bpm is None or len(beats) < MIN_BEATS:
        return beats
    every = [_level(curve, beats) for curve in curves]
    if bpm > FAST_BPM and all(one.halves < EMPTY and one.balance < UNEVEN for one in every):
        return _regrouped(curves[0], beats, 1, 2)
    if bpm < SLOW_BPM and every[0].halves > FULL and every[0].balance > EVEN:
        return _regrouped(curves[0], beats, 2, 1)
    return beats


def doubtful(curves: Curves, beats: Times) -> bool:
    """Whether beats may as well be half-beats, or every other beat."""
    bpm = tempo_of(beats)
    if bpm is None or len(beats) < MIN_BEATS:
        return True
    every = [_level(curve, beats) for curve in curves]
    if bpm > FAST_BPM:
        return float(np.median([one.balance for one in every])) < ALIKE
    return bpm < SLOW_BPM and float(np.median([one.halves for one in every])) > FREE


def _in_metre(curve: Curve, beats: Times) -> Times:
    if len(beats) < MIN_BEATS:
        return beats
    level = _level(curve, beats)
    if level.halves < GROUPED or level.thirds > level.halves / 2:
        return beats
    step = float(np.median(np.diff(beats))) * CURVE_RATE / 2
    lags = [round(steps * step) for steps in (2, 3, 4, 6, 8)]
    two, three, four, six, eight = _repetition(curve, lags)
    if three < LEAST or three < CLEARLY * max(two, four) or six < eight:
        return beats
    return _regrouped(curve, beats, 2, 3)


def _regrouped(curve: Curve, beats: Times, into: int, group: int) -> Times:
    """Beats divided into so many steps, of which so many make a beat, from the strongest on."""
    places = np.arange((len(beats) - 1) * into + 1) / into
    steps = np.interp(places, np.arange(len(beats)), beats)
    return max((steps[at::group] for at in range(group)), key=lambda b: onsets.at(curve, b).mean())


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


def _level(curve: Curve, beats: Times) -> _Level:
    """Strengths above the curve's floor, which noise and reverberation raise."""
    from scipy.ndimage import maximum_filter1d

    floor = float(np.median(maximum_filter1d(curve, 5)))

    def above(times: Times) -> float:
        return max(float(onsets.at(curve, times).mean()) - floor, 1e-9)

    first, gaps = beats[:-1], np.diff(beats)
    even, odd = above(beats[::2]), above(beats[1::2])
    thirds = np.concatenate([first + gaps / 3, first + gaps * 2 / 3])
    own = (even + odd) / 2
    return _Level(
        above(first + gaps / 2) / own, above(thirds) / own, min(even, odd) / max(even, odd)
    )
