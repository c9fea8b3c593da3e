"""Beats and tempo, by a committee of beat trackers.

Essentia's `RhythmExtractor2013` is the yardstick for tempo: `multifeature` tracks beats in five
onset curves and believes the tracker that agrees best with the others, which takes 0.3 s for 30 s
of audio; nearly all of it goes into the curves. Here three curves come from one transform
(`onsets.py`), Essentia's own tracker (`TempoTapDegara`, 2 ms for 30 s of a curve) follows each, and
its own vote (`TempoTapMaxAgreement`) chooses: over the whole, and over any window by itself. Then
the beats go to the pulse that people tap (`tactus.py`). The figures of all of them on pieces of
known tempo are in tests/bench/README.md.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from curate.labels import onsets, tactus
from curate.labels.agreement import SAME
from curate.labels.essentia import algorithms
from curate.labels.onsets import CURVE_RATE, Curve, Curves, Times
from curate.records import Bpm, Seconds, Share

MIN_SECONDS: Seconds = 4.0
"""In less than this no tempo can be told."""

STEADY, JITTER = 0.05, 0.025
"""How far, in beats, a beat may be from where a steady one would be, and what it may be in any case
(s): two steps of the curves."""

BURIED, PLAIN = 1.3, 1.7
"""Strength of beats, as a multiple of the curve's mean, up to which they are but noise, and from
which they are music."""

AGREED: tuple[Share, ...] = (0.5, 0.75, 0.96)
DOUBTFUL: Share = 0.72
"""How often a tempo is right on which one, two and all three trackers agree; and how much less
often where nothing tells it from its half or double."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The rhythm of a recording.

    Attributes:
        bpm: Tempo of the whole; None where no beat was found.
        confidence: How likely the tempo is right, 0..1.
        beats: Times of the beats.
        onsets: Times of the onsets.
        curves: Onset strengths: [3, F], `onsets.CURVE_RATE` values a second.
    """

    bpm: Bpm | None
    confidence: Share
    beats: Times
    onsets: Times
    curves: Curves = field(default_factory=lambda: np.zeros((3, 0), np.float32))

    def within(self, start: Seconds, end: Seconds) -> tuple[Times, int]:
        """Beats of a window, and how many onsets it holds."""
        beats = self.beats[(self.beats >= start) & (self.beats < end)]
        return beats, int(np.sum((self.onsets >= start) & (self.onsets < end)))

    def tempo_within(self, start: Seconds, end: Seconds) -> tuple[Bpm | None, Share]:
        """Tempo of a window and how sure it is, from nothing but the window.

        Beats tracked over the whole carry the tempo of one section over into the next: a window
        tracked by itself is right more often. Where it is an octave from the whole, `agreement.py`
        weighs the two; to believe the whole instead was right less often.
        """
        curves = self.curves[:, round(start * CURVE_RATE) : round(end * CURVE_RATE)]
        _, count = self.within(start, end)
        beats, bpm, confidence = track(curves) if count else (np.zeros(0), None, 0.0)
        return (bpm, confidence) if len(beats) >= tactus.MIN_BEATS else (None, 0.0)


def analyse(single: npt.NDArray[np.float32]) -> Rhythm:
    """The rhythm of [T] at `onsets.RATE`."""
    curves = onsets.strengths(single)
    found = onsets.pick(curves[0])
    beats, bpm, confidence = track(curves) if len(found) else (np.zeros(0), None, 0.0)
    return Rhythm(bpm, confidence, beats, found, curves)


def track(curves: Curves) -> tuple[Times, Bpm | None, Share]:
    """Times of the beats of some curves, their tempo (None if there is none) and how sure it is.

    The confidence is about the share of tempi that are right (tests/bench/README.md): by how many
    trackers agree and whether the octave is plain, times how steady the beats are and how much they
    stand out.
    """
    if curves.shape[1] < MIN_SECONDS * CURVE_RATE:
        return np.zeros(0), None, 0.0
    tracked, agreed = beats_of(curves)
    beats = tactus.at_tactus(curves, tracked)
    bpm = tactus.tempo_of(beats)
    if bpm is None:
        return beats, None, 0.0
    sure = AGREED[agreed - 1]
    if tactus.doubtful(curves, tracked) or tactus.doubtful(curves, beats):
        sure *= DOUBTFUL
    off = np.abs(np.diff(beats) - 60.0 / bpm)
    steady = float(np.mean(off < max(STEADY * 60.0 / bpm, JITTER)))
    return beats, bpm, round(sure * steady * _plain(curves, beats), 4)


def beats_of(curves: Curves) -> tuple[Times, int]:
    """Beats as tracked in that curve which the others agree with best, and how many agree, 1..3."""
    candidates = [_ticks(curve) for curve in curves]
    chosen, _ = algorithms().TempoTapMaxAgreement()([np.float32(ticks) for ticks in candidates])
    beats = np.asarray(chosen, np.float64)
    bpm = tactus.tempo_of(beats)
    agreed = sum(_same(tactus.tempo_of(ticks), bpm) for ticks in candidates)
    return beats, max(agreed, 1)


def _plain(curves: Curves, beats: Times) -> Share:
    """How much the beats, or the off-beats, stand out of a curve; of noise they hardly do.

    Energy flux is not asked: it is empty between onsets, of noise too.
    """
    off = beats + np.median(np.diff(beats)) / 2
    contrast = max(
        float(onsets.at(curve, times).mean() / (curve.mean() + 1e-9))
        for curve in curves[:2]
        for times in (beats, off)
    )
    return min(max((contrast - BURIED) / (PLAIN - BURIED), 0.0), 1.0)


def _same(one: Bpm | None, other: Bpm | None) -> bool:
    return one is not None and other is not None and abs(one / other - 1.0) < SAME


def _ticks(curve: Curve) -> Times:
    tracker = algorithms().TempoTapDegara(sampleRateODF=CURVE_RATE)
    return np.asarray(tracker(np.ascontiguousarray(curve)), np.float64)
