"""A server on 127.0.0.1 that speaks chat completions and the Batch API, and can misbehave.

with serving() as site:
    site.faults += [status(500), cut]             # for its first two requests
    site.reply = lambda facts, wanted: "no JSON"  # what its model says
"""

import contextlib
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-planted-0123456789abcdefPLANTED"
OPENAI_KEY = "sk-proj-otherplanted9876543210OTHER"
"""Keys that may be nowhere."""

Object = dict[str, Any]
Fault = Callable[[BaseHTTPRequestHandler], None]
"""Answers a request in its own way."""

NUMBERS = {"one": 1}
STARTS = (
    "This is a {genre} track with {instruments}.",
    "Here {instruments} can be heard in a {genre} track.",
    "A {genre} recording that features {instruments}.",
    "Music in the style of {genre}, played on {instruments}.",
    "The track is {genre} and has {instruments}.",
    "It is a piece of {genre} for {instruments}.",
)


def fine(facts: Object, wanted: int) -> str:
    """An answer as it should be."""
    return json.dumps({"captions": sentences(facts, wanted)}, ensure_ascii=False)


def sentences(facts: Object, wanted: int, first: int = 0) -> list[str]:
    """So many captions that say only what the facts say."""
    genre = (facts.get("genres") or ["music"])[0]
    instruments = " and ".join(facts.get("instruments") or ["instruments"])
    tempo = f" It is at {facts['tempo_bpm']} BPM." if "tempo_bpm" in facts else ""
    chosen = [STARTS[(first + number) % len(STARTS)] for number in range(wanted)]
    return [start.format(genre=genre, instruments=instruments) + tempo for start in chosen]


@dataclass
class Site:
    """What the server does, and what it was asked.

    Attributes:
        reply: What the model says: facts and wanted captions to text.
        repair: The same for the second request of a dialogue; None is as `reply`.
        faults: For the next requests, one each; None answers as usual.
        always: For every request after these.
        delay_s: Before every answer.
        usage: Whether tokens are counted.
        keys: Those that are taken; empty takes all.
        bodies: Requests for captions, in order.
        headers: Of every request.
        paths: Likewise: method and path.
        most: Requests at a time, at most.
        polls: How often a batch is looked at before it has ended.
        plan: What becomes of a batch: its requests to status, answers, errors, its own errors.
    """

    address: str = ""
    reply: Callable[[Object, int], str] = fine
    repair: Callable[[Object, int], str] | None = None
    faults: list[Fault | None] = field(default_factory=list)
    always: Fault | None = None
    delay_s: float = 0.0
    usage: bool = True
    keys: set[str] = field(default_factory=set)
    bodies: list[Object] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    going: int = 0
    most: int = 0
    polls: int = 1
    plan: Callable[["Site", list[Object]], Object] | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, Object] = field(default_factory=dict)
    file_faults: list[Fault | None] = field(default_factory=list)
    batch_faults: list[Fault | None] = field(default_factory=list)
    poll_faults: list[Fault | None] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def counted(self) -> Counter[str]:
        """How often each request came, by what was said in it."""
        return Counter(json.dumps(body["messages"]) for body in self.bodies)

    def facts(self) -> list[Object]:
        """The facts of each request, in order."""
        return [facts_of(body) for body in self.bodies]

    def submitted(self) -> list[Object]:
        """The requests of all batches, in order."""
        made = [self.files[batch["input_file_id"]] for batch in self.batches.values()]
        return [json.loads(line) for data in made for line in data.splitlines()]


def facts_of(body: Object) -> Object:
    """The facts in a request."""
    found = json.loads(body["messages"][1]["content"])
    assert isinstance(found, dict)
    return found


def wanted_of(body: Object) -> int:
    """How many captions a request asks for."""
    text = body["messages"][-1 if len(body["messages"]) > 2 else 0]["content"]
    found = re.search(r"(?:Write|exactly) (\d+|one)", text)
    assert found, text
    return NUMBERS.get(found[1]) or int(found[1])


def completion(site: Site, body: Object) -> Object:
    """The answer to a request."""
    wanted, facts = wanted_of(body), facts_of(body)
    again = len(body["messages"]) > 2
    text = (site.repair or site.reply if again else site.reply)(facts, wanted)
    answer = message(text)
    if site.usage:
        words = sum(len(said["content"].split()) for said in body["messages"])
        counts = {"prompt_tokens": words, "completion_tokens": len(text.split())}
        answer["usage"] = {**counts, "total_tokens": sum(counts.values())}
    return answer


