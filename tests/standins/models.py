"""Stand-ins for Essentia's models: files of the official names, formats, nodes and shapes.

    python tests/standins/models.py --size full DIR

`tiny` ones (a few KB each) answer by the rule in `tinyrule.py`, so a test knows what they must say.
`full` ones have the layers, the size and the cost of the official ones and random weights.

    write_models(folder)                                    # all, tiny
    write_models(folder, classes={"danceability-discogs-effnet-1": ("not_danceable", "danceable")})

A class list in another order is another model: its answers are in that order too. `.onnx` files are
written where the official site has them, with the weights of the `.pb` beside them.
"""

import argparse
import json
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import classnames
import networks
import tinyrule
from graphdef import TensorFlowNet
from networks import Net, Tensor, Weights
from onnxfile import OnnxNet
from sidecars import EFFNET, MUSICNN, Json, end, sidecar

Size = Literal["tiny", "full"]

BATCH = 64
EFFNET_ONNX = "discogs-effnet-bsdynamic-1"
STYLES = "genre_discogs400-discogs-effnet-1"
TEMPO = "deeptemp-k16-3"


@dataclass(frozen=True, slots=True)
class Head:
    """A classifier or regression on embeddings; `told_*` are the shapes its `.json` tells."""

    task: str
    classes: tuple[str, ...]
    activation: Literal["sigmoid", "softmax", "identity"]
    hidden: tuple[int, ...]
    folder: str
    embedder: str = EFFNET
    version: str = "1"
    told_input: int = 1280
    told_classes: int | None = None


_JAMENDO: dict[str, tuple[str, ...]] = {
    "mtg_jamendo_moodtheme": classnames.MOODTHEME,
    "mtg_jamendo_instrument": classnames.INSTRUMENT,
    "mtg_jamendo_genre": classnames.GENRE,
    "mtg_jamendo_top50tags": classnames.TOP50TAGS,
}

HEADS: dict[str, Head] = {
    **{
        f"{task}-discogs-effnet-1": Head(
            task, names, "sigmoid", (512,), task,
            told_classes=56 if task == "mtg_jamendo_top50tags" else None,
        )
        for task, names in _JAMENDO.items()
    },
    STYLES: Head("discogs", classnames.DISCOGS400, "sigmoid", (), "genre_discogs400"),
    "voice_instrumental-discogs-effnet-1": Head(
        "voice_instrumental", ("instrumental", "voice"), "softmax", (100,), "voice_instrumental",
        version="2", told_input=1200,
    ),
    "danceability-discogs-effnet-1": Head(
        "danceability", ("danceable", "not_danceable"), "softmax", (100,), "danceability",
        version="2", told_input=1200,
    ),
    **{
        f"{task}_regression-discogs-effnet-1": Head(task, (task,), "identity", (100,), task)
        for task in ("approachability", "engagement")
    },
    "deam-msd-musicnn-2": Head(
        "deam", ("valence", "arousal"), "identity", (100,), "deam", MUSICNN, "2", told_input=200
    ),
}  # fmt: skip
"""Each head by the stem of its file."""

FULL_ANSWERS = {"sigmoid": (-4.5, 0.15), "softmax": (0.0, 0.15), "identity": (0.5, 0.001)}
"""Mean and width of what the full ones say: a handful of labels at a time, regressions in range."""

NAMES = (EFFNET, EFFNET_ONNX, MUSICNN, TEMPO, *HEADS)


