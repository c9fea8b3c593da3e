"""What a filter expression is made of, and how values are compared (see `expression`).

A condition is true, false, or not known (None).
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

Scalar = str | float | bool
Values = Mapping[str, object]


class Condition(Protocol):
    """What can be true."""

    def holds(self, values: Values) -> bool | None:
        """Whether it is; None if that is not known."""
        ...


class Operand(Protocol):
    """What can be compared."""

    def items(self, values: Values, exact: bool) -> tuple[Scalar, ...]:
        """What it says, item by item; nothing if it is not known."""
        ...

    def is_text(self, values: Values) -> bool:
        """Whether it is one text, that may hold another."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """`null` (no items), a text, number or truth, or several in brackets.

    Attributes:
        plain: As written.
        folded: As they are compared without regard to case.
        bracketed: Whether they stand in brackets.
    """

    plain: tuple[Scalar, ...]
    folded: tuple[Scalar, ...]
    bracketed: bool = False

    def items(self, values: Values, exact: bool) -> tuple[Scalar, ...]:
        """See `Operand`."""
        return self.plain if exact else self.folded

    def is_text(self, values: Values) -> bool:
        """See `Operand`."""
        return not self.bracketed and isinstance(self.plain[0], str)


@dataclass(frozen=True, slots=True)
class Name:
    """The value of a name.

    Attributes:
        name: The name.
        exact: Every character counts in what this is compared with.
    """

    name: str
    exact: bool = False

    def items(self, values: Values, exact: bool) -> tuple[Scalar, ...]:
        """See `Operand`."""
        found = known(values.get(self.name))
        return found if exact else fold(found)

    def is_text(self, values: Values) -> bool:
        """See `Operand`."""
        return isinstance(values.get(self.name), str)


@dataclass(frozen=True, slots=True)
class Length:
    """How many characters or items a name's value has."""

    name: str

    def items(self, values: Values, exact: bool) -> tuple[Scalar, ...]:
        """See `Operand`."""
        value, found = values.get(self.name), known(values.get(self.name))
        return (float(len(value) if found and isinstance(value, str) else len(found)),)

    def is_text(self, values: Values) -> bool:
        """See `Operand`."""
        return False


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison: `==`, `<`, `<=` or `in`; true if it is of any pair of items."""

    sign: str
    left: Operand
    right: Operand
    exact: bool

    def holds(self, values: Values) -> bool | None:
        """See `Condition`."""
        left = self.left.items(values, self.exact)
        right = self.right.items(values, self.exact)
        within = self.sign == "in" and self.right.is_text(values)
        some = False
        for one in left:
            for other in right:
                found = _part(one, other) if within else _compared(self.sign, one, other)
                if found:
                    return True
                some = some or found is False
        return False if some else None


@dataclass(frozen=True, slots=True)
class Unknown:
    """True of what is not known."""

    value: Operand

    def holds(self, values: Values) -> bool | None:
        """See `Condition`."""
        return not self.value.items(values, True)


@dataclass(frozen=True, slots=True)
class Truth:
    """A value that is a condition itself."""

    value: Operand

    def holds(self, values: Values) -> bool | None:
        """See `Condition`."""
        items = self.value.items(values, False)
        return _truth(items[0]) if len(items) == 1 else None


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: Condition

    def holds(self, values: Values) -> bool | None:
        """See `Condition`."""
        found = self.part.holds(values)
        return None if found is None else not found


@dataclass(frozen=True, slots=True)
class Joined:
    """`or`, decided by the first part that is true, or `and`, by the first that is false."""

    parts: tuple[Condition, ...]
    decides: bool

    def holds(self, values: Values) -> bool | None:
        """See `Condition`."""
        result: bool | None = not self.decides
        for part in self.parts:
            found = part.holds(values)
            if found is self.decides:
                return found
            if found is None:
                result = None
        return result


def known(value: object) -> tuple[Scalar, ...]:
    """What a value says, item by item; nothing if it is not known."""
    if isinstance(value, str):
        return (value,) if value and not value.isspace() else ()
    if isinstance(value, bool):
        return (value,)
    if isinstance(value, int | float):
        number = _number(value)
        return () if number is None else (number,)
    if isinstance(value, list | tuple):
        single = (item for item in value if not isinstance(item, list | tuple))
        return tuple(found for item in single for found in known(item))
    return () if value is None else (str(value),)


def fold(items: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    """Texts without case, width, composition and kinds of space."""
    return tuple(_fold(item) if isinstance(item, str) else item for item in items)


def _fold(text: str) -> str:
    if text.isascii():
        folded = text.lower()
    else:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return re.sub(r"\s+", " ", folded)


def _number(value: Scalar) -> float | None:
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


_TRUTHS = {"true": True, "false": False, "1": True, "0": False}


def _truth(value: Scalar) -> bool | None:
    if isinstance(value, str):
        return _TRUTHS.get(value.strip().casefold())
    return bool(value) if value in {0, 1} else None


def _part(one: Scalar, text: Scalar) -> bool | None:
    if isinstance(one, str) and isinstance(text, str):
        return one in text
    return None


def _compared(sign: str, one: Scalar, other: Scalar) -> bool | None:
    """Whether one equals (`==`, `in`) or precedes the other; None for what cannot be compared."""
    equal = sign in {"==", "in"}
    if isinstance(one, bool) or isinstance(other, bool):
        left, right = _truth(one), _truth(other)
        return None if left is None or right is None or not equal else left == right
    if isinstance(one, str) and isinstance(other, str):
        if equal:
            return one.strip() == other.strip()
        numbers = _number(one), _number(other)
        if None in numbers:
            return one < other or (sign == "<=" and one == other)
    low, high = _number(one), _number(other)
    if low is None or high is None:
        return None
    return low == high if equal else low < high or (sign == "<=" and low == high)
