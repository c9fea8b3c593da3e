"""Words of captions: articles, lists, tempo, what is said once, and both languages' vocabulary."""

import random
import re

import caption_grammar
import pytest
from caption_facts import KEYS, WORDS

from curate.captions import template
from curate.captions.template import caption, english_words, japanese, japanese_words
from curate.captions.template.english_grammar import article, clashes, join
from curate.captions.template.said import Said
from curate.config import CaptionOptions
from curate.records import Facts


def options(
    style: str = "full", language: str = "en", variants: int = 1, seed: int = 0
) -> CaptionOptions:
    return CaptionOptions(style, language, variants, seed)


def first(facts: Facts, chunk: str, style: str, language: str, seed: int = 0) -> str:
    return caption(facts, chunk, options(style, language, 1, seed))[0]


# --- what is said once --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (Facts(genres=("dark ambient",), moods=("dark",)), Said(genres=("dark ambient",))),
        (
            Facts(genres=("romantic-era classical",), moods=("romantic",)),
            Said(genres=("romantic-era classical",), moods=("romantic",)),
        ),
        (Facts(genres=("rock", "hard rock")), Said(genres=("hard rock",))),
        (Facts(genres=("Rock", "rock")), Said(genres=("Rock",))),
        (Facts(genres=("80s", "pop"), decade=1980), Said(eras=("80s",), genres=("pop",))),
        (Facts(genres=("80s",), decade=2020), Said(eras=("80s",), decade=2020)),
        (
            Facts(instruments=("guitar", "electric guitar")),
            Said(instruments=("electric guitar",)),
        ),
        (Facts(instruments=("choir",), sung=False), Said(voices=("choir",))),
        (Facts(genres=("instrumental rock",), sung=True), Said(genres=("instrumental rock",))),
    ],
)
def test_nothing_is_said_twice_or_against_itself(facts: Facts, said: Said) -> None:
    assert Said.of(facts) == said


@pytest.mark.parametrize("style", ["tags", "short", "full"])
def test_years_it_sounds_like_are_told_from_those_of_its_release(style: str) -> None:
    """Never `an 80s pop track from the 2020s`."""
    facts = Facts(genres=("80s", "pop"), decade=2020)
    for number in range(60):
        text = first(facts, f"{number:03d}", style, "en")
        assert text.count("20s") == text.count("released in the 2020s"), text
        text = first(facts, f"{number:03d}", style, "ja")
        assert text.count("2020年代") == text.count("リリース"), text


def test_a_mood_that_is_a_noun_stands_before_the_genre() -> None:
    facts = Facts(genres=("house",), moods=("fun", "party"), decade=2020)
    texts = [first(facts, f"{number:03d}", "full", "en") for number in range(200)]
    assert not [text for text in texts if "party 2020s" in text or ", party" in text]
    assert any("2020s party house" in text for text in texts)


def test_words_that_stand_together_make_no_other_genre() -> None:
    """All of the vocabulary: what comes before or after a genre, and two genres in a row."""
    every = set(WORDS["genre"])
    made = {f"{a} and {b}" for a in every for b in every} & every
    for word in [*WORDS["mood"], "danceable", "instrumental"]:
        made |= {
            genre
            for genre in every
            if genre.startswith(f"{word} ")
            and any(f"{genre} ".startswith(f"{word} {rest} "[: len(genre) + 1]) for rest in every)
        }
    followed = {g for g in every if g.endswith(" music") and g.removesuffix(" music") in _ends()}
    assert made | followed == english_words.CLASHES
    assert clashes("cool jazz track", ("jazz",))
    assert not clashes("cool 90s jazz track", ("jazz",))
    assert not clashes("heavy metal track", ("heavy metal",))


def _ends() -> set[str]:
    """The ends of genres that "music" may follow."""
    ends = {" ".join(g.split()[n:]) for g in WORDS["genre"] for n in range(len(g.split()))}
    return ends - {"world", "film", "theme", "video game", "children's", "film and stage"}


def test_tempo_is_worded_by_speed_only() -> None:
    """So "upbeat" cannot stand beside "sad"."""
    for _, names in english_words.TEMPO:
        assert not {part for name in names for part in name.split()} & {*WORDS["mood"], "lively"}
    words = {
        bpm: english_words.TEMPO[index][1] for index, bpm in enumerate((59, 60, 80, 112, 132, 168))
    }
    for bpm, names in words.items():
        (text,) = caption(Facts(bpm=bpm), "x", options())
        assert f"{bpm} BPM" in text
        assert any(re.search(rf"\b{name}\b", text) for name in names), text


