"""Schedules of the learning rate: those of audiocraft, all of which can be chosen."""

import math
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from plugins.musicgen.train import main
from plugins.musicgen.training import schedules

RATE = 0.5


def rates(updates: int, **options: Any) -> list[float]:
    """The learning rate of each update, and the one after the last."""
    section = OmegaConf.to_container(main._base_cfg.schedule)
    cfg: Any = OmegaConf.merge(section, OmegaConf.create(options))
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    schedule = schedules.build(optimizer, cfg, updates)
    found = []
    for _ in range(updates):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if schedule is not None:
            schedule.step()
    return [*found, optimizer.param_groups[0]["lr"]]


def test_none() -> None:
    assert rates(2, lr_scheduler=None) == [RATE] * 3


def test_a_warmup_then_a_cosine() -> None:
    wanted = [0, RATE / 2, RATE, RATE * (1 + math.cos(math.pi / 2)) / 2, 0]
    assert rates(4, lr_scheduler="cosine", cosine={"warmup": 2}) == pytest.approx(wanted)


@pytest.mark.parametrize("warmup", [4, 5])
def test_a_warmup_that_ends_with_the_run_or_later(warmup: int) -> None:
    """Upstream divides by nothing where it ends with it."""
    wanted = [RATE * step / warmup for step in range(5)]
    assert rates(4, lr_scheduler="cosine", cosine={"warmup": warmup}) == pytest.approx(wanted)


def test_exponential() -> None:
    """Upstream hands torch a section in place of a number."""
    found = rates(3, lr_scheduler="exponential", exponential={"lr_decay": 0.5})
    assert found == pytest.approx([RATE, RATE / 2, RATE / 4, RATE / 8])


def test_step() -> None:
    found = rates(4, lr_scheduler="step", step={"step_size": 2, "gamma": 0.1})
    assert found == pytest.approx([RATE, RATE, RATE / 10, RATE / 10, RATE / 100])


def test_polynomial_decay() -> None:
    found = rates(4, lr_scheduler="polynomial_decay")
    assert found == pytest.approx([RATE, RATE * 3 / 4, RATE / 2, RATE / 4, 0])


def test_inverse_sqrt() -> None:
    found = rates(3, lr_scheduler="inverse_sqrt", inverse_sqrt={"warmup": 1})
    assert found == pytest.approx([RATE / math.sqrt(step) for step in (1, 2, 3, 4)])


def test_linear_warmup() -> None:
    found = rates(3, lr_scheduler="linear_warmup", linear_warmup={"warmup": 2})
    assert found == pytest.approx([0, RATE / 2, RATE, RATE])
