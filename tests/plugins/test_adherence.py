"""What was asked against what is heard, on facts made for it and on sounds with known answers."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from curate.captions.template import japanese
from curate.config import LabelOptions
from curate.labels import vocabulary
from curate.labels.fields import Fields
from curate.records import Facts
from plugins.musicgen.evaluation import METRICS
from plugins.musicgen.evaluation.features import hearing
from plugins.musicgen.evaluation.features.sounds import Sound
from plugins.musicgen.evaluation.metrics import adherence
from plugins.musicgen.evaluation.metrics.wording import Wording

FACTS = Facts(
    genres=("house", "disco"),
    moods=("happy",),
    instruments=("piano", "drums"),
    sung=True,
    bpm=120,
    key="A minor",
)
EVERYTHING = Fields(
    key="A minor",
    bpm=121.0,
    genres=("house", "disco"),
    moods=("happy",),
    instruments=("piano", "drums"),
    sung=True,
)


def value(wanted: Facts, heard: Fields, name: str) -> float | None:
    found = adherence.evaluate({"a": wanted}, {"a": heard}).get(name)
    return None if found is None else found.estimate.value


def test_all_that_was_asked_and_no_more_is_full_marks() -> None:
    found = adherence.evaluate({"a": FACTS, "b": FACTS}, {"a": EVERYTHING, "b": EVERYTHING})
    assert {name: figure.estimate.value for name, figure in found.items()} == dict.fromkeys(
        (f"{a}_{kind}" for a in adherence.ASPECTS for kind in ("precision", "recall")), 1.0
    )
    assert all(figure.estimate.n == 2 for figure in found.values())


def test_silence_is_heard_as_nothing() -> None:
    found = adherence.evaluate({"a": FACTS}, {"a": Fields()})
    assert {figure.estimate.value for figure in found.values()} == {0.0}
    assert not any(name.endswith("precision") for name in found)


@pytest.mark.parametrize(
    ("heard", "exact", "near"),
    [
        ("A minor", 1, 1),
        ("C major", 0, 1),  # relative
        ("A major", 0, 1),  # parallel
        ("E minor", 0, 1),  # fifths
        ("D minor", 0, 1),
        ("Bb minor", 0, 0),  # transposed by a semitone
        ("C minor", 0, 0),
        ("F# major", 0, 0),
    ],
)
def test_keys(heard: str, exact: float, near: float) -> None:
    fields = replace(EVERYTHING, key=heard)
    assert value(FACTS, fields, "key_recall") == exact
    assert value(FACTS, fields, "key_near_recall") == near


def test_nearness_of_keys_goes_both_ways() -> None:
    from curate.labels.tonality import KEYS

    for one in KEYS:
        near = [other for other in KEYS if adherence.near_keys(one, other)]
        assert len(near) == 5
        assert all(adherence.near_keys(other, one) for other in near)


@pytest.mark.parametrize(
    ("heard", "exact", "octave"),
    [(120.0, 1, 1), (124.8, 1, 1), (126.0, 0, 0), (240.0, 0, 1), (60.0, 0, 1), (40.0, 0, 1),
     (360.0, 0, 1), (90.0, 0, 0)],
)  # fmt: skip
def test_tempi(heard: float, exact: float, octave: float) -> None:
    fields = replace(EVERYTHING, bpm=heard)
    assert value(FACTS, fields, "tempo_recall") == exact
    assert value(FACTS, fields, "tempo_octave_recall") == octave


def test_words_are_counted_over_all_clips() -> None:
    heard = {
        "a": replace(EVERYTHING, genres=("house", "rock", "pop")),
        "b": replace(EVERYTHING, genres=()),
    }
    found = adherence.evaluate({"a": FACTS, "b": FACTS}, heard)
    assert found["genre_precision"].estimate.value == pytest.approx(1 / 3)
    assert found["genre_recall"].estimate.value == pytest.approx(1 / 4)
    assert found["genre_recall"].estimate.n == 2
    assert found["genre_precision"].estimate.n == 1


@pytest.mark.parametrize(
    ("wanted", "heard", "right"),
    [(True, True, 1), (True, False, 0), (False, False, 1), (False, True, 0), (True, None, 0)],
)
def test_vocals(wanted: bool, heard: bool | None, right: float) -> None:
    facts, fields = replace(FACTS, sung=wanted), replace(EVERYTHING, sung=heard)
    assert value(facts, fields, "vocals_recall") == right


def test_what_is_not_asked_does_not_count() -> None:
    assert set(adherence.evaluate({"a": Facts(bpm=90)}, {"a": EVERYTHING})) == {
        f"{name}_{kind}" for name in ("tempo", "tempo_octave") for kind in ("precision", "recall")
    }


def test_shuffled_prompts_fall_and_the_baseline_is_paired() -> None:
    random = np.random.default_rng(0)
    words = [str(k) for k in range(30)]
    wanted, heard = {}, {}
    for k in range(60):
        asked = tuple(random.choice(words, 3, replace=False).tolist())
        wanted[str(k)] = Facts(genres=asked)
        heard[str(k)] = Fields(genres=asked[:2])
    shuffled = dict(zip(heard, [*list(heard.values())[1:], heard["0"]], strict=True))
    found = adherence.evaluate(wanted, shuffled, heard)["genre_recall"]
    assert found.estimate.value < 0.3
    assert found.difference is not None
    assert found.difference.high is not None
    assert found.difference.high < -0.3
    assert found.difference.n == 60


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A happy house track with piano.", Facts(genres=("house",), moods=("happy",),
                                                  instruments=("piano",))),
        ("Disco in A minor at 120 BPM.", Facts(genres=("disco",), bpm=120, key="A minor")),
        ("Sung disco, around 120 BPM", Facts(genres=("disco",), bpm=120, sung=True)),
        ("Something else altogether.", Facts()),
        ("A household of drummers.", Facts()),
    ],
)  # fmt: skip
def test_only_what_the_text_says_is_asked(text: str, expected: Facts) -> None:
    assert adherence.asked(text, FACTS) == expected


def test_no_singing_can_be_asked_for() -> None:
    wanted = adherence.asked("An instrumental piece", replace(FACTS, sung=False))
    assert wanted.sung is False


def test_clips_without_a_prompt_are_refused() -> None:
    with pytest.raises(ValueError, match="clip b: nothing is known of its prompt"):
        adherence.evaluate({"a": FACTS}, {"b": EVERYTHING})


# --- heard in sound -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def heard(
    songs: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Fields]:
    folder, sounds = tmp_path_factory.mktemp("sounds"), []
    made = {
        "song": songs["song"][: 30 * 44100],
        "higher": songs["higher"][: 30 * 44100],
        "silence": np.zeros((10 * 44100, 2), np.float32),
    }
    for name, samples in made.items():
        soundfile.write(folder / f"{name}.flac", samples, 44100)
        sounds.append(Sound(name, folder / f"{name}.flac"))
    words = vocabulary.load()
    found = hearing.hear(sounds, (), folder / "cache")
    return {key: hearing.asserted(one, words, LabelOptions()) for key, one in found.items()}


def test_a_song_in_f_at_126_is_heard_so_and_transposed_it_is_not(
    heard: dict[str, Fields],
) -> None:
    wanted = {key: Facts(key="F major", bpm=126) for key in heard}
    one = adherence.evaluate(wanted, {"song": heard["song"]})
    other = adherence.evaluate(wanted, {"higher": heard["higher"]})
    assert one["key_recall"].estimate.value == 1.0
    assert one["tempo_octave_recall"].estimate.value == 1.0
    assert other["key_recall"].estimate.value == 0.0
    assert other["tempo_octave_recall"].estimate.value == 1.0


def test_at_twice_the_tempo_only_the_octave_is_right(heard: dict[str, Fields]) -> None:
    told = heard["song"].bpm
    assert told is not None
    wanted = {"song": Facts(bpm=round(2 * told))}
    found = adherence.evaluate(wanted, {"song": heard["song"]})
    assert found["tempo_recall"].estimate.value == 0.0
    assert found["tempo_octave_recall"].estimate.value == 1.0


def test_nothing_is_heard_in_silence(heard: dict[str, Fields]) -> None:
    found = adherence.evaluate({"silence": FACTS}, {"silence": heard["silence"]})
    assert {figure.estimate.value for figure in found.values()} == {0.0}


def test_the_table_of_figures_knows_them() -> None:
    known = {metric.name for metric in METRICS if metric.module == "adherence"}
    assert set(adherence.evaluate({"a": FACTS}, {"a": EVERYTHING})) == known


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "ハッピーなハウスとディスコの曲。ピアノとドラムに女性ボーカルが乗る。120 BPM、イ短調。",
            FACTS,
        ),
        ("ジャズピアノの曲", Facts(instruments=("piano",))),
        ("ブロックの曲", Facts()),  # ロック is not in it
        ("三味線とピアノ", Facts(instruments=("piano",))),
    ],
)
def test_prompts_in_japanese_ask_too(text: str, expected: Facts) -> None:
    facts = replace(FACTS, genres=(*FACTS.genres, "rock"))
    assert adherence.asked(text, facts, Wording(vocabulary.load())) == expected


@pytest.mark.parametrize("seed", range(4))
def test_what_captions_in_japanese_say_is_found_again(seed: int) -> None:
    words = Wording(vocabulary.load())
    for kind, names in (
        ("genre", ("J-pop", "city pop", "Japanese folk", "Latin jazz", "house")),
        ("mood", ("happy", "melancholic", "aggressive", "dreamy", "energetic")),
        ("instrument", ("piano", "shamisen", "violin", "drums", "female vocals")),
    ):
        name = names[seed]
        said = japanese.word(kind, name)
        assert words.said(f"これは{said}、落ち着いた曲です。", kind, name), (kind, name, said)
        assert not words.said("これは落ち着いた曲です。", kind, name)


def test_free_tags_in_japanese_are_found() -> None:
    assert Wording().said("三味線の曲", "instrument", "三味線")
    assert not Wording().said("琴の曲", "instrument", "三味線")
