"""`torch.compile` where it helps and nowhere else: the transformer's layers, in training steps.

Each layer is compiled by itself: they are alike, so one compilation serves all. Names of parameters
stay, so checkpoints do not know of it. Generation keeps a state in the layers that grows with each
step, which would compile anew: there they run as they are.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import TrainingError

MODES = ("default", "max-autotune-no-cudagraphs")
"""Those without CUDA graphs: a graph's memory is written anew at each step, and gradients that are
accumulated would lie in it."""


class Compiled:
    """The compiled layers of a language model.

    Args:
        model: audiocraft's LMModel.
        options: `compile` of the configuration.
        device: `cuda` or `cpu`.

    Raises:
        TrainingError: There is no such mode, or no compiler to compile with.
    """

    def __init__(self, model: Any, options: Any, device: str) -> None:
        import torch

        inductor = options.backend == "inductor"
        if options.mode not in MODES:
            raise TrainingError(f"compile.mode={options.mode}: expected {', '.join(MODES)}")
        if not inductor and options.backend not in torch._dynamo.list_backends(()):
            known = ", ".join(["inductor", *torch._dynamo.list_backends(())])
            raise TrainingError(f"compile.backend={options.backend}: expected one of {known}")
        if inductor and device == "cpu" and not (shutil.which("g++") or shutil.which("clang++")):
            raise TrainingError(
                "compile.use=true: on a CPU torch.compile needs a C++ compiler, and there is no "
                "g++ or clang++; install one, or leave compile.use=false"
            )
        self.layers = list(model.transformer.layers)
        mode = options.mode if inductor else None  # only inductor has modes
        self.calls = [
            torch.compile(one._call_impl, backend=options.backend, mode=mode) for one in self.layers
        ]

    @contextmanager
    def used(self) -> Iterator[None]:
        """Within it, the layers run compiled."""
        for layer, call in zip(self.layers, self.calls, strict=True):
            layer._compiled_call_impl = call
        try:
            yield
        finally:
            for layer in self.layers:
                layer._compiled_call_impl = None
