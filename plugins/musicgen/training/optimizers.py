"""Optimizers of what is trained: audiocraft's, fused on a GPU, or in 8 bits."""

from typing import Any

from ..errors import TrainingError


def build(model: Any, options: Any, device: str) -> Any:
    """The optimizer of the parameters that are trained.

    Args:
        model: audiocraft's LMModel.
        options: `optim` of the configuration.
        device: `cuda` or `cpu`.

    Raises:
        TrainingError: The optimizer needs a library that is absent.
    """
    from audiocraft.solvers import builders
    from omegaconf import OmegaConf

    groups: Any = [
        {**group, "params": [one for one in group["params"] if one.requires_grad]}
        for group in builders.get_optim_parameter_groups(model)
    ]
    groups = [group for group in groups if group["params"]]
    own: Any = OmegaConf.create(OmegaConf.to_container(options, resolve=True))
    if own.optimizer == "adamw8bit":
        return _adamw8bit(groups, own)
    if own.optimizer in {"adam", "adamw"} and device == "cuda":
        own.adam.fused = True
    return builders.get_optimizer(groups, own)


def as_here(state: dict[str, Any], optimizer: Any) -> None:
    """Has the optimizer of a checkpoint compute as this machine's does: it may be another's.

    Torch takes over how it was computed too, and then a GPU does not fuse, which is slow, and with
    a gradient scaler fails.

    Args:
        state: Of the checkpoint; changed.
        optimizer: Of this run.
    """
    for kept, own in zip(state["param_groups"], optimizer.param_groups, strict=False):
        kept.update({name: own[name] for name in ("fused", "foreach") if name in own})


def _adamw8bit(groups: list[dict[str, Any]], options: Any) -> Any:
    try:
        from bitsandbytes.optim import AdamW8bit  # type: ignore[import-not-found]
    except ImportError as error:
        raise TrainingError(
            "optim.optimizer=adamw8bit needs bitsandbytes: pip install bitsandbytes, or take adamw"
        ) from error
    return AdamW8bit(groups, lr=options.lr, **options.adam)
