"""What an evaluation can be told."""

from dataclasses import dataclass
from pathlib import Path

from ..errors import TrainingError
from .features.models import CLAP, MUQ
from .measuring import EMBEDDINGS, GROUPS

ROOT = Path("outputs/evaluations")
"""Where reports go that nobody chose a folder for."""

CACHE = ROOT / "cache"

LIMIT = 50
"""Prompts that are drawn where nobody says how many."""

BASE, NONE = "base", "none"
"""What `--baseline` may be besides a subject."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to evaluate.

    Attributes:
        data: The dataset, whose test split prompts and real clips are from.
        out: Folder of the report; None: below `ROOT`, by the subjects' names.
        cache: Folder of what is computed.
        reference: Folder of other music to hold the clips against.
        baseline: `base`, `none`, or a subject; one more where it is none of those given.
        base: In place of the base that adapters and experiments name, if it was moved.
        metrics: Keys of `GROUPS`.
        embeddings: What FAD is measured with.
        limit: Prompts to draw; 0: all.
        training: Training clips to look at for copies; 0: all.
        seconds: Of a clip; None: 10, or as long as the shortest test clip.
        cfg: Of generation, as of `generating.Settings`.
        temperature: Likewise.
        top_k: Likewise.
        seed: Of generation, and of the draw of prompts.
        batch: Clips made at once; None: as suits the device.
        device: auto, cuda or cpu.
        precision: fp32, fp16 or bf16, of language models.
        models: Folder of Essentia's models; None: the usual one.
        clap: CLAP's folder or name on the Hub.
        muq: MuQ-MuLan's.
        isolated: Do native work in processes of their own.
    """

    data: Path
    out: Path | None = None
    cache: Path = CACHE
    reference: Path | None = None
    baseline: str = BASE
    base: str | None = None
    metrics: tuple[str, ...] = tuple(GROUPS)
    embeddings: tuple[str, ...] = EMBEDDINGS
    limit: int = LIMIT
    training: int = 0
    seconds: float | None = None
    cfg: float = 3.0
    temperature: float = 1.0
    top_k: int = 250
    seed: int = 0
    batch: int | None = None
    device: str = "auto"
    precision: str = "fp32"
    models: Path | None = None
    clap: str = CLAP
    muq: str = MUQ
    isolated: bool = True

    def __post_init__(self) -> None:
        for name, known in (("metrics", tuple(GROUPS)), ("embeddings", EMBEDDINGS)):
            wrong = [one for one in getattr(self, name) if one not in known]
            if wrong or not getattr(self, name):
                said = wrong[0] if wrong else "nothing"
                raise TrainingError(f"--{name} {said}: expected some of {', '.join(known)}")
        for name in ("limit", "training"):
            if getattr(self, name) < 0:
                raise TrainingError(f"--{name} {getattr(self, name)}: expected 0 (all) or more")
