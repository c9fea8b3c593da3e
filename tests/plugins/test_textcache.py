"""Embeddings of texts: what is remembered is what T5 would make of it now."""

import random
from contextlib import nullcontext
from typing import Any

import pytest
import torch

from plugins.musicgen import tiny
from plugins.musicgen.fitting.textcache import CachedT5Conditioner, Embeddings, remember
from plugins.musicgen.mended import upstream

TEXTS = ["a slow song", "strings, and a very long solo of them", None, "a slow song", ""]


@pytest.fixture(scope="module")
def t5(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a tiny T5."""
    upstream.mend()
    folder = tmp_path_factory.mktemp("t5") / "tiny"
    tiny.write_t5(folder)
    return upstream.know_t5(folder)


class Holder:
    """As much of a model as has conditioners."""

    def __init__(self, conditioners: dict[str, Any]) -> None:
        from audiocraft.modules.conditioners import ConditioningProvider

        self.condition_provider = ConditioningProvider(conditioners)


def conditioner(t5: str, **options: Any) -> Any:
    from audiocraft.modules.conditioners import T5Conditioner

    torch.manual_seed(4)
    given = {"finetune": False, "device": "cpu", "word_dropout": 0.0} | options
    return T5Conditioner(t5, 8, **given)


def remembering(t5: str, limit: int = 2**20, **options: Any) -> Any:
    found = conditioner(t5, **options)
    remember(Holder({"description": found}), limit, nullcontext)
    return found


def reads(module: Any) -> list[int]:
    """How many texts T5 reads each time it is called, from now on."""
    found: list[int] = []
    module.t5.register_forward_pre_hook(
        lambda _, args, kwargs: found.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    return found


class TestConditioner:
    @pytest.mark.parametrize("batch", [TEXTS, TEXTS[:1], [None], [None, ""], TEXTS[1:2] * 3])
    def test_says_what_it_would_without(self, t5: str, batch: list[str | None]) -> None:
        plain, cached = conditioner(t5).train(), remembering(t5).train()
        for _ in range(2):  # read, then remembered
            for one in (plain, cached):
                one.zero_grad()
            (wanted, mask), (got, own) = (one(one.tokenize(batch)) for one in (plain, cached))
            assert torch.equal(mask, own)
            assert torch.allclose(got, wanted, atol=1e-6)
            weights = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(1))
            for found in (wanted, got):
                (found * weights).sum().backward()
            for name, value in plain.named_parameters():
                other = cached.get_parameter(name)
                assert torch.allclose(other.grad, value.grad, atol=1e-5), name

    def test_reads_each_text_once(self, t5: str) -> None:
        cached = remembering(t5).train()
        seen = reads(cached)
        for batch in (TEXTS, TEXTS[:2], [*TEXTS, "another"]):
            cached(cached.tokenize(batch))
        assert seen == [3, 1]  # two texts and silence; then one more
        assert (cached.embeddings.misses, cached.embeddings.hits) == (4, 5)

    def test_dropped_words_are_read_anew_each_time(self, t5: str) -> None:
        plain, cached = (make(t5, word_dropout=0.5).train() for make in (conditioner, remembering))
        found = []
        for one in (plain, cached):
            random.seed(5)
            found.append([one(one.tokenize(TEXTS))[0] for _ in range(3)])
        for wanted, got in zip(*found, strict=True):
            assert torch.equal(wanted, got)
        assert len(cached.embeddings) == 0
        seen = reads(cached.eval())  # in validation no words are dropped
        for _ in range(2):
            cached(cached.tokenize(TEXTS))
        assert seen == [3]

    def test_names_in_checkpoints_stay(self, t5: str) -> None:
        plain, cached = conditioner(t5), remembering(t5)
        assert plain.state_dict().keys() == cached.state_dict().keys()
        assert isinstance(cached, CachedT5Conditioner)

    def test_what_learns_or_shall_not_remember_stays_as_it_is(self, t5: str) -> None:
        assert type(remembering(t5, finetune=True)) is type(conditioner(t5))
        assert type(remembering(t5, limit=0)) is type(conditioner(t5))

    def test_other_conditioners_stay_as_they_are(self) -> None:
        from audiocraft.modules.conditioners import LUTConditioner

        lut = LUTConditioner(8, 4, 4, "noop")
        assert remember(Holder({"description": lut}), 100, nullcontext) == []
        assert type(lut) is LUTConditioner

    def test_computes_as_the_model_does(self, t5: str) -> None:
        cached = conditioner(t5).train()
        plain = conditioner(t5).train()
        half = torch.autocast("cpu", dtype=torch.bfloat16)
        remember(Holder({"description": cached}), 2**20, lambda: half)
        with half:
            wanted, _ = plain(plain.tokenize(TEXTS[:1]))
        tokenized = cached.tokenize(TEXTS[:1])
        with half:
            got, _ = cached(tokenized)
        assert got.dtype == wanted.dtype
        assert torch.allclose(got.float(), wanted.float(), atol=1e-6)


class TestEmbeddings:
    def test_forgets_what_was_not_needed_for_longest(self) -> None:
        kept = Embeddings(limit=3 * 8 * 4)
        rows = {name: torch.full((1, 8), number) for number, name in enumerate("abcd")}
        for name in "abc":
            kept.put(name, rows[name].float())
        assert kept.get("a") is not None
        kept.put("d", rows["d"].float())
        assert kept.get("b") is None
        assert [kept.get(name) is not None for name in "acd"] == [True, True, True]
        assert kept.size == 3 * 8 * 4

    def test_one_that_is_too_large_is_kept_until_the_next(self) -> None:
        kept = Embeddings(limit=4)
        kept.put("a", torch.zeros(2, 8))
        assert len(kept) == 1
        kept.put("b", torch.zeros(2, 8))
        assert kept.get("a") is None
        assert len(kept) == 1
