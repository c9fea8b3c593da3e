"""dset.yaml: a datasource of this dataset that audiocraft accepts and that pads nothing."""

from pathlib import Path
from typing import Any

from curate import safeyaml
from curate.errors import ConfigError
from curate.records import SPLITS, Split
from curate.validate.built import Built
from curate.validate.entries import Paths
from curate.validate.layout import Layout
from curate.validate.report import Collector, shown
from curate.validate.text import is_file, number

PACKAGE_LINE = "# @package __global__"
"""First line of a dset: without it Hydra puts `datasource` where audiocraft does not look."""

STAGES: dict[str, Split] = {
    "train": "train",
    "valid": "valid",
    "evaluate": "test",
    "generate": "test",
}
"""audiocraft's stages, and the split each of them reads."""


def check(
    layout: Layout, built: Built, paths: Paths, lines: dict[str, int], collector: Collector
) -> None:
    """The datasource, and splits that are empty where it reads them.

    Args:
        layout: Of the dataset.
        built: What build.json says.
        paths: Knows where a moved dataset is now.
        lines: Lines of each split's manifest.
        collector: Takes the findings.
    """
    path = layout.root / "dset.yaml"
    document = _read(path, collector) if is_file(path) else None
    sources = _sources(layout, document, paths, path, collector) if document else {}
    for split, count in lines.items():
        if count == 0 and not collector.incomplete:
            _empty(split, sources, built, layout, collector)
    for stage, found in sources.items():
        wanted = STAGES[stage]
        allowed = {wanted} if lines.get(wanted) else {wanted, "train"}
        if found not in allowed:
            value = document.value["datasource"][stage] if document else None
            line = document.line(("datasource", stage)) if document else None
            expected = layout.root / "manifests" / wanted
            message = f"datasource.{stage} is {shown(value, 200)}, expected {expected}"
            collector.add("dset_path", message, file=path, line=line)
    if document is not None:
        _check_limits(document, built, path, collector)
        _check_padding(document, built, path, collector)


def _read(path: Path, collector: Collector) -> safeyaml.Document | None:
    try:
        document = safeyaml.load(path)
        first = path.read_text("utf-8-sig").splitlines()[0]
    except (ConfigError, OSError, ValueError, IndexError) as error:
        collector.add("dset_invalid", str(error), file=path)
        return None
    source = document.value.get("datasource") if isinstance(document.value, dict) else None
    if not isinstance(source, dict):
        collector.add("dset_invalid", "there is no mapping 'datasource'", file=path)
        return None
    if first.strip() != PACKAGE_LINE:
        message = f"the first line is {shown(first)}, expected '{PACKAGE_LINE}'"
        collector.add("dset_invalid", message, file=path, line=1)
    return document


def _sources(
    layout: Layout, document: safeyaml.Document, paths: Paths, path: Path, collector: Collector
) -> dict[str, Split | None]:
    """The split each stage reads; None for a folder that is not of this dataset."""
    root = layout.root
    folders = {root / "manifests" / split: split for split in SPLITS}
    folders |= {root.resolve() / "manifests" / split: split for split in SPLITS}
    found: dict[str, Split | None] = {}
    for stage in STAGES:
        value = document.value["datasource"].get(stage)
        if isinstance(value, str) and value:
            found[stage] = folders.get(Path(paths.here(value)))
            continue
        message = f"datasource.{stage} is {shown(value)}, expected a folder"
        line = document.line(("datasource", stage))
        collector.add("dset_invalid", message, file=path, line=line)
    return found


def _empty(
    split: str,
    sources: dict[str, Split | None],
    built: Built,
    layout: Layout,
    collector: Collector,
) -> None:
    path = layout.root / "manifests" / split / "data.jsonl"
    if split == "train" or split in sources.values():
        collector.add("split_empty", f"the manifest of '{split}' has no line", file=path)
        collector.incomplete = True
        return
    shares = built.config.split if built.config else None
    share = {"valid": shares.valid, "test": shares.test}[split] if shares else 0.0
    if share > 0:
        message = f"'{split}' is empty though split.{split} is {share:g}; train stands in for it"
        collector.add("split_substituted", message, file=path)


def _check_limits(
    document: safeyaml.Document, built: Built, path: Path, collector: Collector
) -> None:
    chunk = built.config.chunk if built.config else None
    rate, channels = (chunk.sample_rate, chunk.channels) if chunk else (1, 1)
    for name, wanted in (("max_sample_rate", rate), ("max_channels", channels)):
        value = document.value["datasource"].get(name)
        line = document.line(("datasource", name))
        if not isinstance(value, int) or isinstance(value, bool):
            message = f"datasource.{name} is {shown(value)}, expected a whole number"
            collector.add("dset_invalid", message, file=path, line=line)
        elif value < wanted:
            message = f"datasource.{name} is {value}, the clips have {wanted}"
            collector.add("dset_limits", message, file=path, line=line)


def _check_padding(
    document: safeyaml.Document, built: Built, path: Path, collector: Collector
) -> None:
    settings: Any = document.value.get("dataset")
    if built.config is None or not isinstance(settings, dict):
        return
    seconds = built.config.chunk.seconds
    segment = number(settings.get("segment_duration"))
    least = number(settings.get("min_segment_ratio"))
    if segment is not None and segment > seconds + 1e-3:
        message = f"dataset.segment_duration is {segment:g} s, the clips have {seconds:g} s"
        line = document.line(("dataset", "segment_duration"))
        collector.add("dset_padding", message, file=path, line=line)
    elif segment is not None and least is not None and least < 1:
        message = f"dataset.min_segment_ratio is {least:g}, expected 1.0: reading starts too late"
        line = document.line(("dataset", "min_segment_ratio"))
        collector.add("dset_padding", message, file=path, line=line)
