"""Adapters on tiny language models: what is reached, what is trained, and that it is exact."""

import copy
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from omegaconf import OmegaConf
from torch import Tensor, nn

from plugins.musicgen import tiny
from plugins.musicgen.adapters.options import AdapterError, AdapterOptions, parse_options
from plugins.musicgen.adapters.targets import find_matrices, group_of, select
from plugins.musicgen.mended import upstream

upstream.mend()

from audiocraft.models import builders  # noqa: E402  after mend()
from audiocraft.models.lm import LMModel  # noqa: E402
from audiocraft.modules.conditioners import ConditioningAttributes  # noqa: E402
from audiocraft.modules.transformer import StreamingMultiheadAttention  # noqa: E402

from plugins.musicgen.adapters.adapter import Adapter, attach  # noqa: E402
from plugins.musicgen.adapters.layers import LowRank  # noqa: E402

torch.set_num_threads(1)

LORA = AdapterOptions(rank=3, alpha=6.0)
VARIANTS = {
    "lora": LORA,
    "gaussian": replace(LORA, init="gaussian"),
    "rslora": replace(LORA, rslora=True),
    "dora": replace(LORA, dora=True),
    "queries and values": replace(LORA, targets=("attention.q", r"cross_attention\.[qv]_proj")),
    "everything": replace(LORA, targets=("all", "heads", "conditioners"), dora=True),
    "head": AdapterOptions(kind="head"),
}
TEXTS = ("a calm piano", "loud drums", "nothing at all")


def tiny_lm(**changes: Any) -> LMModel:
    """A language model of two layers in evaluation mode, the same at every call."""
    config = OmegaConf.create(tiny.lm_config("mono", "lut"))
    for key, value in changes.items():
        config.transformer_lm[key] = value
    torch.manual_seed(0)
    lm: LMModel = builders.get_lm_model(config)
    return lm.eval()


def run(lm: LMModel, codes: Tensor) -> Tensor:
    """Logits [B, K, S, card] for codes [B, K, S] under texts."""
    texts = [ConditioningAttributes(text={"description": text}) for text in TEXTS[: len(codes)]]
    out: Tensor = lm(codes, texts)
    return out


@pytest.fixture
def codes() -> Tensor:
    return torch.randint(0, tiny.CODES, (2, 4, 9), generator=torch.Generator().manual_seed(1))


def shake(adapter: Adapter) -> Adapter:
    """Gives every tensor of an adapter other values, as training would."""
    torch.manual_seed(2)
    with torch.no_grad():
        for parameter in adapter.trainable_parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return adapter


@pytest.mark.parametrize("name", VARIANTS)
def test_starts_as_the_base(name: str, codes: Tensor) -> None:
    lm = tiny_lm()
    expected = run(lm, codes)
    attach(lm, VARIANTS[name])
    assert (run(lm, codes) - expected).abs().max() < 1e-6


def test_only_the_adapter_gets_gradients_and_all_of_it(codes: Tensor) -> None:
    lm = tiny_lm()
    adapter = shake(attach(lm, LORA))
    run(lm, codes).square().sum().backward()
    own = {id(parameter) for parameter in adapter.trainable_parameters()}
    for name, parameter in lm.named_parameters():
        if id(parameter) in own:
            assert parameter.grad is not None, name
            # Every part of a packed matrix on its own: a part not reached would stay zero.
            assert (parameter.grad.abs().amax(dim=1) > 0).all(), name
        else:
            assert parameter.grad is None, name
            assert not parameter.requires_grad, name


def test_every_attention_and_feed_forward_matrix_is_reached() -> None:
    lm = tiny_lm()
    wanted = {
        name: parameter.numel()
        for name, parameter in lm.transformer.named_parameters()
        if parameter.ndim == 2
    }
    adapter = attach(lm, LORA)
    reached = sum(matrix.rows * matrix.columns for matrix in adapter.matrices)
    assert len(wanted) == 2 * 6
    assert reached == sum(wanted.values())
    counts = {row.group: (row.matrices, row.available) for row in adapter.summary()}
    assert counts == {
        "attention": (8, 8),
        "cross_attention": (8, 8),
        "feed_forward": (4, 4),
        "heads": (0, 4),
        "conditioners": (0, 1),
    }


