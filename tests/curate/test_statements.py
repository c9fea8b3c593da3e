"""What models, tags, analysis and people say becomes labels and fields."""

from dataclasses import replace
from pathlib import Path

import pytest

from curate.config import LabelOptions, Sure, Words
from curate.labels import statements, vocabulary
from curate.labels.statements import Manually, Statements, gather
from curate.records import Answer, Chunk, Classified, Label

GENRE = "genre_discogs400-discogs-effnet-1"
MOOD = "mtg_jamendo_moodtheme-discogs-effnet-1"
INSTRUMENT = "mtg_jamendo_instrument-discogs-effnet-1"
VOICE = "voice_instrumental-discogs-effnet-1"
DANCE = "danceability-discogs-effnet-1"
TEMPO = "deeptemp-k16-3"
EMOTION = "deam-msd-musicnn-2"

OPTIONS = LabelOptions()


def answer(model: str, **scores: float) -> Answer:
    return Answer(model, scores)


def genres(**scores: float) -> Answer:
    return Answer(GENRE, {name.replace("__", "---"): score for name, score in scores.items()})


def chunk(index: int, *labels: Label) -> Chunk:
    name = f"46ed4a29f62f_{index:03d}"
    return Chunk(name, index, 0, 30, 0, "p", 1, "s", 0.5, -14.0, 0.0, 0.0, labels)


def said(
    *heard: Answer,
    whole: tuple[Label, ...] = (),
    manual: tuple[Label, ...] = (),
    options: LabelOptions = OPTIONS,
) -> Statements:
    """What is said of a track with one clip, of which the models say this."""
    words = vocabulary.load()
    return gather(
        whole, Classified((), (heard,)), Manually((), (manual,)), [chunk(0)], options, words
    )


def made(*heard: Answer, options: LabelOptions = OPTIONS) -> list[Label]:
    return list(statements.labels(heard, options))


# --- answers become labels ----------------------------------------------------------------------


def test_words_below_their_threshold_are_no_labels() -> None:
    labels = made(answer(MOOD, calm=0.06, dark=0.05, happy=0.049))
    assert labels == [
        Label("mood", "calm", f"essentia.{MOOD}", 0.06),
        Label("mood", "dark", f"essentia.{MOOD}", 0.05),
    ]
    strict = replace(OPTIONS, mood=Words(0.06))
    assert [label.value for label in made(answer(MOOD, calm=0.06, dark=0.05), options=strict)] == [
        "calm"
    ]


def test_of_two_opposites_the_likelier_is_the_label() -> None:
    (label,) = made(answer(VOICE, instrumental=0.2, voice=0.8))
    assert label == Label("voice", "voice", f"essentia.{VOICE}", 0.8)


def test_numbers_are_labels_by_name() -> None:
    first, second = made(answer(EMOTION, valence=3.2, arousal=6.4))
    assert (first.kind, first.value, first.score) == ("valence", 3.2, None)
    assert (second.kind, second.value) == ("arousal", 6.4)


def test_a_tempo_has_the_score_of_all_that_is_near_it() -> None:
    (label,) = made(Answer(TEMPO, {"120": 0.5, "121": 0.2, "60": 0.1, "126": 0.05}))
    assert label == Label("tempo", 120.0, f"essentia.{TEMPO}", 0.7, (60.0, 240.0))
    assert made(Answer(TEMPO, {})) == []


def test_a_parent_is_as_likely_as_any_of_its_styles() -> None:
    labels = made(genres(Rock__Grunge=0.3, Rock__Punk=0.2, Pop__Ballad=0.02))
    assert [(label.value, label.score) for label in labels] == [
        ("Rock---Grunge", 0.3),
        ("Rock---Punk", 0.2),
        ("Rock", 0.44),
    ]


def test_speech_and_noise_are_no_genre_but_known() -> None:
    heard = Answer(GENRE, {"Non-Music---Speech": 0.5, "Non-Music---Field Recording": 0.2})
    assert made(heard) == [Label("non_music", 0.6, f"essentia.{GENRE}")]
    assert said(heard).fields[0].genres == ()


# --- labels become fields -----------------------------------------------------------------------


def test_words_are_said_as_the_vocabulary_does() -> None:
    found = said(
        Answer(GENRE, {"Electronic---Synth-pop": 0.6, "Pop---J-pop": 0.3}),
        answer(INSTRUMENT, acousticguitar=0.4, computer=0.5),
        answer(MOOD, calm=0.2),
    ).fields[0]
    assert found.genres == ("synth-pop", "J-pop")
    assert found.instruments == ("acoustic guitar",)
    assert found.moods == ("calm",)


