"""What every setting of a run may be: one table, looked at before anything is opened.

`check` names all wrong settings at once. What depends on the base or on the data is looked at by
`check_lengths`, as soon as these are known; `check_lengths` too runs before the first step.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import TrainingError
from .rules import FLAG, WORDS, Rule, is_number, maybe, number, one_of, only, shown, whole

LOUDNESS_S = 0.4
"""Loudness is measured over blocks of this length (ITU-R BS.1770), in seconds."""

SHAPE = ("dim", "num_heads", "num_layers", "hidden_scale")
"""What `model.shape` may change of a base's language model."""

PATTERNS = ("delay", "parallel", "flatten")
"""Orders of the codebooks for a new language model, see `base.pattern`."""

SCHEDULES = ("step", "exponential", "cosine", "polynomial_decay", "inverse_sqrt", "linear_warmup")
STATES = (
    *("best_state", "xp.cfg", "xp.sig", "model", "optimizer", "lr_scheduler", "ema", "scaler"),
    *("history", "progress"),
)

ELSEWHERE = (
    "data",  # data.locate
    "data_fingerprint",  # train._check_pin
    "base_fingerprint",
    "label",
    "adapter",  # adapters.options, by `check`
    "model.checkpointing",  # machine.choose
    "slurm",  # Dora
    "dora",
)
"""Settings and sections that are looked at where they are used, or that may be anything."""


def _are_betas(value: Any) -> bool:
    return _is_list(value) and len(value) == 2 and all(is_number(b) and 0 <= b < 1 for b in value)


def _are_states(value: Any) -> bool:
    return _is_list(value) and all(one in STATES for one in value)


def _is_list(value: Any) -> bool:
    return not isinstance(value, str | Mapping) and hasattr(value, "__len__")


def _is_shape(value: Any) -> bool:
    return (
        hasattr(value, "items")
        and set(value) <= set(SHAPE)
        and all(whole(1).holds(value[key]) for key in SHAPE[:3] if key in value)
        and all(number(above=0).holds(value[key]) for key in SHAPE[3:] if key in value)
    )


def _are_names(value: Any) -> bool:
    return WORDS.holds(value) or (_is_list(value) and all(WORDS.holds(one) for one in value))


NAMES = Rule("names", _are_names)
SHARE = number(0, 1)
COUNT = whole(1)
SECONDS = number(above=0, what=" of seconds")
MEASURED = (
    "FAD, KL, CLAP and more are measured by execute_only=evaluate, or by python -m "
    "plugins.musicgen.evaluate SIG"
)
CACHED = "the token cache of this plugin is in its place, see token_cache"

