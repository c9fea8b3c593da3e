"""Real `dora run` processes that start in a second, and die where one wants them to.

    python forked.py

imports what a training needs, once, and then forks a process for each order it reads: a line of
JSON with the arguments of `dora run`. `Forks` is the other end of it. In a forked process nothing
of the product is replaced; only where it is to die, a function is wrapped by one that counts its
calls and then sends SIGKILL, which no process can catch, tidy up after or survive.
"""

import atexit
import functools
import importlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Self

ROOT = Path(__file__).resolve().parents[2]

MODULES = (
    "dora.__main__",
    "plugins.musicgen.training.solver",
    "plugins.musicgen.train",
    "tensorboard.summary",
    "torch.utils.tensorboard",
)
"""What is imported before there is any order."""

SOLVER = "plugins.musicgen.training.solver:FinetuneSolver"

BEFORE = {
    "encoding": "plugins.musicgen.dataset.tokens.fill:encode",
    "keeping codes": "numpy:savez",
    "update": f"{SOLVER}.update",
    "scheduling": "torch.optim.lr_scheduler:LRScheduler.step",
    "averaging": "plugins.musicgen.training.ema:Average.step",
    "synced": "os:fsync",
    "choosing the best": f"{SOLVER}.update_best_state_from_stage",
    "next token": "audiocraft.models.lm:LMModel._sample_next_token",
    "sample": "audiocraft.utils.samples.manager:audio_write",
    "history": "dora.link:Link._commit",
    "curves": "plugins.musicgen.curves:redraw",
    "clip": "plugins.musicgen.dataset.clips:ClipDataset.__getitem__",
}
"""Moments to die at: before a call of these. A clip is read by a process of the loader's own, if
there are any; a checkpoint is synced before it has its name, and its folder after."""


@dataclass(frozen=True, slots=True)
class Death:
    """When a process ends.

    Attributes:
        moment: One of `BEFORE`; "writing": with half of a checkpoint written; "validating": before
            a batch of validation.
        call: Which call of it, from 1.
        rank: Of the process that ends, among those that train together.
        seconds: It ends so much later, in the middle of whatever it does then; counted in seconds
            of its own work, so that a busy machine changes nothing.
    """

    moment: str
    call: int = 1
    rank: int = 0
    seconds: float = 0.0

    @property
    def signal(self) -> int:
        """What ends it; neither leaves it time for anything."""
        return signal.SIGPROF if self.seconds else signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Order:
    """A `dora run`.

    Attributes:
        runs: Dora's folder.
        arguments: Of `dora run`.
        log: Gets what the processes say.
        death: None: it lives to its end.
        environment: For each process that trains; more than one train together (DDP).
        half: On a CPU, where the product refuses it, fp16 and a scaler that grows after so many
            good updates; 0: not.
    """

    runs: str
    arguments: list[str]
    log: str
    death: Death | None = None
    environment: list[dict[str, str]] = field(default_factory=lambda: [{}])
    half: int = 0


# In the process that forks.


def serve() -> None:
    """Answers each order by the exit codes of its processes, until there are no more orders."""
    for module in MODULES:
        importlib.import_module(module)
    warm = False
    while line := sys.stdin.readline():
        given = json.loads(line)
        order = Order(**given | {"death": given["death"] and Death(**given["death"])})
        if not warm:
            warm_up(order)
            warm = True
        children = []
        for rank in range(len(order.environment)):
            child = os.fork()
            if child == 0:
                leave(functools.partial(train, order, rank))
            children.append(child)
        sys.stdout.write(json.dumps(wait(children)) + "\n")
        sys.stdout.flush()
    os._exit(0)


def warm_up(order: Order) -> None:
    """Builds what a run builds, and draws: libraries read and compile much when first used."""
    import torch

    from plugins.musicgen import curves, train

    curves.picture([{"train": {"lr": 1.0}}, {"train": {"lr": 0.001}}])
    torch.set_num_threads(1)  # a process with threads cannot be forked
    with tempfile.TemporaryDirectory() as folder:
        train.main.dora.dir = Path(folder)
        xp = train.main.get_xp([*order.arguments, "logging.log_tensorboard=false"])
        train.main.init_xp(xp)
        with xp.enter():
            train.get_solver(xp.cfg)


