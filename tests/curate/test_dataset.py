"""A built dataset as Python sees it."""

import builtins
import json
from pathlib import Path
from typing import Any

import handmade
import numpy as np
import pytest

from curate import dataset as datasets
from curate import jsonio
from curate.dataset import Clip, Dataset, DatasetError, load
from curate.records import Sidecar


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return handmade.ours(tmp_path / "kayo")


@pytest.fixture
def dataset(folder: Path) -> Dataset:
    return load(folder)


def test_splits_are_looped_over(dataset: Dataset) -> None:
    assert [len(dataset.train), len(dataset.valid), len(dataset.test)] == [15, 6, 3]
    assert len(dataset) == len(list(dataset)) == 24
    assert [clip.name for clip in dataset["valid"]] == [clip.name for clip in dataset.valid]
    assert {clip.split for clip in dataset.test} == {"test"}
    assert [clip.name for clip in dataset] == [
        clip.name for split in ("train", "valid", "test") for clip in dataset[split]
    ]


def test_a_split_can_be_looped_over_twice(dataset: Dataset) -> None:
    train = dataset.train
    assert list(train) == list(train)


def test_a_clip_is_its_sidecar(dataset: Dataset) -> None:
    clip = next(iter(dataset.train))
    assert isinstance(clip, Clip)
    assert isinstance(clip, Sidecar)
    assert clip.artist == "宇多田ヒカル"
    assert clip.moods == ("calm", "late night")
    assert clip.labels[0].kind == "loudness"
    stored = json.loads(clip.path.with_suffix(".json").read_bytes())
    for name, value in stored.items():
        if name != "labels":
            assert json.loads(jsonio.encode(getattr(clip, name))) == value


def test_audio_is_channels_first(dataset: Dataset) -> None:
    clip = next(iter(dataset.train))
    samples, rate = clip.audio()
    assert samples.shape == (1, handmade.RATE)
    assert samples.dtype == np.float32
    assert samples.flags.c_contiguous
    assert rate == handmade.RATE
    expected = handmade.noise((clip.track_id, 0))
    assert np.abs(samples[0] - expected).max() <= 1 / 32768


def test_tracks_rejections_and_build_are_records(dataset: Dataset) -> None:
    assert [track.title for track in dataset.tracks][:1] == ["光"]
    assert [row.code for row in dataset.rejected] == ["too_short"]
    assert dataset.build.counts.chunks == 24


def test_fingerprint_is_the_build_s(dataset: Dataset) -> None:
    assert dataset.fingerprint() == dataset.build.fingerprint


def test_pandas(dataset: Dataset) -> None:
    pytest.importorskip("pandas", reason="pandas is an extra")
    frame = dataset.to_pandas()
    assert len(frame) == 24
    assert set(frame.columns) == {*Sidecar.__slots__, "path"} - {"labels"}
    assert frame["moods"].iloc[0] == ["calm", "late night"]
    assert frame.groupby("split")["duration"].sum()["train"] == pytest.approx(15.0)


def test_without_pandas_the_remedy_is_named(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DatasetError, match="pip install pandas"):
        dataset.to_pandas()


def test_summary(dataset: Dataset) -> None:
    text = repr(dataset)
    for part in ("kayo", "15 clips", "5: ", "宇多田ヒカル (2)", "soundtrack (2)", "too_short (1)"):
        assert part in text
    markup = dataset._repr_html_()
    assert "<table>" in markup
    assert "15 clips" in markup
    assert repr(dataset.valid) == "<valid of kayo: 6 clips>"


def test_summary_escapes_what_is_no_markup(folder: Path) -> None:
    handmade.change(folder / "tracks.jsonl", 0, lambda row: row.update(artist="<b>A&B</b>"))
    assert "&lt;b&gt;A&amp;B&lt;/b&gt;" in load(folder)._repr_html_()


def test_no_such_split(dataset: Dataset) -> None:
    with pytest.raises(KeyError, match="train, valid, test"):
        dataset["dev"]


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such folder"):
        load(tmp_path / "nowhere")


def test_a_folder_above_a_dataset_is_pointed_at(folder: Path) -> None:
    with pytest.raises(DatasetError, match=f"did you mean {folder}"):
        load(folder.parent)
    with pytest.raises(DatasetError, match=r"no build\.json"):
        load(folder / "audio")


def test_a_broken_build_json(folder: Path) -> None:
    (folder / "build.json").write_text("{")
    with pytest.raises(DatasetError, match=r"build\.json.*run `curate build` again"):
        load(folder)


def test_a_missing_manifest(folder: Path) -> None:
    (folder / "manifests/test/data.jsonl").unlink()
    with pytest.raises(DatasetError, match=r"data\.jsonl is missing"):
        list(load(folder))


def test_a_broken_line_is_named(folder: Path) -> None:
    path = folder / "manifests/train/data.jsonl"
    path.write_bytes(path.read_bytes() + b'{"path": 3}\n')
    with pytest.raises(DatasetError, match=r"data\.jsonl:16: .*curate validate"):
        list(load(folder))


def test_a_moved_dataset_says_relocate(folder: Path) -> None:
    moved = folder.rename(folder.parent / "moved")
    with pytest.raises(DatasetError, match=f"run `curate relocate {moved}`"):
        next(iter(load(moved)))


def test_a_missing_sidecar(folder: Path) -> None:
    handmade.first_clip(folder).with_suffix(".json").unlink()
    with pytest.raises(DatasetError, match="is missing; run `curate build` again"):
        next(iter(load(folder)))


def test_missing_audio_is_no_matter_until_it_is_asked_for(folder: Path) -> None:
    handmade.first_clip(folder).unlink()
    clip = next(iter(load(folder)))
    with pytest.raises(DatasetError, match="is missing"):
        clip.audio()


def test_paths_may_be_text_and_begin_at_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    assert load("~/kayo").folder == folder
    monkeypatch.chdir(folder)
    assert datasets.load(".").folder == folder
