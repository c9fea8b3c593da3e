"""A GPU that is not there: the real code runs as on one, and what would fail on one fails here.

Tensors of the CPU are real. Those of the GPU are torch's fake ones, which know shape, type and
device but have no numbers: an operation on both devices at once, or on types that do not go
together, fails as it does on a GPU. What waits for the GPU (a number read, a copy to the CPU) is
counted, and gets ones in place of what would be there.
"""

import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch._dynamo  # looks at what is replaced here
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses import fake_tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

ROOT = Path(__file__).resolve().parents[2]
aten = torch.ops.aten

PRODUCTS = {
    *(aten.mm, aten.addmm, aten.addmm_, aten.bmm, aten.baddbmm, aten.convolution),
    *(aten._scaled_dot_product_flash_attention, aten._scaled_dot_product_efficient_attention),
}
"""Operations of which torch's fake ones do not look whether types go together."""


class FakeGpu(FakeTensorMode):
    """While it is on, `cuda` is a device.

    Attributes:
        waits: How often each place of ours waited for the GPU: `module.py:function`.
    """

    def __init__(self) -> None:
        super().__init__(allow_non_fake_inputs=True)
        self.waits: Counter[str] = Counter()

    @property
    def avoid_device_init(self) -> bool:
        """Torch does not look for a driver."""
        return True

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """One operation."""
        kwargs = kwargs or {}
        device = kwargs.get("device")
        to = None if device is None else torch.device(device).type
        read = func is aten._local_scalar_dense.default and args[0].device.type != "cpu"
        fake = any(isinstance(one, FakeTensor) for one in tree_leaves((args, kwargs)))
        if to != "cuda" and not fake and not read:
            return func(*args, **kwargs)
        back = func is aten._to_copy.default and to == "cpu"
        back = back or (func is aten.copy_.default and not isinstance(args[0], FakeTensor))
        if back or read:
            self.waits[_where()] += 1
            if func is aten.copy_.default:
                return args[0]
            kind = kwargs.get("dtype") or args[0].dtype
            value = not getattr(args[0], "is_any", False)
            found = torch.full(args[0].shape, value, dtype=kind)
            return found if back else found.item()
        args, kwargs = tree_map_only(Tensor, self._there, (args, kwargs))
        if func.overloadpacket in PRODUCTS:
            _check_types(func, args)
        out = super().__torch_dispatch__(func, types, args, kwargs)
        if func is aten.any.default:  # of what is asked so, nothing is
            out.is_any = True
        return out

    def _there(self, one: Tensor) -> Tensor:
        """Where torch's C++ makes a tensor beside a fake one, it is `meta`'s: see `_make`."""
        if isinstance(one, FakeTensor) or one.device.type != "meta":
            return one
        with self:
            return torch.empty(one.shape, dtype=one.dtype, device="cuda")


HALF = {
    *(F.linear, F.conv1d, F.conv_transpose1d, F.scaled_dot_product_attention, torch.einsum),
    *(torch.matmul, Tensor.matmul, Tensor.__matmul__, Tensor.__rmatmul__, torch.addmm),
}
SINGLE = {F.layer_norm, F.softmax, F.cross_entropy, Tensor.softmax, Tensor.sum, torch.sum}
"""What autocast computes how, of all that a model here computes."""


