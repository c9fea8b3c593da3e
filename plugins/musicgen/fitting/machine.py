"""What a run computes with: device and precision, and whether its memory will do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import TrainingError
from . import frozen, recompute
from .memory import GIB, Memory

PRECISIONS = {"fp32": None, "fp16": "float16", "bf16": "bfloat16"}


def choose(cfg: Any) -> None:
    """Settles `device` and `precision`, and tells audiocraft what they mean.

    fp16 with a gradient scaler on a GPU without bf16 (a T4), bf16 elsewhere, fp32 on a CPU.

    Raises:
        TrainingError: A GPU is asked for and there is none, or a name is unknown.
    """
    import torch
    from omegaconf import open_dict

    have = torch.cuda.is_available()
    if cfg.device not in {"auto", "cpu", "cuda"}:
        raise TrainingError(f"device={cfg.device}: expected auto, cuda or cpu")
    if cfg.device == "cuda" and not have:
        raise TrainingError(
            "device=cuda: torch sees no GPU here; take device=cpu, or install a driver "
            "(nvidia-smi shows whether there is one)"
        )
    if cfg.precision not in {"auto", *PRECISIONS}:
        raise TrainingError(f"precision={cfg.precision}: expected auto, fp32, fp16 or bf16")
    recompute.check(cfg.model.checkpointing)
    device = ("cuda" if have else "cpu") if cfg.device == "auto" else cfg.device
    precision = cfg.precision
    if precision == "auto":
        precision = "fp32" if device == "cpu" else _half(torch)
    if precision == "bf16" and device == "cuda" and _half(torch) != "bf16":
        raise TrainingError(
            f"precision=bf16: {torch.cuda.get_device_name()} has no bf16; take precision=fp16"
        )
    if precision == "fp16" and device == "cpu":
        raise TrainingError("precision=fp16 is for GPUs; on a CPU take fp32 or bf16")
    if cfg.optim.ema.use and cfg.optim.ema.device == "cuda" and device == "cpu":
        raise TrainingError("optim.ema.device=cuda: this run is on a CPU; take null, or cpu")
    with open_dict(cfg):
        cfg.device, cfg.precision, cfg.dtype = device, precision, "float32"
        cfg.autocast = PRECISIONS[precision] is not None
        cfg.autocast_dtype = PRECISIONS[precision] or "bfloat16"
        asked = cfg.model.get("frozen_dtype", "auto")
        cfg.model.frozen_dtype = frozen.settle(asked, precision, cfg.adapter.kind)


def _half(torch: Any) -> str:
    """The half precision this GPU computes natively: bf16 from Ampere on."""
    return "bf16" if torch.cuda.get_device_capability()[0] >= 8 else "fp16"


def check_memory(needed: Memory, cfg: Any) -> None:
    """Refuses a run that will not fit.

    Raises:
        TrainingError: More is needed than there is.
    """
    have, where = available(cfg.device)
    if cfg.check_memory and needed.total > have:
        raise TrainingError(
            f"memory: about {needed.total / GIB:.1f} GiB are needed ({needed.weights / GIB:.1f} "
            f"weights, {needed.training / GIB:.1f} gradients and optimizer, "
            f"{needed.activations / GIB:.1f} activations), {where} has {have / GIB:.1f}; lower "
            "dataset.batch_size (with optim.accumulate the result stays), take adapter=lora or "
            "model.checkpointing=torch; check_memory=false tries all the same"
        )


@contextmanager
def enough(cfg: Any) -> Iterator[None]:
    """Says what to do where the GPU's memory ends within it, whatever the estimate was.

    Raises:
        TrainingError: In place of torch's OutOfMemoryError.
    """
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"the GPU's memory does not do ({str(error).splitlines()[0]}); nvidia-smi shows what "
            "else uses it; model.checkpointing=torch keeps the least of a step (now "
            f"{cfg.model.checkpointing}) and goes on from the last checkpoint; else lower "
            "dataset.batch_size (with optim.accumulate the result stays), or take adapter=lora"
        ) from error


def available(device: str) -> tuple[int, str]:
    """Bytes that a run may use, and of what: what is free, and what it has already."""
    import torch

    if device == "cuda":
        free = torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved()
        return free, torch.cuda.get_device_name()
    import psutil

    own = psutil.Process().memory_info().rss
    return psutil.virtual_memory().available + own, "this machine"
