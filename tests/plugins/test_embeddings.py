"""Weights in the official formats, through the real loading code, to the rows they must give."""

import os
import shutil
from pathlib import Path
from typing import Any

import clap_standin
import models as standins
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import tinyrule
import torch
import vggish_standin

from curate.labels.essentia import algorithms
from curate.labels.models import weights, zoo
from plugins.musicgen import tiny
from plugins.musicgen.evaluation.features import embeddings, models, vggish
from plugins.musicgen.evaluation.features.embeddings import Embedder
from plugins.musicgen.evaluation.features.models import Places
from plugins.musicgen.evaluation.features.sounds import Kept, Sound
from plugins.musicgen.evaluation.metrics.outcome import NotRun

Array = npt.NDArray[np.float32]
RATE = 32000


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    standins.write_models(folder, names=(zoo.EFFNET, standins.EFFNET_ONNX))
    vggish_standin.write(folder)
    record_as_official(folder)
    return folder


def record_as_official(folder: Path) -> None:
    weights.accept((models.EFFNET, models.VGGISH), folder)


@pytest.fixture(scope="session")
def clap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clap_standin.write(tmp_path_factory.mktemp("clap"))


@pytest.fixture(scope="session")
def codec() -> Any:
    from audiocraft.models import builders
    from omegaconf import OmegaConf

    torch.manual_seed(0)
    return builders.get_compression_model(OmegaConf.create(tiny.compression_config())).eval()


@pytest.fixture
def places(shelf: Path, clap: Path, codec: Any) -> Places:
    return Places(shelf, str(clap), compression=codec)


def write(folder: Path, name: str, kind: str, seconds: float, rate: int = RATE) -> Sound:
    path = folder / f"{name}.wav"
    soundfile.write(path, tinyrule.sound(kind, seconds, rate), rate, subtype="FLOAT")
    return Sound(name, path)


@pytest.fixture
def sounds(tmp_path: Path) -> list[Sound]:
    kinds = ("low tone", "high tone", "noise")
    return [write(tmp_path, kind, kind, 5.0) for kind in kinds]


def test_vggish_sees_what_essentia_shows_it() -> None:
    sound = tinyrule.sound("noise", 3.3) + tinyrule.sound("low tone", 3.3)
    standard = algorithms()
    bands = standard.TensorflowInputVGGish()
    frames = standard.FrameGenerator(sound, frameSize=400, hopSize=160)
    expected = np.array([bands(frame) for frame in frames])
    found = vggish.spectrogram(sound)
    assert len(found) >= len(expected)
    assert np.abs(found[: len(expected)] - expected).max() < 1e-4


def test_vggish_gives_what_essentias_own_algorithm_gives(places: Places) -> None:
    sound = tinyrule.sound("low tone", 6.0) + 0.3 * tinyrule.sound("noise", 6.0)
    found = embeddings.load("vggish", places).embed([sound])[0]
    predict = algorithms().TensorflowPredictVGGish(
        graphFilename=str((places.essentia or Path()) / "audioset-vggish-3.pb"),
        output="model/vggish/embeddings",
        patchHopSize=96,
    )
    expected = np.array(predict(sound))
    assert found.shape == (6, 128)
    assert np.abs(found[: len(expected)] - expected).max() < 1e-4


@pytest.mark.parametrize("kind", ["pb", "onnx"])
def test_effnet_gives_what_its_rule_gives(tmp_path: Path, kind: str) -> None:
    name = zoo.EFFNET if kind == "pb" else standins.EFFNET_ONNX
    standins.write_models(tmp_path, names=(name, zoo.EFFNET))
    if kind == "onnx":
        (tmp_path / f"{zoo.EFFNET}.pb").unlink()
    weights.accept((models.EFFNET,), tmp_path)
    found = embeddings.load("effnet", Places(tmp_path))
    sound = tinyrule.sound("high tone", 4.0)
    expected = tinyrule.embed(tinyrule.patches(tinyrule.mel(sound)))
    rows = found.embed([sound])[0]
    assert rows.shape == expected.shape
    assert np.abs(rows - expected).max() < 1e-3
    assert found.checkpoint.name.endswith(f".{kind}")


