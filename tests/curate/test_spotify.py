"""The source `spotify`: what its links list, in old and new forms, and whose audio it is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import spotifysite as spotify
from spotifysite import Site

from curate import jsonio
from curate.config import Artist, SpotifyOptions
from curate.errors import CurateError
from curate.names import track_id
from curate.records import Label, Origin, Rejection, Track
from curate.sources.cache import Cache
from curate.sources.source import Got, SourceError
from curate.sources.spotify import POLICY, Spotify
from curate.sources.spotify.client import Client
from curate.sources.spotify.connection import Connection
from curate.sources.spotify.matching import Candidate
from curate.sources.web import key_of

LIST = f"spotify:playlist:{spotify.id_of('playlist', 1)}"
ALL = SpotifyOptions(use=("tracks", "genres", "features"))
TRACKS = SpotifyOptions(use=("tracks",))

Listed = list[Track | Rejection]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", spotify.CLIENT_ID)
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", spotify.CLIENT_SECRET)
    with spotify.serving() as site:
        site.add(spotify.artist(1, "Kenshi Yonezu", ("j-pop", "j-rock")))
        yield site


@dataclass
class Place:
    """A folder with artists.yaml, a cache and a Spotify."""

    site: Site
    base: Path
    waits: list[float] = field(default_factory=list)

    @property
    def cache(self) -> Cache:
        return Cache(self.base / "cache")

    def open(self, options: SpotifyOptions = ALL, **more: Any) -> Spotify:
        made = Connection(
            options.max_wait_s, self.site.api, self.site.token_address, self.waits.append
        )
        client = Client(self.cache, options, made, more.get("offline", False))
        return Spotify(self.base, options, self.cache, client=client, **more)

    def files(self) -> str:
        """All that is in the cache."""
        return "\n".join(f.read_text("latin-1") for f in self.base.rglob("*") if f.is_file())


@pytest.fixture
def place(site: Site, tmp_path: Path) -> Place:
    return Place(site, tmp_path)


def listed(source: Spotify, *entries: str, **more: Any) -> Listed:
    return list(source.list_tracks(Artist("米津玄師", spotify=entries, **more)))


def tracks(found: Listed) -> list[Track]:
    return [one for one in found if isinstance(one, Track)]


def rejections(found: Listed) -> list[Rejection]:
    return [one for one in found if isinstance(one, Rejection)]


def fill(site: Site) -> list[str]:
    """A playlist of 250 with all that one can hold; the uris of its tracks."""
    held: list[Any] = [spotify.track(number) for number in range(250)]
    held[10] = spotify.local_file("My own song")
    held[60] = spotify.episode(1)
    held[61] = None
    held[120] = None
    held[130] = held[129]  # twice in the list
    held[140] = {**spotify.track(140), "name": "", "artists": []}  # withdrawn
    held[249] = spotify.local_file("My own song")  # twice, too
    site.playlists[LIST.rpartition(":")[2]] = held
    lost = {10, 60, 61, 120, 130, 140, 249}
    return [one["uri"] for number, one in enumerate(held) if number not in lost]


@pytest.mark.parametrize("old", [False, True])
def test_a_playlist_of_250_with_all_that_it_can_hold(
    place: Place, site: Site, old: bool, caplog: pytest.LogCaptureFixture
) -> None:
    site.old, site.closed = old, not old
    wanted = fill(site)
    site.features = {spotify.id_of("track", 0): spotify.features(0, 87.0, 8)}
    site.faults["offset=50"] = [spotify.limited(3), spotify.status(500)]
    site.faults[f"playlists/{LIST.rpartition(':')[2]}"] = [spotify.refuse(401, "Expired")]
    found = listed(place.open(), LIST)
    assert [track.uri for track in tracks(found)] == wanted
    assert len(wanted) == 243
    assert place.waits == [3.0, 1.0]
    first = tracks(found)[0]
    assert first == Track(
        id=track_id("spotify", wanted[0]),
        source="spotify",
        uri=wanted[0],
        artist="米津玄師",
        title="Song 0",
        labels=(
            Label("title", "Song 0", "spotify"),
            Label("album", "Album 1", "spotify"),
            Label("isrc", "JPA000000000", "spotify"),
            Label("year", 2018.0, "spotify"),
            Label("genre", "j-pop", "spotify"),
            Label("genre", "j-rock", "spotify"),
            *([Label("tempo", 87.0, "spotify"), Label("key", "Ab major", "spotify")] * old),
        ),
    )
    assert {label.source for track in tracks(found) for label in track.labels} == {"spotify"}
    lost = [(one.uri, one.code, one.title) for one in rejections(found)]
    assert lost == [
        ("spotify:local:Me:Own:My+own+song:127", "unsupported", "My own song"),
        (spotify.episode(1)["uri"], "unsupported", "Episode 1"),
        (f"{LIST}#62", "removed", ""),
        (f"{LIST}#121", "removed", ""),
        (spotify.track(140)["uri"], "removed", ""),
    ]
    assert all(one.stage == "list" and one.reason for one in rejections(found))
    assert len({one.id for one in found}) == len(found)
    assert jsonio.encode(found)
    closed = [r.getMessage() for r in caplog.records if "audio features" in r.getMessage()]
    assert len(closed) == (not old)
    asked = [path for path in site.paths() if path.startswith("audio-features")]
    assert len(asked) == (len(wanted) if old else 1)
    assert site.paths().count(f"artists/{spotify.id_of('artist', 1)}") == 1
    site.asked.clear()
    assert listed(place.open(), LIST) == found
    assert listed(place.open(offline=True), LIST) == found
    assert site.asked == []
    everything = place.files() + caplog.text
    assert [secret for secret in site.secrets if secret in everything] == []


def test_only_what_is_asked_for_is_listed(place: Place, site: Site) -> None:
    fill(site)
    took = listed(place.open(), LIST)
    assert tracks(took)
    site.asked.clear()
    source = place.open(SpotifyOptions(use=("tracks",)))
    found = source.list_tracks(Artist("X", spotify=(LIST,)))
    next(found)
    assert site.asked == []
    plain = tracks(listed(place.open(TRACKS), LIST))[0]
    assert [label.kind for label in plain.labels] == ["title", "album", "isrc", "year"]
    words = tracks(listed(place.open(SpotifyOptions(use=("genres",))), LIST))[0]
    assert [label.kind for label in words.labels] == ["title", "genre", "genre"]


def test_a_listing_asks_for_no_more_than_is_taken(place: Place, site: Site) -> None:
    fill(site)
    found = place.open().list_tracks(Artist("X", spotify=(LIST,)))
    for _ in range(3):
        next(found)
    features = [f"audio-features/{spotify.id_of('track', number)}" for number in range(3)]
    assert site.paths() == [
        f"playlists/{LIST.rpartition(':')[2]}/items",
        f"artists/{spotify.id_of('artist', 1)}",
        *features,
    ]


def discography(site: Site) -> None:
    """An artist with an album and a single out of it, and a split one."""
    other = spotify.artist(2, "Someone Else")
    lemon, single = (spotify.track(n, "Lemon", 255, "JPU901800006") for n in (1, 2))
    live = spotify.track(3, "Lemon - Live", 301, "JPU901800006")
    guest = spotify.track(4, "Not his", by=(other,))
    site.add_album(spotify.album(1, "STRAY SHEEP", day="2020-08-05"), lemon, live, guest)
    site.add_album(spotify.album(2, "Lemon", "single"), single)
    site.add_album(spotify.album(3, "Best of J-Pop", "compilation"), spotify.track(5, "Hit"))
    gone = spotify.track(6, "Gone")
    site.add_album(spotify.album(4), gone, spotify.track(7, "Last"))
    del site.objects[gone["id"]]


def test_an_artists_albums_and_singles_each_recording_once(place: Place, site: Site) -> None:
    discography(site)
    found = listed(place.open(TRACKS), f"spotify:artist:{spotify.id_of('artist', 1)}")
    assert [(one.title, one.uri[-1]) for one in tracks(found)] == [
        ("Lemon", "1"),
        ("Lemon - Live", "3"),
        ("Last", "7"),
    ]
    twice, gone = rejections(found)
    assert (twice.code, twice.title, twice.uri[-1]) == ("listed_twice", "Lemon", "2")
    assert "(ISRC JPU901800006)" in twice.reason
    assert (gone.code, gone.title) == ("removed", "Gone")
    assert Label("isrc", "JPU901800006", "spotify") in tracks(found)[0].labels
    assert not any("ids=" in asked for asked in site.asked)


def test_albums_tracks_and_several_links(place: Place, site: Site) -> None:
    discography(site)
    one, album, compilation = (
        f"https://open.spotify.com/intl-ja/track/{spotify.id_of('track', 1)}?si=planted",
        f"spotify:album:{spotify.id_of('album', 1)}",
        f"spotify:album:{spotify.id_of('album', 3)}",
    )
    found = listed(place.open(TRACKS), one, album, compilation, one)
    assert [track.title for track in tracks(found)] == ["Lemon", "Lemon - Live", "Not his", "Hit"]
    assert rejections(found) == []


def test_entries_that_are_none_do_not_end_the_listing(place: Place, site: Site) -> None:
    discography(site)
    bad = f"https://me:geheim@example.org/track/{spotify.id_of('track', 1)}?token=geheim"
    gone = f"spotify:album:{spotify.id_of('album', 99)}"
    good = f"spotify:track:{spotify.id_of('track', 7)}"
    found = listed(place.open(TRACKS), bad, gone, good)
    assert [one.code for one in rejections(found)] == ["unsupported", "removed"]
    assert [one.title for one in tracks(found)] == ["Last"]
    assert "geheim" not in str(found)
    assert rejections(found)[1].uri == gone


def test_a_long_wait_ends_the_listing_and_not_the_build(place: Place, site: Site) -> None:
    fill(site)
    discography(site)
    site.faults["offset=100"] = [spotify.limited(86400)]
    track = f"spotify:track:{spotify.id_of('track', 1)}"
    found = listed(place.open(TRACKS), LIST, track)
    assert len(tracks(found)) == 97
    last = [(one.uri, one.code) for one in rejections(found)[-2:]]
    assert last == [(LIST, "rate_limited"), (track, "rate_limited")]
    assert "UTC" in rejections(found)[-1].reason
    assert place.waits == []
    asked = len(site.asked)
    again = listed(place.open(TRACKS), LIST, track)
    assert (again[:-2], len(site.asked)) == (found[:-2], asked)


@pytest.mark.parametrize("what", ["artists/", "audio-features/"])
def test_labels_that_cannot_be_had_now_do_not_cost_the_track(
    place: Place, site: Site, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    fill(site)
    site.faults[what] = [spotify.status(500)] * 4 * 243
    found = listed(place.open(), LIST)
    assert len(tracks(found)) == 243
    said = [record for record in caplog.records if "labels of Spotify" in record.getMessage()]
    assert len(said) == 1


def test_offline_without_answers(place: Place, site: Site) -> None:
    (found,) = listed(place.open(offline=True), LIST)
    assert isinstance(found, Rejection)
    assert (found.code, found.uri) == ("offline", LIST)
    assert site.asked == []


def test_without_credentials_the_build_ends(
    place: Place, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPOTIPY_CLIENT_SECRET")
    with pytest.raises(CurateError, match="SPOTIPY_CLIENT_SECRET is not set"):
        listed(place.open(), LIST)


def test_an_artist_without_links_needs_nothing(
    place: Place, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPOTIPY_CLIENT_ID")
    assert listed(place.open()) == []


def tell(done: int, total: int | None) -> None:
    """Nobody looks."""


def write(path: Path, seconds: float, **said: str) -> None:
    import mutagen

    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(round(8000 * seconds)), 8000)
    file = mutagen.File(path)
    file.update(said)
    file.save()


@pytest.fixture
def music(place: Place, site: Site) -> None:
    """Five tracks on Spotify and the artist's own files, which hold three of them."""
    by = (spotify.artist(1, "Kenshi Yonezu"),)
    for number, title, seconds in (
        (1, "Lemon", 25.5),
        (2, "Flamingo", 19.0),
        (3, "Pale Blue - Remastered 2021", 30.2),
        (4, "Loser", 24.0),
        (5, "Orion", 27.0),
    ):
        site.add(spotify.track(number, title, seconds, by=by))
    write(
        place.base / "m/a.flac", 25.0, title="レモン", isrc=spotify.track(1)["external_ids"]["isrc"]
    )
    write(place.base / "m/b.flac", 19.5, title="Flamingo", artist="米津玄師")
    write(place.base / "m/03 Pale Blue.flac", 30.0)
    write(place.base / "m/d.flac", 29.0, title="Loser")
    write(place.base / "m/e.flac", 27.0, title="Orion (Live)")


