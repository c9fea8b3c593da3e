"""The clips of a report, for the ear: a player for each subject below each prompt.

Clips are in the page as MP3, up to `MOST_BYTES`; those beyond are files beside it.
"""

import base64
import html
import io
import logging
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path

from curate import audio
from curate.errors import AudioError

from .plots import Series
from .record import REAL, Evaluation, Told

_LOG = logging.getLogger(__name__)

MOST_BYTES = 24_000_000
"""Of clips in the page: a browser opens it at once, and a mail takes it."""

MP3_RATES = (16000, 22050, 24000, 32000, 44100, 48000)

QUALITY = 0.6
"""Of MP3, 0 best to 1 smallest: about 45 kbit/s for mono."""


def players(
    evaluation: Evaluation, folder: Path, series: Sequence[Series], most: int = MOST_BYTES
) -> str:
    """The prompts with their players.

    Args:
        evaluation: What was found.
        folder: Where the page will lie.
        series: Colours of the subjects.
        most: Bytes of clips that may be in the page.
    """
    styles = {one.title: one.style for one in series}
    rooms = _Room(folder, most)
    sections = []
    for prompt in evaluation.prompts:
        if not prompt.clips:
            continue
        figures = []
        for title in _ordered(evaluation.subjects, prompt.clips):
            dot = f'<span class="dot bg {styles[title]}"></span>'
            address = rooms.address(prompt.clips[title])
            figures.append(
                f"<figure><figcaption>{dot}{html.escape(title)}</figcaption>"
                f'<audio controls preload="metadata" aria-label="{html.escape(title)}" '
                f'src="{address}"></audio></figure>'
            )
        said = html.escape(prompt.text or prompt.id)
        sections.append(
            f'<article><p dir="auto">{said}<small>{html.escape(prompt.id)}</small></p>'
            f'<div class="clips">{"".join(figures)}</div></article>'
        )
    note = "" if not rooms.beside else (
        f"<p class=dim>{rooms.beside} clips are files beside this page: keep them together.</p>"
    )  # fmt: skip
    return note + "\n".join(sections)


def _ordered(subjects: Sequence[Told], clips: Mapping[str, str]) -> list[str]:
    return [one.title for one in subjects if one.title in clips and one.title != REAL]


class _Room:
    """Where clips are: in the page while there is room, else beside it.

    Attributes:
        beside: How many are not in the page.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._left = most
        self.beside = 0

    def address(self, file: str) -> str:
        """What a player is given."""
        if self._left > 0:
            packed = mp3(self._folder / file)
            if packed and len(packed) * 4 / 3 <= self._left:
                self._left -= len(packed) * 4 // 3
                return f"data:audio/mpeg;base64,{base64.b64encode(packed).decode()}"
            if packed:
                self._left = 0  # full: smaller clips of later prompts do not slip in
        self.beside += 1
        return html.escape(urllib.parse.quote(file))


def mp3(path: Path) -> bytes:
    """A clip as MP3; nothing where it cannot be read or packed here."""
    import soundfile

    try:
        decoded = audio.read(path)
        rate = min(MP3_RATES, key=lambda one: (one < decoded.sample_rate, one))
        sound = audio.with_channels(decoded.samples, min(2, decoded.samples.shape[1]))
        packed = io.BytesIO()
        soundfile.write(
            packed,
            audio.resample(sound, decoded.sample_rate, rate),
            rate,
            format="MP3",
            compression_level=QUALITY,
            bitrate_mode="VARIABLE",
        )
    except (OSError, AudioError, RuntimeError, ValueError) as error:
        _LOG.warning("%s is not in the page: %s", path, error)
        return b""
    return packed.getvalue()
