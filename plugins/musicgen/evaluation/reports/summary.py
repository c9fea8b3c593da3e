"""What it all comes to: the few figures that answer the questions, before the many behind them."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from ..metrics.statistics import Figure
from . import record
from .plots import number_text
from .record import Evaluation, Row


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of the summary.

    Attributes:
        words: What it says.
        metric: Of the rows it is in.
        names: Of the figure; the first that is there.
    """

    words: str
    metric: str
    names: tuple[str, ...]


QUESTIONS: dict[str, tuple[Asked, ...]] = {
    "Did it learn the genre?": (
        Asked("Surprised by real music", "likelihood", ("ce",)),
        Asked("Distance from real music, FAD", "fad", ("fad_infinity", "fad")),
        Asked("Labels unlike the real clip's", "kl", ("paired",)),
    ),
    "Does it follow the prompt?": (
        Asked("Fit of text and sound", "clap", ("score",)),
        Asked("… more than of other prompts", "clap", ("contrast",)),
        Asked("Key as asked for", "adherence", ("key_recall",)),
        Asked("Tempo as asked for", "adherence", ("tempo_octave_recall",)),
        Asked("Genres asked for and heard", "adherence", ("genre_recall",)),
        Asked("Moods asked for and heard", "adherence", ("mood_recall",)),
        Asked("Instruments asked for and heard", "adherence", ("instrument_recall",)),
        Asked("Voices as asked for", "adherence", ("vocals_recall",)),
    ),
    "Is it sound, and its own?": (
        Asked("Silent", "sound", ("silence",)),
        Asked("Clipped", "sound", ("clipping",)),
        Asked("Repeated exactly", "sound", ("repetition",)),
        Asked("Clips unlike each other", "novelty", ("diversity",)),
        Asked("Nearer to training than real music", "novelty", ("near_share",)),
        Asked("Copied from training", "copies", ("copied_share",)),
    ),
}
"""The questions, and which figures answer them."""


def summary(evaluation: Evaluation) -> str:
    """The table, and how much of it is sure; nothing where there are no figures."""
    titles = [one.title for one in evaluation.subjects]
    body = []
    for question, lines in QUESTIONS.items():
        found = [line for asked in lines for line in _lines(asked, evaluation, titles)]
        if found:
            wide = len(titles) + 1
            head = f"<tr class=group><th colspan={wide}>{html.escape(question)}</th></tr>"
            body += [head, *found]
    if not body:
        return ""
    head = "".join(f"<td>{html.escape(title)}</td>" for title in titles)
    return (
        f"<section class=summary><h2>In short</h2><div class=wide><table>"
        f"<tr class=head><th></th>{head}</tr>{''.join(body)}</table></div>"
        f"{_sure(evaluation)}</section>"
    )


def _lines(asked: Asked, evaluation: Evaluation, titles: Sequence[str]) -> list[str]:
    """A line for each way of measuring it against the test set."""
    rows = [r for r in evaluation.rows(asked.metric) if r.figures and r.against != "reference"]
    found = []
    for of in dict.fromkeys(row.of for row in rows):
        some = {row.subject: row for row in rows if row.of == of}
        name = next((n for n in asked.names if any(n in r.figures for r in some.values())), None)
        if name is None:
            continue
        about = record.meaning(name)
        way = {"lower": "lower is better", "higher": "higher is better", "near": ""}[about.better]
        if about.better == "near" and any(title == record.REAL for title in some):
            way = "near that of real clips"
        said = ", ".join(filter(None, (of.partition("-")[0].replace("_", " "), way)))
        cells = "".join(_cell(name, title, some.get(title)) for title in titles)
        found.append(
            f'<tr><th><a href="#{asked.metric}">{html.escape(asked.words)}</a>'
            f"<small>{html.escape(said)}</small></th>{cells}</tr>"
        )
    return found


def _cell(name: str, title: str, row: Row | None) -> str:
    figure = None if row is None else row.figures.get(name)
    if figure is None:
        return "<td></td>"
    shown = _shown(name, figure.estimate.value)
    return f'<td data-t="{html.escape(title)}"><b>{shown}</b>{_mark(name, figure)}</td>'


def _shown(name: str, value: float) -> str:
    """Shares in percent, as people say them."""
    if record.meaning(name).unit == "share":
        return f"{number_text(round(100 * value, 1))} %"
    return number_text(value) if abs(value) >= 1e-4 or value == 0 else "≈ 0"


def _mark(name: str, figure: Figure) -> str:
    if figure.difference is None or record.meaning(name).better == "near":
        return ""
    sure = record.better(name, figure)
    style = {True: "good", False: "bad", None: "open"}[sure]
    word = {True: "▲ better", False: "▼ worse", None: "within chance"}[sure]
    return f'<span class="{style}">{word}</span>'


def _sure(evaluation: Evaluation) -> str:
    """How many of all figures differ surely, and how many would by chance."""
    said = []
    for told in evaluation.subjects:
        rows = [row for row in evaluation.results if row.subject == told.title]
        compared = [
            (name, figure)
            for row in rows
            for name, figure in row.figures.items()
            if figure.difference is not None
            and figure.difference.low is not None
            and record.meaning(name).better != "near"
        ]
        if compared:
            marks = [record.better(name, figure) for name, figure in compared]
            said.append(
                f"{told.title}: {marks.count(True)} of {len(marks)} figures surely better than "
                f"{evaluation.baseline}'s, {marks.count(False)} surely worse."
            )
    if not said:
        return ""
    said.append(
        "Surely means that the 95% interval of the difference leaves out 0: of twenty figures that "
        "do not differ, one will look so by chance. Trust what several of a kind say."
    )
    return "".join(f"<p class=dim>{html.escape(one)}</p>" for one in said)
