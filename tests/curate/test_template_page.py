"""The checks of captions that the tests use find faults, and the page of examples has none."""

import re
from collections.abc import Sequence

import caption_facts
import caption_grammar
import caption_page
import pytest
from caption_facts import content

from curate.captions.template import caption
from curate.config import CaptionOptions
from curate.records import Facts


def options(
    style: str = "full", language: str = "en", variants: int = 1, seed: int = 0
) -> CaptionOptions:
    return CaptionOptions(style, language, variants, seed)


def first(facts: Facts, chunk: str, style: str, language: str, seed: int = 0) -> str:
    return caption(facts, chunk, options(style, language, 1, seed))[0]


def faults(text: str, language: str, doubles: Sequence[str] = ()) -> list[str]:
    """A list of tags has no full stop, all else has."""
    if text[-1] not in ".。":
        return caption_grammar.tags(text, ", " if language == "en" else "、")
    if language == "ja":
        return caption_grammar.japanese(text)
    return caption_grammar.english(text, doubles)


# --- the page -----------------------------------------------------------------------------------


def test_the_page_of_examples_is_of_this_version() -> None:
    """If this fails: `python tests/curate/caption_page.py`, and read it."""
    text = caption_page.PAGE.read_text("utf-8")
    assert caption_page.render() == text
    assert len(re.findall(r"^\| \d+ \|", text, re.MULTILINE)) == 50


def test_the_captions_of_the_page_are_without_fault() -> None:
    rows = re.findall(r"^\| \d+ \| .* \| (.*) \|$", caption_page.render(), re.MULTILINE)
    assert [faults(text, "en") for text in rows[:40]] == [[]] * 40
    assert [faults(text, "ja") for text in rows[40:]] == [[]] * 10


# --- the checker itself -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "A rock rock track.",
        "A ambient track.",
        "An unique track.",
        "A rock track with .",
        "A rock track with.",
        "A rock  track.",
        "a rock track.",
        "A rock track",
        "A {genre} track.",
        "A rock track , slow.",
        "A rock track.. It is slow.",
        "The drums is heard.",
        "There are a piano.",
        "With a piano.",
        "One. Two. Three. Four. Five.",
        "A " + "very " * 3 + "slow track.",
        "A track " + "of rock and jazz " * 20 + "music.",
    ],
)
def test_the_checker_finds_faults_of_english(text: str) -> None:
    assert caption_grammar.english(text)


@pytest.mark.parametrize(
    "text",
    [
        "曲です",
        "曲、、です。",
        "静かなの曲。",
        "曲です。遅い。",
        "曲のの音。",
        "曲 です。 ",
        "曲だです。",
    ],
)
def test_the_checker_finds_faults_of_japanese(text: str) -> None:
    assert caption_grammar.japanese(text)


@pytest.mark.parametrize("text", ["a, , b", "a,b", "a, a", "a, b.", " a"])
def test_the_checker_finds_faults_of_tags(text: str) -> None:
    assert caption_grammar.tags(text)


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("A cool jazz track.", Facts(genres=("jazz",), moods=("cool",))),
        ("A jazz track with violin.", Facts(genres=("jazz",))),
        ("A jazz track with vocals.", Facts(genres=("jazz",))),
        ("A jazz track in A minor.", Facts(genres=("jazz",), key="A major")),
        ("A jazz track.", Facts(genres=("jazz",), bpm=90)),
    ],
)
def test_reading_back_finds_what_is_invented_or_lost(text: str, facts: Facts) -> None:
    assert caption_facts.read(text) != content(facts)
