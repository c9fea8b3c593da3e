"""Sound from texts: a model is opened once and fills folders of clips, going on where it was.

A folder of clips is a set as `listening.pairs` and evaluation read it: `prompts.jsonl`, and a file
`<id>.wav` or `<id>.flac` for each of its lines. Beside them `made.json` says by which model and
how. What a clip was made from is hashed into a comment in its file: one that is there and says the
same is not made again.
"""

import hashlib
import io
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curate import jsonio, names

from ..errors import TrainingError
from ..listening.pairs import SUFFIXES, Prompt, write_prompts
from ..mended import upstream

if TYPE_CHECKING:
    from .sampling import Drawing

VERSION = 1
"""Raised when the same model would make other clips of the same prompts."""

MADE = "made.json"

PRECISIONS = ("fp32", "fp16", "bf16")

LOUDEST = 10 ** (-1 / 20)
"""Peak that a clip may have, -1 dBFS: what is louder is turned down as a whole, never clipped."""

LONGEST_S = 600.0
"""More than this is a slip of the keyboard, in seconds."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is made.

    Attributes:
        seconds: Length of each clip.
        cfg: Weight of classifier-free guidance; 1: none, and half the work.
        temperature: Above 1 more daring, below 1 more careful; 0: always the likeliest code.
        top_k: Only so many of the likeliest codes are drawn from; 0: all.
        seed: Another one gives other clips.

    Raises:
        TrainingError: A value is out of its range.
    """

    seconds: float = 10.0
    cfg: float = 3.0
    temperature: float = 1.0
    top_k: int = 250
    seed: int = 0

    def __post_init__(self) -> None:
        ranges = {"seconds": (0.1, LONGEST_S), "cfg": (0, 100), "temperature": (0, 10)}
        for name, (least, most) in (ranges | {"top_k": (0, math.inf)}).items():
            value = getattr(self, name)
            if not least <= value <= most:
                shown = name.replace("_", "-")
                raise TrainingError(f"--{shown} {value:g}: expected from {least:g} to {most:g}")

    def drawing(self) -> "Drawing":
        """The part that says how codes are drawn."""
        from .sampling import Drawing

        return Drawing(self.cfg, self.temperature, self.top_k)


