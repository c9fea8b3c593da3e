"""One file over HTTP, from a server on 127.0.0.1 that misbehaves, by the real client."""

import email.utils
import hashlib
import http.client
import io
import json
import os
import socket
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import modelsite
import pytest
from modelsite import BIG, Site, cut, packed, page, reset, send, stall, status

from curate.errors import CurateError
from curate.labels.models import download, shelf, zoo
from curate.labels.models.download import Wanted

NAME = "x.pb"
MODEL = zoo.BY_NAME["mtg_jamendo_moodtheme-discogs-effnet-1"]


@dataclass
class Heard:
    """What a download told."""

    arrivals: list[tuple[int, int | None]] = field(default_factory=list)
    waited: list[tuple[str, float]] = field(default_factory=list)

    def arrived(self, file: str, have: int, total: int | None) -> None:
        assert file == NAME
        self.arrivals.append((have, total))

    def waits(self, file: str, why: str, seconds: float) -> None:
        assert file == NAME
        self.waited.append((why, seconds))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "WAIT_S", 0.01)
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def site() -> Iterator[Site]:
    with modelsite.serving({NAME: BIG}) as site:
        yield site


@pytest.fixture
def heard() -> Heard:
    return Heard()


def wanted(site: Site, folder: Path, *, known: bool = True, extension: str = "pb") -> Wanted:
    sha256 = hashlib.sha256(BIG).hexdigest() if known else ""
    return Wanted(
        f"{site.address}/{NAME}",
        folder / NAME,
        sha256,
        lambda path: shelf.content_fault(MODEL, extension, path),
    )


def test_a_file_arrives_whole_and_its_progress_is_told(
    site: Site, tmp_path: Path, heard: Heard
) -> None:
    download.download(wanted(site, tmp_path), heard)
    assert (tmp_path / NAME).read_bytes() == BIG
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert heard.arrivals[-1] == (len(BIG), len(BIG))
    assert len(heard.arrivals) >= 4
    assert heard.waited == []


# --- faults that pass ---------------------------------------------------------------------------


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again(
    site: Site, tmp_path: Path, heard: Heard, code: int
) -> None:
    site.faults[NAME] = [status(code), status(code)]
    download.download(wanted(site, tmp_path), heard)
    assert (tmp_path / NAME).read_bytes() == BIG
    assert [why.split()[0] for why, _ in heard.waited] == [str(code)] * 2
    assert [seconds for _, seconds in heard.waited] == pytest.approx([0.01, 0.03])


def test_a_torn_connection_is_made_again(site: Site, tmp_path: Path, heard: Heard) -> None:
    site.faults[NAME] = [reset]
    download.download(wanted(site, tmp_path), heard)
    assert (tmp_path / NAME).read_bytes() == BIG
    assert len(heard.waited) == 1


