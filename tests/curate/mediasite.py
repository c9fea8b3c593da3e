"""A media site on 127.0.0.1, and all the ways a site can misbehave, for the real yt-dlp.

with serving() as site:
    site.put("/a.mp3", data)
    site.feed("/feed.xml", ["/a.mp3", Entry("/b.ogg", "紅葉")])
    site.script("/a.mp3", whole, cut(1000))     # for its first two requests, then whole ones

yt-dlp asks for a direct file twice: once to see what it is, then to fetch it. Asked as a proxy, the
site answers for every host: `site.as_proxy` and `site.at("music.example")`.
"""

import contextlib
import threading
import time
import urllib.parse
import xml.sax.saxutils
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import sounds

from curate import audio

KINDS = {
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "webm": "audio/webm",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "xml": "application/rss+xml; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "m3u8": "application/vnd.apple.mpegurl",
    "jpg": "image/jpeg",
}


class Handler(BaseHTTPRequestHandler):
    """What a scripted answer has to work with.

    Attributes:
        site: Whose request this is.
        media: What lies at the path, b"" where nothing does.
        kind: Its Content-Type.
        start: Where the range that is asked for starts, 0 where none is.
    """

    site: "Site"
    media: bytes
    kind: str
    start: int

    def log_message(self, *_: object) -> None:
        pass


Answer = Callable[[Handler], None]


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    range: str | None
    host: str
    headers: dict[str, str]
    at: float


@dataclass(frozen=True)
class Entry:
    """An item of a feed; `path` may also be a whole address."""

    path: str
    title: str
    duration_s: float | None = None
    guid: str | None = None


