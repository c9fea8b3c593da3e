"""From labels to the fields audiocraft reads: which of many statements the dataset asserts.

Thresholds act here, late: every label keeps its score in the catalog and in `tracks.jsonl`. For a
kind that several sources speak of, `SOURCES` says who is believed first.
"""

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from curate.labels import vocabulary
from curate.records import Bpm, Label

VERSION = 1

SOURCES = ("manual", "signal", "tag")
"""Who is believed first for key and tempo: what a person said, what was heard, what a tag says."""

MIN_KEY_STRENGTH = 0.4
"""Weaker keys are not asserted: there may be none."""

MIN_CHUNK_KEY_STRENGTH = 0.75
"""A clip's own key replaces the track's only where it is this strong and the track's is weaker."""

MIN_TEMPO_CONFIDENCE = 0.15
"""Below this the tempo is kept as a label but not asserted."""

MAX_WORDS = 4
"""At most this many genres, moods, instruments."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What the dataset asserts of a clip. An unknown value is "" or () or None.

    Attributes:
        key: One key, `A minor`.
        bpm: Tempo in BPM.
        genres: Most certain first.
        moods: Likewise.
        instruments: Likewise.
        onset_rate: Onsets per second.
        dynamic_complexity: dB.
        danceability: 0 to about 3.
        loudness_lufs: Of the clip.
        year: Of release.
    """

    key: str = ""
    bpm: Bpm | None = None
    genres: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    onset_rate: float | None = None
    dynamic_complexity: float | None = None
    danceability: float | None = None
    loudness_lufs: float | None = None
    year: int | None = None

    @property
    def keywords(self) -> tuple[str, ...]:
        """Every word said of the clip, once."""
        return tuple(dict.fromkeys((*self.genres, *self.moods, *self.instruments)))


def choose(track: Iterable[Label], chunk: Iterable[Label]) -> Fields:
    """The fields of a clip from its track's labels (tags among them) and its own."""
    whole, own = _by_kind(track), _by_kind(chunk)
    year = next(iter(whole.get("year", [])), None)
    return Fields(
        key=_key(whole.get("key", []), own.get("key", [])),
        bpm=_tempo(whole.get("tempo", []), own.get("tempo", [])),
        genres=_words(whole.get("genre", []), own.get("genre", [])),
        moods=_words(whole.get("mood", []), own.get("mood", [])),
        instruments=_words(whole.get("instrument", []), own.get("instrument", [])),
        onset_rate=_number("onset_rate", own, whole),
        dynamic_complexity=_number("dynamic_complexity", own, whole),
        danceability=_number("danceability", own, whole),
        loudness_lufs=_number("loudness", own, whole),
        year=int(float(year.value)) if year else None,
    )


def _by_kind(labels: Iterable[Label]) -> dict[str, list[Label]]:
    kinds: dict[str, list[Label]] = {}
    for label in labels:
        kinds.setdefault(label.kind, []).append(label)
    return kinds


def _ranked(labels: list[Label]) -> list[Label]:
    def rank(label: Label) -> int:
        family = label.source.split(".")[0]
        return SOURCES.index(family) if family in SOURCES else len(SOURCES)

    return sorted(labels, key=rank)


def _sure(label: Label, least: float) -> bool:
    return label.score is None or label.score >= least


def _key(whole: list[Label], own: list[Label]) -> str:
    for label in _ranked(whole):
        if label.source.startswith("signal") and own:
            clip = own[0]
            if (clip.score or 0.0) >= MIN_CHUNK_KEY_STRENGTH > (label.score or 0.0):
                return str(clip.value)
        if _sure(label, MIN_KEY_STRENGTH):
            return str(label.value)
    return ""


def _tempo(whole: list[Label], own: list[Label]) -> Bpm | None:
    for label in _ranked(whole):
        if label.source.startswith("signal"):
            if not _sure(label, MIN_TEMPO_CONFIDENCE):
                continue
            clip = own[0] if own else label
            return round(float(clip.value), 1)
        if math.isfinite(float(label.value)):
            return round(float(label.value), 1)
    return None


def _words(whole: list[Label], own: list[Label]) -> tuple[str, ...]:
    words = dict.fromkeys(_word(label.kind, str(label.value)) for label in (*own, *whole))
    return tuple(word for word in words if word)[:MAX_WORDS]


@functools.lru_cache(maxsize=4096)
def _word(kind: str, value: str) -> str:
    """One item of a comma-joined field, as the vocabulary writes it; "" if it says nothing."""
    return vocabulary.load().alias(kind, value)


def _number(kind: str, *places: dict[str, list[Label]]) -> float | None:
    for place in places:
        for label in place.get(kind, []):
            return float(label.value)
    return None
