"""What tests/bench/training.py trains, and on what: models of random weights, and clips."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE = 32000
TEXT = "warm slow piano with soft strings, 80 BPM"  # letters are tokens: as many as a caption has


@dataclass(frozen=True, slots=True)
class Size:
    """What is trained.

    Attributes:
        lm: Changes of the language model's configuration.
        seanet: Changes of the compression model's.
        t5: Changes of the text encoder's.
        seconds: Length of a clip.
        warm: Steps that are not timed.
        steps: Steps that are.
    """

    lm: dict[str, Any]
    seanet: dict[str, Any]
    t5: dict[str, Any]
    seconds: float
    warm: int
    steps: int


SIZES = {
    "small": Size(
        lm={"dim": 1024, "num_heads": 16, "num_layers": 24, "card": 2048},
        seanet={"dimension": 128, "n_filters": 64, "lstm": 2},
        t5={"d_model": 768, "d_kv": 64, "d_ff": 3072, "num_layers": 12, "num_heads": 12},
        seconds=30,
        warm=5,
        steps=20,
    ),
    "mini": Size(
        lm={"dim": 256, "num_heads": 4, "num_layers": 4, "card": 512},
        seanet={"dimension": 64, "n_filters": 16, "lstm": 1},
        t5={"d_model": 256, "d_kv": 32, "d_ff": 1024, "num_layers": 4, "num_heads": 8},
        seconds=8,
        warm=1,
        steps=5,
    ),
}
RATIOS = [8, 5, 4, 4]
"""Strides of EnCodec for 32 kHz: 50 frames a second."""


def write_base(folder: Path, size: Size) -> None:
    """A base model of random weights in the official format."""
    import torch
    from omegaconf import OmegaConf
    from transformers import T5Config, T5EncoderModel

    from plugins.musicgen import tiny
    from plugins.musicgen.mended import upstream

    upstream.mend()
    from audiocraft.models import builders

    t5 = folder / tiny.T5_NAME
    tiny.write_t5(t5)  # for its tokenizer
    T5EncoderModel(T5Config.from_pretrained(t5, **size.t5)).save_pretrained(t5)
    codec = tiny.compression_config()
    codec["seanet"].update(size.seanet, ratios=RATIOS)
    codec["rvq"].update(bins=size.lm["card"], kmeans_init=False)
    lm = tiny.lm_config("mono", "t5")
    lm["transformer_lm"].update(size.lm)
    lm["dataset"]["segment_duration"] = size.seconds
    built = OmegaConf.create(lm)
    built.conditioners.description.t5.name = upstream.know_t5(t5)
    for name, own, model in (
        ("compression_state_dict.bin", codec, builders.get_compression_model(_settings(codec))),
        ("state_dict.bin", lm, builders.get_lm_model(built)),
    ):
        state = {key: value.clone() for key, value in model.state_dict().items()}
        text = OmegaConf.to_yaml(OmegaConf.create(own))
        torch.save({"best_state": state, "xp.cfg": text, "exported": True}, folder / name)


def _settings(values: dict[str, Any]) -> Any:
    from omegaconf import OmegaConf

    return OmegaConf.create(values)


def write_clips(folder: Path, seconds: float) -> None:
    """Manifests of tones with noise, FLAC as `curate build` writes it."""
    rng = np.random.default_rng(0)
    for split, count in {"train": 16, "valid": 2}.items():
        lines = []
        for number in range(count):
            path = folder / "audio" / f"{split}{number}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            clock = np.arange(int(seconds * RATE)) / RATE
            tone = 0.3 * np.sin(2 * np.pi * rng.uniform(80, 2000) * clock)
            sound = tone + 0.05 * rng.standard_normal(len(clock))
            soundfile.write(path, sound.astype(np.float32), RATE)
            sidecar: dict[str, Any] = dict.fromkeys(
                ("title", "artist", "key", "genre", "name", "instrument"), ""
            )
            sidecar |= {"bpm": None, "moods": [], "keywords": [], "description": TEXT}
            path.with_suffix(".json").write_text(json.dumps(sidecar))
            lines.append({"path": str(path), "duration": seconds, "sample_rate": RATE})
        (folder / split).mkdir()
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / split / "data.jsonl").write_text(text)
