"""Draws codes from a language model, each clip by random numbers of its own.

Upstream's `LMModel.generate` draws for a whole batch from the process's generator and pads texts to
the longest among them, which reaches the model: a clip depends on its neighbours. Here a clip's
numbers follow from its seed and place alone, and texts are padded to a multiple of `TEXT_STEP`, so
clips share a batch whose texts pad alike. What is left is the rounding of other matrix shapes.
`decoding` reads what was drawn, for less work than upstream.

Shapes: B clips, K codebooks, T frames, S steps of the codebooks' pattern, card codes a codebook.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..training import steps
from . import decoding

TEXT_STEP = 16
"""Texts are padded to a multiple of so many tokens."""

STRIDE = 0.6
"""Part of a window after which the next begins, where more is made than the model can overlook:
18 s of 30 s, as audiocraft does it."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How codes are drawn.

    Attributes:
        cfg: Weight of classifier-free guidance; 1: none, and half the work.
        temperature: Above 1 more daring, below 1 more careful; 0: always the likeliest code.
        top_k: Only so many of the likeliest codes are drawn from; 0: all.
    """

    cfg: float = 3.0
    temperature: float = 1.0
    top_k: int = 250


def text_length(lm: Any, text: str) -> int:
    """Tokens a text is padded to; 0 for a text encoder that pads nothing."""
    conditioner = lm.condition_provider.conditioners["description"]
    tokenized = conditioner.tokenize([text])
    if not hasattr(tokenized, "items"):
        return 0
    tokens = tokenized["attention_mask"].shape[1]
    return -(-tokens // TEXT_STEP) * TEXT_STEP


@torch.no_grad()
def conditions(lm: Any, texts: Sequence[str], cfg: float, length: int) -> dict[str, Any]:
    """What the conditioners make of texts; with guidance the same without text behind them.

    Args:
        lm: audiocraft's LMModel.
        texts: All of one `text_length`.
        cfg: See `Drawing`.
        length: That `text_length`.
    """
    from audiocraft.modules.conditioners import (
        ClassifierFreeGuidanceDropout,
        ConditioningAttributes,
        WavCondition,
    )

    device = next(lm.parameters()).device
    attributes = [ConditioningAttributes(text={"description": text}) for text in texts]
    if "self_wav" in lm.condition_provider.conditioners:
        for one in attributes:  # no melody, as audiocraft says it
            nothing = torch.zeros((1, 1, 1), device=device)
            none = torch.tensor([0], device=device)
            rate = lm.condition_provider.conditioners["self_wav"].sample_rate
            one.wav["self_wav"] = WavCondition(nothing, none, sample_rate=[rate], path=[None])
    if cfg != 1:
        attributes = attributes + ClassifierFreeGuidanceDropout(p=1.0)(attributes)
    tokenized = lm.condition_provider.tokenize(attributes)
    text = tokenized["description"]
    if hasattr(text, "items"):
        more = length - text["attention_mask"].shape[1]
        tokenized["description"] = {key: _pad(one, more) for key, one in text.items()}
    found: dict[str, Any] = lm.condition_provider(tokenized)
    return found


def _pad(rows: Tensor, more: int) -> Tensor:
    """Lengthens [B, tokens, ...] by so many tokens of nothing."""
    return F.pad(rows, (0, 0) * (rows.ndim - 2) + (0, more))


def numbers(count: int, books: int, *where: object) -> Tensor:
    """The random numbers of a clip, from 0 to below 1: [count, K], the same on any machine."""
    generator = torch.Generator().manual_seed(steps.seed_of("draw", *where))
    return torch.rand(count, books, generator=generator)


def draw(logits: Tensor, chances: Tensor, how: Drawing) -> Tensor:
    """Codes [B, K] for logits [B, K, card] and random numbers [B, K]."""
    if how.temperature == 0:
        return logits.argmax(dim=-1)
    kept = min(how.top_k or logits.shape[-1], logits.shape[-1])
    values, places = logits.float().topk(kept, dim=-1)
    edges = torch.softmax(values / how.temperature, dim=-1).cumsum(dim=-1)
    aims = chances.to(edges) * edges[..., -1]
    chosen = torch.searchsorted(edges, aims.unsqueeze(-1), right=True).clamp_(max=kept - 1)
    return places.gather(-1, chosen).squeeze(-1)


@torch.no_grad()
def window(
    lm: Any,
    told: dict[str, Any],
    start: Tensor,
    frames: int,
    keys: Sequence[tuple[object, ...]],
    how: Drawing,
    tell: Callable[[float], None],
    *,
    fixed: bool = False,
) -> Tensor:
    """Codes [B, K, frames] that the model can overlook at once.

    Args:
        lm: audiocraft's LMModel, in evaluation mode.
        told: Of `conditions`.
        start: What to go on from: [B, K, T], T below `frames`, or 0 for nothing.
        frames: How many, those of `start` with them.
        keys: Of each clip, what its random numbers follow from.
        how: How codes are drawn.
        tell: Told each step's share of the window, 0 to 1.
        fixed: See `decoding.reader`.
    """
    clips, books, given = start.shape
    pattern = lm.pattern_provider.get_pattern(frames)
    unknown = -1
    codes = torch.full((clips, books, frames), unknown, device=start.device)
    codes[..., :given] = start
    laid, _, valid = pattern.build_pattern_sequence(codes, lm.special_token_id)
    first = pattern.get_first_step_with_timesteps(given)
    count = laid.shape[-1]
    chances = torch.stack([numbers(count, books, *key) for key in keys]).to(start.device)
    before = 0
    with decoding.reader(lm, told, clips, count, fixed=fixed) as read:
        for place in range(first, count):
            logits = read(laid[..., before:place]).float()
            before = place
            if how.cfg != 1:
                with_text, without = logits.chunk(2)
                logits = without + (with_text - without) * how.cfg
            drawn = draw(logits, chances[:, place], how)
            drawn = torch.where(valid[:, place], drawn, lm.special_token_id)
            now = laid[..., place]
            laid[..., place] = torch.where(now == unknown, drawn, now)
            tell(1 / (count - first))
    found: Tensor = pattern.revert_pattern_sequence(laid, special_token=unknown)[0]
    return found[..., :frames]


def codes(
    lm: Any,
    told: dict[str, Any],
    frames: int,
    most: int,
    keys: Sequence[tuple[object, ...]],
    how: Drawing,
    tell: Callable[[float], None],
    *,
    fixed: bool = False,
) -> Tensor:
    """Codes [B, K, frames] of any length, in windows that overlap where one does not do.

    Args:
        lm: audiocraft's LMModel, in evaluation mode.
        told: Of `conditions`.
        frames: How many.
        most: Of a window.
        keys: Of each clip, what its random numbers follow from.
        how: How codes are drawn.
        tell: Told each step's share of the clip, 0 to 1.
        fixed: See `decoding.reader`.
    """
    device = next(lm.parameters()).device
    books = lm.num_codebooks
    done = torch.zeros((len(keys), books, 0), dtype=torch.long, device=device)
    begin, number = 0, 0
    while done.shape[-1] < frames:
        size = min(most, frames - begin)
        own = [(*key, number) for key in keys]
        start = done[..., begin:]
        share = (size - start.shape[-1]) / frames

        def tell_part(part: float, share: float = share) -> None:
            tell(part * share)

        made = window(lm, told, start, size, own, how, tell_part, fixed=fixed)
        done = torch.cat([done[..., :begin], made], dim=-1)
        begin += max(1, int(most * STRIDE))
        number += 1
    return done
