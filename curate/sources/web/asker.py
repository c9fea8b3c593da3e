"""yt-dlp as it is used here: silent, alone, guarded. The only module that imports it at its top.

No plugins and no configuration of the user's own yt-dlp are loaded, nothing is post-processed, no
other program fetches anything, and nothing is printed. Every request passes the guard, and every
redirect before it is followed.
"""

import contextlib
import logging
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yt_dlp
from yt_dlp.extractor.generic import GenericIE as _GenericIE
from yt_dlp.networking.exceptions import HTTPError, RequestError
from yt_dlp.postprocessor.ffmpeg import FFmpegPostProcessor
from yt_dlp.utils import DownloadCancelled
from yt_dlp.utils.networking import select_proxy

from curate.sources.web.addresses import Guard, clean, redact
from curate.sources.web.faults import Fault, sort

_LOG = logging.getLogger(__name__)

PLAYLISTS = ("playlist", "multi_video", "compat_list")

Params = dict[str, Any]
Info = dict[str, Any]


class Stop(DownloadCancelled):
    """Something is not to be had, by our own rules. Passes through yt-dlp as it is."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


class Unsafe(RequestError):
    """A request that the guard refuses. yt-dlp passes on only errors of this kind."""


@dataclass(slots=True)
class Errand:
    """What a yt-dlp is asked for at the moment, and what was noticed on the way.

    Attributes:
        guard: Says where requests may go.
        one: One recording is wanted: a playlist is refused.
        hook: Told of the progress of a download.
        strict: The site is not known to yt-dlp: redirects to other hosts are refused.
        refusal: What the guard last refused, "" where nothing.
        status: HTTP status of the last answer that was not good.
        headers: Of that answer.
        kinds: The Content-Type of each address that was asked.
        opened: Answers, some of which nobody may have read to their end.
    """

    guard: Guard
    one: bool = False
    hook: Callable[[Info], None] | None = None
    strict: bool = False
    refusal: str = ""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    opened: list[Any] = field(default_factory=list)

    def hang_up(self) -> None:
        """Closes every connection that is still open: of a file, only the head is looked at."""
        while self.opened:
            self.opened.pop().close()


class Silent:
    """yt-dlp's own words go to the log, for those who want to see everything."""

    def debug(self, message: str) -> None:
        """Also what is ordinary output."""
        _LOG.debug("%s", redact(message))

    def warning(self, message: str) -> None:
        """What did not stop it."""
        _LOG.debug("%s", redact(message))

    def error(self, message: str) -> None:
        """Is raised as well."""
        _LOG.debug("%s", redact(message))


class GenericIE(_GenericIE):
    """For sites that yt-dlp does not know. The name is its key."""

    def _request_webpage(self, *args: Any, **kwargs: Any) -> Any:
        with self._downloader.strictly():
            return super()._request_webpage(*args, **kwargs)


