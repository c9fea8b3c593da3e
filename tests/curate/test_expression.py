"""Filters mean what they say, whatever the values are, and nothing hostile gets through."""

import pickle
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from curate.errors import ConfigError
from curate.filters import expression
from curate.filters.expression import MAX_CHARACTERS, MAX_DEPTH, Expression, ExpressionError, Kind

CLIP: dict[str, object] = {
    "caption": "The low quality recording features a Violin.",
    "genre": ("J-Pop", "City Pop"),
    "mood": (),
    "bpm": 120.0,
    "voice": "instrumental",
    "year": None,
    "good": True,
    "start_s": "9",
    "end_s": "10.5",
    "title": "夜に駆ける",
    "is eval": "True",
    "nan": float("nan"),
}


def holds(text: str) -> bool:
    return expression.compile(text, CLIP.keys()).holds(CLIP)


@pytest.mark.parametrize(
    "text",
    [
        "'low quality' in caption",
        "not 'high quality' in caption",
        "'high quality' not in caption",
        'voice == "instrumental"',
        "bpm >= 90 and bpm < 130 and voice == 'instrumental'",
        "90 <= bpm < 130",
        "130 > bpm > -5",
        "bpm == 120",
        "bpm == 1.2e2",
        "bpm in [100, 120.0]",
        "bpm in bpm",
        "bpm != 119 and bpm <= 120 and bpm >= 120",
        '"J-Pop" in genre',
        "genre == 'city pop'",
        "genre != 'rock' and genre not in ['rock', 'jazz']",
        "genre in ['rock', 'j-pop']",
        "'pop' not in genre",  # a whole item
        "'vocals' == voice or 'instrumental' == voice",
        "good",
        "good == true and not good == false and good != False",
        "`is eval`",
        "`is eval` == true",
        "start_s < end_s",  # 9 < 10.5, though as texts '9' > '10.5'
        "start_s >= 9 and start_s == '9'",
        "title == '夜に駆ける' and '駆' in title",
        "len(genre) == 2 and len(mood) == 0 and len(year) == 0 and len(title) == 5",
        "len(caption) > len(title)",
        "(((bpm)) == (120))",
        "not not good and not (not good)",
        "true and not false",
        "'a' < 'b' and 'a' <= 'A'",
        r"'it\'s' != 'it\\s'",
        "voice in 'instrumental or vocals'",
        "bpm\n  > 100\tand\n  good",
        ".5 < bpm and 5. < bpm",
    ],
)
def test_what_is_true(text: str) -> None:
    assert holds(text)
    assert not holds(f"not ({text})")


@pytest.mark.parametrize(
    "text",
    [
        "VOICE == voice",
        "voice == 'INSTRUMENTAL'",
        "voice == 'Ｉｎｓｔｒｕｍｅｎｔａｌ'",
        "voice == ' instrumental '",
        "'LOW  Quality' in caption",
        "'a violin' in caption",
    ],
)
def test_case_width_and_spaces_do_not_count(text: str) -> None:
    names = [*CLIP, "VOICE"]
    assert expression.compile(text, names).holds({**CLIP, "VOICE": "Instrumental"})


def test_a_blank_in_a_part_of_a_text_does_count() -> None:
    assert holds("'a violin' in caption")
    assert not holds("'a vio lin' in caption")
    assert holds("'qual' in caption")
    assert not holds("'qual ' in caption")


def test_exactly_every_character_counts() -> None:
    assert holds("'Violin' in exact(caption)")
    assert not holds("'violin' in exact(caption)")
    assert holds("exact(voice) == 'instrumental'")
    assert not holds("exact(voice) == 'Instrumental'")
    assert holds("exact(genre) == 'J-Pop'")
    assert not holds("exact(genre) == 'j-pop'")


