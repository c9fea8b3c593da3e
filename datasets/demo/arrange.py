"""Melody + style + key + tempo -> parts -> recording with its known answers.

A piece is: four bars of introduction over the tune's last chords, the tune as often as it takes to
reach the wanted length (each verse with other players), two bars of tonic under a short fade. One
beat is one quarter note. Players are a few milliseconds early or late; without drums some styles
also lean into the phrase (`beat_time`), some percent faster and slower in turn, so that the mean
tempo is the stated one.
"""

import math
from dataclasses import dataclass

import numpy as np

from melodies import Beats, Chord, Melody, bar_count, parse_chords, parse_notes, scale_of
from mix import mix
from styles import FAST_BPM, INSTRUMENT_NAMES, Style
from synth import SAMPLE_RATE, Note, Part, Samples, Seconds

TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
"""Names of the pitch classes 0..11, as essentia spells them."""
LEAD_IN: Seconds = 0.06
INTRO_BARS = 4
OUTRO_BARS = 2
RING: Seconds = 0.5
"""What is heard after the last beat's end."""
FADE: Seconds = 2.5
_TIMING_S = 0.004
"""Standard deviation of a player's timing."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What to play."""

    melody: Melody
    tonic: str
    """One of `TONICS`."""
    tempo_bpm: float
    """Quarter notes a minute."""
    style: Style
    drums: bool
    seconds: Seconds
    """Least length; the piece ends with the first whole verse after it."""
    seed: int
    tuning_hz: float = 440.0
    """Frequency of A4."""
    verses: int | None = None
    """Exact number of verses instead of `seconds`; 0 is introduction and ending only."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A piece as notes on instruments."""

    parts: tuple[Part, ...]
    seconds: Seconds
    beats_s: tuple[Seconds, ...]
    """Times of all beats."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A recording and what is known of it."""

    samples: Samples
    """float32 [2, T]."""
    sample_rate: int
    tonic: str
    mode: str
    tempo_bpm: float
    tuning_hz: float
    instruments: tuple[str, ...]
    genre: str
    moods: tuple[str, ...]
    beats_s: tuple[Seconds, ...]


@dataclass(frozen=True, slots=True)
class _Section:
    """A stretch of bars: the tune (`verse` >= 0), the introduction or the ending (-1)."""

    start: Beats
    verse: int
    chords: tuple[Chord, ...]
    """Times from the section's start."""
    beats: Beats


@dataclass(slots=True)
class _Band:
    """Collects notes by part while arranging; times in beats become seconds here."""

    piece: Piece
    noise: np.random.Generator
    notes: dict[str, list[Note]]

    def play(
        self, part: str, start: Beats, beats: Beats, pitch: int | str, velocity: float
    ) -> None:
        beat_s = 60.0 / self.piece.tempo_bpm
        late = float(np.clip(self.noise.normal(0.0, _TIMING_S), -0.012, 0.012))
        loud = velocity * float(self.noise.uniform(0.92, 1.08))
        at = max(0.0, beat_time(self.piece, start) + late)
        note = Note(at, beats * beat_s, pitch, loud)
        self.notes.setdefault(part, []).append(note)


def beat_time(piece: Piece, beat: Beats) -> Seconds:
    """When a beat of the piece sounds, counted from the introduction's first."""
    phrase = INTRO_BARS * piece.melody.beats_per_bar
    lean = 0.0 if piece.drums else piece.style.rubato_s
    return LEAD_IN + beat * 60.0 / piece.tempo_bpm + lean * math.sin(2 * math.pi * beat / phrase)


def tonic_pitch(piece: Piece) -> int:
    """MIDI pitch of the tune's degree 1: the tonic nearest to the tune's centre."""
    centre = piece.melody.centre
    return centre + (TONICS.index(piece.tonic) - centre + 6) % 12 - 6


def frame_and_verse(piece: Piece) -> tuple[Seconds, Seconds]:
    """Length of introduction and ending together, and of one verse."""
    bar_s = piece.melody.beats_per_bar * 60.0 / piece.tempo_bpm
    frame = LEAD_IN + (INTRO_BARS + OUTRO_BARS) * bar_s + RING
    return frame, bar_count(piece.melody) * bar_s


def verse_count(piece: Piece) -> int:
    """How often the tune is played."""
    if piece.verses is not None:
        return piece.verses
    frame, verse = frame_and_verse(piece)
    return max(1, math.ceil((piece.seconds - frame) / verse))


def _sections(piece: Piece) -> list[_Section]:
    melody = piece.melody
    chords, size = parse_chords(melody), melody.beats_per_bar
    tune = float(bar_count(melody) * size)
    cut = tune - INTRO_BARS * size
    intro = tuple(Chord(c.start - cut, c.beats, c.root, c.tones) for c in chords if c.start >= cut)
    third = 4 if melody.mode == "major" else 3
    close = (Chord(0.0, float(size), 0, (0, third, 7)),)
    found = [_Section(0.0, -1, intro, tune - cut)]
    for verse in range(verse_count(piece)):
        found.append(_Section(found[-1].start + found[-1].beats, verse, chords, tune))
    for _ in range(OUTRO_BARS):
        found.append(_Section(found[-1].start + found[-1].beats, -1, close, float(size)))
    return found


