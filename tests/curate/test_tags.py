"""Tags of every container, in any script, with many values, and hostile ones."""

from collections.abc import Callable
from pathlib import Path

import mutagen
import mutagen.aiff
import mutagen.flac
import mutagen.id3 as id3
import mutagen.mp3
import mutagen.mp4
import mutagen.oggopus
import mutagen.oggvorbis
import mutagen.wave
import numpy as np
import pytest
import sounds

from curate.labels import tags
from curate.records import Label, Tags

LICENCE = "https://creativecommons.org/licenses/by/4.0/"

ALL = Tags(
    title="夜に駆ける",
    artists=("YOASOBI", "幾田りら"),
    album="THE BOOK",
    year=2019,
    isrc="JPAB11912345",
    genres=("J-Pop", "ロック"),
    moods=("切ない", "dark"),
    instruments=("piano", "ギター"),
    bpm=130.0,
    key="C minor",
    licence=LICENCE,
)

ID3 = {
    "mp3": mutagen.mp3.MP3,
    "wav": mutagen.wave.WAVE,
    "aiff": mutagen.aiff.AIFF,
}
VORBIS = {
    "flac": mutagen.flac.FLAC,
    "ogg": mutagen.oggvorbis.OggVorbis,
    "opus": mutagen.oggopus.OggOpus,
}

COMMENTS = {
    "TITLE": ["夜に駆ける"],
    "ARTIST": ["YOASOBI", "幾田りら"],
    "ALBUM": ["THE BOOK"],
    "DATE": ["2019-12-15"],
    "ISRC": ["JP-AB1-19-12345"],
    "GENRE": ["J-Pop", "ロック"],
    "MOOD": ["切ない", "dark"],
    "INSTRUMENT": ["piano", "ギター"],
    "BPM": ["130"],
    "INITIALKEY": ["Cm"],
    "LICENSE": [LICENCE],
}


