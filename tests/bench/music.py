"""Recordings with known tempo and key, beside the pieces of `datasets/demo/pieces.py`.

Sets of songs that share nothing but the synthesiser: `PRACTICE`, `SECOND` and `THIRD`, on which
rules may be set, and `HELD_OUT`, on which they are only measured. Tunes are made up over chord
progressions; styles have two to seven beats, sixteenths, off-beats, claves, no drums, few notes;
some are swung, some drift; some went through noise, a hall, a low bit rate or a small loudspeaker.
From the same songs come tracks of several sections, in which key or tempo or both change.

The known tempo is that of the beat which the style counts (`Groove.grid` steps each), so a rhythm
that could be counted otherwise is still held against that one.
"""

import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "datasets" / "demo"))

from grooves import PRACTICE_GROOVES, SECOND_GROOVES, Groove
from grooves2 import THIRD_GROOVES
from heldout import HELD_OUT_GROOVES

from arrange import LEAD_IN, TONICS, Arrangement, Piece, arrange, frame_and_verse
from melodies import Melody
from mix import mix, reverb

Mono = npt.NDArray[np.float32]
RATE = 44100
TUNINGS = (440.0, 442.0, 440.0, 436.0, 444.0, 440.0, 434.0)
"""Frequencies of A4 in turn, from 24 cents below 440 Hz to 16 above."""

CONDITIONS = ("clean", "mp3", "clean", "noise", "hall", "clean", "small speaker")
"""What a recording went through, in turn."""


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a recording: what is known of it."""

    start_s: float
    end_s: float
    bpm: float
    key: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording [T] at `RATE`, and its sections in order."""

    group: str
    single: Mono
    sections: tuple[Section, ...]

    def known(self, start_s: float, end_s: float) -> Section:
        """The section that most of a window lies in."""
        return max(self.sections, key=lambda s: min(s.end_s, end_s) - max(s.start_s, start_s))


@dataclass(frozen=True, slots=True)
class Song:
    """What to play, and how: a recipe, so that a worker renders it."""

    piece: Piece
    groove: Groove
    swing: float
    """Share of a beat that its first half takes: 0.5 straight, 2/3 triplets."""
    drift: float
    """How far the players lean from the beat, in beats."""
    condition: str

    @property
    def bpm(self) -> float:
        """The beats a minute that are counted."""
        return round(self.piece.tempo_bpm / self.groove.grid, 2)

    @property
    def key(self) -> str:
        """Its key."""
        return f"{self.piece.tonic} {self.piece.melody.mode}"


@dataclass(frozen=True, slots=True)
class Medley:
    """Songs in turn, each for so many seconds from its tune's beginning."""

    group: str
    songs: tuple[tuple[Song, float], ...]


@dataclass(frozen=True, slots=True)
class Material:
    """What a set is made of: nothing of it is in another set."""

    grooves: tuple[Groove, ...]
    major: tuple[str, ...]
    minor: tuple[str, ...]
    seed: int


PRACTICE = Material(
    PRACTICE_GROOVES,
    ("I V vi IV", "I IV V I", "I vi ii V7", "I I IV V", "vi ii V I"),
    ("i VI III VII", "i iv V i", "i i iv v", "i VII VI VII"),
    seed=100,
)
SECOND = Material(
    SECOND_GROOVES,
    ("IV V iii vi", "vi IV I V", "I bVII IV I", "I iii IV V", "I V vi iii", "ii V7 I vi"),
    ("i VII VI V", "i v VI iv", "i VI iv V7", "i III VII iv", "i IV i VII"),
    seed=900,
)

THIRD = Material(
    THIRD_GROOVES,
    ("I ii IV V", "I V IV IV", "vi V IV V", "I IV ii V", "I I7 IV iv"),
    ("i iv VII III", "i III iv VI", "i V i VI", "VI VII i i", "i VII i v"),
    seed=5000,
)

HELD_OUT = Material(
    HELD_OUT_GROOVES,
    ("I vi IV ii", "I V ii IV", "IV I V vi", "I iii vi V", "I bVII I V", "ii vi I V"),
    ("i VI iv VII", "i iv VI V7", "i VII iv i", "VI III VII i", "i v iv VII", "i III VII VI"),
    seed=77000,
)


