"""Clips depend on what they are made from and on nothing else; a folder of them goes on."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from plugins.musicgen import export, generate, tiny
from plugins.musicgen.errors import TrainingError
from plugins.musicgen.generation import generating, prompts, sampling
from plugins.musicgen.generation.generating import Model, Settings
from plugins.musicgen.listening import pairs
from plugins.musicgen.listening.pairs import Prompt
from plugins.musicgen.models import tuned

SHORT = Settings(seconds=0.4)
PROMPTS = [
    Prompt("a", "a calm piano"),
    Prompt("b", "a text that is quite a bit longer than the others are"),
    Prompt("c", "fast drums"),
    Prompt("d", "a calm piano"),
    Prompt("e", "slow drums"),
]


@pytest.fixture(scope="module")
def model(tiny_base: Path) -> Model:
    return generating.open_model(str(tiny_base), device="cpu")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.wav"))}


def run(*arguments: object) -> int:
    return generate.main([str(one) for one in arguments])


class TestSampling:
    @pytest.mark.parametrize("kind", ["mono", "melody", "stereo"])
    @pytest.mark.parametrize("cfg", [3.0, 1.0])
    def test_the_likeliest_codes_are_upstreams(self, tmp_path: Path, kind: str, cfg: float) -> None:
        from audiocraft.modules.conditioners import ConditioningAttributes

        tiny.make(tmp_path / kind, kind=kind)
        lm = tuned.open_tuned(str(tmp_path / kind)).lm
        text = "abcdefghijklmn"  # with its ends 16 tokens: upstream pads as we do
        assert sampling.text_length(lm, text) == sampling.TEXT_STEP
        told = sampling.conditions(lm, [text], cfg, sampling.TEXT_STEP)
        how = sampling.Drawing(cfg, temperature=0)
        got = sampling.codes(lm, told, 12, 99, [(0,)], how, lambda _: None)
        attributes = ConditioningAttributes(text={"description": text})
        if kind == "melody":
            pytest.importorskip("demucs")
            from audiocraft.modules.conditioners import WavCondition

            attributes.wav["self_wav"] = WavCondition(
                torch.zeros(1, 1, 1), torch.tensor([0]), sample_rate=[32000], path=[None]
            )
        wanted = lm.generate(None, [attributes], max_gen_len=12, use_sampling=False, cfg_coef=cfg)
        assert torch.equal(got, wanted)

    def test_codes_are_drawn_as_often_as_they_are_likely(self) -> None:
        shares = torch.tensor([0.5, 0.2, 0.2, 0.1])
        logits = shares.log().expand(20000, 1, 4)
        chances = sampling.numbers(20000, 1, "test")
        for top_k, wanted in ((0, shares), (1, torch.tensor([1.0, 0, 0, 0]))):
            drawn = sampling.draw(logits, chances, sampling.Drawing(top_k=top_k)).flatten()
            got = torch.bincount(drawn, minlength=4) / 20000
            assert torch.allclose(got, wanted, atol=0.02)
        careful = sampling.draw(logits, chances, sampling.Drawing(temperature=0.5)).flatten()
        assert (careful == 0).float().mean() == pytest.approx(0.25 / 0.34, abs=0.02)

    def test_the_ends_of_chance(self) -> None:
        logits = -0.01 * torch.arange(64.0).expand(1, 2, 64)
        last = float(np.nextafter(np.float32(1), np.float32(0)))
        drawn = sampling.draw(logits, torch.tensor([[0.0, last]]), sampling.Drawing())
        assert sorted(drawn.flatten().tolist()) == [0, 63]

    def test_more_than_the_model_overlooks(self, model: Model) -> None:
        """Windows go on from what is there; the first is what it would be alone."""
        told = sampling.conditions(model.lm, ["drums"], 1.0, 16)
        how = sampling.Drawing(cfg=1.0)
        shares: list[float] = []
        long = sampling.codes(model.lm, told, 23, 10, [("x",)], how, shares.append)
        first = sampling.codes(model.lm, told, 10, 10, [("x",)], how, lambda _: None)
        assert long.shape == (1, 4, 23)
        assert torch.equal(long[..., :10], first)
        assert sum(shares) == pytest.approx(1.0)
        assert len({tuple(row) for row in long[0].T.tolist()}) > 10  # it does not repeat itself


class TestSet:
    def test_a_clip_does_not_depend_on_the_batch(self, model: Model, tmp_path: Path) -> None:
        for batch in (1, 2, 5):
            generating.generate_set(model, PROMPTS, tmp_path / f"{batch}", SHORT, batch=batch)
        generating.generate_set(model, PROMPTS[2:3], tmp_path / "alone", SHORT)
        one = contents(tmp_path / "1")
        assert len(set(one.values())) == len(PROMPTS)  # a prompt that is there twice is two clips
        assert contents(tmp_path / "2") == contents(tmp_path / "5") == one
        assert contents(tmp_path / "alone") == {"c.wav": one["c.wav"]}

    def test_other_settings_give_other_clips(self, model: Model, tmp_path: Path) -> None:
        found = set()
        for changed in ({}, {"seed": 1}, {"temperature": 0.2}, {"cfg": 1.0}, {"top_k": 2}):
            settings = Settings(**({"seconds": 0.4} | changed))
            made = generating.generate_set(model, PROMPTS[:1], tmp_path / "set", settings)
            assert (made.new, made.kept) == (1, 0)
            found.add((tmp_path / "set" / "a.wav").read_bytes())
        assert len(found) == 5

    def test_it_goes_on_where_it_was(self, model: Model, tmp_path: Path) -> None:
        whole, folder = tmp_path / "whole", tmp_path / "set"
        generating.generate_set(model, PROMPTS, whole, SHORT)
        heard: list[float] = []

        def stop(seconds: float) -> None:
            heard.append(seconds)
            if sum(heard) > 1.0:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            generating.generate_set(model, PROMPTS, folder, SHORT, batch=2, tell=stop)
        there = len(contents(folder))
        assert 0 < there < len(PROMPTS)
        made = generating.generate_set(model, PROMPTS, folder, SHORT)
        assert (made.new, made.kept) == (len(PROMPTS) - there, there)
        (folder / "b.wav").write_bytes((folder / "b.wav").read_bytes()[:100])  # not whole
        made = generating.generate_set(model, PROMPTS, folder, SHORT)
        assert (made.new, made.kept) == (1, 4)
        assert contents(folder) == contents(whole)

    def test_what_a_clip_is_like(self, model: Model, tmp_path: Path) -> None:
        generating.generate_set(model, PROMPTS[:1], tmp_path, Settings(seconds=0.33), kind="flac")
        sound, rate = soundfile.read(tmp_path / "a.flac")
        assert (len(sound), rate) == (round(0.33 * 32000), 32000)
        assert 0 < np.abs(sound).max() <= generating.LOUDEST + 1e-4
        generating.generate_set(model, PROMPTS[:1], tmp_path, Settings(seconds=0.33))
        assert [path.name for path in tmp_path.iterdir() if path.stem == "a"] == ["a.wav"]

    def test_a_loud_clip_is_turned_down_and_not_clipped(self, tmp_path: Path) -> None:
        job = generating._Job(PROMPTS[0], 0, "stamp")
        sound = np.array([[0.5], [2.0], [-4.0]], np.float32)
        generating._write(tmp_path, job, sound, 32000, "wav")
        heard, _ = soundfile.read(tmp_path / "a.wav")
        assert heard == pytest.approx(sound[:, 0] / 4 * generating.LOUDEST, abs=1e-4)
        assert generating._made_from(tmp_path / "a.wav") == ("stamp", 3)
        with pytest.raises(TrainingError, match="clip a: the model gives no numbers"):
            generating._write(tmp_path, job, sound * np.nan, 32000, "wav")

    def test_the_listening_test_reads_it(self, model: Model, tmp_path: Path) -> None:
        for seed in (0, 1):
            settings = Settings(seconds=0.4, seed=seed)
            generating.generate_set(model, PROMPTS, tmp_path / f"{seed}", settings)
        found = pairs.find(tmp_path / "0", tmp_path / "1")
        assert [pair.prompt for pair in found] == PROMPTS

    def test_one_hash_for_an_adapter_and_its_merged_model(
        self, start: Callable[..., Any], tmp_path: Path
    ) -> None:
        solver = start("adapter=lora", "optim.epochs=1", "optim.lr=1e-2", "generate.every=null")
        with solver.xp.enter():
            solver.run()
        export.main([solver.xp.sig, str(tmp_path / "adapter"), "--to", "adapter"])
        export.main([solver.xp.sig, str(tmp_path / "merged"), "--to", "audiocraft"])
        base = solver.cfg.base
        names = [solver.xp.sig, str(tmp_path / "adapter"), str(tmp_path / "merged")]
        opened = [generating.open_model(name) for name in names]
        opened.append(generating.open_model(base, adapter=str(tmp_path / "adapter")))
        assert len({one.hash for one in opened}) == 1
        assert generating.open_model(base).hash != opened[0].hash
        assert [one.base for one in opened] == [base, base, "", base]


class TestPrompts:
    def test_names_are_made_of_the_words(self) -> None:
        texts = ["A calm piano!", "夜に駆ける", "a calm piano", "?", "../../etc"]
        found = prompts.named(texts)
        assert [one.prompt for one in found] == texts
        wanted = ["a-calm-piano", "夜に駆ける", "a-calm-piano-2", "untitled", "etc"]
        assert [one.id for one in found] == wanted

    def test_from_files(self, tmp_path: Path) -> None:
        plain, lines = tmp_path / "prompts.txt", tmp_path / "some.jsonl"
        plain.write_text("a waltz\n\n a march \n")
        lines.write_text('{"id": "1", "prompt": "a waltz", "genre": "waltz"}\n')
        assert [one.prompt for one in prompts.read(plain)] == ["a waltz", "a march"]
        assert prompts.read(lines) == [Prompt("1", "a waltz")]
        pairs.write_prompts(tmp_path / "set", PROMPTS)
        assert prompts.read(tmp_path / "set") == PROMPTS


class TestCommand:
    def test_compare(
        self, start: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        solver = start("optim.epochs=1", "optim.lr=1e-1", "generate.every=null")
        with solver.xp.enter():
            solver.run()
        out = tmp_path / "out"
        texts = ("drums & <bass>", "夜")
        told = ("--seconds", 0.3, "--out", out, "--device", "cpu")
        assert run(solver.xp.sig, *texts, "--compare", *told) == 0
        found = pairs.find(out / "base", out / "tuned")
        assert [pair.prompt.prompt for pair in found] == list(texts)
        assert all(pair.a.read_bytes() != pair.b.read_bytes() for pair in found)
        page = (out / "index.html").read_text()
        assert "drums &amp; &lt;bass&gt;" in page
        assert 'src="tuned/drums-bass.wav"' in page
        assert 'src="base/%E5%A4%9C.wav"' in page
        assert "http" not in page  # it needs nothing but the clips
        made = json.loads((out / "tuned" / "made.json").read_text())
        assert made["model"] == solver.xp.sig
        said = capsys.readouterr().out
        assert f"{out / 'tuned'}: 2 clips of 0.3 s made in" in said
        assert f"musicgen.listen {out / 'base'} {out / 'tuned'}" in said
        assert run(solver.xp.sig, *texts, "--compare", *told) == 0
        assert "0 clips of 0.3 s made, 2 were there" in capsys.readouterr().out

    def test_wrong_things_get_one_message(
        self, tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        base = str(tiny_base)
        (tmp_path / "empty.txt").write_text("\n")
        for arguments, message in (
            ((base,), 'give prompts, as "a calm piano"'),
            ((base, "x", "--prompts", "y"), "give one of both"),
            ((base, "--prompts", tmp_path / "none.txt"), "No such file"),
            (
                (base, "--prompts", tmp_path / "none.jsonl"),
                "there is no such file, and no prompts.jsonl in it",
            ),
            ((base, "--prompts", tmp_path / "empty.txt"), "there are no prompts in it"),
            ((base, "x" * 3000), "has 3000 characters; expected 1 to 2000"),
            ((base, "x", "--seconds", 0), "--seconds 0: expected from 0.1 to 600"),
            ((base, "x", "--top-k", -1), "--top-k -1: expected from 0"),
            ((base, "x", "--batch", -1), "--batch -1: expected 1 or more"),
            ((base, "x", "--device", "tpu"), "--device tpu: expected auto, cuda or cpu"),
            ((base, "x", "--device", "cpu", "--precision", "fp16"), "fp16 is for GPUs"),
            ((base, "x", "--adapter", base), "there is no adapter_config.json in it"),
            ((base, "x", "--compare"), "what it was trained from is not known"),
            (("0badcafe", "x"), "0badcafe: no such experiment"),
            ((tmp_path / "nothing", "x"), "there is no such folder"),
        ):
            with pytest.raises(SystemExit) as stopped:
                run(*arguments, "--out", tmp_path / "out")
            assert stopped.value.code == 2, arguments
            said = capsys.readouterr().err
            assert [message in line for line in said.splitlines() if "error: " in line] == [True], (
                message
            )
        assert not (tmp_path / "out").exists()

    def test_help_teaches(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            run("--help")
        said = capsys.readouterr().out
        for word in ("--compare", "--adapter", "a prompt a line", "DIR/index.html", "default: 3"):
            assert word in said

    def test_a_moved_base_is_named(self, tiny_base: Path, tmp_path: Path) -> None:
        from plugins.musicgen.adapters import files
        from plugins.musicgen.adapters.adapter import attach
        from plugins.musicgen.adapters.options import AdapterOptions

        tiny.make(tmp_path / "gone", seed=3)
        opened = tuned.open_tuned(str(tmp_path / "gone"))
        adapter = attach(opened.lm, AdapterOptions(rank=2))
        files.save(adapter, tmp_path / "adapter", base=opened.origin.identity)
        moved = shutil.move(tmp_path / "gone", tmp_path / "moved")
        with pytest.raises(TrainingError, match=r"gone \([0-9a-f]{12}\).*name it by --base"):
            generating.open_model(str(tmp_path / "adapter"))
        with pytest.raises(TrainingError, match=r"the base given, mono \(\w+\), is another"):
            generating.open_model(str(tmp_path / "adapter"), base=str(tiny_base))
        found = generating.open_model(str(tmp_path / "adapter"), base=str(moved))
        assert found.base == str(moved)
        assert generating.open_model(str(tmp_path / "adapter")).base == str(moved)  # remembered
