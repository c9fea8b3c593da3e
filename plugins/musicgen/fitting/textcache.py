"""What the text encoder makes of a text, kept in memory: T5 reads each text once.

T5 is frozen and reads one text at a time, so what it makes of a text depends on the text alone, not
on what else is in the batch nor on how far it is padded. Where words are dropped at random
(`model.word_dropout`, in training) every text is new, and T5 reads it as ever; in validation and
generation, and in training without word dropout, a text that was read before is not read again.

Kept is what T5 put out, at its precision (half of it would change the result), before the trained
projection. Nothing is kept on the disk: reading all texts of a dataset once takes a minute.
"""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ..mended import upstream

upstream.prepare()

import torch  # noqa: E402  after prepare()
from audiocraft.modules.conditioners import T5Conditioner  # noqa: E402
from torch import Tensor  # noqa: E402


class Embeddings:
    """The texts read last.

    Attributes:
        limit: Bytes that may be kept.
        size: Bytes that are.
        hits: Texts that were there.
        misses: Texts that were read.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self.hits = 0
        self.misses = 0
        self._kept: OrderedDict[str, Tensor] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, text: str) -> Tensor | None:
        """What T5 made of a text, [tokens, width], on the CPU; None if it is not there.

        The empty text has no tokens.
        """
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
        return found

    def put(self, text: str, found: Tensor) -> None:
        """Keeps it, and forgets what was not needed for longest."""
        self._kept[text] = found
        self.size += found.nbytes
        while self.size > self.limit and len(self._kept) > 1:
            self.size -= self._kept.popitem(last=False)[1].nbytes


class CachedT5Conditioner(T5Conditioner):
    """audiocraft's T5Conditioner, which remembers; made of one by `remember`."""

    embeddings: Embeddings
    precision: Callable[[], AbstractContextManager[Any]]

    def tokenize(self, x: list[str | None]) -> Any:
        """Token ids where words are dropped; else T5's output under `embeds` [B, tokens, width]."""
        if self.training and self.word_dropout > 0:
            return super().tokenize(x)
        rows = self._rows([one or "" for one in x])
        longest = max(1, *(len(row) for row in rows))
        embeds = rows[0].new_zeros(len(rows), longest, rows[0].shape[1])
        mask = torch.zeros(len(rows), longest, dtype=torch.long)
        for number, row in enumerate(rows):
            embeds[number, : len(row)] = row
            mask[number, : len(row)] = 1
        if torch.device(self.device).type == "cuda":
            embeds, mask = embeds.pin_memory(), mask.pin_memory()
        return {
            "embeds": embeds.to(self.device, non_blocking=True),
            "attention_mask": mask.to(self.device, non_blocking=True),
        }

    def forward(self, inputs: Any) -> tuple[Tensor, Tensor]:
        """As upstream's, from T5's output on."""
        if "embeds" not in inputs:
            found: tuple[Tensor, Tensor] = super().forward(inputs)
            return found
        mask = inputs["attention_mask"]
        embeds = self.output_proj(inputs["embeds"].to(self.output_proj.weight))
        return embeds * mask.unsqueeze(-1), mask

    def _rows(self, texts: list[str]) -> list[Tensor]:
        """What T5 makes of texts; of those it has not read yet, it reads all at once."""
        known = {text: self.embeddings.get(text) for text in texts}
        found = {text: row for text, row in known.items() if row is not None}
        missing: list[str | None] = [text for text in known if text not in found]
        self.embeddings.hits += len(found)
        self.embeddings.misses += len(missing)
        if missing:
            inputs = super().tokenize(missing)
            with torch.no_grad(), self.precision(), self.autocast:
                embeds = self.t5(**inputs).last_hidden_state.cpu()
            lengths = inputs["attention_mask"].sum(1).tolist()
            for text, row, length in zip(missing, embeds, lengths, strict=True):
                found[str(text)] = row[:length].clone()
                self.embeddings.put(str(text), found[str(text)])
        return [found[text] for text in texts]


def remember(
    model: Any, limit: int, precision: Callable[[], AbstractContextManager[Any]]
) -> list[Embeddings]:
    """Lets the T5 conditioners of a model remember.

    Args:
        model: audiocraft's LMModel.
        limit: Bytes that each may keep; 0: nothing is remembered.
        precision: Gives the context that the model computes in.

    Returns:
        What is remembered, for each conditioner that can.
    """
    found = []
    conditioners: Any = model.condition_provider.conditioners.values()
    for conditioner in conditioners if limit else ():
        if type(conditioner) is T5Conditioner and not conditioner.finetune:
            own: Any = conditioner
            own.__class__ = CachedT5Conditioner  # names in checkpoints stay as they are
            own.embeddings, own.precision = Embeddings(limit), precision
            found.append(own.embeddings)
    return found
