"""Data: found, measured, refused before the first step, and read in an order that can be told."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from plugins.musicgen import tiny
from plugins.musicgen.dataset import data
from plugins.musicgen.errors import TrainingError

Start = Callable[..., Any]


def spoil(folder: Path, split: str, **changes: Any) -> None:
    """Changes the first line of a manifest."""
    path = folder / split / "data.jsonl"
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(json.loads(first) | changes), *rest]) + "\n")


@pytest.fixture
def own(tmp_path: Path, make_clips: Callable[..., Path]) -> Path:
    """Clips to spoil."""
    return make_clips(tmp_path / "own", {"train": 3, "valid": 2, "test": 1})


class TestLocate:
    def test_a_folder_of_manifests(self, clips: Path) -> None:
        source = data.locate(str(clips))
        assert not source.ours
        assert set(source.manifests) == {"train", "valid", "test"}

    def test_a_built_dataset(self, tmp_path: Path) -> None:
        for split in ("train", "valid", "test"):
            (tmp_path / "manifests" / split).mkdir(parents=True)
            (tmp_path / "manifests" / split / "data.jsonl").touch()
        (tmp_path / "build.json").write_text(json.dumps({"fingerprint": "0123456789abcdef"}))
        source = data.locate(str(tmp_path))
        assert source.ours
        assert data.fingerprint(source) == "0123456789ab"
        (tmp_path / "build.json").write_text("{")
        with pytest.raises(TrainingError, match=r"build\.json does not say"):
            data.fingerprint(source)

    @pytest.mark.parametrize("folder", [None, ""])
    def test_no_data(self, folder: str | None) -> None:
        with pytest.raises(TrainingError, match="data= is missing"):
            data.locate(folder)

    def test_no_folder(self) -> None:
        with pytest.raises(TrainingError, match="data=/no/where: there is no such folder"):
            data.locate("/no/where")

    def test_no_manifest_of_a_split(self, own: Path) -> None:
        (own / "valid" / "data.jsonl").unlink()
        with pytest.raises(TrainingError, match="no manifest of the split valid"):
            data.locate(str(own))

    def test_two_datasets_in_one_folder(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            (tmp_path / name / "train").mkdir(parents=True)
            (tmp_path / name / "train" / "data.jsonl").touch()
        with pytest.raises(TrainingError, match="two manifests of the split train"):
            data.locate(str(tmp_path))


class TestChecks:
    def test_a_dataset_with_findings(self, own: Path, start: Start) -> None:
        (own / "audio" / "train0.json").unlink()
        with pytest.raises(TrainingError, match=r"findings; `curate validate .*\n.*train0"):
            start(f"data={own}")

    @pytest.mark.parametrize("split", ["train", "valid"])
    def test_an_empty_split(self, own: Path, start: Start, split: str) -> None:
        (own / split / "data.jsonl").write_text("")
        with pytest.raises(TrainingError, match=f"the split {split} is empty"):
            start(f"data={own}")

    def test_without_a_test_split_valid_stands_in(self, own: Path, start: Start) -> None:
        (own / "test" / "data.jsonl").unlink()
        assert start(f"data={own}").cfg.datasource.evaluate == str(own / "valid" / "data.jsonl")

    def test_a_sample_rate_below_the_models(self, own: Path, start: Start) -> None:
        spoil(own, "train", sample_rate=16000)
        with pytest.raises(TrainingError, match="16000 Hz, the base needs 32000 Hz"):
            data.fit(start().cfg, data.locate(str(own)), data.measure(data.locate(str(own))), True)

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ('{"path": "/no/where.flac", "sample_rate": 32000}', "duration"),
            ('{"path": ', r"train/data\.jsonl:1"),
            ("[1, 2]", r"train/data\.jsonl:1"),
        ],
    )
    def test_a_foreign_manifest_with_a_broken_line(
        self, own: Path, start: Start, line: str, message: str
    ) -> None:
        path = own / "train" / "data.jsonl"
        path.write_text("\n".join([line, *path.read_text().splitlines()[1:]]) + "\n")
        with pytest.raises(TrainingError, match=rf"findings; `curate validate .*(\n.*)*{message}"):
            start(f"data={own}")

    def test_a_mono_clip_among_stereo_ones(self, own: Path, start: Start, tmp_path: Path) -> None:
        tiny.make(tmp_path / "stereo", kind="stereo")
        for path in sorted((own / "audio").glob("*.flac")):
            sound, rate = soundfile.read(path)
            soundfile.write(path, np.stack([sound, sound], 1), rate)
        options = (f"data={own}", f"base={tmp_path / 'stereo'}")
        assert start(*options).cfg.channels == 2
        last = own / "audio" / "valid1.flac"
        soundfile.write(last, sound, rate)
        with pytest.raises(TrainingError, match=f"1 of 6 clips are mono, such as {last}, and"):
            start(*options)

    def test_sidecars_are_what_lies_beside_the_training_clips(self, own: Path) -> None:
        (own / "audio" / "train1.json").unlink()
        found = list(data.sidecars(data.locate(str(own))))
        assert [one.get("genre") for one in found] == ["low", None, "low"]


class TestFingerprint:
    def test_content_counts(self, own: Path) -> None:
        before = data.fingerprint(data.locate(str(own)))
        assert data.fingerprint(data.locate(str(own))) == before
        spoil(own, "valid", duration=0.9)
        assert data.fingerprint(data.locate(str(own))) != before

    def test_a_folder_that_moved_is_the_same(self, own: Path, tmp_path: Path) -> None:
        """With the paths in its manifests, as whoever moves it has to."""
        before = data.fingerprint(data.locate(str(own)))
        moved = tmp_path / "somewhere" / "else"
        moved.parent.mkdir()
        own.rename(moved)
        for manifest in moved.glob("*/data.jsonl"):
            manifest.write_text(manifest.read_text().replace(str(own), str(moved)))
        assert data.fingerprint(data.locate(str(moved))) == before

    def test_what_lies_beside_a_clip_counts(self, own: Path) -> None:
        def mark() -> str:
            return data.fingerprint(data.locate(str(own)))

        seen, sidecar = {mark()}, own / "audio" / "valid1.json"
        told = sidecar.read_text()
        sidecar.write_text(told.replace("high", "low"))
        seen.add(mark())
        sidecar.unlink()
        seen.add(mark())
        sidecar.write_text(told)
        assert mark() in seen
        sound = own / "audio" / "train0.flac"
        sound.write_bytes(sound.read_bytes() + b"more")
        seen.add(mark())
        with (own / "train" / "data.jsonl").open("a") as file:
            file.write("no line {\n")
        seen.add(mark())
        assert len(seen) == 5


class TestOrder:
    def read(self, solver: Any, stage: str, epoch: int = 1) -> list[tuple[str, float, str]]:
        loader = solver.loader(stage)
        loader.dataset.current_epoch = epoch
        return [
            (info.meta.path, info.seek_time, info.description)
            for _, infos in loader
            for info in infos
        ]

    def test_every_clip_once_in_each_pass(self, start: Start) -> None:
        solver = start("dataset.batch_size=2")
        first, second = self.read(solver, "train", 1), self.read(solver, "train", 2)
        assert len({path for path, *_ in first}) == len({path for path, *_ in second}) == 8
        assert first != second

    @pytest.mark.parametrize(("stage", "count"), [("valid", 3), ("evaluate", 2), ("generate", 2)])
    def test_what_is_measured_is_measured_whole(self, start: Start, stage: str, count: int) -> None:
        found = self.read(start(), stage)
        assert len({path for path, *_ in found}) == len(found) == count

    def test_a_place_means_the_same_whatever_was_drawn_before(self, start: Start) -> None:
        solver = start("dataset.segment_duration=0.5", "text.merge_text_p=1")
        random.seed(1)
        first = self.read(solver, "train")
        random.seed(2)
        assert self.read(solver, "train") == first
        assert len({seek for _, seek, _ in first}) == 8  # crops are random
        assert len({text for *_, text in first}) > 2  # and so are texts

    def test_workers_change_nothing(self, start: Start) -> None:
        more = "text.merge_text_p=1"
        alone, helped = start(more), start(more, "dataset.num_workers=2")
        assert self.read(alone, "train") == self.read(helped, "train")

    def test_two_processes_share_the_places(self, start: Start) -> None:
        cfg = start("dataset.batch_size=4").cfg
        both = [list(data.loaders(cfg, rank, 2)["train"].sampler) for rank in range(2)]
        assert both == [[0, 2, 4, 6], [1, 3, 5, 7]]

    def test_a_crop_is_as_long_as_the_clips_at_most(self, start: Start) -> None:
        assert start().cfg.dataset.segment_duration == 1.0  # the base's own is 30
        assert start("dataset.segment_duration=0.5").cfg.dataset.segment_duration == 0.5
