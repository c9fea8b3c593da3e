"""What is read with everything kept in place is what upstream reads, for every kind of model."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from plugins.musicgen import tiny
from plugins.musicgen.adapters.adapter import attach
from plugins.musicgen.adapters.options import AdapterOptions
from plugins.musicgen.generation import decoding, sampling
from plugins.musicgen.mended import upstream
from plugins.musicgen.models import tuned

TEXTS = ["a calm piano", "fast drums"]  # with their ends 13 and 11 tokens: both pad alike
FRAMES = 9


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found = {}
    for kind in ("mono", "melody", "stereo"):
        folder = tmp_path_factory.mktemp("models") / kind
        tiny.make(folder, kind=kind)
        found[kind] = tuned.open_tuned(str(folder)).lm
    return found


@pytest.fixture
def mono(tiny_base: Path) -> Any:
    """One to spoil."""
    return tuned.open_tuned(str(tiny_base)).lm


def made(**changes: Any) -> Any:
    """A language model by audiocraft's configuration, which is told nothing but text by a table."""
    from audiocraft.models import builders
    from omegaconf import OmegaConf

    upstream.mend()
    config = tiny.lm_config("mono", "lut")
    config["transformer_lm"].update(changes)
    torch.manual_seed(0)
    return builders.get_lm_model(OmegaConf.create(config)).eval()


def told(lm: Any, cfg: float = 3.0) -> dict[str, Any]:
    return sampling.conditions(lm, TEXTS, cfg, sampling.text_length(lm, TEXTS[0]))


def codes(lm: Any, cfg: float = 3.0, start: int = 0, **named: Any) -> Tensor:
    """What `sampling` draws: the likeliest, after so many that are given."""
    how = sampling.Drawing(cfg, named.pop("temperature", 0.0), top_k=5)
    begun = beginning(lm, start)
    keys = [("a",), ("b",)]
    return sampling.window(lm, told(lm, cfg), begun, FRAMES, keys, how, lambda _: None, **named)


def beginning(lm: Any, frames: int) -> Tensor:
    drawn = torch.Generator().manual_seed(1)
    return torch.randint(0, lm.card, (len(TEXTS), lm.num_codebooks, frames), generator=drawn)


def upstreams(lm: Any, cfg: float = 3.0, start: int = 0, **named: Any) -> Tensor:
    """What upstream generates of the very conditions that `sampling` has."""
    from audiocraft.modules.conditioners import ConditioningAttributes

    given = [ConditioningAttributes(text={"description": text}) for text in TEXTS]
    known = told(lm, cfg)
    named = {"use_sampling": False, "max_gen_len": FRAMES, "cfg_coef": cfg} | named
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lm.condition_provider, "tokenize", lambda _: None)
        patch.setattr(type(lm.condition_provider), "forward", lambda *_: known)
        if cfg == 1:  # upstream would double the clips, and weigh the second half with nothing
            known = {name: (torch.cat([x, x]), torch.cat([m, m])) for name, (x, m) in known.items()}
        found: Tensor = lm.generate(beginning(lm, start) if start else None, given, **named)
    return found


@pytest.mark.parametrize("kind", ["mono", "melody", "stereo"])
@pytest.mark.parametrize("cfg", [3.0, 1.0])
@pytest.mark.parametrize("start", [0, 4])
def test_codes_are_upstreams(models: dict[str, Any], kind: str, cfg: float, start: int) -> None:
    """Each kind, with guidance and without, from nothing and from given frames."""
    lm = models[kind]
    assert decoding.fits(lm)
    assert torch.equal(codes(lm, cfg, start), upstreams(lm, cfg, start))


@pytest.mark.parametrize("kind", ["mono", "melody"])
def test_logits_are_upstreams_at_every_step(models: dict[str, Any], kind: str) -> None:
    lm, known = models[kind], told(models[kind])
    given = beginning(lm, 7)
    got, wanted = [], []
    with torch.no_grad(), decoding.reader(lm, known, 2, 7) as read:
        got = [read(part) for part in given.split([3, 1, 1, 1, 1], dim=-1)]
    with torch.no_grad(), lm.streaming():
        for part in given.split([3, 1, 1, 1, 1], dim=-1):
            out = lm(part.repeat(2, 1, 1), conditions=[], condition_tensors=known)
            wanted.append(out[:, :, -1])
    torch.testing.assert_close(got, wanted, rtol=0, atol=1e-6)


