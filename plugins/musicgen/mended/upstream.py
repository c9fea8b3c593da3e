"""Mends audiocraft 1.3.0; `faults` names what is wrong with it, one by one.

`prepare()` runs before audiocraft is imported, `mend()` after. What a mend relies on is fixed by a
hash of upstream's source: where that changed, `mend()` refuses, naming the fault, because a mend
that no longer fits could train wrongly without a word.
"""

import contextlib
import hashlib
import importlib
import importlib.util
import inspect
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import TrainingError
from . import xformers_standin
from .faults import FAULTS, VERSION, Fault

SEPARATOR = "htdemucs.th"
"""File of the melody conditioner's separator, as `curate models fetch htdemucs` names it."""


def prepare(*, xformers: bool = False) -> None:
    """Makes audiocraft importable. Before its first import; a second call does nothing.

    Args:
        xformers: Use the real xformers. Without it audiocraft gets a stand-in for the one function
            it calls, which torch has as well; xformers takes 5 s to import and may be absent.

    Raises:
        TrainingError: xformers is asked for and cannot be imported.
    """
    os.environ.setdefault("AUDIOCRAFT_CLUSTER", "default")
    teams = Path(__file__).parents[1] / "config" / "teams" / "default.yaml"
    os.environ.setdefault("AUDIOCRAFT_CONFIG", str(teams))
    if xformers:  # now: the next call without it would put the stand-in in its place
        try:
            importlib.import_module("xformers.ops")
        except ImportError as error:
            raise TrainingError(
                f"efficient_attention_backend=xformers: it cannot be imported ({error}); install "
                "what requirements-all.lock names, or leave it at torch"
            ) from error
    elif "xformers" not in sys.modules:
        sys.modules.update(xformers_standin.modules())


def mend() -> None:
    """Mends audiocraft, once it can be imported.

    Raises:
        TrainingError: audiocraft is absent, or its source changed under a mend.
    """
    prepare()
    try:
        import audiocraft
    except ImportError as error:
        raise TrainingError(
            f"audiocraft cannot be imported ({error}); install what requirements-all.lock names"
        ) from error
    for fault in FAULTS:
        _check(fault, audiocraft.__version__)
    from audiocraft.data import audio
    from audiocraft.solvers import base
    from transformers.utils import logging

    base.model_hash = quick_hash  # type: ignore[attr-defined]  # imported there

    logging.disable_progress_bar()  # of loading T5, among the lines of the log
    # EnCodec is made of it, whoever trains or listens: what torch says to audiocraft's makers.
    warnings.filterwarnings("ignore", ".*weight_norm` is deprecated", FutureWarning)
    if audio._piping_to_ffmpeg is not pipe_to_ffmpeg:
        audio._piping_to_ffmpeg = pipe_to_ffmpeg


def source(where: tuple[str, str]) -> str:
    """Source text of something in audiocraft: module and dotted name."""
    found: Any = importlib.import_module(where[0])
    for part in where[1].split("."):
        found = getattr(found, part)
    return inspect.getsource(found)


def digest(text: str) -> str:
    """First 16 hex digits of the SHA-256 of a source text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check(fault: Fault, version: str) -> None:
    if getattr(importlib.import_module(fault.where[0]), fault.where[1], None) is pipe_to_ffmpeg:
        return
    try:
        found = digest(source(fault.where))
    except AttributeError:
        found = "nothing"
    if found != fault.sha256:
        raise TrainingError(
            f"audiocraft {version}: {'.'.join(fault.where)} is not what the mend {fault.name!r} "
            f"was made for ({found}, expected {fault.sha256}); install audiocraft=={VERSION}, or "
            f"look whether this is still wrong and change plugins/musicgen/mended/faults.py: "
            f"{fault.story}"
        )


def quick_hash(model: Any) -> str:
    """Names a model's weights for the log, by the sum of each: 16 hex digits."""
    import torch

    return digest(str([float(one.detach().sum(dtype=torch.float64)) for one in model.parameters()]))


def pipe_to_ffmpeg(out_path: str | Path, wav: Any, sample_rate: int, flags: list[str]) -> None:
    """Writes sound [C, T] by ffmpeg, as upstream's `_piping_to_ffmpeg`, wherever ffmpeg is."""
    import shutil

    import imageio_ffmpeg
    from audiocraft.data.audio_utils import f32_pcm

    program = shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe()
    head = [program, "-loglevel", "error", "-y", "-f", "f32le"]
    form = ["-ar", str(sample_rate), "-ac", str(wav.shape[0]), "-i", "-"]
    data = f32_pcm(wav).t().detach().cpu().numpy().tobytes()
    subprocess.run([*head, *form, *flags, str(out_path)], input=data, check=True)


