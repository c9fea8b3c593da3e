"""What yt-dlp is told, from the `web:` of artists.yaml; and the cookies."""

import io
import re
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from curate.config import WebOptions
from curate.errors import ConfigError
from curate.records import Seconds
from curate.sources.web.addresses import redact

TIMEOUT_S: Seconds = 30.0
"""Longest silence of a server."""

RUNTIMES = ("deno", "node", "bun", "quickjs")
"""JavaScript runtimes that YouTube's extractor may use, the best first."""

_PROTOCOLS = "^(https?|m3u8(_native)?|http_dash_segments(_generator)?)$"
"""What yt-dlp downloads itself, without another program."""

FORMAT = f"(bestaudio/best)[protocol~='{_PROTOCOLS}']"
"""The best sound alone, else the best of all, as it is: the pipeline decodes any."""


def params(options: WebOptions, pause: Callable[[int], Seconds]) -> dict[str, Any]:
    """yt-dlp's options.

    Args:
        options: From artists.yaml.
        pause: Seconds to wait before try number `n`, counted from 0.

    Raises:
        ConfigError: The proxy has a password in it.
    """
    rate = options.rate_limit_kib_s
    return {
        "quiet": True,
        "noprogress": True,
        "color": {"stdout": "never", "stderr": "never"},
        "ignoreerrors": False,
        "cachedir": False,
        "format": FORMAT,
        "extract_flat": "in_playlist",
        "lazy_playlist": True,
        "fixup": "never",
        "postprocessors": [],
        "external_downloader": "native",
        "enable_file_urls": False,
        "continuedl": True,
        "overwrites": False,
        "updatetime": False,
        "skip_unavailable_fragments": False,  # a recording with holes is none
        "socket_timeout": TIMEOUT_S,
        "retries": 0,  # the whole is tried again, with the pauses that hosts ask for
        "fragment_retries": options.retries,
        "extractor_retries": min(options.retries, 1),
        "retry_sleep_functions": dict.fromkeys(("fragment", "extractor"), lambda n: pause(n)),
        "sleep_interval_requests": options.request_sleep_s,
        "ratelimit": None if rate is None else rate * 1024,
        "proxy": _proxy(options.proxy),
        "geo_bypass_country": options.country,
        "js_runtimes": {name: {} for name in RUNTIMES},
    }


def cookies(base: Path, options: WebOptions) -> Any:
    """The jar that all requests share; a file is only read, never written.

    Raises:
        ConfigError: The file is not what it should be; no line of it is shown.
    """
    from yt_dlp.cookies import YoutubeDLCookieJar

    if options.cookies is None:
        return YoutubeDLCookieJar()
    path = base / Path(options.cookies).expanduser()
    expected = "expected a cookies.txt in Netscape's format, seven columns with tabs between"
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"web.cookies: {path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"web.cookies: {path}: is no text; {expected}") from None
    # yt-dlp would show a line it does not understand, with the secret in it.
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.removeprefix("#HttpOnly_")
        if not plain.strip() or plain.startswith(("#", "$")):
            continue
        columns = plain.split("\t")
        if len(columns) != 7 or not re.fullmatch(r"([0-9]+(\.[0-9]+)?)?", columns[4]):
            raise ConfigError(f"web.cookies: {path}:{number}: is no cookie; {expected}")
    jar = YoutubeDLCookieJar(io.StringIO("# Netscape HTTP Cookie File\n" + text))
    try:
        jar.load()
    except Exception:
        raise ConfigError(f"web.cookies: {path}: cannot be used; {expected}") from None
    jar.filename = None
    return jar


def _proxy(proxy: str | None) -> str | None:
    if proxy is None:
        return None
    wrong = ConfigError(
        f"web.proxy: '{redact(proxy)}' is no proxy; expected http://host:port, https:// or socks5://"
    )
    try:
        parts = urllib.parse.urlsplit(proxy)
        if parts.scheme not in ("http", "https", "socks4", "socks4a", "socks5", "socks5h"):
            raise wrong
        if not parts.hostname or (parts.port or 1) < 1:
            raise wrong
    except ValueError:
        raise wrong from None
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            f"web.proxy: '{redact(proxy)}' has a user or a password in it; secrets do not belong "
            "in artists.yaml: set the environment variable HTTPS_PROXY instead"
        )
    return proxy
