"""Going on after a kill at any moment: what is kept, how it is written, where a run stands."""

import os
from pathlib import Path
from typing import Any

import torch


class Progress:
    """How far an epoch is, with its sums so far, so that its averages survive a kill.

    What is random in a step follows from the seed and the step's place alone, so the place is all
    a resumed run needs of it.

    Attributes:
        epoch: From 1.
        update: Updates done in this epoch.
        sums: Of each metric over these updates; tensors stay where they are, nobody waits.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self.update = 0
        self.sums: dict[str, Any] = {}

    def begin(self, epoch: int) -> None:
        """Starts an epoch, unless it is the one that was interrupted."""
        if epoch != self.epoch:
            self.epoch, self.update, self.sums = epoch, 0, {}

    def add(self, metrics: dict[str, Any]) -> None:
        """Counts an update."""
        self.update += 1
        for name, value in metrics.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def share(self) -> None:
        """Averages the sums over the processes that train together; all of them call this."""
        from flashy import distrib

        self.sums = distrib.average_metrics({k: float(v) for k, v in self.sums.items()})

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        sums = {name: float(value) for name, value in self.sums.items()}
        return {"epoch": self.epoch, "update": self.update, "sums": sums}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Of a checkpoint."""
        self.epoch, self.update, self.sums = state["epoch"], state["update"], dict(state["sums"])


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
