"""How hosts are treated: turns, pauses, waits that grow, and being left alone."""

import itertools
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from curate.config import WebOptions
from curate.sources.cache import Cache
from curate.sources.source import SourceError
from curate.sources.web import hosts
from curate.sources.web.faults import BOT_PAUSE_S, RATE_PAUSE_S, Fault
from curate.sources.web.hosts import Hosts

HOST = "h.org"


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def tick() -> None:
    pass


def waits(of: Hosts, faults: list[Fault | None], monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long `persist` waits in between, where it is told of these faults."""
    slept: list[float] = []
    monkeypatch.setattr(hosts, "wait", lambda seconds, tick: slept.append(seconds))
    left = iter(faults)

    def act() -> str:
        fault = next(left)
        if fault is not None:
            raise fault
        return "done"

    assert of.persist(HOST, tick, act) == "done"
    return slept


def refused(of: Hosts, fault: Fault, tries: int = 9) -> SourceError:
    with pytest.raises(SourceError) as caught:
        of.after(HOST, fault, tries)
    return caught.value


def test_waits(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    down, busy = Fault("network", "down"), Fault("rate_limited", "busy")
    of = Hosts(WebOptions(retries=5), cache)
    assert waits(of, [down, down, busy, None], monkeypatch) == [2.0, 6.0, 18.0]
    asked = Fault("rate_limited", "busy", 11.0)
    assert waits(of, [asked, asked, asked, None], monkeypatch) == [11.0, 11.0, 18.0]
    hasty = Hosts(WebOptions(retries=9, max_wait_s=5.0), cache)
    assert waits(hasty, [down] * 5 + [None], monkeypatch) == [2.0] + [5.0] * 4


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (Fault("rate_limited", "busy", 301.0), 301.0),
        (Fault("network", "down", 86_400.0), 86_400.0),
        (Fault("rate_limited", "busy"), RATE_PAUSE_S),
        (Fault("rate_limited", "said so", None, RATE_PAUSE_S), RATE_PAUSE_S),
        (Fault("bot_check", "a robot?", None, BOT_PAUSE_S), BOT_PAUSE_S),
    ],
)
def test_a_host_is_left_alone(cache: Cache, fault: Fault, seconds: float) -> None:
    of = Hosts(WebOptions(), cache)
    error = refused(of, fault)
    assert error.until is not None
    assert (error.until - datetime.now(UTC)).total_seconds() == pytest.approx(seconds, abs=5)
    for again in (of, Hosts(WebOptions(), cache)):
        with pytest.raises(SourceError) as caught:
            again.check(HOST)
        assert caught.value.code == error.code
        again.check("other.org")
    Hosts(WebOptions(cookies="mine.txt"), cache).check(HOST)  # with cookies one is another


def test_pauses_end(cache: Cache) -> None:
    of = Hosts(WebOptions(), cache)
    of.pause(HOST, "bot_check", "a robot?", 0.2)
    with pytest.raises(SourceError):
        of.check(HOST)
    time.sleep(0.25)
    of.check(HOST)
    Hosts(WebOptions(), cache).check(HOST)


def test_a_broken_record_is_no_pause(cache: Cache) -> None:
    of = Hosts(WebOptions(), cache)
    of.pause(HOST, "bot_check", "a robot?", 100)
    (file,) = (path for path in cache.place.rglob("*") if path.is_file())
    file.write_bytes(b"{")
    Hosts(WebOptions(), cache).check(HOST)


def test_lasting_faults_concern_one_item(cache: Cache) -> None:
    of = Hosts(WebOptions(), cache)
    for code in ("private", "removed", "no_audio", "unsafe_address", "network"):
        error = refused(of, Fault(code, "so it is"))
        assert (error.code, error.until) == (code, None)
        assert error.reason.startswith("so it is; ")
    of.check(HOST)


def test_a_dead_host_is_left_alone_in_this_build_only(cache: Cache) -> None:
    of = Hosts(WebOptions(), cache)
    for _ in range(2):
        refused(of, Fault("network", "down"))
    refused(of, Fault("removed", "it answers"))
    for _ in range(3):
        of.check(HOST)
        refused(of, Fault("network", "down"))
    with pytest.raises(SourceError) as caught:
        of.check(HOST)
    assert caught.value.code == "network"
    Hosts(WebOptions(), cache).check(HOST)


def test_one_after_the_other(cache: Cache) -> None:
    of = Hosts(WebOptions(sleep_s=0.2), cache)
    spans: list[tuple[float, float]] = []

    def work() -> None:
        with of.turn(HOST, tick), of.download(HOST, tick):
            begun = time.monotonic()
            time.sleep(0.05)
            spans.append((begun, time.monotonic()))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (_, end), (begun, _) in itertools.pairwise(spans):
        assert begun - end >= 0.19


def test_a_wait_can_be_ended() -> None:
    class Enough(Exception):
        pass

    begun = time.monotonic()

    def stop() -> None:
        if time.monotonic() - begun > 0.3:
            raise Enough

    with pytest.raises(Enough):
        hosts.wait(60, stop)
    assert time.monotonic() - begun < 2
