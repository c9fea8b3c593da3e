"""The rows of a table, one after the other: CSV, TSV, JSON lines or Parquet.

A table may have millions of rows and come from anyone: what is in memory is a row, or a batch of a
Parquet file, and a row that cannot be read is a `Bad` with the reason, not the end. Text is UTF-8,
or UTF-16 with its mark; `.gz` is unpacked while it is read.
"""

import codecs
import contextlib
import csv
import difflib
import io
import itertools
import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from curate.errors import ConfigError
from curate.validate.report import shown
from curate.validate.text import LINE_BYTES, READ_ERRORS, Parser, open_lines, reason

FORMATS = {".csv": "csv", ".tsv": "csv", ".tab": "csv", ".txt": "csv"} | {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
"""Format by file extension; of others the first bytes tell."""

MAX_COLUMNS = 10_000
BATCH = 1000
"""Rows of a Parquet file in memory at once."""

LOOK_AHEAD = 1000
"""Lines of JSON that tell which keys there are."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row that could be read.

    Attributes:
        number: Its line in the file, of a row of several lines the first; in Parquet its row.
        cells: What it says, by column. Empty cells are left out.
    """

    number: int
    cells: dict[str, object]


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that could not be read.

    Attributes:
        number: As in `Row`.
        reason: What is wrong, with the remedy.
    """

    number: int
    reason: str


class Sheet(Protocol):
    """An open table."""

    columns: tuple[str, ...]

    def rows(self, wanted: Collection[str]) -> Iterator[Row | Bad]:
        """The rows, once, with the cells of these columns.

        Raises:
            ConfigError: The file cannot be read to its end.
        """
        ...


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Sheet]:
    """Opens a table and reads what columns it has.

    Raises:
        ConfigError: It cannot be opened, or is no table; the message names file and remedy.
    """
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(open_lines(path))
            kind = _format(path, _peek(file))
        except READ_ERRORS as error:
            raise ConfigError(f"{path}: {reason(error)}; correct `table.file` or mend it") from None
        if kind == "parquet":
            yield _Parquet(path, stack.enter_context(_parquet(path)))
        else:
            yield _Csv(path, file) if kind == "csv" else _Json(path, file)


def _peek(file: IO[bytes]) -> bytes:
    start = file.read(64)
    file.seek(0)
    return start


def _format(path: Path, start: bytes) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    known = FORMATS.get(suffixes[-1]) if suffixes else None
    if start.startswith((b"PK\3\4", b"\xd0\xcf\x11\xe0")):
        raise ConfigError(f"{path}: is a spreadsheet or an archive; save the table as CSV UTF-8")
    if start.startswith(b"PAR1"):
        if path.suffix.lower() == ".gz":
            raise ConfigError(f"{path}: a Parquet file inside gzip; unpack it")
        return "parquet"
    if known == "parquet":
        raise ConfigError(f"{path}: is no Parquet file, it does not begin with PAR1; get it again")
    plain = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if plain.startswith(b"[") and known != "csv":
        raise ConfigError(f"{path}: is one JSON array; write one object a line (JSON lines)")
    return known or ("jsonl" if plain.startswith(b"{") else "csv")


def nearest(name: str, columns: Collection[str]) -> str:
    """The end of a message about a column that is not there."""
    near = difflib.get_close_matches(name, list(columns)[:1000], n=1)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"there are {', '.join(shown(column)[1:-1] for column in list(columns)[:40])}"


# --- CSV and TSV ---------------------------------------------------------------------------------


class _Lines:
    """The lines of a text for the csv module; counts them, and cuts those without an end."""

    def __init__(self, file: IO[bytes]) -> None:
        start = _peek(file)
        wide = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        # what is no UTF-8 becomes surrogates, so that the row with it can be told
        self._text = io.TextIOWrapper(
            file,
            "utf-16" if wide else "utf-8-sig",
            "replace" if wide else "surrogateescape",
            newline="",
        )
        self.number = self.start = 0
        self.cut = False
        self._waiting = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line, self._waiting = self._waiting or self._text.readline(LINE_BYTES), ""
        if not line:
            raise StopIteration
        self.number += 1
        while len(line) >= LINE_BYTES and not line.endswith(("\n", "\r")):
            self.cut = True
            more = self._text.readline(LINE_BYTES)
            if len(more) < LINE_BYTES or more.endswith(("\n", "\r")):
                break
        return line

    def peek(self) -> str:
        """The next line, which stays the next."""
        self._waiting = self._waiting or self._text.readline(LINE_BYTES)
        return self._waiting

    def begin(self) -> None:
        """The next line starts a row."""
        self.start, self.cut = self.number + 1, False


class _Csv:
    """CSV as spreadsheets and programs write it; the first line names the columns."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._lines = _Lines(file)
        header = re.sub('"[^"]*"', "", self._lines.peek())
        tab = any(suffix.lower() in {".tsv", ".tab"} for suffix in path.suffixes)
        delimiter = "\t" if tab else max(",;\t|", key=header.count)
        self._reader = csv.reader(
            self._lines, delimiter=delimiter, skipinitialspace=True, strict=True
        )
        first = next(self._records(), None)
        if not isinstance(first, tuple):
            problem = first.reason if first else "it is empty"
            raise ConfigError(f"{path}: {problem}; the first line has to name the columns")
        self._header = [_name(cell) for cell in first[1]]
        if len(self._header) > MAX_COLUMNS:
            raise ConfigError(
                f"{path}: {len(self._header)} columns, expected at most {MAX_COLUMNS}"
            )
        self.columns = tuple(dict.fromkeys(name for name in self._header if name))

    def rows(self, wanted: Collection[str]) -> Iterator[Row | Bad]:
        """See `Sheet`."""
        twice = [name for name in wanted if self._header.count(name) > 1]
        if twice:
            raise ConfigError(f"{self._path}: two columns are called '{twice[0]}'; rename one")
        places = [(index, name) for index, name in enumerate(self._header) if name in wanted]
        width = len(self._header)
        for record in self._records():
            if isinstance(record, Bad):
                yield record
                continue
            number, cells = record
            while len(cells) > width and not cells[-1]:
                cells.pop()
            if len(cells) != width:
                many = f"{len(cells)} values where the header has {width} columns"
                yield Bad(number, f"{many}; put a value that holds the separator in double quotes")
            else:
                yield Row(number, {name: cells[at] for at, name in places if cells[at]})

    def _records(self) -> Iterator[tuple[int, list[str]] | Bad]:
        """Line and trimmed values of every row that is not empty."""
        try:
            while True:
                self._lines.begin()
                try:
                    cells = [cell.strip() for cell in next(self._reader)]
                except csv.Error as error:
                    yield Bad(self._lines.start, self._problem(error))
                    continue
                if self._lines.cut:
                    yield Bad(self._lines.start, f"longer than {LINE_BYTES >> 20} MiB; shorten it")
                elif any(cells):
                    yield self._lines.start, cells
        except StopIteration:
            return
        except READ_ERRORS as error:
            place = f"{self._path}:{self._lines.number}"
            raise ConfigError(f"{place}: {reason(error)}; mend the table") from None

    def _problem(self, error: csv.Error) -> str:
        if "end of data" in str(error) or "field larger" in str(error):
            first, last = self._lines.start, self._lines.number
            lines = f"lines {first} to {last} are one value" if last > first else "a quote is open"
            return f'{lines}: a quote (") that opens here is not closed; close it'
        return f'not CSV: {error}; a value with quotes is written "like ""this"""'


def _name(cell: str) -> str:
    return " ".join(cell.split())


# --- JSON lines ----------------------------------------------------------------------------------


class _Json:
    """One JSON object a line; its columns are the keys of the first lines."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._file = file
        self._parser = Parser()
        self._number = 0
        self._first = list(itertools.islice(self._read(), LOOK_AHEAD))
        keys = (key for row in self._first if isinstance(row, Row) for key in row.cells)
        self.columns = tuple(dict.fromkeys(keys))
        if not self.columns:
            bad = [row for row in self._first if isinstance(row, Bad)]
            problem = f"{path}:{bad[0].number}: {bad[0].reason}" if bad else f"{path}: it is empty"
            raise ConfigError(f"{problem}; every line has to be one JSON object")

    def rows(self, wanted: Collection[str]) -> Iterator[Row | Bad]:
        """See `Sheet`."""
        first, self._first = self._first, []
        for row in itertools.chain(first, self._read()):
            if isinstance(row, Bad):
                yield row
            else:
                cells = {key: row.cells[key] for key in wanted if row.cells.get(key) is not None}
                yield Row(row.number, {key: cell for key, cell in cells.items() if cell != ""})

    def _read(self) -> Iterator[Row | Bad]:
        try:
            while line := self._file.readline(LINE_BYTES + 1):
                self._number += 1
                if len(line) > LINE_BYTES and not line.endswith(b"\n"):
                    while more := self._file.readline(LINE_BYTES):
                        if more.endswith(b"\n"):
                            break
                    yield Bad(self._number, f"longer than {LINE_BYTES >> 20} MiB; shorten it")
                    continue
                if self._number == 1:
                    line = line.removeprefix(codecs.BOM_UTF8)
                if line.strip():
                    yield self._parsed(line)
        except READ_ERRORS as error:
            place = f"{self._path}:{self._number}"
            raise ConfigError(f"{place}: {reason(error)}; mend the table") from None

    def _parsed(self, line: bytes) -> Row | Bad:
        parsed = self._parser.parse(line)
        if parsed.faults or parsed.value is None:
            problem = "; ".join(fault.message for fault in parsed.faults[:3])
            return Bad(self._number, f"{problem}; write one whole JSON object")
        return Row(self._number, {_name(key): cell for key, cell in parsed.value.items()})


# --- Parquet -------------------------------------------------------------------------------------


def _parquet(path: Path) -> Any:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise ConfigError(
            f"{path}: Parquet needs pyarrow, which is not installed; run `pip install pyarrow`, "
            "or save the table as CSV"
        ) from None
    try:
        return ParquetFile(path, pre_buffer=False)
    except (ArrowException, OSError) as error:
        raise ConfigError(f"{path}: {_first_line(error)}; get the Parquet file again") from None


class _Parquet:
    """A Parquet file; only the wanted columns are read."""

    def __init__(self, path: Path, file: Any) -> None:
        self._path = path
        self._file = file
        self.columns = tuple(file.schema_arrow.names)

    def rows(self, wanted: Collection[str]) -> Iterator[Row | Bad]:
        """See `Sheet`."""
        from pyarrow import ArrowException

        names = [name for name in self.columns if name in wanted]
        if len(set(names)) < len(names):
            raise ConfigError(f"{self._path}: two columns have one name: {', '.join(names)}")
        # threads of Arrow's own would not survive the forks that make workers
        batches = self._file.iter_batches(BATCH, columns=names, use_threads=False)
        number = 0
        while True:
            try:
                rows = next(batches).to_pylist()
            except StopIteration:
                return
            except (ArrowException, OSError, ValueError, OverflowError) as error:
                place = f"{self._path}: after row {number}"
                raise ConfigError(f"{place}: {_first_line(error)}; mend the table") from None
            for row in rows:
                number += 1
                cells = {name: row[name] for name in names if not _is_empty(row[name])}
                yield Row(number, cells)


def _is_empty(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _first_line(error: Exception) -> str:
    return f"{error} ".splitlines()[0].strip()[:200] or type(error).__name__
