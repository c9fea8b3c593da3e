"""Sites that misbehave, downloads that are cut off, and several of them at once."""

import concurrent.futures
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mediasite
import pytest
import webtools
from mediasite import Site, cut, endless, slow, stall, status, whole
from webtools import FAST, FETCH, listed, quiet, refusal, tracks_of

from curate.records import Rejection
from curate.sources.cache import Cache
from curate.sources.source import SourceError
from curate.sources.web import (
    Web,
    downloading,
    hosts,
    settings,
)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    webtools.hurry(monkeypatch)


@pytest.fixture
def site() -> Iterator[Site]:
    with mediasite.serving() as site:
        yield site


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return webtools.tones(tmp_path_factory.mktemp("tones"))


@pytest.fixture
def web(cache: Cache, tmp_path: Path) -> Iterator[Web]:
    web = Web(tmp_path, FAST, 60.0, cache)
    yield web
    web.close()


# --- faults -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "expected", "requests"),
    [
        (401, "private", 1),
        (403, "private", 1),
        (404, "removed", 1),
        (410, "removed", 1),
        (451, "geo_blocked", 1),
        (500, "network", 4),
        (503, "network", 4),
        (429, "rate_limited", 4),
    ],
)
def test_statuses(site: Site, web: Web, code: int, expected: str, requests: int) -> None:
    site.always["/a.mp3"] = status(code)
    (track,) = tracks_of(web, site.feed("/feed.xml", ["/a.mp3"]))
    assert refusal(web, track).code == expected
    assert site.count("/a.mp3") == requests


@pytest.mark.parametrize("fault", [status(500), status(503), cut(5000), status(408)])
def test_faults_that_pass(
    site: Site, web: Web, tones: dict[str, bytes], fault: mediasite.Answer
) -> None:
    site.put("/a.wav", tones["wav"])
    (track,) = tracks_of(web, site.feed("/feed.xml", ["/a.wav"]))
    site.script("/a.wav", whole, fault, whole, fault)  # each time when it is fetched
    assert web.get(track, quiet).path.read_bytes() == tones["wav"]
    assert site.count("/a.wav") == 6


def test_a_silent_server_is_left_and_asked_again(
    site: Site,
    cache: Cache,
    tmp_path: Path,
    tones: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "TIMEOUT_S", 0.5)
    site.put("/a.wav", tones["wav"])
    web = Web(tmp_path, FAST, 60.0, cache)
    (track,) = tracks_of(web, site.feed("/feed.xml", ["/a.wav"]))
    site.script("/a.wav", whole, stall(150_000))
    assert web.get(track, quiet).path.read_bytes() == tones["wav"]
    assert site.ranges_of("/a.wav")[:3] == [None] * 3
    assert site.ranges_of("/a.wav")[3] is not None  # what came before the silence is kept


def test_waits_grow(
    site: Site, web: Web, tones: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "WAIT_S", 0.1)
    site.put("/a.mp3", tones["mp3"])
    (track,) = tracks_of(web, site.feed("/feed.xml", ["/a.mp3"]))
    site.script("/a.mp3", status(500), status(500))
    web.get(track, quiet)
    times = [asked.at for asked in site.asked if asked.path == "/a.mp3"]
    assert times[1] - times[0] >= 0.1
    assert times[2] - times[1] >= 0.3


def test_nobody_there(web: Web, site: Site) -> None:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (found,) = listed(web, f"http://127.0.0.1:{port}/feed.xml")
    assert isinstance(found, Rejection)
    assert found.code == "network"
    assert "Connection refused" in found.reason


def test_a_host_that_is_down_is_left_alone_for_a_while(site: Site, web: Web) -> None:
    tracks = tracks_of(web, site.feed("/feed.xml", [f"/{n}.mp3" for n in range(6)]))
    for track in tracks:
        site.always["/" + track.uri.rpartition("/")[2]] = status(500)
    errors = [refusal(web, track) for track in tracks]
    assert [error.code for error in errors] == ["network"] * 6
    assert [error.until is None for error in errors] == [True] * 3 + [False] * 3
    assert sum(site.counts.values()) == 1 + 3 * 4


