"""Tables of what the published sizes of MusicGen need of a GPU's memory, by `memory`'s formula.

python -m plugins.musicgen.memory [--seconds 30] [--rank 16] [--precision fp16]
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from . import recompute
from .memory import GIB, SIZES, Shape, Step, published

HEAD = "| MusicGen | trained, model.checkpointing"


def ways(rank: int) -> Iterator[tuple[str, dict[str, Any], Step]]:
    """What can be trained, and how: a name, arguments of `published`, and a step in half precision.

    Codes come from the cache.
    """
    plain = Step(1, 30.0, sample_rate=0)
    for mode in recompute.MODES:
        yield f"all, {mode}", {}, replace(plain, mode=mode)
    for mode in recompute.MODES:
        yield f"LoRA {rank}, {mode}", {"rank": rank}, replace(plain, mode=mode, dropped=True)
    yield "head", {"head": True}, plain


def table(seconds: float, rank: int, *, half: bool) -> Iterator[str]:
    """A table in Markdown: GiB by size, method and batch."""
    batches = (1, 2, 4, 8)
    yield f"{HEAD} | {' | '.join(f'batch {one}' for one in batches)} |"
    yield "|---|---|" + "--:|" * len(batches)
    for name, shape in SIZES.items():
        for label, how, step in ways(rank):
            asked = replace(step, seconds=seconds, half=half)
            found = [published(shape, replace(asked, clips=one), **how) for one in batches]
            cells = " | ".join(f"{one.total / GIB:.1f}" for one in found)
            yield f"| {name} | {label} | {cells} |"


def largest(seconds: float, rank: int, *, half: bool) -> Iterator[str]:
    """A table in Markdown: the largest batch that fits GPUs, with the reserve of `recompute`."""
    gib = (8.0, 15.0, 24.0)
    yield f"{HEAD} | {' | '.join(f'{one:g} GiB' for one in gib)} |"
    yield "|---|---|" + "--:|" * len(gib)
    for name, shape in SIZES.items():
        for label, how, step in ways(rank):
            asked = replace(step, seconds=seconds, half=half)
            cells = " | ".join(str(_fitting(shape, asked, how, one) or "-") for one in gib)
            yield f"| {name} | {label} | {cells} |"


def _fitting(shape: Shape, step: Step, how: dict[str, Any], gib: float) -> int:
    """The largest batch, in clips; 0: none."""
    room = gib * GIB / recompute.ROOM
    none = published(shape, replace(step, clips=0), **how).total
    one = published(shape, step, **how).total
    return max(0, int((room - none) // (one - none)))


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m plugins.musicgen.memory",
        description="Two tables: GiB of a GPU that a training step needs, by formula, with EnCodec "
        "and T5; and the largest batch that GPUs have room for.",
    )
    add = parser.add_argument
    add("--seconds", type=float, default=30.0, help="of a clip (default: %(default)g)")
    add("--rank", type=int, default=16, help="of LoRA (default: %(default)s)")
    add(
        "--precision", choices=("fp16", "bf16", "fp32"), default="fp16",
        help="default: %(default)s, as on a T4",
    )  # fmt: skip
    given = parser.parse_args(arguments)
    half = given.precision != "fp32"
    lines = [
        *table(given.seconds, given.rank, half=half),
        "",
        f"Largest batch, with {recompute.ROOM - 1:.0%} of the memory left over:",
        "",
        *largest(given.seconds, given.rank, half=half),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
