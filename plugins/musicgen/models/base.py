"""The model a run starts from: found, checked and loaded, whatever its format.

A base is a language model with its own configuration and a compression model (EnCodec). Its shape
always comes from its own configuration, so a run cannot mismatch the weights.
"""

import contextlib
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import TrainingError
from ..mended import upstream
from . import identity, places, provenance
from .identity import NOBODY, Identity
from .places import COMPRESSION_FILE as COMPRESSION_FILE
from .places import EXPERIMENT as EXPERIMENT
from .places import LM_FILE as LM_FILE
from .places import OFFICIAL as OFFICIAL

SHAPE = (
    "lm_model",
    "transformer_lm",
    "codebooks_pattern",
    "conditioners",
    "fuser",
    "classifier_free_guidance",
    "attribute_dropout",
    "interleave_stereo_codebooks",
    "compression_model_n_q",
    "compression_model_checkpoint",
    "sample_rate",
    "channels",
)
"""Sections of a configuration that say what a model is; a run takes them from its base."""

DEFAULTS: dict[str, Any] = {
    "lm_model": "transformer_lm",
    "attribute_dropout": {},
    "interleave_stereo_codebooks": {"use": False},
    "compression_model_n_q": None,
    "compression_model_checkpoint": None,
    "channels": 1,
}
"""What older checkpoints do not say."""


@dataclass(frozen=True, slots=True)
class Base:
    """A model to start from.

    Attributes:
        name: As the user gave it.
        config: Its own configuration (omegaconf), of which `SHAPE` and `dataset.segment_duration`
            matter here.
        weights: Of the language model with its conditioners, by name; in the file's precision.
        compression: The package of the compression model: `xp.cfg` and `best_state`, or
            `pretrained` with a name.
        folder: Where the files are; None for a name on the Hub.
        own: True where the language model was begun here, from no released weights, so that their
            licence does not cover it.
        identity: What it is called on every machine.
        made: What the export command said of it; None where it did not write it.
    """

    name: str
    config: Any
    weights: dict[str, Any]
    compression: dict[str, Any]
    folder: Path | None
    own: bool = False
    identity: Identity = NOBODY
    made: provenance.Provenance | None = None

    @property
    def segment_s(self) -> float:
        """Length of the clips it was trained on, in seconds."""
        return float(self.config.dataset.segment_duration)


def open_base(name: str) -> Base:
    """Finds a base model and reads its files.

    Args:
        name: On the Hub (`facebook/musicgen-small`); a folder of official files, or in
            transformers' format; or `//sig/SIG`, what an experiment of ours made of its base.

    Raises:
        TrainingError: There is no such model, a file is missing or broken, or is not weights.
    """
    place = places.locate(name)
    if place.form == "experiment":
        from .tuned import open_tuned

        tuned = open_tuned(name.removeprefix(EXPERIMENT))
        known = tuned.identity
        identity.remember(known, name)
        weights = tuned.weights()
        return replace(tuned.origin, name=name, weights=weights, identity=known, made=None)
    if place.folder is None:
        base = _official(name, places.download(name), None)
        return replace(base, identity=places.identify(name))
    if place.form == "transformers":
        base = _transformers(name, place.folder)
    else:
        base = _official(name, place.files, place.folder)
    known, made = places.identify(name), provenance.read(place.folder)
    identity.remember(known, str(place.folder.absolute()))
    own = base.own or (made is not None and made.own)
    return replace(base, own=own, identity=known, made=made)


def wanted(cfg: Any) -> Identity:
    """The base that an experiment's configuration names."""
    pinned = str(cfg.get("base_fingerprint") or "")
    return Identity(places.called(cfg.base), "" if identity.on_hub(pinned) else pinned)


def reopen(cfg: Any, wanted: Identity, signature: str) -> Base:
    """The base of an experiment that ran: where it was, or where else it was seen here since.

    Args:
        cfg: Whose `base` is tried first.
        wanted: From `wanted`, before `base` was changed.
        signature: Of the experiment.

    Raises:
        TrainingError: It is gone, or there is another in its place.
    """
    try:
        places.locate(cfg.base)
    except TrainingError:
        cfg.base = places.find(wanted, signature)
    base = open_base(cfg.base)
    identity.check(wanted, base.identity, signature)
    return base


