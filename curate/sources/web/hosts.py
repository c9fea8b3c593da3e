"""How each host is treated: one download at a time, pauses between them, and left alone when told.

A host that asks to wait gets its wait, up to `max_wait_s`; with a longer one everything of that
host is refused until then, in this build and, for it is remembered in the cache, in the next ones.
"""

import contextlib
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from curate import jsonio
from curate.config import WebOptions
from curate.records import Seconds
from curate.sources.cache import Cache
from curate.sources.source import SourceError
from curate.sources.web.faults import PASSING, RATE_PAUSE_S, REMEDIES, Fault

_LOG = logging.getLogger(__name__)

_T = TypeVar("_T")

Tick = Callable[[], None]
"""Called now and then while something is waited for; what it raises ends the wait."""

WAIT_S: Seconds = 2.0
"""Before the second try; three times as long before each further one."""

DEAD_AFTER = 3
"""Items in a row that cannot be had over the network, after which a host is left alone a while."""

DEAD_PAUSE_S: Seconds = 120.0

_STEP_S: Seconds = 0.1


@dataclass(frozen=True, slots=True)
class Pause:
    """A host that is left alone.

    Attributes:
        until: In seconds since 1970.
        code: Why, as a code.
        words: Why, in words.
    """

    until: float
    code: str
    words: str


class Hosts:
    """What is known of each host, for all threads of a build.

    Args:
        options: From artists.yaml.
        cache: Where pauses are remembered.
    """

    def __init__(self, options: WebOptions, cache: Cache) -> None:
        self._options = options
        self._cache = cache
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._rested: dict[str, float] = {}
        self._pauses: dict[str, Pause] = {}
        self._dead: dict[str, int] = defaultdict(int)
        self._own = threading.Lock()

    def check(self, host: str) -> None:
        """Raises `SourceError` where a host is left alone for now."""
        pause = self._pauses.get(host) or self._remembered(host)
        if pause is not None and pause.until > time.time():
            until = datetime.fromtimestamp(pause.until, UTC)
            when = f"{host} is left alone until {until:%Y-%m-%d %H:%M} UTC"
            reason = f"{pause.words}; {when}; {REMEDIES.get(pause.code, '')}"
            raise SourceError(pause.code, reason, until)

    def pause(self, host: str, code: str, words: str, seconds: Seconds) -> None:
        """Leaves a host alone for so long; with other codes than `network`, later builds do too."""
        pause = Pause(time.time() + seconds, code, words)
        self._pauses[host] = pause
        _LOG.warning("%s: %s; left alone for %.0f s", host, words, seconds)
        if code != "network":
            self._cache.put_answer(self._key(host), jsonio.encode(pause))

    @contextlib.contextmanager
    def turn(self, host: str, tick: Tick) -> Iterator[None]:
        """One after the other where there are pauses between downloads; else all at once."""
        if not self._options.sleep_s:
            yield
            return
        with self._own:
            lock = self._locks[host]
        while not lock.acquire(timeout=_STEP_S):
            tick()
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def download(self, host: str, tick: Tick) -> Iterator[None]:
        """Waits until the last download from this host is long enough ago; inside is the next."""
        rested = self._rested.get(host)
        if rested is not None:
            wait(rested + self._options.sleep_s - time.monotonic(), tick)
        try:
            yield
        finally:
            self._rested[host] = time.monotonic()

    def persist(self, host: str, tick: Tick, act: Callable[[], _T]) -> _T:
        """What `act` gives, tried again with growing waits where its `Fault` may pass.

        Raises:
            SourceError: It cannot be had; with `until` where the host is left alone from now on.
        """
        tries = 0
        while True:
            self.check(host)
            try:
                found = act()
            except Fault as fault:
                wait_s = self.after(host, fault, tries)
                _LOG.log(
                    logging.WARNING if wait_s > 30 else logging.INFO,
                    "%s: %s; again in %.1f s",
                    host,
                    fault.reason,
                    wait_s,
                )
                wait(wait_s, tick)
                tries += 1
            else:
                self._dead[host] = 0
                return found

    def after(self, host: str, fault: Fault, tries: int) -> Seconds:
        """How long to wait before the next try, after so many that were in vain before this one.

        Raises:
            SourceError: There is none.
        """
        words, longest = fault.words, self._options.max_wait_s
        if fault.pause_s:
            self._refuse(host, fault.code, words, fault.pause_s)
        if fault.wait_s is not None and fault.wait_s > longest:
            asks = f"{words}; it asks to wait {fault.wait_s:.0f} s"
            self._refuse(host, "rate_limited", asks, fault.wait_s)
        if fault.code in PASSING and tries < self._options.retries:
            return min(max(growing(tries), fault.wait_s or 0.0), longest)
        if fault.code == "rate_limited":
            self._refuse(host, fault.code, words, max(fault.wait_s or 0.0, RATE_PAUSE_S))
        self._dead[host] = self._dead[host] + 1 if fault.code == "network" else 0
        if self._dead[host] >= DEAD_AFTER:
            self.pause(host, fault.code, words, DEAD_PAUSE_S)
        raise SourceError(fault.code, fault.reason)

    def _refuse(self, host: str, code: str, words: str, seconds: Seconds) -> None:
        self.pause(host, code, words, seconds)
        self.check(host)

    def _remembered(self, host: str) -> Pause | None:
        data = self._cache.answer(self._key(host), None)
        try:
            return None if data is None else jsonio.decode(data, Pause)
        except msgspec.DecodeError:
            return None

    def _key(self, host: str) -> str:
        # Somebody who comes with cookies or from elsewhere is somebody else.
        return f"web pause {host} {self._options.cookies or ''} {self._options.proxy or ''}"


def growing(tries: int) -> Seconds:
    """The wait after so many tries in vain before the last one."""
    return WAIT_S * 3.0 ** min(tries, 8)


def wait(seconds: Seconds, tick: Tick) -> None:
    """Sleeps, but not through what `tick` raises."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        tick()
        time.sleep(min(left, _STEP_S))
