"""The training: audiocraft's MusicGenSolver, from a base model, on a curated dataset.

Of upstream's solver remain the stages of an epoch, sampling, metrics and logs. Corrected here:

- A step waits for the GPU some twenty times and cannot accumulate gradients: `update`, `steps`.
- A run killed within an epoch starts it again with other random numbers, and its checkpoint can
  only be loaded by running code: `train`, `checkpoint`.
- Validation averages over batches, so clips of a small last batch count more: `common_train_valid`.
"""

import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from .. import curves
from ..dataset import clips, data
from ..errors import TrainingError
from ..evaluation.beside import beside
from ..fitting import frozen, machine, recompute
from ..fitting.compiling import Compiled
from ..mended import upstream
from ..models import base
from . import checkpoint, optimizers, planning, reporting, schedules, steps
from .ema import Average

upstream.mend()

import torch  # noqa: E402  after mend()
from audiocraft.solvers.musicgen import MusicGenSolver  # noqa: E402
from audiocraft.utils.checkpoint import flush_stale_checkpoints  # noqa: E402
from dora.distrib import rank, world_size  # noqa: E402
from flashy import distrib  # noqa: E402
from omegaconf import OmegaConf  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.amp.grad_scaler import GradScaler  # noqa: E402

from ..adapters.adapter import attach  # noqa: E402
from ..adapters.options import parse_options  # noqa: E402
from ..fitting.textcache import remember  # noqa: E402


