"""The report as one HTML page that works anywhere, offline: no script, no font, no other file.

Clips are in the page as MP3, up to `MOST_BYTES`; those beyond are files beside it. Every text that
comes from outside is escaped, and the page's own policy lets it load nothing from anywhere else.
"""

import base64
import html
import io
import logging
import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from curate import audio
from curate.errors import AudioError

from . import plots, record
from .measuring import GROUPS
from .plots import Series, number_text
from .record import REAL, Evaluation, Row, Told
from .statistics import Estimate, Figure

_LOG = logging.getLogger(__name__)

TEMPLATE = Path(__file__).with_name("page.html")

MOST_BYTES = 24_000_000
"""Of clips in the page: a browser opens it at once, and a mail takes it."""

MP3_RATES = (16000, 22050, 24000, 32000, 44100, 48000)

QUALITY = 0.6
"""Of MP3, 0 best to 1 smallest: about 45 kbit/s for mono."""

ODD = 5
"""Clips that are named as the oddest."""

COLOURS = 6

HISTOGRAMS = {
    "likelihood": ("ce",),
    "fad": ("per_song",),
    "clap": ("score",),
    "kl": ("paired",),
    "sound": ("mel_mse", "repetition"),
    "novelty": ("nearest",),
}
"""Values by clip that are drawn."""

NAMES = {"per_song": "FAD, song by song", "paired": "divergence from the real clip"}


def render(evaluation: Evaluation, folder: Path, most: int = MOST_BYTES) -> str:
    """The page.

    Args:
        evaluation: What was found.
        folder: Where it will lie; the prompts' clips are named from there.
        most: Bytes of clips that may be in it.
    """
    series = _series(evaluation)
    subjects = [one.title for one in evaluation.subjects if one.kind != "real"]
    parts = {
        "title": _text(" and ".join(subjects)),
        "about": _about(evaluation),
        "subjects": _subjects(evaluation, series),
        "curves": _curves(evaluation),
        "metrics": "\n".join(_metrics(evaluation, series)),
        "players": _players(evaluation, folder, series, most),
    }
    # in one pass: what is put in is never looked at again
    return re.sub(r"\{\{(\w+)\}\}", lambda name: parts[name[1]], TEMPLATE.read_text("utf-8"))


def _text(text: str) -> str:
    return html.escape(text, quote=True)


def _series(evaluation: Evaluation) -> list[Series]:
    found = []
    for number, one in enumerate(evaluation.subjects):
        style = "ceiling" if one.kind == "real" else f"c{number % COLOURS}"
        found.append(Series(one.title, style))
    return found


def _about(evaluation: Evaluation) -> str:
    data, making = evaluation.data, evaluation.making
    lines = [
        f"{len(evaluation.prompts)} prompts from the split {data.split} of {data.name} "
        f"({data.fingerprint}; {data.clips} clips there, {data.training} to train on); clips of "
        f"{making.seconds:g} s, seed {making.seed}, guidance {making.cfg:g}, temperature "
        f"{making.temperature:g}, top {making.top_k}, {making.precision}; {evaluation.made_at}.",
        f"Differences are to {evaluation.baseline}, prompt by prompt."
        if evaluation.baseline
        else "Nothing is compared: there is no baseline.",
        *evaluation.notes,
    ]
    return "".join(f"<p>{_text(line)}</p>" for line in lines)


def _subjects(evaluation: Evaluation, series: Sequence[Series]) -> str:
    rows = []
    for one, style in zip(evaluation.subjects, series, strict=True):
        told = {"baseline": "baseline", "ceiling": "what real music reaches"}.get(one.role, "")
        about = "; ".join(filter(None, (told, f"from {one.base}" if one.base else "", *one.notes)))
        rows.append(
            f'<tr><th><span class="dot bg {style.style}"></span>{_text(one.title)}</th>'
            f"<td>{_text(one.name)}</td><td class=n>{one.clips}</td>"
            f"<td class=hash>{_text(one.hash)}</td><td>{_text(about)}</td></tr>"
        )
    head = "<tr><th>subject</th><th>given as</th><th>clips</th><th>model</th><th></th></tr>"
    return f"<div class=wide><table class=about>{head}{''.join(rows)}</table></div>"


def _curves(evaluation: Evaluation) -> str:
    curves: dict[str, Sequence[float | None]] = {}
    styles: dict[str, str] = {}
    for told in evaluation.subjects:
        for name, values in told.curves.items():
            curves[f"{told.title}: {name}"] = values
            styles[f"{told.title}: {name}"] = f"c{len(styles) % COLOURS}"
    drawn = plots.lines(curves, styles, "cross entropy, nats")
    return f"<section><h2>Training</h2>{drawn}</section>" if drawn else ""


def _metrics(evaluation: Evaluation, series: Sequence[Series]) -> Iterator[str]:
    for metric in [*GROUPS, "clips"]:
        rows = evaluation.rows(metric)
        if not rows:
            continue
        parts = [f"<h2>{_text(metric)}</h2><p>{_text(GROUPS.get(metric, 'clips not made'))}</p>"]
        parts += _not_run(rows)
        for of, against in dict.fromkeys((row.of, row.against) for row in rows):
            some = [row for row in rows if (row.of, row.against) == (of, against) and row.figures]
            if some:
                parts += _way(metric, of, against, some, evaluation, series)
        yield f"<section>{''.join(parts)}</section>"


