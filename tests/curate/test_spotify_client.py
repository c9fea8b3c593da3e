"""The real spotipy against Spotify's protocol on 127.0.0.1: faults, waits, pages, what is kept."""

import json
import logging
import os
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import spotifysite as spotify
from spotifysite import Site

from curate.config import SpotifyOptions
from curate.errors import CurateError
from curate.sources.cache import Cache
from curate.sources.source import SourceError
from curate.sources.spotify import connection
from curate.sources.spotify.client import Client
from curate.sources.spotify.connection import Connection

ONE = spotify.id_of("track", 1)
LIST = spotify.id_of("playlist", 1)
NOW = 1_790_000_000.0
OPTIONS = SpotifyOptions(use=("tracks",))


class Clock:
    """A time that passes only by waiting."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.passed = 0.0

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def now(self) -> float:
        return NOW + sum(self.waits) + self.passed


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", spotify.CLIENT_ID)
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", spotify.CLIENT_SECRET)
    with spotify.serving() as site:
        site.add(spotify.track(1, "Lemon"))
        yield site


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def open_client(
    site: Site,
    clock: Clock,
    place: Path,
    options: SpotifyOptions = OPTIONS,
    *,
    offline: bool = False,
) -> Client:
    made = Connection(options.max_wait_s, site.api, site.token_address, clock.sleep, clock.now)
    return Client(Cache(place), options, made, offline)


def refusal(call: Callable[[], object]) -> SourceError:
    with pytest.raises(SourceError) as caught:
        call()
    assert caught.value.reason
    return caught.value


def test_one_token_serves_all_requests(site: Site, clock: Clock, place: Path) -> None:
    site.add(spotify.track(2))
    client = open_client(site, clock, place)
    assert client.track(ONE)["name"] == "Lemon"
    assert client.track(spotify.id_of("track", 2))["name"] == "Song 2"
    assert len(site.tokens) == 1
    assert len(site.asked) == 2
    assert clock.waits == []


def test_the_real_addresses_are_spotifys() -> None:
    assert connection.API == "https://api.spotify.com/v1/"
    assert connection.TOKENS == "https://accounts.spotify.com/api/token"
    usual = Connection(60.0)
    assert usual.owns("https://api.spotify.com/v1/playlists/x/items?offset=50&limit=50")
    for other in (
        "https://api.spotify.com.example.org/v1/x",
        "http://api.spotify.com/v1/x",
        "https://api.spotify.com/v2/x",
        "https://me@api.spotify.com/v1/x",
        "https://api.spotify.com:8443/v1/x",
        "//api.spotify.com/v1/x",
        "https://[",
    ):
        assert not usual.owns(other)


def test_a_short_wait_is_waited_and_said(
    site: Site, clock: Clock, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site.faults["tracks/"] = [spotify.limited(3)]
    assert open_client(site, clock, place).track(ONE)["name"] == "Lemon"
    assert clock.waits == [3.0]
    said = [record.getMessage() for record in caplog.records if "3 s" in record.getMessage()]
    assert said == ["Spotify: 429 API rate limit exceeded; asking again in 3 s"]


def test_a_long_wait_is_not_waited_and_remembered(site: Site, clock: Clock, place: Path) -> None:
    site.faults["tracks/"] = [spotify.limited(86400)]
    client = open_client(site, clock, place)
    error = refusal(lambda: client.track(ONE))
    assert error.code == "rate_limited"
    assert error.until is not None
    assert error.until.timestamp() == NOW + 86400
    assert "86400 s" in error.reason
    assert "60 s at most (spotify.max_wait_s)" in error.reason
    assert clock.waits == []
    assert len(site.asked) == 1
    for again in (client, open_client(site, clock, place)):  # this build, and the next one
        error = refusal(lambda client=again: client.track(ONE))
        assert error.code == "rate_limited"
        assert error.until is not None
        assert error.until.timestamp() == NOW + 86400
    assert len(site.asked) == 1
    clock.passed = 86401
    assert open_client(site, clock, place).track(ONE)["name"] == "Lemon"


def test_another_app_is_not_limited(
    site: Site, clock: Clock, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.faults["tracks/"] = [spotify.limited(86400)]
    refusal(lambda: open_client(site, clock, place).track(ONE))
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", "another")
    site.apps = {spotify.basic("another", spotify.CLIENT_SECRET)}
    assert open_client(site, clock, place).track(ONE)["name"] == "Lemon"


@pytest.mark.parametrize(
    ("after", "waits"),
    [
        ("3", [3.0] * 20),
        ("0", [1.0] * 60),
        ("-5", [1.0] * 60),
        ("7.5", [7.5] * 8),
        ("soon", [1.0, 3.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0]),
        ("", [1.0, 3.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0]),
        ("nan", [1.0, 3.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0]),
        ("inf", []),
        ("9" * 400, []),
        ("Mon, 21 Sep 2026 14:13:30 GMT", [10.0, 1.0]),
        ("Mon, 21 Sep 2099 14:13:30 GMT", []),
    ],
)
def test_waits_for_one_request_are_bounded(
    site: Site, clock: Clock, place: Path, after: str, waits: list[float]
) -> None:
    site.faults["tracks/"] = [spotify.limited(after)] * 100
    error = refusal(lambda: open_client(site, clock, place).track(ONE))
    assert error.code == "rate_limited"
    assert error.until is not None
    assert error.until.timestamp() <= clock.now() + connection.LONGEST_S
    assert clock.waits[: len(waits)] == waits
    assert sum(clock.waits) <= OPTIONS.max_wait_s


@pytest.mark.parametrize(
    "fault",
    [
        spotify.status(500),
        spotify.refuse(502, "Bad gateway."),
        spotify.refuse(503, "Service Unavailable"),
        spotify.reset,
        spotify.body(b"<html>Please log in</html>"),
        spotify.body(b"[]"),
        spotify.body(b""),
    ],
)
def test_what_may_pass_is_tried_again_with_growing_waits(
    site: Site, clock: Clock, place: Path, fault: spotify.Fault
) -> None:
    site.faults["tracks/"] = [fault] * 3
    client = open_client(site, clock, place)
    assert client.track(ONE)["name"] == "Lemon"
    assert clock.waits == [1.0, 3.0, 9.0]
    site.faults["tracks/"] = [fault] * 100
    error = refusal(lambda: client.track(spotify.id_of("track", 2)))
    assert error.code == "network"
    assert error.until is None
    assert clock.waits == [1.0, 3.0, 9.0] * 2
    site.faults.clear()
    assert refusal(lambda: client.track(spotify.id_of("track", 2))).code == "removed"


def test_nothing_is_asked_elsewhere(site: Site, clock: Clock, place: Path) -> None:
    with spotify.serving() as other:
        site.faults["tracks/"] = [spotify.moved(f"{other.api}tracks/{ONE}")] * 4
        site.faults["api/token"] = [spotify.moved(other.token_address)]
        error = refusal(lambda: open_client(site, clock, place).track(ONE))
        assert other.asked == other.tokens == []
    assert error.code == "network"
    assert "sends on to another address, which is not followed" in error.reason
    assert clock.waits == [1.0, 3.0, 9.0]


def test_silence_ends(
    site: Site, clock: Clock, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "TIMEOUT_S", 0.1)
    site.faults["tracks/"] = [spotify.silent(1.0)]
    assert open_client(site, clock, place).track(ONE)["name"] == "Lemon"
    assert clock.waits == [1.0]


def test_nobody_there(site: Site, clock: Clock, place: Path) -> None:
    site.address = "http://127.0.0.1:9"
    error = refusal(lambda: open_client(site, clock, place).track(ONE))
    assert (error.code, error.reason) == (
        "network",
        "Spotify: no connection (4 tries); build again later",
    )


def test_an_expired_token_is_renewed_once(site: Site, clock: Clock, place: Path) -> None:
    site.add(spotify.track(2), spotify.track(3))
    client = open_client(site, clock, place)
    client.track(ONE)
    site.valid.clear()
    assert client.track(spotify.id_of("track", 2))["name"] == "Song 2"
    assert len(site.tokens) == 2
    site.faults["tracks/"] = [spotify.refuse(401, "Invalid access token")] * 9
    with pytest.raises(CurateError, match=r"\(401 Invalid access token\); compare them") as caught:
        client.track(spotify.id_of("track", 3))
    assert len(site.tokens) == 3
    assert len(site.faults["tracks/"]) == 7
    assert clock.waits == []
    assert "SPOTIPY_CLIENT_ID" in str(caught.value)


def test_wrong_credentials(
    site: Site, clock: Clock, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", "a-wrong-planted-secret")
    with pytest.raises(CurateError, match="invalid_client, Invalid client secret") as caught:
        open_client(site, clock, place).track(ONE)
    assert "planted" not in str(caught.value)
    assert site.asked == []


def test_faults_of_the_token_address_are_waited_for_too(
    site: Site, clock: Clock, place: Path
) -> None:
    site.faults["api/token"] = [
        spotify.status(503),
        spotify.limited(5),
        spotify.body(b"{}"),
        spotify.body(b"no"),
    ]
    assert open_client(site, clock, place).track(ONE)["name"] == "Lemon"
    assert clock.waits == [1.0, 5.0, 3.0, 9.0]
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SPOTIPY_CLIENT_ID", None, "SPOTIPY_CLIENT_ID is not set"),
        ("SPOTIPY_CLIENT_SECRET", " ", "SPOTIPY_CLIENT_SECRET is not set"),
        ("SPOTIPY_CLIENT_SECRET", "geheim\u00e9", "SPOTIPY_CLIENT_SECRET has odd characters"),
    ],
)
def test_missing_credentials(
    site: Site,
    clock: Clock,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str | None,
    said: str,
) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(CurateError, match=said) as caught:
        open_client(site, clock, place).track(ONE)
    assert "developer.spotify.com/dashboard" in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert spotify.CLIENT_ID not in str(caught.value)
    assert site.asked == []


def test_answers_are_kept(
    site: Site, clock: Clock, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = spotify.id_of("track", 2)
    client = open_client(site, clock, place)
    found = client.track(ONE)
    assert refusal(lambda: client.track(lost)).code == "removed"
    site.asked.clear()
    monkeypatch.delenv("SPOTIPY_CLIENT_ID")  # not needed for what is known
    for offline in (False, True):
        again = open_client(site, clock, place, offline=offline)
        assert again.track(ONE) == found
        assert again.known_track(ONE) == found
        assert refusal(lambda client=again: client.track(lost)).code == "removed"
        assert again.known_track(lost) is None
    assert refusal(lambda: again.artist(spotify.id_of("artist", 1))).code == "offline"
    assert again.known_track(spotify.id_of("track", 9)) is None
    assert site.asked == []


def test_old_answers_are_asked_for_again_but_not_offline(
    site: Site, clock: Clock, place: Path
) -> None:
    open_client(site, clock, place).track(ONE)
    for file in (place / "answers").rglob("*"):
        if file.is_file():
            os.utime(file, (file.stat().st_atime, file.stat().st_mtime - 721 * 3600))
    site.add(spotify.track(1, "Renamed"))
    assert open_client(site, clock, place, offline=True).track(ONE)["name"] == "Lemon"
    assert open_client(site, clock, place).track(ONE)["name"] == "Renamed"


def test_a_broken_answer_in_the_cache_is_none(site: Site, clock: Clock, place: Path) -> None:
    open_client(site, clock, place).track(ONE)
    for broken in (b"", b"{", b"[]", b"\xff"):
        for file in (place / "answers").rglob("*"):
            if file.is_file():
                file.write_bytes(broken)
        assert open_client(site, clock, place).track(ONE)["name"] == "Lemon"
    assert len(site.asked) == 5


def fill(site: Site, count: int) -> list[str]:
    site.playlists[LIST] = [spotify.track(number) for number in range(count)]
    return [spotify.id_of("track", number) for number in range(count)]


def ids(entries: Iterator[Any]) -> list[str]:
    return [(entry.get("item") or entry.get("track"))["id"] for entry in entries]


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(("page", "pages"), [(50, 5), (100, 5), (7, 36), (1, 250)])
def test_a_playlist_of_250_in_pages_of_any_size(
    site: Site, clock: Clock, place: Path, old: bool, page: int, pages: int
) -> None:
    site.old, site.page = old, page
    wanted = fill(site, 250)
    assert ids(open_client(site, clock, place).playlist_entries(LIST)) == wanted
    where = f"playlists/{LIST}/{'tracks' if old else 'items'}"
    assert site.paths().count(where) == pages
    assert len(site.asked) == pages + old
    site.asked.clear()
    assert ids(open_client(site, clock, place).playlist_entries(LIST)) == wanted
    assert ids(open_client(site, clock, place, offline=True).playlist_entries(LIST)) == wanted
    assert site.asked == []


def test_pages_come_one_by_one(site: Site, clock: Clock, place: Path) -> None:
    fill(site, 250)
    entries = open_client(site, clock, place).playlist_entries(LIST)
    for _ in range(51):
        next(entries)
    assert len(site.asked) == 2


def test_a_listing_goes_on_where_it_was_cut(site: Site, clock: Clock, place: Path) -> None:
    wanted = fill(site, 250)
    site.faults["offset=100"] = [spotify.status(500)] * 4
    entries = open_client(site, clock, place).playlist_entries(LIST)
    assert refusal(lambda: list(entries)).code == "network"
    site.asked.clear()
    assert ids(open_client(site, clock, place).playlist_entries(LIST)) == wanted
    assert len(site.asked) == 3


@pytest.mark.parametrize("gone", [True, False])
def test_a_playlist_that_is_not_given(site: Site, clock: Clock, place: Path, gone: bool) -> None:
    if not gone:
        site.faults[f"playlists/{LIST}"] = [spotify.refuse(403, "Forbidden")] * 2
    client = open_client(site, clock, place)
    error = refusal(lambda: list(client.playlist_entries(LIST)))
    assert error.code == ("removed" if gone else "private")
    assert gone or "list its artists, albums or tracks instead" in error.reason
    assert site.paths() == [f"playlists/{LIST}/items", f"playlists/{LIST}/tracks"]
    site.asked.clear()
    again = refusal(lambda: list(open_client(site, clock, place).playlist_entries(LIST)))
    assert (again.code, again.reason) == (error.code, error.reason)
    assert site.asked == []


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_page_elsewhere_or_in_a_circle_is_not_followed(
    site: Site, clock: Clock, place: Path, elsewhere: bool
) -> None:
    entry = {"item": spotify.track(1)}
    after = f"{site.api}playlists/{LIST}/items?offset=50"
    if elsewhere:
        after = "http://planted:geheim@localhost:9/v1/playlists/x/items?token=planted"
    page = json.dumps({"items": [entry], "next": after}).encode()
    site.faults["playlists/"] = [spotify.body(page)] * 9
    entries = open_client(site, clock, place).playlist_entries(LIST)
    error = refusal(lambda: list(entries))
    assert error.code == "unsupported"
    assert "planted" not in error.reason
    assert len(site.asked) == (1 if elsewhere else 2)


@pytest.mark.parametrize("page", [{}, {"items": None, "next": None}, {"items": {"a": 1}}])
def test_a_page_without_items_is_a_fault(
    site: Site, clock: Clock, place: Path, page: object
) -> None:
    site.faults["playlists/"] = [spotify.body(json.dumps(page).encode())]
    entries = open_client(site, clock, place).playlist_entries(LIST)
    assert refusal(lambda: list(entries)).code == "unsupported"


def test_an_empty_page_ends_a_listing(site: Site, clock: Clock, place: Path) -> None:
    page = {"items": [], "next": f"{site.api}playlists/{LIST}/items?offset=50"}
    site.faults["playlists/"] = [spotify.body(json.dumps(page).encode())]
    assert list(open_client(site, clock, place).playlist_entries(LIST)) == []
    assert len(site.asked) == 1


def test_albums_of_an_artist_ten_a_page_and_each_one_alone(
    site: Site, clock: Clock, place: Path
) -> None:
    site.add(spotify.artist(1))
    for number in range(23):
        site.add_album(spotify.album(number), spotify.track(number))
    site.add_album(spotify.album(90, kind="compilation"), spotify.track(90))
    client = open_client(site, clock, place)
    albums = list(client.artist_albums(spotify.id_of("artist", 1)))
    assert [album["id"] for album in albums] == [spotify.id_of("album", n) for n in range(23)]
    assert len(site.asked) == 3
    tracks = list(client.album_tracks(spotify.id_of("album", 5)))
    assert [track["id"] for track in tracks] == [spotify.id_of("track", 5)]
    assert "external_ids" not in tracks[0]
    assert not any("ids=" in asked for asked in site.asked)


def test_features_where_the_app_has_them(site: Site, clock: Clock, place: Path) -> None:
    site.features[ONE] = spotify.features(1)
    client = open_client(site, clock, place)
    assert client.features(ONE) == spotify.features(1)
    assert client.features(spotify.id_of("track", 2)) is None  # was not analysed
    site.asked.clear()
    for offline in (False, True):
        again = open_client(site, clock, place, offline=offline)
        assert again.features(ONE) == spotify.features(1)
        assert again.features(spotify.id_of("track", 2)) is None
    assert again.features(spotify.id_of("track", 3)) is None
    assert site.asked == []


def test_closed_features_are_asked_for_and_said_once(
    site: Site,
    clock: Clock,
    place: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site.closed = True
    client = open_client(site, clock, place)
    for number in range(5):
        assert client.features(spotify.id_of("track", number)) is None
    assert open_client(site, clock, place).features(spotify.id_of("track", 9)) is None
    assert len(site.asked) == 1
    said = [record.getMessage() for record in caplog.records]
    assert [line for line in said if "403" in line] == said
    assert len(said) == 1
    assert "come from the audio alone" in said[0]
    monkeypatch.delenv("SPOTIPY_CLIENT_ID")
    assert open_client(site, clock, place).features(ONE) is None
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", "another")  # which has them
    site.apps = {spotify.basic("another", spotify.CLIENT_SECRET)}
    site.closed = False
    first = spotify.id_of("track", 0)
    site.features[first] = spotify.features(0)
    assert open_client(site, clock, place).features(first) == spotify.features(0)


def test_an_app_that_is_let_in_later_gets_features(site: Site, clock: Clock, place: Path) -> None:
    site.closed = True
    never = SpotifyOptions(use=("features",), refresh_hours=0)
    assert open_client(site, clock, place).features(ONE) is None
    site.closed = False
    site.features[ONE] = spotify.features(1)
    assert open_client(site, clock, place, never).features(ONE) == spotify.features(1)


def test_the_users_netrc_does_not_replace_the_token(
    site: Site, clock: Clock, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login me password geheim\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert open_client(site, clock, place).track(ONE)["name"] == "Lemon"
    assert len(site.tokens) == 1


def test_secrets_are_nowhere(
    site: Site,
    clock: Clock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # where spotipy would put the token, into `.cache`
    caplog.set_level(logging.DEBUG)
    for name in ("spotipy.client", "spotipy.oauth2", "urllib3", "requests"):
        caplog.set_level(logging.DEBUG, name)
    place = tmp_path / "cache"
    site.faults["tracks/"] = [
        spotify.limited(3),
        spotify.echo,
        spotify.refuse(401, "Invalid"),
        spotify.refuse(401, f"Invalid token {spotify.BASIC} {spotify.CLIENT_SECRET}"),
        spotify.status(500),
        spotify.refuse(403, f"Forbidden for {spotify.CLIENT_ID}"),
        spotify.limited(86400),
    ]
    client = open_client(site, clock, place)
    said = [str(vars(client)), repr(client)]
    for number in range(1, 6):
        try:
            client.track(spotify.id_of("track", number))
        except (SourceError, CurateError) as error:
            said += [str(error), repr(error), "".join(traceback.format_exception(error))]
    assert len(said) == 2 + 3 * 5
    assert "***" in "".join(said)
    said += [record.getMessage() + str(vars(record)) for record in caplog.records]
    said += [caplog.text]
    said += [file.read_text() for file in tmp_path.rglob("*") if file.is_file()]
    said += [str(file) for file in tmp_path.rglob("*")]
    assert len(site.tokens) == 2
    assert len(site.secrets) == 5
    everything = "\n".join(said)
    assert [secret for secret in site.secrets if secret in everything] == []
    assert [file.name for file in tmp_path.iterdir()] == ["cache"]
