"""What is played: the demo's songs, and the variants on which label accuracy is measured."""

from dataclasses import dataclass, replace

import tunes
from arrange import TONICS, Piece, frame_and_verse
from melodies import Melody
from styles import (
    CHAMBER_STRINGS,
    CITY_POP,
    FOLK,
    KOTO_DUO,
    MUSIC_BOX,
    PIANO_BALLAD,
    ROCK,
    STYLES,
    Style,
)

SAKURA_KOTO = "さくら箏合奏団"
KOJO_STRINGS = "Kojo Chamber Strings"
TSUKIYO_SYNTH = "月夜シンセ"
HARBOR_TRIO = "Harbor Lights Trio"
CLOCKWORK = "オルゴール工房 Clockwork"


@dataclass(frozen=True, slots=True)
class Song:
    """A file of the demo."""

    artist: str
    album: str
    title: str
    year: int
    piece: Piece
    extension: str = "flac"
    sample_rate: int = 44100
    note: str = ""
    """Why this file is there, if it is not plain music."""


def _piece(
    melody: Melody, tonic: str, bpm: float, style: Style, seed: int, *, drums: bool = False
) -> Piece:
    return Piece(melody, tonic, bpm, style, drums, 102.0, seed)


_MOMIJI = _piece(tunes.MOMIJI, "F", 92, CHAMBER_STRINGS, 14)
_JINGLE = Piece(tunes.HANA, "C", 120, CITY_POP, True, 0.0, 33, verses=0)

SONGS: tuple[Song, ...] = (
    Song(
        SAKURA_KOTO,
        "四季の箏 Seasons for Koto",
        tunes.SAKURA.title,
        2021,
        _piece(tunes.SAKURA, "A", 72, KOTO_DUO, 11),
    ),
    Song(
        SAKURA_KOTO,
        "四季の箏 Seasons for Koto",
        tunes.HARU_NO_OGAWA.title,
        2021,
        _piece(tunes.HARU_NO_OGAWA, "D", 100, KOTO_DUO, 12, drums=True),
    ),
    Song(
        KOJO_STRINGS,
        "Moon over the Ruined Castle",
        tunes.KOJO_NO_TSUKI.title,
        2019,
        _piece(tunes.KOJO_NO_TSUKI, "B", 66, CHAMBER_STRINGS, 13),
    ),
    Song(
        KOJO_STRINGS,
        "Moon over the Ruined Castle",
        tunes.MOMIJI.title,
        2019,
        _MOMIJI,
    ),
    Song(
        KOJO_STRINGS,
        "Moon over the Ruined Castle",
        tunes.MINUET_IN_G.title,
        2019,
        _piece(tunes.MINUET_IN_G, "G", 126, CHAMBER_STRINGS, 15),
        "wav",
        48000,
    ),
    Song(
        TSUKIYO_SYNTH,
        "Neon 隅田川",
        tunes.HANA.title,
        2023,
        _piece(tunes.HANA, "Ab", 118, CITY_POP, 16, drums=True),
    ),
    Song(
        TSUKIYO_SYNTH,
        "Neon 隅田川",
        tunes.KOROBEINIKI.title,
        2023,
        _piece(tunes.KOROBEINIKI, "C#", 168, ROCK, 17, drums=True),
        "mp3",
    ),
    Song(
        HARBOR_TRIO,
        "港の灯 Harbor Lights",
        tunes.FURUSATO.title,
        2020,
        _piece(tunes.FURUSATO, "Eb", 84, PIANO_BALLAD, 18),
    ),
    Song(
        HARBOR_TRIO,
        "港の灯 Harbor Lights",
        tunes.GREENSLEEVES.title,
        2020,
        _piece(tunes.GREENSLEEVES, "E", 112, FOLK, 19),
        "ogg",
    ),
    Song(
        CLOCKWORK,
        "おやすみ時計",
        tunes.OBOROZUKIYO.title,
        2022,
        _piece(tunes.OBOROZUKIYO, "E", 76, MUSIC_BOX, 20),
    ),
    Song(
        CLOCKWORK,
        "おやすみ時計",
        tunes.HOTARU_NO_HIKARI.title,
        2022,
        _piece(tunes.HOTARU_NO_HIKARI, "Bb", 108, MUSIC_BOX, 21, drums=True),
    ),
    Song(
        TSUKIYO_SYNTH,
        "Neon 隅田川",
        "ジングル (Jingle)",
        2023,
        _JINGLE,
        note="12 s: too short for a 30 s chunk, the build rejects it",
    ),
    Song(
        HARBOR_TRIO,
        "Guest Recordings",
        "Momiji - Autumn Leaves",
        2020,
        _MOMIJI,
        "mp3",
        note="the same recording as 紅葉 (Momiji): the build rejects it as a duplicate",
    ),
)

BENCH_COUNT = 64
BENCH_SECONDS = 74.0
"""Length aimed at; whole verses come within about 20 s of it."""
TUNINGS = (440.0, 442.0, 440.0, 437.0, 443.0)
"""Frequencies of A4 in turn: orchestras of today, and instruments that were not tuned to them."""


def _tempo(index: int) -> float:
    """64 tempi from 60 to 180, evenly spaced on a logarithmic scale."""
    return round(60.0 * 3.0 ** (index / (BENCH_COUNT - 1)), 1)


def bench_pieces() -> tuple[Piece, ...]:
    """64 variants of about 60-90 s with known key and tempo.

    Tempi rise evenly from 60 to 180; tonics go round by steps of five semitones, modes alternate,
    styles go round, half of each with drums. A tune is taken from those of the mode in whose range
    the tempo lies, least used first.
    """
    used = dict.fromkeys(tunes.TUNES, 0)
    found = []
    for index in range(BENCH_COUNT):
        bpm = _tempo(index)
        mode = ("major", "minor")[index % 2]
        fits = [
            t for t in tunes.TUNES if t.mode == mode and t.tempo_range[0] <= bpm <= t.tempo_range[1]
        ]
        melody = min(fits, key=lambda t: used[t])
        used[melody] += 1
        which = (index * 3 + index // 8) % len(STYLES)
        tonic = TONICS[(index // 2 * 5 + index % 2 * 3) % 12]
        drums = (index // 16 + which) % 2 == 0
        piece = Piece(
            melody, tonic, bpm, STYLES[which], drums, 0.0, 1000 + index, TUNINGS[index % 5]
        )
        frame, verse = frame_and_verse(piece)
        verses = max(1, round((BENCH_SECONDS - frame) / verse))
        found.append(replace(piece, verses=verses))
    return tuple(found)
