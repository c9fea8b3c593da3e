"""The whole of an evaluation, by tiny models and weights that stand in."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import evaluated
import jsonschema
import pytest
import soundfile

from curate import schema
from curate.labels.models import weights
from plugins.musicgen import evaluate
from plugins.musicgen.errors import TrainingError
from plugins.musicgen.evaluation import beside, running
from plugins.musicgen.evaluation.features import apart, hearing
from plugins.musicgen.evaluation.features.apart import Work
from plugins.musicgen.evaluation.measuring import GROUPS
from plugins.musicgen.evaluation.options import Options
from plugins.musicgen.evaluation.reports import record
from plugins.musicgen.evaluation.reports.record import REAL, Evaluation, Row
from plugins.musicgen.listening import command, pairs

Start = Callable[..., Any]


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return evaluated.write_data(tmp_path_factory.mktemp("tunes") / "tunes")


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return evaluated.write_weights(tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def copies(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a model makes that has learnt its training clips by heart."""
    folder = tmp_path_factory.mktemp("sets") / "copies"
    folder.mkdir()
    for number in range(evaluated.SPLITS["test"]):
        samples, rate = soundfile.read(data / f"audio/train{number}.flac")
        soundfile.write(folder / f"test{number}.wav", samples, rate)
    return folder


@pytest.fixture
def options(data: Path, shelf: Path, cache: Path, tmp_path: Path) -> Options:
    """Everything, in this process."""
    return Options(
        data, tmp_path / "out", cache, models=shelf, clap=str(shelf / "clap"), device="cpu",
        isolated=False, batch=3,
    )  # fmt: skip


@pytest.fixture(scope="session")
def whole(
    tiny_base: Path, copies: Path, data: Path, shelf: Path, cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Evaluation, Path]:  # fmt: skip
    """A model and copies of training clips, measured by all there is."""
    out = tmp_path_factory.mktemp("whole")
    options = Options(
        data, out, cache, models=shelf, clap=str(shelf / "clap"), device="cpu",
        reference=data / "audio", isolated=False,
    )  # fmt: skip
    return running.evaluate([str(tiny_base), str(copies)], options), out


def one(evaluation: Evaluation, metric: str, title: str, of: str = "") -> Row:
    rows = [row for row in evaluation.rows(metric) if row.subject == title and row.of == of]
    assert len(rows) == 1, rows
    return rows[0]


def files(folder: Path) -> dict[str, int]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in found}


