"""The datasheet of a dataset: DATASHEET.md, for people."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curate import jsonio
from curate.labels.models import zoo
from curate.records import SPLITS, BuildInfo, TrackLine


@dataclass(slots=True)
class _Sums:
    tracks: Counter[str] = field(default_factory=Counter)
    chunks: Counter[str] = field(default_factory=Counter)


def write(out: Path, info: BuildInfo) -> None:
    """Writes DATASHEET.md from `tracks.jsonl` and what the build counted."""
    artists, licences, sources = _Sums(), _Sums(), _Sums()
    for line in jsonio.read_lines(out / "tracks.jsonl", TrackLine):
        for sums, name in (
            (artists, line.artist),
            (licences, line.licence or "not stated"),
            (sources, line.source),
        ):
            sums.tracks[name] += 1
            sums.chunks[name] += line.chunks
    text = "\n".join(_lines(info, artists, licences, sources))
    jsonio.write_atomically(out / "DATASHEET.md", text.encode())


def _lines(info: BuildInfo, artists: _Sums, licences: _Sums, sources: _Sums) -> list[str]:
    counts, config = info.counts, info.config
    chunk: Any = config["chunk"]
    split: Any = config["split"]
    return [
        f"# {info.name}",
        "",
        f"{counts.tracks} tracks, {counts.chunks} clips of {chunk['seconds']:g} s, "
        f"{counts.hours:.2f} hours, {chunk['sample_rate']} Hz, {chunk['channels']} channel(s), "
        f"{chunk['format']}.",
        "" if info.complete else "\nPart of the whole: built with a limit.\n",
        "## Rights",
        "",
        f"{_cell(config['rights'])}",
        "",
        "A licence named below is what the file itself claims; it is evidence, not proof.",
        "",
        *_table("Licence as claimed", licences),
        "",
        "## Composition",
        "",
        *_table("Artist", artists),
        "",
        *_table("Source", sources),
        "",
        "| Split | Tracks | Clips | Hours |",
        "|---|--:|--:|--:|",
        *(
            f"| {name} | {counts.splits[name].tracks} | {counts.splits[name].chunks} "
            f"| {counts.splits[name].hours:.2f} |"
            for name in SPLITS
        ),
        "",
        f"Split by {split['by']}; copies of one recording never stand on two sides.",
        "",
        "## Left out",
        "",
        *_rejections(counts.rejected),
        "",
        "## How it was made",
        "",
        "Cut at exact sample counts from one decode of each track, resampled and mixed, loudness "
        "measured and not changed. Descriptions are sentences made from the labels; every label "
        "stands in the sidecar of its clip with its source and score, and in `tracks.jsonl`.",
        "",
        f"Data fingerprint: `{info.fingerprint}`",
        "",
        "| Made with | Version |",
        "|---|---|",
        *(f"| {name} | {version} |" for name, version in info.versions.items()),
        "",
        *_models(info.models),
    ]


def _models(models: dict[str, str]) -> list[str]:
    """Models, their terms and whom to name: what they say is in the labels and descriptions."""
    if not models:
        return []
    known = [zoo.BY_NAME[name] for name in models if name in zoo.BY_NAME]
    return [
        "## Models",
        "",
        f"Labels with a source `essentia.*` were given by these models ({zoo.LICENCE}: for "
        "non-commercial use, with attribution). They err; every score is kept.",
        "",
        "| Model | SHA-256 |",
        "|---|---|",
        *(f"| {name} | `{sha256[:16]}` |" for name, sha256 in models.items()),
        "",
        "To be named:",
        "",
        *(f"- {citation}" for citation in dict.fromkeys(model.citation for model in known)),
        "",
    ]


def _table(name: str, sums: _Sums) -> list[str]:
    rows = sorted(sums.tracks, key=lambda key: (-sums.chunks[key], key))
    return [
        f"| {name} | Tracks | Clips |",
        "|---|--:|--:|",
        *(f"| {_cell(key)} | {sums.tracks[key]} | {sums.chunks[key]} |" for key in rows),
    ]


def _rejections(rejected: dict[str, int]) -> list[str]:
    if not rejected:
        return ["Nothing."]
    rows = [f"| {code} | {count} |" for code, count in sorted(rejected.items())]
    return ["| Reason | Items |", "|---|--:|", *rows, "", "Each one is a line of `rejected.jsonl`."]


def _cell(text: object) -> str:
    """Text from outside as one harmless cell of a Markdown table."""
    escaped = "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in str(text))
    return " ".join(escaped.split())
