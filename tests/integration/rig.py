"""What the integration tests share: small music with a known length, builds, and looking at them.

`build` runs the real command in a process of its own; `here` builds in this process with an engine
that counts, for tests that are about decisions and not about processes.
"""

import ctypes
import dataclasses
import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from curate import api
from curate.building.orders import Result
from curate.building.work import Job, Outcome, process
from curate.engine import Done

ROOT = Path(__file__).resolve().parents[2]
RATE = 44100

TIMELESS = {"catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm", ".lock"}
"""What may differ between two builds of the same dataset, `built_at` in build.json aside."""


def tune(seed: int, seconds: float, rate: int = RATE, channels: int = 1) -> np.ndarray:
    """A melody of decaying tones with a little noise, another one for every seed: [T, C]."""
    draw = np.random.default_rng(seed)
    count = round(seconds * rate)
    out = 0.002 * draw.standard_normal(count)
    start = 0
    while start < count:
        length = round(draw.uniform(0.15, 0.45) * rate)
        end = min(start + length, count)
        time = np.arange(end - start) / rate
        hertz = 440.0 * 2.0 ** ((draw.integers(48, 84) - 69) / 12)
        tone = sum(np.sin(2 * np.pi * hertz * h * time) / h for h in (1, 2, 3))
        out[start:end] += tone * np.exp(-5 * time)
        start = end
    mono = (0.5 * out / np.abs(out).max()).astype(np.float32)
    return np.repeat(mono[:, None], channels, axis=1)


def song(path: Path, seed: int, seconds: float = 4.0, **options: Any) -> Path:
    """Writes a tune, in the format of the file's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tune(seed, seconds), RATE, **options)
    return path


def encode(
    path: Path, samples: np.ndarray, rate: int, codec: str, tags: dict[str, str] | None = None
) -> Path:
    """Writes [T, C] by ffmpeg: m4a, aac, webm and what else libsndfile does not write."""
    import av

    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    with av.open(str(path), "w") as container:
        container.metadata.update(tags or {})
        stream = container.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = 128_000
        packed = np.ascontiguousarray(samples.astype(np.float32).reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate = rate
        resampler = av.AudioResampler(stream.format.name, layout, rate, stream.frame_size or None)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def recipe(folder: Path, files: dict[str, list[str]], **options: Any) -> Path:
    """Writes an artists.yaml (JSON is YAML) with clips of 2 s."""
    folder.mkdir(parents=True, exist_ok=True)
    artists = [{"name": name, "files": entries} for name, entries in files.items()]
    about = {"name": "tried", "rights": "made by a test", "artists": artists}
    path = folder / "artists.yaml"
    path.write_text(json.dumps(about | {"chunk": {"seconds": 2}} | options, ensure_ascii=False))
    return path


def environment(**changes: str | None) -> dict[str, str]:
    """This environment with `curate` importable and no colours; None removes a variable."""
    found = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "dumb", "COLUMNS": "200"}
    return {name: value for name, value in (found | changes).items() if value is not None}


def command(*arguments: str | Path) -> list[str]:
    """`curate` with these arguments."""
    return [sys.executable, "-m", "curate.cli", *map(str, arguments)]


def curate(
    *arguments: str | Path, timeout: float = 120.0, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Runs `curate` to its end, in a session of its own."""
    options.setdefault("env", environment())
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=timeout,
        start_new_session=True,
        check=False,
        **options,
    )


def build(artists: Path, *arguments: str | Path, **options: Any) -> str:
    """Runs `curate build` with two workers; it has to end well. Returns what it said."""
    done = curate("build", "--artists", artists, "--jobs", "2", *arguments, **options)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


class Counting:
    """An engine that works in this process and remembers what it was given.

    Args:
        before: Called with every job before it is worked on.
        function: Does the work instead of `curate.building.work.process`.
    """

    def __init__(
        self,
        before: Callable[[Job], object] = lambda job: None,
        function: Callable[[Job], Outcome] = process,
    ) -> None:
        self.jobs: list[Job] = []
        self._before = before
        self._function = function

    def map(self, function: Any, jobs: Iterable[Any]) -> Generator[Done[Any, Any]]:
        if function is not process:  # models are tried out: no work on a track
            yield from (Done(job, function(job)) for job in jobs)
            return
        for job in jobs:
            self.jobs.append(job)
            self._before(job)
            yield Done(job, self._function(job))


def here(artists: Path, engine: Counting | None = None, **options: Any) -> Result:
    """Builds in this process."""
    return api.build(artists, engine=engine or Counting(), **options)


def rows(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSON-lines file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def rejected(out: Path) -> list[dict[str, Any]]:
    """The lines of rejected.jsonl."""
    return rows(out / "rejected.jsonl")


def tracks(out: Path) -> dict[str, dict[str, Any]]:
    """The lines of tracks.jsonl, by uri."""
    return {row["uri"]: row for row in rows(out / "tracks.jsonl")}


def clips(out: Path) -> dict[str, list[dict[str, Any]]]:
    """The lines of the three manifests, by split."""
    return {
        split: rows(out / "manifests" / split / "data.jsonl")
        for split in ("train", "valid", "test")
    }


def splits(out: Path) -> dict[str, str]:
    """The split of every track, by uri."""
    return {uri: row["split"] for uri, row in tracks(out).items()}


def snapshot(folder: Path, without: Path | None = None) -> dict[str, tuple[object, ...]]:
    """Everything below a folder: kind, content and time of change, without following links."""
    found = {}
    for path in walk(folder):
        if without is not None and path.is_relative_to(without):
            continue
        state = path.lstat()
        content: object = None
        if stat.S_ISREG(state.st_mode):
            content = (state.st_size, state.st_mtime_ns, _sha256(path))
        elif stat.S_ISLNK(state.st_mode):
            content = str(path.readlink())
        found[str(path.relative_to(folder))] = (stat.S_IFMT(state.st_mode), content)
    return found


def walk(folder: Path) -> Iterator[Path]:
    """Every path below a folder, links not followed."""
    for parent, folders, names in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *names))


def content(out: Path) -> dict[str, bytes]:
    """Every file of a dataset that two builds must agree on, `built_at` aside."""
    found = {}
    for path in walk(out):
        if path.is_dir() or path.name in TIMELESS:
            continue
        data = path.read_bytes()
        if path.name == "build.json":
            data = json.dumps(json.loads(data) | {"built_at": ""}).encode()
        found[str(path.relative_to(out))] = data
    return found


def differences(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Names of the files that only one of the two has, or that differ."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def times(out: Path) -> dict[str, int]:
    """When every file of a dataset was written."""
    return {
        str(path.relative_to(out)): path.stat().st_mtime_ns
        for path in walk(out)
        if path.is_file() and path.name not in TIMELESS
    }


def without_privileges() -> None:
    """For `preexec_fn`: takes from root the right to read and write what modes forbid.

    PR_CAPBSET_DROP of CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: gone with the following exec.
    """
    if os.geteuid() == 0:
        for capability in (1, 2):
            if ctypes.CDLL(None, use_errno=True).prctl(24, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "cannot drop a capability")


def replaced(record: Any, **changes: Any) -> Any:
    """`dataclasses.replace`, for any record."""
    return dataclasses.replace(record, **changes)


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except PermissionError:
        return None
