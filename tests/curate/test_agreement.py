"""One tempo and one key out of several statements."""

import math

import pytest

from curate.labels import agreement
from curate.labels.agreement import COMBINED, key, tempo
from curate.records import Label


def heard(bpm: float, score: float | None = 0.95) -> Label:
    return Label("tempo", bpm, "signal.degara", score)


def tagged(bpm: float) -> Label:
    return Label("tempo", bpm, "tag")


def modelled(bpm: float, score: float = 0.7) -> Label:
    return Label("tempo", bpm, "essentia.deeptemp-k16-3", score)


def toned(value: str, score: float | None = 0.9) -> Label:
    return Label("key", value, "signal.chroma", score)


# --- tempo --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("track", "chunk", "bpm"),
    [
        ([heard(120.0)], [], 120.0),
        ([heard(120.0)], [heard(121.0)], 121.0),  # the clip's own, not both
        ([heard(120.0)], [heard(97.0, 0.6)], 97.0),  # another section
        ([heard(120.0), tagged(120.0)], [heard(97.0, 0.6)], 97.0),  # the tag is of the track
        ([heard(120.0), tagged(120.0)], [heard(60.0, 0.7)], 120.0),  # two against one
        ([heard(120.0, 0.7)], [heard(60.0, 0.8)], 60.0),  # an octave apart: the surer
        ([heard(120.0, 0.8)], [heard(60.0, 0.7)], 120.0),
        ([heard(120.0, 0.7)], [heard(60.0, 0.7)], 60.0),  # equally sure: the clip's own
        ([heard(120.0, 0.9)], [heard(60.0, 0.7), modelled(60.0)], 60.0),  # the clip's two voices
        ([heard(120.0, 0.9)], [heard(240.0, 0.7)], 120.0),
        ([heard(120.0, 0.9)], [heard(40.0, 0.7)], 40.0),  # a third is no octave: another section
        ([heard(120.0, 0.7), tagged(60.0)], [heard(120.0, 0.7)], 60.0),  # open: the tag settles it
        ([heard(120.0), tagged(60.0)], [heard(120.0)], 120.0),  # not open
        ([heard(120.0, 0.7)], [heard(120.0, 0.7), modelled(60.0, 0.9)], 60.0),
        ([heard(120.0)], [heard(120.0), modelled(60.0, 1.0)], 120.0),  # nothing sure is overruled
        ([tagged(60.0)], [heard(120.0), modelled(60.0)], 60.0),  # but two of three win
        ([heard(120.0), tagged(97.0)], [], 120.0),
        ([heard(120.0, 0.1), tagged(97.0)], [], 97.0),
        ([tagged(128.0)], [], 128.0),
        ([], [modelled(131.0)], 131.0),
        ([modelled(66.0)], [modelled(131.0)], 131.0),  # a model, too, is heard once
        ([tagged(128.0)], [heard(127.4)], 127.4),  # the same: as it was measured
        ([heard(40.0, 0.6), tagged(160.0)], [], 160.0),  # two octaves: unrelated
    ],
)
def test_one_tempo_is_chosen(track: list[Label], chunk: list[Label], bpm: float) -> None:
    found = tempo(track, chunk)
    assert found is not None
    assert found.value == bpm


def test_a_lone_voice_stays_as_it_is() -> None:
    assert tempo([heard(120.0, 0.63)]) == heard(120.0, 0.63)
    assert tempo([], [heard(120.0, 0.63)]) == heard(120.0, 0.63)
    assert tempo([heard(119.0, 0.9)], [heard(120.0, 0.63)]) == heard(120.0, 0.63)


def test_a_lone_tag_is_as_sure_as_tags_are() -> None:
    assert tempo([tagged(120.0)]) == Label("tempo", 120.0, "tag", agreement.TEMPO_TAG)


