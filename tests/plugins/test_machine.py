"""What a run computes with: precision, compilation, optimizers."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from plugins.musicgen.errors import TrainingError
from plugins.musicgen.fitting import frozen
from plugins.musicgen.fitting.compiling import Compiled
from plugins.musicgen.training import optimizers, steps

Start = Callable[..., Any]


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
            ({"mode": "fastest", "backend": "inductor"}, "expected default, max-autotune-no"),
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


class TestLoss:
    def test_probabilities_are_not_rounded_to_half(self) -> None:
        """On a GPU, whose autocast alone would: fake tensors go through its rules without one."""
        heads = [torch.nn.Linear(8, 16, bias=False) for _ in range(2)]
        seen = []

        class Look(TorchDispatchMode):
            def __torch_dispatch__(
                self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
            ) -> Any:
                if func is torch.ops.aten._log_softmax.default:
                    seen.append(args[0].dtype)
                return func(*args, **(kwargs or {}))

        before = torch.is_autocast_enabled("cuda"), torch.get_autocast_dtype("cuda")
        with FakeTensorMode(allow_non_fake_inputs=True), Look():
            for head in heads:
                head.weight = torch.nn.Parameter(torch.empty(16, 8, device="cuda"))
            model = SimpleNamespace(linears=heads, special_token_id=16)
            torch.set_autocast_enabled("cuda", True)
            torch.set_autocast_dtype("cuda", torch.float16)
            try:
                targets = torch.zeros(3, 2, 5, dtype=torch.long, device="cuda")
                steps.surprise(model, torch.empty(3, 5, 8, device="cuda"), targets)
            finally:
                torch.set_autocast_enabled("cuda", before[0])
                torch.set_autocast_dtype("cuda", before[1])
                torch.clear_autocast_cache()
        assert seen == [torch.float32, torch.float32]


class TestMemory:
    def test_an_average_on_a_gpu_that_the_run_does_not_use(self, start: Start) -> None:
        with pytest.raises(TrainingError, match=r"optim\.ema\.device=cuda: this run is on a CPU"):
            start("optim.ema.use=true", "optim.ema.device=cuda")

    @pytest.mark.parametrize("when", ["while it is built", "in a step"])
    def test_the_end_of_it_is_told(
        self, start: Start, monkeypatch: pytest.MonkeyPatch, when: str
    ) -> None:
        def full(*_: Any, **__: Any) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore")

        solver = start() if when == "in a step" else None
        place = (torch.nn.functional, "cross_entropy") if solver else (torch.optim, "AdamW")
        monkeypatch.setattr(*place, full)
        wanted = r"Tried to allocate 2\.00 GiB\.\).*checkpointing=torch.*\(now auto\).*batch_size"
        with pytest.raises(TrainingError, match=wanted):
            solver.run() if solver else start()


class TestOptimizers:
    def test_a_checkpoint_of_another_machine_s(self) -> None:
        """A run that was begun on a CPU, where nothing is fused, goes on with a gradient scaler."""
        weight = torch.nn.Parameter(torch.ones(2))
        states = []
        for fused in (None, True):
            optimizer = torch.optim.AdamW([weight], lr=1e-3, fused=fused)
            if states:
                optimizers.as_here(states[0], optimizer)
                optimizer.load_state_dict(states[0])
            scaler = torch.amp.GradScaler("cpu", enabled=bool(fused))
            scaler.scale(weight.sum()).backward()
            scaler.step(optimizer)
            states.append(optimizer.state_dict())
        assert states[1]["param_groups"][0]["fused"] is True
        assert states[1]["state"][0]["step"] == 2

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