def five() -> tuple[str, ...]:
    return tuple(f"spotify:track:{spotify.id_of('track', number)}" for number in range(1, 6))


def refusal(call: Callable[[], object]) -> SourceError:
    with pytest.raises(SourceError) as caught:
        call()
    return caught.value


@pytest.mark.usefixtures("music")
def test_own_files_are_matched_by_isrc_else_by_title_and_length(place: Place, site: Site) -> None:
    source = place.open(TRACKS)
    found = tracks(listed(source, *five(), files=("m",)))
    site.asked.clear()
    got = [source.at_hand(track) for track in found]
    base = place.base
    assert got[0] == Got(base / "m/a.flac", Origin("m/a.flac", match=1.0))
    assert got[1] == Got(base / "m/b.flac", Origin("m/b.flac", match=0.917))
    assert got[2] == Got(base / "m/03 Pale Blue.flac", Origin("m/03 Pale Blue.flac", match=0.87))
    assert got[3:] == [None, None]
    assert source.get(found[0], tell) == got[0]
    loser = refusal(lambda: source.get(found[3], tell))
    assert loser.code == "no_match"
    assert loser.until is None
    assert loser.reason == (
        'no audio of "Loser" among the artist\'s files: the closest, "Loser" (m/d.flac), is not '
        "it: its length differs by 5.0 s; titles alike 1.00, least 0.8; lengths apart 5.0 s, "
        "most 3 s; add the file under `files`"
    )
    assert "another version (live)" in refusal(lambda: source.get(found[4], tell)).reason
    assert site.asked == []


