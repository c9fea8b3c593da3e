"""CLAP in the official format through the real loading code; its score moves the right way."""

import shutil
from pathlib import Path

import clap_standin
import numpy as np
import numpy.typing as npt
import pytest
import torch

from plugins.musicgen.evaluation import METRICS
from plugins.musicgen.evaluation.features import textaudio
from plugins.musicgen.evaluation.features.textaudio import Clap
from plugins.musicgen.evaluation.metrics import clap
from plugins.musicgen.evaluation.metrics.outcome import NotRun

Array = npt.NDArray[np.float32]
RATE = 48000


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clap_standin.write(tmp_path_factory.mktemp("clap"))


@pytest.fixture(scope="session")
def model(folder: Path) -> Clap:
    return Clap(str(folder))


def noise(seconds: float, seed: int = 0) -> Array:
    random = np.random.default_rng(seed)
    return (0.1 * random.standard_normal(round(seconds * RATE))).astype(np.float32)


def test_rows_are_those_of_transformers_own_example(folder: Path, model: Clap) -> None:
    from transformers import ClapModel, ClapProcessor

    official, processor = ClapModel.from_pretrained(folder), ClapProcessor.from_pretrained(folder)
    sound, texts = noise(10.0), ["a low tone", "fast drums in A minor"]
    given = processor(text=texts, audio=[sound], sampling_rate=RATE, return_tensors="pt",
                      padding=True)  # fmt: skip
    with torch.inference_mode():
        out = official.eval()(**given)
    assert np.abs(model.embed([sound])[0] - out.audio_embeds.numpy()).max() < 1e-5
    assert np.abs(model.texts(texts) - out.text_embeds.numpy()).max() < 1e-5


@pytest.mark.parametrize("fused", [False, True])
def test_nothing_is_random_and_nobodys_random_numbers_move(tmp_path: Path, fused: bool) -> None:
    loaded = Clap(str(clap_standin.write(tmp_path, fused=fused)))
    before, state = np.random.get_state(), torch.random.get_rng_state()
    one, other = (loaded.embed([noise(25.0), noise(3.0)]) for _ in "12")
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert np.array_equal(before[1], np.random.get_state()[1])  # type: ignore[index]
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize(
    ("seconds", "lengths"),
    [(30.0, [10, 10, 10]), (12.0, [10, 2]), (10.5, [10]), (3.0, [3]), (0.5, [])],
)
def test_windows(seconds: float, lengths: list[float]) -> None:
    found = textaudio.windows(noise(seconds), RATE)
    assert [len(window) / RATE for window in found] == lengths


def test_clips_are_embedded_alike_in_any_company(model: Clap) -> None:
    clips = [noise(12.0), noise(0.2), noise(30.0, 1)]
    together = model.embed(clips)
    assert [rows.shape for rows in together] == [(2, 16), (0, 16), (3, 16)]
    for clip, rows in zip(clips, together, strict=True):
        assert np.allclose(model.embed([clip])[0], rows, atol=1e-6)


def test_weights_as_a_pickle_of_tensors_are_read_too(model: Clap, tmp_path: Path) -> None:
    other = Clap(str(clap_standin.write(tmp_path, safe=False)))
    assert np.allclose(other.texts(["a"]), model.texts(["a"]), atol=1e-6)
    assert other.checkpoint.sha256 != model.checkpoint.sha256


def test_a_pickle_of_anything_else_is_not_run(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / "model.safetensors").unlink()
    torch.save({"a": Harm()}, copy / "pytorch_model.bin")
    with pytest.raises(NotRun, match="cannot be read"):
        Clap(str(copy))
    assert not Harm.done


class Harm:
    done = False

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return setattr, (Harm, "done", True)


@pytest.mark.parametrize("fault", ["cut off", "no weights", "no config", "no folder", "lacking"])
def test_broken_folders_are_not_run(folder: Path, tmp_path: Path, fault: str) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    path = copy / "model.safetensors"
    if fault == "cut off":
        path.write_bytes(path.read_bytes()[:1000])
    elif fault == "no weights":
        path.unlink()
    elif fault == "no config":
        (copy / "config.json").unlink()
    elif fault == "no folder":
        shutil.rmtree(copy)
    else:
        from safetensors.torch import load_file, save_file

        kept = load_file(path)
        save_file({k: v for k, v in kept.items() if "text_model" not in k}, path, {"format": "pt"})
    with pytest.raises(NotRun, match="CLAP"):
        Clap(str(copy))


