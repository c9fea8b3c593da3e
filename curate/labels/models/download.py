"""One file over HTTP: continued where it stopped, tried again, and checked before it counts.

A file arrives as `<name>.partial` and gets its name when it is whole and right. Only a file whose
hash is known is continued: of any other, half of one version and half of another would pass.
"""

import contextlib
import email.utils
import http.client
import logging
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any, Protocol

from curate.errors import CurateError
from curate.labels.models import shelf
from curate.records import Seconds

_LOG = logging.getLogger(__name__)

TRIES = 3

TIMEOUT_S: Seconds = 30.0
"""Longest silence of a server."""

WAIT_S: Seconds = 1.0
"""Before the second try; three times as long before each further one."""

LONGEST_WAIT_S: Seconds = 60.0
"""A server that asks to wait longer (`Retry-After`) is left alone."""

_BLOCK = 1 << 18
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


class Tell(Protocol):
    """Told how a download goes on."""

    def arrived(self, file: str, have: int, total: int | None) -> None:
        """So many bytes of a file are here, of so many in all where that is known."""
        ...

    def waits(self, file: str, why: str, seconds: Seconds) -> None:
        """A try failed; the next one comes after so many seconds."""
        ...


class Quiet:
    """Says nothing."""

    def arrived(self, file: str, have: int, total: int | None) -> None:
        """See `Tell`."""

    def waits(self, file: str, why: str, seconds: Seconds) -> None:
        """See `Tell`."""


class Refused(CurateError):
    """This file cannot be had from this address; others may be."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to download.

    Attributes:
        address: Where it is, http or https.
        path: Where it goes.
        sha256: It must have, "" where none is known.
        fault: Says what is wrong with the content of a file, "" where nothing is.
    """

    address: str
    path: Path
    sha256: str
    fault: Callable[[Path], str]


def download(wanted: Wanted, tell: Tell) -> None:
    """Downloads one file.

    Raises:
        Refused: There is no such file, or what arrived is not what was wanted (it is not kept).
        CurateError: The network, the server or the disk does not do; what has arrived is kept, and
            the next call goes on from there.
    """
    check_address(wanted.address)
    partial = shelf.partial(wanted.path)
    try:
        if not (wanted.sha256 and partial.is_file()):  # writing into a pipe would never end
            partial.unlink(missing_ok=True)
        continued = shelf.size(partial) > 0
        _persistently(wanted, partial, tell)
        problem = _problem(wanted, partial)
        if problem and continued:  # what was there may have been of another version
            _LOG.info("%s: what was continued %s; from the start", wanted.address, problem)
            partial.unlink()
            _persistently(wanted, partial, tell)
            problem = _problem(wanted, partial)
        if problem:
            partial.unlink()
            raise Refused(f"{wanted.address}: what arrived {problem}; it was not kept")
        partial.replace(wanted.path)
    except OSError as error:
        raise CurateError(
            f"{wanted.path}: cannot be written: {error.strerror or error}; free some space or name "
            "another folder with --models or CURATE_MODELS; the same command goes on from here"
        ) from None


def check_address(address: str) -> None:
    """Raises `CurateError` for an address that is not plain http or https."""
    try:
        parts = urllib.parse.urlsplit(address)
        plain = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        plain = False
    if not plain:
        raise CurateError(
            f"{_shown(address)}: models are downloaded from http and https addresses only; files "
            "that are at hand can be copied into the models folder"
        )


def _shown(address: str) -> str:
    """An address without what may be a secret in it: user name, password, query, fragment."""
    bare = re.split(r"[?#]", address, maxsplit=1)[0]
    return re.sub(r"(?<=//)[^/]*@", "", bare)


class _TryAgain(Exception):
    """A fault that may pass. `wait_s`: how long the server asks to wait, if it does."""

    def __init__(self, why: str, wait_s: Seconds | None = None) -> None:
        super().__init__(why)
        self.wait_s = wait_s