def test_a_short_wait_is_waited(site: Site, web: Web, tones: dict[str, bytes]) -> None:
    site.put("/a.mp3", tones["mp3"])
    (track,) = tracks_of(web, site.feed("/feed.xml", ["/a.mp3"]))
    site.script("/a.mp3", status(429, Retry_After=1))
    begun = time.monotonic()
    told: list[int] = []
    web.get(track, lambda done, total: told.append(done))
    assert time.monotonic() - begun >= 1.0
    assert told.count(0) >= 5  # somebody who wants to stop can do so


@pytest.mark.parametrize("at", ["asking", "fetching"])
def test_a_long_wait_is_remembered(
    site: Site, cache: Cache, tmp_path: Path, tones: dict[str, bytes], at: str
) -> None:
    site.put("/a.mp3", tones["mp3"])
    site.put("/b.mp3", tones["ogg"])
    web = Web(tmp_path, FAST, 60.0, cache)
    first, second = tracks_of(web, site.feed("/feed.xml", ["/a.mp3", "/b.mp3"]))
    site.script("/a.mp3", *[whole] * (at == "fetching"), status(429, Retry_After=86400))
    error = refusal(web, first)
    assert error.code == "rate_limited"
    assert error.until is not None
    assert abs(error.until - datetime.now(UTC) - timedelta(days=1)) < timedelta(minutes=1)
    assert f"{error.until:%Y-%m-%d %H:%M} UTC" in error.reason
    before = len(site.asked)
    for again in (web, Web(tmp_path, FAST, 60.0, Cache(cache.place))):
        assert refusal(again, second).until is not None
        (found,) = listed(again, f"{site.address}/other.xml")
        assert isinstance(found, Rejection)
        assert found.code == "rate_limited"
    assert len(site.asked) == before
    with mediasite.serving() as other:  # is not concerned
        (track,) = tracks_of(web, other.put("/c.mp3", tones["mp3"]))
        web.get(track, quiet)


def test_a_host_that_never_says_when_is_left_alone_for_an_hour(site: Site, web: Web) -> None:
    site.always["/a.mp3"] = status(429)
    (track,) = tracks_of(web, site.feed("/feed.xml", ["/a.mp3"]))
    error = refusal(web, track)
    assert error.until is not None
    assert timedelta(minutes=50) < error.until - datetime.now(UTC) < timedelta(minutes=70)


def test_what_is_no_audio_is_not_kept(site: Site, web: Web, cache: Cache) -> None:
    site.put("/a.mp3", b"these are only words, served as music" * 100)
    site.put("/b.pdf", b"%PDF-1.4" + bytes(5000), "application/pdf")
    tracks = tracks_of(web, site.feed("/feed.xml", ["/a.mp3", "/b.pdf"]))
    assert [refusal(web, track).code for track in tracks] == ["no_audio"] * 2
    assert site.counts == {"/feed.xml": 1, "/a.mp3": 2, "/b.pdf": 1}
    assert not [path for path in (cache.place / "partial").rglob("*") if path.is_file()]
    assert not (cache.place / "audio").exists()


