"""Input nobody should have: validation names it and never raises, hangs or writes."""

import contextlib
import gzip
import json
import os
import sys
import tempfile
import threading
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import handmade
import pytest
from handmade import change, change_object, first_clip, rows, write_rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.validate import Report, validate

Nasty = Callable[[Path], None]


def train(folder: Path) -> Path:
    return folder / "manifests/train/data.jsonl"


def replace_line(folder: Path, data: bytes) -> None:
    lines = train(folder).read_bytes().splitlines(keepends=True)
    train(folder).write_bytes(b"".join([data + b"\n", *lines[1:]]))


def put_path(folder: Path, path: str) -> None:
    change(train(folder), 0, lambda row: row.update(path=path))


def put_sidecar(folder: Path, data: bytes) -> None:
    first_clip(folder).with_suffix(".json").write_bytes(data)


def binary(folder: Path) -> None:
    replace_line(folder, bytes(range(256)).replace(b"\n", b"") * 10)


def bare_nan(folder: Path) -> None:
    replace_line(folder, b"NaN")


def an_array(folder: Path) -> None:
    replace_line(folder, b"[1, 2]")


def deep_nesting(folder: Path) -> None:
    replace_line(folder, b"[" * 100_000)


def huge_number(folder: Path) -> None:
    replace_line(folder, b'{"path": ' + b"1" * 10_000 + b"}")


def half_surrogate(folder: Path) -> None:
    replace_line(folder, b'{"path": "/\\ud800.flac", "duration": 1.0, "sample_rate": 16000}')


def utf16(folder: Path) -> None:
    train(folder).write_text(train(folder).read_text("utf-8"), "utf-16")


def byte_order_mark(folder: Path) -> None:
    train(folder).write_bytes(b"\xef\xbb\xbf" + train(folder).read_bytes())


def cut_off(folder: Path) -> None:
    train(folder).write_bytes(train(folder).read_bytes()[:-100])


def indented(folder: Path) -> None:
    train(folder).write_text(json.dumps(rows(train(folder))[0], indent=2))


def carriage_returns(folder: Path) -> None:
    train(folder).write_bytes(train(folder).read_bytes().replace(b"\n", b"\r"))


def only_blanks(folder: Path) -> None:
    train(folder).write_bytes(b" \n\t\n\r\n")


def manifest_is_a_folder(folder: Path) -> None:
    train(folder).unlink()
    train(folder).mkdir()


def manifest_is_a_dangling_link(folder: Path) -> None:
    train(folder).unlink()
    train(folder).symlink_to(folder / "nowhere")


def manifest_is_a_link_loop(folder: Path) -> None:
    train(folder).unlink()
    train(folder).symlink_to(train(folder))


def manifest_is_a_pipe(folder: Path) -> None:
    train(folder).unlink()
    os.mkfifo(train(folder))


def no_gzip(folder: Path) -> None:
    train(folder).rename(train(folder).with_name("data.jsonl.gz"))


def gzip_bomb(folder: Path) -> None:
    train(folder).unlink()
    train(folder).with_name("data.jsonl.gz").write_bytes(gzip.compress(b" " * (300 << 20)))


def path_with_nul(folder: Path) -> None:
    put_path(folder, "/a\0b.flac")


def path_too_long(folder: Path) -> None:
    put_path(folder, str(folder / ("x" * 5000)) + ".flac")


def path_with_newline(folder: Path) -> None:
    put_path(folder, str(folder / "audio" / "a\nb\x1b[31m.flac"))


def path_is_root(folder: Path) -> None:
    put_path(folder, "/")


def path_is_a_folder(folder: Path) -> None:
    put_path(folder, str(folder / "audio"))


def path_climbs(folder: Path) -> None:
    put_path(folder, str(folder / "audio" / ".." / ".." / "secret.flac"))


def path_is_a_device(folder: Path) -> None:
    put_path(folder, "/dev/zero")


def audio_is_a_pipe(folder: Path) -> None:
    clip = first_clip(folder)
    clip.unlink()
    os.mkfifo(clip)


def audio_is_empty(folder: Path) -> None:
    first_clip(folder).write_bytes(b"")