@pytest.mark.parametrize("name", ["mood", "year", "nan", "nobody", "blank"])
@pytest.mark.parametrize(
    "comparison",
    [
        "{} == 'a'",
        "{} != 'a'",
        "{} < 1",
        "{} >= 1",
        "'a' in {}",
        "'a' not in {}",
        "{} in ['a']",
        "{}",
        "{} == true",
        "{} == bpm",
        "{} == {}",
    ],
)
def test_what_is_not_known_decides_nothing(name: str, comparison: str) -> None:
    text = comparison.replace("{}", name)
    values = {**CLIP, "blank": " \t"}

    def true(text: str) -> bool:
        return expression.compile(text, [*CLIP, "nobody", "blank"]).holds(values)

    assert not true(text)
    assert not true(f"not ({text})")
    assert true(f"({text}) or good")
    assert not true(f"({text}) or not good")
    assert not true(f"({text}) and good")
    assert true(f"not (({text}) and not good)")
    assert true(f"{name} == null")
    assert true(f"null == {name} and not {name} != null")
    assert not true(f"{name} != None")


@pytest.mark.parametrize(
    "text",
    [
        "voice < 5",
        "voice == 5",
        "voice != 5",
        "voice == true",
        "good < 5",
        "bpm",
        "genre",
        "voice",
        "5 in caption",
        "bpm == true",
        "good == 'yes'",
        "not voice > 0",
    ],
)
def test_what_cannot_be_compared_is_not_known(text: str) -> None:
    assert not holds(text)
    assert not holds(f"not ({text})")


def test_one_item_of_a_list_is_enough() -> None:
    names = ("years", "words")
    years = {"years": [1990, "2001", None, float("inf")], "words": ["a", 5, True]}

    def true(text: str) -> bool:
        return expression.compile(text, names).holds(years)

    assert true("years < 1995")
    assert true("years > 2000")
    assert true("2001 in years")
    assert true("years != 1995")
    assert not true("years == 1995")
    assert true("words == 5 and words == 'A' and words == true")
    assert true("len(years) == 2")


