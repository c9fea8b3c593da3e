"""What of a training step is computed again on the way back, in place of being kept.

Most of what a step keeps is cheap to make: outputs of norms and activation functions, inputs in
half precision, what dropout left. What is dear is kept: matrix products and attention. By
`model.checkpointing`, from the fastest to the leanest:

    none         all is kept
    light        norms, activation functions and dropouts are computed again; no matrix product
                 of the model's own is
    feedforward  also the first product of the feed-forward layers, their widest
    torch        whole layers, of which only the inputs are kept
    auto         the first of these that the GPU has the memory for by the estimate (`memory`);
                 none on a CPU

The gradients are the same to the bit: what is computed again is computed by the same functions on
the same numbers, and dropout drops the same.
"""

from typing import Any

from ..errors import TrainingError

MODES = ("none", "light", "feedforward", "torch")
"""From the fastest to the leanest."""
ASKED = ("auto", *MODES)
LEAN = ("light", "feedforward")
"""Those that need layers of our own, see `lean`."""

ROOM = 1.1
"""An automatic choice leaves so much more than the estimate: torch's allocator keeps some memory
for later, by which the measured runs that `memory` names took up to 9 % more."""

STORIES = {
    "none": "all is kept",
    "light": "norms, activation functions and dropouts are computed again",
    "feedforward": "norms, dropouts and feed-forward layers are computed again",
    "torch": "all layers are computed again",
}


def check(asked: str) -> None:
    """Refuses another word.

    Raises:
        TrainingError: There is no such mode.
    """
    if asked not in ASKED:
        raise TrainingError(f"model.checkpointing={asked}: expected {', '.join(ASKED)}")


def apply(cfg: Any, model: Any, compression: Any) -> None:
    """Lets the layers of a model compute again what the configuration says.

    Args:
        cfg: The run's configuration, settled.
        model: audiocraft's LMModel, with what is trained marked and adapters attached.
        compression: The compression model, for the estimate.

    Raises:
        TrainingError: Its layers are of a build that only `none` and `torch` know.
    """
    mode = settle(cfg, model, compression)
    if mode in LEAN:
        from .lean import swap

        swap(model, mode)
    model.transformer.checkpointing = "torch" if mode == "torch" else "none"


def mode_of(model: Any) -> str:
    """The mode that the layers of a model are in."""
    if model.transformer.checkpointing == "torch":
        return "torch"
    return str(getattr(model.transformer.layers[0], "mode", "none"))


def settle(cfg: Any, model: Any, compression: Any) -> str:
    """The mode of a run, see above."""
    asked = str(cfg.model.checkpointing)
    check(asked)
    if asked != "auto":
        return asked
    if cfg.device != "cuda" or cfg.execute_only:
        return "none"
    from . import machine, memory
    from .lean import fits

    have, _ = machine.available(cfg.device)
    modes = [one for one in MODES if one not in LEAN or fits(model)]
    if cfg.compile.use:  # there `light` is left to the compiler, and what that keeps is not known
        modes = [one for one in modes if one != "light"]
    for mode in modes:
        if memory.estimate(cfg, model, compression, mode).total * ROOM <= have:
            return mode
    return modes[-1]


def line(cfg: Any, model: Any) -> str:
    """Says it, for the start of a run."""
    asked, mode = cfg.model.checkpointing, mode_of(model)
    chosen = f"{mode}, chosen for the memory there is" if asked == "auto" else mode
    return f"Activations: {STORIES[mode]} (model.checkpointing={chosen})"