def songs(material: Material, count: int) -> tuple[Song, ...]:
    """So many songs: grooves, conditions, tunings and keys go round, tempi fill each range."""
    noise = np.random.default_rng(material.seed)
    found = []
    turns = -(-count // len(material.grooves))
    for index in range(count):
        groove = material.grooves[index % len(material.grooves)]
        low, high = groove.tempo_range
        place = (index // len(material.grooves) + noise.uniform(0.1, 0.9)) / turns
        found.append(_song(material, groove, low * (high / low) ** place, index, noise))
    return tuple(found)


def _song(
    material: Material, groove: Groove, bpm: float, index: int, noise: np.random.Generator
) -> Song:
    mode = ("major", "minor")[int(noise.integers(2))]
    texts = material.major if mode == "major" else material.minor
    melody = tune(
        mode,
        groove,
        (texts[int(noise.integers(len(texts)))], texts[int(noise.integers(len(texts)))]),
        noise,
    )
    piece = Piece(
        melody,
        TONICS[int(noise.integers(12))],
        round(bpm * groove.grid, 2),
        groove.style,
        bool(groove.style.kit) and bool(noise.uniform() < groove.drums),
        0.0,
        material.seed * 100 + index,
        TUNINGS[(3 * index + index // 7) % len(TUNINGS)],
    )
    frame, verse = frame_and_verse(piece)
    piece = replace(piece, verses=max(1, round((70.0 - frame) / verse)))
    drift = 0.0 if piece.drums else float(noise.uniform(*groove.drift))
    return Song(piece, groove, groove.swing, drift, CONDITIONS[index % len(CONDITIONS)])


def medleys(material: Material, count: int) -> tuple[Medley, ...]:
    """Tracks of sections: a new key, a new tempo, or another song altogether, in turn."""
    noise = np.random.default_rng(material.seed + 1)
    pool = songs(replace(material, seed=material.seed + 2), 3 * count)
    found = []
    for index in range(count):
        first, second, third = pool[3 * index : 3 * index + 3]
        lengths = noise.uniform(32.0, 75.0, 3)
        group = ("key change", "tempo change", "medley")[index % 3]
        if group == "key change":
            step = int(noise.choice([1, 2, 3, -2, 5]))
            tonic = TONICS[(TONICS.index(first.piece.tonic) + step) % 12]
            parts = (first, replace(first, piece=replace(first.piece, tonic=tonic)))
        elif group == "tempo change":
            low, high = first.groove.tempo_range
            factor = float(noise.choice([0.75, 0.84, 1.2, 1.35]))
            bpm = first.bpm * (factor if low <= first.bpm * factor <= high else 1 / factor)
            quick = replace(first.piece, tempo_bpm=round(bpm * first.groove.grid, 2))
            parts = (first, replace(first, piece=quick), first)
        else:
            parts = (first, second, third)
        found.append(Medley(group, tuple(zip(parts, map(float, lengths), strict=False))))
    return tuple(found)


def play(recipe: Song | Medley) -> Recording:
    """Renders a song or a medley."""
    if isinstance(recipe, Song):
        single = _play(recipe)
        known = Section(0.0, len(single) / RATE, recipe.bpm, recipe.key)
        return Recording(recipe.groove.group, single, (known,))
    clock, parts, known_parts = 0.0, [], []
    for song, seconds in recipe.songs:
        verse = frame_and_verse(song.piece)[1]
        enough = replace(song.piece, verses=max(1, int(np.ceil((seconds + 10) / verse))))
        single = _play(replace(song, piece=enough))
        beats = round(seconds * song.bpm / 60)  # cut at a beat
        single = single[: round((LEAD_IN + beats * 60 / song.bpm) * RATE)]
        parts.append(single)
        known_parts.append(Section(clock, clock + len(single) / RATE, song.bpm, song.key))
        clock += len(single) / RATE
    return Recording(recipe.group, np.concatenate(parts), tuple(known_parts))


def _play(song: Song) -> Mono:
    arranged = _moved(arrange(song.piece), song)
    samples = mix(
        arranged.parts,
        arranged.seconds,
        room_s=song.piece.style.room_s,
        fade_s=2.0,
        seed=song.piece.seed,
        tuning_hz=song.piece.tuning_hz,
    )
    return worn(samples.mean(axis=0), song.condition, song.piece.seed)


def _moved(arranged: Arrangement, song: Song) -> Arrangement:
    """With every note moved to where a swung, drifting beat has it."""
    beat_s = 60.0 / song.bpm
    phrase = 32.0 / (1 + song.piece.seed % 3)

    def moved(start: float) -> float:
        beat = max(start - LEAD_IN, 0.0) / beat_s
        whole, share = int(beat), beat - int(beat)
        half = share / 0.5 * song.swing if share < 0.5 else None
        rest = song.swing + (share - 0.5) / 0.5 * (1 - song.swing)
        beat = whole + (rest if half is None else half)
        return LEAD_IN + beat_s * (beat + song.drift * np.sin(2 * np.pi * beat / phrase))

    parts = tuple(
        replace(
            part, notes=tuple(replace(n, start_s=max(moved(n.start_s), 0.0)) for n in part.notes)
        )
        for part in arranged.parts
    )
    return replace(arranged, parts=parts)


def worn(single: Mono, condition: str, seed: int) -> Mono:
    """What is left of a recording after a condition of `CONDITIONS`."""
    from scipy.signal import butter, sosfilt

    noise = np.random.default_rng(seed)
    if condition == "noise":  # pink, 12 dB below the music
        spectrum = np.fft.rfft(noise.standard_normal(len(single)))
        spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 20.0))
        hiss = np.fft.irfft(spectrum, len(single))
        single = single + hiss * (single.std() / hiss.std() * 10 ** (-12 / 20))
    elif condition == "hall":  # twice as loud as what comes straight
        single = single + 2.0 * reverb(single, 3.0, seed)[0]
    elif condition == "small speaker":
        band = butter(3, [250.0, 4000.0], "bandpass", fs=RATE, output="sos")
        single = sosfilt(band, single)
    elif condition == "mp3":
        single = _mp3(single)
    return (0.5 * single / max(float(np.abs(single).max()), 1e-9)).astype(np.float32)


def _mp3(single: Mono) -> Mono:
    """Through an MP3 at the lowest constant bit rate libsndfile offers for the rate."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(
        file,
        single,
        RATE,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=0.99,
        bitrate_mode="CONSTANT",
    )
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


DEGREES = ("i", "ii", "iii", "iv", "v", "vi", "vii")


def tune(
    mode: str, groove: Groove, progressions: tuple[str, str], noise: np.random.Generator
) -> Melody:
    """A tune of sixteen bars: the first progression twice, the second twice.

    Beats that a rhythm accents take tones of the chord, the others go by step. Each half says its
    first four bars again, so that there is something to remember.
    """
    notes: list[str] = []
    chords: list[str] = []
    place = int(noise.integers(0, 5))
    for text in progressions:
        bars = []
        for symbol in text.split():
            bar, place = _bar(symbol, mode, groove, place, noise)
            bars.append(bar)
        notes += bars * 2
        chords += text.split() * 2
    return Melody(
        title="made up",
        composer="",
        year="",
        source="",
        mode=mode,
        beats_per_bar=groove.size,
        tempo_range=groove.tempo_range,
        centre=65,
        notes=" | ".join(notes),
        chords=" | ".join(chords),
    )


def _bar(
    symbol: str, mode: str, groove: Groove, place: int, noise: np.random.Generator
) -> tuple[str, int]:
    flat = symbol.startswith("b")
    root = DEGREES.index(symbol.strip("b7").lower())
    tones = {(root + third) % 7 for third in (0, 2, 4)}
    rhythm = groove.rhythms[int(noise.integers(len(groove.rhythms)))]
    found, clock = [], 0.0
    for beats in rhythm:
        if clock % groove.grid == 0 or beats >= groove.grid:
            near = sorted((n for n in range(-3, 9) if n % 7 in tones), key=lambda n: abs(n - place))
            place = near[int(noise.integers(min(3, len(near))))]
        else:
            place = int(np.clip(place + noise.choice([-1, 1]), -3, 8))
        degree, octave = place % 7 + 1, place // 7
        raised = mode == "minor" and degree == 7 and symbol in ("V", "V7")
        lowered = flat and degree == 7
        mark = "'" * octave if octave > 0 else "," * -octave
        found.append(f"{'#' if raised else 'b' if lowered else ''}{degree}{mark}:{beats:g}")
        clock += beats
    return " ".join(found), place


def windows(recording: Recording, seconds: float = 30.0) -> Iterator[tuple[float, float, Section]]:
    """(start, end, what is known) of every whole window of a recording."""
    for index in range(int(len(recording.single) / RATE // seconds)):
        start, end = index * seconds, (index + 1) * seconds
        yield start, end, recording.known(start, end)