@pytest.fixture
def our_numbers(mono: Any) -> Iterator[None]:
    """Upstream draws by the numbers of our clips, in its own way but for where chance is from."""
    from audiocraft.models import lm as upstreams_lm

    pattern = mono.pattern_provider.get_pattern(FRAMES)
    count = len(pattern.layout)
    numbers = torch.stack([sampling.numbers(count, mono.num_codebooks, k) for k in ("a", "b")])
    places = iter(range(pattern.get_first_step_with_timesteps(0), count))

    def sample_top_k(shares: Tensor, k: int) -> Tensor:
        kept, which = shares.sort(dim=-1, descending=True)
        kept, which = kept[..., :k], which[..., :k]
        edges = (kept / kept.sum(-1, keepdim=True)).cumsum(-1)
        chance = numbers[:, next(places), :, None]
        return which.gather(-1, (edges <= chance).sum(-1, keepdim=True).clamp(max=k - 1))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upstreams_lm.utils, "sample_top_k", sample_top_k)
        yield


def test_drawn_codes_are_upstreams_of_the_same_numbers(mono: Any, our_numbers: None) -> None:
    got = codes(mono, temperature=1.0)
    assert torch.equal(got, upstreams(mono, use_sampling=True, temp=1.0, top_k=5))
    assert not torch.equal(got, codes(mono))  # chance had its say


def test_guidance_in_two_steps_gives_the_same(models: dict[str, Any]) -> None:
    """Upstream's other way to guide, which pads the empty texts by themselves."""
    from audiocraft.modules.conditioners import ConditioningAttributes

    lm = models["mono"]
    text = "abcdefghijklmn"  # with its ends 16 tokens: upstream pads as we do
    given = [ConditioningAttributes(text={"description": text})]
    lm.cfg_coef = 3.0  # which it takes whatever it is told
    wanted = lm.generate(None, given, max_gen_len=FRAMES, use_sampling=False, two_step_cfg=True)
    known = sampling.conditions(lm, [text], 3.0, sampling.TEXT_STEP)
    how = sampling.Drawing(3.0, temperature=0)
    got = sampling.codes(lm, known, FRAMES, 99, [("a",)], how, lambda _: None)
    assert torch.equal(got, wanted)


@pytest.mark.parametrize("dora", [False, True])
def test_an_adapter_need_not_be_merged(mono: Any, dora: bool) -> None:
    before = codes(mono)
    adapter = attach(
        mono,
        AdapterOptions(rank=2, dora=dora, targets=("attention", "cross_attention", "feed_forward")),
    )
    torch.manual_seed(0)
    for parameter in adapter.trainable_parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    assert decoding.fits(mono)
    got = codes(mono)
    assert torch.equal(got, upstreams(mono))
    adapter.merge_()
    assert torch.equal(codes(mono), got)
    assert not torch.equal(before, got)


def test_the_shape_of_musicgen_small() -> None:
    """Its width, heads and codes, in two layers."""
    lm = made(dim=1024, num_heads=16, num_layers=2, card=2048)
    assert torch.equal(codes(lm), upstreams(lm))


def test_steps_of_fixed_shape_give_the_same(
    models: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "BLOCK", 5)
    for lm in models.values():
        for start in (0, 4):
            assert torch.equal(codes(lm, start=start, fixed=True), codes(lm, start=start))


def test_a_step_of_fixed_shape_is_one_graph(models: dict[str, Any]) -> None:
    """What a CUDA graph needs: no step looks at a value, and all are the same computation."""
    lm = models["melody"]
    compiled = []

    def backend(graph: Any, _: Any) -> Callable[..., Any]:
        compiled.append(graph)
        return graph.forward  # type: ignore[no-any-return]

    given = beginning(lm, 6)
    with torch.no_grad(), decoding.reader(lm, told(lm), 2, 6, fixed=True) as read:
        wanted = [read(given[..., place : place + 1]) for place in range(6)]
    kept = decoding._Kept(lm, told(lm), 2, 6, fixed=True)
    kept.fixed_step = torch.compile(  # type: ignore[method-assign]
        kept.fixed_step, backend=backend, fullgraph=True, dynamic=False
    )
    with torch.no_grad():
        got = [kept.read(given[..., place : place + 1]) for place in range(6)]
    assert len(compiled) == 1
    torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize(
    "changes",
    [{"positional_embedding": "rope"}, {"qk_layer_norm": True}, {"kv_repeat": 2},
     {"norm_first": False}, {"attention_as_float32": True}, {"custom": False,
      "memory_efficient": False}],
)  # fmt: skip
def test_any_other_model_is_read_by_upstream(changes: dict[str, Any]) -> None:
    lm = made(**changes)
    assert not decoding.fits(lm)
    assert torch.equal(codes(lm), upstreams(lm))


def test_another_source_is_read_by_upstream(
    models: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "StreamingTransformer.forward"
    changed = {**decoding.SOURCES, name: (decoding.SOURCES[name][0], "0" * 16)}
    monkeypatch.setattr(decoding, "SOURCES", changed)
    decoding._known.cache_clear()
    try:
        assert not decoding.fits(models["mono"])
        assert torch.equal(codes(models["mono"]), upstreams(models["mono"]))
    finally:
        decoding._known.cache_clear()
