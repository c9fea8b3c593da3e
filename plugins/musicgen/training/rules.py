"""Kinds of rules for settings: numbers, whole numbers, words; each says what it expects."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Rule:
    """What a setting may be.

    Attributes:
        expected: For the message: "a number above 0".
        holds: True for a value that may be.
        why: For the message, where the reader would ask.
    """

    expected: str
    holds: Callable[[Any], bool]
    why: str = ""


def number(
    low: float = -math.inf, high: float = math.inf, *, above: float | None = None, what: str = ""
) -> Rule:
    """A finite number from `low` to `high`, or above `above`."""
    span = (
        "" if low == -math.inf else f" from {low:g}" + ("" if high == math.inf else f" to {high:g}")
    )
    if above is not None:
        span = f" above {above:g}" + ("" if high == math.inf else f", up to {high:g}")

    def holds(value: Any) -> bool:
        return is_number(value) and low <= value <= high and (above is None or value > above)

    return Rule(f"a number{what}{span}", holds)


def whole(low: int, high: float = math.inf) -> Rule:
    """A whole number from `low` to `high`."""
    span = f"from {low}" + ("" if high == math.inf else f" to {high:.0f}")
    return Rule(
        f"a whole number {span}",
        lambda value: isinstance(value, int) and is_number(value) and low <= value <= high,
    )


def one_of(*names: str) -> Rule:
    """One of some words."""
    expected = " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return Rule(expected, lambda value: isinstance(value, str) and value in names)


def only(value: object, why: str) -> Rule:
    """Nothing but one value: what audiocraft wants to see and this plugin does otherwise."""
    return Rule(shown(value), lambda given: given is value, why)


def maybe(rule: Rule) -> Rule:
    """What a rule allows, or null."""
    return Rule(f"{rule.expected}, or null", lambda value: value is None or rule.holds(value))


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def shown(value: Any) -> str:
    """A value as it is written on the command line."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


FLAG = Rule("true or false", lambda value: isinstance(value, bool))
WORDS = Rule("text", lambda value: isinstance(value, str) and bool(value.strip()))
