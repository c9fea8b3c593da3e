"""Counts what a training step on a GPU would have in memory, to the byte, on a machine without one.

The step is real: audiocraft's model, our adapters, layers and loss, autograd and AdamW. Its tensors
are torch's fake ones, which have a shape and a type and no numbers, so MusicGen's true sizes take
seconds. Fake tensors of a GPU cannot go the way back where there is none, so they are the CPU's, in
its autocast, and what a GPU does otherwise is done here as there:

- attention is the memory-efficient or the flash kernel, which both keep queries, keys, values,
  result and a number a head and frame, and no probabilities;
- dropout keeps what it dropped as bytes and not as numbers.

Sizes are rounded up to 512 bytes as torch's allocator does. Not counted: what kernels need inside,
pieces of memory too small to be used again, and CUDA itself.
"""

import contextlib
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

from plugins.musicgen import tiny
from plugins.musicgen.fitting import frozen, recompute
from plugins.musicgen.fitting.memory import Shape
from plugins.musicgen.mended import upstream
from plugins.musicgen.training import steps

upstream.mend()

import torch  # noqa: E402  after mend()
from audiocraft.models import builders  # noqa: E402
from omegaconf import OmegaConf  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_map_only  # noqa: E402

from plugins.musicgen.adapters.adapter import attach  # noqa: E402
from plugins.musicgen.adapters.options import AdapterOptions  # noqa: E402

BLOCK = 512
"""Bytes: torch's allocator gives multiples of it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted, in bytes.

    Attributes:
        saved: Kept by autograd from the way there to the way back, without parameters.
        fixed: Weights and the optimizer's moments.
        peak: The most at any moment of a step, with all of that.
    """

    saved: int
    fixed: int
    peak: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A step to count.

    Attributes:
        shape: Of the language model.
        clips: In the batch.
        frames: Of each.
        mode: Of `recompute`.
        rank: Of LoRA beside all matrices; 0: all is trained.
        drop: The adapter's dropout.
        half: Computes in half precision.
        words: Tokens of each text.
        kernel: Of attention: `efficient` (all GPUs) or `flash` (from Ampere on).
    """

    shape: Shape
    clips: int
    frames: int
    mode: str = "none"
    rank: int = 0
    drop: float = 0.05
    half: bool = True
    words: int = 32
    kernel: str = "efficient"


def count(asked: Asked) -> Counted:
    """Counts a step; the second of two, so that the optimizer has what it keeps."""
    model = _empty(asked.shape)
    live = _Live()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_as_on_a_gpu(asked.kernel))
        stack.enter_context(FakeTensorMode())
        stack.enter_context(live)
        _materialise(model)
        if asked.rank:
            if asked.half:
                for one in frozen.matrices(model):
                    one.data = one.data.to(torch.bfloat16)
            options = AdapterOptions(rank=asked.rank, dropout=asked.drop)
            attach(model, options)
        _set_mode(model, asked.mode)
        model.train()
        trained = [one for one in model.parameters() if one.requires_grad]
        optimizer = torch.optim.AdamW(trained, foreach=False)
        for number in range(2):
            fixed = live.now
            live.most = live.now
            saved = _step(model, asked)
            found = Counted(saved, fixed, live.most)
            if number == 0:
                optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    return found


def _step(model: Any, asked: Asked) -> int:
    """Forward and backward; returns the bytes that were saved between."""
    codes = torch.zeros(asked.clips, model.num_codebooks, asked.frames, dtype=torch.long)
    texts = torch.zeros(asked.clips, asked.words, model.dim)
    conditions = {"description": (texts, torch.ones(asked.clips, asked.words))}
    own = {id(one.untyped_storage()) for one in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if id(storage) not in own:
            kept[id(storage)] = storage.nbytes()
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=asked.half),
    ):
        out = steps.hidden(model, codes, conditions)
        loss = steps.surprise(model, out, codes).sum()
    del out
    loss.backward()
    return sum(kept.values())


def _empty(shape: Shape) -> Any:
    """A model without memory for its numbers."""
    cfg = tiny.lm_config("mono", "lut")
    cfg["device"] = "meta"
    cfg["transformer_lm"].update(
        dim=shape.dim,
        num_heads=max(1, shape.dim // 64),
        num_layers=shape.layers,
        hidden_scale=shape.hidden // shape.dim,
        n_q=shape.books,
        card=shape.card,
        dropout=0.1 if shape.dropout else 0.0,
    )
    return builders.get_lm_model(OmegaConf.create(cfg))


def _materialise(model: Any) -> None:
    for module in model.modules():
        for name, one in list(module._parameters.items()):
            if one is not None:
                module._parameters[name] = nn.Parameter(torch.empty(one.shape))


def _set_mode(model: Any, mode: str) -> None:
    cfg: Any = OmegaConf.create({"model": {"checkpointing": mode}})
    recompute.apply(cfg, model, None)


class _Live(TorchDispatchMode):
    """Knows how many bytes of tensors there are.

    Attributes:
        now: At this moment.
        most: At any so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        tree_map_only(Tensor, self._add, out)
        return out

    def _add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        place = storage._cdata
        if place not in self._known:
            size = -(-storage.nbytes() // BLOCK) * BLOCK
            self._known.add(place)
            weakref.finalize(storage, self._remove, place, size)
            self.now += size
            self.most = max(self.most, self.now)

    def _remove(self, place: int, size: int) -> None:
        self._known.discard(place)
        self.now -= size


@contextlib.contextmanager
def _as_on_a_gpu(kernel: str) -> Iterator[None]:
    """Attention and dropout keep what they keep on a GPU."""
    with (
        mock.patch("torch.nn.functional.scaled_dot_product_attention", _attention(kernel)),
        mock.patch("torch.nn.functional.dropout", _dropout),
    ):
        yield


def _attention(kernel: str) -> Callable[..., Tensor]:
    def attention(
        q: Tensor, k: Tensor, v: Tensor, *, is_causal: bool = False, dropout_p: float = 0.0
    ) -> Tensor:
        if kernel == "flash":
            flash = torch.ops.aten._scaled_dot_product_flash_attention
            return flash(q, k, v, dropout_p, is_causal)[0]
        efficient = torch.ops.aten._scaled_dot_product_efficient_attention
        return efficient(q, k, v, None, True, dropout_p, is_causal)[0]

    return attention


def _dropout(x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    return torch.native_dropout(x, p, True)[0] if training and p else x
