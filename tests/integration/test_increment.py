"""What a second build does: only what is new or changed, and nothing that is there moves."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mutagen.flac
import pytest
import rig

from curate import api
from curate.building.ledger import MAX_ATTEMPTS
from curate.building.work import Job, Known, Outcome, process, rejection
from curate.errors import AudioError

pytestmark = pytest.mark.integration

ARTISTS = {"Aoi": ["aoi/*.flac"], "Ben": ["ben/*.flac"], "Chie": ["chie/*.flac"]}
SPLIT = {"valid": 0.2, "test": 0.2}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    for artist in range(3):
        for number in range(3):
            name = f"{('aoi', 'ben', 'chie')[artist]}/{number}.flac"
            rig.song(folder / name, 10 * artist + number, 4.5)
    rig.here(rig.recipe(folder, ARTISTS, split=SPLIT))
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A copy of a built dataset and its sources, at home where it lies now."""
    home = tmp_path / "home"
    shutil.copytree(template, home)
    engine = rig.Counting()
    rig.here(home / "artists.yaml", engine)
    assert engine.jobs == []
    return home


def again(folder: Path, files: dict[str, list[str]] = ARTISTS, **options: Any) -> rig.Counting:
    """Builds once more, with another recipe if options say so."""
    if options or files is not ARTISTS:
        rig.recipe(folder, files, **({"split": SPLIT} | options))
    engine = rig.Counting()
    rig.here(folder / "artists.yaml", engine)
    return engine


def uris(engine: rig.Counting) -> list[str]:
    return sorted(job.track.uri for job in engine.jobs)


