"""Editing a dataset made by `handmade.ours`: lines of its train manifest and their sidecars."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from handmade import change, change_object, first_clip, reseal, write_audio

Break = Callable[[Path], None]
"""Breaks a good dataset in one way."""


def train(folder: Path) -> Path:
    return folder / "manifests" / "train" / "data.jsonl"


def sidecar(folder: Path, index: int = 0) -> Path:
    return first_clip(folder, index=index).with_suffix(".json")


def both(folder: Path, index: int = 0, **values: object) -> None:
    """Changes a field in a line and in its sidecar alike."""
    change(train(folder), index, lambda row: row.update(values))
    change_object(sidecar(folder, index), lambda row: row.update(values))


def beside(folder: Path, index: int = 0, **values: object) -> None:
    """Changes a field in a sidecar of ours only."""
    change_object(sidecar(folder, index), lambda row: row.update(values))


def in_line(folder: Path, index: int = 0, **values: object) -> None:
    """Changes a field in a line only."""
    change(train(folder), index, lambda row: row.update(values))


def store_sound(folder: Path, samples: np.ndarray, index: int = 0) -> None:
    """Other sound in a clip, with hash and amplitude made to fit."""
    path = first_clip(folder, index=index)
    sha, amplitude = write_audio(path, samples)
    in_line(folder, index, amplitude=amplitude)
    beside(folder, index, audio_sha256=sha)
    reseal(folder)
