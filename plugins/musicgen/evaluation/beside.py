"""An evaluation beside a training, which nothing that happens here can end."""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from .reports import record
from .reports.record import Evaluation

_LOG = logging.getLogger(__name__)


def beside(solver: Any, words: Sequence[str] = ()) -> dict[str, float]:
    """Evaluates a solver's experiment in a process of its own: figures, or none and a warning.

    Args:
        solver: Of an experiment with a checkpoint.
        words: More of the evaluate command's options, such as `--limit 10` as two words.

    Returns:
        The experiment's figures by name, such as `fad_vggish` or `score_clap`.
    """
    from dora.distrib import rank

    from ..train import main

    if rank():
        return {}
    cfg, out = solver.cfg, solver.folder / "evaluation"
    command = [
        sys.executable, "-m", "plugins.musicgen.evaluate", solver.xp.sig, "--data", str(cfg.data),
        "--out", str(out), "--cache", str(main.dora.dir.absolute() / "evaluations"),
        "--base", str(cfg.base), "--device", str(cfg.device),
    ]  # fmt: skip
    command += asked(cfg.evaluate)
    surroundings = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "AUDIOCRAFT_DORA_DIR": str(main.dora.dir.absolute()),
    }
    try:
        done = subprocess.run(
            [*command, *words], env=surroundings, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            raise OSError(f"the command ended with {done.returncode}")
        return figures(record.load(out), solver.xp.sig)
    except Exception as error:  # nothing here may end a training
        _LOG.warning("evaluation failed, the training does not: %s", error)
        return {}


def asked(settings: Any) -> list[str]:
    """The words of the evaluate command that a run's `evaluate.*` settings stand for.

    Args:
        settings: With `fixed_generation_duration`, and `options` by the command's own names.
    """
    words = []
    if settings.fixed_generation_duration:
        words += ["--seconds", str(settings.fixed_generation_duration)]
    for name, value in (settings.get("options") or {}).items():
        if value is not None:
            several = not isinstance(value, str) and hasattr(value, "__iter__")
            said = ",".join(map(str, value)) if several else str(value)
            words.append(f"--{name.replace('_', '-')}={said}")  # a value may begin with a dash
    return words


def figures(evaluation: Evaluation, title: str) -> dict[str, float]:
    """The values of a subject, flat: `fad_vggish`, `fad_vggish_reference`, `key_recall`."""
    found = {}
    for row in evaluation.results:
        if row.subject != title:
            continue
        for name, value in row.figures.items():
            beyond = "reference" if row.against == "reference" else ""
            key = "_".join(filter(None, (name, row.of.replace("-", "_"), beyond)))
            found[key] = value.estimate.value
    return found