@dataclass(frozen=True, slots=True)
class Model:
    """A model to make sound with.

    Attributes:
        name: As it was asked for.
        hash: Of all its weights: 16 hex digits; the same for an adapter and its merged model.
        base: The name of what it was trained from; empty if that is not known, or if there is none.
        lm: audiocraft's LMModel, adapters merged.
        compression: The compression model.
        longest_s: What the model overlooks at once, in seconds; more is made in windows.
    """

    name: str
    hash: str
    base: str
    lm: Any
    compression: Any
    longest_s: float


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a set.

    Attributes:
        folder: Where it is.
        new: Clips that were made.
        kept: Clips that were there.
    """

    folder: Path
    new: int
    kept: int


@dataclass(frozen=True, slots=True)
class _Job:
    """A clip to make: prompt, how often its text came before, and the hash of all it is made from.

    Clips of one text differ by that number; nothing else of the set changes a clip.
    """

    prompt: Prompt
    take: int
    stamp: str


def open_model(
    name: str,
    *,
    adapter: str | None = None,
    base: str | None = None,
    device: str = "auto",
    precision: str = "fp32",
) -> Model:
    """Opens a model.

    Args:
        name: Signature of an experiment, folder of an adapter or of a model, or a name on the Hub.
        adapter: Folder of an adapter to put on the model that `name` is.
        base: In place of the base that an adapter or an experiment names, if that was moved.
        device: auto, cuda or cpu.
        precision: fp32, fp16 or bf16, of the language model.

    Raises:
        TrainingError: There is no such thing, it is broken, or cannot be had here.
    """
    import torch

    upstream.mend()
    from ..models.tuned import compression_model, open_tuned

    device = _device(device)
    if precision not in PRECISIONS:
        raise TrainingError(f"--precision {precision}: expected {', '.join(PRECISIONS)}")
    if precision == "fp16" and device == "cpu":
        raise TrainingError("--precision fp16 is for GPUs; on a CPU take fp32 or bf16")
    if adapter is not None:
        _check_adapter(name, adapter)
        tuned = open_tuned(adapter, device, base=name)
    else:
        tuned = open_tuned(name, device, base=base)
    if tuned.adapter is not None:
        tuned.adapter.merge_()
    compression = compression_model(tuned.origin, device)
    trained = bool(tuned.facts.signature) or tuned.adapter is not None
    return Model(
        name=name if adapter is None else adapter,
        hash=_hash(tuned.lm, compression),
        base=tuned.origin.name if trained and tuned.origin.weights else "",
        lm=tuned.lm.to(getattr(torch, _DTYPES[precision])).eval(),
        compression=compression,
        longest_s=tuned.origin.segment_s,
    )


_DTYPES = dict(zip(PRECISIONS, ("float32", "float16", "bfloat16"), strict=True))


def _device(asked: str) -> str:
    import torch

    have = torch.cuda.is_available()
    if asked not in {"auto", "cpu", "cuda"}:
        raise TrainingError(f"--device {asked}: expected auto, cuda or cpu")
    if asked == "cuda" and not have:
        raise TrainingError("--device cuda: torch sees no GPU here; take --device cpu")
    return asked if asked != "auto" else "cuda" if have else "cpu"


def _check_adapter(name: str, adapter: str) -> None:
    from ..adapters.files import CONFIG

    if not (Path(adapter).expanduser() / CONFIG).is_file():
        raise TrainingError(f"--adapter {adapter}: there is no {CONFIG} in it; is it an adapter?")
    folder = Path(name).expanduser()
    if (folder / CONFIG).is_file() or ("/" not in name and not folder.is_dir()):
        raise TrainingError(
            f"{name} --adapter {adapter}: the first has to be a model, by folder or by its name on "
            "the Hub, that the adapter is put on"
        )


def _hash(lm: Any, compression: Any) -> str:
    """Names a model by what decides its sound: all its weights, the text encoder's too."""
    import torch

    encoders = [
        one.__dict__["t5"]
        for one in lm.condition_provider.conditioners.values()
        if "t5" in one.__dict__
    ]
    digest = hashlib.sha256()
    for part in (lm, *encoders, compression):
        for name, value in sorted(part.state_dict().items()):
            digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
            flat = value.detach().cpu().contiguous().flatten().view(torch.uint8)
            digest.update(np.ascontiguousarray(flat.numpy()).data)
    return digest.hexdigest()[:16]


def generate_set(
    model: Model,
    prompts: Sequence[Prompt],
    folder: Path,
    settings: Settings,
    *,
    batch: int = 4,
    kind: str = "wav",
    tell: Callable[[float], None] = lambda _: None,
    graphs: bool = False,
) -> Made:
    """Fills a folder with a clip for each prompt; what is there and the same stays.

    Args:
        model: What makes them.
        prompts: With different ids; `prompts.jsonl` of the folder will hold these.
        folder: Made if it is not there.
        settings: How.
        batch: Clips computed at once; the clips do not depend on it but for rounding.
        kind: wav or flac.
        tell: Told of the sound that is made, in seconds, step by step; first of what is kept.
        graphs: On a GPU, launch steps as CUDA graphs; see `decoding`.

    Raises:
        TrainingError: A value is out of its range, or the GPU's memory does not do.
    """
    if batch < 1:
        raise TrainingError(f"--batch {batch}: expected 1 or more")
    jobs = _jobs(model, prompts, settings)
    folder.mkdir(parents=True, exist_ok=True)
    write_prompts(folder, prompts)
    about = {"model": model.name, "hash": model.hash, "settings": settings, "version": VERSION}
    jsonio.write_atomically(folder / MADE, jsonio.pretty(about))
    samples = round(settings.seconds * model.compression.sample_rate)
    missing = [job for job in jobs if _made_from(_path(folder, job, kind)) != (job.stamp, samples)]
    kept = len(jobs) - len(missing)
    tell(kept * settings.seconds)
    for some, length in _batches(model, missing, batch):
        for job, sound in zip(
            some, _sounds(model, some, length, settings, tell, graphs), strict=True
        ):
            _write(folder, job, sound, model.compression.sample_rate, kind)
    return Made(folder, len(missing), kept)


