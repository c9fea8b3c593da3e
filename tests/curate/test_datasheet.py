"""DATASHEET.md says what is in a dataset, and nothing from outside can break its tables."""

from dataclasses import replace
from pathlib import Path

import pytest
from finished import CONFIG, INFO, finished, untagged

from curate import jsonio
from curate.records import BuildInfo
from curate.stages import datasheet, write


def sheet(folder: Path, info: BuildInfo = INFO) -> str:
    items = [finished(0, clips=3), untagged(1, "valid"), finished(2, "test", clips=1)]
    write.write(folder, items, CONFIG, lambda paths: None)
    datasheet.write(folder, info)
    return (folder / "DATASHEET.md").read_text("utf-8")


def test_it_says_what_is_in_the_dataset(tmp_path: Path) -> None:
    text = sheet(tmp_path)
    assert text.startswith(
        "# kayo\n\n10 tracks, 132 clips of 30 s, 1.00 hours, 32000 Hz, 1 channel"
    )
    for line in (
        "made by a test",
        "| YOASOBI | 3 | 5 |",
        "| files | 3 | 5 |",
        "| CC BY 4.0 | 2 | 4 |",
        "| not stated | 1 | 1 |",
        "| train | 8 | 100 | 0.80 |",
        "| valid | 1 | 20 | 0.10 |",
        "| silent | 1 |",
        f"Data fingerprint: `{'a' * 64}`",
        "| numpy | 2.0 |",
    ):
        assert f"\n{line}\n" in text, line


def test_it_says_what_was_left_out_or_is_missing(tmp_path: Path) -> None:
    text = sheet(tmp_path, replace(INFO, complete=False, counts=replace(INFO.counts, rejected={})))
    assert "Part of the whole: built with a limit." in text
    assert "## Left out\n\nNothing.\n" in text
    assert "Part of the whole" not in sheet(tmp_path)


def test_the_greatest_share_comes_first(tmp_path: Path) -> None:
    text = sheet(tmp_path)
    assert text.index("| CC BY 4.0 |") < text.index("| not stated |")


def test_it_is_the_same_every_time(tmp_path: Path) -> None:
    assert sheet(tmp_path) == sheet(tmp_path)


@pytest.mark.parametrize(
    ("rights", "shown"),
    [
        ("a | b", "a \\| b"),
        ("# a\n\n## b", "\\# a \\#\\# b"),
        ("[x](http://y)", "\\[x\\](http://y)"),
        ("<script>", "\\<script\\>"),
        ("`*_\\", "\\`\\*\\_\\\\"),
        ("私的研究", "私的研究"),
    ],
)
def test_text_from_outside_is_only_text(tmp_path: Path, rights: str, shown: str) -> None:
    config = jsonio.builtins(replace(CONFIG, rights=rights))
    text = sheet(tmp_path, replace(INFO, config=config))
    assert f"## Rights\n\n{shown}\n\n" in text
