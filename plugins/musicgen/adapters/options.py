"""What an adapter is: its kind, what it reaches, and its size, with every value checked."""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..errors import TrainingError

KINDS = ("lora", "head")
INITS = ("kaiming", "gaussian")
DEFAULT_TARGETS = {"lora": ("all",), "head": ("heads",)}


class AdapterError(TrainingError):
    """An adapter that cannot be made, loaded or saved as asked."""


@dataclass(frozen=True, slots=True)
class AdapterOptions:
    """Options of one adapter.

    Attributes:
        kind: `lora` (low-rank matrices beside frozen ones, arXiv 2106.09685) or `head` (the output
            layers, one per codebook, trained in full; all the rest frozen).
        targets: What to reach: names of `targets.GROUPS`, or regular expressions searched in the
            names of the matrices. Empty means `all` for lora and `heads` for head.
        rank: Rank of each low-rank matrix, 1 or more.
        alpha: Numerator of the scale, above 0: the scale is alpha / rank.
        dropout: Probability in [0, 1) of dropping an input of the low-rank path while training.
        rslora: Scale by alpha / sqrt(rank), which keeps high ranks learning (arXiv 2312.03732).
        dora: Also learn the length of every row of the adapted matrix (arXiv 2402.09353). A step
            takes 1.4 times as long, because those lengths are computed anew each time.
        init: How A starts, `kaiming` or `gaussian`, as PEFT does it; B starts at zero, so the
            adapted model starts as the base model either way.

    Raises:
        AdapterError: A value is out of its range.
    """

    kind: str = "lora"
    targets: tuple[str, ...] = ()
    rank: int = 16
    alpha: float = 16.0
    dropout: float = 0.0
    rslora: bool = False
    dora: bool = False
    init: str = "kaiming"

    def __post_init__(self) -> None:
        _expect_one_of("adapter.kind", self.kind, KINDS)
        _expect_one_of("adapter.init", self.init, INITS)
        targets: object = self.targets  # values come from outside: a type is only a wish
        if not isinstance(targets, tuple) or not all(isinstance(t, str) for t in targets):
            raise AdapterError(f"adapter.targets is {targets!r}, expected a list of names")
        rank: object = self.rank
        if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
            raise AdapterError(f"adapter.rank is {rank!r}, expected a whole number from 1")
        for name in ("alpha", "dropout"):
            number: object = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise AdapterError(f"adapter.{name} is {number!r}, expected a number")
        if not 0 < self.alpha < math.inf:
            raise AdapterError(f"adapter.alpha is {self.alpha!r}, expected a number above 0")
        if not 0 <= self.dropout < 1:
            raise AdapterError(f"adapter.dropout is {self.dropout!r}, expected 0 or more, below 1")

    @property
    def patterns(self) -> tuple[str, ...]:
        """The targets asked for, or the usual ones of this kind."""
        return self.targets or DEFAULT_TARGETS[self.kind]

    @property
    def scaling(self) -> float:
        """The factor on the product B A."""
        return self.alpha / (self.rank**0.5 if self.rslora else self.rank)


def parse_options(values: Mapping[str, Any]) -> AdapterOptions:
    """Makes options from a mapping, such as the `adapter` part of a Hydra configuration.

    Raises:
        AdapterError: A key is unknown (the nearest one is named), or a value is out of range.
    """
    known = [field.name for field in fields(AdapterOptions)]
    for key in values:
        if key not in known:
            raise AdapterError(
                f"adapter.{key} is no option{nearest(str(key), known)}; "
                f"the options are {', '.join(known)}"
            )
    given = dict(values)
    if isinstance(given.get("targets"), str):
        given["targets"] = (given["targets"],)
    elif given.get("targets") is not None:
        given["targets"] = tuple(given["targets"])
    return AdapterOptions(**{key: value for key, value in given.items() if value is not None})


def nearest(name: str, known: list[str]) -> str:
    """Returns `, did you mean "…"?` for the known name most like `name`, or nothing."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f', did you mean "{close[0]}"?' if close else ""


def _expect_one_of(key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        hint = nearest(str(value), list(allowed))
        raise AdapterError(f"{key} is {value!r}{hint}; expected one of {', '.join(allowed)}")
