"""What the tests of evaluation share: a small dataset of tunes, and weights that stand in."""

import json
from pathlib import Path
from typing import Any

import clap_standin
import models as standins
import numpy as np
import numpy.typing as npt
import soundfile
import vggish_standin

from curate.labels.models import weights
from plugins.musicgen import tiny
from plugins.musicgen.evaluation.features import hearing, models

RATE = tiny.SAMPLE_RATE
SECONDS = 9.0
"""Long enough for a stretch of Chromaprint, and for a patch of every embedder."""

SPLITS = {"train": 4, "valid": 1, "test": 3}

NASTY = '<script>document.title="no"</script> & "tunes"'


def tune(seed: int, seconds: float = SECONDS) -> npt.NDArray[np.float32]:
    """Notes of chance, each with its overtones: float32 [T]."""
    random = np.random.default_rng(seed)
    time = np.arange(RATE // 4) / RATE
    notes = []
    for _ in range(round(seconds * 4)):
        pitch = 220 * 2 ** (random.integers(0, 24) / 12)
        tone = sum(np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 6))
        notes.append(0.2 * tone * np.exp(-6 * time))
    return np.concatenate(notes).astype(np.float32)


def write_data(folder: Path, splits: dict[str, int] | None = None) -> Path:
    """A folder of audiocraft's manifests with tunes."""
    seed = 0
    for split, count in (splits or SPLITS).items():
        lines = []
        for number in range(count):
            seed += 1
            path = folder / "audio" / f"{split}{number}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, tune(seed), RATE)
            said = NASTY if (split, number) == ("test", 0) else "in A minor, at 120 BPM"
            path.with_suffix(".json").write_text(json.dumps(sidecar(f"tune {number}: {said}")))
            lines.append({"path": str(path), "duration": SECONDS, "sample_rate": RATE})
        (folder / split).mkdir()
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / split / "data.jsonl").write_text(text)
    return folder


def sidecar(description: str) -> dict[str, Any]:
    """What lies beside a clip."""
    return {
        "title": "",
        "artist": "",
        "key": "A minor",
        "bpm": 120.0,
        "genre": "house",
        "moods": ["happy"],
        "keywords": [],
        "description": description,
        "name": "",
        "instrument": "piano",
    }


def write_weights(folder: Path) -> Path:
    """Stand-ins of every model of Essentia's that evaluation asks, and of CLAP in `clap`."""
    standins.write_models(folder, names=[one.name for one in hearing.ASKED])
    vggish_standin.write(folder)
    weights.accept((*hearing.ASKED, models.VGGISH), folder)
    clap_standin.write(folder / "clap")
    return folder
