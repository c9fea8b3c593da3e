"""Frozen matrices in half precision: what no optimizer touches needs no more.

Autocast computes with the matrices' values in half precision anyway, so keeping only these changes
no result; it saves two thirds of their memory (four bytes, and two of the copy that autocast makes)
and the copying. What is small or computed in single precision (embeddings, norms, output layers)
stays as it is.
"""

from typing import Any

from ..errors import TrainingError
from ..models import base

DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}


def settle(asked: str, precision: str, adapter: str | None) -> str:
    """Which precision the frozen matrices have.

    Args:
        asked: `auto`, `fp32`, `fp16` or `bf16`.
        precision: The run's, settled.
        adapter: Kind of the adapter; None where all is trained, and nothing frozen.

    Raises:
        TrainingError: There is no such precision, or the run computes in single precision.
    """
    if asked not in {"auto", *DTYPES}:
        raise TrainingError(f"model.frozen_dtype={asked}: expected auto, {', '.join(DTYPES)}")
    if asked in {"auto", "fp32"}:
        return precision if asked == "auto" and adapter else "fp32"
    if precision == "fp32":
        raise TrainingError(
            f"model.frozen_dtype={asked}: this run computes in fp32, where it cannot be; take "
            "model.frozen_dtype=auto, or precision=bf16 or fp16"
        )
    if not adapter:
        raise TrainingError(
            f"model.frozen_dtype={asked}: nothing is frozen without an adapter; take adapter=lora"
        )
    return asked


def language_model(cfg: Any, origin: base.Base) -> Any:
    """The language model of a base, see `base.language_model`, on `cfg.device`.

    The matrices of its layers are made in `model.frozen_dtype`: at no moment is there more, so a
    model whose single precision does not fit a GPU can be adapted there.
    """
    from omegaconf import open_dict

    if cfg.model.frozen_dtype == "fp32":
        return base.language_model(cfg, origin).to(cfg.device)
    with open_dict(cfg):
        cfg.dtype = DTYPES[cfg.model.frozen_dtype]
        try:
            model = base.language_model(cfg, origin).to(cfg.device)
        finally:
            cfg.dtype = "float32"
    halves = {id(one) for one in matrices(model)}
    for name, parameter in model.named_parameters():
        if id(parameter) not in halves:
            parameter.data = parameter.data.float()
            if name in origin.weights:
                parameter.data.copy_(origin.weights[name])
    return model


def matrices(model: Any) -> list[Any]:
    """The matrices of the transformer's layers [each ... , in]: nearly all of the model."""
    return [one for one in model.transformer.layers.parameters() if one.ndim > 1]
