"""Reads folders of transformers' MusicGen into audiocraft's form; see `porting`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import TrainingError
from .porting import CONDITIONERS, is_melody, weights_from_transformers
from .porting_codec import codec_from_transformers
from .porting_config import audiocraft_config

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Ported:
    """A transformers model in audiocraft's form.

    Attributes:
        config: What `xp.cfg` of an official file says about the model, as plain values.
        weights: Of the language model with its conditioners.
        compression: Package of the compression model, with `xp.cfg` (YAML) and `best_state`.
        text_encoder: The T5EncoderModel.
    """

    config: dict[str, Any]
    weights: "dict[str, Tensor]"
    compression: dict[str, Any]
    text_encoder: Any


def read_transformers(folder: Path) -> Ported:
    """Reads a folder that `MusicgenForConditionalGeneration.save_pretrained` wrote.

    Raises:
        TrainingError: There is no MusicGen in transformers' format, or it cannot be read.
    """
    import transformers

    try:
        kind = transformers.AutoConfig.from_pretrained(folder).model_type
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"{folder}: no transformers model there ({error})") from error
    classes: dict[str, Any] = {
        "musicgen": transformers.MusicgenForConditionalGeneration,
        "musicgen_melody": transformers.MusicgenMelodyForConditionalGeneration,
    }
    if kind not in classes:
        raise TrainingError(f"{folder}: a {kind} model, expected {' or '.join(classes)}")
    return from_transformers(_whole(classes[kind], folder))


def _whole(kind: Any, folder: Path) -> Any:
    """A model with all of its weights; transformers would give new ones to what is missing."""
    from safetensors import SafetensorError
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()  # what it warns of is an error here
    try:
        model, told = kind.from_pretrained(folder, output_loading_info=True)
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(f"{folder}: its weights cannot be read ({reason})") from error
    finally:
        logging.set_verbosity(before)
    made = ("embed_positions", "text_encoder.encoder.embed_tokens")  # computed; another's own
    lost = sorted(name for name in told["missing_keys"] if not any(one in name for one in made))
    if lost:
        more = f" and {len(lost) - 1} more" if lost[1:] else ""
        raise TrainingError(f"{folder}: its weights lack {lost[0]}{more}; get them again")
    return model


def from_transformers(model: Any) -> Ported:
    """Gives a MusicgenForConditionalGeneration (or the melody one) audiocraft's form."""
    config = audiocraft_config(model)
    weights = weights_from_transformers(model.state_dict())
    if is_melody(config):
        weights |= _chroma_tables(config)
    package = codec_from_transformers(model.audio_encoder)
    return Ported(config, weights, package, model.text_encoder)


def _chroma_tables(config: Any) -> "dict[str, Tensor]":
    """The tables of the chroma extractor, which audiocraft keeps among the weights."""
    from audiocraft.modules.chroma import ChromaExtractor

    chroma = config["conditioners"]["self_wav"]["chroma_stem"]
    names = ("sample_rate", "n_chroma", "radix2_exp", "argmax")
    state = ChromaExtractor(**{name: chroma[name] for name in names}).state_dict()
    return {f"{CONDITIONERS}.self_wav.chroma.{name}": table for name, table in state.items()}


def write_text_encoder(folder: Path, out: Path) -> None:
    """Writes the T5 of a transformers model, with its tokenizer, into a folder of its own.

    Args:
        folder: A transformers MusicGen with its processor's files.
        out: For the T5; audiocraft loads it from there once `upstream.know_t5` knows it.

    Raises:
        TrainingError: There is no tokenizer, or no MusicGen.
    """
    import transformers

    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(
            f"{folder}: its tokenizer cannot be read ({str(error).splitlines()[0]}); the folder "
            "needs the files of its processor (AutoProcessor.save_pretrained) too"
        ) from error
    read_transformers(folder).text_encoder.save_pretrained(out)
    tokenizer.save_pretrained(out)
