"""Where bases are, and what stands for them elsewhere.

A base is named as people do: by folder, by name on the Hub, or as what an experiment made. What is
kept of it (signatures, adapters, model cards) is its `Identity`, which no path is part of.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import TrainingError
from . import identity, provenance
from .identity import Identity

LM_FILE = "state_dict.bin"
COMPRESSION_FILE = "compression_state_dict.bin"
OFFICIAL = (LM_FILE, COMPRESSION_FILE)

EXPERIMENT = "//sig/"
"""Before the signature of an experiment, as audiocraft writes it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a base is.

    Attributes:
        form: How it is kept.
        folder: The folder of its files; None on the Hub.
        files: What its fingerprint is of; none on the Hub.
    """

    form: Literal["official", "transformers", "experiment", "hub"]
    folder: Path | None = None
    files: tuple[Path, ...] = ()


def locate(name: str) -> Place:
    """Finds the files of a base; opens none, and downloads nothing.

    Raises:
        TrainingError: There is no such folder or experiment, or a file is missing in it.
    """
    if name.startswith(EXPERIMENT):
        return _experiment(name)
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / LM_FILE).exists() and (folder / "config.json").exists():
            weights = (*folder.glob("*.safetensors"), *folder.glob("*.bin"))
            return Place("transformers", folder, (folder / "config.json", *weights))
        missing = [file for file in OFFICIAL if not (folder / file).exists()]
        if missing:
            raise TrainingError(
                f"{name}: no base model: {' and '.join(missing)} missing there; needed are "
                f"{LM_FILE} and {COMPRESSION_FILE}, or config.json and model.safetensors of "
                "transformers"
            )
        return Place("official", folder, tuple(folder / file for file in OFFICIAL))
    if not identity.on_hub(name):
        raise TrainingError(
            f"{name}: there is no such folder, and it is no name of a base on the Hub "
            "(facebook/musicgen-small); tiny base models are made by "
            "python -m plugins.musicgen.tiny DIR"
        )
    return Place("hub")


def _experiment(name: str) -> Place:
    from ..train import main

    signature, root = name.removeprefix(EXPERIMENT), main.dora.dir / main.dora.xps
    checkpoint = root / signature / "checkpoint.th"
    if not re.fullmatch(r"\w+", signature) or not checkpoint.is_file():
        raise TrainingError(f"base={name}: no such experiment with a checkpoint in {root}")
    return Place("experiment", checkpoint.parent, (checkpoint,))


def pin(name: str) -> str:
    """What stands for a base in an experiment's signature.

    A name on the Hub stands for itself, as what it means may not be here yet; else it is the
    fingerprint of the files, so that neither path nor form of the name counts.

    Raises:
        TrainingError: There is no such base.
    """
    place = locate(name)
    return name if place.form == "hub" else identity.fingerprint(place.files)


def identify(name: str) -> Identity:
    """What a base is called on every machine; one of the Hub is downloaded.

    Raises:
        TrainingError: There is no such base.
    """
    place = locate(name)
    if place.form == "hub" or place.folder is None:
        return Identity(name, identity.fingerprint(download(name)))
    found = identity.fingerprint(place.files)
    if place.form == "experiment":
        return Identity(called(name), found)
    made = provenance.read(place.folder)
    same = made.same_as if made is not None and made.fingerprint == found else ""
    return Identity(called(name), found, same)


def called(name: str) -> str:
    """What a base is called elsewhere; whether there is one does not matter."""
    if name.startswith(EXPERIMENT):
        return name.removeprefix(EXPERIMENT)
    folder = Path(name).expanduser()
    return name if identity.on_hub(name) and not folder.is_dir() else identity.of_folder(folder)


def find(wanted: Identity, who: str) -> str:
    """Where the base that something was trained from can be opened here.

    Args:
        wanted: What it says of its base.
        who: What it is, to begin a message with.

    Returns:
        Something for `open_base`: where it was last opened on this machine, else its name on the
        Hub. A path that a file names is never followed: it is another machine's.

    Raises:
        TrainingError: Neither is known.
    """
    place = identity.recall(wanted)
    if place is not None and _serves(place, wanted):
        return place
    if identity.on_hub(wanted.name):
        return wanted.name
    said = f"was trained from the base {wanted}, which is not known on this machine"
    if not wanted.name:
        said = "does not say which base it belongs to"
    raise TrainingError(f"{who} {said}; name it by --base")


def _serves(place: str, wanted: Identity) -> bool:
    try:
        return identify(place).serves(wanted)
    except TrainingError:  # it was moved, or is no more
        return False


def download(name: str) -> list[Path]:
    """The official files of a base on the Hub, which are in its cache afterwards.

    Raises:
        TrainingError: They cannot be had.
    """
    return [_download(name, file) for file in OFFICIAL]


def _download(name: str, file: str) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(repo_id=name, filename=file, library_name="audiocraft"))
    except Exception as error:  # its errors come from several libraries
        raise TrainingError(
            f"base={name}: {file} cannot be had from the Hub ({type(error).__name__}: "
            f"{str(error).splitlines()[0]}); is the name right, and is there a network? "
            "base= takes a local folder too"
        ) from error
