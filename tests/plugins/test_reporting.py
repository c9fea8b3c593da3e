"""What TensorBoard gets, read back from its files; the curves beside the logs; and refusals."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugins.musicgen import curves
from plugins.musicgen.errors import TrainingError
from plugins.musicgen.training import reporting

Start = Callable[..., Any]
OPTIONS = (
    "optim.epochs=2",
    "generate.every=1",
    "dataset.generate.num_samples=1",
    "generate.lm.gen_duration=0.5",
    "logging.log_updates=2",
)


def run(solver: Any) -> None:
    with solver.xp.enter():
        solver.run()


def events(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    return found


def values(found: Any, name: str) -> list[tuple[int, float]]:
    return [(one.step, one.value) for one in found.Scalars(name)]


def test_tensorboard_has_the_curves_the_steps_and_the_sound(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    solver = start(*OPTIONS)
    with caplog.at_level(logging.INFO):
        run(solver)
    history = json.loads(solver.xp.history.read_text())
    found = events(solver.folder / "tensorboard")
    for stage in ("train", "valid"):
        for name in ("ce", "ppl", "ce_q1", "ppl_q4"):
            wanted = [(n, one[stage][name]) for n, one in enumerate(history, 1)]
            got = values(found, f"{stage}/{name}")
            assert [step for step, _ in got] == [step for step, _ in wanted]
            assert [value for _, value in got] == pytest.approx([v for _, v in wanted])
    assert [step for step, _ in values(found, "step/ce")] == [2, 4, 6, 8]  # of 4 updates an epoch
    first = [value for step, value in values(found, "step/ce") if step <= 4]
    assert sum(first) / 2 == pytest.approx(history[0]["train"]["ce"])
    for name in ("lr", "grad_norm", "clips_per_s", "data_wait"):
        assert len(values(found, f"step/{name}")) == 4, name
    sound = found.Audio("generate/sample 0")
    assert [one.step for one in sound] == [1, 2]
    assert sound[0].sample_rate == 32000
    (text,) = [name for name in found.Tags()["tensors"] if "text 0" in name]
    assert b"tone" in found.Tensors(text)[0].tensor_proto.string_val[0]

    assert (solver.folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    told = [one.getMessage() for one in caplog.records]
    (line,) = [one for one in told if "Train | Epoch 2 | 4/4" in one]
    for what in ("it/sec", "lr ", "grad_norm", "ce ", "ppl ", "clips_per_s", "data_wait"):
        assert what in line
    assert "ce_q1" not in line
    (summary,) = [one for one in told if "Train Summary" in one and "Epoch 2" in one]
    for what in ("ce=", "ppl=", "ce_q1=", "ppl_q4=", "clips_per_s=", "data_wait="):
        assert what in summary


def test_a_picture_that_cannot_be_drawn_ends_no_training(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise MemoryError("no room for a picture")

    monkeypatch.setattr(curves, "picture", fail)
    solver = start(*OPTIONS[1:], "optim.epochs=1", "logging.log_tensorboard=false")
    run(solver)
    assert solver.checkpoint_path().exists()
    assert "No curves were drawn: MemoryError('no room for a picture')" in caplog.text
    assert not (solver.folder / "tensorboard").exists()


def test_a_service_that_is_absent(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reporting.SERVICES, "log_wandb", "no_such_wandb")
    with pytest.raises(TrainingError, match="log_wandb=true needs no_such_wandb: pip install"):
        start("logging.log_wandb=true")