@pytest.mark.parametrize(
    "phrase",
    "a rock, an ambient, a unique, an uninspired, an unusual, an unironic, a euphoric,"
    " an uplifting, a one-man, an onerous, an hour, an honest, a house, a ukulele, a UK garage,"
    " a us rap, a usual, an ushering, a utopian, an utter, an R&B, a rock & roll, an EDM,"
    " an 8-bit, an 80s, a 90s, a 1980s, an 1890s, a 20th-century, an Ominous, a ロック, a unison,"
    " an 11-piece, an X-rated, a G-funk, an MPB, an Oi punk, a K-pop, an erhu".split(","),
)
def test_the_article_goes_by_the_sound(phrase: str) -> None:
    said, rest = phrase.strip().split(" ", 1)
    assert article(rest) == said


@pytest.mark.parametrize("kind", WORDS)
def test_every_word_of_the_vocabulary_has_the_article_an_ear_would_give_it(kind: str) -> None:
    wrong = [w for w in WORDS[kind] if (article(w) == "an") != caption_grammar.wants_an(w)]
    assert wrong == []


@pytest.mark.parametrize(
    ("words", "text"),
    [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_words_are_joined_as_in_a_sentence(words: list[str], text: str) -> None:
    assert join(words) == text


# --- languages ----------------------------------------------------------------------------------


def test_english_knows_how_every_word_of_the_vocabulary_is_used() -> None:
    moods = english_words.MOOD_ADJECTIVES | english_words.MOOD_NOUNS
    instruments = english_words.PLURAL | english_words.MASS | english_words.COUNTED
    assert (sorted(moods), sorted(instruments)) == (
        sorted(WORDS["mood"]),
        sorted(WORDS["instrument"]),
    )
    singular = [w for w in english_words.PLURAL if not w.endswith(("s", "timpani"))]
    assert singular == []


@pytest.mark.parametrize("kind", WORDS)
def test_japanese_has_a_word_of_its_own_for_every_word(kind: str) -> None:
    decades = {"60s", "70s", "80s", "90s"}
    names = [word for word in WORDS[kind] if word not in decades]
    said = [japanese.word(kind, word) for word in names]
    assert len(set(said)) == len(said)
    foreign = [w for w in said if not re.search(r"[ぁ-んァ-ヴ一-龥]", w)]
    assert set(foreign) <= {"AOR", "C-POP", "EBM", "EDM", "IDM", "J-POP", "K-POP", "MPB", "R&B"}
    assert [w for w in said if re.search(r"\s|[、。]", w)] == []


def test_japanese_knows_no_word_that_the_vocabulary_does_not() -> None:
    """Else a renamed word would lose its Japanese unnoticed."""
    for kind, words in WORDS.items():
        said = {word for word in words if japanese.word(kind, word) != word}
        assert set(japanese._words()[kind]) - set(words) == set()
        assert len(said) > 0.9 * len(words)


def test_moods_bend_as_japanese_does() -> None:
    text = {first(Facts(moods=("bright", "calm")), str(n), "full", "ja") for n in range(80)}
    assert any("明るく穏やかな" in each for each in text)
    assert not any("明るいで" in each or "穏やかなで" in each for each in text)


def test_japanese_clauses_have_their_four_parts() -> None:
    every = [*japanese_words.PACE, *japanese_words.KEY, *japanese_words.HEARD]
    every += [*japanese_words.PLAYED, *japanese_words.MOOD, japanese_words.MOOD_FREE]
    every += [clause for clauses in japanese_words.TRAITS.values() for clause in clauses]
    assert [clause for clause in every if clause.count("|") != 3] == []


def test_every_key_is_said() -> None:
    for key in KEYS:
        assert key in first(Facts(key=key), "x", "full", "en")
        assert japanese.key(key) in first(Facts(key=key), "x", "full", "ja")
    assert japanese.key("Bb minor") == "B♭マイナー"


def test_the_source_names_version_and_language() -> None:
    assert (template.source("en"), template.source("ja")) == ("template.3", "template.3.ja")


def test_every_language_writes_what_it_reads_within_its_own_bounds() -> None:
    assert list(template.languages()) == ["en", "ja"]
    for code, spoken in template.languages().items():
        assert code == spoken.CODE
        for style in (spoken.tags, spoken.short, spoken.full):
            text = style(Said(bpm=90, genres=("jazz",)), random.Random(0))
            assert spoken.reads(text)
            assert len(text) <= spoken.LONGEST <= spoken.CHARACTERS[1]
