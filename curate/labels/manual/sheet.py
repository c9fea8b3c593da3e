"""Tables that people write: the rows of a CSV or JSON-lines file, each with its place.

CSV is what spreadsheets save: UTF-8, or UTF-16 with its mark (Excel's "Unicode Text"), cells parted
by comma, semicolon or tab (the header tells which), quotes, any line ends. In both formats empty
lines and lines that start with `#` are passed over. What is wrong is collected, so that one reading
tells all.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from curate.errors import ConfigError
from curate.validate.report import shown
from curate.validate.text import Parser

MOST = 100
"""So many faults are told; a file of another kind has one in every line."""

_PASSED_OVER = re.compile(r"\s*(#.*)?$", re.DOTALL)
_SEPARATOR = re.compile(r"sep=(.)\s*$")
"""Excel's own first line."""

Column = Callable[[str], str]
"""Gives a column's proper name, "" for one that is not to be read. Raises `Wrong`."""


class Wrong(Exception):
    """What is wrong with a column or a value, with the remedy."""


class Faults:
    """Collects what is wrong, to tell it all at once."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, place: str, message: object) -> None:
        """Notes a fault; a place is `file:line`."""
        self._lines.append(f"{place}: {message}")

    def raise_any(self) -> None:
        """Raises what was noted as one `ConfigError`, a line a fault; nothing if there is none."""
        if len(self._lines) > MOST:
            rest = len(self._lines) - MOST
            raise ConfigError("\n".join([*self._lines[:MOST], f"and {rest} more like these"]))
        if self._lines:
            raise ConfigError("\n".join(self._lines))


@dataclass(frozen=True, slots=True)
class Row:
    """What one row says.

    Attributes:
        place: `file:line`; of a row of several lines the first.
        cells: Value by column. Empty CSV cells are left out; a JSON value is as it stands there.
    """

    place: str
    cells: dict[str, object]


def rows(path: Path, column: Column, one_of: tuple[str, ...], faults: Faults) -> Iterator[Row]:
    """The rows of a file, JSON lines if it is called `.jsonl`, else CSV.

    Args:
        path: Of the file.
        column: Gives columns their names.
        one_of: A CSV without any of these columns is not read.
        faults: Is told what is wrong; a row that cannot be understood is left out.
    """
    text = _text(path, faults)
    if text is None:
        return
    if path.suffix == ".jsonl":
        yield from _json_rows(path, text, column, faults)
    else:
        yield from _csv_rows(path, text, column, one_of, faults)


def _text(path: Path, faults: Faults) -> str | None:
    try:
        if not path.is_file():  # reading a pipe would never end
            what = "is no file, but a folder or a device" if path.exists() else "leads nowhere"
            faults.add(str(path), f"{what}; put the file there or take it away")
            return None
        data = path.read_bytes()
    except OSError as error:
        faults.add(str(path), f"cannot be read: {error.strerror}; mend that or take it away")
        return None
    if not data:
        faults.add(str(path), "is empty, as a file that was lost; restore it or delete it")
        return None
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = 1 if wide else data.count(b"\n", 0, error.start) + 1
        problem = f"byte {error.start + 1} of the file is not {'UTF-16' if wide else 'UTF-8'}"
        faults.add(f"{path}:{line}", f"{problem}; save it as UTF-8 (Excel: 'CSV UTF-8')")
        return None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        faults.add(f"{path}:{line}", "holds a NUL; save it as UTF-8 text (Excel: 'CSV UTF-8')")
        return None
    return text


class _Lines:
    """The lines of a text for the csv module, but for those passed over where a row may start."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")  # keeps each line's own end
        self.number = self.start = 0
        self._inside = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while True:
            line = next(self._lines)
            self.number += 1
            if self._inside:
                return line
            first = self.number == 1 and _SEPARATOR.match(line)
            if not (first or _PASSED_OVER.match(line)):
                self.start, self._inside = self.number, True
                return line

    def begin(self) -> None:
        """The next line starts a row."""
        self._inside = False


def _delimiter(text: str) -> str:
    if told := _SEPARATOR.match(text.partition("\n")[0]):
        return told[1]
    header = re.sub('"[^"]*"', "", next(_Lines(text), ""))
    return max(",;\t", key=header.count)


def _csv_rows(
    path: Path, text: str, column: Column, one_of: tuple[str, ...], faults: Faults
) -> Iterator[Row]:
    lines, delimiter = _Lines(text), _delimiter(text)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    header: list[str] | None = None
    while True:
        lines.begin()
        try:
            row = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            faults.add(f"{path}:{lines.start}", _csv_problem(error))
            continue
        place = f"{path}:{lines.start}"
        if header is None:
            header = _header(row, place, column, faults)
            if not set(one_of) & set(header):
                names = " or ".join(f"'{name}'" for name in one_of)
                faults.add(place, f"no column {names}; the first line names the columns")
                return
        elif any(row):
            cells = _cells(row, header, place, delimiter, faults)
            if cells is not None:
                yield Row(place, cells)


def _csv_problem(error: csv.Error) -> str:
    if "end of data" in str(error):
        return 'a quote (") that opens here is never closed; close it'
    if "field limit" in str(error):
        most = csv.field_size_limit()
        return f"a value has more than {most} characters; shorten it, or close its quote"
    return f'not CSV: {error}; a value with quotes is written "like ""this"""'


_NO_NAME = "\0"


def _header(row: list[str], place: str, column: Column, faults: Faults) -> list[str]:
    """The proper name of each column, "" where it is not to be read."""
    found: list[str] = []
    for cell in row:
        try:
            name = column(cell) if cell else _NO_NAME
            if name in found and name not in {"", _NO_NAME}:
                raise Wrong(f"column {shown(cell)}: there is one for {name} already; keep one")
        except Wrong as wrong:
            faults.add(place, wrong)
            name = ""
        found.append(name)
    return found


def _cells(
    row: list[str], header: list[str], place: str, delimiter: str, faults: Faults
) -> dict[str, object] | None:
    while len(row) > len(header) and not row[-1]:
        row.pop()
    if len(row) != len(header):
        parted = {"\t": "tab"}.get(delimiter, delimiter)
        remedy = f"add a '{parted}' for every empty one"
        if len(row) > len(header):
            remedy = f"put a value that holds a '{parted}' in double quotes"
        many = f"{len(row)} values where the header has {len(header)} columns"
        faults.add(place, f"{many}; {remedy}")
        return None
    named = [(name, cell) for name, cell in zip(header, row, strict=True) if cell and name]
    stray = [cell for name, cell in named if name == _NO_NAME]
    if stray:
        faults.add(
            place, f"{shown(stray[0])} stands under no column name; name the column in the header"
        )
    return {name: cell for name, cell in named if name != _NO_NAME}


def _json_rows(path: Path, text: str, column: Column, faults: Faults) -> Iterator[Row]:
    parser = Parser()
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        if _PASSED_OVER.match(line):
            continue
        place, parsed = f"{path}:{number}", parser.parse(line.encode())
        for fault in parsed.faults:
            faults.add(place, f"{fault.message}; a line is one JSON object, whole and in one piece")
        if parsed.value is None:
            continue
        cells: dict[str, object] = {}
        for key, value in parsed.value.items():
            try:
                name = column(key)
                if name in cells:
                    raise Wrong(f"key {shown(key)}: {name} is there already; keep one")
            except Wrong as wrong:
                faults.add(place, wrong)
                continue
            if name:
                cells[name] = value
        yield Row(place, cells)
