"""What the command line shows: progress bars, tables, findings."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Column, Table

from curate.records import SPLITS, CaptionCounts, Counts, Rejection

if TYPE_CHECKING:  # to say that numpy is broken, the doctor must not need it
    from curate.building.orders import Plan, Result
    from curate.captions.examples import Example
    from curate.captions.llm import Estimate
    from curate.command.doctor import Check
    from curate.command.status import Status
    from curate.labels.models.fetching import Fetched
    from curate.labels.models.weights import State
    from curate.stages.recaption import Recaptioned
    from curate.validate import Report


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leaves it to the command line: `curate status | head` is no failure."""
        raise BrokenPipeError


_OUT = _Console(highlight=False)
_ERR = _Console(stderr=True, highlight=False)

_REASONS = 3
"""Reasons that are shown where nothing is left."""

MAX_SHOWN = 5
"""Findings of one code that are shown; --json has all."""

FULL_WIDTH = 112
"""Width of the widest table; a file or a pipe has no edge."""


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
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bars.live.is_started:  # else it would still end a line
            self._bars.stop()

    @contextlib.contextmanager
    def stage(self, name: str, total: int) -> Iterator["_Bar"]:
        """See `curate.progress.Progress`."""
        self._bars.start()
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


class Downloads:
    """A bar on the error stream for the file that is being downloaded: bytes, rate, time left."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(16),
            DownloadColumn(table_column=Column(no_wrap=True)),
            TransferSpeedColumn(table_column=Column(no_wrap=True)),
            TimeRemainingColumn(),
            console=_ERR,
            transient=True,
        )
        self._file, self._task = "", TaskID(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._file:
            self._bars.stop()

    def arrived(self, file: str, have: int, total: int | None) -> None:
        """See `curate.labels.models.download.Tell`."""
        if not _ERR.is_terminal:
            return
        if file != self._file:
            if self._file:
                self._bars.remove_task(self._task)
            self._bars.start()
            self._file = file
            self._task = self._bars.add_task(escape(file), total=total, completed=have)
        self._bars.update(self._task, completed=have, total=total)

    def waits(self, file: str, why: str, seconds: float) -> None:
        """See `curate.labels.models.download.Tell`."""
        line = f"[yellow]{escape(file)}:[/] {escape(why)}; trying again in {seconds:.0f} s"
        self._bars.console.print(line, soft_wrap=True)


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
    _show_caption_counts(result.captions)
    worked = f"{result.decoded_tracks} tracks ({result.decoded_s / 60:.1f} min) decoded in this run"
    _OUT.print(worked)
    if result.cache is not None:
        size = f"{result.cache_bytes / 1e9:.2f} GB of all datasets"
        _OUT.print(f"downloads: {escape(str(result.cache))} ({size})", soft_wrap=True)
    for note in result.notes:
        _OUT.print(f"[yellow]note:[/] {escape(note)}")
    if result.counts.chunks:
        _OUT.print(f"dataset: {escape(str(result.out))}", soft_wrap=True)
    else:
        _OUT.print("[red]no clips:[/] nothing to train on")
        for reason in _first_reasons(result.out):
            _OUT.print(f"  {escape(reason)}", soft_wrap=True)
        every = escape(str(result.out / "rejected.jsonl"))
        _OUT.print(f"every reason is in {every}", soft_wrap=True)


def _first_reasons(out: Path) -> list[str]:
    """Why the first tracks were left out, one of each code; enough to see what is wrong."""
    from curate import jsonio  # here: `curate doctor` works where its msgspec is missing

    found: dict[str, str] = {}
    for dropped in jsonio.read_lines(out / "rejected.jsonl", Rejection):
        found.setdefault(dropped.code, f"{dropped.code}: {dropped.reason}")
        if len(found) == _REASONS:
            break
    return list(found.values())


def show_captions(examples: "Sequence[Example]") -> None:
    """Labels beside captions."""
    if not examples:
        _OUT.print("there are no clips")
    for example in examples:
        by = f"[dim]{escape(example.source)}[/]"
        _OUT.print(f"[bold]{escape(example.name)}[/] {by}", soft_wrap=True)
        said = "; ".join(f"{kind}: {value}" for kind, value in example.facts.items())
        _OUT.print(f"  [dim]{escape(said or 'nothing is known of it')}[/]", soft_wrap=True)
        for text in example.captions:
            _OUT.print(f"  {escape(text)}", soft_wrap=True)


def show_estimate(found: "Estimate") -> None:
    """What captions by a language model would cost."""
    known = f"{found.cached} more are answered already"
    _OUT.print(f"{found.requests} requests to {escape(found.model)}; {known}")
    _OUT.print(f"about {found.input_tokens:,} tokens in, {found.output_tokens:,} out")
    if found.usd is None:
        _OUT.print("the price of this model is not known; --price IN OUT gives it")
    else:
        _OUT.print(f"about {_usd(found.usd)}, at most {_usd(found.most_usd)}")
    if found.spent_usd:
        _OUT.print(f"{_usd(found.spent_usd)} spent on datasets of this name so far")


def show_recaptioned(result: "Recaptioned") -> None:
    """What came of new captions."""
    _show_caption_counts(result.captions)
    for note in result.notes:
        _OUT.print(f"[yellow]note:[/] {escape(note)}")
    _OUT.print(f"{result.changed} clips have other captions now")


def _show_caption_counts(counts: CaptionCounts) -> None:
    told = ", ".join(f"{count} {source}" for source, count in counts.clips.items())
    _OUT.print(f"captions: {escape(told or 'none')}", soft_wrap=True)
    if (llm := counts.llm) is not None:
        asked = max(llm.accepted + llm.repaired + llm.refused + llm.missing, 1)
        kinds = ("accepted", "repaired", "refused", "missing")
        shares = ", ".join(f"{getattr(llm, kind) / asked:.1%} {kind}" for kind in kinds)
        _OUT.print(f"{escape(llm.model)}: {shares}", soft_wrap=True)
        if llm.missing:
            _OUT.print("templates stand in where there was no answer; a later run asks again")
        tokens = f"{llm.input_tokens:,} tokens in, {llm.output_tokens:,} out"
        _OUT.print(
            f"so far, on datasets of this name: {llm.requests} requests, {tokens}, {_usd(llm.usd)}",
            soft_wrap=True,
        )


def _usd(amount: float | None) -> str:
    """A sum of money; of small ones as many digits as tell."""
    if amount is None:
        return "price not known"
    return f"${amount:,.2f}" if amount >= 1.0 else f"${amount:.4f}"


def show_status(status: "Status") -> None:
    """A dataset's state."""
    if status.build is None:
        _OUT.print("[yellow]not finished:[/] `curate build` goes on from here")
    else:
        _OUT.print(f"{escape(status.build.name)}, built {status.build.built_at}")
        if not status.build.complete:
            _OUT.print("[yellow]built with a limit[/]")
        _show_counts(status.build.counts)
        _show_caption_counts(status.build.captions)
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


