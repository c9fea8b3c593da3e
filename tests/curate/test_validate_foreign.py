"""Manifests made by others: only audiocraft's contract counts."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import handmade
import numpy as np
import pytest
from handmade import change, change_object, rows, write_audio, write_rows

from curate.validate import Report, validate


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return handmade.foreign(tmp_path / "theirs")


def found(report: Report) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity) for finding in report.findings]


def beside(folder: Path, **values: Any) -> None:
    change_object(folder / "clips/train0.json", lambda row: row.update(values))


def in_line(folder: Path, **values: Any) -> None:
    change(folder / "train/data.jsonl", 0, lambda row: row.update(values))


@pytest.mark.parametrize("deep", [False, True])
def test_a_good_one_has_no_findings(dataset: Path, deep: bool) -> None:
    report = validate(dataset, deep=deep)
    assert report.findings == ()
    assert not report.ours
    assert report.lines == 6
    assert {m.split for m in report.manifests} == {"train", "valid", "test"}
    assert report.hours == pytest.approx(6 * 30 / 3600)


def test_one_split_alone(dataset: Path) -> None:
    report = validate(dataset / "train")
    assert found(report) == [("path_outside", "warning")]
    assert "2 lines" in report.findings[0].message


def test_audio_beside_the_manifest(dataset: Path) -> None:
    lines = rows(dataset / "train/data.jsonl")
    write_rows(dataset / "clips/data.jsonl", lines)
    report = validate(dataset / "clips")
    assert found(report) == []
    assert report.manifests[0].split is None


def test_gzip(dataset: Path) -> None:
    path = dataset / "train/data.jsonl"
    path.with_name("data.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert found(validate(dataset)) == []
    path.with_name("data.jsonl.gz").write_bytes(gzip.compress(b"x" * 100)[:-9])
    assert found(validate(dataset)) == [("file_unreadable", "error")]


def test_unknown_keys_are_no_finding(dataset: Path) -> None:
    in_line(dataset, anything={"else": [1]}, track="7")
    assert found(validate(dataset)) == []


def test_keywords_may_be_missing(dataset: Path) -> None:
    change_object(dataset / "clips/train0.json", lambda row: row.pop("keywords"))
    assert found(validate(dataset)) == []


def test_relative_paths_are_one_warning_and_still_checked(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        change(
            dataset / "train/data.jsonl",
            number,
            lambda row, number=number: row.update(path=f"clips/train{number}.wav"),
        )
    assert found(validate(dataset)) == [("path_relative", "warning")]
    monkeypatch.chdir(dataset)
    assert found(validate(Path())) == [("path_relative", "warning")]
    (dataset / "clips/train1.wav").unlink()
    report = validate(dataset)
    assert found(report) == [("audio_missing", "error"), ("path_relative", "warning")]
    assert report.findings[0].line == 2


def test_no_sidecar_at_all_is_one_finding(dataset: Path) -> None:
    for path in (dataset / "clips").glob("*.json"):
        path.unlink()
    report = validate(dataset)
    assert found(report) == [("sidecar_missing", "error")] * 3
    assert report.findings[0].message == "none of 2 clips has a sidecar"


def test_short_clips_name_the_silence(dataset: Path) -> None:
    write_audio(dataset / "clips/train0.wav", handmade.noise("short", 15.0, 8000), 8000)
    in_line(dataset, duration=15.0)
    report = validate(dataset)
    assert found(report) == [("chunk_short", "warning")]
    assert "25% of what is trained on is silence" in report.findings[0].message


def test_long_files_are_fine(dataset: Path) -> None:
    write_audio(dataset / "clips/train0.wav", handmade.noise("long", 61.5, 8000), 8000)
    in_line(dataset, duration=61.5)
    assert found(validate(dataset, deep=True)) == []


def test_mp3_durations_may_be_off_a_little(dataset: Path) -> None:
    import soundfile

    path = dataset / "clips/train0.mp3"
    soundfile.write(path, handmade.noise("mp3", 30.0, 32000), 32000, format="MP3")
    shutil.move(dataset / "clips/train0.json", dataset / "clips/kept.json")
    (dataset / "clips/train0.wav").unlink()
    shutil.move(dataset / "clips/kept.json", dataset / "clips/train0.json")
    in_line(dataset, path=str(path), duration=30.04, sample_rate=32000)
    assert found(validate(dataset, deep=True)) == [("formats_mixed", "warning")]
    in_line(dataset, duration=31.0)
    assert ("duration_differs", "error") in found(validate(dataset))


def test_split_folders_by_other_names(dataset: Path) -> None:
    (dataset / "test").rename(dataset / "evaluate")
    (dataset / "valid").rename(dataset / "DEV")
    shutil.copytree(dataset / "evaluate", dataset / "generate")
    assert found(validate(dataset)) == []
    lines = rows(dataset / "train/data.jsonl") + rows(dataset / "evaluate/data.jsonl")
    write_rows(dataset / "evaluate/data.jsonl", lines)
    codes = found(validate(dataset))
    assert codes.count(("leak_chunk", "error")) == 2


def test_a_list_of_all_beside_the_splits_is_no_leak(dataset: Path) -> None:
    lines = [
        row for split in ("train", "valid", "test") for row in rows(dataset / split / "data.jsonl")
    ]
    write_rows(dataset / "all/data.jsonl", lines)
    assert found(validate(dataset, deep=True)) == []


def test_two_datasets_in_one_folder_do_not_leak_into_each_other(tmp_path: Path) -> None:
    handmade.foreign(tmp_path / "a" / "egs")
    shutil.copytree(tmp_path / "a" / "egs" / "train", tmp_path / "b" / "test")
    assert found(validate(tmp_path)) == []


def test_artists_in_two_splits_are_one_warning(dataset: Path) -> None:
    for path in (dataset / "clips").glob("*0.json"):
        change_object(path, lambda row: row.update(artist="Nujabes"))
    report = validate(dataset)
    assert found(report) == [("leak_artist", "warning")]
    assert "nujabes" in report.findings[0].message


def test_our_manifests_without_our_other_files(tmp_path: Path) -> None:
    folder = handmade.ours(tmp_path / "kayo")
    for name in ("build.json", "tracks.jsonl", "rejected.jsonl", "dset.yaml", "DATASHEET.md"):
        (folder / name).unlink()
    report = validate(folder)
    assert not report.ours
    assert {code for code, _ in found(report)} == {"chunk_short", "leak_artist"}


def test_stored_amplitude_tells_silence(dataset: Path) -> None:
    in_line(dataset, amplitude=0.0)
    assert found(validate(dataset)) == [("chunk_silent", "warning")]


def test_deep_hears_the_same_audio_in_another_format(dataset: Path) -> None:
    import soundfile

    samples, rate = soundfile.read(dataset / "clips/train0.wav", dtype="int16")
    soundfile.write(dataset / "clips/test0.flac", samples, rate)
    change(
        dataset / "test/data.jsonl", 0, lambda r: r.update(path=str(dataset / "clips/test0.flac"))
    )
    assert found(validate(dataset)) == []
    assert found(validate(dataset, deep=True)) == [("leak_audio", "error")]


def test_deep_counts_clipped_samples(dataset: Path) -> None:
    samples = np.clip(np.repeat(handmade.noise("loud", 30.0, 8000)[::4] * 20, 4), -1, 1)
    write_audio(dataset / "clips/train0.wav", samples, 8000)
    assert found(validate(dataset, deep=True)) == [("chunk_clipped", "warning")]


Edit = Callable[[Path], None]

SIDECARS: list[tuple[str, str, dict[str, Any]]] = [
    ("list_for_string", "error", {"genre": ["rock"]}),
    ("list_for_string", "error", {"instrument": ["piano", "koto"]}),
    ("list_for_string", "error", {"name": ["x"]}),
    ("list_for_string", "error", {"key": ["A minor"]}),
    ("list_for_string", "error", {"description": ["Calm."]}),
    ("string_for_list", "warning", {"moods": "late night"}),
    ("string_for_list", "warning", {"keywords": "city pop, neon"}),
    ("value_lost", "warning", {"genre": 7}),
    ("value_lost", "warning", {"title": {"en": "Light"}}),
    ("value_lost", "warning", {"bpm": "120 BPM"}),
    ("value_lost", "warning", {"bpm": True}),
    ("value_lost", "warning", {"moods": ["calm", 3]}),
    ("value_lost", "warning", {"moods": ["calm", ""]}),
    ("value_lost", "warning", {"moods": 5}),
    ("value_lost", "warning", {"keywords": {"a": 1}}),
    ("none_literal", "warning", {"genre": "None"}),
    ("none_literal", "warning", {"bpm": "None"}),
    ("none_literal", "warning", {"description": "None"}),
    ("key_with_comma", "warning", {"key": "A minor, C major"}),
    ("key_name", "warning", {"key": "unknown"}),
    ("bpm_crashes", "error", {"bpm": [120]}),
    ("bpm_crashes", "error", {"bpm": []}),
    ("bpm_crashes", "error", {"bpm": {"value": 120}}),
    ("bpm_crashes", "error", {"bpm": 10**400}),
    ("not_finite", "error", {"bpm": "nan"}),
    ("not_finite", "error", {"bpm": "-inf"}),
    ("not_finite", "error", {"bpm": float("nan")}),
    ("not_finite", "error", {"moods": float("nan")}),
    ("not_finite", "error", {"genre": float("nan")}),
    ("label_range", "warning", {"bpm": 10}),
    ("label_range", "warning", {"bpm": "999"}),
    ("description_empty", "warning", {"description": ""}),
    ("description_empty", "warning", {"description": " \n"}),
    ("description_empty", "warning", {"description": None}),
]


@pytest.mark.parametrize(("code", "severity", "values"), SIDECARS)
def test_what_audiocraft_would_not_see(
    dataset: Path, code: str, severity: str, values: dict[str, Any]
) -> None:
    beside(dataset, **values)
    report = validate(dataset)
    assert found(report) == [(code, severity)]
    finding = report.findings[0]
    assert finding.file == "clips/train0.json"
    assert finding.id == "train0.wav"
    assert next(iter(values)) in finding.message


@pytest.mark.parametrize(
    "values",
    [
        {"bpm": None},
        {"bpm": ""},
        {"bpm": 120},
        {"bpm": " 98.5 "},
        {"genre": None},
        {"genre": ""},
        {"genre": []},
        {"moods": None},
        {"moods": []},
        {"moods": ["late night"]},
        {"moods": "calm,dark"},
        {"moods": ""},
        {"key": ""},
        {"key": "c-sharp minor"},
        {"key": "B♭ major"},
        {"key": "Dorian d".split()[1]},
        {"title": None},
        {"keywords": None},
    ],
)
def test_what_audiocraft_does_see(dataset: Path, values: dict[str, Any]) -> None:
    beside(dataset, **values)
    assert found(validate(dataset)) == []


LINES: list[tuple[str, dict[str, Any]]] = [
    ("field_type", {"path": ""}),
    ("field_type", {"path": None}),
    ("field_type", {"path": ["a"]}),
    ("field_type", {"duration": "30"}),
    ("field_type", {"duration": None}),
    ("field_type", {"duration": True}),
    ("field_type", {"sample_rate": "8000"}),
    ("field_type", {"amplitude": "loud"}),
    ("field_type", {"weight": [1]}),
    ("duration_invalid", {"duration": 0}),
    ("duration_invalid", {"duration": -30.0}),
    ("not_finite", {"duration": float("nan")}),
    ("not_finite", {"duration": float("inf")}),
    ("weight_invalid", {"weight": -0.5}),
    ("not_finite", {"weight": float("nan")}),
    ("info_path_crashes", {"info_path": "/data/a.json"}),
    ("info_path_crashes", {"info_path": 7}),
    ("info_path_crashes", {"info_path": "a:b:c"}),
]


@pytest.mark.parametrize(("code", "values"), LINES)
def test_what_stops_audiocraft_in_a_line(dataset: Path, code: str, values: dict[str, Any]) -> None:
    in_line(dataset, **values)
    report = validate(dataset)
    assert found(report) == [(code, "error")]
    assert (report.findings[0].file, report.findings[0].line) == ("train/data.jsonl", 1)


@pytest.mark.parametrize("field", ["path", "duration", "sample_rate"])
def test_a_required_field_of_a_line_is_missing(dataset: Path, field: str) -> None:
    change(dataset / "train/data.jsonl", 0, lambda row: row.pop(field))
    assert found(validate(dataset)) == [("field_missing", "error")]


def test_zip_info_paths_are_fine(dataset: Path) -> None:
    in_line(dataset, info_path="/data/a.zip:b.json")
    assert found(validate(dataset)) == []


def test_imbalance_needs_enough_clips(tmp_path: Path) -> None:
    lines = []
    for number in range(24):
        path = tmp_path / "clips" / f"{number}.wav"
        write_audio(path, handmade.noise(number, 30.0, 8000), 8000)
        sidecar = {
            "title": "",
            "artist": "one" if number else "other",
            "key": "",
            "bpm": 100,
            "genre": "rock" if number > 1 else "jazz",
            "moods": ["calm"],
            "description": "Rock.",
            "name": "",
            "instrument": "guitar",
        }
        path.with_suffix(".json").write_text(json.dumps(sidecar))
        lines.append({"path": str(path), "duration": 30.0, "sample_rate": 8000})
    write_rows(tmp_path / "data.jsonl", lines)
    report = validate(tmp_path)
    assert sorted(f.message for f in report.findings) == [
        "24 of 24 clips have no key",
        'artist "one" has 23 of 24 clips',
        'genre "rock" has 22 of 24 clips',
    ]
    write_rows(tmp_path / "data.jsonl", lines[:10])
    assert found(validate(tmp_path)) == []