def test_several_voices_are_told_as_combined_with_half_and_double() -> None:
    found = tempo([heard(120.0), tagged(60.0)])
    assert found is not None
    assert (found.kind, found.source, found.alternatives) == ("tempo", COMBINED, (60.0, 240.0))


def test_bayes_rule_is_kept() -> None:
    """Worked by hand: analysis 0.9 for 120, tag 0.8 for 60, slips of 0.7 to an octave, of eight."""
    stray = 0.3 / 8
    at_120, at_60 = 0.9 * 0.2 * 0.35, 0.1 * 0.35 * 0.8
    at_240, at_30 = 0.1 * 0.35 * 0.2 * stray, 0.1 * stray * 0.2 * 0.35
    found = tempo([heard(120.0, 0.9), tagged(60.0)])
    assert found is not None
    assert found.score == pytest.approx(at_120 / (at_120 + at_60 + at_240 + at_30), abs=1e-4)


def test_who_agrees_makes_sure_and_who_contradicts_unsure() -> None:
    def score(*labels: Label) -> float:
        found = tempo(labels)
        assert found is not None
        assert found.score is not None
        return found.score

    alone = score(heard(120.0, 0.8))
    assert score(heard(120.0, 0.8), tagged(120.0)) > score(heard(120.0, 0.8), modelled(121.0))
    assert score(heard(120.0, 0.8), modelled(121.0)) > alone
    assert score(heard(120.0, 0.8), tagged(97.0)) < alone
    assert score(heard(120.0, 0.8), modelled(60.0)) < alone
    assert score(heard(120.0, 0.8), tagged(60.0), modelled(120.0)) > alone


def test_a_surer_voice_never_makes_its_tempo_less_likely() -> None:
    scores = []
    for trust in (0.05, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0):
        found = tempo([heard(120.0, trust), tagged(60.0)])
        assert found is not None
        scores.append((found.score or 0.0) if found.value == 120.0 else 1.0 - (found.score or 0.0))
    assert scores == sorted(scores)
    assert all(0.0 < score < 1.0 for score in scores)


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -120.0])
def test_what_is_no_tempo_is_no_voice(value: float) -> None:
    assert tempo([tagged(value)]) is None
    assert tempo([tagged(value), heard(120.0)]) == heard(120.0)


def test_other_kinds_and_people_are_passed_over() -> None:
    others = [Label("tempo", 90.0, "manual"), toned("C major"), Label("genre", "rock", "tag")]
    assert tempo(others, others) is None
    assert tempo([*others, heard(120.0)]) == heard(120.0)
    assert tempo([]) is None


# --- key ----------------------------------------------------------------------------------------

TAG = Label("key", "E minor", "tag")


@pytest.mark.parametrize(
    ("track", "chunk", "value"),
    [
        ([toned("C major")], [], "C major"),
        ([toned("C major")], [toned("D major", 0.6)], "D major"),
        ([TAG, toned("C major")], [], "C major"),
        ([TAG, toned("C major", 0.49)], [], "E minor"),
        ([TAG, toned("C major")], [toned("D major", 0.49)], "E minor"),
        ([TAG, toned("C major", 0.5)], [], "C major"),
        ([toned("C major", 0.1)], [], "C major"),
        ([TAG], [], "E minor"),
        ([TAG, toned("C major", None)], [], "E minor"),
    ],
)
def test_one_key_is_chosen(track: list[Label], chunk: list[Label], value: str) -> None:
    found = key(track, chunk)
    assert found is not None
    assert found.value == value


def test_keys_keep_their_source_and_score() -> None:
    assert key([TAG]) == Label("key", "E minor", "tag", agreement.KEY_TAG)
    assert key([toned("C major", 0.7)]) == toned("C major", 0.7)
    assert key([toned("C major")], [toned("D major", 0.7)]) == toned("D major", 0.7)


def test_of_no_key_none_is_chosen() -> None:
    assert key([heard(120.0), Label("key", "C major", "manual")]) is None
    assert key([Label("key", "", "tag")]) is None
    assert key([]) is None
