"""For every code: a good dataset, broken in that one way, gives that code and no other."""

import gzip
import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import handmade
import numpy as np
import pytest
from handmade import change, change_object, first_clip, reseal, rows, write_audio, write_rows

from curate.validate import CODES, Report, opening, validate
from curate.validate.entries import Entry

Break = Callable[[Path], None]

BREAKS: dict[str, Break] = {}
"""What breaks a dataset of ours, by the code it must give."""

FOREIGN: dict[str, Break] = {}
"""Likewise for a dataset of others, where the code is given only there or differently."""

DEEP = frozenset(code for code, kind in CODES.items() if "(--deep)" in kind.meaning)
"""Codes that only decoding can find."""


def ours(code: str) -> Callable[[Break], Break]:
    def register(function: Break) -> Break:
        BREAKS[code] = function
        return function

    return register


def theirs(code: str) -> Callable[[Break], Break]:
    def register(function: Break) -> Break:
        FOREIGN[code] = function
        return function

    return register


def train(folder: Path) -> Path:
    return folder / "manifests" / "train" / "data.jsonl"


def sidecar(folder: Path, index: int = 0) -> Path:
    return first_clip(folder, index=index).with_suffix(".json")


def both(folder: Path, index: int = 0, **values: object) -> None:
    """Changes a field in a line and in its sidecar alike."""
    change(train(folder), index, lambda row: row.update(values))
    change_object(sidecar(folder, index), lambda row: row.update(values))


def beside(folder: Path, index: int = 0, **values: object) -> None:
    """Changes a field in a sidecar of ours only."""
    change_object(sidecar(folder, index), lambda row: row.update(values))


def in_line(folder: Path, index: int = 0, **values: object) -> None:
    """Changes a field in a line only."""
    change(train(folder), index, lambda row: row.update(values))


def store_sound(folder: Path, samples: np.ndarray, index: int = 0) -> None:
    """Other sound in a clip, with hash and amplitude made to fit."""
    path = first_clip(folder, index=index)
    sha, amplitude = write_audio(path, samples)
    in_line(folder, index, amplitude=amplitude)
    beside(folder, index, audio_sha256=sha)
    reseal(folder)


# files and lines


@ours("not_a_dataset")
def _(folder: Path) -> None:
    shutil.rmtree(folder)


@ours("file_missing")
def _(folder: Path) -> None:
    (folder / "rejected.jsonl").unlink()


@ours("file_unreadable")
def _(folder: Path) -> None:
    (folder / "DATASHEET.md").unlink()
    (folder / "DATASHEET.md").mkdir()


@ours("file_orphaned")
def _(folder: Path) -> None:
    shutil.copy(first_clip(folder), folder / "audio" / "left over.flac")


@ours("manifest_shadowed")
def _(folder: Path) -> None:
    (train(folder).parent / "data.jsonl.gz").write_bytes(gzip.compress(b""))


@ours("split_empty")
def _(folder: Path) -> None:
    (folder / "manifests/test/data.jsonl").write_bytes(b"")


@ours("split_substituted")
def _(folder: Path) -> None:
    lost = {row["track_id"] for row in rows(folder / "manifests/test/data.jsonl")}
    for path in {Path(r["path"]).parent for r in rows(folder / "manifests/test/data.jsonl")}:
        shutil.rmtree(path)
    (folder / "manifests/test/data.jsonl").write_bytes(b"")
    kept = [row for row in rows(folder / "tracks.jsonl") if row["id"] not in lost]
    write_rows(folder / "tracks.jsonl", kept)
    dset = folder / "dset.yaml"
    dset.write_text(dset.read_text().replace("manifests/test", "manifests/train"))
    reseal(folder)


@ours("not_utf8")
def _(folder: Path) -> None:
    train(folder).write_bytes(train(folder).read_bytes().replace("夜".encode(), b"\xff\xfe", 1))


@ours("not_json")
def _(folder: Path) -> None:
    train(folder).write_bytes(train(folder).read_bytes()[:-40])


@ours("line_blank")
def _(folder: Path) -> None:
    train(folder).write_bytes(train(folder).read_bytes() + b"\n")


