"""The SQLite file of answers: opening it, its tables, its transactions, its complaints."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import msgspec

from curate.errors import CurateError

FORMAT = 1
"""Version of the tables; kept in the file's `user_version`."""

_BUSY_S = 60.0
"""How long to wait for another process that writes."""

_TABLES = """
    create table answers (key blob primary key, answer text not null) without rowid;
    create table purses (
        name text primary key,
        spent integer not null default 0,
        requests integer not null default 0,
        unpriced integer not null default 0,
        input_tokens integer not null default 0,
        output_tokens integer not null default 0
    ) without rowid;
    create table batches (
        mark text primary key,
        purse text not null,
        server blob not null,
        id text not null default '',
        file text not null default ''
    ) without rowid;
    create table waiting (
        key blob not null,
        batch text not null,
        reserved integer not null,
        primary key (batch, key)
    ) without rowid;
"""

_ADDED = """
    create table if not exists words (
        key blob not null,
        purse text not null,
        source text not null,
        primary key (key, purse, source)
    ) without rowid;
"""
"""A table that files of this format may lack: who has a word in which question."""


class AnswerFile:
    """The file, opened. Used by one thread; by any number of processes.

    Args:
        path: Of the file, which is made where there is none.

    Attributes:
        path: As given.

    Every method of it and of what is built on it raises `CurateError` where the file cannot be read
    or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._speaking():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
            try:
                self._open()
            except BaseException:
                self._file.close()
                raise

    @staticmethod
    def file(place: Path) -> Path:
        """Where it lies in the cache's folder."""
        return place / "captions.sqlite"

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        self._file.execute("pragma journal_mode = wal")
        self._file.execute("pragma synchronous = normal")
        self._file.execute("pragma secure_delete = on")  # what is forgotten is to be gone
        with self._changing(durable=True):
            found = self._file.execute("pragma user_version").fetchone()[0]
            tables = self._file.execute("select count(*) from sqlite_master").fetchone()[0]
            if found == 0 and tables == 0:
                for statement in filter(str.strip, _TABLES.split(";")):
                    self._file.execute(statement)
                self._file.execute(f"pragma user_version = {FORMAT}")
            elif found != FORMAT:
                raise CurateError(
                    f"{self.path}: holds answers in format {found}, this version of curate reads "
                    f"{FORMAT}; use the version that wrote it, or move the file away"
                )
            self._file.execute(_ADDED)

    @contextlib.contextmanager
    def _changing(self, *, durable: bool = False) -> Iterator[None]:
        """One transaction; a durable one and all before it survive a loss of power."""
        with self._speaking():
            if durable:
                self._file.execute("pragma synchronous = full")
            self._file.execute("begin immediate")
            try:
                yield
                self._file.execute("commit")
            except BaseException:
                if self._file.in_transaction:
                    self._file.execute("rollback")
                raise
            finally:
                if durable:
                    self._file.execute("pragma synchronous = normal")

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        """Words what the file has to complain about."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise CurateError(
                f"{self.path}: the answers of language models cannot be read or written: {error}; "
                "see that the folder may be written to, the disk has room and no other program "
                "holds the file"
            ) from None
        except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
            raise CurateError(
                f"{self.path}: the answers of language models are damaged: {error}; move the file "
                "away, then what it held is asked and paid for again"
            ) from None
        except OSError as error:
            raise CurateError(f"{self.path}: cannot be opened: {error.strerror or error}") from None
