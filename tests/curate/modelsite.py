"""A site with model files on 127.0.0.1, and all the ways a site can misbehave.

with serving(files) as site:
    site.faults["x.pb"] = [status(500), cut(1000)]    # for its first two requests
"""

import contextlib
import gzip
import hashlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from models import write_models

from curate.labels.models import zoo
from curate.labels.models.shelf import EXTENSIONS

Fault = Callable[[BaseHTTPRequestHandler, bytes, int], None]
"""Answers a request for a file's bytes from a place on, in its own way."""

BIG = bytes(range(256)) * 4096
"""1 MiB: what is no longer read in one go."""

PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"


@dataclass
class Site:
    """What the server has, how it misbehaves, and what it was asked."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    ranges: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def names(self) -> list[str]:
        """The files that were asked for, in order."""
        return [name for name, _ in self.asked]

    def ranges_of(self, name: str) -> list[str | None]:
        """The ranges that were asked for of one file."""
        return [wanted for asked, wanted in self.asked if asked == name]


@contextlib.contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Site]:
    """Serves files by name, whatever folder they are asked from."""
    site = Site(files=dict(files))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, wanted = self.path.rpartition("/")[2], self.headers.get("Range")
            site.asked.append((name, wanted))
            site.paths.add(self.path)
            data = site.files.get(name)
            start = int(wanted[6:-1]) if wanted and site.ranges else 0
            if site.faults.get(name):
                site.faults[name].pop(0)(self, data or b"", start)
            elif data is None:
                self.send_error(404)
            elif start >= len(data):
                self.send_error(416)
            else:
                send(self, data[start:], 206 if start else 200)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.address = f"http://127.0.0.1:{server.server_port}/models"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield site
    finally:
        site.stopped.set()
        server.shutdown()
        server.server_close()


def send(handler: BaseHTTPRequestHandler, data: bytes, code: int = 200, **headers: str) -> None:
    """A plain answer."""
    handler.send_response(code)
    for name, value in {"Content_Length": str(len(data)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(data)


def status(code: int, **headers: str) -> Fault:
    """An answer without the file."""
    return lambda handler, data, start: send(handler, b"no", code, **headers)


def page(handler: BaseHTTPRequestHandler, data: bytes, start: int) -> None:
    """A web page in the file's place, as hotel networks send it."""
    send(handler, PAGE, Content_Type="text/html")


def packed(handler: BaseHTTPRequestHandler, data: bytes, start: int) -> None:
    """The file compressed, though nobody asked."""
    send(handler, gzip.compress(data), Content_Encoding="gzip")


def cut(after: int) -> Fault:
    """The connection ends after so many bytes."""

    def answer(handler: BaseHTTPRequestHandler, data: bytes, start: int) -> None:
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(data) - start))
        handler.end_headers()
        handler.wfile.write(data[start : start + after])

    return answer


def reset(handler: BaseHTTPRequestHandler, data: bytes, start: int) -> None:
    """The connection is torn down without a word."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.wfile = open("/dev/null", "wb")  # noqa: PTH123, SIM115


def stall(after: int, until: threading.Event) -> Fault:
    """Some bytes, then nothing until the event."""

    def answer(handler: BaseHTTPRequestHandler, data: bytes, start: int) -> None:
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(data) - start))
        handler.end_headers()
        handler.wfile.write(data[start : start + after])
        handler.wfile.flush()
        until.wait(30)

    return answer


def standins(folder: Path) -> tuple[dict[str, bytes], tuple[zoo.Model, ...]]:
    """Small models of every official name, and the table with their hashes pinned.

    The `.onnx` of discogs-effnet is a megabyte of anything: fetching does not run it.
    """
    write_models(folder)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    files[zoo.BY_NAME[zoo.EFFNET].file("onnx")] = BIG
    return files, pinned(files)


def pinned(files: dict[str, bytes]) -> tuple[zoo.Model, ...]:
    """The official table with the hashes of these files where it has one of its own."""
    return tuple(
        replace(
            model,
            pinned={
                extension: hashlib.sha256(files[model.file(extension)]).hexdigest()
                for extension in EXTENSIONS
                if extension in model.pinned
            },
        )
        for model in zoo.MODELS
    )