@ours("line_too_long")
def _(folder: Path) -> None:
    with train(folder).open("ab") as file:
        file.write(b'{"path": "' + b"x" * (10 << 20) + b'"}\n')


@ours("key_twice")
def _(folder: Path) -> None:
    train(folder).write_bytes(train(folder).read_bytes().replace(b"{", b'{"bpm": 96.0, ', 1))


@ours("not_finite")
def _(folder: Path) -> None:
    path = sidecar(folder)
    path.write_bytes(path.read_bytes().replace(b'"bpm": 96.0', b'"bpm": NaN'))


@ours("schema")
def _(folder: Path) -> None:
    both(folder, description_of_mood="calm")


# manifest lines


@ours("field_missing")
def _(folder: Path) -> None:
    change_object(sidecar(folder), lambda row: row.pop("moods"))


@ours("field_type")
def _(folder: Path) -> None:
    both(folder, duration="1.0")


@ours("duration_invalid")
def _(folder: Path) -> None:
    both(folder, duration=0.0)


@ours("weight_invalid")
def _(folder: Path) -> None:
    in_line(folder, weight=-1.0)


@ours("info_path_crashes")
def _(folder: Path) -> None:
    in_line(folder, info_path=str(sidecar(folder)))


@ours("wrong_split")
def _(folder: Path) -> None:
    both(folder, split="valid")


@ours("path_relative")
def _(folder: Path) -> None:
    relative = str(first_clip(folder).relative_to(folder))
    in_line(folder, path=relative)


@ours("path_outside")
def _(folder: Path) -> None:
    clip = first_clip(folder)
    away = folder.parent / "away" / clip.name
    away.parent.mkdir()
    clip.rename(away)
    clip.with_suffix(".json").rename(away.with_suffix(".json"))
    in_line(folder, path=str(away))


@ours("path_twice")
def _(folder: Path) -> None:
    lines = rows(train(folder))
    write_rows(train(folder), [*lines, lines[0]])
    reseal(folder)


@ours("dataset_moved")
def _(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)  # so that the caller still finds it
    for path in (*elsewhere.rglob("data.jsonl"), elsewhere / "dset.yaml"):
        path.write_text(path.read_text("utf-8").replace(str(folder), "/gone/kayo"), "utf-8")


# audio


@ours("audio_missing")
def _(folder: Path) -> None:
    first_clip(folder).unlink()


@ours("audio_unreadable")
def _(folder: Path) -> None:
    first_clip(folder).write_text("this is no audio")


@ours("duration_differs")
def _(folder: Path) -> None:
    samples = handmade.noise("longer")
    store_sound(folder, samples[:-160])


@ours("sample_rate_differs")
def _(folder: Path) -> None:
    both(folder, sample_rate=44100)


@ours("not_as_configured")
def _(folder: Path) -> None:
    store_sound(folder, np.stack([handmade.noise(1), handmade.noise(2)], axis=1))


@theirs("formats_mixed")
def _(folder: Path) -> None:
    samples = handmade.noise("other", 30.0, 16000)
    write_audio(folder / "clips" / "train0.wav", samples, 16000)
    change(folder / "train/data.jsonl", 0, lambda row: row.update(sample_rate=16000))


