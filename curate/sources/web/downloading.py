"""One recording: asked about, checked before any of it is fetched, then fetched as it is.

What has arrived lies in the cache's folder for it under a name made of its format, so a killed
download goes on where it stopped, but never in the middle of another format.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate import audio
from curate.errors import AudioError, CurateError
from curate.names import digest
from curate.records import Seconds
from curate.sources import cache
from curate.sources.source import Tell
from curate.sources.web.faults import Fault, plain
from curate.sources.web.listing import LIVE, too_long

if TYPE_CHECKING:
    from curate.sources.web.asker import Asker

MOST_UNTOLD_BITS_S = 1_500_000
"""Bits for each second of the longest track, where neither length nor size is told: CD and more."""

MOST_TOLD_BITS_S = 10_000_000
"""The same where the size is told, so that there is an end: enough for 24 bit at 192 kHz."""

ENDLESS_S: Seconds = 300.0
"""A file that tells neither length nor size and still arrives after this is taken for a stream."""

_SILENT = ("image/", "text/", "application/pdf", "application/zip", "application/json", "font/")

_HEADS = (
    (rb"RIFF....WAVE", "wav"),
    (rb"fLaC", "flac"),
    (rb"OggS", "ogg"),
    (rb"....ftyp", "m4a"),
    (rb"\x1a\x45\xdf\xa3", "webm"),
    (rb"ID3|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]", "mp3"),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "aac"),
    (rb"FORM....AIF", "aiff"),
)
"""How files begin, and the extension that says so."""

_EXTENSIONS = frozenset(
    "wav flac mp3 ogg oga opus m4a m4b mp4 aac aif aiff webm weba mkv mka mov wma wv ape au ts "
    "3gp ac3 caf avi flv mpg mpeg".split()
)


@dataclass(slots=True)
class Progress:
    """Told of every piece that arrives: passes it on, and stops what has no end.

    Attributes:
        tell: The one who wants to know.
        longest_s: Of a track.
        told: Whether the site says how long the recording is.
        stopped: What `tell` raised, for yt-dlp makes something else of some errors.
    """

    tell: Tell
    longest_s: Seconds
    told: bool = False
    stopped: BaseException | None = None
    _begun: float | None = None
    _last: tuple[int, int | None] = (0, None)

    def tick(self) -> None:
        """Tells the same again, while something is waited for."""
        self._say(*self._last)

    def __call__(self, status: dict[str, Any]) -> None:
        """yt-dlp's progress hook."""
        from curate.sources.web.asker import Stop

        if status.get("status") not in ("downloading", "finished"):
            return
        self._begun = self._begun or time.monotonic()
        exact, guess = status.get("total_bytes"), status.get("total_bytes_estimate")
        done, total = int(status.get("downloaded_bytes") or 0), int(exact or guess or 0) or None
        self._last = (done, total)
        self._say(done, total)
        if self.told or status.get("status") == "finished":
            return
        if total is None and time.monotonic() - self._begun > ENDLESS_S:
            raise Stop("live", f"{done / 1e6:.1f} MB in {ENDLESS_S:.0f} s and no end in sight")
        bits = MOST_TOLD_BITS_S if total is not None else MOST_UNTOLD_BITS_S
        if max(done, total or 0) > self.longest_s * bits / 8:
            size = f"{max(done, total or 0) / 1e6:.0f} MB{'' if total else ' and no end in sight'}"
            raise Stop("too_long", f"{size}, more than {self.longest_s:g} s of music have")

    def _say(self, done: int, total: int | None) -> None:
        try:
            self.tell(done, total)
        except BaseException as error:
            self.stopped = error
            raise


def ask(asker: "Asker", get: Callable[[], dict[str, Any] | None]) -> dict[str, Any]:
    """What the site says of one recording, its best sound chosen.

    Args:
        asker: A yt-dlp on an errand for one recording.
        get: Asks it.

    Raises:
        Fault: It cannot be had.
    """
    try:
        info = get()
    except Exception as error:
        raise asker.fault(error) from None
    finally:
        asker.errand.hang_up()
    if not info or not info.get("url"):
        raise Fault("no_audio", "the site gives nothing to download")
    return info


def check(asker: "Asker", info: dict[str, Any], longest_s: Seconds) -> None:
    """Raises `Fault` for what is not to be downloaded, as far as the site tells."""
    status = "is_live" if info.get("is_live") else str(info.get("live_status") or "")
    if status in LIVE:
        raise Fault("live", LIVE[status])
    duration = info.get("duration")
    code, words = too_long(float(duration) if duration else None, longest_s)
    if code:
        raise Fault(code, words)
    kind = asker.errand.kinds.get(info["url"], "")
    named = info.get("ext") in _EXTENSIONS  # some servers call everything text
    if info.get("direct") and not named and kind.startswith(_SILENT):
        raise Fault("no_audio", f"the address holds {kind.partition(';')[0]}, no audio")


def download(asker: "Asker", info: dict[str, Any], folder: Path, progress: Progress) -> Path:
    """Fetches a recording, or what is left of it, into a folder of its own.

    Raises:
        Fault: It cannot be had now; what has arrived stays where it may be continued.
        CurateError: The disk does not take it.
    """
    stem = digest(info.get("format_id"), info.get("timestamp"), info.get("filesize"))[:16]
    for other in folder.iterdir():
        if not other.name.startswith(stem):  # of another format, or of an older version
            other.unlink()
    path = folder / f"{stem}.{_extension(info.get('ext'))}"
    asker.errand.strict = info.get("extractor_key") == "Generic"
    asker.errand.hook = progress
    progress.told = bool(info.get("duration"))
    try:
        done, _ = asker.dl(str(path), info)
    except Exception as error:
        if progress.stopped is not None:
            raise progress.stopped from None
        if re.search(r"unable to (write data|open for writing|rename file)", str(error)):
            raise CurateError(
                f"{folder}: the cache of downloads cannot be written: {plain(error)}; free some "
                f"space or name another folder with {cache.ENVIRONMENT}"
            ) from None
        fault = asker.fault(error)
        if fault.code in ("too_long", "live"):
            _empty(folder)
        if fault.code == "private" and not asker.errand.strict and asker.errand.status == 403:
            fault = Fault("network", f"{fault.words} (a link that no longer opens)")
        raise fault from None
    if not done or not path.is_file():
        raise Fault("network", "the download ended without a file")
    try:
        return _checked(path)
    except Fault:
        _empty(folder)
        raise


def _checked(path: Path) -> Path:
    """The file, under the extension that fits, if there is sound in it."""
    if path.suffix == ".bin":
        with path.open("rb") as file:
            head = file.read(16)
        for pattern, extension in _HEADS:
            if re.match(pattern, head, re.DOTALL):
                path = path.rename(path.with_suffix(f".{extension}"))
                break
    try:
        with audio.Reader(path):
            return path
    except AudioError as error:
        if error.code != "not_audio":  # cut or broken: for the pipeline to judge, as of any file
            return path
        raise Fault("no_audio", error.reason) from None


def _extension(found: object) -> str:
    plain = re.sub(r"[^a-z0-9]", "", str(found).lower())
    return plain if plain in _EXTENSIONS else "bin"


def _empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
