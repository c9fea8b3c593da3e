"""The parts of an evaluation by themselves: likelihood, subjects, data, page, plots, terminal."""

import html
import json
import math
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.console import Console

from plugins.musicgen.errors import TrainingError
from plugins.musicgen.evaluation import METRICS, material, subjects
from plugins.musicgen.evaluation.features.sounds import Sound
from plugins.musicgen.evaluation.measuring import GROUPS
from plugins.musicgen.evaluation.metrics import likelihood
from plugins.musicgen.evaluation.metrics.likelihood import Surprise
from plugins.musicgen.evaluation.metrics.statistics import Estimate, Figure
from plugins.musicgen.evaluation.reports import page, players, plots, record, report, summary
from plugins.musicgen.evaluation.reports.plots import Series
from plugins.musicgen.evaluation.reports.record import (
    REAL,
    Data,
    Evaluation,
    Making,
    PromptLine,
    Row,
    Told,
)
from plugins.musicgen.evaluation.subjects import Clips, Subject
from plugins.musicgen.listening import pairs
from plugins.musicgen.listening.pairs import Prompt

NASTY = '"><img src=x onerror=alert(1)> & {{players}}'


def write(path: Path, seconds: float = 1.0, rate: int = 16000, channels: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.1 * np.random.default_rng(len(path.name)).normal(
        size=(round(seconds * rate), channels)
    )
    soundfile.write(path, samples, rate)
    return path


VALUES = {"a": Surprise((30.0, 10.0), (10.0, 10.0)), "b": Surprise((10.0, 30.0), (10.0, 5.0))}


class TestLikelihood:
    def test_each_token_counts_once(self) -> None:
        found = likelihood.evaluate(VALUES)
        assert found["ce_q1"].estimate.value == pytest.approx(2.0)
        assert found["ce_q2"].estimate.value == pytest.approx(40 / 15)
        assert found["ce"].estimate.value == pytest.approx((2.0 + 40 / 15) / 2)
        assert found["ppl"].estimate.value == pytest.approx(math.exp((2.0 + 40 / 15) / 2))
        assert found["ppl_q2"].estimate.value == pytest.approx(math.exp(40 / 15))
        assert found["ce"].estimate.n == 2
        assert set(found) == {one.name for one in likelihood.metrics(2)}

    def test_a_constant_gain_is_certain(self) -> None:
        random = np.random.default_rng(0)
        base = {
            str(k): Surprise(tuple(random.uniform(50, 400, 2)), (100.0, 100.0)) for k in range(20)
        }
        tuned = {k: Surprise((v.nats[0] - 10, v.nats[1] - 30), v.counts) for k, v in base.items()}
        found = likelihood.evaluate(tuned, base)["ce"].difference
        assert found is not None
        assert (found.value, found.low, found.high) == pytest.approx((-0.2, -0.2, -0.2))
        assert record.better("ce", likelihood.evaluate(tuned, base)["ce"]) is True

    def test_other_codebooks_are_not_compared(self) -> None:
        other = {key: Surprise((1.0,), (1.0,)) for key in VALUES}
        assert likelihood.evaluate(VALUES, other)["ce"].difference is None

    def test_nonsense_is_named(self) -> None:
        with pytest.raises(ValueError, match="clip x: a cross entropy of"):
            likelihood.evaluate({"x": Surprise((math.nan,), (1.0,))})
        with pytest.raises(ValueError, match="no clips"):
            likelihood.evaluate({})


class TestSubjects:
    PROMPTS = (Prompt("one", "a waltz"), Prompt("two", "a march"), Prompt("three", "a waltz"))

    def clips(self, folder: Path, cache: Path) -> Clips:
        found = subjects.find([str(folder)])[0]
        return subjects.of_folder(found, self.PROMPTS, 1.0, cache)

    def test_clips_are_paired_by_id(self, tmp_path: Path) -> None:
        for name in ("two", "one", "else"):
            write(tmp_path / "set" / f"{name}.wav")
        found = self.clips(tmp_path / "set", tmp_path / "cache")
        assert [sound.key for sound in found.sounds] == ["one", "two"]
        assert found.texts == {"one": "a waltz", "two": "a march"}
        assert found.notes == (
            "1 of 3 prompts have no clip",
            "1 clips of other prompts were left out",
        )

    def test_clips_are_paired_by_text(self, tmp_path: Path) -> None:
        for name in ("x", "y", "one"):
            write(tmp_path / "set" / f"{name}.wav")
        said = [Prompt("x", "a waltz"), Prompt("y", "a waltz"), Prompt("one", "a song")]
        pairs.write_prompts(tmp_path / "set", said)
        found = self.clips(tmp_path / "set", tmp_path / "cache")
        assert {sound.key: sound.path.stem for sound in found.sounds} == {"one": "x", "three": "y"}

    def test_other_music_is_not_paired(self, tmp_path: Path) -> None:
        write(tmp_path / "set" / "a" / "x.ogg")
        write(tmp_path / "set" / "b" / "x.flac")
        found = self.clips(tmp_path / "set", tmp_path / "cache")
        assert len(found.sounds) == 2
        assert found.texts == {}
        assert "nothing is compared" in found.notes[0]

    def test_long_clips_are_cut_once(self, tmp_path: Path) -> None:
        write(tmp_path / "set" / "one.wav", 1.5)
        write(tmp_path / "set" / "two.wav", 0.5)
        found = self.clips(tmp_path / "set", tmp_path / "cache")
        lengths = {one.key: soundfile.info(one.path).duration for one in found.sounds}
        assert lengths == {"one": 1.0, "two": 0.5}
        assert "1 clips are shorter than 1 s" in found.notes
        before = found.sounds[0].path.stat().st_mtime_ns
        again = self.clips(tmp_path / "set", tmp_path / "cache")
        assert again.sounds[0].path.stat().st_mtime_ns == before

    def test_broken_clips_are_named(self, tmp_path: Path) -> None:
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "one.wav").write_text("words")
        with pytest.raises(TrainingError, match=r"one\.wav"):
            self.clips(tmp_path / "set", tmp_path / "cache")

    def test_a_broken_clip_costs_itself_only(self, tmp_path: Path) -> None:
        folder = tmp_path / "set"
        write(folder / "one.wav")
        soundfile.write(folder / "two.wav", np.zeros(0, np.float32), 16000)
        soundfile.write(folder / "three.wav", np.full(16000, np.nan), 16000, subtype="FLOAT")
        found = self.clips(folder, tmp_path / "cache")
        assert [sound.key for sound in found.sounds] == ["one"]
        assert "2 broken clips were left out, such as three.wav: holds no sound" in found.notes
        assert "2 of 3 prompts have no clip" in found.notes

    def test_a_broken_file_of_a_reference_is_left_out(self, tmp_path: Path) -> None:
        write(tmp_path / "a" / "x.wav")
        (tmp_path / "y.flac").write_text("words")
        found, broken = subjects.sounds_of(tmp_path)
        assert ([sound.key for sound in found], broken) == (["a/x.wav"], 1)

    def test_a_broken_test_clip_is_told_before_the_work(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.wav")
        path.write_text("words")
        with pytest.raises(TrainingError, match="curate validate --deep"):
            subjects.excerpts({"x": path}, 1.0, tmp_path / "cache")

    def test_titles_tell_apart(self) -> None:
        given = ["/x/a/set", "/x/b/set", "facebook/musicgen-small", "82b56805"]
        assert subjects.titles(given) == ["a/set", "b/set", "musicgen-small", "82b56805"]

    def test_a_set_is_gathered_and_what_is_old_goes(self, tmp_path: Path) -> None:
        found = [Sound("one", write(tmp_path / "x.wav")), Sound("two", write(tmp_path / "y.flac"))]
        own = Clips(Subject("s", "s", "clips"), tuple(found), {"one": "a waltz"})
        place = tmp_path / "out"
        subjects.gather(own, place)
        subjects.gather(replace(own, sounds=(found[0],)), place)
        assert sorted(path.name for path in place.iterdir()) == ["one.wav", "prompts.jsonl"]
        given = Clips(own.subject, (Sound("one", place / "one.wav"),), {})
        assert subjects.gather(given, place) == {"one": place / "one.wav"}  # nothing is touched
        assert sorted(path.name for path in place.iterdir()) == ["one.wav", "prompts.jsonl"]


class TestMaterial:
    def test_facts_of_others_datasets(self) -> None:
        found = material.facts_of(
            {"genre": "house, disco", "moods": ["calm"], "instrument": "piano", "bpm": 119.6,
             "key": "A minor"}
        )  # fmt: skip
        assert (found.genres, found.moods, found.instruments) == (
            ("house", "disco"), ("calm",), ("piano",),
        )  # fmt: skip
        assert (found.bpm, found.key, found.sung) == (120, "A minor", None)
        assert material.facts_of({"bpm": math.nan}).bpm is None

    def test_prompts_are_drawn_by_the_seed(self, clips: Path) -> None:
        whole = material.read(clips)
        assert [item.prompt.prompt for item in whole.items] == ["a low tone", "a high tone"]
        assert whole.split == "test"
        assert whole.seconds == 1.0
        one = [material.read(clips, 1, seed).items[0].prompt.id for seed in range(8)]
        assert set(one) == {"test0", "test1"}
        assert one == [material.read(clips, 1, seed).items[0].prompt.id for seed in range(8)]

    def test_valid_stands_in(self, tmp_path: Path, clips: Path) -> None:
        for split in ("train", "valid"):
            (tmp_path / split).mkdir()
            text = (clips / split / "data.jsonl").read_text()
            (tmp_path / split / "data.jsonl").write_text(text)
        found = material.read(tmp_path)
        assert found.split == "valid"
        assert found.notes == ("there is no test split: valid stands in for it",)

    def test_no_descriptions(self, tmp_path: Path) -> None:
        entry = {"path": str(write(tmp_path / "a.wav")), "duration": 1.0, "sample_rate": 16000}
        for split in ("train", "valid", "test"):
            (tmp_path / split).mkdir()
            (tmp_path / split / "data.jsonl").write_text(json.dumps(entry) + "\n")
        with pytest.raises(TrainingError, match="none of the 1 clips of the split test"):
            material.read(tmp_path)


def evaluation(folder: Path) -> Evaluation:
    """Of two subjects with nasty names."""
    sure, open_ = Estimate(-1.0, -1.5, -0.5, 9), Estimate(-1.0, -2.5, 0.5, 9)
    files = {title: f"clips/{number}/one.wav" for number, title in enumerate(("base", NASTY))}
    for file in files.values():
        write(folder / file, rate=11025)
    values = {"per_song": {str(k): float(k) for k in range(9)}, "ce": {"a": 1.0}}
    rows = [
        Row("likelihood", "", "test", NASTY, "ok", {"ce": Figure(sure, sure)}, values=values),
        Row("fad", "clap", "test", "base", "ok", {"fad": Figure(Estimate(2.0, 1.0, 3.0, 9))}),
        Row("fad", "clap", "test", NASTY, "ok", {"fad": Figure(sure, open_)}, values=values),
        Row("copies", "", "train", NASTY, "ok", {"copied_share": Figure(sure, replace(sure, low=0.2,
            high=0.4))}, words={"copied": {"one": NASTY}}),
        Row("kl", "head", "test", "base", "not run", reason=NASTY, command="get <it>"),
        Row("sound", "", "test", NASTY, "failed", reason="ValueError: [bold]x"),
    ]  # fmt: skip
    curves = {"train ce": (3.0, 2.0), "valid ce": (None, 2.5)}
    return Evaluation(
        1, "2026-01-01T00:00:00+00:00", Data(NASTY, "0" * 12, "test", 9, 9, ""),
        Making(10.0, 3.0, 1.0, 250, 0, "fp32"), "base",
        (Told("base", "base", "model", "baseline"),
         Told(NASTY, NASTY, "model", "subject", curves=curves),
         Told(REAL, REAL, "real", "ceiling")),
        (PromptLine("one", NASTY, files),), tuple(rows), (NASTY,),
    )  # fmt: skip


class TestPage:
    def test_texts_stay_texts(self, tmp_path: Path) -> None:
        text = page.render(evaluation(tmp_path), tmp_path)
        assert "<img" not in text
        assert "<script" not in text
        assert text.count("&amp; {{players}}") >= 6
        assert "<title>Evaluation: &quot;&gt;&lt;img" in text
        assert text.count("<audio ") == 2
        assert "get &lt;it&gt;" in text
        assert "default-src 'none'" in text

    def test_what_it_comes_to_stands_first(self, tmp_path: Path) -> None:
        text = page.render(evaluation(tmp_path), tmp_path)
        short = text[text.index("In short") : text.index("What was compared")]
        assert "Did it learn the genre?" in short
        assert "Is it sound, and its own?" in short
        assert "Does it follow the prompt?" not in short  # nothing answers it here
        assert short.count("▲ better") == 1
        assert short.count("▼ worse") == 1
        assert short.count("within chance") == 1
        assert "1 of 3 figures surely better than base&#x27;s, 1 surely worse." in short
        links = re.findall('<a href="#(\\w+)">', text)
        assert links
        assert all(f'id="{link}"' in text for link in links)

    def test_cells_say_whose_they_are_where_there_is_no_head(self, tmp_path: Path) -> None:
        text = page.render(evaluation(tmp_path), tmp_path)
        rows = [row for row in re.findall("<tr>.*?</tr>", text) if "n=9" in row]
        assert len(rows) == 3
        assert all(row.count("data-t=") == row.count("<td data-t=") for row in rows)
        assert all(f'data-t="{html.escape(NASTY)}"' in row for row in rows)

    def test_it_says_what_is_sure(self, tmp_path: Path) -> None:
        text = page.render(evaluation(tmp_path), tmp_path)
        assert 'class="good">Δ -1 [-1.5, -0.5] n=9 better' in text
        assert 'class="open">Δ -1 [-2.5, 0.5] n=9<' in text
        assert 'class="bad">' in text

    def test_plots_are_whole(self, tmp_path: Path) -> None:
        text = page.render(evaluation(tmp_path), tmp_path)
        drawn = text.split("<svg ")[1:]
        assert len(drawn) == 4  # curves, ce, fad, song by song
        for one in drawn:
            root = ElementTree.fromstring("<svg " + one.split("</svg>")[0] + "</svg>")
            assert [float(x) for x in root.attrib["viewBox"].split()]
            assert "nan" not in one.split("</svg>")[0]

    def test_beyond_the_limit_clips_are_files(self, tmp_path: Path) -> None:
        found = evaluation(tmp_path)
        size = len(players.mp3(tmp_path / "clips/0/one.wav")) * 4 // 3 + 8
        text = page.render(found, tmp_path, most=size)
        assert text.count("data:audio/mpeg") == 1
        assert 'src="clips/1/one.wav"' in text
        assert "1 clips are files beside this page" in text
        assert "data:audio" not in page.render(found, tmp_path, most=0)

    @pytest.mark.parametrize(("rate", "channels"), [(11025, 1), (44100, 2), (96000, 1)])
    def test_clips_are_packed_whole(self, tmp_path: Path, rate: int, channels: int) -> None:
        path = write(tmp_path / "x.wav", 2.0, rate, channels)
        (tmp_path / "x.mp3").write_bytes(players.mp3(path))
        packed = soundfile.info(tmp_path / "x.mp3")
        assert packed.samplerate in players.MP3_RATES
        assert packed.channels == channels
        assert packed.duration == pytest.approx(2.0, abs=0.1)
        assert len(players.mp3(path)) < path.stat().st_size

    def test_a_broken_clip_is_no_end(self, tmp_path: Path) -> None:
        found = evaluation(tmp_path)
        (tmp_path / "clips/0/one.wav").write_text("words")
        assert page.render(found, tmp_path).count("data:audio/mpeg") == 1


class TestPlots:
    def test_a_histogram_holds_every_clip(self) -> None:
        values = {"a": [0.0, 1.0, 1.0, 2.0], "b": [5.0] * 7}
        text = plots.distributions(values, [Series("a", "c0"), Series("b", "c1")], "x")
        counts = {"of 4 clips": 0, "of 7 clips": 0}
        for title in ElementTree.fromstring(text).iter("title"):
            count, _, rest = (title.text or "").partition(" ")
            counts[rest] += int(count)
        assert counts == {"of 4 clips": 4, "of 7 clips": 7}

    def test_ticks_are_round_and_within(self) -> None:
        for values in ([0.0, 1.0], [-3.1, 1234.5], [1e-6, 2e-6], [5.0, 5.0]):
            along = plots.scale(values, 0.0, 100.0)
            ticks = along.ticks()
            assert 2 <= len(ticks) <= 7
            assert all(0 <= along.at(tick) <= 100 for tick in ticks)

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ([1.8801, 1.8812], ["1.8805", "1.8810"]),
            ([0.0, 100.0], ["0", "50", "100"]),
            ([-1e-7, 1e-7], ["-1e-07", "0", "1e-07"]),
            ([2e6, 3e6], ["2,000,000", "2,500,000", "3,000,000"]),
        ],
    )
    def test_neighbouring_ticks_read_differently(
        self, values: list[float], told: list[str]
    ) -> None:
        along = plots.scale(values, 0.0, 100.0)
        assert [along.told(tick) for tick in along.ticks()] == told

    def test_nothing_is_no_plot(self) -> None:
        assert plots.distributions({}, [Series("a", "c0")], "x") == ""
        assert plots.intervals({}, [Series("a", "c0")], "x") == ""
        assert plots.lines({"a": [None, math.nan]}, {"a": "c0"}, "x") == ""


def test_the_terminal_says_everything(tmp_path: Path) -> None:
    console = Console(record=True, width=60, file=(tmp_path / "out").open("w"))
    report.show(evaluation(tmp_path), tmp_path, console)
    told = console.export_text()
    assert "not run: kl head: " in told
    assert "run get <it>" in told
    assert "failed: sound: ValueError: [bold]x" in told
    assert "Δ -1 [-1.5, -0.5] n=9" in told
    assert "{{players}}" in told
    assert console.width == 60


def test_every_figure_has_a_meaning() -> None:
    for name in ("ce_q4", "ppl", "fad", "key_recall", "copied_share"):
        assert record.meaning(name).words != name
    assert set(page.HISTOGRAMS) <= set(GROUPS)
    assert set(page.TITLES) == {*GROUPS, "clips"}
    every = {one.name for one in (*METRICS, *likelihood.metrics(4))}
    asked = [one for some in summary.QUESTIONS.values() for one in some]
    assert {name for one in asked for name in one.names} <= every
    assert {one.metric for one in asked} <= set(GROUPS)
