"""How fast validation is: schema validators against each other, header checks, whole datasets.

python tests/bench/validate.py              # validators and 10,000 lines
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
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "curate"))

import handmade

from curate import audio, jsonio, schema
from curate.records import ManifestLine, Sidecar
from curate.validate import validate

CONSOLE = Console()


def main() -> None:
    """Runs everything and prints tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "dataset"
        dataset(folder, options.lines)
        validators(folder, options.lines)
        headers(folder)
        whole(folder, options.lines)


def dataset(folder: Path, lines: int) -> None:
    """A dataset of ours with so many clips; audio files are hard links to a few."""
    handmade.ours(folder)
    template = handmade.rows(folder / "manifests/train/data.jsonl")
    per_track = len(template) // 5
    beside = Path(template[0]["path"]).with_suffix(".json").read_bytes()
    sidecar = jsonio.decode(beside, Sidecar)
    tracks = handmade.rows(folder / "tracks.jsonl")
    rows, table = [], [track for track in tracks if track["split"] != "train"]
    clips = [Path(row["path"]) for row in template]
    shutil.move(folder / "audio", folder / "kept")
    for number in range(lines // per_track):
        track = dict(
            tracks[number % 5], id=f"{number:012x}", group=str(number), sha256=f"{number:064x}"
        )
        table.append(track)
        home = folder / "audio" / "a" / track["id"]
        home.mkdir(parents=True)
        for index in range(per_track):
            row = dict(template[number % 5 * per_track + index], track_id=track["id"])
            path = home / f"{track['id']}_chunk{index:03d}.flac"
            source = (
                folder
                / "kept"
                / clips[number % 5 * per_track + index].relative_to(folder / "audio")
            )
            os.link(source, path)
            own = {name: row[name] for name in row if name in Sidecar.__slots__}
            record = {
                **jsonio.builtins(sidecar),
                **own,
                "audio_sha256": f"{number * 10 + index:064x}",
            }
            path.with_suffix(".json").write_bytes(jsonio.pretty(record))
            rows.append({**row, "path": str(path)})
    for row in handmade.rows(folder / "manifests/valid/data.jsonl") + handmade.rows(
        folder / "manifests/test/data.jsonl"
    ):
        path = Path(row["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        for suffix in (".flac", ".json"):
            old = folder / "kept" / path.relative_to(folder / "audio").with_suffix(suffix)
            old.rename(path.with_suffix(suffix))
    shutil.rmtree(folder / "kept")
    handmade.write_rows(folder / "manifests/train/data.jsonl", rows)
    handmade.write_rows(folder / "tracks.jsonl", table)
    handmade.reseal(folder)


def validators(folder: Path, lines: int) -> None:
    """Schema validators on manifest lines, parsing left out."""
    import jsonschema
    import jsonschema_rs
    import msgspec

    document = schema.load("manifest-line")
    data = (folder / "manifests/train/data.jsonl").read_bytes().splitlines()[:10_000]
    rows = [json.loads(line) for line in data]
    slow = jsonschema.Draft202012Validator(document)
    rust = jsonschema_rs.validator_for(document)
    kinds: dict[str, Callable[[], object]] = {
        "jsonschema": lambda: [slow.is_valid(row) for row in rows[:1000]],
        "jsonschema-rs": lambda: [rust.is_valid(row) for row in rows],
        "msgspec.convert (types only)": lambda: [msgspec.convert(r, ManifestLine) for r in rows],
        "json.loads": lambda: [json.loads(line) for line in data],
    }
    try:
        import fastjsonschema

        compiled = fastjsonschema.compile({**document, "$schema": ""}, use_default=False)
        kinds["fastjsonschema"] = lambda: [compiled(row) for row in rows]
    except ImportError:
        CONSOLE.print("fastjsonschema is not installed")
    table = Table("what", "µs a line", "s for 10,000 lines", title="manifest lines")
    for name, function in kinds.items():
        count = 1000 if name == "jsonschema" else len(rows)
        each = best(function) / count
        table.add_row(name, f"{each * 1e6:.1f}", f"{each * 10_000:.3f}")
    CONSOLE.print(table)


def headers(folder: Path) -> None:
    """Opening audio files: one thread against several."""
    paths = sorted(folder.glob("audio/a/*/*.flac"))[:3000]

    def header(path: Path) -> int:
        with audio.Reader(path) as reader:
            return reader.header.sample_rate

    table = Table("threads", "µs a file", title="audio headers")
    table.add_row("none", f"{best(lambda: list(map(header, paths))) / len(paths) * 1e6:.0f}")
    for threads in (2, 4, 8):
        with ThreadPoolExecutor(threads) as pool:
            seconds = best(lambda pool=pool: list(pool.map(header, paths)))
        table.add_row(str(threads), f"{seconds / len(paths) * 1e6:.0f}")
    CONSOLE.print(table)


def whole(folder: Path, lines: int) -> None:
    """All of validation."""
    table = Table("lines", "deep", "s", "µs a line", "findings", "peak MiB", title="validate")
    for deep in (False, True):
        start = time.perf_counter()
        report = validate(folder, deep=deep)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found = str(dict(report.by_code()))
        each = f"{seconds / report.lines * 1e6:.0f}"
        table.add_row(str(report.lines), str(deep), f"{seconds:.1f}", each, found, f"{peak:.0f}")
    CONSOLE.print(table)


def best(function: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest of a few runs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return float(np.min(taken))


if __name__ == "__main__":
    main()
