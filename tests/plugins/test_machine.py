"""What a run computes with: precision, memory, checkpointing, compilation, optimizers."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from plugins.musicgen import frozen, machine, memory, optimizers
from plugins.musicgen.compiling import Compiled
from plugins.musicgen.errors import TrainingError

Start = Callable[..., Any]
SMALL = memory.SIZES["small"]


def one_batch(solver: Any) -> Any:
    loader = solver.loader("train")
    loader.dataset.current_epoch = 1
    return next(iter(loader))


def stir(solver: Any) -> None:
    """Gives what is trained values that matter: LoRA starts as nothing."""
    torch.manual_seed(3)
    for parameter in solver.trained:
        torch.nn.init.normal_(parameter, std=0.05)


def step(solver: Any, batch: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Cross entropies and gradients of a batch."""
    solver.model.train()
    solver.seed_step()
    entropies = solver.gradients(batch)
    named = solver.model.named_parameters()
    return entropies, {name: one.grad for name, one in named if one.grad is not None}


def assert_same(got: Any, wanted: Any, tolerance: float = 1e-5) -> None:
    """Entropies, and gradients within a share of the largest of each."""
    assert torch.allclose(got[0], wanted[0], rtol=1e-5)
    assert got[1].keys() == wanted[1].keys()
    for name, value in wanted[1].items():
        scale = max(float(value.abs().max()), 1e-8)
        assert float((got[1][name] - value).abs().max()) <= tolerance * scale, name


class TestFrozen:
    @pytest.mark.parametrize(
        ("asked", "precision", "adapter", "wanted"),
        [
            ("auto", "fp32", "lora", "fp32"),
            ("auto", "fp16", "lora", "fp16"),
            ("auto", "bf16", "head", "bf16"),
            ("auto", "fp16", None, "fp32"),
            ("fp32", "fp16", "lora", "fp32"),
            ("fp16", "bf16", "lora", "fp16"),
        ],
    )
    def test_which_precision(
        self, asked: str, precision: str, adapter: str | None, wanted: str
    ) -> None:
        assert frozen.settle(asked, precision, adapter) == wanted

    @pytest.mark.parametrize(
        ("asked", "precision", "adapter", "message"),
        [
            ("fp8", "fp16", "lora", "expected auto, fp32, fp16, bf16"),
            ("fp16", "fp32", "lora", "this run computes in fp32"),
            ("bf16", "bf16", None, "nothing is frozen without an adapter"),
        ],
    )
    def test_what_cannot_be(
        self, asked: str, precision: str, adapter: str | None, message: str
    ) -> None:
        with pytest.raises(TrainingError, match=message):
            frozen.settle(asked, precision, adapter)

    @pytest.mark.parametrize("adapter", ["lora", "head"])
    def test_half_the_memory_and_the_same_results(self, start: Start, adapter: str) -> None:
        options = (f"adapter={adapter}", "precision=bf16")
        half, single = start(*options), start(*options, "model.frozen_dtype=fp32")
        assert {one.dtype for one in frozen.matrices(single.model)} == {torch.float32}
        own = [one for one in frozen.matrices(half.model) if not one.requires_grad]
        assert {one.dtype for one in own} == {torch.bfloat16}
        assert {one.dtype for one in half.trained} == {torch.float32}
        assert half.model.emb[0].weight.dtype == torch.float32
        assert torch.equal(half.model.emb[0].weight, single.model.emb[0].weight)
        batch = one_batch(half)
        stir(half)
        stir(single)
        assert_same(step(half, batch), step(single, batch), 0.0)


class TestCheckpointing:
    @pytest.mark.parametrize("adapter", ["none", "lora"])
    def test_gradients_are_the_same(self, start: Start, adapter: str) -> None:
        options = (f"adapter={adapter}", "dataset.batch_size=4")
        plain, again = start(*options), start(*options, "model.checkpointing=torch")
        assert plain.xp.sig == again.xp.sig
        assert again.model.transformer.checkpointing == "torch"
        batch = one_batch(plain)
        stir(plain)
        stir(again)
        assert_same(step(again, batch), step(plain, batch))

    def test_another_word(self, start: Start) -> None:
        with pytest.raises(TrainingError, match="expected none or torch"):
            start("model.checkpointing=full")