def audio_lies(folder: Path) -> None:
    clip = first_clip(folder)
    data = bytearray(clip.read_bytes())
    data[21:26] = b"\xff\xff\xff\xff\xff"  # STREAMINFO: far more samples than there are
    clip.write_bytes(data)


def sidecar_is_binary(folder: Path) -> None:
    put_sidecar(folder, bytes(range(256)))


def sidecar_is_empty(folder: Path) -> None:
    put_sidecar(folder, b"")


def sidecar_is_a_list(folder: Path) -> None:
    put_sidecar(folder, b"[]")


def sidecar_is_a_folder(folder: Path) -> None:
    path = first_clip(folder).with_suffix(".json")
    path.unlink()
    path.mkdir()


def sidecar_is_huge(folder: Path) -> None:
    with first_clip(folder).with_suffix(".json").open("wb") as file:
        file.truncate(1 << 34)


def wrong_types_everywhere(folder: Path) -> None:
    change(train(folder), 0, lambda row: row.update({key: {"a": [None]} for key in row}))
    sidecar = first_clip(folder, index=1).with_suffix(".json")
    change_object(sidecar, lambda row: row.update({key: [[{}]] for key in row}))


def numbers_beyond_floats(folder: Path) -> None:
    names = ("duration", "sample_rate", "amplitude", "weight", "bpm", "start")
    for index in range(2):
        change(train(folder), index, lambda row: row.update(dict.fromkeys(names, 10**400)))
        sidecar = first_clip(folder, index=index).with_suffix(".json")
        change_object(sidecar, lambda row: row.update(dict.fromkeys(names, -(10**400))))


def labels_of_nonsense(folder: Path) -> None:
    labels = [1, None, "x", [], {"kind": []}, {"kind": "key", "value": {}}, {"score": "1"}]
    sidecar = first_clip(folder).with_suffix(".json")
    change_object(sidecar, lambda row: row.update(labels=labels))


def tracks_of_nonsense(folder: Path) -> None:
    write_rows(folder / "tracks.jsonl", [{"id": []}, {"id": "x", "chunks": {}}, {}])


def build_of_nonsense(folder: Path) -> None:
    change_object(folder / "build.json", lambda row: row.update(config={"chunk": 3}, counts=[]))


def build_is_binary(folder: Path) -> None:
    (folder / "build.json").write_bytes(bytes(range(256)))


def config_of_nonsense(folder: Path) -> None:
    change_object(folder / "build.json", lambda row: row["config"].update(chunk={"seconds": "x"}))


def dset_is_a_bomb(folder: Path) -> None:
    text = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
    )
    (folder / "dset.yaml").write_text(text)


def dset_is_a_list(folder: Path) -> None:
    (folder / "dset.yaml").write_text("# @package __global__\n- 1\n")


def rejected_of_nonsense(folder: Path) -> None:
    write_rows(folder / "rejected.jsonl", [{"code": []}, {"code": "made up"}])


NASTY = [
    value for value in list(globals().values()) if getattr(value, "__module__", "") == __name__
]
NASTY = [
    value
    for value in NASTY
    if callable(value)
    and value.__name__ not in ("train", "replace_line", "put_path", "put_sidecar")
]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return handmade.ours(tmp_path / "kayo")


def printable(report: Report) -> bool:
    """Every text of the report can be printed on one line of a terminal."""
    texts = [text for f in report.findings for text in (f.file, f.message, f.remedy, f.id or "")]
    categories = {unicodedata.category(c) for text in texts for c in text}
    return not categories & {"Cc", "Cs", "Zl", "Zp"} and bool(report.to_json().encode("utf-8"))


