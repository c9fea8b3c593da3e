"""Which of many statements the dataset asserts."""

import pytest

from curate.labels.fields import Fields, choose
from curate.records import Label


def tempo(value: float, score: float | None = 0.9) -> Label:
    return Label("tempo", value, "signal.degara", score, (value / 2, value * 2))


def key(value: str, score: float | None = 0.9) -> Label:
    return Label("key", value, "signal.bgate", score)


def words(kind: str, *values: str, source: str = "tag") -> list[Label]:
    return [Label(kind, value, source) for value in values]


def test_of_nothing_nothing_is_asserted() -> None:
    assert choose([], []) == Fields()
    assert Fields().keywords == ()


@pytest.mark.parametrize(
    ("track", "clip", "said"),
    [
        ([key("A minor")], [], "A minor"),
        ([key("A minor")], [key("E minor")], "E minor"),  # held against the track's already
        ([key("A minor", 0.3)], [], ""),
        ([key("A minor", 0.4)], [], "A minor"),
        ([key("A minor", 0.9)], [key("E minor", 0.3)], ""),
        ([Label("key", "C major", "tag")], [], "C major"),
        ([Label("key", "C major", "tag"), key("A minor")], [], "A minor"),
        ([Label("key", "C major", "tag"), key("A minor", 0.3)], [], "C major"),
        ([key("A minor"), Label("key", "D major", "manual")], [key("E minor", 1.0)], "D major"),
    ],
)
def test_one_key_is_asserted(track: list[Label], clip: list[Label], said: str) -> None:
    assert choose(track, clip).key == said


@pytest.mark.parametrize(
    ("track", "clip", "said"),
    [
        ([tempo(120.04)], [], 120.0),
        ([tempo(120.04)], [tempo(121.16)], 121.2),
        ([tempo(120.0, 0.1)], [tempo(121.0, 0.1)], None),
        ([tempo(120.0, 0.3)], [], 120.0),
        ([Label("tempo", 127.98, "tag")], [], 128.0),
        ([Label("tempo", 128.0, "tag"), tempo(64.0)], [], 64.0),
        ([Label("tempo", 128.0, "tag"), tempo(64.0, 0.5)], [], 128.0),  # octaves are often wrong
        ([Label("tempo", 128.0, "manual"), tempo(64.0)], [tempo(64.2)], 128.0),
        ([Label("tempo", float("nan"), "tag")], [], None),
        ([], [tempo(120.0)], 120.0),
    ],
)
def test_one_tempo_is_asserted(track: list[Label], clip: list[Label], said: float | None) -> None:
    assert choose(track, clip).bpm == said


def test_words_are_the_vocabularys_without_commas_and_once() -> None:
    labels = words("genre", "J-Pop", "Rock, Indie", "  City   POP ", "j-pop", ",")
    assert choose(labels, []).genres == ("J-pop", "rock indie", "city pop")


def test_at_most_four_words_of_a_kind_and_the_clips_own_first() -> None:
    found = choose(words("mood", "a", "b", "c", "d"), words("mood", "x", "b", source="model"))
    assert found.moods == ("x", "b", "a", "c")


def test_keywords_are_every_word_once() -> None:
    labels = words("genre", "jazz", "piano") + words("instrument", "Piano", "bass")
    found = choose([*labels, *words("mood", "calm")], [])
    assert found.keywords == ("jazz", "piano", "calm", "bass")
    assert found.instruments == ("piano", "bass")


def test_measurements_are_the_clips_own_where_it_has_them() -> None:
    track = [Label("onset_rate", 2.0, "signal.flux"), Label("danceability", 1.5, "signal.x")]
    track += [Label("loudness", -9.0, "signal.ebur128"), Label("year", 1979.0, "tag")]
    clip = [Label("onset_rate", 3.0, "signal.flux"), Label("loudness", -11.0, "signal.ebur128")]
    clip += [Label("dynamic_complexity", 4.0, "signal.x")]
    found = choose(track, clip)
    assert (found.onset_rate, found.loudness_lufs, found.dynamic_complexity) == (3.0, -11.0, 4.0)
    assert (found.danceability, found.year) == (1.5, 1979)
