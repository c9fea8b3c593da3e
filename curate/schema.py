"""The JSON Schemas in `schemas/`: finding them, and checking documents against them in bulk.

`check` names every fault of one document in words; `Checker` is for millions of lines: it asks the
compiled Rust validator first and only explains what fails.
"""

import difflib
import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMES = ("artists", "manifest-line", "sidecar", "track", "rejection", "build")
"""Every schema there is; the file is `<name>.schema.json`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where a document differs from its schema.

    Attributes:
        path: Keys and indices that lead there.
        message: What is there, what was expected, and the nearest right name where one is near.
    """

    path: tuple[str | int, ...]
    message: str

    @property
    def where(self) -> str:
        """The path as people write it: `artists[2].files[0]`."""
        text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return text.lstrip(".") or "top level"


def folder() -> Path:
    """Where the schemas are: in the installed package, or beside it in a checkout."""
    here = Path(__file__).resolve().parent
    for place in (here / "schemas", here.parent / "schemas"):
        if (place / "artists.schema.json").is_file():
            return place
    raise FileNotFoundError(f"no schemas beside {here}: this installation is incomplete; reinstall")


@functools.cache
def load(name: str) -> dict[str, Any]:
    """The schema of that name (one of `NAMES`)."""
    return json.loads((folder() / f"{name}.schema.json").read_text("utf-8"))


class Checker:
    """Checks documents against one schema, fast where they are right.

    Measured on manifest lines: the compiled validator takes 1 to 2 microseconds a line,
    `jsonschema` about 100 (tests/bench/validate.py), so `jsonschema` only words the faults.
    """

    def __init__(self, name: str) -> None:
        import jsonschema_rs

        self._schema = load(name)
        self._fast = jsonschema_rs.validator_for(self._schema)

    def faults(self, document: object) -> list[Fault]:
        """The faults of a document, none if it is right."""
        if self._fast.is_valid(document):
            return []
        worded = list(check(document, self._schema))
        if worded:
            return worded
        # the two differ where Python's `$` lets a final line break pass: what is faulty stays so
        errors = self._fast.iter_errors(document)
        return [Fault(tuple(error.instance_path), error.message) for error in errors]


def check(document: object, schema: dict[str, Any]) -> Iterator[Fault]:
    """Every fault of `document`, in reading order, in words."""
    import jsonschema

    validator = jsonschema.Draft202012Validator(schema)
    errors = sorted(
        validator.iter_errors(document), key=lambda e: [str(p) for p in e.absolute_path]
    )
    for error in errors:
        yield from _word(error)


def _word(error: Any) -> Iterator[Fault]:
    path = tuple(error.absolute_path)
    value = error.instance
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        for key in [key for key in value if key not in known]:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.6)
            hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"
            yield Fault((*path, str(key)), f"unknown key '{key}'; {hint}")
    elif error.validator == "required":
        missing = [key for key in error.validator_value if key not in value]
        wanted = error.schema.get("properties", {})
        # jsonschema reports one error a missing key; the message of each names its own
        for key in missing:
            if f"'{key}'" in error.message:
                meaning = wanted.get(key, {}).get("description", "")
                yield Fault(path, f"'{key}' is missing. {meaning}".strip())
    else:
        meaning = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
        shown = _short(value)
        yield Fault(path, f"{shown}: {_expectation(error)}. {meaning}".strip())


def _expectation(error: Any) -> str:
    wanted = error.validator_value
    kind = error.validator
    if kind == "type":
        names = wanted if isinstance(wanted, list) else [wanted]
        return f"expected {' or '.join(names)}"
    if kind == "enum":
        near = difflib.get_close_matches(str(error.instance), [str(w) for w in wanted], n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        return f"expected one of {', '.join(str(w) for w in wanted)}{hint}"
    if kind == "pattern" and (found := re.fullmatch(r"\^\((\w+(?:\|\w+)+)\)\$", wanted)):
        return _choice(error, found[1].split("|"))
    words = {
        "minimum": f"must be at least {wanted}",
        "exclusiveMinimum": f"must be more than {wanted}",
        "maximum": f"must be at most {wanted}",
        "exclusiveMaximum": f"must be less than {wanted}",
        "minLength": "must not be empty" if wanted == 1 else f"needs at least {wanted} characters",
        "maxLength": f"must have at most {wanted} characters",
        "minItems": f"needs at least {wanted} item{'s' if wanted != 1 else ''}",
        "pattern": f"must match {str(wanted).removesuffix(_NO_BREAK)}",
    }
    return words.get(kind, error.message)


_NO_BREAK = r"(?!\n)"
"""What patterns end with because Python's `$` lets a final line break pass."""


def _choice(error: Any, words: list[str]) -> str:
    """A word out of few, or a list: one of its items alone is told how to be one."""
    listed = error.schema.get("items", {}).get("enum", [])
    near = difflib.get_close_matches(str(error.instance), [*words, *listed], n=1)
    hint = f"; write [{near[0]}]" if near and near[0] in listed else ""
    hint = hint or (f"; did you mean '{near[0]}'?" if near else "")
    return f"expected {' or '.join([*words, *(['a list'] if listed else [])])}{hint}"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    if "://" in text:  # what is wrong with an address may be the password in it
        from curate.sources.web.addresses import redact

        text = redact(text)
    return text if len(text) <= 80 else f"{text[:77]}..."
