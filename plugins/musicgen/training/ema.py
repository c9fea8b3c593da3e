"""A moving average of what is trained, and of nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


class Average:
    """Exponential moving average of trainable parameters, as audiocraft's ModuleDictEMA weighs it.

    Upstream averages every parameter and buffer, frozen ones too.

    Attributes:
        decay: Share of the old average that each step keeps, below 1.
        count: Sum of the weights so far: early averages are not pulled to the start.
        shadow: The averages, by parameter name, in float32.
    """

    def __init__(self, model: torch.nn.Module, decay: float, device: str | None = None) -> None:
        self.decay = decay
        self.count = 0.0
        self.named = {
            name: parameter
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        }
        self.shadow = {
            name: parameter.detach().to(device or parameter.device, torch.float32, copy=True)
            for name, parameter in self.named.items()
        }

    @torch.no_grad()
    def step(self) -> None:
        """Moves the average towards the parameters."""
        self.count = self.count * self.decay + 1
        for name, parameter in self.named.items():
            shadow = self.shadow[name]
            shadow.lerp_(parameter.to(shadow), 1 / self.count)

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """The model has the averages for a while."""
        kept = {name: parameter.detach().clone() for name, parameter in self.named.items()}
        self._put(self.shadow)
        try:
            yield
        finally:
            self._put(kept)

    @torch.no_grad()
    def _put(self, values: dict[str, torch.Tensor]) -> None:
        for name, parameter in self.named.items():
            parameter.copy_(values[name])

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"count": self.count, "state": self.shadow}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Of a checkpoint."""
        self.count = state["count"]
        for name, value in state["state"].items():
            self.shadow[name].copy_(value)