@pytest.fixture
def silent(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a file of this kind without any tags."""
    frames = np.zeros((4800, 1), np.float32)
    return lambda kind: sounds.save(tmp_path / f"a.{kind}", frames, 48000)


def frames() -> list[id3.Frame]:
    players = [["piano", "Ayase"], ["ギター", "X"], ["producer", "P"], ["Engineer", "E"]]
    return [
        id3.TIT2(encoding=1, text=["夜に駆ける"]),
        id3.TPE1(encoding=1, text=["YOASOBI", "幾田りら"]),
        id3.TALB(encoding=1, text=["THE BOOK"]),
        id3.TDRC(encoding=0, text=["2019-12-15"]),
        id3.TSRC(encoding=0, text=["JP-AB1-19-12345"]),
        id3.TCON(encoding=1, text=["J-Pop", "ロック"]),
        id3.TMOO(encoding=1, text=["切ない", "dark"]),
        id3.TMCL(encoding=1, people=players),
        id3.TBPM(encoding=0, text=["130"]),
        id3.TKEY(encoding=0, text=["Cm"]),
        id3.WCOP(url=LICENCE),
    ]


def write_id3(path: Path, made: list[id3.Frame], version: int = 4) -> Path:
    file = ID3[path.suffix[1:]](path)
    file.add_tags()
    for frame in made:
        file.tags.add(frame)
    if version == 3:
        file.tags.update_to_v23()
    file.save(v2_version=version, v23_sep="; ")
    return path


def write_comments(path: Path, comments: dict[str, list[str]]) -> Path:
    file = VORBIS[path.suffix[1:]](path)
    file.update(comments)
    file.save()
    return path


# --- containers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ID3)
def test_id3v24_is_read(silent: Callable[[str], Path], kind: str) -> None:
    assert tags.read(write_id3(silent(kind), frames())) == ALL


@pytest.mark.parametrize("kind", ID3)
def test_id3v23_is_read(silent: Callable[[str], Path], kind: str) -> None:
    """It has no lists, so they are written with a separator, and no frame for moods."""
    made = [frame for frame in frames() if frame.FrameID != "TMOO"]
    made.append(id3.TXXX(encoding=1, desc="MOOD", text=["切ない; dark"]))
    assert tags.read(write_id3(silent(kind), made, version=3)) == ALL


@pytest.mark.parametrize("kind", VORBIS)
def test_vorbis_comments_are_read(silent: Callable[[str], Path], kind: str) -> None:
    assert tags.read(write_comments(silent(kind), COMMENTS)) == ALL


def test_mp4_atoms_are_read(silent: Callable[[str], Path]) -> None:
    file = mutagen.mp4.MP4(silent("m4a"))
    atoms = {"\xa9nam": "TITLE", "\xa9ART": "ARTIST", "\xa9alb": "ALBUM", "\xa9day": "DATE"}
    atoms["\xa9gen"] = "GENRE"
    for atom, name in atoms.items():
        file[atom] = COMMENTS[name]
    file["tmpo"] = [130]
    for name in ("ISRC", "MOOD", "INSTRUMENT", "initialkey", "LICENSE"):
        file[f"----:com.apple.iTunes:{name}"] = [v.encode() for v in COMMENTS[name.upper()]]
    file.save()
    assert tags.read(Path(file.filename)) == ALL


def test_the_names_that_taggers_use_are_known(silent: Callable[[str], Path]) -> None:
    comments = {"ARTISTS": ["A", "B"], "ARTIST": ["A feat. B"], "originaldate": ["1973"]}
    comments |= {"DATE": ["2011"], "tempo": ["99,5"], "style": ["city pop"]}
    found = tags.read(write_comments(silent("flac"), comments))
    assert found == Tags(artists=("A", "B"), year=1973, bpm=99.5, genres=("city pop",))


def test_free_id3_fields_join_the_frames(silent: Callable[[str], Path]) -> None:
    made: list[id3.Frame] = [id3.TXXX(encoding=3, desc="Instrument", text=["三味線"])]
    made += [
        id3.TXXX(encoding=3, desc="LICENSE", text=["CC0"]),
        id3.TCON(encoding=0, text=["(17)"]),
    ]
    found = tags.read(write_id3(silent("mp3"), made))
    assert found == Tags(instruments=("三味線",), licence="CC0", genres=("Rock",))


# --- cleaning -----------------------------------------------------------------------------------


def test_values_are_cleaned(silent: Callable[[str], Path]) -> None:
    hostile = {
        "TITLE": [" a\x1b[31m\u202e\n\tカ\u3099 "],
        "ARTIST": ["x" * 5000, "; ;", " / "],
        "GENRE": ["Rock; Pop", "Jazz / Fusion", "rock", "AC/DC"],
        "MOOD": ["", "  "],
        "BPM": ["nan"],
        "DATE": ["0000"],
        "ISRC": ["none"],
        "KEY": ["H"],
    }
    found = tags.read(write_comments(silent("flac"), hostile))
    assert found == Tags(
        title="a [31m ガ",
        artists=("x" * 500,),
        genres=("Rock", "Pop", "Jazz", "Fusion", "AC/DC"),
    )


def test_a_file_without_tags_has_none(silent: Callable[[str], Path]) -> None:
    for kind in sounds.FORMATS:
        assert tags.read(silent(kind)) == Tags(), kind


def test_what_is_no_audio_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    for data in (b"", b"words", b"ID3\x04\x00\x00\x00\x00\x0f\x7f" + b"\xff" * 3000, bytes(9000)):
        path.write_bytes(data)
        assert tags.read(path) == Tags()


def test_tags_that_break_the_reader_cost_nothing(
    silent: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path) -> None:
        raise IndexError("a bug of the library's")

    path = write_comments(silent("flac"), COMMENTS)
    monkeypatch.setattr(mutagen, "File", broken)
    assert tags.read(path) == Tags()


def test_damaged_tags_never_raise(silent: Callable[[str], Path]) -> None:
    path = write_id3(silent("mp3"), frames())
    data = path.read_bytes()
    draw = np.random.default_rng(3)
    for _ in range(200):
        broken = bytearray(data)
        for place in draw.integers(0, 600, 5):
            broken[place] = draw.integers(256)
        path.write_bytes(broken)
        assert isinstance(tags.read(path), Tags)


# --- single values ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Am", "A minor"),
        ("A", "A major"),
        ("a minor", "A minor"),
        ("Amin", "A minor"),
        ("A moll", "A minor"),
        ("AM", "A major"),
        ("C dur", "C major"),
        ("C:maj", "C major"),
        ("C-minor", "C minor"),
        ("F\u266f major", "F# major"),
        ("F# Major", "F# major"),
        ("bb", "Bb major"),
        ("B\u266d minor", "Bb minor"),
        ("Bbm", "Bb minor"),
        ("Db", "C# major"),
        ("D#m", "Eb minor"),
        ("Gb", "F# major"),
        ("G#", "Ab major"),
        ("A#m", "Bb minor"),
        ("Cb", "B major"),
        ("B#", "C major"),
        ("E#m", "F minor"),
        ("Fb", "E major"),
        (" Dm ", "D minor"),
        ("o", None),
        ("8A", None),
        ("H", None),
        ("Es", None),
        ("Cmaj7", None),
        ("C dorian", None),
        ("", None),
        (None, None),
    ],
)
def test_keys_are_named_as_essentia_names_them(text: str | None, name: str | None) -> None:
    assert tags.key_name(text) == name


def test_every_spelling_of_a_tonic_is_one_of_twelve() -> None:
    spelt = {tags.key_name(letter + sign) for letter in "ABCDEFG" for sign in ("", "#", "b")}
    assert spelt == {f"{pitch} major" for pitch in sounds.PITCHES}


@pytest.mark.parametrize(
    ("comment", "field", "value"),
    [
        ({"BPM": ["128"]}, "bpm", 128.0),
        ({"BPM": ["127,98"]}, "bpm", 127.98),
        ({"BPM": ["20"]}, "bpm", 20.0),
        ({"BPM": ["400"]}, "bpm", 400.0),
        ({"BPM": ["19.9"]}, "bpm", None),
        ({"BPM": ["400.1"]}, "bpm", None),
        ({"BPM": ["0"]}, "bpm", None),
        ({"BPM": ["1e9"]}, "bpm", None),
        ({"BPM": ["inf"]}, "bpm", None),
        ({"BPM": ["fast"]}, "bpm", None),
        ({"DATE": ["2019"]}, "year", 2019),
        ({"DATE": ["20191215"]}, "year", 2019),
        ({"DATE": ["15.12.2019"]}, "year", None),
        ({"DATE": ["9999"]}, "year", None),
        ({"ISRC": ["jpab1 19 12345"]}, "isrc", "JPAB11912345"),
        ({"ISRC": ["JPAB1191234"]}, "isrc", None),
        ({"LICENCE": ["CC BY 4.0"]}, "licence", "CC BY 4.0"),
    ],
)
def test_single_values_are_typed_or_left_out(
    silent: Callable[[str], Path], comment: dict[str, list[str]], field: str, value: object
) -> None:
    assert getattr(tags.read(write_comments(silent("ogg"), comment)), field) == value


# --- labels -------------------------------------------------------------------------------------


def test_tags_become_labels_in_a_fixed_order() -> None:
    assert tags.labels(ALL) == (
        Label("genre", "J-Pop", "tag"),
        Label("genre", "ロック", "tag"),
        Label("mood", "切ない", "tag"),
        Label("mood", "dark", "tag"),
        Label("instrument", "piano", "tag"),
        Label("instrument", "ギター", "tag"),
        Label("key", "C minor", "tag"),
        Label("tempo", 130.0, "tag"),
        Label("year", 2019.0, "tag"),
    )
    assert tags.labels(Tags(title="x", artists=("y",), album="z")) == ()
