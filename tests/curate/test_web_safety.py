"""Where the web may lead, what stays secret, and what of yt-dlp is not used."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import mediasite
import pytest
import webtools
from mediasite import Entry, Site, redirect, status
from webtools import FAST, FETCH, listed, quiet, refusal, tracks_of

from curate.errors import ConfigError
from curate.records import Rejection
from curate.sources.cache import Cache
from curate.sources.source import SourceError
from curate.sources.web import (
    Web,
    javascript_runtime,
    settings,
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
    command = [sys.executable, "-c", FETCH, str(tmp_path / "cache"), feed]
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
