"""A moved dataset names its files where they are now, or is left as it was."""

import shutil
from pathlib import Path

import handmade
import pytest
import yaml
from handmade import change, first_clip, rows

from curate import api
from curate.building.catalog import locked
from curate.errors import CurateError
from curate.records import SPLITS


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    handmade.ours(tmp_path / "old")
    return Path(shutil.move(tmp_path / "old", tmp_path / "新 place"))


def state(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_every_line_names_its_file_again(moved: Path) -> None:
    assert api.relocate(moved) == 24
    paths = [
        Path(line["path"]) for s in SPLITS for line in rows(moved / "manifests" / s / "data.jsonl")
    ]
    assert len(paths) == 24
    assert all(path.is_file() and path.is_relative_to(moved) for path in paths)
    source = yaml.safe_load((moved / "dset.yaml").read_text("utf-8"))["datasource"]
    assert source["train"] == f"{moved}/manifests/train"
    assert api.validate(moved).ok


def test_only_paths_are_rewritten(moved: Path) -> None:
    old = str(moved.parent / "old").encode()
    before = {n: d for n, d in state(moved).items() if n != "dset.yaml"}
    api.relocate(moved)
    after = {n: d for n, d in state(moved).items() if n != "dset.yaml"}
    assert {n: d.replace(old, str(moved).encode()) for n, d in before.items()} == after


def test_a_second_time_changes_nothing(moved: Path) -> None:
    api.relocate(moved)
    before = state(moved)
    assert api.relocate(moved) == 24
    assert state(moved) == before


def no_build(folder: Path) -> None:
    (folder / "build.json").unlink()


def broken_build(folder: Path) -> None:
    (folder / "build.json").write_text('{"name": "x"')


def broken_line(folder: Path) -> None:
    (folder / "manifests/train/data.jsonl").write_text('{"path": 3}\n')


def elsewhere(folder: Path) -> None:
    change(folder / "manifests/test/data.jsonl", 0, lambda row: row.update(path="/etc/passwd"))


def nowhere(folder: Path) -> None:
    change(folder / "manifests/test/data.jsonl", 0, lambda row: row.update(path=""))


def lost_clip(folder: Path) -> None:
    line = rows(folder / "manifests/test/data.jsonl")[0]
    (folder / Path(line["path"]).relative_to(folder.parent / "old")).unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (no_build, "no build.json: not a dataset that curate built"),
        (broken_build, "see `curate validate"),
        (broken_line, "see `curate validate"),
        (elsewhere, "manifests/test/data.jsonl:1: passwd is not below"),
        (nowhere, "manifests/test/data.jsonl:1: "),
        (lost_clip, "copy the whole dataset, or build it again here"),
    ],
)
def test_what_cannot_be_mended_is_told_and_left(moved: Path, spoil, words: str) -> None:
    spoil(moved)
    before = state(moved)
    with pytest.raises(CurateError) as caught:
        api.relocate(moved)
    assert words in str(caught.value)
    assert state(moved) == before


def test_a_dataset_being_built_is_left_alone(moved: Path) -> None:
    with locked(moved), pytest.raises(CurateError, match="another build is working here"):
        api.relocate(moved)


def test_first_clip_of_the_fixture_is_where_it_was(moved: Path) -> None:
    """The fixture is a moved dataset indeed: else nothing above could fail."""
    assert not first_clip(moved).exists()
    assert not api.validate(moved).ok
