"""Files are listed completely, in one order on every machine, and never twice or in a circle."""

import os
import unicodedata
from pathlib import Path

import pytest

from curate.config import Artist, Config, SpotifyOptions, Table
from curate.labels import vocabulary
from curate.names import track_id
from curate.records import Rejection, Track
from curate.sources import NAMES, open_sources
from curate.sources.cache import Cache
from curate.sources.files import Files, title_of
from curate.stages import chunk


def touch(base: Path, *names: str) -> None:
    for name in names:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).touch()


def listed(base: Path, *entries: str) -> list[str]:
    """Uris of tracks; of a rejection its code and uri."""
    found = Files(base).list_tracks(Artist("YOASOBI", entries))
    return [f"{f.code} {f.uri}" if isinstance(f, Rejection) else f.uri for f in found]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    touch(
        tmp_path,
        "music/b.flac",
        "music/a/2.mp3",
        "music/a/1.MP3",
        "music/a/deep/3.ogg",
        "music/夜に.opus",
        "music/cover.jpg",
        "music/notes.txt",
        "music/.hidden.flac",
        "music/.git/x.flac",
    )
    return tmp_path


IN_MUSIC = [
    "music/a/1.MP3",
    "music/a/2.mp3",
    "music/a/deep/3.ogg",
    "music/b.flac",
    "music/夜に.opus",
]


# --- entries ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry", ["music", "music/", "./music", "music/**", "music/../music", "mus*/**"]
)
def test_a_folder_gives_all_audio_below_it_in_order(music: Path, entry: str) -> None:
    assert listed(music, entry) == IN_MUSIC


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("music/*.flac", ["music/b.flac"]),
        ("music/**/*.mp3", ["music/a/2.mp3"]),
        ("music/a/?.mp3", ["music/a/2.mp3"]),
        ("music/a/[12].*", ["music/a/1.MP3", "music/a/2.mp3"]),
        ("music/*/*.mp3", ["music/a/2.mp3"]),
        ("music/**/3.ogg", ["music/a/deep/3.ogg"]),
        ("music/b.flac", ["music/b.flac"]),
        ("music/夜に.opus", ["music/夜に.opus"]),
        ("**/*.op*", ["music/夜に.opus"]),
    ],
)
def test_a_pattern_gives_what_it_matches(music: Path, entry: str, found: list[str]) -> None:
    assert listed(music, entry) == found


def test_entries_come_in_their_order_and_no_file_twice(music: Path) -> None:
    found = listed(music, "music/b.flac", "music/a/*", "music", "music/*.flac")
    assert found == ["music/b.flac", "music/a/1.MP3", "music/a/2.mp3", *IN_MUSIC[2:3], IN_MUSIC[4]]


def test_an_absolute_entry_below_the_recipe_is_relative_in_the_dataset(music: Path) -> None:
    assert listed(music, f"{music}/music/*.flac") == ["music/b.flac"]
    assert listed(music / "music" / "a", f"{music}/music/*.flac") == [f"{music}/music/b.flac"]


def test_the_home_folder_may_be_written_as_a_tilde(
    music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(music))
    assert listed(music / "music" / "a", "~/music/*.flac") == [f"{music}/music/b.flac"]


def test_brackets_of_a_name_that_is_there_are_no_pattern(tmp_path: Path) -> None:
    touch(tmp_path, "Live [2019]/a.flac", "b [x].flac", "b x.flac", "L/a.flac")
    assert listed(tmp_path, "Live [2019]") == ["Live [2019]/a.flac"]
    assert listed(tmp_path, "b [x].flac") == ["b [x].flac"]


def test_a_file_named_in_full_counts_whatever_its_extension(tmp_path: Path) -> None:
    touch(tmp_path, "a.bin", "b")
    assert listed(tmp_path, "a.bin", "b") == ["a.bin", "b"]
    assert listed(tmp_path, "*") == ["missing *"]


@pytest.mark.parametrize("entry", ["none", "none/*.flac", "music/*.xyz", "~nobody-here"])
def test_an_entry_that_matches_nothing_is_a_rejection(music: Path, entry: str) -> None:
    (found,) = Files(music).list_tracks(Artist("YOASOBI", (entry,)))
    assert isinstance(found, Rejection)
    assert (found.stage, found.code, found.artist) == ("list", "missing", "YOASOBI")
    assert entry in found.reason
    assert "correct the entry" in found.reason


def test_a_track_that_is_named_but_not_there_is_still_listed(music: Path) -> None:
    """So that it is rejected by its own name, and found again when it is back."""
    assert listed(music, "music/gone.flac") == ["music/gone.flac"]


def test_names_match_in_either_composition(tmp_path: Path) -> None:
    touch(tmp_path, unicodedata.normalize("NFD", "ガ.flac"))
    (found,) = Files(tmp_path).list_tracks(Artist("A", (unicodedata.normalize("NFC", "ガ.flac"),)))
    assert isinstance(found, Track)
    assert Files(tmp_path).locate(found).is_file()


# --- links and folders --------------------------------------------------------------------------


def test_links_are_followed_but_not_in_a_circle(music: Path) -> None:
    (music / "music/a/deep/up").symlink_to(music / "music")
    (music / "music/a/deep/self").symlink_to(music / "music/a/deep/self")
    outside = music / "outside"
    touch(outside, "c.flac")
    (music / "music/linked").symlink_to(outside)
    assert listed(music, "music") == sorted([*IN_MUSIC, "music/linked/c.flac"])


