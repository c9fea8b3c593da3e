"""The web as a source: lists and recordings, by the real yt-dlp against a site on 127.0.0.1."""

import itertools
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import mediasite
import pytest
import sounds
import webtools
from mediasite import Entry, Site, status
from webtools import FAST, listed, quiet, refusal, tracks_of

from curate.config import Artist
from curate.records import Rejection
from curate.sources.cache import Cache
from curate.sources.source import Got, SourceError
from curate.sources.web import (
    Web,
    info_key,
    key_of,
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


def test_a_server_that_calls_everything_text(site: Site, web: Web, tones: dict[str, bytes]) -> None:
    (track,) = tracks_of(web, site.put("/a.mp3", tones["mp3"], "text/plain"))
    assert web.get(track, quiet).path.suffix == ".mp3"


def test_an_address_in_any_script(site: Site, web: Web, tones: dict[str, bytes]) -> None:
    site.put("/音楽/紅 葉.ogg", tones["ogg"])
    entry = Entry(f"{site.address}/音楽/紅 葉.ogg", "紅葉")
    (track,) = tracks_of(web, site.feed("/feed.xml", [entry]))
    assert web.get(track, quiet).path.read_bytes() == tones["ogg"]


def test_a_list_in_the_place_of_a_recording(site: Site, web: Web) -> None:
    site.feed("/inner.xml", ["/a.mp3", "/b.mp3"])
    (track,) = tracks_of(web, site.feed("/feed.xml", ["/inner.xml"]))
    error = refusal(web, track)
    assert error.code == "unsupported"
    assert "name that list under playlists" in error.reason
    assert site.counts == {"/feed.xml": 1, "/inner.xml": 1}


def test_what_was_fetched_can_be_given_up(site: Site, web: Web, tones: dict[str, bytes]) -> None:
    site.put("/a.mp3", tones["mp3"])
    site.put("/b.mp3", tones["mp3"])
    first, second = tracks_of(web, site.feed("/feed.xml", ["/a.mp3", "/b.mp3"]))
    path = web.get(first, quiet).path
    assert web.get(second, quiet).path == path  # the same bytes lie there once
    web.release(first)
    assert web.at_hand(first) is None
    assert path.exists()
    web.release(second)
    web.release(second)
    assert not path.exists()


def test_other_sources_can_fetch_too(site: Site, web: Web, tones: dict[str, bytes]) -> None:
    address = site.put("/a.mp3", tones["mp3"])
    with pytest.raises(SourceError) as caught:
        web.fetch(address, quiet)  # who knows where it comes from
    assert caught.value.code == "unsafe_address"
    assert site.asked == []
    got = web.fetch(address, quiet, f"{site.address}/table.csv")
    assert web.kept(address) == got


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


FOLDERS = {"audio", "keys", "users", "answers", "web", "partial", "lock", "locks"}


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