RULES: dict[str, Rule] = {
    "solver": one_of("finetune", "scratch"),
    "base": WORDS,
    "seed": whole(0, 2**32 - 1),  # numpy takes no more
    # Where and how to compute.
    "device": one_of("auto", "cuda", "cpu"),
    "precision": one_of("auto", "fp32", "fp16", "bf16"),
    "efficient_attention_backend": one_of("torch", "xformers"),
    "check_memory": FLAG,
    "num_threads": whole(0),
    "mp_start_method": one_of("fork", "forkserver", "spawn"),
    "compile.use": FLAG,
    "compile.mode": WORDS,  # which ones there are, `compiling` knows
    "compile.backend": WORDS,
    # The model.
    "model.dropout": maybe(SHARE),
    "model.shape": maybe(Rule(f"{{{', '.join(SHAPE)}}}, numbers above 0", _is_shape)),
    "model.pattern": maybe(one_of(*PATTERNS)),
    "model.cfg_dropout": maybe(SHARE),
    "model.word_dropout": maybe(SHARE),
    "model.frozen_dtype": one_of("auto", "fp32", "fp16", "bf16"),
    "model.t5": maybe(WORDS),
    # The clips.
    "dataset.batch_size": COUNT,
    "dataset.num_workers": whole(0),
    "dataset.segment_duration": maybe(SECONDS),
    "dataset.min_segment_ratio": SHARE,
    "dataset.train.shuffle": FLAG,
    "dataset.train.shuffle_seed": whole(0),
    "dataset.train.permutation_on_files": FLAG,
    "dataset.train.sample_on_duration": FLAG,
    "dataset.train.sample_on_weight": FLAG,
    "dataset.valid.num_samples": maybe(COUNT),
    "dataset.evaluate.num_samples": maybe(COUNT),
    "dataset.generate.num_samples": maybe(COUNT),
    "text.sample_descriptions": FLAG,
    "text.merge_text_p": SHARE,
    "text.drop_desc_p": SHARE,
    "text.keep_other_p": SHARE,
    "text.max_words": whole(0),
    "token_cache.use": FLAG,
    "token_cache.folder": maybe(WORDS),
    "text_cache.mib": number(0),
    "tokens.padding_with_special_token": FLAG,
    # The training.
    "optim.epochs": COUNT,
    "optim.updates_per_epoch": maybe(COUNT),
    "optim.accumulate": COUNT,
    "optim.optimizer": one_of("adamw", "adamw8bit", "adam", "dadam"),
    "optim.lr": number(above=0),
    "optim.adam.betas": Rule("two numbers from 0, below 1", _are_betas),
    "optim.adam.weight_decay": number(0),
    "optim.adam.eps": number(above=0),
    "optim.max_norm": number(0),
    "optim.eager_sync": FLAG,
    "optim.ema.use": FLAG,
    "optim.ema.updates": COUNT,
    "optim.ema.device": maybe(one_of("cpu", "cuda")),
    "optim.ema.decay": SHARE,
    "schedule.lr_scheduler": maybe(one_of(*SCHEDULES)),
    "schedule.step.step_size": maybe(COUNT),
    "schedule.step.gamma": maybe(number(above=0)),
    "schedule.exponential.lr_decay": maybe(number(high=1, above=0)),
    "schedule.cosine.warmup": whole(0),
    "schedule.cosine.lr_min_ratio": SHARE,
    "schedule.cosine.cycle_length": number(above=0),
    "schedule.polynomial_decay.warmup": whole(0),
    "schedule.polynomial_decay.zero_lr_warmup_steps": whole(0),
    "schedule.polynomial_decay.end_lr": number(0),
    "schedule.polynomial_decay.power": number(above=0),
    "schedule.inverse_sqrt.warmup": whole(0),
    "schedule.inverse_sqrt.warmup_init_lr": maybe(number(0)),
    "schedule.linear_warmup.warmup": whole(0),
    "schedule.linear_warmup.warmup_init_lr": maybe(number(0)),
    "checkpoint.every_updates": maybe(whole(0)),
    "checkpoint.save_every": maybe(COUNT),
    "checkpoint.keep_last": maybe(COUNT),
    "checkpoint.keep_every_states": maybe(Rule(f"some of {', '.join(STATES)}", _are_states)),
    # Samples.
    "generate.every": maybe(COUNT),
    "generate.path": WORDS,
    "generate.audio.format": one_of("wav", "flac", "ogg", "mp3"),
    "generate.audio.strategy": one_of("loudness", "peak", "rms", "clip"),
    "generate.audio.loudness_headroom_db": number(),
    "generate.lm.prompted_samples": FLAG,
    "generate.lm.unprompted_samples": only(True, "audiocraft makes none at all without these"),
    "generate.lm.gen_gt_samples": FLAG,
    "generate.lm.prompt_duration": maybe(SECONDS),
    "generate.lm.gen_duration": maybe(SECONDS),
    "generate.lm.use_sampling": FLAG,
    "generate.lm.temp": number(0),
    "generate.lm.top_k": whole(0),
    "generate.lm.top_p": SHARE,
    # What is measured.
    "evaluate.every": maybe(COUNT),
    "evaluate.fixed_generation_duration": maybe(SECONDS),
    "evaluate.options.limit": maybe(whole(0)),
    "evaluate.options.seed": maybe(whole(0)),
    "evaluate.options.cfg": maybe(number()),
    "evaluate.options.temperature": maybe(number(0)),
    "evaluate.options.top_k": maybe(whole(0)),
    "evaluate.options.batch": maybe(COUNT),
    "evaluate.options.precision": maybe(one_of("fp32", "fp16", "bf16")),
    "evaluate.options.metrics": maybe(NAMES),
    "evaluate.options.embeddings": maybe(NAMES),
    "evaluate.options.reference": maybe(WORDS),
    "evaluate.options.baseline": maybe(WORDS),
    "evaluate.options.training": maybe(whole(0)),
    "evaluate.options.models": maybe(WORDS),
    "evaluate.options.clap": maybe(WORDS),
    "evaluate.options.muq": maybe(WORDS),
    "evaluate.metrics.base": FLAG,
    "evaluate.metrics.fad": only(False, MEASURED),
    "evaluate.metrics.kld": only(False, MEASURED),
    "evaluate.metrics.text_consistency": only(False, MEASURED),
    "evaluate.metrics.chroma_cosine": only(False, MEASURED),
    # The program.
    "show": FLAG,
    "execute_only": maybe(one_of("valid", "evaluate", "generate")),
    "execute_inplace": FLAG,
    "logging.level": one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    "logging.log_updates": whole(0),
    "logging.log_tensorboard": FLAG,
    "logging.log_wandb": FLAG,
    "tensorboard.with_media_logging": FLAG,
    "tensorboard.name": maybe(WORDS),
    "tensorboard.sub_dir": maybe(WORDS),
    "wandb.with_media_logging": FLAG,
    "wandb.project": maybe(WORDS),
    "wandb.name": maybe(WORDS),
    "wandb.group": maybe(WORDS),
    # Of audiocraft, not of this plugin.
    "cache.path": only(None, CACHED),
    "cache.write": only(False, CACHED),
    "fsdp.use": only(False, "the model is not cut over GPUs; -d trains on several, each with all"),
    "profiler.enabled": only(False, "its profiler needs xformers, and its own training loop"),
    "deadlock.use": only(False, "it watches audiocraft's own training loop only"),
}
"""Every setting there is, by its name on the command line, but for those of `ELSEWHERE`."""


