"""Writes TensorFlow frozen graphs (`.pb`) without TensorFlow.

`Graph` is a GraphDef: nodes by name, each with its op, the names of its inputs and its attributes.
`TensorFlowNet` is the vocabulary of `networks.py` over it; images are NHWC. What is written runs
in libtensorflow 2.5, which essentia-tensorflow carries.

Field numbers: tensorflow/core/framework/{graph,node_def,attr_value,tensor,versions}.proto.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import numpy.typing as npt
import wireformat as wire
from networks import Array, Tensor, same_padding

FLOAT, INT32 = 1, 3
PRODUCER = 716
"""The graph version TensorFlow 2.5 writes; a loader refuses graphs too new for it by this."""

_TYPES = {"float32": FLOAT, "int32": INT32}


@dataclass(frozen=True, slots=True)
class Type:
    """An attribute that is a data type."""

    code: int


@dataclass(frozen=True, slots=True)
class Types:
    """An attribute that is a list of data types."""

    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """An attribute that is a shape; None is a length not known before a run."""

    lengths: tuple[int | None, ...]


Attribute = Type | Types | Shape | npt.NDArray[np.generic] | bool | int | float | str | list[int]


def _shape(lengths: Sequence[int | None]) -> bytes:
    sizes = (-1 if length is None else length for length in lengths)
    return b"".join(wire.block(2, wire.number(1, size)) for size in sizes)


def _tensor(values: npt.NDArray[np.generic]) -> bytes:
    return (
        wire.number(1, _TYPES[values.dtype.name])
        + wire.block(2, _shape(values.shape))
        + wire.block(4, np.ascontiguousarray(values).tobytes())
    )


def _attribute(value: Attribute) -> bytes:
    match value:
        case Type(code):
            return wire.number(6, code)
        case Types(codes):
            return wire.block(1, wire.packed(6, codes))
        case Shape(lengths):
            return wire.block(7, _shape(lengths))
        case np.ndarray():
            return wire.block(8, _tensor(value))
        case bool():
            return wire.number(5, value)
        case int():
            return wire.number(3, value)
        case float():
            return wire.single(4, value)
        case str():
            return wire.text(2, value)
        case list():
            return wire.block(1, wire.packed(3, value))
    raise TypeError(f"no attribute of a graph: {value!r}")


@dataclass(slots=True)
class Graph:
    """A GraphDef in the making; `bytes(graph)` is the file."""

    nodes: list[bytes] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def node(self, op: str, name: str, inputs: Sequence[str] = (), **attributes: Attribute) -> str:
        """Adds a node and gives its name, which is also that of its first output."""
        if name in self.names:
            raise ValueError(f"two nodes of a graph are called {name!r}")
        self.names.add(name)
        body = wire.text(1, name) + wire.text(2, op) + b"".join(wire.text(3, i) for i in inputs)
        for key, value in attributes.items():
            body += wire.block(5, wire.text(1, key) + wire.block(2, _attribute(value)))
        self.nodes.append(body)
        return name

    def const(self, name: str, values: npt.ArrayLike, dtype: str = "float32") -> str:
        """Adds a constant."""
        array = np.asarray(values, dtype)
        return self.node("Const", name, dtype=Type(_TYPES[dtype]), value=array)

    def __bytes__(self) -> bytes:
        versions = wire.block(4, wire.number(1, PRODUCER))
        return b"".join(wire.block(1, node) for node in self.nodes) + versions


class TensorFlowNet:
    """`networks.Net` as a frozen graph; images are NHWC."""

    def __init__(self) -> None:
        self.graph = Graph()
        self._count = count()

    def __bytes__(self) -> bytes:
        return bytes(self.graph)

    def _name(self, name: str, op: str) -> str:
        return name or f"{op}_{next(self._count)}"

    def _op(
        self,
        op: str,
        name: str,
        inputs: Sequence[Tensor | str],
        shape: Sequence[int | None],
        **attributes: Attribute,
    ) -> Tensor:
        names = [i if isinstance(i, str) else i.name for i in inputs]
        node = self.graph.node(op, self._name(name, op), names, T=Type(FLOAT), **attributes)
        return Tensor(node, tuple(shape))

    def _floats(self, values: Array, name: str = "") -> str:
        return self.graph.const(self._name(name, "weights"), values)

    def _ints(self, values: Sequence[int]) -> str:
        return self.graph.const(self._name("", "numbers"), values, "int32")

    def input(self, name: str, shape: Sequence[int | None]) -> Tensor:
        """A placeholder that refuses other shapes, which TensorFlow's own does not."""
        told = Shape(tuple(shape))
        node = self.graph.node("Placeholder", name, dtype=Type(FLOAT), shape=told)
        checked = self._name("", "checked")
        self.graph.node("EnsureShape", checked, [node], T=Type(FLOAT), shape=told)
        return Tensor(checked, tuple(shape))

    def outputs(self, name: str, tensors: Sequence[Tensor]) -> None:
        """One node with several outputs, as a SavedModel's signature has: `name:0`, `name:1`."""
        types = Types((FLOAT,) * len(tensors))
        self.graph.node("IdentityN", name, [tensor.name for tensor in tensors], T=types)

    def named(self, x: Tensor, name: str) -> Tensor:
        return self._op("Identity", name, [x], x.shape)

    def constant(self, values: Array) -> Tensor:
        return Tensor(self._floats(values), values.shape)

    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        known = tuple(None if length < 0 else length for length in shape)
        return self._op("Reshape", "", [x, self._ints(shape)], known, Tshape=Type(INT32))

    def reduce(self, kind: str, x: Tensor, axes: Sequence[int]) -> Tensor:
        left = [length for axis, length in enumerate(x.shape) if axis not in axes]
        op = {"mean": "Mean", "max": "Max", "min": "Min", "sum": "Sum"}[kind]
        settings: dict[str, Attribute] = {"Tidx": Type(INT32), "keep_dims": False}
        return self._op(op, "", [x, self._ints(axes)], left, **settings)

    def concat(self, tensors: Sequence[Tensor]) -> Tensor:
        *rest, _ = tensors[0].shape
        width = sum(tensor.shape[-1] or 0 for tensor in tensors)
        axis = self.graph.const(self._name("", "axis"), len(rest), "int32")
        settings: dict[str, Attribute] = {"N": len(tensors), "Tidx": Type(INT32)}
        return self._op("ConcatV2", "", [*tensors, axis], [*rest, width], **settings)

    def widen(self, x: Tensor, width: int) -> Tensor:
        before = x.shape[-1] or 0
        pads = self.graph.const(self._name("", "pads"), [[0, 0], [0, width - before]], "int32")
        return self._op("Pad", "", [x, pads], [x.shape[0], width], Tpaddings=Type(INT32))

    def slice(self, x: Tensor, start: int, length: int) -> Tensor:
        rest = [0] * (len(x.shape) - 1)
        begin, size = self._ints([*rest, start]), self._ints([*(-1 for _ in rest), length])
        return self._op("Slice", "", [x, begin, size], [*x.shape[:-1], length], Index=Type(INT32))

    def apply(self, kind: str, x: Tensor, name: str = "") -> Tensor:
        return self._op(kind.capitalize(), name, [x], x.shape)

    def multiply(self, x: Tensor, y: Tensor | Array) -> Tensor:
        return self._op("Mul", "", [x, y if isinstance(y, Tensor) else self._floats(y)], x.shape)

    def add(self, x: Tensor, y: Tensor | Array) -> Tensor:
        return self._op("AddV2", "", [x, y if isinstance(y, Tensor) else self._floats(y)], x.shape)

    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        return self._op("MatMul", "", [x, y], [x.shape[0], y.shape[1]])

    def dense(self, x: Tensor, weights: Array, bias: Array, name: str = "") -> Tensor:
        name = self._name(name, "dense")
        shape = [x.shape[0], weights.shape[1]]
        product = self._op("MatMul", f"{name}/MatMul", [x, self._floats(weights)], shape)
        return self._op("BiasAdd", f"{name}/BiasAdd", [product, self._floats(bias)], shape)

    def image(self, x: Tensor) -> Tensor:
        axis = self.graph.const(self._name("", "axis"), -1, "int32")
        return self._op("ExpandDims", "", [x, axis], [*x.shape, 1], Tdim=Type(INT32))

    def conv(
        self, x: Tensor, weights: Array, bias: Array, stride: int = 1, padding: str = "SAME"
    ) -> Tensor:
        return self._conv("Conv2D", x, weights, bias, stride, padding)

    def depthwise(self, x: Tensor, weights: Array, bias: Array, stride: int = 1) -> Tensor:
        return self._conv("DepthwiseConv2dNative", x, weights, bias, stride, "SAME")

    def _conv(
        self, op: str, x: Tensor, weights: Array, bias: Array, stride: int, padding: str
    ) -> Tensor:
        kernel = weights.shape[:2]
        rows, columns = (
            same_padding(length or 0, size, stride)[0]
            if padding == "SAME"
            else ((length or 0) - size) // stride + 1
            for length, size in zip(x.shape[1:3], kernel, strict=True)
        )
        shape = [x.shape[0], rows, columns, len(bias)]
        settings: dict[str, Attribute] = {
            "strides": [1, stride, stride, 1],
            "padding": padding,
            "data_format": "NHWC",
        }
        product = self._op(op, "", [x, self._floats(weights)], shape, **settings)
        return self._op("BiasAdd", "", [product, self._floats(bias)], shape)

    def pad_rows(self, x: Tensor, amount: int) -> Tensor:
        batch, rows, columns, channels = x.shape
        widths = [[0, 0], [amount, amount], [0, 0], [0, 0]]
        pads = self.graph.const(self._name("", "pads"), widths, "int32")
        shape = [batch, (rows or 0) + 2 * amount, columns, channels]
        return self._op("Pad", "", [x, pads], shape, Tpaddings=Type(INT32))

    def normalise(self, x: Tensor, scale: Array, offset: Array) -> Tensor:
        zeros, ones = np.zeros_like(scale), np.ones_like(scale)
        parts = [self._floats(values) for values in (scale, offset, zeros, ones)]
        settings: dict[str, Attribute] = {"U": Type(FLOAT), "epsilon": 0.001, "is_training": False}
        return self._op("FusedBatchNormV3", "", [x, *parts], x.shape, **settings)

    def pool(self, x: Tensor, rows: int, columns: int) -> Tensor:
        batch, height, width, channels = x.shape
        shape = [batch, (height or 0) // rows, (width or 0) // columns, channels]
        window = [1, rows, columns, 1]
        return self._op("MaxPool", "", [x], shape, ksize=window, strides=window, padding="VALID")

    def average(self, x: Tensor) -> Tensor:
        shape = [x.shape[0], 1, 1, x.shape[3]]
        settings: dict[str, Attribute] = {"Tidx": Type(INT32), "keep_dims": True}
        return self._op("Mean", "", [x, self._ints([1, 2])], shape, **settings)

    def flatten(self, x: Tensor) -> Tensor:
        return self.reshape(x, [-1, x.shape[3] or 0])
