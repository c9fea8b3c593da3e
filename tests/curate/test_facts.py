"""What captions may say is what is asserted, without names."""

import pytest

from curate.captions.facts import facts
from curate.captions.names import Names
from curate.labels import vocabulary
from curate.labels.fields import Fields
from curate.records import Facts

WORDS = vocabulary.load()
NOBODY = Names()


def test_what_is_not_asserted_may_not_be_said() -> None:
    assert facts(Fields(), NOBODY, WORDS) == Facts()


def test_everything_asserted_may_be_said() -> None:
    asserted = Fields(
        key="A minor",
        bpm=127.6,
        genres=("city pop", "funk"),
        moods=("nostalgic",),
        instruments=("synthesizer", "female vocals"),
        sung=True,
        onset_rate=6.5,
        dynamic_complexity=1.5,
        danceable="danceable",
        year=1987,
    )
    assert facts(asserted, NOBODY, WORDS) == Facts(
        genres=("city pop", "funk"),
        moods=("nostalgic",),
        instruments=("synthesizer", "female vocals"),
        sung=True,
        bpm=128,
        key="A minor",
        decade=1980,
        dynamics="steady",
        density="dense",
        danceable=True,
    )


def test_titles_descriptions_and_albums_are_no_facts() -> None:
    told = Fields(title="Plastic Love", description="A hit.", album="Variety", isrc="JPXX")
    assert facts(told, NOBODY, WORDS) == Facts()


@pytest.mark.parametrize(
    ("onsets", "density"),
    [(0.0, "sparse"), (1.2, "sparse"), (1.21, ""), (5.99, ""), (6.0, "dense"), (20.0, "dense")],
)
def test_only_the_ends_are_worth_saying(onsets: float, density: str) -> None:
    assert facts(Fields(onset_rate=onsets), NOBODY, WORDS).density == density


@pytest.mark.parametrize(
    ("complexity", "dynamics"), [(0.0, "steady"), (2.0, "steady"), (4.0, ""), (6.0, "wide")]
)
def test_dynamics_likewise(complexity: float, dynamics: str) -> None:
    assert facts(Fields(dynamic_complexity=complexity), NOBODY, WORDS).dynamics == dynamics


@pytest.mark.parametrize(("year", "decade"), [(1990, 1990), (1999, 1990), (2000, 2000)])
def test_a_year_is_said_as_its_decade(year: int, decade: int) -> None:
    assert facts(Fields(year=year), NOBODY, WORDS).decade == decade


def test_a_tag_with_a_name_in_it_is_left_out() -> None:
    names = Names(("The Beatles",), ("Yesterday",), ("Help!",))
    tagged = Fields(genres=("beatles", "rock"), moods=("calm",), instruments=("guitar",))
    said = facts(tagged, names, WORDS)
    assert said.genres == ("rock",)
    assert (said.moods, said.instruments) == (("calm",), ("guitar",))


@pytest.mark.parametrize("title", ["House", "Rock", "house music"])
def test_a_word_of_the_vocabulary_stays_though_a_title_has_it(title: str) -> None:
    names = Names(("Somebody",), (title,))
    assert facts(Fields(genres=("house", "rock")), names, WORDS).genres == ("house", "rock")
