"""What can go wrong between a request and its answer, sorted by what is to be done about it.

Messages are for people: they hold the server's own words, but short, without control characters and
without anything that is or looks like a key.
"""

import email.utils
import enum
import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from curate.records import Seconds


class Kind(enum.Enum):
    """What is to be done."""

    AGAIN = "try again, it may pass"
    LIMIT = "wait, then try again: too many requests"
    SPENT = "stop: the account has no money left"
    SETUP = "stop at once: key, model or address is wrong"
    REQUEST = "leave this request alone: the server will not have it"


class Trouble(Exception):
    """A request that was not answered.

    Attributes:
        kind: What is to be done.
        message: What happened, for people.
        wait_s: How long the server wants to be left alone; None if it does not say.
        free: Whether it surely cost nothing.
        status: Of HTTP; 0 if there was no answer at all.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        wait_s: Seconds | None = None,
        *,
        free: bool = True,
        status: int = 0,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.wait_s = wait_s
        self.free = free
        self.status = status


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer with an error's status, taken apart.

    Attributes:
        status: Of HTTP.
        text: The server's words.
        code: Its name for the error, or the kind of error.
        param: The parameter it complains about.
    """

    status: int
    text: str
    code: str = ""
    param: str = ""

    def about(self, *words: str) -> bool:
        """Whether it complains about one of these."""
        return any(word in self.param or word in self.text for word in words)


_SPENT = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_FILTERED = {"content_filter", "content_policy_violation"}
_KEYLIKE = re.compile(r"(?i)\b(?:sk|pk|rk|gsk|key)-[\w*.-]{6,}|bearer\s+\S+")
_LENGTH = 200


def refusal(status: int, body: bytes | Any) -> Refusal:
    """Takes an error apart, whatever its server makes of one.

    Args:
        status: Of HTTP.
        body: As it came, or decoded.
    """
    decoded = body
    if isinstance(body, bytes):
        try:
            decoded = json.loads(body)
        except (ValueError, RecursionError):
            return Refusal(status, body[:2000].decode("utf-8", "replace"))
    error = decoded.get("error", decoded) if isinstance(decoded, dict) else decoded
    if not isinstance(error, dict):
        return Refusal(status, str(error)[:2000])
    message = error.get("message") or error.get("detail") or error.get("msg") or error
    code = error.get("code") or error.get("type")
    named = code if isinstance(code, str) else ""
    kind = error.get("type")
    if kind in _SPENT:
        named = kind
    return Refusal(status, str(message)[:2000], named, str(error.get("param") or ""))


def filtered(error: Refusal) -> bool:
    """Whether the server's filter, not a mistake of ours, kept the request from the model."""
    return error.status == 400 and error.code in _FILTERED


def of(
    error: Refusal, headers: Mapping[str, str], server: str, model: str, key_name: str, key: str
) -> Trouble:
    """What to do about an error's status.

    Args:
        error: It.
        headers: That came with it.
        server: How to call the server.
        model: That was asked for.
        key_name: Environment variable that the key belongs into.
        key: Never to be shown.
    """
    said = f"{server} answered {error.status}: {shown(error.text, key)}"
    status, wait_s = error.status, wait(headers, time.time())
    if status == 402 or error.code in _SPENT:
        spent = f"{said}; the account has no credit left: add some, or wait"
        return Trouble(Kind.SPENT, spent, status=status)
    if status == 429 or (status == 503 and wait_s is not None):
        return Trouble(Kind.LIMIT, said, wait_s, status=status)
    if status in (408, 409, 425) or status >= 500:
        return Trouble(Kind.AGAIN, said, wait_s, status=status)
    remedy = _remedy(error, model, key_name, key)
    if remedy:
        return Trouble(Kind.SETUP, f"{said}; {remedy}", status=status)
    return Trouble(Kind.REQUEST, said, status=status)


def _remedy(error: Refusal, model: str, key_name: str, key: str) -> str:
    """What a user can do about an error that every request would meet; "" if it is none."""
    if error.status == 401:
        state = f"check the key in {key_name}" if key else f"set {key_name} to a key of this server"
        return f"{state}, and captions.llm.base_url"
    if error.status == 403:
        return f"the key in {key_name} may not use '{model}' there; ask for access or use another"
    if error.status in (404, 405):
        return f"check captions.llm.model '{model}' and captions.llm.base_url (mostly ends in /v1)"
    if 300 <= error.status < 400:
        return "it sends on to elsewhere, where no key is sent; set captions.llm.base_url to there"
    if error.code == "model_not_found":
        return f"check captions.llm.model '{model}'"
    if error.status in (400, 422) and error.about("temperature"):
        return "leave out captions.llm.temperature, or change it"
    return ""


def wait(headers: Mapping[str, str], now_s: Seconds) -> Seconds | None:
    """How long a server wants to be left alone: seconds, milliseconds or a date; None if unsaid.

    Args:
        headers: Of its answer, with names in lower case.
        now_s: Seconds since 1970.
    """
    for name, unit_s in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * unit_s
        except ValueError:
            parsed = email.utils.parsedate_tz(value)
            if parsed is None:
                continue
            seconds = email.utils.mktime_tz(parsed) - now_s
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None


def shown(text: str, key: str = "") -> str:
    """A server's words, fit to be shown: short, one line, no key."""
    if key:
        text = text.replace(key, "***")
    text = _KEYLIKE.sub("***", text[:2000])
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LENGTH else f"{line[:_LENGTH]}…"
