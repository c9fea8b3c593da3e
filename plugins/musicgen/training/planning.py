"""What a run says of itself: what will happen, printed once, and how fast it goes."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from .. import curves
from ..dataset import data, text
from ..fitting import machine, memory, recompute


def lines(solver: Any, source: data.Source, splits: dict[str, data.Split]) -> Iterator[str]:
    """What will happen, a line each."""
    cfg = solver.cfg
    train = splits["train"]
    everything = sum(one.numel() for one in solver.model.parameters())
    trained = sum(one.numel() for one in solver.trained)
    each = cfg.dataset.batch_size * cfg.optim.accumulate
    drawn = each * cfg.optim.updates_per_epoch * cfg.optim.epochs
    yield f"Experiment: {solver.xp.sig}, in {solver.folder}"
    yield f"Base: {cfg.base}; {cfg.precision} on {cfg.device}"
    yield f"Parameters: {trained:,} trained, {everything - trained:,} frozen"
    if solver.adapter is not None:
        yield from solver.adapter.describe().splitlines()
    needed = memory.estimate(cfg, solver.model, solver.compression_model)
    machine.check_memory(needed, cfg)
    have, where = machine.available(cfg.device)
    yield (
        f"Memory: about {_gib(needed.total)} of {_gib(have)} ({where}): {_gib(needed.weights)} "
        f"weights, {_gib(needed.training)} gradients and optimizer, "
        f"{_gib(needed.activations)} activations"
    )
    yield recompute.line(cfg, solver.model)
    for name in ("train", "valid", "test"):
        if name in splits:
            yield f"Data: {name}: {splits[name].clips:,} clips, {_long(splits[name].hours)}"
    if train.shortest_s < cfg.dataset.segment_duration - 0.01:
        yield (
            f"Data: some clips are shorter ({train.shortest_s:.1f} s) than the crops "
            f"({cfg.dataset.segment_duration:g} s): the silence behind them is trained on"
        )
    texts = text.parse_options(cfg.text)
    dropout = cfg.classifier_free_guidance.training_dropout
    yield from text.lines(text.measure(data.sidecars(source), texts), texts, dropout)
    yield (
        f"Steps: {cfg.optim.updates_per_epoch:,} updates an epoch of {each} crops of "
        f"{cfg.dataset.segment_duration:g} s, {cfg.optim.epochs} epochs: "
        f"{drawn / train.clips:.1f} passes over the training clips"
    )
    yield from _warnings(cfg)


def _warnings(cfg: Any) -> Iterator[str]:
    """What is allowed, and probably not meant."""
    updates = cfg.optim.updates_per_epoch * cfg.optim.epochs
    name = cfg.schedule.lr_scheduler
    warmup = cfg.schedule[name].get("warmup") if name else None
    if warmup and warmup >= updates:
        yield (
            f"Steps: the warmup of {warmup} updates does not end in {updates}: the learning rate "
            f"never reaches optim.lr; lower schedule.{name}.warmup, or train longer"
        )
    if cfg.precision == "fp32" and cfg.device == "cuda":
        yield "Precision: fp32 on a GPU takes twice the memory and several times as long"


def resuming(solver: Any) -> str:
    """Where a run goes on."""
    done, epoch = solver.progress.update, solver.epoch
    where = f"Going on in epoch {epoch} after update {done} of {solver.train_updates_per_epoch}"
    if solver.progress.epoch != epoch:
        where = f"Going on after epoch {epoch - 1} of {solver.cfg.optim.epochs}"
    return f"{where}{_best(solver)}"


def ending(solver: Any) -> str:
    """What to do with what was trained."""
    return (
        f"Done{_best(solver)}. Listen: python -m plugins.musicgen.generate {solver.xp.sig} TEXT "
        f"--compare; curves and samples are in {solver.folder}"
    )


def _best(solver: Any) -> str:
    found = curves.best(solver.history)
    return f"; best so far: epoch {found[0]}, valid ce={found[1]:.3f}" if found else ""


def _long(hours: float) -> str:
    if hours >= 1:
        return f"{hours:,.1f} h"
    return f"{hours * 60:.0f} min" if hours * 60 >= 1 else f"{hours * 3600:.0f} s"


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


class Clock:
    """How fast training goes, and how much of the time it waits for data.

    Attributes:
        clips: In a batch, over all processes.
        batches: Seen so far.
        waited_s: Time spent waiting for data, in seconds.
    """

    def __init__(self, clips: int) -> None:
        self.clips = clips
        self.batches = 0
        self.waited_s = 0.0
        self.begun_s = time.monotonic()

    def timed(self, loader: Iterable[Any]) -> Iterator[Any]:
        """The loader's batches, while time is taken."""
        batches = iter(loader)
        while True:
            asked = time.monotonic()
            batch = next(batches, None)
            self.waited_s += time.monotonic() - asked
            if batch is None:
                return
            self.batches += 1
            yield batch

    @property
    def elapsed_s(self) -> float:
        """Time since the start, in seconds."""
        return max(time.monotonic() - self.begun_s, 1e-9)

    def speed(self) -> str:
        """For a line of the log."""
        return f"{self.batches / self.elapsed_s:.2f} it/sec"

    def metrics(self) -> dict[str, float]:
        """Clips per second, share of the time that was waiting, memory of the GPU in GiB."""
        import torch

        if not self.batches:
            return {}
        found = {
            "clips_per_s": self.batches * self.clips / self.elapsed_s,
            "data_wait": self.waited_s / self.elapsed_s,
        }
        if torch.cuda.is_available():
            found["gpu_gib"] = torch.cuda.max_memory_allocated() / 2**30
        return found
