"""The solver: the same arithmetic as upstream's, exact accumulation, and going on after a kill."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf, open_dict
from torch.amp.grad_scaler import GradScaler

from plugins.musicgen import train
from plugins.musicgen.errors import TrainingError
from plugins.musicgen.training import steps

Start = Callable[..., Any]


def stock_solver(ours: Any) -> Any:
    """audiocraft's own solver with our solver's configuration and weights."""
    from audiocraft.solvers.musicgen import MusicGenSolver

    cfg = OmegaConf.create(OmegaConf.to_container(ours.cfg))
    with open_dict(cfg):
        cfg.compression_model_checkpoint = f"//pretrained/{cfg.base}"
        cfg.dataset.update({"num_samples": None, "shuffle": False, "return_info": True})
        cfg.dataset.train.num_samples = 8
        for stage in ("valid", "evaluate", "generate"):
            cfg.dataset[stage].num_samples = 1
    with ours.xp.enter():
        solver = MusicGenSolver(cfg)
    solver.model.load_state_dict(ours.model.state_dict())
    return solver


def one_batch(solver: Any) -> Any:
    loader = solver.loader("train")
    loader.dataset.current_epoch = 1
    return next(iter(loader))


def seed_all(solver: Any, seed: int) -> None:
    random.seed(seed)
    torch.manual_seed(seed)
    solver.model.cfg_dropout.rng.manual_seed(seed)
    solver.model.att_dropout.rng.manual_seed(seed)


def gradients(solver: Any) -> dict[str, torch.Tensor]:
    return {n: p.grad.clone() for n, p in solver.model.named_parameters() if p.grad is not None}


def watch(solver: Any, kept: dict[str, torch.Tensor]) -> Callable[..., None]:
    """Keeps the gradients an optimizer is about to use."""
    return lambda *_: kept.update(gradients(solver))


def assert_close(got: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    """Within 1e-5 of the largest value of each tensor."""
    assert got.keys() == wanted.keys()
    for name, value in wanted.items():
        scale = max(float(value.abs().max()), 1e-8)
        assert float((got[name] - value).abs().max()) <= 1e-5 * scale, name


class TestStep:
    def test_loss_gradients_and_update_equal_upstreams(self, start: Start) -> None:
        ours = start("dataset.batch_size=4", "optim.lr=1e-2", "schedule.lr_scheduler=null")
        theirs = stock_solver(ours)
        batch = one_batch(ours)
        theirs._current_stage = "train"
        before = {name: value.clone() for name, value in ours.model.state_dict().items()}
        found = []
        for solver, step in (
            (ours, lambda: ours.update(batch)),
            (theirs, lambda: theirs.run_step(0, batch, {})),
        ):
            kept: dict[str, torch.Tensor] = {}
            solver.optimizer.register_step_pre_hook(watch(solver, kept))
            solver.model.train()
            seed_all(solver, 6)
            found.append((step(), kept))
        (got, got_gradients), (wanted, wanted_gradients) = found
        for name in ("ce", "ce_q1", "ce_q2", "ce_q3", "ce_q4", "grad_norm"):
            assert got[name].item() == pytest.approx(wanted[name].item(), rel=1e-5), name
        assert_close(got_gradients, wanted_gradients)
        assert any(not torch.equal(before[name], value) for name, value in wanted_gradients.items())
        for name, value in theirs.model.state_dict().items():
            # Adam divides by the gradient's own size: where that is near nothing, so is the hold.
            assert torch.allclose(ours.model.state_dict()[name], value, atol=2e-4), name

    @pytest.mark.parametrize(
        "pattern",
        [
            {"modeling": "delay", "delay": {"delays": [0, 1, 2, 3]}},
            {"modeling": "delay", "delay": {"delays": [0, 0, 1, 3], "flatten_first": 2}},
            {"modeling": "parallel"},
            {"modeling": "unroll", "unroll": {"flattening": [0, 1, 1, 2]}},
            {"modeling": "coarse_first", "coarse_first": {"delays": [0, 0, 0]}},
        ],
    )
    def test_every_pattern_pairs_the_same_codes(self, start: Start, pattern: Any) -> None:
        from audiocraft.models import builders
        from audiocraft.solvers.musicgen import MusicGenSolver

        solver = start()
        model = solver.model.eval()
        config = OmegaConf.create(pattern)
        model.pattern_provider = builders.get_codebooks_pattern_provider(4, config)
        codes = torch.randint(0, model.card, (2, 4, 12))
        texts = [None, "a low tone"]
        tokenized = {
            "description": model.condition_provider.conditioners.description.tokenize(texts)
        }
        conditions = model.condition_provider(tokenized)
        with torch.no_grad():
            inputs, targets = steps.lay_out(model, codes)
            sums = steps.surprise(model, steps.hidden(model, inputs, conditions), targets)
            got = sums / steps.counted(targets, model.special_token_id)
            out = model.compute_predictions(codes, [], conditions)
            _, wanted = MusicGenSolver._compute_cross_entropy(solver, out.logits, codes, out.mask)
        assert torch.allclose(got, torch.stack(wanted), rtol=1e-5)

    @pytest.mark.parametrize("padding", ["false", "true"])
    def test_four_parts_of_two_are_one_batch_of_eight(self, start: Start, padding: str) -> None:
        same = ("model.word_dropout=0", f"tokens.padding_with_special_token={padding}")
        whole = start("dataset.batch_size=8", *same)
        cut = start("dataset.batch_size=2", "optim.accumulate=4", *same)
        batch = one_batch(whole)
        batch[1][0].n_frames //= 2  # one clip has less to learn from
        for solver in (whole, cut):
            seed_all(solver, 7)
            solver.model.train()
        assert torch.allclose(whole.gradients(batch), cut.gradients(batch), rtol=1e-5)
        assert_close(gradients(cut), gradients(whole))

    def test_a_step_that_overflows_is_skipped_and_counted(self, start: Start) -> None:
        """As with fp16 on a T4."""
        solver = start("dataset.batch_size=8", "schedule.lr_scheduler=null")
        solver.scaler = GradScaler("cpu", init_scale=2048.0)
        overflow = solver.model.emb[0].weight.register_hook(lambda gradient: gradient * torch.inf)
        solver.model.train()
        before = solver.model.linears[0].weight.detach().clone()
        lost = solver.update(one_batch(solver))
        assert float(lost["skipped"]) == 1.0
        assert float(lost["grad_norm"]) == 0.0
        assert torch.equal(solver.model.linears[0].weight, before)
        overflow.remove()
        good = solver.update(one_batch(solver))
        assert float(good["skipped"]) == 0.0
        assert float(good["grad_scale"]) == 1024.0
        assert not torch.equal(solver.model.linears[0].weight, before)

    def test_half_precision_is_near_single(self, start: Start) -> None:
        found = []
        for precision in ("fp32", "bf16"):
            solver = start("dataset.batch_size=4", f"precision={precision}")
            solver.model.train()
            solver.seed_step()
            found.append(solver.gradients(one_batch(solver)))
        assert not torch.equal(*found)
        assert torch.allclose(*found, rtol=0.02)

    def test_nonsense_ends_the_run(self, start: Start) -> None:
        solver = start("optim.epochs=1")
        solver.model.linears[0].weight.data.fill_(float("nan"))
        with pytest.raises(TrainingError, match=r"the loss is nan; none was kept: lower optim\."):
            solver.run_stage("train", solver.train)
        assert not solver.checkpoint_path().exists()

    @pytest.mark.parametrize("where", ["a weight", "an average", "the loss"])
    def test_what_is_lost_is_not_kept(self, start: Start, where: str) -> None:
        """The log looks at the end of the epoch, the checkpoints are written before."""
        options = ("optim.epochs=1", "optim.lr=1e-2", "optim.ema.use=true", "generate.every=null")
        options += ("checkpoint.every_updates=1", "logging.log_updates=1")
        solver = start(*options)
        real = solver.update

        def update(batch: Any) -> Any:
            metrics = real(batch)
            if solver.progress.update == 2:  # the third of four
                if where == "a weight":
                    solver.model.linears[1].weight.data[0, 0] = float("inf")
                elif where == "an average":
                    solver.ema.shadow["linears.1.weight"][0, 0] = float("nan")
                else:
                    metrics["ce"] = metrics["ce"] * float("nan")
            return metrics

        solver.update = update
        what = "the loss is nan" if where == "the loss" else "a weight is no finite number"
        match = rf"epoch 1, update 3: {what}; the last checkpoint is good: lower optim\.lr"
        with solver.xp.enter(), pytest.raises(TrainingError, match=match):
            solver.run()
        state = torch.load(solver.checkpoint_path(), weights_only=True)
        assert state["progress"]["update"] == 2
        kept = [*state["model"].values(), *state["ema"]["state"].values()]
        assert all(bool(one.isfinite().all()) for one in kept)
        again = start(*options)
        with again.xp.enter():
            again.run()
        assert again.history[0]["train"]["ce"] < 5

    def test_a_skipped_step_is_no_reason_to_keep_nothing(self, start: Start) -> None:
        """In fp16 a loss may be infinite, and the step is skipped: the weights are what counts."""
        solver = start()
        solver.scaler = GradScaler("cpu")
        solver.progress.add({"ce": torch.tensor(float("inf"))})
        solver.save_checkpoints()
        assert solver.checkpoint_path().exists()
        solver.model.linears[0].weight.data[0, 0] = float("nan")
        with pytest.raises(TrainingError, match="a weight is no finite number; the last checkp"):
            solver.save_checkpoints()

    def test_a_batch_has_as_many_clips_as_it_accumulates(self, start: Start) -> None:
        solver = start("dataset.batch_size=2", "optim.accumulate=2")
        assert len(one_batch(solver)[1]) == 4
        assert solver.train_updates_per_epoch == 2


class Killed:
    """Ends a run before its nth update."""

    def __init__(self, update: Callable[[Any], Any], last: int) -> None:
        self.update = update
        self.left = last

    def __call__(self, batch: Any) -> Any:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return self.update(batch)


class TestRun:
    OPTIONS = (
        "optim.epochs=2",
        "optim.lr=1e-2",
        "schedule.cosine.warmup=2",
        "checkpoint.every_updates=1",
        "optim.ema.use=true",
        "dataset.generate.num_samples=1",
        "generate.every=null",
        "generate.lm.gen_duration=0.5",
    )
    SHORT = ("optim.epochs=1", *OPTIONS[1:])

    def run(self, solver: Any) -> None:
        with solver.xp.enter():
            solver.run()

    def test_an_epoch_trains_validates_evaluates_and_generates(self, start: Start) -> None:
        solver = start(*self.OPTIONS)
        self.run(solver)
        first, last = json.loads(solver.xp.history.read_text())
        assert first.keys() == {"train", "valid"}
        assert last.keys() == {"train", "valid", "evaluate", "generate"}
        assert last["train"]["ce"] < first["train"]["ce"]
        assert last["train"]["ppl"] == pytest.approx(2.718281828 ** last["train"]["ce"], rel=1e-4)
        assert len(list((solver.folder / "samples" / "2").glob("*.wav"))) == 1

    def test_goes_on_as_if_nothing_had_been(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In one process, interrupted; `test_kill_training` has real ones, and SIGKILL."""
        whole = start(*self.SHORT, "label=whole")
        self.run(whole)
        killed = start(*self.SHORT, "label=killed")
        monkeypatch.setattr(killed, "update", Killed(killed.update, 2))
        with pytest.raises(KeyboardInterrupt):
            self.run(killed)
        resumed = start(*self.SHORT, "label=killed")
        self.run(resumed)
        (got,), (wanted,) = (json.loads(one.xp.history.read_text()) for one in (resumed, whole))
        for stage in ("train", "valid"):
            assert got[stage]["ce"] == pytest.approx(wanted[stage]["ce"], rel=1e-6)
        for name, value in whole.model.state_dict().items():
            assert torch.allclose(resumed.model.state_dict()[name], value, atol=1e-6), name
        for name, value in whole.ema.shadow.items():
            assert torch.allclose(resumed.ema.shadow[name], value, atol=1e-6), name

    def test_a_run_in_half_precision_goes_on_where_no_scaler_is_needed(self, start: Start) -> None:
        """As from a T4 to a GPU that has bf16; the experiment is the same one."""
        run = start(*self.SHORT)
        self.run(run)
        path = run.checkpoint_path()
        state = torch.load(path, weights_only=True)
        state["scaler"] = torch.amp.GradScaler("cpu").state_dict()
        torch.save(state, path)
        again = start(*self.SHORT)
        with again.xp.enter():
            assert again.load_checkpoints() is not None
        for name, value in run.model.state_dict().items():
            assert torch.equal(again.model.state_dict()[name], value), name

    def test_what_was_never_validated_is_not_the_base(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        killed = start(*self.OPTIONS)
        began = {name: value.clone() for name, value in killed.model.state_dict().items()}
        monkeypatch.setattr(killed, "update", Killed(killed.update, 3))
        with pytest.raises(KeyboardInterrupt):
            self.run(killed)
        found = train.from_sig(killed.xp.sig, device="cpu").model.state_dict()
        assert any(not torch.equal(found[name], value) for name, value in began.items())

    def test_a_new_model_learns_and_another_goes_on_from_it(self, start: Start) -> None:
        shape = "model.shape={dim: 16, num_heads: 2, num_layers: 1, hidden_scale: 2}"
        first = start("solver=scratch", shape, *self.SHORT)
        assert len(first.model.transformer.layers) == 1
        self.run(first)
        second = start(f"base=//sig/{first.xp.sig}")
        assert second.model.dim == 16
        for name, value in first.best_state.state_dict()["model"].items():
            assert torch.equal(second.model.state_dict()[name], value), name

    @pytest.mark.parametrize(
        ("pattern", "length", "counted"),
        [
            ("delay", 25, [25, 24, 23, 22]),  # what the last steps of a crop would say is cut
            ("parallel", 25, [25, 25, 25, 25]),
            ("flatten", 100, [25, 25, 25, 25]),
        ],
    )
    def test_an_order_of_the_codebooks(
        self, start: Start, pattern: str, length: int, counted: list[int]
    ) -> None:
        """Trains, generates, and what goes on from it knows its order."""
        shape = "model.shape={dim: 16, num_heads: 2, num_layers: 1, hidden_scale: 2}"
        made = ("solver=scratch", shape, f"model.pattern={pattern}", "optim.epochs=1")
        first = start(*made, *self.OPTIONS[1:])
        inputs, targets = steps.lay_out(first.model, torch.zeros(1, 4, 25, dtype=torch.long))
        assert inputs.shape[-1] == length
        assert (targets != first.model.special_token_id).sum(-1).tolist() == [counted]
        self.run(first)
        assert len(list((first.folder / "samples" / "1").glob("*.wav"))) == 1
        second = start(f"base=//sig/{first.xp.sig}")
        again, _ = steps.lay_out(second.model, torch.zeros(1, 4, 25, dtype=torch.long))
        assert torch.equal(again, inputs)

    def test_one_stage_by_itself(self, start: Start) -> None:
        with pytest.raises(TrainingError, match="has no checkpoint yet"):
            train.run_one(start(*self.SHORT), "valid")
        with pytest.raises(TrainingError, match="expected valid, evaluate or generate"):
            train.run_one(start(*self.SHORT), "train")
        solver = start(*self.SHORT)
        self.run(solver)
        for sample in solver.folder.glob("samples/*/*.wav"):
            sample.unlink()
        alone = start(*self.SHORT, "execute_only=generate")
        assert alone.xp.sig == solver.xp.sig
        with alone.xp.enter():
            train.run_one(alone, "generate")
        assert len(list(solver.folder.glob("samples/2/*.wav"))) == 1

    def test_a_broken_checkpoint_is_named(self, start: Start) -> None:
        solver = start()
        solver.checkpoint_path().write_bytes(b"PK")
        with pytest.raises(TrainingError, match=r"checkpoint .*checkpoint\.th: .*broken"):
            self.run(start())

    def test_a_checkpoint_is_plain_and_whole(self, start: Start) -> None:
        solver = start(*self.SHORT)
        self.run(solver)
        state = torch.load(solver.checkpoint_path(), weights_only=True)
        assert OmegaConf.create(state["xp.cfg"]).transformer_lm.card == solver.model.card
        assert state["best_state"]["model"].keys() == solver.model.state_dict().keys()
        assert not list(solver.folder.glob("*.tmp"))

    def test_checkpoints_to_keep(self, start: Start) -> None:
        keep = ("optim.epochs=3", "checkpoint.save_every=1", "checkpoint.keep_last=2")
        solver = start(*self.OPTIONS[1:], *keep)
        self.run(solver)
        found = sorted(path.name for path in solver.folder.glob("checkpoint*"))
        assert found == ["checkpoint.th", "checkpoint_2.th", "checkpoint_3.th"]
        kept = torch.load(solver.folder / "checkpoint_3.th", weights_only=True)
        assert kept.keys() == {"best_state", "xp.cfg", "xp.sig"}

    def test_an_average_of_all_steps_is_what_is_validated(self, start: Start) -> None:
        solver = start(*self.OPTIONS, "optim.ema.decay=1.0")
        seen = []
        real = solver.update

        def watched(batch: Any) -> Any:
            metrics = real(batch)
            seen.append(solver.model.linears[0].weight.detach().clone())
            return metrics

        solver.update = watched
        with solver.xp.enter():
            solver.run_stage("train", solver.train)
        with solver.swap_ema_state():
            mean = torch.stack(seen).mean(0)
            assert torch.allclose(solver.model.linears[0].weight, mean, atol=1e-5)
        assert torch.equal(solver.model.linears[0].weight, seen[-1])
