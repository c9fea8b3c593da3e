"""Names from outside become ids that stay and path components that are safe."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.names import SLUG_BYTES, chunk_id, digest, normalise, slug, track_id, track_slug
from curate.records import Track

ANY = st.text(st.characters(), max_size=80)
"""Any code points, lone surrogates (bytes that are no UTF-8) among them."""

SCRIPTS = st.text(
    st.sampled_from("AaéÉßẞガｶﾞか\u3099\u0301ﬀ①İıΣς -._/\\:漢字한글ا\u200d😀"), max_size=50
)


@given(ANY | SCRIPTS)
def test_slug_is_one_harmless_component(text: str) -> None:
    made = slug(text)
    assert 0 < len(made.encode()) <= SLUG_BYTES
    assert all(unicodedata.category(c)[0] in "LMN" or c == "-" for c in made)
    assert not made.startswith("-")
    assert "--" not in made


@given(ANY | SCRIPTS)
def test_slug_of_a_slug_is_itself(text: str) -> None:
    assert slug(slug(text)) == slug(text)


@given(SCRIPTS | st.text(max_size=60))
def test_slug_does_not_tell_compositions_apart(text: str) -> None:
    twins = {slug(unicodedata.normalize(form, text)) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert twins == {slug(text)}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("夜に駆ける", "夜に駆ける"),
        ("YOASOBI", "yoasobi"),
        ("Earth, Wind & Fire", "earth-wind-fire"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "untitled"),
        ("", "untitled"),
        ("???", "untitled"),
        ("😀", "untitled"),
        ("a\nb\tc\x00d", "a-b-c-d"),
        ("C:\\music", "c-music"),
        ("~root", "root"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("ｱｲﾄﾞﾙ", "アイドル"),
        ("Straße", "strasse"),
        ("Beyoncé", "beyoncé"),
        ("CON", "con-"),
        ("com1", "com1-"),
        ("com10", "com10"),
        ("a" * 100, "a" * 64),
        ("音" * 100, "音" * 21),
        ("a" * 63 + " b", "a" * 63),
        ("שלום \u202eabc", "שלום-abc"),
    ],
)
def test_slug_keeps_the_script_and_nothing_else(text: str, made: str) -> None:
    assert slug(text) == made


def test_names_that_differ_only_in_case_or_composition_meet() -> None:
    twins = ("Café Society", "CAFÉ SOCIETY", "Cafe\u0301 society", "ｃａｆé  society")
    assert {slug(name) for name in twins} == {"café-society"}
    assert {normalise(name) for name in twins} == {"café society"}


def test_normalise_folds_space_but_keeps_signs() -> None:
    assert normalise("  The\u3000B-52's\n") == "the b-52's"
    assert normalise("AC/DC") != normalise("ACDC")


@given(st.lists(ANY, max_size=5), st.lists(ANY, max_size=5))
def test_different_parts_have_different_digests(one: list[str], other: list[str]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)


def test_parts_are_not_merely_joined() -> None:
    made = {digest("ab", "c"), digest("a", "bc"), digest("abc"), digest("abc", "")}
    assert len(made) == 4
    assert all(len(name) == 64 for name in made)


def test_ids_stay_as_they_were() -> None:
    """Datasets are continued by them: another way of making ids orphans every earlier build."""
    assert track_id("files", "YOASOBI/夜に駆ける.flac") == "46ed4a29f62f"
    assert chunk_id("46ed4a29f62f", 7) == "46ed4a29f62f_007"
    assert chunk_id("46ed4a29f62f", 1234) == "46ed4a29f62f_1234"


def test_a_track_keeps_its_id_where_the_file_system_decomposes_names() -> None:
    assert track_id("files", "ガ.flac") == track_id("files", "カ\u3099.flac")
    assert track_id("files", "a.flac") != track_id("web", "a.flac")
    assert track_id("files", "a.flac") != track_id("files", "A.flac")


def test_tracks_of_one_title_have_different_folders() -> None:
    made = [
        track_slug(Track(f"46ed4a29f62{n}", "files", "x", "A", "Intro / イントロ"))
        for n in range(3)
    ]
    assert made == [f"intro-イントロ-46ed4a29f62{n}" for n in range(3)]
