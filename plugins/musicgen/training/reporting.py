"""What a run tells while it goes: lines of the log, scalars and sound for TensorBoard and wandb.

Epochs' metrics go to all of these by flashy. Added here: scalars within an epoch, the samples of
the stage `generate`, and the figures of each codebook in the log.
"""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import TrainingError
from . import checkpoint
from .planning import Clock

FORMATS = {
    "lr": ".2E",
    "grad_norm": ".3E",
    "grad_scale": ".0f",
    "skipped": ".0f",
    "ce*": ".3f",
    "ppl*": ".2f",
    "clips_per_s": ".2f",
    "data_wait": ".1%",
    "gpu_gib": ".2f",
    "duration": ".1f",
}
"""How metrics are written, by name or pattern."""

SERVICES = {"log_tensorboard": "tensorboard", "log_wandb": "wandb"}
"""What each switch in `logging` needs."""


def check(cfg: Any) -> None:
    """Refuses a service whose library is absent, before anything is computed.

    Raises:
        TrainingError: wandb or tensorboard is asked for and not installed.
    """
    for switch, package in SERVICES.items():
        if cfg.logging[switch] and importlib.util.find_spec(package) is None:
            raise TrainingError(
                f"logging.{switch}=true needs {package}: pip install {package}, or take "
                f"logging.{switch}=false"
            )


def formatter(*, codebooks: bool = True) -> Any:
    """How metrics are written in the log; those of each codebook only where asked for."""
    from flashy.formatter import Formatter

    hidden = () if codebooks else ("ce_q*", "ppl_q*")
    return Formatter(FORMATS, exclude_keys=hidden, include_formatted=not hidden)


def by_codebook(entropies: Any) -> dict[str, Any]:
    """Cross entropies as audiocraft names them: `ce` of all, `ce_q1` ... of each codebook."""
    return {"ce": entropies.mean(), **{f"ce_q{k}": one for k, one in enumerate(entropies, 1)}}


def with_perplexity(means: dict[str, float]) -> dict[str, float]:
    """Adds the perplexity to each cross entropy: exp of the mean, as it is defined.

    Upstream averages exp over the steps, which is larger the more the steps differ.
    """
    import torch

    found: dict[str, float] = {}
    for name, value in means.items():
        found[name] = value
        if name == "ce" or name.startswith("ce_q"):
            found[name.replace("ce", "ppl", 1)] = float(torch.tensor(value).exp())
    return found


def tell_step(solver: Any, sums: dict[str, Any], updates: int, clock: Clock) -> None:
    """Logs the means of the last updates, and refuses to go on from nonsense.

    Args:
        solver: Within an epoch.
        sums: Of each metric over these updates.
        updates: How many.
        clock: Of this epoch.

    Raises:
        TrainingError: The loss is not finite, and not because single steps were skipped.
    """
    means = {name: float(value) / updates for name, value in sums.items()}
    if not means["ce"] < float("inf") and means.get("skipped", 1.0) == 1.0:
        raise checkpoint.lost(solver, f"the loss is {means['ce']}")
    where = f"Train | Epoch {solver.epoch} | {solver.progress.update}/"
    if "skipped" in means:
        means["skipped"] *= updates
    means = {**with_perplexity(means), **clock.metrics()}
    shown = formatter(codebooks=False)(means)
    told = " | ".join([clock.speed(), *(f"{k} {v}" for k, v in shown.items())])
    solver.logger.info("%s%d | %s", where, solver.train_updates_per_epoch, told)
    log_step(solver, means)


def services(solver: Any) -> Iterator[Any]:
    """TensorBoard and wandb, where they are on; not flashy's own writer of files."""
    for name, logger in solver.result_logger._experiment_loggers.items():
        if name != "local":
            yield logger


def log_step(solver: Any, metrics: dict[str, float]) -> None:
    """Scalars within an epoch; the step is the number of updates since the start of training."""
    step = (solver.epoch - 1) * solver.train_updates_per_epoch + solver.progress.update
    for logger in services(solver):
        logger.log_metrics("step", metrics, step=step)


def log_samples(solver: Any, folder: Path) -> None:
    """The sound and the texts of one epoch's samples.

    Args:
        solver: With its loggers.
        folder: Where the samples of this epoch are, each with its .json.
    """
    loggers = list(services(solver))
    if not loggers:
        return
    import soundfile
    import torch

    for number, path in enumerate(sorted(folder.glob(f"*.{solver.cfg.generate.audio.format}"))):
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
        said = json.loads(path.with_suffix(".json").read_bytes())["conditioning"]
        for logger in loggers:
            place = {"prefix": "generate", "step": solver.epoch}
            wave = torch.from_numpy(sound.T.copy())
            logger.log_audio(key=f"sample {number}", audio=wave, sample_rate=rate, **place)
            logger.log_text(key=f"text {number}", text=json.dumps(said), **place)


def flush(solver: Any) -> None:
    """Writes out what TensorBoard still has in memory: a run may be killed at any moment."""
    for logger in services(solver):
        writer = logger.writer
        if hasattr(writer, "flush"):
            writer.flush()
