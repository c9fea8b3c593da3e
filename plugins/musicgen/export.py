"""Hands a trained model on, in the form others load.

    python -m plugins.musicgen.export SIG|DIR OUT --to audiocraft|adapter|transformers [--merge]

SIG is the signature of an experiment; DIR a folder with an adapter, or with a model. OUT appears
when all is written, with README.md for people and musicgen_curate.json for programs: base, dataset,
experiment, metrics.

audiocraft    OUT loads in `MusicGen.get_pretrained(OUT)`; an adapter is always merged in.
adapter       the adapter alone, for PEFT on transformers' MusicGen: 41 MB with preset=t4.
transformers  OUT loads in `MusicgenForConditionalGeneration.from_pretrained(OUT)`; the adapter is
              merged in with --merge, and lies in OUT/adapter without it.
"""

import argparse
import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from .errors import TrainingError, one_message
from .mended import upstream
from .models import base as bases
from .models import places, porting, porting_config, provenance
from .models.card import FORMATS, card
from .models.tuned import Tuned, compression_model, open_tuned, text_encoder_folder

ADAPTER = "adapter"
"""Folder of the adapter beside a transformers model it is not merged into."""

TEXT_ENCODER = "text_encoder"
"""Folder of a text encoder that is as wide as none that audiocraft knows by name."""


def export(tuned: Tuned, out: Path, *, to: str, merge: bool = False) -> None:
    """Writes a model, its card and its provenance into a new folder, which appears whole.

    Args:
        tuned: The model.
        out: Made if it is not there.
        to: One of `card.FORMATS`.
        merge: Write the adapter into the weights; only a choice for `transformers`.

    Raises:
        TrainingError: The folder is not empty or cannot be written, there is no adapter to export,
            or transformers' MusicGen cannot be this model.
    """
    check_new(out)
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
    with _appearing(out) as folder:
        if to == "audiocraft":
            _to_audiocraft(tuned, folder)
        elif to == "adapter":
            _to_adapter(tuned, folder)
        else:
            beside = ADAPTER if tuned.adapter is not None and not merge else None
            _to_transformers(tuned, folder, merge=merge)
        made = _provenance(tuned, to, plain=beside is not None)
        if to != "adapter":
            found = places.identify(str(folder)).fingerprint
            made = replace(made, fingerprint=found)
        provenance.write(folder, made)
        text = card(
            out,
            made.facts,
            to=to,
            base=made.origin,
            melody=porting.is_melody(tuned.origin.config),
            adapter=beside,
            own=made.own,
            new=made.new,
        )
        (folder / "README.md").write_text(text, encoding="utf-8")


def _provenance(tuned: Tuned, to: str, *, plain: bool) -> provenance.Provenance:
    """What is known of the model: of one that was exported before, what was known then.

    Args:
        tuned: The model.
        to: One of `card.FORMATS`.
        plain: Whether the weights are the base's, and the adapter lies beside them.
    """
    origin, before = tuned.origin, tuned.origin.made
    if before is not None and tuned.adapter is None and not tuned.facts.known:
        made = replace(before, format=to, fingerprint="")
    else:
        new = not origin.weights
        made = provenance.of(tuned.facts, to=to, base=origin.identity, new=new, own=origin.own)
    one = origin.identity if plain else tuned.identity
    return replace(made, same_as=one.same_as or one.fingerprint if to != "adapter" else "")


