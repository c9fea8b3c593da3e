"""How the songs of `music.py` are played: patterns, metres and tempi, in sets.

Patterns are those of `datasets/demo/styles.py`: two characters a step of the grid. A beat is `grid`
steps: 1 (characters are eighths), 2 (sixteenths) or 3 (sixteenths of a dotted quarter).
"""

from dataclasses import dataclass

from styles import Style


@dataclass(frozen=True, slots=True)
class Groove:
    """A style with what the demo's styles leave open."""

    group: str
    """Under which its results are told apart."""
    style: Style
    size: int
    """Steps of the grid in a bar."""
    grid: int
    """Steps of the grid in a beat that is counted."""
    tempo_range: tuple[float, float]
    """Counted beats a minute."""
    rhythms: tuple[tuple[float, ...], ...]
    """Bars of the tune: lengths in steps of the grid."""
    drums: float = 1.0
    """Share of the songs that have drums."""
    swing: float = 0.5
    drift: tuple[float, float] = (0.0, 0.12)
    """How far players without drums lean from the beat, at least and at most, in beats."""


def style(
    size: int,
    *,
    leads: tuple[str, str],
    comp: tuple[str, int, str],
    bass: tuple[str, int, str],
    kit: dict[str, str] | None = None,
    pad: str | None = None,
    room_s: float = 1.2,
    sevenths: bool = False,
) -> Style:
    """A style that has patterns for one size of bar: (timbre, lowest pitch, pattern)."""
    return Style(
        name="",
        genre="",
        moods={},
        leads=leads,
        lead_octave=0,
        comp=comp[0],
        comp_low=comp[1],
        comp_patterns={size: (comp[2], comp[2])},
        bass=bass[0],
        bass_low=bass[1],
        bass_patterns={size: (bass[2], bass[2])},
        pad=pad,
        kit={size: kit} if kit else {},
        room_s=room_s,
        sevenths=sevenths,
    )


QUARTERS = ((1, 1, 1, 1), (2, 1, 1), (1, 1, 2), (1.5, 0.5, 1, 1), (1, 0.5, 0.5, 2), (3, 1))
PUSHED = ((1.5, 1.5, 1), (0.5, 1, 0.5, 1, 1), (1, 1.5, 1.5), (1.5, 0.5, 1.5, 0.5))
WALTZ = ((1, 1, 1), (2, 1), (1.5, 0.5, 1), (3,))
SIXTEENTHS = ((2, 1, 1, 2, 2), (1.5, 1.5, 1, 2, 2), (3, 1, 1, 1, 2), (1, 1, 2, 1.5, 1.5, 1))
COMPOUND = ((3, 3), (2, 1, 2, 1), (1, 1, 1, 3), (2, 1, 3))
LONG = ((4,), (2, 2), (3, 1))

PRACTICE_GROOVES: tuple[Groove, ...] = (
    Groove(
        "straight",
        style(
            4,
            leads=("synth lead", "electric piano"),
            comp=("electric piano", 55, ".x.x.x.x"),
            bass=("electric bass", 31, "rorororo"),
            kit={"kick": "X.X.X.X.", "snare": "..X...X.", "open hat": ".x.x.x.x"},
            pad="synth pad",
        ),
        4,
        1,
        (100, 140),
        QUARTERS,
    ),
    Groove(
        "off-beat",
        style(
            8,
            leads=("organ", "flute"),
            comp=("guitar", 52, "..x...x...x...x."),
            bass=("electric bass", 31, "r-----r-r---f-r-"),
            kit={"kick": "........X.......", "rim": "........X.......", "hat": "x.o.x.o.x.o.x.oo"},
        ),
        8,
        2,
        (62, 92),
        SIXTEENTHS,
    ),
    Groove(
        "sixteenths",
        style(
            8,
            leads=("electric piano", "synth lead"),
            comp=("electric piano", 53, "x---..x---x-..x-"),
            bass=("electric bass", 31, "r..r..r.r..r..o."),
            kit={
                "kick": "X.....X.X.......",
                "snare": "....X.......X...",
                "hat": "xoxoxoxoxoxoxoxo",
            },
            sevenths=True,
        ),
        8,
        2,
        (60, 112),
        SIXTEENTHS,
    ),
    Groove(
        "three-four",
        style(
            3,
            leads=("violin", "flute"),
            comp=("piano", 50, "..x-x-"),
            bass=("pizzicato", 38, "r-----"),
            kit={"kick": "X.....", "brush": "..x.x."},
        ),
        3,
        1,
        (80, 185),
        WALTZ,
        drums=0.5,
    ),
    Groove(
        "six-eight",
        style(
            6,
            leads=("flute", "violin"),
            comp=("guitar", 50, "x---x-x---x-"),
            bass=("pizzicato", 38, "r-----r-----"),
            kit={"kick": "X...........", "snare": "......x.....", "hat": "x.o.o.x.o.o."},
        ),
        6,
        3,
        (60, 125),
        COMPOUND,
        drums=0.6,
    ),
    Groove(
        "few notes",
        style(
            4,
            leads=("piano", "violin"),
            comp=("piano", 48, "x-------"),
            bass=("piano", 36, "r-------"),
            pad="strings",
            room_s=2.0,
        ),
        4,
        1,
        (58, 100),
        LONG + QUARTERS,
    ),
    Groove(
        "swing",
        style(
            4,
            leads=("guitar", "piano"),
            comp=("piano", 50, "..x...x."),
            bass=("pizzicato", 36, "r-f-o-f-"),
            kit={"hat": "x.xxx.xx", "rim": "..o...o."},
            sevenths=True,
        ),
        4,
        1,
        (90, 190),
        QUARTERS,
        swing=0.64,
    ),
    Groove(
        "no drums",
        style(
            4,
            leads=("guitar", "flute"),
            comp=("guitar", 48, "0-1-2-1-"),
            bass=("guitar", 40, "r---f---"),
        ),
        4,
        1,
        (66, 130),
        QUARTERS,
    ),
)

