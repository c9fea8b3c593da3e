"""What a training step needs of a GPU's memory, term by term, by formula.

`tables` prints it for the published sizes of MusicGen. Conventions: bytes; D is the model's width,
H that of its feed-forward layer, e the bytes of a number in the matrices' precision (2 in half, 4
in single precision). A token is one frame of one clip; 30 s are 1,500 of them.

Kept in memory all the time: the weights, four bytes each, and where autocast computes in half
precision two more for its copy of each matrix (two in all for frozen matrices, `frozen`); the text
encoder and the compression model in single precision; of each trained number its gradient (four
bytes), Adam's two moments (eight; two with adamw8bit) and its moving average (four).

Kept of each token from the way there to the way back, in each layer, where all is kept:

    3 x 4 D        inputs of the norms of attention, cross attention and feed-forward
    (1+3+1+1) e D  attention: its input, queries keys and values, its result, the projection's input
    (1+1+1+1) e D  cross attention: the same, where keys and values are the text's and few
    e D + 2 e H    feed-forward: its input, before and after the activation
    D / 8          attention's sums of a row, four bytes a head and attention
    5 D + H        where LoRA drops inputs, a byte each for what was dropped
    3 D + H + e H  where the model itself has dropout

(in single precision the projection's input is attention's result, and counts once). Where some of
it is computed again (`recompute`):

    light          3 x 4 D, (3+1) e D, (1+1) e D, e H, D / 8; 3 D where the model has dropout
    feedforward    the same without e H
    torch          the layer's input, 4 D

and once: 4 D before and e D after the last norm, and the larger of two things. First, the logits'
softmax of each codebook (4 bytes for each of its codes) with two gradients of one codebook (8).
Second, what one layer needs on its way back: gradients and what it computes again, 8, 13, 19 e D or
all of the first list and 6 e D. Where nothing below the output layers is trained (`adapter=head`)
the layers keep nothing. `tests/plugins/test_memory.py` holds all this against autograd: there every
tensor of a step of true size is counted, which gives the same within 3 %.

Gradients are counted in full beside all activations. That is so only where they are accumulated;
else it stands for what the allocator keeps.

EnCodec is at work where codes are not cached, and where samples are made: three tensors at a time
of its first layer, at the full sample rate (`n_filters` numbers of four bytes a sample and clip).
Then there are no activations. Samples also need the keys and values of what came before, 2 e D a
layer and token, twice for guidance. Only the largest of all these counts.

Against figures of others (audiocraft's own solver, MusicGen-small, 30 s, an A100, with the average
and half a GB of CUDA's own): batch 1, 2, 4, 8 took 13.4, 14.6, 19.0, 27.5 GB; this gives 12.3,
14.2, 18.1, 25.8: within 9 %, always below.
"""

from dataclasses import dataclass, replace
from typing import Any

