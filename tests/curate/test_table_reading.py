"""Tables are read row by row, whatever wrote them; what cannot be read is told by its line."""

import builtins
import csv
import datetime
import gzip
import io
import itertools
import json
import sys
import time
import tracemalloc
from collections.abc import Collection
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from curate.errors import ConfigError
from curate.sources.table import reading
from curate.sources.table.reading import Bad, Row

HEADER = ["file", "caption", "year"]


def read(path: Path, data: bytes | str, wanted: Collection[str] | None = None) -> list[Row | Bad]:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    with reading.opened(path) as sheet:
        return list(sheet.rows(sheet.columns if wanted is None else wanted))


def cells(rows: list[Row | Bad]) -> list[dict[str, object]]:
    assert all(isinstance(row, Row) for row in rows), rows
    return [row.cells for row in rows if isinstance(row, Row)]


def bad(rows: list[Row | Bad]) -> list[tuple[int, str]]:
    return [(row.number, row.reason) for row in rows if isinstance(row, Bad)]


# --- CSV -----------------------------------------------------------------------------------------

PLAIN = 'file,caption,year\na.flac,"A song, sung",1999\nb.flac,"It ""is""",\n'
SAID = [
    {"file": "a.flac", "caption": "A song, sung", "year": "1999"},
    {"file": "b.flac", "caption": 'It "is"'},
]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", PLAIN.encode()),
        ("t.CSV", PLAIN.encode()),
        ("t.txt", PLAIN.encode()),
        ("t", PLAIN.encode()),
        ("t.csv", PLAIN.encode("utf-8-sig")),
        ("t.csv", PLAIN.encode("utf-16")),
        ("t.csv", PLAIN.replace("\n", "\r\n").encode()),
        ("t.csv", PLAIN.replace("\n", "\r").encode()),
        ("t.csv", PLAIN.rstrip().encode()),
        ("t.csv", PLAIN.replace("\n", "\n\n").encode()),
        ("t.csv", b'file;caption;year\na.flac;A song, sung;1999\nb.flac;"It ""is""";\n'),
        ("t.csv", b'file|caption|year\na.flac|A song, sung|1999\nb.flac|"It ""is"""|\n'),
        ("t.tsv", b'file\tcaption\tyear\na.flac\tA song, sung\t1999\nb.flac\t"It ""is"""\t\n'),
        ("t.csv", b'file\tcaption\tyear\na.flac\tA song, sung\t1999\nb.flac\t"It ""is"""\t\n'),
        ("t.csv.gz", gzip.compress(PLAIN.encode(), mtime=0)),
        ("t.csv", PLAIN.replace("file,", " file , ").replace("flac,", "flac ,  ").encode()),
        ("t.csv", PLAIN.replace("1999", "1999,,").encode()),
    ],
)
def test_csv_of_every_kind(tmp_path: Path, name: str, data: bytes) -> None:
    assert cells(read(tmp_path / name, data)) == SAID


def test_rows_are_numbered_by_lines(tmp_path: Path) -> None:
    text = 'file,caption\n\na,"one\ntwo\n\nthree"\nb,x\n\n\nc,"y"\n'
    rows = read(tmp_path / "t.csv", text)
    assert [row.number for row in rows] == [3, 7, 10]
    assert cells(rows)[0]["caption"] == "one\ntwo\n\nthree"


def test_only_wanted_columns_are_kept(tmp_path: Path) -> None:
    assert cells(read(tmp_path / "t.csv", PLAIN, {"year"})) == [{"year": "1999"}, {}]


def test_columns_without_a_name_or_with_the_same_one(tmp_path: Path) -> None:
    text = "file,,note,note, two  words \na,b,c,d,e\n"
    assert cells(read(tmp_path / "t.csv", text, ["file", "two words"])) == [
        {"file": "a", "two words": "e"}
    ]
    with pytest.raises(ConfigError, match="two columns are called 'note'"):
        read(tmp_path / "t.csv", text, ["note"])


def test_bytes_that_are_no_text_stay_in_their_row(tmp_path: Path) -> None:
    rows = cells(read(tmp_path / "t.csv", b"file,caption\na,\xff\xfe x\nb,\xe5\xa4\x9c\n"))
    assert rows == [{"file": "a", "caption": "\udcff\udcfe x"}, {"file": "b", "caption": "夜"}]


def test_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    text = 'file,caption\na,x\nb,"open\nc,y\nd,z\n'
    first, *rest = read(tmp_path / "t.csv", text)
    assert first == Row(2, {"file": "a", "caption": "x"})
    assert bad(rest)[0][0] == 3
    assert "lines 3 to 5 are one value: a quote" in bad(rest)[0][1]


