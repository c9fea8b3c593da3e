"""Generation beside audiocraft's own, for tests/bench/evaluation.py, which tells what is shown."""

import argparse
import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import shapes

TEXTS = (
    "warm slow piano with soft strings, 80 BPM",
    "fast drum and bass with a deep bass, 174 BPM",
    "a calm waltz for two guitars, in A minor",
    "bright synthesizers and a house beat, 124 BPM",
)

Way = Callable[[list[str], float], Any]
"""Texts and temperature to the codes of the clips [B, K, T]; at 0 without their sound."""


def table(given: argparse.Namespace, folder: Path) -> None:
    """Prints the table of generation."""
    import torch

    gpu = torch.cuda.is_available()
    precision = given.precision or ("fp16" if gpu else "fp32")
    size = shapes.SIZES[given.size]
    layers = given.layers or (size.lm["num_layers"] if gpu else min(6, size.lm["num_layers"]))
    seconds = given.seconds or (30.0 if gpu else 1.0)
    where = torch.cuda.get_device_name() if gpu else f"{torch.get_num_threads()} CPU threads"
    print(
        f"{where}, torch {torch.__version__}, {precision}, size {given.size} with {layers} of "
        f"{size.lm['num_layers']} layers, clips of {seconds:g} s\n",
        flush=True,
    )
    model = _model(folder / "base", replace(size, lm={**size.lm, "num_layers": layers}), precision)
    ways = {"stock": _stock(model, seconds), "ours": _ours(model, seconds, graphs=False)}
    if gpu:
        ways["ours, CUDA graphs"] = _ours(model, seconds, graphs=True)
    print("| batch | way | wall s | processor s | x real time | times stock | same codes |")
    print("|--:|---|--:|--:|--:|--:|---|", flush=True)
    for batch in map(int, given.batches.split(",")):
        texts = [TEXTS[number % len(TEXTS)] for number in range(batch)]
        codes = {name: way(texts, 0.0) for name, way in ways.items()}
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(given.rounds):
            for name, way in ways.items():
                found[name].append(timed(lambda way=way, texts=texts: way(texts, 1.0)))
        stock = _median(found["stock"])
        for name in ways:
            wall, spent = _median(found[name])
            faster = stock[0] / wall if gpu else stock[1] / spent
            same = "" if name == "stock" else _same(codes[name], codes["stock"])
            print(
                f"| {batch} | {name} | {wall:.2f} | {spent:.2f} | {batch * seconds / wall:.2f} "
                f"| {faster:.2f} | {same} |",
                flush=True,
            )


def _model(folder: Path, size: shapes.Size, precision: str) -> Any:
    from plugins.musicgen.generation import generating as ours

    shapes.write_base(folder, size)
    return ours.open_model(str(folder), precision=precision)


def _stock(model: Any, seconds: float) -> Way:
    from audiocraft.models import MusicGen

    whole = MusicGen("bench", model.compression, model.lm, max_duration=30)

    def way(texts: list[str], temperature: float) -> Any:
        whole.set_generation_params(
            use_sampling=temperature > 0, top_k=250, duration=seconds, cfg_coef=3.0
        )
        with _padded_alike(model.lm, texts):
            if not temperature:
                attributes, _ = whole._prepare_tokens_and_attributes(texts, None)
                return whole._generate_tokens(attributes, None)
            return whole.generate(texts, return_tokens=True)[1]

    return way


@contextlib.contextmanager
def _padded_alike(lm: Any, texts: list[str]) -> Iterator[None]:
    """Stock pads texts to the longest, we to a multiple of 16 tokens: here it does as we."""
    from plugins.musicgen.generation import sampling

    conditioner = lm.condition_provider.conditioners["description"]
    length = max(sampling.text_length(lm, text) for text in texts)
    original = conditioner.tokenize

    def tokenize(told: list[str | None]) -> Any:
        found = original(told)
        more = length - found["attention_mask"].shape[1]
        return {key: sampling._pad(value, more) for key, value in found.items()}

    conditioner.tokenize = tokenize
    try:
        yield
    finally:
        del conditioner.tokenize


def _ours(model: Any, seconds: float, *, graphs: bool) -> Way:
    """What `generating.generate_set` does, without files."""
    import torch

    from plugins.musicgen.generation import sampling

    frames = int(seconds * model.compression.frame_rate)
    longest = int(model.longest_s * model.compression.frame_rate)

    def way(texts: list[str], temperature: float) -> Any:
        length = max(sampling.text_length(model.lm, text) for text in texts)
        told = sampling.conditions(model.lm, texts, 3.0, length)
        how = sampling.Drawing(3.0, temperature, 250)
        keys = [(0, text, number) for number, text in enumerate(texts)]
        codes = sampling.codes(
            model.lm, told, frames, longest, keys, how, lambda _: None, fixed=graphs
        )
        with torch.no_grad():
            for row in codes if temperature else ():
                model.compression.decode(row[None], None).cpu()
        return codes

    return way


def _same(got: Any, wanted: Any) -> str:
    share = float((got == wanted).float().mean())
    return "all" if share == 1 else f"{share:.1%}"


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of waiting, and of all threads together."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    began, spent = time.perf_counter(), time.process_time()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began, time.process_time() - spent


def _median(found: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(one[0] for one in found), statistics.median(one[1] for one in found)
