"""Reading JSON that may be anything: nothing here raises for what a file holds.

Stricter than Python's `json`: UTF-8 only, no key twice, no NaN; faults come back as pairs of a code
and a message beside whatever could be read.
"""

import errno
import gzip
import json
import math
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

LINE_BYTES = 1 << 20
"""Longest line that is read; one of ours has about 1 kB."""

FILE_BYTES = 64 << 20
"""Largest JSON file that is read at once."""


class Fault(NamedTuple):
    """What is wrong with a text: a code, a message, the top-level key if it is about one."""

    code: str
    message: str
    field: str | None = None


READ_ERRORS = (OSError, EOFError, zlib.error, ValueError)
"""What opening and reading a path can raise (ValueError: a NUL in it)."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a piece of JSON says.

    Attributes:
        value: The object, or None where there is none to be had.
        faults: What is wrong with its text.
    """

    value: dict[str, Any] | None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a JSON-lines file.

    Attributes:
        number: From 1; 0 where the file cannot be opened.
        parsed: What it says.
    """

    number: int
    parsed: Parsed


class Parser:
    """Parses JSON objects; one instance a thread."""

    def __init__(self) -> None:
        self._twice: list[str] = []
        self._nonfinite = False
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._pairs, parse_constant=self._constant, parse_float=self._float
        )

    def parse(self, data: bytes) -> Parsed:
        """One JSON object as text."""
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            return Parsed(None, (Fault("not_utf8", f"byte {error.start + 1} is not UTF-8"),))
        self._twice.clear()
        self._nonfinite = False
        try:
            value = self._decoder.decode(text)
        except RecursionError:
            return Parsed(None, (Fault("not_json", "nested too deeply"),))
        except json.JSONDecodeError as error:
            return Parsed(None, (Fault("not_json", _explain(error, text)),))
        except ValueError:
            return Parsed(None, (Fault("not_json", "holds a number of thousands of digits"),))
        if "\\ud" in text or "\\uD" in text:
            try:
                json.dumps(value, ensure_ascii=False).encode("utf-8")
            except UnicodeEncodeError:
                return Parsed(None, (Fault("not_utf8", "an escape is half a surrogate pair"),))
        if not isinstance(value, dict):
            kind = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}
            name = kind.get(type(value), "a number")
            return Parsed(None, (Fault("not_json", f"is {name}, expected an object {{…}}"),))
        if not self._twice and not self._nonfinite:
            return Parsed(value)
        return Parsed(value, tuple(self._faults(value)))

    def _faults(self, value: dict[str, Any]) -> Iterator[Fault]:
        for key in dict.fromkeys(self._twice):
            yield Fault("key_twice", f"key {json.dumps(key)} stands twice", key)
        for key, item in value.items():
            for where, found in nonfinite(item, key):
                yield Fault("not_finite", f"{where} is {found}, expected a number or null", key)

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            keys = [key for key, _ in pairs]
            self._twice.extend(key for key in value if keys.count(key) > 1)
        return value

    def _constant(self, literal: str) -> float:
        self._nonfinite = True
        return float(literal)

    def _float(self, literal: str) -> float:
        value = float(literal)
        if math.isinf(value):
            self._nonfinite = True
        return value


def read_bytes(path: Path) -> bytes | Fault:
    """A JSON file as it is. A missing one raises FileNotFoundError, nothing else is raised."""
    try:
        if check_regular(path) > FILE_BYTES:
            return Fault("not_json", f"larger than {FILE_BYTES >> 20} MiB")
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except READ_ERRORS as error:
        return Fault("file_unreadable", reason(error))


def read_lines(path: Path, parser: Parser) -> Iterator[Line]:
    """Every line of a JSON-lines file (gzip if so named); one that cannot be read ends it."""
    try:
        opened = open_lines(path)
    except READ_ERRORS as error:
        yield Line(0, Parsed(None, (Fault("file_unreadable", reason(error)),)))
        return
    with opened as file:
        number = 0
        while True:
            number += 1
            try:
                data = file.readline(LINE_BYTES + 1)
                if not data:
                    return
                if len(data) > LINE_BYTES and not data.endswith(b"\n"):
                    _skip_line(file)
                    fault = Fault("line_too_long", f"longer than {LINE_BYTES >> 20} MiB")
                    yield Line(number, Parsed(None, (fault,)))
                    continue
            except READ_ERRORS as error:
                yield Line(number, Parsed(None, (Fault("file_unreadable", reason(error)),)))
                return
            if not data.strip():
                yield Line(number, Parsed(None, (Fault("line_blank", "the line is empty"),)))
            else:
                yield Line(number, parser.parse(data))


def _skip_line(file: IO[bytes]) -> None:
    while True:
        data = file.readline(LINE_BYTES)
        if not data or data.endswith(b"\n"):
            return


def check_regular(path: Path) -> int:
    """Size in bytes of a file that is a file: a pipe or a device would block or never end.

    Raises:
        OSError, ValueError: There is none, or it is something else.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "not a regular file")
    return found.st_size


def is_file(path: Path) -> bool:
    """Whether there is a regular file; False where one may not look (`Path.is_file` raises)."""
    try:
        return check_regular(path) >= 0
    except READ_ERRORS:
        return False


def open_lines(path: Path) -> IO[bytes]:
    """Opens a regular file; unpacks it where audiocraft would (`load_audio_meta`)."""
    check_regular(path)
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def reason(error: BaseException) -> str:
    """Why a file cannot be read, in few words."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"cannot be read: {text}"


def number(value: object) -> float | None:
    """The value as a float (infinite where beyond floats); None if it is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def nonfinite(value: object, path: str) -> Iterator[tuple[str, float]]:
    """Where in a document there are NaN or infinite numbers, and which."""
    if isinstance(value, float):
        if not math.isfinite(value):
            yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from nonfinite(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from nonfinite(item, f"{path}[{index}]")


def _explain(error: json.JSONDecodeError, text: str) -> str:
    if text.startswith("\ufeff"):
        return "starts with a byte order mark; save it as UTF-8 without one"
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return "ends in the middle of an object (cut off?)"
    return f"not JSON at column {error.colno}: {error.msg}"
