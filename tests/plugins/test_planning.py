"""What a run says of itself: its steps, its speed, and what is probably not meant."""

import logging
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from plugins.musicgen.dataset import data
from plugins.musicgen.training import planning

Start = Callable[..., Any]


def told(solver: Any) -> str:
    source = data.locate(solver.cfg.data)
    return "\n".join(planning.lines(solver, source, data.measure(source)))


def test_it_is_printed_once_before_the_first_step(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        start("optim.accumulate=2", "optim.epochs=3")
    lines = [one.getMessage() for one in caplog.records]
    for opening in ("Base: ", "Parameters: ", "Memory: ", "Data: train: ", "Steps: 2 updates"):
        assert len([one for one in lines if one.startswith(opening)]) == 1, opening
    assert "Steps: 2 updates an epoch of 4 crops of 1 s, 3 epochs: 3.0 passes" in caplog.text


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        (("optim.epochs=2", "schedule.cosine.warmup=8"), True),
        (("optim.epochs=2", "schedule.cosine.warmup=7"), False),
        (("optim.epochs=2", "schedule.lr_scheduler=null"), False),
        (("schedule.lr_scheduler=inverse_sqrt", "schedule.inverse_sqrt.warmup=100"), True),
    ],
)
def test_a_warmup_that_never_ends(start: Start, options: tuple[str, ...], warned: bool) -> None:
    assert ("never reaches optim.lr" in told(start(*options))) == warned


def test_single_precision_on_a_gpu() -> None:
    section = {"optim": {"updates_per_epoch": 1, "epochs": 1}, "schedule": {"lr_scheduler": None}}
    cfg: Any = OmegaConf.create({**section, "precision": "fp32", "device": "cuda"})
    assert list(planning._warnings(cfg)) == [
        "Precision: fp32 on a GPU takes twice the memory and several times as long"
    ]
    cfg.device = "cpu"
    assert not list(planning._warnings(cfg))


class TestClock:
    def test_speed_and_waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = SimpleNamespace(s=100.0)
        monkeypatch.setattr(time, "monotonic", lambda: now.s)

        def batches() -> Iterator[int]:
            for number in range(4):
                now.s += 1.0  # to read
                yield number

        clock = planning.Clock(6)
        assert clock.metrics() == {}
        for _ in clock.timed(batches()):
            now.s += 3.0  # to train
        assert clock.batches == 4
        assert clock.speed() == "0.25 it/sec"
        found = clock.metrics()
        assert found["clips_per_s"] == pytest.approx(4 * 6 / 16)
        assert found["data_wait"] == pytest.approx(0.25)

    def test_memory_of_the_gpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 3 * 2**30)
        clock = planning.Clock(1)
        list(clock.timed([1]))
        assert clock.metrics()["gpu_gib"] == 3.0
