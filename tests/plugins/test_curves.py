"""The picture of a run's curves."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from plugins.musicgen import curves
from plugins.musicgen.errors import TrainingError

HISTORY: Any = [
    {
        "train": {"ce": 5.0, "lr": 1e-4, "grad_norm": 2.0, "clips_per_s": 3.0, "data_wait": 0.1},
        "valid": {"ce": 5.5, "ce_q1": 5.0, "ce_q2": 6.0},
    },
    {
        "train": {"ce": 4.0, "lr": 0.0, "grad_norm": 1.0, "clips_per_s": 3.0, "data_wait": 0.1},
        "valid": {"ce": 4.5, "ce_q1": 4.0, "ce_q2": 5.0},
    },
    {"train": {"ce": 3.0}, "valid": {"ce": 4.75}, "evaluate": {"ce": 4.6}},
]


def test_a_metric_has_the_epochs_it_was_measured_in() -> None:
    assert curves.series(HISTORY, "train", "ce") == ([1, 2, 3], [5.0, 4.0, 3.0])
    assert curves.series(HISTORY, "evaluate", "ce") == ([3], [4.6])
    assert curves.series(HISTORY, "valid", "nothing") == ([], [])


def test_the_best_epoch() -> None:
    assert curves.best(HISTORY) == (2, 4.5)
    assert curves.best([{"train": {"ce": 1.0}}]) is None


def test_a_picture_grows_with_the_epochs() -> None:
    one, all_of_them = curves.picture(HISTORY[:1]), curves.picture(HISTORY)
    for drawn in (one, all_of_them):
        assert drawn.startswith(b"\x89PNG")
        assert struct.unpack(">II", drawn[16:24]) == (1100, 700)
    assert one != all_of_them


def test_the_curve_is_where_its_values_are() -> None:
    """The losses' panel has a line for each stage with its points, and names the best epoch."""
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    curves._losses(axes, HISTORY)
    lines = {str(line.get_label()): line for line in axes.get_lines()}
    assert list(lines["valid"].get_ydata()) == [5.5, 4.5, 4.75]
    assert "best: 4.500 (perplexity 90.0), epoch 2" in lines


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "history.json").write_text(json.dumps(HISTORY))
    curves.main([str(tmp_path)])
    assert capsys.readouterr().out == f"{tmp_path}/curves.png\n"
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["curves.png", "history.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "no readable history.json"), ("{", "no readable"), ("[]", "no epoch is done")],
)
def test_a_folder_without_a_history(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "history.json").write_text(text)
    with pytest.raises(TrainingError, match=message):
        curves.redraw(tmp_path)
