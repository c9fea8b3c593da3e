"""Spotify's Web API on 127.0.0.1, in the shapes that it documents, old and new, and its faults.

with serving() as site:
    site.add(track(1, "Lemon"))
    site.faults["tracks/"] = [status(500), limited(3)]      # for its first two requests

New is what apps in development mode get since March 2026: playlists under `/items` with their
tracks as `item`, pages of at most 10 albums, no markets and popularity, no batches and no audio
features. Old is what apps with extended quota keep.
"""

import base64
import contextlib
import json
import socket
import struct
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CLIENT_ID = "planted0client0id0c0ffee0123456789"
CLIENT_SECRET = "planted0client0secret0deadbeef9876"


def basic(client_id: str, client_secret: str) -> str:
    """Credentials as they are sent."""
    return base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()


BASIC = basic(CLIENT_ID, CLIENT_SECRET)

Object = dict[str, Any]
Fault = Callable[[BaseHTTPRequestHandler], None]


def id_of(kind: str, number: int) -> str:
    """22 letters and digits, as Spotify's ids have."""
    return f"{kind}{number:0{22 - len(kind)}d}"


def artist(number: int, name: str = "", genres: tuple[str, ...] = ()) -> Object:
    """An artist object."""
    return {
        "external_urls": {"spotify": f"https://open.spotify.com/artist/{id_of('artist', number)}"},
        "followers": {"href": None, "total": 1000 + number},
        "genres": list(genres),
        "href": f"https://api.spotify.com/v1/artists/{id_of('artist', number)}",
        "id": id_of("artist", number),
        "images": [{"url": "https://i.scdn.co/image/0", "height": 640, "width": 640}],
        "name": name or f"Artist {number}",
        "popularity": 50,
        "type": "artist",
        "uri": f"spotify:artist:{id_of('artist', number)}",
    }


def album(number: int, name: str = "", kind: str = "album", day: str = "2018-03-14") -> Object:
    """A simplified album object, by artist 1."""
    return {
        "album_type": kind,
        "total_tracks": 10,
        "available_markets": ["JP", "US"],
        "external_urls": {"spotify": f"https://open.spotify.com/album/{id_of('album', number)}"},
        "href": f"https://api.spotify.com/v1/albums/{id_of('album', number)}",
        "id": id_of("album", number),
        "images": [],
        "name": name or f"Album {number}",
        "release_date": day,
        "release_date_precision": {4: "year", 7: "month", 10: "day"}[len(day)],
        "type": "album",
        "uri": f"spotify:album:{id_of('album', number)}",
        "artists": [_brief(artist(1))],
    }


def track(
    number: int,
    title: str = "",
    seconds: float = 200.0,
    isrc: str | None = None,
    by: tuple[Object, ...] = (),
    on: Object | None = None,
) -> Object:
    """A track object, whole."""
    return {
        "album": on or album(1),
        "artists": [_brief(one) for one in by or (artist(1),)],
        "available_markets": ["JP", "US"],
        "disc_number": 1,
        "duration_ms": round(seconds * 1000),
        "explicit": False,
        "external_ids": {"isrc": isrc or f"JPA000{number:06d}"[:12]},
        "external_urls": {"spotify": f"https://open.spotify.com/track/{id_of('track', number)}"},
        "href": f"https://api.spotify.com/v1/tracks/{id_of('track', number)}",
        "id": id_of("track", number),
        "is_local": False,
        "name": title or f"Song {number}",
        "popularity": 60,
        "preview_url": None,
        "track_number": number,
        "type": "track",
        "uri": f"spotify:track:{id_of('track', number)}",
    }


def local_file(title: str) -> Object:
    """The track object of a file on its listener's machine."""
    place = urllib.parse.quote_plus(title)
    return {
        "album": {"album_type": None, "artists": [], "href": None, "id": None, "name": "Own"},
        "artists": [{"external_urls": {}, "href": None, "id": None, "name": "Me", "uri": None}],
        "available_markets": [],
        "disc_number": 0,
        "duration_ms": 127000,
        "explicit": False,
        "external_ids": {},
        "external_urls": {},
        "href": None,
        "id": None,
        "is_local": True,
        "name": title,
        "popularity": 0,
        "preview_url": None,
        "track_number": 0,
        "type": "track",
        "uri": f"spotify:local:Me:Own:{place}:127",
    }


def episode(number: int) -> Object:
    """An episode object: what a playlist may hold beside tracks."""
    return {
        "audio_preview_url": None,
        "description": "Two people talk.",
        "duration_ms": 1800000,
        "id": id_of("episode", number),
        "is_externally_hosted": False,
        "is_playable": True,
        "languages": ["en"],
        "name": f"Episode {number}",
        "release_date": "2024-01-01",
        "show": {"id": id_of("show", 1), "name": "Talk", "type": "show"},
        "type": "episode",
        "uri": f"spotify:episode:{id_of('episode', number)}",
    }


