"""Reads codes step by step and keeps in place what was read: the same as upstream, for less work.

Upstream's streaming copies all keys and values of all layers at every step to append one more, and
computes those of the text anew each time, which for many clips is most of the work. Here keys and
values have their room from the start, and the text's are computed once. The arithmetic is the same:
on a CPU logits are upstream's to the last bit.

This does what upstream's source does, which is fixed by hashes, for MusicGen's kind of layer: any
other model, and any other source, is read by upstream itself.

With `fixed` no step's shape differs from another's. That is slower on a CPU; on a GPU a step is
then recorded once and launched as one CUDA graph, not as a thousand kernels.

Shapes: B clips, R rows (B, or 2 B with guidance), K codebooks, S steps, card codes a codebook.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..mended import upstream

Read = Callable[[Tensor], Tensor]
"""Codes [B, K, S] that follow what was read before, to logits [R, K, card] of what comes next."""

SOURCES = {
    "LMModel.forward": ("audiocraft.models.lm", "624e525dc5cff8cd"),
    "StreamingMultiheadAttention.forward": ("audiocraft.modules.transformer", "8400894b3d0639d0"),
    "StreamingTransformerLayer.forward": ("audiocraft.modules.transformer", "d10143fa618e02f7"),
    "StreamingTransformer.forward": ("audiocraft.modules.transformer", "aef15e5af1ff82d2"),
    "ConditionFuser.forward": ("audiocraft.modules.conditioners", "5bde961e629b16d1"),
}
"""What of upstream is done here in another way: its module, and the hash of its source."""

BLOCK = 512
"""Of fixed shape, steps look at a multiple of so many; where that grows they are recorded anew."""


@contextmanager
def reader(
    lm: Any, told: dict[str, Any], clips: int, steps: int, *, fixed: bool = False
) -> Iterator[Read]:
    """Lets a language model read a sequence part by part.

    Args:
        lm: audiocraft's LMModel, in evaluation mode; with an adapter attached or without.
        told: Its conditions: a row a clip, or with guidance as many again without text behind.
        clips: B.
        steps: Of the whole sequence, at most.
        fixed: Take steps whose shapes never change; on a GPU each is then one CUDA graph.

    Yields:
        To be called with what is new, more than one step at the first call only.
    """
    rows = next(iter(told.values()))[0].shape[0]
    if fits(lm):
        yield _Kept(lm, told, rows // clips, steps, fixed).read
        return
    with lm.streaming():
        yield lambda codes: lm(
            codes.repeat(rows // clips, 1, 1), conditions=[], condition_tensors=told
        )[:, :, -1]


def fits(lm: Any) -> bool:
    """Whether a model is of the kind that can be read here."""
    from audiocraft.modules.transformer import StreamingMultiheadAttention

    def plain(attention: Any) -> bool:
        return (
            isinstance(attention, StreamingMultiheadAttention)
            and attention.custom
            and attention.rope is None
            and attention.past_context is None
            and attention.kv_repeat == 1
            and not attention.qk_layer_norm
            and not attention.attention_as_float32
        )

    layers = lm.transformer.layers
    return (
        _known()
        and lm._fsdp is None
        and lm.transformer.positional_embedding == "sin"
        and not (lm.fuser.fuse2cond.get("sum") or lm.fuser.fuse2cond.get("input_interpolate"))
        and all(layer.norm_first and layer.self_attn.causal for layer in layers)
        and all(plain(layer.self_attn) for layer in layers)
        and all(layer.cross_attention is None or plain(layer.cross_attention) for layer in layers)
    )


@functools.cache
def _known() -> bool:
    """Whether upstream is what this was written for."""
    return all(
        upstream.digest(upstream.source((module, name))) == known
        for name, (module, known) in SOURCES.items()
    )


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer, and what it remembers: [R, heads, steps, width of a head] each.

    Attributes:
        module: audiocraft's.
        keys: Of what was read; zeros where nothing was yet.
        values: Likewise.
        text: Keys and values of the text; None for a layer that does not look at it.
    """

    module: Any
    keys: Tensor
    values: Tensor
    text: tuple[Tensor, Tensor] | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where steps stand.

    Attributes:
        at: Their numbers, [S].
        seen: They look at so many from the first.
        mask: Which of these they look at, [1, 1, 1, seen]; None for all.
        causal: Each of the steps sees only those before it.
    """

    at: Tensor
    seen: int
    mask: Tensor | None = None
    causal: bool = False


class _Kept:
    """Reads and remembers; see `reader` for the arguments.

    Args:
        times: Rows for a clip.
    """

    def __init__(self, lm: Any, told: dict[str, Any], times: int, steps: int, fixed: bool) -> None:
        self.lm, self.told, self.times, self.steps, self.fixed = lm, told, times, steps, fixed
        self.layers: list[_Layer] = []
        self.done = 0
        self.numbers = self.positions = torch.zeros(0)
        self.recorded: _Recorded | None = None

    def read(self, codes: Tensor) -> Tensor:
        """See `Read`."""
        if not self.layers:
            return self.begin(codes)
        place, self.done = self.done, self.done + 1
        if not self.fixed:
            return self.step(codes, _Place(self.numbers[place : place + 1], place + 1))
        if self.recorded is None or place >= self.recorded.seen:
            seen = min(-(-(place + 1) // BLOCK) * BLOCK, len(self.numbers))
            self.recorded = _Recorded(self.fixed_step, codes, place, seen)
        return self.recorded.step(codes, place)

    def begin(self, codes: Tensor) -> Tensor:
        """The first steps, behind whatever the model is told before them."""
        transformer = self.lm.transformer
        x, text = self.lm.fuser(self.embedded(codes), self.told)
        self.done = x.shape[1]
        room = self.done - codes.shape[-1] + self.steps
        self.layers = [_layer(module, x, text, room) for module in transformer.layers]
        self.numbers = torch.arange(room, device=x.device)
        self.positions = _positions(transformer, self.numbers, x)
        place = _Place(self.numbers[: self.done], self.done, causal=self.done > 1)
        return self.through(x, place)

    def embedded(self, codes: Tensor) -> Tensor:
        """[B, K, S] to [R, S, dim]."""
        found = self.lm.emb[0](codes[:, 0])
        for book in range(1, self.lm.num_codebooks):
            found = found + self.lm.emb[book](codes[:, book])
        return found.repeat(self.times, 1, 1)

    def step(self, codes: Tensor, place: _Place) -> Tensor:
        """One step: [B, K, 1]."""
        return self.through(self.embedded(codes), place)

    def fixed_step(self, codes: Tensor, at: Tensor, seen: int) -> Tensor:
        """One step whose place [1] is a tensor: nothing here depends on its value."""
        mask = (self.numbers[:seen] <= at).view(1, 1, 1, seen)
        return self.step(codes, _Place(at, seen, mask))

    def through(self, x: Tensor, place: _Place) -> Tensor:
        """[R, S, dim] through all layers; what the last step says."""
        x = x + self.positions.index_select(1, place.at)
        for layer in self.layers:
            own = layer.module
            x = x + own.layer_scale_1(_look_back(layer, own.norm1(x), place))
            if layer.text is not None:
                x = x + own.layer_scale_cross(_look_at_text(layer, own.norm_cross(x)))
            x = x + own.layer_scale_2(own._ff_block(own.norm2(x)))
        out = x[:, -1:]
        if self.lm.out_norm is not None:
            out = self.lm.out_norm(out)
        return torch.stack([head(out) for head in self.lm.linears], dim=1)[:, :, 0]


class _Recorded:
    """A step of fixed shape, on a GPU as a CUDA graph.

    Args:
        run: The step: codes, place [1], and `seen`, to logits.
        codes: What the first one reads.
        place: Where that stands.
        seen: It looks at so many from the first.
    """

    def __init__(
        self, run: Callable[[Tensor, Tensor, int], Tensor], codes: Tensor, place: int, seen: int
    ) -> None:
        self.seen = seen
        self._run = run
        self._codes = codes.clone()
        self._at = torch.full((1,), place, device=codes.device)
        self._graph: Any = None
        self._said = torch.zeros(0)
        if codes.is_cuda:
            self._record()

    def step(self, codes: Tensor, place: int) -> Tensor:
        """Logits [R, K, card], which the next step may overwrite."""
        self._codes.copy_(codes)
        self._at.fill_(place)
        if self._graph is None:
            return self._run(self._codes, self._at, self.seen)
        self._graph.replay()
        return self._said

    def _record(self) -> None:
        """Runs the step a few times, as CUDA wants it, and records one.

        It remembers the same at the same place each time, so this leaves no trace.
        """
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(3):
                self._run(self._codes, self._at, self.seen)
        torch.cuda.current_stream().wait_stream(beside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._said = self._run(self._codes, self._at, self.seen)


def _layer(module: Any, x: Tensor, text: Tensor | None, room: int) -> _Layer:
    """A layer with room for so many steps; `text` [R, tokens, dim] is what it may look at."""
    heads = module.self_attn.num_heads
    shape = (x.shape[0], heads, room, x.shape[-1] // heads)
    keys, values = (torch.zeros(shape, dtype=x.dtype, device=x.device) for _ in range(2))
    if module.cross_attention is None or text is None:
        return _Layer(module, keys, values, None)
    return _Layer(module, keys, values, tuple(_of_text(module.cross_attention, text, (1, 2))))  # type: ignore[arg-type]


def _of_text(attention: Any, x: Tensor, parts: tuple[int, ...]) -> list[Tensor]:
    """Queries (part 0), keys (1) or values (2) of cross attention: [R, heads, S, width]."""
    packed, bias = attention.in_proj_weight, attention.in_proj_bias
    width = packed.shape[0] // 3
    found = []
    for part in parts:
        rows = slice(part * width, (part + 1) * width)
        projected = F.linear(x, packed[rows], None if bias is None else bias[rows])
        found.append(projected.unflatten(-1, (attention.num_heads, -1)).transpose(1, 2))
    return found


def _look_back(layer: _Layer, x: Tensor, place: _Place) -> Tensor:
    """Self attention of [R, S, dim], which is remembered."""
    attention = layer.module.self_attn
    packed = F.linear(x, attention.in_proj_weight, attention.in_proj_bias)
    query, key, value = packed.unflatten(-1, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
    layer.keys.index_copy_(2, place.at, key)
    layer.values.index_copy_(2, place.at, value)
    keys, values = layer.keys[:, :, : place.seen], layer.values[:, :, : place.seen]
    heard = F.scaled_dot_product_attention(
        query, keys, values, attn_mask=place.mask, is_causal=place.causal
    )
    return attention.out_proj(heard.transpose(1, 2).flatten(2))


def _look_at_text(layer: _Layer, x: Tensor) -> Tensor:
    """Cross attention of [R, S, dim]."""
    assert layer.text is not None
    attention = layer.module.cross_attention
    query = _of_text(attention, x, (0,))[0]
    heard = F.scaled_dot_product_attention(query, *layer.text)
    return attention.out_proj(heard.transpose(1, 2).flatten(2))


def _positions(transformer: Any, numbers: Tensor, x: Tensor) -> Tensor:
    """What tells steps where they are: [1, steps, dim]."""
    from audiocraft.modules.transformer import create_sin_embedding

    found: Tensor = create_sin_embedding(
        numbers.view(1, -1, 1), x.shape[-1], max_period=transformer.max_period, dtype=x.dtype
    )
    return transformer.positional_scale * found