@dataclass
class Site:
    """What the server has, how it misbehaves, and what it was asked."""

    port: int = 0
    media: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    scripts: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    always: dict[str, Answer] = field(default_factory=dict)
    ranges: bool = True
    asked: list[Asked] = field(default_factory=list)
    answering: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """Where it is, without a slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def as_proxy(self) -> str:
        """The same, where a proxy is asked for."""
        return self.address

    def at(self, host: str, path: str = "") -> str:
        """An address on any host, for clients that use the site as their proxy."""
        return f"http://{host}{path}"

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return self.counts[path]

    @property
    def counts(self) -> Counter[str]:
        """How often each path was asked for."""
        return Counter(asked.path for asked in self.asked)

    def ranges_of(self, path: str) -> list[str | None]:
        """The ranges that were asked for of a path, in order."""
        return [asked.range for asked in self.asked if asked.path == path]

    def put(self, path: str, data: bytes, kind: str | None = None) -> str:
        """Serves data at a path. Returns its address."""
        suffix = path.rpartition(".")[2]
        self.media[path] = (data, kind or KINDS.get(suffix, "application/octet-stream"))
        return self.address + urllib.parse.quote(path)

    def script(self, path: str, *answers: Answer) -> None:
        """Answers the next requests for a path like this, one each; later ones plainly."""
        self.scripts[path] = list(answers)

    def feed(self, path: str, entries: Sequence[Entry | str], title: str = "A feed") -> str:
        """Serves an RSS feed. Returns its address."""
        return self.put(path, feed_of(self.address, entries, title))


def feed_of(address: str, entries: Sequence[Entry | str], title: str) -> bytes:
    """An RSS feed of files below an address."""
    escape = xml.sax.saxutils.escape
    items = []
    for entry in entries:
        if isinstance(entry, str):
            entry = Entry(entry, entry.strip("/").rpartition(".")[0])
        where = entry.path if "://" in entry.path else address + urllib.parse.quote(entry.path)
        where = xml.sax.saxutils.quoteattr(where)
        length = "" if entry.duration_s is None else f"{entry.duration_s:.0f}"
        duration = f"<itunes:duration>{length}</itunes:duration>" if length else ""
        guid = f"<guid>{escape(entry.guid)}</guid>" if entry.guid else ""
        items.append(
            f"<item><title>{escape(entry.title)}</title>{guid}{duration}"
            f'<enclosure url={where} length="0" type="audio/mpeg"/></item>'
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">'
        f"<channel><title>{escape(title)}</title>{''.join(items)}</channel></rss>"
    ).encode()


@contextlib.contextmanager
def serving() -> Iterator[Site]:
    """Serves until the context ends."""
    site = Site()

    class Handling(Handler):
        def do_GET(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            path, wanted = urllib.parse.unquote(parts.path), self.headers.get("Range")
            host = self.headers.get("Host", "")
            now = time.monotonic()
            site.asked.append(Asked(path, wanted, host, dict(self.headers), now))
            self.site = site
            self.media, self.kind = site.media.get(path, (b"", ""))
            self.start = int(wanted[6:].split("-")[0]) if wanted and site.ranges else 0
            answer = site.scripts[path].pop(0) if site.scripts[path] else None
            answer = answer or site.always.get(path) or (whole if self.kind else status(404))
            site.answering.append(path)
            with contextlib.suppress(OSError):  # the client has seen enough
                answer(self)
            site.answering.remove(path)

        def handle_one_request(self) -> None:
            with contextlib.suppress(OSError):
                super().handle_one_request()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handling)
    server.daemon_threads = True
    site.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield site
    finally:
        site.stopped.set()
        server.shutdown()
        server.server_close()


# --- answers ------------------------------------------------------------------------------------


def begin(handler: Handler, code: int = 200, **headers: object) -> None:
    """Status and headers; `Content_Length` is spelt with a hyphen, None leaves one out."""
    handler.send_response(code)
    plain = {"Content_Type": handler.kind or "text/plain", **headers}
    for name, value in plain.items():
        if value is not None:
            handler.send_header(name.replace("_", "-"), str(value))
    handler.end_headers()


def whole(handler: Handler) -> None:
    """All that is asked for."""
    size, start = len(handler.media), handler.start
    if start >= size > 0:
        begin(handler, 416, Content_Range=f"bytes */{size}", Content_Length=0)
        return
    _head(handler)
    handler.wfile.write(handler.media[start:])


def cut(after: int) -> Answer:
    """The connection ends after so many bytes."""

    def answer(handler: Handler) -> None:
        _head(handler)
        handler.wfile.write(handler.media[handler.start : handler.start + after])

    return answer


def stall(after: int) -> Answer:
    """So many bytes, then nothing until the site stops."""

    def answer(handler: Handler) -> None:
        cut(after)(handler)
        handler.wfile.flush()
        handler.site.stopped.wait(60)

    return answer


def slow(bytes_s: int) -> Answer:
    """All that is asked for, at this speed."""

    def answer(handler: Handler) -> None:
        _head(handler)
        step = max(1, bytes_s // 20)
        for at in range(handler.start, len(handler.media), step):
            handler.wfile.write(handler.media[at : at + step])
            handler.wfile.flush()
            if handler.site.stopped.wait(step / bytes_s):
                return

    return answer


def status(code: int, **headers: object) -> Answer:
    """An answer without the media, e.g. `status(429, Retry_After=3)`."""
    return lambda handler: begin(handler, code, Content_Length=0, **headers)


def redirect(target: str, code: int = 302) -> Answer:
    """Sends the client elsewhere."""
    return status(code, Location=target)


def endless(bytes_s: int | None = None, **headers: object) -> Answer:
    """Audio without an end and without a word on its length."""

    def answer(handler: Handler) -> None:
        begin(handler, 200, **{"Content_Type": "audio/mpeg", **headers})
        block = b"\xff\xfb\x90\x00" + bytes(65532)
        if bytes_s is not None:
            block = block[: max(1, bytes_s // 20)]
        while not handler.site.stopped.is_set():
            handler.wfile.write(block)
            handler.wfile.flush()
            if bytes_s is not None:
                handler.site.stopped.wait(len(block) / bytes_s)

    return answer


def _head(handler: Handler) -> None:
    size, start = len(handler.media), handler.start
    if start:
        kept = f"bytes {start}-{size - 1}/{size}"
        begin(handler, 206, Content_Length=size - start, Content_Range=kept)
    else:
        begin(handler, 200, Content_Length=size, Accept_Ranges="bytes")


# --- a site with a bit of everything --------------------------------------------------------------

GOOD = {
    "/one.mp3": "紅葉 (もみじ)",
    "/two.m4a": "Two",
    "/three.ogg": "Three",
    "/four.webm": "Four",
    "/later.flac": "Later",
    "/torn.wav": "Torn",
}
"""Paths and titles of `ten_items` that can be had in the end."""

BAD = {
    "/gone.mp3": "removed",
    "/picture.jpg": "no_audio",
    "/radio.mp3": "too_long",
    "/elsewhere.mp3": "unsafe_address",
}
"""Those that cannot, with the code."""


def encoded(path: Path, samples: sounds.Samples) -> bytes:
    """A sound [T, C] at `sounds.RATE` in the format of the path's extension."""
    rate = sounds.RATE
    if path.suffix in (".webm", ".opus"):  # Opus knows no 44.1 kHz
        samples, rate = audio.resample(samples, rate, 48000), 48000
    return sounds.save(path, samples, rate).read_bytes()


def ten_items(site: Site, folder: Path, samples: Sequence[sounds.Samples]) -> str:
    """A feed of ten items of mixed formats and faults. Returns its address.

    Args:
        site: Where they are served.
        folder: For the files while they are made.
        samples: Six sounds [T, C] at `sounds.RATE`.
    """
    titles = {**GOOD, **{path: path[1:].partition(".")[0].title() for path in BAD}}
    for path, sound in zip(GOOD, samples, strict=True):
        site.put(path, encoded(folder / path[1:], sound))
    site.put("/picture.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(2000))
    site.put("/elsewhere.mp3", site.media["/one.mp3"][0])
    site.script("/later.flac", status(429, Retry_After=1))
    site.script("/torn.wav", whole, cut(len(site.media["/torn.wav"][0]) // 2))
    site.always["/radio.mp3"] = endless()
    site.always["/elsewhere.mp3"] = redirect(f"http://localhost:{site.port}/one.mp3")
    order = ("/one.mp3", "/gone.mp3", "/two.m4a", "/later.flac", "/torn.wav", "/picture.jpg")
    order += ("/three.ogg", "/radio.mp3", "/elsewhere.mp3", "/four.webm")
    return site.feed("/feed.xml", [Entry(path, titles[path]) for path in order])
