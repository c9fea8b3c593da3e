"""YAML from anyone: read with its line numbers, or refused with a message and without harm."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from curate import safeyaml
from curate.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "artists.yaml"


def refusal(file: Path, text: str) -> str:
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        safeyaml.load(file)
    return str(caught.value)


def test_values_come_with_their_lines(file: Path) -> None:
    file.write_text("name: x\nartists:\n  - name: 米津玄師\n    files:\n      - a\n      - b\n")
    found = safeyaml.load(file)
    assert found.value == {"name": "x", "artists": [{"name": "米津玄師", "files": ["a", "b"]}]}
    assert found.lines[()] == 1
    assert found.lines["artists", 0, "name"] == 3
    assert found.lines["artists", 0, "files", 1] == 6


def test_a_place_that_is_missing_has_the_line_of_what_would_hold_it(file: Path) -> None:
    file.write_text("name: x\nartists:\n  - name: A\n")
    found = safeyaml.load(file)
    assert found.line(("artists", 0, "files", 3)) == 3
    assert found.line(("nothing",)) == 1


def test_anchors_may_be_used(file: Path) -> None:
    file.write_text("a: &a [1, 2]\nb: *a\n")
    assert safeyaml.load(file).value == {"a": [1, 2], "b": [1, 2]}


def test_a_byte_order_mark_is_no_content(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfname: x\n")
    assert safeyaml.load(file).value == {"name": "x"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": the file is empty; see `curate build --help`"),
        ("# nothing\n", ": the file is empty; see `curate build --help`"),
        ("a: 1\nb: 2\na: 3\n", ":3: key 'a' stands twice; first in line 1"),
        ("x:\n  a: 1\n  a: 1\n", ":3: key 'a' stands twice; first in line 2"),
        ("1: x\n'1': y\n", ":2: key '1' stands twice; first in line 1"),
        ("x: 1\n? [a, b]\n: 2\n", ":2: a key must be a plain word"),
        ("x: 1\na: &a\n  - *a\n", ":2: refers to itself through an alias"),
        ("a: &a {b: *a}\n", ":1: refers to itself through an alias"),
        ("a: 1\nb: [1\nc: 2\n", ":3:2: not valid YAML: did not find expected ',' or ']'"),
        ("a: b\n\tc: d\n", ":2:1: not valid YAML: found a tab character"),
        (
            "a:\n\t- b\n",
            ":2:1: not valid YAML: found character that cannot start any token; indent by spaces",
        ),
        ("a: 1\n---\nb: 2\n", ":2:1: not valid YAML: but found another document"),
        pytest.param(f"a: {'9' * 5000}", ":1:4: not valid YAML: Exceeds the limit", id="long"),
        ("a: *b\n", ":1:4: not valid YAML: found undefined alias"),
        ("a: 1\nb: 2020-13-45\n", ":2:4: not valid YAML: month must be in 1..12"),
        ("a: !!python/object/apply:os.system ['exit']\n", ":1:4: not valid YAML: could not"),
        ("a: !mine x\n", ":1:4: not valid YAML: could not determine a constructor"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(file: Path, text: str, message: str) -> None:
    assert refusal(file, text).startswith(f"{file}{message}")


@pytest.mark.parametrize("number", [".nan", ".NaN", ".inf", "-.inf", "1.0e+999"])
def test_numbers_that_are_none_are_refused(file: Path, number: str) -> None:
    message = refusal(file, f"a: 1\nlimits: {{b: {number}}}\n")
    assert message.startswith(f"{file}:2:13: not valid YAML: {number} is no number to work with")


def test_words_that_look_like_such_numbers_are_words(file: Path) -> None:
    file.write_text("a: '.nan'\nb: nan\nc: inf\nd: 1.5\n")
    assert safeyaml.load(file).value == {"a": ".nan", "b": "nan", "c": "inf", "d": 1.5}


def test_an_alias_bomb_is_refused_before_it_goes_off(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safeyaml, "MAX_NODES", 20_000)
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 12):
        nine = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"a{level}: &a{level} [{nine}]")
    begun = time.perf_counter()
    assert "more than 20000 values (an alias bomb?)" in refusal(file, "\n".join(lines))
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000 + "x", "{a: " * 100_000])
def test_deep_nesting_is_refused_and_does_not_end_the_process(file: Path, text: str) -> None:
    file.write_text(text)
    code = "import sys, pathlib; from curate import safeyaml\n"
    code += "try: safeyaml.load(pathlib.Path(sys.argv[1]))\nexcept Exception as e: print(e)"
    command = [sys.executable, "-c", code, str(file)]
    root = Path(safeyaml.__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{file}:1: nested deeper than 40 levels\n"


@pytest.mark.parametrize(("levels", "fits"), [(40, True), (41, False)])
def test_forty_levels_are_enough(file: Path, levels: int, fits: bool) -> None:
    text = "[" * levels + "]" * levels
    if fits:
        file.write_text(text)
        assert safeyaml.load(file).line((0,) * (levels - 1)) == 1
    else:
        assert "nested deeper than 40 levels" in refusal(file, text)


def test_values_beside_each_other_are_no_levels(file: Path) -> None:
    siblings = "[], " * 100
    file.write_text(f"[{siblings}{'[' * 39}{']' * 39}]")
    assert len(safeyaml.load(file).value) == 101
    assert "nested deeper" in refusal(file, f"[{siblings}{'[' * 40}{']' * 40}]")


def test_aliases_do_not_nest_deeper_either(file: Path) -> None:
    half = 25
    text = f"a: &a {'[' * half}{']' * half}\nb: {'[' * half}*a{']' * half}\n"
    assert refusal(file, text) == f"{file}:1: nested deeper than 40 levels"


def test_another_encoding_is_named(file: Path) -> None:
    file.write_bytes("name: 音\n".encode("shift_jis"))
    with pytest.raises(ConfigError, match=r"not UTF-8 at byte 6; save it as UTF-8"):
        safeyaml.load(file)


def test_a_huge_file_is_not_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safeyaml, "MAX_BYTES", 100)
    assert "101 bytes, more than 100; split it" in refusal(file, "#" * 101)
    file.write_text("a: " + "x" * 97)
    assert safeyaml.load(file).value == {"a": "x" * 97}


@pytest.mark.parametrize(
    ("name", "what"), [("none.yaml", "no such file"), (".", "is no file, but a folder or a device")]
)
def test_what_is_no_file_is_named(tmp_path: Path, name: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        safeyaml.load(tmp_path / name)