@pytest.mark.usefixtures("music")
def test_limits_are_the_users(place: Place) -> None:
    wide = SpotifyOptions(use=("tracks",), max_seconds_apart=10.0, min_title_match=0.8)
    source = place.open(wide)
    found = tracks(listed(source, *five(), files=("m",)))
    got = source.at_hand(found[3])
    assert got is not None
    assert got.origin == Origin("m/d.flac", match=0.675)


def test_without_files_nothing_matches(place: Place, site: Site) -> None:
    site.add(spotify.track(1, "Lemon"))
    source = place.open(TRACKS)
    (track,) = tracks(listed(source, five()[0]))
    assert source.at_hand(track) is None
    assert "nothing was found" in refusal(lambda: source.get(track, tell)).reason
    stranger = Track(track_id("spotify", "spotify:track:x"), "spotify", "spotify:track:x", "Y", "Z")
    assert source.at_hand(stranger) is None


YOUTUBE = SpotifyOptions(use=("tracks",), match="youtube")


@dataclass
class Videos:
    """A search and a download, as the web's source has them."""

    cache: Cache
    base: Path
    found: Sequence[Candidate] = ()
    queries: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def find(self, query: str) -> Sequence[Candidate]:
        self.queries.append(query)
        return self.found

    def download(self, address: str, tell: Callable[[int, int | None], None]) -> Got:
        self.fetched.append(address)
        tell(1, 2)
        file = self.base / "arrived.opus"
        file.write_bytes(address.encode())
        origin = Origin(address, "Kenshi Yonezu", retrieved_at="2026-11-20T10:00:00Z")
        return self.cache.keep(key_of(address), file, origin, [Label("title", "Lemon", "youtube")])