def _official(name: str, files: Sequence[Path], folder: Path | None) -> Base:
    from omegaconf import OmegaConf

    lm_file, compression_file = files
    package = upstream.load(lm_file)
    compression = upstream.load(compression_file)
    _check_package(package, lm_file)
    if not isinstance(compression, dict) or "pretrained" not in compression:
        _check_package(compression, compression_file)
    config = OmegaConf.create(package["xp.cfg"])
    OmegaConf.set_struct(config, False)
    for key, value in DEFAULTS.items():
        if key not in config:
            config[key] = value
    lost = [key for key in SHAPE if key not in config]
    if lost:
        raise TrainingError(
            f"base={name}: the configuration in {lm_file.name} lacks {', '.join(lost)}; "
            "is it a language model of audiocraft?"
        )
    weights = package["best_state"]
    if "model" in weights and isinstance(weights["model"], dict):  # a training checkpoint
        weights = weights["model"]
    return Base(name, config, weights, compression, folder, bool(package.get("own")))


def _transformers(name: str, folder: Path) -> Base:
    from omegaconf import OmegaConf

    from . import porting_reading

    upstream.mend()
    found = porting_reading.read_transformers(folder)
    config = OmegaConf.create(found.config)
    if config.conditioners.description.model == "t5":
        # The text encoder is inside the one file of the model; audiocraft wants it by itself.
        own = identity.cache() / f"t5-{_stamp(folder)}"
        if not own.exists():
            writing = own.with_name(f"{own.name}.{os.getpid()}")
            porting_reading.write_text_encoder(folder, writing)
            with contextlib.suppress(OSError):  # another process was quicker
                writing.rename(own)
        config.conditioners.description.t5.name = str(own)
    return Base(name, config, found.weights, found.compression, folder)


def _stamp(folder: Path) -> str:
    """Names what a folder holds now."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    seen = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr((str(folder.absolute()), seen)).encode()).hexdigest()[:16]


def _check_package(package: Any, path: Path) -> None:
    for key in ("xp.cfg", "best_state"):
        if not isinstance(package, dict) or not package.get(key):
            raise TrainingError(
                f"checkpoint {path}: no {key!r} in it; expected a file that audiocraft exported"
            )


def adopt(cfg: Any, base: Base) -> None:
    """Gives a run's configuration its base's shape, and what `cfg.model` changes of it.

    Raises:
        TrainingError: A section that may not be has the wrong kind of value.
    """
    from omegaconf import OmegaConf, open_dict

    own = OmegaConf.to_container(base.config, resolve=True)
    assert isinstance(own, dict)
    with open_dict(cfg):
        for key in SHAPE:
            cfg[key] = own[key]
        cfg.compression_model_checkpoint = None  # loaded from the base itself
        chosen, lm = cfg.model, cfg.transformer_lm
        lm.checkpointing = "none"  # until `recompute.apply`
        if chosen.shape is not None:
            lm.update(chosen.shape)
        if chosen.get("pattern") is not None:
            cfg.codebooks_pattern = pattern(chosen.pattern, lm.n_q, cfg.interleave_stereo_codebooks)
        if chosen.dropout is not None:
            lm.dropout = chosen.dropout
        if chosen.cfg_dropout is not None:
            cfg.classifier_free_guidance.training_dropout = chosen.cfg_dropout
        for conditioner in (cfg.conditioners or {}).values():
            if conditioner.get("model") == "t5":
                _place_t5(conditioner.t5, chosen, base)
            if conditioner.get("model") == "chroma_stem":
                conditioner.chroma_stem.cache_path = None
        if cfg.dataset.segment_duration is None:
            cfg.dataset.segment_duration = base.segment_s


def pattern(name: str, books: int, stereo: Any) -> dict[str, Any]:
    """The order of the codebooks of a new language model, as audiocraft's configuration says it.

    Args:
        name: `delay`, each codebook a step after the one before; `parallel`, all at once; or
            `flatten`, one at a time.
        books: How many codebooks there are, of both channels.
        stereo: The section `interleave_stereo_codebooks`: with delay, both channels of a codebook
            come at once, as in the released stereo models.
    """
    if name == "flatten":
        return {"modeling": "unroll", "unroll": {"flattening": list(range(books))}}
    if name == "delay":
        from .porting import delays

        order = delays(books, bool(stereo and stereo.use))
        return {"modeling": "delay", "delay": {"delays": order}}
    return {"modeling": name}


def reshaped(base: Base, shape: Any, order: Any) -> Base:
    """The base as it would describe a new language model of another shape; its weights are none.

    Args:
        base: What is not of the shape.
        shape: Changes of `transformer_lm`; None: the base as it is.
        order: Of the new model's codebooks, the section `codebooks_pattern`.
    """
    if shape is None:
        return base
    config = base.config.copy()
    config.transformer_lm.update(shape)
    config.codebooks_pattern = order
    return replace(base, config=config, weights={}, own=True)


def _place_t5(t5: Any, chosen: Any, base: Base) -> None:
    """Finds the text encoder: where the user says, beside the base's files, or by its name."""
    if chosen.word_dropout is not None:
        t5.word_dropout = chosen.word_dropout
    beside = base.folder / t5.name if base.folder is not None else None
    if chosen.t5 is not None:
        t5.name = upstream.know_t5(Path(chosen.t5).expanduser())
    elif beside is not None and beside.is_dir():
        t5.name = upstream.know_t5(beside)
    elif Path(t5.name).is_absolute():
        t5.name = upstream.know_t5(Path(t5.name))


