"""Markdown in which text from outside is only text."""

import re
import unicodedata
import urllib.parse
from collections.abc import Iterable, Sequence

MOST = 50
"""Rows of a table; the others are added up in one."""

_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that turn the writing direction of all that follows."""


def text(value: object) -> str:
    """Text from outside on one line, harmless in a table's cell as elsewhere."""
    kept = (" " if _is_control(c) else c for c in str(value))
    line = " ".join("".join(kept).split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#~" else c for c in line)


def paragraph(value: object) -> str:
    """Text from outside as a paragraph: what would start a list or a rule is escaped."""
    line = text(value)
    if re.match(r"[-+=:]", line):
        return f"\\{line}"
    return re.sub(r"^([0-9]+)([.)])", r"\1\\\2", line)


def link(address: str) -> str:
    """An address that can be clicked; anything but http and https is text."""
    if not re.match(r"https?://[^\s/?#]", address):
        return text(address)
    safe = urllib.parse.quote(address, safe="!#$%&'()*+,-./:;=?@[]_~")
    return f"<{safe}>"


def table(
    heads: Sequence[str], rows: Iterable[Sequence[object]], *, words: int = 1, others: str = ""
) -> list[str]:
    """A table; of more than `MOST` rows the rest is one row.

    Args:
        heads: Names of the columns.
        rows: Cells. Floats are shown with two digits.
        words: So many columns are words, the others numbers that can be added.
        others: What the rest is called, e.g. `artists`.
    """
    every = list(rows)
    shown = every[:MOST] if len(every) > MOST + 1 else every
    rest = every[len(shown) :]
    if rest:
        sums = [sum(float(str(row[at])) for row in rest) for at in range(words, len(heads))]
        whole = [isinstance(cell, int) for cell in rest[0][words:]]
        numbers = [int(s) if exact else s for s, exact in zip(sums, whole, strict=True)]
        shown = [*shown, (f"{len(rest)} other {others}", *[""] * (words - 1), *numbers)]
    return [
        f"| {' | '.join(heads)} |",
        "|" + "---|" * words + "--:|" * (len(heads) - words),
        *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in shown),
    ]


def _cell(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else text(value)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"} or character in _TURNING
