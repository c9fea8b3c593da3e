"""Writes ONNX models without the `onnx` package: `networks.Net` as a ModelProto; images are NCHW.

Field numbers: onnx/onnx.proto3. Operators as of opset 13, which every onnxruntime since 1.6 runs.
"""

from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np
import numpy.typing as npt
import wireformat as wire
from networks import Array, Tensor, same_padding

IR_VERSION, OPSET = 7, 13
FLOAT, INT64 = 1, 7

_CODES = {"float32": FLOAT, "int64": INT64}

Attribute = int | float | str | list[int]


def _attribute(name: str, value: Attribute) -> bytes:
    content = wire.text(1, name)
    match value:
        case int():
            return content + wire.number(3, value) + wire.number(20, 2)
        case float():
            return content + wire.single(2, value) + wire.number(20, 1)
        case str():
            return content + wire.text(4, value) + wire.number(20, 3)
        case list():
            return content + wire.packed(8, value) + wire.number(20, 7)


def _initializer(name: str, values: npt.NDArray[np.generic]) -> bytes:
    raw = np.ascontiguousarray(values).tobytes()
    kind = wire.number(2, _CODES[values.dtype.name])
    return wire.packed(1, values.shape) + kind + wire.text(8, name) + wire.block(9, raw)


def _value(name: str, shape: Sequence[int | None]) -> bytes:
    sizes = (wire.text(2, "batch_size") if n is None else wire.number(1, n) for n in shape)
    lengths = b"".join(wire.block(1, size) for size in sizes)
    tensor = wire.number(1, FLOAT) + wire.block(2, lengths)
    return wire.text(1, name) + wire.block(2, wire.block(1, tensor))


