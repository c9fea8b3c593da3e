"""The styles of arrangement: which instruments play, in which patterns, and how it is tagged.

Patterns. One character an eighth note, one string a bar, for four-four (8) and three-four (6):
``.`` rest, ``-`` the last note goes on; in accompaniments a digit is that tone of the current chord
counted upwards and ``x`` the whole chord; in basses ``r`` root, ``f`` fifth, ``o`` root an octave
up; in drums ``X`` accented, ``x`` normal, ``o`` soft. Accompaniment and bass come as (slow, fast):
eighths would rush at high tempi, and quarters would leave a slow tune bare.
"""

from dataclasses import dataclass

FAST_BPM = 116.0
"""Above this tempo the second pattern of each pair is played."""

Patterns = dict[int, tuple[str, str]]
"""Beats in a bar -> (slow, fast)."""
Kit = dict[int, dict[str, str]]
"""Beats in a bar -> drum -> pattern."""


@dataclass(frozen=True, slots=True)
class Style:
    """A way to arrange any melody."""

    name: str
    genre: str
    moods: dict[str, tuple[str, ...]]
    """Mode -> moods."""
    leads: tuple[str, ...]
    """Timbres of the melody; verses take turns."""
    lead_octave: int
    comp: str
    comp_low: int
    """MIDI pitch from which chord tones are counted upwards."""
    comp_patterns: Patterns
    bass: str
    bass_low: int
    """Roots lie in the octave upwards from this MIDI pitch."""
    bass_patterns: Patterns
    pad: str | None
    kit: Kit
    room_s: float
    """Reverberation time in seconds."""
    rubato_s: float = 0.0
    """How far players without drums lean from the beat within a phrase of four bars."""
    sevenths: bool = False
    """Whether the accompaniment adds the diatonic seventh to every chord."""


INSTRUMENT_NAMES: dict[str, str] = {
    "guitar": "acoustic guitar",
    "pizzicato": "cello",
    "electric bass": "bass guitar",
    "synth pad": "synthesizer",
    "synth lead": "synthesizer",
}
"""Timbre -> name of the instrument in tags, where they differ."""

_SOFT = ("calm", "peaceful", "gentle")
_SAD = ("melancholic", "nostalgic", "calm")

KOTO_DUO = Style(
    name="koto duo",
    genre="Japanese traditional",
    moods={"major": ("peaceful", "elegant"), "minor": ("melancholic", "elegant")},
    leads=("koto", "shakuhachi"),
    lead_octave=0,
    comp="koto",
    comp_low=50,
    comp_patterns={4: ("01213121", "0-2-1-2-"), 3: ("012121", "0-2-1-")},
    bass="koto",
    bass_low=38,
    bass_patterns={4: ("r---f---", "r---f---"), 3: ("r-----", "r-----")},
    pad=None,
    kit={
        4: {"taiko": "X...o.x.", "rim": "..x...x."},
        3: {"taiko": "X.....", "rim": "..x.x."},
    },
    room_s=1.6,
    rubato_s=0.03,
)

CHAMBER_STRINGS = Style(
    name="chamber strings",
    genre="classical",
    moods={"major": ("warm", "romantic"), "minor": ("melancholic", "dramatic")},
    leads=("violin", "strings"),
    lead_octave=0,
    comp="strings",
    comp_low=52,
    comp_patterns={4: ("x-x-x-x-", "x-x-x-x-"), 3: ("..x-x-", "..x-x-")},
    bass="pizzicato",
    bass_low=38,
    bass_patterns={4: ("r-f-o-f-", "r-r-f-f-"), 3: ("r-f-f-", "r-f-f-")},
    pad="strings",
    kit={4: {"tom": "X.......", "brush": "..o...o."}, 3: {"tom": "X.....", "brush": "..o.o."}},
    room_s=2.2,
    rubato_s=0.03,
)

PIANO_BALLAD = Style(
    name="piano ballad",
    genre="ballad",
    moods={"major": ("romantic", "calm"), "minor": _SAD},
    leads=("piano", "violin"),
    lead_octave=0,
    comp="piano",
    comp_low=48,
    comp_patterns={4: ("02134312", "x-2-x-2-"), 3: ("012312", "..x-x-")},
    bass="piano",
    bass_low=36,
    bass_patterns={4: ("r---r---", "r---f---"), 3: ("r-----", "r-----")},
    pad="strings",
    kit={
        4: {"kick": "X...x...", "brush": "..x...x.", "hat": "oooooooo"},
        3: {"kick": "X.....", "brush": "..x.x.", "hat": "o.o.o."},
    },
    room_s=1.8,
    rubato_s=0.04,
)

