"""A build over everything that can be wrong with its input: it finishes, and says what it left out.

One build serves all cases: good tracks, odd names and broken files lie side by side.
"""

import json
import os
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brokenfiles
import mutagen.flac
import mutagen.id3
import pytest
import rig

from curate.sources import files

pytestmark = pytest.mark.integration

BYTES_NAME = os.fsdecode(b"latin \xe9\xff.flac")
TWINS = ("caf\u00e9.flac", "cafe\u0301.flac")
HOSTILE_TAGS = {
    "up.flac": "../../../../escaped",
    "root.flac": "/etc/passwd",
    "long.flac": "あ" * 100,
    "longer.flac": "x" * 3_000_000,
    "lines.flac": "one\ntwo\r\nthree\x00four\x1b[2J",
    "override.flac": "\u202eevil",
    "dots.flac": "..",
    "blank.flac": " \t ",
}


@dataclass(frozen=True)
class Built:
    folder: Path
    out: Path
    said: str
    before: dict[str, tuple[object, ...]]

    def codes(self, name: str) -> list[str]:
        return [row["code"] for row in self.rejections(name)]

    def rejections(self, name: str) -> list[dict[str, Any]]:
        return [row for row in rig.rejected(self.out) if row["uri"].split("/")[-1] == name]

    def tracks(self, name: str) -> list[dict[str, Any]]:
        found = rig.tracks(self.out).items()
        return [row for uri, row in found if uri.split("/")[-1] == name]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("around") / "broken [2024] #1 100%"
    folder.mkdir()
    broken, odd, tagged, twice = (folder / n for n in ("broken", "odd", "tagged", "twice"))
    for each in (broken, odd, tagged, twice):
        each.mkdir()
    for name, (make, _) in brokenfiles.BROKEN.items():
        make(broken / name)
    for name in (*brokenfiles.NAMES, *TWINS, BYTES_NAME):
        rig.song(odd / "x.flac", brokenfiles.number(Path(name))).rename(odd / name)
    for name, title in HOSTILE_TAGS.items():
        file = mutagen.flac.FLAC(rig.song(tagged / name, brokenfiles.number(Path(name))))
        file["title"], file["artist"], file["genre"] = title, title[:1000], title[:1000]
        file.save()
    _copies(twice)
    artists = rig.recipe(
        folder,
        {
            "Broken": ["broken"],
            "Odd": ["odd", "odd/*.flac", "odd/plain.flac"],
            "../../../Tagged\u2044..": ["tagged/*"],
            "Twice": ["twice/**/*"],
            "Again": ["odd/plain.flac"],
            "Gone": ["nothing/*.flac", "~nobody-of-this-name/*.mp3", "gone.mp3", "n" * 300],
            "Listed": _playlists(folder),
        },
        split={"valid": 0.2, "test": 0.2},
    )
    out = folder / "build"
    before = rig.snapshot(folder.parent, without=out)
    said = rig.build(artists, preexec_fn=rig.without_privileges)
    return Built(folder, out, said, before)


def _copies(folder: Path) -> None:
    first = rig.song(folder / "first.flac", 77, 20.0)
    shutil.copy(first, folder / "copy.flac")
    os.link(first, folder / "hard.flac")
    (folder / "soft.flac").symlink_to(first)
    short = rig.song(folder / "short.flac", 78, 2.5)
    shutil.copy(short, folder / "short copy.flac")


def _playlists(folder: Path) -> list[str]:
    lists = folder / "lists"
    lists.mkdir()
    for number in range(4):
        rig.song(lists / f"song {number} é.flac", 900 + number)
    lines = [
        "#EXTM3U",
        "#EXTINF:4,someone - song",
        "song 0 é.flac",
        "../lists/song 1 é.flac",
        str(lists / "song 2 é.flac"),
        "",
        "   ",
        "https://example.invalid/stream.mp3",
        "C:\\Music\\song.mp3",
        "~nobody-of-this-name/song.mp3",
        "../../../../../../etc/hostname-that-is-not",
        "null\0byte.mp3",
        "l" * 5000,
        "/dev/zero",
        "..",
    ]
    (lists / "crlf.m3u8").write_bytes("\ufeff".encode() + "\r\n".join(lines).encode())
    (lists / "old.m3u").write_bytes("song 3 é.flac\n".encode("latin-1"))
    (lists / "binary.m3u").write_bytes(bytes(range(256)) * 20)
    return ["lists/crlf.m3u8", "lists/*.m3u"]


@pytest.mark.parametrize("name", brokenfiles.BROKEN)
def test_broken_file_is_rejected_with_a_reason(built: Built, name: str) -> None:
    found = built.rejections(name)
    assert [row["code"] in brokenfiles.BROKEN[name][1] for row in found] == [True], found
    (row,) = found
    assert row["artist"] == "Broken"
    assert Path(name).stem in row["reason"], row
    assert "please report" not in row["reason"]
    assert not built.tracks(name)


