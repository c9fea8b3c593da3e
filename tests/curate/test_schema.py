"""Schemas, records and the README say the same; faults are worded for people."""

import ast
import dataclasses
import json
import typing
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

import handmade
import jsonschema
import pytest
import schema_readme

from curate import jsonio, schema
from curate.config import Artist, Config
from curate.labels.models import zoo
from curate.records import (
    LABEL_UNITS,
    SPLITS,
    BuildInfo,
    ManifestLine,
    Rejection,
    Sidecar,
    TrackLine,
)
from curate.validate import CODES

RECORDS = {
    "artists": Config,
    "manifest-line": ManifestLine,
    "sidecar": Sidecar,
    "track": TrackLine,
    "rejection": Rejection,
    "build": BuildInfo,
}

OF_THE_PLUGIN = ("evaluation", "vote")
"""Schemas of files that the plugin writes; tests/plugins/test_evaluate.py holds these."""

WRITTEN_OUT = {"artists.split": {"fractions"}}
"""Fields of a file that `config.load` writes out as others."""

SHORT_FORMS = {"artists.labels": "object", "artists.labels.models": "array"}
"""Fields with shorter forms that `config.load` writes out, and the type of the long one."""

FILLED_IN = {("artists", "Words"): {"threshold"}, ("artists", "Sure"): {"threshold"}}
"""Fields without a default of their own that `config.load` fills in, a kind's own default."""

Schema = dict[str, Any]


def resolve(node: Schema, root: Schema) -> Schema:
    if "$ref" in node:
        return root["$defs"][node["$ref"].removeprefix("#/$defs/")]
    return node


def nodes(node: Any, path: str = "") -> typing.Iterator[tuple[str, Schema]]:
    """Every schema of a field: of properties, items, values; with where it stands."""
    if not isinstance(node, dict):
        return
    for key in ("properties", "$defs"):
        for name, child in node.get(key, {}).items():
            yield f"{path}.{name}", child
            yield from nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield f"{path}.{key}", node[key]
            yield from nodes(node[key], f"{path}.{key}")


def assert_same(kind: Any, node: Schema, root: Schema, name: str, where: str) -> None:
    """A Python type and a schema allow the same JSON types, all the way down."""
    node = resolve(node, root)
    if where in SHORT_FORMS:
        assert SHORT_FORMS[where] in node["type"], where
        node = {**node, "type": SHORT_FORMS[where]}
    if get_origin(kind) is Literal:
        assert set(node["enum"]) == set(get_args(kind)), where
    elif dataclasses.is_dataclass(kind):
        assert_same_record(typing.cast(type, kind), node, root, name, where)
    elif get_origin(kind) is UnionType and dataclasses.is_dataclass(get_args(kind)[0]):
        assert node["type"] == ["object", "null"], where
        assert_same(get_args(kind)[0], {**node, "type": "object"}, root, name, where)
    elif get_origin(kind) is typing.Union:
        assert set(node["enum"]) == {*get_args(get_args(kind)[0]), None}, where
    elif get_origin(kind) is UnionType:
        members = {simple(member) for member in get_args(kind)}
        assert set(node["type"]) == members, where
    elif get_origin(kind) is tuple:
        assert node["type"] == "array", where
        assert_same(get_args(kind)[0], node["items"], root, name, f"{where}[]")
    elif get_origin(kind) is dict:
        assert node["type"] == "object", where
        value = get_args(kind)[1]
        if value is not object:
            assert_same(value, node["additionalProperties"], root, name, f"{where}.*")
    elif "enum" in node:  # a closed set of strings or numbers
        assert {type(value) for value in node["enum"]} == {kind}, where
    else:
        assert node["type"] == simple(kind), where


def simple(kind: type) -> str:
    names = {str: "string", float: "number", int: "integer", bool: "boolean", type(None): "null"}
    return names[kind]


