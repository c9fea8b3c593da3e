"""In place of xformers: audiocraft imports it always, for one function that torch has as well."""

import importlib.util
from types import ModuleType, SimpleNamespace
from typing import Any

from ..errors import TrainingError

USED = ("unbind", "LowerTriangularMask")
"""What audiocraft takes of xformers with the `torch` attention; the second only as a flag."""


def modules() -> dict[str, ModuleType]:
    """The stand-in and its parts, by the names they are imported under."""
    import torch

    package, ops = ModuleType("xformers"), ModuleType("xformers.ops")
    profiling = ModuleType("xformers.profiler")  # each call of attention asks whether it is on
    for module in (package, ops, profiling):  # without a spec, `find_spec("xformers")` raises
        module.__spec__ = importlib.util.spec_from_loader(module.__name__, loader=None)
    package.__path__ = []
    values = (torch.unbind, type("LowerTriangularMask", (), {}))
    for name, value in zip(USED, values, strict=True):
        setattr(ops, name, value)

    def memory_efficient_attention(*args: Any, **kwargs: Any) -> None:
        raise TrainingError("efficient_attention_backend=xformers: xformers was not loaded")

    ops.memory_efficient_attention = memory_efficient_attention  # type: ignore[attr-defined]
    package.ops = ops  # type: ignore[attr-defined]
    off = type("_Profiler", (), {"_CURRENT_PROFILER": None})
    profiling.profiler = SimpleNamespace(_Profiler=off)  # type: ignore[attr-defined]
    return {one.__name__: one for one in (package, ops, profiling)}
