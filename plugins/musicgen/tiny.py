"""Tiny base models in the official format, with random weights, made in seconds.

    python -m plugins.musicgen.tiny DIR [--kind mono|melody|stereo] [--text t5|lut]
                                        [--form audiocraft|transformers]

They have everything an official model has (a T5 of random weights in a folder beside, an EnCodec
whose codebooks tell sounds apart) and train on a CPU in seconds. The music they make is noise.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from .errors import TrainingError, one_message
from .mended import upstream

SAMPLE_RATE = 32000
CODEBOOKS = 4
CODES = 64
"""Entries of a codebook."""
RATIOS = (10, 8, 16)
"""Strides of the encoder: 1280 samples a frame, 25 frames a second."""
T5_NAME = "t5-small"
T5_WIDTH = 512
"""As wide as the model whose name it has: without our mends audiocraft knows T5 by these names
only, and finds this one in the folder it is started in."""
KINDS = ("mono", "melody", "stereo")
TEXTS = ("t5", "lut")
FORMS = ("audiocraft", "transformers")


def make(folder: Path, *, kind: str = "mono", text: str = "t5", seed: int = 0) -> None:
    """Writes a tiny base model: state_dict.bin, compression_state_dict.bin, and a T5.

    Args:
        folder: Made if it is not there.
        kind: `mono`, `melody` (conditioned on the chroma of a clip too) or `stereo`.
        text: `t5`, or `lut`: audiocraft's lookup table, which hashes the whole description.
        seed: Of the random weights.

    Raises:
        TrainingError: There is a base model already.
    """
    import torch
    from omegaconf import OmegaConf

    if (folder / "state_dict.bin").exists():
        raise TrainingError(f"{folder}: there is a base model already; name another folder")
    upstream.mend()
    from audiocraft import __version__
    from audiocraft.models import builders

    folder.mkdir(parents=True, exist_ok=True)
    if text == "t5":
        write_t5(folder / T5_NAME, seed)
    if kind == "melody":
        _write_separator(folder / upstream.SEPARATOR, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = OmegaConf.create(lm_config(kind, text))
        built = config.copy()
        if text == "t5":
            built.conditioners.description.t5.name = upstream.know_t5(folder / T5_NAME)
        with upstream.separator(folder):
            model = builders.get_lm_model(built)
        compression = compression_config()
        codec = builders.get_compression_model(OmegaConf.create(compression))
        _open_up(codec)
        _fit_codebooks(codec)
    for name, own, state in (
        ("compression_state_dict.bin", OmegaConf.create(compression), codec.state_dict()),
        ("state_dict.bin", config, model.state_dict()),  # last: its presence says all is there
    ):
        package = {
            "best_state": {key: value.clone() for key, value in state.items()},
            "xp.cfg": OmegaConf.to_yaml(own),
            "version": __version__,
            "exported": True,
        }
        torch.save(package, folder / name)


def make_transformers(folder: Path, *, kind: str = "mono", seed: int = 0) -> None:
    """Writes a tiny base model as transformers' save_pretrained does.

    Args:
        folder: Made; there may be nothing in it.
        kind: As for `make`.
        seed: Of the random weights.

    Raises:
        TrainingError: There is something in that folder.
    """
    import tempfile

    from .export import export
    from .models.tuned import open_tuned

    with tempfile.TemporaryDirectory() as place:
        official = Path(place) / "base"
        make(official, kind=kind, seed=seed)
        export(open_tuned(str(official)), folder, to="transformers", merge=True)


def lm_config(kind: str, text: str) -> dict[str, Any]:
    """Configuration of a tiny language model, with the sections an official one has."""
    stereo, melody = kind == "stereo", kind == "melody"
    return {
        "solver": "musicgen",
        "device": "cpu",
        "dtype": "float32",
        "sample_rate": SAMPLE_RATE,
        "channels": 2 if stereo else 1,
        "compression_model_checkpoint": "//pretrained/facebook/encodec_32khz",
        "compression_model_n_q": None,
        "interleave_stereo_codebooks": {"use": stereo, "per_timestep": False},
        "dataset": {"segment_duration": 30},
        "lm_model": "transformer_lm",
        "transformer_lm": _transformer(2 * CODEBOOKS if stereo else CODEBOOKS),
        "codebooks_pattern": {
            "modeling": "delay",
            "delay": {
                "delays": [0, 0, 1, 1, 2, 2, 3, 3] if stereo else [0, 1, 2, 3],
                "flatten_first": 0,
                "empty_initial": 0,
            },
        },
        "conditioners": _conditioners(text, melody),
        "fuser": {
            "sum": [],
            "prepend": ["self_wav", "description"] if melody else [],
            "cross": [] if melody else ["description"],
            "cross_attention_pos_emb": False,
            "cross_attention_pos_emb_scale": 1,
            "input_interpolate": [],
        },
        "classifier_free_guidance": {"training_dropout": 0.2, "inference_coef": 3.0},
        "attribute_dropout": {"text": {}, "wav": {"self_wav": 0.5}} if melody else {},
    }


def _conditioners(text: str, melody: bool) -> dict[str, Any]:
    describe: dict[str, Any] = {"model": text}
    if text == "t5":
        describe["t5"] = {
            "name": T5_NAME,
            "finetune": False,
            "word_dropout": 0.2,
            "normalize_text": False,
        }
    else:
        describe["lut"] = {"n_bins": 128, "dim": 16, "tokenizer": "noop"}
    if not melody:
        return {"description": describe}
    chroma: dict[str, Any] = {
        "sample_rate": SAMPLE_RATE,
        "n_chroma": 12,
        "radix2_exp": 14,
        "argmax": True,
        "match_len_on_eval": False,
        "eval_wavs": None,
        "n_eval_wavs": 100,
        "cache_path": None,
    }
    wave = {"model": "chroma_stem", "chroma_stem": chroma}
    return {"self_wav": wave, "description": describe}


def _transformer(books: int) -> dict[str, Any]:
    from .models.porting_config import PLAIN

    shape: dict[str, Any] = {"dim": 32, "num_heads": 4, "num_layers": 2, "hidden_scale": 4}
    # From here on as in MusicGen.
    return (
        PLAIN
        | shape
        | {
            "n_q": books,
            "card": CODES,
            "dropout": 0.0,
            "emb_lr": None,
            "activation": "gelu",
        }
    )


def compression_config() -> dict[str, Any]:
    """Configuration of a tiny EnCodec."""
    sound = {"sample_rate": SAMPLE_RATE, "channels": 1}
    return {
        "device": "cpu",
        "dtype": "float32",
        **sound,
        "compression_model": "encodec",
        "encodec": {
            "autoencoder": "seanet",
            "quantizer": "rvq",
            **sound,
            "causal": False,
            "renormalize": False,
        },
        "seanet": _seanet(),
        "rvq": {
            "n_q": CODEBOOKS,
            "q_dropout": False,
            "bins": CODES,
            "decay": 0.99,
            "kmeans_init": True,
            "kmeans_iters": 10,
            "threshold_ema_dead_code": 2,
            "orthogonal_reg_weight": 0.0,
            "orthogonal_reg_active_codes_only": False,
        },
    }


def _seanet() -> dict[str, Any]:
    return {
        "dimension": 32,
        "channels": 1,
        "causal": False,
        "n_filters": 4,
        "n_residual_layers": 1,
        "ratios": list(RATIOS),
        "activation": "ELU",
        "activation_params": {"alpha": 1.0},
        "norm": "weight_norm",
        "norm_params": {},
        "kernel_size": 7,
        "residual_kernel_size": 3,
        "last_kernel_size": 7,
        "dilation_base": 2,
        "pad_mode": "constant",
        "true_skip": True,
        "compress": 2,
        "lstm": 1,
        "disable_norm_outer_blocks": 0,
        "decoder": {
            "trim_right_ratio": 1.0,
            "final_activation": None,
            "final_activation_params": None,
        },
        "encoder": {},
    }


def _open_up(codec: Any) -> None:
    """Lets the sound decide what the encoder says.

    As torch starts convolutions, each layer makes the signal weaker, and after eleven of them the
    biases are all that is left.
    """
    import torch

    with torch.no_grad():
        for layer in codec.encoder.modules():
            if hasattr(layer, "weight_g"):
                layer.weight_g.mul_(2)
                layer.bias.zero_()


def _fit_codebooks(codec: Any) -> None:
    """Lays the codebooks' entries where sounds fall: tones, noise, and their mixtures.

    Without it a random encoder gives nearly every sound the same code, and there is nothing to
    learn.
    """
    import torch

    seconds, clips = 4, 24
    time = torch.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    hertz = 55.0 * 2.0 ** (torch.rand(clips, 3, seconds * 4) * 6)  # another pitch each quarter
    hertz = hertz.repeat_interleave(SAMPLE_RATE // 4, dim=-1)
    tones = torch.sin(2 * torch.pi * torch.cumsum(hertz / SAMPLE_RATE, dim=-1)).mean(1)
    loud = torch.rand(clips, 1) * 0.8
    noise = torch.randn(clips, len(time)) * torch.rand(clips, 1) * 0.1
    with torch.no_grad():
        latent = codec.encoder((loud * tones + noise)[:, None])
        codec.train()
        codec.quantizer(latent, codec.frame_rate)
        codec.eval()


def write_t5(folder: Path, seed: int = 0) -> None:
    """Writes a T5 encoder of random weights and a tokenizer that spells words in letters.

    Args:
        folder: For config.json, model.safetensors and the tokenizer's files.
        seed: Of the weights.
    """
    import string

    import torch
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    letters = string.ascii_letters + string.digits + string.punctuation
    pieces = [("▁", -2.0), *((letter, -3.0) for letter in letters)]
    tokenizer = T5Tokenizer(vocab=[*special, *pieces], extra_ids=0)
    config = T5Config(
        vocab_size=len(special) + len(pieces),
        d_model=T5_WIDTH,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=2,
        dropout_rate=0.0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = T5EncoderModel(config)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)


def _write_separator(path: Path, seed: int) -> None:
    """Writes a tiny htdemucs, which the chroma of melody models needs; its stems are noise."""
    from fractions import Fraction

    import torch
    from demucs.htdemucs import HTDemucs
    from demucs.states import serialize_model
    from omegaconf import OmegaConf

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = HTDemucs(
            sources=["drums", "bass", "other", "vocals"],
            channels=4,
            bottom_channels=8,
            dconv_mode=3,
            dconv_comp=4,
            multi_freqs=[],
            segment=Fraction(1),
            t_layers=1,
            t_heads=2,
        )
    torch.save(serialize_model(network, OmegaConf.create({})), path)


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m plugins.musicgen.tiny",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="where to; no model may be there yet")
    add("--kind", choices=KINDS, default="mono", help="default: %(default)s")
    add(
        "--text", choices=TEXTS, default="t5",
        help="what reads the text; lut is audiocraft's lookup table (default: %(default)s)",
    )  # fmt: skip
    add("--form", choices=FORMS, default="audiocraft", help="of the files (default: %(default)s)")
    add("--seed", type=int, default=0, help="of the random weights (default: %(default)s)")
    given = parser.parse_args(arguments)
    with one_message():
        if given.form == "transformers":
            if given.text != "t5":
                raise TrainingError("--form transformers has no lookup table; take --text t5")
            make_transformers(given.folder, kind=given.kind, seed=given.seed)
        else:
            make(given.folder, kind=given.kind, text=given.text, seed=given.seed)
        sys.stdout.write(f"{given.folder}: a tiny {given.kind} model; use base={given.folder}\n")


if __name__ == "__main__":
    main()
