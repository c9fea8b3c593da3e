"""Stand-ins for the weights of htdemucs: small networks of its class, saved as Demucs saves them.

    write(folder / "955717e8-8726e21a.th", centre())

`centre` is made by hand so that its vocals are known: what both channels share, (L + R) / 2 in each
(its first and last layer of the time branch hand the samples on, nothing else speaks). `chance` has
random weights. Both have every kind of layer of the official one, at a hundredth of its width and
with segments of one second; `official` has its very shape and random weights, for its cost.

Not run: the official weights themselves, which are not shipped. What their pickle names beside
tensors is written into these by hand, under the names that numpy 1 gave them.
"""

import io
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from demucs.htdemucs import HTDemucs
from demucs.states import serialize_model
from omegaconf import OmegaConf

SOURCES = ["drums", "bass", "other", "vocals"]

LIFT = 1024.0
"""Where GELU is straight, also for the peaks of a sound much shorter than a segment."""

SMALL = {
    "channels": 8,
    "bottom_channels": 16,
    "dconv_mode": 3,
    "dconv_comp": 4,
    "multi_freqs": [],
    "segment": Fraction(1),
    "t_layers": 1,
    "t_heads": 2,
}

OFFICIAL = {
    "channels": 48,
    "bottom_channels": 512,
    "dconv_mode": 3,
    "multi_freqs": [],
    "segment": Fraction(39, 5),
    "t_dropout": 0.02,
    "t_sparse_attn_window": 400,
}


def chance(seed: int = 0, shape: dict[str, Any] = SMALL) -> HTDemucs:
    """Random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return HTDemucs(sources=SOURCES, **shape).eval()


def official() -> HTDemucs:
    """The official shape: 42 million random weights, 84 MB as a file."""
    return chance(shape=OFFICIAL)


@torch.no_grad()
def centre() -> HTDemucs:
    """Vocals are what the channels share."""
    network = chance()
    for layer in (*network.decoder, *network.tdecoder):
        layer.conv_tr.weight.zero_()
        layer.conv_tr.bias.zero_()
    first, last = network.tencoder[0], network.tdecoder[-1]
    for layer in (first, last):
        for residual in layer.dconv.layers:
            residual[-1].scale.zero_()
        layer.rewrite.weight.zero_()
        layer.rewrite.bias.zero_()
        layer.rewrite.bias[8:] = 20.0  # the gate of the GLU: open
    # Samples in fours and two channels become eight channels, lifted to where GELU is straight.
    first.conv.weight.zero_()
    first.conv.bias.fill_(LIFT)
    first.rewrite.bias[:8] = -LIFT
    for channel in range(2):
        for place in range(4):
            first.conv.weight[4 * channel + place, channel, 2 + place] = 1.0
    for one in range(8):
        first.rewrite.weight[one, one, 0] = 1.0
        last.rewrite.weight[one, one, 1] = 1.0
    vocals = 2 * SOURCES.index("vocals")
    for one in range(8):
        last.conv_tr.weight[one, vocals : vocals + 2, 2 + one % 4] = 0.5
    return network


def package(network: HTDemucs) -> dict[str, Any]:
    """As Demucs packs it, with such a numpy number among the settings as the official one has."""
    made = serialize_model(network, OmegaConf.create({"epochs": 360}))
    made["training_args"]["best"] = np.float64(0.5)
    return made


def write(path: Path, content: HTDemucs | object) -> Path:
    """Saves a network, or anything in the place of its package, in the official layout."""
    buffer = io.BytesIO()
    torch.save(package(content) if isinstance(content, HTDemucs) else content, buffer)
    with zipfile.ZipFile(buffer) as saved, zipfile.ZipFile(path, "w") as out:
        for entry in saved.infolist():
            data = saved.read(entry)
            if entry.filename.endswith("data.pkl"):
                data = data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
            out.writestr(entry, data)
    return path