class TestWhole:
    def test_every_metric_runs(self, whole: tuple[Evaluation, Path]) -> None:
        found, _ = whole
        wrong = [row for row in found.results if row.state != "ok"]
        few = [row for row in found.results if row.state == "ok" and row.reason]
        assert {row.metric for row in few} == {"fad", "novelty"}  # three clips are few
        assert "fad_infinity needs 12 clips, and there are 3" in few[0].reason
        assert [(row.metric, row.subject) for row in wrong] == [("likelihood", "copies")]
        assert {row.metric for row in found.results} == set(GROUPS)
        embedders = {row.of for row in found.rows("fad")}
        assert embedders == {"vggish", "effnet", "clap", "encodec"}
        against = {row.against for row in found.rows("fad")}
        assert against == {"test", "reference"}
        weights_known = {row.of for row in found.results if row.checkpoints}
        assert {"vggish", "effnet", "clap", "encodec"} <= weights_known

    def test_the_file_is_as_its_schema_says(self, whole: tuple[Evaluation, Path]) -> None:
        found, out = whole
        document = json.loads((out / "evaluation.json").read_bytes())
        told = json.loads((schema.folder() / "evaluation.schema.json").read_bytes())
        jsonschema.Draft202012Validator.check_schema(told)
        jsonschema.validate(document, told, jsonschema.Draft202012Validator)
        assert record.load(out) == found
        assert found.baseline == "mono"
        assert [told.role for told in found.subjects] == ["baseline", "subject", "ceiling"]

    def test_a_model_that_copies_is_seen(self, whole: tuple[Evaluation, Path]) -> None:
        found, _ = whole
        shares = {
            title: one(found, "copies", title).figures["copied_share"].estimate.value
            for title in ("mono", "copies", REAL)
        }
        assert shares == {"mono": 0.0, "copies": 1.0, REAL: 0.0}
        assert one(found, "copies", "copies").words["copied"]["test1"] == "train1.flac"
        assert record.better("copied_share", one(found, "copies", "copies").figures[
            "copied_share"]) is False  # fmt: skip
        near = one(found, "novelty", "copies", "effnet")
        assert near.figures["nearest"].estimate.value < 1e-3
        assert near.figures["near_share"].estimate.value == 1.0
        assert set(near.words["nearest"].values()) == {"train0.flac", "train1.flac", "train2.flac"}

    def test_real_clips_are_the_ceiling(self, whole: tuple[Evaluation, Path]) -> None:
        found, _ = whole
        metrics = {row.metric for row in found.results if row.subject == REAL}
        assert metrics == {"clap", "adherence", "sound", "novelty", "copies"}
        assert all(
            figure.difference is None
            for row in found.results
            if row.subject in (REAL, "mono")
            for figure in row.figures.values()
        )

    def test_figures_have_n_intervals_and_differences(self, whole: tuple[Evaluation, Path]) -> None:
        found, _ = whole
        for row in found.results:
            for name, figure in row.figures.items():
                assert figure.estimate.n >= 1, (row.metric, name)
                if figure.estimate.n > 1:
                    assert figure.estimate.low is not None
        apart_ = one(found, "sound", "copies").figures["mel_mse"].difference
        assert apart_ is not None
        assert apart_.n == 3

    def test_clips_lie_beside_as_sets(self, whole: tuple[Evaluation, Path]) -> None:
        _, out = whole
        every = pairs.find(out / "clips" / "mono", out / "clips" / "copies")
        assert [pair.prompt.id for pair in every] == ["test0", "test1", "test2"]
        lengths = {soundfile.info(path).duration for pair in every for path in (pair.a, pair.b)}
        assert lengths == {evaluated.SECONDS}

    def test_nothing_is_made_twice(
        self, whole: tuple[Evaluation, Path], tiny_base: Path, copies: Path, options: Options
    ) -> None:
        first, _ = whole
        before = files(options.cache)
        again = running.evaluate([str(tiny_base), str(copies)], options)
        assert files(options.cache) == before
        values = [row for row in first.results if row.against != "reference"]
        assert list(again.results) == values

    def test_the_page_stands_alone(self, whole: tuple[Evaluation, Path]) -> None:
        found, out = whole
        text = (out / "index.html").read_text()
        assert text.count("<audio ") == text.count('src="data:audio/mpeg;base64,') == 6
        assert "<script" not in text
        assert "&lt;script&gt;document.title=&quot;no&quot;&lt;/script&gt; &amp;" in text
        assert text.count("<svg ") > 8
        assert "http://" not in text
        assert "https://" not in text
        metrics = {row.metric for row in found.results}
        assert set(re.findall('<h2 id="(\\w+)">', text)) == {*metrics, "listen"}
        assert "In short" in text


def test_all_get_the_same_prompts_seeds_and_length(
    tiny_base: Path, tmp_path: Path, options: Options
) -> None:
    other = Path(shutil.copytree(tiny_base, tmp_path / "other"))
    chosen = replace(options, metrics=("sound",), limit=2, seconds=1.0, cache=tmp_path / "cache")
    found = running.evaluate([str(tiny_base), str(other)], chosen)
    assert [told.hash for told in found.subjects[:2]] == [found.subjects[0].hash] * 2
    assert len(found.prompts) == 2
    for prompt in found.prompts:
        mono, same = (options.out / prompt.clips[t] for t in ("mono", "other"))  # type: ignore[operator]
        assert mono.read_bytes() == same.read_bytes()
        assert soundfile.info(mono).duration == 1.0
    figures = one(found, "sound", "other").figures
    assert {f.difference.value for f in figures.values() if f.difference} == {0.0}
    again = running.evaluate([str(tiny_base)], replace(chosen, seed=1, limit=3))
    drawn = options.out / again.prompts[0].clips["mono"]  # type: ignore[operator]
    kept = list((tmp_path / "cache" / "clips").glob("mono-*/*.wav"))
    assert len(kept) == 5  # the other seed's beside, none of them taken away
    assert drawn.read_bytes() in {path.read_bytes() for path in kept}


