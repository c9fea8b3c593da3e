"""Removing what builds leave behind: half-written files, and clips that nothing names any more."""

import contextlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from curate import jsonio
from curate.building.catalog import Catalog
from curate.building.ledger import AWAY, Item
from curate.records import Rejection
from curate.stages import chunk


def remove_partial(out: Path) -> None:
    """Removes what a killed build left half-written, where a build writes and nowhere else."""
    for place in (".", "manifests/*", "audio/*/*"):
        for path in out.glob(f"{place}/.*{jsonio.PARTIAL}"):
            if re.fullmatch(rf"\..+\.\d+{re.escape(jsonio.PARTIAL)}", path.name):
                with contextlib.suppress(OSError):
                    path.unlink()


def sweep(out: Path, catalog: Catalog, dropped: Iterable[tuple[Item, Rejection]]) -> None:
    """Removes clips and sidecars of earlier builds that the dataset at `out` no longer names.

    Only files that a build wrote are touched, and none of tracks whose source is merely away.

    Args:
        out: The dataset's folder.
        catalog: Knows which files are named.
        dropped: What the build left out.
    """
    away = set(_away(dropped))
    stale = [path for path in catalog.unnamed_files() if away.isdisjoint(_above(path))]
    for path in stale:
        (out / path).unlink(missing_ok=True)
        for folder in (out / path).parents[:2]:
            with contextlib.suppress(OSError):
                folder.rmdir()  # only where nothing is left in it
    catalog.forget_files(stale)


def _away(dropped: Iterable[tuple[Item, Rejection]]) -> Iterator[str]:
    """Folders of tracks that may come back, and of artists of whom a whole entry may."""
    for item, rejected in dropped:
        if rejected.code in AWAY:
            track = chunk.folder(item.track)
            yield track if rejected.title else track.rpartition("/")[0]


def _above(path: str) -> tuple[str, str]:
    """The folders of a clip's track and artist."""
    track = path.rpartition("/")[0]
    return track, track.rpartition("/")[0]
