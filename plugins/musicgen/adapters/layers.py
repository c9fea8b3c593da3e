"""Layers with an adapter: modules of the base model that also take a second, trainable path.

A module is adapted in place: it keeps its parameters and their names, gets the adapter as a child
module, and its class becomes a subclass that uses it (`torch.nn.utils.parametrize` works the same
way). So base checkpoints still load, `deepcopy` and `state_dict` work, and taking the child away
and giving the class back restores the very module.

Why not PEFT's own layer for bare parameters (`LoraConfig(target_parameters=…)`): it swaps a
parametrization in and out on every call, computes the full W + B A and, going back, the full
gradient of W, and refuses dropout and DoRA. Here nothing of the size of W is made (but for DoRA's
row lengths).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from audiocraft.modules.transformer import StreamingMultiheadAttention
from torch import Tensor, nn

from .options import AdapterOptions

LINEAR_CHILD = "adapter"
PACKED_CHILD = "in_proj_adapter"
PACKED_PARTS = ("q", "k", "v")


class LowRank(nn.Module):
    """Low-rank matrices beside one frozen matrix, or beside some parts of a packed one.

    A packed matrix holds several, one above the other (queries, keys and values). Each adapted part
    has its own A [rank, in] and B [rows of the part, rank]; they are kept together, which takes two
    parameters a matrix and not six.

    Args:
        base: The frozen matrix [sum(sizes), in]; gives device and shape, and DoRA's first lengths.
        sizes: Rows of each part, in their order in `base`.
        chosen: Which parts are adapted, at least one.
        options: Rank, scale, dropout and the rest.

    Attributes:
        A: [adapted parts × rank, in], float32 whatever the base is: a small step on a
            half-precision weight would round to nothing.
        B: [rows of the adapted parts, rank], float32, zero at the start.
        magnitude: [rows of the adapted parts], DoRA's lengths, or None.
        enabled: False makes the layer do as the base alone.
    """

    def __init__(
        self, base: Tensor, sizes: Sequence[int], chosen: Sequence[bool], options: AdapterOptions
    ) -> None:
        super().__init__()
        self.sizes, self.chosen = tuple(sizes), tuple(chosen)
        self.rank, self.scaling, self.enabled = options.rank, options.scaling, True
        self.dropout = nn.Dropout(options.dropout) if options.dropout else nn.Identity()
        rows = sum(size for size, use in zip(sizes, chosen, strict=True) if use)
        # In float32 on the base's device.
        like = torch.empty(0, device=base.device, dtype=torch.float32)
        self.A = nn.Parameter(like.new_empty(sum(chosen) * self.rank, base.shape[1]))
        self.B = nn.Parameter(like.new_zeros(rows, self.rank))
        if options.init == "gaussian":
            nn.init.normal_(self.A, std=1 / self.rank)
        else:
            nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))
        self.magnitude: nn.Parameter | None = None
        if options.dora:
            parts = zip(base.detach().float().split(self.sizes), self.chosen, strict=True)
            lengths = [part.norm(dim=1) for part, use in parts if use]
            self.magnitude = nn.Parameter(torch.cat(lengths))

    def forward(
        self, x: Tensor, weight: Tensor, bias: Tensor | None, parts: range | None = None
    ) -> Tensor:
        """Applies the base and the adapter.

        Args:
            x: [..., in].
            weight: The base's rows of these parts, [rows, in].
            bias: [rows] or None.
            parts: The parts asked for; all when None.

        Returns:
            [..., rows], in the type the base alone would give.
        """
        parts = range(len(self.sizes)) if parts is None else parts
        if not (self.enabled and any(self.chosen[i] for i in parts)):
            return F.linear(x, weight, bias)
        if torch.is_autocast_enabled(x.device.type):
            # Cast once for both paths, and keep the small copy for the way back.
            x = x.to(torch.get_autocast_dtype(x.device.type))
        flat = x.reshape(-1, x.shape[-1])
        inner = F.linear(self.dropout(flat), self._down(parts).to(flat.dtype))
        up = (self._up(parts) * self.scaling).to(flat.dtype).t()
        if self.magnitude is not None:
            out = F.linear(flat, weight).addmm_(inner, up)
            out = out * self._stretch(weight, parts).to(out.dtype)
            out = out if bias is None else out + bias.to(out.dtype)
            return out.view(*x.shape[:-1], out.shape[-1])
        # The large product last: on the way back `lean` computes again what comes before it.
        out = inner @ up if bias is None else torch.addmm(bias.to(flat.dtype), inner, up)
        # In place: what a product gives out is not needed on its way back.
        out.addmm_(flat, weight.to(flat.dtype).t())
        return out.view(*x.shape[:-1], out.shape[-1])

    def merged(self, weight: Tensor) -> Tensor:
        """Returns the matrix that alone does what base and adapter do, in the base's type.

        Args:
            weight: The whole base matrix, [sum(sizes), in].
        """
        every = range(len(self.sizes))
        with torch.no_grad():
            merged = weight.float() + self._product(every)
            if self.magnitude is not None:
                merged = merged * self._stretch(weight, every)[:, None]
            return merged.to(weight.dtype)

    def pieces(self, part: int) -> dict[str, Tensor]:
        """Returns the tensors of one adapted part (views), by PEFT's names."""
        index = sum(self.chosen[:part])
        rows = [size for size, use in zip(self.sizes, self.chosen, strict=True) if use]
        found = {
            "lora_A.weight": self.A.split(self.rank)[index],
            "lora_B.weight": self.B.split(rows)[index],
        }
        if self.magnitude is not None:
            found["lora_magnitude_vector"] = self.magnitude.split(rows)[index]
        return found

    def _down(self, parts: range) -> Tensor:
        """A of the adapted ones among these parts, [their number × rank, in]."""
        first = sum(self.chosen[: parts.start])
        number = sum(self.chosen[i] for i in parts)
        return self.A[first * self.rank : (first + number) * self.rank]

    def _up(self, parts: range) -> Tensor:
        """B of these parts as one matrix [rows, adapted × rank]: blocks on the diagonal."""
        sizes = [size if use else 0 for size, use in zip(self.sizes, self.chosen, strict=True)]
        rows = self.B.split(sizes)
        if len(parts) == 1:
            return rows[parts.start]
        empty = self.B.new_zeros
        return torch.block_diag(
            *(rows[i] if self.chosen[i] else empty(self.sizes[i], 0) for i in parts)
        )

    def _product(self, parts: range) -> Tensor:
        with torch.autocast(self.A.device.type, enabled=False):
            return self.scaling * (self._up(parts) @ self._down(parts))

    def _stretch(self, weight: Tensor, parts: range) -> Tensor:
        """DoRA's factor on every row of these parts, [rows]; 1 where a part is not adapted.

        The length of W + B A counts as a constant on the way back, as in section 4.3 of the paper.
        """
        assert self.magnitude is not None
        with torch.no_grad():
            lengths = (weight.float() + self._product(parts)).norm(dim=1)
        sizes = [size if use else 0 for size, use in zip(self.sizes, self.chosen, strict=True)]
        wanted = self.magnitude.split(sizes)
        ones = self.magnitude.new_ones
        given = lengths.split([self.sizes[i] for i in parts])
        return torch.cat(
            [
                wanted[i] / length if self.chosen[i] else ones(self.sizes[i])
                for i, length in zip(parts, given, strict=True)
            ]
        )

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        # A checkpoint of the base has nothing for the adapter, which then stays as it is.
        if any(key.startswith(prefix) for key in state_dict):
            super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