def assert_same_record(record: type, node: Schema, root: Schema, name: str, where: str) -> None:
    fields = {field.name: field for field in dataclasses.fields(record)}
    hints = typing.get_type_hints(record)
    assert node["type"] == "object", where
    assert node["additionalProperties"] is False, where
    assert set(node["properties"]) - WRITTEN_OUT.get(where, set()) == set(fields), where
    required = {
        field.name
        for field in fields.values()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    filled = FILLED_IN.get((name, record.__name__), set())
    assert set(node.get("required", [])) == required - filled, where
    for key, child in node["properties"].items():
        if key in WRITTEN_OUT.get(where, set()):
            continue
        assert_same(hints[key], child, root, name, f"{where}.{key}")


@pytest.mark.parametrize("name", schema.NAMES)
def test_record_and_schema_are_the_same(name: str) -> None:
    root = schema.load(name)
    assert_same_record(RECORDS[name], root, root, name, name)


def test_every_record_of_a_file_has_a_schema() -> None:
    assert set(RECORDS) == set(schema.NAMES)
    files = {path.name for path in schema.folder().glob("*.json")}
    assert files == {f"{name}.schema.json" for name in (*schema.NAMES, *OF_THE_PLUGIN)}


@pytest.mark.parametrize("name", schema.NAMES)
def test_schema_is_valid_and_strict(name: str) -> None:
    root = schema.load(name)
    jsonschema.Draft202012Validator.check_schema(root)
    assert root["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert root["$id"].endswith(f"/{name}.schema.json")
    assert root["title"]
    assert root["description"]


@pytest.mark.parametrize("name", schema.NAMES)
def test_every_field_has_a_description(name: str) -> None:
    for where, node in nodes(schema.load(name)):
        assert node.get("description", "").endswith("."), f"{name}{where}"


UNITS = {
    "s": "in seconds",
    "Hz": "in Hz",
    "BPM": "beats per minute",
    "LUFS": "LUFS",
    "dBTP": "dB re full scale",
    "0..1": "1",
    "1 = full scale": "full scale 1",
    "h": "hours",
    "tracks": "number of tracks",
    "clips": "clips",
    "items": "items",
    "samples": "samples",
    "channels": "channels",
    "year": "year",
    "of the kind": "unit of",
    "of the limit": "unit of",
}
"""What a description must say of a field with that unit."""


@pytest.mark.parametrize("name", [name for name in schema.NAMES if name != "artists"])
def test_the_unit_is_in_the_description(name: str) -> None:
    for where, node in nodes(schema.load(name)):
        if not node.get("x-unit") or "$defs" in where.split(".")[:1]:
            continue
        words = UNITS[node["x-unit"]].lower()
        text = node["description"].lower()
        assert words in text or text.startswith("a word or a number, in the unit"), f"{name}{where}"


def test_label_kinds_are_those_of_the_records() -> None:
    for name in ("sidecar", "track"):
        kinds = schema.load(name)["$defs"]["label"]["properties"]["kind"]["enum"]
        assert kinds == list(LABEL_UNITS)


def test_kinds_of_models_are_those_of_the_zoo() -> None:
    labels = schema.load("artists")["properties"]["labels"]
    for place in (labels, labels["properties"]["models"]):
        assert tuple(place["items"]["enum"]) == zoo.KINDS


def test_shared_definitions_are_equal() -> None:
    line, beside = schema.load("manifest-line"), schema.load("sidecar")
    for name in set(line["properties"]) & set(beside["properties"]):
        one, other = dict(line["properties"][name]), dict(beside["properties"][name])
        one.pop("x-audiocraft"), other.pop("x-audiocraft")
        assert one == other, name
    assert beside["$defs"]["label"] == schema.load("track")["$defs"]["label"]


def test_splits_are_those_of_the_records() -> None:
    splits = schema.load("build")["$defs"]["counts"]["properties"]["splits"]
    assert splits["propertyNames"]["enum"] == list(SPLITS)


def test_rejection_codes_have_meanings() -> None:
    code = schema.load("rejection")["properties"]["code"]
    assert code["enum"] == list(code["x-meanings"])


def test_readme_is_up_to_date() -> None:
    """If this fails: `python tests/curate/schema_readme.py`."""
    text = schema_readme.README.read_text("utf-8")
    assert schema_readme.render(text) == text


def test_readme_lists_every_field_and_code() -> None:
    text = schema_readme.README.read_text("utf-8")
    names = {name for root in map(schema.load, schema.NAMES) for name in root["properties"]}
    for name in names:
        assert f"| `{name}` |" in text
    for code in (*CODES, *schema.load("rejection")["properties"]["code"]["enum"]):
        assert f"| `{code}` |" in text


@pytest.mark.parametrize("name", [name for name in schema.NAMES if name != "artists"])
def test_what_the_records_write_is_valid(tmp_path: Path, name: str) -> None:
    folder = handmade.ours(tmp_path / "kayo")
    found = {
        "manifest-line": folder.glob("manifests/*/data.jsonl"),
        "sidecar": folder.glob("audio/**/*.json"),
        "track": [folder / "tracks.jsonl"],
        "rejection": [folder / "rejected.jsonl"],
        "build": [folder / "build.json"],
    }[name]
    checker = schema.Checker(name)
    documents = []
    for path in found:
        lines = path.suffix == ".jsonl"
        documents += handmade.rows(path) if lines else [json.loads(path.read_bytes())]
    assert documents
    assert all(checker.faults(document) == [] for document in documents)


def good_line() -> dict[str, Any]:
    values: dict[str, Any] = {
        "path": "/data/a.flac",
        "duration": 30.0,
        "sample_rate": 32000,
        "amplitude": 0.5,
        "weight": None,
        "info_path": None,
        "key": "",
        "artist": "椎名林檎",
        "file_extension": "flac",
        "description": "Calm piano.",
        "descriptions": ["Calm piano.", "Piano, calm."],
        "keywords": [],
        "bpm": None,
        "genre": "",
        "title": "",
        "name": "",
        "instrument": "",
        "moods": [],
        "track_id": "0123456789ab",
        "start": 0.0,
        "split": "train",
    }
    return values


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("path", ""),
        ("duration", 0),
        ("duration", -1.0),
        ("sample_rate", 0),
        ("sample_rate", 44100.5),
        ("sample_rate", True),
        ("amplitude", -0.1),
        ("weight", "1"),
        ("info_path", "/data/a.json"),
        ("artist", " "),
        ("file_extension", ".flac"),
        ("description", ""),
        ("description", " \n"),
        ("keywords", "a, b"),
        ("keywords", [""]),
        ("bpm", 0),
        ("bpm", "120"),
        ("bpm", [120.0]),
        ("genre", ["rock"]),
        ("genre", None),
        ("moods", None),
        ("track_id", "xyz"),
        ("start", -0.5),
        ("split", "dev"),
    ],
)
def test_line_schema_refuses(field: str, value: object) -> None:
    checker = schema.Checker("manifest-line")
    assert checker.faults(good_line()) == []
    faults = checker.faults({**good_line(), field: value})
    assert [fault.path[0] for fault in faults][:1] == [field]
    missing = good_line()
    del missing[field]
    assert f"'{field}' is missing" in checker.faults(missing)[0].message


