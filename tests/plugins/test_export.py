"""Exports load where others load models, and do there what the trained model does here."""

import json
import resource
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor

from plugins.musicgen import export, tiny
from plugins.musicgen.adapters.options import AdapterOptions
from plugins.musicgen.errors import TrainingError
from plugins.musicgen.mended import upstream
from plugins.musicgen.models import places, provenance, tuned
from plugins.musicgen.models.identity import Identity

upstream.mend()

import peft  # noqa: E402  after mend()
import transformers  # noqa: E402
from audiocraft.models import MusicGen  # noqa: E402
from audiocraft.modules.conditioners import ConditioningAttributes  # noqa: E402

from plugins.musicgen.adapters.adapter import attach  # noqa: E402

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()

TEXT = "a calm piano"
FACTS = tuned.Facts(
    signature="0badcafe",
    method="LoRA of rank 3",
    dataset="demo",
    fingerprint="f1a9",
    clips=1234,
    hours=10.25,
    rights="my own recordings",
    metrics={"valid ce": 3.25},
)


@pytest.fixture
def adapted(tiny_base: Path) -> tuned.Tuned:
    model = tuned.open_tuned(str(tiny_base))
    adapter = attach(model.lm, AdapterOptions(rank=3, alpha=6.0))
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in adapter.trainable_parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return replace(model, adapter=adapter, facts=FACTS, source="")


@torch.no_grad()
def logits(lm: Any) -> Tensor:
    codes = torch.randint(0, tiny.CODES, (2, 4, 9), generator=torch.Generator().manual_seed(0))
    texts = [ConditioningAttributes(text={"description": TEXT})] * 2
    out: Tensor = lm(codes, texts)
    return out


@torch.no_grad()
def ported_logits(model: Any, processor: Any) -> Tensor:
    codes = torch.randint(0, tiny.CODES, (2, 4, 9), generator=torch.Generator().manual_seed(0))
    tokens = processor(text=[TEXT] * 2, return_tensors="pt")
    out: Tensor = model(**tokens, decoder_input_ids=codes.flatten(0, 1)).logits
    return out.unflatten(0, (2, 4))


