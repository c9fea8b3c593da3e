"""Adapters in folders: PEFT's layout, loaded here and by PEFT itself on the transformers port."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from plugins.musicgen import tiny
from plugins.musicgen.adapters.options import AdapterError, AdapterOptions
from plugins.musicgen.errors import TrainingError
from plugins.musicgen.mended import upstream
from plugins.musicgen.models import tuned
from plugins.musicgen.models.identity import Identity

upstream.mend()

import peft  # noqa: E402  after mend()
import transformers  # noqa: E402
from audiocraft.modules.conditioners import ConditioningAttributes  # noqa: E402

from plugins.musicgen import export  # noqa: E402
from plugins.musicgen.adapters import files  # noqa: E402
from plugins.musicgen.adapters.adapter import Adapter, attach  # noqa: E402
from plugins.musicgen.models import porting  # noqa: E402

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()

LORA = AdapterOptions(rank=3, alpha=6.0)
VARIANTS = {
    "lora": LORA,
    "rslora": replace(LORA, rslora=True, alpha=1.5),
    "dora": replace(LORA, dora=True),
    "parts": replace(
        LORA, targets=("attention.q", r"layers\.1\.cross_attention\.v_proj", "linear1")
    ),
    "everything": replace(LORA, targets=("all", "heads", "conditioners"), dora=True),
    "head": AdapterOptions(kind="head"),
}
TEXT = "a calm piano"
SMALL = Identity("facebook/musicgen-small")


def adapted(base: Path, options: AdapterOptions) -> tuned.Tuned:
    """A base with an adapter of random values."""
    model = tuned.open_tuned(str(base))
    adapter = attach(model.lm, options)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in adapter.trainable_parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return replace(model, adapter=adapter)


def draw() -> Tensor:
    return torch.randint(0, tiny.CODES, (2, 4, 12), generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def ours(model: tuned.Tuned) -> Tensor:
    texts = [ConditioningAttributes(text={"description": TEXT})] * 2
    out: Tensor = model.lm(draw(), texts)
    return out.flatten(0, 1)


@torch.no_grad()
def theirs(model: Any, tokenizer: Any) -> Tensor:
    tokens = tokenizer([TEXT] * 2, return_tensors="pt")
    out: Tensor = model(**tokens, decoder_input_ids=draw().flatten(0, 1)).logits
    return out


def tokenizer_of(model: tuned.Tuned) -> Any:
    return model.lm.condition_provider.conditioners["description"].t5_tokenizer


@pytest.fixture(scope="module")
def ported(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ported") / "model"
    export.export(tuned.open_tuned(str(tiny_base)), folder, to="transformers")
    return folder


def load_ported(folder: Path) -> Any:
    return transformers.MusicgenForConditionalGeneration.from_pretrained(folder)


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.filterwarnings("error:Found missing adapter keys")
def test_peft_computes_the_same(name: str, tiny_base: Path, ported: Path, tmp_path: Path) -> None:
    """The folder, loaded by PEFT on transformers' model, gives audiocraft's logits."""
    model = adapted(tiny_base, VARIANTS[name])
    assert model.adapter is not None
    files.save(model.adapter, tmp_path, base=SMALL)
    plain = load_ported(ported)
    before = theirs(plain, tokenizer_of(model))
    loaded = peft.PeftModel.from_pretrained(plain, tmp_path).eval()
    found, expected = theirs(loaded, tokenizer_of(model)), ours(model)
    assert (found - expected).abs().max() < 1e-4
    assert (before - expected).abs().max() > 1e-2
    merged = loaded.merge_and_unload()
    assert (theirs(merged, tokenizer_of(model)) - expected).abs().max() < 1e-4


@pytest.mark.parametrize("name", VARIANTS)
def test_saved_and_loaded(name: str, tiny_base: Path, tmp_path: Path) -> None:
    model = adapted(tiny_base, VARIANTS[name])
    assert model.adapter is not None
    files.save(model.adapter, tmp_path, base=model.origin.identity, notes={"best": {"ce": 3.5}})
    fresh = tuned.open_tuned(str(tmp_path))
    assert fresh.adapter is not None
    assert fresh.adapter.options == VARIANTS[name]
    assert torch.equal(ours(fresh), ours(model))
    assert files.read_base(tmp_path) == model.origin.identity
    assert files.read_base(tmp_path).name == tiny_base.name
    assert files.read_notes(tmp_path) == {"best": {"ce": 3.5}}


def test_layout_is_pefts(tiny_base: Path, tmp_path: Path) -> None:
    """Names, shapes and configuration are those PEFT itself writes for the same adapter."""
    model = adapted(tiny_base, LORA)
    assert model.adapter is not None
    files.save(model.adapter, tmp_path / "ours", base=SMALL)
    config = json.loads((tmp_path / "ours" / files.CONFIG).read_text())
    assert config["target_modules"] == [
        *(f"encoder_attn.{part}_proj" for part in ("k", "out", "q", "v")),
        *("fc1", "fc2"),
        *(f"self_attn.{part}_proj" for part in ("k", "out", "q", "v")),
    ]
    base = porting.to_transformers(
        model.base_weights(),
        model.origin.config,
        model.lm.condition_provider.conditioners["description"].t5,
        tuned.bases.compression_model(model.origin.config, model.origin),
    )
    wrapped = peft.get_peft_model(base, peft.LoraConfig(**config))
    wrapped.save_pretrained(tmp_path / "theirs")
    shapes = [
        {name: tensor.shape for name, tensor in load_file(tmp_path / who / files.WEIGHTS).items()}
        for who in ("ours", "theirs")
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("dora", [False, True])
def test_an_adapter_that_peft_trained(
    dora: bool, tiny_base: Path, ported: Path, tmp_path: Path
) -> None:
    config = peft.LoraConfig(
        r=2,
        lora_alpha=5,
        use_dora=dora,
        target_modules=["q_proj", "v_proj", "fc2"],
        init_lora_weights=False,  # random: B is not zero
    )
    torch.manual_seed(0)
    wrapped = peft.get_peft_model(load_ported(ported), config).eval()
    wrapped.save_pretrained(tmp_path)
    model = tuned.open_tuned(str(tiny_base))
    adapter = files.load(model.lm, tmp_path)
    assert (adapter.options.rank, adapter.options.alpha, adapter.options.dora) == (2, 5, dora)
    assert len(adapter.matrices) == 2 * 5
    expected = theirs(wrapped, tokenizer_of(model))
    assert (ours(model) - expected).abs().max() < 1e-4
    assert (ours(tuned.open_tuned(str(tiny_base))) - expected).abs().max() > 1e-3


def test_an_adapter_is_small(tiny_base: Path, tmp_path: Path) -> None:
    model = adapted(tiny_base, LORA)
    assert model.adapter is not None
    files.save(model.adapter, tmp_path, base=SMALL)
    numbers = sum(p.numel() for p in model.adapter.trainable_parameters())
    assert 4 * numbers < (tmp_path / files.WEIGHTS).stat().st_size < 4 * numbers + 12_000


def save_one(base: Path, folder: Path) -> Adapter:
    model = adapted(base, LORA)
    assert model.adapter is not None
    files.save(model.adapter, folder, base=model.origin.identity)
    return model.adapter


def test_folders_that_are_wrong(tiny_base: Path, tmp_path: Path) -> None:
    lm = tuned.open_tuned(str(tiny_base)).lm
    with pytest.raises(AdapterError, match=r"no adapter_model.safetensors there"):
        files.load(lm, tmp_path)
    save_one(tiny_base, tmp_path)
    weights, config = tmp_path / files.WEIGHTS, tmp_path / files.CONFIG
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100])
    with pytest.raises(AdapterError, match="broken"):
        files.load(lm, tmp_path)
    tensors = {name: tensor[..., :2].clone() for name, tensor in _read(whole, tmp_path).items()}
    save_file(tensors, weights)
    config.write_text(json.dumps(json.loads(config.read_text()) | {"bias": "all"}))
    with pytest.raises(AdapterError, match="bias=all is not supported"):
        files.load(lm, tmp_path)
    config.write_text("[]")
    with pytest.raises(AdapterError, match="expected an object"):
        files.load(lm, tmp_path)


def test_an_adapter_of_another_base(tiny_base: Path, tmp_path: Path) -> None:
    """A refusal leaves the model as it was."""
    save_one(tiny_base, tmp_path)
    path = tmp_path / files.WEIGHTS
    header = {files._HEADER: json.dumps({"options": {"rank": 3, "alpha": 6.0}, "notes": {}})}
    tensors = {name: t[..., :2].clone() for name, t in _read(path.read_bytes(), tmp_path).items()}
    save_file(tensors, path, header)
    lm = tuned.open_tuned(str(tiny_base)).lm
    names = list(lm.state_dict())
    with pytest.raises(
        AdapterError, match=r"shape \(3, 2\), expected \(3, 32\).*base model differs"
    ):
        files.load(lm, tmp_path)
    assert list(lm.state_dict()) == names


def rewrite(folder: Path, header: str) -> None:
    path = folder / files.WEIGHTS
    save_file(load_file(path), path, {files._HEADER: header})


OPTIONS = {"rank": 3, "alpha": 6.0}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("{", "its header is broken"),
        ("[]", "its header is broken"),
        (json.dumps({"notes": {}}), "its header is broken .*options"),
        (json.dumps({"options": {"rank": "x"}, "notes": {}}), "adapter.rank is 'x'"),
        (json.dumps({"options": {"ranks": 3}, "notes": {}}), "adapter.ranks is no option"),
        (json.dumps({"options": OPTIONS, "notes": 5}), "its header is broken"),
        (json.dumps({"options": OPTIONS, "notes": {"facts": 5}}), "its header is broken"),
        (json.dumps({"options": OPTIONS, "notes": {"facts": {"clips": "many"}}}), "is broken"),
    ],
)
def test_headers_that_are_wrong(header: str, message: str, tiny_base: Path, tmp_path: Path) -> None:
    save_one(tiny_base, tmp_path)
    rewrite(tmp_path, header)
    with pytest.raises(AdapterError, match=rf"adapter_model\.safetensors: .*{message}"):
        tuned.open_tuned(str(tmp_path), base=str(tiny_base))


def test_an_adapter_of_peft_that_lacks_its_rank(tiny_base: Path, tmp_path: Path) -> None:
    save_one(tiny_base, tmp_path)
    save_file(load_file(tmp_path / files.WEIGHTS), tmp_path / files.WEIGHTS)
    config = json.loads((tmp_path / files.CONFIG).read_text())
    del config["r"]
    (tmp_path / files.CONFIG).write_text(json.dumps(config))
    with pytest.raises(AdapterError, match="r and lora_alpha are missing"):
        tuned.open_tuned(str(tmp_path), base=str(tiny_base))


@pytest.mark.parametrize("named", ["..", "../base", "{}", "~/base", "//sig/12345678", "base", ""])
def test_a_path_that_an_adapter_names_is_never_followed(
    named: str, own_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is another machine's, or a trap; the base is there, and is found by its content only."""
    folder = tmp_path / "adapter"
    save_one(own_base, folder)
    rewrite(folder, json.dumps({"options": OPTIONS, "notes": {}}))  # that knows no hash
    config = json.loads((folder / files.CONFIG).read_text())
    config["base_model_name_or_path"] = named.format(own_base)
    (folder / files.CONFIG).write_text(json.dumps(config))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(TrainingError, match="name it by --base"):
        tuned.open_tuned(str(folder))
    assert tuned.open_tuned(str(folder), base=str(own_base)).adapter is not None


def _read(data: bytes, folder: Path) -> dict[str, Tensor]:
    (folder / "copy.safetensors").write_bytes(data)
    found: dict[str, Tensor] = load_file(folder / "copy.safetensors")
    return found
