"""Tiny base models: in the official form, so that audiocraft itself loads them."""

from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from plugins.musicgen import tiny
from plugins.musicgen.errors import TrainingError
from plugins.musicgen.mended import upstream
from plugins.musicgen.models import base


def test_audiocraft_loads_it_and_makes_music(
    tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without our mends: in the folder itself transformers finds the T5 by its name."""
    from audiocraft.models import MusicGen

    monkeypatch.chdir(tiny_base)
    model = MusicGen.get_pretrained(str(tiny_base), device="cpu")
    assert (model.sample_rate, model.frame_rate, model.max_duration) == (32000, 25, 30)
    model.set_generation_params(duration=0.4, top_k=50)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        found = model.generate(["a low tone", "a high tone"])
    assert found.shape == (2, 1, 12800)
    assert found.std() > 0


def test_the_files_say_what_official_ones_say(tiny_base: Path) -> None:
    package = torch.load(tiny_base / "state_dict.bin", weights_only=True)
    assert package.keys() == {"best_state", "xp.cfg", "version", "exported"}
    config = OmegaConf.create(package["xp.cfg"])
    assert config.conditioners.description.t5.name == "t5-small"
    assert set(base.SHAPE) <= set(config)
    assert (tiny_base / "t5-small" / "tokenizer.json").is_file()
    assert sum(file.stat().st_size for file in tiny_base.rglob("*")) < 2**21


def test_its_text_encoder_tells_texts_apart(tiny_base: Path) -> None:
    from transformers import T5EncoderModel, T5Tokenizer

    tokenizer = T5Tokenizer.from_pretrained(tiny_base / "t5-small")
    model = T5EncoderModel.from_pretrained(tiny_base / "t5-small")
    texts = ["a low tone", "a high tone", "120 BPM, F# minor!"]
    tokens = tokenizer(texts, return_tensors="pt", padding=True)
    assert 2 not in tokens["input_ids"]  # nothing is unknown
    assert len({tuple(row.tolist()) for row in tokens["input_ids"]}) == 3
    with torch.no_grad():
        out = model(**tokens).last_hidden_state.mean(1)
    assert (out[0] - out[1]).abs().max() > 1e-3


def test_its_codes_tell_sounds_apart(tiny_base: Path) -> None:
    from audiocraft.models.loaders import load_compression_model

    codec = load_compression_model(tiny_base)
    time = torch.arange(32000) / 32000
    low, high = (0.4 * torch.sin(2 * torch.pi * hertz * time) for hertz in (110, 1760))
    with torch.no_grad():
        codes, _ = codec.encode(torch.stack([low, high, high])[:, None])
    assert codes.shape == (3, 4, 25)
    assert (codes[0, 0] != codes[1, 0]).float().mean() > 0.6
    assert torch.equal(codes[1], codes[2])


def test_the_same_seed_gives_the_same_model(tmp_path: Path, tiny_base: Path) -> None:
    tiny.make(tmp_path / "again")
    for name in ("state_dict.bin", "compression_state_dict.bin"):
        mine, theirs = (
            torch.load(folder / name, weights_only=True)["best_state"]
            for folder in (tmp_path / "again", tiny_base)
        )
        assert all(torch.equal(mine[key], theirs[key]) for key in theirs), name


@pytest.mark.parametrize("kind", ["stereo", "melody"])
def test_other_kinds_are_bases_too(tmp_path: Path, kind: str) -> None:
    tiny.main([str(tmp_path / kind), "--kind", kind])
    origin = base.open_base(str(tmp_path / kind))
    names = set(origin.config.conditioners)
    assert names == ({"self_wav", "description"} if kind == "melody" else {"description"})
    assert origin.config.transformer_lm.n_q == (8 if kind == "stereo" else 4)
    assert (tmp_path / kind / upstream.SEPARATOR).is_file() == (kind == "melody")


def test_a_lookup_table_needs_no_text_encoder(tmp_path: Path) -> None:
    tiny.make(tmp_path / "lut", text="lut")
    assert {path.name for path in (tmp_path / "lut").iterdir()} == set(base.OFFICIAL)


def test_nothing_is_written_over(tiny_base: Path) -> None:
    before = (tiny_base / "state_dict.bin").read_bytes()
    with pytest.raises(SystemExit) as ended:
        tiny.main([str(tiny_base)])
    assert ended.value.code == 2
    with pytest.raises(TrainingError, match="there is a base model already"):
        tiny.make(tiny_base)
    assert (tiny_base / "state_dict.bin").read_bytes() == before
