"""Work that is dealt out to several processes is done once, and told as one."""

import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from plugins.musicgen.evaluation.features import sharing
from plugins.musicgen.evaluation.features.apart import Work
from plugins.musicgen.evaluation.features.sounds import Sound
from plugins.musicgen.evaluation.metrics import novelty

RATE = 16000


def write(folder: Path, count: int) -> tuple[str, ...]:
    random = np.random.default_rng(0)
    files = []
    for number in range(count):
        path = folder / f"{number}.wav"
        soundfile.write(path, 0.1 * random.standard_normal(4 * RATE), RATE)
        files.append(str(path))
    return tuple(files)


def test_clips_are_dealt_out(tmp_path: Path) -> None:
    files, cache = write(tmp_path, 11), tmp_path / "cache"
    told: list[tuple[int, int]] = []

    def tell(count: int) -> None:
        told.append((threading.get_ident(), count))

    assert sharing.run(Work("print", files, str(cache)), tell, processes=2) == ()
    assert sum(count for _, count in told) == 11
    assert len({thread for thread, _ in told}) == 2
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*.*")}
    assert len(kept) == 11
    found = novelty.prints([Sound(file, Path(file)) for file in files], cache)
    assert len(found) == 11
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.*")} == kept


def test_what_fails_in_one_process_is_told_and_the_others_finish(tmp_path: Path) -> None:
    files, cache = write(tmp_path, 4), tmp_path / "cache"
    Path(files[1]).write_text("no sound")
    with pytest.raises(ValueError, match=r"^clip .*1\.wav"):
        sharing.run(Work("print", files, str(cache)), processes=2)
    assert len(list(cache.rglob("*.*"))) >= 2


def test_how_many_processes_suit(monkeypatch: pytest.MonkeyPatch) -> None:
    from curate import api

    monkeypatch.setattr(api, "processors", lambda: 8)

    def count(clips: int, embedder: str = "") -> int:
        work = Work("embed" if embedder else "hear", tuple(map(str, range(clips))), "", embedder)
        return sharing._processes(work)

    assert [count(clips) for clips in (0, 1, 31, 32, 1000)] == [1, 1, 1, 2, 4]
    assert (count(1000, "effnet"), count(1000, "clap")) == (4, 1)
    monkeypatch.setattr(api, "processors", lambda: 2)
    assert count(1000) == 2


def test_texts_go_to_one_process() -> None:
    work = Work("embed", ("a", "b", "c"), "", "effnet", texts=("x", "y"))
    shares = sharing._shares(work, 2)
    assert [share.files for share in shares] == [("a", "c"), ("b",)]
    assert [share.texts for share in shares] == [("x", "y"), ()]
    assert [share.texts for share in sharing._shares(Work("embed", (), "", texts=("x",)), 2)] == [
        ("x",)
    ]
