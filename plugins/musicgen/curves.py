"""A picture of a run's curves, beside its logs: no service, no browser, after every epoch.

    python -m plugins.musicgen.curves FOLDER ...

draws them anew for folders of experiments (outputs/xps/SIG). Drawn through matplotlib's figure,
without pyplot and its global state.
"""

import argparse
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from curate.jsonio import write_atomically

from .errors import TrainingError, one_message

HISTORY, PICTURE = "history.json", "curves.png"

History = list[dict[str, dict[str, float]]]
"""Of each epoch, the metrics of each stage, as Dora keeps them."""

STAGES = {"train": "tab:blue", "valid": "tab:orange", "evaluate": "tab:green"}


def series(history: History, stage: str, name: str) -> tuple[list[int], list[float]]:
    """Epochs, from 1, and values of a metric, where it was measured."""
    found = [
        (epoch, float(stages[stage][name]))
        for epoch, stages in enumerate(history, 1)
        if name in stages.get(stage, {})
    ]
    return [epoch for epoch, _ in found], [value for _, value in found]


def best(history: History) -> tuple[int, float] | None:
    """The epoch whose validation is best, and its cross entropy; None before there is one."""
    epochs, values = series(history, "valid", "ce")
    return min(zip(epochs, values, strict=True), key=lambda one: one[1]) if values else None


def picture(history: History, title: str = "") -> bytes:
    """Draws the curves of a run.

    Args:
        history: At least one epoch.
        title: Above them.

    Returns:
        A PNG.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7))
    figure.subplots_adjust(0.06, 0.07, 0.95, 0.9, 0.2, 0.3)
    figure.suptitle(title)
    panels: tuple[Callable[[Any, History], None], ...] = (_losses, _codebooks, _steps, _speed)
    for axes, draw in zip(figure.subplots(2, 2).flat, panels, strict=True):
        draw(axes, history)
        axes.set_xlabel("epoch")
        axes.grid(visible=True, alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize="small")
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=100)
    return out.getvalue()


def _losses(axes: Any, history: History) -> None:
    axes.set_title("cross entropy (nats a code)")
    for stage, color in STAGES.items():
        axes.plot(*series(history, stage, "ce"), "o-", color=color, label=stage, markersize=3)
    if (found := best(history)) is not None:
        epoch, value = found
        text = f"best: {value:.3f} (perplexity {2.718281828**value:.1f}), epoch {epoch}"
        axes.axvline(epoch, color="gray", linestyle=":", label=text)


def _codebooks(axes: Any, history: History) -> None:
    axes.set_title("validation, each codebook")
    names = sorted({name for one in history for name in one.get("valid", {}) if _is_book(name)})
    for name in names:
        axes.plot(*series(history, "valid", name), "o-", label=name.removeprefix("ce_"), ms=3)


def _is_book(name: str) -> bool:
    return name.startswith("ce_q")


def _steps(axes: Any, history: History) -> None:
    axes.set_title("learning rate and gradient norm (means)")
    for name, color in (("lr", "tab:blue"), ("grad_norm", "tab:orange")):
        epochs, values = series(history, "train", name)
        shown = [value if value > 0 else float("nan") for value in values]
        axes.plot(epochs, shown, "o-", color=color, label=name, markersize=3)
    axes.set_yscale("log")


def _speed(axes: Any, history: History) -> None:
    axes.set_title("clips a second; share of time waiting for data")
    axes.plot(*series(history, "train", "clips_per_s"), "o-", label="clips a second", ms=3)
    axes.set_ylim(bottom=0)
    wait = axes.twinx()
    wait.plot(*series(history, "train", "data_wait"), "o--", color="tab:red", ms=3)
    wait.set_ylim(0, 1)
    axes.plot([], [], "o--", color="tab:red", label="waiting", ms=3)


def redraw(folder: Path) -> Path:
    """Draws the curves of an experiment's folder, in place of those it has.

    Raises:
        TrainingError: There is no history in it, or it is no epoch long.
    """
    path = folder / HISTORY
    try:
        history = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise TrainingError(f"{folder}: no readable {HISTORY} there ({error})") from error
    if not history:
        raise TrainingError(f"{path}: no epoch is done yet")
    write_atomically(folder / PICTURE, picture(history, folder.name))
    return folder / PICTURE


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m plugins.musicgen.curves",
        description=f"Draws {PICTURE} of experiments anew, from their {HISTORY}.",
    )
    parser.add_argument(
        "folders", type=Path, nargs="+", metavar="FOLDER", help="such as outputs/xps/SIG"
    )
    with one_message():
        for folder in parser.parse_args(arguments).folders:
            sys.stdout.write(f"{redraw(folder)}\n")


if __name__ == "__main__":
    main()
