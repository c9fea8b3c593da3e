"""What a training step needs of a GPU's memory, term by term, by formula.

    python -m plugins.musicgen.memory [--seconds 30] [--rank 16] [--precision fp16]

prints a table for the published sizes of MusicGen. Conventions: bytes; D is the model's width, H
that of its feed-forward layer, e the bytes of a number in the matrices' precision (2 in half, 4 in
single precision). A token is one frame of one clip; 30 s are 1,500 of them.

Kept in memory all the time: the weights, four bytes each, and where autocast computes in half
precision two more for its copy of each matrix (two in all for frozen matrices, `frozen`); the text
encoder and the compression model in single precision; of each trained number its gradient (four
bytes), Adam's two moments (eight; two with adamw8bit) and its moving average (four).

Kept of each token from the way there to the way back, in each layer:

    3 x 4 D        inputs of the norms of attention, cross attention and feed-forward
    (1+3+1+1) e D  attention: its input, queries keys and values, its result, the projection's input
    (1+1+1+1) e D  cross attention: the same, where keys and values are the text's and few
    e D + 2 e H    feed-forward: its input, before and after the activation
    5 D + H        where LoRA drops inputs, a byte each for what was dropped
    3 D + H + e H  where the model itself has dropout

and once: 4 D before and e D after the last norm, and the logits' softmax of each codebook (4 bytes
for each of its codes) with, for one codebook at a time, their gradient (4 + e). With checkpointing
a layer keeps its input only (4 D), and one layer at a time has all of the above. Where nothing
below the output layers is trained (`adapter=head`) the layers keep nothing.

EnCodec encodes before all that: three tensors at a time of its first layer, at the full sample rate
(`n_filters` numbers of four bytes a sample and clip), and as much when it decodes samples. Only the
larger of both counts.

Against figures of others (audiocraft's own solver, MusicGen-small, 30 s, an A100, with the average
and half a GB of CUDA's own): batch 1, 2, 4, 8 took 13.4, 14.6, 19.0, 27.5 GB; this gives 12.3,
14.2, 18.1, 25.7: within 9 %, always below, as the allocator keeps some memory for later.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

GIB = 2**30

TEXT_ENCODER = 109_628_544
"""Parameters of T5-base's encoder, which all published sizes have."""
COMPRESSION = 58_990_022
"""Parameters of EnCodec for 32 kHz, with its codebooks, as its published configuration gives."""
FRAME_RATE = 50
SAMPLE_RATE = 32000


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a language model.

    Attributes:
        dim: Width.
        layers: How many.
        hidden: Width of the feed-forward layers.
        books: Codebooks.
        card: Codes of a codebook.
        text: Width of the text encoder.
        dropout: True if the model itself has dropout.
    """

    dim: int
    layers: int
    hidden: int
    books: int = 4
    card: int = 2048
    text: int = 768
    dropout: bool = False

    @property
    def matrices(self) -> int:
        """Numbers in the matrices of the layers."""
        return self.layers * (8 * self.dim**2 + 2 * self.dim * self.hidden)

    @property
    def rest(self) -> int:
        """Numbers elsewhere: embeddings, output layers, norms, the text's projection."""
        ends = self.books * (2 * self.card + 1) * self.dim + (self.text + 1) * self.dim
        return ends + (6 * self.layers + 2) * self.dim

    def lora(self, rank: int) -> int:
        """Numbers of LoRA beside all matrices of the layers."""
        return self.layers * rank * (8 * 2 * self.dim + 2 * (self.dim + self.hidden))


SIZES = {
    "small": Shape(1024, 24, 4096),
    "medium": Shape(1536, 48, 6144),
    "large": Shape(2048, 48, 8192),
}


@dataclass(frozen=True, slots=True)
class Step:
    """What a training step is asked to do.

    Attributes:
        clips: In memory at once.
        seconds: Length of each.
        half: Computes in half precision.
        reached: Something below the output layers is trained.
        dropped: The adapter drops inputs.
        checkpointing: Computes activations again.
        frame_rate: Frames a second.
        sample_rate: Of the sound, in Hz; 0: no sound is encoded, the codes are there.
        filters: Of EnCodec's first layer, for all channels.
    """

    clips: int
    seconds: float
    half: bool = True
    reached: bool = True
    dropped: bool = False
    checkpointing: bool = False
    frame_rate: float = FRAME_RATE
    sample_rate: int = SAMPLE_RATE
    filters: int = 64


@dataclass(frozen=True, slots=True)
class Memory:
    """What a training step needs, in bytes.

    Attributes:
        weights: Of all models, with autocast's copies.
        training: Gradients, the optimizer's moments, the moving average.
        activations: What is kept for the way back.
        encoding: The compression model at work.
    """

    weights: int
    training: int
    activations: int
    encoding: int

    @property
    def total(self) -> int:
        """All at the worst moment."""
        return self.weights + self.training + max(self.activations, self.encoding)