def _persistently(wanted: Wanted, partial: Path, tell: Tell) -> None:
    name, wait_s = wanted.path.name, WAIT_S
    for left in reversed(range(TRIES)):
        try:
            _receive(wanted, partial, tell)
            return
        except _TryAgain as error:
            pause = wait_s if error.wait_s is None else error.wait_s
            if not left or pause > LONGEST_WAIT_S:
                asked = f"; the server asks to wait {pause:.0f} s" if error.wait_s else ""
                have = shelf.size(partial) if wanted.sha256 else 0
                raise CurateError(
                    f"{wanted.address}: {error} ({TRIES - left} tries{asked}); the same command "
                    f"goes on from {have} bytes"
                ) from None
            tell.waits(name, str(error), pause)
            _LOG.info("%s: %s; again in %.1f s", wanted.address, error, pause)
            time.sleep(pause)
            wait_s *= 3


def _receive(wanted: Wanted, partial: Path, tell: Tell) -> None:
    """Appends to `partial` what is left of the file; from the start where that cannot be done."""
    have = shelf.size(partial) if wanted.sha256 else 0
    with contextlib.ExitStack() as stack:
        answer = _open(wanted.address, have)
        if answer is None:  # nothing is left: it was whole but for the renaming
            return
        stack.enter_context(answer)
        if answer.status != 206:
            have = 0
        decode = _decoder(wanted.address, answer, partial if have else None)
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length and length.isdecimal() else None
        file = stack.enter_context(partial.open("ab" if have else "wb"))
        for block in _blocks(answer):
            file.write(decode(block))
            have += len(block)
            tell.arrived(wanted.path.name, have, total)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and have < total:
        raise _TryAgain(f"the connection ended after {have} of {total} bytes")


def _open(address: str, have: int) -> Any:
    """The answer to a request for what comes after `have` bytes; None where nothing does."""
    headers = {"User-Agent": "musicgen-curate", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(address, headers=headers)
    try:
        return urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:
            return None
        why = f"{error.code} {error.reason.replace(error.url, _shown(error.url))}"
        if error.code in _TRANSIENT:
            raise _TryAgain(why, _asked_wait(error.headers)) from None
        raise Refused(f"{address}: {why}") from None
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
        raise _TryAgain(_words(error)) from None
    except ValueError:
        raise Refused(f"{address}: sends on to what is no address") from None


def _blocks(answer: Any) -> Iterator[bytes]:
    try:
        while block := answer.read(_BLOCK):
            yield block
    except (OSError, http.client.HTTPException) as error:
        raise _TryAgain(_words(error)) from None


def _words(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


def _decoder(address: str, answer: Any, continued: Path | None) -> Callable[[bytes], bytes]:
    """What makes file content of what arrives: some servers compress though asked not to."""
    coding = answer.headers.get("Content-Encoding", "").strip().lower()
    if coding in ("", "identity"):
        return bytes
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise Refused(f"{address}: comes coded as {coding!r}, though asked for as it is")
    if continued is not None:  # a piece out of the middle of compressed data
        continued.unlink()
        raise _TryAgain(f"a part of it came coded as {coding!r}", 0.0)
    stream = zlib.decompressobj(wbits=47)  # gzip or zlib, by its head

    def decode(block: bytes) -> bytes:
        try:
            return stream.decompress(block)
        except zlib.error as error:
            raise _TryAgain(f"what came as {coding!r} is not: {error}") from None

    return decode


def _asked_wait(headers: Message) -> Seconds | None:
    """`Retry-After`, which is a number of seconds or a date."""
    said = (headers.get("Retry-After") or "").strip()
    if said.isdecimal():
        return float(said)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return None


def _problem(wanted: Wanted, path: Path) -> str:
    """What is wrong with a file that has arrived, "" where nothing is."""
    fault = wanted.fault(path)
    actual = shelf.sha256(path)
    if not wanted.sha256 or actual == wanted.sha256:
        return fault
    return f"{fault or 'is another file'} (sha256 {actual}, expected {wanted.sha256})"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to any host, but never from https to anything less, nor to files."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        scheme = urllib.parse.urlsplit(newurl).scheme
        if scheme != "https" and (scheme != "http" or req.type == "https"):
            fp.close()
            ways = f"{_shown(req.full_url)}: sends on to {_shown(newurl)}"
            raise Refused(f"{ways}, which is not safe; not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