def features(number: int, tempo: float = 87.0, key: int = 8, mode: int = 1) -> Object:
    """An audio features object."""
    return {
        "acousticness": 0.1,
        "analysis_url": "https://api.spotify.com/v1/audio-analysis/0",
        "danceability": 0.585,
        "duration_ms": 200000,
        "energy": 0.842,
        "id": id_of("track", number),
        "instrumentalness": 0.0,
        "key": key,
        "liveness": 0.0866,
        "loudness": -5.883,
        "mode": mode,
        "speechiness": 0.0556,
        "tempo": tempo,
        "time_signature": 4,
        "type": "audio_features",
        "uri": f"spotify:track:{id_of('track', number)}",
        "valence": 0.428,
    }


@dataclass
class Site:
    """What Spotify has, how it misbehaves, and what it was asked.

    Attributes:
        old: It speaks as until 2026.
        closed: It gives no audio features.
        page: Items a page at most, whatever is asked for.
        faults: By a part of the request, for its next requests.
        asked: Requests to the API, in order.
        tokens: All that were given, in order.
        valid: Those that are taken: the last one.
        apps: Credentials that get a token.
    """

    address: str = ""
    old: bool = False
    closed: bool = False
    page: int = 50
    objects: dict[str, Object] = field(default_factory=dict)
    playlists: dict[str, list[Object | None]] = field(default_factory=dict)
    albums: dict[str, list[Object]] = field(default_factory=dict)
    features: dict[str, Object] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    valid: set[str] = field(default_factory=set)
    apps: set[str] = field(default_factory=lambda: {BASIC})
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def api(self) -> str:
        return f"{self.address}/v1/"

    @property
    def token_address(self) -> str:
        return f"{self.address}/api/token"

    @property
    def secrets(self) -> list[str]:
        """What may be nowhere."""
        return [CLIENT_ID, CLIENT_SECRET, BASIC, *self.tokens]

    def add(self, *objects: Object) -> None:
        for one in objects:
            self.objects[one["id"]] = one

    def add_album(self, on: Object, *tracks: Object) -> None:
        self.add(on, *tracks)
        self.albums[on["id"]] = list(tracks)

    def paths(self) -> list[str]:
        """The requests without their queries."""
        return [asked.partition("?")[0] for asked in self.asked]


@contextlib.contextmanager
def serving() -> Iterator[Site]:
    """Serves what is put into the site."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = urllib.parse.parse_qs(self.rfile.read(length).decode())
            if not _fault(site, self, self.path):
                _give_token(site, self, body)

        def do_GET(self) -> None:
            site.asked.append(self.path.removeprefix("/v1/"))
            if _fault(site, self, self.path):
                return
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if token not in site.valid:
                refuse(401, "The access token expired")(self)
            else:
                _answer(site, self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


def send(handler: BaseHTTPRequestHandler, data: bytes, code: int = 200, **headers: str) -> None:
    """A plain answer."""
    handler.send_response(code)
    headers = {"Content_Type": "application/json", "Content_Length": str(len(data)), **headers}
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(data)


def refuse(code: int, message: str, **headers: str) -> Fault:
    """An error as Spotify words it."""
    body = json.dumps({"error": {"status": code, "message": message}}).encode()
    return lambda handler: send(handler, body, code, **headers)


def status(code: int) -> Fault:
    """An error without JSON, as from a gateway before the API."""
    return lambda handler: send(handler, b"<html>upstream</html>", code, Content_Type="text/html")


def limited(after: object) -> Fault:
    """Too many requests, and when to ask again."""
    return refuse(429, "API rate limit exceeded", Retry_After=str(after))


def body(data: bytes) -> Fault:
    """An answer of these bytes."""
    return lambda handler: send(handler, data)


def moved(address: str) -> Fault:
    """An answer from elsewhere."""
    return lambda handler: send(handler, b"", 302, Location=address)


def reset(handler: BaseHTTPRequestHandler) -> None:
    """The connection is torn down without a word."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.wfile = open("/dev/null", "wb")  # noqa: PTH123, SIM115


def echo(handler: BaseHTTPRequestHandler) -> None:
    """An error that repeats all that it was sent."""
    heard = f"{handler.headers.get('Authorization')} {CLIENT_ID} {CLIENT_SECRET}"
    refuse(400, heard)(handler)


