"""Writes the tables of schemas/README.md from the schemas and the finding codes.

Run it after changing either: `python tests/curate/schema_readme.py`. A test compares.
"""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from curate import schema
from curate.config import Artist, Config
from curate.validate import CODES

README = schema.folder() / "README.md"

Rows = list[list[str]]


def render(text: str) -> str:
    """`text` with every table between `<!-- table NAME -->` and `<!-- end -->` made anew."""

    def table(found: re.Match[str]) -> str:
        return f"{found[1]}\n{_tables()[found[2]]}\n{found[3]}"

    return re.sub(r"(<!-- table ([a-z-]+) -->)\n.*?(<!-- end -->)", table, text, flags=re.DOTALL)


def _tables() -> dict[str, str]:
    head = ["field", "meaning", "unit", "who fills it"]
    tables = {"artists": _table(["field", "meaning", "values", "default"], _artists())}
    for name in ("manifest-line", "sidecar"):
        rows = [[*row, what] for row, what in _fields(schema.load(name))]
        tables[name] = _table([*head, "what audiocraft does with it"], rows)
    for name in ("track", "rejection", "build"):
        tables[name] = _table(head, [row for row, _ in _fields(schema.load(name))])
    meanings = schema.load("rejection")["properties"]["code"]["x-meanings"]
    tables["rejections"] = _table(["code", "meaning"], [[f"`{k}`", v] for k, v in meanings.items()])
    tables["findings"] = _table(
        ["code", "in ours", "in others'", "meaning", "remedy"],
        [
            [f"`{name}`", *(grave or "–" for grave in code.severity), code.meaning, code.remedy]
            for name, code in CODES.items()
        ],
    )
    return tables


def _fields(document: dict[str, Any], prefix: str = "") -> list[tuple[list[str], str]]:
    rows = []
    for name, field in document["properties"].items():
        full = f"{prefix}{name}"
        row = [f"`{full}`", field["description"], field["x-unit"] or "–", field["x-filled-by"]]
        rows.append((row, field.get("x-audiocraft", "–")))
        for inner, mark in ((field, ""), (field.get("items", {}), "[]")):
            rows += _below(inner, f"{full}{mark}.")
        rows += _below(field.get("additionalProperties"), f"{full}.*.")
    return rows


def _below(field: Any, prefix: str) -> list[tuple[list[str], str]]:
    if not isinstance(field, dict) or "$ref" not in field:
        return []
    kind = field["$ref"].removeprefix("#/$defs/")
    for name in schema.NAMES:
        definition = schema.load(name).get("$defs", {}).get(kind)
        if definition is not None:
            return _fields(definition, prefix)
    raise KeyError(kind)


def _artists() -> Rows:
    rows: Rows = []

    def walk(properties: dict[str, Any], kind: Any, default: Any, prefix: str) -> None:
        """Rows of a record's fields; `default` is the record where it has one as a whole."""
        known = {field.name: field for field in dataclasses.fields(kind)} if kind else {}
        for name, field in properties.items():
            value = _value(known[name], default) if name in known else dataclasses.MISSING
            said = _default(value) if name in known else "–"
            rows.append([f"`{prefix}{name}`", field["description"], _values(field), said])
            nested = type(value) if dataclasses.is_dataclass(value) else None
            walk(field.get("properties", {}), nested, value, f"{prefix}{name}.")
            items = field.get("items", {}).get("properties", {})
            walk(items, Artist if name == "artists" else None, None, f"{prefix}{name}[].")

    walk(schema.load("artists")["properties"], Config, None, "")
    return rows


def _value(field: "dataclasses.Field[Any]", record: Any) -> Any:
    """A field's default: of the record where one is given, else its own."""
    if record is not None:
        return getattr(record, field.name)
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _default(value: Any) -> str:
    if dataclasses.is_dataclass(value):
        return "–"
    if value is dataclasses.MISSING:
        return "required"
    return "none" if value == () else f"`{json.dumps(value)}`"


def _values(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    kinds = field.get("type", "–")
    text = " or ".join(kinds) if isinstance(kinds, list) else kinds
    for key, words in (
        ("minimum", "≥ {}"),
        ("exclusiveMinimum", "> {}"),
        ("maximum", "≤ {}"),
        ("exclusiveMaximum", "< {}"),
        ("pattern", "`{}`"),
        ("maxLength", "at most {} characters"),
    ):
        if key in field and field[key] != "\\S":
            text += f", {words.format(field[key])}"
    return text


def _table(head: list[str], rows: Rows) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = [[cell.replace("|", "\\|") for cell in row] for row in lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


if __name__ == "__main__":
    path = Path(README)
    path.write_text(render(path.read_text("utf-8")), "utf-8")