@pytest.mark.parametrize("name", brokenfiles.NAMES)
def test_odd_name_is_in_the_dataset(built: Built, name: str) -> None:
    (track,) = built.tracks(name)
    assert track["chunks"] == 2
    assert not [c for c in built.codes(name) if c != "listed_twice"]
    assert track["title"].strip()
    assert track["title"].isprintable() or "\u202e" in track["title"] or "\u200d" in track["title"]


def test_name_that_is_not_utf8_is_used_or_rejected(built: Built) -> None:
    shown = "latin"
    listed = [row for row in rig.tracks(built.out).values() if row["title"].startswith(shown)]
    assert listed or [r for r in rig.rejected(built.out) if r["title"].startswith(shown)]


def test_names_that_differ_in_normalisation_are_never_lost(built: Built) -> None:
    for name in TWINS:
        assert built.tracks(name) or built.codes(name) == ["listed_twice"]
    assert any(built.tracks(name) for name in TWINS)


@pytest.mark.parametrize("name", HOSTILE_TAGS)
def test_hostile_tags_do_no_harm(built: Built, name: str) -> None:
    (track,) = built.tracks(name)
    assert track["chunks"] == 2
    assert track["title"].strip()
    assert len(track["title"]) <= 500
    assert not any(unicodedata.category(c) in {"Cc", "Cs"} for c in track["title"])


def test_copies_are_found_out(built: Built) -> None:
    kept = [name for name in ("first", "copy", "hard", "soft") if built.tracks(f"{name}.flac")]
    assert len(kept) == 1
    for name in {"first", "copy", "hard", "soft"} - set(kept):
        assert built.codes(f"{name}.flac") == ["duplicate"]


def test_copies_too_short_for_a_fingerprint_are_found_out_by_their_bytes(built: Built) -> None:
    assert [bool(built.tracks(n)) for n in ("short.flac", "short copy.flac")].count(True) == 1


def test_file_under_two_artists_is_rejected_once(built: Built) -> None:
    (row,) = built.rejections("plain.flac")
    assert (row["code"], row["artist"]) == ("listed_twice", "Again")
    assert "Odd" in row["reason"]


def test_entries_that_match_nothing_are_named(built: Built) -> None:
    rows = [row for row in rig.rejected(built.out) if row["artist"] == "Gone"]
    assert len(rows) == 4
    assert {row["code"] for row in rows} <= {"missing", "unreadable"}


def test_playlists_in_every_dress(built: Built) -> None:
    used = sorted(uri for uri in rig.tracks(built.out) if uri.startswith("lists/"))
    assert used == [f"lists/song {number} é.flac" for number in range(4)]
    rows = [row for row in rig.rejected(built.out) if row["artist"] == "Listed"]
    assert {row["code"] for row in rows} <= {"missing", "unreadable", "not_a_file"}
    about = json.dumps(rows, ensure_ascii=False)
    for part in ("stream.mp3", "song.mp3", "nobody-of-this-name", "byte.mp3", "/dev/zero"):
        assert part in about, part
    assert max(len(row["reason"]) for row in rows) < 2000


def test_every_file_is_accounted_for(built: Built) -> None:
    told = {row["uri"] for row in rig.rejected(built.out)} | rig.tracks(built.out).keys()
    for path in rig.walk(built.folder):
        if path.is_relative_to(built.out) or path.name.startswith(".") or path.name == BYTES_NAME:
            continue
        if path.suffix.lower() not in files.SUFFIXES:
            continue
        assert str(path.relative_to(built.folder)) in told, path
    info = json.loads((built.out / "build.json").read_text())
    counts = info["counts"]
    assert counts["listed"] == counts["tracks"] + sum(counts["rejected"].values())


def test_nothing_is_written_outside_the_dataset_or_changed(built: Built) -> None:
    assert rig.snapshot(built.folder.parent, without=built.out) == built.before
    assert not list(built.folder.parent.rglob("*/escaped*"))  # what up.flac's title points at


def test_paths_of_clips_are_safe_and_distinct(built: Built) -> None:
    lines = [line for split in rig.clips(built.out).values() for line in split]
    paths = [line["path"] for line in lines]
    assert len({unicodedata.normalize("NFKC", p).casefold() for p in paths}) == len(paths)
    for path in map(Path, paths):
        parts = path.relative_to(built.out).parts
        assert len(parts) == 4
        assert not set("".join(parts)) & set('\n\t\\:*?"<>|$`%#\x1b')
        assert all(len(os.fsencode(part)) <= 120 and not part.startswith(".") for part in parts)


def test_the_result_is_valid_to_the_last_sample(built: Built) -> None:
    done = rig.curate("validate", "--deep", "--json", built.out)
    report = json.loads(done.stdout)
    errors = [f for f in report["findings"] if f["severity"] == "error"]
    assert done.returncode == 0, errors
    assert errors == []


def test_nothing_in_the_output_can_move_the_cursor(built: Built) -> None:
    assert "\x1b" not in built.said.replace("\x1b[?25", "")  # rich hides the cursor, no more


def test_a_second_build_decodes_nothing(built: Built) -> None:
    again = rig.build(built.folder / "artists.yaml", preexec_fn=rig.without_privileges)
    assert "0 tracks (0.0 min) decoded" in again
