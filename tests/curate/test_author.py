"""People come first, then the model, then the template, and the source says who it was."""

import pytest

from curate.captions import template
from curate.captions.author import Author, wrote
from curate.captions.names import Names
from curate.config import CaptionOptions
from curate.labels.fields import Fields
from curate.records import Facts

FACTS = Facts(genres=("city pop",), instruments=("piano",), bpm=120)


def test_a_persons_words_are_the_only_caption() -> None:
    author = Author(CaptionOptions(variants=3))
    told = Fields(description="A slow song.", description_source="manual")
    made = author.caption("a_000", told, FACTS, Names())
    assert (made.texts, made.source) == (("A slow song.",), "manual")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_template_describes_what_nobody_has(language: str) -> None:
    options = CaptionOptions(language=language, variants=3)
    made = Author(options).caption("a_000", Fields(), FACTS, Names())
    assert made.texts == template.caption(FACTS, "a_000", options)
    assert len(set(made.texts)) == 3
    assert made.source == template.source(language)
    assert Author(options).counts() is None


@pytest.mark.parametrize(
    ("source", "ours"),
    [
        ("template.3", True),
        ("template.3.ja", True),
        ("template.3.fallback", True),
        ("llm.gpt-5-mini", True),
        ("manual", False),
        ("table.musiccaps", False),
        ("web", False),
    ],
)
def test_which_captions_may_be_written_anew(source: str, ours: bool) -> None:
    assert wrote(source) == ours
