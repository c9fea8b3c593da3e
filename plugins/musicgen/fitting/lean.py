"""Layers that keep less for the way back, and compute again what is cheap; see `recompute`.

Where gradients are wanted, a layer is cut into regions that end with a matrix product each: a norm
and the product it feeds, an activation function and its product. Of a region torch's checkpoint
keeps the input alone and computes the rest again. It stops as soon as it has what was saved, and
torch saves the inputs of a product before it multiplies: so all of a region is computed again but
its product (with an adapter, but its large one). Attention is in no region: its queries, keys,
values and result are kept.

Everywhere else, with a streaming state for instance, a layer is upstream's. Names of parameters
stay, and so do checkpoints.
"""

from collections.abc import Callable
from typing import Any

from ..errors import TrainingError
from ..mended import upstream

upstream.prepare()

import torch  # noqa: E402  after prepare()
import torch.nn.functional as F  # noqa: E402
from audiocraft.modules import transformer  # noqa: E402
from audiocraft.modules.transformer import (  # noqa: E402
    StreamingMultiheadAttention,
    StreamingTransformerLayer,
)
from einops import rearrange  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

from ..adapters.layers import LowRank  # noqa: E402

WRITTEN_AFTER = {
    "StreamingTransformerLayer.forward": "d10143fa618e02f7",
    "StreamingTransformerLayer._cross_attention_block": "7e5fae4a2b928e52",
    "StreamingMultiheadAttention.forward": "8400894b3d0639d0",
}
"""What of upstream `LeanLayer` does in other words, and the hash of its source."""


class LeanLayer(StreamingTransformerLayer):
    """Upstream's layer with its regions; made of one by `swap`.

    Attributes:
        mode: `light` or `feedforward`.
        drops: An adapter drops inputs.
        draws: A region draws random numbers, which must be the same again.
    """

    mode: str
    drops: bool
    draws: bool

    def forward(  # type: ignore[override]
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        cross_attention_src: Tensor | None = None,
    ) -> Tensor:
        """As upstream's: src is [B, T, D]."""
        streaming = self.self_attn._is_streaming
        if streaming or src_mask is not None or not torch.is_grad_enabled():
            found: Tensor = super().forward(
                src, src_mask, src_key_padding_mask, cross_attention_src
            )
            return found
        x = src + self.layer_scale_1(self.dropout1(self._attend(src)))
        if self.cross_attention is not None:
            assert cross_attention_src is not None
            heard = self._cross_attend(x, cross_attention_src)
            x = x + self.layer_scale_cross(self.dropout_cross(heard))
        out: Tensor = x + self.layer_scale_2(self.dropout2(self._feed(x)))
        return out

    def _attend(self, x: Tensor) -> Tensor:
        attention = self.self_attn

        def project(x: Tensor) -> Tensor:
            return F.linear(self.norm1(x), attention.in_proj_weight, attention.in_proj_bias)

        packed = rearrange(
            self._again(project, x), "b t (p h d) -> b h p t d", p=3, h=attention.num_heads
        )
        return self._mix(attention, *packed.unbind(2))

    def _cross_attend(self, x: Tensor, source: Tensor) -> Tensor:
        attention: Any = self.cross_attention
        weight, bias = attention.in_proj_weight, attention.in_proj_bias
        dim = weight.shape[0] // 3

        def project(x: Tensor, part: int) -> Tensor:
            rows = slice(part * dim, (part + 1) * dim)
            out = F.linear(x, weight[rows], None if bias is None else bias[rows])
            return rearrange(out, "b t (h d) -> b h t d", h=attention.num_heads)

        queries = self._again(lambda x: project(self.norm_cross(x), 0), x)
        return self._mix(attention, queries, project(source, 1), project(source, 2))

    def _mix(self, attention: Any, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Attention [B, heads, T, D / heads] and the product after it.

        Upstream gives this product its input in the norm's precision. It is rounded to half again
        there, so what it is here is the same, and the result of attention is kept only once.
        """
        share = attention.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(
            queries, keys, values, is_causal=attention.causal, dropout_p=share
        )
        joined = rearrange(mixed, "b h t d -> b t (h d)")
        # Without dropout the product's input is what attention keeps anyway.
        out: Tensor = (
            self._again(attention.out_proj, joined) if self.drops else attention.out_proj(joined)
        )
        return out

    def _feed(self, x: Tensor) -> Tensor:
        def first(x: Tensor) -> Tensor:
            return self.linear1(self.norm2(x))

        def second(x: Tensor) -> Tensor:
            return self.linear2(self.dropout(self.activation(x)))

        if self.mode == "feedforward":
            return _region(lambda x: second(first(x)), x, self.draws)
        return self._again(second, self._again(first, x))

    def _again(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """A region; a compiler finds for itself what is cheap to compute again."""
        return function(x) if torch.compiler.is_compiling() else _region(function, x, self.draws)


def _region(function: Callable[[Tensor], Tensor], x: Tensor, draws: bool) -> Tensor:
    out: Tensor = checkpoint(function, x, use_reentrant=False, preserve_rng_state=draws)
    return out


def fits(model: Any) -> bool:
    """True if the layers of audiocraft's LMModel are such as `LeanLayer` knows: MusicGen's are."""
    if transformer._efficient_attention_backend != "torch":
        return False
    return all(
        type(layer) in {StreamingTransformerLayer, LeanLayer}
        and layer.norm_first
        and _plain(layer.self_attn)
        and (layer.cross_attention is None or _plain(layer.cross_attention))
        for layer in model.transformer.layers
    )


def _plain(attention: StreamingMultiheadAttention) -> bool:
    odd = (attention.rope, attention.past_context, attention.attention_as_float32)
    return (
        attention.memory_efficient
        and attention.kv_repeat == 1
        and not attention.qk_layer_norm
        and not any(odd)
    )


def swap(model: Any, mode: str) -> None:
    """Makes the layers of a model lean.

    Args:
        model: audiocraft's LMModel, with its adapters.
        mode: `light` or `feedforward`.

    Raises:
        TrainingError: The layers are of another build, or audiocraft's own have changed.
    """
    for name, known in WRITTEN_AFTER.items():
        found = upstream.digest(upstream.source((transformer.__name__, name)))
        if found != known:
            raise TrainingError(
                f"model.checkpointing={mode}: audiocraft's {name} is not what lean.py was written "
                f"after ({found}, expected {known}); take model.checkpointing=torch or none"
            )
    if not fits(model):
        raise TrainingError(
            f"model.checkpointing={mode}: this model's layers are not as MusicGen's (or "
            "efficient_attention_backend is not torch); take model.checkpointing=torch or none"
        )
    for layer in model.transformer.layers:
        adapters = [one for one in layer.modules() if isinstance(one, LowRank)]
        layer.__class__ = LeanLayer
        layer.mode = mode
        layer.drops = any(isinstance(one.dropout, nn.Dropout) for one in adapters)
        layer.draws = layer.drops or layer.dropout.p > 0
