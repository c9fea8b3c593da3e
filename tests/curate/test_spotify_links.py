"""Ids from URIs and addresses of Spotify."""

import contextlib

import hypothesis
import hypothesis.strategies as st
import pytest

from curate.sources.source import SourceError
from curate.sources.spotify.links import parse, shown

ID = "4uLU6hMCjMI75M1A2tKUQC"


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (f"spotify:track:{ID}", "track"),
        (f"spotify:album:{ID}", "album"),
        (f"spotify:artist:{ID}", "artist"),
        (f"spotify:playlist:{ID}", "playlist"),
        (f"  spotify:track:{ID}?si=0123456789abcdef\n", "track"),
        (f"spotify:user:some.one:playlist:{ID}", "playlist"),
        (f"https://open.spotify.com/track/{ID}", "track"),
        (f"https://open.spotify.com/track/{ID}?si=0123456789abcdef&pi=x", "track"),
        (f"https://open.spotify.com/track/{ID}#0:42", "track"),
        (f"https://open.spotify.com/intl-ja/album/{ID}?si=1", "album"),
        (f"https://open.spotify.com/intl-pt-br/album/{ID}/", "album"),
        (f"https://open.spotify.com/embed/playlist/{ID}?utm_source=generator", "playlist"),
        (f"https://open.spotify.com/intl-de/embed/track/{ID}", "track"),
        (f"https://open.spotify.com/user/someone/playlist/{ID}", "playlist"),
        (f"http://OPEN.Spotify.com/artist/{ID}", "artist"),
        (f"https://play.spotify.com/artist/{ID}", "artist"),
        (f"open.spotify.com/artist/{ID}", "artist"),
    ],
)
def test_every_way_to_name_a_thing(entry: str, kind: str) -> None:
    link = parse(entry)
    assert (link.kind, link.id) == (kind, ID)
    assert link.uri == f"spotify:{kind}:{ID}"
    assert parse(link.address) == parse(link.uri) == link


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("", "copy its URI"),
        (ID, "copy its URI"),
        ("YOASOBI", "copy its URI"),
        (f"spotify:episode:{ID}", "is a Spotify episode"),
        (f"https://open.spotify.com/show/{ID}", "is a Spotify show"),
        (f"https://open.spotify.com/user/{ID}", "is a Spotify user"),
        ("spotify:track:4uLU6", "an id has 22 letters and digits"),
        (f"spotify:track:{ID}x", "an id has 22 letters and digits"),
        ("spotify:track:../../../../../etc/pa", "an id has 22"),
        ("spotify:", "copy its URI"),
        (f"https://spotify.link/{ID}", "copy its URI"),
        (f"https://open.spotify.com.example.org/track/{ID}", "copy its URI"),
        (f"https://example.org/track/{ID}", "copy its URI"),
        (f"file:///track/{ID}", "copy its URI"),
        ("https://[open.spotify.com/track/1", "copy its URI"),
        ("https://open.spotify.com/", "copy its URI"),
    ],
)
def test_what_is_no_link_is_refused_with_a_remedy(entry: str, said: str) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        parse(entry)
    assert caught.value.code == "unsupported"
    assert caught.value.until is None


def test_a_message_holds_no_password_and_no_token() -> None:
    entry = f"https://me:geheim@spotify.example/track/{ID}?si=token0token#token1"
    with pytest.raises(SourceError) as caught:
        parse(entry)
    assert not any(secret in caught.value.reason for secret in ("geheim", "token0", "token1"))
    assert shown("a\x1b[31mb\u202ec") == "a [31mb c"


@hypothesis.given(st.text())
def test_any_text_is_a_link_or_refused(entry: str) -> None:
    found = None
    with contextlib.suppress(SourceError):
        found = parse(entry)
    assert found is None or parse(found.uri) == found