@pytest.mark.parametrize(
    ("name", "width", "patches"), [("vggish", 128, 5), ("effnet", 1280, 4), ("clap", 16, 1),
                                   ("encodec", 0, 63)]
)  # fmt: skip
def test_every_embedder_reads_files_of_any_rate(
    places: Places, sounds: list[Sound], tmp_path: Path, name: str, width: int, patches: int
) -> None:
    width = width or int(places.compression.encoder.dimension)
    embedder = embeddings.load(name, places)
    other = write(tmp_path, "other", "low tone", 5.0, 44100)
    found = embeddings.embed([*sounds, other], embedder)
    assert list(found) == [sound.key for sound in (*sounds, other)]
    assert {rows.shape for rows in found.values()} == {(patches, width)}
    assert {rows.dtype.name for rows in found.values()} == {"float32"}
    means = {key: rows.mean(0) for key, rows in found.items()}
    same, apart = (np.linalg.norm(means["low tone"] - means[k]) for k in ("other", "noise"))
    assert same < 0.1 * apart
    assert len(embedder.checkpoint.sha256) == 64


@pytest.mark.parametrize("kind", ["pb", "onnx"])
def test_clips_share_calls_of_effnet(shelf: Path, tmp_path: Path, kind: str) -> None:
    folder = Path(shutil.copytree(shelf, tmp_path / "shelf"))
    if kind == "pb":
        (folder / f"{standins.EFFNET_ONNX}.onnx").unlink()
    found = embeddings.load("effnet", Places(folder))
    assert isinstance(found, embeddings.EffNet)
    lengths = {"low tone": 5.0, "noise": 0.5, "high tone": 30.0}
    clips = [tinyrule.sound(name, seconds) for name, seconds in lengths.items()]
    alone = [found.embed([clip])[0] for clip in clips]
    assert [len(rows) for rows in alone] == [4, 0, 29]
    sizes, run = [], found._session.run

    def counting(given: Array) -> tuple[Array, ...]:
        sizes.append(len(given))
        return run(given)

    found._session.run = counting  # type: ignore[method-assign]
    together = found.embed(clips)
    assert sizes == ([64] if kind == "pb" else [8, 8, 8, 8, 1])
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-6)


class Counting:
    """An embedder that says how often it was asked."""

    def __init__(self, inner: Embedder) -> None:
        self.name, self.checkpoint = inner.name, inner.checkpoint
        self.rate, self.batch = inner.rate, inner.batch
        self._inner, self.asked = inner, 0

    def embed(self, clips: Any) -> list[Array]:
        self.asked += len(clips)
        return self._inner.embed(clips)