@pytest.mark.parametrize("deep", [False, True], ids=["quick", "deep"])
@pytest.mark.parametrize("nasty", NASTY, ids=lambda nasty: nasty.__name__)
def test_it_is_an_error_and_nothing_else_happens(dataset: Path, nasty: Nasty, deep: bool) -> None:
    nasty(dataset)
    before = sorted(str(path) for path in dataset.rglob("*"))
    report = validate(dataset, deep=deep)
    assert not report.ok
    assert len(report.findings) < 80
    assert printable(report)
    assert sorted(str(path) for path in dataset.rglob("*")) == before


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """As a user whom permissions bind: root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_unreadable_files_are_named() -> None:
    with tempfile.TemporaryDirectory() as place:  # pytest's own folders are closed to others
        Path(place).chmod(0o755)
        folder = handmade.ours(Path(place) / "kayo")
        assert validate(folder).ok  # everything is imported now
        clip = first_clip(folder)
        for path, code in (
            (clip, "audio_unreadable"),
            (clip.with_suffix(".json"), "file_unreadable"),
            (train(folder), "file_unreadable"),
            (folder / "tracks.jsonl", "file_unreadable"),
            (folder / "build.json", "file_unreadable"),
            (folder / "dset.yaml", "dset_invalid"),
            (folder / "audio", "audio_unreadable"),
            (folder / "manifests", "file_missing"),
        ):
            mode = path.stat().st_mode
            path.chmod(0)
            with nobody():
                report = validate(folder)
            path.chmod(mode)
            assert code in {f.code for f in report.findings}, path


def test_file_names_that_are_no_text(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("file names of this system are always text")
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))
    folder.mkdir()
    (folder / "data.jsonl").write_text("nonsense\n")
    report = validate(tmp_path)
    assert [finding.code for finding in report.findings] == ["not_json"]
    assert printable(report)


def test_every_bad_line_is_named(dataset: Path) -> None:
    lines = train(dataset).read_bytes().splitlines()
    train(dataset).write_bytes(b"\n".join([lines[0], b"{", lines[1], b"", b"\xff", lines[2], b""]))
    report = validate(dataset)
    found = [(f.code, f.line) for f in report.findings if f.file.endswith("train/data.jsonl")]
    assert found == [("not_json", 2), ("line_blank", 4), ("not_utf8", 5)]


def test_ten_megabytes_in_a_line_keep_the_others(dataset: Path) -> None:
    lines = train(dataset).read_bytes().splitlines()
    train(dataset).write_bytes(b"\n".join([b"x" * (10 << 20), *lines, b""]))
    report = validate(dataset)
    assert [(f.code, f.line) for f in report.findings] == [("line_too_long", 1)]
    assert report.manifests[0].lines == len(lines)


def test_a_folder_of_nothing(tmp_path: Path) -> None:
    assert [f.code for f in validate(tmp_path).findings] == ["not_a_dataset"]
    (tmp_path / "file").write_text("x")
    assert [f.code for f in validate(tmp_path / "file").findings] == ["not_a_dataset"]


def test_links_that_go_round_are_not_followed(tmp_path: Path) -> None:
    folder = handmade.foreign(tmp_path / "theirs")
    (folder / "loop").symlink_to(folder)
    assert validate(folder).findings == ()


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.binary(max_size=400), place=st.integers(0, 6))
def test_any_bytes_anywhere(shared: Path, data: bytes, place: int) -> None:
    places = ["manifests/train/data.jsonl", "tracks.jsonl", "rejected.jsonl", "build.json"]
    paths = [*(shared / name for name in places), shared / "dset.yaml"]
    clip = first_clip(shared, "valid")
    path = [*paths, clip, clip.with_suffix(".json")][place]
    kept = path.read_bytes()
    try:
        path.write_bytes(data)
        report = validate(shared, deep=True)
        assert printable(report)
        assert not report.ok or place == 2
    finally:
        path.write_bytes(kept)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3)
    ),
    max_leaves=5,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), value=VALUES)
def test_any_value_anywhere(shared: Path, data: st.DataObject, value: Any) -> None:
    clip = first_clip(shared, "valid")
    line, beside = shared / "manifests/valid/data.jsonl", clip.with_suffix(".json")
    path = data.draw(st.sampled_from([line, beside, shared / "tracks.jsonl"]))
    kept = path.read_bytes()
    try:
        document = rows(path)[0] if path.suffix == ".jsonl" else json.loads(kept)
        name = data.draw(st.sampled_from(sorted(document)))
        text = json.dumps({**document, name: value})
        rest = kept.split(b"\n", 1)[1] if path.suffix == ".jsonl" else b""
        path.write_bytes(text.encode() + b"\n" + rest)
        assert printable(validate(shared))
    finally:
        path.write_bytes(kept)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return handmade.ours(tmp_path_factory.mktemp("shared") / "kayo")


def test_a_pipe_does_not_block(dataset: Path) -> None:
    audio_is_a_pipe(dataset)
    thread = threading.Thread(target=validate, args=(dataset,), daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
