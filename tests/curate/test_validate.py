"""For every code: a good dataset, broken in that one way, gives that code and no other."""

import json
import shutil
import threading
import time
from pathlib import Path

import breaks_contents
import breaks_files
import handmade
import pytest
from editing import Break, both, in_line, sidecar, train
from handmade import change_object, first_clip, reseal, rows, write_rows

from curate.validate import CODES, Report, opening, validate
from curate.validate.entries import Entry

BREAKS: dict[str, Break] = {
    function.__name__: function for function in (*breaks_files.BREAKS, *breaks_contents.BREAKS)
}
"""What breaks a dataset of ours, by the code it must give."""

FOREIGN: dict[str, Break] = {function.__name__: function for function in breaks_files.FOREIGN}
"""Likewise for a dataset of others."""

DEEP = frozenset(code for code, kind in CODES.items() if "(--deep)" in kind.meaning)
"""Codes that only decoding can find."""


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return handmade.ours(tmp_path / "kayo")


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings}


def listing(report: Report) -> str:
    return "\n".join(f"{f.code} {f.file}:{f.line} {f.message}" for f in report.findings)


@pytest.mark.parametrize("deep", [False, True])
def test_a_good_dataset_has_no_findings(dataset: Path, deep: bool) -> None:
    report = validate(dataset, deep=deep)
    assert report.findings == ()
    assert report.ok
    assert report.ours
    assert [(m.split, m.lines) for m in report.manifests] == [
        ("train", 15),
        ("valid", 6),
        ("test", 3),
    ]


@pytest.mark.parametrize("code", BREAKS)
def test_a_broken_dataset_has_that_finding_and_no_other(dataset: Path, code: str) -> None:
    BREAKS[code](dataset)
    report = validate(dataset, deep=code in DEEP)
    assert codes(report) == {code}, listing(report)
    for finding in report.findings:
        assert finding.severity in CODES[code].severity
        assert finding.message
        assert finding.remedy
    assert report.ok == (report.findings[0].severity == "warning")


@pytest.mark.parametrize("code", FOREIGN)
def test_a_broken_foreign_dataset_has_that_finding_and_no_other(tmp_path: Path, code: str) -> None:
    folder = handmade.foreign(tmp_path / "theirs")
    FOREIGN[code](folder)
    report = validate(folder, deep=code in DEEP)
    assert codes(report) == {code}, listing(report)


def test_every_code_has_a_case() -> None:
    assert set(CODES) == set(BREAKS) | set(FOREIGN)
    ours_only = {code for code, kind in CODES.items() if kind.severity.ours is None}
    assert ours_only.isdisjoint(BREAKS)


@pytest.mark.parametrize("code", sorted(set(BREAKS) - DEEP))
def test_deep_finds_what_the_quick_check_finds(dataset: Path, code: str) -> None:
    BREAKS[code](dataset)
    assert code in codes(validate(dataset, deep=True))


def test_a_line_in_another_manifest_is_in_the_wrong_split(dataset: Path) -> None:
    in_line(dataset, split="test")
    assert codes(validate(dataset)) == {"wrong_split"}


def test_a_whole_track_in_two_splits_is_one_finding(dataset: Path) -> None:
    lines = rows(train(dataset))
    path = dataset / "manifests/test/data.jsonl"
    write_rows(path, [*rows(path), *({**line, "split": "test"} for line in lines[1:3])])
    write_rows(train(dataset), [lines[0], *lines[3:]])
    for line in lines[1:3]:
        change_object(Path(line["path"]).with_suffix(".json"), lambda row: row.update(split="test"))
    reseal(dataset)
    report = validate(dataset)
    assert codes(report) == {"leak_track"}
    assert len(report.findings) == 1
    assert "is in test and in train" in report.findings[0].message


def test_a_moved_dataset_is_still_checked(dataset: Path) -> None:
    moved = dataset.rename(dataset.parent / "moved")
    report = validate(moved)
    assert codes(report) == {"dataset_moved"}
    assert report.findings[0].remedy == f"run `curate relocate {moved}`"
    first = next((moved / "audio").rglob("*_chunk001.flac"))
    first.unlink()
    assert codes(validate(moved)) == {"dataset_moved", "audio_missing"}


def test_a_copied_dataset_names_the_other_copy(dataset: Path) -> None:
    copy = dataset.parent / "copy"
    shutil.copytree(dataset, copy)
    report = validate(copy)
    assert codes(report) == {"dataset_moved"}
    assert str(dataset) in report.findings[0].message


def test_a_dataset_is_valid_through_a_link(dataset: Path) -> None:
    link = dataset.parent / "link"
    link.symlink_to(dataset)
    assert validate(link).findings == ()


def test_clips_of_an_incomplete_build_may_lie_about(dataset: Path) -> None:
    shutil.copy(first_clip(dataset), dataset / "audio" / "left over.flac")
    change_object(dataset / "build.json", lambda row: row.update(complete=False))
    assert validate(dataset).findings == ()


def test_leaks_by_artist_count_featured_ones(dataset: Path) -> None:
    BREAKS["leak_artist"](dataset)
    report = validate(dataset)
    assert [finding.code for finding in report.findings] == ["leak_artist"]
    assert "椎名林檎" in report.findings[0].message
    change_object(dataset / "build.json", lambda row: row["config"]["split"].update(by="track"))
    assert validate(dataset).findings == ()


def test_findings_say_where_what_and_what_to_do(dataset: Path) -> None:
    both(dataset, 4, bpm=1200.0)
    in_line(dataset, 1, weight=-2.0)
    line, beside_it = validate(dataset).findings[::-1]
    track = rows(train(dataset))
    assert (line.file, line.line) == ("manifests/train/data.jsonl", 2)
    assert line.id == handmade.clip_id(track[1]["track_id"], 1)
    assert line.message == "weight is -2, expected 0 or more"
    assert beside_it.file == str(sidecar(dataset, 4).relative_to(dataset))
    assert (beside_it.line, beside_it.id) == (None, handmade.clip_id(track[4]["track_id"], 1))
    assert beside_it.message == "bpm is 1200 BPM, expected 20 to 400 BPM"
    assert beside_it.remedy == CODES["label_range"].remedy


def test_report_as_json(dataset: Path) -> None:
    in_line(dataset, weight=-2.0)
    report = validate(dataset)
    value = json.loads(report.to_json())
    assert value["ok"] is False
    assert value["ours"] is True
    assert (value["errors"], value["warnings"], value["lines"]) == (1, 0, 24)
    assert value["codes"] == {"weight_invalid": 1}
    assert value["hours"] == pytest.approx(24 / 3600, abs=1e-6)
    assert value["manifests"][0]["file"] == "manifests/train/data.jsonl"
    finding = value["findings"][0]
    assert set(finding) == {"code", "severity", "file", "line", "id", "message", "remedy"}
    assert (finding["code"], finding["severity"], finding["line"]) == ("weight_invalid", "error", 1)


def test_a_slow_disk_is_read_by_many_threads(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick, threads = opening.open_files, set()

    def slow(entry: Entry) -> opening.Opened:
        threads.add(threading.get_ident())
        time.sleep(0.01)
        return quick(entry)

    monkeypatch.setattr(opening, "open_files", slow)
    assert validate(dataset).findings == ()
    assert len(threads) > 2


def test_every_code_says_what_it_means() -> None:
    for code, kind in CODES.items():
        assert code == code.lower()
        assert kind.meaning.endswith(".")
        assert kind.remedy
        assert not kind.remedy.endswith(".")
        assert kind.severity.ours or kind.severity.foreign
