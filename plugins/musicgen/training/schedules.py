"""Learning-rate schedules: audiocraft's, where two of them cannot be used as they are."""

from typing import Any


def build(optimizer: Any, options: Any, updates: int) -> Any:
    """The schedule of a run; None where the learning rate stays.

    Upstream hands `exponential` to torch as a section in place of a number, and its cosine divides
    by nothing where the warmup ends with the run.

    Args:
        optimizer: Whose learning rate it is.
        options: `schedule` of the configuration.
        updates: Of the whole run.
    """
    from audiocraft.solvers import builders
    from omegaconf import OmegaConf

    own: Any = OmegaConf.create(OmegaConf.to_container(options, resolve=True))
    own.exponential = own.exponential.lr_decay
    if own.lr_scheduler == "cosine":  # the same, unless the run ends before the cosine begins
        updates = max(updates, own.cosine.warmup + 1)
    return builders.get_lr_scheduler(optimizer, own, updates)
