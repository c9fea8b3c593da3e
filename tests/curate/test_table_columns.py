"""Cells say what a person would read in them."""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from curate.labels import vocabulary
from curate.labels.manual.sheet import Wrong
from curate.records import Label
from curate.sources.table import columns
from curate.sources.table.columns import MAX_SECONDS


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("30", 30.0),
        ("30.25", 30.25),
        ("30,25", 30.25),
        ("3e1", 30.0),
        ("+5", 5.0),
        ("-0", 0.0),
        ("1:30", 90.0),
        ("01:02:03.5", 3723.5),
        ("90:00", 5400.0),
        (30, 30.0),
        (0.1234567, 0.123457),
        (1_000_000, 1e6),
    ],
)
def test_times(value: object, seconds: float) -> None:
    assert columns.seconds(value) == seconds


NO_TIMES = ["", " ", "x", "1:2:3:4", "1:60", "-1:30", "1.5:30", "0x10", "1_000", "１", "nan", "-1"]
NO_NUMBERS = [
    -1,
    float("nan"),
    float("inf"),
    10**400,
    1_000_001,
    True,
    None,
    [30],
    {"s": 30},
    b"30",
]


@pytest.mark.parametrize("value", [*NO_TIMES, "1e-400", *NO_NUMBERS])
def test_what_is_no_time(value: object) -> None:
    with pytest.raises(Wrong):
        columns.seconds(value)


@given(st.floats(0, MAX_SECONDS) | st.integers(0, int(MAX_SECONDS)))
def test_a_number_is_the_same_time_as_its_text(value: float) -> None:
    assert columns.seconds(value) == columns.seconds(f"{value:.9f}") == round(value, 6)


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("['a', 'b']", ("a", "b")),
        ('["a", "b"]', ("a", "b")),
        ("('a', 'b',)", ("a", "b")),
        ("['it\\'s', \"it's\"]", ("it's",)),
        ("['a, b', 'c; d']", ("a, b", "c; d")),
        ("['a\\nb', '\\u591c\\x41', 'c\\\\d']", ("a b", "夜A", "c\\d")),
        ('["\\ud83c\\udfb5"]', ("🎵",)),
        ("[]", ()),
        ("[ ]", ()),
        ("['']", ()),
        ("[rock, 'pop']", ("rock", "pop")),
        ("['a' 'b']", ("a' 'b",)),
        ("['a'", ("['a'",)),
        ("a", ("a",)),
        ("a, b,a", ("a", "b")),
        ("a; b, c", ("a", "b, c")),
        ("a|b, c", ("a", "b, c")),
        ("ロック、ポップ", ("ロック", "ポップ")),
        ("  a   b ", ("a b",)),
        ("", ()),
        (["a", " b ", None, 5, ["c"]], ("a", "b", "5")),
        (("a",), ("a",)),
        (None, ()),
        (5, ("5",)),
    ],
)
def test_lists(value: object, items: tuple[str, ...]) -> None:
    assert columns.words(value) == items


WORD = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@given(st.lists(WORD, unique=True))
@example(["'", '"', "\\", "']", "', '"])
def test_what_python_and_json_write_is_read_back(words: list[str]) -> None:
    assert columns.words(repr(words)) == tuple(words)
    assert columns.words(repr(tuple(words))) == tuple(words)
    assert columns.words(json.dumps(words)) == tuple(words)
    assert columns.words(json.dumps(words, ensure_ascii=False)) == tuple(words)


@given(st.text())
def test_any_text_is_a_list(text: str) -> None:
    for word in columns.words(text):
        assert word == " ".join(word.split()) != ""


def test_hostile_lists_cost_little() -> None:
    started = time.process_time()
    for text in ("['a'" + " " * 300_000 + "x]", "[" + "'a' " * 70_000 + "]", "[" + "'\\" * 99_999):
        columns.words(text)
        columns.words(text + "]")
    columns.words("[" + "'a'," * 70_000)
    columns.words("[" * 300_000 + "]")
    assert time.process_time() - started < 5.0


def labels(meaning: str, value: object) -> list[object]:
    found = columns.labels(meaning, value, "table.x", vocabulary.load())
    assert all(label == Label(label.kind, label.value, "table.x") for label in found)
    return [label.value for label in found]


@pytest.mark.parametrize(
    ("meaning", "value", "said"),
    [
        ("caption", " A  song\nwith words. ", ["A song with words."]),
        ("caption", "-", []),
        ("genre", "-", []),
        ("genre", [], []),
        ("genre", "['']", []),
        ("genre", ["J-Pop", "Rock"], ["J-Pop", "Rock"]),
        ("keyword", "['a', 'b']", ["a", "b"]),
        ("keyword", [], []),
        ("key", "F# minor", ["F# minor"]),
        ("tempo", 120, [120.0]),
        ("tempo", "120,5", [120.5]),
        ("year", 1999, [1999.0]),
        ("year", "1999.0", [1999.0]),
        ("voice", "no vocals", ["instrumental"]),
        ("licence", "CC BY 4.0", ["CC BY 4.0"]),
        ("isrc", "jp-ab1-19-12345", ["JPAB11912345"]),
    ],
)
def test_labels(meaning: str, value: object, said: list[object]) -> None:
    assert labels(meaning, value) == said


@pytest.mark.parametrize(
    ("meaning", "value"),
    [
        ("caption", "nan"),
        ("caption", "x" * 2001),
        ("caption", "a\0b"),
        ("caption", 5),
        ("caption", "\udcff"),
        ("genre", "x" * 101),
        ("keyword", "x" * 201),
        ("keyword", [f"word {n}" for n in range(101)]),
        ("key", "H minor"),
        ("tempo", "fast"),
        ("tempo", 5),
        ("year", 1999.5),
        ("year", "3000"),
        ("voice", "purple"),
        ("isrc", "123"),
        ("licence", "x" * 1001),
        ("title", "None"),
    ],
)
def test_what_says_nothing(meaning: str, value: object) -> None:
    with pytest.raises(Wrong):
        labels(meaning, value)
