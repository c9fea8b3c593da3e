"""Spotify's objects, old and new, whole, short and broken, to records and labels."""

from dataclasses import replace
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest
import spotifysite as spotify

from curate import jsonio
from curate.records import LABEL_UNITS, Label
from curate.sources.spotify import shapes
from curate.sources.spotify.shapes import Lost, Recording

PLACE = "spotify:playlist:x#7"

LEMON = spotify.track(
    7,
    "Lemon",
    255.4,
    "JPU901800006",
    by=(spotify.artist(1, "Kenshi Yonezu"), spotify.artist(2, "Masaki Suda")),
    on=spotify.album(3, "STRAY SHEEP", day="2020-08-05"),
)

FOUND = Recording(
    id=spotify.id_of("track", 7),
    title="Lemon",
    artists=("Kenshi Yonezu", "Masaki Suda"),
    artist_ids=(spotify.id_of("artist", 1), spotify.id_of("artist", 2)),
    duration_s=255.4,
    album="STRAY SHEEP",
    year=2020,
    isrc="JPU901800006",
)


def test_a_whole_track() -> None:
    assert shapes.recording(LEMON, PLACE) == FOUND
    assert FOUND.uri == LEMON["uri"]


def test_a_track_as_albums_list_it_has_neither_album_nor_isrc() -> None:
    brief = {key: value for key, value in LEMON.items() if key not in ("album", "external_ids")}
    assert shapes.recording(brief, PLACE) == replace(FOUND, album=None, year=None, isrc=None)


@pytest.mark.parametrize(
    "item",
    [
        {"item": LEMON},
        {"track": LEMON},
        {"item": LEMON, "track": LEMON},
        {"item": LEMON, "track": True},
        {"item": LEMON, "track": None},
        {"item": None, "track": LEMON, "is_local": False},
    ],
)
def test_a_playlists_entry_old_new_and_between(item: dict[str, Any]) -> None:
    assert shapes.entry(item, PLACE) == FOUND


@pytest.mark.parametrize(
    ("item", "uri", "code"),
    [
        ({"item": None}, PLACE, "removed"),
        ({"track": None}, PLACE, "removed"),
        ({}, PLACE, "removed"),
        (None, PLACE, "removed"),
        ({"item": {**LEMON, "name": ""}}, LEMON["uri"], "removed"),
        ({"item": spotify.episode(1)}, spotify.episode(1)["uri"], "unsupported"),
        ({"item": spotify.local_file("a"), "is_local": True}, "spotify:local:Me:Own:a:127", None),
        ({"track": spotify.local_file("a")}, "spotify:local:Me:Own:a:127", "unsupported"),
        (
            {"item": {**spotify.local_file("a"), "is_local": False}},
            "spotify:local:Me:Own:a:127",
            "unsupported",
        ),
        ({"track": LEMON, "is_local": True}, LEMON["uri"], "unsupported"),
    ],
)
def test_what_cannot_become_a_track(item: Any, uri: str, code: str | None) -> None:
    lost = shapes.entry(item, PLACE)
    assert isinstance(lost, Lost)
    assert (lost.uri, lost.code) == (uri, code or "unsupported")
    assert lost.reason


@pytest.mark.parametrize(
    ("day", "kind", "year"),
    [
        ("2020-08-05", "album", 2020),
        ("2020-08", "single", 2020),
        ("1975", "album", 1975),
        ("0000", "album", None),
        ("", "album", None),
        (None, "album", None),
        ("1975-10-31", "compilation", None),  # of the year of the compilation, not of the song
    ],
)
def test_the_year_is_the_albums(day: str | None, kind: str, year: int | None) -> None:
    on = {**spotify.album(1), "release_date": day, "album_type": kind}
    found = shapes.recording({**LEMON, "album": on}, PLACE)
    assert isinstance(found, Recording)
    assert found.year == year


@pytest.mark.parametrize(
    ("isrc", "clean"),
    [("jp-u90-18-00006", "JPU901800006"), ("JPU9018", None), ("", None), (None, None), (7, None)],
)
def test_an_isrc_is_one_or_none(isrc: object, clean: str | None) -> None:
    found = shapes.recording({**LEMON, "external_ids": {"isrc": isrc}}, PLACE)
    assert isinstance(found, Recording)
    assert found.isrc == clean


def test_labels_are_spotifys_of_known_kinds_and_clean() -> None:
    hostile = {**LEMON, "name": " Le\x00mon\u0085\ud800 \u202e" + "n" * 999}
    found = shapes.recording(hostile, PLACE)
    assert isinstance(found, Recording)
    assert found.title.startswith("Le mon ? ")
    assert len(found.title) == shapes.MAX_TEXT
    labels = shapes.labels(FOUND)
    assert jsonio.encode(shapes.labels(found))
    assert [(label.kind, label.value) for label in labels] == [
        ("title", "Lemon"),
        ("album", "STRAY SHEEP"),
        ("isrc", "JPU901800006"),
        ("year", 2020.0),
    ]
    assert all(label.source == "spotify" and label.kind in LABEL_UNITS for label in labels)


def test_genres_once_each() -> None:
    assert shapes.genres(spotify.artist(1, genres=("j-pop", "j-rock", "j-pop", ""))) == (
        Label("genre", "j-pop", "spotify"),
        Label("genre", "j-rock", "spotify"),
    )
    assert shapes.genres({"genres": None}) == shapes.genres({}) == ()


@pytest.mark.parametrize(
    ("tempo", "key", "mode", "said"),
    [
        (87.0, 8, 1, [("tempo", 87.0), ("key", "Ab major")]),
        (173.97, 6, 0, [("tempo", 173.97), ("key", "F# minor")]),
        (0.0, -1, 0, []),
        (120.0, 0, 1, [("tempo", 120.0), ("key", "C major")]),
        (120.0, 12, 1, [("tempo", 120.0)]),
        (float("nan"), 3, 0, [("key", "Eb minor")]),
        (None, None, None, []),
        (10**400, True, 1, []),
        ("120", "3", 1, []),
    ],
)
def test_features_in_our_units_only(tempo: Any, key: Any, mode: Any, said: list[Any]) -> None:
    found = shapes.features(spotify.features(1, tempo, key, mode))
    assert [(label.kind, label.value) for label in found] == said
    assert all(label.source == "spotify" and label.kind in LABEL_UNITS for label in found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@hypothesis.given(st.dictionaries(st.sampled_from(sorted(LEMON)), JSON), JSON)
def test_any_json_is_a_track_or_lost(changed: dict[str, Any], other: Any) -> None:
    for item in ({"item": {**LEMON, **changed}}, {"track": other}, other):
        found = shapes.entry(item, PLACE)
        assert jsonio.encode(found)
        if isinstance(found, Recording):
            assert jsonio.encode(shapes.labels(found))
    assert jsonio.encode(shapes.genres(changed))
    assert jsonio.encode(shapes.features({"tempo": other, "key": other, "mode": other}))
