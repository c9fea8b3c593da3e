"""The web as a source, by the real yt-dlp against a site on 127.0.0.1."""

import concurrent.futures
import itertools
import json
import logging
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
import sounds
from mediasite import Entry, Site, cut, endless, redirect, slow, status, whole

from curate.config import Artist, WebOptions
from curate.errors import ConfigError
from curate.records import Rejection, Track
from curate.sources.cache import Cache
from curate.sources.source import Got, SourceError
from curate.sources.web import Web, downloading, hosts, info_key, javascript_runtime, key_of

FAST = WebOptions(sleep_s=0.0, request_sleep_s=0.0)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "WAIT_S", 0.02)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def site() -> Iterator[Site]:
    with mediasite.serving() as site:
        yield site


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Three seconds of sound in every format, by extension."""
    folder = tmp_path_factory.mktemp("tones")
    tone = sounds.sine(440, 3.0)
    return {kind: mediasite.encoded(folder / f"tone.{kind}", tone) for kind in sounds.FORMATS}


@pytest.fixture
def web(cache: Cache, tmp_path: Path) -> Iterator[Web]:
    web = Web(tmp_path, FAST, 60.0, cache)
    yield web
    web.close()


def quiet(done: int, total: int | None) -> None:
    pass


def listed(web: Web, *addresses: str) -> list[Track | Rejection]:
    return list(web.list_tracks(Artist("Someone", playlists=addresses)))


def tracks_of(web: Web, *addresses: str) -> list[Track]:
    found = listed(web, *addresses)
    assert all(isinstance(track, Track) for track in found), found
    return [track for track in found if isinstance(track, Track)]


def refusal(web: Web, track: Track) -> SourceError:
    with pytest.raises(SourceError) as caught:
        web.get(track, quiet)
    return caught.value


# --- a feed of everything -----------------------------------------------------------------------


def test_a_feed_of_mixed_formats_and_faults(
    site: Site, web: Web, cache: Cache, tmp_path: Path
) -> None:
    tones = [sounds.sine(220 * (1 + n), 3.0) for n in range(6)]
    feed = mediasite.ten_items(site, tmp_path / "made", tones)
    tracks = tracks_of(web, feed)
    assert len(tracks) == 10
    assert tracks[0].title == "紅葉 (もみじ)"
    assert site.counts == {"/feed.xml": 1}  # nothing else is asked to list them

    got: dict[str, Got] = {}
    refused: dict[str, str] = {}
    for track in tracks:
        path = "/" + track.uri.rpartition("/")[2]
        try:
            got[path] = web.get(track, quiet)
        except SourceError as error:
            refused[path] = error.code
    assert refused == mediasite.BAD
    assert set(got) == set(mediasite.GOOD)
    for path, one in got.items():
        assert one.path.read_bytes() == site.media[path][0]
        assert one.path.suffix == Path(path).suffix
    assert site.count("/gone.mp3") == 1  # what is gone is not asked for again
    assert site.count("/one.mp3") == 2
    resumed = site.ranges_of("/torn.wav")[-1]
    half = len(site.media["/torn.wav"][0]) // 2
    assert half * 0.9 < int((resumed or "")[6:-1]) <= half
    assert not [asked for asked in site.asked if asked.host.startswith("localhost")]

    before = len(site.asked)
    again = Web(tmp_path, FAST, 60.0, Cache(cache.place))
    assert listed(again, feed) == tracks
    assert {"/" + t.uri.rpartition("/")[2] for t in tracks if again.at_hand(t)} == set(got)
    for track in tracks:
        if again.at_hand(track):
            assert again.get(track, quiet) == web.at_hand(track)
    assert len(site.asked) == before


def test_where_it_came_from_is_told(
    site: Site, web: Web, cache: Cache, tones: dict[str, bytes]
) -> None:
    import yt_dlp

    site.put("/a b.mp3", tones["mp3"])
    (track,) = tracks_of(web, site.feed("/feed.xml", [Entry("/a b.mp3", "A song")]))
    begun = datetime.now(UTC).replace(microsecond=0)
    got = web.get(track, quiet)
    assert got.origin.address == track.uri == f"{site.address}/a%20b.mp3"
    assert got.origin.extractor == "generic"
    assert got.origin.version == yt_dlp.version.__version__
    assert got.origin.licence is None
    assert got.origin.licence_source is None
    assert got.origin.retrieved_at is not None
    assert datetime.fromisoformat(got.origin.retrieved_at) >= begun
    assert got.labels == ()  # a file's name is no title that somebody gave
    kept = json.loads(cache.answer(info_key(track.uri), None) or b"")
    assert kept["webpage_url"] == track.uri
    assert not {"url", "formats", "http_headers", "cookies"} & set(kept)
    assert cache.audio(key_of(track.uri)) == got


def test_progress_is_told(site: Site, web: Web, tones: dict[str, bytes]) -> None:
    (track,) = tracks_of(web, site.put("/a.wav", tones["wav"]))
    told: list[tuple[int, int | None]] = []
    web.get(track, lambda done, total: told.append((done, total)))
    size = len(tones["wav"])
    assert told[-1] == (size, size)
    assert len(told) > 2
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize("kind", ["mp3", "m4a", "ogg", "opus", "webm", "flac", "wav"])
def test_files_are_kept_as_they_are(
    site: Site, web: Web, tones: dict[str, bytes], kind: str
) -> None:
    (track,) = tracks_of(web, site.put(f"/tone.{kind}", tones[kind]))
    assert track.title == "tone"
    got = web.get(track, quiet)
    assert got.path.read_bytes() == tones[kind]
    assert got.path.suffix == f".{kind}"


@pytest.mark.parametrize(
    ("kind", "suffix"), [("mp3", ".mp3"), ("flac", ".flac"), ("webm", ".webm")]
)
def test_what_has_no_extension_gets_the_one_that_fits(
    site: Site, web: Web, tones: dict[str, bytes], kind: str, suffix: str
) -> None:
    (track,) = tracks_of(web, site.put("/stream", tones[kind], "application/octet-stream"))
    assert web.get(track, quiet).path.suffix == suffix


def test_a_page_with_several_recordings_is_a_list(
    site: Site, web: Web, tones: dict[str, bytes]
) -> None:
    site.put("/a.mp3", tones["mp3"])
    site.put("/b.ogg", tones["ogg"])
    sources = '<audio src="/a.mp3"></audio><audio src="/b.ogg"></audio>'
    page = site.put("/page.html", f"<html><title>Two</title>{sources}</html>".encode())
    first, second = tracks_of(web, page)
    assert first.id != second.id
    assert first.uri.startswith(f"{page}#")
    assert web.get(first, quiet).path.read_bytes() == tones["mp3"]
    assert web.get(second, quiet).path.read_bytes() == tones["ogg"]


def test_an_hls_stream_is_put_together(site: Site, web: Web, tones: dict[str, bytes]) -> None:
    half = len(tones["aac"]) // 2
    site.put("/1.aac", tones["aac"][:half])
    site.put("/2.aac", tones["aac"][half:])
    head = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.5,\n1.aac\n#EXTINF:1.5,\n2.aac\n"
    (track,) = tracks_of(web, site.put("/list.m3u8", f"{head}#EXT-X-ENDLIST\n".encode()))
    assert web.get(track, quiet).path.read_bytes() == tones["aac"]

    (live,) = listed(web, site.put("/live.m3u8", head.encode()))
    assert isinstance(live, Rejection)
    assert live.code == "live"
    (track,) = tracks_of(web, site.feed("/feed.xml", ["/live.m3u8"]))
    assert refusal(web, track).code == "live"


def test_a_hole_in_a_stream_is_not_jumped_over(
    site: Site, web: Web, tones: dict[str, bytes]
) -> None:
    site.put("/1.aac", tones["aac"])
    head = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.5,\n1.aac\n#EXTINF:1.5,\nnone.aac\n"
    (track,) = tracks_of(web, site.put("/list.m3u8", f"{head}#EXT-X-ENDLIST\n".encode()))
    assert refusal(web, track).code == "removed"
    assert web.at_hand(track) is None


# --- listing ------------------------------------------------------------------------------------


def test_a_listing_is_kept_for_a_while(site: Site, cache: Cache, tmp_path: Path) -> None:
    feed = site.feed("/feed.xml", ["/a.mp3", "/b.mp3"])
    first = listed(Web(tmp_path, FAST, 60.0, cache), feed)
    assert listed(Web(tmp_path, FAST, 60.0, cache), feed) == first
    assert site.count("/feed.xml") == 1
    site.feed("/feed.xml", ["/new.mp3", "/a.mp3", "/b.mp3"])
    impatient = replace(FAST, refresh_hours=0.0)
    assert len(listed(Web(tmp_path, impatient, 60.0, cache), feed)) == 3
    assert site.count("/feed.xml") == 2


def test_order_ids_and_repeats(site: Site, web: Web) -> None:
    feed = site.feed("/feed.xml", ["/b.mp3", "/a.mp3", "/b.mp3", "/c.mp3"])
    tracks = tracks_of(web, feed)
    assert [track.title for track in tracks] == ["b", "a", "c"]
    assert len({track.id for track in tracks}) == 3
    assert all(track.source == "web" and track.artist == "Someone" for track in tracks)
    both = tracks_of(web, feed, f"{site.address}/feed.xml?utm_source=x")
    assert [track.id for track in both] == [track.id for track in tracks]


def test_only_as_much_is_read_as_somebody_wants(site: Site, cache: Cache, tmp_path: Path) -> None:
    """Nested listings are opened when their turn comes; the next build goes on from there."""
    feeds = [site.feed(f"/{n}.xml", [f"/{n}a.mp3", f"/{n}b.mp3"]) for n in range(3)]
    artist = Artist("Someone", playlists=tuple(feeds))
    web = Web(tmp_path, FAST, 60.0, cache)
    assert len(list(itertools.islice(web.list_tracks(artist), 3))) == 3
    assert site.counts == {"/0.xml": 1, "/1.xml": 1}
    web = Web(tmp_path, FAST, 60.0, cache)
    assert len(list(itertools.islice(web.list_tracks(artist), 3))) == 3
    assert site.counts == {"/0.xml": 1, "/1.xml": 1}
    assert len(list(web.list_tracks(artist))) == 6
    assert site.counts == {"/0.xml": 1, "/1.xml": 2, "/2.xml": 1}


def test_what_the_listing_tells_is_refused_before_it_is_asked_for(site: Site, web: Web) -> None:
    entries = [
        Entry("/long.mp3", "Long", duration_s=61),
        Entry("/short.mp3", "Short", duration_s=60),
        Entry("ftp://127.0.0.1/x.mp3", "Other scheme"),
        Entry("file:///etc/passwd", "A file"),
        Entry("http://[::1/x.mp3", "No address"),
    ]
    found = listed(web, site.feed("/feed.xml", entries))
    codes = [found.code if isinstance(found, Rejection) else "" for found in found]
    assert codes == ["too_long", "", "unsupported", "unsupported", "unsupported"]
    long = found[0]
    assert isinstance(long, Rejection)
    assert (long.title, long.artist, long.stage) == ("Long", "Someone", "list")
    assert long.uri == f"{site.address}/long.mp3"
    assert "61 s, at most 60 s are wanted; raise limits.track.max_seconds" in long.reason
    assert site.counts == {"/feed.xml": 1}


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("../../etc/passwd", "../../etc/passwd"),
        ("a\tb\u2028c\x85d\u202ee", "a b c d e"),
        ("が", "が"),
        ("x" * 10_000, "x" * 200),
        ("  ", "untitled"),
        ("CON", "CON"),
        ("%(title)s {0} ${HOME}", "%(title)s {0} ${HOME}"),
    ],
)
def test_hostile_titles(
    site: Site, web: Web, cache: Cache, tones: dict[str, bytes], title: str, shown: str
) -> None:
    site.put("/untitled", tones["mp3"], "audio/mpeg")
    feed = site.feed("/feed.xml", [Entry("/untitled", title, guid=f"../{title[:200]}")])
    (track,) = tracks_of(web, feed)
    assert track.title == shown
    web.get(track, quiet)
    outside = {path.name for path in cache.place.parent.iterdir()}
    assert outside == {"cache"}
    names = {
        part for path in cache.place.rglob("*") for part in path.relative_to(cache.place).parts
    }
    assert all(set(n.partition(".")[0]) <= set("0123456789abcdef") for n in names - FOLDERS)


FOLDERS = {"audio", "keys", "users", "answers", "partial", "lock", "locks"}


def test_a_listing_that_cannot_be_read_is_a_rejection(site: Site, web: Web) -> None:
    site.always["/down.xml"] = status(503)
    site.put("/words.html", b"<html><body>no music here</body></html>")
    addresses = [f"{site.address}/{name}" for name in ("none.xml", "words.html", "down.xml")]
    addresses += ["ftp://127.0.0.1/", "nonsense", "http://user:hunter2@127.0.0.1/x"]
    found = listed(web, *addresses)
    assert all(isinstance(one, Rejection) for one in found)
    codes = [one.code for one in found if isinstance(one, Rejection)]
    assert codes == ["removed", "unsupported", "network"] + ["unsupported"] * 3
    assert site.count("/none.xml") == 1
    assert site.count("/down.xml") == 1 + FAST.retries
    assert "hunter2" not in str(found)


def test_an_older_listing_helps_where_the_site_is_away(
    site: Site, cache: Cache, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    impatient = replace(FAST, refresh_hours=0.0, retries=0)
    feed = site.feed("/feed.xml", ["/a.mp3", "/b.mp3"])
    tracks = listed(Web(tmp_path, impatient, 60.0, cache), feed)
    site.always["/feed.xml"] = status(503)
    with caplog.at_level(logging.WARNING):
        assert listed(Web(tmp_path, impatient, 60.0, cache), feed) == tracks
    assert "an older listing is used" in caplog.text
    del site.always["/feed.xml"]
    site.feed("/feed.xml", ["/c.mp3"])
    assert [t.title for t in tracks_of(Web(tmp_path, impatient, 60.0, cache), feed)] == ["c"]


def test_offline(
    site: Site, web: Web, cache: Cache, tmp_path: Path, tones: dict[str, bytes]
) -> None:
    site.put("/a.mp3", tones["mp3"])
    feed = site.feed("/feed.xml", ["/a.mp3", "/b.mp3"])
    first, second = tracks_of(web, feed)
    got = web.get(first, quiet)
    before = len(site.asked)
    off = Web(tmp_path, replace(FAST, refresh_hours=0.0), 60.0, cache, offline=True)
    assert listed(off, feed) == [first, second]
    assert off.at_hand(first) == got
    assert off.get(first, quiet) == got
    assert off.at_hand(second) is None
    assert refusal(off, second).code == "offline"
    (never,) = listed(off, f"{site.address}/other.xml")
    assert isinstance(never, Rejection)
    assert never.code == "offline"
    assert len(site.asked) == before


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


def test_a_tries_end_leaves_a_host_that_never_says_when(site: Site, web: Web) -> None:
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

KILLED = """
import sys
from pathlib import Path
from curate.config import Artist, WebOptions
from curate.sources.cache import Cache
from curate.sources.web import Web
web = Web(Path("."), WebOptions(sleep_s=0, request_sleep_s=0), 60.0, Cache(Path(sys.argv[1])))
(track,) = web.list_tracks(Artist("Someone", playlists=(sys.argv[2],)))
def tell(done, total):
    if done > 50_000:
        print(done, flush=True)
