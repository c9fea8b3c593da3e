"""Two datasets have one fingerprint where they train the same, and only there."""

import dataclasses
import hashlib
import json
from dataclasses import replace

import pytest

from curate.fingerprint import Fingerprint
from curate.records import ManifestLine

LINE = ManifestLine(
    path="/here/audio/a/b/c.flac",
    duration=30.0,
    sample_rate=32000,
    amplitude=0.5,
    weight=None,
    info_path=None,
    key="A minor",
    artist="YOASOBI",
    file_extension="flac",
    description="A piece.",
    descriptions=("A piece.", "Pop for piano."),
    keywords=("pop",),
    bpm=130.0,
    genre="pop",
    title="夜に駆ける",
    name="c",
    instrument="piano",
    moods=(),
    track_id="46ed4a29f62f",
    start=0.0,
    split="train",
)


def fingerprint(*lines: ManifestLine, path: str = "audio/a/b/c.flac", sha: str = "aa") -> str:
    made = Fingerprint()
    for line in lines:
        made.add(line, path, sha)
    return made.hexdigest()


def test_moving_a_dataset_changes_nothing() -> None:
    assert fingerprint(LINE) == fingerprint(replace(LINE, path="/there/audio/a/b/c.flac"))


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Another."},
        {"key": ""},
        {"bpm": None},
        {"keywords": ()},
        {"duration": 29.9},
        {"start": 30.0},
        {"split": "test"},
        {"amplitude": 0.6},
    ],
)
def test_a_word_or_number_changes_it(change: dict[str, object]) -> None:
    assert fingerprint(replace(LINE, **change)) != fingerprint(LINE)


def test_a_sample_or_a_place_changes_it() -> None:
    assert fingerprint(LINE, sha="ab") != fingerprint(LINE)
    assert fingerprint(LINE, path="audio/a/b/d.flac") != fingerprint(LINE)


def test_order_counts_within_a_split_and_not_between() -> None:
    other, valid = replace(LINE, start=30.0), replace(LINE, split="valid")
    assert fingerprint(LINE, other) != fingerprint(other, LINE)
    assert fingerprint(LINE, valid, other) == fingerprint(valid, LINE, other)
    assert fingerprint(LINE) != fingerprint(LINE, LINE)


def test_it_can_be_made_by_anyone() -> None:
    """It stands in build.json of every dataset: another way of making it is another format."""
    told = dataclasses.asdict(replace(LINE, path="audio/a/b/c.flac"))
    line = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    train = hashlib.sha256(f"{line}\naa\n".encode()).hexdigest()
    empty = hashlib.sha256().hexdigest()
    assert fingerprint(LINE) == hashlib.sha256(f"{train}{empty}{empty}".encode()).hexdigest()