def test_to_audiocraft(
    adapted: tuned.Tuned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    export.export(adapted, out, to="audiocraft")
    monkeypatch.chdir(out)  # stock audiocraft knows T5 by name; the tiny one lies in the folder
    model = MusicGen.get_pretrained(str(out), device="cpu")
    assert (logits(model.lm) - logits(adapted.lm)).abs().max() < 1e-5
    model.set_generation_params(duration=0.5, top_k=tiny.CODES)
    assert model.generate([TEXT]).shape == (1, 1, tiny.SAMPLE_RATE // 2 // 1280 * 1280)
    again = tuned.open_tuned(str(out))  # and as a base for another run
    assert (logits(again.lm) - logits(adapted.lm)).abs().max() < 1e-5


def test_stereo_to_audiocraft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.make(tmp_path / "base", kind="stereo")
    export.export(tuned.open_tuned(str(tmp_path / "base")), tmp_path / "out", to="audiocraft")
    monkeypatch.chdir(tmp_path / "out")
    model = MusicGen.get_pretrained(str(tmp_path / "out"), device="cpu")
    model.set_generation_params(duration=0.5, top_k=tiny.CODES)
    assert model.generate([TEXT]).shape[:2] == (1, 2)


@pytest.mark.parametrize("merge", [True, False])
def test_to_transformers(adapted: tuned.Tuned, tmp_path: Path, merge: bool) -> None:
    out = tmp_path / "out"
    export.export(adapted, out, to="transformers", merge=merge)
    processor = transformers.AutoProcessor.from_pretrained(out)
    model = transformers.MusicgenForConditionalGeneration.from_pretrained(out)
    expected = logits(adapted.lm)
    if not merge:
        assert (ported_logits(model, processor) - expected).abs().max() > 1e-2
        model = peft.PeftModel.from_pretrained(model, out / export.ADAPTER)
    assert (ported_logits(model, processor) - expected).abs().max() < 1e-4
    assert (out / export.ADAPTER).exists() is not merge


def test_to_adapter(adapted: tuned.Tuned, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export.export(adapted, out, to="adapter")
    again = tuned.open_tuned(str(out))
    assert torch.equal(logits(again.lm), logits(adapted.lm))
    assert again.facts == FACTS
    assert {path.name for path in out.iterdir()} == {
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "musicgen_curate.json",
    }


@pytest.mark.parametrize("to", ["audiocraft", "adapter", "transformers"])
def test_model_card(adapted: tuned.Tuned, tmp_path: Path, to: str) -> None:
    out = tmp_path / "my-musicgen"
    export.export(adapted, out, to=to)
    text = (out / "README.md").read_text()
    _, head, body = text.split("---\n", 2)
    read = yaml.safe_load(head)
    assert read["license"] == "cc-by-nc-4.0"
    assert read["pipeline_tag"] == "text-to-audio"
    assert ("lora" in read["tags"]) is (to == "adapter")
    for said in (
        "# my-musicgen",
        "trained on from `mono`",
        "LoRA of rank 3",
        "`0badcafe`",
        "Dataset: demo",
        "Fingerprint: `f1a9`",
        "Clips: 1,234 (10.2 h)",
        "Rights: my own recordings",
        "| valid ce | 3.25 |",
        "CC-BY-NC 4.0",
    ):
        assert said in body, said
    assert str(adapted.origin.folder) not in text
    program = body.split("```python\n")[1].split("```")[0]
    compile(program, "card", "exec")
    assert {
        "audiocraft": 'MusicGen.get_pretrained("my-musicgen")',
        "adapter": 'PeftModel.from_pretrained(model, "my-musicgen")',
        "transformers": 'PeftModel.from_pretrained(model, "my-musicgen/adapter")',
    }[to] in program


def test_card_names_a_base_of_the_hub(adapted: tuned.Tuned, tmp_path: Path) -> None:
    origin = replace(adapted.origin, identity=Identity("facebook/musicgen-small", "0123456789ab"))
    export.export(replace(adapted, origin=origin), tmp_path / "out", to="adapter")
    text = (tmp_path / "out" / "README.md").read_text()
    assert "base_model: facebook/musicgen-small\n" in text
    assert "- Base: `facebook/musicgen-small`, fingerprint `0123456789ab`\n" in text


WAYS = {
    "full": ("optim.lr=1e-2",),
    "lora": ("adapter=lora", "optim.lr=1e-1"),
    "head": ("adapter=head", "optim.lr=1e-2"),
    "scratch": (
        "solver=scratch",
        "model.shape={dim: 16, num_heads: 2, num_layers: 1, hidden_scale: 2}",
    ),
}
BRIEF = (
    "optim.epochs=2",
    "optim.updates_per_epoch=1",
    "schedule.cosine.warmup=0",
    "generate.every=null",
    "generate.lm.gen_duration=0.5",
    "dataset.generate.num_samples=1",
)


def trained(start: Callable[..., Any], *arguments: str) -> Any:
    """A solver that ran, with its best weights, as a resumed run would have it."""
    solver = start(*BRIEF, *arguments)
    with solver.xp.enter():
        solver.run()
    solver._load_new_state_dict(solver.best_state.state_dict())
    solver.model.eval()
    return solver


@pytest.mark.parametrize("way", list(WAYS))
def test_of_an_experiment(
    start: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """By its signature: the best weights, in every form, and the card says what of."""
    solver = trained(start, *WAYS[way])
    signature = solver.xp.sig
    expected = logits(solver.model)
    base = tuned.open_tuned(solver.cfg.base)
    if way != "scratch":
        assert (logits(base.lm) - expected).abs().max() > 1e-3  # it did learn
    run(signature, str(tmp_path / "official"), "--to", "audiocraft")
    run(signature, str(tmp_path / "ported"), "--to", "transformers", "--merge")
    again = tuned.open_tuned(str(tmp_path / "official"))
    assert (logits(again.lm) - expected).abs().max() < 1e-5
    assert again.origin.own is (way == "scratch")
    processor = transformers.AutoProcessor.from_pretrained(tmp_path / "ported")
    ported = transformers.MusicgenForConditionalGeneration.from_pretrained(tmp_path / "ported")
    assert (ported_logits(ported, processor) - expected).abs().max() < 1e-4
    if way in {"lora", "head"}:
        run(signature, str(tmp_path / "adapter"), "--to", "adapter")
        found = tuned.open_tuned(str(tmp_path / "adapter"))
        assert (logits(found.lm) - expected).abs().max() < 1e-5
        assert found.facts.signature == signature
    monkeypatch.chdir(tmp_path / "official")  # stock audiocraft knows T5 by name
    stock = MusicGen.get_pretrained(str(tmp_path / "official"), device="cpu")
    assert (logits(stock.lm) - expected).abs().max() < 1e-5
    text = (tmp_path / "official" / "README.md").read_text()
    best = min(solver.history, key=lambda epoch: epoch["valid"]["ce"])
    for said in (
        f"xperiment `{signature}`",
        f"| valid ce | {best['valid']['ce']:.4g} |",
        f"Fingerprint: `{solver.cfg.data_fingerprint}`",
        {
            "full": "Trained: all parameters.",
            "lora": "Trained: LoRA of rank 16, scale 1: ",
            "head": "Trained: output layers in full: ",
            "scratch": "MusicGen's design, a new language model of ",
        }[way],
    ):
        assert said in text
    head = yaml.safe_load(text.split("---\n", 2)[1])
    if way == "scratch":
        assert head["license"] == "other"
        assert "base_model" not in head
        assert "the licence of MusicGen's weights does not cover it" in text
    else:
        assert head["license"] == "cc-by-nc-4.0"


def test_a_new_model_stays_ones_own_in_what_is_trained_from_it(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    first = trained(start, *WAYS["scratch"])
    second = trained(start, f"base=//sig/{first.xp.sig}")
    run(second.xp.sig, str(tmp_path / "out"), "--to", "audiocraft")
    text = (tmp_path / "out" / "README.md").read_text()
    assert "license: other\n" in text
    assert f"trained on from `{first.xp.sig}`" in text


def test_an_experiment_of_another_machine(start: Callable[..., Any], tmp_path: Path) -> None:
    """Trained on a T4 with 8-bit optimizer and an average on the GPU, exported where none is."""
    solver = trained(start, *WAYS["lora"])
    path = solver.checkpoint_path()
    state = torch.load(path, weights_only=True)
    state["xp.cfg"] = (
        state["xp.cfg"]
        .replace("optimizer: adamw\n", "optimizer: adamw8bit\n")
        .replace("device: cpu\n", "device: cuda\n")
        .replace(
            "    use: false\n    updates: 1\n    device: null", "    use: true\n    device: cuda"
        )
    )
    assert state["xp.cfg"].count("cuda") == 2
    state["scaler"] = torch.amp.GradScaler("cpu").state_dict()
    state["ema"] = {"count": 1.0, "state": {}}
    torch.save(state, path)
    run(solver.xp.sig, str(tmp_path / "out"), "--to", "adapter")
    found = tuned.open_tuned(str(tmp_path / "out"))
    assert (logits(found.lm) - logits(solver.model)).abs().max() < 1e-5


def test_metrics_are_of_the_epoch_that_was_kept() -> None:
    history = [
        {"train": {"ce": 4.0, "lr": 0.1}, "valid": {"ce": 3.0, "ppl": 20.0}},
        {"train": {"ce": 3.0, "lr": 0.1}, "valid": {"ce": 3.5, "ppl": 33.0}},
    ]
    expected = {"train ce": 4.0, "valid ce": 3.0, "valid ppl": 20.0}
    assert tuned._metrics(history) == expected
    assert tuned._metrics([]) == {}


def run(*arguments: str) -> None:
    export.main(list(arguments))


def test_command(adapted: tuned.Tuned, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = str(tmp_path / "one"), str(tmp_path / "two")
    export.export(adapted, Path(first), to="adapter")
    run(first, second, "--to", "audiocraft")
    assert "two: audiocraft, with a model card" in capsys.readouterr().out
    found = tuned.open_tuned(second)
    assert (logits(found.lm) - logits(adapted.lm)).abs().max() < 1e-5


def test_wrong_things_get_one_message(
    tiny_base: Path, adapted: tuned.Tuned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = tuned.open_tuned(str(tiny_base))
    for arguments, message in (
        ((str(tiny_base), str(tmp_path / "a"), "--to", "adapter"), "this model has no adapter"),
        ((str(tiny_base), str(tiny_base), "--to", "audiocraft"), "there is something already"),
        ((str(tmp_path), str(tmp_path / "b"), "--to", "audiocraft"), "state_dict.bin and"),
    ):
        with pytest.raises(SystemExit) as stopped:
            run(*arguments)
        assert stopped.value.code == 2
        said = capsys.readouterr().err.splitlines()  # T5 shows its progress, too
        assert [message in line for line in said if line.startswith("error: ")] == [True]
        assert "Traceback" not in "".join(said)
    with pytest.raises(TrainingError, match="no adapter any more"):
        export.export(adapted, tmp_path / "c", to="adapter", merge=True)
    full.origin.config.codebooks_pattern.modeling = "parallel"
    with pytest.raises(TrainingError, match="modeling=parallel; export it with --to audiocraft"):
        export.export(full, tmp_path / "d", to="transformers")
    assert not (tmp_path / "d").exists()


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", tiny.FORMS)
def test_nothing_names_a_folder_of_this_machine(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither that of the base, nor the cache's, nor the one it is written to."""
    secret = tmp_path / "home-of-somebody"
    monkeypatch.setenv("XDG_CACHE_HOME", str(secret / "cache"))
    tiny.main([str(secret / "mono"), "--form", form])
    model = tuned.open_tuned(str(secret / "mono"))
    model = replace(model, adapter=attach(model.lm, AdapterOptions(rank=2)), facts=FACTS, source="")
    for to in ("audiocraft", "adapter", "transformers"):
        export.export(model, secret / to, to=to)
        found = contents(secret / to)
        assert len(found) > 3
        assert not [path for path, data in found.items() if b"home-of-somebody" in data]
    monkeypatch.chdir(secret / "audiocraft")  # stock audiocraft loads it, with its own text encoder
    stock = MusicGen.get_pretrained(str(secret / "audiocraft"), device="cpu")
    assert (logits(stock.lm) - logits(model.lm)).abs().max() < 1e-5


def test_provenance_is_told_to_programs(adapted: tuned.Tuned, tmp_path: Path) -> None:
    """And goes with the model through every form."""
    identity = adapted.origin.identity
    for to in ("audiocraft", "adapter", "transformers"):
        export.export(adapted, tmp_path / to, to=to, merge=to == "transformers")
        told = provenance.read(tmp_path / to)
        assert told is not None
        assert (told.format, told.origin, told.facts) == (to, identity, FACTS)
        read = json.loads((tmp_path / to / "musicgen_curate.json").read_text())
        assert read["base"] == "mono"
        assert read["base_fingerprint"] == places.pin(str(adapted.origin.folder))
        assert read["data_fingerprint"] == "f1a9"
        assert read["signature"] == "0badcafe"
        if to != "adapter":
            assert read["fingerprint"] == places.pin(str(tmp_path / to))
    again = tuned.open_tuned(str(tmp_path / "audiocraft"))
    assert again.origin.made is not None
    export.export(again, tmp_path / "again", to="transformers")
    told = provenance.read(tmp_path / "again")
    assert told is not None
    assert (told.origin, told.facts, told.format) == (identity, FACTS, "transformers")
    assert told.same_as == places.pin(str(tmp_path / "audiocraft"))
    assert "| valid ce | 3.25 |" in (tmp_path / "again" / "README.md").read_text()
    (tmp_path / "again" / "musicgen_curate.json").write_text("{")
    with pytest.raises(TrainingError, match=r"musicgen_curate\.json: cannot be read"):
        tuned.open_tuned(str(tmp_path / "again"))


def test_an_adapter_beside_its_base(adapted: tuned.Tuned, tmp_path: Path) -> None:
    """In transformers' form: the model there is the base, and is known for it."""
    export.export(adapted, tmp_path / "out", to="transformers")
    found = tuned.open_tuned(str(tmp_path / "out" / "adapter"), base=str(tmp_path / "out"))
    assert (logits(found.lm) - logits(adapted.lm)).abs().max() < 1e-5


VARIANTS = {
    "lora": AdapterOptions(rank=2, dropout=0.5),
    "rslora": AdapterOptions(rank=4, alpha=3.0, rslora=True, targets=("all", "conditioners")),
    "dora": AdapterOptions(rank=2, dora=True, dropout=0.2),
}


@pytest.mark.parametrize(
    ("kind", "name"), [("stereo", "lora"), ("melody", "rslora"), ("mono", "dora")]
)
def test_every_kind_of_model_with_every_kind_of_adapter(
    kind: str, name: str, tmp_path: Path
) -> None:
    tiny.make(tmp_path / "base", kind=kind)
    model = tuned.open_tuned(str(tmp_path / "base"))
    adapter = attach(model.lm, VARIANTS[name])
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in adapter.trainable_parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    model = replace(model, adapter=adapter, source="")
    expected = {key: value.clone() for key, value in model.weights().items()}
    before = tuned.open_tuned(str(tmp_path / "base")).weights()
    assert max((expected[key] - value).abs().max() for key, value in before.items()) > 1e-2
    for to in ("audiocraft", "transformers", "adapter"):
        export.export(model, tmp_path / to, to=to, merge=to == "transformers")
        if kind == "melody" and to == "transformers":  # which keeps it nowhere
            shutil.copy(tmp_path / "base" / upstream.SEPARATOR, tmp_path / to)
        found = tuned.open_tuned(str(tmp_path / to)).weights()
        assert found.keys() == expected.keys()
        for key, value in found.items():
            assert (value - expected[key]).abs().max() < 1e-5, (to, key)


class TestWriting:
    def test_a_full_disk(self, adapted: tuned.Tuned, tmp_path: Path) -> None:
        """As far as a limit on the size of files is one: nothing is left."""
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        for to in ("audiocraft", "transformers", "adapter"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
            try:
                with pytest.raises(TrainingError, match=r"out: cannot be written .*make room"):
                    export.export(adapted, tmp_path / "out", to=to)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
            assert list(tmp_path.iterdir()) == []

    def test_what_a_killed_export_left(self, adapted: tuned.Tuned, tmp_path: Path) -> None:
        (tmp_path / ".out.partial").mkdir()
        (tmp_path / ".out.partial" / "half").touch()
        (tmp_path / "out").mkdir()  # somebody made it before, with nothing in it
        export.export(adapted, tmp_path / "out", to="adapter")
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
        assert len(list((tmp_path / "out").iterdir())) == 4

    def test_stopped(
        self, adapted: tuned.Tuned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Until all is there, nothing is."""

        def stop(*_: object, **__: object) -> str:
            raise KeyboardInterrupt

        monkeypatch.setattr(export, "card", stop)  # the last that is written
        with pytest.raises(KeyboardInterrupt):
            export.export(adapted, tmp_path / "out", to="adapter")
        assert list(tmp_path.iterdir()) == []

    def test_places_that_cannot_be(
        self, adapted: tuned.Tuned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(TrainingError, match="there is something already"):
            export.export(adapted, tmp_path / "file", to="adapter")
        with pytest.raises(TrainingError, match="out: cannot be written"):
            export.export(adapted, tmp_path / "file" / "out", to="adapter")
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        with pytest.raises(TrainingError, match="name a new folder in it"):
            export.export(adapted, Path(), to="adapter")

    def test_a_text_encoder_outside_its_base_is_copied_into_the_new_folder(
        self, tiny_base: Path, tmp_path: Path
    ) -> None:
        """Whatever path the base's configuration has: nothing is written beside."""
        folder = Path(shutil.copytree(tiny_base, tmp_path / "in" / "base"))
        (folder / "t5-small").rename(tmp_path / "in" / "t5")
        package = torch.load(folder / "state_dict.bin", weights_only=True)
        package["xp.cfg"] = package["xp.cfg"].replace("name: t5-small", "name: ../t5")
        torch.save(package, folder / "state_dict.bin")
        export.export(tuned.open_tuned(str(folder)), tmp_path / "in" / "out", to="audiocraft")
        assert {path.name for path in (tmp_path / "in").iterdir()} == {"base", "t5", "out"}
        shutil.rmtree(tmp_path / "in" / "t5")
        found = tuned.open_tuned(str(tmp_path / "in" / "out"))
        assert found.origin.config.conditioners.description.t5.name == "t5-small"
