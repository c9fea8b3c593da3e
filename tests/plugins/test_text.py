"""Texts: which description, merged with what, as audiocraft does it; what a split's are like."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from plugins.musicgen import tiny
from plugins.musicgen.dataset import text
from plugins.musicgen.dataset.text import TextOptions
from plugins.musicgen.errors import TrainingError
from plugins.musicgen.mended import upstream

PLAIN = TextOptions(merge_text_p=0.0)
SIDECAR: dict[str, Any] = {
    "title": "Momiji",
    "artist": "Kojo",
    "key": "F# minor",
    "bpm": 120.0,
    "genre": "Enka, Pop",
    "moods": ["calm", "very sad"],
    "keywords": [],
    "description": "A slow song.",
    "descriptions": ["A slow song.", "Slow strings", "A sad song with strings."],
    "name": "momiji_chunk000",
    "instrument": "violin, cello",
}


def drawn(sidecar: dict[str, Any], options: TextOptions, count: int = 400) -> Counter[str | None]:
    """Texts of one clip at many places of a run."""
    return Counter(
        text.in_training(sidecar, options, text.generator(1, place)) for place in range(count)
    )


class TestTraining:
    def test_samples_all_descriptions(self) -> None:
        found = drawn(SIDECAR, PLAIN)
        assert set(found) == set(SIDECAR["descriptions"])
        assert min(found.values()) > 400 / 3 * 0.7

    def test_or_takes_the_first(self) -> None:
        assert set(drawn(SIDECAR, TextOptions(False, 0.0))) == {"A slow song."}

    def test_a_place_means_the_same_text(self) -> None:
        options = TextOptions(merge_text_p=0.5)
        random.seed(1)
        before = [text.in_training(SIDECAR, options, text.generator(7, n)) for n in range(50)]
        random.seed(2)
        assert before == [
            text.in_training(SIDECAR, options, text.generator(7, n)) for n in range(50)
        ]
        assert before != [
            text.in_training(SIDECAR, options, text.generator(8, n)) for n in range(50)
        ]

    def test_merges_what_audiocraft_merges_as_often(self) -> None:
        upstream.mend()
        from audiocraft.data.music_dataset import MusicInfo, augment_music_info_description

        one = SIDECAR | {"descriptions": []}
        info = MusicInfo.from_dict(
            one
            | {"meta": None, "seek_time": 0.0, "n_frames": 1, "total_frames": 1}
            | {"sample_rate": 1, "channels": 1, "audio_tokens": None}
        )
        random.seed(0)
        count = 4000
        theirs = Counter(
            augment_music_info_description(info, 0.6, 0.3, 0.8).description for _ in range(count)
        )
        ours = drawn(one, TextOptions(True, 0.6, 0.3, 0.8), count)
        got, wanted = _kinds(ours), _kinds(theirs)
        for kind in got | wanted:
            assert got[kind] == pytest.approx(wanted[kind], abs=6 * wanted[kind] ** 0.5 + 6), kind

    def test_says_fields_as_audiocraft_does(self) -> None:
        always = TextOptions(False, 1.0, 0.0, 1.0)
        found = text.in_training(SIDECAR, always, text.generator(0))
        assert found is not None
        first, *others = found.split(". ")
        assert first == "A slow song"
        assert set(others) == {
            "key: f# minor",
            "bpm: 120.0",
            "genre: enka, pop",
            "moods: calm, very sad",
            "instrument: violin, cello",
        }

    def test_nothing_is_said_of_what_is_not_known(self) -> None:
        unknown = SIDECAR | {"key": "", "bpm": float("nan"), "genre": ["a list"], "moods": []}
        assert text.merged(unknown) == {"instrument": "violin, cello"}
        empty = {"description": " ", "bpm": None}
        assert drawn(empty, TextOptions(merge_text_p=1.0)) == Counter({None: 400})

    def test_keeps_none_and_drops_all(self) -> None:
        assert set(drawn(SIDECAR, TextOptions(False, 1.0, 0.0, 0.0))) == {"A slow song."}
        assert set(drawn(SIDECAR, TextOptions(False, 1.0, 1.0, 0.0))) == {None}


def _kinds(texts: Counter[str | None]) -> Counter[frozenset[str]]:
    """How often texts hold the same: the description, and which fields."""
    found: Counter[frozenset[str]] = Counter()
    for one, times in texts.items():
        parts = (one or "").rstrip(".").split(". ")
        found[frozenset(part.split(":")[0] for part in parts)] += times
    return found


class TestElsewhere:
    def test_is_the_first_description(self) -> None:
        assert text.elsewhere(SIDECAR, TextOptions(merge_text_p=1.0)) == "A slow song."
        assert text.elsewhere({"description": ""}, PLAIN) is None

    def test_is_cut_after_the_first_words(self) -> None:
        long = {"description": " ".join(f"w{number}" for number in range(300))}
        found = text.elsewhere(long, PLAIN)
        assert found is not None
        assert found.split() == [f"w{number}" for number in range(250)]
        assert text.elsewhere(long, TextOptions(max_words=0)) == long["description"]
        assert text.first_words("two  words", 2) == "two  words"


class TestOptions:
    def test_of_a_configuration(self) -> None:
        assert text.parse_options({"merge_text_p": 1, "max_words": 9}) == TextOptions(
            merge_text_p=1, max_words=9
        )

    @pytest.mark.parametrize(
        ("name", "value"),
        [("merge_text_p", 25), ("keep_other_p", -0.1), ("drop_desc_p", "x"), ("max_words", -1)],
    )
    def test_refuses_nonsense(self, name: str, value: object) -> None:
        with pytest.raises(TrainingError, match=rf"text\.{name}={value}: expected"):
            text.parse_options({name: value})


class TestStatistics:
    CLIPS = (
        SIDECAR,
        SIDECAR | {"descriptions": [], "key": "", "moods": []},
        {"description": "", "genre": "pop"},
    )

    def test_counts(self) -> None:
        found = text.measure(self.CLIPS, TextOptions(max_words=4))
        assert found.clips == 3
        assert found.has["description"] == pytest.approx(2 / 3)
        assert found.has["key"] == pytest.approx(1 / 3)
        assert found.has["genre"] == 1.0
        assert found.has["keywords"] == 0.0
        assert found.descriptions == pytest.approx(4 / 3)
        assert found.words == 5
        assert found.cut == pytest.approx(1 / 4)

    @pytest.mark.parametrize("merge", [0.0, 0.4, 1.0])
    def test_what_is_computed_is_what_is_drawn(self, merge: float) -> None:
        options = TextOptions(True, merge, 0.7, 0.4)
        found = text.measure(self.CLIPS, options)
        seen: Counter[str] = Counter()
        count = 1000
        for clip in self.CLIPS:
            for told, times in drawn(clip, options, count).items():
                seen["silent"] += times * (told is None)
                seen["genre"] += times * ("genre:" in (told or ""))
                seen["description"] += times * ("low s" in (told or "") or "rings" in (told or ""))
        assert seen["silent"] / count / 3 == pytest.approx(found.silent, abs=0.05)
        assert seen["genre"] / count / 3 == pytest.approx(found.told["genre"], abs=0.05)

    def test_is_told(self) -> None:
        options = TextOptions(max_words=4)
        told = list(text.lines(text.measure(self.CLIPS, options), options, 0.2))
        assert "description 67% (47%)" in told[0]
        assert "genre 100% (10%)" in told[0]
        assert "1.3 descriptions a clip" in told[1]
        assert "25.0% are cut after 4" in told[1]
        assert told[2].startswith("Text: for example: ")

    def test_of_nothing(self) -> None:
        assert text.measure([], PLAIN).silent == 0.0


class TestConditioner:
    def test_reads_what_it_was_told_or_less(self, tmp_path: Path) -> None:
        upstream.mend()
        from audiocraft.modules.conditioners import T5Conditioner

        tiny.write_t5(tmp_path / "t5")
        name = upstream.know_t5(tmp_path / "t5")
        conditioner = T5Conditioner(name, 8, finetune=False, device="cpu", word_dropout=0.5)
        told = ["a slow song of strings", None]
        assert text.read_by(conditioner.eval(), told) == told
        random.seed(3)
        torch.manual_seed(3)
        read, nothing = text.read_by(conditioner.train(), told)
        assert nothing is None
        assert read is not None
        assert 0 < len(read.split()) < 5
        assert set(read.split()) < set(str(told[0]).split())
