"""The same model in audiocraft's form and in transformers': equal numbers, both ways."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor

from plugins.musicgen import export, tiny
from plugins.musicgen.errors import TrainingError
from plugins.musicgen.mended import upstream
from plugins.musicgen.models import base as bases
from plugins.musicgen.models import porting, porting_reading, tuned

upstream.mend()

import transformers  # noqa: E402  after mend()
from audiocraft.modules.conditioners import ConditioningAttributes  # noqa: E402

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()

TEXTS = ("a calm piano", "loud drums and a fast bass, 180 bpm", "x")


class Pair:
    """A model in both forms, the second read back from its folder."""

    def __init__(self, folder: Path, out: Path) -> None:
        self.ours = tuned.open_tuned(str(folder))
        self.folder = out
        export.export(self.ours, out, to="transformers", merge=True)
        self.theirs: Any = transformers.MusicgenForConditionalGeneration.from_pretrained(out)
        self.processor = transformers.AutoProcessor.from_pretrained(out)


@pytest.fixture(scope="module", params=["mono", "stereo"])
def pair(
    request: pytest.FixtureRequest, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> Pair:
    folder = tmp_path_factory.mktemp(request.param)
    origin = tiny_base
    if request.param == "stereo":
        origin = folder / "base"
        tiny.make(origin, kind="stereo")
    return Pair(origin, folder / "ported")


def draw(books: int, frames: int = 20) -> Tensor:
    """Random codes, [2, K, T]."""
    return torch.randint(0, tiny.CODES, (2, books, frames), generator=torch.Generator())


def under(texts: list[str]) -> list[ConditioningAttributes]:
    return [ConditioningAttributes(text={"description": text}) for text in texts]


@torch.no_grad()
def test_logits_agree(pair: Pair) -> None:
    """On random codes, in the pattern of delays, under real T5 embeddings."""
    lm = pair.ours.lm
    codes = draw(lm.n_q)
    sequence, _, _ = lm.pattern_provider.get_pattern(20).build_pattern_sequence(
        codes, lm.special_token_id, keep_only_valid_steps=False
    )
    for text in TEXTS:
        expected = lm(sequence, under([text] * 2)).flatten(0, 1)
        tokens = pair.processor(text=[text] * 2, return_tensors="pt")
        found = pair.theirs(**tokens, decoder_input_ids=sequence.flatten(0, 1)).logits
        assert found.shape == expected.shape
        assert (found - expected).abs().max() < 1e-4
        assert expected.std() > 0.1


@torch.no_grad()
def test_delays_agree(pair: Pair) -> None:
    lm, theirs = pair.ours.lm, pair.theirs
    codes, special = draw(lm.n_q), lm.special_token_id
    sequence, _, _ = lm.pattern_provider.get_pattern(20).build_pattern_sequence(
        codes, special, keep_only_valid_steps=False
    )
    start = torch.full((2 * lm.n_q, 1), special)
    flat = torch.cat([start, codes.flatten(0, 1)], dim=1)
    length = sequence.shape[-1]
    ids, mask = theirs.decoder.build_delay_pattern_mask(flat, special, max_length=length)
    filled = torch.cat([ids, torch.full((len(ids), length - ids.shape[1]), -1)], dim=1)
    delayed = theirs.decoder.apply_delay_pattern_mask(filled, mask)
    assert torch.equal(delayed, sequence.flatten(0, 1))


@torch.no_grad()
def test_padded_texts_agree_where_padding_is_seen(pair: Pair) -> None:
    """audiocraft attends to padding, as zeros; transformers does too if it is given no mask."""
    lm, theirs = pair.ours.lm, pair.theirs
    codes = draw(lm.n_q)
    expected = lm(codes, under(["a", "a long text beside it"])).flatten(0, 1)
    tokens = pair.processor(text=["a", "a long text beside it"], return_tensors="pt", padding=True)
    mask = tokens["attention_mask"]
    assert not mask.all()
    text = theirs.enc_to_dec_proj(theirs.text_encoder(**tokens).last_hidden_state)
    states = text * mask[..., None]
    found = theirs.decoder(codes.flatten(0, 1), encoder_hidden_states=states).logits
    assert (found - expected).abs().max() < 1e-4


@torch.no_grad()
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_generated_sound_agrees(pair: Pair, guidance: float) -> None:
    """Greedy, with and without guidance: text in, sound out."""
    lm = pair.ours.lm
    tokens = pair.processor(text=[TEXTS[0]], return_tensors="pt")
    found = pair.theirs.generate(
        **tokens, do_sample=False, max_new_tokens=16, guidance_scale=guidance
    )
    frames = found.shape[-1] // 1280
    codes = lm.generate(
        conditions=under([TEXTS[0]]), max_gen_len=frames, use_sampling=False, cfg_coef=guidance
    )
    config = pair.ours.origin.config.copy()
    expected = bases.compression_model(config, pair.ours.origin).decode(codes)
    assert frames == 16 - 3
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


def test_samples_as_audiocraft_does(pair: Pair) -> None:
    config = pair.theirs.generation_config
    assert (config.do_sample, config.guidance_scale) == (True, 3.0)
    assert config.top_k == tiny.CODES  # the 250 likeliest, of as many as there are
    assert config.max_length == 30 * 25
    assert config.decoder_start_token_id == config.pad_token_id == tiny.CODES


@torch.no_grad()
def test_codecs_agree(pair: Pair) -> None:
    compression = bases.compression_model(pair.ours.origin.config, pair.ours.origin)
    mono = getattr(compression, "model", compression)
    sound = torch.randn(2, 1, 6000, generator=torch.Generator().manual_seed(0)) * 0.1
    codes, scale = mono.encode(sound)
    found = pair.theirs.audio_encoder.encode(sound)
    assert scale is None
    assert torch.equal(found.audio_codes[0], codes)
    decoded = pair.theirs.audio_encoder.decode(found.audio_codes, [None]).audio_values
    assert (decoded - mono.decode(codes)).abs().max() < 1e-6


def test_there_and_back(pair: Pair) -> None:
    """Read from transformers' folder, the model is the one it was made of."""
    origin, found = pair.ours.origin, porting_reading.read_transformers(pair.folder)
    assert found.weights.keys() == origin.weights.keys()
    assert all(torch.equal(found.weights[name], t) for name, t in origin.weights.items())
    compression = origin.compression["best_state"]
    assert found.compression["best_state"].keys() == compression.keys()
    for name, tensor in compression.items():
        assert torch.equal(found.compression["best_state"][name], tensor), name
    own, theirs = (OmegaConf.create(one) for one in (origin.config, found.config))
    for section in ("transformer_lm", "codebooks_pattern", "interleave_stereo_codebooks"):
        assert own[section] == theirs[section], section
    assert (own.sample_rate, own.channels) == (theirs.sample_rate, theirs.channels)
    assert own.dataset.segment_duration == theirs.dataset.segment_duration


