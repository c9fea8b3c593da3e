"""Records as JSON, always the same bytes; files that are old or new and never half."""

import math
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate import jsonio
from curate.records import Label, Rejection

LABEL = Label("tempo", 120.5, "signal.degara", 0.875, (60.25, 241.0))
LINE = '{"kind":"tempo","value":120.5,"source":"signal.degara","score":0.875,'
LINE += '"alternatives":[60.25,241.0]}'

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(max_size=30)


def test_a_record_is_one_line_in_the_order_of_its_fields() -> None:
    assert jsonio.encode(LABEL).decode() == LINE
    assert jsonio.builtins(LABEL)["alternatives"] == (60.25, 241.0)


@given(st.builds(Label, TEXT, TEXT | NUMBERS, TEXT, st.none() | NUMBERS, st.tuples(NUMBERS)))
def test_a_record_comes_back_as_it_was(label: Label) -> None:
    line = jsonio.encode(label)
    assert b"\n" not in line
    assert jsonio.decode(line, Label) == label


def test_text_is_written_as_it_is() -> None:
    made = jsonio.pretty(Rejection("1", "list", "missing", '夜 "に"\n'))
    assert '"reason": "夜 \\"に\\"\\n",\n' in made.decode()
    assert made.startswith(b'{\n  "id": "1",\n')
    assert made.endswith(b"\n}\n")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_become_null(number: float) -> None:
    assert jsonio.encode([number]) == b"[null]"


def test_a_wrong_field_is_named() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"Expected `str`, got `int` - at `\$.kind`"):
        jsonio.decode(LINE.replace('"tempo"', "3"), Label)
    with pytest.raises(ValueError, match="missing required field `source`"):
        jsonio.decode('{"kind": "key", "value": "A minor"}', Label)


def test_any_json_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"名": [1, null]}', "utf-8")
    assert jsonio.load_json(tmp_path / "a.json") == {"名": [1, None]}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_writing_makes_the_folders_and_leaves_only_the_file(tmp_path: Path) -> None:
    jsonio.write_atomically(tmp_path / "a" / "b" / "c.json", b"x")
    assert names(tmp_path) == ["a", "b", "c.json"]
    assert (tmp_path / "a/b/c.json").read_bytes() == b"x"


@pytest.mark.parametrize("sync", [True, False])
def test_another_content_replaces_the_file(tmp_path: Path, sync: bool) -> None:
    path = tmp_path / "c.json"
    for data in (b"long content", b"short", b"short and more", b""):
        jsonio.write_atomically(path, data, sync=sync)
        assert path.read_bytes() == data
    assert names(tmp_path) == ["c.json"]


def test_the_same_content_leaves_the_file_untouched(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    jsonio.write_atomically(path, b"x")
    before = path.stat()
    jsonio.write_atomically(path, b"x")
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_lines_that_did_not_change_leave_the_file_untouched(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    jsonio.write_lines(path, [LABEL])
    before = path.stat()
    jsonio.write_lines(path, [LABEL])
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert names(tmp_path) == ["lines.jsonl"]


def test_a_bare_name_is_written_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    jsonio.write_atomically(Path("c.json"), b"x")
    with jsonio.replacing(Path("d.json")) as partial:
        partial.write_bytes(b"y")
    assert names(tmp_path) == ["c.json", "d.json"]


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(b"old")
    with jsonio.replacing(path) as partial:
        partial.write_bytes(b"new")
        assert path.read_bytes() == b"old"
        assert partial.name.startswith(".c.json.")
        assert partial.name.endswith(jsonio.PARTIAL)
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(b"old")

    def fail() -> None:
        with jsonio.replacing(path) as partial:
            partial.write_bytes(b"new")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["c.json"]


def test_lines_are_written_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "lines.jsonl"
    labels = [LABEL, Label("genre", "シティ・ポップ", "tag")]
    assert jsonio.write_lines(path, iter(labels)) == 2
    assert path.read_bytes().count(b"\n") == 2
    assert list(jsonio.read_lines(path, Label)) == labels


def test_empty_lines_are_passed_over_and_a_missing_file_has_none(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text(f"\n{LINE}\n  \n{LINE}")
    assert list(jsonio.read_lines(path, Label)) == [LABEL, LABEL]
    assert list(jsonio.read_lines(tmp_path / "none.jsonl", Label)) == []


def test_a_record_that_cannot_be_made_leaves_the_old_lines(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    jsonio.write_lines(path, [LABEL])
    with pytest.raises(ZeroDivisionError):
        jsonio.write_lines(path, (Label("a", 1 / n, "b") for n in (1, 0)))
    assert list(jsonio.read_lines(path, Label)) == [LABEL]
    assert names(tmp_path) == ["lines.jsonl"]