def test_which_names_it_looks_at() -> None:
    found = expression.compile(
        "len(a) > 1 and (`b c` == 'b' or exact(d) == a)", ["a", "b c", "d", "e"]
    )
    assert found.names == {"a", "b c", "d"}
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ("", 1, "the end where a value should be"),
        ("capton == 'a'", 1, "unknown name 'capton'; did you mean 'caption'?"),
        ("good and xyzzy > 1", 10, "unknown name 'xyzzy'; there are"),
        ("bpm = 5", 5, "write =="),
        ("bpm == 5 & good", 10, "write and"),
        ("bpm == 5 || good", 10, "write or"),
        ("!good", 1, "write not"),
        ("bpm <> 5", 5, "write !="),
        ("caption == “a”", 12, "straight quotes"),
        ("caption == 'a", 12, "never closed"),
        ("`is eval", 1, "never closed"),
        ("caption.upper() == 'A'", 8, "neither a number nor a name"),
        ("caption .x", 9, "neither"),
        ("caption[0] == 'a'", 8, "one too many"),
        ("caption[bpm] == 'a'", 8, "one too many"),
        ("bpm ** 2 > 4", 5, "'*' means nothing"),
        ("bpm + 2 > 4", 5, "'+' means nothing"),
        ("bpm - 2 > 4", 5, "one too many"),
        ("-bpm > 4", 2, "nothing is calculated"),
        ("bpm >> 2", 5, "'>' means nothing"),
        ("bpm == 1_000", 8, "neither a number nor a name"),
        ("bpm == 0x10", 8, "neither a number nor a name"),
        ("bpm == 1e999", 8, "at most 30 digits"),
        ("bpm == " + "9" * 31, 8, "at most 30 digits"),
        ("bpm == 1.2.3", 8, "neither"),
        ("bpm == ١", 8, "neither a number nor a name"),
        ("f'{bpm}' == 'a'", 1, "unknown name 'f'"),
        ("(x := 5) == 5", 4, "':' means nothing"),
        ("(bpm := 5) == 5", 6, "':' means nothing"),
        ("lambda 5", 1, "unknown name 'lambda'"),
        ("[x for x in genre] == 5", 2, "x where a text or number"),
        ("__import__('os') == 5", 1, "there is no function __import__"),
        ("exact('a') == 5", 7, "a name should stand in exact( )"),
        ("len(genre, 5) == 5", 10, "')' is missing for the one at 4"),
        ("len(and)", 5, "a name should stand"),
        ("len genre == 5", 1, "unknown name 'len'"),
        ("(bpm == 5", 10, "')' is missing for the one at 1"),
        ("bpm in [1, 2", 13, "']' is missing for the one at 8"),
        ("bpm in []", 9, "] where a text or number"),
        ("bpm in [1, null]", 12, "null cannot be in a list"),
        ("bpm == 5)", 9, ") is one too many"),
        ("bpm == 5 bpm", 10, "bpm is one too many"),
        ("bpm ==", 7, "the end where a value should be"),
        ("== 5", 1, "== where a value should be"),
        ("and good", 1, "and where a value should be"),
        ("good and", 9, "the end where a value should be"),
        ("good not 5", 6, "'not' stands before a condition"),
        ("bpm is not null", 5, "is is one too many"),
        ("'low quality'", 1, "is no condition; compare it"),
        ("5", 1, "5 is no condition"),
        ("null", 1, "null is no condition"),
        ("len(genre)", 1, "no condition"),
        ("not 'a'", 5, "no condition"),
        ("good and 'a'", 10, "no condition"),
        ("['a'] or good", 1, "no condition"),
        ("(bpm == 5) == true", 1, "a condition cannot be compared"),
        ("not bpm == 5 == (good or good)", 17, "a condition cannot be compared"),
        ("bpm < null", 7, "null is compared by == or != only"),
        ("null in genre", 1, "null is compared by"),
        ("bpm < true", 7, "have an order"),
        ("bpm < [1, 2]", 7, "have an order"),
        ("caption == ''", 12, "as good as null"),
        (r"caption == '\n'", 12, "stands before a quote"),
        ("caption == 'a\\", 12, "never closed"),
        ("len(genre) == 'a'", 15, "genre is compared with a number"),
        ("caption == \0", 12, "means nothing"),
        ("{1: 2} == 5", 1, "'{' means nothing"),
        ("bpm; good", 4, "means nothing"),
        ("# good", 1, "means nothing"),
        ("@good", 1, "means nothing"),
        ("bpm == 5, good", 9, ", is one too many"),
    ],
)
def test_what_is_wrong_and_where(text: str, position: int, reason: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        expression.compile(text, CLIP.keys())
    assert reason in caught.value.reason
    assert caught.value.position == position
    assert f"character {position}: " in str(caught.value)
    assert isinstance(caught.value, ConfigError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)


KINDS: dict[str, Kind] = {"bpm": "number", "genre": "words", "title": "text", "good": "truth"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("bpm == 'fast'", "bpm is compared with a number"),
        ("'fast' != bpm", "bpm is compared with a number"),
        ("bpm in [1, 'fast']", "bpm is compared with a number"),
        ("genre == 5", "genre is compared with a text in quotes"),
        ("true in genre", "genre is compared with a text in quotes"),
        ("title < 5", "title is compared with a text"),
        ("good == 'yes'", "good is compared with true or false"),
        ("bpm", "bpm is no condition"),
        ("title and good", "title is no condition"),
    ],
)
def test_a_comparison_that_can_never_be_true(text: str, reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason):
        expression.compile(text, KINDS)


def test_comparisons_that_fit_their_kinds() -> None:
    fits = (
        "good and bpm > 5 and 'jazz' in genre and title != 'a' and bpm != null and genre == title"
    )
    values = {"good": True, "bpm": 6, "genre": ["Jazz"], "title": "JAZZ"}
    assert expression.compile(fits, KINDS).holds(values)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "good" + ")" * 5000,
        "(" * 900 + "good" + ")" * 900,
        "not (" * 300 + "good" + ")" * 300,
        "[" * 1000,
        "good and (" * 180 + "good",
    ],
)
def test_nesting_has_an_end(text: str) -> None:
    with pytest.raises(ExpressionError):
        expression.compile(text, CLIP.keys())