def _voices(chord: Chord, tonic: int, low: int, extra: tuple[int, ...] = ()) -> list[int]:
    """MIDI pitches of the chord's (and extra) tones, upwards from `low`, two octaves."""
    classes = {(tonic + tone) % 12 for tone in chord.tones + extra}
    return [pitch for pitch in range(low, low + 25) if pitch % 12 in classes]


def _seventh(chord: Chord, scale: tuple[int, ...]) -> tuple[int, ...]:
    """The diatonic seventh of a triad on a degree of the scale, else nothing."""
    if len(chord.tones) > 3 or chord.root not in scale:
        return ()
    return (scale[(scale.index(chord.root) + 6) % 7],)


def _at(chords: tuple[Chord, ...], beat: Beats) -> Chord:
    return next(c for c in reversed(chords) if c.start <= beat + 1e-9)


def _strokes(pattern: str, beats: Beats, size: int) -> list[tuple[Beats, Beats, str]]:
    """(start, length, character) of all strokes of a bar pattern repeated over `beats`."""
    bars = round(beats / size)
    text = pattern * bars
    found = []
    for index, character in enumerate(text):
        if character in ".-":
            continue
        end = index + 1
        while end < len(text) and text[end] == "-":
            end += 1
        found.append((index / 2, (end - index) / 2, character))
    return found


def _accent(beat: Beats, size: int) -> float:
    """Louder on the first beat, softer between beats."""
    within = beat % size
    return 1.0 if within == 0 else 0.88 if within == int(within) else 0.74


def _play_comp(band: _Band, section: _Section, low: int, pattern: str) -> None:
    piece, tonic = band.piece, tonic_pitch(band.piece)
    size = piece.melody.beats_per_bar
    for start, beats, character in _strokes(pattern, section.beats, size):
        chord = _at(section.chords, start)
        extra = _seventh(chord, scale_of(piece.melody)) if piece.style.sevenths else ()
        voices = _voices(chord, tonic, low, extra)
        velocity = 0.8 * _accent(start, size)
        if character == "x":
            for pitch in voices[: len(chord.tones + extra)]:
                band.play("comp", section.start + start, 0.95 * beats, pitch, 0.65 * velocity)
        else:
            pitch = voices[int(character) % len(voices)]
            band.play("comp", section.start + start, 1.2 * beats, pitch, velocity)


def _play_bass(band: _Band, section: _Section, pattern: str) -> None:
    piece, tonic = band.piece, tonic_pitch(band.piece)
    size, low = piece.melody.beats_per_bar, piece.style.bass_low
    strokes = _strokes(pattern, section.beats, size)
    starts = {start for start, _, _ in strokes}
    changes = [(c.start, min(1.0, c.beats), "r") for c in section.chords if c.start not in starts]
    line = sorted(strokes + changes)
    ends = [start for start, _, _ in line[1:]] + [section.beats]
    for (start, beats, character), end in zip(line, ends, strict=True):
        chord = _at(section.chords, start)
        root = low + (tonic + chord.root - low) % 12
        fifth = next((t for t in chord.tones if (t - chord.root) % 12 in (6, 7)), chord.root)
        above = low + (tonic + fifth - low) % 12
        first = any(c.start == start for c in section.chords)
        length = 0.92 * min(beats, end - start)
        pitch = {"o": root + 12, "f": root if first else above}.get(character, root)
        band.play("bass", section.start + start, length, pitch, _accent(start, size))


def _play_pad(band: _Band, section: _Section) -> None:
    for chord in section.chords:
        for pitch in _voices(chord, tonic_pitch(band.piece), 58)[: len(chord.tones)]:
            band.play("pad", section.start + chord.start, 0.97 * chord.beats, pitch, 0.6)


def _second_voice(chord: Chord, tonic: int, pitch: int) -> int | None:
    """The chord tone a third to a sixth below a melody note."""
    below = [p for p in range(pitch - 9, pitch - 2) if (p - tonic) % 12 in chord.tones]
    return below[-1] if below else None


def _play_tune(band: _Band, section: _Section, *, low_voice: bool, octave: bool) -> None:
    piece, tonic = band.piece, tonic_pitch(band.piece)
    leads, size = piece.style.leads, piece.melody.beats_per_bar
    lead, other = section.verse % len(leads), (section.verse + 1) % len(leads)
    for note in parse_notes(piece.melody):
        pitch = tonic + note.semitones + piece.style.lead_octave
        start, beats = section.start + note.start, 0.95 * note.beats
        velocity = 0.9 + 0.1 * _accent(note.start, size)
        band.play(f"lead{lead}", start, beats, pitch, velocity)
        if octave and note.beats >= 1.0:
            band.play(f"lead{other}", start, beats, pitch + 12, 0.3 * velocity)
        if low_voice and note.start >= 0:
            second = _second_voice(_at(section.chords, note.start), tonic, pitch)
            if second is not None and note.start == int(note.start):
                band.play(f"lead{other}", start, beats, second, 0.5 * velocity)


