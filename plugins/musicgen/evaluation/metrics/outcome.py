"""What became of a metric: its figures, or why there are none. Nothing here raises into a training.

A metric whose weights are missing has not run, and says by which command they are had; one that
breaks has failed, and says how. The others run.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from .statistics import Figure

_LOG = logging.getLogger(__name__)


class NotRun(Exception):
    """A metric cannot run here.

    Attributes:
        reason: One sentence.
        command: What to type so that it can; "" where nothing helps.
    """

    def __init__(self, reason: str, command: str = "") -> None:
        super().__init__(reason, command)
        self.reason = reason
        self.command = command

    def __str__(self) -> str:
        return f"{self.reason}; run `{self.command}`" if self.command else self.reason


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Weights that a figure depends on.

    Attributes:
        name: As its makers call it, such as `laion/clap-htsat-unfused`.
        sha256: Of the file of weights, 64 hex digits.
    """

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a metric.

    Attributes:
        metric: Its name.
        state: `ok`, `not run` or `failed`.
        figures: By name, where it is ok.
        checkpoints: The weights it was measured with.
        reason: Why there are no figures, or what is to be known of them; else "".
        command: What to type so that it runs, or "".
    """

    metric: str
    state: Literal["ok", "not run", "failed"]
    figures: Mapping[str, Figure] = field(default_factory=dict)
    checkpoints: tuple[Checkpoint, ...] = ()
    reason: str = ""
    command: str = ""


def attempt(
    metric: str,
    measure: Callable[[], Mapping[str, Figure]],
    checkpoints: tuple[Checkpoint, ...] = (),
) -> Outcome:
    """Runs a metric, whatever comes of it.

    Only what a user asks for ends it: Ctrl-C, and the end of the program.

    Args:
        metric: Its name.
        measure: Gives its figures.
        checkpoints: The weights it is measured with.
    """
    try:
        return Outcome(metric, "ok", measure(), checkpoints)
    except NotRun as why:
        return Outcome(metric, "not run", {}, checkpoints, why.reason, why.command)
    except Exception as error:  # whatever a library thinks of must not cost a training
        _LOG.warning("%s failed", metric, exc_info=True)
        first = (str(error).strip().splitlines() or [""])[0]
        ours = isinstance(error, ValueError) and first  # the metrics' own words
        reason = first if ours else f"{type(error).__name__}: {first}".removesuffix(": ")
        return Outcome(metric, "failed", {}, checkpoints, reason[:500])