def test_a_silent_server_is_left_and_asked_again(
    site: Site, tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TIMEOUT_S", 0.3)
    site.faults[NAME] = [stall(300_000, site.stopped)]
    download.download(wanted(site, tmp_path), heard)
    assert (tmp_path / NAME).read_bytes() == BIG
    assert heard.waited == [("timed out", 0.01)]
    first, second = site.ranges_of(NAME)
    assert first is None
    assert second is not None  # what came before the silence is kept


def test_three_faults_are_enough(site: Site, tmp_path: Path, heard: Heard) -> None:
    site.faults[NAME] = [status(500)] * 9
    with pytest.raises(CurateError, match=r"x\.pb: 500 Internal Server Error \(3 tries\)"):
        download.download(wanted(site, tmp_path), heard)
    assert len(site.asked) == 3
    assert not list(tmp_path.iterdir())


def test_no_server_at_all_is_told(tmp_path: Path, heard: Heard) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nowhere = Site(address=f"http://127.0.0.1:{port}")
    with pytest.raises(CurateError, match=r"Connection refused.*goes on from 0 bytes"):
        download.download(wanted(nowhere, tmp_path), heard)
    assert len(heard.waited) == 2


def test_a_server_says_how_long_to_wait(site: Site, tmp_path: Path, heard: Heard) -> None:
    site.faults[NAME] = [status(429, Retry_After="1")]
    begun = time.perf_counter()
    download.download(wanted(site, tmp_path), heard)
    assert time.perf_counter() - begun >= 1.0
    assert heard.waited == [("429 Too Many Requests", 1.0)]


@pytest.mark.parametrize("as_date", [False, True])
def test_too_long_a_wait_is_left_to_the_user(
    site: Site, tmp_path: Path, heard: Heard, as_date: bool
) -> None:
    later = email.utils.formatdate(time.time() + 3600.5, usegmt=True) if as_date else "3600"
    site.faults[NAME] = [status(503, Retry_After=later)]
    with pytest.raises(CurateError, match=r"1 tries; the server asks to wait (3600|3599) s"):
        download.download(wanted(site, tmp_path), heard)
    assert len(site.asked) == 1


def test_nonsense_about_waiting_is_ignored(site: Site, tmp_path: Path, heard: Heard) -> None:
    site.faults[NAME] = [status(429, Retry_After="soon")]
    download.download(wanted(site, tmp_path), heard)
    assert heard.waited == [("429 Too Many Requests", 0.01)]


# --- going on -----------------------------------------------------------------------------------


def test_a_cut_connection_is_continued_where_it_stopped(
    site: Site, tmp_path: Path, heard: Heard
) -> None:
    site.faults[NAME] = [cut(300_000), cut(400_000)]
    download.download(wanted(site, tmp_path), heard)
    assert (tmp_path / NAME).read_bytes() == BIG
    assert site.ranges_of(NAME) == [None, "bytes=300000-", "bytes=700000-"]
    assert all(total == len(BIG) for _, total in heard.arrivals)


def test_the_next_call_continues_too(site: Site, tmp_path: Path, heard: Heard) -> None:
    site.faults[NAME] = [cut(300_000), cut(0), cut(0)]
    with pytest.raises(CurateError, match=r"300000 of 1048576 bytes.*goes on from 300000 bytes"):
        download.download(wanted(site, tmp_path), heard)
    assert not (tmp_path / NAME).exists()
    download.download(wanted(site, tmp_path), heard)
    assert (tmp_path / NAME).read_bytes() == BIG
    assert site.asked[-1] == (NAME, "bytes=300000-")


def test_a_server_without_ranges_is_read_from_the_start(
    site: Site, tmp_path: Path, heard: Heard
) -> None:
    (tmp_path / f"{NAME}.partial").write_bytes(b"x" * 1000)
    site.ranges = False
    download.download(wanted(site, tmp_path), heard)
    assert (tmp_path / NAME).read_bytes() == BIG
    assert site.ranges_of(NAME) == ["bytes=1000-"]


def test_a_file_that_only_lacked_its_name_gets_it(site: Site, tmp_path: Path, heard: Heard) -> None:
    (tmp_path / f"{NAME}.partial").write_bytes(BIG)
    download.download(wanted(site, tmp_path), heard)
    assert (tmp_path / NAME).read_bytes() == BIG
    assert heard.arrivals == []


@pytest.mark.parametrize("length", [1000, len(BIG), len(BIG) + 1000])
def test_a_beginning_of_another_version_is_thrown_away_once(
    site: Site, tmp_path: Path, heard: Heard, length: int
) -> None:
    (tmp_path / f"{NAME}.partial").write_bytes(b"\x0a" * length)
    download.download(wanted(site, tmp_path), heard)
    assert (tmp_path / NAME).read_bytes() == BIG
    assert site.ranges_of(NAME) == [f"bytes={length}-", None]


def test_what_stays_wrong_is_not_kept(site: Site, tmp_path: Path, heard: Heard) -> None:
    (tmp_path / f"{NAME}.partial").write_bytes(b"\x0a" * 1000)
    site.files[NAME] = BIG[::-1]
    with pytest.raises(download.Refused, match=r"is another file .*; it was not kept"):
        download.download(wanted(site, tmp_path), heard)
    assert len(site.asked) == 2
    assert not list(tmp_path.iterdir())


def test_without_a_known_hash_nothing_is_continued(
    site: Site, tmp_path: Path, heard: Heard
) -> None:
    (tmp_path / f"{NAME}.partial").write_bytes(b"\x0a" * 1000)
    site.faults[NAME] = [cut(300_000)]
    download.download(wanted(site, tmp_path, known=False), heard)
    assert (tmp_path / NAME).read_bytes() == BIG
    assert site.ranges_of(NAME) == [None, None]


# --- what is not the file -----------------------------------------------------------------------


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_an_address_without_the_file_is_told_at_once(
    site: Site, tmp_path: Path, heard: Heard, code: int
) -> None:
    site.faults[NAME] = [status(code)]
    with pytest.raises(download.Refused, match=rf"{site.address}/{NAME}: {code} "):
        download.download(wanted(site, tmp_path), heard)
    assert len(site.asked) == 1


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("extension", ["pb", "onnx", "json"])
def test_a_web_page_is_no_model(
    site: Site, tmp_path: Path, heard: Heard, known: bool, extension: str
) -> None:
    site.faults[NAME] = [page]
    with pytest.raises(download.Refused, match=r"is a web page.*not kept"):
        download.download(wanted(site, tmp_path, known=known, extension=extension), heard)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"[1, 2]", "is not a JSON object"),
        (b'{"name": "x"}', "names no classes"),
        (b'{"classes": []}', "names no classes"),
        (b'{"classes": [1, 2]}', "not a list of different names"),
        (b'{"classes": ["a", "a"]}', "not a list of different names"),
    ],
)
def test_a_description_must_name_classes(
    site: Site, tmp_path: Path, heard: Heard, content: bytes, words: str
) -> None:
    site.files[NAME] = content
    site.faults[NAME] = [lambda handler, data, start: send(handler, data)]
    with pytest.raises(download.Refused, match=words):
        download.download(wanted(site, tmp_path, known=False, extension="json"), heard)
    assert not list(tmp_path.iterdir())


