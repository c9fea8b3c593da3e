"""The command `dora run`: puts a run together from its configuration.

An experiment's signature is what differs from config/config.yaml, with the dataset's content in
place of its path. Everything is checked before the first step.
"""

import difflib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dora.hydra import HydraMain, _compare_config
from dora.xp import XP, get_xp
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from .errors import TrainingError, one_message

WRONG = (HydraException, OmegaConfBaseException, AssertionError, ValueError)
"""What Hydra and Dora raise for arguments that cannot be put together."""


class FinetuneMain(HydraMain):
    """Dora's main with the dataset's fingerprint among the arguments, and so in the signature."""

    def get_xp(self, argv: Sequence[str]) -> XP:
        """The experiment of a command line."""
        with one_message():
            for argument in argv:
                if "=" not in argument:
                    raise TrainingError(f"{argument}: every argument is key=value")
            try:
                return super().get_xp(self._pinned(list(argv)))
            except WRONG as error:
                raise TrainingError(self._explained(str(error), argv)) from error

    def _explained(self, message: str, argv: Sequence[str]) -> str:
        """What Hydra says of a wrong argument, and the name that was probably meant."""
        known = _names(self._base_cfg)
        for argument in argv:
            name, value = argument.lstrip("+~").split("=", 1)
            if name not in known and name not in self._config_groups:
                near = difflib.get_close_matches(name, known, 3, 0.5)
                hint = f"; did you mean {' or '.join(near)}?" if near else ""
                return f"{argument}: there is no setting {name} in {self.full_config_path}{hint}"
            inner = name not in self._config_groups and not value.startswith("{")
            if inner and any(one.startswith(f"{name}.") for one in known):
                return f"{argument}: {name} is a section; set what is in it: {name}.KEY=value"
        said = message.splitlines()[0]
        groups = [one for one in argv if one.split("=", 1)[0] in self._config_groups]
        return f"{', '.join(groups)}: {said}" if said.startswith("Config group") else said

    def _pinned(self, argv: list[str]) -> list[str]:
        """The arguments with the fingerprints of the data and the base they name.

        Folders become absolute: an experiment goes on from any working directory.
        """
        from .dataset import data
        from .models import places

        given = dict(argument.split("=", 1) for argument in argv)
        pins: dict[str, str] = {}
        if "data" in given and "data_fingerprint" not in given:
            found = data.locate(_unquoted(given["data"]))
            pins["data_fingerprint"] = data.fingerprint(found)
        if "base_fingerprint" not in given:
            chosen = given.get("base")
            base = self._get_base_config(argv)[0].base if chosen is None else _unquoted(chosen)
            pins["base_fingerprint"] = places.pin(base)
        # Quoted: some look like numbers.
        return [*map(_rooted, argv), *(f"{name}='{value}'" for name, value in pins.items())]

    def _get_delta(self, init: Any, other: Any) -> list[tuple[str, Any]]:
        """What differs; Dora's own goes wrong for ever once a configuration was refused.

        It keeps its place in a default argument, which an error leaves where it happened.
        """
        differences = _compare_config(init, other, [])
        return [(".".join(one.path), one.other_value) for one in differences]

    def __reduce__(self) -> Any:
        """How Dora hands this to other processes (grids, Slurm): by its own name, not `run`'s."""
        from dora.main import _load_main

        return _load_main, (f"{FinetuneMain.__module__}.main",)

    def _main(self) -> Any:
        before = sys.argv[1:]
        sys.argv[1:] = get_xp().argv  # Hydra composes anew from these
        try:
            return super()._main()
        finally:
            sys.argv[1:] = before


