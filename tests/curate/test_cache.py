"""The cache of downloads: by content, shared, whole, and safe for many at once."""

import concurrent.futures
import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from curate.errors import CurateError
from curate.records import Label, Origin
from curate.sources.cache import Cache

KEY = "web https://example.org/a"
OTHER = "web https://example.org/b"
ORIGIN = Origin(
    "https://example.org/a", "someone", "CC BY 4.0", "vimeo", "2026-01-01T00:00:00Z", "Vimeo", "1"
)
LABELS = (Label("year", 1999.0, "web.vimeo"), Label("title", "紅葉", "web.vimeo", 0.5))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def put(cache: Cache, key: str, data: bytes, name: str = "song.webm") -> Path:
    file = cache.partial(key) / name
    file.write_bytes(data)
    return cache.keep(key, file, ORIGIN, LABELS).path


def audio_files(cache: Cache) -> list[Path]:
    return sorted(path for path in (cache.place / "audio").rglob("*") if path.is_file())


def test_what_was_fetched_is_there_by_content(cache: Cache) -> None:
    path = put(cache, KEY, b"music")
    sha256 = hashlib.sha256(b"music").hexdigest()
    assert path == cache.place / "audio" / sha256[:2] / f"{sha256}.webm"
    assert path.read_bytes() == b"music"
    got = Cache(cache.place).audio(KEY)
    assert got is not None
    assert (got.path, got.origin, got.labels) == (path, ORIGIN, LABELS)
    assert cache.audio(OTHER) is None


def test_nothing_is_made_before_something_is_put_in(cache: Cache) -> None:
    assert cache.audio(KEY) is None
    assert cache.answer(KEY, None) is None
    assert cache.size_bytes() == 0
    cache.drop(KEY)
    assert not cache.place.exists()


def test_equal_content_lies_there_once_until_its_last_key_goes(cache: Cache) -> None:
    path = put(cache, KEY, b"music")
    assert put(cache, OTHER, b"music") == path
    assert audio_files(cache) == [path]
    cache.drop(KEY)
    assert cache.audio(KEY) is None
    assert cache.audio(OTHER) is not None
    cache.drop(KEY)
    assert path.exists()
    cache.drop(OTHER)
    assert not path.exists()
    assert cache.audio(OTHER) is None


def test_a_key_that_gets_another_file_lets_go_of_the_first(cache: Cache) -> None:
    put(cache, KEY, b"old")
    new = put(cache, KEY, b"new")
    assert audio_files(cache) == [new]
    put(cache, KEY, b"new")
    assert audio_files(cache) == [new]
    cache.drop(KEY)
    assert audio_files(cache) == []


def test_a_file_that_is_gone_or_cut_is_not_there(cache: Cache) -> None:
    path = put(cache, KEY, b"music")
    path.write_bytes(b"mus")
    assert cache.audio(KEY) is None
    assert put(cache, KEY, b"music") == path
    assert path.read_bytes() == b"music"
    path.unlink()
    assert cache.audio(KEY) is None
    cache.drop(KEY)


@pytest.mark.parametrize("record", [b"", b"{", b'{"file": "../../x"}', b"\xff", b"[]"])
def test_a_broken_record_is_as_none(cache: Cache, record: bytes) -> None:
    put(cache, KEY, b"music")
    (kept,) = (cache.place / "keys").rglob("*.json")
    kept.write_bytes(record)
    assert cache.audio(KEY) is None
    assert put(cache, KEY, b"music").read_bytes() == b"music"