def _jobs(model: Model, prompts: Sequence[Prompt], settings: Settings) -> list[_Job]:
    found, before = [], Counter[str]()
    precision = str(next(model.lm.parameters()).dtype)
    for prompt in prompts:
        take = before[prompt.prompt]
        before[prompt.prompt] += 1
        said = jsonio.encode(settings).decode()
        stamp = names.digest(VERSION, model.hash, precision, prompt.prompt, take, said)
        found.append(_Job(prompt, take, stamp[:32]))
    return found


def _batches(model: Model, jobs: Sequence[_Job], batch: int) -> Iterator[tuple[list[_Job], int]]:
    """Clips whose texts pad alike, and to how many tokens."""
    from .sampling import text_length

    alike: dict[int, list[_Job]] = defaultdict(list)
    for job in jobs:
        alike[text_length(model.lm, job.prompt.prompt)].append(job)
    for length, some in sorted(alike.items()):
        for first in range(0, len(some), batch):
            yield some[first : first + batch], length


def _sounds(
    model: Model,
    jobs: Sequence[_Job],
    length: int,
    settings: Settings,
    tell: Callable[[float], None],
    graphs: bool,
) -> Iterator[Any]:
    """The sound of each clip: float32 [T, C]."""
    import torch

    from . import sampling

    rate = model.compression.frame_rate
    frames = math.ceil(settings.seconds * rate)
    keys = [(settings.seed, job.prompt.prompt, job.take) for job in jobs]
    texts = [job.prompt.prompt for job in jobs]
    how = settings.drawing()
    try:
        told = sampling.conditions(model.lm, texts, settings.cfg, length)
        codes = sampling.codes(
            model.lm,
            told,
            frames,
            int(model.longest_s * rate),
            keys,
            how,
            lambda share: tell(share * settings.seconds * len(jobs)),
            fixed=graphs and next(model.lm.parameters()).is_cuda,
        )
        samples = round(settings.seconds * model.compression.sample_rate)
        for row in codes:  # one by one: the decoder of a long clip takes more than the rest
            with torch.no_grad():
                sound = model.compression.decode(row[None], None)[0]
            yield sound[:, :samples].float().cpu().numpy().T
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"{len(jobs)} clips of {settings.seconds:g} s at once: the GPU's memory does not do "
            f"({str(error).splitlines()[0]}); take a smaller --batch, or --precision fp16"
        ) from error


def _path(folder: Path, job: _Job, kind: str) -> Path:
    return folder / f"{job.prompt.id}.{kind}"


def _made_from(path: Path) -> tuple[str, int] | None:
    """What a clip was made from, as its file says, and its samples; None where there is no clip."""
    import soundfile

    if not path.is_file():
        return None
    try:
        with soundfile.SoundFile(path) as file:
            return str(file.comment), int(file.frames)
    except soundfile.LibsndfileError:
        return None


def _write(folder: Path, job: _Job, sound: Any, rate: int, kind: str) -> None:
    """Writes a clip whole or not at all, and takes away one of its other format."""
    import soundfile

    if not np.isfinite(sound).all():
        raise TrainingError(
            f"clip {job.prompt.id}: the model gives no numbers for {job.prompt.prompt!r}; try "
            "--precision fp32; a model that was trained to nonsense stays so"
        )
    peak = float(np.abs(sound).max(initial=0.0))
    quiet = sound * min(1.0, LOUDEST / max(peak, 1e-9))
    data = io.BytesIO()
    with soundfile.SoundFile(
        data, "w", rate, sound.shape[1], subtype="PCM_16", format=kind.upper()
    ) as file:
        file.comment = job.stamp  # before the samples, or it is lost
        file.write(quiet)
    jsonio.write_atomically(_path(folder, job, kind), data.getvalue())
    for other in SUFFIXES:
        if other != f".{kind}":
            (folder / f"{job.prompt.id}{other}").unlink(missing_ok=True)


def base_of(model: Model) -> str:
    """The name of the model that another was trained from.

    Raises:
        TrainingError: It has none, or it is not known.
    """
    if model.base:
        return model.base
    raise TrainingError(
        f"{model.name} --compare: what it was trained from is not known, or it is a new model that "
        "was trained from nothing; name a model to compare with by --base"
    )