def test_missing_weights_cost_only_their_metrics(
    copies: Path, options: Options, tmp_path: Path
) -> None:
    chosen = replace(
        options, models=tmp_path / "none", clap=str(tmp_path / "no"), cache=tmp_path / "cache"
    )
    found = running.evaluate([str(copies)], chosen)
    states = {(row.metric, row.of): row for row in found.results if row.subject == "copies"}
    assert {key for key, row in states.items() if row.state == "ok"} == {
        ("adherence", ""), ("sound", ""), ("copies", ""),
    }  # fmt: skip
    assert not [row for row in found.results if row.state == "failed"]
    vggish = states["fad", "vggish"]
    assert vggish.state == "not run"
    assert (
        vggish.command
        == f"python -m plugins.musicgen.evaluation.features.models --models {chosen.models}"
    )
    asked = states["adherence", ""]
    assert set(asked.figures) >= {"key_recall", "tempo_recall"}
    assert "genre_recall" not in asked.figures  # nobody listened for it
    assert asked.command.startswith("curate models fetch")
    assert "no model, whose codec" in states["fad", "encodec"].reason
    assert (options.out / "index.html").is_file()  # type: ignore[operator]


def test_weights_that_crash_cost_only_their_metrics(
    copies: Path, shelf: Path, options: Options, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(shelf, tmp_path / "broken"))
    head = hearing.HEADS[0].name
    for path in broken.glob(f"{head}.*"):
        if path.suffix != ".json":
            path.write_bytes(b"\x08\x01" * 500)
    weights.accept(hearing.ASKED, broken)
    chosen = replace(
        options, models=broken, isolated=True, metrics=("fad", "kl", "adherence"), seconds=4.0,
        embeddings=("effnet",),
    )  # fmt: skip
    found = running.evaluate([str(copies)], chosen)
    rows = found.rows("kl")
    assert {row.state for row in rows} == {"failed"}
    assert "the process for hear was ended by SIG" in rows[0].reason
    assert one(found, "adherence", "copies").reason.startswith("key and tempo only")
    assert one(found, "fad", "copies", "effnet").state == "ok"  # in a process of its own too


def test_a_process_that_fails_is_told(tmp_path: Path) -> None:
    work = Work("print", (str(tmp_path / "none.wav"),), str(tmp_path))
    with pytest.raises(ValueError, match=r"^clip .*none\.wav is not there"):
        apart.run(work)


