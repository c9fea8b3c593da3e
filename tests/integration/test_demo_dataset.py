"""The demo, built through the command line as a user does: labels against the known answers, and
what stock audiocraft makes of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import curate
from curate.dataset import Dataset

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "datasets" / "demo"
TEXT = ("title", "artist", "key", "bpm", "genre", "moods", "description", "name", "instrument")
"""The nine fields audiocraft requires."""

pytestmark = pytest.mark.integration


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=280
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rendered = run(str(DEMO / "render.py"))
    assert rendered.returncode == 0, rendered.stderr
    out = tmp_path_factory.mktemp("demo") / "build"
    recipe = str(DEMO / "artists.yaml")
    built = run("-m", "curate.cli", "build", "--artists", recipe, "--out", str(out))
    assert built.returncode == 0, built.stdout + built.stderr
    return out


@pytest.fixture(scope="module")
def dataset(demo: Path) -> Dataset:
    return curate.load(demo)


@pytest.fixture(scope="module")
def answers(demo: Path) -> dict[str, dict]:
    return json.loads((DEMO / "audio" / "answers.json").read_text("utf-8"))["files"]


def test_the_demo_is_valid_also_when_everything_is_decoded(demo: Path) -> None:
    report = curate.validate(demo, deep=True)
    assert [f"{f.code}: {f.message}" for f in report.findings] == []


def test_only_the_jingle_and_the_copy_are_left_out(dataset: Dataset) -> None:
    left_out = {(rejected.code, Path(rejected.uri).name) for rejected in dataset.rejected}
    expected = {
        ("too_short", "ジングル (Jingle).flac"),
        ("duplicate", "Momiji - Autumn Leaves.mp3"),
    }
    assert left_out == expected


def test_every_song_has_its_known_key_and_words(dataset: Dataset, answers: dict) -> None:
    for track in dataset.tracks:
        known = answers[track.uri.removeprefix("audio/")]
        said = {label.kind: label.value for label in track.labels if label.source != "tag"}
        assert said["key"] == f"{known['tonic']} {known['mode']}", track.uri
        assert list(track.tags.moods) == known["moods"]
        assert list(track.tags.instruments) == known["instruments"]


def test_tempi_are_the_known_ones_allowing_an_octave(dataset: Dataset, answers: dict) -> None:
    exact = 0
    for track in dataset.tracks:
        known = answers[track.uri.removeprefix("audio/")]["bpm"]
        tempo = next(label for label in track.labels if label.kind == "tempo")
        ratios = [float(value) / known for value in (tempo.value, *tempo.alternatives)]
        assert any(abs(ratio - 1) < 0.04 for ratio in ratios), (track.uri, tempo, known)
        exact += abs(ratios[0] - 1) < 0.04
    assert exact >= 0.75 * len(dataset.tracks)


def test_a_second_build_does_no_audio_work(demo: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in demo.rglob("*.flac")}
    again = curate.build(DEMO / "artists.yaml", demo)
    assert again.decoded_tracks == 0
    assert {path: path.stat().st_mtime_ns for path in demo.rglob("*.flac")} == before


@pytest.fixture
def music_dataset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type:
    """Stock audiocraft's MusicDataset. Its wheel lacks the team configuration it reads."""
    teams = tmp_path / "teams.yaml"
    cluster = {"dora_dir": str(tmp_path), "partitions": {}, "reference_dir": str(tmp_path)}
    teams.write_text(yaml.safe_dump(dict.fromkeys(("default", "darwin"), cluster)))
    monkeypatch.setenv("AUDIOCRAFT_CONFIG", str(teams))
    module = pytest.importorskip(
        "audiocraft.data.music_dataset", reason="audiocraft is not in a core-only environment"
    )
    return module.MusicDataset


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_stock_audiocraft_reads_every_clip_whole(
    demo: Path, dataset: Dataset, music_dataset: type, split: str
) -> None:
    recipe = yaml.safe_load((demo / "dset.yaml").read_text("utf-8"))
    place = "evaluate" if split == "test" else split
    clips = list(dataset[split])
    read = music_dataset.from_meta(
        recipe["datasource"][place],
        segment_duration=recipe["dataset"]["segment_duration"],
        min_segment_ratio=recipe["dataset"]["min_segment_ratio"],
        sample_rate=32000,
        channels=1,
        num_samples=len(clips),
        permutation_on_files=True,  # every file once
        sample_on_duration=False,
        sample_on_weight=False,
    )
    assert read.info_fields_required
    read.start_epoch(0)
    seen = set()
    for index in range(len(read)):
        wav, info = read[index]
        assert wav.shape == (1, 960_000)
        assert info.n_frames == info.total_frames == 960_000  # 30.0 s, nothing padded
        assert info.seek_time == 0
        assert float(wav[:, -3200:].abs().max()) > 0 or float(wav.abs().mean()) > 1e-3
        for field in TEXT:
            assert getattr(info, field), f"{info.meta.path}: {field} is {getattr(info, field)!r}"
        seen.add(info.meta.path)
    assert len(seen) == len(clips)


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_audiocraft_sees_the_fields_as_they_were_meant(
    dataset: Dataset, music_dataset: type, split: str
) -> None:
    info_type = sys.modules[music_dataset.__module__].MusicInfo
    for clip in dataset[split]:
        sidecar = json.loads(Path(clip.path).with_suffix(".json").read_text("utf-8"))
        sidecar |= dict.fromkeys(("meta", "seek_time", "n_frames", "total_frames", "channels"))
        seen = info_type.from_dict(sidecar, fields_required=False)
        assert seen.description == clip.description
        assert seen.key == clip.key.lower()
        assert seen.bpm == clip.bpm
        assert seen.moods == list(clip.moods)
        assert seen.genre == clip.genre.lower()
        assert seen.instrument == clip.instrument.lower()