def test_an_endless_file_ends(
    site: Site, web: Web, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.always["/fast.mp3"] = endless()
    site.always["/slow.mp3"] = endless(20_000)
    site.always["/radio.mp3"] = endless(20_000, icy_name="Radio")
    feed = site.feed("/feed.xml", ["/fast.mp3", "/slow.mp3", "/radio.mp3"])
    fast, slowly, radio = tracks_of(web, feed)
    error = refusal(web, fast)
    assert error.code == "too_long"
    assert re.search(r"1[1-9] MB and no end in sight, more than 60 s of music", error.reason)
    monkeypatch.setattr(downloading, "ENDLESS_S", 0.5)
    assert refusal(web, slowly).code == "live"
    assert refusal(web, radio).code == "live"
    assert site.counts == {"/feed.xml": 1, "/fast.mp3": 2, "/slow.mp3": 2, "/radio.mp3": 1}
    assert not [path for path in (cache.place / "partial").rglob("*") if path.is_file()]
    until = time.monotonic() + 5
    while site.answering and time.monotonic() < until:
        time.sleep(0.05)
    assert site.answering == []  # nobody keeps sending


def test_a_file_too_big_for_its_length_is_not_begun(
    site: Site, cache: Cache, tmp_path: Path
) -> None:
    site.put("/big.wav", bytes(3_000_000))
    web = Web(tmp_path, FAST, 2.0, cache)
    (track,) = tracks_of(web, site.feed("/feed.xml", ["/big.wav"]))
    told: list[int] = []
    with pytest.raises(SourceError) as caught:
        web.get(track, lambda done, total: told.append(done))
    assert caught.value.code == "too_long"
    assert max(told) < 200_000


# --- half downloads -----------------------------------------------------------------------------


def test_a_killed_download_goes_on(
    site: Site, web: Web, cache: Cache, tones: dict[str, bytes]
) -> None:
    site.put("/a.wav", tones["wav"])
    feed = site.feed("/feed.xml", ["/a.wav"])
    site.script("/a.wav", whole, slow(200_000))
    command = [sys.executable, "-c", FETCH, str(cache.place), feed]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, env=environment)
    begun = bool(select.select([process.stdout], [], [], 30)[0])
    process.send_signal(signal.SIGKILL)
    out, err = process.communicate(timeout=30)
    assert begun, f"nothing arrived in 30 s; asked {site.counts}; said {err.decode()}"
    assert out, err.decode()
    (half,) = (path for path in (cache.place / "partial").rglob("*") if path.is_file())
    have = half.stat().st_size
    assert 0 < have < len(tones["wav"])
    assert half.read_bytes() == tones["wav"][:have]

    (track,) = tracks_of(web, feed)
    assert web.at_hand(track) is None
    got = web.get(track, quiet)
    assert got.path.read_bytes() == tones["wav"]
    assert site.ranges_of("/a.wav") == [None, None, None, f"bytes={have}-"]
    assert not half.exists()


def test_a_site_without_ranges_sends_all_again(
    site: Site, web: Web, tones: dict[str, bytes]
) -> None:
    site.ranges = False
    site.put("/a.wav", tones["wav"])
    (track,) = tracks_of(web, site.feed("/feed.xml", ["/a.wav"]))
    site.script("/a.wav", whole, cut(50_000))
    assert web.get(track, quiet).path.read_bytes() == tones["wav"]


def test_a_file_that_changed_meanwhile_is_not_sewn_together(
    site: Site, cache: Cache, tmp_path: Path, tones: dict[str, bytes]
) -> None:
    def dated(day: int, answer: mediasite.Answer) -> mediasite.Answer:
        def dating(handler: mediasite.Handler) -> None:
            handler.end_headers, end = (
                lambda: (handler.send_header("Last-Modified", when), end())[1],
                handler.end_headers,
            )
            answer(handler)

        when = f"Mon, {day:02d} Jan 2024 00:00:00 GMT"
        return dating

    site.put("/a.wav", tones["wav"])
    web = Web(tmp_path, replace(FAST, retries=0), 60.0, cache)
    (track,) = tracks_of(web, site.feed("/feed.xml", ["/a.wav"]))
    site.script("/a.wav", dated(1, whole), dated(1, cut(50_000)))
    assert refusal(web, track).code == "network"
    halves = cache.place / "partial"
    assert len([path for path in halves.rglob("*") if path.is_file()]) == 1
    site.put("/a.wav", tones["flac"])
    site.script("/a.wav", dated(8, whole), dated(8, cut(5_000)))
    assert refusal(web, track).code == "network"
    assert len([path for path in halves.rglob("*") if path.is_file()]) == 1
    site.always["/a.wav"] = dated(8, whole)
    assert web.get(track, quiet).path.read_bytes() == tones["flac"]


class Enough(Exception):
    pass


