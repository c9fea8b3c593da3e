"""What is computed again on the way back changes no gradient, and what is chosen fits."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from plugins.musicgen import tiny
from plugins.musicgen.errors import TrainingError
from plugins.musicgen.fitting import machine, memory, recompute
from plugins.musicgen.mended import upstream

upstream.mend()

from audiocraft.models import builders  # noqa: E402  after mend()
from audiocraft.modules import transformer  # noqa: E402
from omegaconf import OmegaConf  # noqa: E402

from plugins.musicgen.adapters.adapter import attach  # noqa: E402
from plugins.musicgen.adapters.options import AdapterOptions  # noqa: E402
from plugins.musicgen.training import steps  # noqa: E402

Start = Callable[..., Any]
Gradients = dict[str, Tensor]

KINDS: dict[str, AdapterOptions | None] = {
    "all": None,
    "lora": AdapterOptions(rank=4),
    "dropout": AdapterOptions(rank=4, dropout=0.3),
    "dora": AdapterOptions(rank=4, dropout=0.3, dora=True),
    "queries": AdapterOptions(rank=4, dropout=0.3, targets=("attention.q", "feed_forward")),
    "head": AdapterOptions(kind="head"),
}
AGAIN = [one for one in recompute.MODES if one != "none"]


def make(kind: str, mode: str, text: str = "cross", **changes: Any) -> Any:
    """A tiny model with an adapter that matters, the same at every call."""
    config = OmegaConf.create(tiny.lm_config("mono", "lut"))
    config.fuser.update({"cross": [], "prepend": [], text: ["description"]})
    config.transformer_lm.update(changes)
    torch.manual_seed(0)
    model = builders.get_lm_model(config)
    options = KINDS[kind]
    if options is not None:
        adapter = attach(model, options)
        for one in adapter.trainable_parameters():
            torch.nn.init.normal_(one, std=0.05)
    recompute.apply(OmegaConf.create({"model": {"checkpointing": mode}}), model, None)
    assert recompute.mode_of(model) == mode
    return model.train()


def gradients(model: Any, half: bool = False) -> Gradients:
    """Of a batch of random codes under a random text."""
    torch.manual_seed(1)
    codes = torch.randint(0, model.card, (2, 4, 30))
    texts = torch.randn(2, 5, model.dim)
    conditions = {"description": (texts, torch.ones(2, 5))}
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        out = steps.hidden(model, codes, conditions)
        steps.surprise(model, out, codes).sum().backward()
    return {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


def assert_equal(got: Gradients, wanted: Gradients) -> None:
    """To the bit."""
    assert got.keys() == wanted.keys()
    assert wanted
    for name, value in wanted.items():
        assert torch.equal(got[name], value), name


class Products(TorchDispatchMode):
    """Counts multiplications in matrix products, as `large` ones those of a model's own matrices.

    Attributes:
        work: Multiplications.
    """

    def __init__(self) -> None:
        super().__init__()
        self.work = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.overloadpacket._qualified_op_name
        if name in {"aten::mm", "aten::addmm", "aten::addmm_"}:
            first, second = args[-2:]
            self.work += first.shape[0] * first.shape[1] * second.shape[1]
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("mode", AGAIN)
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_gradients(kind: str, mode: str, half: bool) -> None:
    assert_equal(gradients(make(kind, mode), half), gradients(make(kind, "none"), half))


@pytest.mark.parametrize("mode", AGAIN)
@pytest.mark.parametrize(
    "changes",
    [
        {"dropout": 0.2},
        {"layer_scale": 0.5},
        {"text": "prepend"},
        {"bias_ff": True, "bias_attn": True},
    ],
    ids=str,
)
def test_the_same_in_other_builds(mode: str, changes: dict[str, Any]) -> None:
    kind = "dropout"
    assert_equal(gradients(make(kind, mode, **changes)), gradients(make(kind, "none", **changes)))


def test_attention_that_drops_is_drawn_alike() -> None:
    changes = {"attention_dropout": 0.4}
    plain = gradients(make("all", "none", **changes))
    assert_equal(gradients(make("all", "light", **changes)), plain)
    other = gradients(make("all", "none"))
    assert not all(torch.equal(other[name], value) for name, value in plain.items())


@pytest.mark.parametrize(
    ("kind", "mode", "again"),
    [
        ("all", "light", 0.0),
        ("lora", "light", 0.17),  # the adapter alone, which is an eighth as thick as this model
        ("all", "feedforward", 4 / 14),
        ("all", "torch", 10 / 14),
    ],
)
def test_how_much_is_computed_again(kind: str, mode: str, again: float) -> None:
    """As a share of the layers' way there; the last product of a region is not multiplied."""
    plain, lean_one = make(kind, "none"), make(kind, mode)
    work = []
    for model in (plain, lean_one):
        with Products() as products:
            gradients(model)
        work.append(products.work)
    layers = 2 * 60 * 14 * 32**2  # layers, tokens, and 14 D^2 each but for the text's few
    assert (work[1] - work[0]) / layers == pytest.approx(again, abs=0.03)


