"""The files that say what a dataset is: rejected.jsonl, dset.yaml, build.json."""

import json
import re
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from finished import CONFIG, INFO, SPLITS
from handmade import rows

from curate import jsonio
from curate.config import ChunkOptions
from curate.records import BuildInfo, Rejection, SplitCount
from curate.stages import report


def test_rejections_are_written_and_counted(tmp_path: Path) -> None:
    lost = [Rejection(str(n), "inspect", code, "because") for n, code in enumerate("aba")]
    assert report.write_rejected(tmp_path, iter(lost)) == {"a": 2, "b": 1}
    assert [row["code"] for row in rows(tmp_path / "rejected.jsonl")] == ["a", "b", "a"]
    assert report.write_rejected(tmp_path, []) == {}
    assert (tmp_path / "rejected.jsonl").read_bytes() == b""


# --- dset.yaml ----------------------------------------------------------------------------------


def dset(folder: Path, splits: dict[str, SplitCount] = SPLITS, **chunk: object) -> dict:
    config = replace(CONFIG, chunk=replace(ChunkOptions(), **chunk))
    report.write_dset(folder, config, splits)
    return yaml.safe_load((folder / "dset.yaml").read_text("utf-8"))


def test_the_datasource_tells_audiocraft_what_it_needs(tmp_path: Path) -> None:
    assert dset(tmp_path) == {
        "datasource": {
            "max_sample_rate": 32000,
            "max_channels": 1,
            "train": f"{tmp_path}/manifests/train",
            "valid": f"{tmp_path}/manifests/valid",
            "evaluate": f"{tmp_path}/manifests/test",
            "generate": f"{tmp_path}/manifests/test",
        },
        "dataset": {
            "segment_duration": 30,
            "min_segment_ratio": 1.0,
            "valid": {"num_samples": 20},
            "evaluate": {"num_samples": 12},
            "generate": {"num_samples": 12},
        },
    }
    text = (tmp_path / "dset.yaml").read_text("utf-8")
    assert text.startswith("# @package __global__\n")  # else Hydra nests it
    assert "dset=audio/kayo" in text


def test_the_datasource_follows_the_clips(tmp_path: Path) -> None:
    found = dset(tmp_path, seconds=10.5, sample_rate=44100, channels=2)
    assert found["datasource"]["max_sample_rate"] == 44100
    assert found["datasource"]["max_channels"] == 2
    assert found["dataset"]["segment_duration"] == 10.5


def test_an_empty_split_points_to_the_training_data(tmp_path: Path) -> None:
    none = SplitCount(0, 0, 0.0)
    found = dset(tmp_path, {"train": SPLITS["train"], "valid": none, "test": none})
    assert found["datasource"]["evaluate"] == f"{tmp_path}/manifests/train"
    assert found["datasource"]["valid"] == f"{tmp_path}/manifests/train"
    assert found["dataset"]["valid"] == {"num_samples": 100}
    assert found["dataset"]["generate"] == {"num_samples": 16}


def test_a_dataset_without_clips_has_a_datasource_all_the_same(tmp_path: Path) -> None:
    none = SplitCount(0, 0, 0.0)
    found = dset(tmp_path, {"train": none, "valid": none, "test": none})["dataset"]
    assert [found[stage]["num_samples"] for stage in ("valid", "evaluate", "generate")] == [1, 1, 1]


@pytest.mark.parametrize("name", ["音 楽", 'a "b"', "a: #b", "{a}", "a\\b"])
def test_any_folder_can_be_named(tmp_path: Path, name: str) -> None:
    found = dset(tmp_path / name)
    assert found["datasource"]["train"] == f"{tmp_path / name}/manifests/train"


# --- build.json ---------------------------------------------------------------------------------


def test_build_json_is_read_back_as_it_was(tmp_path: Path) -> None:
    report.write_build(tmp_path, INFO)
    assert jsonio.decode((tmp_path / "build.json").read_bytes(), BuildInfo) == replace(
        INFO, config=json.loads(jsonio.encode(INFO.config))
    )


def test_a_build_that_changed_nothing_keeps_its_time(tmp_path: Path) -> None:
    report.write_build(tmp_path, INFO)
    before = (tmp_path / "build.json").read_bytes()
    report.write_build(tmp_path, replace(INFO, built_at="2026-02-02T00:00:00+00:00"))
    assert (tmp_path / "build.json").read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [{"fingerprint": "b" * 64}, {"complete": False}, {"versions": {}}, {"name": "other"}],
)
def test_a_build_that_changed_something_has_its_own_time(
    tmp_path: Path, change: dict[str, object]
) -> None:
    report.write_build(tmp_path, INFO)
    report.write_build(tmp_path, replace(INFO, built_at="2026-02-02T00:00:00+00:00", **change))
    found = json.loads((tmp_path / "build.json").read_bytes())
    assert found["built_at"] == "2026-02-02T00:00:00+00:00"


def test_a_broken_build_json_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "build.json").write_text("{")
    report.write_build(tmp_path, INFO)
    assert json.loads((tmp_path / "build.json").read_bytes())["name"] == "kayo"


def test_the_time_is_utc_in_whole_seconds() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", report.now())


def test_versions_of_all_that_shapes_the_data_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    found = report.versions()
    assert list(found) == ["musicgen-curate", "python", *report.LIBRARIES]
    assert found["numpy"] == metadata.version("numpy")
    with_onnx = report.versions(onnx=True)
    assert with_onnx == found | {"onnxruntime": metadata.version("onnxruntime")}

    def gone(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", gone)
    assert report.versions()["numpy"] == "unknown"