def message(text: str | None, refusal: str | None = None, finish: str = "stop") -> Object:
    """A chat completion that says this."""
    said = {"role": "assistant", "content": text, "refusal": refusal}
    choice = {"index": 0, "message": said, "finish_reason": finish, "logprobs": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "test",
        "choices": [choice],
    }


@contextlib.contextmanager
def serving() -> Iterator[Site]:
    """Serves."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 60

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            _answer(site, self, data)

        def do_GET(self) -> None:
            _answer(site, self, b"")

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """A client that goes away is no fault of the server's."""

    server = Server(("127.0.0.1", 0), Handler)
    site.address = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield site
    finally:
        site.stopped.set()
        server.shutdown()
        server.server_close()


def _answer(site: Site, handler: BaseHTTPRequestHandler, data: bytes) -> None:
    path = handler.path.partition("?")[0].removeprefix("/v1")
    with site.lock:
        site.headers.append({name.lower(): value for name, value in handler.headers.items()})
        site.paths.append(f"{handler.command} {path}")
    token = handler.headers.get("Authorization", "").removeprefix("Bearer ")
    if site.keys and token not in site.keys:
        refuse(401, f"Incorrect API key provided: {token}", name="invalid_api_key")(handler)
    elif path == "/chat/completions":
        _chat(site, handler, json.loads(data))
    elif path.startswith(("/files", "/batches")):
        _batches(site, handler, path, data)
    else:
        refuse(404, "Not found")(handler)


def _chat(site: Site, handler: BaseHTTPRequestHandler, body: Object) -> None:
    with site.lock:
        site.bodies.append(body)
        site.going += 1
        site.most = max(site.most, site.going)
        fault = site.faults.pop(0) if site.faults else site.always
    try:
        time.sleep(site.delay_s)
        if fault is not None:
            handler.body = body  # type: ignore[attr-defined]  # for faults that look at it
            fault(handler)
        else:
            send(handler, json.dumps(completion(site, body)).encode())
    finally:
        with site.lock:
            site.going -= 1


def send(handler: BaseHTTPRequestHandler, data: bytes, code: int = 200, **headers: str) -> None:
    """A plain answer, in one piece."""
    handler.send_response(code)
    headers = {"Content_Type": "application/json", "Content_Length": str(len(data)), **headers}
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler._headers_buffer.append(b"\r\n")  # type: ignore[attr-defined]
    handler._headers_buffer.append(data)  # type: ignore[attr-defined]
    handler.flush_headers()


def refuse(
    code: int,
    text: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    name: str | None = None,
    **headers: str,
) -> Fault:
    """An error as OpenAI words it; `name` is its code there."""
    error = {"message": text, "type": kind, "param": param, "code": name}
    body = json.dumps({"error": error}).encode()
    return lambda handler: send(handler, body, code, **headers)


def status(code: int, **headers: str) -> Fault:
    """An error without JSON, as from a gateway."""
    page = b"<html><body>upstream</body></html>"
    return lambda handler: send(handler, page, code, Content_Type="text/html", **headers)


def limited(after: object = None) -> Fault:
    """Too many requests, and when to ask again."""
    more = {} if after is None else {"Retry_After": str(after)}
    return refuse(429, "Rate limit reached", kind="requests", name="rate_limit_exceeded", **more)


def says(text: str | None, refusal: str | None = None, finish: str = "stop") -> Fault:
    """A completion that says this."""
    data = json.dumps(message(text, refusal, finish)).encode()
    return lambda handler: send(handler, data)


def raw(data: bytes, **headers: str) -> Fault:
    """An answer of these bytes."""
    return lambda handler: send(handler, data, **headers)


def moved(address: str) -> Fault:
    """To be found elsewhere."""
    return lambda handler: send(handler, b"", 307, Location=address)


def cut(handler: BaseHTTPRequestHandler) -> None:
    """The connection ends in the midst of an answer."""
    data = json.dumps(message("{}")).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data[:20])
    handler.wfile.flush()
    handler.close_connection = True


def reset(handler: BaseHTTPRequestHandler) -> None:
    """The connection is torn down without a word."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.wfile = open("/dev/null", "wb")  # noqa: PTH123, SIM115
    handler.close_connection = True


def hang(site: Site, seconds: float = 30.0) -> Fault:
    """No answer for so long, or until the server goes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        site.stopped.wait(seconds)
        handler.close_connection = True

    return answer