def test_a_killed_run_goes_on(
    tiny_base: Path, data: Path, options: Options, tmp_path: Path
) -> None:
    chosen = replace(options, cache=tmp_path / "cache", metrics=("sound",), batch=1)
    words = [
        sys.executable, "-m", "plugins.musicgen.evaluate", str(tiny_base), "--data", str(data),
        "--out", str(options.out), "--cache", str(chosen.cache), "--metrics", "sound", "--batch",
        "1", "--device", "cpu",
    ]  # fmt: skip
    surroundings = os.environ | {"PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(words, env=surroundings, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not list(chosen.cache.glob("clips/*/*.wav")):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = {path: path.stat().st_mtime_ns for path in chosen.cache.glob("clips/*/*.wav")}
    assert 1 <= len(done) < 3
    assert not (options.out / "evaluation.json").exists()  # type: ignore[operator]
    found = running.evaluate([str(tiny_base)], chosen)
    assert one(found, "sound", "mono").figures["silence"].estimate.n == 3
    assert {path: path.stat().st_mtime_ns for path in done} == done


def test_what_was_rounded_is_not_taken_for_the_whole(
    tiny_base: Path, options: Options, tmp_path: Path
) -> None:
    chosen = replace(
        options, metrics=("likelihood",), limit=1, seconds=0.5, cache=tmp_path / "cache"
    )
    whole, rounded = (
        one(running.evaluate([str(tiny_base)], replace(chosen, precision=name)), "likelihood",
            "mono").figures["ce"].estimate.value
        for name in ("fp32", "bf16")
    )  # fmt: skip
    assert whole != rounded
    assert whole == pytest.approx(rounded, rel=0.01)


def test_one_clip_and_one_training_clip_are_too_few_and_no_failure(
    options: Options, tmp_path: Path
) -> None:
    data = evaluated.write_data(tmp_path / "one", {"train": 1, "valid": 1, "test": 1})
    samples, rate = soundfile.read(data / "audio/test0.flac")
    (tmp_path / "set").mkdir()
    soundfile.write(tmp_path / "set" / "test0.wav", samples, rate)
    found = running.evaluate([str(tmp_path / "set")], replace(options, data=data))
    assert not [row for row in found.results if row.state == "failed"]
    assert "needs two clips in each" in one(found, "fad", "set", "vggish").reason
    assert "one training clip" in one(found, "novelty", "set", "effnet").reason
    assert one(found, "sound", "set").figures["mel_mse"].estimate.low is None


def test_likelihood_is_what_validation_logs(
    whole: tuple[Evaluation, Path], start: Start, data: Path
) -> None:
    solver = start(f"data={data}", "dataset.batch_size=1")
    with solver.xp.enter():
        logged = solver.run_stage("evaluate", solver.common_train_valid, "evaluate")
    found = one(whole[0], "likelihood", "mono").figures
    assert set(found) <= set(logged)
    for name, figure in found.items():
        assert figure.estimate.value == pytest.approx(logged[name], rel=1e-5)


class TestBaseline:
    @pytest.fixture
    def small(self, options: Options, tmp_path: Path) -> Options:
        return replace(options, metrics=("sound",), limit=2, seconds=1.0, cache=tmp_path / "c")

    @pytest.fixture
    def experiment(self, start: Start, data: Path) -> Iterator[Any]:
        solver = start(
            f"data={data}", "adapter=lora", "optim.epochs=2", "optim.updates_per_epoch=1",
            "dataset.batch_size=1", "generate.every=null", "evaluate.every=null", "optim.lr=1e-2",
        )  # fmt: skip
        with solver.xp.enter():
            solver.run()
            yield solver

    def test_an_experiment_is_compared_to_its_base(
        self, experiment: Any, small: Options, tiny_base: Path
    ) -> None:
        sig = experiment.xp.sig
        chosen = replace(small, metrics=("likelihood", "sound"))
        found = running.evaluate([sig], chosen)
        assert found.baseline == "mono"
        assert [told.title for told in found.subjects] == ["mono", sig, REAL]
        assert len(found.subjects[1].curves["valid ce"]) == 2
        row = one(found, "likelihood", sig)
        assert row.figures["ce"].difference is not None
        assert row.figures["ce"].difference.n == 2
        assert "Training" in (small.out / "index.html").read_text()  # type: ignore[operator]
        (settings,) = [note for note in found.subjects[1].notes if note.startswith("trained with")]
        assert "adapter=lora" in settings
        assert "data=" not in settings
        flat = beside.figures(found, sig)
        assert flat["ce"] == row.figures["ce"].estimate.value
        same = running.evaluate([sig, str(tiny_base)], chosen)
        assert [told.title for told in same.subjects] == ["mono", sig, REAL]
        assert same.results == found.results

    def test_a_training_has_it_beside(self, experiment: Any, data: Path) -> None:
        settings = experiment.cfg.evaluate
        settings.fixed_generation_duration = 1
        told = {"metrics": ["likelihood", "sound"], "limit": 1, "seed": -3, "cfg": 1.5}
        settings.options = {**settings.options, **told}
        found = beside.beside(experiment)
        assert found["ce"] > 0
        assert found["silence"] == 0
        made = record.load(experiment.folder / "evaluation")
        assert (made.making.seconds, made.making.seed, made.making.cfg) == (1.0, -3, 1.5)
        assert len(made.prompts) == 1
        assert {row.metric for row in made.results} == {"likelihood", "sound"}
        assert (experiment.folder / "evaluation" / "index.html").is_file()
        experiment.cfg.data = str(data / "none")
        assert beside.beside(experiment) == {}  # and no error

    def test_listening_takes_models(
        self, experiment: Any, data: Path, tiny_base: Path, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.chdir(tmp_path)
        words = [experiment.xp.sig, str(tiny_base), "--data", str(data), "--prompts", "2",
                 "--seconds", "1", "--device", "cpu"]  # fmt: skip
        given = command._parser().parse_args(words)
        trial, folder, _ = command._prepare(given)
        assert (trial.a, trial.b) == (experiment.xp.sig, "mono")
        assert len(trial.pairs) == 2
        assert str(folder) == f"listening/{experiment.xp.sig}-vs-mono"

    def test_none_and_a_subject(self, tiny_base: Path, copies: Path, small: Options) -> None:
        given = [str(tiny_base), str(copies)]
        found = running.evaluate(given, replace(small, baseline="none"))
        assert found.baseline == ""
        assert all(f.difference is None for row in found.results for f in row.figures.values())
        found = running.evaluate(given, replace(small, baseline="copies"))
        assert [told.title for told in found.subjects] == ["copies", "mono", REAL]
        found = running.evaluate([str(copies)], replace(small, baseline=str(tiny_base)))
        assert found.baseline == "mono"

    def test_a_subject_without_clips_does_not_end_the_rest(
        self, own_base: Path, copies: Path, small: Options
    ) -> None:
        (own_base / "compression_state_dict.bin").write_bytes(b"broken")
        found = running.evaluate([str(own_base), str(copies)], small)
        assert one(found, "clips", "base").state == "failed"
        assert one(found, "sound", "copies").state == "ok"
        with pytest.raises(TrainingError):
            running.evaluate([str(own_base)], small)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{none}", "--data", "{data}"], "there is no such folder"),
        (["{data}/test", "--data", "{data}"], "neither a model nor clips"),
        (["nosuchsig", "--data", "{data}"], "no experiment with a checkpoint"),
        (["{copies}", "{copies}", "--data", "{data}"], "given twice"),
        (["{copies}", "--data", "{none}"], "there is no such folder"),
        (["{copies}", "--data", "{data}", "--metrics", "fab"], "--metrics fab: expected some of"),
        (["{copies}", "--data", "{data}", "--limit", "-1"], "--limit -1"),
        (["{copies}", "--data", "{data}", "--seconds", "0"], "--seconds 0"),
        (["{copies}", "--data", "{data}", "--reference", "{none}"], "--reference"),
    ],
)
def test_says_what_is_wrong(
    words: list[str], said: str, data: Path, copies: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    named = {"none": tmp_path / "none", "data": data, "copies": copies}
    given = [word.format(**named) for word in words]
    with pytest.raises(SystemExit) as ended:
        evaluate.main([*given, "--out", str(tmp_path / "out"), "--cache", str(tmp_path / "c")])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_command_shows_a_table(
    copies: Path, data: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(copies), "--data", str(data), "--out", str(tmp_path / "out"), "--cache",
             str(cache), "--metrics", "sound,likelihood", "--baseline", "none"]  # fmt: skip
    assert evaluate.main(words) == 0
    told = capsys.readouterr().out
    assert "repetition" in told
    assert "n=3" in told
    assert "not run: likelihood: a folder of clips predicts nothing" in told
    assert str(tmp_path / "out" / "index.html") in told.replace("\n", "")


def test_help_names_every_metric(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        evaluate.main(["--help"])
    told = capsys.readouterr().out
    assert all(f"  {metric} " in told for metric in GROUPS)