class TestLayers:
    def test_names_and_copies(self) -> None:
        model = make("dropout", "light")
        assert model.state_dict().keys() == make("dropout", "none").state_dict().keys()
        assert_equal(gradients(copy.deepcopy(model)), gradients(model))

    def test_without_gradients_they_are_upstream_s(self) -> None:
        found = []
        for mode in ("none", "light", "feedforward"):
            model = make("lora", mode).eval()
            codes = torch.arange(4 * 6).reshape(1, 4, 6) % model.card
            conditions = {"description": (torch.ones(1, 3, model.dim), torch.ones(1, 3))}
            with torch.no_grad(), model.streaming():
                parts = [
                    steps.hidden(model, codes[..., at : at + 1], conditions) for at in range(6)
                ]
            found.append(torch.cat(parts, 1))
        assert torch.equal(found[0], found[1])
        assert torch.equal(found[0], found[2])

    def test_other_builds_are_refused(self) -> None:
        changes: dict[str, Any] = {"memory_efficient": False, "custom": True}
        for mode in recompute.LEAN:
            with pytest.raises(TrainingError, match=f"{mode}: this model's layers are not as Mus"):
                make("all", mode, **changes)
        assert_equal(
            gradients(make("all", "torch", **changes)), gradients(make("all", "none", **changes))
        )

    def test_changes_of_upstream_are_seen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def forward(self: Any, src: Tensor) -> Tensor:
            return src

        monkeypatch.setattr(transformer.StreamingTransformerLayer, "forward", forward)
        with pytest.raises(TrainingError, match=r"StreamingTransformerLayer\.forward is not what"):
            make("all", "light")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Tells how many bytes a GPU has that is not there."""

    def has(size: float) -> None:
        monkeypatch.setattr(machine, "available", lambda device: (int(size), "a card"))

    return has


class TestChoice:
    def test_the_fastest_that_fits(self, start: Start, gpu: Callable[[float], None]) -> None:
        solver = start("adapter=lora", "adapter.dropout=0.05", "generate.every=null")
        cfg, model, compression = solver.cfg, solver.model, solver.compression_model
        assert recompute.settle(cfg, model, compression) == "none"  # on a CPU
        cfg.device = "cuda"
        needed = {
            mode: memory.estimate(cfg, model, compression, mode).total * recompute.ROOM
            for mode in recompute.MODES
        }
        assert sorted(needed.values(), reverse=True) == list(needed.values())
        for mode, size in needed.items():
            gpu(size + 1)
            assert recompute.settle(cfg, model, compression) == mode
        gpu(needed["none"] - 1)
        assert recompute.settle(cfg, model, compression) == "light"
        cfg.compile.use = True
        assert recompute.settle(cfg, model, compression) == "feedforward"
        gpu(0)
        assert recompute.settle(cfg, model, compression) == "torch"

    def test_a_run_says_it(self, start: Start) -> None:
        solver = start("model.checkpointing=light")
        assert recompute.line(solver.cfg, solver.model) == (
            "Activations: norms, activation functions and dropouts are computed again "
            "(model.checkpointing=light)"
        )
        chosen = start()
        told = recompute.line(chosen.cfg, chosen.model)
        assert told == (
            "Activations: all is kept (model.checkpointing=none, chosen for the memory there is)"
        )
        assert solver.xp.sig == chosen.xp.sig

    def test_another_word(self, start: Start) -> None:
        with pytest.raises(TrainingError, match="expected auto, none, light, feedforward, torch"):
            start("model.checkpointing=full")


class TestRun:
    @pytest.mark.parametrize("mode", AGAIN)
    def test_a_batch_of_a_solver(self, start: Start, mode: str) -> None:
        """In parts, with text from T5, and gradients exchanged as they come."""
        options = ("adapter=lora", "adapter.dropout=0.2", "optim.accumulate=2")
        plain, again = start(*options), start(*options, f"model.checkpointing={mode}")
        loader = plain.loader("train")
        loader.dataset.current_epoch = 1
        batch = next(iter(loader))
        found = []
        for solver in (plain, again):
            torch.manual_seed(3)
            for one in solver.trained:
                torch.nn.init.normal_(one, std=0.05)
            solver.model.train()
            solver.seed_step()
            solver.gradients(batch)
            found.append({n: p.grad for n, p in solver.model.named_parameters() if p.requires_grad})
        assert_equal(found[1], found[0])

    @pytest.mark.parametrize("mode", ["light", "feedforward"])
    def test_compiled(self, start: Start, mode: str) -> None:
        """Without code generation; the compiler may round otherwise."""
        options = ("adapter=lora", "compile.backend=aot_eager")
        plain = start(*options)
        fast = start(*options, "compile.use=true", f"model.checkpointing={mode}")
        loader = plain.loader("train")
        loader.dataset.current_epoch = 1
        batch = next(iter(loader))
        found = []
        for solver in (plain, fast):
            torch.manual_seed(3)
            for one in solver.trained:
                torch.nn.init.normal_(one, std=0.05)
            solver.model.train()
            solver.seed_step()
            solver.gradients(batch)
            found.append({n: p.grad for n, p in solver.model.named_parameters() if p.requires_grad})
        assert not torch._dynamo.utils.counters["graph_break"]
        for name, value in found[0].items():
            assert torch.allclose(found[1][name], value, rtol=1e-4, atol=1e-7), name
