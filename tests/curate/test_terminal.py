"""What the command line shows, whatever names there are in it."""

import io
from pathlib import Path

import pytest
from finished import INFO
from rich.console import Console

from curate.building.orders import Plan, Result
from curate.captions.llm import Estimate
from curate.command import terminal
from curate.command.doctor import Check
from curate.command.status import Status
from curate.progress import Silent
from curate.records import CaptionCounts, LlmCounts, Rejection
from curate.stages.recaption import Recaptioned
from curate.validate import Finding, Report

ODD = "[red]x[/] [/] [b"
"""What rich would take for its own markup, and stumble over."""


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    file = io.StringIO()
    console = Console(file=file, highlight=False, width=100)
    monkeypatch.setattr(terminal, "_OUT", console)
    monkeypatch.setattr(terminal, "_ERR", console)
    return file


def lines(shown: io.StringIO) -> list[str]:
    return [line.strip() for line in shown.getvalue().splitlines() if line.strip()]


def test_a_plan(shown: io.StringIO) -> None:
    terminal.show_plan(Plan(9, 4, 3, {"missing": 2}))
    assert lines(shown) == [
        "9 tracks listed",
        "4 to work on",
        "3 done already",
        "2 left out: missing",
    ]


def test_a_result(shown: io.StringIO) -> None:
    terminal.show_result(
        Result(Path(f"/data/{ODD}"), INFO.counts, INFO.captions, 3, 90.0, (f"note {ODD}",))
    )
    found = lines(shown)
    assert found[0].split() == ["split", "tracks", "clips", "hours"]
    assert [line.split() for line in found[2:6]] == [
        ["train", "8", "100", "0.80"],
        ["valid", "1", "20", "0.10"],
        ["test", "1", "12", "0.10"],
        ["all", "10", "132", "1.00"],
    ]
    assert found[6:] == [
        "11 tracks listed; left out: 1 silent",
        "captions: 132 template.1",
        "3 tracks (1.5 min) decoded in this run",
        f"note: note {ODD}",
        f"dataset: /data/{ODD}",
    ]


def test_small_sums_of_money_are_told_and_whose_they_are(shown: io.StringIO) -> None:
    llm = LlmCounts("gpt-5-mini", 2, 0, 0, 2, 60, 1000, 2000, 0.0042)
    captions = CaptionCounts({"llm.gpt-5-mini": 2, "template.3.fallback": 2}, llm)
    terminal.show_recaptioned(Recaptioned(4, captions, ()))
    assert lines(shown) == [
        "captions: 2 llm.gpt-5-mini, 2 template.3.fallback",
        "gpt-5-mini: 50.0% accepted, 0.0% repaired, 0.0% refused, 50.0% missing",
        "templates stand in where there was no answer; a later run asks again",
        "so far, on datasets of this name: 60 requests, 1,000 tokens in, 2,000 out, $0.0042",
        "4 clips have other captions now",
    ]


@pytest.mark.parametrize(
    ("usd", "told"), [(0.00421, "$0.0042"), (0.5, "$0.5000"), (1234.567, "$1,234.57")]
)
def test_an_estimate(shown: io.StringIO, usd: float, told: str) -> None:
    terminal.show_estimate(Estimate("m", 9, 5, 4, 100, 50, usd, usd, usd))
    assert lines(shown) == [
        "5 requests to m; 4 more are answered already",
        "about 100 tokens in, 50 out",
        f"about {told}, at most {told}",
        f"{told} spent on datasets of this name so far",
    ]


def test_a_status(shown: io.StringIO) -> None:
    rejected = (Rejection("t", "inspect", "silent", "because"),)
    terminal.show_status(Status(Path("x"), INFO, {"fetch": 5}, {"silent": 2}, rejected))
    found = lines(shown)
    assert found[0] == "kayo, built 2026-01-01T00:00:00+00:00"
    assert found[-2:] == ["5 items known at stage fetch", "2 failed: silent"]


def test_a_status_before_the_end(shown: io.StringIO) -> None:
    terminal.show_status(Status(Path("x"), None, {}, {}, ()))
    assert lines(shown) == ["not finished: `curate build` goes on from here"]


def finding(code: str, severity: str, line: int | None = 3) -> Finding:
    return Finding(code, severity, f"manifests/{ODD}", line, None, f"value {ODD}", f"mend {ODD}")


def report(*findings: Finding) -> Report:
    return Report(Path("x"), True, False, (), tuple(findings))


def test_findings_of_one_code_are_cut_off(shown: io.StringIO) -> None:
    many = [finding("bad_key", "error")] * 8
    terminal.show_findings(report(*many, finding("imbalance", "warning", None)))
    found = lines(shown)
    assert found[0] == f"error bad_key manifests/{ODD}:3: value {ODD} mend {ODD}"
    assert sum(line.startswith("error") for line in found) == terminal.MAX_SHOWN
    assert f"warning imbalance manifests/{ODD}: value {ODD} mend {ODD}" in found
    assert "... 3 more of bad_key; --json shows all" in found
    assert found[-1] == "not valid: 8 errors, 1 warnings"


def test_no_findings_are_a_good_word(shown: io.StringIO) -> None:
    terminal.show_findings(report())
    assert lines(shown) == ["valid: 0 errors, 0 warnings"]


def test_checks(shown: io.StringIO) -> None:
    terminal.show_checks([Check("numpy", True, "2.0"), Check("ffmpeg", False, ODD, f"do {ODD}")])
    assert lines(shown) == [
        "ok   numpy                2.0",
        f"MISS ffmpeg               {ODD}",
        f"-> do {ODD}",
    ]


def test_progress_counts_and_tells_the_rate(shown: io.StringIO) -> None:
    with terminal.Bars() as bars, bars.stage("audio", 4) as bar:
        bar.skip(2)
        bar.advance(f"A - {ODD}", audio_s=1e6)
        bar.advance()
    text = shown.getvalue()
    assert "audio" in text
    assert "4/4" in text
    assert "x real time" in text


def test_downloads_show_a_bar_for_the_file_that_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, highlight=False, width=110)
    monkeypatch.setattr(terminal, "_ERR", console)
    with terminal.Downloads() as bars:
        bars.waits("a.onnx", f"why {ODD}", 3.2)
        bars.arrived("a.onnx", 500_000, 1_000_000)
        bars.arrived("a.onnx", 1_000_000, 1_000_000)
        bars.arrived("b.json", 3_000, None)
    text = file.getvalue()
    assert f"why {ODD}; trying again in 3 s" in text
    assert "0.5/1.0 MB" in text
    assert "3.0/? kB" in text
    assert text.index("a.onnx") < text.index("b.json")


def test_downloads_are_silent_where_nobody_looks(shown: io.StringIO) -> None:
    with terminal.Downloads() as bars:
        bars.arrived("a.onnx", 500_000, 1_000_000)
    assert shown.getvalue() == ""


def test_silence_takes_every_call() -> None:
    with Silent().stage("audio", 3) as tell:
        tell.skip(2)
        tell.advance("x", 3.0)
