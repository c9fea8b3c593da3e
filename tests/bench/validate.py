"""How fast validation is: schema validators against each other, opening files, whole datasets.

python tests/bench/validate.py                   # 10,000 lines
python tests/bench/validate.py --lines 100000
"""

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "curate")]

import handmade

from curate import audio, jsonio, schema
from curate.config import ChunkOptions
from curate.records import ManifestLine, Sidecar, TrackLine
from curate.validate import validate

CONSOLE = Console()


def main() -> None:
    """Runs everything and prints tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "dataset"
        many(folder, options.lines)
        validators(folder)
        opening(folder)
        quick(folder)
        deep(Path(place) / "long")


def many(folder: Path, lines: int) -> None:
    """A dataset of ours with so many clips of a second; audio files are hard links to a few."""
    handmade.ours(folder)
    path = folder / "manifests" / "train" / "data.jsonl"
    template = list(jsonio.read_lines(path, ManifestLine))
    tracks = list(jsonio.read_lines(folder / "tracks.jsonl", TrackLine))
    made, rows = tracks[5:], []
    shutil.copytree(folder / "audio", folder / "kept")
    for line in template:
        shutil.rmtree(Path(line.path).parent, ignore_errors=True)
    for number in range(lines // handmade.CHUNKS):
        kind = number % 5
        track = replace(
            tracks[kind], id=f"{number:012x}", group=str(number), sha256=f"{number:064x}"
        )
        made.append(track)
        home = folder / "audio" / str(number // 1000) / track.id
        home.mkdir(parents=True)
        for index, line in enumerate(template[kind * 3 : kind * 3 + 3]):
            source = folder / "kept" / Path(line.path).relative_to(folder / "audio")
            clip = home / f"{track.id}_chunk{index:03d}.flac"
            os.link(source, clip)
            beside = jsonio.decode(source.with_suffix(".json").read_bytes(), Sidecar)
            own = replace(beside, track_id=track.id, audio_sha256=f"{number * 3 + index:064x}")
            clip.with_suffix(".json").write_bytes(jsonio.pretty(own))
            rows.append(replace(line, path=str(clip), track_id=track.id))
    shutil.rmtree(folder / "kept")
    jsonio.write_lines(path, rows)
    jsonio.write_lines(folder / "tracks.jsonl", made)
    handmade.reseal(folder)


def validators(folder: Path) -> None:
    """Schema validators on manifest lines that are parsed already."""
    import jsonschema
    import jsonschema_rs
    import msgspec

    document = schema.load("manifest-line")
    data = (folder / "manifests/train/data.jsonl").read_bytes().splitlines()[:10_000]
    rows = [json.loads(line) for line in data]
    slow = jsonschema.Draft202012Validator(document)
    rust = jsonschema_rs.validator_for(document)
    kinds: dict[str, tuple[Callable[[], object], int]] = {
        "jsonschema": (lambda: [slow.is_valid(row) for row in rows[:2000]], len(rows[:2000])),
        "jsonschema-rs": (lambda: [rust.is_valid(row) for row in rows], len(rows)),
    }
    try:
        import fastjsonschema

        compiled = fastjsonschema.compile({**document, "$schema": ""}, use_default=False)
        kinds["fastjsonschema"] = (lambda: [compiled(row) for row in rows], len(rows))
    except ImportError:
        CONSOLE.print("fastjsonschema is not installed")
    kinds["msgspec.convert (types only)"] = (
        lambda: [msgspec.convert(row, ManifestLine) for row in rows],
        len(rows),
    )
    kinds["json.loads, to compare"] = (lambda: [json.loads(line) for line in data], len(rows))
    table = Table("what", "µs a line", "s for 10,000", title="schema of manifest lines")
    for name, (function, count) in kinds.items():
        each = best(function) / count
        table.add_row(name, f"{each * 1e6:.1f}", f"{each * 10_000:.3f}")
    CONSOLE.print(table)


def opening(folder: Path) -> None:
    """Opening audio files on this disk: one thread against several."""
    paths = sorted(folder.glob("audio/0/*/*.flac"))[:3000]

    def header(path: Path) -> int:
        with audio.Reader(path) as reader:
            return reader.header.sample_rate

    table = Table("threads", "µs a file", title="audio headers")
    table.add_row("none", f"{best(lambda: list(map(header, paths))) / len(paths) * 1e6:.0f}")
    for threads in (2, 4, 16):
        with ThreadPoolExecutor(threads) as pool:
            seconds = best(lambda pool=pool: list(pool.map(header, paths)))
        table.add_row(str(threads), f"{seconds / len(paths) * 1e6:.0f}")
    CONSOLE.print(table)


def quick(folder: Path) -> None:
    """All of validation but decoding."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    report = validate(folder)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table = Table("lines", "s", "µs a line", "findings", "peak MiB", "before", title="validate")
    each = f"{seconds / report.lines * 1e6:.0f}"
    found = str(len(report.findings))
    table.add_row(str(report.lines), f"{seconds:.1f}", each, found, f"{peak:.0f}", f"{before:.0f}")
    CONSOLE.print(table)


def deep(folder: Path) -> None:
    """Decoding everything."""
    chunk = ChunkOptions()
    handmade.ours(folder, replace(handmade.CONFIG, chunk=chunk))
    start = time.perf_counter()
    report = validate(folder, deep=True)
    seconds = time.perf_counter() - start
    rate = report.hours * 3600 / seconds
    table = Table("clips of 30 s", "s", "s of audio a second", "findings", title="validate --deep")
    found = str(len(report.findings))
    table.add_row(str(report.lines), f"{seconds:.2f}", f"{rate:.0f}", found)
    CONSOLE.print(table)


def best(function: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest of a few runs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return min(taken)


if __name__ == "__main__":
    main()