def language_model(cfg: Any, base: Base) -> Any:
    """The language model [audiocraft's LMModel] with the base's weights, on `cfg.device`.

    Where the run has a shape of its own (`model.shape`), the weights are new.

    Args:
        cfg: After `adopt`.
        base: Where the weights are from.

    Raises:
        TrainingError: The weights do not fit the base's own configuration, or the text encoder
            cannot be had.
    """
    from audiocraft.models import builders

    try:
        with upstream.separator(base.folder):
            model = builders.get_lm_model(cfg)
    except (OSError, AssertionError) as error:  # no T5 where transformers looks, or no such name
        raise TrainingError(
            f"base={base.name}: its text encoder cannot be had: {str(error).splitlines()[0]}; "
            "name a local folder with model.t5=DIR"
        ) from error
    if cfg.get("model") is not None and cfg.model.shape is not None:
        return model
    try:
        model.load_state_dict(base.weights)
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise TrainingError(
            f"base={base.name}: the weights do not fit its own configuration: "
            f"{' '.join(line.strip() for line in lines[1:3])}"
        ) from error
    return model


def compression_model(cfg: Any, base: Base) -> Any:
    """The compression model of the base, for stereo wrapped, in evaluation mode, on `cfg.device`.

    Raises:
        TrainingError: It does not fit the language model: sample rate, codebooks or their size.
    """
    from audiocraft.models import builders
    from audiocraft.models.encodec import CompressionModel
    from omegaconf import OmegaConf

    package = base.compression
    if "pretrained" in package:
        model: Any = CompressionModel.get_pretrained(package["pretrained"], device=cfg.device)
    else:
        config = OmegaConf.create(package["xp.cfg"])
        OmegaConf.set_struct(config, False)
        config.device = str(cfg.device)
        model = builders.get_compression_model(config)
        try:
            model.load_state_dict(package["best_state"])
        except RuntimeError as error:
            raise TrainingError(
                f"base={base.name}: the weights in {COMPRESSION_FILE} do not fit their own "
                f"configuration: {str(error).splitlines()[1].strip()}"
            ) from error
    model = builders.get_wrapped_compression_model(model.eval(), cfg)
    lm = cfg.transformer_lm
    for what, got, needed in (
        ("sample rate (Hz)", model.sample_rate, cfg.sample_rate),
        ("codebooks", model.num_codebooks, lm.n_q),
        ("size of a codebook", model.cardinality, lm.card),
        ("channels", model.channels, cfg.channels),
    ):
        if got != needed:
            raise TrainingError(
                f"base={base.name}: {what}: the compression model has {got}, its language model "
                f"needs {needed}; {LM_FILE} and {COMPRESSION_FILE} must be from one model"
            )
    return model.requires_grad_(False)
