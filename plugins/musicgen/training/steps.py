"""The arithmetic of a step, as lean as it can be with the same result as audiocraft's.

Shapes: B clips, K codebooks, T frames, S steps of the codebooks' pattern, card codes a codebook.

Upstream computes logits [B, K, S, card], gathers them back to [B, K, T, card] and picks the valid
positions of each codebook by a boolean mask, which makes the GPU wait. Here codes are laid out in
the pattern once, and the prediction at step s is compared with what stands at step s + 1: the same
pairs, no gather, no waiting.
"""

import hashlib
import itertools
from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def lay_out(model: Any, codes: Tensor) -> tuple[Tensor, Tensor]:
    """What the model reads at each step, and what it is to say there.

    Args:
        model: audiocraft's LMModel.
        codes: [B, K, T].

    Returns:
        Inputs and targets, each [B, K, S]; a target that does not count is the special token.
    """
    pattern = model.pattern_provider.get_pattern(codes.shape[-1])
    sequence, _, _ = pattern.build_pattern_sequence(
        codes.contiguous(), model.special_token_id, keep_only_valid_steps=True
    )
    return sequence[..., :-1], sequence[..., 1:]


def hidden(model: Any, inputs: Tensor, conditions: dict[str, Any]) -> Tensor:
    """The transformer's output before the heads, [B, S, dim]: LMModel.forward up to there.

    Args:
        model: audiocraft's LMModel.
        inputs: [B, K, S].
        conditions: Of the condition provider.
    """
    summed = model.emb[0](inputs[:, 0])
    for book in range(1, model.num_codebooks):
        summed = summed + model.emb[book](inputs[:, book])
    fused, cross = model.fuser(summed, conditions)
    out = model.transformer(fused, cross_attention_src=cross)
    if model.out_norm:
        out = model.out_norm(out)
    return out[:, -inputs.shape[-1] :]  # what was prepended says nothing


def surprise(model: Any, out: Tensor, targets: Tensor) -> Tensor:
    """Summed cross entropy of each codebook, in nats: [K].

    In single precision: on a GPU autocast would leave the logarithms of the probabilities in half,
    and keep them in both.

    Args:
        model: audiocraft's LMModel.
        out: Of `hidden`.
        targets: [B, K, S]; the special token does not count.
    """
    sums = [
        F.cross_entropy(
            head(out).flatten(0, 1).float(),
            targets[:, book].flatten(),
            ignore_index=model.special_token_id,
            reduction="sum",
        )
        for book, head in enumerate(model.linears)
    ]
    return torch.stack(sums)


def counted(targets: Tensor, special: int) -> Tensor:
    """How many targets of each codebook count: [K], float."""
    return (targets != special).sum(dim=(0, 2)).float()


def rows(tokenized: Any, part: slice) -> Any:
    """Some clips of what conditioners made of a batch: tensors, lists, or nests of these.

    The clips keep the length they were padded to in the whole batch: padding reaches the model
    (upstream's cross attention has no mask), so cutting it would change the gradients.
    """
    if isinstance(tokenized, Tensor | list):
        return tokenized[part]
    if isinstance(tokenized, dict) or hasattr(tokenized, "items"):
        return {key: rows(value, part) for key, value in tokenized.items()}
    if hasattr(tokenized, "_fields"):
        return type(tokenized)(*(rows(value, part) for value in tokenized))
    return tuple(rows(value, part) for value in tokenized)


def widen(tokenized: dict[str, Any], device: str) -> dict[str, Any]:
    """Pads texts as one process with all clips would, see `rows`; all processes call this.

    Args:
        tokenized: What the conditioners made of this process's clips.
        device: Where the processes exchange numbers.
    """
    found = {}
    for name, value in tokenized.items():
        if hasattr(value, "items") and "attention_mask" in value:  # T5's; its padding is 0
            own = value["attention_mask"].shape[1]
            longest = torch.tensor(own, device=device)
            torch.distributed.all_reduce(longest, torch.distributed.ReduceOp.MAX)
            more = int(longest.item()) - own
            value = {
                key: F.pad(one, (0, 0) * (one.dim() - 2) + (0, more)) for key, one in value.items()
            }
        found[name] = value
    return found


def parts(clips: int, count: int) -> list[slice]:
    """Cuts a batch into `count` parts of nearly the same size, without empty ones."""
    edges = [clips * number // count for number in range(count + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(edges) if b > a]


def seed_of(*where: object) -> int:
    """A seed for a place of the run: the same each time, 0 to 2**48 - 1."""
    digest = hashlib.sha256("/".join(map(str, where)).encode()).digest()
    return int.from_bytes(digest[:6])


def clip(parameters: Iterable[torch.nn.Parameter], max_norm: float) -> Tensor:
    """Clips gradients to a norm, without waiting for the GPU.

    Returns:
        The norm before; 0 where it is not finite, which only a step that is skipped has, so that
        one of these does not take the mean with it.
    """
    norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm or float("inf"))
    return norm.nan_to_num(0.0, 0.0, 0.0)
