"""What is stored is found again under exactly its name; looking changes nothing."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from curate.building import catalog
from curate.building.catalog import Catalog, locked
from curate.errors import CurateError
from curate.records import Label, Rejection

LABEL = Label("genre", "シティ・ポップ", "tag")
LOST = Rejection("t", "inspect", "silent", "it is silent")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite"


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


# --- results ------------------------------------------------------------------------------------


def test_a_result_is_found_under_its_name_and_no_other(path: Path) -> None:
    with Catalog(path) as made:
        made.put("track", "label", "print", LABEL)
        assert made.get("track", "label", "print", Label) == LABEL
        for name in (
            ("other", "label", "print"),
            ("track", "chunk", "print"),
            ("track", "label", ""),
        ):
            assert made.get(*name, Label) is None


def test_results_outlive_the_build(path: Path) -> None:
    with Catalog(path) as made:
        made.put("track", "label", "print", LABEL)
    with Catalog(path) as again:
        assert again.get("track", "label", "print", Label) == LABEL
    assert list(contents(path.parent)) == ["catalog.sqlite"]


def test_what_was_committed_outlives_a_crash(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "COMMIT_SECONDS", 3600.0)
    made = Catalog(path)
    made.put("track", "label", "one", LABEL)
    made.commit(now=True)
    made.put("track", "label", "two", LABEL)
    made.commit()
    with Catalog.look(path) as seen:
        assert set(seen.results("track")) == {("label", "one")}
    monkeypatch.setattr(catalog, "COMMIT_SECONDS", 0.0)
    made.commit()
    with Catalog.look(path) as seen:
        assert set(seen.results("track")) == {("label", "one"), ("label", "two")}
    made.close()


def test_all_results_of_an_item_come_at_once(path: Path) -> None:
    with Catalog(path) as made:
        made.put("track", "label", "one", LABEL)
        made.put("track", "label", "two", LABEL)
        made.put("track", "fetch", "one", LOST)
        made.put("other", "label", "one", LABEL)
        found = made.results("track")
    assert set(found) == {("label", "one"), ("label", "two"), ("fetch", "one")}
    assert found["fetch", "one"].startswith(b'{"id":"t"')


def test_an_only_result_voids_those_of_other_names(path: Path) -> None:
    with Catalog(path) as made:
        for stage in ("chunk", "label"):
            made.put("track", stage, "old", LABEL)
            made.put("other", stage, "old", LABEL)
        made.put("track", "chunk", "new", LABEL, only=True)
        assert set(made.results("track")) == {("chunk", "new"), ("label", "old")}
        assert set(made.results("other")) == {("chunk", "old"), ("label", "old")}


# --- failures -----------------------------------------------------------------------------------


def test_a_failure_counts_its_attempts(path: Path) -> None:
    with Catalog(path) as made:
        assert made.failure("t", "print") is None
        for attempt in (1, 2, 3):
            made.fail("t", "print", LOST)
            assert made.failure("t", "print") == (LOST, attempt)


def test_a_changed_track_starts_over(path: Path) -> None:
    with Catalog(path) as made:
        made.fail("t", "old", LOST)
        made.fail("t", "old", LOST)
        made.fail("t", "new", LOST)
        assert made.failure("t", "new") == (LOST, 1)
        assert made.failure("t", "old") is None


def test_a_failure_is_forgiven(path: Path) -> None:
    with Catalog(path) as made:
        made.fail("t", "print", LOST)
        made.fail("u", "print", LOST)
        made.forgive("t")
        assert made.failure("t", "print") is None
        assert made.failure("u", "print") == (LOST, 1)


# --- placements and files -----------------------------------------------------------------------


def test_placements_belong_to_a_deal(path: Path) -> None:
    with Catalog(path) as made:
        made.place("deal", {"a": "train", "b": "test"})
        made.place("deal", {"b": "valid"})
        made.place("other", {"a": "test"})
    with Catalog(path) as again:
        assert again.placements("deal") == {"a": "train", "b": "valid"}
        assert again.placements("none") == {}


def test_files_that_no_dataset_names_are_told(path: Path) -> None:
    with Catalog(path) as made:
        made.note_file("b", "c", "a", named=True)
        made.name_no_files()
        made.note_file("c", named=True)
        made.note_file("d", named=False)
        assert made.unnamed_files() == ["a", "b", "d"]
        made.forget_files(["a", "d"])
        assert made.unnamed_files() == ["b"]


# --- opening ------------------------------------------------------------------------------------


def other_format(path: Path) -> None:
    with Catalog(path) as made:
        made._db.execute(f"PRAGMA user_version = {catalog.FORMAT + 1}")


def garbage(path: Path) -> None:
    path.write_bytes(b"no database\n" * 1000)


@pytest.mark.parametrize("opening", [Catalog, Catalog.look])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [(other_format, "another version of curate"), (garbage, "not a usable catalog")],
)
def test_what_cannot_be_read_is_told_and_left(path: Path, opening, spoil, words: str) -> None:
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(CurateError, match=words) as caught:
        opening(path)
    assert str(path) in str(caught.value)
    assert "remove" in str(caught.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (sqlite3.OperationalError("database or disk is full"), "disk is full; mend that and build"),
        (sqlite3.DatabaseError("disk image is malformed"), "not a usable catalog"),
    ],
)
def test_what_goes_wrong_during_a_build_is_told(path: Path, error: Exception, words: str) -> None:
    with pytest.raises(CurateError, match=words), Catalog(path):
        raise error


def test_other_errors_are_not_hidden(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Catalog(path) as made:
        made.put("track", "label", "print", 1 / 0)


def test_looking_at_nothing_makes_nothing(tmp_path: Path) -> None:
    with Catalog.look(tmp_path / "none" / "catalog.sqlite") as seen:
        assert seen.results("t") == {}
    assert list(tmp_path.iterdir()) == []


def test_looking_changes_nothing_on_disk(path: Path) -> None:
    with Catalog(path) as made:
        made.put("track", "label", "print", LABEL)
    before = contents(path.parent)
    with Catalog.look(path) as seen:
        assert seen.get("track", "label", "print", Label) == LABEL
        seen.put("track", "label", "other", LABEL)
        seen.fail("t", "print", LOST)
    assert contents(path.parent) == before


def test_looking_works_during_a_build(path: Path) -> None:
    with Catalog(path) as made:
        made.put("track", "label", "print", LABEL)
        made.commit(now=True)
        before = set(contents(path.parent))
        with Catalog.look(path) as seen:
            assert seen.get("track", "label", "print", Label) == LABEL
        assert set(contents(path.parent)) == before
        made.put("track", "label", "other", LABEL)
        made.commit(now=True)


# --- the lock -----------------------------------------------------------------------------------


def test_one_build_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    with locked(folder):
        with pytest.raises(CurateError, match="another build is working here"), locked(folder):
            pass
        with locked(tmp_path / "other"):
            pass
    with locked(folder):
        assert folder.is_dir()


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = "import os, sys, pathlib; from curate.building.catalog import locked\n"
    code += "with locked(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    root = Path(catalog.__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=root,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(CurateError), locked(tmp_path):
            pass
        other.kill()
        other.wait()
        with locked(tmp_path):
            pass