def changed(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """Files that were written, made or removed between two `rig.times`."""
    return {name for name in before | after if before.get(name) != after.get(name)}


def test_a_second_build_does_and_writes_nothing(folder: Path) -> None:
    before = rig.times(folder / "build")
    assert again(folder).jobs == []
    assert changed(before, rig.times(folder / "build")) == set()


def test_a_new_track_costs_one_decode_and_moves_nothing(folder: Path) -> None:
    before, placed = rig.times(folder / "build"), rig.splits(folder / "build")
    rig.song(folder / "ben/new.flac", 99, 4.5)
    assert uris(again(folder)) == ["ben/new.flac"]
    after = rig.splits(folder / "build")
    assert {uri: after[uri] for uri in placed} == placed
    written = changed(before, rig.times(folder / "build"))
    assert {n for n in written if n.startswith("audio/") and "/new-" not in n} == set()


def test_tracks_keep_their_split_as_a_dataset_grows(folder: Path) -> None:
    placed = rig.splits(folder / "build")
    for number in range(6):
        rig.song(folder / f"chie/more {number}.flac", 200 + number, 2.5)
        again(folder)
        after = rig.splits(folder / "build")
        assert {uri: after[uri] for uri in placed} == placed
        placed = after
    sizes = {name: len(lines) for name, lines in rig.clips(folder / "build").items()}
    assert all(0.1 < sizes[name] / sum(sizes.values()) < 0.35 for name in ("valid", "test"))


def test_a_removed_track_takes_its_clips_with_it(folder: Path) -> None:
    (folder / "aoi/1.flac").unlink()
    placed = rig.splits(folder / "build")
    assert again(folder).jobs == []
    out = folder / "build"
    assert set(rig.tracks(out)) == set(placed) - {"aoi/1.flac"}
    assert len(list((out / "audio/aoi").iterdir())) == 2
    assert api.validate(out).ok


def test_a_removed_artist_leaves_no_folder(folder: Path) -> None:
    files = {name: entries for name, entries in ARTISTS.items() if name != "Ben"}
    assert again(folder, files).jobs == []
    assert sorted(p.name for p in (folder / "build/audio").iterdir()) == ["aoi", "chie"]
    assert uris(again(folder, dict(ARTISTS))) == [f"ben/{n}.flac" for n in range(3)]


def test_files_of_others_are_never_removed(folder: Path) -> None:
    out = folder / "build"
    (track,) = (out / "audio/aoi").glob("1-*")
    mine = [track / "notes.txt", out / "audio/mine.flac", out / ".mine.partial", out / "x.partial"]
    mine += [folder / ".download.mp3.123.partial"]
    for path in mine:
        path.write_text("mine")
    (folder / "aoi/1.flac").unlink()
    again(folder)
    assert [path.read_text() for path in mine] == ["mine"] * len(mine)


def test_touching_a_file_decodes_and_writes_nothing(folder: Path) -> None:
    before = rig.times(folder / "build")
    os.utime(folder / "aoi/0.flac", (1, 1))
    assert again(folder).jobs == []
    assert changed(before, rig.times(folder / "build")) == set()


def test_a_changed_tag_touches_only_its_track(folder: Path) -> None:
    before, placed = rig.times(folder / "build"), rig.splits(folder / "build")
    file = mutagen.flac.FLAC(folder / "aoi/0.flac")
    file["genre"] = "city pop"
    file.save()
    assert uris(again(folder)) == ["aoi/0.flac"]
    written = changed(before, rig.times(folder / "build"))
    assert {name.rsplit("/", 1)[0] for name in written if name.startswith("audio/")} == {
        str(path.relative_to(folder / "build")) for path in (folder / "build/audio/aoi").glob("0-*")
    }
    assert rig.splits(folder / "build") == placed
    genres = {r["uri"]: r["tags"]["genres"] for r in rig.tracks(folder / "build").values()}
    assert genres == {uri: ["city pop"] if uri == "aoi/0.flac" else [] for uri in genres}


def test_changed_audio_is_done_again(folder: Path) -> None:
    old = rig.tracks(folder / "build")["aoi/0.flac"]
    rig.song(folder / "aoi/0.flac", 1234, 4.5)
    assert uris(again(folder)) == ["aoi/0.flac"]
    assert rig.tracks(folder / "build")["aoi/0.flac"]["sha256"] != old["sha256"]
    assert api.validate(folder / "build", deep=True).ok


def test_another_caption_seed_costs_no_audio_work(folder: Path) -> None:
    def said() -> list[str]:
        return [x["description"] for lines in rig.clips(folder / "build").values() for x in lines]

    before, texts = rig.times(folder / "build"), said()
    assert again(folder, captions={"seed": 7}).jobs == []
    written = changed(before, rig.times(folder / "build"))
    assert not [name for name in written if name.endswith(".flac")]
    assert said() != texts
    assert again(folder, captions={"seed": 0}).jobs == []
    assert said() == texts


def test_another_split_costs_no_audio_work(folder: Path) -> None:
    assert again(folder, split={"valid": 0.3, "test": 0.3, "seed": 5}).jobs == []
    assert api.validate(folder / "build").ok


def test_track_limits_are_held_against_what_is_known(folder: Path) -> None:
    loudness = {
        uri: row["inspection"]["loudness_lufs"] for uri, row in rig.tracks(folder / "build").items()
    }
    middle = sorted(loudness.values())[4]
    limits = {"track": {"min_loudness_lufs": middle}}
    assert again(folder, limits=limits).jobs == []
    quiet = {uri for uri, value in loudness.items() if value < middle}
    about = rig.rejected(folder / "build")
    assert {row["uri"] for row in about} == quiet
    assert {(row["code"], row["limit"]) for row in about} == {("too_quiet", middle)}
    assert all(row["value"] == loudness[row["uri"]] for row in about)
    back = again(folder, limits={})
    assert set(uris(back)) <= quiet  # at most their clips are made again
    assert len(rig.tracks(folder / "build")) == 9


def test_another_clip_length_cuts_anew_and_sweeps(folder: Path) -> None:
    placed = rig.splits(folder / "build")
    engine = again(folder, chunk={"seconds": 1})
    assert len(engine.jobs) == 9
    assert all(job.known.labels and job.known.inspection for job in engine.jobs)
    out = folder / "build"
    audio = [p for p in rig.walk(out / "audio") if p.suffix == ".flac"]
    assert len(audio) == 9 * 4 == sum(len(lines) for lines in rig.clips(out).values())
    assert rig.splits(out) == placed
    again(folder, chunk={"seconds": 2})
    assert len([p for p in rig.walk(out / "audio") if p.suffix == ".flac"]) == 9 * 2
    assert api.validate(out, deep=True).ok


def test_another_clip_length_tells_what_becomes_of_labels_of_clips(folder: Path) -> None:
    first = rig.here(folder / "artists.yaml")
    clip = next(path.relative_to(folder) for path in first.out.glob("audio/*/*/*_chunk000.flac"))
    (folder / "labels.csv").write_text(f"path,mood\n{clip},calm\n")
    assert rig.here(folder / "artists.yaml").notes == first.notes
    recipe = json.loads((folder / "artists.yaml").read_text()) | {"chunk": {"seconds": 1}}
    (folder / "artists.yaml").write_text(json.dumps(recipe))
    (told,) = set(rig.here(folder / "artists.yaml").notes) - set(first.notes)
    assert told.startswith(f"chunk.seconds was 2 and is 1: clip {clip} (")
    assert "labels.csv:2)" in told
    assert rig.here(folder / "artists.yaml").notes == first.notes


def test_another_format_leaves_none_of_the_old(folder: Path) -> None:
    again(folder, chunk={"seconds": 2, "format": "wav"})
    assert {p.suffix for p in rig.walk(folder / "build/audio") if p.is_file()} == {".wav", ".json"}


@pytest.fixture
def failing(folder: Path) -> Iterator[Any]:
    """Builds in which `ben/bad.flac` fails with a code, by an engine that says so."""
    rig.song(folder / "ben/bad.flac", 55, 4.5)

    def attempt(code: str) -> int:
        tried = 0

        def work(job: Job) -> Outcome:
            nonlocal tried
            if job.track.title != "bad":
                return process(job)
            tried += 1
            return Outcome(Known(), 0.0, rejection(job.track, "worker", AudioError(code, "so")))

        rig.here(folder / "artists.yaml", rig.Counting(function=work))
        (row,) = rig.rejected(folder / "build")
        assert (row["code"], row["title"]) == (code, "bad")
        return tried

    return attempt


@pytest.mark.parametrize("code", ["worker_crashed", "worker_timeout", "worker_memory"])
def test_transient_failures_are_retried_a_few_times(failing: Any, code: str) -> None:
    assert [failing(code) for _ in range(5)] == [1] * MAX_ATTEMPTS + [0] * (5 - MAX_ATTEMPTS)


def test_permanent_failures_are_not_retried(failing: Any) -> None:
    assert [failing("not_audio") for _ in range(3)] == [1, 0, 0]


def test_a_failure_is_forgotten_when_the_file_changes(failing: Any, folder: Path) -> None:
    assert failing("not_audio") == 1
    rig.song(folder / "ben/bad.flac", 56, 4.5)
    assert uris(again(folder)) == ["ben/bad.flac"]
    assert not rig.rejected(folder / "build")


def test_a_failure_is_forgotten_when_limits_change(folder: Path) -> None:
    rig.song(folder / "ben/short.flac", 55, 1.5)
    assert uris(again(folder)) == ["ben/short.flac"]
    assert again(folder).jobs == []
    engine = again(folder, limits={"track": {"min_seconds": 1}})
    assert "ben/short.flac" in uris(engine)


def test_a_limited_build_deletes_nothing(folder: Path) -> None:
    before = {p for p in rig.walk(folder / "build/audio") if p.is_file()}
    result = rig.here(folder / "artists.yaml", limit=4)
    assert result.counts.tracks == 4
    assert {p for p in rig.walk(folder / "build/audio") if p.is_file()} >= before
    assert json.loads((folder / "build/build.json").read_text())["complete"] is False
    engine = rig.Counting()
    assert rig.here(folder / "artists.yaml", engine).counts.tracks == 9
    assert engine.jobs == []


def test_a_track_whose_file_is_away_comes_back_for_nothing(folder: Path) -> None:
    files = {"Aoi": [f"aoi/{n}.flac" for n in range(3)]} | {k: ARTISTS[k] for k in ("Ben", "Chie")}
    assert again(folder, files).jobs == []
    (folder / "aoi/1.flac").rename(folder / "elsewhere")
    assert again(folder).jobs == []
    assert [row["code"] for row in rig.rejected(folder / "build")] == ["missing"]
    assert api.validate(folder / "build").ok
    (folder / "elsewhere").rename(folder / "aoi/1.flac")
    assert again(folder).jobs == []
    assert len(rig.tracks(folder / "build")) == 9


def test_an_artist_whose_disk_is_away_comes_back_for_nothing(folder: Path) -> None:
    (folder / "aoi").rename(folder / "unmounted")
    assert again(folder).jobs == []
    assert [row["code"] for row in rig.rejected(folder / "build")] == ["missing"]
    assert len(rig.tracks(folder / "build")) == 6
    assert api.validate(folder / "build").ok
    (folder / "unmounted").rename(folder / "aoi")
    assert again(folder).jobs == []
    assert len(rig.tracks(folder / "build")) == 9


def test_copies_are_dropped_or_kept_together(folder: Path) -> None:
    shutil.copy(folder / "aoi/2.flac", folder / "ben/copy.flac")
    assert uris(again(folder)) == ["ben/copy.flac"]
    out = folder / "build"
    assert [(r["code"], r["uri"]) for r in rig.rejected(out)] == [("duplicate", "ben/copy.flac")]
    assert not list((out / "audio/ben").glob("copy-*"))
    assert again(folder).jobs == []

    again(folder, dedupe="keep")
    assert not rig.rejected(out)
    placed = rig.splits(out)
    assert placed["aoi/2.flac"] == placed["ben/copy.flac"]
    found = rig.tracks(out)
    assert found["aoi/2.flac"]["group"] == found["ben/copy.flac"]["group"]

    assert again(folder, dedupe="drop").jobs == []
    assert not list((out / "audio/ben").glob("copy-*"))
    assert api.validate(out).ok


def test_the_better_copy_takes_over(folder: Path) -> None:
    """An mp3 is there first; when the lossless file comes, it stays and the mp3 goes."""
    import soundfile

    data, rate = soundfile.read(folder / "aoi/2.flac")
    (folder / "aoi/2.flac").unlink()
    soundfile.write(folder / "ben/lossy.mp3", data, rate)
    files = ARTISTS | {"Ben": ["ben/*"]}
    again(folder, files)
    assert "ben/lossy.mp3" in rig.tracks(folder / "build")
    soundfile.write(folder / "aoi/2.flac", data, rate)
    again(folder)
    assert "aoi/2.flac" in rig.tracks(folder / "build")
    assert [r["uri"] for r in rig.rejected(folder / "build")] == ["ben/lossy.mp3"]


def test_split_by_artist_counts_featured_ones(folder: Path) -> None:
    file = mutagen.flac.FLAC(folder / "aoi/0.flac")
    file["artist"] = "Aoi feat. Ben"
    file.save()
    for number in range(8):
        rig.song(folder / f"more/{number}/0.flac", 300 + number, 2.5)
    more = {f"Artist {n}": [f"more/{n}/*.flac"] for n in range(8)}
    again(folder, ARTISTS | more, split=SPLIT | {"by": "artist"})
    found = rig.tracks(folder / "build").values()
    placed: dict[str, set[str]] = {}
    for row in found:
        for name in (row["artist"], *row["featured"]):
            placed.setdefault(name, set()).add(row["split"])
    assert all(len(splits) == 1 for splits in placed.values()), placed
    assert placed["Aoi"] == placed["Ben"]
    assert {row["split"] for row in found} == {"train", "valid", "test"}
    assert api.validate(folder / "build").ok


def test_too_few_groups_are_told(folder: Path) -> None:
    rig.recipe(folder, {"Aoi": ["aoi/*.flac"]}, split=SPLIT | {"by": "artist"})
    result = rig.here(folder / "artists.yaml")
    (note,) = result.notes
    assert "1 group" in note
    assert "valid" in note
    assert "test" in note
    assert sum(bool(lines) for lines in rig.clips(folder / "build").values()) == 1


def test_three_groups_fill_three_splits(folder: Path) -> None:
    rig.recipe(folder, ARTISTS, split={"valid": 0.01, "test": 0.01, "by": "artist"})
    result = rig.here(folder / "artists.yaml")
    assert result.notes == ()
    assert all(rig.clips(folder / "build").values())


def test_a_dry_run_changes_nothing(folder: Path) -> None:
    rig.song(folder / "ben/new.flac", 99, 4.5)
    os.utime(folder / "aoi/0.flac", (1, 1))
    (folder / "chie/0.flac").unlink()
    before = rig.snapshot(folder)
    plan = api.plan(folder / "artists.yaml")
    assert (plan.listed, plan.to_do, plan.known) == (9, 1, 8)
    assert rig.snapshot(folder) == before


def test_a_dry_run_of_nothing_makes_no_folder(tmp_path: Path) -> None:
    rig.song(tmp_path / "x.flac", 1)
    rig.recipe(tmp_path, {"A": ["*.flac"]})
    assert api.plan(tmp_path / "artists.yaml").to_do == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["artists.yaml", "x.flac"]


def test_other_rights_rewrite_only_the_tables(folder: Path) -> None:
    before = rig.times(folder / "build")
    assert again(folder, rights="bought").jobs == []
    written = changed(before, rig.times(folder / "build"))
    assert written == {"tracks.jsonl", "DATASHEET.md", "build.json"}


def test_a_renamed_artist_moves(folder: Path) -> None:
    files = {"Aoi Sora" if name == "Aoi" else name: e for name, e in ARTISTS.items()}
    placed = rig.splits(folder / "build")
    again(folder, files)
    assert sorted(p.name for p in (folder / "build/audio").iterdir()) == ["aoi-sora", "ben", "chie"]
    assert rig.splits(folder / "build") == placed
    assert api.validate(folder / "build", deep=True).ok


def test_a_moved_dataset_is_relocated_or_rebuilt(folder: Path) -> None:
    moved = folder.rename(folder.with_name("moved"))
    assert not api.validate(moved / "build").ok
    assert api.relocate(moved / "build") == 18
    assert api.validate(moved / "build", deep=True).ok
    at_home = rig.content(moved / "build")
    engine = rig.Counting()
    rig.here(moved / "artists.yaml", engine)
    assert engine.jobs == []
    assert rig.differences(rig.content(moved / "build"), at_home) == []