@torch.no_grad()
def test_a_model_made_of_transformers_files(pair: Pair, tmp_path: Path) -> None:
    """Official files written from transformers' folder alone give the same logits."""
    found = porting_reading.read_transformers(pair.folder)
    porting_reading.write_text_encoder(pair.folder, tmp_path / "t5")
    found.config["conditioners"]["description"]["t5"]["name"] = str(tmp_path / "t5")
    config = OmegaConf.create(found.config)
    origin = bases.Base("ported", config, found.weights, found.compression, tmp_path)
    lm = tuned.language_model(origin)
    codes = draw(lm.n_q)
    texts = under(list(TEXTS[:2]))
    assert (lm(codes, texts) - pair.ours.lm(codes, texts)).abs().max() < 1e-6
    assert bases.compression_model(config, origin).num_codebooks == lm.n_q


def test_names_there_and_back(pair: Pair) -> None:
    names = [name for name in pair.ours.origin.weights if "in_proj" not in name]
    there = [porting.transformers_name(name) for name in names]
    assert [porting.audiocraft_name(name) for name in there] == names
    for part in ("self_attn.q_proj", "cross_attention.v_proj", "linear1"):
        name = f"transformer.layers.11.{part}.lora_A.weight"
        assert porting.audiocraft_name(porting.transformers_name(name)) == name
    with pytest.raises(TrainingError, match=r"decoder\.lmheads\.0 has no counterpart"):
        porting.audiocraft_name("decoder.lmheads.0")


def test_weights_that_are_not_all_there(pair: Pair, tmp_path: Path) -> None:
    """transformers itself would only warn, and take random ones."""
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(pair.folder, tmp_path / "copy"))
    path = folder / "model.safetensors"
    whole = load_file(path)
    head = "decoder.lm_heads.0.weight"
    save_file({k: v for k, v in whole.items() if k != head}, path, {"format": "pt"})
    with pytest.raises(TrainingError, match=f"weights lack {head}; get them again"):
        tuned.open_tuned(str(folder))
    path.write_bytes((pair.folder / "model.safetensors").read_bytes()[:-1000])
    with pytest.raises(TrainingError, match=r"copy: its weights cannot be read"):
        tuned.open_tuned(str(folder))


