"""Model files: found, checked and fetched, from a server on 127.0.0.1 by the real client."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from curate.errors import CurateError
from curate.labels import weights, zoo

WEIGHTS = bytes(range(256)) * 4096
ABOUT = json.dumps({"classes": ["calm", "dark"]}).encode()
MODEL = replace(
    zoo.BY_NAME["mtg_jamendo_moodtheme-discogs-effnet-1"],
    pinned={"pb": hashlib.sha256(WEIGHTS).hexdigest()},
)


@dataclass
class Site:
    """What the server has, how it misbehaves, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: int | None = None
    ranges: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    there = Site({MODEL.file("pb"): WEIGHTS, MODEL.file("json"): ABOUT})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, wanted = self.path.rpartition("/")[2], self.headers.get("Range")
            there.asked.append((name, wanted))
            data = there.files.get(name)
            if data is None:
                self.send_error(404)
                return
            start = int(wanted[6:-1]) if wanted and there.ranges else 0
            if start >= len(data):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            end = len(data) if there.cut_after is None else start + there.cut_after
            self.wfile.write(data[start:end])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(zoo, "BASE", f"http://127.0.0.1:{server.server_port}/models/")
    yield there
    server.shutdown()
    server.server_close()


def silent(name: str, have: int, total: int | None) -> None:
    assert total is None or have <= total


def test_fetched_files_are_found_with_their_own_classes(site: Site, tmp_path: Path) -> None:
    written = weights.fetch([MODEL], tmp_path, silent)
    assert [path.name for path in written] == [MODEL.file("json"), MODEL.file("pb")]
    (found,) = weights.find([MODEL], tmp_path, onnx=False)
    assert found.classes == ("calm", "dark")
    assert found.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    assert weights.fetch([MODEL], tmp_path, silent) == []


def test_a_cut_connection_is_continued_where_it_stopped(site: Site, tmp_path: Path) -> None:
    site.cut_after = 300_000
    weights_only = [MODEL]
    with pytest.raises(CurateError, match="goes on from 300000 bytes"):
        weights.fetch(weights_only, tmp_path, silent)
    site.cut_after = None
    weights.fetch(weights_only, tmp_path, silent)
    assert (tmp_path / MODEL.file("pb")).read_bytes() == WEIGHTS
    assert site.asked[-1] == (MODEL.file("pb"), "bytes=300000-")


def test_a_server_without_ranges_is_read_from_the_start(site: Site, tmp_path: Path) -> None:
    (tmp_path / f"{MODEL.file('pb')}.partial").write_bytes(b"x" * 1000)
    site.ranges = False
    weights.fetch([MODEL], tmp_path, silent)
    assert (tmp_path / MODEL.file("pb")).read_bytes() == WEIGHTS


def test_other_bytes_than_pinned_are_refused_and_not_kept(site: Site, tmp_path: Path) -> None:
    site.files[MODEL.file("pb")] = b"<html>moved</html>"
    with pytest.raises(CurateError, match="it was not kept"):
        weights.fetch([MODEL], tmp_path, silent)
    assert not (tmp_path / MODEL.file("pb")).exists()
    assert not list(tmp_path.glob("*.partial*"))


def test_a_missing_address_says_so(site: Site, tmp_path: Path) -> None:
    site.files.clear()
    with pytest.raises(CurateError, match="Not Found"):
        weights.fetch([MODEL], tmp_path, silent)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("pb", "is cut off, changed or another file"),
        ("json", "is cut off, changed or another file"),
    ],
)
def test_files_that_changed_are_named_with_the_remedy(
    site: Site, tmp_path: Path, broken: str, reason: str
) -> None:
    weights.fetch([MODEL], tmp_path, silent)
    path = tmp_path / MODEL.file(broken)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CurateError, match=reason) as caught:
        weights.find([MODEL], tmp_path, onnx=False)
    assert f"curate models fetch {MODEL.name}" in str(caught.value)


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(CurateError) as caught:
        weights.find(zoo.wanted(("mood", "emotion")), tmp_path, onnx=False)
    for name in ("discogs-effnet-bs64-1", "mtg_jamendo_moodtheme", "msd-musicnn-1", "deam"):
        assert f"{name}" in str(caught.value)


def test_files_copied_by_hand_are_recorded_and_then_held_to_that(tmp_path: Path) -> None:
    unpinned = replace(MODEL, pinned={})
    (tmp_path / MODEL.file("pb")).write_bytes(b"weights")
    (tmp_path / MODEL.file("json")).write_bytes(ABOUT)
    weights.find([unpinned], tmp_path, onnx=False)
    (tmp_path / MODEL.file("pb")).write_bytes(b"other weights")
    with pytest.raises(CurateError, match="changed"):
        weights.find([unpinned], tmp_path, onnx=False)


def test_a_json_without_classes_is_not_the_models(tmp_path: Path) -> None:
    (tmp_path / MODEL.file("pb")).write_bytes(WEIGHTS)
    (tmp_path / MODEL.file("json")).write_bytes(b'{"name": "x"}')
    (state,) = weights.states([MODEL], tmp_path)
    assert "names no classes" in state.problem
    assert state.here == ("pb", "json")


def test_onnx_is_taken_where_it_is_there_and_wanted(tmp_path: Path) -> None:
    unpinned = replace(MODEL, pinned={})
    for extension, data in (("pb", b"p"), ("onnx", b"o"), ("json", ABOUT)):
        (tmp_path / MODEL.file(extension)).write_bytes(data)
    assert weights.find([unpinned], tmp_path, onnx=True)[0].backend == "onnx"
    assert weights.find([unpinned], tmp_path, onnx=False)[0].backend == "pb"


def test_the_folder_is_given_or_named_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights.folder() == tmp_path / "musicgen-curate" / "models"
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path / "mine"))
    assert weights.folder() == tmp_path / "mine"
    assert weights.folder(tmp_path / "given") == tmp_path / "given"


def test_every_model_is_listed_after_what_it_needs() -> None:
    seen: set[str] = set()
    for model in zoo.MODELS:
        assert not model.needs or model.needs in seen
        assert model.purpose == "embedding" or model.kind
        assert model.citation
        seen.add(model.name)
    assert len(seen) == len(zoo.MODELS)