def test_an_open_quote_swallows_a_part_of_a_large_table_and_says_which(tmp_path: Path) -> None:
    lines = [f"{n},caption number {n}" for n in range(40_000)]
    lines[100] = '100,"open'
    rows = read(tmp_path / "t.csv", "file,caption\n" + "\n".join(lines) + "\n")
    (swallowed,) = bad(rows)
    assert swallowed[0] == 102
    last = int(swallowed[1].split()[3])
    assert 102 < last < 10_000
    good = [row.number for row in rows if isinstance(row, Row)]
    assert good == [*range(2, 102), *range(last + 1, 40_002)]


def test_lines_without_an_end(tmp_path: Path) -> None:
    long = "x" * (3 << 20)
    rows = read(tmp_path / "t.csv", f"file,caption\na,1\n{long}\nb,2\n{long},2\nc,3")
    assert [row.number for row in rows] == [2, 3, 4, 5, 6]
    assert [number for number, _ in bad(rows)] == [3, 5]
    rows = read(tmp_path / "t.jsonl", f'{{"file": "a"}}\n{{"file": "{long}"}}\n{{"file": "b"}}\n')
    assert bad(rows) == [(2, "longer than 1 MiB; shorten it")]
    assert rows[2] == Row(3, {"file": "b"})


def test_gzip_that_ends_in_its_middle(tmp_path: Path) -> None:
    data = gzip.compress(PLAIN.encode() * 3)[:-12]
    with pytest.raises(ConfigError, match=r"t\.csv\.gz.*mend"):
        read(tmp_path / "t.csv.gz", data)
    with pytest.raises(ConfigError, match=r"correct `table\.file`"):
        read(tmp_path / "t.csv.gz", PLAIN)


# --- JSON lines ----------------------------------------------------------------------------------


def test_json_keeps_its_types(tmp_path: Path) -> None:
    row = {"file": "a", "start": 1.5, "genre": ["a", "b"], "eval": True, "none": None, "e": ""}
    data = b"\xef\xbb\xbf" + json.dumps(row).encode() + b"\n\n  \n" + b'{"other": 0}\r\n'
    for name in ("t.jsonl", "t.ndjson", "t"):
        rows = read(tmp_path / name, data)
        assert [row.number for row in rows] == [1, 4]
        said = {"file": "a", "start": 1.5, "genre": ["a", "b"], "eval": True}
        assert cells(rows) == [said, {"other": 0}]
    assert cells(read(tmp_path / "t.jsonl.gz", gzip.compress(data)))[1] == {"other": 0}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[1]", "is an array, expected an object"),
        (b"file", "not JSON"),
        (b'{"file": "a"', "ends in the middle"),
        (b'{"file": "a", "file": "b"}', 'key "file" stands twice'),
        (b'{"file": NaN}', "file is nan"),
        (b'{"file": 1e999}', "file is inf"),
        (b'{"file": "\xff"}', "is not UTF-8"),
        (b'{"file": "\\ud800"}', "half a surrogate"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_json_that_is_none(tmp_path: Path, line: bytes, reason: str) -> None:
    rows = read(tmp_path / "t.jsonl", b'{"file": "a"}\n' + line + b'\n{"file": "c"}\n')
    ((number, told),) = bad(rows)
    assert number == 2
    assert reason in told
    assert rows[2] == Row(3, {"file": "c"})


def test_keys_of_the_first_lines_are_the_columns(tmp_path: Path) -> None:
    lines = [{"file": "a"}] * 999 + [{"file": "b", "seen": 1}, {"unseen": 1}]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with reading.opened(path) as sheet:
        assert sheet.columns == ("file", "seen")
        assert len(list(sheet.rows({"file"}))) == 1001


# --- Parquet -------------------------------------------------------------------------------------


def parquet(path: Path, columns: dict[str, object], **options: object) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(columns), path, **options)
    return path


def test_parquet_of_every_type(tmp_path: Path) -> None:
    day = datetime.datetime(2020, 1, 2)
    columns = {
        "file": ["a", "b", None],
        "start": [1.5, float("nan"), 2.0],
        "year": pyarrow.array([1999, None, 2001], pyarrow.int16()),
        "genre": [["x", "y"], [], None],
        "eval": [True, False, None],
        "day": [day, None, None],
        "caption": pyarrow.array(["s", "s", ""]).dictionary_encode(),
        "unwanted": [b"\0" * 1000] * 3,
    }
    path = parquet(tmp_path / "t.parquet", columns)
    with reading.opened(path) as sheet:
        assert sheet.columns == tuple(columns)
        rows = list(sheet.rows(set(columns) - {"unwanted"}))
    assert [row.number for row in rows] == [1, 2, 3]
    first, second, third = cells(rows)
    assert first == {
        "file": "a",
        "start": 1.5,
        "year": 1999,
        "genre": ["x", "y"],
        "eval": True,
        "day": day,
        "caption": "s",
    }
    assert second == {"file": "b", "genre": [], "eval": False, "caption": "s"}
    assert third == {"start": 2.0, "year": 2001}