LEMON = Candidate("https://videos.example/lemon", ("米津玄師 MV「Lemon」",), ("米津玄師",), 256.0)
KARAOKE = Candidate("https://videos.example/k", ("Lemon カラオケ",), ("米津玄師",), 255.0)
SHORT = Candidate("https://videos.example/short", ("Lemon",), ("米津玄師",), 31.0)


def videos(place: Place, *found: Candidate) -> Videos:
    place.site.add(spotify.track(1, "Lemon", 255.0, by=(spotify.artist(1, "Kenshi Yonezu"),)))
    return Videos(place.cache, place.base, found)


def test_audio_is_searched_for_and_its_score_recorded(place: Place, site: Site) -> None:
    web = videos(place, KARAOKE, SHORT, LEMON)
    source = place.open(YOUTUBE, finder=web.find, download=web.download)
    (track,) = tracks(listed(source, five()[0]))
    assert source.at_hand(track) is None
    told: list[tuple[int, int | None]] = []
    got = source.get(track, lambda done, total: told.append((done, total)))
    assert web.queries == ["Kenshi Yonezu Lemon"]
    assert web.fetched == [LEMON.place]
    assert told == [(1, 2)]
    assert got.origin == Origin(
        LEMON.place, "Kenshi Yonezu", retrieved_at="2026-11-20T10:00:00Z", match=0.833
    )
    assert got.labels == (Label("title", "Lemon", "youtube"),)
    assert got.path.read_bytes() == LEMON.place.encode()
    sounds = [file for file in (place.base / "cache/audio").rglob("*") if file.is_file()]
    assert sounds == [got.path]
    site.asked.clear()
    for offline in (False, True):
        again = place.open(YOUTUBE, finder=web.find, download=web.download, offline=offline)
        assert tracks(listed(again, five()[0])) == [track]
        assert again.at_hand(track) == got
        assert again.get(track, tell) == got
    assert (site.asked, len(web.queries), len(web.fetched)) == ([], 1, 1)
    place.cache.drop(key_of(LEMON.place))
    assert source.at_hand(track) == got
    again.release(track)
    assert source.at_hand(track) is None
    assert not got.path.exists()


