"""Where a model that was handed on comes from, for programs: `musicgen_curate.json` beside it.

The model card says the same to people. Every export has the file; loaders of audiocraft, PEFT and
transformers pass it by. It names no folder of the machine that wrote it.
"""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import msgspec

from curate import jsonio

from ..errors import TrainingError
from .identity import Identity

FILE = "musicgen_curate.json"

VERSION = 1
"""Raised when a field changes its meaning."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a model's training.

    Attributes:
        signature: Dora's name of the experiment; empty if there was none here.
        method: What was trained, in a line.
        dataset: Name of the dataset.
        fingerprint: Of the dataset's content.
        clips: Clips it was trained on; 0 if unknown.
        hours: Their length; 0 if unknown.
        rights: On what ground the audio was used, as the dataset's maker put it.
        metrics: By name, such as `valid ce`.
    """

    signature: str = ""
    method: str = ""
    dataset: str = ""
    fingerprint: str = ""
    clips: int = 0
    hours: float = 0.0
    rights: str = ""
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether anything is."""
        return self != Facts()


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the file holds.

    Attributes:
        format: One of `card.FORMATS`.
        base: Name of what it was trained from: on the Hub, or the last part of a folder.
        base_fingerprint: Of that one's files, as `base_fingerprint` of an experiment.
        new: Whether the training began the language model anew, and the base gave what is beside.
        own: Whether no weights of the language model derive from MusicGen's.
        signature: Dora's name of the experiment, and so on: see `Facts`.
        data_fingerprint: Of the dataset's content, as of an experiment.
        fingerprint: Of the model in this folder: what an experiment that starts from it has for its
            base. Empty for an adapter.
        same_as: Fingerprint of the model that this one is in another form.
        version: Of the file's format.
    """

    format: str
    base: str
    base_fingerprint: str = ""
    new: bool = False
    own: bool = False
    signature: str = ""
    method: str = ""
    dataset: str = ""
    data_fingerprint: str = ""
    clips: int = 0
    hours: float = 0.0
    rights: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    fingerprint: str = ""
    same_as: str = ""
    version: int = VERSION

    @property
    def facts(self) -> Facts:
        """What it says of the training."""
        shared = {one.name for one in fields(Facts)} - {"fingerprint"}
        own = {name: getattr(self, name) for name in shared}
        return Facts(fingerprint=self.data_fingerprint, **own)

    @property
    def origin(self) -> Identity:
        """What it was trained from."""
        return Identity(self.base, self.base_fingerprint)


def of(
    facts: Facts, *, to: str, base: Identity, new: bool = False, own: bool = False
) -> Provenance:
    """Puts together what a folder in the format `to` is to say."""
    told = asdict(facts)
    told["data_fingerprint"] = told.pop("fingerprint")
    return Provenance(to, base.name, base.fingerprint, new, own, **told)


def write(folder: Path, one: Provenance) -> None:
    """Writes the file into a folder."""
    jsonio.write_atomically(folder / FILE, jsonio.pretty(one))


def read(folder: Path) -> Provenance | None:
    """What a folder says; None where nothing is said.

    Raises:
        TrainingError: The file is there and cannot be read.
    """
    path = folder / FILE
    try:
        return jsonio.decode(path.read_bytes(), Provenance)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise TrainingError(
            f"{path}: cannot be read ({error}); it only says where the model is from: remove it, "
            "or export the model again"
        ) from error
