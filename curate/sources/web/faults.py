"""yt-dlp's errors sorted into a few codes, each with a sentence that helps.

What is known for sure is asked first (the kind of the error, the HTTP status), then the words:
sites explain themselves in words only. Everything shown is free of secrets and fits one line.
"""

import email.utils
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from curate.records import Seconds
from curate.sources.web.addresses import clean, redact

PASSING = frozenset({"network", "rate_limited"})
"""Codes of faults that may be gone a little later."""

REMEDIES = {
    "rate_limited": "later builds ask again; a longer web.sleep_s makes this rarer",
    "bot_check": "wait some hours, or name a file with cookies of your account in web.cookies",
    "private": "cookies of an account that may see it (web.cookies) can help",
    "removed": "take it off the list",
    "members_only": "cookies of a member's account (web.cookies) can help",
    "geo_blocked": "web.country or web.proxy can help where that is allowed",
    "unsupported": "correct the address or take it off the list; a newer yt-dlp may know it",
    "unsafe_address": "if you trust where it leads, list that address itself",
    "network": "the next build tries again",
    "no_audio": "take it off the list",
    "too_long": "raise limits.track.max_seconds or take it off the list",
    "live": "list its recording when it is over",
    "no_javascript": "install deno (deno.com) or Node.js 22; curate doctor tells if it is found",
    "unexpected": "update yt-dlp (pip install -U yt-dlp), for sites change; then build again",
}
"""What to do, by code."""

RATE_PAUSE_S: Seconds = 3600.0
"""How long a site is left alone that does not say how long (YouTube: "up to an hour")."""

BOT_PAUSE_S: Seconds = 6 * 3600.0
"""How long a site is left alone that wants to see a person; it lasts, and asking makes it worse."""

_STATUS = {
    400: "unsupported",
    401: "private",
    402: "private",
    404: "removed",
    407: "network",
    408: "network",
    410: "removed",
    425: "network",
    429: "rate_limited",
    451: "geo_blocked",
}

_WORDS = (
    ("network", r"fragment \d+ not found"),
    ("unsupported", r"ffmpeg could not be found"),
    ("private", r"confirm your age|age[- ]restrict|inappropriate for some users|age[- ]gate"),
    ("bot_check", r"sign in to confirm (that )?you.{1,10}re not a bot|captcha|anti-bot|cloudflare"),
    ("bot_check", r"unusual traffic|are you a robot|not a robot|request is rejected by server"),
    ("rate_limited", r"try again later|rate[- ]?limit|too many requests|error 429|quota exceeded"),
    ("no_javascript", r"no supported javascript runtime|n challenge solving failed"),
    (
        "live",
        r"live event will begin|live stream will begin|premieres? (in|will)|premiere will begin",
    ),
    ("live", r"not currently live|offline\b.*\blive|live (event|stream) (has ended|is offline)"),
    ("live", r"is scheduled for|will be available in|is not live|not yet started"),
    (
        "geo_blocked",
        r"geo.?restrict|in your (country|region|location)|from your (country|region|location)"
        r"|blocked it in|not available in your|country or region|geo.?block",
    ),
    (
        "members_only",
        r"members?[- ]only|join this channel|for members|premium (members|users|supporters|only)"
        r"|subscribers? only|supporter-only|available (to|for) (members|subscribers|supporters)"
        r"|requires? payment|purchase|paid (content|video)|available to music premium",
    ),
    (
        "private",
        r"private|log ?in|logged|sign in|registered users|password|permission|authenticat",
    ),
    ("no_audio", r"\bdrm\b|drm[- ]protected"),
    ("no_audio", r"no (video|audio|media) formats|requested format is not available"),
    ("no_audio", r"did not get any data blocks|does ?n.t contain any tracks|no media found"),
    (
        "removed",
        r"unavailable|removed|deleted|no longer (available|exists)|not available|does not exist"
        r"|doesn.t exist|not found|terminated|copyright|taken down|expired|error 4(04|10)",
    ),
    ("unsupported", r"unsupported url|is not a valid url|no suitable extractor"),
    (
        "network",
        r"got error|timed? ?out|connection|network|temporar|incomplete|more expected|unreachable"
        r"|error 5\d\d|getaddrinfo|name or service|resolve|page needs to be reloaded|giving up"
        r"|bytes? read|ssl|certificate|unable to continue",
    ),
)
"""The first that fits counts: the more special ones come first."""

