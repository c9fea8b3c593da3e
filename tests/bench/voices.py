"""What tags and a second opinion would bring, if they were as right as is supposed here.

Nothing here was measured on tags or on a real network: they are drawn. A tag says the tempo or key
of the track's first section with the stated share, else mostly half or double, or a neighbouring
key. A model answers for each window; its score is higher where it is right.
"""

import itertools
from typing import TYPE_CHECKING

import numpy as np

from curate.labels import agreement, tonality
from curate.records import Label

if TYPE_CHECKING:
    from labels import Heard, Window

SHARES = (1.0, 0.9, 0.8, 0.6)
DRAWS = 10
"""How often every recording's voices are drawn."""

MODEL = "essentia.deeptemp-k16-3"


def table(heard: "dict[str, list[Heard]]") -> None:
    """Prints how right the combination is with simulated tags and a simulated model."""
    from labels import head, line

    head("SIMULATED: voices", *(f"{kind}, {name}" for kind in ("tempo", "key") for name in heard))
    line("analysis", *_row(heard, None, None))
    for share in SHARES:
        line(f"and a tag, {share:.0%} right", *_row(heard, share, None))
    for share in SHARES[1:]:
        line(f"and a tempo model, {share:.0%} right", *_row(heard, None, share))
    line("and both, 80% right", *_row(heard, 0.8, 0.8))
    line("tag alone, 80% right", *_row(heard, 0.8, None, analysis=False))


def _row(
    heard: "dict[str, list[Heard]]", tag: float | None, model: float | None, analysis: bool = True
) -> list[float | str]:
    from labels import mean, near

    cells: list[float | str] = []
    for kind, decide in (("tempo", agreement.tempo), ("key", agreement.key)):
        for found in heard.values():
            if kind == "key" and model is not None and tag is None:
                cells.append("")
                continue
            hits = []
            for recording, draw in itertools.product(found, range(DRAWS)):
                noise = np.random.default_rng([draw, len(hits)])
                tags = _tags(recording, tag, noise) if tag else []
                for window in recording.windows:
                    second = [_model(window, model, noise)] if model else []
                    track = window.track if analysis else ()
                    said = decide((*track, *tags), (*(window.clip if analysis else ()), *second))
                    right = said is not None and (
                        near(float(said.value), window.known.bpm)
                        if kind == "tempo"
                        else said.value == window.known.key
                    )
                    hits.append(right)
            cells.append(mean(hits))
    return cells


def _tags(recording: "Heard", share: float, noise: np.random.Generator) -> list[Label]:
    known = recording.sections[0]
    bpm, key = round(known.bpm), known.key
    if noise.uniform() >= share:
        bpm = round(_wrong(known.bpm, noise))
    if noise.uniform() >= share:
        key = _wrong_key(known.key, noise)
    return [Label("tempo", float(bpm), "tag"), Label("key", key, "tag")]


def _model(window: "Window", share: float, noise: np.random.Generator) -> Label:
    right = noise.uniform() < share
    bpm = window.known.bpm if right else _wrong(window.known.bpm, noise)
    score = float(noise.beta(6, 2.5) if right else noise.beta(4, 4))
    return Label("tempo", float(round(bpm)), MODEL, score)


def _wrong(bpm: float, noise: np.random.Generator) -> float:
    """Half or double in seven of ten, else anything."""
    if noise.uniform() < 0.7:
        return bpm * float(noise.choice([0.5, 2.0]))
    return float(noise.uniform(55.0, 190.0))


def _wrong_key(key: str, noise: np.random.Generator) -> str:
    """The relative or parallel key or a fifth away in eight of ten, else any."""
    tonic, mode = key.split()
    other = "minor" if mode == "major" else "major"
    place = tonality.TONICS.index(tonic)
    relative = 9 if mode == "major" else 3
    kin = [(relative, other), (0, other), (5, mode), (7, mode)]
    if noise.uniform() < 0.8:
        steps, mode = kin[int(noise.integers(4))]
        return f"{tonality.TONICS[(place + steps) % 12]} {mode}"
    return tonality.KEYS[int(noise.integers(24))]