class Replacement(nn.Module):
    """A trained copy of a linear layer, used in its stead: what `kind: head` trains.

    Args:
        base: The layer; its own parameters stay as they are.
    """

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.enabled = True
        self.weight = nn.Parameter(base.weight.detach().float().clone())
        self.bias: nn.Parameter | None = None
        if base.bias is not None:
            self.bias = nn.Parameter(base.bias.detach().float().clone())

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Applies the trained copy, or the base where the adapter is off; x is [..., in]."""
        if not self.enabled:
            return F.linear(x, weight, bias)
        if not torch.is_autocast_enabled(x.device.type):
            own = None if self.bias is None else self.bias.to(x.dtype)
            return F.linear(x, self.weight.to(x.dtype), own)
        return F.linear(x, self.weight, self.bias)

    _load_from_state_dict = LowRank._load_from_state_dict


class AdaptedLinear(nn.Linear):
    """A linear layer with an adapter beside it."""

    def forward(self, x: Tensor) -> Tensor:
        """Applies layer and adapter to x [..., in]."""
        adapter = self._modules[LINEAR_CHILD]
        assert adapter is not None
        out: Tensor = adapter(x, self.weight, self.bias)
        return out


class AdaptedAttention(StreamingMultiheadAttention):
    """Audiocraft's attention with an adapter beside its packed matrix of queries, keys, values.

    Upstream's `forward` stays in use, streaming cache and all: it reads `in_proj_weight` here as a
    `PackedWeight`, which answers the one thing upstream does with it, `F.linear`.
    """

    @property
    def in_proj_weight(self) -> "PackedWeight":  # type: ignore[override]
        """The packed matrix together with its adapter."""
        weight, adapter = self._parameters["in_proj_weight"], self._modules[PACKED_CHILD]
        assert weight is not None
        assert isinstance(adapter, LowRank)
        return PackedWeight(weight, adapter, range(len(adapter.sizes)))


class PackedWeight:
    """What stands in for a packed matrix: sliced by parts, and used by `F.linear`.

    It is no tensor. Torch hands a call over to `__torch_function__` of any argument that has it.
    """

    def __init__(self, weight: Tensor, adapter: LowRank, parts: range) -> None:
        self._weight, self._adapter, self._parts = weight, adapter, parts

    @property
    def shape(self) -> torch.Size:
        """Shape of the base's rows."""
        return self._weight.shape

    def __getitem__(self, rows: slice) -> "PackedWeight":
        """Cuts out whole parts, as cross-attention does.

        Raises:
            NotImplementedError: The cut is not at the bounds of parts.
        """
        start = rows.start or 0
        stop = self._weight.shape[0] if rows.stop is None else rows.stop
        bounds = [0]
        for part in self._parts:
            bounds.append(bounds[-1] + self._adapter.sizes[part])
        if rows.step is not None or start not in bounds or stop not in bounds:
            raise NotImplementedError(f"rows {start}:{stop} of a packed matrix cut at {bounds}")
        parts = self._parts[bounds.index(start) : bounds.index(stop)]
        return PackedWeight(self._weight[rows], self._adapter, parts)

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Answers `F.linear(x, packed, bias)`; anything else is a use upstream does not have."""
        if func is not F.linear:
            raise NotImplementedError(f"{func} of a packed matrix with an adapter")
        return _packed_linear(*args, **(kwargs or {}))


def _packed_linear(input: Tensor, weight: PackedWeight, bias: Tensor | None = None) -> Tensor:
    out: Tensor = weight._adapter(input, weight._weight, bias, weight._parts)
    return out
