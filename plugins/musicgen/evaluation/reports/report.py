"""The report in a terminal: a table of all figures, and what did not run."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from ..measuring import GROUPS
from ..metrics.statistics import Figure
from . import record
from .page import estimate_text
from .plots import number_text
from .record import Evaluation, Row

WIDEST = 10_000
"""Characters of a table."""

BOOKS = ("ce_q", "ppl_q")
"""Figures of single codebooks are on the page only."""


def show(evaluation: Evaluation, folder: Path, console: Console | None = None) -> None:
    """Prints an evaluation.

    Args:
        evaluation: What was found.
        folder: Where its files are.
        console: Where to; None: the terminal.
    """
    out = console or Console(highlight=False)
    data, making = evaluation.data, evaluation.making
    out.print(
        f"{len(evaluation.prompts)} prompts of {escape(data.name)} ({data.split}), clips of "
        f"{making.seconds:g} s, seed {making.seed}",
        soft_wrap=True,
    )
    for note in evaluation.notes:
        out.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    for told in evaluation.subjects:
        for note in told.notes:
            out.print(f"[yellow]note:[/] {escape(told.title)}: {escape(note)}", soft_wrap=True)
    table = _table(evaluation)
    if table.row_count:
        wide = Measurement.get(out, out.options.update(max_width=WIDEST), table).maximum
        before, out.width = out.width, max(out.width, wide)  # a column that is cut tells nothing
        out.print(table, crop=False)
        out.width = before
        out.print(
            "value [95% interval] n; below it the difference to the baseline, prompt by prompt, "
            "green where it is surely better, red where it is surely worse",
            style="dim",
        )
    for line in _not_run(evaluation):
        out.print(line, soft_wrap=True)
    out.print(f"report: {escape(str(folder / record.PAGE))}", soft_wrap=True)
    out.print(f"numbers: {escape(str(folder / record.JSON))}", soft_wrap=True)


def _table(evaluation: Evaluation) -> Table:
    table = Table(box=None, pad_edge=False)
    titles = [one.title for one in evaluation.subjects]
    for name in ("metric", "figure"):
        table.add_column(name, no_wrap=True)
    for told in evaluation.subjects:
        mark = " (baseline)" if told.role == "baseline" else ""
        table.add_column(escape(told.title + mark), no_wrap=True)
    for metric in GROUPS:
        rows = evaluation.rows(metric)
        for of, against in dict.fromkeys((row.of, row.against) for row in rows):
            some = {row.subject: row for row in rows if (row.of, row.against) == (of, against)}
            _lines(table, _called(metric, of, against), some, titles)
    return table


def _called(metric: str, of: str, against: str) -> str:
    beyond = "reference" if against == "reference" else ""
    return " ".join(filter(None, (metric, of, beyond)))


def _lines(table: Table, called: str, rows: dict[str, Row], titles: Sequence[str]) -> None:
    names = list(dict.fromkeys(name for row in rows.values() for name in row.figures))
    for name in names:
        if name.startswith(BOOKS):
            continue
        figures = [rows[title].figures.get(name) if title in rows else None for title in titles]
        table.add_row(escape(called), name, *(_cell(name, figure) for figure in figures))
        called = ""


def _cell(name: str, figure: Figure | None) -> str:
    if figure is None:
        return ""
    own = figure.estimate
    within = ""
    if own.low is not None and own.high is not None:
        within = f" [dim]\\[{number_text(own.low)}, {number_text(own.high)}][/]"
    said = f"{number_text(own.value)}{within} [dim]n={own.n}[/]"
    if figure.difference is None:
        return said
    style = {True: "green", False: "red", None: "dim"}[record.better(name, figure)]
    return f"{said}\n[{style}]{escape(estimate_text(figure.difference, sign=True))}[/]"


def _not_run(evaluation: Evaluation) -> list[str]:
    """What did not run, or not wholly, each reason once."""
    said: dict[tuple[str, str, str], list[str]] = {}
    for row in evaluation.results:
        if row.state != "ok" or row.reason:
            called = " ".join(filter(None, (row.metric, row.of)))
            key = (row.state, row.reason, row.command)
            said.setdefault(key, []).append(called)
    lines = []
    for (state, reason, command), named in said.items():
        what = ", ".join(dict.fromkeys(named))
        colour = "red" if state == "failed" else "yellow"
        word = "note" if state == "ok" else state
        run = f"; run [bold]{escape(command)}[/]" if command else ""
        lines.append(f"[{colour}]{word}:[/] {escape(what)}: {escape(reason)}{run}")
    return lines
