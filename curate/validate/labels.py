"""Labels within what is possible, and classes in some balance."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from curate.records import LABEL_UNITS
from curate.validate.entries import Entry
from curate.validate.report import Collector, shown
from curate.validate.text import number

BPM_RANGE = (20.0, 400.0)

RANGES: dict[str, tuple[float, float]] = {
    "tempo": BPM_RANGE,
    "loudness": (-70.0, 10.0),
    "onset_rate": (0.0, 100.0),
    "danceability": (0.0, 10.0),
    "dynamic_complexity": (0.0, 100.0),
    "approachability": (-1.0, 2.0),
    "engagement": (-1.0, 2.0),
    "arousal": (0.0, 10.0),
    "valence": (0.0, 10.0),
    "non_music": (0.0, 1.0),
    "year": (1000.0, 2200.0),
}
"""What a label's number can be, in the unit of `curate.records.LABEL_UNITS`."""

KEY = re.compile(
    r"[a-g](?:#|b|♯|♭|[ -]?sharp|[ -]?flat)?"
    r"(?:[ :-]?(?:maj(?:or)?|min(?:or)?|m"
    r"|ionian|dorian|phrygian|lydian|mixolydian|aeolian|locrian))?",
    re.IGNORECASE,
)
"""Names of keys in the spellings people use: 'F# minor', 'Bb', 'c-sharp minor', 'Am'."""

SILENT_LUFS = -70.0
"""Integrated loudness of what never passes the gate (EBU R128)."""

DOMINATES = 0.8
SPARSE = 0.5
FEW = 20
"""Below so many clips shares say nothing."""


def check(entry: Entry, collector: Collector) -> None:
    """Ranges of the clip's bpm, key and labels."""
    bpm = entry.seen.get("bpm")
    if isinstance(bpm, float) and "bpm" not in entry.flagged:
        low, high = BPM_RANGE
        if not low <= bpm <= high:
            message = f"bpm is {bpm:g} BPM, expected {low:g} to {high:g} BPM"
            entry.add(collector, "label_range", message, "bpm", sidecar=True)
    key = entry.seen.get("key")
    if key and "key" not in entry.flagged and not KEY.fullmatch(key):
        value = shown(entry.sidecar["key"]) if entry.sidecar else shown(key)
        message = f"key is {value}, expected tonic and mode as in 'F# minor'"
        entry.add(collector, "key_name", message, "key", sidecar=True)
    if entry.sidecar is not None and "labels" not in entry.flagged:
        for code, message in faults(entry.sidecar.get("labels")):
            entry.add(collector, code, message, "labels", sidecar=True)


def faults(labels: Any) -> Iterator[tuple[str, str]]:
    """What is impossible in a list of labels, as code and message."""
    for index, label in enumerate(labels if isinstance(labels, list) else ()):
        if not isinstance(label, dict):
            continue
        kind, value, score = label.get("kind"), label.get("value"), number(label.get("score"))
        fault = None
        if score is not None and not 0 <= score <= 1:
            fault = "label_range", f"score {score:g}, expected 0 to 1"
        elif kind == "key" and isinstance(value, str) and value and not KEY.fullmatch(value):
            fault = "key_name", f"{shown(value)}, expected tonic and mode as in 'F# minor'"
        elif isinstance(kind, str) and kind in RANGES:
            (low, high), measured = RANGES[kind], number(value)
            if measured is not None and not low <= measured <= high:
                unit = LABEL_UNITS[kind]
                fault = "label_range", f"{measured:g} ({unit}), expected {low:g} to {high:g}"
        if fault is not None:
            by = f"{shown(kind)[1:-1]} by {shown(label.get('source'))[1:-1]}"
            yield fault[0], f"labels[{index}] ({by}): {fault[1]}"


def loudness(entry: Entry) -> float | None:
    """The clip's loudness in LUFS as its labels have it."""
    labels = entry.sidecar.get("labels") if entry.sidecar else None
    for label in labels if isinstance(labels, list) else ():
        if isinstance(label, dict) and label.get("kind") == "loudness":
            return number(label.get("value"))
    return None


class Balance:
    """Counts classes over all clips."""

    _FILLED = ("key", "bpm", "genre", "moods", "instrument")

    def __init__(self) -> None:
        self._clips = 0
        self._filled: Counter[str] = Counter()
        self._classes: dict[str, Counter[str]] = {"genre": Counter(), "artist": Counter()}

    def add(self, entry: Entry) -> None:
        """Counts one clip, as audiocraft sees it; without a sidecar it does not count."""
        if entry.sidecar is None:
            return
        self._clips += 1
        self._filled.update(name for name in self._FILLED if entry.seen.get(name))
        for name, counter in self._classes.items():
            value = entry.seen.get(name)
            if isinstance(value, str) and value:
                counter[value] += 1

    def finish(self, collector: Collector, file: str) -> None:
        """Notes what is out of balance."""
        if self._clips < FEW:
            return
        for name, counter in self._classes.items():
            value, count = counter.most_common(1)[0] if counter else ("", 0)
            if len(counter) > 1 and count > DOMINATES * self._clips:
                message = f"{name} {shown(value)} has {count} of {self._clips} clips"
                collector.add("class_dominates", message, file=file)
        for name in self._FILLED:
            empty = self._clips - self._filled[name]
            if empty > SPARSE * self._clips:
                message = f"{empty} of {self._clips} clips have no {name}"
                collector.add("labels_sparse", message, file=file)
