"""What a dataset's folder says of itself, before, during and after a build."""

from pathlib import Path

import handmade
import pytest

from curate.building.catalog import Catalog
from curate.command import status
from curate.errors import CurateError
from curate.records import Label, Rejection

LABEL = Label("genre", "rock", "tag")


def lost(code: str) -> Rejection:
    return Rejection("t", "worker", code, "because")


def unfinished(folder: Path) -> Path:
    with Catalog(folder / "catalog.sqlite") as made:
        for track in ("a", "b"):
            made.put(track, "fetch", "1", LABEL)
        made.put("a", "fetch", "2", LABEL)
        made.put("a", "label", "1", LABEL)
        for number, code in enumerate(("silent", "not_audio", "silent")):
            made.fail(f"t{number}", "1", lost(code))
    return folder


def test_a_finished_dataset_tells_its_build_and_rejections(tmp_path: Path) -> None:
    found = status.read(handmade.ours(tmp_path))
    assert found.folder == tmp_path
    assert found.build is not None
    assert (found.build.name, found.build.counts.chunks) == ("kayo", 24)
    assert [each.code for each in found.rejected] == ["too_short"]
    assert (found.stages, found.failures) == ({}, {})


def test_an_unfinished_one_tells_how_far_it_is(tmp_path: Path) -> None:
    found = status.read(unfinished(tmp_path))
    assert found.build is None
    assert found.stages == {"fetch": 2, "label": 1}
    assert found.failures == {"not_audio": 1, "silent": 2}
    assert found.rejected == ()


def test_looking_changes_nothing(tmp_path: Path) -> None:
    unfinished(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    status.read(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_build_that_runs_can_be_looked_at(tmp_path: Path) -> None:
    with Catalog(tmp_path / "catalog.sqlite") as made:
        made.put("a", "fetch", "1", LABEL)
        made.commit(now=True)
        assert status.read(tmp_path).stages == {"fetch": 1}


def test_machines_get_plain_json(tmp_path: Path) -> None:
    found = status.read(unfinished(handmade.ours(tmp_path))).to_json()
    assert list(found) == ["folder", "build", "stages", "failures", "rejected"]
    assert found["folder"] == str(tmp_path)
    assert found["build"]["counts"]["splits"]["train"]["chunks"] == 15
    assert found["rejected"][0]["code"] == "too_short"


def nothing(folder: Path) -> None: ...


def broken_build(folder: Path) -> None:
    (folder / "build.json").write_text("{")


def broken_rejections(folder: Path) -> None:
    unfinished(folder)
    (folder / "rejected.jsonl").write_text("x\n")


def broken_catalog(folder: Path) -> None:
    (folder / "catalog.sqlite").write_bytes(b"no database\n" * 1000)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (nothing, "neither build.json nor catalog.sqlite: no dataset here"),
        (broken_build, "cannot be read"),
        (broken_rejections, "cannot be read"),
        (broken_catalog, "file is not a database"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, spoil, words: str) -> None:
    spoil(tmp_path)
    with pytest.raises(CurateError, match=words) as caught:
        status.read(tmp_path)
    assert str(tmp_path) in str(caught.value)