_TERMS = """\
CC BY-NC-SA 4.0 (https://creativecommons.org/licenses/by-nc-sa/4.0/): use them with credit and not
commercially, and share what you adapt from them under the same licence; for other uses ask the
Music Technology Group (https://www.upf.edu/web/mtg/contact)."""


def show_models(states: "Sequence[State]", place: Path, mend: str, *, onnx: bool) -> None:
    """What there is of every model, what is wrong, whom to cite, and how to fetch the rest.

    Args:
        states: Of every model.
        place: The models folder.
        mend: The command that fetches what is missing.
        onnx: Whether onnxruntime is installed.
    """
    _OUT.print(_models_table(states), crop=False)
    for state in states:
        for held in state.files:
            if held.state == "broken":
                _OUT.print(f"[red]broken:[/] {escape(held.problem)}", soft_wrap=True)
        if state.word == "missing" and state.here:
            _OUT.print(f"[yellow]missing:[/] {escape(state.problem)}", soft_wrap=True)
    if any(held.differs for state in states for held in state.files):
        _OUT.print("files that are meant to be other ones: curate models accept NAME")
    labelling = [state for state in states if state.model.purpose != "stems"]
    ready = sum(1 for state in labelling if not state.problem)
    _OUT.print(f"{ready} of {len(labelling)} ready in {escape(str(place))}", soft_wrap=True)
    if onnx:
        _OUT.print(
            "onnxruntime is installed: .onnx files are used where they are there; to fetch them "
            "beside .pb files: curate models fetch --onnx",
            soft_wrap=True,
        )
    else:
        _OUT.print("onnxruntime is not installed: .pb files are used, at a fraction of the speed")
    if ready < len(labelling):
        _OUT.print(f"to fetch the rest: {escape(mend)}", soft_wrap=True)
    _OUT.print(f"\n{_TERMS}\nPublished work cites:", soft_wrap=True)
    for citation in dict.fromkeys(state.model.citation for state in states):
        about = [s.model.kind or s.model.name for s in states if s.model.citation == citation]
        _OUT.print(f"  {', '.join(about)}: {escape(citation)}", soft_wrap=True)


def _models_table(states: "Sequence[State]") -> Table:
    full = not _OUT.is_terminal or _OUT.width >= FULL_WIDTH
    table = Table(box=box.SIMPLE, pad_edge=False, width=None if _OUT.is_terminal else FULL_WIDTH)
    table.add_column("model", overflow="fold")
    for column in ("label", "here", "MB", "state", *(["licence"] if full else [])):
        table.add_column(column, justify="right" if column == "MB" else "left", no_wrap=True)
    colours = {"ready": "green", "missing": "yellow", "broken": "red"}
    for state in states:
        graphs = [held for held in state.files if held.extension != "json"]
        size = sum(held.size_bytes for held in graphs if held.state != "missing") / 1e6
        used = f" ({state.backend})" if state.backend else ""
        cells = (
            state.model.name,
            state.model.kind or f"({state.model.purpose})",
            " ".join(held.extension for held in graphs if held.state != "missing"),
            f"{size or state.model.megabytes:.1f}",
            f"[{colours[state.word]}]{state.word}[/]{used}",
            state.model.licence.replace("CC-BY-NC-SA-", "CC BY-NC-SA "),
        )
        table.add_row(*cells[: len(table.columns)])
    return table


def show_fetched(fetched: "Fetched", place: Path) -> None:
    """What a fetch did."""
    where = escape(str(place))
    for path in fetched.written:
        _OUT.print(f"fetched {escape(path.name)}", soft_wrap=True)
    told = f"{len(fetched.written)} files ({fetched.megabytes:.1f} MB) fetched; "
    ready = f"{told if fetched.written else 'nothing to do: '}all {fetched.models} models are whole"
    _OUT.print(f"{ready} in {where}", soft_wrap=True)
    if any(path.suffix != ".th" for path in fetched.written):
        _OUT.print(_TERMS, soft_wrap=True)


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