@pytest.mark.parametrize("name", VARIANTS)
def test_merged_equals_unmerged(name: str, codes: Tensor) -> None:
    lm = tiny_lm()
    base = run(lm, codes)
    plain_names = list(lm.state_dict())
    adapter = shake(attach(lm, VARIANTS[name]))
    expected = run(lm, codes)
    assert (expected - base).abs().max() > 1e-2  # there is something to merge
    fresh = tiny_lm()
    fresh.load_state_dict(adapter.merged_state_dict())
    adapter.merge_()
    assert (run(fresh, codes) - expected).abs().max() < 1e-5
    assert (run(lm, codes) - expected).abs().max() < 1e-5
    assert list(lm.state_dict()) == plain_names
    assert {type(m) for m in lm.modules()} == {type(m) for m in fresh.modules()}


@pytest.mark.parametrize("dora", [False, True])
def test_gradients_are_those_of_the_full_product(dora: bool) -> None:
    """The layer against W + s B A, written out, by autograd; packed with one part left out."""
    torch.manual_seed(3)
    base, x, bias = torch.randn(12, 5), torch.randn(2, 7, 5, requires_grad=True), torch.randn(12)
    layer = LowRank(base, (4, 4, 4), (True, False, True), replace(LORA, dora=dora))
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    down_q, down_v = layer.A.split(3)
    up_q, up_v = layer.B.split(4)
    delta = torch.cat([up_q @ down_q, torch.zeros(4, 5), up_v @ down_v])
    full = base + 2.0 * delta
    if dora:
        assert layer.magnitude is not None
        lengths = full.detach().norm(dim=1)
        wanted = torch.cat([layer.magnitude[:4], lengths[4:8], layer.magnitude[4:]])
        full = full * (wanted / lengths)[:, None]
    weights = torch.randn(2, 7, 12)
    inputs = [x, *layer.parameters()]
    expected = torch.autograd.grad((F.linear(x, full, bias) * weights).sum(), inputs)
    found = torch.autograd.grad((layer(x, base, bias) * weights).sum(), inputs)
    for one, other in zip(found, expected, strict=True):
        assert (one - other).abs().max() < 1e-4 * other.abs().max()


def test_base_checkpoints_still_load(codes: Tensor) -> None:
    other = tiny_lm()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.01)
    lm = tiny_lm()
    adapter = shake(attach(lm, LORA))
    before = {name: tensor.clone() for name, tensor in adapter.state_dict().items()}
    lm.load_state_dict(other.state_dict())
    assert all(torch.equal(before[name], t) for name, t in adapter.state_dict().items())
    base = adapter.base_state_dict()
    assert base.keys() == other.state_dict().keys()
    assert all(torch.equal(base[name], t) for name, t in other.state_dict().items())
    with adapter.disabled():
        assert torch.equal(run(lm, codes), run(other, codes))
    # And the whole, as a training checkpoint holds it.
    resumed = tiny_lm()
    attach(resumed, LORA)
    resumed.load_state_dict(lm.state_dict())
    assert torch.equal(run(resumed, codes), run(lm, codes))


@pytest.mark.parametrize("kind", ["lora", "head"])
def test_disabled_is_the_base_and_comes_back(kind: str, codes: Tensor) -> None:
    lm = tiny_lm()
    expected = run(lm, codes)
    adapter = shake(attach(lm, replace(LORA, kind=kind)))
    adapted = run(lm, codes)
    with adapter.disabled():
        assert torch.equal(run(lm, codes), expected)
    with pytest.raises(KeyboardInterrupt), adapter.disabled():
        raise KeyboardInterrupt
    assert torch.equal(run(lm, codes), adapted)
    adapter.remove_()
    assert torch.equal(run(lm, codes), expected)


@pytest.mark.parametrize("name", ["lora", "dora"])
def test_generation_streams_as_the_merged_model(name: str) -> None:
    texts = [ConditioningAttributes(text={"description": text}) for text in TEXTS[:2]]
    lm = tiny_lm()
    adapter = shake(attach(lm, VARIANTS[name]))
    wanted = {"conditions": texts, "max_gen_len": 12, "use_sampling": False, "cfg_coef": 3.0}
    found = lm.generate(**wanted)
    found_two = lm.generate(two_step_cfg=True, **wanted)
    with adapter.disabled():
        base = lm.generate(**wanted)
    adapter.merge_()
    assert torch.equal(found, lm.generate(**wanted))
    assert torch.equal(found_two, lm.generate(two_step_cfg=True, **wanted))
    assert not torch.equal(found, base)