def wait(children: list[int]) -> list[int]:
    """Exit codes of processes, or minus the number of the signal that ended one.

    Where one of them fails the others are ended, as Dora does it.
    """
    ended: dict[int, int] = {}
    while len(ended) < len(children):
        child, status = os.wait()
        ended[child] = os.waitstatus_to_exitcode(status)
        for other in set(children) - set(ended) if status else ():
            os.kill(other, signal.SIGKILL)
    return [ended[child] for child in children]


def leave(work: Callable[[], None]) -> NoReturn:
    """Ends this process after some work, as Python does; but no threads are waited for.

    Some library has one, and a thread is not in the process that is forked.
    """
    code: Any = 0
    try:
        work()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stderr.flush()
    os._exit(code)


def train(order: Order, rank: int) -> None:
    """What `dora run` does, in this process."""
    os.setsid()
    with Path(order.log).open("ab") as log, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ.update(order.environment[rank])
    from dora.__main__ import main

    from plugins.musicgen import train

    train.main.dora.dir = Path(order.runs)  # it was read from the environment when imported
    if order.half:
        allow_half(order.half)
    if order.death is not None and order.death.rank == rank:
        arrange(order.death)
    sys.argv = ["dora", "run", *order.arguments]
    main()


def arrange(death: Death) -> None:
    """Makes this process, or one of its loader's, die at a moment."""
    if death.moment == "writing":
        import torch

        torch.save = counted(torch.save, death.call, functools.partial(write_half, torch.save))
    elif death.moment == "validating":
        from plugins.musicgen.training import steps

        steps.surprise = counted(steps.surprise, death.call, die, nothing_learns)
    else:
        module, _, dotted = BEFORE[death.moment].partition(":")
        owner: Any = importlib.import_module(module)
        *path, name = dotted.split(".")
        for part in path:
            owner = getattr(owner, part)
        end = functools.partial(die_in, death.seconds) if death.seconds else die
        setattr(owner, name, counted(getattr(owner, name), death.call, end))


def counted(
    real: Callable[..., Any],
    call: int,
    end: Callable[..., None],
    when: Callable[[], bool] = lambda: True,
) -> Callable[..., Any]:
    """A function that dies by `end` at its nth call, of those `when` it counts."""
    left = call

    @functools.wraps(real)
    def wrapped(*args: Any, **options: Any) -> Any:
        nonlocal left
        if when():
            left -= 1
            if left == 0:
                end(*args, **options)
        return real(*args, **options)

    return wrapped


def nothing_learns() -> bool:
    """In validation."""
    import torch

    return not torch.is_grad_enabled()


def die(*_: Any, **__: Any) -> None:
    """SIGKILL: no handler, no `finally`, no flushing."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_in(seconds: float, *_: Any, **__: Any) -> None:
    """SIGPROF when this process has worked so long: the kernel ends it, for nobody handles it."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def write_half(save: Callable[..., None], state: Any, file: Any) -> None:
    """Half of what `save` writes, and death."""
    whole = io.BytesIO()
    save(state, whole)
    file.write(whole.getvalue()[: whole.tell() // 2])
    file.flush()
    die()


def allow_half(interval: int) -> None:
    """Lets a CPU compute in fp16, as a T4 does, with a scaler that grows soon."""
    from omegaconf import open_dict

    from plugins.musicgen.fitting import machine
    from plugins.musicgen.training import solver

    choose = machine.choose

    def chosen(cfg: Any) -> None:
        choose(cfg)
        with open_dict(cfg):
            cfg.precision, cfg.autocast, cfg.autocast_dtype = "fp16", True, "float16"

    machine.choose = chosen
    solver.GradScaler = functools.partial(solver.GradScaler, growth_interval=interval)


# In the tests.


class Forks:
    """The process that forks, seen from the tests."""

    def __init__(self) -> None:
        self.server = subprocess.Popen(
            [sys.executable, __file__],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.communicate()  # which says that there are no more orders

    def run(self, order: Order) -> list[int]:
        """Exit codes of its processes, see `wait`."""
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(json.dumps(asdict(order)) + "\n")
        self.server.stdin.flush()
        line = self.server.stdout.readline()
        assert line, "the process that forks has ended"
        found: list[int] = json.loads(line)
        return found


if __name__ == "__main__":
    serve()
