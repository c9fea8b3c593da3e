"""The listening test over HTTP: a real server on 127.0.0.1, a real client."""

import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import soundfile

from curate import schema
from plugins.musicgen.listening import pairs, preparing, server, votes
from plugins.musicgen.listening.blinding import address_key
from plugins.musicgen.listening.desk import Desk
from plugins.musicgen.listening.pairs import ListeningError, Prompt
from plugins.musicgen.listening.preparing import Trial

RATE = 16000
A, B = "zebrafish", "quokka"
"""Names that come about by chance nowhere."""

PROMPTS = {
    "quokka_1": "a slow waltz",
    "zebrafish_2": '<img src=x onerror=alert(1)></script><script>alert("2")</script>',
    "three": "都会的なシティポップ & more",
    "four": "a march\u2028\x00 of \"bells\" 'and' `drums`",
}

Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two sets: one of mono wav, the other of stereo flac with tags that name it."""
    root = tmp_path_factory.mktemp("sets")
    time = np.arange(RATE + RATE // 2) / RATE
    for number, name in enumerate((A, B)):
        (root / name).mkdir()
        pairs.write_prompts(root / name, [Prompt(*one) for one in PROMPTS.items()])
        for place, clip in enumerate(PROMPTS):
            tone = 0.1 * (number + 1) * np.sin(2 * np.pi * (220 + 55 * place) * time)
            samples = np.stack([tone] * (number + 1), axis=1).astype(np.float32)
            path = root / name / f"{clip}.{'flac' if number else 'wav'}"
            with soundfile.SoundFile(path, "w", RATE, number + 1) as file:
                file.title = file.artist = file.comment = name
                file.write(samples)
    return root / A, root / B


@pytest.fixture
def trial(sets: tuple[Path, Path], tmp_path: Path) -> Trial:
    return preparing.prepare(pairs.find(*sets), (A, B), tmp_path / "test", 1.0, "city pop")


@pytest.fixture
def folder(trial: Trial, tmp_path: Path) -> Path:
    return tmp_path / "test"


@pytest.fixture
def serve(trial: Trial, folder: Path) -> Iterator[Callable[..., "Client"]]:
    running: list[tuple[server.Server, threading.Thread]] = []

    def start(host: str = "127.0.0.1") -> Client:
        one = server.Server(Desk(trial, folder), host, 0)
        thread = threading.Thread(target=one.serve_forever, args=(0.05,))
        thread.start()
        running.append((one, thread))
        return Client(one.server_address[1], one)

    yield start
    for one, thread in running:
        one.shutdown()
        thread.join()
        one.server_close()


class Client:
    """One address; every request is a connection of its own."""

    def __init__(self, port: int, one: server.Server | None = None) -> None:
        self.port = port
        self.server = one

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), 20) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def test(self, listener: str, prefix: str = "/") -> dict[str, Any]:
        status, _, body = self.ask(f"{prefix}test?listener={listener}")
        assert status == 200, body
        found: dict[str, Any] = json.loads(body)
        return found

    def vote(self, said: object, path: str = "/votes", **headers: str) -> Answer:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        return self.ask(path, "POST", body, **({"Content_Type": "application/json"} | headers))


def ballot(listener: str, pair: str, *said: str) -> dict[str, Any]:
    answers = dict(zip(votes.QUESTIONS, said or ("1", "2", "same"), strict=True))
    return {"listener": listener, "pair": pair, "answers": answers, "heard_s": [4.0, 5.5]}


def box(folder: Path, trial: Trial) -> votes.Box:
    return votes.read(folder / "votes.jsonl", trial.fingerprint, PROMPTS)


class TestBlindness:
    def test_nothing_that_is_served_tells_the_sets_apart(
        self, serve: Callable[..., Client]
    ) -> None:
        client = serve()
        answers = [client.ask("/"), client.ask("/favicon.ico"), client.ask("/clip/x/y.wav")]
        shapes = set()
        for listener in ("anna", "ben"):
            answers.append(client.ask(f"/test?listener={listener}"))
            for pair in json.loads(answers[-1][2])["pairs"]:
                answers.append(client.vote(ballot(listener, pair["key"])))
                for address in pair["clips"]:
                    clip = client.ask("/" + address)
                    answers.append(clip)
                    headers = {k: v for k, v in clip[1].items() if k != "date"}
                    shapes.add((clip[0], tuple(sorted(headers.items())), clip[2][:44]))
                    assert not headers.keys() & {"last-modified", "etag", "content-disposition"}
            answers.append(client.ask(f"/test?listener={listener}"))
        everything = repr(answers).lower().encode()
        assert A.encode() not in everything
        assert B.encode() not in everything
        assert len(shapes) == 1  # status, headers with the size, and the whole head of the file
        assert str(Path.cwd()).encode() not in everything

    def test_a_clip_holds_sound_and_nothing_else(self, serve: Callable[..., Client]) -> None:
        client = serve()
        address = client.test("anna")["pairs"][0]["clips"][0]
        head = client.ask("/" + address)[2]
        assert (head[:4], head[8:16], head[36:40]) == (b"RIFF", b"WAVEfmt ", b"data")
        assert struct.unpack("<I", head[40:44])[0] == len(head) - 44 == RATE * 2 * 2

    def test_the_first_clip_is_of_the_set_the_vote_is_counted_for(
        self, serve: Callable[..., Client], trial: Trial, folder: Path
    ) -> None:
        client = serve()
        prompts = {pair.prompt: place for place, pair in enumerate(trial.pairs)}
        for pair in client.test("anna")["pairs"]:
            place = prompts[pair["prompt"]]
            first = client.ask("/" + pair["clips"][0])[2]
            side = "a" if first == preparing.clip_path(folder, place, "a").read_bytes() else "b"
            other = "b" if side == "a" else "a"
            assert client.vote(ballot("anna", pair["key"], "1", "2", "same"))[0] == 200
            cast = box(folder, trial).votes[-1]
            assert (cast.pair, cast.first) == (trial.pairs[place].id, side)
            assert cast.answers == {"quality": side, "genre": other, "prompt": "tie"}
            assert dict(zip("ab", cast.heard_s, strict=True)) == {side: 4.0, other: 5.5}

    def test_listeners_get_other_names_and_orders(self, serve: Callable[..., Client]) -> None:
        client = serve()
        tests = [client.test(f"listener{n}")["pairs"] for n in range(20)]
        names = [name for test in tests for pair in test for name in (pair["key"], *pair["clips"])]
        assert len(set(names)) == len(names)
        assert len({tuple(pair["prompt"] for pair in test) for test in tests}) > 5
        foreign = tests[0][0]["clips"][0].replace("listener0", "listener1")
        assert client.ask("/" + foreign)[0] == 404


class TestResuming:
    def test_what_was_answered_is_there_again_from_another_server(
        self, serve: Callable[..., Client]
    ) -> None:
        client = serve()
        before = client.test("anna")
        assert [pair["answers"] for pair in before["pairs"]] == [None] * 4
        assert before["questions"][1]["text"] == "Which one sounds more like city pop?"
        for pair, said in zip(before["pairs"][:2], ("1", "same"), strict=True):
            assert client.vote(ballot("anna", pair["key"], "2", said, "1"))[0] == 200
        after = serve().test("anna")
        given = [pair.pop("answers") for pair in after["pairs"]]
        assert given[0] == {"quality": "2", "genre": "1", "prompt": "1"}
        assert given[1] == {"quality": "2", "genre": "same", "prompt": "1"}
        assert given[2:] == [None, None]
        assert [p["clips"] for p in after["pairs"]] == [p["clips"] for p in before["pairs"]]
        assert [pair["answers"] for pair in client.test("ben")["pairs"]] == [None] * 4

    def test_the_same_vote_twice_is_one(
        self, serve: Callable[..., Client], folder: Path, trial: Trial
    ) -> None:
        client = serve()
        key = client.test("anna")["pairs"][0]["key"]
        for _ in range(3):
            assert client.vote(ballot("anna", key))[0] == 200
        assert (len(box(folder, trial).votes), box(folder, trial).changed) == (1, 2)

    def test_a_broken_file_of_votes_is_no_hindrance(
        self, serve: Callable[..., Client], folder: Path, trial: Trial
    ) -> None:
        client = serve()
        keys = [pair["key"] for pair in client.test("anna")["pairs"]]
        assert client.vote(ballot("anna", keys[0]))[0] == 200
        with (folder / "votes.jsonl").open("ab") as file:
            file.write(b'{"test":"0123')
        assert client.test("anna")["pairs"][0]["answers"] is not None
        assert client.vote(ballot("anna", keys[1]))[0] == 200
        assert (len(box(folder, trial).votes), box(folder, trial).broken) == (2, 1)

    def test_many_listeners_vote_at_once_on_two_servers(
        self, serve: Callable[..., Client], folder: Path, trial: Trial
    ) -> None:
        clients = [serve(), serve()]

        def listen(number: int) -> list[int]:
            client, name = clients[number % 2], f"listener{number}"
            keys = [pair["key"] for pair in client.test(name)["pairs"]]
            return [client.vote(ballot(name, key))[0] for key in keys]

        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(listen, range(24)))
        assert found == [[200] * 4] * 24
        counted = box(folder, trial)
        assert (len(counted.votes), counted.changed, counted.broken) == (96, 0, 0)

    def test_a_vote_that_cannot_be_saved_is_not_called_saved(
        self, serve: Callable[..., Client], folder: Path
    ) -> None:
        client = serve()
        key = client.test("anna")["pairs"][0]["key"]
        with (folder / "votes.jsonl").open("wb") as file:
            file.truncate(votes.LARGEST_FILE + 1)
        status, _, body = client.vote(ballot("anna", key))
        assert (status, json.loads(body)) == (507, {"error": "the vote could not be saved"})

    def test_the_file_is_as_its_schema_says(
        self, serve: Callable[..., Client], folder: Path
    ) -> None:
        client = serve()
        for pair in client.test("anna")["pairs"]:
            assert client.vote(ballot("anna", pair["key"], "1", "same", "2"))[0] == 200
        told = json.loads((schema.folder() / "vote.schema.json").read_bytes())
        jsonschema.Draft202012Validator.check_schema(told)
        lines = (folder / "votes.jsonl").read_bytes().splitlines()
        assert len(lines) == 4
        for line in lines:
            jsonschema.validate(json.loads(line), told, jsonschema.Draft202012Validator)
        assert set(told["properties"]["answers"]["properties"]) == set(votes.QUESTIONS)
        assert set(told["properties"]) == set(votes.Vote.__dataclass_fields__)


class TestRanges:
    @pytest.fixture
    def clip(self, serve: Callable[..., Client]) -> tuple[Client, str, bytes]:
        client = serve()
        address = "/" + client.test("anna")["pairs"][0]["clips"][0]
        status, headers, whole = client.ask(address)
        assert (status, headers["accept-ranges"]) == (200, "bytes")
        assert headers["content-type"] == "audio/wav"
        return client, address, whole

    @pytest.mark.parametrize(
        ("asked", "start", "end"),
        [
            ("bytes=0-1", 0, 2),  # Safari's first question
            ("bytes=0-", 0, None),
            ("bytes=100-199", 100, 200),
            ("bytes=100-999999999", 100, None),
            ("bytes=-100", -100, None),
            ("bytes=-999999999", 0, None),
        ],
    )
    def test_parts(
        self, clip: tuple[Client, str, bytes], asked: str, start: int, end: int | None
    ) -> None:
        client, address, whole = clip
        status, headers, part = client.ask(address, Range=asked)
        assert (status, part) == (206, whole[start:end])
        first = len(whole) + start if start < 0 else start
        assert headers["content-range"] == f"bytes {first}-{first + len(part) - 1}/{len(whole)}"
        assert headers["content-length"] == str(len(part))

    @pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=-0"])
    def test_bytes_that_are_not_there(self, clip: tuple[Client, str, bytes], asked: str) -> None:
        client, address, whole = clip
        status, headers, _ = client.ask(address, Range=asked)
        assert (status, headers["content-range"]) == (416, f"bytes */{len(whole)}")

    @pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=-", "bytes=a-b", "bytes=0-1,4-5", "x"])
    def test_what_is_no_range_is_passed_over(
        self, clip: tuple[Client, str, bytes], asked: str
    ) -> None:
        client, address, whole = clip
        assert client.ask(address, Range=asked)[::2] == (200, whole)

    def test_a_condition_that_cannot_be_met(self, clip: tuple[Client, str, bytes]) -> None:
        client, address, whole = clip
        assert client.ask(address, Range="bytes=0-1", If_Range='"x"')[::2] == (200, whole)

    def test_heads_only(self, clip: tuple[Client, str, bytes]) -> None:
        client, address, whole = clip
        status, headers, body = client.ask(address, "HEAD")
        assert (status, headers["content-length"], body) == (200, str(len(whole)), b"")
        raw = client.raw(f"HEAD {address} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert raw.endswith(b"\r\n\r\n")

    def test_one_connection_serves_many_requests(self, clip: tuple[Client, str, bytes]) -> None:
        client, address, whole = clip
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=20)
        for _ in range(3):
            connection.request("GET", address, headers={"Range": "bytes=2-3"})
            assert connection.getresponse().read() == whole[2:4]
        connection.close()

    def test_a_listener_who_goes_away_in_the_middle(
        self, clip: tuple[Client, str, bytes], caplog: pytest.LogCaptureFixture
    ) -> None:
        client, address, whole = clip
        with socket.create_connection(("127.0.0.1", client.port)) as connection:
            linger = struct.pack("ii", 1, 0)  # hang up hard
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.sendall(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            connection.recv(100)
        assert client.ask(address)[::2] == (200, whole)
        assert not [record for record in caplog.records if record.levelname == "ERROR"]


class TestSafety:
    def test_the_page_runs_nothing_but_itself_and_asks_nobody_else(
        self, serve: Callable[..., Client]
    ) -> None:
        status, headers, body = serve().ask("/")
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        policy = dict(
            part.strip().partition(" ")[::2]
            for part in headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["connect-src"] == policy["media-src"] == "'self'"
        assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", policy["script-src"])
        page = body.decode()
        assert not re.findall(r"(?:src|href)\s*=\s*[\"'](?!data:,)", page)
        assert "//" not in re.sub(r"^\s*// .*$", "", page, flags=re.MULTILINE)  # no addresses
        assert not re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", page)
        assert not re.findall(r"\son\w+=", page)

    def test_prompts_are_data_never_markup(self, serve: Callable[..., Client]) -> None:
        client = serve()
        status, headers, body = client.ask("/test?listener=anna")
        assert (status, headers["content-type"]) == (200, "application/json")
        assert headers["x-content-type-options"] == "nosniff"
        assert {pair["prompt"] for pair in json.loads(body)["pairs"]} == set(PROMPTS.values())

    @pytest.mark.parametrize(
        "path",
        [
            "/../../../../etc/passwd",
            "/..%2f..%2f..%2fetc%2fpasswd",
            "/clip/anna/../../test.json",
            "/clip/../test.json",
            "/clip/anna/000-a.wav",
            "/clip/anna/%2e%2e%2f%2e%2e%2ftest.json",
            "/test.json",
            "/votes.jsonl",
            "/clips/000-a.wav",
            "//etc/passwd",
            "/\\..\\test.json",
            "http://elsewhere.example/test.json",
            "*",
            "/" + "x" * 10000,
        ],
    )
    def test_no_address_is_a_path_on_disk(self, serve: Callable[..., Client], path: str) -> None:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        answer = serve().raw(request.encode())
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"secret" not in answer
        assert b"root:" not in answer

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "127.0.0.1.evil.example",
            "evil.example:8321",
            "192.168.1.5",
            "[",
            "a@b",
            "a@localhost",
            "localhost/",
            "",
        ],
    )
    def test_another_name_for_this_machine_is_refused(
        self, serve: Callable[..., Client], host: str
    ) -> None:
        client = serve()
        for path in ("/", "/test?listener=anna"):
            assert client.ask(path, Host=host)[0] == 403
        assert client.vote(ballot("anna", "x"), Host=host)[0] == 403
        assert client.raw(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 403 ")
        twice = f"GET / HTTP/1.1\r\nHost: localhost\r\nHost: {host}\r\n\r\n".encode()
        assert client.raw(twice).startswith(b"HTTP/1.1 403 ")

    @pytest.mark.parametrize("host", ["127.0.0.1:9", "localhost", "LOCALHOST:80", "[::1]:8321"])
    def test_this_machines_own_names_will_do(self, serve: Callable[..., Client], host: str) -> None:
        assert serve().ask("/", Host=host)[0] == 200

    def test_pages_of_others_cannot_vote_or_listen(
        self, serve: Callable[..., Client], folder: Path
    ) -> None:
        client = serve()
        pair = client.test("anna")["pairs"][0]
        said = ballot("anna", pair["key"])
        everything: tuple[dict[str, Any], ...] = (
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:1"},
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site"},
        )
        for headers in everything:
            assert client.vote(said, **headers)[0] == 403
            assert client.ask("/test?listener=anna", **headers)[0] == 403
            assert client.ask("/" + pair["clips"][0], **headers)[0] == 403
        assert client.vote(said, Content_Type="text/plain")[0] == 415  # what a form can send
        assert client.ask("/votes", "OPTIONS", Origin="http://evil.example")[0] == 501
        assert not (folder / "votes.jsonl").exists()
        own = {"Origin": f"http://127.0.0.1:{client.port}", "Sec_Fetch_Site": "same-origin"}
        assert client.vote(said, **own)[0] == 200

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"listener": "../x"}, "a listener's id has 1 to 64"),
            ({"listener": "x" * 65}, "a listener's id has 1 to 64"),
            ({"listener": "ben"}, "no such pair"),
            ({"pair": "zzz"}, "no such pair"),
            ({"answers": {"quality": "1"}}, "a vote answers quality, genre, prompt"),
            (
                {"answers": {"quality": "1", "genre": "1", "prompt": "1", "x": "1"}},
                "a vote answers",
            ),
            ({"answers": {"quality": "a", "genre": "1", "prompt": "1"}}, "not a vote"),
            ({"answers": None}, "not a vote"),
            ({"heard_s": [1.0]}, "not a vote"),
            ({"heard_s": [-1.0, 2.0]}, "heard_s has to be"),
            ({"heard_s": [1e300, 2.0]}, "heard_s has to be"),
            ({"heard_s": [float("nan"), 2.0]}, "not a vote"),
            ({"listener": 7}, "not a vote"),
        ],
    )
    def test_what_is_no_vote_is_refused(
        self, serve: Callable[..., Client], folder: Path, change: dict[str, Any], said: str
    ) -> None:
        client = serve()
        key = client.test("anna")["pairs"][0]["key"]
        status, _, body = client.vote(ballot("anna", key) | change)
        assert status == 400
        assert said in json.loads(body)["error"]
        assert not (folder / "votes.jsonl").exists()

    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 4000, b'"x"', b"null"])
    def test_what_is_no_json_is_refused(self, serve: Callable[..., Client], body: bytes) -> None:
        assert serve().vote(body)[0] == 400

    def test_bodies_are_small_and_say_how_long_they_are(
        self, serve: Callable[..., Client], folder: Path
    ) -> None:
        client = serve()
        assert client.vote(b" " * 4097)[0] == 413
        start = b"POST /votes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        for length, status in (
            (b"Content-Length: 99999999999\r\n", b"413"),
            (b"Content-Length: -1\r\n", b"411"),
            (b"Content-Length: x\r\n", b"411"),
            (b"", b"411"),
            (b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", b"411"),
        ):
            answer = client.raw(start + length + b"\r\n{}GET / HTTP/1.1\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 " + status), (length, answer)
            assert answer.count(b"HTTP/1.1 ") == 1  # what is left of the body is no request
        assert client.raw(start + b"Content-Length: 20\r\n\r\n{}") == b""  # broke off
        assert client.ask("/")[0] == 200
        assert not (folder / "votes.jsonl").exists()

    @pytest.mark.parametrize("listener", ["", "a b", "a/b", "ä", "x" * 65, "%00"])
    def test_listeners_have_plain_names(self, serve: Callable[..., Client], listener: str) -> None:
        path = f"/test?listener={listener}".replace(" ", "+").replace("ä", "%C3%A4")
        assert serve().ask(path)[0] == 400

    def test_nonsense_instead_of_http(self, serve: Callable[..., Client]) -> None:
        client = serve()
        for request in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/9\r\n\r\n"):
            assert b"Traceback" not in client.raw(request)
        many = b"".join(b"X-%d: y\r\n" % n for n in range(500))
        answer = client.raw(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + many + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert client.ask("/")[0] == 200

    def test_the_server_tells_nothing_of_itself(self, serve: Callable[..., Client]) -> None:
        assert serve().ask("/")[1]["server"] == "listen"


class TestOpenToOthers:
    def test_every_address_needs_the_key(
        self, serve: Callable[..., Client], trial: Trial, folder: Path
    ) -> None:
        client = serve("0.0.0.0")
        key = address_key(trial)
        assert len(key) == 22  # 128 bits
        for path in ("/", "/test?listener=anna", f"/{key[:-1]}/", f"/{key}x/", f"/{key.lower()}/"):
            assert client.ask(path)[0] == 404
        assert client.vote(ballot("anna", "x"))[0] == 404
        assert client.ask(f"/{key}")[1]["location"] == f"/{key}/"
        status, _, page = client.ask(f"/{key}/")
        assert status == 200
        assert key.encode() not in page
        pair = client.test("anna", f"/{key}/")["pairs"][0]
        assert client.ask(f"/{key}/{pair['clips'][0]}")[0] == 200
        assert client.ask(f"/{pair['clips'][0]}")[0] == 404
        assert client.vote(ballot("anna", pair["key"]), f"/{key}/votes")[0] == 200
        assert len(box(folder, trial).votes) == 1

    def test_its_addresses_have_the_key_and_stay_the_same(
        self, serve: Callable[..., Client], trial: Trial
    ) -> None:
        for client in (serve("0.0.0.0"), serve("0.0.0.0")):
            assert client.server is not None
            found = client.server.addresses()
            assert f"http://127.0.0.1:{client.port}/{address_key(trial)}/" in found
            assert not any("0.0.0.0" in address for address in found)

    def test_a_foreign_name_is_refused_even_with_the_key(
        self, serve: Callable[..., Client], trial: Trial
    ) -> None:
        client = serve("0.0.0.0")
        page = f"/{address_key(trial)}/"
        assert client.ask(page, Host="evil.example")[0] == 403
        for host in ("192.168.1.5:8321", socket.gethostname(), f"{socket.gethostname()}.local"):
            assert client.ask(page, Host=host)[0] == 200

    def test_this_machine_alone_needs_none(self) -> None:
        assert all(map(server.is_local, ("127.0.0.1", "127.8.8.8", "::1", "localhost")))
        assert not any(map(server.is_local, ("0.0.0.0", "::", "192.168.1.5", "localhost.example")))

    def test_a_port_that_is_taken(self, serve: Callable[..., Client], trial: Trial) -> None:
        client = serve()
        with pytest.raises(ListeningError, match=f"port {client.port}: .* by --host and --port"):
            server.Server(Desk(trial, Path("x")), "127.0.0.1", client.port)


@pytest.mark.integration
class TestWholeCommand:
    def start(self, *arguments: object) -> tuple["subprocess.Popen[str]", Client, str]:
        command = [sys.executable, "-m", "plugins.musicgen.listen", *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        port = re.search(r"http://127\.0\.0\.1:(\d+)/", said)
        assert port, said
        return process, Client(int(port[1])), said

    def test_a_test_that_is_killed_goes_on_and_is_counted(
        self, sets: tuple[Path, Path], tmp_path: Path
    ) -> None:
        given = (*sets, "--out", tmp_path / "t", "--seconds", "1", "--port", "0")
        process, client, said = self.start(*given)
        assert f"{A} against {B}: 4 pairs of 1 s" in said
        assert "only 4 prompts there, 10 asked for" in said
        before = client.test("anna")["pairs"]
        for pair in before[:2]:
            assert client.vote(ballot("anna", pair["key"], "1", "1", "1"))[0] == 200
        process.kill()
        process.communicate()

        process, client, _ = self.start(*given)
        after = client.test("anna")["pairs"]
        assert [p["key"] for p in after] == [p["key"] for p in before]
        assert [p["answers"] is not None for p in after] == [True, True, False, False]
        for pair in after[2:]:
            assert client.vote(ballot("anna", pair["key"], "1", "1", "1"))[0] == 200
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "4 votes by 1 listeners" in said

        command = ("-m", "plugins.musicgen.listen", "--results", "--json", "--out", tmp_path / "t")
        told = json.loads(subprocess.check_output([sys.executable, *map(str, command)]))
        quality = told["questions"]["quality"]  # always the first: half of it is of each set
        assert (quality["a"], quality["b"], quality["share_a"]) == (2, 2, 0.5)
        assert told["first_heard"]["quality"]["share_a"] == 1.0
        assert told["complete_listeners"] == 1

    def test_opened_to_the_network_it_warns_and_ends_when_told(
        self, sets: tuple[Path, Path], tmp_path: Path
    ) -> None:
        process, _, said = self.start(
            *sets, "--out", tmp_path / "t", "--seconds", "1", "--port", "0", "--host", "0.0.0.0"
        )
        assert "warning: open to everybody" in said
        assert re.search(r"http://127\.0\.0\.1:\d+/[A-Za-z0-9_-]{22}/\n", said)
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode == 0