def test_compressed_answers_are_unpacked(site: Site, tmp_path: Path, heard: Heard) -> None:
    site.faults[NAME] = [packed]
    download.download(wanted(site, tmp_path), heard)
    assert (tmp_path / NAME).read_bytes() == BIG


def test_a_compressed_part_is_no_part(site: Site, tmp_path: Path, heard: Heard) -> None:
    def packed_part(handler: BaseHTTPRequestHandler, data: bytes, start: int) -> None:
        send(handler, b"\x1f\x8b", 206, Content_Encoding="gzip")

    (tmp_path / f"{NAME}.partial").write_bytes(BIG[:1000])
    site.faults[NAME] = [packed_part]
    download.download(wanted(site, tmp_path), heard)
    assert (tmp_path / NAME).read_bytes() == BIG
    assert site.ranges_of(NAME) == ["bytes=1000-", None]


def test_an_unknown_coding_is_refused(site: Site, tmp_path: Path, heard: Heard) -> None:
    site.faults[NAME] = [status(200, Content_Encoding="br")]
    with pytest.raises(download.Refused, match="comes coded as 'br'"):
        download.download(wanted(site, tmp_path), heard)


def test_an_answer_in_pieces_may_end_early(site: Site, tmp_path: Path, heard: Heard) -> None:
    """Chunked transfer tells no length; that it broke off is told all the same."""

    def broken_pieces(handler: BaseHTTPRequestHandler, data: bytes, start: int) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"3e8\r\n" + data[:1000] + b"\r\n")

    site.faults[NAME] = [broken_pieces]
    download.download(wanted(site, tmp_path), heard)
    assert (tmp_path / NAME).read_bytes() == BIG
    assert len(heard.waited) == 1


# --- where a site sends on ----------------------------------------------------------------------