def _not_run(rows: Sequence[Row]) -> Iterator[str]:
    """What did not run and why, each reason once."""
    said: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if row.state != "ok" or row.reason:
            said.setdefault((row.state, row.reason, row.command), []).append(row)
    every = {row.subject for row in rows}
    for (state, reason, command), some in said.items():
        titles = dict.fromkeys(row.subject for row in some)
        whose = f" ({', '.join(titles)})" if len(titles) < len(every) else ""
        ways = ", ".join(filter(None, dict.fromkeys(row.of for row in some)))
        word = "" if state == "ok" else state
        head = f"{' '.join(filter(None, (ways, word)))}{whose}"
        told = f"<b>{_text(head)}</b>: {_text(reason)}" if head else _text(reason)
        if command:
            told += f"<br>run <code>{_text(command)}</code>"
        yield f'<p class="note {"failed" if state == "failed" else ""}">{told}</p>'


def _way(
    metric: str,
    of: str,
    against: str,
    rows: Sequence[Row],
    evaluation: Evaluation,
    series: Sequence[Series],
) -> Iterator[str]:
    """Table and plots of one way of measuring."""
    head = " against ".join(filter(None, (of, {"reference": "your reference"}.get(against, ""))))
    used = dict.fromkeys((one.name, one.sha256[:12]) for row in rows for one in row.checkpoints)
    weights = ", ".join(f"{name} ({sha256})" for name, sha256 in used)
    if head:
        yield f"<h3>{_text(head)}</h3>"
    if weights:
        yield f"<p class=hash>{_text(weights)}</p>"
    yield _table(rows, evaluation)
    by_title = {row.subject: row for row in rows}
    if metric == "fad":
        for name in ("fad_infinity", "fad"):
            drawn = {t: row.figures[name].estimate for t, row in by_title.items()
                     if name in row.figures}  # fmt: skip
            if drawn:
                yield plots.intervals(drawn, series, f"{name} by {of}; lower is better")
                break
    for name in HISTOGRAMS.get(metric, ()):
        values = {t: list(row.values[name].values()) for t, row in by_title.items()
                  if name in row.values}  # fmt: skip
        yield plots.distributions(values, series, NAMES.get(name, name))
    yield from _odd(rows)
    yield from _copies(rows)


def _table(rows: Sequence[Row], evaluation: Evaluation) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row.figures))
    order = [one.title for one in evaluation.subjects]
    rows = sorted(rows, key=lambda row: order.index(row.subject))
    head = "".join(f"<th>{_text(row.subject)}</th>" for row in rows)
    lines = [f"<tr><th></th>{head}</tr>"]
    for name in names:
        about = record.meaning(name)
        way = {"lower": "lower is better", "higher": "higher is better", "near": ""}[about.better]
        said = ", ".join(filter(None, (about.unit, way)))
        cells = "".join(_cell(name, row.figures.get(name)) for row in rows)
        lines.append(
            f"<tr><th title='{_text(about.words)}'>{_text(name)}<small>{_text(about.words)}"
            f"{f' ({_text(said)})' if said else ''}</small></th>{cells}</tr>"
        )
    return f"<div class=wide><table>{''.join(lines)}</table></div>"


def _cell(name: str, figure: Figure | None) -> str:
    if figure is None:
        return "<td></td>"
    apart = ""
    if figure.difference is not None:
        sure = record.better(name, figure)
        style = {True: "good", False: "bad", None: "open"}[sure]
        word = {True: " better", False: " worse", None: ""}[sure]
        said = _text(estimate_text(figure.difference, sign=True))
        apart = f'<span class="{style}">{said}{word}</span>'
    return f"<td>{_text(estimate_text(figure.estimate))}{apart}</td>"


def estimate_text(estimate: Estimate, *, sign: bool = False) -> str:
    """`1.23 [1.1, 1.4] n=50`; with a sign, of a difference."""
    value = number_text(estimate.value)
    if sign and estimate.value > 0:
        value = f"+{value}"
    within = ""
    if estimate.low is not None and estimate.high is not None:
        within = f" [{number_text(estimate.low)}, {number_text(estimate.high)}]"
    return f"{'Δ ' if sign else ''}{value}{within} n={estimate.n}"


def _odd(rows: Sequence[Row]) -> Iterator[str]:
    """The clips furthest from the reference."""
    for row in rows:
        values = row.values.get("per_song", {})
        if len(values) > ODD:
            worst = sorted(values, key=lambda key: -values[key])[:ODD]
            said = ", ".join(f"{key} ({number_text(values[key])})" for key in worst)
            yield f"<p class=dim>{_text(f'Oddest of {row.subject}: {said}')}</p>"


def _copies(rows: Sequence[Row]) -> Iterator[str]:
    """Which clip is of which training recording."""
    for row in rows:
        copied = row.words.get("copied", {})
        if copied:
            said = ", ".join(f"{key} from {other}" for key, other in list(copied.items())[:ODD])
            more = f" and {len(copied) - ODD} more" if len(copied) > ODD else ""
            yield f'<p class="note failed">{_text(f"{row.subject}: {said}{more}")}</p>'


def _players(evaluation: Evaluation, folder: Path, series: Sequence[Series], most: int) -> str:
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
                f"<figure><figcaption>{dot}{_text(title)}</figcaption>"
                f'<audio controls preload="none" src="{address}"></audio></figure>'
            )
        said = _text(prompt.text or prompt.id)
        sections.append(
            f'<article><p>{said}<small>{_text(prompt.id)}</small></p><div class="clips">'
            f"{''.join(figures)}</div></article>"
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
        return _text(urllib.parse.quote(file))


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