def test_who_is_told_can_stop_it(
    site: Site, web: Web, cache: Cache, tones: dict[str, bytes]
) -> None:
    site.put("/a.wav", tones["wav"])
    (track,) = tracks_of(web, site.feed("/feed.xml", ["/a.wav"]))
    site.script("/a.wav", whole, slow(200_000))

    def tell(done: int, total: int | None) -> None:
        if done > 20_000:
            raise Enough

    with pytest.raises(Enough):
        web.get(track, tell)
    assert len([path for path in (cache.place / "partial").rglob("*") if path.is_file()]) == 1
    site.script("/a.wav", status(429, Retry_After=60))
    begun = time.monotonic()

    def stop_soon(done: int, total: int | None) -> None:
        if time.monotonic() - begun > 0.5:
            raise Enough

    with pytest.raises(Enough):
        web.get(track, stop_soon)
    assert time.monotonic() - begun < 5


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
"""


def test_a_full_disk_ends_it(site: Site, cache: Cache, tones: dict[str, bytes]) -> None:
    site.put("/a.wav", tones["wav"])
    feed = site.feed("/feed.xml", ["/a.wav"])
    command = [sys.executable, "-c", FULL + FETCH, str(cache.place), feed]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    last = done.stderr.strip().splitlines()[-1]
    assert re.search(r"CurateError: .*cannot be written: .*File too large; .*CURATE_CACHE", last)
    assert site.count("/a.wav") == 2  # it is not tried again


# --- several at once ----------------------------------------------------------------------------


def test_downloads_from_one_host_are_spaced(
    site: Site, cache: Cache, tmp_path: Path, tones: dict[str, bytes]
) -> None:
    names = [f"/{n}.mp3" for n in range(3)]
    for name in names:
        site.put(name, tones["mp3"] + name.encode())
    web = Web(tmp_path, replace(FAST, sleep_s=0.4), 60.0, cache)
    tracks = tracks_of(web, site.feed("/feed.xml", names))
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        got = list(pool.map(lambda track: web.get(track, quiet), tracks))
    assert len({one.path for one in got}) == 3
    first: dict[str, float] = {}
    for asked in site.asked:
        first[asked.path] = asked.at  # the last request of each is the download
    times = sorted(first[name] for name in names)
    assert times[1] - times[0] >= 0.4
    assert times[2] - times[1] >= 0.4


def test_hosts_do_not_wait_for_each_other(
    site: Site, cache: Cache, tmp_path: Path, tones: dict[str, bytes]
) -> None:
    with mediasite.serving() as other:
        web = Web(tmp_path, replace(FAST, sleep_s=30.0), 60.0, cache)
        tracks = [*tracks_of(web, site.put("/a.mp3", tones["mp3"]))]
        tracks += tracks_of(web, other.put("/b.mp3", tones["ogg"]))
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda track: web.get(track, quiet), tracks))
        assert time.monotonic() - begun < 10


def test_two_that_want_the_same_fetch_it_once(
    site: Site, cache: Cache, tmp_path: Path, tones: dict[str, bytes]
) -> None:
    site.put("/a.wav", tones["wav"])
    feed = site.feed("/feed.xml", ["/a.wav"])
    site.script("/a.wav", whole, slow(500_000))
    webs = [Web(tmp_path, FAST, 60.0, Cache(cache.place)) for _ in range(3)]
    tracks = [tracks_of(web, feed)[0] for web in webs]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(w.get, t, quiet) for w, t in zip(webs * 2, tracks * 2, strict=True)]
        assert len({job.result().path for job in jobs}) == 1
    assert site.count("/a.wav") == 2


def test_the_speed_is_limited(
    site: Site, cache: Cache, tmp_path: Path, tones: dict[str, bytes]
) -> None:
    site.put("/a.wav", tones["wav"])  # 265 kB
    web = Web(tmp_path, replace(FAST, rate_limit_kib_s=200), 60.0, cache)
    (track,) = tracks_of(web, site.feed("/feed.xml", ["/a.wav"]))
    begun = time.monotonic()
    web.get(track, quiet)
    assert time.monotonic() - begun > 0.8
