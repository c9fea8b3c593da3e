"""What a site says of a recording: origin, labels, and the record that is kept of it."""

import json
from typing import Any

import pytest
import yt_dlp

from curate.records import Label, Origin
from curate.sources.web import about

WHEN = "2026-01-02T03:04:05Z"

SONG: dict[str, Any] = {
    "id": "aaaaaaaaaaa",
    "title": "YOASOBI「夜に駆ける」 Official Music Video",
    "track": "夜に駆ける",
    "album": "THE BOOK",
    "artists": ["YOASOBI"],
    "release_year": 2019,
    "genres": ["J-Pop", "Pop", "J-Pop"],
    "license": "Creative Commons Attribution license (reuse allowed)",
    "uploader": "Ayase / YOASOBI",
    "webpage_url": "https://www.youtube.com/watch?v=aaaaaaaaaaa",
    "extractor": "youtube",
    "extractor_key": "Youtube",
    "duration": 258,
    "url": "https://rr3.googlevideo.com/videoplayback?sig=S3CR3T&pot=S3CR3T",
    "http_headers": {"Cookie": "SID=S3CR3T"},
    "cookies": "SID=S3CR3T",
    "formats": [{"url": "https://x/?sig=S3CR3T"}],
    "_format_sort_fields": ["x"],
    "description": "more at https://h.org/?token=S3CR3T\nthanks",
    "average_rating": float("nan"),
    "abr": 128.5,
}


def test_origin() -> None:
    assert about.origin(SONG, "x", WHEN) == Origin(
        address="https://www.youtube.com/watch?v=aaaaaaaaaaa",
        uploader="Ayase / YOASOBI",
        licence="Creative Commons Attribution license (reuse allowed)",
        licence_source="youtube",
        retrieved_at=WHEN,
        extractor="youtube",
        version=yt_dlp.version.__version__,
    )


def test_labels() -> None:
    assert about.labels(SONG) == (
        Label("title", "夜に駆ける", "web.youtube"),
        Label("album", "THE BOOK", "web.youtube"),
        Label("year", 2019.0, "web.youtube"),
        Label("genre", "J-Pop", "web.youtube"),
        Label("genre", "Pop", "web.youtube"),
    )


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({"title": "A", "extractor_key": "ArchiveOrg"}, [("title", "A", "web.archiveorg")]),
        ({"title": "a", "extractor_key": "Generic", "direct": True}, []),
        ({"title": "A page", "extractor_key": "Generic"}, [("title", "A page", "web.generic")]),
        ({"genre": "Rock, Folk ,"}, [("genre", "Rock", ""), ("genre", "Folk", "")]),
        ({"release_date": "19991231"}, [("year", 1999.0, "")]),
        ({"release_year": 12345}, []),
        ({"release_year": "abc", "genres": [None, 3, ""], "album": {"x": 1}}, []),
        ({"upload_date": "20200101"}, []),  # when it was put there, not when it came out
    ],
)
def test_only_what_the_site_says(info: dict[str, Any], said: list[tuple[str, Any, str]]) -> None:
    found = [(label.kind, label.value, label.source) for label in about.labels(info)]
    assert found == [(kind, value, source or "web.generic") for kind, value, source in said]


@pytest.mark.parametrize(
    ("info", "licence"),
    [
        ({"license": "by-nc-nd"}, "by-nc-nd"),
        ({"licenseurl": "https://creativecommons.org/licenses/by/4.0/"}, None),
        ({"license": " "}, ""),
        ({}, ""),
    ],
)
def test_licences_word_for_word(info: dict[str, Any], licence: str | None) -> None:
    found = about.origin(info, "https://h.org/a", WHEN)
    expected = next(iter(info.values()), None) if licence is None else licence or None
    assert found.licence == expected
    assert (found.licence_source is None) == (expected is None)
    assert found.address == "https://h.org/a"


def test_the_record_holds_nothing_that_opens_anything() -> None:
    data = about.record(SONG)
    assert b"S3CR3T" not in data
    kept = json.loads(data)
    assert kept["title"] == SONG["title"]
    assert kept["abr"] == 128.5
    assert not {"url", "formats", "http_headers", "cookies", "_format_sort_fields"} & set(kept)


def test_odd_information_is_survived() -> None:
    odd = {"title": "\ud800" * 10_000, "tags": ["x"] * 1000, "duration": float("inf"), "id": b"x"}
    kept = json.loads(about.record(odd))
    assert len(kept["tags"]) == 100
    assert kept["duration"] is None
    assert set(kept["title"]) == {"?"}
    assert about.origin(odd, "x", WHEN).address == "x"