def test_the_checkpoint_is_named(model: Clap, folder: Path) -> None:
    import hashlib

    told = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert (model.checkpoint.name, model.checkpoint.sha256) == (str(folder), told)


def test_files_in_the_hubs_cache_are_checked_by_their_names(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    from huggingface_hub import constants

    place = tmp_path / "models--some--clap"
    snapshot, blobs = place / "snapshots" / ("0" * 40), place / "blobs"
    for made in (snapshot, blobs, place / "refs"):
        made.mkdir(parents=True)
    (place / "refs" / "main").write_text("0" * 40)
    for path in folder.iterdir():
        shutil.copy(path, snapshot)
    weights = snapshot / "model.safetensors"
    told = hashlib.sha256(weights.read_bytes()).hexdigest()
    weights.rename(blobs / told)
    weights.symlink_to(blobs / told)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    found = Clap("some/clap")
    assert (found.checkpoint.name, found.checkpoint.sha256) == ("some/clap", told)
    (blobs / told).write_bytes((blobs / told).read_bytes() + b"x")
    with pytest.raises(NotRun, match="hf download --force-download some/clap"):
        Clap("some/clap")


# --- the score ----------------------------------------------------------------------------------


def unit(rows: Array) -> Array:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), np.float32)


def space(n: int = 40, spread: float = 0.5) -> tuple[dict[str, Array], dict[str, Array]]:
    """Sounds that lie near their prompts."""
    random = np.random.default_rng(0)
    texts = unit(random.normal(size=(n, 16)) + 0.5)
    sounds = unit(texts[:, None] + random.normal(0, spread, (n, 3, 16)))
    return {str(k): s for k, s in enumerate(sounds)}, {str(k): t for k, t in enumerate(texts)}


def test_shuffled_prompts_score_worse_and_have_no_contrast() -> None:
    sounds, texts = space()
    shuffled = dict(zip(texts, [*list(texts.values())[1:], texts["0"]], strict=True))
    right = clap.evaluate(sounds, texts)
    wrong = clap.evaluate(sounds, shuffled)
    assert right["score"].estimate.value > wrong["score"].estimate.value + 0.2
    assert right["contrast"].estimate.low is not None
    assert right["contrast"].estimate.low > 0.2
    low, high = wrong["contrast"].estimate.low, wrong["contrast"].estimate.high
    assert low is not None
    assert high is not None
    assert low < 0.05
    assert abs(wrong["contrast"].estimate.value) < 0.1


def test_a_baseline_further_from_the_prompts_is_behind() -> None:
    (sounds, texts), (further, _) = space(), space(spread=1.0)
    found = clap.evaluate(sounds, texts, further)["score"].difference
    assert found is not None
    assert found.low is not None
    assert found.low > 0
    assert found.n == 40


def test_the_score_is_the_mean_cosine() -> None:
    sounds = {"a": unit(np.array([[1.0, 0.0], [0.0, 1.0]]))}
    texts = {"a": unit(np.array([1.0, 0.0]))}
    found = clap.evaluate(sounds, texts)
    assert set(found) == {"score"}  # one prompt has no other to be held against
    assert found["score"].estimate.value == pytest.approx(0.5)


def test_the_same_text_is_embedded_once(model: Clap) -> None:
    found = clap.prompts(model, {"a": "a low tone", "b": "x", "c": "a low tone"})
    assert np.array_equal(found["a"], found["c"])
    assert not np.allclose(found["a"], found["b"])


def test_embeddings_that_do_not_fit_are_refused() -> None:
    sounds, texts = space(3)
    with pytest.raises(ValueError, match="clip 9: no prompt"):
        clap.evaluate({"9": sounds["0"]}, texts)
    with pytest.raises(ValueError, match="of length 2"):
        clap.evaluate({"0": 2 * sounds["0"]}, texts)
    with pytest.raises(ValueError, match="of one model"):
        clap.evaluate({"0": sounds["0"][:, :4]}, texts)


def test_the_table_of_figures_knows_them() -> None:
    found = clap.evaluate(*space(5))
    assert set(found) == {metric.name for metric in METRICS if metric.module == "clap"}