def trickle(site: Site) -> Fault:
    """A byte now and then, without end: no read takes long."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.close_connection = True
        with contextlib.suppress(OSError):
            while not site.stopped.wait(0.05):
                handler.wfile.write(b" ")
                handler.wfile.flush()

    return answer


def huge(size: int) -> Fault:
    """Many bytes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        handler.close_connection = True
        with contextlib.suppress(OSError):
            for _ in range(size // 65536):
                handler.wfile.write(b" " * 65536)

    return answer


def echo(handler: BaseHTTPRequestHandler) -> None:
    """An error that repeats the key it was sent."""
    refuse(400, f"bad request of {handler.headers.get('Authorization')}")(handler)


def knows_not(site: Site, *params: str) -> None:
    """Refuses requests with these parameters from now on, as OpenAI words it."""

    def check(handler: BaseHTTPRequestHandler) -> None:
        body: Object = handler.body  # type: ignore[attr-defined]
        odd = next((param for param in params if param in body), None)
        if odd is None:
            send(handler, json.dumps(completion(site, body)).encode())
        else:
            text = f"Unsupported parameter: '{odd}' is not supported with this model."
            refuse(400, text, param=odd, name="unsupported_parameter")(handler)

    site.always = check


def _batches(site: Site, handler: BaseHTTPRequestHandler, path: str, data: bytes) -> None:
    posted, parts = handler.command == "POST", path.strip("/").split("/")
    queue = (
        site.file_faults
        if parts[0] == "files"
        else site.batch_faults
        if posted
        else site.poll_faults
    )
    fault = queue.pop(0) if queue else None
    if fault is not None:
        fault(handler)
    elif posted and parts == ["files"]:
        id_ = f"file-{len(site.files)}"
        site.files[id_] = _uploaded(handler, data)
        _send_object(handler, {"id": id_, "object": "file", "purpose": "batch"})
    elif posted and parts == ["batches"]:
        _send_object(handler, make_batch(site, json.loads(data)))
    elif parts == ["batches"]:
        held = list(reversed(site.batches.values()))
        _send_object(handler, {"object": "list", "data": held, "has_more": False})
    elif parts[0] == "batches" and parts[1] in site.batches:
        _send_object(handler, _look(site, site.batches[parts[1]]))
    elif parts[0] == "files" and parts[1] in site.files:
        send(handler, site.files[parts[1]], Content_Type="application/octet-stream")
    else:
        refuse(404, f"No such thing: {path}")(handler)


def _send_object(handler: BaseHTTPRequestHandler, value: Object) -> None:
    send(handler, json.dumps(value).encode())


def _uploaded(handler: BaseHTTPRequestHandler, data: bytes) -> bytes:
    """The file of a form."""
    boundary = handler.headers["Content-Type"].partition("boundary=")[2].strip('"').encode()
    for part in data.split(b"--" + boundary):
        head, _, content = part.partition(b"\r\n\r\n")
        if b'name="file"' in head:
            return content.removesuffix(b"\r\n")
    raise ValueError("no file in the form")


def make_batch(site: Site, asked: Object) -> Object:
    """Takes a batch."""
    id_ = f"batch-{len(site.batches)}"
    site.batches[id_] = {
        "id": id_,
        "object": "batch",
        "created_at": 1,
        "endpoint": asked["endpoint"],
        "completion_window": asked["completion_window"],
        "input_file_id": asked["input_file_id"],
        "metadata": asked.get("metadata"),
        "status": "validating",
        "looks": 0,
    }
    return site.batches[id_]


def _look(site: Site, batch: Object) -> Object:
    batch["looks"] += 1
    if batch["status"] in ("validating", "in_progress"):
        batch["status"] = "in_progress"
        if batch["looks"] > site.polls:
            lines = site.files[batch["input_file_id"]].splitlines()
            requests = [json.loads(line) for line in lines]
            _end(site, batch, (site.plan or answered)(site, requests), len(requests))
    return batch


def _end(site: Site, batch: Object, result: Object, total: int) -> None:
    batch["status"] = result.get("status", "completed")
    for name in ("output", "error"):
        lines = result.get(name) or []
        if lines:
            id_ = f"file-{len(site.files)}"
            site.files[id_] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
            batch[f"{name}_file_id"] = id_
    done, failed = len(result.get("output") or []), len(result.get("error") or [])
    batch["request_counts"] = {"total": total, "completed": done, "failed": failed}
    if result.get("errors"):
        batch["errors"] = {"object": "list", "data": result["errors"]}


def answered(site: Site, requests: list[Object]) -> Object:
    """A batch that answers all."""
    return {"output": [line(request, completion(site, request["body"])) for request in requests]}


def line(request: Object, body: Object | None, code: int = 200, error: str = "") -> Object:
    """A line of a file of answers or errors."""
    response = None if error else {"status_code": code, "request_id": "r", "body": body}
    fault = {"code": error, "message": f"This request: {error}"} if error else None
    return {"id": "x", "custom_id": request["custom_id"], "response": response, "error": fault}
