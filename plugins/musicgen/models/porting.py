"""The same language model in audiocraft's form and in transformers', exactly, both ways.

The two differ in names, in packed attention (audiocraft keeps queries, keys and values in one
matrix, transformers in three), and in where the projection of the text lives. Names here are those
under `MusicgenForConditionalGeneration`; `MusicgenMelodyForConditionalGeneration` has the same but
no cross-attention. `porting_codec` does EnCodec, `porting_reading` reads folders. The mapping is
that of transformers' own `convert_musicgen_transformers.py`.

What the two compute agrees on every text of its own length. In a batch of texts of unequal lengths
it does not: audiocraft lets attention see the padding (as zeros), transformers masks it.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import TrainingError

if TYPE_CHECKING:
    from torch import Tensor

_DECODER = "decoder.model.decoder"
CONDITIONERS = "condition_provider.conditioners"

_NAMES = (
    ("emb.{n}", _DECODER + ".embed_tokens.{n}"),
    ("out_norm", _DECODER + ".layer_norm"),
    ("linears.{n}", "decoder.lm_heads.{n}"),
    (CONDITIONERS + ".description.output_proj", "enc_to_dec_proj"),
    (CONDITIONERS + ".self_wav.output_proj", "audio_enc_to_dec_proj"),
    *(
        (f"transformer.layers.{{n}}.{ours}", f"{_DECODER}.layers.{{n}}.{theirs}")
        for ours, theirs in (
            ("self_attn", "self_attn"),
            ("cross_attention", "encoder_attn"),
            ("linear1", "fc1"),
            ("linear2", "fc2"),
            ("norm1", "self_attn_layer_norm"),
            ("norm_cross", "encoder_attn_layer_norm"),
            ("norm2", "final_layer_norm"),
        )
    ),
)
"""Paths of modules: audiocraft's, transformers'; what follows them is called the same."""

_PACKED = "in_proj_weight"
_PARTS = ("q_proj.weight", "k_proj.weight", "v_proj.weight")


def transformers_name(name: str) -> str:
    """Renames a module or parameter of audiocraft's language model.

    A part of packed attention counts as `….self_attn.q_proj`.

    Raises:
        TrainingError: transformers' MusicGen has no such thing.
    """
    return _rename(name, _NAMES, "transformers' MusicGen")


def audiocraft_name(name: str) -> str:
    """Renames back: the inverse of `transformers_name`.

    Raises:
        TrainingError: audiocraft's language model has no such thing.
    """
    backwards = [(theirs, ours) for ours, theirs in _NAMES]
    return _rename(name, backwards, "audiocraft's language model")


def _rename(name: str, table: Iterable[tuple[str, str]], where: str) -> str:
    for old, new in table:
        pattern = re.escape(old).replace(r"\{n\}", r"(?P<n>\d+)") + r"(?=\.|$)"
        if found := re.match(pattern, name):
            return new.format(**found.groupdict()) + name[found.end() :]
    raise TrainingError(f"{name} has no counterpart in {where}")


def weights_to_transformers(weights: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """Renames and unpacks the weights of audiocraft's language model (conditioners included).

    Raises:
        TrainingError: A weight has no counterpart in transformers.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        path = transformers_name(name)
        if path.endswith(_PACKED):
            for part, piece in zip(_PARTS, tensor.chunk(3), strict=True):
                found[path.removesuffix(_PACKED) + part] = piece
        else:
            found[path] = tensor
    return found


