"""Pairs, clips made alike, votes and their arithmetic; the server has tests of its own."""

import fcntl
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from curate import audio, jsonio, loudness
from curate.treatments.level import true_peak
from plugins.musicgen.listening import blinding, command, pairs, preparing, results, votes
from plugins.musicgen.listening.pairs import ListeningError, Pair, Prompt
from plugins.musicgen.listening.preparing import Prepared, Trial
from plugins.musicgen.listening.votes import Choice, Vote

RATE = 16000

TRIAL = Trial(
    "0123456789abcdef", "ab" * 32, "base", "tuned", 15.0, 32000, 1, "",
    tuple(Prepared(f"p{n}", f"text {n}", -14.0, (0.0, 0.0)) for n in range(10)),
)  # fmt: skip


def tone(
    seconds: float = 1.5, hertz: float = 440.0, peak: float = 0.1, rate: int = RATE
) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (peak * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def bursts(seconds: float = 1.5, rate: int = RATE) -> np.ndarray:
    """Short loud clicks over a soft tone: peaks that leave little room."""
    samples = tone(seconds, peak=0.01, rate=rate)
    samples[:: rate // 4] = 0.9
    return samples


def make_set(folder: Path, clips: dict[str, np.ndarray], rate: int = RATE) -> Path:
    folder.mkdir()
    pairs.write_prompts(folder, [Prompt(name, f"a tone called {name}") for name in clips])
    for name, samples in clips.items():
        soundfile.write(folder / f"{name}.wav", samples, rate)
    return folder


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    names = ("one", "two", "three")
    a = make_set(tmp_path / "a", {name: tone() for name in names})
    return a, make_set(tmp_path / "b", {name: tone(hertz=660.0, peak=0.3) for name in names})


class TestPairs:
    def test_clips_meet_by_their_id_whatever_their_format(self, two: tuple[Path, Path]) -> None:
        samples, rate = soundfile.read(two[1] / "two.wav")
        soundfile.write(two[1] / "two.flac", samples, rate)
        (two[1] / "two.wav").unlink()
        found = pairs.find(*two)
        assert [(p.prompt.id, p.a.name, p.b.name) for p in found] == [
            ("one", "one.wav", "one.wav"),
            ("two", "two.wav", "two.flac"),
            ("three", "three.wav", "three.wav"),
        ]
        assert found[0].prompt.prompt == "a tone called one"

    def test_prompts_come_from_the_data_where_sets_have_none(self, two: tuple[Path, Path]) -> None:
        for folder in two:
            (folder / "prompts.jsonl").unlink()
        with pytest.raises(ListeningError, match="--data DIR"):
            pairs.find(*two)
        data = two[0].parent / "data"
        data.mkdir()
        pairs.write_prompts(data, [Prompt("two", "words"), Prompt("more", "never generated")])
        assert [pair.prompt for pair in pairs.find(*two, data)] == [Prompt("two", "words")]

    def test_prompts_come_from_a_datasets_test_clips(self, two: tuple[Path, Path]) -> None:
        data = two[0].parent / "data"
        (data / "test").mkdir(parents=True)
        lines = []
        for name in ("one", "two", "other"):
            (data / f"{name}.json").write_text(json.dumps({"description": f"as {name}"}))
            lines.append(json.dumps({"path": str(data / f"{name}.wav"), "duration": 1.0}) + "\n")
        (data / "test/data.jsonl").write_text("".join(lines))
        for folder in two:
            (folder / "prompts.jsonl").unlink()
        assert [pair.prompt.prompt for pair in pairs.find(*two, data)] == ["as one", "as two"]

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (lambda a, b: (b / "two.wav").unlink(), "b: no clip for 'two' .of 3 prompts"),
            (lambda a, b: soundfile.write(b / "two.flac", tone(), RATE), "two.flac and two.wav"),
            (lambda a, b: pairs.write_prompts(b, [Prompt("one", "else")]), "'one' is 'a tone"),
            (lambda a, b: pairs.write_prompts(b, [Prompt("../x", "else")]), "cannot name a file"),
            (lambda a, b: pairs.write_prompts(b, [Prompt("x", " ")]), "1 to 2000 characters"),
            (lambda a, b: pairs.write_prompts(b, [Prompt("x", "y")] * 2), "'x' is there twice"),
            (lambda a, b: (b / "prompts.jsonl").write_text("no"), "prompts.jsonl:1: no prompt"),
            (lambda a, b: (b / "prompts.jsonl").write_text(""), "prompts.jsonl is empty"),
            (lambda a, b: [p.unlink() for p in b.glob("*.wav")], "b: no clips"),
        ],
    )
    def test_says_what_is_wrong_with_a_set(
        self, two: tuple[Path, Path], spoil: Callable[[Path, Path], object], said: str
    ) -> None:
        spoil(*two)
        with pytest.raises(ListeningError, match=said):
            pairs.find(*two)

    def test_says_what_is_no_folder_and_what_is_one_folder_twice(
        self, two: tuple[Path, Path]
    ) -> None:
        with pytest.raises(ListeningError, match="nowhere: there is no such folder"):
            pairs.find(two[0], Path("nowhere"))
        with pytest.raises(ListeningError, match="both sets are this folder"):
            pairs.find(two[0], two[0])

    def test_draws_the_same_pairs_for_a_seed(self) -> None:
        every = [Pair(Prompt(str(n), "x"), Path("a"), Path("b")) for n in range(50)]
        drawn = pairs.choose(every, 10, seed=0)
        assert len(drawn) == 10
        assert drawn == pairs.choose(every, 10, seed=0) != pairs.choose(every, 10, seed=1)
        assert [int(p.prompt.id) for p in drawn] == sorted(int(p.prompt.id) for p in drawn)
        assert pairs.choose(every[:3], 10, seed=0) == every[:3]