def test_a_record_cannot_name_a_path_outside(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_bytes(b"music")
    put(cache, KEY, b"music")
    (kept,) = (cache.place / "keys").rglob("*.json")
    name = audio_files(cache)[0].name
    kept.write_text(kept.read_text().replace(name, "../../../secret.txt"))
    assert cache.audio(KEY) is None
    cache.drop(KEY)
    assert (tmp_path / "secret.txt").exists()


@pytest.mark.parametrize(
    "key", ["../../up", "a/b", "\0", "x" * 10_000, "紅葉", "", "con", "\udcff", "a\nb"]
)
def test_nothing_of_a_key_becomes_a_path(cache: Cache, key: str) -> None:
    path = put(cache, key, b"music")
    cache.put_answer(key, b"answer")
    assert cache.answer(key, None) == b"answer"
    assert cache.audio(key) is not None
    names = {
        part for file in cache.place.rglob("*") for part in file.relative_to(cache.place).parts
    }
    folders = {"audio", "keys", "users", "answers", "other", "partial", "lock"}
    assert all(set(name.partition(".")[0]) <= set("0123456789abcdef") for name in names - folders)
    assert path.is_relative_to(cache.place)


@pytest.mark.parametrize(
    ("name", "extension"),
    [("a.M4A", "m4a"), ("a", "bin"), ("a.", "bin"), ("a.b c", "bin"), ("a.mp３", "bin")],
)
def test_the_extension_is_plain(cache: Cache, name: str, extension: str) -> None:
    assert put(cache, KEY, b"music", name).suffix == f".{extension}"


def test_a_half_download_stays_until_the_whole_is_kept(cache: Cache) -> None:
    half = cache.partial(KEY) / "a.part"
    half.write_bytes(b"mus")
    assert (Cache(cache.place).partial(KEY) / "a.part").read_bytes() == b"mus"
    assert not list(cache.partial(OTHER).iterdir())
    put(cache, KEY, b"music")
    assert not half.exists()


def test_a_file_from_another_disk_is_taken_in(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Path("/dev/shm")
    if other.is_dir() and other.stat().st_dev != tmp_path.stat().st_dev:
        file = other / f"curate-{os.getpid()}.webm"
    else:  # one disk only: the system's answer, made up
        file = tmp_path / "song.webm"
        replace = Path.replace

        def refuse(self: Path, target: Path) -> Path:
            if self == file:
                raise OSError(18, "Invalid cross-device link")
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", refuse)
    file.write_bytes(b"music")
    got = cache.keep(KEY, file, ORIGIN, ())
    assert got.path.read_bytes() == b"music"
    assert not file.exists()
    assert audio_files(cache) == [got.path]


def test_answers_of_one_source_are_forgotten_together(cache: Cache) -> None:
    keys = [f"spotify tracks/{number}" for number in range(3)]
    for key in (*keys, "web list", "spotify", "pause spotify"):
        cache.put_answer(key, b"words of " + key.encode())
    half, old = ((cache.place / "answers/spotify/00" / name) for name in (".new", ".old"))
    half.parent.mkdir(exist_ok=True)
    half.write_bytes(b"another build is just writing this")
    old.write_bytes(b"words of spotify, by a build that was killed")
    os.utime(old, (time.time() - 7200,) * 2)
    assert cache.drop_answers("spotify") == 5
    assert [cache.answer(key, None) for key in keys] == [None] * 3
    assert (half.exists(), old.exists()) == (True, False)
    assert cache.answer("web list", None) == b"words of web list"
    assert cache.answer("pause spotify", None) == b"words of pause spotify"
    assert cache.drop_answers("spotify") == 0


def test_answers_have_an_age(cache: Cache) -> None:
    cache.put_answer(KEY, b"\0list")
    assert cache.answer(KEY, 60) == b"\0list"
    (file,) = (path for path in (cache.place / "answers").rglob("*") if path.is_file())
    os.utime(file, (time.time() - 100,) * 2)
    assert cache.answer(KEY, 60) is None
    assert cache.answer(KEY, None) == b"\0list"
    cache.put_answer(KEY, b"\0list")  # the same again is new again
    assert cache.answer(KEY, 60) == b"\0list"
    os.utime(file, (time.time() + 100,) * 2)  # from the future: the clock was wrong
    assert cache.answer(KEY, 60) is None
    cache.drop_answer(KEY)
    cache.drop_answer(KEY)
    assert cache.answer(KEY, None) is None


def test_the_size_is_of_everything(cache: Cache) -> None:
    put(cache, KEY, b"m" * 1000)
    (cache.partial(OTHER) / "half").write_bytes(b"h" * 500)
    cache.put_answer(KEY, b"a" * 100)
    (record,) = (cache.place / "keys").rglob("*.json")
    assert cache.size_bytes() == 1600 + record.stat().st_size


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"CURATE_CACHE": "/somewhere/else"}, "/somewhere/else"),
        ({"CURATE_CACHE": "~/c"}, "/home/u/c"),
        ({"XDG_CACHE_HOME": "/caches"}, "/caches/musicgen-curate"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/u/.cache/musicgen-curate"),
        ({}, "/home/u/.cache/musicgen-curate"),
    ],
)
def test_where_the_folder_is(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], place: str
) -> None:
    for name in ("CURATE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/u")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Cache().place == Path(place)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file")
    with pytest.raises(CurateError, match=r"file: the cache .* cannot be written.*CURATE_CACHE"):
        cache.partial(KEY)
    with pytest.raises(CurateError, match="CURATE_CACHE"):
        cache.put_answer(KEY, b"")
    with pytest.raises(CurateError, match="CURATE_CACHE"), cache.alone(KEY):
        pass
    assert cache.audio(KEY) is None


def test_many_threads_keep_and_drop_the_same_content(cache: Cache) -> None:
    def work(number: int) -> None:
        for turn in range(20):
            key = f"key {number} {turn % 3}"
            put(cache, key, b"music")
            cache.put_answer("shared", bytes([number]) * 1000)
            answer = cache.answer("shared", None)
            assert answer is not None
            assert len(answer) == 1000
            assert len(set(answer)) == 1
            assert cache.audio(key) is not None
            cache.drop(key)
            assert cache.audio(key) is None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert audio_files(cache) == []
    assert not list(cache.place.rglob("*.partial"))


def test_one_at_a_time_fetches_a_key(cache: Cache) -> None:
    fetched = []
    inside = threading.Semaphore(1)

    def work(_: int) -> None:
        with cache.alone(KEY):
            assert inside.acquire(blocking=False)
            if cache.audio(KEY) is None:
                time.sleep(0.05)
                put(cache, KEY, b"music")
                fetched.append(1)
            inside.release()

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(12)))
    assert len(fetched) == 1
    assert not list((cache.place / "locks").iterdir())
    with cache.alone(KEY), cache.alone(OTHER):  # other keys do not wait
        pass


HOLD = f"""
import sys, time
from pathlib import Path
from curate.sources.cache import Cache
with Cache(Path(sys.argv[1])).alone({KEY!r}):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_holder_holds_nothing(cache: Cache) -> None:
    command = [sys.executable, "-c", HOLD, str(cache.place)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    entered = threading.Event()

    def enter() -> None:
        with cache.alone(KEY):
            entered.set()

    waiting = threading.Thread(target=enter)
    waiting.start()
    assert not entered.wait(0.2)
    process.kill()
    waiting.join(10)
    assert entered.is_set()
    process.wait(10)
    process.stdout.close()
