"""The command: signatures that mean something, and wrong arguments refused with one message."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from plugins.musicgen.errors import TrainingError
from plugins.musicgen.fitting import machine
from plugins.musicgen.train import from_sig, main

Start = Callable[..., Any]


@pytest.fixture
def signature(clips: Path) -> Callable[..., str]:
    def sign(*arguments: str) -> str:
        return str(main.get_xp([f"data={clips}", "base=x/y", *arguments]).sig)

    return sign


class TestSignature:
    def test_it_is_stable(self, tmp_path: Path, clips: Path) -> None:
        """A change of a default would rename every experiment that exists."""
        arguments = ["solver=finetune", f"data={clips}", "data_fingerprint=0", "base=x/y"]
        assert main.get_xp(arguments).sig == "a61e3d58"
        assert main.get_xp([*arguments, "optim.lr=1e-3", "adapter=lora"]).sig == "6cffccd2"

    @pytest.mark.parametrize(
        "argument",
        [
            "device=cpu",
            "num_threads=3",
            "dataset.num_workers=7",
            "logging.level=DEBUG",
            "logging.log_tensorboard=true",
            "checkpoint.every_updates=3",
            "generate.every=2",
            "generate.path=else",
            "generate.audio.format=mp3",
            "generate.lm.top_k=5",
            "generate.lm.gen_duration=5",
            "evaluate.every=2",
            "evaluate.fixed_generation_duration=5",
            "evaluate.metrics.base=false",
            "dataset.generate.num_samples=1",
            "dataset.evaluate.num_samples=1",
            "optim.ema.device=cpu",
            "model.t5=/some/where",
            "check_memory=false",
        ],
    )
    def test_what_changes_no_result_is_not_in_it(
        self, signature: Callable[..., str], argument: str
    ) -> None:
        assert signature(argument) == signature()

    @pytest.mark.parametrize(
        "argument",
        [
            "optim.lr=1",
            "seed=1",
            "label=again",
            "adapter=lora",
            "base=x/z",
            "optim.ema.decay=0.5",
            "dataset.valid.num_samples=1",
            "model.pattern=flatten",
            "model.word_dropout=0.1",
        ],
    )
    def test_what_does_is(self, signature: Callable[..., str], argument: str) -> None:
        assert signature(argument) != signature()

    def test_the_data_counts_by_its_content(
        self, tmp_path: Path, make_clips: Callable[..., Path]
    ) -> None:
        first = make_clips(tmp_path / "a", {"train": 2, "valid": 1})
        moved = tmp_path / "b"
        moved.mkdir()
        for split in ("train", "valid"):
            (moved / split).mkdir()
            text = (first / split / "data.jsonl").read_text()
            (moved / split / "data.jsonl").write_text(text)
        signs = {main.get_xp([f"data={one}"]).sig for one in (first, moved)}
        assert len(signs) == 1
        (moved / "valid" / "data.jsonl").write_text(text + text)
        assert main.get_xp([f"data={moved}"]).sig not in signs

    def test_a_fingerprint_that_looks_like_a_number(self, tmp_path: Path) -> None:
        for split in ("train", "valid"):
            (tmp_path / "manifests" / split).mkdir(parents=True)
            (tmp_path / "manifests" / split / "data.jsonl").touch()
        (tmp_path / "build.json").write_text('{"fingerprint": "00001e234567890"}')
        assert main.get_xp([f"data={tmp_path}"]).cfg.data_fingerprint == "00001e234567"

    def test_a_folder_with_a_space(self, tmp_path: Path, make_clips: Callable[..., Path]) -> None:
        folder = make_clips(tmp_path / "my music", {"train": 2, "valid": 1})
        quoted = main.get_xp([f"data='{folder}'"])
        assert quoted.cfg.data == str(folder)
        assert quoted.cfg.data_fingerprint

    def test_an_experiment_remembers_its_data(self, start: Start, clips: Path) -> None:
        solver = start()
        again = main.get_xp_from_sig(solver.xp.sig)
        assert again.sig == solver.xp.sig
        with pytest.raises(TrainingError, match="was made with 000000000000"):
            start("data_fingerprint=000000000000")


class TestRefusals:
    def refused(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.get_xp(list(arguments))
        assert ended.value.code == 2
        told = capsys.readouterr().err
        assert told.startswith("error: ")
        assert "Traceback" not in told
        return told

    def test_wrong_arguments(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert "--lr: every argument is key=value" in self.refused(capsys, "--lr")
        told = self.refused(capsys, "optim.lrr=1")
        assert "there is no setting optim.lrr" in told
        assert "did you mean optim.lr" in told
        assert "adapter" in self.refused(capsys, "adapter=lorra")
        assert "adapter=3" in self.refused(capsys, "adapter=3")
        assert "set what is in it: optim.adam.KEY=value" in self.refused(capsys, "optim.adam=3")
        assert "no such folder" in self.refused(capsys, "data=/no/where")

    def test_a_refusal_leaves_no_trace(self, capsys: pytest.CaptureFixture[str]) -> None:
        before = main.get_xp(["optim.lr=1e-3"])
        self.refused(capsys, "optim.adam=3")
        assert main.get_xp(["optim.lr=1e-3"]).delta == before.delta

    @pytest.mark.parametrize(
        ("argument", "message"),
        [
            ("device=tpu", "expected auto, cuda or cpu"),
            ("precision=fp8", "expected auto, fp32, fp16 or bf16"),
            ("precision=fp16", "is for GPUs"),
            ("efficient_attention_backend=flash", "expected torch or xformers"),
            ("optim.optimizer=adamw8bit", "needs bitsandbytes"),
        ],
    )
    def test_wrong_values(self, start: Start, argument: str, message: str) -> None:
        with pytest.raises(TrainingError, match=message):
            start(argument)

    def test_no_gpu_where_one_is_asked_for(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        with pytest.raises(TrainingError, match="torch sees no GPU here"):
            start("device=cuda")

    def test_too_little_memory(self, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(machine, "available", lambda device: (2**20, "this machine"))
        with pytest.raises(TrainingError, match=r"memory: about .* this machine has 0\.0"):
            start()
        start("check_memory=false")

    def test_an_adapter_that_reaches_nothing(self, start: Start) -> None:
        with pytest.raises(TrainingError, match="conv"):
            start("adapter=lora", "adapter.targets=[conv]")

    def test_an_experiment_that_never_ran(self, start: Start) -> None:
        start()
        with pytest.raises(TrainingError, match="12345678: no such experiment"):
            from_sig("12345678")


class TestPlan:
    def test_it_says_what_will_happen(self, start: Start) -> None:
        solver = start("adapter=lora", "dataset.batch_size=4", "optim.epochs=3")
        from plugins.musicgen.dataset import data
        from plugins.musicgen.training import planning

        source = data.locate(solver.cfg.data)
        told = "\n".join(planning.lines(solver, source, data.measure(source)))
        assert "26,624 trained, 66,144 frozen" in told
        assert "Data: train: 8 clips" in told
        assert "description 100%" in told
        assert "keywords 0%" in told
        assert "2 updates an epoch of 4 crops of 1 s, 3 epochs: 3.0 passes" in told
        assert "Memory: about 0.0 GiB" in told


class TestFromSig:
    def test_the_best_weights_come_back_without_the_data(
        self, start: Start, tmp_path: Path, make_clips: Callable[..., Path]
    ) -> None:
        clips = make_clips(tmp_path / "gone", {"train": 2, "valid": 1})
        options = ("adapter=lora", "optim.epochs=1", "generate.lm.gen_duration=0.5")
        options += (f"data={clips}", "optim.lr=1e-2", "schedule.lr_scheduler=null")
        solver = start(*options)
        with solver.xp.enter():
            solver.run()
        shutil.rmtree(clips)
        again = from_sig(solver.xp.sig, device="cpu")
        assert again.cfg.adapter.rank == 16
        assert again.history == solver.history
        for name, value in solver.adapter.state_dict().items():
            assert torch.equal(again.adapter.state_dict()[name], value), name
        assert solver.checkpoint_path().stat().st_size < 2**20

    def test_an_experiment_without_a_checkpoint(self, start: Start) -> None:
        solver = start()
        with pytest.raises(TrainingError, match="no checkpoint in"):
            from_sig(solver.xp.sig)
