"""The report as one HTML page that works anywhere, offline: no script, no font, no other file.

What it all comes to stands first (`summary`), then every metric, then the clips (`players`). Every
text that comes from outside is escaped, and the page's own policy lets it load nothing from
anywhere else.
"""

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..measuring import GROUPS
from ..metrics.statistics import Estimate, Figure
from . import plots, record
from .players import MOST_BYTES, players
from .plots import Series, number_text
from .record import Evaluation, Row
from .summary import summary

TEMPLATE = Path(__file__).with_name("page.html")

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

NAMES = {
    "ce": "Cross entropy of real clips, nats",
    "per_song": "FAD, song by song",
    "score": "Score of clips",
    "paired": "Divergence from the real clip, nats",
    "mel_mse": "Spectrogram against the real clip's, dB²",
    "repetition": "Share of a clip that is repeated exactly",
    "nearest": "Distance to the nearest training clip",
}

TITLES = {
    "likelihood": "Likelihood of real music",
    "fad": "Fréchet audio distance (FAD)",
    "clap": "Text and sound (CLAP)",
    "kl": "Label posteriors (KL)",
    "adherence": "Prompt adherence",
    "sound": "Sound",
    "novelty": "Novelty",
    "copies": "Copies",
    "clips": "Clips that could not be made",
}

SHORT = {name: name.upper() if len(name) < 5 else name.capitalize() for name in TITLES}
"""Titles as the bar of links has them."""

BOOKS = ("ce_q", "ppl_q")
"""Figures of single codebooks: for those who ask."""


def render(evaluation: Evaluation, folder: Path, most: int = MOST_BYTES) -> str:
    """The page.

    Args:
        evaluation: What was found.
        folder: Where it will lie; the prompts' clips are named from there.
        most: Bytes of clips that may be in it.
    """
    series = _series(evaluation)
    parts = {
        "title": _text(_title(evaluation)),
        "about": _about(evaluation),
        "nav": _nav(evaluation),
        "summary": summary(evaluation),
        "subjects": _subjects(evaluation, series),
        "curves": _curves(evaluation, series),
        "metrics": "\n".join(_metrics(evaluation, series)),
        "players": players(evaluation, folder, series, most),
    }
    # in one pass: what is put in is never looked at again
    return re.sub(r"\{\{(\w+)\}\}", lambda name: parts[name[1]], TEMPLATE.read_text("utf-8"))


def _title(evaluation: Evaluation) -> str:
    """`A, B against BASE`."""
    titles = [one.title for one in evaluation.subjects if one.role == "subject"]
    baseline = evaluation.baseline
    if not titles:
        return baseline
    return ", ".join(titles) + (f" against {baseline}" if baseline else "")


def _nav(evaluation: Evaluation) -> str:
    there = [metric for metric in TITLES if evaluation.rows(metric)]
    links = [f'<a href="#{metric}">{SHORT[metric]}</a>' for metric in there]
    return f'<nav>{"".join(links)}<a href="#listen">Listen</a></nav>'


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
    prompts = sum(bool(one.text) for one in evaluation.prompts)
    lines = [
        f"{prompts} prompts from the {data.split} split of {data.name}, the same for all; clips of "
        f"{making.seconds:g} s. "
        + (
            f"Differences (Δ) are to {evaluation.baseline}, prompt by prompt."
            if evaluation.baseline
            else "Nothing is compared: there is no baseline."
        ),
        *evaluation.notes,
    ]
    when = evaluation.made_at[:16].replace("T", " ")
    small = (
        f"seed {making.seed}, guidance {making.cfg:g}, temperature {making.temperature:g}, top "
        f"{making.top_k}, {making.precision}; dataset {data.fingerprint} with {data.clips} clips "
        f"in {data.split} and {data.training} to train on; {when} UTC"
    )
    told = "".join(f"<p>{_text(line)}</p>" for line in lines)
    return f"{told}<p class=dim>{_text(small)}</p>"


def _subjects(evaluation: Evaluation, series: Sequence[Series]) -> str:
    rows = []
    for one, style in zip(evaluation.subjects, series, strict=True):
        told = {"baseline": "baseline", "ceiling": "what real music reaches"}.get(one.role, "")
        about = "; ".join(filter(None, (told, f"from {one.base}" if one.base else "", *one.notes)))
        rows.append(
            f'<tr><th><span class="dot bg {style.style}"></span>{_text(one.title)}</th>'
            f'<td data-t="given as">{_text(one.name)}</td><td data-t="clips">{one.clips}</td>'
            f'<td class=hash data-t="weights">{_text(one.hash)}</td><td>{_text(about)}</td></tr>'
        )
    head = "<tr class=head><th>subject<td>given as<td>clips<td>weights<td></tr>"
    return f"<div class=wide><table class=about>{head}{''.join(rows)}</table></div>"


