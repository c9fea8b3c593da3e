"""Grids: Dora finds them, composes each experiment, and shows a table, without Slurm."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dora.explore import Herd, Launcher
from dora.shep import Shepherd

from plugins.musicgen.grids import lora
from plugins.musicgen.train import main

HISTORY: Any = [
    {"train": {"ce": 5.0}, "valid": {"ce": 4.0}},
    {"train": {"ce": 3.0}, "valid": {"ce": 4.5}},
]


@pytest.fixture
def sheep(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The experiments of the grid, as Dora collects them."""
    monkeypatch.setattr(main.dora, "dir", tmp_path)
    monkeypatch.setenv("DATA", str(clips))
    monkeypatch.setenv("BASE", "some/base")
    herd = Herd()
    lora.explorer(Launcher(Shepherd(main, log=print), main.get_slurm_config(), herd))
    return list(herd.sheeps.values())


def test_every_rank_with_every_learning_rate(sheep: list[Any]) -> None:
    found = {(one.xp.cfg.adapter.rank, one.xp.cfg.optim.lr) for one in sheep}
    assert found == {(rank, rate) for rank in lora.RANKS for rate in lora.RATES}
    for one in sheep:
        assert one.xp.cfg.adapter.kind == "lora"
        assert one.xp.cfg.adapter.alpha == one.xp.cfg.adapter.rank
        assert one.xp.cfg.base == "some/base"
        assert one.xp.cfg.data_fingerprint
    assert len({one.xp.sig for one in sheep}) == 9


def test_a_row_of_the_table() -> None:
    row = lora.explorer.process_history(HISTORY)
    assert row == {"train": {"epoch": 2, "ce": 3.0}, "valid": {"ce": 4.5, "best": 4.0, "at": 1}}
    assert lora.explorer.process_history([]) == {"train": {"epoch": 0}, "valid": {}}


@pytest.mark.integration
def test_dora_shows_it(sheep: list[Any], tmp_path: Path) -> None:
    """`dora grid` at the root of the repository, with one experiment an epoch old."""
    old = next(one.xp for one in sheep if one.xp.cfg.optim.lr == 4e-4)
    old.folder.mkdir(parents=True)
    (old.folder / "history.json").write_text(json.dumps(HISTORY[:1]))
    command = [sys.executable, "-m", "dora", "grid", "lora"]
    done = subprocess.run(
        [*command, "--dry_run", "--no_monitoring", "--init"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"AUDIOCRAFT_DORA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = {one.parent.name for one in (tmp_path / "xps").glob("*/.argv.json")}
    assert found == {one.xp.sig for one in sheep}  # `dora run -f SIG` knows them
    assert "Monitoring Grid lora" in done.stdout
    assert "5.000" in done.stdout
    assert "opt.lr=0.0004" in done.stdout