@dataclass(frozen=True, slots=True)
class Joint:
    """What some settings may not be together.

    Attributes:
        keys: The settings: looked at where each of these is right by itself.
        wrong: Says of a configuration what is wrong; empty where nothing is.
    """

    keys: tuple[str, ...]
    wrong: Callable[[Any], str]


def _shared_out(cfg: Any) -> str:
    from dora.distrib import get_distrib_spec

    processes = get_distrib_spec().world_size
    if cfg.dataset.batch_size % processes == 0:
        return ""
    return (
        f"dataset.batch_size={cfg.dataset.batch_size}: expected a multiple of the {processes} "
        f"processes of this run, got {cfg.dataset.batch_size}"
    )


def _complete(cfg: Any) -> str:
    name = cfg.schedule.lr_scheduler
    least = {"step": ("step_size", "gamma"), "exponential": ("lr_decay",)}
    lost = [key for key in least.get(name, ()) if cfg.schedule[name][key] is None]
    if name == "inverse_sqrt" and not cfg.schedule.inverse_sqrt.warmup:
        lost = ["warmup"]
    needed = " and ".join(f"schedule.{name}.{key}" for key in lost)
    return f"schedule.lr_scheduler={name}: expected {needed} beside it" if lost else ""


def _drawn(cfg: Any) -> str:
    train = cfg.dataset.train
    drawn = [key for key in ("sample_on_duration", "sample_on_weight") if train[key]]
    if train.permutation_on_files and (drawn or not train.shuffle):
        what = f"dataset.train.{drawn[0]}=true" if drawn else "dataset.train.shuffle=false"
        return (
            f"{what}: expected dataset.train.permutation_on_files=false beside it, which is what "
            "has every clip come once, in random order"
        )
    if drawn and not train.shuffle:
        return f"dataset.train.{drawn[0]}=true: expected dataset.train.shuffle=true beside it"
    return ""


