"""Bases: found in every form, loaded with all their weights, and refused with one message."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from omegaconf import OmegaConf

from plugins.musicgen import tiny
from plugins.musicgen.errors import TrainingError
from plugins.musicgen.models import base

Start = Callable[..., Any]


def change(path: Path, **changes: Any) -> None:
    """Changes the configuration in an official file."""
    package = torch.load(path, weights_only=True)
    config = OmegaConf.create(package["xp.cfg"])
    for key, value in changes.items():
        OmegaConf.update(config, key.replace("__", "."), value)
    torch.save({**package, "xp.cfg": OmegaConf.to_yaml(config)}, path)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips in stereo."""
    folder = tmp_path_factory.mktemp("wide")
    for number, split in enumerate(("train", "train", "valid", "test")):
        path = folder / "audio" / f"{number}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, np.random.default_rng(number).normal(0, 0.1, (32000, 2)), 32000)
        words = dict.fromkeys(("title", "artist", "key", "genre", "name", "instrument"), "")
        values = {**words, "bpm": 1.0, "moods": [], "description": "noise"}
        path.with_suffix(".json").write_text(json.dumps(values))
        manifest = folder / split / "data.jsonl"
        manifest.parent.mkdir(exist_ok=True)
        line = {"path": str(path), "duration": 1.0, "sample_rate": 32000}
        with manifest.open("a") as file:
            file.write(json.dumps(line) + "\n")
    return folder


