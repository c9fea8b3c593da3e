"""Hands a trained model on, in the form others load.

    python -m plugins.musicgen.export SIG|DIR OUT --to audiocraft|adapter|transformers [--merge]

SIG is the signature of an experiment; DIR a folder with an adapter, or with a model.

audiocraft    OUT loads in `MusicGen.get_pretrained(OUT)`; an adapter is always merged in.
adapter       the adapter alone, a few MB, for PEFT on transformers' MusicGen.
transformers  OUT loads in `MusicgenForConditionalGeneration.from_pretrained(OUT)`; the adapter is
              merged in with --merge, and lies in OUT/adapter without it.
"""

import argparse
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import base as bases
from . import porting, upstream
from .card import FORMATS, card
from .errors import TrainingError, one_message
from .tuned import Tuned, check_empty, compression_model, open_tuned, text_encoder_folder

ADAPTER = "adapter"
"""Folder of the adapter beside a transformers model it is not merged into."""


def export(tuned: Tuned, out: Path, *, to: str, merge: bool = False) -> None:
    """Writes a model and its card into a new folder.

    Args:
        tuned: The model.
        out: Made if it is not there.
        to: One of `card.FORMATS`.
        merge: Write the adapter into the weights; only a choice for `transformers`.

    Raises:
        TrainingError: The folder is not empty, there is no adapter to export, or transformers'
            MusicGen cannot be this model.
    """
    check_empty(out)
    if to == "adapter" and tuned.adapter is None:
        raise TrainingError(
            "--to adapter: this model has no adapter, all of its parameters were trained; "
            "use --to audiocraft or --to transformers"
        )
    if to == "adapter" and merge:
        raise TrainingError(
            "--to adapter --merge: an adapter that is merged is no adapter any more"
        )
    beside = None
    if to == "audiocraft":
        _to_audiocraft(tuned, out)
    elif to == "adapter":
        _to_adapter(tuned, out)
    else:
        beside = ADAPTER if tuned.adapter is not None and not merge else None
        _to_transformers(tuned, out, merge=merge)
    melody = porting.is_melody(tuned.origin.config)
    text = card(
        out,
        tuned.facts,
        to=to,
        base=tuned.origin.name,
        melody=melody,
        adapter=beside,
        own=tuned.origin.own,
        new=not tuned.origin.weights,
    )
    (out / "README.md").write_text(text, encoding="utf-8")


def _to_audiocraft(tuned: Tuned, out: Path) -> None:
    """The two official files, and the text encoder where it has no name on the Hub."""
    import audiocraft
    import torch
    from omegaconf import OmegaConf

    from curate.jsonio import replacing

    origin = tuned.origin
    package = {
        "best_state": {name: t.detach().cpu().clone() for name, t in tuned.weights().items()},
        "xp.cfg": OmegaConf.to_yaml(origin.config),
        "version": audiocraft.__version__,
        "exported": True,
        "own": origin.own,  # read by base.py only
    }
    compression = dict(origin.compression)
    if OmegaConf.is_config(compression.get("xp.cfg")):
        # audiocraft's loader takes text, and with weights_only nothing but text.
        compression["xp.cfg"] = OmegaConf.to_yaml(compression["xp.cfg"])
    out.mkdir(parents=True, exist_ok=True)
    for name in _text_encoders(origin):
        folder = text_encoder_folder(origin, name)
        if folder is not None and not Path(name).is_absolute():
            shutil.copytree(folder, out / name)
    for name, content in (
        (bases.COMPRESSION_FILE, compression),
        (bases.LM_FILE, package),
    ):
        with replacing(out / name) as partial:
            torch.save(content, partial)


def _text_encoders(origin: bases.Base) -> list[str]:
    conditioners = origin.config.conditioners.values()
    return [str(one.t5.name) for one in conditioners if one.get("model") == "t5"]


def _to_adapter(tuned: Tuned, out: Path) -> None:
    from .adapters.files import save

    assert tuned.adapter is not None
    facts = asdict(tuned.facts)
    save(tuned.adapter, out, base=tuned.origin.name, notes={"facts": facts})


def _to_transformers(tuned: Tuned, out: Path, *, merge: bool) -> None:
    """The model, its processor, and the adapter beside it where it is not merged."""
    conditioner: Any = tuned.lm.condition_provider.conditioners["description"]
    compression = compression_model(tuned.origin)
    weights = tuned.weights() if merge else tuned.base_weights()
    porting.decoder_settings(tuned.origin.config)  # says what is wrong before the work
    model = porting.to_transformers(weights, tuned.origin.config, conditioner.t5, compression)
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    _processor(model, conditioner.t5_tokenizer).save_pretrained(out)
    if tuned.adapter is not None and not merge:
        _to_adapter(tuned, out / ADAPTER)


def _processor(model: Any, tokenizer: Any) -> Any:
    """What turns text and sound into a transformers model's inputs."""
    import transformers

    channels = model.config.decoder.audio_channels
    rate = model.config.audio_encoder.sampling_rate
    if model.config.model_type == "musicgen_melody":
        extractor: Any = transformers.MusicgenMelodyFeatureExtractor(
            feature_size=model.config.num_chroma,
            sampling_rate=rate,
            chroma_size=model.config.num_chroma,
        )
        return transformers.MusicgenMelodyProcessor(extractor, tokenizer)
    extractor = transformers.EncodecFeatureExtractor(
        feature_size=channels, sampling_rate=rate, padding_side="left"
    )
    return transformers.MusicgenProcessor(extractor, tokenizer)


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m plugins.musicgen.export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SIG|DIR", help="experiment, or folder")
    parser.add_argument("out", type=Path, metavar="OUT", help="a new folder")
    parser.add_argument("--to", choices=FORMATS, required=True)
    parser.add_argument("--merge", action="store_true", help="write the adapter into the weights")
    given = parser.parse_args(arguments)
    with one_message():
        check_empty(given.out)
        upstream.mend()
        export(open_tuned(given.source), given.out, to=given.to, merge=given.merge)
        sys.stdout.write(f"{given.out}: {given.to}, with a model card in README.md\n")


if __name__ == "__main__":
    main()
