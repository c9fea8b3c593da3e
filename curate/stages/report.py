"""report: the files that say what a dataset is: rejected.jsonl, dset.yaml, build.json."""

import platform
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from curate import jsonio
from curate.config import Config
from curate.records import SPLITS, BuildInfo, Rejection, SplitCount
from curate.sources.web.addresses import redact

NAME = "report"

LIBRARIES = ("numpy", "scipy", "soundfile", "soxr", "av", "mutagen", "essentia-tensorflow")
"""Whose versions can change the data."""

ONNX = "onnxruntime"
"""What runs `.onnx` models, where they label."""

_DSET = """\
# @package __global__

# Datasource of the dataset "{name}" for audiocraft: `dset=audio/{name}` once this file lies in
# its config/dset/audio. Stock audiocraft composes the solver's file after this one, so there the
# `dataset:` settings below must stand on the command line too (dataset.min_segment_ratio=1.0).
# After moving the dataset run `curate relocate` on its folder.
datasource:
  max_sample_rate: {sample_rate}
  max_channels: {channels}

  train: {train}
  valid: {valid}
  evaluate: {test}
  generate: {test}

dataset:
  # Clips are exactly this long: whole clips are read, from their start, without padding.
  # audiocraft's own default (0.8) starts up to 6 s late and trains on the silence it pads.
  segment_duration: {seconds:g}
  min_segment_ratio: 1.0
  valid:
    num_samples: {valid_samples}
  evaluate:
    num_samples: {test_samples}
  generate:
    num_samples: {generate_samples}
"""

MAX_GENERATE = 16
"""Clips to generate for listening: enough to hear, few enough to wait for."""


def now() -> str:
    """The present time, ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions(*, onnx: bool = False) -> dict[str, str]:
    """Versions of this tool, of Python, and of the libraries that shape the data.

    Args:
        onnx: Whether `.onnx` models labelled.
    """
    found = {"musicgen-curate": _version("musicgen-curate"), "python": platform.python_version()}
    return found | {name: _version(name) for name in (*LIBRARIES, *([ONNX] if onnx else []))}


def resolved(config: Config) -> dict[str, object]:
    """The configuration for `build.json`, without what secrets its addresses may hold."""
    return {name: _redacted(value) for name, value in jsonio.builtins(config).items()}


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value) if "://" in value else value
    if isinstance(value, list | tuple):
        return [_redacted(one) for one in value]
    if isinstance(value, dict):
        return {name: _redacted(one) for name, one in value.items()}
    return value


def write_dset(out: Path, config: Config, splits: dict[str, SplitCount]) -> None:
    """Writes `dset.yaml`, audiocraft's datasource with the settings this data needs.

    A split that is empty points to the training data, because audiocraft refuses an empty one.
    """
    used = {split: split if splits[split].chunks else "train" for split in SPLITS}
    paths = {split: _quoted(str(out / "manifests" / used[split])) for split in SPLITS}
    text = _DSET.format(
        name=config.name,
        sample_rate=config.chunk.sample_rate,
        channels=config.chunk.channels,
        seconds=config.chunk.seconds,
        valid_samples=max(splits[used["valid"]].chunks, 1),
        test_samples=max(splits[used["test"]].chunks, 1),
        generate_samples=min(max(splits[used["test"]].chunks, 1), MAX_GENERATE),
        **paths,
    )
    jsonio.write_atomically(out / "dset.yaml", text.encode())


def write_rejected(out: Path, rejected: Iterable[Rejection]) -> Counter[str]:
    """Writes `rejected.jsonl`. Returns how many there are of each code."""
    counts: Counter[str] = Counter()

    def counted() -> Iterable[Rejection]:
        for rejection in rejected:
            counts[rejection.code] += 1
            yield rejection

    jsonio.write_lines(out / "rejected.jsonl", counted())
    return counts


def write_build(out: Path, info: BuildInfo) -> None:
    """Writes `build.json`; the time of an identical earlier build is kept."""
    old = earlier(out)
    if old is None or _timeless(old) != _timeless(info):
        jsonio.write_atomically(out / "build.json", jsonio.pretty(info))


def earlier(out: Path) -> BuildInfo | None:
    """What the last build wrote down, None if there was none or it cannot be understood."""
    try:
        return jsonio.decode((out / "build.json").read_bytes(), BuildInfo)
    except (FileNotFoundError, ValueError):
        return None


def _quoted(text: str) -> str:
    """Any text as YAML. JSON would not do: YAML has no halves of characters beyond U+FFFF."""
    import yaml

    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=1 << 30).strip()


def _timeless(info: BuildInfo) -> bytes:
    return jsonio.encode(replace(info, built_at=""))  # as JSON, which does not tell tuples apart


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"