web.get(track, tell)
"""


def test_a_killed_download_goes_on(
    site: Site, web: Web, cache: Cache, tones: dict[str, bytes]
) -> None:
    site.put("/a.wav", tones["wav"])
    feed = site.feed("/feed.xml", ["/a.wav"])
    site.script("/a.wav", whole, slow(200_000))
    command = [sys.executable, "-c", KILLED, str(cache.place), feed]
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
    assert len([path for path in (cache.place / "partial").rglob("*") if path.is_file()]) == 1
    site.put("/a.wav", tones["flac"])
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


# --- the guard ----------------------------------------------------------------------------------


@pytest.mark.parametrize("legacy", [False, True], ids=["requests", "urllib"])
def test_redirects_are_asked_about_before_they_are_followed(
    site: Site,
    cache: Cache,
    tmp_path: Path,
    tones: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    legacy: bool,
) -> None:
    from curate.sources.web import settings

    plain = settings.params
    if legacy:
        monkeypatch.setattr(
            settings,
            "params",
            lambda *a: {**plain(*a), "compat_opts": {"prefer-legacy-http-handler"}},
        )
    with mediasite.serving() as secret:
        secret.put("/inside", tones["mp3"], "audio/mpeg")
        site.put("/real.mp3", tones["mp3"])
        names = {
            "/same.mp3": f"{site.address}/real.mp3",
            "/relative.mp3": "/real.mp3",
            "/other.mp3": f"http://localhost:{secret.port}/inside",
            "/file.mp3": "file:///etc/passwd",
            "/ftp.mp3": "ftp://127.0.0.1/x.mp3",
            "/twice.mp3": f"{site.address}/other.mp3",
        }
        for name, target in names.items():
            site.always[name] = redirect(target, 301 if legacy else 307)
        web = Web(tmp_path, FAST, 60.0, cache)
        tracks = tracks_of(web, site.feed("/feed.xml", list(names)))
        results = {}
        for track in tracks:
            try:
                results[track.title] = web.get(track, quiet).path.suffix
            except SourceError as error:
                results[track.title] = error.code
        unsafe = dict.fromkeys(("other", "file", "ftp", "twice"), "unsafe_address")
        assert results == {"same": ".mp3", "relative": ".mp3", **unsafe}
        assert secret.asked == []


def test_a_feed_on_the_web_leads_nowhere_inside(
    site: Site, cache: Cache, tmp_path: Path, tones: dict[str, bytes]
) -> None:
    """The site is the proxy of `music.example`, so a listing on the open web can be played."""
    with mediasite.serving() as secret:
        secret.put("/inside", tones["mp3"], "audio/mpeg")
        inside = [
            f"http://127.0.0.1:{secret.port}/inside",
            f"http://localhost:{secret.port}/inside",
            f"http://127.1:{secret.port}/inside",
            f"http://2130706433:{secret.port}/inside",
            f"http://[::ffff:127.0.0.1]:{secret.port}/inside",
            f"http://0.0.0.0:{secret.port}/inside",
            "http://169.254.169.254/latest/meta-data/",
            "http://10.0.0.1/",
            "http://router/",
            "http://metadata.google.internal/",
        ]
        outside = site.at("music.example")
        site.put("/good.mp3", tones["mp3"])
        site.put("/cdn.mp3", tones["ogg"])
        for n, where in enumerate(inside):
            site.always[f"/{n}.mp3"] = redirect(where)
        site.always["/up.mp3"] = redirect("http://cdn.music.example/cdn.mp3")
        site.always["/away.mp3"] = redirect("http://elsewhere.example/cdn.mp3")
        entries = [Entry(where, f"listed {n}") for n, where in enumerate(inside)]
        entries += [Entry(f"{outside}/{n}.mp3", f"redirect {n}") for n in range(len(inside))]
        entries += [Entry(f"{outside}/{n}.mp3", n) for n in ("good", "up", "away")]
        feed = mediasite.feed_of(outside, entries, "A feed")
        site.put("/feed.xml", feed)
        web = Web(tmp_path, replace(FAST, proxy=site.as_proxy), 60.0, cache)
        results = {}
        for found in listed(web, f"{outside}/feed.xml"):
            if isinstance(found, Rejection):
                results[found.title] = found.code
                continue
            try:
                web.get(found, quiet)
                results[found.title] = "got"
            except SourceError as error:
                results[found.title] = error.code
        assert {title for title, code in results.items() if code == "got"} == {"good", "up"}
        assert set(results.values()) == {"got", "unsafe_address"}
        assert len(results) == len(entries)
        assert secret.asked == []
        assert {asked.host for asked in site.asked} == {"music.example", "cdn.music.example"}


# --- secrets ------------------------------------------------------------------------------------

SECRETS = ("hunter2", "s3cr3tc00kie", "t0k3nvalue", "Pr0xyPa55")


def everything(cache: Cache) -> bytes:
    return b"".join(path.read_bytes() for path in cache.place.rglob("*") if path.is_file())


def test_secrets_are_told_nobody(
    site: Site,
    cache: Cache,
    tmp_path: Path,
    tones: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(
        "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tsid\ts3cr3tc00kie\n"
    )
    before = cookies.read_bytes()
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:Pr0xyPa55@127.0.0.1:1")
    site.put("/a.mp3", tones["mp3"])
    site.put("/b.mp3", tones["ogg"])
    names = [f"{site.address}/{n}.mp3?token=t0k3nvalue" for n in ("a", "b", "none", "down")]
    site.always["/down.mp3"] = status(500)
    site.feed("/feed.xml", [Entry(name, f"song {n}") for n, name in enumerate(names)])
    web = Web(tmp_path, replace(FAST, cookies="cookies.txt"), 60.0, cache)
    feed = f"{site.address}/feed.xml?auth=t0k3nvalue"
    tracks = tracks_of(web, feed)
    said = [str(tracks)]
    said.append(str(web.get(tracks[0], quiet)))
    again = Web(tmp_path, replace(FAST, cookies="cookies.txt"), 60.0, cache)
    assert listed(again, feed) == tracks
    said.append(str(again.get(tracks[1], quiet)))  # looked up in the listing, for it is not kept
    assert site.count("/feed.xml") == 2
    for track, code in ((tracks[2], "removed"), (tracks[3], "network")):
        error = refusal(again, track)
        assert error.code == code
        said += [str(error), repr(error), error.reason]
    said.append(str(listed(web, "http://u:hunter2@127.0.0.1:1/x", f"{site.address}/x?key=hunter2")))
    web.close()
    again.close()
    assert all("s3cr3tc00kie" in asked.headers.get("Cookie", "") for asked in site.asked)
    out, err = capfd.readouterr()
    for secret in SECRETS:
        assert secret not in "".join(said)
        assert secret not in caplog.text
        assert secret not in out + err
        assert secret.encode() not in everything(cache)
    assert cookies.read_bytes() == before


def test_items_that_differ_only_in_a_secret_are_two(
    site: Site, web: Web, tones: dict[str, bytes]
) -> None:
    site.put("/get", tones["mp3"], "audio/mpeg")
    names = [Entry(f"{site.address}/get?key={n}", f"song {n}") for n in range(2)]
    first, second = tracks_of(web, site.feed("/feed.xml", names))
    assert first.id != second.id
    web.get(second, quiet)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("127.0.0.1\tFALSE\t/\tFALSE\t0\tsid s3cr3tc00kie\n", r"cookies.txt:1: is no cookie"),
        ('[{"name": "sid", "value": "s3cr3tc00kie"}]', r"cookies.txt:1: is no cookie"),
        (None, r"cannot be read: No such file"),
    ],
)
def test_cookies_that_are_none_are_not_shown(
    cache: Cache, tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str | None, said: str
) -> None:
    if text is not None:
        (tmp_path / "cookies.txt").write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        Web(tmp_path, replace(FAST, cookies="cookies.txt"), 60.0, cache)
    assert "s3cr3tc00kie" not in str(caught.value) + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        ("http://me:hunter2@127.0.0.1:1", "HTTPS_PROXY"),
        ("http://me@127.0.0.1:1", "HTTPS_PROXY"),
        ("127.0.0.1:8080", "is no proxy"),
        ("ftp://127.0.0.1", "is no proxy"),
        ("http://127.0.0.1:port", "is no proxy"),
    ],
)
def test_proxies_that_cannot_be(cache: Cache, tmp_path: Path, proxy: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        Web(tmp_path, replace(FAST, proxy=proxy), 60.0, cache)
    assert "hunter2" not in str(caught.value)


# --- yt-dlp itself ------------------------------------------------------------------------------


def test_nothing_of_the_users_own_yt_dlp_is_loaded(
    site: Site, tmp_path: Path, tones: dict[str, bytes]
) -> None:
    home = tmp_path / "home"
    marker = tmp_path / "marker"
    config = home / ".config/yt-dlp"
    plugin = config / "plugins/mine/yt_dlp_plugins/extractor/mine.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(f"open({str(marker)!r}, 'w').close()\n")
    (config / "config").write_text(f"--exec 'touch {marker}'\n-o {tmp_path}/here.%(ext)s\n")
    site.put("/a.mp3", tones["mp3"])
    feed = site.feed("/feed.xml", ["/a.mp3"])
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}
    environment.pop("XDG_CONFIG_HOME", None)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "cache"), feed]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert not marker.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"home", "cache"}
    assert site.count("/a.mp3") == 2


def test_a_javascript_runtime_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    assert javascript_runtime() == ""
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v20.0.0\n")
    node.chmod(0o755)
    assert javascript_runtime() == ""  # too old
    node.write_text("#!/bin/sh\necho v22.1.0\n")
    assert javascript_runtime() == "node 22.1.0"
    deno = tmp_path / "deno"
    deno.write_text("#!/bin/sh\necho deno 2.5.0\n")
    deno.chmod(0o755)
    assert javascript_runtime() == "deno 2.5.0"