def check_new(folder: Path) -> None:
    """Refuses to write over what is there.

    Raises:
        TrainingError: The folder has something in it, or cannot be replaced by another.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise TrainingError(f"{folder}: there is something already; name a new folder")
    if folder.exists() and (folder.samefile(Path.cwd()) or os.path.ismount(folder)):
        raise TrainingError(f"{folder}: it cannot be replaced; name a new folder in it")


@contextlib.contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """Gives a folder to fill, which takes the place of `out` when all is in it."""
    out = out.expanduser().absolute()
    partial = out.with_name(f".{out.name}.partial")
    try:
        if partial.is_dir():  # of an export that was killed
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
        yield partial
        partial.replace(out)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError) or "I/O error" in str(error):  # safetensors has its own kind
            raise TrainingError(
                f"{out}: cannot be written ({error}); nothing is left there; make room, or name "
                "another folder"
            ) from error
        raise


def _to_audiocraft(tuned: Tuned, out: Path) -> None:
    """The two official files, and what lies beside them for want of a network."""
    import audiocraft
    from omegaconf import OmegaConf

    origin = tuned.origin
    config = origin.config.copy()
    for conditioner in config.conditioners.values():
        if conditioner.get("model") == "t5":
            conditioner.t5.name = _take_text_encoder(origin, str(conditioner.t5.name), out)
    package = {
        "best_state": {name: t.detach().cpu().clone() for name, t in tuned.weights().items()},
        "xp.cfg": OmegaConf.to_yaml(config),
        "version": audiocraft.__version__,
        "exported": True,
        "own": origin.own,  # read by base.py only
    }
    compression = dict(origin.compression)
    if OmegaConf.is_config(compression.get("xp.cfg")):
        # audiocraft's loader takes text, and with weights_only nothing but text.
        compression["xp.cfg"] = OmegaConf.to_yaml(compression["xp.cfg"])
    separator = None if origin.folder is None else origin.folder / upstream.SEPARATOR
    if separator is not None and separator.is_file():
        shutil.copy(separator, out)
    _save(compression, out / bases.COMPRESSION_FILE)
    _save(package, out / bases.LM_FILE)


def _save(content: dict[str, Any], path: Path) -> None:
    import torch

    try:
        torch.save(content, path)
    except RuntimeError as error:  # of a disk that is full
        raise OSError(str(error).splitlines()[0]) from error


def _take_text_encoder(origin: bases.Base, name: str, out: Path) -> str:
    """Copies the text encoder of a base, where it is a folder; gives its name in the new one.

    Audiocraft knows text encoders by name only. One that lies anywhere but below its base gets the
    name of the one that is as wide: of MusicGen's own, all there are, that is what it is.
    """
    import json

    from audiocraft.modules.conditioners import T5Conditioner

    folder = text_encoder_folder(origin, name)
    if folder is None:
        return name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        width = json.loads((folder / "config.json").read_text())["d_model"]
        known = [one for one in porting_config.T5_NAMES if T5Conditioner.MODELS_DIMS[one] == width]
        name = next(iter(known), TEXT_ENCODER)
    shutil.copytree(folder, out / name)
    return name


def _to_adapter(tuned: Tuned, out: Path) -> None:
    from .adapters.files import save

    assert tuned.adapter is not None
    facts = asdict(tuned.facts)
    save(tuned.adapter, out, base=tuned.origin.identity, notes={"facts": facts})


def _to_transformers(tuned: Tuned, out: Path, *, merge: bool) -> None:
    """The model, its processor, and the adapter beside it where it is not merged."""
    from transformers.utils import logging

    logging.set_verbosity_error()  # it finds that MusicGen's first code is none of its vocabulary
    conditioner: Any = tuned.lm.condition_provider.conditioners["description"]
    compression = compression_model(tuned.origin)
    weights = tuned.weights() if merge else tuned.base_weights()
    porting.decoder_settings(tuned.origin.config)  # says what is wrong before the work
    model = porting.to_transformers(weights, tuned.origin.config, conditioner.t5, compression)
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
    parser.add_argument("--to", choices=FORMATS, required=True, help="the form, see above")
    parser.add_argument("--merge", action="store_true", help="write the adapter into the weights")
    parser.add_argument("--base", metavar="MODEL", help="what it was trained from, if moved")
    given = parser.parse_args(arguments)
    with one_message():
        check_new(given.out)
        upstream.mend()
        tuned = open_tuned(given.source, base=given.base)
        export(tuned, given.out, to=given.to, merge=given.merge)
        sys.stdout.write(f"{given.out}: {given.to}, with a model card in README.md\n")


if __name__ == "__main__":
    main()
