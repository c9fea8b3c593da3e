"""Settings: each has a rule, and what is wrong is said at once, before anything is opened."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf, open_dict

from plugins.musicgen import train
from plugins.musicgen.errors import TrainingError
from plugins.musicgen.train import main
from plugins.musicgen.training import settings
from plugins.musicgen.training.settings import ELSEWHERE, RULES

Start = Callable[..., Any]
GROUPS = Path(main.full_config_path)
KINDS = [
    f"{path.parent.name}={path.stem}"
    for path in sorted(GROUPS.glob("*/*.yaml"))
    if path.parent.name != "teams"
]


@pytest.fixture(scope="module")
def plain() -> Any:
    """The configuration as it is where nothing is said."""
    return main.get_xp([]).cfg


def changed(cfg: Any, **values: Any) -> Any:
    """With other values, `__` for the dot in a name."""
    own = OmegaConf.create(OmegaConf.to_container(cfg))
    for key, value in values.items():
        with open_dict(own):
            OmegaConf.update(own, key.replace("__", "."), value, merge=False, force_add=True)
    return own


def refused(cfg: Any, **values: Any) -> str:
    with pytest.raises(TrainingError) as error:
        settings.check(changed(cfg, **values))
    return str(error.value)


def test_every_setting_has_a_rule(plain: Any) -> None:
    """One that has none would be taken whatever it is."""
    assert set(dict(settings._leaves(plain))) == set(RULES)
    assert all(OmegaConf.select(plain, key, default="lost") != "lost" for key in ELSEWHERE)


@pytest.mark.parametrize("argument", KINDS)
def test_what_comes_with_it_is_right(argument: str) -> None:
    scratch = ["solver=scratch"] if argument.startswith("size=") else []
    settings.check(main.get_xp([*scratch, argument]).cfg)


@pytest.mark.parametrize("value", [{"no": "such"}, math.nan, "", [["a"]]], ids=str)
def test_no_setting_takes_nonsense(plain: Any, value: Any) -> None:
    told = refused(plain, **{key.replace(".", "__"): value for key in RULES}).splitlines()[1:]
    assert len(told) == len(RULES)
    for line, key in zip(told, RULES, strict=True):
        assert line.strip().startswith(f"{key}={value}: expected ")


WRONG: tuple[tuple[str, Any, str], ...] = (
    ("seed", "abc", "seed=abc: expected a whole number from 0 to 4294967295, got 'abc'"),
    ("seed", -1, "seed=-1: expected a whole number from 0 to 4294967295, got -1"),
    ("solver", "train", "expected finetune or scratch, got 'train'"),
    ("device", "tpu", "expected auto, cuda or cpu, got 'tpu'"),
    ("mp_start_method", "thread", "expected fork, forkserver or spawn"),
    ("num_threads", -1, "expected a whole number from 0, got -1"),
    ("check_memory", "yes", "expected true or false, got 'yes'"),
    ("model.word_dropout", 2, "expected a number from 0 to 1, or null, got 2"),
    ("model.cfg_dropout", -0.1, "expected a number from 0 to 1, or null, got -0.1"),
    ("model.shape", {"dims": 3}, "expected {dim, num_heads, num_layers, hidden_scale}"),
    ("model.shape", {"dim": 0}, "expected {dim, num_heads, num_layers, hidden_scale}"),
    ("dataset.batch_size", 0, "expected a whole number from 1, got 0"),
    ("dataset.batch_size", 1.5, "expected a whole number from 1, got 1.5"),
    ("dataset.batch_size", True, "expected a whole number from 1, got true"),
    ("dataset.segment_duration", 0, "expected a number of seconds above 0, or null, got 0"),
    ("dataset.segment_duration", -3.0, "expected a number of seconds above 0, or null, got -3.0"),
    ("dataset.valid.num_samples", 0, "expected a whole number from 1, or null, got 0"),
    ("text.merge_text_p", 1.5, "expected a number from 0 to 1, got 1.5"),
    ("optim.epochs", 0, "expected a whole number from 1, got 0"),
    ("optim.accumulate", 0, "expected a whole number from 1, got 0"),
    ("optim.updates_per_epoch", 0, "expected a whole number from 1, or null, got 0"),
    ("optim.optimizer", "sgd", "expected adamw, adamw8bit, adam or dadam, got 'sgd'"),
    ("optim.lr", 0, "expected a number above 0, got 0"),
    ("optim.lr", -1e-4, "expected a number above 0, got -0.0001"),
    ("optim.lr", "high", "expected a number above 0, got 'high'"),
    ("optim.lr", None, "optim.lr=null: expected a number above 0, got null"),
    ("optim.max_norm", -1, "expected a number from 0, got -1"),
    ("optim.adam.betas", [0.9, 1.0], "expected two numbers from 0, below 1, got [0.9, 1.0]"),
    ("optim.adam.betas", [0.9], "expected two numbers from 0, below 1, got [0.9]"),
    ("optim.ema.decay", 5, "expected a number from 0 to 1, got 5"),
    ("optim.ema.updates", 0, "expected a whole number from 1, got 0"),
    ("schedule.lr_scheduler", "linear", "expected step, exponential, cosine, polynomial_decay"),
    ("schedule.exponential.lr_decay", 1.1, "expected a number above 0, up to 1, or null, got 1.1"),
    ("checkpoint.keep_every_states", ["models"], "expected some of best_state, xp.cfg"),
    ("generate.lm.gen_duration", 0, "expected a number of seconds above 0, or null"),
    ("generate.lm.top_p", 2, "expected a number from 0 to 1, got 2"),
    ("generate.lm.unprompted_samples", False, "expected true, got false: audiocraft makes none"),
    ("evaluate.metrics.fad", True, "expected false, got true: FAD, KL, CLAP and more are measured"),
    ("evaluate.metrics.kld", True, "execute_only=evaluate, or by python -m plugins.musicgen.evalu"),
    ("evaluate.metrics.text_consistency", True, "expected false, got true"),
    ("evaluate.metrics.chroma_cosine", True, "expected false, got true"),
    ("execute_only", "train", "expected valid, evaluate or generate, or null"),
    ("logging.level", "loud", "expected DEBUG, INFO, WARNING, ERROR or CRITICAL"),
    ("cache.path", "/tmp", "expected null, got '/tmp': the token cache of this plugin"),
    ("fsdp.use", True, "expected false, got true: the model is not cut over GPUs"),
    ("profiler.enabled", True, "expected false, got true"),
    ("deadlock.use", True, "expected false, got true"),
    ("optim.lrr", 1, "optim.lrr=1: there is no such setting; did you mean optim.lr?"),
    ("adapter.rank", 0, "adapter.rank is 0, expected a whole number from 1"),
    ("adapter", 3, "adapter=3: expected lora, head or none"),
)


@pytest.mark.parametrize(("key", "value", "message"), WRONG)
def test_a_wrong_value(plain: Any, key: str, value: Any, message: str) -> None:
    told = refused(plain, **{key.replace(".", "__"): value})
    assert message in told
    assert told.startswith(key)
    assert "\n" not in told


def test_all_at_once(plain: Any) -> None:
    told = refused(plain, optim__lr=-1, seed="abc", optim__foo=3, adapter__alpha=0).splitlines()
    assert told[0] == "4 settings are wrong:"
    assert [line.split("=")[0].split(" is")[0].strip() for line in told[1:]] == [
        "seed",
        "optim.lr",
        "optim.foo",
        "adapter.alpha",
    ]


def test_a_setting_or_a_section_that_is_gone(plain: Any) -> None:
    cfg = changed(plain)
    with open_dict(cfg):
        del cfg.optim.lr
    assert refused(cfg) == "optim.lr: missing; expected a number above 0"
    told = refused(plain, optim__adam=3).splitlines()
    assert "  optim.adam.eps: missing; expected a number above 0" in told
    assert "  optim.adam=3: there is no such setting; did you mean optim.adam.eps?" in told


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"schedule__lr_scheduler": "step"},
            "expected schedule.step.step_size and schedule.step.g",
        ),
        ({"schedule__lr_scheduler": "exponential"}, "expected schedule.exponential.lr_decay"),
        ({"schedule__lr_scheduler": "inverse_sqrt"}, "expected schedule.inverse_sqrt.warmup"),
        ({"dataset__train__shuffle": False}, "dataset.train.shuffle=false: expected dataset.train"),
        ({"dataset__train__sample_on_weight": True}, "expected dataset.train.permutation_on_files"),
        (
            {
                "dataset__train__sample_on_weight": True,
                "dataset__train__permutation_on_files": False,
                "dataset__train__shuffle": False,
            },
            "expected dataset.train.shuffle=true",
        ),
        ({"model__pattern": "flatten"}, "model.pattern=flatten: expected null where a model goes"),
        ({"model__shape": {"dim": 15}}, "model.shape.dim=15: expected an even number"),
        ({"model__shape": {"dim": 16, "num_heads": 3}}, "and a multiple of num_heads"),
    ],
)
def test_what_does_not_go_together(plain: Any, values: dict[str, Any], message: str) -> None:
    assert message in refused(plain, **values)


def test_a_batch_is_shared_out_evenly(plain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("RANK", "0")
    told = refused(plain, dataset__batch_size=4)
    assert told == (
        "dataset.batch_size=4: expected a multiple of the 3 processes of this run, got 4"
    )
    settings.check(changed(plain, dataset__batch_size=6))


class TestStart:
    def test_it_comes_before_the_data_and_the_machine(self, start: Start, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match=r"3 settings are wrong:\n  seed=abc"):
            start("optim.epochs=0", "device=tpu", "seed=abc")

    def test_it_comes_before_anything_is_begun(
        self, plain: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as ended:
            train.run(changed(plain, mp_start_method="thread", num_threads=-2))
        assert ended.value.code == 2
        told = capsys.readouterr().err.splitlines()
        assert told[0] == "error: 2 settings are wrong:"
        assert len(told) == 3

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["generate.lm.gen_duration=0.39"], r"gen_duration=0.39: expected 0.4 s or more, over"),
            (["dataset.segment_duration=0.3"], "generate.lm.gen_duration=0.3: expected 0.4 s"),
            (
                ["dataset.segment_duration=0.3", "generate.lm.gen_duration=1"],
                "dataset.segment_duration=0.3: expected 0.4 s",
            ),
            (["generate.lm.prompted_samples=true"], "prompt_duration=0.25: expected 0.4 s or more"),
            (
                ["generate.lm.prompted_samples=true", "generate.lm.gen_duration=0.25"],
                "gen_duration=0.25: expected more than the 0.25 s of a prompt",
            ),
            (
                ["generate.lm.prompted_samples=true", "generate.lm.prompt_duration=1"],
                "gen_duration=1: expected more than the 1 s of a prompt",
            ),
            (
                [
                    "generate.lm.prompted_samples=true",
                    "generate.lm.prompt_duration=1",
                    "generate.lm.gen_duration=2",
                ],
                "dataset.segment_duration=1: expected more than the 1 s of a prompt",
            ),
        ],
    )
    def test_samples_that_cannot_be(self, start: Start, options: list[str], message: str) -> None:
        with pytest.raises(TrainingError, match=message):
            start(*options)

    def test_the_shortest_samples_that_can_be(self, start: Start) -> None:
        """A prompt of just one block of loudness; and less, where loudness is not measured."""
        short = ("optim.epochs=1", "dataset.generate.num_samples=1", "optim.updates_per_epoch=1")
        prompted = (
            "generate.lm.prompted_samples=true",
            "generate.lm.prompt_duration=0.4",
            "generate.lm.gen_duration=0.44",
        )
        for options, count in (
            (prompted, 2),
            (("generate.lm.gen_duration=0.1", "generate.audio.strategy=peak"), 1),
        ):
            solver = start(*short, *options, f"label={count}{len(options)}")
            with solver.xp.enter():
                solver.run()
            assert len(list((solver.folder / "samples" / "1").glob("*.wav"))) == count