def _play_drums(band: _Band, section: _Section, full: bool) -> None:
    size = band.piece.melody.beats_per_bar
    kit = band.piece.style.kit[size]
    for index, (drum, pattern) in enumerate(kit.items()):
        if not full and index == 1:
            continue
        for start, _, character in _strokes(pattern, section.beats, size):
            velocity = {"X": 1.0, "x": 0.75, "o": 0.45}[character]
            band.play("drums", section.start + start, 0.5, drum, velocity)
    if full and "snare" in kit:
        band.play("drums", section.start, 1.0, "crash", 0.8)
        for step in range(4):
            start = section.start + section.beats - 1.0 + step / 4
            band.play("drums", start, 0.25, "tom" if step > 1 else "snare", 0.5 + 0.1 * step)


def _play_close(band: _Band, section: _Section) -> None:
    """The final chord, struck once and left to ring, under the tonic in the lead."""
    piece, tonic = band.piece, tonic_pitch(band.piece)
    low, size = piece.style.bass_low, piece.melody.beats_per_bar
    for pitch in _voices(section.chords[0], tonic, piece.style.comp_low)[:4]:
        band.play("comp", section.start, section.beats, pitch, 0.6)
    band.play("bass", section.start, section.beats, low + (tonic - low) % 12, 0.9)
    lead = tonic + piece.style.lead_octave
    band.play("lead0", section.start - size, size + section.beats, lead, 0.8)
    if piece.drums:
        band.play("drums", section.start, 1.0, next(iter(piece.style.kit[size])), 0.9)


def arrange(piece: Piece) -> Arrangement:
    """Write the parts of a piece.

    Raises:
        ValueError: the tonic is not one of `TONICS`.
    """
    if piece.tonic not in TONICS:
        raise ValueError(f"tonic {piece.tonic!r}: expected one of {', '.join(TONICS)}")
    style, size = piece.style, piece.melody.beats_per_bar
    fast = int(piece.tempo_bpm > FAST_BPM)
    band = _Band(piece, np.random.default_rng(piece.seed), {})
    sections = _sections(piece)
    for section in sections[:-1]:
        verse = section.verse
        _play_comp(band, section, style.comp_low, style.comp_patterns[size][fast])
        if verse != 0 or piece.drums or style.bass == style.comp:
            _play_bass(band, section, style.bass_patterns[size][fast])
        if style.pad is not None and verse % 2 != 0:  # every second verse, beginning and end
            _play_pad(band, section)
        if piece.drums:
            _play_drums(band, section, full=verse > 0 or "snare" in style.kit[size])
        if verse >= 0:
            last = verse == sections[-OUTRO_BARS - 1].verse
            _play_tune(band, section, low_voice=verse % 3 != 0, octave=last and verse > 0)
    _play_close(band, sections[-1])
    beats = sections[-1].start + sections[-1].beats
    return Arrangement(
        parts=_parts(piece, band.notes),
        seconds=beat_time(piece, beats) + RING,
        beats_s=tuple(beat_time(piece, float(beat)) for beat in range(int(beats))),
    )


def _parts(piece: Piece, notes: dict[str, list[Note]]) -> tuple[Part, ...]:
    style = piece.style
    seats = {
        "lead0": (style.leads[0], 1.0, -0.1, 0.3),
        "lead1": (style.leads[1], 1.0, 0.2, 0.35),
        "comp": (style.comp, 0.75, -0.4, 0.22),
        "bass": (style.bass, 0.85, 0.0, 0.08),
        "pad": (style.pad or "", 0.45, 0.4, 0.3),
        "drums": ("drums", 0.5, 0.05, 0.1),
    }
    return tuple(
        Part(timbre, tuple(notes[name]), gain, pan, send)
        for name, (timbre, gain, pan, send) in seats.items()
        if name in notes
    )


def instruments(piece: Piece, arrangement: Arrangement) -> tuple[str, ...]:
    """Names of what is heard, in the order of the parts, each once."""
    names = []
    for part in arrangement.parts:
        if part.timbre == "drums":
            names.append("taiko" if "taiko" in piece.style.kit[4] else "drums")
        else:
            names.append(INSTRUMENT_NAMES.get(part.timbre, part.timbre))
    return tuple(dict.fromkeys(names))


def render(piece: Piece) -> Rendered:
    """Play a piece: samples float32 [2, T] at 44100 Hz with the known answers."""
    arrangement = arrange(piece)
    samples = mix(
        arrangement.parts,
        arrangement.seconds,
        room_s=piece.style.room_s,
        fade_s=min(FADE, arrangement.seconds / 4),
        seed=piece.seed,
        tuning_hz=piece.tuning_hz,
    )
    return Rendered(
        samples=samples,
        sample_rate=SAMPLE_RATE,
        tonic=piece.tonic,
        mode=piece.melody.mode,
        tempo_bpm=piece.tempo_bpm,
        tuning_hz=piece.tuning_hz,
        instruments=instruments(piece, arrangement),
        genre=piece.style.genre,
        moods=piece.style.moods[piece.melody.mode],
        beats_s=arrangement.beats_s,
    )