def know_t5(folder: Path) -> str:
    """Lets audiocraft's T5Conditioner take its text encoder from a local folder.

    Args:
        folder: With config.json, the weights and the tokenizer of a T5 encoder.

    Returns:
        The name to use in a configuration.

    Raises:
        TrainingError: There is no T5 in that folder.
    """
    import json

    from audiocraft.modules.conditioners import T5Conditioner

    name = str(folder.absolute())
    try:
        width = json.loads((folder / "config.json").read_text())["d_model"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"text encoder {folder}: no T5 there ({error!r}); a folder that "
            "T5EncoderModel.save_pretrained and T5Tokenizer.save_pretrained wrote is needed"
        ) from error
    if name not in T5Conditioner.MODELS:
        T5Conditioner.MODELS.append(name)
    T5Conditioner.MODELS_DIMS[name] = width
    return name


@contextlib.contextmanager
def separator(folder: Path | None) -> Iterator[None]:
    """Within it, a melody conditioner takes its separator (htdemucs) from this machine.

    Args:
        folder: Of the base model, which may hold a htdemucs.th.

    Raises:
        TrainingError: The file there is no checkpoint of htdemucs.
    """
    from demucs import pretrained

    from curate.labels.models import weights

    places = [] if folder is None else [folder / SEPARATOR]
    places.append(weights.folder() / SEPARATOR)
    file = next((place for place in places if place.is_file()), None)
    original = pretrained.get_model

    def get_model(name: str, repo: Path | None = None) -> Any:
        from curate.treatments import checkpoint

        if file is None:
            try:
                return original(name, repo)
            except Exception as error:  # of several libraries' network code
                raise TrainingError(
                    f"melody models need {name}, which cannot be downloaded "
                    f"({type(error).__name__}); run `curate models fetch htdemucs`, or lay "
                    f"{SEPARATOR} beside the base"
                ) from error
        try:
            return checkpoint.read(file.read_bytes())
        except checkpoint.Unreadable as error:
            raise TrainingError(f"{file} {error}; remove it and get it again") from error

    pretrained.get_model = get_model
    try:
        yield
    finally:
        pretrained.get_model = original


def attention_backend(name: str) -> None:
    """Chooses what computes attention: `torch` or `xformers`."""
    from audiocraft.modules.transformer import set_efficient_attention_backend

    if name not in {"torch", "xformers"}:
        raise TrainingError(f"efficient_attention_backend={name}: expected torch or xformers")
    set_efficient_attention_backend(name)


def load(path: Path) -> Any:
    """Reads a file of `torch.save` without running any code in it.

    Checkpoints of audiocraft's own training hold omegaconf's containers: these may come, nothing
    else beyond plain values and tensors.

    Raises:
        TrainingError: The file is missing, broken, or a pickle of something that is not weights.
    """
    import pickle

    import torch

    if not path.is_file():
        raise TrainingError(f"checkpoint {path}: there is no such file")
    with torch.serialization.safe_globals(_containers()):
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            said = str(error).split("\n\n")[0].split(". ")
            what = next((part for part in said if "GLOBAL" in part), "unreadable pickle")
            raise TrainingError(
                f"checkpoint {path}: not weights, or broken ({what.strip()}); such a file can run "
                "any program when it is loaded, so it is not; expected a file of audiocraft or of "
                "this plugin"
            ) from error
        except Exception as error:  # of broken bytes torch says anything, IndexError too
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise TrainingError(
                f"checkpoint {path}: broken ({reason}); {path.stat().st_size} bytes; download or "
                "make it again"
            ) from error


def _containers() -> list[Any]:
    import collections
    import typing

    from omegaconf import base, dictconfig, listconfig, nodes

    names = ("AnyNode", "BooleanNode", "FloatNode", "IntegerNode", "StringNode")
    found = [getattr(nodes, name) for name in names]
    found += [dictconfig.DictConfig, listconfig.ListConfig, base.ContainerMetadata, base.Metadata]
    return [*found, typing.Any, dict, list, int, collections.defaultdict]
