"""relocate: a moved dataset's absolute paths are rewritten; nothing else changes."""

from dataclasses import replace
from pathlib import Path

import msgspec

from curate import config as configuration
from curate import jsonio
from curate.building.catalog import locked
from curate.dataset import near
from curate.errors import CurateError
from curate.records import SPLITS, BuildInfo, ManifestLine
from curate.stages import report

NAME = "relocate"

_BELOW = ("audio", "artist", "track", "file")
"""Where every clip lies below its dataset."""


def relocate(folder: Path) -> int:
    """Makes manifests and dset.yaml name the files where they are now.

    Returns the number of manifest lines.

    Raises:
        CurateError: The folder is no built dataset, it cannot be read, a clip is not there, or a
            build is working on it.
    """
    out = folder.resolve()
    if not (out / "build.json").is_file():
        raise CurateError(
            f"{folder}: no build.json: not a dataset that curate built; {near(folder)}"
        )
    with locked(out):
        return _rewrite(folder, out)


def _rewrite(folder: Path, out: Path) -> int:
    try:
        info = jsonio.decode((out / "build.json").read_bytes(), BuildInfo)
        loaded = msgspec.convert(info.config, configuration.Config)
        moved = {split: _moved(out, split) for split in SPLITS}
    except ValueError as error:
        raise CurateError(f"{folder}: {error}; see `curate validate {folder}`") from None
    for split, lines in moved.items():
        jsonio.write_lines(out / "manifests" / split / "data.jsonl", lines)
    report.write_dset(out, loaded, info.counts.splits)
    return sum(len(lines) for lines in moved.values())


def _moved(out: Path, split: str) -> list[ManifestLine]:
    lines = []
    manifest = out / "manifests" / split / "data.jsonl"
    for number, line in enumerate(jsonio.read_lines(manifest, ManifestLine), 1):
        tail = Path(line.path).parts[-len(_BELOW) :]
        path = out.joinpath(*tail)
        if tail[:1] != _BELOW[:1] or not path.is_file():
            raise CurateError(
                f"{manifest}:{number}: {Path(line.path).name} is not below {out / 'audio'}; "
                "copy the whole dataset, or build it again here"
            )
        lines.append(replace(line, path=str(path)))
    return lines
