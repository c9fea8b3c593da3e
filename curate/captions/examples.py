"""Clips to judge captions by: what may be said of each beside what is said."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from curate import dataset
from curate.dataset import Dataset
from curate.records import SPLITS, Facts, ManifestLine


@dataclass(frozen=True, slots=True)
class Example:
    """One clip.

    Attributes:
        name: Its artist and its name.
        facts: What may be said, by kind, in words; what is unknown is left out.
        captions: What is said.
        source: Who says it.
    """

    name: str
    facts: dict[str, str]
    captions: tuple[str, ...]
    source: str


def draw(folder: Path, count: int, seed: int = 0) -> list[Example]:
    """So many clips of a built dataset, drawn by chance but always the same ones.

    Raises:
        CurateError: The folder is no dataset, or it was copied or moved.
    """
    opened = dataset.load(folder)
    chance = random.Random(seed)
    kept: list[ManifestLine] = []
    for place, line in enumerate(_lines(opened)):  # one pass, however large the dataset
        if len(kept) < count:
            kept.append(line)
        elif (other := chance.randrange(place + 1)) < count:
            kept[other] = line
    for line in kept:
        opened.relative(line)  # not those of the folder that this one was copied from
    clips = map(opened.clip, kept)
    return [
        Example(f"{c.artist} / {c.name}", told(c.facts), c.descriptions, c.description_source)
        for c in clips
    ]


def told(facts: Facts) -> dict[str, str]:
    """Facts in words, by kind; without the unknown."""
    found = {}
    for field in fields(Facts):
        value = getattr(facts, field.name)
        if isinstance(value, tuple):
            value = ", ".join(value)
        elif isinstance(value, bool):
            value = "yes" if value else ("no" if field.name == "sung" else "")
        elif field.name == "decade" and value:
            value = f"{value}s"
        if value not in (None, ""):
            found[field.name] = str(value)
    return found


def _lines(opened: Dataset) -> Iterator[ManifestLine]:
    for split in SPLITS:
        yield from opened.lines(split)