CHANGES: dict[str, tuple[Callable[[Any], None], str]] = {
    "bias": (lambda c: c.transformer_lm.update(bias_ff=True), "transformer_lm.bias_ff=True"),
    "post-norm": (lambda c: c.transformer_lm.update(norm_first=False), "norm_first=False"),
    "rotary": (lambda c: c.transformer_lm.update(positional_embedding="rope"), "=rope"),
    "pattern": (lambda c: c.codebooks_pattern.update(modeling="parallel"), "modeling=parallel"),
    "delays": (lambda c: c.codebooks_pattern.delay.update(delays=[0, 2, 4, 6]), "delays=.*2, 4"),
    "summed": (lambda c: c.fuser.update(sum=["description"]), "fuser.sum"),
    "lookup": (lambda c: c.conditioners.description.update(model="lut"), "'description': 'lut'"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_transformers_lacks_is_named(name: str) -> None:
    change, message = CHANGES[name]
    config = OmegaConf.create(tiny.lm_config("mono", "t5"))
    porting.decoder_settings(config)
    change(config)
    with pytest.raises(TrainingError, match=message):
        porting.decoder_settings(config)


def test_folders_that_hold_something_else(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no transformers model there"):
        porting_reading.read_transformers(tmp_path)
    tiny.write_t5(tmp_path / "t5")
    with pytest.raises(TrainingError, match="a t5 model, expected musicgen or musicgen_melody"):
        porting_reading.read_transformers(tmp_path / "t5")


def test_layers_of_the_codec_beyond_the_first(tmp_path: Path) -> None:
    """Two residual layers, a convolution as shortcut, causal: settings the tiny model lacks."""
    from audiocraft.models import builders

    from plugins.musicgen.models.porting_codec import codec_from_transformers, codec_to_transformers

    config = OmegaConf.create(tiny.compression_config())
    config.seanet.update(n_residual_layers=2, dilation_base=3, true_skip=False, lstm=2)
    config.seanet.update(ratios=[5, 4], causal=True, pad_mode="reflect", n_filters=4)
    config.encodec.causal = True
    torch.manual_seed(0)
    codec = builders.get_compression_model(config).eval()
    for layer in codec.quantizer.vq.layers:
        layer._codebook.embed.normal_()
    model = codec_to_transformers(codec)
    sound = torch.randn(1, 1, 1000) * 0.3
    with torch.no_grad():
        codes, _ = codec.encode(sound)
        assert torch.equal(model.encode(sound).audio_codes[0], codes)
        found = model.decode(codes[None], [None]).audio_values
        assert (found - codec.decode(codes)).abs().max() < 1e-5
    again = OmegaConf.create(codec_from_transformers(model)["xp.cfg"])
    assert {k: again.seanet[k] for k in again.seanet if k not in ("encoder", "decoder")} == {
        k: config.seanet[k] for k in config.seanet if k not in ("encoder", "decoder")
    }


@pytest.fixture
def no_demucs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Demucs is downloaded; only its names of stems are needed where chroma is given."""
    from demucs import pretrained

    class Separator(torch.nn.Module):
        sources = ("drums", "bass", "other", "vocals")

    monkeypatch.setattr(pretrained, "get_model", lambda name: Separator())


@torch.no_grad()
def test_melody(no_demucs: None, tmp_path: Path) -> None:
    """Chroma, then text, then codes; and back to audiocraft's files."""
    tiny.make(tmp_path / "base", kind="melody")
    ours = tuned.open_tuned(str(tmp_path / "base"))
    export.export(ours, tmp_path / "out", to="transformers")
    model: Any = transformers.MusicgenMelodyForConditionalGeneration.from_pretrained(
        tmp_path / "out"
    )
    conditioners: Any = ours.lm.condition_provider.conditioners
    frames = conditioners["self_wav"].chroma_len
    assert (model.config.num_chroma, model.config.chroma_length) == (12, frames) == (12, 235)
    text = conditioners["description"]
    tokens = text.tokenize([TEXTS[0]] * 2)
    chroma = torch.eye(12)[torch.randint(0, 12, (2, frames), generator=torch.Generator())]
    heard = conditioners["self_wav"].output_proj(chroma), torch.ones(2, frames)
    codes = draw(4)
    given = {"description": text(tokens), "self_wav": heard}
    expected = ours.lm(codes, [], condition_tensors=given).flatten(0, 1)
    found = model(**tokens, input_features=chroma, decoder_input_ids=codes.flatten(0, 1)).logits
    assert (found[:, -20:] - expected).abs().max() < 1e-4

    back = porting_reading.read_transformers(tmp_path / "out")
    assert back.weights.keys() == ours.origin.weights.keys()
    assert all(torch.equal(back.weights[name], t) for name, t in ours.origin.weights.items())
    for section in ("transformer_lm", "fuser"):
        assert OmegaConf.create(back.config)[section] == ours.origin.config[section], section
