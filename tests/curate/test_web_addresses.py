"""Addresses: one spelling, nothing secret, and nowhere inside."""

import socket
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

from curate.sources.web import addresses
from curate.sources.web.addresses import Guard, canonical, clean, fault, host_of, redact, same_site


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:pw@h.org/a", "https://...@h.org/a"),
        ("https://me:p@ss@h.org/a@b", "https://...@h.org/a@b"),
        ("https://h.org/a?token=abc&x=1", "https://h.org/a?token=...&x=1"),
        ("https://h.org/a?x=1&sig=abc#t=3", "https://h.org/a?x=1&sig=...#t=3"),
        ("https://h.org/?access_token=a", "https://h.org/?access_token=..."),
        ("https://h.org/?AUTH=a;b", "https://h.org/?AUTH=...;b"),
        ("https://s3/?X-Amz-Signature=a&X-Amz-Credential=b", None),
        ("https://h.org/?Key-Pair-Id=a&Policy=b&Signature=c", None),
        ("https://h.org/?api_key=a&apikey=b&key=c", None),
        ("https://h.org/?password=a&pwd=b&passwd=c", None),
        ("https://h.org/?sessionid=a&sid=b&jwt=c", None),
        ("https://h.org/?u=http%3A%2F%2Fx%2F%3Ftoken%3Dabc", None),
        ("Authorization: Basic YTpi", "Authorization: ..."),
        ("Cookie: a=b; c=d\nnext", "Cookie: ...\nnext"),
        ("with Bearer abcdefghij", "with Bearer ..."),
        # what only looks like it
        ("https://www.youtube.com/watch?v=key12345678&list=PLx", "same"),
        ("https://h.org/token/monkey?turkey=1&design=2&keyword=a", "same"),
        ("me@example.org wrote: the secret of 1=2", "same"),
        ("the cookie monster", "same"),
    ],
)
def test_redaction(address: str, shown: str | None) -> None:
    found = redact(address)
    if shown is None:
        values = [part.rpartition("=")[2] for part in found.partition("?")[2].split("&")]
        assert set(values) == {"..."} or found.endswith("token%3D...")
    else:
        assert found == (address if shown == "same" else shown)
    assert redact(found) == found


@hypothesis.given(st.text(min_size=6, max_size=30, alphabet="abcXYZ019-_.~%+"))
def test_no_token_is_left(secret: str) -> None:
    for form in ("?token={}", "?a=1&api_key={}&b=2", "#access_token={}", " password={} "):
        assert secret not in redact("https://h.org/" + form.format(secret))
    assert secret not in redact(f"https://user:{secret}@h.org/")


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("HTTPS://H.org", "https://h.org/"),
        ("https://h.org:443/a", "https://h.org/a"),
        ("http://h.org:80/a", "http://h.org/a"),
        ("http://h.org:443/a", "http://h.org:443/a"),
        ("https://me:pw@h.org./a", "https://h.org/a"),
        ("https://h.org/a?utm_source=x&b=1&utm_medium=y", "https://h.org/a?b=1"),
        ("https://h.org/%E7%B4%85?q#f", "https://h.org/%E7%B4%85?q#f"),
        ("http://[::1]:8000/a", "http://[::1]:8000/a"),
        ("https://h.org/a#__youtubedl_smuggle=%7B%22x%22%3A1%7D", "https://h.org/a"),
    ],
)
def test_one_spelling(address: str, same: str) -> None:
    assert canonical(address) == same
    assert canonical(same) == same


def test_hosts() -> None:
    assert host_of("https://www.H.org/a") == "h.org"
    assert host_of("http://127.0.0.1:8000/") == "127.0.0.1:8000"
    assert host_of("http://[") == ""


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("https://h.org/a", ""),
        ("http://127.0.0.1:80", ""),
        ("ftp://h.org/", "neither an http"),
        ("file:///etc/passwd", "neither an http"),
        ("data:audio/mpeg,x", "neither an http"),
        ("ytsearch:music", "neither an http"),
        ("h.org/a", "neither an http"),
        ("https:///a", "names no host"),
        ("https://h .org/", "names no host"),
        ("http://[::1/", "is no address"),
        ("http://h.org:port/", "is no address"),
        ("http://h.org:99999/", "is no address"),
        ("", "neither an http"),
    ],
)
def test_what_can_be_asked(address: str, wrong: str) -> None:
    assert wrong in fault(address)
    assert bool(wrong) == bool(fault(address))


