"""How fast a training step is, and what it needs: audiocraft's own solver and ours.

    python tests/bench/training.py [--rounds 2] [--steps N] [--size mini|small] [--precision fp16]
                                   [--limit-gib 14] [--only speed|growth]

On a GPU: MusicGen-small's shape with random weights, EnCodec for 32 kHz and T5-base in full size,
clips of 30 s: batch 2 (`speed`, some five minutes), then twice as many again and again until
--limit-gib of the GPU's memory, what a T4 has, do not do (`growth`, some eight minutes). On a CPU:
a small shape, batch 2, three minutes, and what a GPU would need by formula. Nothing is downloaded:
models and clips are made in a temporary folder.

Each figure is from a process of its own, and the ways take turns: first all of them once, then all
of them again. Stock is audiocraft's MusicGenSolver as it is, after upstream.mend(). All have the
same model, clips, loaders, optimizer and precision, and their own loop over an epoch is what is
timed, after a few steps that are not; of several rounds the median counts. "Times stock" compares
steps per second on a GPU, and on a CPU processor time, which other work on the machine moves less.
Peak memory is, on a GPU, the most torch had allocated; on a CPU what the process grew by beyond its
libraries.

On a machine that has nothing but a GPU, in the repository:

    python3 -m pip install --require-hashes -r requirements.lock
    python3 -m pip install --no-deps --require-hashes --no-build-isolation -r requirements-all.lock
    python3 tests/bench/training.py
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shapes import SIZES, write_base, write_clips

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)  # in place of this folder, whose catalogue.py would be spaCy's

os.environ.update(HF_HUB_OFFLINE="1")

BATCH = 2
MOST = 256
"""Clips: growth ends here."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to train.

    Attributes:
        trained: What is trained.
        solver: Whose.
        cache: Whether codes and embedded texts are kept.
        arguments: For ours.
    """

    trained: str
    solver: str
    cache: bool = False
    arguments: tuple[str, ...] = ()

    def told(self) -> list[str]:
        """Arguments of `dora run`."""
        # Texts can only be kept where no words are dropped at random.
        kept = ("model.word_dropout=0",) if self.cache else ("text_cache.mib=0",)
        return [f"token_cache.use={str(self.cache).lower()}", *kept, *self.arguments]


LORA = ("adapter=lora", "adapter.rank=16")
WAYS = (
    Way("all", "stock"),
    Way("all", "ours"),
    Way("all", "ours", cache=True),
    Way("LoRA 16", "ours", arguments=LORA),
    Way("LoRA 16", "ours", cache=True, arguments=LORA),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """What came of one process.

    Attributes:
        speed: Steps a second; 0 where the memory did not do.
        processor_s: Of a step, all threads together.
        peak: Bytes.
    """

    speed: float
    processor_s: float
    peak: int


class _EnoughError(Exception):
    """Ends an epoch whose timing is done."""


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, help="timed steps a process (default: by size)")
    parser.add_argument("--size", choices=SIZES, help="default: small on a GPU, mini without")
    parser.add_argument("--precision", help="default: fp16 on a GPU, fp32 without")
    parser.add_argument("--limit-gib", type=float, default=14, help="of the GPU, for growth")
    parser.add_argument("--only", choices=("speed", "growth"), help="one of the GPU's tables")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(_child(**json.loads(given.child))))
        return
    import torch

    gpu = torch.cuda.is_available()
    size = given.size or ("small" if gpu else "mini")
    precision = given.precision or ("fp16" if gpu else "fp32")
    where = torch.cuda.get_device_name() if gpu else f"{torch.get_num_threads()} CPU threads"
    print(f"{where}, torch {torch.__version__}, {precision}, size {size}, {SIZES[size].seconds} s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began_s = time.monotonic()
        write_base(folder / "base", SIZES[size])
        write_clips(folder / "data", SIZES[size].seconds)
        print(f"models and clips made in {time.monotonic() - began_s:.0f} s\n", flush=True)
        common = {"folder": name, "size": size, "precision": precision, "steps": given.steps}
        if given.only != "growth":
            _speed(given.rounds, common, gpu)
        if gpu and given.only != "speed":
            _grow(given.limit_gib, common)
    if not gpu:
        from plugins.musicgen.fitting import tables

        print("\nBy formula, GiB of a GPU for clips of 30 s with fp16 (`fitting.memory`):\n")
        print("\n".join(tables.table(30, 16, half=True)))


def _speed(rounds: int, common: dict[str, Any], gpu: bool) -> None:
    """All ways at one batch, in turns."""
    found = [
        [_measure(number, BATCH, 0.0, common) for number in range(len(WAYS))] for _ in range(rounds)
    ]
    stock = _median([figures[0] for figures in found])
    _head(gpu)
    for number, way in enumerate(WAYS):
        _row(way, BATCH, _median([figures[number] for figures in found]), stock, gpu)


def _grow(limit_gib: float, common: dict[str, Any]) -> None:
    """Doubles the batch until the memory does not do; stock too, where it can."""
    print(f"\nWithin {limit_gib:g} GiB:\n")
    _head(True)
    left, batch = list(range(len(WAYS))), BATCH
    while left and batch <= MOST:
        stock: Figure | None = None
        for number in tuple(left):
            found = _measure(number, batch, limit_gib, common)
            if WAYS[number].solver == "stock":
                stock = found
            _row(WAYS[number], batch, found, stock, True)
            if not found.speed:
                left.remove(number)
        batch *= 2


def _head(gpu: bool) -> None:
    unit = "GiB" if gpu else "MiB"
    print(
        "| trained | solver | caches | batch | steps per s | processor s a step | times stock "
        f"| peak {unit} |"
    )
    print("|---|---|---|--:|--:|--:|--:|--:|", flush=True)


def _row(way: Way, batch: int, found: Figure, stock: Figure | None, gpu: bool) -> None:
    caches = "on" if way.cache else "off"
    if not found.speed:
        cells = f"| {way.trained} | {way.solver} | {caches} | {batch} | does not fit | | | |"
        print(cells, flush=True)
        return
    times = ""
    if stock is not None and stock.speed:
        faster = found.speed / stock.speed if gpu else stock.processor_s / found.processor_s
        times = f"{faster:.2f}"
    peak = f"{found.peak / 2**30:.2f}" if gpu else f"{found.peak / 2**20:.0f}"
    print(
        f"| {way.trained} | {way.solver} | {caches} | {batch} | {found.speed:.3g} "
        f"| {found.processor_s:.2f} | {times} | {peak} |",
        flush=True,
    )


def _median(figures: list[Figure]) -> Figure:
    return Figure(
        statistics.median(one.speed for one in figures),
        statistics.median(one.processor_s for one in figures),
        max(one.peak for one in figures),
    )


def _measure(way: int, batch: int, limit_gib: float, common: dict[str, Any]) -> Figure:
    """Runs a process for one figure."""
    asked = json.dumps({**common, "way": way, "batch": batch, "limit_gib": limit_gib})
    done = subprocess.run(
        [sys.executable, __file__, "--child", asked], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stderr[-4000:])
        raise SystemExit(f"{WAYS[way]}: the process ended with {done.returncode}")
    found = Figure(**json.loads(done.stdout.splitlines()[-1]))
    sys.stderr.write(f"  {WAYS[way].trained}, {WAYS[way].solver}: {found}\n")
    return found


# In a process of its own.


def _child(
    folder: str,
    size: str,
    precision: str,
    steps: int | None,
    way: int,
    batch: int,
    limit_gib: float,
) -> dict[str, float]:
    import torch

    chosen, place = SIZES[size], Path(folder)
    count = steps or chosen.steps
    if limit_gib:
        whole = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, limit_gib * 2**30 / whole))
    arguments = [
        f"data={place / 'data'}",
        f"base={place / 'base'}",
        f"precision={precision}",
        f"dataset.batch_size={batch}",
        f"dataset.segment_duration={chosen.seconds}",
        f"optim.updates_per_epoch={chosen.warm + count + 1}",
        "check_memory=false",
        "checkpoint.every_updates=null",
        f"token_cache.folder={place / 'cache'}",
        # In this process where processor time is the measure: it has then all of it.
        f"dataset.num_workers={2 if torch.cuda.is_available() else 0}",
        *WAYS[way].told(),
    ]
    try:
        solver = _solver(WAYS[way].solver, arguments, place / "runs")
        clock = _Timed(chosen.warm, count)
        step = "run_step" if WAYS[way].solver == "stock" else "update"
        setattr(solver, step, clock.around(getattr(solver, step)))
        with solver.xp.enter(), contextlib.suppress(_EnoughError):
            solver.run_stage("train", solver.train)
    except torch.OutOfMemoryError:
        return {"speed": 0.0, "processor_s": 0.0, "peak": 0}
    return {
        "speed": count / clock.took_s,
        "processor_s": clock.processor_s / count,
        "peak": clock.peak(),
    }


class _Timed:
    """Takes the time of some calls, from the start of one to the start of another."""

    def __init__(self, warm: int, steps: int) -> None:
        self.first, self.last = warm, warm + steps
        self.calls = 0
        self.took_s = self.processor_s = 0.0
        self._begun_s = self._begun_processor_s = 0.0
        self._most = 0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed; its last call ends all by `_EnoughError`."""
        import torch

        def timed(*arguments: Any, **named: Any) -> Any:
            if self.calls in {self.first, self.last}:
                if torch.cuda.is_available():
                    torch.cuda.synchronize()
                now = time.monotonic()
                self.took_s, self._begun_s = now - self._begun_s, now
                spent = time.process_time()
                self.processor_s = spent - self._begun_processor_s
                self._begun_processor_s = spent
            if self.calls == self.last:
                self._most = _resident(highest=True)
                raise _EnoughError
            self.calls += 1
            return function(*arguments, **named)

        return timed

    def peak(self) -> int:
        """Bytes: see above."""
        import torch

        if torch.cuda.is_available():
            return int(torch.cuda.max_memory_allocated())
        return self._most - LIBRARIES[0]