def test_as_much_nesting_as_is_allowed() -> None:
    deep = MAX_DEPTH - 1
    assert holds("(" * deep + "good" + ")" * deep)
    with pytest.raises(ExpressionError, match="32 deep"):
        holds("(" * MAX_DEPTH + "good" + ")" * MAX_DEPTH)
    assert holds("not " * 400 + "good")


def test_length_has_an_end() -> None:
    fits = "good" + " or good" * ((MAX_CHARACTERS - 4) // 8)
    assert holds(fits)
    with pytest.raises(ExpressionError, match="characters, expected at most 2000"):
        holds(fits + " or good")


WORDS = ["caption", "genre", "bpm", "good", "`is eval`", "and", "or", "not", "in", "==", "!=", "<"]
WORDS += [
    "<=",
    ">",
    ">=",
    "(",
    ")",
    "[",
    "]",
    ",",
    "'a'",
    '"J-Pop"',
    "5",
    "1e3",
    "-",
    "true",
    "null",
]
WORDS += [
    "len",
    "exact",
    "len(genre)",
    "exact(caption)",
    "\\",
    "'",
    "`",
    ".",
    "__class__",
    "夜",
    "\0",
]

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner),
    max_leaves=6,
)


def compiled(text: str) -> Expression | ExpressionError:
    try:
        return expression.compile(text, CLIP.keys())
    except ExpressionError as error:
        return error


@given(
    st.text(max_size=80) | st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join),
    st.dictionaries(st.sampled_from(sorted(CLIP)), VALUES),
)
@example("'" + "\\'" * 900, {})
@example("bpm == " + "1" * 1900, {})
@example("bpm" * 600, {})
@example("caption == 'a'", {"caption": 10**400})
@example("bpm < 5", {"bpm": 10**400})
@example("bpm < 5", {"bpm": "9" * 5000})
def test_nothing_but_an_expression_error(text: str, values: dict[str, object]) -> None:
    found = compiled(text)
    if isinstance(found, ExpressionError):
        assert 1 <= found.position <= len(text) + 1
        assert len(str(found)) < 1000
        return
    held = found.holds(values)
    opposite = expression.compile(f"not ({text})", CLIP.keys()).holds(values)
    assert not (held and opposite)


@given(st.dictionaries(st.sampled_from(sorted(CLIP)), VALUES))
def test_unequal_is_the_opposite_of_equal(values: dict[str, object]) -> None:
    for equal, unequal in (("{} == 'a'", "{} != 'a'"), ("'a' in {}", "'a' not in {}")):
        for name in ("caption", "genre", "bpm"):
            one, other = equal.replace("{}", name), unequal.replace("{}", name)
            opposite = expression.compile(f"not {one}", CLIP.keys()).holds(values)
            assert expression.compile(other, CLIP.keys()).holds(values) == opposite


def test_hostile_texts_cost_little() -> None:
    started = time.process_time()
    hostile = ["'" * 1999, "`" * 1999, "(" * 1999, "not " * 499, "1" * 1999, " " * 1999, "a" * 1999]
    hostile += ["'" + "\\" * 1998, "bpm in [" + "1," * 990, "1." * 999, "<" * 1999, "-" * 1999]
    for text in hostile:
        with pytest.raises(ExpressionError):
            expression.compile(text, [f"{'a' * 90}{number}" for number in range(3000)])
    assert time.process_time() - started < 5.0


def test_asking_costs_little() -> None:
    found = expression.compile("'low quality' not in caption and bpm > 90", CLIP.keys())
    started = time.process_time()
    for _ in range(20_000):
        found.holds(CLIP)
    assert time.process_time() - started < 2.0  # measured: 0.1 s