def test_words_on_one_line() -> None:
    assert clean("  a \x00\n\u2028b\u202e ", 10) == "a b"
    assert clean("か\u3099", 10) == "が"
    assert clean("\ud800x", 10) == "?x"
    assert clean("👨\u200d👩", 10) == "👨\u200d👩"  # joiners have a meaning
    assert clean("x" * 10_000, 200) == "x" * 200
    assert clean(None, 5) == clean(["a"], 5) == ""


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a.org", "a.org", True),
        ("a.org", "www.a.org", True),
        ("www.a.org", "cdn.a.org", True),
        ("ia800.us.archive.org", "archive.org", True),
        ("a.org", "b.org", False),
        ("a.org", "ba.org", False),
        ("a.co.uk", "b.co.uk", False),
        ("127.0.0.1", "localhost", False),
        ("127.0.0.1", "0.0.1", False),
    ],
)
def test_sites(one: str, other: str, same: bool) -> None:
    assert same_site(one, other) is same
    assert same_site(other, one) is same


INSIDE = (
    "127.0.0.1 127.1 0 0x7f000001 2130706433 0177.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 100.64.0.1 "
    "169.254.169.254 0.0.0.0 224.0.0.1 255.255.255.255 [::1] [::] [fe80::1] [fd00::1] "
    "[::ffff:10.0.0.1] [64:ff9b::7f00:1] [2002:7f00:1::] localhost a.localhost router nas.local "
    "metadata.google.internal box.lan x.home.arpa LOCALHOST localhost."
).split()

OPEN = "93.184.216.34 [2606:2800:220:1::1] example.org www.youtube.com".split()


@pytest.mark.parametrize("host", INSIDE)
def test_nowhere_inside(host: str) -> None:
    for listing in ("", "https://example.org/feed", "http://192.168.1.77/feed"):
        said = Guard(listing).refusal(f"http://{host}:8000/x", resolve=False)
        assert "private address" in said


@pytest.mark.parametrize("host", OPEN)
def test_the_open_web(host: str) -> None:
    assert Guard("").refusal(f"https://{host}/x", resolve=False) == ""
    assert Guard("http://127.0.0.1/").refusal(f"https://{host}/x", resolve=False) == ""


def test_a_listing_inside_may_use_its_own_host() -> None:
    guard = Guard("http://192.168.1.7:8000/feed")
    assert guard.refusal("http://192.168.1.7/x") == ""
    assert guard.refusal("https://192.168.1.7:9999/x") == ""
    assert "private" in guard.refusal("http://192.168.1.8:8000/x")
    assert "private" in guard.refusal("http://localhost/x")
    assert "neither" in guard.refusal("ftp://192.168.1.7/x")
    assert Guard("http://nas.local/feed").refusal("http://NAS.local./x") == ""


def test_names_that_stand_for_private_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def look_up(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        table = {"rebound.example": "10.0.0.1", "six.example": "fe80::1%eth0"}
        if host not in {*table, "open.example"}:
            raise socket.gaierror("unknown")
        return [(2, 1, 6, "", (table.get(host, "93.184.216.34"), 0))]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", look_up)
    guard = Guard("https://open.example/feed")
    assert "private" in guard.refusal("http://rebound.example/x")
    assert "private" in guard.refusal("http://rebound.example/y")
    assert "private" in guard.refusal("http://six.example/x")
    assert guard.refusal("http://unknown.example/x") == ""
    assert guard.refusal("http://open.example/x") == ""
    assert asked == ["rebound.example", "six.example", "unknown.example"]
    assert guard.refusal("http://rebound.example/z", resolve=False) == ""  # the proxy looks it up


def test_redirects() -> None:
    guard = Guard("https://a.org/feed")

    def said(target: str, *, known: bool = False) -> str:
        return guard.redirect_refusal("https://a.org/x", target, known_site=known, resolve=False)

    assert said("https://cdn.a.org/x") == ""
    assert said("http://a.org:8080/x") == ""
    assert said("https://b.org/x") == "'a.org' sends on to another host, 'b.org'"
    assert said("https://b.org/x", known=True) == ""
    for known in (False, True):
        assert "private" in said("http://10.0.0.1/", known=known)
        assert "neither" in said("file:///etc/passwd", known=known)


def test_secrets_are_not_shown_in_refusals() -> None:
    said = Guard("").refusal("ftp://me:hunter2@h.org/?token=abc")
    assert "hunter2" not in said
    assert "abc" not in said