LIBRARIES: list[int] = []
"""Bytes that the process had before anything was built."""


def _resident(*, highest: bool = False) -> int:
    """Bytes of this process in memory, now or at most so far."""
    import resource

    import psutil

    if not highest:
        return int(psutil.Process().memory_info().rss)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _solver(whose: str, arguments: list[str], runs: Path) -> Any:
    """A solver as `dora run` makes it, with its caches filled; or audiocraft's own."""
    from plugins.musicgen import train
    from plugins.musicgen.mended import upstream

    upstream.mend()
    from plugins.musicgen.training import solver as ours  # imports all there is

    LIBRARIES.append(_resident())
    assert ours
    train.main.dora.dir = runs
    xp = train.main.get_xp(arguments)
    train.main.init_xp(xp)
    with xp.enter():
        if whose == "stock":
            return _stock(xp.cfg)
        made = train.get_solver(xp.cfg)
        made.fill_cache()
        return made


def _stock(cfg: Any) -> Any:
    """audiocraft's solver with the same configuration, weights and clips."""
    from audiocraft.solvers.musicgen import MusicGenSolver
    from omegaconf import open_dict

    from plugins.musicgen.dataset import data
    from plugins.musicgen.fitting import machine
    from plugins.musicgen.models import base

    source = data.locate(cfg.data)
    machine.choose(cfg)
    origin = base.open_base(cfg.base)
    base.adopt(cfg, origin)
    data.fit(cfg, source, data.measure(source), True)
    with open_dict(cfg):
        cfg.compression_model_checkpoint = f"//pretrained/{cfg.base}"
        cfg.benchmark_no_load = False
        cfg.dataset.update({"num_samples": None, "shuffle": False, "return_info": True})
        cfg.dataset.train.num_samples = cfg.optim.updates_per_epoch * cfg.dataset.batch_size
        for stage in ("valid", "evaluate", "generate"):
            cfg.dataset[stage].num_samples = cfg.dataset.batch_size
    solver = MusicGenSolver(cfg)
    solver.model.load_state_dict(origin.weights)
    return solver


if __name__ == "__main__":
    main()