def _new_model(cfg: Any) -> str:
    shape, pattern = cfg.model.shape, cfg.model.pattern
    if pattern is not None and shape is None:
        return (
            f"model.pattern={pattern}: expected null where a model goes on learning: its weights "
            "know the base's own; solver=scratch makes a new one"
        )
    width, heads = (shape or {}).get("dim"), (shape or {}).get("num_heads")
    if width and (width % 2 or (heads and width % heads)):
        return f"model.shape.dim={width}: expected an even number, and a multiple of num_heads"
    return ""


TOGETHER = (
    Joint(("dataset.batch_size",), _shared_out),
    Joint(tuple(key for key in RULES if key.startswith("schedule.")), _complete),
    Joint(tuple(key for key in RULES if key.startswith("dataset.train.")), _drawn),
    Joint(("model.shape", "model.pattern"), _new_model),
)


def check(cfg: Any) -> None:
    """Refuses a configuration with a wrong setting, before anything is opened.

    Args:
        cfg: The composed configuration, before anything is filled in.

    Raises:
        TrainingError: All that is wrong, a line each: key=value: expected ..., got ...
    """
    found = dict(_single(cfg))
    said = list(found.values())
    for joint in TOGETHER:
        told = "" if any(key in found for key in joint.keys) else joint.wrong(cfg)
        said += [told] if told else []
    said += _adapter(cfg)
    if len(said) == 1:
        raise TrainingError(said[0])
    if said:
        raise TrainingError(f"{len(said)} settings are wrong:\n  " + "\n  ".join(said))


def _single(cfg: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with each setting by itself: its name, and the message."""
    given = dict(_leaves(cfg))
    for key, rule in RULES.items():
        if key not in given:
            yield key, f"{key}: missing; expected {rule.expected}"
        elif not rule.holds(given[key]):
            value = given[key]
            why = f": {rule.why}" if rule.why else ""
            got = repr(value) if isinstance(value, str) else shown(value)
            yield key, f"{key}={shown(value)}: expected {rule.expected}, got {got}{why}"
    for key, value in given.items():
        if key not in RULES:
            near = difflib.get_close_matches(key, RULES, 1, 0.5)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield key, f"{key}={shown(value)}: there is no such setting{hint}"


def _leaves(section: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by dotted name, but for those of `ELSEWHERE`; what has a rule is not opened."""
    for name, value in section.items():
        key = f"{before}{name}"
        if key in ELSEWHERE:
            continue
        if isinstance(value, Mapping) and key not in RULES:
            yield from _leaves(value, f"{key}.")
        else:
            yield key, value


def _adapter(cfg: Any) -> list[str]:
    """What the adapter's own options say is wrong; where there is none, they must be right too."""
    from ..adapters.options import parse_options

    section = cfg.adapter
    if not isinstance(section, Mapping):
        return [f"adapter={section}: expected lora, head or none"]
    try:
        parse_options({**section, "kind": section.get("kind") or "lora"})
    except TrainingError as error:
        return [str(error)]
    return []


def check_lengths(cfg: Any) -> None:
    """Refuses samples that cannot be made or measured: upstream would end the run at the last step.

    Args:
        cfg: With the length of a crop, see `data.fit`.

    Raises:
        TrainingError: A prompt is not shorter than the sample or the clip it is from, or something
            is too short for its loudness to be measured.
    """
    lm, clip = cfg.generate.lm, float(cfg.dataset.segment_duration)
    made = float(lm.gen_duration or clip)
    lengths = {"generate.lm.gen_duration": made, "dataset.segment_duration": clip}
    if lm.prompted_samples:
        prompt = float(lm.prompt_duration or clip / 4)
        for key, length in lengths.items():
            if prompt >= length:
                raise TrainingError(
                    f"{key}={length:g}: expected more than the {prompt:g} s of a prompt, which "
                    "generate.lm.prompt_duration says (null: a quarter of a clip); or take "
                    "generate.lm.prompted_samples=false"
                )
        lengths["generate.lm.prompt_duration"] = prompt
    if cfg.generate.audio.strategy != "loudness":
        return
    for key, length in lengths.items():
        if length < LOUDNESS_S:
            raise TrainingError(
                f"{key}={length:g}: expected {LOUDNESS_S:g} s or more, over which the loudness of "
                "samples is measured; or take generate.audio.strategy=peak"
            )
