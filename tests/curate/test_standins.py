"""The stand-ins for Essentia's models are what they say they are, in Essentia and onnxruntime."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import classnames
import models
import numpy as np
import numpy.typing as npt
import pytest
import sounds
import soxr
import tinyrule
from sidecars import EFFNET, MUSICNN

from curate.labels.essentia import algorithms

Array = npt.NDArray[np.float32]

SECONDS = 6.5
"""At 6.0 s, where the last frame completes a patch, Essentia's own padding loses that patch."""

ON_EFFNET = [stem for stem, head in models.HEADS.items() if head.embedder == EFFNET]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models")
    models.write_models(path)
    return path


@pytest.fixture(scope="module")
def heard(folder: Path) -> dict[str, Array]:
    """The embeddings of each sound, by Essentia."""
    return {kind: embedded(folder, tinyrule.sound(kind, SECONDS)) for kind in tinyrule.TRAITS_OF}


def embedded(folder: Path, samples: Array, output: str = "PartitionedCall:1") -> Array:
    graph = str(folder / f"{EFFNET}.pb")
    return algorithms().TensorflowPredictEffnetDiscogs(graphFilename=graph, output=output)(samples)


def told(folder: Path, stem: str) -> tuple[str, str, list[str]]:
    """Input, output of predictions and classes of a model by its `.json`."""
    content = json.loads((folder / f"{stem}.json").read_text())
    ends = content["schema"]
    output = next(o for o in ends["outputs"] if o["output_purpose"] == "predictions")
    return ends["inputs"][0]["name"], output["name"], content["classes"]


def predicted(folder: Path, stem: str, embeddings: Array) -> Array:
    takes, gives, _ = told(folder, stem)
    graph = str(folder / f"{stem}.pb")
    head = algorithms().TensorflowPredict2D(graphFilename=graph, input=takes, output=gives)
    return head(embeddings)


def run_onnx(path: Path, given: Array) -> dict[str, Array]:
    runtime: Any = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (takes,) = session.get_inputs()
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {takes.name: given}), strict=True))


def rule_of(stem: str) -> tinyrule.Rule:
    head = models.HEADS[stem]
    return tinyrule.rule(head.task, head.activation, head.classes)


@pytest.mark.parametrize("kind", tinyrule.TRAITS_OF)
def test_sounds_are_embedded_by_the_rule(heard: dict[str, Array], kind: str) -> None:
    patches = tinyrule.patches(tinyrule.mel(tinyrule.sound(kind, SECONDS)))
    np.testing.assert_allclose(heard[kind], tinyrule.embed(patches), atol=1e-5)


@pytest.mark.parametrize("kind", tinyrule.TRAITS_OF)
@pytest.mark.parametrize("stem", ON_EFFNET)
def test_the_named_classes_fire_and_no_others(
    folder: Path, heard: dict[str, Array], stem: str, kind: str
) -> None:
    head = models.HEADS[stem]
    scores = predicted(folder, stem, heard[kind])
    np.testing.assert_allclose(scores, tinyrule.scores(heard[kind], rule_of(stem)), atol=1e-5)
    found = dict(zip(head.classes, scores.mean(0).tolist(), strict=True))
    for name, score in tinyrule.fired(head.task, tinyrule.TRAITS_OF[kind]).items():
        assert found.pop(name) == pytest.approx(score, abs=0.01), name
    if head.activation == "sigmoid":
        assert max(found.values()) < 0.02


def test_effnet_has_the_styles_of_its_head(folder: Path, heard: dict[str, Array]) -> None:
    styles = embedded(folder, tinyrule.sound("noise", SECONDS), "PartitionedCall:0")
    np.testing.assert_allclose(styles, predicted(folder, models.STYLES, heard["noise"]), atol=1e-6)


def test_each_patch_is_of_its_own_time(folder: Path) -> None:
    parts = [tinyrule.sound(kind, 10) for kind in ("low tone", "high tone", "noise")]
    samples = np.concatenate(parts)
    scores = predicted(folder, "mtg_jamendo_moodtheme-discogs-effnet-1", embedded(folder, samples))
    dark, happy, action = (
        scores[:, classnames.MOODTHEME.index(name)] for name in ("dark", "happy", "action")
    )
    starts = np.arange(len(scores)) * 62 * 0.016  # s; a patch is 2.05 s
    for score, (start, end) in zip(
        (dark, happy, action), ((0, 10), (10, 20), (20, 30)), strict=True
    ):
        inside = (starts >= start + 0.1) & (starts + 2.05 <= end - 0.1)
        outside = (starts >= end + 0.1) | (starts + 2.05 <= start - 0.1)
        assert inside.sum() >= 7
        assert score[inside] == pytest.approx(0.9, abs=0.01)
        assert score[outside] == pytest.approx(0.01, abs=0.01)


@pytest.mark.parametrize("stem", ON_EFFNET)
def test_other_orders_of_classes_answer_in_that_order(
    heard: dict[str, Array], tmp_path: Path, stem: str
) -> None:
    classes = models.HEADS[stem].classes[::-1]
    models.write_models(tmp_path, names=[stem], classes={stem: classes})
    scores = predicted(tmp_path, stem, heard["high tone"])
    assert told(tmp_path, stem)[2] == list(classes)
    expected = tinyrule.scores(heard["high tone"], rule_of(stem))
    np.testing.assert_allclose(scores, expected[:, ::-1], atol=1e-5)