def activations(shape: Shape, step: Step) -> int:
    """Bytes kept from the way there to the way back, see above."""
    each = 2 if step.half else 4
    dim, hidden = shape.dim, shape.hidden
    layer = 3 * 4 * dim + 11 * each * dim + 2 * each * hidden
    if step.dropped:
        layer += 5 * dim + hidden
    if shape.dropout:
        layer += 3 * dim + hidden + each * hidden
    kept = layer * shape.layers
    if step.checkpointing:
        kept = 4 * dim * shape.layers + layer
    if not step.reached:
        kept = 0
    logits = shape.books * shape.card * 4 + shape.card * (4 + each)
    tokens = step.clips * step.seconds * step.frame_rate
    return round(tokens * (kept + (4 + each) * dim + logits))


def encoding(step: Step) -> int:
    """Bytes that the compression model needs to encode the clips."""
    return round(step.clips * step.seconds * step.sample_rate) * step.filters * 4 * 3


def estimate(cfg: Any, model: Any, compression: Any) -> Memory:
    """What a run will need.

    Args:
        cfg: The run's configuration, settled.
        model: audiocraft's LMModel, with what is trained marked.
        compression: The compression model.
    """
    from . import frozen

    named = list(model.named_parameters())
    trained = sum(one.numel() for _, one in named if one.requires_grad)
    reached = any(one.requires_grad for name, one in named if not name.startswith("linears."))
    encoders = [
        one.__dict__["t5"]
        for one in model.condition_provider.conditioners.values()
        if "t5" in one.__dict__
    ]
    others = [p for module in (*encoders, compression) for p in module.parameters()]
    weights = sum(one.numel() * one.element_size() for one in (*(p for _, p in named), *others))
    if cfg.autocast:
        single = [one for one in frozen.matrices(model) if one.element_size() == 4]
        weights += 2 * sum(one.numel() for one in single)
    lm, optim = cfg.transformer_lm, cfg.optim
    shape = Shape(
        dim=lm.dim,
        layers=lm.num_layers,
        hidden=int(lm.hidden_scale * lm.dim),
        books=lm.n_q,
        card=lm.card,
        dropout=bool(lm.dropout),
    )
    inner = getattr(compression, "model", compression)
    step = Step(
        clips=cfg.dataset.batch_size,
        seconds=cfg.dataset.segment_duration,
        half=cfg.autocast,
        reached=reached,
        dropped=cfg.adapter.kind == "lora" and cfg.adapter.dropout > 0,
        checkpointing=lm.checkpointing != "none",
        frame_rate=compression.frame_rate,
        sample_rate=cfg.sample_rate,
        filters=getattr(getattr(inner, "encoder", None), "n_filters", 64) * cfg.channels,
    )
    average = 4 if optim.ema.use and optim.ema.device != "cpu" else 0
    moments = 2 if optim.optimizer == "adamw8bit" else 8
    return Memory(
        weights=weights,
        training=trained * (4 + moments + average),
        activations=activations(shape, step),
        encoding=encoding(step),
    )


def published(
    shape: Shape, step: Step, *, rank: int = 0, average: bool = False, moments: int = 8
) -> Memory:
    """What a run with a published size of MusicGen needs, with T5-base and EnCodec beside it.

    Args:
        shape: Of `SIZES`.
        step: What is asked of it.
        rank: Of LoRA beside all matrices, these frozen in the step's precision; 0: full training.
        average: Keeps a moving average.
        moments: Bytes of the optimizer for each trained number.
    """
    each = 2 if step.half else 4
    copies = 2 if step.half else 0
    beside = 4 * (TEXT_ENCODER + COMPRESSION)
    if rank:
        trained = shape.lora(rank)
        weights = each * shape.matrices + 4 * (shape.rest + trained)
    else:
        trained = shape.matrices + shape.rest
        weights = 4 * trained + copies * shape.matrices
    training = trained * (4 + moments + (4 if average else 0))
    return Memory(beside + weights, training, activations(shape, step), encoding(step))


def table(seconds: float, rank: int, *, half: bool) -> Iterator[str]:
    """A table in Markdown: GiB by size, method and batch."""
    batches = (1, 2, 4, 8)
    yield "| MusicGen | trained | " + " | ".join(f"batch {one}" for one in batches) + " |"
    yield "|---|---|" + "---:|" * len(batches)
    plain = Step(1, seconds, half)
    again = replace(plain, checkpointing=True)
    for name, shape in SIZES.items():
        for label, step, own in (
            ("all", plain, 0),
            ("all, checkpointing", again, 0),
            (f"LoRA {rank}", replace(plain, dropped=True), rank),
            (f"LoRA {rank}, checkpointing", replace(again, dropped=True), rank),
        ):
            found = [published(shape, replace(step, clips=one), rank=own) for one in batches]
            cells = " | ".join(f"{one.total / GIB:.1f}" for one in found)
            yield f"| {name} | {label} | {cells} |"


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m plugins.musicgen.memory",
        description="GiB that a training step needs, by formula; EnCodec and T5 included.",
    )
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--precision", choices=("fp16", "bf16", "fp32"), default="fp16")
    given = parser.parse_args(arguments)
    lines = table(given.seconds, given.rank, half=given.precision != "fp32")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
