"""What a dataset's folder says of itself: finished, half built, or nothing."""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate import jsonio
from curate.building.catalog import reading
from curate.building.readiness import TRIED
from curate.dataset import near
from curate.errors import CurateError
from curate.records import BuildInfo, Rejection


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a dataset's folder.

    Attributes:
        folder: The folder.
        build: Its `build.json`; None before the first build has finished.
        stages: Items that each stage has a result for, from the catalog.
        failures: Tracks that failed, by code.
        rejected: Lines of `rejected.jsonl`.
    """

    folder: Path
    build: BuildInfo | None
    stages: dict[str, int]
    failures: dict[str, int]
    rejected: tuple[Rejection, ...]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"folder": str(self.folder)} | {
            name: jsonio.builtins(getattr(self, name))
            for name in ("build", "stages", "failures", "rejected")
        }


def read(folder: Path) -> Status:
    """The status of a dataset, also while it is being built.

    Raises:
        CurateError: There is no dataset in this folder.
    """
    build, catalog = folder / "build.json", folder / "catalog.sqlite"
    if not build.is_file() and not catalog.is_file():
        raise CurateError(
            f"{folder}: neither build.json nor catalog.sqlite: no dataset here; {near(folder)}"
        )
    try:
        info = jsonio.decode(build.read_bytes(), BuildInfo) if build.is_file() else None
        rejected = tuple(jsonio.read_lines(folder / "rejected.jsonl", Rejection))
        stages, failures = _catalog(catalog) if catalog.is_file() else ({}, {})
    except (ValueError, sqlite3.DatabaseError) as error:
        raise CurateError(f"{folder}: cannot be read: {error}; run `curate validate`") from None
    return Status(folder, info, stages, failures, rejected)


def _catalog(path: Path) -> tuple[dict[str, int], dict[str, int]]:
    with closing(reading(path)) as database:
        stages = dict(
            database.execute(
                "SELECT stage, COUNT(DISTINCT item) FROM result WHERE item <> ? GROUP BY stage",
                (TRIED,),
            )
        )
        failed = Counter(
            jsonio.decode(value, Rejection).code
            for (value,) in database.execute("SELECT value FROM failure")
        )
    return stages, dict(sorted(failed.items()))