def _unquoted(value: str) -> str:
    """A value of the command line as Hydra reads it: paths with spaces are quoted for it."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return str(OverridesParser.create().parse_override(f"key={value}").value())
    except HydraException:  # it says so itself, later
        return value


def _rooted(argument: str) -> str:
    """An argument with the whole path of the folder it names, if it names one."""
    name, value = argument.split("=", 1)
    if name not in {"data", "base"}:
        return argument
    folder = Path(_unquoted(value)).expanduser()
    if folder.is_absolute() or not folder.is_dir():
        return argument
    whole = str(folder.absolute()).replace("'", "\\'")
    return f"{name}='{whole}'"


def _names(cfg: Any, before: str = "") -> list[str]:
    """Dotted names of all settings."""
    found: list[str] = []
    for key, value in cfg.items():
        found.append(f"{before}{key}")
        if hasattr(value, "items"):
            found += _names(value, f"{before}{key}.")
    return found


def run(cfg: Any) -> None:
    """Trains, or does what else `cfg` says.

    Args:
        cfg: The composed configuration.
    """
    from .training import settings

    with one_message():
        settings.check(cfg)  # before anything is begun with it
        _start(cfg)
        solver = get_solver(cfg)
        if cfg.show:
            solver.show()
        elif cfg.execute_only:
            run_one(solver, cfg.execute_only)
        else:
            solver.run()


def run_one(solver: Any, stage: str) -> None:
    """Runs one stage with the best weights so far."""
    if stage not in {"valid", "evaluate", "generate"}:
        raise TrainingError(f"execute_only={stage}: expected valid, evaluate or generate")
    if not solver.restore(replay_metrics=False):
        raise TrainingError(
            f"execute_only={stage}: this experiment ({solver.xp.sig}) has no checkpoint yet; run "
            "it without execute_only first"
        )
    solver.run_one_stage(stage)


def _start(cfg: Any) -> None:
    """Logging, threads, processes; everything that is once for a process."""
    import multiprocessing

    import torch
    from dora import distrib

    from .mended import upstream
    from .training import logs

    upstream.prepare(xformers=cfg.efficient_attention_backend == "xformers")
    logs.begin(cfg.logging.level, f"{cfg.execute_only or 'solver'}.log.{{rank}}")
    multiprocessing.set_start_method(cfg.mp_start_method, force=True)
    if cfg.num_threads:
        torch.set_num_threads(cfg.num_threads)
        os.environ["OMP_NUM_THREADS"] = str(cfg.num_threads)  # for the loaders' processes
    on_gpu = cfg.device != "cpu" and torch.cuda.is_available()
    distrib.init(backend="nccl" if on_gpu else "gloo")


def get_solver(cfg: Any) -> Any:
    """The solver of a configuration, everything checked, nothing restored.

    Raises:
        TrainingError: Something is wrong with a setting, the machine, the data or the base.
    """
    import random

    import numpy as np
    import torch

    from .dataset import data
    from .fitting import machine
    from .mended import upstream
    from .models import base
    from .training import settings

    settings.check(cfg)
    upstream.mend()
    upstream.attention_backend(cfg.efficient_attention_backend)
    machine.choose(cfg)
    source = data.locate(cfg.data)
    _check_pin(cfg, source)
    data.check(source)
    splits = data.measure(source)
    origin = base.open_base(cfg.base)
    given_segment = cfg.dataset.segment_duration is not None
    base.adopt(cfg, origin)
    data.fit(cfg, source, splits, given_segment)
    settings.check_lengths(cfg)
    random.seed(cfg.seed)
    np.random.seed(cfg.seed)
    torch.manual_seed(cfg.seed)

    from .training.solver import FinetuneSolver

    get_xp().cfg = cfg  # what checkpoints and samples are written with
    solver = FinetuneSolver(cfg, origin)
    for line in solver.plan(source, splits):
        solver.logger.info(line)
    return solver


def from_sig(sig: str, *, best: bool = True, **override: Any) -> Any:
    """The solver of an experiment that ran, with its weights: for generating and exporting.

    Its data may be gone or changed: the solver has none.

    Args:
        sig: Dora's signature.
        best: Load the weights that validated best, not the last ones.
        override: Top-level keys of the configuration to change: `device`, `base`.

    Raises:
        TrainingError: There is no such experiment, no checkpoint of it, or its base is gone.
    """
    from omegaconf import OmegaConf

    from .fitting import machine
    from .mended import upstream
    from .models import base

    folder = main.dora.dir / main.dora.xps / sig
    if not folder.is_dir():
        raise TrainingError(f"{sig}: no such experiment in {folder.parent}")
    path = folder / "checkpoint.th"
    if not path.exists():
        raise TrainingError(f"{sig}: no checkpoint in {folder}; run it first")
    upstream.mend()
    cfg: Any = OmegaConf.create(upstream.load(path)["xp.cfg"])
    wanted = base.wanted(cfg)
    cfg.update({"device": "auto", "precision": "auto", "execute_only": "generate", **override})
    cfg.logging.update({"log_tensorboard": False, "log_wandb": False})  # nothing is trained
    cfg.model.frozen_dtype = "fp32"  # others read its weights, and compute without autocast
    # What trained may be absent here: 8-bit optimizer, GPU of the average, gradient scaler.
    cfg.optim.optimizer, cfg.optim.ema.use, cfg.compile.use = "adamw", False, False
    cfg.text_cache = {"mib": 0}  # texts are read once anyway, by the text encoder as it is
    machine.choose(cfg)
    origin = base.reopen(cfg, wanted, sig)
    base.adopt(cfg, origin)

    from .training.solver import FinetuneSolver

    xp = XP(dora=main.dora, cfg=cfg, argv=[], delta=[], sig=sig)
    with xp.enter(stack=True):
        solver = FinetuneSolver(cfg, origin, idle=True)
        solver.load_checkpoints(best, ["optimizer", "lr_scheduler", "scaler", "ema"])
    return solver


def _check_pin(cfg: Any, source: Any) -> None:
    from omegaconf import open_dict

    from .dataset import data
    from .models import places

    found = data.fingerprint(source)
    if str(cfg.data_fingerprint) != found:
        raise TrainingError(
            f"data={cfg.data}: its fingerprint is {found}, this experiment was made with "
            f"{cfg.data_fingerprint}; the dataset was built again since: start a new experiment "
            "without data_fingerprint="
        )
    base = places.identify(cfg.base)
    if str(cfg.base_fingerprint) not in {base.fingerprint, places.pin(cfg.base)}:
        raise TrainingError(
            f"base={cfg.base}: its fingerprint is {base.fingerprint}, this experiment was made "
            f"with {cfg.base_fingerprint}; another model is there since: start a new experiment "
            "without base_fingerprint="
        )
    with open_dict(cfg):  # a name on the Hub was enough for the signature
        cfg.base_fingerprint = base.fingerprint


main = FinetuneMain(run, config_name="config", config_path="config", version_base="1.3")

if __name__ == "__main__":
    main()
