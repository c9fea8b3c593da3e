"""A stand-in for Essentia's `audioset-vggish-3.pb`: its name, nodes and shapes, random weights.

    write(folder)                # tiny: a row says which of 8 groups of 8 bands are strong
    write(folder, full=True)     # the layers and the cost of the official one, without its 288 MB

The official graph takes `model/Placeholder` [n, 96, 64] and gives `model/vggish/embeddings`
[n, 128].
"""

import json
from pathlib import Path

import networks
from graphdef import TensorFlowNet
from networks import Tensor, Weights
from sidecars import end, sidecar

NAME = "audioset-vggish-3"
CHANNELS = ((64,), (128,), (256, 256), (512, 512))
"""Convolutions before each pooling (Hershey et al. 2017, VGG with configuration A)."""


def write(folder: Path, *, full: bool = False) -> Path:
    """Writes the `.pb` and its `.json`; gives the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    net = TensorFlowNet()
    x = net.input("model/Placeholder", [None, 96, 64])
    found = _vgg(net, x) if full else networks.tiny_embedding(net, x, 128)
    net.named(found, "model/vggish/embeddings")
    outputs = [end("model/vggish/embeddings", [1, 128], "Identity", "embeddings")]
    told = sidecar(
        NAME,
        "feature-extractors/vggish",
        "AudioSet-VGGish",
        (),
        (end("model/Placeholder", [96, 64]), outputs),
        algorithm="TensorflowPredictVGGish",
    )
    (folder / f"{NAME}.pb").write_bytes(bytes(net))
    (folder / f"{NAME}.json").write_text(json.dumps(told))
    return folder


def _vgg(net: TensorFlowNet, x: Tensor) -> Tensor:
    weights, y = Weights(4), net.image(x)
    for block in CHANNELS:
        for channels in block:
            before = y.shape[3] or 0
            kernel = weights.kernel(3, 3, before, channels, fan_in=9 * before)
            y = net.apply("relu", net.conv(y, kernel, weights.bias(channels)))
        y = net.pool(y, 2, 2)
    y = net.reshape(y, [-1, 6 * 4 * 512])
    # the official one's dense layers are 4096 wide and 280 MB; these cost as much a patch as 2%
    for width in (128, 128):
        before = y.shape[1] or 0
        kernel = weights.kernel(before, width, fan_in=before)
        y = net.apply("relu", net.dense(y, kernel, weights.bias(width)))
    return y
