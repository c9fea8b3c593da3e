"""audiocraft's configuration of a language model, from transformers' configuration.

What a checkpoint of transformers does not say (dropout of whole conditions and the like) is as in
the released MusicGen models.
"""

from typing import Any

from ..errors import TrainingError
from .porting import delays

T5_NAMES = ("t5-small", "t5-base", "t5-large", "t5-3b", "t5-11b")
"""Text encoders that audiocraft knows by name, and transformers' checkpoints are made with."""

PLAIN: dict[str, Any] = {
    "norm_first": True,
    "norm": "layer_norm",
    "bias_ff": False,
    "bias_attn": False,
    "bias_proj": False,
    "past_context": None,
    "causal": True,
    "custom": False,
    "memory_efficient": True,
    "attention_as_float32": False,
    "layer_scale": None,
    "positional_embedding": "sin",
    "xpos": False,
    "checkpointing": "none",
    "weight_init": "gaussian",
    "depthwise_init": "current",
    "zero_bias_init": True,
    "cross_attention": False,
    "qk_layer_norm": False,
    "qk_layer_norm_cross": False,
    "attention_dropout": None,
    "kv_repeat": 1,
    "two_step_cfg": False,
}
"""Of audiocraft's language model, what all of MusicGen's checkpoints have alike."""


def audiocraft_config(model: Any) -> dict[str, Any]:
    """Describes a MusicgenForConditionalGeneration (or the melody one) as audiocraft's `xp.cfg`.

    Raises:
        TrainingError: Its codebooks are not those of its EnCodec.
    """
    lm, codec = model.config.decoder, model.config.audio_encoder
    melody, stereo = model.config.model_type == "musicgen_melody", lm.audio_channels == 2
    books = codec.num_quantizers * (2 if stereo else 1)
    if (books, codec.codebook_size) != (lm.num_codebooks, lm.vocab_size):
        raise TrainingError(
            f"the language model has {lm.num_codebooks} codebooks of {lm.vocab_size} entries, its "
            f"EnCodec {books} of {codec.codebook_size}"
        )
    duration, guidance = _generation(model)
    return {
        "solver": "musicgen",
        "device": "cpu",
        "dtype": "float32",
        "sample_rate": codec.sampling_rate,
        "channels": lm.audio_channels,
        "compression_model_checkpoint": None,
        "compression_model_n_q": None,
        "interleave_stereo_codebooks": {"use": stereo, "per_timestep": False},
        "dataset": {"segment_duration": duration},
        "lm_model": "transformer_lm",
        "transformer_lm": _transformer(lm),
        "codebooks_pattern": {
            "modeling": "delay",
            "delay": {
                "delays": delays(lm.num_codebooks, stereo),
                "flatten_first": 0,
                "empty_initial": 0,
            },
        },
        "conditioners": _conditioners(model, melody),
        "fuser": {
            "sum": [],
            "prepend": ["self_wav", "description"] if melody else [],
            "cross": [] if melody else ["description"],
            "cross_attention_pos_emb": False,
            "cross_attention_pos_emb_scale": 1,
            "input_interpolate": [],
        },
        "classifier_free_guidance": {
            "training_dropout": 0.2 if melody else 0.3,
            "inference_coef": guidance,
        },
        "attribute_dropout": {"text": {}, "wav": {"self_wav": 0.5}} if melody else {},
    }


def _generation(model: Any) -> tuple[float, float]:
    """Length of a clip in seconds, and guidance."""
    told = model.generation_config
    frames, guidance = told.max_length or 0, told.guidance_scale
    rate = model.config.audio_encoder.frame_rate
    seconds = frames / rate if frames > 20 else 30  # 20: transformers' own default
    return seconds, 3.0 if guidance is None else float(guidance)


def _transformer(lm: Any) -> dict[str, Any]:
    return PLAIN | {
        "dim": lm.hidden_size,
        "num_heads": lm.num_attention_heads,
        "num_layers": lm.num_hidden_layers,
        "hidden_scale": lm.ffn_dim // lm.hidden_size,
        "n_q": lm.num_codebooks,
        "card": lm.vocab_size,
        "dropout": lm.dropout,
        "emb_lr": None,
        "activation": lm.activation_function,
    }


def _conditioners(model: Any, melody: bool) -> dict[str, Any]:
    name = str(getattr(model.config.text_encoder, "_name_or_path", "") or "")
    name = name.removeprefix("google-t5/")
    text = {
        "model": "t5",
        "t5": {
            # Audiocraft loads its text encoder by name. None that it knows: whoever reads this
            # configuration has to put the model's own text encoder in a folder and name that.
            "name": name if name in T5_NAMES else None,
            "finetune": False,
            "word_dropout": 0.2 if melody else 0.0,
            "normalize_text": False,
        },
    }
    if not melody:
        return {"description": text}
    chroma = {
        "sample_rate": model.config.audio_encoder.sampling_rate,
        "n_chroma": model.config.num_chroma,
        "radix2_exp": 14,
        "argmax": True,
        "match_len_on_eval": False,
        "eval_wavs": None,
        "n_eval_wavs": 100,
        "cache_path": None,
    }
    return {"self_wav": {"model": "chroma_stem", "chroma_stem": chroma}, "description": text}