def weights_from_transformers(weights: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """Renames and packs weights back: the inverse of `weights_to_transformers`.

    Args:
        weights: Of a MusicgenForConditionalGeneration; those of its text and audio encoders may be
            among them and are left out.

    Raises:
        TrainingError: A weight has no counterpart in audiocraft's language model.
    """
    import torch

    found: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        if name.startswith(("text_encoder.", "audio_encoder.")) or "embed_positions" in name:
            continue
        path = audiocraft_name(name)
        if path.endswith(_PARTS[0]):
            stem = name.removesuffix(_PARTS[0])
            packed = torch.cat([weights[stem + part] for part in _PARTS])
            found[path.removesuffix(_PARTS[0]) + _PACKED] = packed
        elif not path.endswith(_PARTS):
            found[path] = tensor
    return found


def is_melody(config: Any) -> bool:
    """Whether an audiocraft configuration is of a model that listens to a melody."""
    return "self_wav" in config["conditioners"]


def decoder_settings(config: Any) -> dict[str, Any]:
    """Values for MusicgenDecoderConfig (or the melody one) from audiocraft's configuration.

    Args:
        config: `xp.cfg` of the model, a DictConfig or the like.

    Raises:
        TrainingError: The model has something that transformers' MusicGen lacks; all is named.
    """
    lm = config["transformer_lm"]
    lacking = [
        f"{key}={value}" for key, value, wanted in _fixed_values(config) if value not in wanted
    ]
    if lacking:
        raise TrainingError(
            "transformers' MusicGen cannot be this model, which has "
            f"{', '.join(lacking)}; export it with --to audiocraft"
        )
    return {
        "vocab_size": lm["card"],
        "max_position_embeddings": 2048,
        "num_hidden_layers": lm["num_layers"],
        "ffn_dim": int(lm["hidden_scale"] * lm["dim"]),
        "num_attention_heads": lm["num_heads"],
        "activation_function": lm.get("activation") or "relu",
        "hidden_size": lm["dim"],
        "dropout": lm.get("dropout") or 0.0,
        "num_codebooks": lm["n_q"],
        "audio_channels": 2 if _is_stereo(config) else 1,
        "pad_token_id": lm["card"],
        "bos_token_id": lm["card"],
        "tie_word_embeddings": False,
    }


def _is_stereo(config: Any) -> bool:
    return bool((config.get("interleave_stereo_codebooks") or {}).get("use"))


def delays(books: int, stereo: bool) -> list[int]:
    """The delay of each codebook that transformers always uses."""
    return [book // 2 for book in range(books)] if stereo else list(range(books))


def _fixed_values(config: Any) -> list[tuple[str, Any, tuple[Any, ...]]]:
    """Settings that transformers' MusicGen fixes: name, the model's value, the values it allows."""
    lm, fuser, pattern = config["transformer_lm"], config["fuser"], config["codebooks_pattern"]
    delay = pattern.get("delay") or {}
    stereo = config.get("interleave_stereo_codebooks") or {}
    text = ["description"]
    both = ["self_wav", "description"]
    melody = is_melody(config)
    conditioners = {
        name: value["model"] for name, value in config["conditioners"].items() if name != "args"
    }
    wanted = {"self_wav": "chroma_stem", "description": "t5"} if melody else {"description": "t5"}
    plain: list[tuple[str, Any, tuple[Any, ...]]] = [
        (f"transformer_lm.{key}", lm.get(key, fallback), allowed)
        for key, fallback, allowed in (
            ("norm_first", False, (True,)),
            ("norm", "layer_norm", ("layer_norm",)),
            ("causal", False, (True,)),
            ("bias_proj", True, (False,)),
            ("bias_ff", True, (False,)),
            ("bias_attn", True, (False,)),
            ("positional_embedding", "sin", ("sin",)),
            ("positional_scale", 1, (1,)),
            ("max_period", 10000, (10000,)),
            ("layer_scale", None, (None,)),
            ("past_context", None, (None,)),
            ("qk_layer_norm", False, (False, None)),
            ("qk_layer_norm_cross", False, (False, None)),
            ("kv_repeat", 1, (1,)),
        )
    ]
    order = list(delay.get("delays") or range(lm["n_q"]))
    return [
        *plain,
        ("conditioners", conditioners, (wanted,)),
        ("fuser.cross", list(fuser["cross"]), ([],) if melody else (text,)),
        ("fuser.prepend", list(fuser["prepend"]), (both,) if melody else ([],)),
        ("fuser.sum", list(fuser["sum"]), ([],)),
        ("fuser.input_interpolate", list(fuser["input_interpolate"]), ([],)),
        ("fuser.cross_attention_pos_emb", fuser.get("cross_attention_pos_emb", False), (False,)),
        ("codebooks_pattern.modeling", pattern["modeling"], ("delay",)),
        ("codebooks_pattern.delays", order, (delays(lm["n_q"], _is_stereo(config)),)),
        ("codebooks_pattern.flatten_first", delay.get("flatten_first", 0), (0,)),
        ("codebooks_pattern.empty_initial", delay.get("empty_initial", 0), (0,)),
        ("interleave_stereo_codebooks.per_timestep", stereo.get("per_timestep", False), (False,)),
    ]


def to_transformers(
    weights: "Mapping[str, Tensor]", config: Any, text_encoder: Any, compression: Any
) -> Any:
    """Makes the transformers model that does what audiocraft's does, in evaluation mode, float32.

    Args:
        weights: Of the language model with its conditioners, by audiocraft's names; merged where
            there was an adapter.
        config: Its configuration.
        text_encoder: The T5EncoderModel its conditioner uses.
        compression: audiocraft's compression model, for stereo wrapped or not.

    Returns:
        A MusicgenForConditionalGeneration, for melody models a MusicgenMelodyFor….

    Raises:
        TrainingError: transformers' MusicGen cannot be this model.
    """
    import transformers

    from .porting_codec import codec_to_transformers

    kind = "MusicgenMelody" if is_melody(config) else "Musicgen"
    settings = decoder_settings(config)
    if text_encoder.config.d_model == settings["hidden_size"]:
        raise TrainingError(
            f"the text encoder is as wide as the model ({settings['hidden_size']}): transformers' "
            "MusicGen has no projection between such two; export it with --to audiocraft"
        )
    codec = codec_to_transformers(compression)
    whole = getattr(transformers, f"{kind}Config")(
        text_encoder=text_encoder.config.to_dict() | {"_name_or_path": _text_encoder_name(config)},
        audio_encoder=codec.config.to_dict(),
        decoder=getattr(transformers, f"{kind}DecoderConfig")(**settings).to_dict(),
    )
    if is_melody(config):
        whole.num_chroma, whole.chroma_length = _chroma_shape(config)
    # Made of configurations, not of models: transformers then chooses one attention for all parts.
    model = getattr(transformers, f"{kind}ForConditionalGeneration")(whole)
    model.text_encoder.load_state_dict(text_encoder.state_dict())
    model.audio_encoder.load_state_dict(codec.state_dict())
    ours = {name: tensor for name, tensor in weights.items() if _is_learned(name)}
    missing, strange = model.load_state_dict(weights_to_transformers(ours), strict=False)
    lost = [n for n in missing if not n.startswith(("text_encoder.", "audio_encoder."))]
    if lost or strange:
        raise TrainingError(f"the weights do not fit transformers' MusicGen: {[*lost, *strange]}")
    _set_generation(model, config, compression)
    return model.eval()


def _text_encoder_name(config: Any) -> str:
    """What others may load it by; a folder's path is nobody's business."""
    from .porting_config import T5_NAMES

    name = str(config["conditioners"]["description"]["t5"]["name"])
    return name if name in T5_NAMES else ""


def _chroma_shape(config: Any) -> tuple[int, int]:
    """Pitch classes, and frames of a clip, of the melody's chroma."""
    chroma = config["conditioners"]["self_wav"]["chroma_stem"]
    samples = int(config["dataset"]["segment_duration"] * chroma["sample_rate"])
    hop = 2 ** chroma["radix2_exp"] // 4  # as in audiocraft's ChromaExtractor
    return chroma["n_chroma"], samples // hop + 1


def _is_learned(name: str) -> bool:
    """Whether a tensor of audiocraft's state is a weight; the chroma extractor keeps tables too."""
    return not name.startswith(CONDITIONERS) or ".output_proj." in name


def _set_generation(model: Any, config: Any, compression: Any) -> None:
    """Gives the model audiocraft's ways to sample: 250 likeliest, guidance, length of a clip."""
    frames = math.floor(config["dataset"]["segment_duration"] * compression.frame_rate)
    guidance = config["classifier_free_guidance"]["inference_coef"]
    card = model.decoder.config.vocab_size
    for name, value in (
        ("decoder_start_token_id", card),
        ("pad_token_id", card),
        ("bos_token_id", card),
        ("do_sample", True),
        ("top_k", min(250, card)),
        ("guidance_scale", float(guidance)),
        ("max_length", frames),
    ):
        setattr(model.generation_config, name, value)
