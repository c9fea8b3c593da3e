"""The finished dataset on disk: manifests, sidecars and the table of tracks say the same."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from finished import CONFIG, LABELS, TAGS, finished, untagged
from handmade import rows

from curate import jsonio
from curate.config import ChunkOptions
from curate.records import SPLITS, ManifestLine, Origin, Sidecar, SplitCount, TrackLine
from curate.stages import write
from curate.stages.write import Finished, Written


def written(out: Path, *items: Finished) -> tuple[Written, list[str]]:
    noted: list[str] = []
    return write.write(out, iter(items), CONFIG, noted.extend), noted


def manifest(out: Path, split: str) -> list[dict[str, Any]]:
    return rows(out / "manifests" / split / "data.jsonl")


def test_a_line_has_what_audiocraft_reads(tmp_path: Path) -> None:
    written(tmp_path, finished())
    assert manifest(tmp_path, "train")[1] == {
        "path": f"{tmp_path}/audio/yoasobi/yoru-000000/yoru_chunk001.flac",
        "duration": 30.0,
        "sample_rate": 32000,
        "amplitude": 0.5,
        "weight": None,
        "info_path": None,
        "key": "C minor",
        "artist": "YOASOBI",
        "file_extension": "flac",
        "description": "A 1. clip.",
        "descriptions": ["A 1. clip."],
        "keywords": ["J-pop", "city pop", "dark", "piano", "bass"],
        "bpm": 130.0,
        "genre": "J-pop, city pop",
        "title": "夜に駆ける",
        "name": "yoru_chunk001",
        "instrument": "piano, bass",
        "moods": ["dark"],
        "track_id": "000000000000",
        "start": 30.0,
        "split": "train",
    }


def test_a_sidecar_says_the_same_and_where_it_is_from(tmp_path: Path) -> None:
    written(tmp_path, finished())
    line = manifest(tmp_path, "train")[0]
    data = Path(line["path"]).with_suffix(".json").read_bytes()
    beside = jsonio.decode(data, Sidecar)
    told = json.loads(data)
    assert {name: told[name] for name in line if name in told} == {
        name: value for name, value in line.items() if name in told
    }
    assert set(line) - set(told) == {"path", "amplitude", "weight", "info_path"}
    assert (beside.description_source, beside.audio_sha256) == ("template.1", "0-0")
    assert beside.labels == (*finished().chunked.chunks[0].labels, *LABELS)


def test_of_what_is_not_known_nothing_is_said(tmp_path: Path) -> None:
    written(tmp_path, untagged(3, "test"))
    (line,) = manifest(tmp_path, "test")
    unknown = {"key": "", "bpm": None, "genre": "", "instrument": "", "moods": [], "keywords": []}
    assert {name: line[name] for name in unknown} == unknown
    assert line["title"] == "3 yoru"


def test_a_track_has_its_line_with_rights_and_origin(tmp_path: Path) -> None:
    written(tmp_path, finished(clips=3))
    (found,) = jsonio.read_lines(tmp_path / "tracks.jsonl", TrackLine)
    made = finished()
    assert found == TrackLine(
        id="000000000000",
        artist="YOASOBI",
        featured=("幾田りら",),
        title="夜に駆ける",
        album="THE BOOK",
        year=2019,
        isrc="JPAB11912345",
        source="files",
        uri="music/0.flac",
        origin=Origin("music/0.flac"),
        sha256="aa" * 32,
        rights="made by a test",
        licence="CC BY 4.0",
        licence_source="tag",
        tags=TAGS,
        inspection=made.inspection,
        labels=LABELS,
        group="000000000000",
        split="train",
        chunks=3,
    )


def test_a_licence_that_nobody_claims_has_no_source(tmp_path: Path) -> None:
    written(tmp_path, untagged(1, "train"))
    (found,) = jsonio.read_lines(tmp_path / "tracks.jsonl", TrackLine)
    assert (found.licence, found.licence_source) == (None, None)


def test_every_clip_is_in_its_tracks_split_and_counted(tmp_path: Path) -> None:
    items = [finished(0), finished(1, "valid", 3), finished(2), finished(3, "test", 1)]
    found, noted = written(tmp_path, *items)
    ids = {split: [line["track_id"][-1] for line in manifest(tmp_path, split)] for split in SPLITS}
    assert ids == {"train": ["0", "0", "2", "2"], "valid": ["1"] * 3, "test": ["3"]}
    assert found.splits == {
        "train": SplitCount(2, 4, round(120 / 3600, 6)),
        "valid": SplitCount(1, 3, 0.025),
        "test": SplitCount(1, 1, round(30 / 3600, 6)),
    }
    beside = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("audio/**/*.json")}
    assert beside == {path for path in noted if path.endswith(".json")}
    assert len(noted) == 16


def test_an_empty_split_has_an_empty_manifest(tmp_path: Path) -> None:
    written(tmp_path, finished())
    assert [(tmp_path / f"manifests/{s}/data.jsonl").read_bytes() for s in ("valid", "test")] == [
        b"",
        b"",
    ]


def test_the_same_tracks_give_the_same_bytes_and_fingerprint_anywhere(tmp_path: Path) -> None:
    one, _ = written(tmp_path / "one", finished(), finished(1, "test"))
    other, _ = written(tmp_path / "other", finished(), finished(1, "test"))
    assert one == other
    for path in (tmp_path / "one").rglob("*.json*"):
        twin = tmp_path / "other" / path.relative_to(tmp_path / "one")
        here, there = (str(tmp_path / name).encode() for name in ("one", "other"))
        assert path.read_bytes().replace(here, there) == twin.read_bytes()


def test_writing_again_touches_no_sidecar(tmp_path: Path) -> None:
    written(tmp_path, finished())
    (first, _) = sorted(tmp_path.rglob("audio/**/*.json"))
    before = first.stat()
    written(tmp_path, finished())
    assert first.stat().st_ino == before.st_ino


def test_a_build_that_fails_leaves_the_old_dataset(tmp_path: Path) -> None:
    written(tmp_path, finished(clips=1))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.jsonl")}

    def failing():
        yield finished(5)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write.write(tmp_path, failing(), CONFIG, lambda paths: None)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.jsonl")} == before
    assert list(tmp_path.rglob(f".*{jsonio.PARTIAL}")) == []


def test_every_clip_needs_its_caption(tmp_path: Path) -> None:
    item = finished()
    short = replace(item, captions=replace(item.captions, captions=item.captions.captions[:1]))
    with pytest.raises(ValueError, match="shorter"):
        written(tmp_path, short)


def test_the_clips_own_rate_and_format_are_told(tmp_path: Path) -> None:
    item = finished(clips=1)
    (chunk,) = item.chunked.chunks
    wav = replace(chunk, path=chunk.path.replace(".flac", ".wav"))
    item = replace(item, chunked=replace(item.chunked, chunks=(wav,)))
    config = replace(CONFIG, chunk=ChunkOptions(sample_rate=16000, format="wav"))
    write.write(tmp_path, [item], config, lambda paths: None)
    (line,) = jsonio.read_lines(tmp_path / "manifests/train/data.jsonl", ManifestLine)
    assert (line.sample_rate, line.file_extension, line.name) == (16000, "wav", "yoru_chunk000")