def test_nothing_is_embedded_twice(places: Places, sounds: list[Sound], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    embedder = Counting(embeddings.load("vggish", places))
    first = embeddings.embed(sounds[:2], embedder, cache)
    again = embeddings.embed(sounds, embedder, cache)
    assert embedder.asked == 3
    assert all(np.array_equal(first[key], again[key]) for key in first)
    assert list(again) == [sound.key for sound in sounds]
    shutil.copy(sounds[2].path, sounds[0].path)  # another sound under the same name
    changed = embeddings.embed(sounds[:1], embedder, cache)
    assert embedder.asked == 3
    assert np.array_equal(changed[sounds[0].key], again[sounds[2].key])


def test_other_weights_are_another_cache(
    places: Places, sounds: list[Sound], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    one = embeddings.embed(sounds, embeddings.load("clap", places), cache)
    elsewhere = Places(clap=str(clap_standin.write(tmp_path / "other", seed=1)))
    other = embeddings.embed(sounds, embeddings.load("clap", elsewhere), cache)
    assert not np.allclose(one["noise"], other["noise"], atol=1e-2)
    assert len(list(cache.iterdir())) == 2


def test_a_spoiled_cache_is_computed_again(
    places: Places, sounds: list[Sound], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    embedder = Counting(embeddings.load("vggish", places))
    first = embeddings.embed(sounds, embedder, cache)
    for number, path in enumerate(sorted(cache.rglob("*.npy"))):
        path.write_bytes(path.read_bytes()[: number * 40])
    again = embeddings.embed(sounds, embedder, cache)
    assert embedder.asked == 6
    assert all(np.array_equal(first[key], again[key]) for key in first)


def test_a_cache_that_cannot_be_written_costs_nothing_else(sounds: list[Sound]) -> None:
    kept = Kept(Path(os.devnull) / "cache", "model")
    kept.keep_array(sounds[0], np.ones(3))
    assert kept.array(sounds[0]) is None


def test_clips_too_short_are_left_out(places: Places, sounds: list[Sound], tmp_path: Path) -> None:
    short = write(tmp_path, "short", "noise", 0.5)
    found = embeddings.embed([short, *sounds], embeddings.load("effnet", places))
    assert list(found) == [sound.key for sound in sounds]


def test_broken_clips_are_named(places: Places, sounds: list[Sound], tmp_path: Path) -> None:
    embedder = embeddings.load("vggish", places)
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(ValueError, match=r"clip odd: .*text\.wav"):
        embeddings.embed([Sound("odd", tmp_path / "text.wav")], embedder)
    with pytest.raises(ValueError, match=r"clip gone: .* is not there"):
        embeddings.embed([Sound("gone", tmp_path / "gone.wav")], embedder)
    with pytest.raises(ValueError, match="two clips have the same key"):
        embeddings.embed([sounds[0], sounds[0]], embedder)
    soundfile.write(tmp_path / "nan.wav", np.full(32000, np.nan), RATE, subtype="FLOAT")
    with pytest.raises(ValueError, match="samples that are not finite"):
        embeddings.embed([Sound("nan", tmp_path / "nan.wav")], embedder)


# --- what is missing ----------------------------------------------------------------------------


def test_missing_weights_say_the_command(tmp_path: Path) -> None:
    with pytest.raises(NotRun) as caught:
        embeddings.load("vggish", Places(tmp_path))
    assert "audioset-vggish-3.pb is not there" in caught.value.reason
    command = f"python -m plugins.musicgen.evaluation.features.models --models {tmp_path}"
    assert caught.value.command == command
    with pytest.raises(NotRun) as caught:
        embeddings.load("effnet", Places(tmp_path))
    assert caught.value.command.startswith("curate models fetch discogs-effnet-bs64-1")
    with pytest.raises(NotRun, match="no base model"):
        embeddings.load("encodec", Places())
    with pytest.raises(NotRun, match="hf download laion/clap-htsat-unfused"):
        embeddings.load("clap", Places())


def test_muq_is_not_run_where_it_is_not_installed() -> None:
    with pytest.raises(NotRun) as caught:
        embeddings.load("muq", Places())
    assert caught.value.command == "pip install muq"


def test_weights_that_changed_are_not_used(shelf: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(shelf, tmp_path / "shelf"))
    path = folder / "audioset-vggish-3.pb"
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(NotRun, match="cut off, changed or another file"):
        embeddings.load("vggish", Places(folder))


def test_a_file_that_is_no_graph_is_not_used(shelf: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(shelf, tmp_path / "shelf"))
    (folder / "audioset-vggish-3.pb").write_bytes(b"\x08\x01" * 500)
    weights.accept((models.VGGISH,), folder)
    with pytest.raises(NotRun, match="crashes TensorFlow; remove it"):  # and not this process
        embeddings.load("vggish", Places(folder))
    wrong = standins.effnet_graph("tiny")
    (folder / "audioset-vggish-3.pb").write_bytes(wrong)
    weights.accept((models.VGGISH,), folder)
    with pytest.raises(NotRun, match=r"audioset-vggish-3\.pb cannot be read as a TensorFlow model"):
        embeddings.load("vggish", Places(folder))


def test_the_command_fetches_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    place = tmp_path / "site" / models.VGGISH.folder
    vggish_standin.write(place)
    there = tmp_path / "models"
    standins.write_models(there, names=(zoo.EFFNET, standins.EFFNET_ONNX))
    weights.accept((models.EFFNET,), there)
    monkeypatch.chdir(tmp_path / "site")
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *a: None)
    server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv(weights.MIRROR, f"http://127.0.0.1:{server.server_port}")
    models.main(["--models", str(there)])
    server.shutdown()
    server.server_close()
    assert "2 files fetched" in capsys.readouterr().out
    assert embeddings.load("vggish", Places(there)).checkpoint.sha256