class TestCompile:
    @pytest.mark.parametrize("adapter", ["none", "lora"])
    def test_it_trains_the_same_and_leaves_no_trace(self, start: Start, adapter: str) -> None:
        """Without code generation, which takes a minute; gradients, resuming and sampling."""
        options = (f"adapter={adapter}", "optim.epochs=1", "optim.updates_per_epoch=1")
        options += ("generate.lm.gen_duration=0.5", "dataset.generate.num_samples=1")
        plain = start(*options)
        fast = start(*options, "compile.use=true", "compile.backend=aot_eager")
        assert plain.xp.sig == fast.xp.sig
        assert plain.model.state_dict().keys() == fast.model.state_dict().keys()
        batch = one_batch(plain)
        stir(plain)
        stir(fast)
        before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
        assert_same(step(fast, batch), step(plain, batch))
        assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > before
        assert not torch._dynamo.utils.counters["graph_break"]
        with fast.xp.enter():
            fast.run()  # validates and samples too
        assert len(list((fast.folder / "samples" / "1").glob("*.wav"))) == 1
        resumed = start(*options)  # the same experiment, not compiled
        resumed.restore(replay_metrics=False)
        for name, value in fast.model.state_dict().items():
            assert torch.equal(resumed.model.state_dict()[name], value), name

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"mode": "fastest", "backend": "inductor"}, "expected default, reduce-overhead"),
            ({"mode": "default", "backend": "gcc"}, "compile.backend=gcc: expected one of induc"),
        ],
    )
    def test_what_cannot_be(self, options: dict[str, str], message: str) -> None:
        with pytest.raises(TrainingError, match=message):
            Compiled(None, OmegaConf.create(options), "cpu")

    def test_without_a_compiler(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        with pytest.raises(TrainingError, match="needs a C\\+\\+ compiler"):
            Compiled(None, OmegaConf.create({"mode": "default", "backend": "inductor"}), "cpu")


class TestOptimizers:
    def test_eight_bits_without_the_library(self, start: Start) -> None:
        with pytest.raises(TrainingError, match="adamw8bit needs bitsandbytes: pip install"):
            start("optim.optimizer=adamw8bit")

    @pytest.mark.parametrize(("device", "fused"), [("cuda", True), ("cpu", None)])
    def test_adamw_is_fused_on_a_gpu(
        self, start: Start, monkeypatch: pytest.MonkeyPatch, device: str, fused: bool | None
    ) -> None:
        solver = start("adapter=lora")
        built = optimizers.build(solver.model, solver.cfg.optim, device)
        assert built.defaults["fused"] is fused
        own = {id(one) for group in built.param_groups for one in group["params"]}
        assert own == {id(one) for one in solver.trained}


class TestMemory:
    def test_parameters_by_shape_are_those_of_the_model(self, start: Start) -> None:
        solver = start("adapter=lora", "adapter.rank=4")
        lm, width = solver.cfg.transformer_lm, 512  # of the tiny T5
        own = memory.Shape(lm.dim, lm.num_layers, 4 * lm.dim, lm.n_q, lm.card, width)
        trained = sum(one.numel() for one in solver.trained)
        every = sum(one.numel() for one in solver.model.parameters())
        assert own.lora(4) == trained
        assert own.matrices + own.rest == every - trained

    def test_the_published_sizes(self) -> None:
        sizes = {name: shape.matrices + shape.rest for name, shape in memory.SIZES.items()}
        assert sizes["small"] == 420_371_456  # of facebook/musicgen-small's state_dict.bin
        assert sizes["medium"] == pytest.approx(1.84e9, rel=0.01)  # 3.68 GB in half precision
        assert sizes["large"] == pytest.approx(3.26e9, rel=0.01)

    def test_what_others_measured(self) -> None:
        """GB of audiocraft's own solver on an A100, with its average; half a GB is CUDA's own."""
        for clips, measured in ((1, 13.4), (2, 14.6), (4, 19.0), (8, 27.5)):
            needed = memory.published(SMALL, memory.Step(clips, 30.0), average=True)
            assert 0.9 < (needed.total / 1e9 + 0.5) / measured < 1.02, clips

    def test_activations_are_what_autograd_keeps(self, start: Start) -> None:
        """The formula against all tensors that a real forward pass keeps, in both precisions.

        A wide layer and many tokens, so that what is kept once (the text) counts little.
        """
        shape = "model.shape={dim: 64, num_heads: 2, num_layers: 6, hidden_scale: 4}"
        found = {}
        for precision, checkpointing in (("fp32", "none"), ("bf16", "none"), ("fp32", "torch")):
            options = (f"precision={precision}", f"model.checkpointing={checkpointing}")
            solver = start("solver=scratch", shape, *options)
            solver.model.train()
            _, tokenized = solver.prepare(one_batch(solver))
            codes = torch.randint(0, solver.model.card, (2, 4, 1000))
            found[precision, checkpointing] = kept_bytes(solver, codes, tokenized)
        own = memory.Shape(64, 6, 256, 4, 64)
        for precision in ("fp32", "bf16"):
            asked = memory.Step(2, 1000.0, half=precision == "bf16", frame_rate=1)
            wanted = memory.activations(own, asked)
            assert found[precision, "none"] / wanted == pytest.approx(1.0, abs=0.2), precision
        assert found["fp32", "torch"] < found["fp32", "none"] / 4

    def test_what_each_choice_saves(self) -> None:
        plain = memory.Step(4, 30.0)
        full = memory.published(SMALL, plain)
        lora = memory.published(SMALL, replace(plain, dropped=True), rank=16)
        assert full.weights - lora.weights == pytest.approx(4 * SMALL.matrices, rel=0.05)
        assert lora.training < full.training / 30
        again = memory.published(SMALL, replace(plain, checkpointing=True), rank=16)
        assert again.activations < lora.activations / 7
        assert again.total < 8 * memory.GIB
        head = memory.activations(SMALL, replace(plain, reached=False))
        assert head < full.activations / 10
        assert memory.published(SMALL, memory.Step(2, 30.0)).total < 14 * memory.GIB
        assert memory.encoding(replace(plain, sample_rate=0)) == 0

    def test_a_solver_of_its_own(self, start: Start) -> None:
        """The estimate of a run is the formula's, from what the run really has."""
        solver = start("adapter=lora", "precision=bf16", "optim.ema.use=true")
        found = memory.estimate(solver.cfg, solver.model, solver.compression_model)
        trained = sum(one.numel() for one in solver.trained)
        assert found.training == trained * (4 + 8 + 4)
        plain = start("adapter=head")
        head = memory.estimate(plain.cfg, plain.model, plain.compression_model)
        assert head.activations < found.activations

    def test_the_table(self, capsys: pytest.CaptureFixture[str]) -> None:
        memory.main(["--seconds", "30", "--rank", "16"])
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 2 + 3 * 4
        assert lines[2] == "| small | all | 9.4 | 11.2 | 14.8 | 21.9 |"
        assert "| small | LoRA 16, checkpointing | 2.3 | 3.0 | 4.3 | 7.1 |" in lines

    def test_what_is_free_counts_what_a_run_has_already(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (3 * memory.GIB, 8 * memory.GIB))
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 2 * memory.GIB)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
        assert machine.available("cuda") == (5 * memory.GIB, "a card")
        needed = memory.Memory(3 * memory.GIB, memory.GIB, 2 * memory.GIB, 0)
        cfg = SimpleNamespace(device="cuda", check_memory=True)
        with pytest.raises(TrainingError, match=r"about 6\.0 GiB are needed .*a card has 5\.0"):
            machine.check_memory(needed, cfg)
        machine.check_memory(replace(needed, activations=memory.GIB), cfg)


def kept_bytes(solver: Any, codes: torch.Tensor, tokenized: Any) -> int:
    """Bytes of all that a forward pass keeps for the way back, without the weights."""
    from plugins.musicgen import steps

    weights = {one.untyped_storage().data_ptr() for one in solver.model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        place = tensor.untyped_storage().data_ptr()
        if place not in weights:
            kept[place] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        inputs, targets = steps.lay_out(solver.model, codes)
        loss = solver.nats(inputs, targets, tokenized).sum()
    assert loss.requires_grad
    return sum(one.untyped_storage().nbytes() for one in kept.values())