def test_other_hosts_are_followed(site: Site, tmp_path: Path, heard: Heard) -> None:
    with modelsite.serving({NAME: BIG}) as other:
        site.faults[NAME] = [status(302, Location=f"{other.address}/{NAME}")]
        download.download(wanted(site, tmp_path), heard)
    assert (tmp_path / NAME).read_bytes() == BIG
    assert other.names == [NAME]


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/x", "gopher://x/"])
def test_files_and_other_schemes_are_not_followed(
    site: Site, tmp_path: Path, heard: Heard, target: str
) -> None:
    site.faults[NAME] = [status(302, Location=target)]
    with pytest.raises(download.Refused, match=r"not allowed|not safe"):
        download.download(wanted(site, tmp_path), heard)
    assert not list(tmp_path.iterdir())


def test_from_https_no_way_leads_to_http() -> None:
    follow = download._Redirects().redirect_request
    request = urllib.request.Request("https://a.example/x")
    headers = http.client.HTTPMessage()
    with pytest.raises(download.Refused, match=r"sends on to http://b\.example/x"):
        follow(request, io.BytesIO(), 302, "Found", headers, "http://b.example/x")
    onward = follow(request, io.BytesIO(), 302, "Found", headers, "https://b.example/x")
    assert onward is not None
    assert onward.full_url == "https://b.example/x"


@pytest.mark.parametrize(
    "address",
    ["file:///etc/hostname", "ftp://me:hunter2@a/x", "/data/x", "http:///x", "http://[::1/x"],
)
def test_only_http_addresses_are_asked(tmp_path: Path, heard: Heard, address: str) -> None:
    with pytest.raises(CurateError, match="http and https addresses only") as caught:
        download.download(Wanted(address, tmp_path / NAME, "", lambda path: ""), heard)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "target",
    ["ftp://me:hunter2@127.0.0.1/x?key=hunter2", "//me:hunter2@[::1/x?hunter2", "http:///?hunter2"],
)
def test_a_redirection_does_not_give_secrets_away(
    site: Site, tmp_path: Path, heard: Heard, target: str
) -> None:
    site.faults[NAME] = [status(302, Location=target)] * 9
    with pytest.raises(CurateError) as caught:
        download.download(wanted(site, tmp_path), heard)
    assert "hunter2" not in str(caught.value) + str(heard.waited)


def test_from_https_an_unsafe_way_is_told_without_its_secrets() -> None:
    follow = download._Redirects().redirect_request
    request = urllib.request.Request("https://a.example/x?key=hunter2")
    headers = http.client.HTTPMessage()
    with pytest.raises(download.Refused) as caught:
        follow(
            request, io.BytesIO(), 302, "Found", headers, "http://me:hunter2@b.example/y?hunter2"
        )
    assert "https://a.example/x: sends on to http://b.example/y, which is" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_pipe_in_the_way_of_what_arrives_is_no_trap(
    site: Site, tmp_path: Path, heard: Heard
) -> None:
    os.mkfifo(tmp_path / f"{NAME}.partial")
    download.download(wanted(site, tmp_path), heard)
    assert (tmp_path / NAME).read_bytes() == BIG


# --- the disk -----------------------------------------------------------------------------------


def test_a_place_that_cannot_be_written_to_is_told(
    site: Site, tmp_path: Path, heard: Heard
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CurateError, match=r"file/x\.pb: cannot be written: Not a directory"):
        download.download(wanted(site, tmp_path / "file"), heard)
    assert len(site.asked) <= 1


def test_a_download_may_be_stopped_while_it_waits(
    site: Site, tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle of a file keeps what has arrived."""

    class Stop(Heard):
        def arrived(self, file: str, have: int, total: int | None) -> None:
            if have > 500_000:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download.download(wanted(site, tmp_path), Stop())
    kept = (tmp_path / f"{NAME}.partial").read_bytes()
    assert len(kept) > 500_000
    assert BIG.startswith(kept)
    download.download(wanted(site, tmp_path), heard)
    assert (tmp_path / NAME).read_bytes() == BIG
    assert site.asked[-1] == (NAME, f"bytes={len(kept)}-")


def test_descriptions_keep_their_classes(site: Site, tmp_path: Path, heard: Heard) -> None:
    site.files[NAME] = json.dumps({"classes": ["calm", "dark"]}).encode()
    download.download(wanted(site, tmp_path, known=False, extension="json"), heard)
    assert shelf.classes(MODEL, tmp_path / NAME) == ("calm", "dark")
