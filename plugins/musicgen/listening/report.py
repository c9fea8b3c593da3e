"""Results as people read them."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .results import Agreement, Preference

_LEGEND = """\
prefer A: of the votes for one of the two, how many are for A, with Wilson's 95% interval (each vote
taken as independent); votes that hear no difference (same) are left out of it. heard first: the
same for the clip heard first. alpha: Krippendorff's, over so many pairs that two or more of so many
listeners judged. By listener: share and votes A/B/same."""


def show(summary: dict[str, Any], folder: Path) -> None:
    """Prints a summary of `results.summary`."""
    console = Console(highlight=False)
    console.print(f"[bold]A[/] {escape(summary['a'])}   [bold]B[/] {escape(summary['b'])}")
    console.print(
        f"{summary['votes']} votes on {summary['pairs']} pairs of {summary['seconds']:g} s by "
        f"{summary['listeners']} listeners, {summary['complete_listeners']} of them through "
        f"({escape(str(folder))})",
        soft_wrap=True,
    )
    for note in _faults(summary):
        console.print(f"[yellow]note:[/] {note}")
    if not summary["votes"]:
        console.print("no votes yet")
        return
    console.print(_preferences(summary), crop=False)
    for question, found in summary["agreement"].items():
        if found.why:
            console.print(f"no alpha for {question}: {found.why}")
    console.print(_listeners(summary), crop=False)
    console.print(_LEGEND.replace("\n", " "), style="dim")


def _faults(summary: dict[str, Any]) -> list[str]:
    told = (
        (summary["changed_votes"], "votes were given again later; the last counts"),
        (summary["broken_lines"], "broken lines in the file of votes were passed over"),
        (summary["votes_on_other_tests"], "votes on other tests or pairs were passed over"),
    )
    return [f"{count} {what}" for count, what in told if count]


def _preferences(summary: dict[str, Any]) -> Table:
    table = _table(
        "question", "A", "B", "same", "prefer A", "heard first", "alpha", "listeners", "pairs"
    )
    for question, said in summary["questions"].items():
        first = summary["first_heard"][question]
        agreed: Agreement = summary["agreement"][question]
        alpha = "-" if agreed.alpha is None else f"{agreed.alpha:.2f}"
        table.add_row(
            question, str(said.a), str(said.b), str(said.ties), _share(said), _share(first), alpha,
            str(agreed.listeners), str(agreed.pairs),
        )  # fmt: skip
    return table


def _listeners(summary: dict[str, Any]) -> Table:
    table = _table("listener", *summary["questions"])
    for listener, questions in summary["by_listener"].items():
        cells = [f"{_share(p)} {p.a}/{p.b}/{p.ties}" for p in questions.values()]
        table.add_row(escape(listener), *cells)
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    return table


def _share(said: Preference) -> str:
    if said.share_a is None or said.interval is None:
        return "-"
    low, high = said.interval
    return f"{said.share_a:.0%} ({low * 100:.0f}-{high * 100:.0f})"