class Asker(yt_dlp.YoutubeDL):
    """One yt-dlp. Not for two threads at once; it keeps its connections for the next errand.

    Args:
        params: Its options.
        cookies: Jar that all askers share.
    """

    def __init__(self, params: Params, cookies: Any) -> None:
        yt_dlp.globals.plugin_dirs.value = []
        self.__dict__["cookiejar"] = cookies  # in place of the cached property
        self.errand = Errand(Guard(""))
        super().__init__({**params, "logger": Silent()})
        self.add_info_extractor(GenericIE(self))
        self.add_progress_hook(self._progressed)

    @contextlib.contextmanager
    def on(self, errand: Errand) -> Iterator[None]:
        """While the context is open, this is what is asked for."""
        before, self.errand = self.errand, errand
        try:
            yield
        finally:
            errand.hang_up()
            self.errand = before

    @contextlib.contextmanager
    def strictly(self) -> Iterator[None]:
        """While the context is open, redirects stay on their host."""
        before, self.errand.strict = self.errand.strict, True
        try:
            yield
        finally:
            self.errand.strict = before

    def key_of(self, address: str) -> str:
        """The extractor that would read an address."""
        for key, extractor in self._ies.items():
            if extractor.suitable(address):
                return str(key)
        return ""

    def is_listing(self, key: str, address: str) -> bool:
        """Whether what is listed at an address is a listing itself."""
        if key in ("YoutubeTab", "YoutubePlaylist"):
            return True
        return bool(key and self.get_info_extractor(key).is_single_video(address) is False)

    def fault(self, error: Exception) -> Fault:
        """What an error on this errand means."""
        if isinstance(error, Fault):
            return error
        if isinstance(error, Stop):
            return Fault(error.code, clean(redact(str(error)), 300))
        if self.errand.refusal:
            why, self.errand.refusal = self.errand.refusal, ""
            return Fault("unsafe_address", why)
        return sort(error, self.errand.status, self.errand.headers)

    def urlopen(self, req: Any) -> Any:
        """See YoutubeDL; everything that is asked for by HTTP comes through here."""
        address = req if isinstance(req, str) else getattr(req, "url", None) or req.full_url
        if not address.startswith("data:"):  # what an extractor has made itself
            self._refuse(self.errand.guard.refusal(address, resolve=self._resolves(address)))
        try:
            response = super().urlopen(req)
        except HTTPError as error:
            self.errand.status = error.status
            self.errand.headers = dict(error.response.headers)
            raise
        if response.url != address and not response.url.startswith("data:"):
            resolve = self._resolves(response.url)
            self._refuse(self.errand.guard.refusal(response.url, resolve=resolve))
        self.errand.opened = [one for one in self.errand.opened if not one.closed]
        self.errand.opened.append(response)
        self._look(address, response)
        return response

    def dl(self, *args: Any, **kwargs: Any) -> Any:
        """See YoutubeDL; ffmpeg, which passes no guard, is not found."""
        nowhere = FFmpegPostProcessor._ffmpeg_location.set("/nonexistent")
        try:
            return super().dl(*args, **kwargs)
        finally:
            FFmpegPostProcessor._ffmpeg_location.reset(nowhere)

    def process_ie_result(self, ie_result: Info, *args: Any, **kwargs: Any) -> Any:
        """See YoutubeDL."""
        if self.errand.one and ie_result.get("_type") in PLAYLISTS:
            words = "the address holds a list where one recording was expected"
            raise Stop("unsupported", f"{words}; name that list under playlists")
        return super().process_ie_result(ie_result, *args, **kwargs)

    def build_request_director(self, *args: Any, **kwargs: Any) -> Any:
        """See YoutubeDL; has its handlers ask before they follow a redirect."""
        director = super().build_request_director(*args, **kwargs)
        for handler in director.handlers.values():
            if hasattr(handler, "_create_instance"):
                handler._create_instance = _asking(handler._create_instance, self._redirected)
        return director

    def _redirected(self, address: str, target: str) -> None:
        target = urllib.parse.urljoin(address, target)
        known, resolve = not self.errand.strict, self._resolves(target)
        guard = self.errand.guard
        self._refuse(guard.redirect_refusal(address, target, known_site=known, resolve=resolve))

    def _refuse(self, why: str) -> None:
        if why:
            self.errand.refusal = why
            raise Unsafe(why)

    def _resolves(self, address: str) -> bool:
        """Whether this machine looks the host's name up itself."""
        return select_proxy(address, self.proxies) is None

    def _look(self, address: str, response: Any) -> None:
        self.errand.kinds[address] = response.headers.get("Content-Type", "").lower()
        names = {name.lower() for name in response.headers}
        if "content-length" not in names and any(name.startswith("icy-") for name in names):
            raise Stop("live", "an internet radio")

    def _progressed(self, status: Info) -> None:
        if self.errand.hook is not None:
            self.errand.hook(status)


def _asking(create: Callable[..., Any], ask: Callable[[str, str], None]) -> Callable[..., Any]:
    """Makes a handler's session or opener, by `create`, ask before it follows a redirect."""

    def made(*args: Any, **kwargs: Any) -> Any:
        found = create(*args, **kwargs)
        if isinstance(found, urllib.request.OpenerDirector):
            found.add_handler(_AskFirst(ask))
        elif hasattr(found, "get_redirect_target"):
            target_of = found.get_redirect_target

            def asked(response: Any) -> Any:
                target = target_of(response)
                if target:
                    ask(response.url, target)
                return target

            found.get_redirect_target = asked
        return found

    return made


class _AskFirst(urllib.request.BaseHandler):
    """Before the handler that follows redirects."""

    handler_order = 100

    def __init__(self, ask: Callable[[str, str], None]) -> None:
        self._ask = ask

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> None:
        target = headers.get("location") or headers.get("uri")
        if target:
            self._ask(req.full_url, target)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302