from . import recompute

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
        mode: What is computed again, of `recompute.MODES`.
        frame_rate: Frames a second.
        sample_rate: Of the sound, in Hz; 0: no sound is encoded, the codes are there.
        filters: Of EnCodec's first layer, for all channels.
    """

    clips: int
    seconds: float
    half: bool = True
    reached: bool = True
    dropped: bool = False
    mode: str = "none"
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
        encoding: The compression model at work, or the keys and values of samples.
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
    """Bytes kept from the way there to the way back, and needed there beside them, see above."""
    each = 2 if step.half else 4
    kept = kept_of_layer(shape, step, step.mode) * shape.layers if step.reached else 0
    logits = shape.books * shape.card * 4 + shape.card * 8
    moment = max(logits, _on_the_way_back(shape, step) if step.reached else 0)
    return round(
        step.clips * step.seconds * step.frame_rate * (kept + (4 + each) * shape.dim + moment)
    )


def kept_of_layer(shape: Shape, step: Step, mode: str) -> int:
    """Bytes that one layer keeps of a token, see above."""
    each = 2 if step.half else 4
    dim, hidden = shape.dim, shape.hidden
    if mode == "torch":
        return 4 * dim
    if mode in recompute.LEAN:
        product = each * hidden if mode == "light" else 0
        masks = 3 * dim if shape.dropout else 0
        return 3 * 4 * dim + 6 * each * dim + product + dim // 8 + masks
    products = 11 if step.half or step.dropped else 9
    layer = 3 * 4 * dim + products * each * dim + 2 * each * hidden + dim // 8
    if step.dropped:
        layer += 5 * dim + hidden
    if shape.dropout:
        layer += 3 * dim + hidden + each * hidden
    return layer


def _on_the_way_back(shape: Shape, step: Step) -> int:
    """Bytes of a token that one layer needs while its gradients are computed."""
    each = 2 if step.half else 4
    if step.mode == "torch":
        return kept_of_layer(shape, step, "none") + 6 * each * shape.dim
    return {"none": 8, "light": 13, "feedforward": 19}[step.mode] * each * shape.dim


def encoding(step: Step) -> int:
    """Bytes that the compression model needs to encode the clips, or to decode as many."""
    return round(step.clips * step.seconds * step.sample_rate) * step.filters * 4 * 3


def sampling(shape: Shape, step: Step) -> int:
    """Bytes that samples need beside the weights, of as many clips and as long as `step` says."""
    each = 2 if step.half else 4
    tokens = step.clips * step.seconds * step.frame_rate
    return max(encoding(step), round(tokens * 2 * 2 * each * shape.dim * shape.layers))


def estimate(cfg: Any, model: Any, compression: Any, mode: str | None = None) -> Memory:
    """What a run will need, on each GPU.

    Args:
        cfg: The run's configuration, settled.
        model: audiocraft's LMModel, with what is trained marked.
        compression: The compression model.
        mode: What is computed again; None: what the model's layers do.
    """
    trained = sum(one.numel() for one in model.parameters() if one.requires_grad)
    optim = cfg.optim
    average = 4 if optim.ema.use and optim.ema.device != "cpu" else 0
    moments = 2 if optim.optimizer == "adamw8bit" else 8
    shape = _shape_of(cfg)
    step = _step_of(cfg, model, compression, mode or recompute.mode_of(model))
    at_work = 0 if cfg.token_cache.use else encoding(step)
    if cfg.generate.every:
        clips = min(step.clips, cfg.dataset.generate.num_samples or step.clips)
        seconds = cfg.generate.lm.gen_duration or step.seconds
        at_work = max(at_work, sampling(shape, replace(step, clips=clips, seconds=seconds)))
    return Memory(
        weights=_weights(cfg, model, compression),
        training=trained * (4 + moments + average),
        activations=activations(shape, step),
        encoding=at_work,
    )


def _weights(cfg: Any, model: Any, compression: Any) -> int:
    """Bytes of all models, with autocast's copies."""
    from . import frozen

    encoders = [
        one.__dict__[name]
        for one in model.condition_provider.conditioners.values()
        for name in ("t5", "demucs")
        if name in one.__dict__
    ]
    modules = (model, *encoders, compression)
    every = [one for module in modules for one in module.parameters()]
    found = sum(one.numel() * one.element_size() for one in every)
    if cfg.autocast:
        single = [one for one in frozen.matrices(model) if one.element_size() == 4]
        found += 2 * sum(one.numel() for one in single)
    return found


def _shape_of(cfg: Any) -> Shape:
    lm = cfg.transformer_lm
    return Shape(
        dim=lm.dim,
        layers=lm.num_layers,
        hidden=int(lm.hidden_scale * lm.dim),
        books=lm.n_q,
        card=lm.card,
        dropout=bool(lm.dropout),
    )


def _step_of(cfg: Any, model: Any, compression: Any, mode: str) -> Step:
    from dora.distrib import get_distrib_spec

    named = model.named_parameters()
    inner = getattr(compression, "model", compression)
    return Step(
        clips=max(1, cfg.dataset.batch_size // get_distrib_spec().world_size),
        seconds=cfg.dataset.segment_duration,
        half=cfg.autocast,
        reached=any(one.requires_grad for name, one in named if not name.startswith("linears.")),
        dropped=cfg.adapter.kind == "lora" and cfg.adapter.dropout > 0,
        mode=mode,
        frame_rate=_steps(model, cfg.dataset.segment_duration, compression.frame_rate),
        sample_rate=cfg.sample_rate,
        filters=getattr(getattr(inner, "encoder", None), "n_filters", 64) * cfg.channels,
    )


def _steps(model: Any, seconds: float, frame_rate: float) -> float:
    """Steps that a second takes: frames, times the codebooks where these come one at a time."""
    pattern = model.pattern_provider.get_pattern(max(1, round(seconds * frame_rate)))
    return float(pattern.num_sequence_steps / seconds)


def published(
    shape: Shape,
    step: Step,
    *,
    rank: int = 0,
    head: bool = False,
    average: bool = False,
    moments: int = 8,
) -> Memory:
    """What a run with a published size of MusicGen needs, with T5-base and EnCodec beside it.

    Args:
        shape: Of `SIZES`.
        step: What is asked of it.
        rank: Of LoRA beside all matrices, these frozen in the step's precision; 0: full training.
        head: The output layers alone are trained, copies of them; all else is frozen.
        average: Keeps a moving average.
        moments: Bytes of the optimizer for each trained number.
    """
    each = 2 if step.half else 4
    copies = 2 if step.half else 0
    beside = 4 * (TEXT_ENCODER + COMPRESSION)
    if rank or head:
        trained = shape.lora(rank) if rank else shape.books * shape.card * shape.dim
        weights = each * shape.matrices + 4 * (shape.rest + trained)
    else:
        trained = shape.matrices + shape.rest
        weights = 4 * trained + copies * shape.matrices
    training = trained * (4 + moments + (4 if average else 0))
    step = replace(step, reached=not head)
    return Memory(beside + weights, training, activations(shape, step), encoding(step))
