"""A whole build of tracks that Spotify lists, through the real spotipy, and without its words."""

import json
from collections.abc import Iterator
from pathlib import Path

import llmsite
import mutagen.flac
import pytest
import rig
import spotifysite as spotify
from spotifysite import Site

from curate import api
from curate.errors import ConfigError
from curate.names import slug
from curate.sources.spotify import connection

pytestmark = pytest.mark.integration

WORDS = ("Lemon Ice", "Pale Blue Flower", "chiptune revival", "Nowhere To Be Found")
"""Text that only Spotify knows."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with spotify.serving() as found:
        monkeypatch.setattr(connection, "API", found.api)
        monkeypatch.setattr(connection, "TOKENS", found.token_address)
        monkeypatch.setenv("SPOTIPY_CLIENT_ID", found.secrets[0])
        monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", found.secrets[1])
        yield found


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CURATE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def music(folder: Path, site: Site) -> None:
    """Three tracks there, two of them as files here, which know nothing but their ISRC."""
    by = (spotify.artist(1, "米津玄師", (WORDS[2],)),)
    for number, title in enumerate((*WORDS[:2], WORDS[3])):
        track = spotify.track(number, title, 6.5, by=by)
        site.add(track, *by)
        if number < 2:
            path = rig.song(folder / "music" / f"{number}.flac", number, 6.5)
            tags = mutagen.flac.FLAC(path)
            tags["isrc"] = track["external_ids"]["isrc"]
            tags.save()


def recipe(folder: Path, **options: object) -> Path:
    entries = [f"spotify:track:{spotify.id_of('track', number)}" for number in range(3)]
    artist = {"name": "米津玄師", "spotify": entries, "files": ["music/*.flac"]}
    return rig.recipe(
        folder, {}, artists=[artist], spotify={"use": ["tracks", "genres"]}, **options
    )


def test_tracks_of_spotify_are_found_among_the_files(site: Site, tmp_path: Path) -> None:
    music(tmp_path, site)
    result = rig.here(recipe(tmp_path))
    assert result.counts.rejected == {"no_match": 1}
    rows = list(rig.tracks(result.out).values())
    assert {row["title"] for row in rows} == set(WORDS[:2])
    assert {row["source"] for row in rows} == {"spotify"}
    assert all(row["origin"]["match"] == 1.0 for row in rows)
    assert all(any(x["source"] == "spotify" for x in row["labels"]) for row in rows)
    assert WORDS[2] in rig.clips(result.out)["train"][0]["genre"]
    assert "III.14" in (result.out / "DATASHEET.md").read_text()
    assert api.validate(result.out, deep=True).ok
    asked = list(site.paths())
    assert rig.here(recipe(tmp_path)).decoded_tracks == 0
    assert site.paths() == asked


def test_a_dataset_is_made_anew_without_a_word_of_spotify(site: Site, tmp_path: Path) -> None:
    music(tmp_path, site)
    artists = recipe(tmp_path)
    first = rig.here(artists)
    audio = {path.name for path in first.out.glob("audio/*/*/*.flac")}
    result = rig.here(artists, without_sources=["spotify"])
    assert result.decoded_tracks == 0
    assert {path.name for path in result.out.glob("audio/*/*/*.flac")} == audio
    assert result.counts.chunks == first.counts.chunks
    for path in rig.walk(result.out):
        if path.is_file() and not path.name.startswith("catalog") and path.suffix != ".flac":
            text = path.read_text()
            assert not [word for word in WORDS if word in text], path
            assert not [secret for secret in site.secrets if secret in text], path
    assert api.validate(result.out).ok
    assert rig.here(artists).decoded_tracks == 0


def found_in(folder: Path, words: tuple[str, ...]) -> dict[str, set[str]]:
    """The files below a folder that hold any of these words, in any spelling."""
    forms = {w: {w.lower().encode(), slug(w).encode()} for w in words}
    files = [path for path in rig.walk(folder) if path.is_file() and path.name != "artists.yaml"]
    texts = {str(path.relative_to(folder)): path.read_bytes().lower() for path in files}
    held = {
        name: {word for word in words if any(form in data for form in forms[word])}
        for name, data in texts.items()
    }
    return {name: said for name, said in held.items() if said}


def test_what_spotify_said_is_deleted_everywhere(site: Site, tmp_path: Path) -> None:
    music(tmp_path, site)
    rig.song(tmp_path / "music" / "other.flac", 9, 4.5)
    with llmsite.serving() as model:
        llm = {"model": "test", "base_url": model.address, "variants": 2, "retries": 0}
        own = {"name": "Own", "files": ["music/other.flac"]}
        artists = recipe(tmp_path, captions={"llm": llm})
        document = json.loads(artists.read_text())
        document["artists"].append(own)
        artists.write_text(json.dumps(document))
        first = rig.here(artists)
        assert first.counts.tracks == 3
        assert rig.curate("labels", first.out).returncode == 0
        before = found_in(tmp_path, WORDS)
        stores = {"build/catalog.sqlite", "build/labels.svg", "build/rejected.jsonl"}
        assert stores | {"cache/captions.sqlite"} <= before.keys()
        assert any(name.startswith("cache/answers/spotify") for name in before)
        assert set().union(*before.values()) == set(WORDS)

        (tmp_path / "music" / "0.flac").unlink()  # its clips stay, its track is away
        without = rig.here(artists, without_sources=["spotify"])
        assert without.counts.tracks == 2
        assert found_in(tmp_path, WORDS) == {}
        assert any("Spotify said is deleted" in note for note in without.notes)
        assert without.decoded_tracks == 0

        asked = len(model.bodies)
        again = rig.here(artists, without_sources=["spotify"])
        assert (again.decoded_tracks, len(model.bodies)) == (0, asked), "what is in use stays"
        assert found_in(tmp_path, WORDS) == {}

        back = rig.here(artists)
        assert back.decoded_tracks == 0
        assert "build/tracks.jsonl" in found_in(tmp_path, WORDS)


def test_no_secret_of_the_app_is_written(site: Site, tmp_path: Path) -> None:
    music(tmp_path, site)
    rig.here(recipe(tmp_path))
    for path in rig.walk(tmp_path):
        if path.is_file():
            data = path.read_bytes()
            assert not [secret for secret in site.secrets if secret.encode() in data], path


def test_spotify_is_asked_only_when_that_is_said(site: Site, tmp_path: Path) -> None:
    music(tmp_path, site)
    path = recipe(tmp_path)
    about = json.loads(path.read_text())
    del about["spotify"]
    path.write_text(json.dumps(about))
    with pytest.raises(ConfigError, match="forbid"):
        rig.here(path)
    assert site.paths() == []
