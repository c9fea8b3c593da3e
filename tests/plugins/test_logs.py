"""What a run writes: lines that help, with nothing of what upstream says to its own makers."""

import importlib
import inspect
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plugins.musicgen.mended import upstream
from plugins.musicgen.training import logs

Start = Callable[..., Any]


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Logging and warnings are pytest's again afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with warnings.catch_warnings():
        yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def written(start: Start, level: str) -> str:
    """The file of a run's log."""
    options = ("optim.epochs=1", "optim.updates_per_epoch=1", "generate.lm.gen_duration=0.5")
    with start(*options).xp.enter():
        logs.begin(level, "test.log.{rank}")
    solver = start(*options)
    with solver.xp.enter():
        solver.run()
    logging.getLogger("elsewhere").warning("something is odd")
    return Path(solver.folder / "test.log.0").read_text()


@pytest.mark.usefixtures("own_logging")
def test_a_run_says_what_helps(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    told = written(start, "INFO")
    lines = [line.split(" ", 2)[2] for line in told.splitlines()]  # after date and time
    starts = ("Experiment: ", "Base: ", "Parameters: ", "Data: train: 8 clips, 8 s", "Steps: 1 upd")
    for opening in (*starts, "Train | Epoch 1 | 1/1", "Valid Summary", "New best", "Generate S"):
        assert len([line for line in lines if line.startswith(opening)]) == 1, opening
    assert lines[-2].startswith("Done; best so far: epoch 1, valid ce=")
    assert lines[-1] == "warning: elsewhere: something is odd"
    for noise in ("Model hash", "Model size", "Instantiating", "New pattern", "\x1b", "flashy"):
        assert noise not in told
    assert "CLIPPING" not in capfd.readouterr().err


@pytest.mark.usefixtures("own_logging")
def test_all_of_it_is_there_for_those_who_want_it(start: Start) -> None:
    told = written(start, "DEBUG")
    assert "Model hash" in told
    assert "audiocraft.modules.codebooks_patterns: New pattern" in told
    assert "debug: " in told


@pytest.mark.parametrize(("name", "opening"), [one for one in logs.NOISE if one[1]])
def test_what_is_left_out_is_what_upstream_says(name: str, opening: str) -> None:
    """Where upstream words it anew, this says so."""
    upstream.prepare()
    if name == "flashy.solver":  # audiocraft's solvers write with flashy's logger
        name = "audiocraft.solvers.base"
    assert opening in inspect.getsource(importlib.import_module(name))


@pytest.mark.usefixtures("own_logging")
def test_a_warning_is_never_left_out() -> None:
    record = logging.LogRecord("dora.distrib", logging.WARNING, "", 1, "world_size is 1", (), None)
    assert logs.Helpful().filter(record)
    record.levelno = logging.INFO
    assert not logs.Helpful().filter(record)