def test_folders_and_dead_links_named_like_audio_are_listed(tmp_path: Path) -> None:
    """They are rejected later, with a reason, instead of being passed over in silence."""
    (tmp_path / "folder.mp3").mkdir()
    (tmp_path / "dead.flac").symlink_to(tmp_path / "none")
    touch(tmp_path, "folder.mp3/inside.ogg")
    assert listed(tmp_path, ".") == ["dead.flac", "folder.mp3", "folder.mp3/inside.ogg"]


def test_clips_of_a_dataset_are_no_input(tmp_path: Path) -> None:
    folder = chunk.folder(Track("46ed4a29f62f", "files", "x", "YOASOBI", "夜に駆ける"))
    clips = [f"build/{folder}/{Path(folder).name}_chunk{n}.flac" for n in ("000", "1234")]
    touch(tmp_path, *clips, "build/audio/a/song/song_chunk000.flac", "a.flac")
    assert listed(tmp_path, "**") == ["a.flac", "build/audio/a/song/song_chunk000.flac"]


def test_a_folder_that_cannot_be_read_is_a_rejection(
    music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.listdir

    def refused(folder: str) -> list[str]:
        if str(folder).endswith("/deep"):
            raise PermissionError(13, "Permission denied", folder)
        return real(folder)

    monkeypatch.setattr(os, "listdir", refused)
    wanted = [name for name in IN_MUSIC if "deep" not in name]
    assert listed(music, "music") == [*wanted, "unreadable music/a/deep"]


# --- playlists ----------------------------------------------------------------------------------


def test_a_playlist_gives_its_files_in_its_order(music: Path) -> None:
    lines = "#EXTM3U\n#EXTINF:123,YOASOBI\n../music/b.flac\r\n\n  a/2.mp3  \ngone.flac\na/1.MP3\n"
    (music / "music/list.m3u8").write_bytes(b"\xef\xbb\xbf" + lines.encode())
    found = ["music/b.flac", "music/a/2.mp3", "music/gone.flac", "music/a/1.MP3"]
    assert listed(music, "music/list.m3u8") == found
    assert listed(music, "music/*.m3u8") == found


def test_an_old_playlist_is_latin_1(tmp_path: Path) -> None:
    touch(tmp_path, "caf\u00e9.flac")
    (tmp_path / "list.m3u").write_bytes("caf\u00e9.flac\n".encode("latin-1"))
    assert listed(tmp_path, "list.m3u") == ["caf\u00e9.flac"]


def test_playlists_in_a_folder_are_passed_over(music: Path) -> None:
    (music / "music/list.m3u8").write_text("b.flac\n")
    assert listed(music, "music") == IN_MUSIC


# --- tracks -------------------------------------------------------------------------------------


def test_a_track_is_named_after_its_file(music: Path) -> None:
    files = Files(music)
    (found,) = files.list_tracks(Artist("YOASOBI", ("music/夜に.opus",)))
    uri = "music/夜に.opus"
    assert found == Track(track_id("files", uri), "files", uri, "YOASOBI", "夜に")
    assert files.locate(found) == music / uri


def test_a_track_keeps_its_id_when_the_collection_moves(tmp_path: Path) -> None:
    for base in (tmp_path / "here", tmp_path / "there"):
        touch(base, "music/a.flac")
    ids = [
        [track.id for track in Files(tmp_path / base).list_tracks(Artist("A", ("music",)))]
        for base in ("here", "there")
    ]
    assert ids[0] == ids[1]


def test_names_that_are_no_text_are_listed_and_found(tmp_path: Path) -> None:
    odd = Path(f"{tmp_path}/\udcff.flac")
    odd.touch()
    files = Files(tmp_path)
    (found,) = files.list_tracks(Artist("A", (".",)))
    assert isinstance(found, Track)
    assert (found.uri + found.title).encode()
    assert files.locate(found) == odd


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("夜に駆ける.flac", "夜に駆ける"),
        ("カ\u3099.flac", "ガ"),
        ("01  a\nb\tc.mp3", "01 a b c"),
        ("a.b.flac", "a.b"),
        ("\udcff.flac", "\ufffd"),
        (" .flac", "untitled"),
        ("x" * 250 + ".flac", "x" * 200),
    ],
)
def test_a_title_is_made_from_the_name(name: str, title: str) -> None:
    assert title_of(Path(name)) == title


def test_every_source_says_its_name(tmp_path: Path) -> None:
    table = Table("rows.csv")
    artist = Artist("A", ("m",), ("http://127.0.0.1/feed",), ("spotify:track:x",), table)
    config = Config("a", "b", (artist, Artist("B", ("m",))), spotify=SpotifyOptions(("tracks",)))
    opened = open_sources(tmp_path, config, vocabulary.load(), Cache(tmp_path / "cache"))
    assert set(opened) == set(NAMES)
    plain = Config("a", "b", (Artist("B", ("m",)),))
    assert list(open_sources(tmp_path, plain, vocabulary.load(), Cache(tmp_path))) == ["files"]
    assert all(source.name == name for name, source in opened.items())
