"""Training, samples and the token cache on a GPU that is not there, see `fakegpu`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from fakegpu import gpu

from plugins.musicgen.generation import generating
from plugins.musicgen.listening.pairs import Prompt

Start = Callable[..., Any]

T4, H200 = (7, 5), (9, 0)
"""What a GPU can: the first has no bf16."""

GIVEN = (
    "device=cuda",
    "optim.epochs=1",
    "optim.updates_per_epoch=2",
    "model.word_dropout=0",
    "model.cfg_dropout=0",
)


class TestTheGpu:
    def test_both_devices_at_once_fail(self) -> None:
        with gpu(T4):
            there, here = torch.ones(2, 2, device="cuda"), torch.ones(2, 2)
            with pytest.raises(RuntimeError, match="different devices"):
                there @ here

    def test_so_does_half_beside_single(self) -> None:
        with gpu(T4):
            half = torch.ones(2, 2, device="cuda", dtype=torch.float16)
            with pytest.raises(RuntimeError, match="same dtype"):
                half @ torch.ones(2, 2, device="cuda")

    def test_it_counts_what_waits(self) -> None:
        with gpu(T4) as device:
            there = torch.ones(2, device="cuda", requires_grad=True)
            (2 * there).sum().backward()
            assert there.grad is not None
            assert there.grad.device.type == "cuda"
            assert not device.waits
            assert float(there.detach().sum()) == 1
            assert device.waits.total() == 1
            assert there.cpu().tolist() == [1, 1]
            assert device.waits.total() == 2


RUNS = {
    "all parameters": (T4, ["model.checkpointing=none", "optim.ema.use=true"]),
    "all, light": (T4, ["model.checkpointing=light", "optim.accumulate=2"]),
    "all, torch": (H200, ["model.checkpointing=torch", "optim.eager_sync=false"]),
    "lora, light": (T4, ["adapter=lora", "model.checkpointing=light"]),
    "lora, feedforward": (H200, ["adapter=lora", "model.checkpointing=feedforward"]),
    "dora": (T4, ["adapter=lora", "adapter.dora=true", "adapter.targets=[all,heads,conditioners]"]),
    "head": (H200, ["adapter=head", "precision=fp32"]),
    "without caches": (
        T4,
        [
            "token_cache.use=false",
            "text_cache.mib=0",
            "optim.optimizer=adam",
            "model.word_dropout=0.5",
        ],
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_step_waits_for_nothing(start: Start, name: str) -> None:
    capability, options = RUNS[name]
    with gpu(capability) as device:
        solver = start(*GIVEN, *options)
        assert (solver.scaler is not None) == (capability == T4)
        solver.fill_cache()
        solver.model.train()
        loader = solver.loader("train")
        loader.dataset.current_epoch = 1
        batch = next(iter(loader))
        solver.update(batch)  # which reads the texts
        device.waits.clear()
        solver.update(batch)
        assert not device.waits
        assert {one.device.type for one in solver.trained} == {"cuda"}


SHORT = ("generate.audio.strategy=peak", "generate.lm.gen_duration=0.1")


def test_a_run_from_its_beginning_to_its_end(start: Start, tmp_path: Path) -> None:
    """It stops in between; the average is kept on the CPU."""
    options = [*GIVEN[1:], *SHORT, "adapter=lora", "generate.every=2"]
    options += ["optim.epochs=2", "device=cuda"]
    options += ["optim.ema.use=true", "optim.ema.device=cpu", f"token_cache.folder={tmp_path}"]
    with gpu(T4) as device:
        solver = start(*options)
        solver.fill_cache()
        solver.run_epoch()
        solver.commit()
        again = start(*options)
        again.run()
        assert len(again.history) == 2
        assert len(list((again.folder / "samples" / "2").rglob("*.wav"))) == 2
        assert device.waits["encode.py:_once"] == 2  # sounds that differ


def test_begun_without_a_gpu(start: Start) -> None:
    options = [*GIVEN[1:], *SHORT, "generate.every=2", "optim.epochs=2"]
    solver = start(*options)
    solver.fill_cache()
    solver.run_epoch()
    solver.commit()
    with gpu(T4):
        there = start("device=cuda", *options)
        there.run()
        assert len(there.history) == 2
        assert all(group["fused"] for group in there.optimizer.param_groups)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_samples(tiny_base: Path, tmp_path: Path, precision: str) -> None:
    """As CUDA graphs, within which nothing may wait."""
    with gpu(H200) as device:
        model = generating.open_model(str(tiny_base), device="cuda", precision=precision)
        prompts = [Prompt("a", "drums"), Prompt("b", "a piano")]
        device.waits.clear()
        how = generating.Settings(seconds=0.4)
        made = generating.generate_set(model, prompts, tmp_path, how, graphs=True)
        assert made.new == 2
        assert not [place for place in device.waits if place.startswith("decoding.py")]