@ours("chunk_short")
def _(folder: Path) -> None:
    store_sound(folder, handmade.noise("short")[: handmade.RATE // 2])
    both(folder, duration=0.5)
    reseal(folder)


@ours("chunk_silent")
def _(folder: Path) -> None:
    store_sound(folder, 0.0005 * np.sign(handmade.noise("quiet")))


@ours("chunk_clipped")
def _(folder: Path) -> None:
    store_sound(folder, np.clip(np.repeat(handmade.noise("loud")[::4] * 20, 4), -1, 1))


@ours("audio_broken")
def _(folder: Path) -> None:
    clip = first_clip(folder)
    data = bytearray(clip.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(2000)
    clip.write_bytes(data[: len(data) * 2 // 3])


@ours("audio_not_finite")
def _(folder: Path) -> None:
    clip = first_clip(folder)
    samples = handmade.noise("nan")
    samples[100] = np.nan
    sidecar(folder).rename(clip.with_suffix(".json.kept"))
    clip.unlink()
    wav = clip.with_suffix(".wav")
    import soundfile

    soundfile.write(wav, samples, handmade.RATE, subtype="FLOAT")
    wav.rename(clip)
    clip.with_suffix(".json.kept").rename(clip.with_suffix(".json"))
    import hashlib

    beside(folder, audio_sha256=hashlib.sha256(clip.read_bytes()).hexdigest())
    reseal(folder)


@ours("audio_changed")
def _(folder: Path) -> None:
    clip = first_clip(folder)
    samples = handmade.noise((rows(train(folder))[0]["track_id"], 0))
    samples[: handmade.RATE // 2] *= 0.5
    _, amplitude = write_audio(clip, samples)
    in_line(folder, amplitude=amplitude)
    reseal(folder)


@ours("amplitude_differs")
def _(folder: Path) -> None:
    in_line(folder, amplitude=0.9)
    reseal(folder)


# what audiocraft sees


@ours("sidecar_missing")
def _(folder: Path) -> None:
    sidecar(folder).unlink()


@ours("sidecar_shared")
def _(folder: Path) -> None:
    line = rows(train(folder))[0]
    twin = Path(line["path"]).with_suffix(".FLAC")
    shutil.copy(line["path"], twin)
    write_rows(train(folder), [*rows(train(folder)), {**line, "path": str(twin)}])
    reseal(folder)


@ours("sidecar_differs")
def _(folder: Path) -> None:
    beside(folder, title="another")


@ours("list_for_string")
def _(folder: Path) -> None:
    both(folder, genre=["rock", "jazz"])


@ours("string_for_list")
def _(folder: Path) -> None:
    both(folder, moods="late night, calm")


@ours("value_lost")
def _(folder: Path) -> None:
    both(folder, bpm="around 120")


@ours("none_literal")
def _(folder: Path) -> None:
    both(folder, instrument="None")


@ours("key_with_comma")
def _(folder: Path) -> None:
    both(folder, key="A minor, C major")


@ours("bpm_crashes")
def _(folder: Path) -> None:
    both(folder, bpm=[96.0, 192.0])


@ours("description_empty")
def _(folder: Path) -> None:
    both(folder, description="  ")


# splits


def copy_clip(folder: Path, split: str, **changes: object) -> Path:
    """A copy of the first training clip under another name in `split`."""
    line = rows(train(folder))[0]
    clip = Path(line["path"])
    twin = clip.with_name("copy_chunk009.flac")
    shutil.copy(clip, twin)
    shared = {"split": split, **changes}
    beside_it = {**json.loads(clip.with_suffix(".json").read_bytes()), **shared}
    twin.with_suffix(".json").write_text(json.dumps(beside_it))
    path = folder / "manifests" / split / "data.jsonl"
    write_rows(path, [*rows(path), {**line, **shared, "path": str(twin)}])
    return twin


@ours("leak_chunk")
def _(folder: Path) -> None:
    copy_clip(folder, "test")
    reseal(folder)


@ours("leak_audio")
def _(folder: Path) -> None:
    other = rows(folder / "manifests/test/data.jsonl")[0]
    shutil.copy(first_clip(folder), other["path"])
    line = rows(train(folder))[0]
    path = folder / "manifests/test/data.jsonl"
    change(path, 0, lambda row: row.update(amplitude=line["amplitude"]))
    sha = json.loads(sidecar(folder).read_bytes())["audio_sha256"]
    change_object(Path(other["path"]).with_suffix(".json"), lambda r: r.update(audio_sha256=sha))
    reseal(folder)


@ours("leak_track")
def _(folder: Path) -> None:
    twin = copy_clip(folder, "test", start=27.0)
    sha, amplitude = write_audio(twin, handmade.noise("fresh"))
    change_object(twin.with_suffix(".json"), lambda row: row.update(audio_sha256=sha))
    change(folder / "manifests/test/data.jsonl", -1, lambda row: row.update(amplitude=amplitude))
    reseal(folder)


@ours("leak_group")
def _(folder: Path) -> None:
    change(folder / "tracks.jsonl", -1, lambda row: row.update(group="a"))


@ours("leak_artist")
def _(folder: Path) -> None:
    def by_artist(row: dict) -> None:
        row["config"]["split"]["by"] = "artist"

    for index, artist in ((5, "くるり"), (7, "坂本龍一")):
        rename_artist(folder, index, artist)
    change(folder / "tracks.jsonl", 7, lambda row: row.update(featured=["椎名林檎"]))
    change_object(folder / "build.json", by_artist)
    reseal(folder)


def rename_artist(folder: Path, index: int, artist: str) -> None:
    track = rows(folder / "tracks.jsonl")[index]
    change(folder / "tracks.jsonl", index, lambda row: row.update(artist=artist))
    path = folder / "manifests" / track["split"] / "data.jsonl"
    for number, row in enumerate(rows(path)):
        if row["track_id"] == track["id"]:
            change(path, number, lambda row: row.update(artist=artist))
            change_object(Path(row["path"]).with_suffix(".json"), lambda r: r.update(artist=artist))


@ours("chunk_twice")
def _(folder: Path) -> None:
    twin = copy_clip(folder, "train")
    sha, amplitude = write_audio(twin, handmade.noise("fresh"))
    change_object(twin.with_suffix(".json"), lambda row: row.update(audio_sha256=sha))
    change(train(folder), -1, lambda row: row.update(amplitude=amplitude))
    reseal(folder)


@ours("audio_twice")
def _(folder: Path) -> None:
    copy_clip(folder, "train", start=27.0)
    reseal(folder)


@ours("recording_twice")
def _(folder: Path) -> None:
    sha = rows(folder / "tracks.jsonl")[0]["sha256"]
    change(folder / "tracks.jsonl", 2, lambda row: row.update(sha256=sha))


# labels


@ours("label_range")
def _(folder: Path) -> None:
    both(folder, bpm=1200.0)


@ours("key_name")
def _(folder: Path) -> None:
    both(folder, key="H-Dur")


@ours("class_dominates")
def _(folder: Path) -> None:
    for split in ("train", "valid", "test"):
        path = folder / "manifests" / split / "data.jsonl"
        for number, row in enumerate(rows(path)):
            if number == 0 and split == "test":
                continue
            change(path, number, lambda row: row.update(genre="rock"))
            change_object(Path(row["path"]).with_suffix(".json"), lambda r: r.update(genre="rock"))
    reseal(folder)


@ours("labels_sparse")
def _(folder: Path) -> None:
    for number in range(13):
        both(folder, number, instrument="")
    reseal(folder)


# the other files


@ours("track_twice")
def _(folder: Path) -> None:
    lines = rows(folder / "tracks.jsonl")
    write_rows(folder / "tracks.jsonl", [*lines, lines[0]])


@ours("track_unknown")
def _(folder: Path) -> None:
    write_rows(folder / "tracks.jsonl", rows(folder / "tracks.jsonl")[1:])


@ours("track_differs")
def _(folder: Path) -> None:
    change(folder / "tracks.jsonl", -1, lambda row: row.update(split="valid"))


@ours("track_chunks")
def _(folder: Path) -> None:
    change(folder / "tracks.jsonl", 0, lambda row: row.update(chunks=7))


@ours("counts_differ")
def _(folder: Path) -> None:
    change_object(folder / "build.json", lambda row: row["counts"].update(chunks=25))


@ours("fingerprint_differs")
def _(folder: Path) -> None:
    both(folder, description="A wild piece for drums.")


@ours("dset_invalid")
def _(folder: Path) -> None:
    path = folder / "dset.yaml"
    path.write_text(path.read_text().removeprefix("# @package __global__\n"))


@ours("dset_path")
def _(folder: Path) -> None:
    path = folder / "dset.yaml"
    path.write_text(path.read_text().replace("manifests/valid", "manifests/train"))


@ours("dset_limits")
def _(folder: Path) -> None:
    path = folder / "dset.yaml"
    path.write_text(path.read_text().replace("16000", "8000"))


@ours("dset_padding")
def _(folder: Path) -> None:
    path = folder / "dset.yaml"
    path.write_text(path.read_text().replace("min_segment_ratio: 1.0", "min_segment_ratio: 0.8"))


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
    assert report.findings[0].remedy == "run `curate relocate DIR`"
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