ATTENTIONS: dict[str, dict[str, Any]] = {
    "custom": {"memory_efficient": False, "custom": True},
    "float32": {"attention_as_float32": True},
    "layer norm": {"qk_layer_norm": True, "qk_layer_norm_cross": True},
    "biases": {"bias_attn": True, "bias_ff": True, "bias_proj": True},
    "rotary": {"positional_embedding": "rope"},
}


@pytest.mark.parametrize("name", ATTENTIONS)
@pytest.mark.parametrize("dora", [False, True])
def test_all_ways_of_attention(name: str, dora: bool, codes: Tensor) -> None:
    lm = tiny_lm(**ATTENTIONS[name])
    base = run(lm, codes)
    adapter = shake(attach(lm, replace(LORA, dora=dora)))
    expected = run(lm, codes)
    adapter.merge_()
    assert (run(lm, codes) - expected).abs().max() < 1e-5
    assert (expected - base).abs().max() > 1e-2


def test_fewer_keys_than_queries() -> None:
    """Grouped attention has a packed matrix of unequal parts."""
    torch.manual_seed(0)
    attention = StreamingMultiheadAttention(16, 4, causal=True, memory_efficient=True, kv_repeat=2)
    holder = nn.Module()
    holder.add_module("transformer", nn.Module())
    holder.transformer.add_module("layers", nn.ModuleList([nn.Module()]))
    holder.transformer.layers[0].add_module("self_attn", attention)
    names = {matrix.name.rsplit(".", 1)[1]: matrix.rows for matrix in find_matrices(holder)}
    assert names == {"q_proj": 16, "k_proj": 8, "v_proj": 8, "out_proj": 16}
    adapter = shake(attach(holder, LORA))
    x = torch.randn(2, 5, 16)
    expected, _ = attention(x, x, x, need_weights=False)
    adapter.merge_()
    found, _ = attention(x, x, x, need_weights=False)
    assert (found - expected).abs().max() < 1e-5


@pytest.mark.parametrize("name", ["lora", "dora", "head"])
def test_autocast_computes_in_half_and_keeps_float32(name: str, codes: Tensor) -> None:
    lm = tiny_lm()
    adapter = shake(attach(lm, VARIANTS[name]))
    exact = run(lm, codes)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = run(lm, codes)
    assert out.dtype is torch.bfloat16
    assert (out.float() - exact).abs().max() < 0.05 * exact.abs().max()
    out.float().square().mean().backward()
    for parameter in adapter.trainable_parameters():
        assert parameter.dtype is torch.float32
        assert parameter.grad is not None
        assert parameter.grad.dtype is torch.float32
        assert parameter.grad.isfinite().all()


def test_base_in_half_precision(codes: Tensor) -> None:
    lm = tiny_lm().to(torch.bfloat16)
    adapter = attach(lm, replace(LORA, targets=("all", "heads")))
    out = run(lm, codes)
    assert out.dtype is torch.bfloat16
    out.float().square().mean().backward()
    assert {p.dtype for p in adapter.trainable_parameters()} == {torch.float32}
    assert all(p.grad is not None for p in adapter.trainable_parameters())
    shake(adapter).merge_()
    assert {parameter.dtype for parameter in lm.parameters()} == {torch.bfloat16}


def test_dropout_only_while_training(codes: Tensor) -> None:
    lm, plain = tiny_lm(), tiny_lm()
    adapter = shake(attach(lm, replace(LORA, dropout=0.5)))
    attach(plain, LORA).load_state_dict(adapter.state_dict())
    assert torch.equal(run(lm, codes), run(plain, codes))
    layer = next(m for m in lm.modules() if isinstance(m, LowRank)).train()
    x, weight = torch.ones(4000, layer.A.shape[1]), torch.zeros(sum(layer.sizes), layer.A.shape[1])
    dropped = layer(x, weight, None)
    kept = layer.eval()(x, weight, None)
    assert not torch.allclose(dropped, kept)
    assert (dropped.mean(0) - kept.mean(0)).abs().max() < 0.05 * dropped.std(0).max()