class TestPreparing:
    def test_both_clips_are_equally_loud_long_and_large(
        self, two: tuple[Path, Path], tmp_path: Path
    ) -> None:
        trial = preparing.prepare(pairs.find(*two), ("a", "b"), tmp_path / "test", 1.0)
        files = sorted((tmp_path / "test/clips").iterdir())
        assert len(files) == 6
        assert len({file.stat().st_size for file in files}) == 1
        for file in files:
            heard = audio.read(file)
            energy = loudness.block_energy(heard.samples, heard.sample_rate)
            assert loudness.integrated(energy) == pytest.approx(-14.0, abs=0.05)
            assert heard.duration_s == 1.0
        gains = trial.pairs[0].gains_db
        assert gains[0] - gains[1] == pytest.approx(20 * math.log10(3), abs=0.6)  # and K-weighting

    def test_peaks_of_one_make_both_quieter(self, tmp_path: Path) -> None:
        a = make_set(tmp_path / "a", {"x": bursts()})
        b = make_set(tmp_path / "b", {"x": tone(peak=0.5)})
        found = pairs.find(a, b)
        trial = preparing.prepare(found, ("a", "b"), tmp_path / "test", 1.0)
        decoded = [audio.read(preparing.clip_path(tmp_path / "test", 0, s)) for s in ("a", "b")]
        loud = [
            loudness.integrated(loudness.block_energy(d.samples, d.sample_rate)) for d in decoded
        ]
        assert loud[0] == pytest.approx(loud[1], abs=0.05)
        assert loud[0] == pytest.approx(trial.pairs[0].loudness_lufs, abs=0.05)
        assert loud[0] < -16.0
        assert true_peak(decoded[0].samples) == pytest.approx(-1.0, abs=0.05)
        assert "1 of 1 pairs are quieter than -14 LUFS ('x'" in preparing.notes(trial, found)[0]

    def test_formats_become_one_and_mono_is_as_loud_as_stereo(self, tmp_path: Path) -> None:
        a = make_set(tmp_path / "a", {"x": tone(rate=32000)}, rate=32000)
        stereo = np.stack([tone(rate=44100)] * 2, axis=1)
        b = make_set(tmp_path / "b", {"x": stereo}, rate=44100)
        found = pairs.find(a, b)
        trial = preparing.prepare(found, ("mono", "stereo"), tmp_path / "test", 1.0)
        assert (trial.sample_rate, trial.channels) == (44100, 2)
        clips = [audio.read(preparing.clip_path(tmp_path / "test", 0, s)) for s in ("a", "b")]
        assert [clip.samples.shape for clip in clips] == [(44100, 2)] * 2
        rms = [float(np.sqrt((clip.samples**2).mean())) for clip in clips]
        assert rms[0] == pytest.approx(rms[1], rel=0.01)
        assert "mono has 32000 Hz x 1, stereo 44100 Hz x 2" in preparing.notes(trial, found)[0]

    def test_is_cut_at_the_start_and_fades_at_the_end(self, tmp_path: Path) -> None:
        path = tmp_path / "x.wav"
        soundfile.write(path, np.concatenate([tone(1.0), np.full(RATE, 0.9, np.float32)]), RATE)
        clip = preparing.excerpt(path, preparing.Sound(1.0, RATE, 1))
        assert clip.shape == (RATE, 1)
        assert np.abs(clip[: int(0.94 * RATE), 0] - tone(1.0)[: int(0.94 * RATE)]).max() < 1e-4
        assert clip[-1, 0] == 0.0

    def test_a_clip_that_lacks_less_than_two_frames_of_the_codec_will_do(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "x.wav"
        soundfile.write(path, tone(0.97), RATE)
        assert preparing.excerpt(path, preparing.Sound(1.0, RATE, 1)).shape == (RATE, 1)
        soundfile.write(path, tone(0.95), RATE)
        with pytest.raises(ListeningError, match=r"0.95 s of audio, the test needs 1 s"):
            preparing.excerpt(path, preparing.Sound(1.0, RATE, 1))

    @pytest.mark.parametrize(
        ("samples", "said"),
        [
            (tone(0.5), r"0\.50 s of audio, the test needs 1 s\n.*--seconds 0\.5"),
            (np.zeros(2 * RATE, np.float32), "silent for its first 1 s"),
            (np.zeros((2 * RATE, 3), np.float32), "3 channels; expected one or two"),
        ],
    )
    def test_says_which_file_cannot_be_used(
        self, two: tuple[Path, Path], tmp_path: Path, samples: np.ndarray, said: str
    ) -> None:
        soundfile.write(two[1] / "two.wav", samples, RATE)
        with pytest.raises(ListeningError, match=rf"b/two\.wav: {said}"):
            preparing.prepare(pairs.find(*two), ("a", "b"), tmp_path / "test", 1.0)

    def test_samples_that_are_no_numbers_and_files_that_are_no_audio(
        self, two: tuple[Path, Path], tmp_path: Path
    ) -> None:
        broken = np.full(2 * RATE, np.nan, np.float32)
        soundfile.write(two[1] / "two.wav", broken, RATE, subtype="FLOAT")
        with pytest.raises(ListeningError, match=r"two\.wav: holds samples that are no numbers"):
            preparing.prepare(pairs.find(*two), ("a", "b"), tmp_path / "test", 1.0)
        (two[1] / "two.wav").write_text("words")
        with pytest.raises(ListeningError, match=r"two\.wav: not_audio"):
            preparing.prepare(pairs.find(*two), ("a", "b"), tmp_path / "test", 1.0)

    def test_goes_on_with_the_same_test_and_never_mixes_two(
        self, two: tuple[Path, Path], tmp_path: Path
    ) -> None:
        folder = tmp_path / "test"
        first = preparing.prepare(pairs.find(*two), ("a", "b"), folder, 1.0)
        clip = preparing.clip_path(folder, 0, "a")
        before = clip.stat().st_mtime_ns
        assert preparing.prepare(pairs.find(*two), ("a", "b"), folder, 1.0) == first
        assert clip.stat().st_mtime_ns == before
        clip.unlink()
        assert preparing.prepare(pairs.find(*two), ("a", "b"), folder, 1.0) == first
        assert clip.exists()
        other = preparing.prepare(pairs.find(*two), ("a", "b"), folder, 0.8)  # no votes: made anew
        assert other.fingerprint != first.fingerprint
        (folder / "votes.jsonl").write_text("{}\n")
        with pytest.raises(ListeningError, match=r"votes on other clips.*--out"):
            preparing.prepare(pairs.find(*two), ("a", "b"), folder, 1.0)

    def test_a_folder_without_a_test_or_with_a_broken_one(self, tmp_path: Path) -> None:
        with pytest.raises(ListeningError, match="no listening test here"):
            preparing.load(tmp_path)
        (tmp_path / "test.json").write_text("{}")
        with pytest.raises(ListeningError, match="not a test's description"):
            preparing.load(tmp_path)


class TestBlinding:
    def test_every_listener_hears_each_set_first_in_half_of_the_pairs(self) -> None:
        for listener in map(str, range(50)):
            first = [turn.sides[0] for turn in blinding.turns(TRIAL, listener)]
            assert first.count("a") == 5

    def test_the_odd_pair_goes_to_either(self) -> None:
        odd = replace(TRIAL, pairs=TRIAL.pairs[:7])
        counts = [
            [turn.sides[0] for turn in blinding.turns(odd, str(n))].count("a") for n in range(200)
        ]
        assert set(counts) == {3, 4}
        assert 70 < counts.count(4) < 130  # 100 expected, sigma 7

    def test_over_listeners_neither_set_has_a_place(self) -> None:
        """400 listeners: 200 expected each time, sigma 10 (or less)."""
        every = [blinding.turns(TRIAL, f"listener{n}") for n in range(400)]
        for place in range(10):
            assert (
                150 < sum(t.sides[0] == "a" for ts in every for t in ts if t.place == place) < 250
            )
            assert 150 < sum(turns[place].sides[0] == "a" for turns in every) < 250
            assert 15 < sum(turns[0].place == place for turns in every) < 65  # 40, sigma 6

    def test_names_tell_nothing(self) -> None:
        """Which of the two names is smaller says nothing of the set; none comes twice."""
        every = [turn for n in range(400) for turn in blinding.turns(TRIAL, f"listener{n}")]
        smaller = sum((t.clips[0] < t.clips[1]) == (t.sides[0] == "a") for t in every)
        assert 1850 < smaller < 2150  # 2000, sigma 32
        names = [name for turn in every for name in (*turn.clips, turn.key)]
        assert len(set(names)) == len(names)

    def test_comes_back_the_same_and_needs_the_secret(self) -> None:
        assert blinding.turns(TRIAL, "anna") == blinding.turns(TRIAL, "anna")
        guessed = replace(TRIAL, secret="cd" * 32)
        assert not {t.key for t in blinding.turns(TRIAL, "anna")} & {
            t.key for t in blinding.turns(guessed, "anna")
        }
        assert blinding.address_key(TRIAL) != blinding.address_key(guessed)


def vote(
    listener: str = "anna", pair: str = "p0", said: Choice = "a", first: preparing.Side = "a"
) -> Vote:
    answers: dict[str, Choice] = dict.fromkeys(votes.QUESTIONS, said)
    return Vote(TRIAL.fingerprint, listener, pair, first, answers, (5.0, 6.0), "2026-01-01T00:00Z")


COUNTED: dict[Choice, int] = {"a": 7, "b": 3, "tie": 10}


def read(path: Path) -> votes.Box:
    return votes.read(path, TRIAL.fingerprint, [pair.id for pair in TRIAL.pairs])


class TestVotes:
    def test_the_last_vote_of_a_listener_on_a_pair_counts(self, tmp_path: Path) -> None:
        path = tmp_path / "votes.jsonl"
        given = [vote(), vote("ben"), vote(pair="p1"), vote(said="b")]
        for one in given:
            votes.append(path, one)
        assert read(path) == votes.Box((given[1], given[2], given[3]), 1, 0, 0)

    def test_no_file_has_no_votes(self, tmp_path: Path) -> None:
        assert read(tmp_path / "votes.jsonl") == votes.Box((), 0, 0, 0)

    def test_a_broken_last_line_costs_only_itself(self, tmp_path: Path) -> None:
        path = tmp_path / "votes.jsonl"
        votes.append(path, vote("anna"))
        whole = path.read_bytes()
        for cut in range(1, len(whole)):
            path.write_bytes(whole + whole[:cut])
            votes.append(path, vote("ben"))
            box = read(path)
            assert [one.listener for one in box.votes] == ["anna", "ben"]
            # All but the newline is a whole vote.
            assert (box.broken, box.changed) == ((1, 0) if cut < len(whole) - 1 else (0, 1))

    def test_lines_that_are_no_votes_on_this_test_are_counted(self, tmp_path: Path) -> None:
        path = tmp_path / "votes.jsonl"
        other: dict[str, Choice] = {"quality": "a"}
        for one in (
            vote(),
            replace(vote("ben"), test="another"),
            vote("ben", "p99"),
            replace(vote("ben"), answers=other),
        ):
            votes.append(path, one)
        with path.open("ab") as file:
            file.write(b"\xff\xfe\n[]\n{}\n\n" + jsonio.encode(vote()).replace(b'"a"', b'"c"'))
        assert read(path) == votes.Box((vote(),), 0, 4, 3)

    def test_nothing_of_a_vote_is_left_where_it_cannot_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "votes.jsonl"
        votes.append(path, vote())
        before = path.read_bytes()
        really = os.write
        with monkeypatch.context() as full:  # the disk takes ten bytes more
            full.setattr(os, "write", lambda file, data: really(file, data[:10]))
            with pytest.raises(OSError, match="the disk is full"):
                votes.append(path, vote("ben"))
        assert path.read_bytes() == before

    def test_waits_while_another_server_writes(self, tmp_path: Path) -> None:
        """Half a line of another is no broken line: it gets its end first."""
        path = tmp_path / "votes.jsonl"
        line = jsonio.encode(vote()) + b"\n"
        with path.open("ab", buffering=0) as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            other.write(line[:20])
            adding = threading.Thread(target=votes.append, args=(path, vote("ben")))
            adding.start()
            adding.join(0.3)
            assert adding.is_alive()
            other.write(line[20:])
        adding.join(20)
        assert read(path) == votes.Box((vote(), vote("ben")), 0, 0, 0)

    def test_a_file_too_large_to_be_of_votes_takes_no_more(self, tmp_path: Path) -> None:
        path = tmp_path / "votes.jsonl"
        with path.open("wb") as file:
            file.truncate(votes.LARGEST_FILE + 1)
        with pytest.raises(votes.VotesFull):
            votes.append(path, vote())

    @pytest.mark.integration
    def test_several_processes_add_at_once(self, tmp_path: Path) -> None:
        path = tmp_path / "votes.jsonl"
        code = (
            "import sys; from pathlib import Path; from plugins.musicgen.listening import votes\n"
            "for n in range(100):\n"
            "    votes.append(Path(sys.argv[1]), votes.Vote('0123456789abcdef', sys.argv[2], "
            "f'p{n % 10}', 'a', dict.fromkeys(votes.QUESTIONS, 'a'), (1.0, 1.0), 'x' * n))"
        )
        running = [
            subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in "wxyz"
        ]
        assert [process.wait(120) for process in running] == [0] * 4
        box = read(path)
        assert (len(box.votes), box.changed, box.broken, box.other) == (40, 360, 0, 0)


class TestResults:
    @pytest.mark.parametrize(
        ("successes", "n", "low", "high"),
        [  # Newcombe 1998, table I, method 3
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0000, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ],
    )
    def test_wilson_is_as_published(self, successes: int, n: int, low: float, high: float) -> None:
        assert results.wilson(successes, n) == pytest.approx((low, high), abs=5e-5)
        assert results.wilson(n - successes, n) == pytest.approx((1 - high, 1 - low), abs=5e-5)

    def test_wilson_by_hand(self) -> None:
        """7 of 10: (0.7 + 3.84146/20 -+ 1.95996 sqrt(0.021 + 3.84146/400)) / 1.384146."""
        assert results.wilson(7, 10) == pytest.approx((0.396778, 0.892209), abs=1e-5)

    def test_wilson_of_nothing_is_an_error(self) -> None:
        for successes, n in ((0, 0), (2, 1), (-1, 4)):
            with pytest.raises(ValueError, match="expected 0 <= successes <= n"):
                results.wilson(successes, n)

    def test_alpha_is_as_published(self) -> None:
        """Krippendorff 2011: section D's data, interval metric 0.849; section A's binary 0.095."""
        table = [
            "1 2 3 3 2 1 4 1 2 . . .",
            "1 2 3 3 2 2 4 1 2 5 . 3",
            ". 3 3 3 2 3 4 2 2 5 1 .",
            "1 2 3 3 2 4 4 1 2 5 1 .",
        ]
        columns = zip(*(row.split() for row in table), strict=True)
        units = [[float(value) for value in column if value != "."] for column in columns]
        assert results.krippendorff_alpha(units) == pytest.approx(0.849, abs=5e-4)
        binary = [(0, 1), (1, 1), (0, 1), (0, 0), (0, 0), (0, 1), (0, 0), (0, 0), (1, 0), (0, 0)]
        assert results.krippendorff_alpha(binary) == pytest.approx(0.095, abs=5e-4)

    def test_alpha_at_its_ends(self) -> None:
        assert results.krippendorff_alpha([(1, 1), (-1, -1)]) == 1.0
        assert results.krippendorff_alpha([(1, -1), (1, -1)]) == pytest.approx(-0.5)
        assert results.krippendorff_alpha([(1, 1), (1, 1)]) is None
        assert results.krippendorff_alpha([(1,), (-1,)]) is None
        assert results.krippendorff_alpha([]) is None

    def test_ties_are_left_out_of_the_share_and_told(self) -> None:
        found = results.preference(
            vote(said=said).answers["genre"] for said, n in COUNTED.items() for _ in range(n)
        )
        assert (found.a, found.b, found.ties, found.share_a) == (7, 3, 10, 0.7)
        assert found.interval == results.wilson(7, 10)
        assert found.share_a_ties_half == 0.6
        nobody = results.preference([vote(said="tie").answers["genre"]])
        assert (nobody.share_a, nobody.interval, nobody.share_a_ties_half) == (None, None, 0.5)

    def test_a_summary_by_hand(self) -> None:
        """Two listeners. Anna prefers a twice, Ben b and neither; a was first in two of four."""
        given = (
            vote("anna", "p0", "a", first="a"),
            vote("anna", "p1", "a", first="b"),
            vote("ben", "p0", "b", first="b"),
            vote("ben", "p1", "tie", first="a"),
        )
        found = results.summary(TRIAL, votes.Box(given, 1, 2, 3))
        quality = found["questions"]["quality"]
        assert (quality.a, quality.b, quality.ties) == (2, 1, 1)
        assert quality.interval == results.wilson(2, 3)
        first = found["first_heard"]["quality"]  # anna p0, ben p0 took the first; anna p1 did not
        assert (first.a, first.b, first.ties) == (2, 1, 1)
        assert found["by_listener"]["ben"]["genre"].b == 1
        # p0: 1 and -1, p1: -1 and 0 (a is -1): observed 2*4 + 2*1 = 10 over 4 values. Expected:
        # values -1, -1, 0, 1: ordered squared differences 2*(1 + 4 + 1 + 4 + 1) = 22 over 3.
        assert found["agreement"]["quality"].alpha == pytest.approx(1 - 10 / (22 / 3))
        assert (found["agreement"]["quality"].pairs, found["agreement"]["quality"].votes) == (2, 4)
        assert (found["listeners"], found["votes"], found["complete_listeners"]) == (2, 4, 0)
        assert (found["changed_votes"], found["broken_lines"]) == (1, 2)
        json.loads(jsonio.encode(found))

    def test_one_listener_agrees_with_nobody(self) -> None:
        found = results.agreement([vote(), vote(pair="p1", said="b")], "genre")
        assert found == results.Agreement(None, 0, 0, 0, "no pair was judged by two listeners")


class TestCommand:
    @pytest.fixture(autouse=True)
    def elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    def made(self, folder: str) -> Path:
        path = Path(folder)
        path.mkdir(parents=True)
        (path / "test.json").write_bytes(jsonio.pretty(TRIAL))
        return path

    def test_results_of_the_tests_that_are_there(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert_fails(["--results"], "listening/: no listening test here", capsys)
        folder = self.made("listening/base-vs-tuned")
        assert command.main(["--results"]) == 0
        assert "no votes yet" in capsys.readouterr().out
        for listener, said in (("anna", "a"), ("ben", "a"), ("cem", "b")):
            votes.append(folder / "votes.jsonl", vote(listener, said=said))  # type: ignore[arg-type]
        assert command.main(["--results"]) == 0
        shown = capsys.readouterr().out
        assert "A base   B tuned" in shown
        assert "67% (21-94)" in shown  # Wilson of 2 in 3
        assert command.main(["--results", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["questions"]["genre"]["interval"] == pytest.approx(
            [0.207655, 0.938508], abs=1e-5
        )
        assert told["agreement"]["genre"]["listeners"] == 3

    def test_results_of_one_by_its_folder_or_its_sets(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.made("listening/base-vs-tuned")
        self.made("elsewhere")
        assert command.main(["base", "tuned", "--results", "--json"]) == 0
        assert command.main(["--results", "--out", "elsewhere", "--json"]) == 0
        capsys.readouterr()
        self.made("listening/x-vs-y")
        assert command.main(["--results", "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)) == 2

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["a"], "name two sets: A and B"),
            ([], "name two sets: A and B"),
            (["a", "b", "--json"], "--json goes with --results"),
            (["a", "b", "--prompts", "0"], "expected 1 to 1000 pairs"),
            (["a", "b", "--seconds", "nan"], "expected 0.5 to 600 seconds"),
            (["a", "b"], "error: a: there is no such folder"),
            (["a", "b", "--results"], "listening/a-vs-b: no listening test here"),
        ],
    )
    def test_says_what_is_wrong(
        self, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert_fails(arguments, said, capsys)

    def test_names_are_as_long_as_needed(self) -> None:
        assert command.names(Path("x/base"), Path("y/tuned")) == ("base", "tuned")
        assert command.names(Path("x/a/clips"), Path("x/b/clips")) == ("a/clips", "b/clips")


def assert_fails(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
