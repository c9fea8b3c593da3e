"""What computing again saves, and what it costs (`model.checkpointing`).

    python tests/bench/recompute.py [--rounds 3] [--only memory|time]

Memory: a whole training step of MusicGen-small's shape with 30 s in half precision, in which every
tensor is counted as a GPU would have it (see tests/plugins/counted.py; some four minutes), beside
the formula of plugins.musicgen.fitting.memory. Nothing is measured on a GPU.

Time: steps of two layers of that width, 500 frames, on the CPU in single precision. The modes take
turns: first all once, then all again. Processor seconds, the least of all rounds: other work on the
machine only adds. A GPU weighs matrix products less and the rest more than a CPU does.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT), str(ROOT / "tests" / "plugins")]

from plugins.musicgen import tiny
from plugins.musicgen.fitting import memory, recompute
from plugins.musicgen.training import steps

RANKS = {"all": 0, "LoRA 16": 16}
CLIPS = 4
LAYERS = 2
FRAMES = 500


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("memory", "time"), help="one of the tables")
    given = parser.parse_args()
    if given.only != "time":
        for line in _memory():
            print(line, flush=True)
    if given.only != "memory":
        for line in _time(given.rounds):
            print(line, flush=True)


def _memory() -> Iterator[str]:
    """GiB of a step, without T5 and EnCodec."""
    import counted

    shape = memory.SIZES["small"]
    others = 4 * (memory.TEXT_ENCODER + memory.COMPRESSION)
    yield "| trained | checkpointing | kept by autograd | most of a step | by formula |"
    yield "|---|---|--:|--:|--:|"
    for label, rank in RANKS.items():
        for mode in recompute.MODES:
            found = counted.count(counted.Asked(shape, CLIPS, 1500, mode, rank))
            step = memory.Step(CLIPS, 30.0, dropped=rank > 0, mode=mode, sample_rate=0)
            formula = memory.published(shape, step, rank=rank).total - others
            sizes = (found.saved, found.peak, formula)
            cells = " | ".join(f"{size / memory.GIB:.2f}" for size in sizes)
            yield f"| {label} | {mode} | {cells} |"


def _time(rounds: int) -> Iterator[str]:
    """Processor seconds of a step."""
    yield "\n| trained | checkpointing | processor s a step | times none |\n|---|---|--:|--:|"
    for label, rank in RANKS.items():
        models = {mode: _model(rank, mode) for mode in recompute.MODES}
        took: dict[str, list[float]] = {mode: [] for mode in models}
        for number in range(rounds + 1):
            for mode, model in models.items():
                began = time.process_time()
                _step(model)
                if number:  # the first is not timed
                    took[mode].append(time.process_time() - began)
        for mode, found in took.items():
            ratio = min(found) / min(took["none"])
            yield f"| {label} | {mode} | {min(found):.2f} | {ratio:.2f} |"


def _model(rank: int, mode: str) -> Any:
    from audiocraft.models import builders
    from omegaconf import OmegaConf

    from plugins.musicgen.adapters.adapter import attach
    from plugins.musicgen.adapters.options import AdapterOptions

    shape = replace(memory.SIZES["small"], layers=LAYERS)
    cfg = tiny.lm_config("mono", "lut")
    cfg["transformer_lm"].update(
        dim=shape.dim, num_heads=16, num_layers=shape.layers, card=shape.card
    )
    model = builders.get_lm_model(OmegaConf.create(cfg))
    if rank:
        attach(model, AdapterOptions(rank=rank, dropout=0.05))
    recompute.apply(OmegaConf.create({"model": {"checkpointing": mode}}), model, None)
    return model.train()


def _step(model: Any) -> None:
    import torch

    codes = torch.zeros(1, model.num_codebooks, FRAMES, dtype=torch.long)
    conditions = {"description": (torch.zeros(1, 32, model.dim), torch.ones(1, 32))}
    out = steps.hidden(model, codes, conditions)
    steps.surprise(model, out, codes).sum().backward()
    model.zero_grad(set_to_none=True)


if __name__ == "__main__":
    main()