CITY_POP = Style(
    name="city pop",
    genre="city pop",
    moods={"major": ("happy", "energetic"), "minor": ("nostalgic", "groovy")},
    leads=("synth lead", "electric piano"),
    lead_octave=0,
    comp="electric piano",
    comp_low=55,
    comp_patterns={4: ("x-.xx-.x", "x-.xx-.x"), 3: ("x-.xx-", "x-x-x-")},
    bass="electric bass",
    bass_low=31,
    bass_patterns={4: ("r.or.orf", "r-o-r-o-"), 3: ("r.or.f", "r-o-o-")},
    pad="synth pad",
    kit={
        4: {"kick": "X.x.X.x.", "snare": "..X...X.", "hat": "oxoxoxox"},
        3: {"kick": "X.x.x.", "snare": "..x.x.", "hat": "oxoxox"},
    },
    room_s=1.1,
    sevenths=True,
)

ROCK = Style(
    name="rock",
    genre="rock",
    moods={"major": ("energetic", "uplifting"), "minor": ("energetic", "intense")},
    leads=("electric guitar", "organ"),
    lead_octave=0,
    comp="electric guitar",
    comp_low=45,
    comp_patterns={4: ("x-x-x-xx", "x-x-x-x-"), 3: ("x-x-xx", "x-x-x-")},
    bass="electric bass",
    bass_low=31,
    bass_patterns={4: ("rrrrrrrr", "r-r-r-r-"), 3: ("rrrrrr", "r-r-r-")},
    pad="organ",
    kit={
        4: {"kick": "X...X.x.", "snare": "..X...X.", "hat": "xoxoxoxo"},
        3: {"kick": "X.....", "snare": "..x.x.", "hat": "xoxoxo"},
    },
    room_s=0.9,
)

FOLK = Style(
    name="folk guitar",
    genre="folk",
    moods={"major": ("warm", "happy"), "minor": ("nostalgic", "wistful")},
    leads=("flute", "guitar"),
    lead_octave=12,
    comp="guitar",
    comp_low=48,
    comp_patterns={4: ("x-x-x-xx", "x-x-x-x-"), 3: ("0-x-x-", "0-x-x-")},
    bass="guitar",
    bass_low=40,
    bass_patterns={4: ("r---f---", "r-.-f-.-"), 3: ("r-----", "r-----")},
    pad=None,
    kit={
        4: {"kick": "X...x...", "rim": "..x...x.", "shaker": "oxoxoxox"},
        3: {"kick": "X.....", "rim": "..x.x.", "shaker": "o.x.x."},
    },
    room_s=1.2,
    rubato_s=0.02,
)

MUSIC_BOX = Style(
    name="music box",
    genre="lullaby",
    moods={"major": _SOFT, "minor": ("dreamy", "nostalgic")},
    leads=("music box", "bell"),
    lead_octave=12,
    comp="music box",
    comp_low=60,
    comp_patterns={4: ("0-1-2-1-", "0-1-2-1-"), 3: ("0-1-2-", "0-1-2-")},
    bass="music box",
    bass_low=48,
    bass_patterns={4: ("r---r---", "r---r---"), 3: ("r-----", "r-----")},
    pad="synth pad",
    kit={
        4: {"rim": "o...o...", "shaker": "x.o.x.o."},
        3: {"rim": "o.....", "shaker": "x.o.o."},
    },
    room_s=1.8,
)

STREET_ORGAN = Style(
    name="street organ",
    genre="folk",
    moods={"major": ("happy", "playful"), "minor": ("playful", "dark")},
    leads=("organ", "flute"),
    lead_octave=0,
    comp="organ",
    comp_low=53,
    comp_patterns={4: (".x.x.x.x", "..x...x."), 3: ("..x.x.", "..x.x.")},
    bass="organ",
    bass_low=41,
    bass_patterns={4: ("r.f.r.f.", "r.-.f.-."), 3: ("r.....", "r.....")},
    pad=None,
    kit={
        4: {"kick": "X...X...", "snare": "..x...x.", "hat": "o.o.o.o."},
        3: {"kick": "X.....", "snare": "..x.x."},
    },
    room_s=1.3,
)

STYLES: tuple[Style, ...] = (
    KOTO_DUO,
    CHAMBER_STRINGS,
    PIANO_BALLAD,
    CITY_POP,
    ROCK,
    FOLK,
    MUSIC_BOX,
    STREET_ORGAN,
)
