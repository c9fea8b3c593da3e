"""What the command line shows: progress bars, tables, findings."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from curate.records import SPLITS, Counts

if TYPE_CHECKING:  # to say that numpy is broken, the doctor must not need it
    from curate.doctor import Check
    from curate.pipeline import Plan, Result
    from curate.status import Status
    from curate.validate import Report


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leaves it to the command line: `curate status | head` is no failure."""
        raise BrokenPipeError


_OUT = _Console(highlight=False)
_ERR = _Console(stderr=True, highlight=False)

MAX_SHOWN = 5
"""Findings of one code that are shown; --json has all."""


class Bars:
    """Progress bars on the error stream, one a stage, with rate and remaining time."""

    def __init__(self) -> None:
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[what]}"),
            console=_ERR,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._bars.stop()

    @contextlib.contextmanager
    def stage(self, name: str, total: int) -> Iterator["_Bar"]:
        """See `curate.progress.Progress`."""
        task = self._bars.add_task(name, total=total, rate="", what="")
        try:
            yield _Bar(self._bars, task)
        finally:
            self._bars.update(task, what="")


@dataclass(slots=True)
class _Bar:
    bars: Progress
    task: TaskID
    audio_s: float = 0.0

    def advance(self, what: str = "", audio_s: float = 0.0) -> None:
        self.audio_s += audio_s
        elapsed = self.bars.tasks[self.task].elapsed or 0.0
        rate = f"{self.audio_s / elapsed:.0f}x real time" if elapsed and self.audio_s else ""
        self.bars.update(self.task, advance=1, what=escape(what[:40]), rate=rate)

    def skip(self, count: int = 1) -> None:
        self.bars.update(self.task, advance=count)


def show_plan(plan: "Plan") -> None:
    """What a build would do."""
    _OUT.print(f"{plan.listed} tracks listed")
    _OUT.print(f"{plan.to_do:>6} to work on")
    _OUT.print(f"{plan.known:>6} done already")
    for code, count in plan.rejected.items():
        _OUT.print(f"{count:>6} left out: {code}")


def show_result(result: "Result") -> None:
    """The closing table of a build."""
    _show_counts(result.counts)
    worked = f"{result.decoded_tracks} tracks ({result.decoded_s / 60:.1f} min) decoded in this run"
    _OUT.print(worked)
    for note in result.notes:
        _OUT.print(f"[yellow]note:[/] {escape(note)}")
    if result.counts.chunks:
        _OUT.print(f"dataset: {escape(str(result.out))}", soft_wrap=True)
    else:
        _OUT.print("[red]no clips:[/] nothing to train on; every reason is in rejected.jsonl")


def show_status(status: "Status") -> None:
    """A dataset's state."""
    if status.build is None:
        _OUT.print("[yellow]not finished:[/] `curate build` goes on from here")
    else:
        _OUT.print(f"{escape(status.build.name)}, built {status.build.built_at}")
        if not status.build.complete:
            _OUT.print("[yellow]built with a limit[/]")
        _show_counts(status.build.counts)
    for stage, count in status.stages.items():
        _OUT.print(f"{count:>6} items known at stage {stage}")
    for code, count in status.failures.items():
        _OUT.print(f"{count:>6} failed: {code}")


def show_findings(report: "Report") -> None:
    """The findings of a validation, a few of each code, then one line of judgement."""
    shown: Counter[str] = Counter()
    for finding in report.findings:
        shown[finding.code] += 1
        if shown[finding.code] > MAX_SHOWN:
            continue
        colour = "red" if finding.severity == "error" else "yellow"
        place = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
        _OUT.print(
            f"[{colour}]{finding.severity}[/] [bold]{finding.code}[/] {escape(place)}: "
            f"{escape(finding.message)} [dim]{escape(finding.remedy)}[/]",
            soft_wrap=True,
        )
    for code, count in shown.items():
        if count > MAX_SHOWN:
            _OUT.print(f"[dim]... {count - MAX_SHOWN} more of {code}; --json shows all[/]")
    errors = sum(1 for finding in report.findings if finding.severity == "error")
    warnings = len(report.findings) - errors
    verdict = "[green]valid[/]" if report.ok else "[red]not valid[/]"
    _OUT.print(f"{verdict}: {errors} errors, {warnings} warnings")


def show_checks(checks: "list[Check]") -> None:
    """What the doctor found."""
    for check in checks:
        mark = "[green]ok[/]  " if check.ok else "[red]MISS[/]"
        _OUT.print(f"{mark} {check.name:<20} {escape(check.found)}", soft_wrap=True)
        if not check.ok:
            _OUT.print(f"     -> {escape(check.remedy)}")


def _show_counts(counts: Counts) -> None:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in ("split", "tracks", "clips", "hours"):
        table.add_column(column, justify="left" if column == "split" else "right")
    for split in SPLITS:
        held = counts.splits[split]
        table.add_row(split, str(held.tracks), str(held.chunks), f"{held.hours:.2f}")
    table.add_row("all", str(counts.tracks), str(counts.chunks), f"{counts.hours:.2f}")
    _OUT.print(table)
    left_out = ", ".join(f"{count} {code}" for code, count in counts.rejected.items())
    _OUT.print(f"{counts.listed} tracks listed; left out: {left_out or 'none'}")