class TestForms:
    def test_a_folder_of_official_files(self, start: Start, tiny_base: Path) -> None:
        solver = start()
        wanted = torch.load(tiny_base / "state_dict.bin", weights_only=True)["best_state"]
        found = solver.model.state_dict()
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[key], wanted[key]) for key in wanted)
        assert solver.cfg.transformer_lm.dim == 32
        assert solver.cfg.sample_rate == 32000
        assert not any(one.requires_grad for one in solver.compression_model.parameters())

    def test_a_folder_in_transformers_form_is_the_same_model(
        self, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        tiny.main([str(tmp_path / "theirs"), "--form", "transformers"])
        ours, theirs = start(), start(f"base={tmp_path / 'theirs'}")
        for name, value in ours.model.state_dict().items():
            assert torch.equal(theirs.model.state_dict()[name], value), name
        texts = {"description": "a low tone"}
        codes = torch.randint(0, 64, (1, 4, 9))
        sound = torch.randn(1, 1, 6400) / 4
        for solver in (ours, theirs):
            solver.model.eval()
        with torch.no_grad():
            outs = []
            for solver in (ours, theirs):
                text = solver.model.condition_provider.conditioners.description
                conditions = {"description": text(text.tokenize([texts["description"]]))}
                out = solver.model.compute_predictions(codes, [], conditions)
                outs.append((out.logits[out.mask], solver.compression_model.encode(sound)[0]))
        assert torch.allclose(outs[0][0], outs[1][0], atol=1e-5)
        assert torch.equal(outs[0][1], outs[1][1])

    def test_stereo_and_melody_train(self, start: Start, tmp_path: Path, wide: Path) -> None:
        for kind, books in (("stereo", 8), ("melody", 4)):
            tiny.make(tmp_path / kind, kind=kind)
            solver = start(f"base={tmp_path / kind}", f"data={wide}")
            loader = solver.loader("train")
            loader.dataset.current_epoch = 1
            solver.model.train()
            found = solver.gradients(next(iter(loader)))
            assert found.shape == (books,)
            assert all(one.grad is not None for one in solver.model.linears.parameters())


class TestChoices:
    def test_a_run_can_change_what_is_no_shape(self, start: Start) -> None:
        solver = start("model.word_dropout=0.5", "model.cfg_dropout=0.1", "model.dropout=0.25")
        assert solver.model.condition_provider.conditioners.description.word_dropout == 0.5
        assert solver.model.cfg_dropout.p == 0.1
        assert solver.model.transformer.layers[0].dropout.p == 0.25

    def test_the_text_encoder_may_lie_elsewhere(
        self, start: Start, own_base: Path, tmp_path: Path
    ) -> None:
        shutil.move(own_base / "t5-small", tmp_path / "mine")
        with pytest.raises(TrainingError, match=r"text encoder cannot be had.*model\.t5=DIR"):
            start(f"base={own_base}")
        solver = start(f"base={own_base}", f"model.t5={tmp_path / 'mine'}")
        assert solver.model.condition_provider.conditioners.description.t5 is not None

    def test_gradient_checkpointing_changes_no_gradient(self, start: Start) -> None:
        plain, lean = start(), start("model.checkpointing=torch")
        loader = plain.loader("train")
        loader.dataset.current_epoch = 1
        batch = next(iter(loader))
        found = []
        for solver in (plain, lean):
            solver.model.train()
            solver.seed_step()
            solver.gradients(batch)
            found.append(solver.model.transformer.layers[0].linear1.weight.grad)
        assert lean.model.transformer.checkpointing == "torch"
        assert torch.allclose(*found, atol=1e-7)


class TestRefusals:
    @pytest.mark.parametrize("name", ["/no/such/folder", "no-such-model", "./here", "a/b/c"])
    def test_no_such_base(self, name: str) -> None:
        with pytest.raises(TrainingError, match=f"{name}: there is no such folder"):
            base.open_base(name)

    def test_a_name_that_the_hub_cannot_give(self) -> None:
        """Offline, as these tests are."""
        with pytest.raises(TrainingError, match="cannot be had from the Hub"):
            base.open_base("facebook/musicgen-small")

    @pytest.mark.parametrize("name", base.OFFICIAL)
    def test_a_missing_file(self, own_base: Path, name: str) -> None:
        (own_base / name).unlink()
        with pytest.raises(TrainingError, match=f"{name} missing there"):
            base.open_base(str(own_base))

    @pytest.mark.parametrize("name", base.OFFICIAL)
    def test_a_broken_file(self, own_base: Path, name: str) -> None:
        data = (own_base / name).read_bytes()
        (own_base / name).write_bytes(data[: len(data) // 2])
        with pytest.raises(TrainingError, match=f"{name}: broken"):
            base.open_base(str(own_base))

    def test_a_file_of_something_else(self, own_base: Path) -> None:
        torch.save({"x": torch.ones(1)}, own_base / "state_dict.bin")
        with pytest.raises(TrainingError, match=r"state_dict\.bin: no 'xp\.cfg' in it"):
            base.open_base(str(own_base))

    def test_a_compression_model_in_the_place_of_a_language_model(self, own_base: Path) -> None:
        shutil.copy(own_base / "compression_state_dict.bin", own_base / "state_dict.bin")
        with pytest.raises(TrainingError, match=r"lacks transformer_lm.*a language model"):
            base.open_base(str(own_base))

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"sample_rate": 16000}, r"sample rate \(Hz\): the compression model has 32000"),
            ({"channels": 2}, "channels: the compression model has 1.*needs 2"),
            ({"transformer_lm__n_q": 2}, "codebooks: the compression model has 4.*needs 2"),
            ({"transformer_lm__card": 32}, "size of a codebook: the compression model has 64"),
        ],
    )
    def test_two_files_that_do_not_fit(
        self, start: Start, own_base: Path, wide: Path, changes: dict[str, Any], message: str
    ) -> None:
        change(own_base / "state_dict.bin", **changes)
        if "channels" in changes:
            change(own_base / "state_dict.bin", interleave_stereo_codebooks__use=False)
        with pytest.raises(TrainingError, match=message):
            start(f"base={own_base}", f"data={wide}")

    def test_weights_that_are_not_of_this_shape(self, start: Start, own_base: Path) -> None:
        change(own_base / "state_dict.bin", transformer_lm__dim=64)
        with pytest.raises(TrainingError, match="weights do not fit its own configuration"):
            start(f"base={own_base}")
