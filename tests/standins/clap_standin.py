"""A stand-in for LAION's CLAP: a folder in transformers' own format with a tiny random model.

It has what `laion/clap-htsat-unfused` has (config.json, weights, preprocessor_config.json and a
byte-level tokenizer), and the same classes of transformers load it. The processor's values are the
official ones; only the networks are small.
"""

import string
from pathlib import Path
from typing import Any

WIDTH = 16


def write(folder: Path, seed: int = 0, *, fused: bool = False, safe: bool = True) -> Path:
    """Writes the model; gives the folder.

    Args:
        folder: Made if it is not there.
        seed: Of the weights.
        fused: Whether it is of the kind that fuses views of a long clip (`clap-htsat-fused`).
        safe: Weights as safetensors; else as `pytorch_model.bin`, which some official ones have.
    """
    import torch
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ClapModel(ClapConfig(**_config(fused)))
        for name, value in model.named_parameters():  # far from zero, so that sounds differ
            if value.ndim > 1 and "norm" not in name:
                torch.nn.init.normal_(value, std=value[0].numel() ** -0.5)
    model.save_pretrained(folder)
    if not safe:
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    ClapFeatureExtractor(
        frequency_min=50,
        frequency_max=14000,
        truncation="fusion" if fused else "rand_trunc",
        padding="repeatpad",
    ).save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    return folder


def _config(fused: bool) -> dict[str, Any]:
    return {
        "projection_dim": WIDTH,
        "text_config": {
            "vocab_size": 512,
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "max_position_embeddings": 130,
            "projection_dim": WIDTH,
        },
        "audio_config": {
            "patch_embeds_hidden_size": 8,
            "hidden_size": 16,
            "depths": [1, 1],
            "num_attention_heads": [1, 2],
            "num_hidden_layers": 2,
            "projection_dim": WIDTH,
            "enable_fusion": fused,
        },
    }


def _tokenizer() -> Any:
    """Of RoBERTa's kind, which spells words in letters."""
    from transformers import RobertaTokenizerFast

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    letters = [*string.ascii_letters, *string.digits, *string.punctuation, "Ġ"]
    vocabulary = {piece: number for number, piece in enumerate([*special, *letters])}
    return RobertaTokenizerFast(vocab=vocabulary, merges=[], model_max_length=128)