def test_a_parent_is_said_only_for_want_of_a_style() -> None:
    vague = genres(Rock__Grunge=0.09, Rock__Punk=0.09, Rock__Emo=0.09, Rock__Shoegaze=0.09)
    assert said(vague).fields[0].genres == ("rock",)
    assert said(genres(Rock__Grunge=0.9)).fields[0].genres == ("grunge",)


def test_the_tags_words_come_first_and_disagreement_is_kept() -> None:
    tag = Label("genre", "Enka", "tag")
    found = said(genres(Rock__Grunge=0.9), whole=(tag,))
    assert found.fields[0].genres == ("enka", "grunge")
    assert tag in found.whole
    assert [label.value for label in found.clips[0]] == ["Rock---Grunge", "Rock"]


def test_at_most_so_many_words_of_a_kind() -> None:
    few = replace(OPTIONS, mood=Words(0.05, most=2))
    heard = answer(MOOD, calm=0.2, dark=0.3, happy=0.4)
    assert said(heard, options=few).fields[0].moods == ("happy", "dark")


def test_a_clip_has_its_own_words_not_those_of_other_clips() -> None:
    windows = ((answer(MOOD, calm=0.9),), (answer(MOOD, dark=0.9),), ())
    whole = (answer(MOOD, calm=0.45, dark=0.45),)
    chunks = [chunk(index) for index in range(3)]
    nobody = Manually((), ((), (), ()))
    found = gather((), Classified(whole, windows), nobody, chunks, OPTIONS, vocabulary.load())
    assert [fields.moods for fields in found.fields] == [("calm",), ("dark",), ()]
    assert [label.value for label in found.whole] == ["calm", "dark"]


def test_clips_that_were_left_out_do_not_shift_the_answers() -> None:
    windows = ((answer(MOOD, calm=0.9),), (answer(MOOD, dark=0.9),))
    nobody = Manually((), ((),))
    found = gather((), Classified((), windows), nobody, [chunk(1)], OPTIONS, vocabulary.load())
    assert found.fields[0].moods == ("dark",)


@pytest.mark.parametrize(
    ("scores", "least", "word"),
    [
        ({"instrumental": 0.9, "voice": 0.1}, 0.7, "instrumental"),
        ({"instrumental": 0.1, "voice": 0.9}, 0.7, "vocals"),
        ({"instrumental": 0.6, "voice": 0.4}, 0.7, ""),
        ({"instrumental": 0.6, "voice": 0.4}, 0.6, "instrumental"),
    ],
)
def test_who_sings_is_said_only_when_sure(
    scores: dict[str, float], least: float, word: str
) -> None:
    options = replace(OPTIONS, voice=Sure(least))
    assert said(Answer(VOICE, scores), options=options).fields[0].voice == word


def test_where_nobody_sings_there_is_no_voice_among_the_instruments() -> None:
    heard = (answer(INSTRUMENT, voice=0.4, piano=0.3), answer(VOICE, instrumental=0.9, voice=0.1))
    found = said(*heard)
    assert found.fields[0].instruments == ("piano",)
    assert "voice" in [label.value for label in found.clips[0]]


def test_that_one_cannot_dance_to_it_is_never_said() -> None:
    assert said(answer(DANCE, danceable=0.1, not_danceable=0.9)).fields[0].danceable == ""
    assert said(answer(DANCE, danceable=0.9, not_danceable=0.1)).fields[0].danceable == "danceable"


# --- people -------------------------------------------------------------------------------------


def test_what_a_person_says_is_said_instead_of_all_else() -> None:
    own = (Label("mood", "Wistful", "manual"), Label("key", "D major", "manual"))
    found = said(answer(MOOD, calm=0.9), manual=own, whole=(Label("mood", "dark", "tag"),))
    assert found.fields[0].moods == ("wistful",)
    assert found.fields[0].key == "D major"
    assert {label.value for label in (*found.clips[0], *found.whole)} == {
        "Wistful",
        "D major",
        "calm",
        "dark",
    }


def test_a_person_may_say_that_nothing_is_to_be_said() -> None:
    kinds = ("genre", "mood", "instrument", "key", "tempo", "voice", "arousal", "year", "title")
    nothing = tuple(Label(kind, "", "manual") for kind in kinds)
    whole = (
        Label("tempo", 120.0, "signal.degara", 0.9),
        Label("key", "A minor", "signal.bgate", 0.9),
        Label("year", 1999, "tag"),
    )
    heard = (answer(MOOD, calm=0.9), answer(VOICE, voice=0.9, instrumental=0.1))
    found = said(*heard, answer(EMOTION, valence=3, arousal=3), manual=nothing, whole=whole)
    fields = found.fields[0]
    assert (fields.moods, fields.key, fields.bpm, fields.voice) == ((), "", None, "")
    assert (fields.arousal, fields.valence, fields.year, fields.title) == (None, 3.0, None, "")