_HINTS = re.compile(
    r"(please report this issue on .*|Confirm you are on the latest version.*|See +https?://\S+.*"
    r"|Use --.*|You may want to use --.*|It is recommended to use.*|\(caused by .*|Also see .*"
    r"|For more information, .*)",
    re.IGNORECASE | re.DOTALL,
)


class Fault(Exception):
    """Why something could not be had.

    Attributes:
        code: As in schemas/README.md.
        words: Why, in the site's own words.
        wait_s: How long the site asks to wait, if it does.
        pause_s: How long not to ask this site for anything, 0 where only this item is concerned.
    """

    def __init__(
        self, code: str, words: str, wait_s: Seconds | None = None, pause_s: Seconds = 0.0
    ) -> None:
        super().__init__(code, words)
        self.code = code
        self.words = words
        self.wait_s = wait_s
        self.pause_s = pause_s

    @property
    def reason(self) -> str:
        """One sentence with the remedy."""
        return f"{self.words}; {REMEDIES[self.code]}"


def sort(error: BaseException, status: int | None, headers: Mapping[str, str]) -> Fault:
    """What an error of yt-dlp means.

    Args:
        error: As it came.
        status: HTTP status of the last answer that was not good, None where all were.
        headers: Of that answer.
    """
    words = plain(error)
    code = _code(error, words, status)
    wait_s = asked_wait(headers) if status in (429, 503) else None
    if wait_s is not None and status == 503 and code == "network":
        return Fault(code, words, wait_s)
    if code == "rate_limited":
        # Without a status the site said so on a page that looked fine: trying again makes it worse.
        return Fault(code, words, wait_s, 0.0 if status == 429 else RATE_PAUSE_S)
    return Fault(code, words, None, BOT_PAUSE_S if code == "bot_check" else 0.0)


def plain(error: BaseException) -> str:
    """An error's own words on one line: without yt-dlp's advice, secrets and decoration."""
    words = str(error) or type(error).__name__
    words = re.sub(r"\x1b\[[0-9;]*m", "", words)
    words = re.sub(r"^\s*ERROR:\s*", "", words)
    words = _HINTS.sub("", words)
    words = re.sub(r"^\[[\w:.+-]+\] (\S+: )?", "", words)
    words = re.sub(r"^Got error: ", "", words)
    return clean(redact(words), 200).rstrip(" ;.,:") or type(error).__name__


def asked_wait(headers: Mapping[str, str]) -> Seconds | None:
    """`Retry-After`, which is a number of seconds or a date."""
    said = (headers.get("Retry-After") or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", said, re.ASCII):
        return float(said)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def by_words(words: str) -> str | None:
    """The code that a site's own words stand for, if they are known."""
    for code, pattern in _WORDS:
        if re.search(pattern, words, re.IGNORECASE):
            return code
    return None


def _code(error: BaseException, words: str, status: int | None) -> str:
    from yt_dlp.networking.exceptions import HTTPError, TransportError
    from yt_dlp.utils import (
        ContentTooShortError,
        ExtractorError,
        GeoRestrictedError,
        UnsupportedError,
        UserNotLive,
    )

    causes = list(_causes(error))
    for kind, code in (
        (GeoRestrictedError, "geo_blocked"),
        (UserNotLive, "live"),
        (UnsupportedError, "unsupported"),
    ):
        if any(isinstance(cause, kind) for cause in causes):
            return code
    found = by_words(words)
    answers = [cause.status for cause in causes if isinstance(cause, HTTPError)]
    if not answers and status is not None and re.search(rf"HTTP Error {status}\b", words):
        answers = [status]
    if answers and found != "bot_check":
        return _of_status(answers[0])
    if any(isinstance(cause, TransportError | ContentTooShortError) for cause in causes):
        return "network"
    if found:
        return found
    expected = any(isinstance(cause, ExtractorError) and cause.expected for cause in causes)
    return "unsupported" if expected else "unexpected"


def _of_status(status: int) -> str:
    if status >= 500:
        return "network"
    return _STATUS.get(status, "private" if status == 403 else "unsupported")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what led to it, outermost first."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        cause = waiting.pop(0)
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        held = getattr(cause, "exc_info", None)
        waiting += [held[1] if held else None, getattr(cause, "cause", None), cause.__cause__]