def silent(seconds: float) -> Fault:
    """No answer for so long."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        status(504)(handler)

    return answer


def _fault(site: Site, handler: BaseHTTPRequestHandler, path: str) -> bool:
    with site.lock:
        faults = next((f for part, f in site.faults.items() if part in path and f), None)
        fault = faults.pop(0) if faults else None
    if fault is not None:
        fault(handler)
    return fault is not None


def _give_token(site: Site, handler: BaseHTTPRequestHandler, form: dict[str, list[str]]) -> None:
    app = handler.headers.get("Authorization", "").removeprefix("Basic ")
    if app not in site.apps or form.get("grant_type") != ["client_credentials"]:
        error = {"error": "invalid_client", "error_description": "Invalid client secret"}
        send(handler, json.dumps(error).encode(), 400)
        return
    token = f"planted0token{len(site.tokens)}BQDxyz"
    site.tokens.append(token)
    site.valid = {token}
    given = {"access_token": token, "token_type": "Bearer", "expires_in": 3600}
    send(handler, json.dumps(given).encode())


def _answer(site: Site, handler: BaseHTTPRequestHandler) -> None:
    address = urllib.parse.urlsplit(handler.path)
    query = dict(urllib.parse.parse_qsl(address.query))
    parts = address.path.removeprefix("/v1/").strip("/").split("/")
    if "ids" in query:
        refuse(403, "Forbidden")(handler)
    elif len(parts) == 2:
        _answer_one(site, handler, *parts)
    else:
        _answer_page(site, handler, parts, query)


def _answer_one(site: Site, handler: BaseHTTPRequestHandler, kind: str, id_: str) -> None:
    if kind == "audio-features":
        if site.closed:
            refuse(403, "Forbidden")(handler)
        elif id_ not in site.features:
            refuse(404, "analysis not found")(handler)
        else:
            send(handler, json.dumps(site.features[id_]).encode())
        return
    found = site.objects.get(id_)
    if found is None or f"{found['type']}s" != kind:
        refuse(404, "Resource not found")(handler)
    else:
        send(handler, json.dumps(_form(site, found)).encode())


def _answer_page(
    site: Site, handler: BaseHTTPRequestHandler, parts: list[str], query: dict[str, str]
) -> None:
    kind, id_, what = parts
    items: list[Any] | None = None
    most = 50
    if kind == "playlists":
        if what != ("tracks" if site.old else "items"):
            refuse(404 if site.old else 403, "Not found" if site.old else "Forbidden")(handler)
            return
        held = site.playlists.get(id_)
        items = None if held is None else [_entry(site, one) for one in held]
    elif kind == "albums":
        held = site.albums.get(id_)
        items = None if held is None else [_form(site, _simple(one)) for one in held]
    elif kind == "artists" and id_ in site.objects:
        most = 50 if site.old else 10
        wanted = query.get("include_groups", "").split(",")
        albums = [site.objects[album_id] for album_id in site.albums]
        items = [_form(site, one) for one in albums if one["album_type"] in wanted]
    if items is None:
        refuse(404, "Resource not found")(handler)
        return
    limit, offset = int(query.get("limit", 20)), int(query.get("offset", 0))
    if not 1 <= limit <= most:
        refuse(400, "Invalid limit")(handler)
        return
    limit = min(limit, site.page)
    after = urllib.parse.urlencode({**query, "offset": offset + limit, "limit": limit})
    here = f"{site.api}{'/'.join(parts)}"
    page = {
        "href": f"{here}?{urllib.parse.urlencode(query)}",
        "limit": limit,
        "next": f"{here}?{after}" if offset + limit < len(items) else None,
        "offset": offset,
        "previous": None,
        "total": len(items),
        "items": items[offset : offset + limit],
    }
    send(handler, json.dumps(page).encode())


def _entry(site: Site, held: Object | None) -> Object:
    """A playlist's item; a track that was removed leaves an empty one."""
    return {
        "added_at": "2024-05-01T12:00:00Z",
        "added_by": {"id": "someone", "type": "user", "uri": "spotify:user:someone"},
        "is_local": bool(held and held.get("is_local")),
        "primary_color": None,
        ("track" if site.old else "item"): None if held is None else _form(site, held),
        "video_thumbnail": {"url": None},
    }


def _brief(one: Object) -> Object:
    """A simplified artist."""
    return {key: one[key] for key in ("external_urls", "href", "id", "name", "type", "uri")}


def _simple(one: Object) -> Object:
    """A simplified track: as albums list it."""
    left_out = {"album", "external_ids", "popularity"}
    return {key: value for key, value in one.items() if key not in left_out}


def _form(site: Site, one: Object) -> Object:
    """Without what the API gives no longer."""
    if site.old:
        return one
    gone = {"available_markets", "popularity", "followers"}
    return {
        key: _form(site, value) if key == "album" else value
        for key, value in one.items()
        if key not in gone
    }
