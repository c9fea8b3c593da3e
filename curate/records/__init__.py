"""The records every stage speaks in (`passed`), and the files of a built dataset (`written`).

Conventions: times are in seconds from the start of the track, sample rates in Hz, loudness in LUFS
(EBU R128), peaks in dB true peak, shares and scores in 0..1. A record is frozen; a stage makes new
ones. Records cross processes and the catalog as JSON (see `curate.jsonio`), so they hold only
strings, numbers, booleans and tuples of such.
"""

from curate.records.passed import (
    LABEL_UNITS,
    SPLITS,
    Answer,
    Bpm,
    Caption,
    Captions,
    Chunk,
    Chunked,
    Classified,
    Decibels,
    Fetched,
    Hertz,
    Inspection,
    Label,
    Lufs,
    Origin,
    Rejection,
    Retrieved,
    Seconds,
    Share,
    Split,
    Tags,
    Track,
    TrackLabels,
)
from curate.records.written import (
    BuildInfo,
    Counts,
    ManifestLine,
    Sidecar,
    SplitCount,
    TrackLine,
)

__all__ = [
    "LABEL_UNITS",
    "SPLITS",
    "Answer",
    "Bpm",
    "BuildInfo",
    "Caption",
    "Captions",
    "Chunk",
    "Chunked",
    "Classified",
    "Counts",
    "Decibels",
    "Fetched",
    "Hertz",
    "Inspection",
    "Label",
    "Lufs",
    "ManifestLine",
    "Origin",
    "Rejection",
    "Retrieved",
    "Seconds",
    "Share",
    "Sidecar",
    "Split",
    "SplitCount",
    "Tags",
    "Track",
    "TrackLabels",
    "TrackLine",
]