def test_checkpointing_gives_the_same_gradients(codes: Tensor) -> None:
    found = []
    for method in ("none", "torch"):
        lm = tiny_lm(checkpointing=method)
        adapter = shake(attach(lm, replace(LORA, dropout=0.2)))
        lm.transformer.train()
        torch.manual_seed(5)
        run(lm, codes).square().mean().backward()
        found.append([p.grad for p in adapter.trainable_parameters()])
    for one, other in zip(*found, strict=True):
        assert one is not None
        assert torch.equal(one, other)


def test_copies_are_apart(codes: Tensor) -> None:
    lm = tiny_lm()
    adapter = shake(attach(lm, LORA))
    expected = run(lm, codes)
    twin = copy.deepcopy(lm)
    handle = Adapter(twin, LORA)
    assert torch.equal(run(twin, codes), expected)
    shake(handle)
    assert not torch.equal(run(twin, codes), expected)
    assert torch.equal(run(lm, codes), expected)
    handle.load_state_dict(adapter.state_dict())
    assert torch.equal(run(twin, codes), expected)


def test_moving_average_of_audiocraft() -> None:
    from audiocraft.optim.ema import ModuleDictEMA

    lm = tiny_lm()
    adapter = attach(lm, LORA)
    average = ModuleDictEMA(nn.ModuleDict({"model": lm}), decay=0.5, unbias=False)
    shake(adapter)
    average.step()
    state = average.state["model"]
    name = next(n for n in lm.state_dict() if n.endswith("in_proj_adapter.B"))
    now = lm.state_dict()[name]
    assert torch.allclose(state[name], 0.5 * now)
    lm.load_state_dict(state)
    assert torch.allclose(lm.state_dict()[name], state[name])


def _worker(rank: int, port_file: str, out: str) -> None:
    """One of two workers: a step on its own half of the batch, by DistributedDataParallel."""
    import torch.distributed as dist

    torch.set_num_threads(1)
    store = f"file://{port_file}"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=2)
    lm = tiny_lm()
    adapter = shake(attach(lm, LORA))
    wrapped = nn.parallel.DistributedDataParallel(lm)
    batch = torch.randint(0, tiny.CODES, (2, 4, 9), generator=torch.Generator().manual_seed(1))
    text = [ConditioningAttributes(text={"description": TEXTS[rank]})]
    wrapped(batch[rank : rank + 1], text).square().mean().backward()
    if rank == 0:
        torch.save([p.grad for p in adapter.trainable_parameters()], out)
    dist.destroy_process_group()


def test_two_workers_average_their_gradients(tmp_path: Path, codes: Tensor) -> None:
    out = tmp_path / "gradients.pt"
    children = []
    for rank in range(2):
        child = os.fork()
        if child == 0:
            try:
                _worker(rank, str(tmp_path / "store"), str(out))
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    lm = tiny_lm()
    adapter = shake(attach(lm, LORA))
    run(lm, codes).square().mean().backward()
    for found, p in zip(torch.load(out), adapter.trainable_parameters(), strict=True):
        assert p.grad is not None
        assert (found - p.grad).abs().max() < 1e-5 * p.grad.abs().max()


TARGETS: dict[str, tuple[tuple[str, ...], int]] = {
    "all": (("all",), 20),
    "one group": (("cross_attention",), 8),
    "two groups": (("feed_forward", "heads"), 8),
    "a part": (("attention.k",), 2),
    "a layer": ((r"layers\.1\.",), 10),
    "a name": (("linear1",), 2),
    "overlap": (("attention", r"self_attn\.q_proj$"), 8),
    "conditioners": (("conditioners",), 1),
}


@pytest.mark.parametrize("name", TARGETS)
def test_targets(name: str) -> None:
    patterns, count = TARGETS[name]
    assert len(select(find_matrices(tiny_lm()), patterns)) == count