def test_pb_and_onnx_say_the_same(folder: Path, heard: dict[str, Array]) -> None:
    for kind, embeddings in heard.items():
        patches = tinyrule.patches(tinyrule.mel(tinyrule.sound(kind, SECONDS)))
        found = run_onnx(folder / f"{models.EFFNET_ONNX}.onnx", patches)
        np.testing.assert_allclose(found["embeddings"], embeddings, atol=1e-4)
        styles = predicted(folder, models.STYLES, embeddings)
        np.testing.assert_allclose(found["activations"], styles, atol=1e-5)
    for stem in set(ON_EFFNET) - {models.STYLES}:
        activations = run_onnx(folder / f"{stem}.onnx", heard["noise"])["activations"]
        np.testing.assert_allclose(activations, predicted(folder, stem, heard["noise"]), atol=1e-5)


def test_full_ones_say_the_same_in_both_formats(tmp_path: Path) -> None:
    models.write_models(tmp_path, "full", names=[EFFNET, models.EFFNET_ONNX])
    samples = np.concatenate([tinyrule.sound(kind, 2) for kind in tinyrule.TRAITS_OF])
    patches = tinyrule.patches(tinyrule.mel(samples))
    found = run_onnx(tmp_path / f"{models.EFFNET_ONNX}.onnx", patches)
    embeddings = embedded(tmp_path, samples)
    norms = np.linalg.norm(found["embeddings"], axis=1) * np.linalg.norm(embeddings, axis=1)
    assert ((found["embeddings"] * embeddings).sum(1) / norms).min() > 0.999


@pytest.mark.parametrize(
    ("file", "size"),
    [
        (f"{models.EFFNET_ONNX}.onnx", 18_027_718),
        (f"{EFFNET}.pb", 18_366_619),
        (f"{MUSICNN}.onnx", 3_168_334),
        (f"{models.STYLES}.pb", 2_057_977),
        ("mtg_jamendo_genre-discogs-effnet-1.onnx", 2_802_925),
        ("danceability-discogs-effnet-1.pb", 514_458),
    ],
)
def test_full_ones_weigh_what_the_official_ones_do(tmp_path: Path, file: str, size: int) -> None:
    path = tmp_path / file
    models.write_models(tmp_path, "full", names=[path.stem])
    assert path.stat().st_size == pytest.approx(size, rel=0.02)


@pytest.mark.parametrize("kind", tinyrule.TRAITS_OF)
def test_valence_and_arousal(folder: Path, kind: str) -> None:
    samples = tinyrule.sound(kind, SECONDS)
    patches = tinyrule.patches(tinyrule.mel(samples), 187, 93)
    predict = algorithms().TensorflowPredictMusiCNN(
        graphFilename=str(folder / f"{MUSICNN}.pb"), output="model/dense/BiasAdd"
    )
    embeddings = predict(samples)
    np.testing.assert_allclose(embeddings, tinyrule.embed(patches, 200), atol=1e-5)
    both = predicted(folder, "deam-msd-musicnn-2", embeddings).mean(0)
    expected = tinyrule.fired("deam", tinyrule.TRAITS_OF[kind])
    assert both == pytest.approx([expected["valence"], expected["arousal"]], abs=0.05)
    onnx = run_onnx(folder / f"{MUSICNN}.onnx", patches)
    np.testing.assert_allclose(onnx["embeddings"], embeddings, atol=1e-4)


@pytest.mark.parametrize("bpm", [45, 60, 90, 120, 174, 240])
def test_tempo_of_clicks(folder: Path, bpm: int) -> None:
    predict = algorithms().TempoCNN(graphFilename=str(folder / f"{models.TEMPO}.pb"))
    samples = soxr.resample(sounds.clicks(bpm, 25), sounds.RATE, 11025)
    tempo, by_patch, _ = predict(samples)
    assert tempo == bpm
    assert len(by_patch) == 3


def test_effnet_takes_64_patches_and_heads_their_own_embeddings(folder: Path) -> None:
    noise = tinyrule.sound("noise", 4)
    predict = algorithms().TensorflowPredictEffnetDiscogs(
        graphFilename=str(folder / f"{EFFNET}.pb"), output="PartitionedCall:1", batchSize=16
    )
    with pytest.raises(RuntimeError, match="Error running"):
        predict(noise)
    with pytest.raises(RuntimeError, match="Error running"):
        predicted(folder, "deam-msd-musicnn-2", embedded(folder, noise))


def test_official_onnx_files_and_their_names(folder: Path) -> None:
    with_onnx = {path.stem for path in folder.glob("*.onnx")}
    assert {path.stem for path in folder.glob("*.pb")} - with_onnx == {
        EFFNET, models.STYLES, models.TEMPO,
    }  # fmt: skip
    zeros = np.zeros((3, 128, 96), np.float32)
    found = run_onnx(folder / f"{models.EFFNET_ONNX}.onnx", zeros)
    assert {name: values.shape for name, values in found.items()} == {
        "activations": (3, 400),
        "embeddings": (3, 1280),
    }


def test_the_script_writes_the_same_folder(folder: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, models.__file__, str(tmp_path)], check=True, timeout=60)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {path.name for path in folder.iterdir()}
    assert all((tmp_path / name).read_bytes() == (folder / name).read_bytes() for name in names)