def test_unknown_keys_are_named_with_the_nearest() -> None:
    faults = schema.Checker("manifest-line").faults({**good_line(), "instruments": "piano"})
    assert [fault.message for fault in faults] == [
        "unknown key 'instruments'; did you mean 'instrument'?"
    ]


def test_a_password_in_an_address_is_not_shown() -> None:
    document = {"captions": {"llm": {"model": "m", "base_url": "http://me:hidden@h/v1?key=hidden"}}}
    told = [fault.message for fault in schema.check(document, schema.load("artists"))]
    address = next(message for message in told if "http" in message)
    assert "hidden" not in address
    assert "@h/v1" in address


def test_a_final_line_break_is_no_part_of_an_id() -> None:
    faults = schema.Checker("manifest-line").faults({**good_line(), "track_id": "0123456789ab\n"})
    assert [fault.path for fault in faults] == [("track_id",)]


def test_scores_are_between_0_and_1() -> None:
    label = {"kind": "tempo", "value": 96.0, "source": "signal.beats", "score": 1.5}
    node = {"$ref": "#/$defs/label", "$defs": schema.load("sidecar")["$defs"]}
    assert [fault.where for fault in schema.check(label, node)] == ["score"]
    assert not list(schema.check({**label, "score": None}, node))


def test_config_defaults_are_valid_by_the_schema() -> None:
    config = Config("a", "mine", (Artist("b", ("c",)),))
    document = json.loads(jsonio.encode(config))
    assert not list(schema.check(document, schema.load("artists")))


RAISED = {"AudioError": 0, "Beyond": 0, "Lost": 0, "Rejection": 2}
"""Where, by position, the code is when one of these is made."""


def codes_in_the_source() -> set[str]:
    """Every code that stands as a literal where a rejection is made."""
    found = set()
    for path in Path(schema.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            place = RAISED.get(node.func.id)
            given = [k.value for k in node.keywords if k.arg == "code"]
            if place is not None and len(node.args) > place:
                given.append(node.args[place])
            found |= {str(a.value) for a in given if isinstance(a, ast.Constant)}
    return found


def test_rejection_codes_are_those_of_the_source() -> None:
    enum = set(schema.load("rejection")["properties"]["code"]["enum"])
    raised = codes_in_the_source()
    assert raised <= enum
    text = "".join(p.read_text("utf-8") for p in Path(schema.__file__).parent.rglob("*.py"))
    for code in enum - raised:  # made in some other way, but made
        assert f'"{code}"' in text, code
