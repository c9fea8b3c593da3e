"""What kind of folder it is, and where its manifests are.

A dataset `curate build` made has at least two of `MARKS`; then its whole contract counts. Anything
else with a data.jsonl in it, or in a folder below, is foreign: only audiocraft's contract counts.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from curate.records import SPLITS, Split
from curate.validate.report import Collector
from curate.validate.text import is_file
from curate.validate.upstream import MANIFEST_NAMES

MARKS = ("build.json", "tracks.jsonl", "rejected.jsonl", "manifests")
"""Two of these make a folder a dataset of ours, however broken."""

OWN_FILES = ("tracks.jsonl", "rejected.jsonl", "dset.yaml", "build.json", "DATASHEET.md")
"""Files of a built dataset beside manifests and audio."""

DEPTH = 4
"""How deep below the folder manifests of others are looked for."""

SIDES: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("valid", "val", "validation", "dev", "cv"), "valid"),
    **dict.fromkeys(("test", "tt", "eval", "evaluate", "evaluation", "generate"), "test"),
}
"""What folders are called that hold a split's manifest."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest.

    Attributes:
        path: Of the file.
        split: The side it is on; None where the folder's name says none.
        family: Manifests that are splits of one dataset share it.
    """

    path: Path
    split: Split | None
    family: str


@dataclass(frozen=True, slots=True)
class Layout:
    """A folder to validate.

    Attributes:
        root: As given, absolute.
        ours: True if `curate build` made it.
        manifests: In the order train, valid, test where it is ours.
    """

    root: Path
    ours: bool
    manifests: tuple[Manifest, ...]


def find(folder: Path) -> Layout:
    """Looks at the folder's names only; nothing is opened."""
    root = folder.absolute()
    ours = sum(os.path.lexists(root / mark) for mark in MARKS) >= 2
    if ours:
        places: list[tuple[Path, Split | None]] = [(root / "manifests" / s, s) for s in SPLITS]
    else:
        places = [(place, SIDES.get(place.name.lower())) for place in _folders(root)]
    manifests = []
    for place, split in places:
        for name in MANIFEST_NAMES:
            if os.path.lexists(place / name):
                manifests.append(Manifest(place / name, split, str(place.parent)))
                break
    return Layout(root, ours, tuple(manifests))


def check(layout: Layout, collector: Collector) -> None:
    """Files that should be there and are not, or are there and should not."""
    root = layout.root
    if not layout.ours and not layout.manifests:
        what = "there is no data.jsonl in it or below"
        if not os.path.lexists(root):
            what = "no such folder"
        elif is_file(root):
            what = "it is a file, expected a folder"
        collector.add("not_a_dataset", f"{root}: {what}", file=root)
        return
    for manifest in layout.manifests:
        folder = manifest.path.parent
        if all(os.path.lexists(folder / name) for name in MANIFEST_NAMES):
            message = "data.jsonl and data.jsonl.gz are both there; audiocraft reads data.jsonl"
            collector.add("manifest_shadowed", message, file=folder / MANIFEST_NAMES[1])
    if not layout.ours:
        return
    for name in OWN_FILES:
        path = root / name
        if not os.path.lexists(path):
            collector.add("file_missing", f"{name} is missing", file=path)
        elif not is_file(path):
            message = f"{name} is not a file that can be read"
            collector.add("file_unreadable", message, file=path)
    found = {manifest.split for manifest in layout.manifests}
    for split in SPLITS:
        if split not in found:
            path = root / "manifests" / split / MANIFEST_NAMES[0]
            message = f"the manifest of the split '{split}' is missing"
            collector.add("file_missing", message, file=path)
            collector.incomplete = True


def orphans(root: Path, used: set[str], collector: Collector) -> None:
    """Files below audio/ that no manifest line uses, as audio or as its sidecar.

    Args:
        root: Of the dataset.
        used: Paths of the audio files the manifests name, relative to `root`.
        collector: Takes the findings.
    """
    start = len(str(root)) + 1
    for folder, _, names in os.walk(root / "audio"):
        for name in names:
            path = f"{folder}/{name}"
            relative = path[start:]
            stem = relative.removesuffix(".json")
            if relative in used or (stem != relative and not used.isdisjoint(_clips(stem))):
                continue
            collector.add("file_orphaned", "no manifest line uses this file", file=path)


def _clips(stem: str) -> list[str]:
    return [f"{stem}.{suffix}" for suffix in ("flac", "wav")]


def _folders(root: Path) -> list[Path]:
    found = []
    for folder, below, names in os.walk(root):
        here = Path(folder)
        if any(name in names or name in below for name in MANIFEST_NAMES):
            found.append(here)
        deep = len(here.relative_to(root).parts) >= DEPTH
        skip = {*MANIFEST_NAMES, *(name for name in below if name.startswith("."))}
        below[:] = [] if deep else sorted(name for name in below if name not in skip)
    return sorted(found)
