"""Odd places for files, odd surroundings for the command, and links that lead anywhere."""

import json
import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import rig

from curate import api
from curate.errors import CurateError

pytestmark = pytest.mark.integration

NAMES = (
    "[brackets]",
    "star * and ?",
    "100% #1 & more",
    "new\nline",
    "夜に 駆ける 😀",
    "quote ' and \" and \\",
    "${HOME} ${x:y}",
    "-dash",
    "~tilde",
    "a,b:c;d=e",
    "http:",
)


def uris(folder: Path) -> list[str]:
    return sorted(rig.tracks(folder / "build"))


@pytest.mark.parametrize("name", NAMES)
def test_any_folder_will_do(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    rig.song(folder / "a" / name / "1.flac", 1)
    rig.song(folder / "b" / "2.flac", 2)
    artists = rig.recipe(folder, {"A": ["a/**/*.flac"], "B": ["b"]})
    out = tmp_path / "out" / name
    assert rig.here(artists, out=out).counts.tracks == 2
    report = api.validate(out, deep=True)
    assert report.ok, report.findings
    assert len(list(api.load(out))) == 4
    assert api.relocate(out) == 4
    engine = rig.Counting()
    rig.here(artists, engine, out=out)
    assert engine.jobs == []


@pytest.mark.parametrize("out", [".", "music", "music/deep/er", "build"])
@pytest.mark.parametrize("entry", ["**/*", ".", "music", "**", "./music/../**/*.flac"])
def test_own_clips_are_no_sources(tmp_path: Path, out: str, entry: str) -> None:
    rig.song(tmp_path / "music/audio/1.flac", 1)
    rig.song(tmp_path / "music/deep/2.flac", 2)
    artists = rig.recipe(tmp_path, {"A": [entry]})
    for _ in range(2):
        assert rig.here(artists, out=tmp_path / out).counts.tracks == 2
        assert sorted(rig.tracks(tmp_path / out)) == ["music/audio/1.flac", "music/deep/2.flac"]
        assert not rig.rejected(tmp_path / out)
    other = tmp_path / "elsewhere"  # another dataset of the same sources finds no clips either
    assert rig.here(artists, out=other).counts.listed == 2


def test_links_in_circles_end(tmp_path: Path) -> None:
    rig.song(tmp_path / "music/deep/1.flac", 1)
    for name in ("one", "two", "three"):
        (tmp_path / "music" / name).symlink_to(tmp_path / "music")
        (tmp_path / "music/deep" / name).symlink_to("..")
    (tmp_path / "music/itself").symlink_to("itself")
    entries = ["music/**/*.flac", "music", "music/**", "**/*.flac", "music/*/*.flac"]
    rig.here(rig.recipe(tmp_path, {"A": entries[:4]}))
    assert uris(tmp_path) == ["music/deep/1.flac"]
    assert not rig.rejected(tmp_path / "build")


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    rig.song(tmp_path / "disk/1.flac", 1)
    rig.song(tmp_path / "music/real/2.flac", 2)
    (tmp_path / "music/a link").symlink_to(tmp_path / "disk")
    (tmp_path / "music/b link").symlink_to(tmp_path / "disk")
    (tmp_path / "music/a alias").symlink_to("real")
    for entry in ("music", "music/**/*.flac"):
        rig.here(rig.recipe(tmp_path, {"A": [entry]}))
        assert uris(tmp_path) == ["music/a link/1.flac", "music/real/2.flac"]


def test_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    rig.song(tmp_path / "music/open/1.flac", 1)
    rig.song(tmp_path / "music/shut/2.flac", 2)
    rig.song(tmp_path / "shut/3.flac", 3)
    (tmp_path / "list.m3u").write_text("music/open/1.flac\n")
    shut = [tmp_path / name for name in ("music/shut", "shut", "list.m3u")]
    rig.recipe(
        tmp_path,
        {"A": ["music"], "B": ["music/**/*.flac"], "C": ["shut/3.flac"], "D": ["list.m3u"]},
    )
    for path in shut:
        path.chmod(0)
    try:
        rig.build(tmp_path / "artists.yaml", preexec_fn=rig.without_privileges)
    finally:
        for path in shut:
            path.chmod(0o755)
    about = {(row["artist"], row["code"]) for row in rig.rejected(tmp_path / "build")}
    assert about == {("A", "unreadable"), ("B", "listed_twice"), ("B", "unreadable")} | {
        ("C", "unreadable"),
        ("D", "unreadable"),
    }
    assert uris(tmp_path) == ["music/open/1.flac"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_match_in_any_normalisation(tmp_path: Path, form: str) -> None:
    """A Mac writes `が` as two characters, an editor as one."""
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    rig.song(tmp_path / unicodedata.normalize(form, "ガガガ/が.flac"), 1)
    rig.song(tmp_path / unicodedata.normalize(form, "ガガガ/ぎ.flac"), 2)
    rig.song(tmp_path / unicodedata.normalize(form, "ドラゴン/ぐ.flac"), 3)
    entries = ["ガガガ/が.flac", "ガガガ/*ぎ.flac", "ドラゴン"]
    rig.here(rig.recipe(tmp_path, {"A": [unicodedata.normalize(other, e) for e in entries]}))
    assert len(uris(tmp_path)) == 3
    assert not rig.rejected(tmp_path / "build")


def test_recipe_behind_a_link_counts_from_the_link(tmp_path: Path) -> None:
    rig.song(tmp_path / "here/1.flac", 1)
    real = rig.recipe(tmp_path / "there", {"A": ["*.flac"]})
    link = tmp_path / "here/artists.yaml"
    link.symlink_to(real)
    result = rig.here(link)
    assert result.out == tmp_path / "here/build"
    assert result.counts.tracks == 1


def test_artists_that_look_alike_stay_apart(tmp_path: Path) -> None:
    names = ["A!", "A?", "a", "..", "/", "con", "\u202ea", "x" * 200, "Ａ", "😀", "😁"]
    for number, _ in enumerate(names):
        rig.song(tmp_path / f"{number}/same.flac", number)
    files = {name: [f"{number}/same.flac"] for number, name in enumerate(names)}
    assert rig.here(rig.recipe(tmp_path, files)).counts.tracks == len(names)
    assert api.validate(tmp_path / "build", deep=True).ok
    assert all(path.is_relative_to(tmp_path / "build") for path in rig.walk(tmp_path / "build"))
    artists = {line["artist"] for lines in rig.clips(tmp_path / "build").values() for line in lines}
    assert artists == set(names)


def test_place_that_is_no_text_is_refused(tmp_path: Path) -> None:
    artists = rig.recipe(tmp_path, {"A": ["1.flac"]})
    with pytest.raises(CurateError, match="UTF-8"):
        rig.here(artists, out=tmp_path / os.fsdecode(b"caf\xe9"))


def test_sources_in_a_folder_that_is_no_text(tmp_path: Path) -> None:
    home = tmp_path / os.fsdecode(b"caf\xe9")
    rig.song(tmp_path / "good" / "1.flac", 1)
    (tmp_path / "good").rename(home)
    artists = rig.recipe(home, {"A": ["*.flac"]})
    assert rig.here(artists, out=tmp_path / "out").counts.tracks == 1
    (row,) = rig.tracks(tmp_path / "out").values()
    assert row["title"] == "1"


@pytest.fixture(scope="module")
def japanese(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with nothing to do, full of names that a terminal may not know."""
    folder = tmp_path_factory.mktemp("家")
    rig.song(folder / "夜/夜に駆ける.flac", 1)
    rig.song(folder / "夜/群青 😀.flac", 2)
    rig.here(rig.recipe(folder, {"YOASOBI（ヨアソビ）": ["夜/*.flac", "無い/*.flac"]}))
    return folder


SURROUNDINGS: dict[str, dict[str, str | None]] = {
    "C": {"LC_ALL": "C", "LANG": None},
    "ascii output": {"PYTHONIOENCODING": "ascii"},
    "latin-1 output": {"PYTHONIOENCODING": "latin-1:strict"},
    "no HOME": {"HOME": None, "USER": None, "LOGNAME": None},
    "no PATH": {"PATH": None},
    "far east": {"TZ": "Asia/Tokyo", "LC_ALL": "ja_JP.UTF-8"},
    "odd TZ": {"TZ": "nonsense/+99"},
    "narrow": {"TERM": None, "COLUMNS": "1", "LINES": "1"},
    "loud": {"FORCE_COLOR": "1", "COLUMNS": "20"},
    "optimised": {"PYTHONOPTIMIZE": "2"},
    "warnings are errors": {"PYTHONWARNINGS": "error::DeprecationWarning"},
}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_surroundings(japanese: Path, name: str) -> None:
    env = rig.environment(**SURROUNDINGS[name])
    before = rig.times(japanese / "build")
    for arguments in (("build", "--artists", japanese / "artists.yaml"),):
        done = subprocess.run(
            rig.command(*arguments), env=env, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        assert b"Traceback" not in done.stderr
    assert rig.times(japanese / "build") == before


def test_locale_without_utf8_is_told(japanese: Path) -> None:
    env = rig.environment(LC_ALL="POSIX", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    done = rig.curate("build", "--artists", japanese / "artists.yaml", env=env)
    assert done.returncode == 2
    assert "PYTHONUTF8=1" in done.stderr


def test_private_files_stay_private(tmp_path: Path) -> None:
    rig.song(tmp_path / "夜/夜に駆ける.flac", 1)
    artists = rig.recipe(tmp_path, {"幾田りら": ["夜"]})
    rig.build(artists, env=rig.environment(LC_ALL="C", LANG=None), umask=0o077)
    assert api.validate(tmp_path / "build", deep=True).ok
    assert {path.stat().st_mode & 0o77 for path in rig.walk(tmp_path / "build")} == {0}


def test_working_folder_that_is_gone(japanese: Path, tmp_path: Path) -> None:
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    gone = tmp_path / "gone"
    gone.mkdir()
    arguments = rig.command("build", "--artists", japanese / "artists.yaml")
    done = subprocess.run(
        ["sh", "-c", script, "sh", str(gone), *arguments],
        env=rig.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "| head -c 1", ">/dev/full"]
)
def test_closed_streams(japanese: Path, closed: str) -> None:
    command = " ".join(
        f"'{part}'" for part in rig.command("build", "--artists", japanese / "artists.yaml")
    )
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} {closed}"],
        env=rig.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode in ({0} if "full" not in closed else {0, 1, 2}), done.stderr


def test_relative_paths_count_from_the_working_folder(japanese: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(japanese, home)
    for cwd, artists, out in (
        (home, "artists.yaml", "build"),
        (home / "夜", "../artists.yaml", ""),
    ):
        arguments = ["build", "--artists", artists, *(["--out", out] if out else [])]
        done = rig.curate(*arguments, cwd=cwd)
        assert done.returncode == 0, done.stderr
        line = rig.rows(home / "build/tracks.jsonl")[0]
        assert line["uri"].startswith("夜/")
    assert not (home / "夜/build").exists()
    info = json.loads((home / "build/build.json").read_text("utf-8"))
    assert info["counts"]["tracks"] == 2


def test_help_needs_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "curate.cli", "--help"],
        env={"PYTHONPATH": str(rig.ROOT), "LC_ALL": "C"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0
    assert "curate build" in done.stdout