class Autocast(TorchFunctionMode):
    """Autocast of the GPU that is not there: torch's own asks for the driver's word."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """One function."""

        def cast(one: Tensor) -> Tensor:
            return one.to(kind) if isinstance(one, FakeTensor) and one.is_floating_point() else one

        kwargs = kwargs or {}
        if (func in HALF or func in SINGLE) and torch.is_autocast_enabled("cuda"):
            kind = torch.get_autocast_dtype("cuda") if func in HALF else torch.float32
            args, kwargs = tree_map_only(Tensor, cast, (args, kwargs))
        return func(*args, **kwargs)


def _begin(self: Any) -> Any:
    self.fake = Autocast()
    self.fake.__enter__()
    return _begun(self)


def _end(self: Any, *error: Any) -> Any:
    self.fake.__exit__(*error)
    return _ended(self, *error)


_begun, _ended = torch.autocast.__enter__, torch.autocast.__exit__


def _check_types(func: Any, args: Any) -> None:
    types = {one.dtype for one in tree_leaves(args) if isinstance(one, Tensor)}
    types = {one for one in types if one.is_floating_point}
    if len(types) > 1:
        raise RuntimeError(f"{func}: expected the same dtype, got {types}")


def _where() -> str:
    """The innermost place of the product, or of what it calls where it is not in it."""
    ours = [one for one in traceback.extract_stack() if f"{ROOT}/plugins" in one.filename]
    return f"{Path(ours[-1].filename).name}:{ours[-1].name}" if ours else "elsewhere"


def _make(cls: type[Any], data: Tensor, requires_grad: bool = False, **options: Any) -> Any:
    """A tensor that autograd takes for one without a device: there is no driver to ask."""
    options.pop("dispatch_device", None)
    return _made(cls, data, requires_grad, **options)


_made = Tensor._make_subclass


def _apply(self: nn.Module, function: Any, recurse: bool = True) -> nn.Module:
    """Moves a module; torch's own exchanges the insides of tensors, which fake ones refuse."""
    for child in self.children():
        child._apply(function)
    with torch.no_grad():
        for name, one in self._parameters.items():
            moved = one if one is None else function(one)
            if moved is not one:
                self._parameters[name] = nn.Parameter(moved, one.requires_grad)
        for name, one in self._buffers.items():
            self._buffers[name] = one if one is None else function(one)
    return self


MEMORY = 16 * 2**30


@contextmanager
def gpu(capability: tuple[int, int]) -> Iterator[FakeGpu]:
    """A GPU of some generation: (7, 5) is a T4, (9, 0) an H200."""
    replaced = {
        "is_available": lambda: True,
        "is_bf16_supported": lambda *_: capability[0] >= 8,
        "get_device_capability": lambda *_: capability,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "get_device_name": lambda *_: "a fake GPU",
        "mem_get_info": lambda *_: (MEMORY, MEMORY),
        "memory_reserved": lambda *_: 0,
        "max_memory_allocated": lambda *_: 0,
        "reset_peak_memory_stats": lambda *_: None,
        "empty_cache": lambda: None,
        "is_current_stream_capturing": lambda: False,
        "Stream": mock.MagicMock,
        "current_stream": mock.MagicMock,
        "stream": lambda _: nullcontext(),
        "CUDAGraph": mock.MagicMock,
        "graph": lambda _: nullcontext(),
    }
    real_load, real_save = torch.load, torch.save

    def load(*args: Any, **options: Any) -> Any:
        with fake_tensor.unset_fake_temporarily():
            return real_load(*args, **options)

    def save(state: Any, file: Any) -> None:
        real_save(tree_map_only(FakeTensor, lambda one: one.detach().cpu(), state), file)

    with (
        mock.patch.multiple(torch.cuda, **replaced),
        mock.patch.object(
            torch.cuda.amp.common, "amp_definitely_not_available", return_value=False
        ),
        mock.patch.object(Tensor, "pin_memory", lambda self, *_: self),
        mock.patch.object(Tensor, "_make_subclass", staticmethod(_make)),
        mock.patch.object(torch, "load", load),
        mock.patch.object(torch, "save", save),
        mock.patch.object(fake_tensor, "init_gpu_context"),
        mock.patch.object(nn.Module, "_apply", _apply),
        mock.patch.object(FakeTensor, "is_meta", False, create=True),
        mock.patch.object(FakeTensor, "is_cuda", True, create=True),
        mock.patch.multiple(torch.autocast, __enter__=_begin, __exit__=_end),
        FakeGpu() as found,
    ):
        yield found