def test_groups_of_matrices() -> None:
    groups = {group_of(matrix.name) for matrix in find_matrices(tiny_lm())}
    assert groups == {"attention", "cross_attention", "feed_forward", "heads", "conditioners"}


def _melody_lm() -> LMModel:
    """As a melody model: the text goes before the codes, and there is no cross-attention."""
    config = OmegaConf.create(tiny.lm_config("mono", "lut"))
    config.fuser.cross, config.fuser.prepend = [], ["description"]
    lm: LMModel = builders.get_lm_model(config)
    return lm.eval()


def test_melody_models_have_no_cross_attention() -> None:
    lm = _melody_lm()
    with pytest.raises(AdapterError, match=r'"cross_attention" is nowhere in this model; groups'):
        attach(lm, replace(LORA, targets=("cross_attention",)))
    assert len(attach(lm, LORA).matrices) == 12


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "misspelt": (
        lambda: attach(tiny_lm(), replace(LORA, targets=("atention",))),
        r'"atention" is unknown, did you mean "attention"\?.*heads \(4\)',
    ),
    "no match": (
        lambda: attach(tiny_lm(), replace(LORA, targets=(r"layers\.7\.",))),
        r'"layers\\.7\\." is nowhere in this model.*transformer.layers.N.self_attn.q_proj \(2\)',
    ),
    "not a pattern": (
        lambda: attach(tiny_lm(), replace(LORA, targets=("(attention",))),
        "no regular expression",
    ),
    "twice": (
        lambda: [attach(lm, LORA) for lm in [tiny_lm()] * 2],
        "has an adapter already",
    ),
    "head elsewhere": (
        lambda: attach(tiny_lm(), AdapterOptions(kind="head", targets=("all",))),
        "trains output layers, but its targets mean transformer.layers.0",
    ),
    "torch's attention": (
        lambda: attach(tiny_lm(memory_efficient=False), LORA),
        "memory_efficient=true",
    ),
    "kind": (lambda: AdapterOptions(kind="loar"), "'loar', did you mean \"lora\""),
    "rank": (lambda: AdapterOptions(rank=0), "rank is 0, expected a whole number from 1"),
    "alpha": (lambda: AdapterOptions(alpha=0), "alpha is 0, expected a number above 0"),
    "dropout": (lambda: AdapterOptions(dropout=1), "dropout is 1"),
    "init": (lambda: AdapterOptions(init="svd"), "init is 'svd'"),
    "text": (lambda: parse_options({"rank": 4, "alpha": "16"}), "alpha is '16', expected a number"),
    "option": (
        lambda: parse_options({"rnak": 4}),
        'adapter.rnak is no option, did you mean "rank"',
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    act, message = REFUSED[name]
    with pytest.raises(AdapterError, match=message):
        act()


def test_options_from_a_configuration() -> None:
    given = OmegaConf.create({"kind": "lora", "targets": ["attention"], "rank": 8, "alpha": None})
    assert parse_options(given) == AdapterOptions(targets=("attention",), rank=8)
    assert parse_options({"targets": "heads"}).targets == ("heads",)
    assert parse_options({"rank": 16, "alpha": 8, "rslora": True}).scaling == 2.0


def test_weights_of_another_adapter_are_refused() -> None:
    wide = attach(tiny_lm(), replace(LORA, rank=4)).state_dict()
    adapter = attach(tiny_lm(), LORA)
    with pytest.raises(AdapterError, match=r"has shape \(4, 32\), expected \(3, 32\)"):
        adapter.load_state_dict(wide)
    part = attach(tiny_lm(), replace(LORA, targets=("attention",))).state_dict()
    with pytest.raises(AdapterError, match=r"24 tensors are missing \(transformer.layers.0.cross_"):
        adapter.load_state_dict(part)


def test_description_of_what_is_trained() -> None:
    text = attach(tiny_lm(), LORA).describe()
    # Each attention: four matrices of 32 by 32; feed-forward: 128 by 32 and back.
    trained = 3 * 2 * (8 * (32 + 32) + 2 * (32 + 128))
    assert text.startswith(f"LoRA of rank 3, scale 2: {trained:,} trainable (")
    assert "attention: 8 of 8 matrices, 1,536 trainable" in text
    assert "heads: 0 of 4 matrices, 0 trainable" in text
