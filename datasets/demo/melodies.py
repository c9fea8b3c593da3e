"""Public-domain melodies in a compact score notation, with harmony.

Notation. ``notes`` is a string of bars split by ``|``; a note is

    [#|b] degree [' or ,]... [/ or // or :beats]

``degree`` 1..7 counts from the tonic in the melody's own mode (major, or *natural* minor, so the
leading note of a minor key is ``#7``); ``'`` and ``,`` shift by octaves, where 1..7 lie in the
octave upwards from the tonic; a note lasts one beat (a quarter), ``/`` half, ``//`` a quarter,
``:1.5`` as many beats as it says; ``r`` is a rest. A ``pickup`` sounds before bar 1, and the last
bar leaves room for it. ``chords`` has the same bars: roman numerals on the degrees of the mode,
upper case major, lower case minor, ``°`` diminished, a final ``7`` adds the minor seventh; two
chords in a bar give their beats (``IV:2 I:2``).

All composers died before 1942 and all tunes were published before 1915, so the melodies are in the
public domain in Japan (life + 50, since 2018 life + 70), the EU (life + 70) and the USA (before
1929). Only melodies are used; the arrangements are this project's own, CC0.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

Beats = float

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
"""Semitones of the degrees 1..7 above the tonic; minor is the natural one."""

_NOTE = re.compile(r"([#b]?)([1-7r])([',]*)(//?|:[\d.]+)?$")
_CHORD = re.compile(r"([#b]?)([ivIV]+)(°?)(7?)(?::([\d.]+))?$")
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7}


@dataclass(frozen=True, slots=True)
class MelodyNote:
    """A note, its time in beats from bar 1 (negative in a pickup)."""

    start: Beats
    beats: Beats
    semitones: int
    """Above the tonic."""


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord, its time in beats from bar 1, its tones in semitones above the tonic."""

    start: Beats
    beats: Beats
    root: int
    tones: tuple[int, ...]
    """Pitch classes above the tonic, root first."""


@dataclass(frozen=True, slots=True)
class Melody:
    """A tune in the notation of this module."""

    title: str
    """In its own script; Japanese titles are followed by the romanisation in brackets."""
    composer: str
    year: str
    source: str
    """Why it is in the public domain, and remarks on key and version."""
    mode: str
    """``major`` or ``minor``."""
    beats_per_bar: int
    tempo_range: tuple[float, float]
    """Quarter notes a minute between which the tune keeps its character."""
    centre: int
    """MIDI pitch which the tonic (degree 1, no octave mark) should be near."""
    notes: str
    chords: str
    pickup: str = ""


def _note(token: str, scale: tuple[int, ...]) -> tuple[int | None, Beats]:
    match = _NOTE.match(token)
    if match is None:
        raise ValueError(f"note {token!r}: expected [#b]degree[',][/ or :beats], see melodies.py")
    accidental, degree, octaves, length = match.groups()
    beats = {None: 1.0, "/": 0.5, "//": 0.25}.get(length) or float(str(length)[1:])
    if degree == "r":
        return None, beats
    shift = {"#": 1, "b": -1, "": 0}[accidental]
    octave = octaves.count("'") - octaves.count(",")
    return scale[int(degree) - 1] + shift + 12 * octave, beats


def _chord(token: str, scale: tuple[int, ...]) -> tuple[int, tuple[int, ...], Beats | None]:
    match = _CHORD.match(token)
    if match is None or match[2].lower() not in _ROMAN:
        raise ValueError(f"chord {token!r}: expected a roman numeral such as V7:2, see melodies.py")
    accidental, roman, diminished, seventh, length = match.groups()
    root = (scale[_ROMAN[roman.lower()] - 1] + {"#": 1, "b": -1, "": 0}[accidental]) % 12
    third, fifth = (4, 7) if roman.isupper() else (3, 6 if diminished else 7)
    tones = [root, (root + third) % 12, (root + fifth) % 12]
    if seventh:
        tones.append((root + 10) % 12)
    return root, tuple(tones), float(length) if length else None


def scale_of(melody: Melody) -> tuple[int, ...]:
    """Semitones of the seven degrees above the tonic."""
    return MAJOR if melody.mode == "major" else MINOR


@lru_cache(maxsize=64)
def parse_notes(melody: Melody) -> tuple[MelodyNote, ...]:
    """The tune as notes, pickup first.

    Raises:
        ValueError: a token cannot be read, or a bar does not have its beats.
    """
    scale = scale_of(melody)
    pickup = [_note(token, scale) for token in melody.pickup.split()]
    found: list[MelodyNote] = []
    clock = -sum(beats for _, beats in pickup)
    lead = -clock
    bars = [bar.split() for bar in melody.notes.split("|")]
    for index, bar in enumerate([melody.pickup.split(), *bars]):
        first = clock
        for token in bar:
            semitones, beats = _note(token, scale)
            if semitones is not None:
                found.append(MelodyNote(clock, beats, semitones))
            clock += beats
        wanted = lead if index == 0 else melody.beats_per_bar
        if clock - first != wanted:
            raise ValueError(
                f"{melody.title}: bar {index} has {clock - first} beats, need {wanted}"
            )
    return tuple(found)


@lru_cache(maxsize=64)
def parse_chords(melody: Melody) -> tuple[Chord, ...]:
    """The harmony, one or more chords a bar.

    Raises:
        ValueError: a token cannot be read, or bars and beats do not match the tune's.
    """
    scale, size = scale_of(melody), melody.beats_per_bar
    bars = [bar.split() for bar in melody.chords.split("|")]
    if len(bars) != bar_count(melody):
        raise ValueError(
            f"{melody.title}: {len(bars)} bars of chords, {bar_count(melody)} of notes"
        )
    found: list[Chord] = []
    for index, bar in enumerate(bars):
        clock = float(index * size)
        for token in bar:
            root, tones, beats = _chord(token, scale)
            found.append(Chord(clock, beats or size / len(bar), root, tones))
            clock += found[-1].beats
        if clock != (index + 1) * size:
            raise ValueError(f"{melody.title}: chords of bar {index + 1} do not fill {size} beats")
    return tuple(found)


def bar_count(melody: Melody) -> int:
    """Number of whole bars, without the pickup."""
    return melody.notes.count("|") + 1
