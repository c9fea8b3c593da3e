"""The state of every item at every stage, in SQLite; only the driver writes it.

A result is stored under stage, item and the fingerprint of everything that shaped it, so the same
thing is never computed twice and nothing stale is ever used. A failure is stored likewise, with the
number of attempts. Where a group of tracks was placed (train, valid, test) stays for good.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self, TypeVar

from curate import jsonio
from curate.errors import CurateError
from curate.records import Rejection, Split

Record = TypeVar("Record")

FORMAT = 2
"""Of the tables below; a catalog of another format is refused, not guessed at."""

COMMIT_SECONDS = 1.0
"""A killed build loses at most this much of finished work."""

_TABLES = """
CREATE TABLE IF NOT EXISTS result (
    item TEXT NOT NULL, stage TEXT NOT NULL, fingerprint TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (item, stage, fingerprint)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS failure (
    item TEXT NOT NULL PRIMARY KEY, fingerprint TEXT NOT NULL, attempts INTEGER NOT NULL,
    value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS placement (
    deal TEXT NOT NULL, track TEXT NOT NULL, split TEXT NOT NULL,
    PRIMARY KEY (deal, track)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (
    path TEXT NOT NULL PRIMARY KEY, named INTEGER NOT NULL) WITHOUT ROWID;
"""


class Catalog:
    """An open catalog. Writes are batched; `close` or leaving the context commits them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(path)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._check_format(path)
            self._db.executescript(_TABLES)
            self._db.execute(f"PRAGMA user_version = {FORMAT}")
        except sqlite3.DatabaseError as error:
            raise _failed(path, error) from None
        self._committed = time.monotonic()

    def _check_format(self, path: Path) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, FORMAT):
            raise CurateError(
                f"{path}: written by another version of curate (format {version}, this one "
                f"reads {FORMAT}); build into a new folder or remove the file to start over"
            )

    @classmethod
    def look(cls, path: Path) -> "Catalog":
        """A copy in memory of the catalog at `path`, empty if there is none: for looking only."""
        copy = cls(Path(":memory:"))
        if path.is_file():
            try:
                with contextlib.closing(reading(path)) as there:
                    there.backup(copy._db)
                copy._check_format(path)
                copy._db.executescript(_TABLES)
            except sqlite3.DatabaseError as error:
                raise _failed(path, error) from None
            copy.path = path
        return copy

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self.close()
        except sqlite3.Error as late:
            error = error or late
        if isinstance(error, sqlite3.DatabaseError):
            raise _failed(self.path, error) from None

    def close(self) -> None:
        """Commits and closes."""
        try:
            self._db.commit()
        finally:
            self._db.close()

    def commit(self, *, now: bool = False) -> None:
        """Commits if the last commit is long enough ago, or `now`."""
        if now or time.monotonic() - self._committed > COMMIT_SECONDS:
            self._db.commit()
            self._committed = time.monotonic()

    def get(self, item: str, stage: str, fingerprint: str, kind: type[Record]) -> Record | None:
        """The stored result of exactly this, or None."""
        row = self._db.execute(
            "SELECT value FROM result WHERE item = ? AND stage = ? AND fingerprint = ?",
            (item, stage, fingerprint),
        ).fetchone()
        return None if row is None else jsonio.decode(row[0], kind)

    def results(self, item: str) -> dict[tuple[str, str], bytes]:
        """All results of an item, still encoded, by stage and fingerprint: one query, not many."""
        rows = self._db.execute(
            "SELECT stage, fingerprint, value FROM result WHERE item = ?", (item,)
        )
        return {(stage, fingerprint): value for stage, fingerprint, value in rows}

    def put(
        self, item: str, stage: str, fingerprint: str, record: object, *, only: bool = False
    ) -> None:
        """Stores a result.

        `only`: results of other fingerprints are void from now on, because what they describe
        (files) has been overwritten.
        """
        if only:
            self._db.execute(
                "DELETE FROM result WHERE item = ? AND stage = ? AND fingerprint <> ?",
                (item, stage, fingerprint),
            )
        self._db.execute(
            "INSERT OR REPLACE INTO result VALUES (?, ?, ?, ?)",
            (item, stage, fingerprint, jsonio.encode(record)),
        )
        self.commit()

    def failure(self, item: str, fingerprint: str) -> tuple[Rejection, int] | None:
        """How this item failed under exactly this fingerprint, and how often; or None."""
        row = self._db.execute(
            "SELECT value, attempts FROM failure WHERE item = ? AND fingerprint = ?",
            (item, fingerprint),
        ).fetchone()
        return None if row is None else (jsonio.decode(row[0], Rejection), row[1])

    def fail(self, item: str, fingerprint: str, rejection: Rejection) -> None:
        """Stores a failure and counts the attempts that ended like this."""
        before = self.failure(item, fingerprint)
        attempts = 1 + (before[1] if before and before[0].code == rejection.code else 0)
        self._db.execute(
            "INSERT OR REPLACE INTO failure VALUES (?, ?, ?, ?)",
            (item, fingerprint, attempts, jsonio.encode(rejection)),
        )
        self.commit()

    def forgive(self, item: str) -> None:
        """Forgets how this item failed: it has been worked on since."""
        self._db.execute("DELETE FROM failure WHERE item = ?", (item,))

    def forgive_all(self) -> None:
        """Forgets how anything failed: it is to be tried again."""
        self._db.execute("DELETE FROM failure")

    def failures(self) -> list[tuple[str, Rejection]]:
        """How each item failed that did."""
        rows = self._db.execute("SELECT item, value FROM failure").fetchall()
        return [(item, jsonio.decode(value, Rejection)) for item, value in rows]

    def reword(self, item: str, rejection: Rejection) -> None:
        """Tells a failure in other words; what is known of it stays."""
        self._db.execute(
            "UPDATE failure SET value = ? WHERE item = ?", (jsonio.encode(rejection), item)
        )

    def stored(self, stage: str, kind: type[Record]) -> Iterator[tuple[str, str, Record]]:
        """All results of a stage: item, fingerprint, record."""
        keys = self._db.execute("SELECT item, fingerprint FROM result WHERE stage = ?", (stage,))
        for item, fingerprint in keys.fetchall():  # the caller may put others meanwhile
            found = self.get(item, stage, fingerprint, kind)
            if found is not None:
                yield item, fingerprint, found

    def forget_stage(self, stage: str) -> None:
        """Forgets all results of a stage."""
        self._db.execute("DELETE FROM result WHERE stage = ?", (stage,))

    def scrub(self) -> None:
        """Leaves nothing in the file of what was deleted or replaced so far."""
        self.commit(now=True)
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def placements(self, deal: str) -> dict[str, Split]:
        """Where each track was placed under this deal (seed and kind of split)."""
        rows = self._db.execute("SELECT track, split FROM placement WHERE deal = ?", (deal,))
        return dict(rows)

    def place(self, deal: str, placed: dict[str, Split]) -> None:
        """Remembers where tracks were placed."""
        self._db.executemany(
            "INSERT OR REPLACE INTO placement VALUES (?, ?, ?)",
            ((deal, track, split) for track, split in placed.items()),
        )

    def note_file(self, *paths: str, named: bool) -> None:
        """Remembers files below the dataset's folder as ours; only such are ever removed.

        Args:
            paths: Relative to the folder.
            named: Whether the dataset that is being written names them.
        """
        self._db.executemany(
            "INSERT INTO file VALUES (?, ?) ON CONFLICT DO UPDATE SET named = excluded.named",
            ((path, named) for path in paths),
        )

    def name_no_files(self) -> None:
        """Before a dataset is written: it names no file yet."""
        self._db.execute("UPDATE file SET named = 0 WHERE named")

    def unnamed_files(self) -> list[str]:
        """Files that earlier builds left and the dataset does not name."""
        rows = self._db.execute("SELECT path FROM file WHERE NOT named ORDER BY path")
        return [path for (path,) in rows]

    def forget_files(self, paths: Iterable[str]) -> None:
        """Forgets files that were removed."""
        self._db.executemany("DELETE FROM file WHERE path = ?", ((path,) for path in paths))


def reading(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing, no files beside the catalog either.

    SQLite puts an index and a log beside a catalog even to read it. Where there is no log nobody
    has it open, and it can be read as it lies.
    """
    path = path.absolute()
    still = not path.with_name(f"{path.name}-wal").exists()
    return sqlite3.connect(f"{path.as_uri()}?mode=ro{'&immutable=1' if still else ''}", uri=True)


def _failed(path: Path, error: sqlite3.DatabaseError) -> CurateError:
    if isinstance(error, sqlite3.OperationalError):  # a full disk, a folder that is read-only
        return CurateError(f"{path}: {error}; mend that and build again")
    return CurateError(
        f"{path}: not a usable catalog ({error}); remove it to build afresh - audio files are then "
        "made again"
    )


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the dataset's folder for one build at a time; the lock ends with the process.

    Raises:
        CurateError: Another build holds it.
    """
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CurateError(f"{folder}: another build is working here; wait for it") from None
        yield
    finally:
        os.close(descriptor)