def _curves(evaluation: Evaluation, series: Sequence[Series]) -> str:
    """Training curves, in the subjects' own colours; of the training split they are dashed."""
    curves: dict[str, Sequence[float | None]] = {}
    styles: dict[str, str] = {}
    for told, one in zip(evaluation.subjects, series, strict=True):
        for name, values in told.curves.items():
            curves[f"{told.title}: {name}"] = values
            dashed = " dashed" if name.startswith("train") else ""
            styles[f"{told.title}: {name}"] = f"{one.style}{dashed}"
    drawn = plots.lines(curves, styles, "Cross entropy, nats")
    return f"<section><h2>Training</h2><div class=plots>{drawn}</div></section>" if drawn else ""


def _metrics(evaluation: Evaluation, series: Sequence[Series]) -> Iterator[str]:
    for metric, title in TITLES.items():
        rows = evaluation.rows(metric)
        if not rows:
            continue
        parts = [f'<h2 id="{metric}">{_text(title)}</h2><p>{_text(GROUPS.get(metric, ""))}</p>']
        parts += _not_run(rows)
        ways = list(dict.fromkeys((row.of, row.against) for row in rows))
        if metric == "fad":
            parts.append(_fads(rows, ways, series))
        for of, against in ways:
            some = [row for row in rows if (row.of, row.against) == (of, against) and row.figures]
            if some:
                parts += _way(metric, of, against, some, evaluation, series)
        yield f"<section>{''.join(parts)}</section>"


def _fads(rows: Sequence[Row], ways: Sequence[tuple[str, str]], series: Sequence[Series]) -> str:
    """FAD by embedding, side by side."""
    drawn = []
    for of, against in ways:
        some = [row for row in rows if (row.of, row.against) == (of, against)]
        for name in ("fad_infinity", "fad"):
            found = {r.subject: r.figures[name].estimate for r in some if name in r.figures}
            if found:
                what = f"{name} by {_called(of, against)}; lower is better"
                drawn.append(plots.intervals(found, series, what))
                break
    return f"<div class=plots>{''.join(drawn)}</div>" if drawn else ""


def _called(of: str, against: str) -> str:
    beyond = {"reference": "your reference"}.get(against, "")
    return " against ".join(filter(None, (of, beyond)))


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
    head = _called(of, against)
    used = dict.fromkeys((one.name, one.sha256[:12]) for row in rows for one in row.checkpoints)
    weights = ", ".join(f"{name} ({sha256})" for name, sha256 in used)
    if head:
        yield f"<h3>{_text(head)}</h3>"
    if weights:
        yield f"<p class=hash>{_text(weights)}</p>"
    names = list(dict.fromkeys(name for row in rows for name in row.figures))
    yield _table(rows, [name for name in names if not name.startswith(BOOKS)], evaluation)
    books = [name for name in names if name.startswith(BOOKS)]
    if books:
        inner = _table(rows, books, evaluation)
        yield f"<details><summary>Codebook by codebook</summary>{inner}</details>"
    drawn = []
    for name in HISTOGRAMS.get(metric, ()):
        values = {r.subject: list(r.values[name].values()) for r in rows if name in r.values}
        drawn.append(plots.distributions(values, series, NAMES.get(name, name)))
    if any(drawn):
        yield f"<div class=plots>{''.join(drawn)}</div>"
    yield from _odd(rows)
    yield from _copies(rows)


def _table(rows: Sequence[Row], names: Sequence[str], evaluation: Evaluation) -> str:
    order = [one.title for one in evaluation.subjects]
    rows = sorted(rows, key=lambda row: order.index(row.subject))
    head = "".join(f"<td>{_text(row.subject)}</td>" for row in rows)
    lines = [f"<tr class=head><th></th>{head}</tr>"]
    for name in names:
        about = record.meaning(name)
        way = {"lower": "lower is better", "higher": "higher is better", "near": ""}[about.better]
        said = ", ".join(filter(None, (about.unit, way)))
        cells = "".join(_cell(name, row.subject, row.figures.get(name)) for row in rows)
        lines.append(
            f"<tr><th title='{_text(about.words)}'>{_text(name)}<small>{_text(about.words)}"
            f"{f' ({_text(said)})' if said else ''}</small></th>{cells}</tr>"
        )
    return f"<div class=wide><table>{''.join(lines)}</table></div>"


def _cell(name: str, subject: str, figure: Figure | None) -> str:
    if figure is None:
        return "<td></td>"
    apart = ""
    if figure.difference is not None:
        sure = record.better(name, figure)
        style = {True: "good", False: "bad", None: "open"}[sure]
        word = {True: " better", False: " worse", None: ""}[sure]
        said = _text(estimate_text(figure.difference, sign=True))
        apart = f'<span class="{style}">{said}{word}</span>'
    return f'<td data-t="{_text(subject)}">{_text(estimate_text(figure.estimate))}{apart}</td>'


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
