"""Real `dora run` processes: two that train together, killed, gone on with; and a wrong start."""

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import rig
import torch

from plugins.musicgen import tiny, train

pytestmark = pytest.mark.integration

SETTINGS = (
    "solver=finetune",
    "device=cpu",
    "num_threads=1",
    "dataset.num_workers=1",
    "dataset.batch_size=2",
    "dataset.segment_duration=1",
    "dataset.generate.num_samples=1",
    "generate.every=null",
    "generate.lm.gen_duration=0.5",
    "optim.epochs=2",
    "optim.updates_per_epoch=6",
    "optim.lr=1e-2",
    "schedule.cosine.warmup=2",
    "checkpoint.every_updates=2",
    "model.word_dropout=0",  # each process drops its own words
)


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a base model and a dataset."""
    folder = tmp_path_factory.mktemp("dora")
    tiny.make(folder / "base")
    for split, count in (("train", 4), ("valid", 2), ("test", 1)):
        lines = []
        for number in range(count):
            path = rig.song(folder / "data" / "audio" / f"{split}{number}.flac", number, 1.0)
            words = dict.fromkeys(("title", "artist", "key", "genre", "name", "instrument"), "")
            values = {**words, "bpm": 120.0, "moods": [], "description": f"song {number}"}
            path.with_suffix(".json").write_text(json.dumps(values))
            lines.append({"path": str(path), "duration": 1.0, "sample_rate": rig.RATE})
        manifest = folder / "data" / split / "data.jsonl"
        manifest.parent.mkdir()
        manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def start(rooms: Path, *arguments: str) -> "subprocess.Popen[str]":
    """`dora run` at the root of the repository."""
    environment = os.environ | {
        "AUDIOCRAFT_DORA_DIR": str(rooms / "runs"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "dora", "run", *arguments],
        cwd=rig.ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # with its workers it is killed as one group
    )


def finish(rooms: Path, runs: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """What `dora run` does, in this process, to its end; returns the solver."""
    monkeypatch.setattr(train.main.dora, "dir", rooms / runs)
    xp = train.main.get_xp(arguments)
    train.main.init_xp(xp)
    with xp.enter():
        solver = train.get_solver(xp.cfg)
        solver.run()
    return solver


def test_two_processes_are_killed_and_one_goes_on(
    rooms: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`dora run -d` (DDP), SIGKILL, and the rest in one process: as if it all had been one.

    All of it in one test, for a process imports longer than it trains.
    """
    arguments = [*SETTINGS, f"data={rooms / 'data'}", f"base={rooms / 'base'}"]
    killed = start(rooms, *arguments, "-d", "--ddp_workers=2")
    assert killed.stderr is not None
    told = []
    for line in killed.stderr:
        told.append(line)
        if "Train | Epoch 2 | 3/6" in line:
            os.killpg(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL, "".join(told)
    assert any("Starting 2 worker processes" in line for line in told)
    assert any("Parameters: 66,144 trained, 0 frozen" in line for line in told)
    (folder,) = (rooms / "runs" / "xps").iterdir()
    assert len(json.loads((folder / "history.json").read_text())) == 1

    caplog.clear()
    with caplog.at_level(logging.INFO):
        resumed = finish(rooms, "runs", arguments, monkeypatch)
    assert "Going on in epoch 2 after update 2 of 6" in caplog.text
    assert resumed.folder == folder
    whole = finish(rooms, "whole", arguments, monkeypatch)
    assert len(resumed.history) == 2
    for mine, theirs in zip(resumed.history, whole.history, strict=True):
        for stage in ("train", "valid"):
            assert mine[stage]["ce"] == pytest.approx(theirs[stage]["ce"], rel=1e-4)
    for name, value in whole.model.state_dict().items():
        assert torch.allclose(resumed.model.state_dict()[name], value, atol=1e-4), name


def test_a_wrong_start_is_one_message(rooms: Path) -> None:
    wrong = start(rooms, "solver=finetune", f"data={rooms / 'nowhere'}")
    _, told = wrong.communicate(timeout=100)
    assert wrong.returncode == 2
    assert told == f"error: data={rooms / 'nowhere'}: there is no such folder\n"
