"""The Web API, asked through spotipy, but with our own waits, for spotipy sleeps without a word.

- 429: waits as long as Spotify asks, all in all `max_wait_s` a request; a longer wait is the
  caller's to know (`rate_limited`, until when).
- 5xx, no answer, not JSON: tried again after each of `WAITS_S`, then `network`.
- 401: the token is renewed, once.
- Anything else is final: `removed` (404), `private` (403), `unsupported`.

Client id, secret and token are in memory only. They are in no log and no message: spotipy, which
writes them into its debug log, is silenced, and what it raises is read but not passed on.
"""

import base64
import logging
import math
import os
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from curate.errors import CurateError
from curate.names import digest
from curate.records import Seconds
from curate.sources.source import SourceError

API = "https://api.spotify.com/v1/"
TOKENS = "https://accounts.spotify.com/api/token"

CLIENT_ID = "SPOTIPY_CLIENT_ID"
CLIENT_SECRET = "SPOTIPY_CLIENT_SECRET"

TIMEOUT_S: Seconds = 20.0
"""Without a byte from Spotify."""

WAITS_S: tuple[Seconds, ...] = (1.0, 3.0, 9.0)
"""Before each further try after a fault that may pass."""

LONGEST_S: Seconds = 30 * 86400.0
"""No wait is taken to be longer; 86,400 s have been seen."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Fault:
    """An answer that is none.

    Attributes:
        status: HTTP status; 0 where no whole answer came.
        said: In words.
        wait_s: How long Spotify asks to wait, if it does.
        of_token: The token was not given.
    """

    status: int
    said: str
    wait_s: Seconds | None
    of_token: bool


class Connection:
    """Spotify's Web API. Opened at the first request; may be used by several threads.

    Args:
        max_wait_s: Longest wait that Spotify asks for and gets, a request.
        api: Address that all requests start with.
        tokens: Address where tokens are given.
        sleep: Waits so many seconds.
        now: Seconds since 1970.
    """

    def __init__(
        self,
        max_wait_s: Seconds,
        api: str | None = None,
        tokens: str | None = None,
        sleep: Callable[[Seconds], None] = time.sleep,
        now: Callable[[], Seconds] = time.time,
    ) -> None:
        self._max_wait_s = max_wait_s
        self._api = api or API
        self._tokens = tokens or TOKENS
        self._sleep = sleep
        self.now = now
        self._lock = threading.Lock()
        self._spotipy: Any = None

    @property
    def app(self) -> str:
        """Names the app, whose limits and rights are its own; "" without credentials."""
        found = os.environ.get(CLIENT_ID, "").strip()
        return digest("spotify app", found)[:16] if found else ""

    def owns(self, address: str) -> bool:
        """Whether an address is one of this API."""
        try:
            own, other = urllib.parse.urlsplit(self._api), urllib.parse.urlsplit(address)
        except ValueError:
            return False
        return own[:2] == other[:2] and other.path.startswith(own.path)

    def get(self, address: str, query: Mapping[str, object]) -> dict[str, Any]:
        """The answer to a request: a JSON object.

        Args:
            address: Below the API's, or a whole one that it `owns`.
            query: Its parameters.

        Raises:
            SourceError: `rate_limited` (with `until`), `network`, `removed`, `private`,
                `unsupported`.
            CurateError: No credentials, or Spotify does not accept them.
        """
        with self._lock:
            return self._persistently(address, query)

    def _persistently(self, address: str, query: Mapping[str, object]) -> dict[str, Any]:
        waits = iter(WAITS_S)
        slept_s, renewed = 0.0, False
        while True:
            found = self._ask(address, query)
            if not isinstance(found, _Fault):
                return found
            if found.status == 401 and not found.of_token and not renewed:
                renewed = True
                self._spotipy.auth_manager.cache_handler.save_token_to_cache(None)
                continue
            if found.status == 429:
                wait_s = found.wait_s or next(waits, WAITS_S[-1])
                if slept_s + wait_s > self._max_wait_s:
                    raise self._limited(wait_s)
                slept_s += wait_s
            elif found.status in (0, 408) or found.status >= 500:
                if (wait_s := next(waits, 0.0)) == 0:
                    tries = len(WAITS_S) + 1
                    raise SourceError(
                        "network", f"Spotify: {found.said} ({tries} tries); build again later"
                    )
            else:
                raise _refused(found)
            _LOG.info("Spotify: %s; asking again in %.0f s", found.said, wait_s)
            self._sleep(wait_s)

    def _ask(self, address: str, query: Mapping[str, object]) -> dict[str, Any] | _Fault:
        if self._spotipy is None:
            self._spotipy = _open(*_credentials(), self._api, self._tokens)
        of_token = True
        try:
            self._spotipy.auth_manager.get_access_token(as_dict=False)
            of_token = False
            found = self._spotipy.ask(address, query)
        except Exception as error:  # spotipy meets odd answers with any exception there is
            return self._fault(error, of_token)
        if isinstance(found, dict):
            return found
        return _Fault(0, "an answer that is no JSON object", None, of_token)

    def _fault(self, error: BaseException, of_token: bool) -> _Fault:
        import requests

        if isinstance(error, requests.TooManyRedirects):
            said = "it sends on to another address, which is not followed"
            return _Fault(0, said, None, of_token)
        response = _response(error)
        if response is None:
            said = f"an answer that is not as expected ({type(error).__name__})"
            if isinstance(error, requests.Timeout):
                said = f"no answer within {TIMEOUT_S:.0f} s"
            elif isinstance(error, requests.ConnectionError):
                said = "no connection"
            return _Fault(0, said, None, of_token)
        said = self._redacted(f"{response.status_code} {_words(response)}".strip())
        wait_s = self._asked_wait(response.headers.get("Retry-After", ""))
        return _Fault(response.status_code, said, wait_s, of_token)

    def _asked_wait(self, said: str) -> Seconds | None:
        """`Retry-After`, a number of seconds or a date; at least 1 s, so that waiting ends."""
        try:
            wait_s = float(said)
        except ValueError:
            try:
                wait_s = parsedate_to_datetime(said).timestamp() - self.now()
            except (ValueError, OverflowError):
                return None
        return None if math.isnan(wait_s) else min(max(wait_s, 1.0), LONGEST_S)

    def _limited(self, wait_s: Seconds) -> SourceError:
        until = datetime.fromtimestamp(self.now() + wait_s, UTC)
        reason = (
            f"Spotify asks to wait {wait_s:.0f} s, until {until:%Y-%m-%d %H:%M} UTC, and a request "
            f"waits {self._max_wait_s:g} s at most (spotify.max_wait_s); build again after that"
        )
        _LOG.info("%s", reason)
        return SourceError("rate_limited", reason, until)

    def _redacted(self, words: str) -> str:
        """Without what Spotify might send back of our secrets."""
        auth = self._spotipy.auth_manager
        token = (auth.cache_handler.get_cached_token() or {}).get("access_token")
        both = base64.b64encode(f"{auth.client_id}:{auth.client_secret}".encode()).decode()
        for secret in (both, token, auth.client_secret, auth.client_id):
            words = words.replace(secret, "***") if secret else words
        return words


def _credentials() -> tuple[str, str]:
    found = tuple(os.environ.get(name, "").strip() for name in (CLIENT_ID, CLIENT_SECRET))
    for name, value in zip((CLIENT_ID, CLIENT_SECRET), found, strict=True):
        fault = "is not set" if not value else "" if value.isascii() else "has odd characters"
        if fault:
            raise CurateError(
                f"`spotify:` needs {CLIENT_ID} and {CLIENT_SECRET} in the environment, and {name} "
                f"{fault}; make an app at https://developer.spotify.com/dashboard and copy its "
                "client id and secret"
            )
    return found[0], found[1]


def _open(client_id: str, client_secret: str, api: str, tokens: str) -> Any:
    import requests
    import spotipy
    from spotipy.cache_handler import MemoryCacheHandler
    from spotipy.oauth2 import SpotifyClientCredentials

    class Spotipy(spotipy.Spotify):
        def ask(self, address: str, query: Mapping[str, object]) -> Any:
            return self._get(address, **query)

    for name in ("spotipy.client", "spotipy.oauth2", "spotipy.util"):
        logging.getLogger(name).addFilter(_silence)
    # Not spotipy's own session: that one makes a 429 of every fault and hides Retry-After.
    session = requests.Session()
    session.max_redirects = 0
    session.auth = lambda request: request  # else ~/.netrc would replace the token
    auth = SpotifyClientCredentials(
        client_id,
        client_secret,
        requests_session=session,
        requests_timeout=TIMEOUT_S,
        cache_handler=MemoryCacheHandler(),  # else the token would be in a file
    )
    auth.OAUTH_TOKEN_URL = tokens
    opened = Spotipy(
        requests_session=session,
        auth_manager=auth,
        requests_timeout=TIMEOUT_S,
        retries=0,
        status_retries=0,
    )
    opened.prefix = api
    return opened


def _silence(record: logging.LogRecord) -> bool:
    """Lets nothing through: what matters is said here, and the debug log has the token."""
    return False


def _response(error: BaseException | None) -> Any:
    """What Spotify answered, which spotipy's errors hide behind them."""
    while error is not None:
        if (response := getattr(error, "response", None)) is not None:
            return response
        error = error.__context__
    return None


def _words(response: Any) -> str:
    """What an answer with a fault says, in one line."""
    try:
        found = response.json()
    except ValueError:
        found = None
    error = found.get("error") if isinstance(found, dict) else None
    if isinstance(error, dict):
        said = [error.get("message"), error.get("reason")]
    else:
        said = [error, found.get("error_description")] if error else [response.reason]
    whole = ", ".join(part for part in said if isinstance(part, str) and part)
    return " ".join("".join(c if c.isprintable() else " " for c in whole).split())[:200]


def _refused(fault: _Fault) -> SourceError | CurateError:
    if fault.of_token or fault.status == 401:
        return CurateError(
            f"Spotify does not accept {CLIENT_ID} and {CLIENT_SECRET} ({fault.said}); compare them "
            "with the app's at https://developer.spotify.com/dashboard"
        )
    if fault.status == 404:
        return SourceError("removed", f"Spotify has no such thing ({fault.said}); take it off")
    if fault.status == 403:
        return SourceError("private", f"Spotify does not give it to this app ({fault.said})")
    return SourceError("unsupported", f"Spotify does not understand the request ({fault.said})")
