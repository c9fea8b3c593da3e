"""YAML that cannot hurt: no code, bombs, loops, double keys or NaN, and line numbers.

`artists.yaml` may come from anyone. `yaml.SafeLoader` runs no code but still expands an alias bomb,
follows a recursive alias, keeps the last of two equal keys and takes `.nan` for a number, which no
limit can be held against; those are refused here.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from curate.errors import ConfigError

MAX_BYTES = 32 * 1024 * 1024
MAX_NODES = 2_000_000
MAX_DEPTH = 40


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader, for finite numbers only; every value that is off is told with its place."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:  # a date that no calendar knows, NaN
            mark = node.start_mark
            raise yaml.constructor.ConstructorError(problem=str(error), problem_mark=mark) from None

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        value: float = super().construct_yaml_float(node)
        if not math.isfinite(value):
            raise ValueError(f"{node.value} is no number to work with; write a finite one")
        return value


_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_yaml_float)


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


def load(path: Path, wanted: str = "see `curate build --help`") -> Document:
    """Reads a YAML file.

    Args:
        path: Of the file.
        wanted: What to do about an empty one.

    Raises:
        ConfigError: It cannot be read, is not YAML, is too large or deep, refers to itself, says a
            key twice, or holds NaN or infinity; the message names file and line.
    """
    text = _read(path)
    try:
        _check_nesting(text, path)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                raise ConfigError(f"{path}: the file is empty; {wanted}")
            lines: dict[tuple[str | int, ...], int] = {}
            _walk(node, (), lines, path)
            return Document(loader.construct_document(node), lines)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}{_reason(error)}") from None


def _read(path: Path) -> str:
    try:
        if not path.is_file():
            what = "is no file, but a folder or a device" if path.exists() else "no such file"
            raise ConfigError(f"{path}: {what}")
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


def _check_nesting(text: str, file: Path) -> None:
    """Counts levels event by event: composing nodes recurses in C, where depth is a crash."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise ConfigError(f"{file}:{line}: nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


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


def _reason(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if "cannot start any token" in problem:  # its word for a tab at the beginning of a line
        problem += "; indent by spaces, YAML takes no tabs, and put signs like @ in quotes"
    return f"{place}: not valid YAML: {problem}"