def test_a_released_track_is_gone_from_the_cache(place: Place) -> None:
    web = videos(place, LEMON)
    source = place.open(YOUTUBE, finder=web.find, download=web.download)
    (track,) = tracks(listed(source, five()[0]))
    source.release(track)  # nothing was fetched yet
    got = source.get(track, tell)
    place.open(YOUTUBE).release(track)  # in a later build
    assert source.at_hand(track) is None
    assert place.cache.audio(key_of(LEMON.place)) is None
    assert not got.path.exists()
    assert source.get(track, tell) == got
    assert web.fetched == [LEMON.place] * 2


@pytest.mark.usefixtures("music")
def test_own_files_are_not_ours_to_release(place: Place) -> None:
    source = place.open(TRACKS)
    found = tracks(listed(source, *five(), files=("m",)))
    before = source.at_hand(found[0])
    source.release(found[0])
    assert source.at_hand(found[0]) == before
    assert before is not None
    assert before.path.exists()


def test_nothing_found_is_sure_enough(place: Place) -> None:
    web = videos(place, KARAOKE, SHORT)
    source = place.open(YOUTUBE, finder=web.find, download=web.download)
    (track,) = tracks(listed(source, five()[0]))
    error = refusal(lambda: source.get(track, tell))
    assert error.code == "no_match"
    assert "'Kenshi Yonezu Lemon'" in error.reason
    assert SHORT.place in error.reason
    assert "lengths apart 224.0 s, most 3 s" in error.reason
    web.found = ()
    assert "nothing was found" in refusal(lambda: source.get(track, tell)).reason
    assert web.fetched == []


def test_a_search_that_cannot_be_made_says_why(place: Place) -> None:
    web = videos(place)
    source = place.open(YOUTUBE, finder=web.find, download=web.download)
    (track,) = tracks(listed(source, five()[0]))
    offline = place.open(YOUTUBE, finder=web.find, download=web.download, offline=True)
    assert refusal(lambda: offline.get(track, tell)).code == "offline"
    assert web.queries == []

    def limited(query: str) -> Sequence[Candidate]:
        raise SourceError("rate_limited", "later")

    assert (
        refusal(
            lambda: place.open(YOUTUBE, finder=limited, download=web.download).get(track, tell)
        ).code
        == "rate_limited"
    )
    with pytest.raises(ValueError, match="needs a finder"):
        place.open(YOUTUBE).get(track, tell)


def test_a_track_of_an_earlier_listing_can_be_fetched(place: Place) -> None:
    web = videos(place, LEMON)
    (track,) = tracks(listed(place.open(YOUTUBE), five()[0]))
    later = place.open(YOUTUBE, finder=web.find, download=web.download)  # nothing listed yet
    assert later.get(track, tell).origin.match == 0.833


def test_spotipy_is_not_loaded_before_it_is_needed() -> None:
    import subprocess
    import sys

    code = "import sys, curate.sources.spotify; print('spotipy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == "False\n"
    assert "III.14" in POLICY
