"""YAML that cannot hurt: no code, no bombs, no loops, no silent double keys, and line numbers.

`artists.yaml` may come from anyone. `yaml.SafeLoader` runs no code but still expands an alias bomb,
follows a recursive alias and keeps the last of two equal keys; those are refused here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from curate.errors import ConfigError

MAX_BYTES = 32 * 1024 * 1024
MAX_NODES = 2_000_000
MAX_DEPTH = 40

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """A loaded file.

    Attributes:
        value: What it says, as plain Python.
        lines: 1-based line of every value, by the path of keys and indices that leads to it.
    """

    value: Any
    lines: dict[tuple[str | int, ...], int]

    def line(self, path: tuple[str | int, ...]) -> int:
        """The line of the nearest known place on the way to `path`."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def load(path: Path) -> Document:
    """Reads a YAML file.

    Raises:
        ConfigError: It cannot be read, is not YAML, is too large or deep, refers to itself, or
            says a key twice; the message names file and line.
    """
    text = _read(path)
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                raise ConfigError(f"{path}: the file is empty; see `curate build --help`")
            lines: dict[tuple[str | int, ...], int] = {}
            _walk(node, (), lines, path)
            return Document(loader.construct_document(node), lines)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {_first_line(error)}") from None
    except (ValueError, OverflowError) as error:  # a date or number that no calendar knows
        raise ConfigError(f"{path}: not valid YAML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested deeper than {MAX_DEPTH} levels") from None


def _read(path: Path) -> str:
    try:
        if not path.is_file():
            raise ConfigError(f"{path}: no such file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ConfigError(
                f"{path}: {size} bytes, more than {MAX_BYTES}; split it into datasets"
            )
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None


def _walk(
    node: yaml.Node,
    path: tuple[str | int, ...],
    lines: dict[tuple[str | int, ...], int],
    file: Path,
    above: tuple[int, ...] = (),
) -> None:
    line = node.start_mark.line + 1
    if id(node) in above:
        raise ConfigError(f"{file}:{line}: refers to itself through an alias")
    if len(lines) >= MAX_NODES:
        raise ConfigError(f"{file}:{line}: more than {MAX_NODES} values (an alias bomb?)")
    if len(path) > MAX_DEPTH:
        raise ConfigError(f"{file}:{line}: nested deeper than {MAX_DEPTH} levels")
    lines[path] = line
    inside = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*path, index), lines, file, inside)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigError(f"{file}:{key.start_mark.line + 1}: a key must be a plain word")
            below = (*path, str(key.value))
            if below in lines:
                raise ConfigError(
                    f"{file}:{key.start_mark.line + 1}: key '{key.value}' stands twice; "
                    f"first in line {lines[below]}"
                )
            _walk(value, below, lines, file, inside)


def _first_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark else problem