def write_models(
    folder: Path,
    size: Size = "tiny",
    *,
    names: Collection[str] = NAMES,
    classes: Mapping[str, Sequence[str]] | None = None,
) -> list[Path]:
    """Writes the models of these names into a folder and gives every file, `.json` included.

    Args:
        folder: Where to; made if it is not there.
        size: `tiny` or `full`.
        names: Stems of files, of `NAMES`.
        classes: Other class lists by stem; that of discogs-effnet-bs64-1 is the `.onnx` one's too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lists = dict(classes or {})
    written = []
    for name in names:
        for suffix, content in _files(name, size, lists).items():
            path = folder / f"{name}{suffix}"
            path.write_bytes(content)
            written.append(path)
    return written


def _files(name: str, size: Size, lists: Mapping[str, Sequence[str]]) -> dict[str, bytes]:
    if name in (EFFNET, EFFNET_ONNX):
        styles = lists.get(name, lists.get(EFFNET, classnames.DISCOGS400))
        told = _json(_effnet_sidecar(name, styles))
        if name == EFFNET:
            return {".pb": effnet_graph(size, styles), ".json": told}
        return {".onnx": effnet_onnx(size, styles), ".json": told}
    if name == MUSICNN:
        tags = lists.get(name, classnames.MSD)
        told = _json(_musicnn_sidecar(tags))
        return {
            ".pb": _musicnn_graph(size, tags),
            ".onnx": _musicnn_onnx(size, tags),
            ".json": told,
        }
    if name == TEMPO:
        return {".pb": tempo_graph(size), ".json": _json(_tempo_sidecar())}
    head = HEADS[name]
    labels = lists.get(name, head.classes)
    files = {".pb": _head_graph(head, size, labels), ".json": _json(_head_sidecar(name, labels))}
    # The ONNX file of discogs-effnet answers with the styles itself, so there is none of the head.
    return files if name == STYLES else files | {".onnx": _head_onnx(head, size, labels)}


def _json(content: Json) -> bytes:
    return json.dumps(content, indent=4, ensure_ascii=False).encode()


def _effnet(net: Net, x: Tensor, size: Size, classes: Sequence[str]) -> tuple[Tensor, Tensor]:
    if size == "tiny":
        embeddings = networks.tiny_embedding(net, x, 1280)
    else:
        embeddings = networks.efficientnet_b0(net, x, Weights(1))
    return net.apply("sigmoid", _logits(net, embeddings, HEADS[STYLES], size, classes)), embeddings


def _logits(net: Net, x: Tensor, head: Head, size: Size, classes: Sequence[str]) -> Tensor:
    if size == "tiny":
        return networks.tiny_logits(net, x, tinyrule.rule(head.task, head.activation, classes))
    bias, gain = FULL_ANSWERS[head.activation]
    bias = 5.0 if head.task == "deam" else bias
    weights = Weights(zlib.crc32(head.task.encode()))
    return networks.head(net, x, weights, [*head.hidden, len(classes)], bias=bias, gain=gain)


def effnet_graph(
    size: Size, classes: Sequence[str] = classnames.DISCOGS400, batch: int | None = BATCH
) -> bytes:
    """discogs-effnet as `.pb`; like the official one it takes `batch` patches and no others."""
    net = TensorFlowNet()
    x = net.input("serving_default_melspectrogram", [batch, 128, 96])
    net.outputs("PartitionedCall", _effnet(net, x, size, classes))
    return bytes(net)


def effnet_onnx(size: Size, classes: Sequence[str] = classnames.DISCOGS400) -> bytes:
    """discogs-effnet as `.onnx`, for any number of patches."""
    net = OnnxNet()
    activations, embeddings = _effnet(
        net, net.input("melspectrogram", [None, 128, 96]), size, classes
    )
    net.output(activations, "activations")
    net.output(embeddings, "embeddings")
    return bytes(net)


def _musicnn(net: Net, x: Tensor, size: Size, classes: Sequence[str]) -> tuple[Tensor, Tensor]:
    """The logits and the embeddings."""
    if size == "full":
        embeddings, logits = networks.musicnn(net, x, Weights(2), len(classes))
        return logits, embeddings
    wide = networks.tiny_embedding(net, x, 200)
    embeddings = net.named(wide, "model/dense/BiasAdd")
    return networks.tiny_logits(
        net, embeddings, tinyrule.rule("msd", "sigmoid", classes)
    ), embeddings


def _musicnn_graph(size: Size, classes: Sequence[str]) -> bytes:
    net = TensorFlowNet()
    logits, _ = _musicnn(net, net.input("model/Placeholder", [None, 187, 96]), size, classes)
    net.apply("sigmoid", logits, "model/Sigmoid")
    return bytes(net)


def _musicnn_onnx(size: Size, classes: Sequence[str]) -> bytes:
    net = OnnxNet()
    logits, embeddings = _musicnn(net, net.input("melspectrogram", [None, 187, 96]), size, classes)
    net.output(net.apply("sigmoid", logits), "activations")
    net.output(embeddings, "embeddings")
    return bytes(net)


def tempo_graph(size: Size) -> bytes:
    """TempoCNN as `.pb`; there is no official `.onnx`."""
    net = TensorFlowNet()
    x = net.input("input", [None, 40, 256, 1])
    logits = (
        networks.tiny_tempo(net, x) if size == "tiny" else networks.deeptemp(net, x, Weights(3))
    )
    net.apply("softmax", logits, "output")
    return bytes(net)


def _head_graph(head: Head, size: Size, classes: Sequence[str]) -> bytes:
    net = TensorFlowNet()
    width = 200 if head.embedder == MUSICNN else 1280
    saved = head is HEADS[STYLES]
    x = net.input(
        "serving_default_model_Placeholder" if saved else "model/Placeholder", [None, width]
    )
    logits = _logits(net, x, head, size, classes)
    if saved:
        net.outputs("PartitionedCall", [net.apply("sigmoid", logits)])
    else:
        net.apply(head.activation, logits, f"model/{head.activation.capitalize()}")
    return bytes(net)


def _head_onnx(head: Head, size: Size, classes: Sequence[str]) -> bytes:
    net = OnnxNet()
    x = net.input("embeddings", [None, 200 if head.embedder == MUSICNN else 1280])
    net.output(net.apply(head.activation, _logits(net, x, head, size, classes)), "activations")
    return bytes(net)


def _effnet_sidecar(name: str, classes: Sequence[str]) -> Json:
    batch = BATCH if name == EFFNET else "n"
    outputs = [
        end("PartitionedCall:0", [batch, len(classes)], "Sigmoid", "predictions"),
        end("PartitionedCall:1", [batch, 1280], "Flatten", "embeddings"),
    ]
    return sidecar(
        name, "feature-extractors/discogs-effnet", "EffnetDiscogs", classes,
        (end("serving_default_melspectrogram", [batch, 128, 96]), outputs),
        algorithm="TensorflowPredictEffnetDiscogs",
    )  # fmt: skip


def _musicnn_sidecar(classes: Sequence[str]) -> Json:
    outputs = [
        end("model/Sigmoid", [1, len(classes)], "Sigmoid", "predictions"),
        end("model/dense_1/BiasAdd", [1, len(classes)], "fully connected", ""),
        end("model/dense/BiasAdd", [1, 200], "fully connected", "embeddings"),
    ]
    return sidecar(
        MUSICNN, "feature-extractors/musicnn", "MSD MusiCNN", classes,
        (end("model/Placeholder", [187, 96]), outputs), algorithm="TensorflowPredictMusiCNN",
    )  # fmt: skip


def _tempo_sidecar() -> Json:
    outputs = [end("output", [1, 256], "Softmax", "predictions")]
    return sidecar(
        TEMPO, "tempo/tempocnn", "deeptemp k16", [str(30 + index) for index in range(256)],
        (end("input", [1, 40, 256, 1]), outputs), version="3", algorithm="TempoCNN",
        sample_rate=11025,
    )  # fmt: skip


def _head_sidecar(name: str, classes: Sequence[str]) -> Json:
    head = HEADS[name]
    if name == STYLES:
        takes = end("serving_default_model_Placeholder", ["batch_size", 1280])
        shape: list[int | str] = ["batch_size", len(classes)]
        gives = [end("PartitionedCall:0", shape, "Sigmoid", "predictions")]
    else:
        op = head.activation.capitalize()
        takes = end("model/Placeholder", [head.told_input])
        told = [head.told_classes or len(classes)]
        gives = [
            end(f"model/{op}", told, op, "predictions"),
            end("model/dense/BiasAdd", list(head.hidden), "fully connected", ""),
        ]
    return sidecar(
        name, f"classification-heads/{head.folder}", name.removesuffix("-discogs-effnet-1"),
        classes, (takes, gives), version=head.version, embedder=head.embedder,
    )  # fmt: skip


def main() -> None:
    """Writes a folder of models."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", choices=["tiny", "full"], default="tiny")
    arguments = parser.parse_args()
    write_models(arguments.folder, arguments.size)


if __name__ == "__main__":
    main()
