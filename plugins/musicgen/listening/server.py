"""The test over HTTP, by Python's own server: a page, its data, its clips, votes.

    GET  /                         the page
    GET  /test?listener=ID         the test as this listener meets it
    GET  /clip/ID/NAME.wav         a clip, whole or a range of bytes
    POST /votes                    a vote

Bound to this machine, it answers only requests that name this machine (a foreign page could else
reach it under a name of its own), and takes votes only from its own page. Open to others, every
address starts with a key that cannot be guessed. No address is ever a path on disk.
"""

import hmac
import ipaddress
import json
import logging
import re
import socket
import socketserver
import sys
import urllib.parse
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from . import page
from .blinding import address_key
from .desk import Desk, Refused
from .pairs import ListeningError
from .votes import VotesFull

log = logging.getLogger(__name__)

LARGEST_BODY = 4096
"""Bytes of a vote; one has about 200."""

PIECE = 1 << 16

_CLIP = re.compile(r"clip/([A-Za-z0-9_-]{1,64})/([A-Za-z0-9_-]{22})\.wav")

_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.%]+\](:\d{1,5})?")

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def is_local(host: str) -> bool:
    """Whether a host names this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


class Server(ThreadingHTTPServer):
    """An open server; `serve_forever` answers.

    Attributes:
        desk: What it serves.
        host: As given.
        prefix: What every path starts with: `/`, or `/KEY/` where others may reach it.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, desk: Desk, host: str, port: int) -> None:
        self.desk = desk
        self.host = host
        self.open = not is_local(host)
        self.prefix = f"/{address_key(desk.trial)}/" if self.open else "/"
        self.page = page.load()
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), Handler)
        except OSError as error:
            raise ListeningError(
                f"{host} port {port}: {error.strerror or error}; choose others by --host and --port"
            ) from None

    def server_bind(self) -> None:
        """Binds without looking up a name for the address, which could ask the net."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.host, self.server_address[1]

    def addresses(self) -> list[str]:
        """Where the page is, for people."""
        port = self.server_address[1]
        hosts = _own_addresses() if self.host in {"0.0.0.0", "::"} else [self.host]
        shown = [f"[{host}]" if ":" in host else host for host in hosts]
        return [f"http://{host}:{port}{self.prefix}" for host in shown]

    def knows(self, host: str | None) -> bool:
        """Whether a request's Host header may name this server.

        A page of others can give this machine a name of theirs, but cannot make it an address or
        this machine's own name.
        """
        if host is None or not _HOST.fullmatch(host):
            return False
        try:
            name = urllib.parse.urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if not self.open:
            return is_local(name)
        own = socket.gethostname().lower()
        return name in {self.host, "localhost", own, f"{own}.local"} or _is_address(name)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A listener who goes away is no error to show."""
        error = sys.exception()
        if isinstance(error, ConnectionError | TimeoutError):
            log.debug("%s went away: %s", client_address, error)
        else:
            log.error("a request failed", exc_info=error)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _own_addresses() -> list[str]:
    import psutil

    found = [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET
    ]
    return sorted(found, key=is_local) or ["127.0.0.1"]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 30.0  # a connection that says nothing

    def do_GET(self) -> None:
        """Page, data and clips."""
        path = self._inside()
        if path is None:
            return
        where, _, query = path.partition("?")
        if where == "":
            self._send(HTTPStatus.OK, self.server.page.body, "text/html; charset=utf-8",
                       {"Content-Security-Policy": self.server.page.policy})  # fmt: skip
        elif not self._from_own_page():
            self._fail(HTTPStatus.FORBIDDEN, "only the page of this test may ask for that")
        elif where == "test":
            self._test(query)
        elif (named := _CLIP.fullmatch(where)) is not None:
            self._clip(self.server.desk.clip(named[1], named[2]))
        else:
            self._fail(HTTPStatus.NOT_FOUND, "there is nothing here")

    do_HEAD = do_GET  # noqa: N815  the name Python's server looks for

    def do_POST(self) -> None:
        """Votes."""
        path = self._inside()
        if path is None:
            return
        if path != "votes":
            self._fail(HTTPStatus.NOT_FOUND, "there is nothing here")
        elif not self._from_own_page():
            self._fail(HTTPStatus.FORBIDDEN, "only the page of this test may vote")
        elif (body := self._body()) is not None:
            self._vote(body)

    def _inside(self) -> str | None:
        """The path behind the prefix; None where the request was refused or sent elsewhere."""
        hosts = self.headers.get_all("Host", [])  # two are none (RFC 9112, section 3.2)
        if not self.server.knows(hosts[0] if len(hosts) == 1 else None):
            self._fail(HTTPStatus.FORBIDDEN, "this server has no such name; use its address")
            return None
        prefix = self.server.prefix
        given = self.path.encode("utf-8", "replace")
        start = given[: len(prefix)]
        if hmac.compare_digest(start, prefix.encode()):
            return self.path[len(prefix) :]
        if hmac.compare_digest(given, prefix[:-1].encode()):
            self._send(HTTPStatus.PERMANENT_REDIRECT, b"", "text/plain", {"Location": prefix})
            return None
        self._fail(HTTPStatus.NOT_FOUND, "there is nothing here")
        return None

    def _from_own_page(self) -> bool:
        """Whether a browser sends this for our page, as far as browsers say."""
        if self.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
            return False
        origin = self.headers.get("Origin")
        return origin is None or origin.partition("://")[2] == self.headers.get("Host")

    def _body(self) -> bytes | None:
        kind = self.headers.get_content_type()
        length = self.headers.get("Content-Length", "")
        if kind != "application/json" or "Content-Type" not in self.headers:
            self._fail(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a vote is application/json")
        elif "Transfer-Encoding" in self.headers or not re.fullmatch("[0-9]{1,18}", length):
            self._fail(HTTPStatus.LENGTH_REQUIRED, "a vote says its Content-Length")
        elif int(length) > LARGEST_BODY:
            self._fail(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a vote has at most {LARGEST_BODY} bytes"
            )
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                return body
            self.close_connection = True
        return None

    def _test(self, query: str) -> None:
        listener = urllib.parse.parse_qs(query).get("listener", [""])[0]
        try:
            self._send_json(HTTPStatus.OK, self.server.desk.test(listener))
        except Refused as error:
            self._fail(HTTPStatus.BAD_REQUEST, str(error))

    def _vote(self, body: bytes) -> None:
        try:
            self.server.desk.vote(body)
        except Refused as error:
            self._fail(HTTPStatus.BAD_REQUEST, str(error))
        except (OSError, VotesFull):
            log.exception("a vote could not be saved")
            self._fail(HTTPStatus.INSUFFICIENT_STORAGE, "the vote could not be saved")
        else:
            self._send_json(HTTPStatus.OK, {"saved": True})

    def _clip(self, path: Path | None) -> None:
        """A clip: no date, no tag and no name, since those of two sets would differ."""
        if path is None:
            self._fail(HTTPStatus.NOT_FOUND, "there is no such clip")
            return
        size = path.stat().st_size
        # Without dates and tags no If-Range can be met, so the whole clip is the answer to one.
        wanted = None if "If-Range" in self.headers else self.headers.get("Range")
        try:
            part = byte_range(wanted, size)
        except NoSuchBytes:
            self._fail(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "no such bytes",
                       {"Content-Range": f"bytes */{size}"})  # fmt: skip
            return
        start, end = part or (0, size)
        self._begin(HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK)
        self.send_header("Content-Type", "audio/wav")
        self.send_header("Content-Length", str(end - start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Cache-Control", "private, max-age=3600")
        if part:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.end_headers()
        if self.command != "HEAD":
            self._copy(path, start, end)

    def _copy(self, path: Path, start: int, end: int) -> None:
        with path.open("rb") as file:
            file.seek(start)
            while start < end and (piece := file.read(min(PIECE, end - start))):
                self.wfile.write(piece)
                start += len(piece)

    def _send_json(self, status: HTTPStatus, said: dict[str, Any]) -> None:
        self._send(status, json.dumps(said).encode(), "application/json")

    def _fail(
        self, status: HTTPStatus, message: str, headers: dict[str, str] | None = None
    ) -> None:
        """Answers with an error and hangs up: a body that was not read would be taken for more."""
        self.close_connection = True
        body = json.dumps({"error": message}).encode()
        self._send(status, body, "application/json", {"Connection": "close"} | (headers or {}))

    def _send(
        self, status: HTTPStatus, body: bytes, kind: str, headers: dict[str, str] | None = None
    ) -> None:
        self._begin(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _begin(self, status: HTTPStatus) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What Python's server refuses by itself, told as everything else here."""
        self._fail(HTTPStatus(code), message or HTTPStatus(code).phrase)

    def version_string(self) -> str:
        """Nothing of the versions here."""
        return "listen"

    def log_message(self, format: str, *args: Any) -> None:
        """To the log, not to the terminal."""
        log.debug(format, *args)


class NoSuchBytes(Exception):
    """A range that lies behind a file's end."""


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The bytes a Range header asks for (RFC 9110, section 14).

    Args:
        header: Its value.
        size: Of the file.

    Returns:
        From the first byte to behind the last. None where the whole is the answer: no header,
        several ranges, or something that is no range.

    Raises:
        NoSuchBytes: The file ends before.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        raise NoSuchBytes(header)
    return start, end
