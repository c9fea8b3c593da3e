"""A dataset that someone or something has damaged: the next build mends it, or says what to do."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import rig

from curate import api, jsonio
from curate.building.catalog import locked
from curate.errors import CurateError

pytestmark = pytest.mark.integration

TRACKS = 4


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    for number in range(TRACKS):
        rig.song(folder / f"music/{number}.flac", number, 4.5)
    rig.here(rig.recipe(folder, {"A": ["music/*.flac"]}))
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A built dataset of its own, whose paths are right."""
    home = tmp_path / "home"
    shutil.copytree(template, home)
    rig.here(home / "artists.yaml")
    return home


def mended(folder: Path, wanted: dict[str, bytes]) -> int:
    """Builds; all is as it was. Returns how many tracks were worked on."""
    engine = rig.Counting()
    rig.here(folder / "artists.yaml", engine)
    assert rig.differences(rig.content(folder / "build"), wanted) == []
    assert api.validate(folder / "build", deep=True).ok
    return len(engine.jobs)


def clip(out: Path) -> Path:
    return min((out / "audio/a").glob("2-*/*_chunk001.flac"))


def unlink_track(out: Path) -> None:
    shutil.rmtree(clip(out).parent)


def link_away(path: Path, where: str) -> None:
    path.unlink()
    path.symlink_to(where)