SECOND_GROOVES: tuple[Groove, ...] = (
    Groove(
        "straight",
        style(
            4,
            leads=("electric guitar", "organ"),
            comp=("electric guitar", 45, "xxxxxxxx"),
            bass=("electric bass", 31, "rrrrrrrr"),
            kit={
                "kick": "X.x.X.x.",
                "snare": "..X...X.",
                "hat": "x.x.x.x.",
                "open hat": "......x.",
            },
            room_s=0.8,
        ),
        4,
        1,
        (110, 185),
        QUARTERS + PUSHED,
    ),
    Groove(
        "straight",
        style(
            4,
            leads=("synth lead", "bell"),
            comp=("synth lead", 55, "0.2.1.2."),
            bass=("electric bass", 31, ".r.r.r.r"),
            kit={"kick": "X.X.X.X.", "brush": "..X...X.", "shaker": "oxoxoxox"},
            pad="synth pad",
        ),
        4,
        1,
        (116, 136),
        PUSHED,
    ),
    Groove(
        "off-beat",
        style(
            4,
            leads=("organ", "electric guitar"),
            comp=("organ", 55, ".x.x.x.x"),
            bass=("electric bass", 31, "r.f.r.o."),
            kit={"kick": "X...X...", "rim": "..X...X.", "hat": ".x.x.x.x"},
        ),
        4,
        1,
        (90, 180),
        QUARTERS,
    ),
    Groove(
        "clave",
        style(
            8,
            leads=("flute", "guitar"),
            comp=("guitar", 52, "x-.x-.x-..x-.x-."),
            bass=("pizzicato", 36, "r-.fr-.fr-.fr-.f"),
            kit={
                "rim": "x..x..x...x..x..",
                "kick": "X..XX..XX..XX..X",
                "shaker": "xoxoxoxoxoxoxoxo",
            },
            sevenths=True,
        ),
        8,
        1,
        (110, 170),
        ((1.5, 1.5, 2, 1.5, 1.5), (3, 1, 1.5, 2.5), (2, 2, 1.5, 1.5, 1)),
    ),
    Groove(
        "sixteenths",
        style(
            8,
            leads=("synth lead", "electric piano"),
            comp=("electric piano", 55, "..x-..x-..x-..x-"),
            bass=("electric bass", 31, "r-----r-r---o-r-"),
            kit={
                "kick": "X...X...X...X...",
                "snare": "...x..x....x..x.",
                "hat": "o.o.o.o.o.o.o.o.",
            },
        ),
        8,
        2,
        (78, 115),
        SIXTEENTHS,
    ),
    Groove(
        "sixteenths",
        style(
            8,
            leads=("piano", "violin"),
            comp=("piano", 48, "0213021302130213"),
            bass=("electric bass", 31, "r-------r---f---"),
            kit={
                "kick": "X.....x.X.....x.",
                "snare": "....X.......X...",
                "hat": "x.x.x.x.x.x.x.x.",
            },
            pad="strings",
            room_s=1.7,
        ),
        8,
        2,
        (55, 88),
        SIXTEENTHS,
        drums=0.5,
    ),
    Groove(
        "three-four",
        style(
            3,
            leads=("flute", "organ"),
            comp=("organ", 53, "..x.x."),
            bass=("organ", 41, "r.f.f."),
            kit={"kick": "X.....", "snare": "..x.o.", "hat": "x.x.x."},
        ),
        3,
        1,
        (84, 188),
        WALTZ,
        drums=0.5,
    ),
    Groove(
        "six-eight",
        style(
            6,
            leads=("electric guitar", "organ"),
            comp=("electric piano", 50, "x.x.x.x.x.x."),
            bass=("electric bass", 31, "r---o-r---f-"),
            kit={"kick": "X...x.......", "snare": "......X.....", "hat": "x.x.x.x.x.x."},
        ),
        6,
        3,
        (55, 115),
        COMPOUND,
        drums=0.7,
    ),
    Groove(
        "few notes",
        style(
            4,
            leads=("violin", "strings"),
            comp=("strings", 50, "x---x---"),
            bass=("pizzicato", 38, "r-------"),
            room_s=2.4,
        ),
        4,
        1,
        (55, 96),
        LONG + QUARTERS,
    ),
    Groove(
        "swing",
        style(
            4,
            leads=("electric guitar", "piano"),
            comp=("piano", 52, "...x..x."),
            bass=("pizzicato", 36, "r-f-r-f-"),
            kit={"hat": "x.xxx.xx", "kick": "X...X...", "brush": "..X...X."},
            sevenths=True,
        ),
        4,
        1,
        (80, 190),
        QUARTERS + PUSHED,
        swing=0.667,
    ),
    Groove(
        "no drums",
        style(
            4,
            leads=("koto", "shakuhachi"),
            comp=("koto", 50, "0-2.1-2."),
            bass=("koto", 38, "r---r---"),
            room_s=1.5,
        ),
        4,
        1,
        (60, 126),
        QUARTERS,
    ),
    Groove(
        "no drums",
        style(
            8,
            leads=("bell", "music box"),
            comp=("music box", 60, "0.1.2.1.3.1.2.1."),
            bass=("music box", 48, "r-------r-------"),
            pad="synth pad",
        ),
        8,
        1,
        (70, 150),
        ((2, 2, 1, 1, 2), (3, 1, 2, 2), (1, 1, 2, 4)),
    ),
)
