"""The networks of the stand-ins, said once for both file formats.

`Net` is the small vocabulary that `graphdef.TensorFlowNet` and `onnxfile.OnnxNet` speak. Shapes are
told as TensorFlow has them: a batch of patches is [n, frames, bands], an image is [n, rows,
columns, channels], kernels are [rows, columns, in, out].

`tiny_*` follow the rule in `tinyrule.py`. The others have the layers, widths and cost of the
official models and random weights:

- `efficientnet_b0`: Tan and Le 2019, table 1, batch norm folded; 4.5 M weights.
- `musicnn`: Pons and Serra 2019; 0.79 M weights.
- `deeptemp`: Schreiber and Müller 2019, the rectangular network with k = 16; 0.32 M weights.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import tinyrule

Array = npt.NDArray[np.float32]
Shape = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A value in a network: its name in the file and its shape; None is the batch."""

    name: str
    shape: Shape


class Net(Protocol):
    """What a network is made of; every step gives the tensor it makes."""

    def input(self, name: str, shape: Sequence[int | None]) -> Tensor: ...
    def named(self, x: Tensor, name: str) -> Tensor: ...
    def constant(self, values: Array) -> Tensor: ...
    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor: ...
    def reduce(self, kind: str, x: Tensor, axes: Sequence[int]) -> Tensor: ...
    def concat(self, tensors: Sequence[Tensor]) -> Tensor: ...
    def widen(self, x: Tensor, width: int) -> Tensor: ...
    def slice(self, x: Tensor, start: int, length: int) -> Tensor: ...
    def apply(self, kind: str, x: Tensor, name: str = "") -> Tensor: ...
    def multiply(self, x: Tensor, y: Tensor | Array) -> Tensor: ...
    def add(self, x: Tensor, y: Tensor | Array) -> Tensor: ...
    def matmul(self, x: Tensor, y: Tensor) -> Tensor: ...
    def dense(self, x: Tensor, weights: Array, bias: Array, name: str = "") -> Tensor: ...
    def image(self, x: Tensor) -> Tensor: ...
    def conv(
        self, x: Tensor, weights: Array, bias: Array, stride: int = 1, padding: str = "SAME"
    ) -> Tensor: ...
    def depthwise(self, x: Tensor, weights: Array, bias: Array, stride: int = 1) -> Tensor: ...
    def pad_rows(self, x: Tensor, amount: int) -> Tensor: ...
    def normalise(self, x: Tensor, scale: Array, offset: Array) -> Tensor: ...
    def pool(self, x: Tensor, rows: int, columns: int) -> Tensor: ...
    def average(self, x: Tensor) -> Tensor: ...
    def flatten(self, x: Tensor) -> Tensor: ...


def same_padding(length: int, kernel: int, stride: int) -> tuple[int, int, int]:
    """TensorFlow's "SAME": the length that comes out, and the zeros before and after."""
    out = math.ceil(length / stride)
    zeros = max((out - 1) * stride + kernel - length, 0)
    return out, zeros // 2, zeros - zeros // 2


class Weights:
    """Random weights that keep a signal's size from layer to layer; the same for the same seed."""

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)

    def kernel(self, *shape: int, fan_in: int, gain: float = 2.0) -> Array:
        scale = math.sqrt(gain / fan_in)
        return (scale * self._random.standard_normal(shape)).astype(np.float32)

    def bias(self, length: int, mean: float = 0.0) -> Array:
        return (mean + 0.05 * self._random.standard_normal(length)).astype(np.float32)


def tiny_embedding(net: Net, patches: Tensor, width: int) -> Tensor:
    """[n, frames, bands] to [n, width]: `tinyrule.embed`."""
    frames, bands = patches.shape[1] or 0, patches.shape[2] or 0
    size = bands // tinyrule.GROUPS
    grouped = net.reshape(patches, [-1, frames, tinyrule.GROUPS, size])
    means = net.reduce("mean", grouped, [1, 3])
    edges = (net.reshape(net.reduce(kind, means, [1]), [-1, 1]) for kind in ("max", "min"))
    return net.widen(net.concat([means, *edges]), width)


def tiny_logits(net: Net, embeddings: Tensor, rule: tinyrule.Rule) -> Tensor:
    """[n, width] to [n, classes]: `tinyrule.logits`."""
    few = net.slice(embeddings, 0, tinyrule.CHANNELS)
    traits = net.dense(few, tinyrule.TRAIT_WEIGHTS, tinyrule.TRAIT_BIAS)
    return net.dense(net.apply("sigmoid", traits), rule.weights, rule.bias)


def tiny_tempo(net: Net, patches: Tensor) -> Tensor:
    """[n, bands, frames, 1] to [n, 256]: `tinyrule.tempo_logits`."""
    bands, frames = patches.shape[1] or 0, patches.shape[2] or 0
    level = net.reduce("mean", net.reshape(patches, [-1, bands, frames]), [1])
    minus = np.array([-1], np.float32)
    later, earlier = (net.slice(level, start, frames - 1) for start in (1, 0))
    onsets = net.apply("relu", net.add(later, net.multiply(earlier, minus)))
    mean = net.reshape(net.reduce("mean", onsets, [1]), [-1, 1])
    onsets = net.add(onsets, net.multiply(mean, minus))
    times, speeds = (net.constant(values) for values in tinyrule.tempo_tables(frames - 1))
    angles = net.matmul(times, speeds)
    parts = [net.matmul(onsets, net.apply(kind, angles)) for kind in ("cos", "sin")]
    power = net.add(*(net.multiply(part, part) for part in parts))
    return net.multiply(power, tinyrule.TEMPO_GAINS)