class FinetuneSolver(MusicGenSolver):
    """Goes on training a model that exists.

    Attributes:
        origin: The base.
        adapter: What is trained beside the frozen model; None where the model itself is.
        trained: The parameters that are trained.
        progress: How far the epoch is.
        text: The configuration as YAML, for checkpoints.
    """

    def __init__(self, cfg: Any, origin: base.Base, *, idle: bool = False) -> None:
        """Builds everything; nothing is restored.

        Args:
            cfg: The configuration, settled.
            origin: The base.
            idle: Without data: only for what was trained.
        """
        self.origin = base.reshaped(origin, cfg.model.shape, cfg.codebooks_pattern)
        self.idle = idle
        self.progress = checkpoint.Progress()
        self.text = OmegaConf.to_yaml(cfg)
        reporting.check(cfg)
        with machine.enough(cfg):
            super().__init__(cfg)
        # Upstream asks torch for the 250 likeliest of however many codes there are.
        kept = min(self.generation_params["top_k"], self.model.card)
        self.generation_params["top_k"] = kept

    def build_dataloaders(self) -> None:
        """The loaders of all stages."""
        self.dataloaders = {} if self.idle else data.loaders(self.cfg, rank(), world_size())

    def build_model(self) -> None:
        """The base's models, and what trains them."""
        cfg = self.cfg
        self.compression_model = base.compression_model(cfg, self.origin)
        self.model = frozen.language_model(cfg, self.origin)
        self.register_stateful("model")
        self.adapter = attach(self.model, parse_options(cfg.adapter)) if cfg.adapter.kind else None
        if self.adapter is not None:  # then all that a checkpoint needs of the model
            self.model.to(self.device)
            self.stateful.sources["model"] = self.adapter
        remember(self.model, cfg.text_cache.mib * 2**20, lambda: self.autocast)
        recompute.apply(cfg, self.model, self.compression_model)
        self.trained = [one for one in self.model.parameters() if one.requires_grad]
        self.compiled = Compiled(self.model, cfg.compile, self.device) if cfg.compile.use else None
        self.optimizer = optimizers.build(self.model, cfg.optim, self.device)
        self.lr_scheduler = schedules.build(self.optimizer, cfg.schedule, self.total_updates)
        self.register_stateful("optimizer", "lr_scheduler", "progress")
        self.best_state.dtype = None  # upstream rounds to half precision what was learnt
        self.register_best_state("model")
        self.autocast_dtype = getattr(torch, cfg.autocast_dtype)
        self.scaler: GradScaler | None = None  # type: ignore[assignment]  # upstream's is older
        if cfg.autocast and self.autocast_dtype is torch.float16:
            self.scaler = GradScaler(self.device)
            self.register_stateful("scaler")

    def initialize_ema(self) -> None:
        """A moving average of what is trained, if it is asked for."""
        ema = self.cfg.optim.ema
        self.ema = Average(self.model, ema.decay, ema.device) if ema.use else None

    def swap_ema_state(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """The model has the averages for a while, if there are any."""
        return nullcontext() if self.ema is None else self.ema.swapped()

    def plan(self, source: data.Source, splits: dict[str, data.Split]) -> Iterator[str]:
        """What will happen, a line each."""
        return planning.lines(self, source, splits)

    def fill_cache(self) -> None:
        """Encodes what the token cache lacks, see `clips.fill_cache`."""
        hears = "self_wav" in self.model.condition_provider.conditioners
        found = {stage: loader.dataset for stage, loader in self.dataloaders.items()}
        clips.fill_cache(self.cfg, found, self.compression_model, hears=hears, quiet=rank() > 0)

    def run(self) -> None:
        """The whole training."""
        with machine.enough(self.cfg):
            self.fill_cache()
            super().run()
        self.logger.info(planning.ending(self))

    def run_one_stage(self, stage_name: str) -> None:
        """One stage, with the best weights so far."""
        with machine.enough(self.cfg):
            self.fill_cache()
            super().run_one_stage(stage_name)

    # One step.

    def prepare(self, batch: Any) -> tuple[Tensor, Any]:
        """Codes [B, K, T] of a batch, and what the conditioners made of its texts.

        Texts are padded and dropped as one batch, however many parts it is computed in.
        """
        sound, infos = batch
        attributes = [info.to_condition_attributes() for info in infos]
        used = self.model.condition_provider.conditioners
        for one in attributes:  # else every dropout copies sound that nobody hears
            one.wav = {name: wave for name, wave in one.wav.items() if name in used}
        attributes = self.model.att_dropout(self.model.cfg_dropout(attributes))
        tokenized = self.model.condition_provider.tokenize(attributes)
        if self.model.training and distrib.is_distributed():
            tokenized = steps.widen(tokenized, self.device)
        return self.codes(sound, infos), tokenized

    @torch.no_grad()
    def codes(self, sound: Tensor, infos: list[Any]) -> Tensor:
        """Codes [B, K, T] of sound [B, C, samples]: from the cache, or by the compression model."""
        if infos[0].audio_tokens is not None:
            stored = torch.stack([info.audio_tokens for info in infos])
            stored = stored.pin_memory() if self.device == "cuda" else stored
            codes = stored.to(self.device, non_blocking=True).long()
        else:
            codes = self.encode(sound)
        if self.cfg.tokens.padding_with_special_token:
            rate = self.compression_model.frame_rate
            for row, info in enumerate(infos):
                codes[row, :, int(info.n_frames / info.sample_rate * rate) :] = self.model.card
        return codes

    def encode(self, sound: Tensor) -> Tensor:
        """Codes [B, K, T] of sound [B, C, samples], by the compression model."""
        found = []
        for part in steps.parts(len(sound), self.cfg.optim.accumulate):
            moved = sound[part].to(self.device, non_blocking=True)
            codes, scale = self.compression_model.encode(moved)
            if scale is not None:
                raise TrainingError(f"base={self.origin.name}: its compression model scales sound")
            found.append(codes)
        return torch.cat(found)

    def nats(self, inputs: Tensor, targets: Tensor, tokenized: Any) -> Tensor:
        """Summed cross entropy of each codebook: [K]; see `steps`."""
        with self.autocast:
            conditions = self.model.condition_provider(tokenized)
            out = steps.hidden(self.model, inputs, conditions)
            return steps.surprise(self.model, out, targets)

    def gradients(self, batch: Any) -> Tensor:
        """Leaves the gradients of a batch, in as many parts as `optim.accumulate` says.

        Returns:
            Mean cross entropy of each codebook, in nats: [K].
        """
        codes, tokenized = self.prepare(batch)
        inputs, targets = steps.lay_out(self.model, codes)
        count = steps.counted(targets, self.model.special_token_id)
        if self.cfg.tokens.padding_with_special_token and distrib.is_distributed():
            distrib.all_reduce(count)
            count /= world_size()
        count = count.clamp(min=1)
        cuts = steps.parts(len(codes), self.cfg.optim.accumulate)
        total = torch.zeros_like(count)
        eager = self.cfg.optim.eager_sync and len(cuts) == 1
        sync = distrib.eager_sync_gradients(self.trained) if eager else nullcontext()
        compiled = nullcontext() if self.compiled is None else self.compiled.used()
        with sync, compiled:
            for cut in cuts:
                part = steps.rows(tokenized, cut) if len(cuts) > 1 else tokenized
                sums = self.nats(inputs[cut], targets[cut], part)
                loss = (sums / count).mean()
                (loss if self.scaler is None else self.scaler.scale(loss)).backward()
                total += sums.detach()
        if not eager:
            distrib.sync_gradients(self.trained)
        return total / count

    def update(self, batch: Any) -> dict[str, Any]:
        """One update of the parameters. Returns its metrics, which nobody waits for."""
        rate = self.optimizer.param_groups[0]["lr"]
        entropies = self.gradients(batch)
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        metrics: dict[str, Any] = {"lr": rate}
        metrics["grad_norm"] = steps.clip(self.trained, self.cfg.optim.max_norm)
        if self.scaler is None:
            self.optimizer.step()
        else:
            scale: Any = self.scaler._scale  # get_scale() would wait for the GPU
            metrics["grad_scale"] = scale.clone()
            self.scaler.step(self.optimizer)
            self.scaler.update()
            metrics["skipped"] = (scale < metrics["grad_scale"]).float().squeeze()
        if self.lr_scheduler:
            self.lr_scheduler.step()
        self.optimizer.zero_grad(set_to_none=True)
        return metrics | reporting.by_codebook(entropies)

    # Stages.

    def loader(self, stage: str) -> Any:
        """The loader of a stage, see `data.loaders`."""
        return self.dataloaders[stage]

    def train(self) -> dict[str, float]:
        """An epoch of training, or what is left of it."""
        progress, total = self.progress, self.train_updates_per_epoch
        loader = self.loader("train")
        progress.begin(self.epoch)
        loader.dataset.current_epoch = self.epoch
        clips = loader.batch_size * world_size()
        loader.sampler.skip = progress.update * clips
        self.model.train()
        clock = planning.Clock(clips)
        every = max(1, total // max(1, self.log_updates))
        saved = self.cfg.checkpoint.every_updates
        for batch in clock.timed(loader if progress.update < total else ()):
            self.seed_step()
            metrics = self.update(batch)
            progress.add(metrics)
            if self.ema is not None and progress.update % self.cfg.optim.ema.updates == 0:
                self.ema.step()
            if progress.update % every == 0:
                reporting.tell_step(self, *progress.told(), clock)
            if saved and progress.update % saved == 0 and progress.update < total:
                self.save_checkpoints()
        means = {name: float(value) / progress.update for name, value in progress.sums.items()}
        if "skipped" in means:
            means["skipped"] *= progress.update
        means = distrib.average_metrics(reporting.with_perplexity(means))
        if clock.batches:
            self.save_checkpoints()
        return {**means, **clock.metrics()}

    def seed_step(self) -> None:
        """Makes what is random in this step follow from its place; word dropout draws from random.

        Processes that train together drop the same texts, as one process with all clips would.
        """
        seed = steps.seed_of(self.cfg.seed, self.epoch, self.progress.update)
        self.model.cfg_dropout.rng.manual_seed(seed)
        self.model.att_dropout.rng.manual_seed(seed)
        random.seed(seed + rank())
        torch.manual_seed(seed + rank())

    def common_train_valid(self, dataset_split: str, **kwargs: Any) -> dict[str, float]:
        """Mean cross entropy over a split; each target counts once, whatever its batch."""
        self.model.eval()
        loader = self.loader(dataset_split)
        total = torch.zeros(2, self.model.num_codebooks, device=self.device)
        progress = self.log_progress(
            self.current_stage, loader, total=len(loader), updates=self.log_updates
        )
        with torch.no_grad():
            for batch in progress:
                codes, tokenized = self.prepare(batch)
                inputs, targets = steps.lay_out(self.model, codes)
                total[0] += self.nats(inputs, targets, tokenized)
                total[1] += steps.counted(targets, self.model.special_token_id)
        distrib.all_reduce(total)
        means = {
            name: float(value) for name, value in reporting.by_codebook(total[0] / total[1]).items()
        }
        return reporting.with_perplexity(means)

    def evaluate(self) -> dict[str, float]:
        """Cross entropy over the test split; with execute_only=evaluate all there is to measure."""
        metrics: dict[str, float] = super().evaluate()
        return beside(self) | metrics if self.cfg.execute_only == "evaluate" else metrics

    def generate(self) -> dict[str, float]:
        """Samples, as upstream makes them, also for TensorBoard and wandb."""
        metrics: dict[str, float] = super().generate()
        if distrib.is_rank_zero():
            reporting.log_samples(self, self.folder / self.cfg.generate.path / str(self.epoch))
        return metrics

    def get_formatter(self, stage_name: str) -> Any:
        """How metrics are written in the log."""
        return reporting.formatter()

    def commit(self, save_checkpoints: bool = True) -> None:
        """Ends an epoch: history, curves, checkpoint.

        The checkpoint comes last: killed before, a run ends this epoch once more, all of it.
        """
        self.history.append(self._pending_metrics)
        if distrib.is_rank_zero():
            self.xp.link.update_history(self.history)
            try:
                curves.redraw(self.folder)
            except Exception as error:  # a picture must not end a training
                self.logger.warning("No curves were drawn: %r", error)
        if save_checkpoints:
            self.save_checkpoints()
        self._start_epoch()

    # Checkpoints.

    def state_dict(self) -> dict[str, Any]:
        """All of a run, in plain values and tensors: loading it runs no code."""
        state = super().state_dict()
        state["xp.cfg"] = self.text
        return state

    def save_checkpoints(self) -> None:
        """Writes the checkpoint of this moment, and one to keep where an epoch wants that.

        Raises:
            TrainingError: There is nothing worth keeping, see `checkpoint.check_finite`.
        """
        if self.progress.sums:
            self.progress.share()
        checkpoint.check_finite(self)
        if not distrib.is_rank_zero():
            return
        reporting.flush(self)  # what a checkpoint has behind it is not told again
        state, options = self.state_dict(), self.cfg.checkpoint
        done = len(self.history)
        if options.save_every and done % options.save_every == 0 and self.progress.epoch == done:
            kept = {key: state[key] for key in options.keep_every_states or state if key in state}
            checkpoint.save(kept, self.epoch_checkpoint_path(done))
            flush_stale_checkpoints(self.checkpoint_path(), options.keep_last)
        checkpoint.save(state, self.checkpoint_path())
        self.logger.debug("Checkpoint saved to %s", self.checkpoint_path())

    def restore(self, *args: Any, replay_metrics: bool = False, **kwargs: Any) -> bool:
        """Goes on from this experiment's checkpoint, if there is one. Its curves tell of before."""
        found: bool = super().restore(*args, **kwargs)
        if found and replay_metrics:
            self.logger.info(planning.resuming(self))
        return found

    def load_checkpoints(
        self, load_best: bool = False, ignore_state_keys: list[str] | None = None
    ) -> dict[str, Any] | None:
        """Loads this experiment's checkpoint, if there is one."""
        path = self.checkpoint_path()
        if not path.exists():
            return None
        state: dict[str, Any] = upstream.load(path)
        for key in ignore_state_keys or ():
            state.pop(key, None)
        if self.scaler is None and state.pop("scaler", None):
            self.logger.info("It trained in fp16 so far; here nothing needs its gradient scaler")
        if "optimizer" in state:
            optimizers.as_here(state["optimizer"], self.optimizer)
        self.load_state_dict(state)
        if load_best and any("valid" in epoch for epoch in self.history):
            self._load_new_state_dict(self.best_state.state_dict())
        elif load_best:  # what is kept as the best then is what training began with
            self.logger.warning("Never validated yet: its latest weights are taken for the best")
        return state