def fold(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGED_CLIPS: dict[str, Callable[[Path], object]] = {
    "deleted": lambda out: clip(out).unlink(),
    "emptied": lambda out: clip(out).write_bytes(b""),
    "cut off": lambda out: os.truncate(clip(out), 1000),
    "appended to": lambda out: clip(out).open("ab").write(b"x"),
    "dangling link": lambda out: link_away(clip(out), "nowhere"),
    "track folder deleted": unlink_track,
    "linked away": lambda out: link_away(clip(out), "/dev/null"),
}

DAMAGED_TEXT: dict[str, Callable[[Path], object]] = {
    "sidecar deleted": lambda out: clip(out).with_suffix(".json").unlink(),
    "sidecar edited": lambda out: clip(out).with_suffix(".json").write_text("{}"),
    "sidecar cut off": lambda out: os.truncate(clip(out).with_suffix(".json"), 10),
    "all sidecars deleted": lambda out: [p.unlink() for p in out.glob("audio/*/*/*.json")],
    "manifest deleted": lambda out: (out / "manifests/train/data.jsonl").unlink(),
    "manifest emptied": lambda out: (out / "manifests/train/data.jsonl").write_bytes(b""),
    "manifest edited": lambda out: (out / "manifests/test/data.jsonl").write_text("nonsense\n"),
    "manifests deleted": lambda out: shutil.rmtree(out / "manifests"),
    "tracks.jsonl edited": lambda out: (out / "tracks.jsonl").write_text("nonsense\n"),
    "rejected.jsonl deleted": lambda out: (out / "rejected.jsonl").unlink(),
    "dset.yaml edited": lambda out: (out / "dset.yaml").write_text("x: [\n"),
    "build.json is no JSON": lambda out: (out / "build.json").write_text("{"),
    "build.json of another kind": lambda out: (out / "build.json").write_text('{"name": 1}'),
    "build.json is binary": lambda out: (out / "build.json").write_bytes(b"\xff\x00\xfe"),
    "build.json deleted": lambda out: (out / "build.json").unlink(),
    "datasheet deleted": lambda out: (out / "DATASHEET.md").unlink(),
    "left by a killed build": lambda out: (
        clip(out).with_name(f".{clip(out).name}.4711.partial").write_text("half")
    ),
}


@pytest.mark.parametrize("how", DAMAGED_CLIPS)
def test_damaged_clip_is_made_again(folder: Path, how: str) -> None:
    wanted = rig.content(folder / "build")
    DAMAGED_CLIPS[how](folder / "build")
    assert mended(folder, wanted) == 1


@pytest.mark.parametrize("how", DAMAGED_TEXT)
def test_damaged_text_is_written_again(folder: Path, how: str) -> None:
    wanted = rig.content(folder / "build")
    DAMAGED_TEXT[how](folder / "build")
    assert mended(folder, wanted) == 0
    assert not list((folder / "build").rglob("*.partial"))


def test_all_audio_deleted(folder: Path) -> None:
    wanted = rig.content(folder / "build")
    shutil.rmtree(folder / "build/audio")
    assert mended(folder, wanted) == TRACKS


def test_catalog_deleted(folder: Path) -> None:
    wanted = rig.content(folder / "build")
    (folder / "build/catalog.sqlite").unlink()
    assert mended(folder, wanted) == TRACKS


def test_folder_where_a_clip_should_be_is_named(folder: Path) -> None:
    fold(clip(folder / "build"))
    with pytest.raises(CurateError, match="chunk001"):
        rig.here(folder / "artists.yaml")
    clip(folder / "build").rmdir()
    rig.here(folder / "artists.yaml")
    assert api.validate(folder / "build", deep=True).ok


@pytest.mark.parametrize("kind", ["garbage", "text", "start", "half", "zeros inside", "no tables"])
def test_broken_catalog_is_named_or_mended(folder: Path, kind: str) -> None:
    path = folder / "build/catalog.sqlite"
    wanted = rig.content(folder / "build")
    data = path.read_bytes()
    path.write_bytes(
        {
            "garbage": os.urandom(20_000),
            "text": b"not a database\n" * 1000,
            "start": data[:100],
            "half": data[: len(data) // 2],
            "zeros inside": data[:4096] + bytes(len(data) - 4096),
            "no tables": b"",
        }[kind]
    )
    for look in (api.plan, rig.here):
        try:
            look(folder / "artists.yaml")
        except CurateError as error:
            assert str(path) in str(error)  # noqa: PT017
    done = rig.curate("status", folder / "build")
    assert "Traceback" not in done.stderr
    path.unlink(missing_ok=True)
    mended(folder, wanted)


def test_catalog_of_a_later_version_is_left_alone(folder: Path) -> None:
    import sqlite3

    path = folder / "build/catalog.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    for look in (api.plan, rig.here):
        with pytest.raises(CurateError, match="another version"):
            look(folder / "artists.yaml")
    assert path.read_bytes() == before


def test_full_disk_stops_the_build_and_blames_no_track(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same as in test_resume, where no small disk can be had: the third clip does not fit."""
    wanted = rig.content(folder / "build")
    shutil.rmtree(folder / "build")
    real, clips = jsonio.write_atomically, 0

    def full(path: Path | str, data: bytes, **options: bool) -> None:
        nonlocal clips
        clips += str(path).endswith(".flac")
        if clips >= 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        real(path, data, **options)

    with monkeypatch.context() as patched:
        patched.setattr(jsonio, "write_atomically", full)
        for _ in range(4):
            with pytest.raises(CurateError, match="No space left"):
                rig.here(folder / "artists.yaml")
    assert mended(folder, wanted) == TRACKS - 1


@pytest.mark.parametrize("place", ["build", "build/audio/a", "."])
def test_read_only_folder_is_told(folder: Path, place: str) -> None:
    rig.song(folder / "music/new.flac", 99)
    if place == ".":
        shutil.rmtree(folder / "build")
    before = rig.snapshot(folder)
    (folder / place).chmod(0o555)
    try:
        arguments = ("build", "--artists", folder / "artists.yaml", "--jobs", "1")
        done = rig.curate(*arguments, preexec_fn=rig.without_privileges)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "Permission denied" in done.stderr or "readonly" in done.stderr
        assert str(folder / place).removesuffix("/.") in done.stderr
        assert "Traceback" not in done.stderr
        for verb in ("status", "validate"):
            if place == "build":
                done = rig.curate(verb, folder / "build", preexec_fn=rig.without_privileges)
                assert done.returncode == 0, done.stderr
    finally:
        (folder / place).chmod(0o755)
    if place in {"build", "."}:
        assert rig.snapshot(folder) == before
    assert rig.here(folder / "artists.yaml").counts.tracks == TRACKS + 1


def test_relocate_waits_for_no_build(folder: Path) -> None:
    with locked(folder / "build"), pytest.raises(CurateError, match="another build"):
        api.relocate(folder / "build")


def test_relocate_of_what_is_no_dataset_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(CurateError, match=r"no build\.json"):
        api.relocate(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_file_that_vanishes_or_changes_while_it_is_worked_on(folder: Path) -> None:
    """What happens between the listing and the decoding is told, and mended by the next build."""
    for seed, name in enumerate(("gone", "emptied", "pipe", "other")):
        rig.song(folder / f"music/{name}.flac", 50 + seed, 4.5)

    def meddle(job: object) -> None:
        path: Path = job.path  # type: ignore[attr-defined]
        if path.stem == "gone":
            path.unlink()
        elif path.stem == "emptied":
            path.write_bytes(b"")
        elif path.stem == "other":
            rig.song(path, 4711, 4.5)
        elif path.stem == "pipe":
            path.unlink()
            os.mkfifo(path)

    rig.here(folder / "artists.yaml", rig.Counting(before=meddle))
    about = {row["uri"]: row["code"] for row in rig.rejected(folder / "build")}
    assert about.keys() == {f"music/{name}.flac" for name in ("gone", "emptied", "pipe")}
    assert set(about.values()) <= {"missing", "unreadable", "empty_file", "not_a_file"}
    for seed, name in enumerate(("gone", "emptied", "pipe")):
        (folder / f"music/{name}.flac").unlink(missing_ok=True)
        rig.song(folder / f"music/{name}.flac", 50 + seed, 4.5)
    rig.here(folder / "artists.yaml")
    assert not rig.rejected(folder / "build")
    assert len(rig.tracks(folder / "build")) == TRACKS + 4
    for uri, row in rig.tracks(folder / "build").items():
        assert row["sha256"] == sha256(folder / uri)


def test_status_of_a_half_built_folder(folder: Path) -> None:
    for path in (folder / "build").glob("*.json*"):
        path.unlink()
    done = rig.curate("status", "--json", folder / "build")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["build"] is None


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
