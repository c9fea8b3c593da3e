"""Going on after a kill at any moment: what is kept, how it is written, where a run stands."""

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from ..errors import TrainingError


class Progress:
    """How far an epoch is, with its sums so far, so that its averages survive a kill.

    What is random in a step follows from the seed and the step's place alone, so the place is all
    a resumed run needs of it.

    Attributes:
        epoch: From 1.
        update: Updates done in this epoch.
        sums: Of each metric over these updates; tensors stay where they are, nobody waits.
        recent: The same since the last line of the log.
        since: Updates since then.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self.update = 0
        self.sums: dict[str, Any] = {}
        self.recent: dict[str, Any] = {}
        self.since = 0

    def begin(self, epoch: int) -> None:
        """Starts an epoch, unless it is the one that was interrupted."""
        if epoch != self.epoch:
            self.epoch, self.update, self.sums = epoch, 0, {}
            self.recent, self.since = {}, 0

    def add(self, metrics: dict[str, Any]) -> None:
        """Counts an update."""
        self.update += 1
        self.since += 1
        for name, value in metrics.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
            self.recent[name] = self.recent.get(name, 0.0) + value

    def told(self) -> tuple[dict[str, Any], int]:
        """Sums since the last line of the log, and over how many updates; begins the next."""
        found = self.recent, self.since
        self.recent, self.since = {}, 0
        return found

    def share(self) -> None:
        """Averages the sums over the processes that train together; all of them call this."""
        from flashy import distrib

        self.sums = distrib.average_metrics({k: float(v) for k, v in self.sums.items()})

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        sums, recent = (
            {name: float(value) for name, value in some.items()}
            for some in (self.sums, self.recent)
        )
        where = {"epoch": self.epoch, "update": self.update, "since": self.since}
        return {**where, "sums": sums, "recent": recent}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Of a checkpoint."""
        self.epoch, self.update, self.sums = state["epoch"], state["update"], dict(state["sums"])
        self.recent, self.since = dict(state.get("recent", {})), state.get("since", 0)


def check_finite(solver: Any) -> None:
    """Refuses to keep what training has destroyed, so that the checkpoint before stays.

    A loss that is not finite may be fine with a gradient scaler, which skips such a step; the
    weights, and their average, are finite then too. They are looked at in one pass, and where
    processes train together all of them find the same.

    Raises:
        TrainingError: The loss of this epoch or a weight is not a finite number.
    """
    loss = float(solver.progress.sums.get("ce", 0.0))
    if solver.scaler is None and not math.isfinite(loss):
        raise lost(solver, f"the loss is {loss / max(solver.progress.update, 1)}")
    weights = [list(solver.trained)]
    weights += [] if solver.ema is None else [list(solver.ema.shadow.values())]
    if not all(_are_finite(some) for some in weights):
        raise lost(solver, "a weight is no finite number")


def _are_finite(weights: Iterable[torch.Tensor]) -> bool:
    largest = torch._foreach_norm([one.detach() for one in weights], float("inf"))
    return math.isfinite(float(torch.stack(largest).sum()))


def lost(solver: Any, what: str) -> TrainingError:
    """The error of a run that has nothing to go on from but its last checkpoint."""
    before = "the last checkpoint is good" if solver.checkpoint_path().exists() else "none was kept"
    return TrainingError(
        f"epoch {solver.epoch}, update {solver.progress.update}: {what}; {before}: lower optim.lr "
        f"(now {solver.cfg.optim.lr}), or take precision=fp32 or bf16"
    )


def save(state: dict[str, Any], path: Path) -> None:
    """Writes a checkpoint whole or not at all: a kill leaves the one before.

    The bytes are on the disk before the name is: a machine that stops leaves no empty file either.
    """
    waiting = path.with_name(path.name + ".tmp")
    with waiting.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    waiting.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