def test_of_the_clip_counts_more_than_of_the_track() -> None:
    words = vocabulary.load()
    track = (Label("tempo", 90.0, "manual"), Label("genre", "enka", "manual"))
    clips = ((Label("tempo", 180.0, "manual"),), ())
    chunks = [chunk(0), chunk(1)]
    found = gather((), Classified((), ()), Manually(track, clips), chunks, OPTIONS, words)
    assert [fields.bpm for fields in found.fields] == [180.0, 90.0]
    assert [fields.genres for fields in found.fields] == [("enka",)] * 2


def test_own_words_replace_the_vocabularys(tmp_path: Path) -> None:
    own = tmp_path / "words.yaml"
    own.write_text("mood:\n  calm: serene\n")
    heard = (answer(MOOD, calm=0.9),)
    found = gather(
        (), Classified((), (heard,)), Manually((), ((),)), [chunk(0)], OPTIONS, vocabulary.load(own)
    )
    assert found.fields[0].moods == ("serene",)


INSTRUMENTAL = {"instrumental": 0.95, "voice": 0.05}


@pytest.mark.parametrize("source", ["manual", "tag"])
def test_a_person_or_a_tag_that_hears_a_voice_is_believed_before_a_model(source: str) -> None:
    words = (Label("instrument", "female vocals", source), Label("instrument", "piano", source))
    manual, whole = (words, ()) if source == "manual" else ((), words)
    fields = said(Answer(VOICE, INSTRUMENTAL), manual=manual, whole=whole).fields[0]
    assert fields.instruments == ("female vocals", "piano")
    assert (fields.voice, fields.sung) == ("", None)


def test_a_person_who_says_that_nobody_sings_is_believed() -> None:
    own = (Label("voice", "instrumental", "manual"),)
    fields = said(answer(INSTRUMENT, voice=0.9, piano=0.3), manual=own).fields[0]
    assert (fields.voice, fields.sung, fields.instruments) == ("instrumental", False, ("piano",))


def test_a_style_that_is_never_said_does_not_silence_its_parent() -> None:
    heard = Answer(GENRE, {"Rock---Parody": 0.4, "Rock---Grunge": 0.09, "Rock---Emo": 0.09})
    assert said(heard).fields[0].genres == ("rock",)


def test_thresholds_of_words_do_not_move_what_is_measured() -> None:
    heard = Answer(GENRE, {"Non-Music---Speech": 0.2, "Non-Music---Monolog": 0.19})
    for threshold in (0.05, 0.1, 0.5):
        options = replace(OPTIONS, genre=Words(threshold))
        assert [label.value for label in made(heard, options=options)] == [0.352]


def test_an_unsure_tempo_of_a_model_is_not_asserted() -> None:
    weak = Label("tempo", 120.0, "signal.degara", 0.05)
    assert said(Answer(TEMPO, {"61": 0.02}), whole=(weak,)).fields[0].bpm is None


@pytest.mark.parametrize(
    "lines",
    ["voice:\n  instrumental: no singing\n", "instrument:\n  voice: singing\n"],
)
def test_other_words_for_voices_change_no_facts(tmp_path: Path, lines: str) -> None:
    own = tmp_path / "words.yaml"
    own.write_text(lines)
    heard = (Answer(VOICE, INSTRUMENTAL), answer(INSTRUMENT, voice=0.5, bass=0.4))
    nobody = Manually((), ((),))
    found = gather(
        (), Classified((), (heard,)), nobody, [chunk(0)], OPTIONS, vocabulary.load(own)
    ).fields[0]
    assert (found.sung, found.instruments) == (False, ("bass",))


def test_keywords_of_a_person_replace_those_of_the_source() -> None:
    whole = (Label("keyword", "low quality", "table.x"), Label("keyword", "sustained", "table.x"))
    assert said(whole=whole).fields[0].keywords == ("low quality", "sustained")
    own = (Label("keyword", "crystal clear", "manual"),)
    assert said(whole=whole, manual=own).fields[0].keywords == ("crystal clear",)
    assert said(whole=whole, manual=(Label("keyword", "", "manual"),)).fields[0].keywords == ()
