"""label: what can be said of a track as a whole, and its acoustic fingerprint."""

import numpy as np

from curate import audio
from curate.labels import signal
from curate.labels.essentia import algorithms
from curate.names import digest
from curate.records import Fetched, TrackLabels

NAME = "label"
VERSION = 1


def fingerprint(fetched: Fetched) -> str:
    """Names what `label` would return."""
    return digest(NAME, VERSION, signal.VERSION, fetched.sha256)


def single(decoded: audio.Decoded) -> signal.Mono:
    """A decoded track as all analysis takes it: [T] at `signal.RATE`."""
    mixed = audio.resample(audio.mono(decoded.samples), decoded.sample_rate, signal.RATE)
    return np.ascontiguousarray(mixed)


def label(analysis: signal.Analysis) -> TrackLabels:
    """Labels and Chromaprint of an analysed track."""
    printed = algorithms().Chromaprinter(sampleRate=signal.RATE)(analysis.single)
    return TrackLabels(analysis.labels, str(printed))