def head(
    net: Net,
    embeddings: Tensor,
    weights: Weights,
    widths: Sequence[int],
    *,
    bias: float,
    gain: float,
) -> Tensor:
    """A perceptron with relu inside, `model/dense` and so on; it answers around `bias`."""
    x = embeddings
    for layer, width in enumerate(widths):
        last = layer == len(widths) - 1
        fan_in = x.shape[1] or 0
        kernel = weights.kernel(fan_in, width, fan_in=fan_in, gain=gain if last else 2.0)
        name = f"model/dense_{layer}" if layer else "model/dense"
        x = net.dense(x, kernel, weights.bias(width, bias if last else 0.0), name)
        x = x if last else net.apply("relu", x)
    return x


B0_STAGES = (
    # expansion, channels, blocks, stride, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


def efficientnet_b0(net: Net, patches: Tensor, weights: Weights) -> Tensor:
    """[n, frames, bands] to [n, 1280]."""
    x = _swish(net, _conv(net, net.image(patches), weights, 3, 32, stride=2))
    for expansion, channels, blocks, stride, kernel in B0_STAGES:
        for block in range(blocks):
            x = _block(net, x, weights, expansion, channels, 1 if block else stride, kernel)
    return net.flatten(net.average(_swish(net, _conv(net, x, weights, 1, 1280))))


def _conv(
    net: Net,
    x: Tensor,
    weights: Weights,
    kernel: int,
    channels: int,
    *,
    stride: int = 1,
    bias: float = 0.0,
) -> Tensor:
    before = x.shape[3] or 0
    values = weights.kernel(kernel, kernel, before, channels, fan_in=kernel * kernel * before)
    return net.conv(x, values, weights.bias(channels, bias), stride)


def _swish(net: Net, x: Tensor) -> Tensor:
    return net.multiply(x, net.apply("sigmoid", x))


def _block(
    net: Net, x: Tensor, weights: Weights, expansion: int, channels: int, stride: int, kernel: int
) -> Tensor:
    """An inverted bottleneck with squeeze and excitation (MBConv)."""
    before = x.shape[3] or 0
    inner = before * expansion
    y = x if expansion == 1 else _swish(net, _conv(net, x, weights, 1, inner))
    values = weights.kernel(kernel, kernel, inner, 1, fan_in=kernel * kernel)
    y = _swish(net, net.depthwise(y, values, weights.bias(inner), stride))
    gate = _swish(net, _conv(net, net.average(y), weights, 1, before // 4))
    gate = net.apply("sigmoid", _conv(net, gate, weights, 1, inner, bias=1.0))
    y = _conv(net, net.multiply(y, gate), weights, 1, channels)
    return net.add(y, x) if stride == 1 and before == channels else y


def musicnn(net: Net, patches: Tensor, weights: Weights, classes: int) -> tuple[Tensor, Tensor]:
    """[n, 187, 96] to the embedding [n, 200] (`model/dense`) and the logits [n, classes]."""
    x = net.image(patches)
    frames, bands = x.shape[1] or 0, x.shape[2] or 0
    padded = net.pad_rows(x, 3)
    found = [_front(net, padded, weights, 7, int(part * bands), 204) for part in (0.4, 0.7)]
    found += [_front(net, x, weights, length, 1, 51, padding="SAME") for length in (128, 64, 32)]
    layers = [net.concat(found)]
    for _ in range(3):
        before = layers[-1].shape[3] or 0
        kernel = weights.kernel(7, 1, before, 64, fan_in=7 * before)
        y = net.apply("relu", net.conv(layers[-1], kernel, weights.bias(64)))
        y = _normalise(net, y, weights)
        layers.append(net.add(y, layers[-1]) if before == 64 else y)
    wide = net.concat(layers)
    both = net.concat([net.pool(wide, frames, 1), net.average(wide)])
    pooled = net.flatten(_normalise(net, both, weights))
    size = pooled.shape[1] or 0
    kernel = weights.kernel(size, 200, fan_in=size)
    embedding = net.dense(pooled, kernel, weights.bias(200), "model/dense")
    kernel = weights.kernel(200, classes, fan_in=200)
    bias = weights.bias(classes, -5.0)
    return embedding, net.dense(net.apply("relu", embedding), kernel, bias, "model/dense_1")


def _front(
    net: Net,
    x: Tensor,
    weights: Weights,
    rows: int,
    columns: int,
    channels: int,
    padding: str = "VALID",
) -> Tensor:
    """Filters over time and bands, the highest answer over the bands: [n, frames, 1, channels]."""
    kernel = weights.kernel(rows, columns, 1, channels, fan_in=rows * columns)
    y = net.apply("relu", net.conv(x, kernel, weights.bias(channels), padding=padding))
    return net.pool(_normalise(net, y, weights), 1, y.shape[2] or 0)


def _normalise(net: Net, x: Tensor, weights: Weights) -> Tensor:
    channels = x.shape[3] or 0
    return net.normalise(x, weights.bias(channels, 1.0), weights.bias(channels))


def deeptemp(net: Net, patches: Tensor, weights: Weights, k: int = 16) -> Tensor:
    """[n, bands, frames, 1] to the logits [n, 256]."""
    x = patches
    for level, width in enumerate((1, 2, 4, 4, 8, 8), start=1):
        for length in (5, 3):
            before = x.shape[3] or 0
            kernel = weights.kernel(1, length, before, k * width, fan_in=length * before)
            x = net.apply("relu", net.conv(x, kernel, weights.bias(k * width)))
            x = _normalise(net, x, weights)
        x = net.pool(x, 2 if 2**level <= (patches.shape[1] or 0) else 1, 2)
    x = net.apply("relu", _conv(net, x, weights, 1, 256))
    return net.flatten(net.average(x))