def test_parquet_is_known_by_its_bytes(tmp_path: Path) -> None:
    for name in ("t.pq", "t", "t.csv"):
        path = parquet(tmp_path / name, {"file": ["a"]})
        with reading.opened(path) as sheet:
            assert cells(list(sheet.rows({"file"}))) == [{"file": "a"}]


def test_parquet_that_is_broken(tmp_path: Path) -> None:
    path = parquet(tmp_path / "t.parquet", {"file": [f"name {n}" * 50 for n in range(5000)]})
    data = path.read_bytes()
    for broken in (data[:100], data[:-10], data[:4] + b"x" * 200):
        with pytest.raises(ConfigError, match=r"t\.parquet.*get the Parquet file again"):
            read(path, broken)
    middle = data[:200] + b"\xff" * 2000 + data[2200:]
    with pytest.raises(ConfigError, match=r"t\.parquet: after row 0.*mend the table"):
        read(path, middle)
    with pytest.raises(ConfigError, match="inside gzip; unpack it"):
        read(tmp_path / "t.parquet.gz", gzip.compress(data))


def test_parquet_needs_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path / "t.parquet", {"file": ["a"]})
    plain = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name.split(".")[0] == "pyarrow":
            raise ImportError(name)
        return plain(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install pyarrow.*or save the table as CSV"):
        read(path, path.read_bytes())


def test_the_library_is_not_loaded_for_other_tables() -> None:
    import subprocess

    code = "import sys, curate.sources.table; print('pyarrow' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


# --- in general ----------------------------------------------------------------------------------


def test_a_table_of_any_length_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("w") as file:
        file.write("file,caption\n")
        for number in range(60_000):
            file.write(f"{number}.flac,{'a caption of some length ' * 4}\n")
    assert path.stat().st_size > 6 << 20
    other = parquet(
        tmp_path / "t.parquet",
        {"file": [f"{n}.flac" for n in range(60_000)], "caption": ["a caption " * 12] * 60_000},
        row_group_size=60_000,
    )
    for table in (path, other):
        tracemalloc.start()
        with reading.opened(table) as sheet:
            count = sum(1 for _ in sheet.rows({"file", "caption"}))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == 60_000
        assert peak < 2 << 20


def test_hostile_lines_cost_little(tmp_path: Path) -> None:
    started = time.process_time()
    for piece in (",", '"', '""', "\n", '"\n', "\r", "x,", " ", "\0", "{", "[", "\\", "'"):
        data = f"file,caption\n{piece * (200_000 // len(piece))}\n"
        for name in ("t.csv", "t.tsv"):
            read(tmp_path / name, data)
        rows = read(tmp_path / "t.jsonl", '{"file": 1}\n' + data)
        assert isinstance(rows[0], Row)
    assert time.process_time() - started < 20.0


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=8))
def test_what_python_writes_is_read_back(tmp_path: Path, table: list[tuple[str, ...]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows([HEADER, *table])
    told = [dict(zip(HEADER, map(str.strip, row), strict=True)) for row in table]
    kept = [{key: cell for key, cell in row.items() if cell} for row in told]
    assert cells(read(tmp_path / "t.csv", text.getvalue())) == [row for row in kept if row]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from(["csv", "tsv", "jsonl", "parquet", "csv.gz", "x"]))
@example(b"\xff\xfe\x00", "csv")
@example(b"\xef\xbb\xbf", "csv")
@example(b"PAR1PAR1", "parquet")
@example(b'\r"', "csv")
def test_any_bytes_are_rows_or_a_config_error(tmp_path: Path, data: bytes, suffix: str) -> None:
    for start in (b"", b"file,caption\n", b'{"file": "a"}\n'):
        try:
            rows = read(tmp_path / f"t.{suffix}", start + data)
        except ConfigError as error:
            told = str(error)
        else:
            told = ""
            numbers = [row.number for row in rows]
            assert all(one < other for one, other in itertools.pairwise(numbers))
        assert not told or f"t.{suffix}" in told
