"""What the plugin's tests share: a tiny base model, and clips whose text decides their sound."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from plugins.musicgen import tiny

RATE = tiny.SAMPLE_RATE
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # what is not on this machine is absent


def write_clips(folder: Path, counts: dict[str, int], seconds: float = 1.0, **changes: Any) -> Path:
    """A folder of audiocraft's manifests: low and high tones that say so."""
    for split, count in counts.items():
        (folder / split).mkdir(parents=True)
        lines = []
        for number in range(count):
            high = number % 2 == 1
            path = folder / "audio" / f"{split}{number}.flac"
            path.parent.mkdir(exist_ok=True)
            time = np.arange(round(seconds * RATE)) / RATE
            tone = 0.4 * np.sin(2 * np.pi * (1760 if high else 110) * time)
            soundfile.write(path, tone.astype(np.float32), RATE)
            word = "high" if high else "low"
            path.with_suffix(".json").write_text(json.dumps(sidecar(word) | changes))
            lines.append({"path": str(path), "duration": seconds, "sample_rate": RATE})
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / split / "data.jsonl").write_text(text)
    return folder


def sidecar(word: str) -> dict[str, Any]:
    """The nine keys audiocraft needs, and keywords."""
    return {
        "title": "",
        "artist": "",
        "key": "C major",
        "bpm": 120.0,
        "genre": word,
        "moods": [word],
        "keywords": [],
        "description": f"a {word} tone",
        "name": "",
        "instrument": "sine",
    }


@pytest.fixture
def make_clips() -> Callable[..., Path]:
    """`write_clips`, for a dataset of one's own."""
    return write_clips


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tiny models are quicker so, and threads that wait for each other steal from all."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the tests is kept in the user's cache; programs they start have this one too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "mono"
    tiny.make(folder)
    return folder


@pytest.fixture
def own_base(tiny_base: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(tiny_base, tmp_path / "base"))


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "tones"
    return write_clips(folder, {"train": 8, "valid": 3, "test": 2})


@pytest.fixture
def start(
    tmp_path: Path, clips: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Makes a solver in this process, as `dora run` would: start("optim.lr=1e-3", ...)."""
    from plugins.musicgen.train import get_solver, main

    monkeypatch.setattr(main.dora, "dir", tmp_path / "runs")

    def make(*given: str) -> Any:
        arguments = [f"data={clips}", f"base={tiny_base}", "device=cpu", "dataset.num_workers=0"]
        named = {one.split("=")[0] for one in given}
        kept = [one for one in arguments if one.split("=")[0] not in named]
        xp = main.get_xp([*kept, *given])
        main.init_xp(xp)
        with xp.enter():
            return get_solver(xp.cfg)

    return make