class OnnxNet:
    """A model in the making; `bytes(net)` is the file."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._weights: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []
        self._count = count()

    def __bytes__(self) -> bytes:
        graph = b"".join(wire.block(1, node) for node in self._nodes) + wire.text(2, "stand-in")
        for number, values in ((5, self._weights), (11, self._inputs), (12, self._outputs)):
            graph += b"".join(wire.block(number, value) for value in values)
        producer = wire.text(2, "tests/standins")
        opset = wire.block(8, wire.text(1, "") + wire.number(2, OPSET))
        return wire.number(1, IR_VERSION) + producer + wire.block(7, graph) + opset

    def _name(self, kind: str) -> str:
        return f"{kind}_{next(self._count)}"

    def _op(
        self,
        op: str,
        inputs: Sequence[Tensor | str],
        shape: Sequence[int | None],
        attributes: Mapping[str, Attribute] | None = None,
        name: str = "",
    ) -> Tensor:
        name = name or self._name(op)
        names = (i if isinstance(i, str) else i.name for i in inputs)
        body = b"".join(wire.text(1, i) for i in names)
        body += wire.text(2, name) + wire.text(3, name) + wire.text(4, op)
        for key, value in (attributes or {}).items():
            body += wire.block(5, _attribute(key, value))
        self._nodes.append(body)
        return Tensor(name, tuple(shape))

    def _floats(self, values: npt.ArrayLike) -> str:
        name = self._name("weights")
        self._weights.append(_initializer(name, np.asarray(values, np.float32)))
        return name

    def _ints(self, values: Sequence[int]) -> str:
        name = self._name("numbers")
        self._weights.append(_initializer(name, np.asarray(values, np.int64)))
        return name

    def input(self, name: str, shape: Sequence[int | None]) -> Tensor:
        self._inputs.append(_value(name, shape))
        return Tensor(name, tuple(shape))

    def output(self, x: Tensor, name: str) -> None:
        """Gives a tensor to the outside under a name."""
        self._op("Identity", [x], x.shape, name=name)
        self._outputs.append(_value(name, x.shape))

    def named(self, x: Tensor, name: str) -> Tensor:
        return x  # outputs alone have names here

    def constant(self, values: Array) -> Tensor:
        return Tensor(self._floats(values), values.shape)

    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        known = [None if length < 0 else length for length in shape]
        return self._op("Reshape", [x, self._ints(shape)], known)

    def reduce(self, kind: str, x: Tensor, axes: Sequence[int]) -> Tensor:
        left = [length for axis, length in enumerate(x.shape) if axis not in axes]
        settings: dict[str, Attribute] = {"axes": list(axes), "keepdims": 0}
        return self._op(f"Reduce{kind.capitalize()}", [x], left, settings)

    def concat(self, tensors: Sequence[Tensor]) -> Tensor:
        *rest, _ = tensors[0].shape
        width = sum(tensor.shape[-1] or 0 for tensor in tensors)
        return self._op("Concat", tensors, [*rest, width], {"axis": 1})  # the channels

    def widen(self, x: Tensor, width: int) -> Tensor:
        zeros = self._ints([0, 0, 0, width - (x.shape[-1] or 0)])
        return self._op("Pad", [x, zeros], [x.shape[0], width])

    def slice(self, x: Tensor, start: int, length: int) -> Tensor:
        parts = [self._ints([value]) for value in (start, start + length, -1)]
        return self._op("Slice", [x, *parts], [*x.shape[:-1], length])

    def apply(self, kind: str, x: Tensor, name: str = "") -> Tensor:
        return self._op(kind.capitalize(), [x], x.shape)

    def multiply(self, x: Tensor, y: Tensor | Array) -> Tensor:
        return self._op("Mul", [x, y if isinstance(y, Tensor) else self._floats(y)], x.shape)

    def add(self, x: Tensor, y: Tensor | Array) -> Tensor:
        return self._op("Add", [x, y if isinstance(y, Tensor) else self._floats(y)], x.shape)

    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        return self._op("MatMul", [x, y], [x.shape[0], y.shape[1]])

    def dense(self, x: Tensor, weights: Array, bias: Array, name: str = "") -> Tensor:
        shape = [x.shape[0], weights.shape[1]]
        return self._op("Gemm", [x, self._floats(weights), self._floats(bias)], shape)

    def image(self, x: Tensor) -> Tensor:
        return self._op("Unsqueeze", [x, self._ints([1])], [*x.shape, 1])

    def conv(
        self, x: Tensor, weights: Array, bias: Array, stride: int = 1, padding: str = "SAME"
    ) -> Tensor:
        return self._conv(x, weights.transpose(3, 2, 0, 1), bias, stride, padding, 1)

    def depthwise(self, x: Tensor, weights: Array, bias: Array, stride: int = 1) -> Tensor:
        return self._conv(x, weights.transpose(2, 3, 0, 1), bias, stride, "SAME", len(bias))

    def _conv(
        self, x: Tensor, weights: Array, bias: Array, stride: int, padding: str, group: int
    ) -> Tensor:
        kernel = weights.shape[2:]
        sides = list(zip(x.shape[1:3], kernel, strict=True))
        if padding == "SAME":
            (rows, top, bottom), (columns, left, right) = (
                same_padding(length or 0, size, stride) for length, size in sides
            )
        else:
            rows, columns = (((length or 0) - size) // stride + 1 for length, size in sides)
            top = bottom = left = right = 0
        settings: dict[str, Attribute] = {
            "kernel_shape": list(kernel),
            "strides": [stride, stride],
            "pads": [top, left, bottom, right],
            "group": group,
        }
        shape = [x.shape[0], rows, columns, len(bias)]
        return self._op("Conv", [x, self._floats(weights), self._floats(bias)], shape, settings)

    def pad_rows(self, x: Tensor, amount: int) -> Tensor:
        batch, rows, columns, channels = x.shape
        zeros = self._ints([0, 0, amount, 0, 0, 0, amount, 0])
        return self._op("Pad", [x, zeros], [batch, (rows or 0) + 2 * amount, columns, channels])

    def normalise(self, x: Tensor, scale: Array, offset: Array) -> Tensor:
        parts = (scale, offset, np.zeros_like(scale), np.ones_like(scale))
        names = [self._floats(values) for values in parts]
        return self._op("BatchNormalization", [x, *names], x.shape, {"epsilon": 0.001})

    def pool(self, x: Tensor, rows: int, columns: int) -> Tensor:
        batch, height, width, channels = x.shape
        shape = [batch, (height or 0) // rows, (width or 0) // columns, channels]
        settings: dict[str, Attribute] = {
            "kernel_shape": [rows, columns],
            "strides": [rows, columns],
        }
        return self._op("MaxPool", [x], shape, settings)

    def average(self, x: Tensor) -> Tensor:
        return self._op("GlobalAveragePool", [x], [x.shape[0], 1, 1, x.shape[3]])

    def flatten(self, x: Tensor) -> Tensor:
        return self._op("Flatten", [x], [x.shape[0], x.shape[3]], {"axis": 1})
