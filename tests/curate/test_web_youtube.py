"""YouTube's lists and refusals through yt-dlp's own extractors; only its servers are made up.

YouTube speaks https alone, so the answers are put in where yt-dlp would send a request.
"""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from yt_dlp.networking import RequestDirector
from yt_dlp.networking.common import Request, Response

from curate.config import Artist, WebOptions
from curate.records import Rejection, Track
from curate.sources.cache import Cache
from curate.sources.source import SourceError
from curate.sources.web import Web, runtime

OPTIONS = WebOptions(sleep_s=0.0, request_sleep_s=0.0, proxy="http://127.0.0.1:9", retries=0)
"""Behind a proxy no name is looked up here."""

PLAYLIST = "https://www.youtube.com/playlist?list=PLabcdefghijklmnop"


@dataclass
class YouTube:
    """What it answers, by path, and what it was asked."""

    answers: dict[str, Callable[[dict[str, Any]], Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def send(self, request: Request) -> Response:
        path = request.url.partition("youtube.com")[2].partition("?")[0]
        self.asked.append(path)
        body = json.loads(request.data) if isinstance(request.data, bytes) else {}
        said = self.answers[path](body) if path in self.answers else "<html></html>"
        data = said if isinstance(said, str) else json.dumps(said)
        kind = "text/html" if isinstance(said, str) else "application/json"
        return Response(io.BytesIO(data.encode()), request.url, {"Content-Type": kind})


@pytest.fixture
def youtube(monkeypatch: pytest.MonkeyPatch) -> YouTube:
    site = YouTube()
    monkeypatch.setattr(RequestDirector, "send", lambda _, request: site.send(request))
    return site


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return Web(tmp_path, OPTIONS, 600.0, Cache(tmp_path / "cache"))


def text(words: str) -> dict[str, Any]:
    return {"runs": [{"text": words}]}


def video(number: str, title: str, length: str | None = "3:00", **more: Any) -> dict[str, Any]:
    told = {"videoId": number * 11, "title": text(title), **more}
    if length:
        told["lengthText"] = {"simpleText": length}
    return told


def badge(style: str) -> list[dict[str, Any]]:
    return [{"metadataBadgeRenderer": {"style": style, "label": "words"}}]


def playlist(*videos: dict[str, Any]) -> str:
    """The page of a playlist."""
    items = [{"playlistVideoRenderer": one} for one in videos]
    listed = {"playlistVideoListRenderer": {"contents": items}}
    section = {
        "sectionListRenderer": {"contents": [{"itemSectionRenderer": {"contents": [listed]}}]}
    }
    tab = {"tabRenderer": {"selected": True, "content": section}}
    data = {
        "contents": {"twoColumnBrowseResultsRenderer": {"tabs": [tab]}},
        "metadata": {"playlistMetadataRenderer": {"title": "A list"}},
    }
    return f"<html><script>var ytInitialData = {json.dumps(data)};</script></html>"


def found(*videos: dict[str, Any]) -> dict[str, Any]:
    """The answer to a search."""
    items = [{"videoRenderer": one} for one in videos]
    section = {"itemSectionRenderer": {"contents": items}}
    listed = {"primaryContents": {"sectionListRenderer": {"contents": [section]}}}
    return {"contents": {"twoColumnSearchResultsRenderer": listed}}


def refused(status: str, reason: str, subreason: str = "") -> dict[str, Any]:
    """A player's answer without anything to play."""
    said = {"status": status, "reason": reason}
    if subreason:
        screen = {"reason": {"simpleText": reason}, "subreason": {"simpleText": subreason}}
        said["errorScreen"] = {"playerErrorMessageRenderer": screen}
    return {"playabilityStatus": said, "videoDetails": {"videoId": "aaaaaaaaaaa", "title": "A"}}


def test_a_playlist(youtube: YouTube, web: Web) -> None:
    youtube.answers["/playlist"] = lambda _: playlist(
        video("a", "紅葉"),
        video("b", "[Private video]", None),
        video("c", "[Deleted video]", None),
        video("d", "A concert", "1:00:00"),
        video("e", "For fans", badges=badge("BADGE_STYLE_TYPE_MEMBERS_ONLY")),
        video("f", "Now", None, thumbnailOverlays=LIVE),
        video("g", "Soon", None, upcomingEventData={"startTime": "2000000000"}),
        video("h", "Last"),
    )
    artist = Artist("Someone", playlists=(PLAYLIST,))
    listed = list(web.list_tracks(artist))
    codes = [one.code if isinstance(one, Rejection) else "" for one in listed]
    assert codes == ["", "private", "removed", "too_long", "members_only", "live", "live", ""]
    assert [one.title for one in listed][:4] == [
        "紅葉",
        "[Private video]",
        "[Deleted video]",
        "A concert",
    ]
    assert listed[0].uri == "https://www.youtube.com/watch?v=aaaaaaaaaaa"
    before = len(youtube.asked)
    assert list(web.list_tracks(artist)) == listed
    assert len(youtube.asked) == before


EMBEDDED = json.dumps({"INNERTUBE_CONTEXT": {"client": {"clientName": "WEB_EMBEDDED_PLAYER"}}})
"""What is asked where a video is not for all ages."""

LIVE = [{"thumbnailOverlayTimeStatusRenderer": {"style": "LIVE", "text": {"simpleText": "LIVE"}}}]


def test_one_video_has_one_name(youtube: YouTube, web: Web) -> None:
    """Shorts, YouTube Music and the plain page show the same video."""
    endpoint = {"commandMetadata": {"webCommandMetadata": {"url": "/shorts/aaaaaaaaaaa"}}}
    youtube.answers["/playlist"] = lambda _: playlist(video("a", "A", navigationEndpoint=endpoint))
    artist = Artist("Someone", playlists=(PLAYLIST, PLAYLIST.replace("www", "music")))
    (track,) = web.list_tracks(artist)
    assert track.uri == "https://www.youtube.com/watch?v=aaaaaaaaaaa"


def test_a_search(youtube: YouTube, web: Web) -> None:
    youtube.answers["/youtubei/v1/search"] = lambda _: found(
        video("a", "夜に駆ける", "4:18", ownerText=text("Ayase / YOASOBI")),
        video("b", "Now", None, thumbnailOverlays=LIVE),
        video("c", "Without a length", None),
    )
    first, second = web.search("YOASOBI 夜に駆ける")
    assert first.place == "https://www.youtube.com/watch?v=aaaaaaaaaaa"
    assert first.titles == ("夜に駆ける",)
    assert first.artists == ("Ayase / YOASOBI",)
    assert first.duration_s == 258.0
    assert (second.titles, second.artists, second.duration_s) == (("Without a length",), (), None)
    before = len(youtube.asked)
    assert web.search("YOASOBI 夜に駆ける") == (first, second)
    assert len(youtube.asked) == before


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("bot_check", refused("LOGIN_REQUIRED", "Sign in to confirm you’re not a bot")),
        ("private", refused("LOGIN_REQUIRED", "Private video", "Sign in if you've been granted")),
        ("private", refused("LOGIN_REQUIRED", "Sign in to confirm your age")),
        ("removed", refused("ERROR", "Video unavailable", "This video has been removed by them")),
        ("removed", refused("ERROR", "Video unavailable")),
        (
            "rate_limited",
            refused("ERROR", "Video unavailable", "This content isn't available, try again later."),
        ),
        (
            "members_only",
            refused("UNPLAYABLE", "Join this channel to get access to members-only content"),
        ),
        (
            "geo_blocked",
            refused(
                "UNPLAYABLE",
                "Video unavailable",
                "The uploader has not made this video available in your country",
            ),
        ),
        (
            "geo_blocked",
            refused("ERROR", "Video unavailable", "X, who has blocked it in your country on"),
        ),
        ("live", refused("LIVE_STREAM_OFFLINE", "This live event will begin in 3 hours.")),
        ("live", refused("LIVE_STREAM_OFFLINE", "Premieres in 12 hours")),
    ],
)
def test_refusals(
    youtube: YouTube, web: Web, tmp_path: Path, code: str, said: dict[str, Any]
) -> None:
    youtube.answers["/playlist"] = lambda _: playlist(video("a", "A"), video("b", "B"))
    youtube.answers["/youtubei/v1/player"] = lambda _: said
    youtube.answers["/embed/aaaaaaaaaaa"] = lambda _: f"<script>ytcfg.set({EMBEDDED});</script>"
    one, other = web.list_tracks(Artist("Someone", playlists=(PLAYLIST,)))
    assert isinstance(one, Track)
    assert isinstance(other, Track)
    with pytest.raises(SourceError) as caught:
        web.get(one, lambda done, total: None)
    assert caught.value.code == code
    assert "cookies-from-browser" not in caught.value.reason
    assert "http" not in caught.value.reason
    before = len(youtube.asked)
    if code not in ("bot_check", "rate_limited"):
        assert caught.value.until is None
        return
    assert caught.value.until is not None
    with pytest.raises(SourceError) as again:
        web.get(other, lambda done, total: None)
    assert again.value.code == code
    assert len(youtube.asked) == before
    with_cookies = replace(OPTIONS, cookies="cookies.txt")
    (tmp_path / "cookies.txt").write_text(".youtube.com\tTRUE\t/\tTRUE\t0\tSID\tvalue\n")
    web = Web(tmp_path, with_cookies, 600.0, Cache(tmp_path / "cache"))
    with pytest.raises(SourceError):
        web.get(other, lambda done, total: None)
    assert len(youtube.asked) > before  # with an account one may ask at once


def test_without_javascript_it_is_said_what_is_missing(
    youtube: YouTube, web: Web, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    youtube.answers["/playlist"] = lambda _: playlist(video("a", "A"))
    youtube.answers["/youtubei/v1/player"] = lambda _: {
        "playabilityStatus": {"status": "OK"},
        "videoDetails": {"videoId": "aaaaaaaaaaa", "title": "A", "lengthSeconds": "180"},
        "streamingData": {"adaptiveFormats": []},
    }
    (track,) = web.list_tracks(Artist("Someone", playlists=(PLAYLIST,)))
    assert isinstance(track, Track)
    with pytest.raises(SourceError) as caught:
        web.get(track, lambda done, total: None)
    assert caught.value.code == "no_javascript"
    assert runtime.REMEDY in caught.value.reason
