"""What was answered, what was spent and which batches are under way, in one SQLite file.

An answer is kept under the hash of what was asked, whoever asked it: several datasets, runs and
processes share one file. Nothing in it names a server, a key or a track.

Money is counted by purse, one for each dataset. What a request may cost at most is put down before
it is sent, and corrected when its answer says what it did cost. So what a killed run had sent stays
counted as spent, and the sum is never below the truth.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from curate import jsonio
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


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        text: Of the model's message.
        refusal: Why it will not answer, where it says so in its own field.
        finish: `stop`, `length` (cut off at max_tokens), `content_filter`.
        input_tokens: What the server counted; None if it did not say.
        output_tokens: Likewise, hidden reasoning included.
    """

    text: str = ""
    refusal: str = ""
    finish: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """What one request did to a purse.

    Attributes:
        purse: Its name.
        reserved: Pico-dollars that were put down before.
        cost: Pico-dollars that it cost; None if there is no price.
        answer: What came back, for its tokens.
    """

    purse: str
    reserved: int
    cost: int | None
    answer: Answer


@dataclass(frozen=True, slots=True)
class Spent:
    """What is in the books of a purse, over all runs.

    Attributes:
        pico_usd: Spent, and put down for what is under way or was interrupted.
        requests: That were answered.
        unpriced: Those of them of which nobody knew the price.
        input_tokens: Of the answered ones.
        output_tokens: Likewise.
    """

    pico_usd: int = 0
    requests: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that was not collected yet.

    Attributes:
        mark: Our own name for it, which the server keeps with it.
        id: The server's; "" if we do not know whether it took the batch.
        file: The server's id of the requests' file.
    """

    mark: str
    id: str
    file: str


class Answers:
    """The file, opened. Used by one thread; by any number of processes.

    Args:
        path: Of the file, which is made where there is none.

    Every method raises `CurateError` where the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._speaking():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
            try:
                self._open()
            except BaseException:
                self._file.close()
                raise

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, key: bytes) -> Answer | None:
        """What was answered to the request of this hash."""
        with self._speaking():
            row = self._file.execute("select answer from answers where key = ?", (key,)).fetchone()
            return None if row is None else jsonio.decode(row[0], Answer)

    def put(self, key: bytes, bill: Bill) -> None:
        """Keeps an answer and books what it cost, both or nothing. The first answer stays."""
        with self._changing():
            self._keep(key, bill)

    def reserve(self, purse: str, pico_usd: int, budget: int | None) -> bool:
        """Puts down what a request may cost; False, and nothing is put down, beyond the budget.

        Without a budget it need not survive a loss of power, and is faster.
        """
        durable = budget is not None
        with self._changing(durable=durable):
            self._file.execute("insert or ignore into purses (name) values (?)", (purse,))
            changed = self._file.execute(
                "update purses set spent = spent + ?1 where name = ?2"
                " and (?3 is null or spent + ?1 <= ?3)",
                (pico_usd, purse, budget),
            )
            return changed.rowcount > 0

    def release(self, purse: str, pico_usd: int) -> None:
        """Takes back what was put down for a request that surely cost nothing."""
        with self._changing():
            self._release(purse, pico_usd)

    def spent(self, purse: str) -> Spent:
        """The books of a purse."""
        with self._speaking():
            row = self._file.execute(
                "select spent, requests, unpriced, input_tokens, output_tokens from purses"
                " where name = ?",
                (purse,),
            ).fetchone()
        return Spent() if row is None else Spent(*row)

    def begin_batch(
        self,
        mark: str,
        purse: str,
        server: bytes,
        keys: Iterable[tuple[bytes, int]],
        budget: int | None,
    ) -> int:
        """Writes down a batch before it is submitted, and puts down what it may cost.

        Args:
            mark: Our name for it.
            purse: That pays.
            server: Hash of the server's address.
            keys: Hash of each request, and what it costs at most.
            budget: Of the purse, in pico-dollars.

        Returns:
            How many of the requests, from the first, the budget has room for; with 0 nothing was
            written.
        """
        with self._changing(durable=True):
            self._file.execute("insert or ignore into purses (name) values (?)", (purse,))
            row = self._file.execute("select spent from purses where name = ?", (purse,)).fetchone()
            before = spent = int(row[0])
            taken = []
            for key, reserved in keys:
                if budget is not None and spent + reserved > budget:
                    break
                spent += reserved
                taken.append((mark, key, reserved))
            if taken:
                self._file.execute(
                    "insert into batches (mark, purse, server) values (?, ?, ?)",
                    (mark, purse, server),
                )
                self._file.executemany(
                    "insert into waiting (batch, key, reserved) values (?, ?, ?)", taken
                )
                self._file.execute(
                    "update purses set spent = spent + ? where name = ?", (spent - before, purse)
                )
            return len(taken)

    def name_batch(self, mark: str, *, id_: str = "", file: str = "") -> None:
        """Writes down what the server calls a batch, or its file."""
        with self._changing(durable=True):
            self._file.execute(
                "update batches set id = iif(?1 = '', id, ?1), file = iif(?2 = '', file, ?2)"
                " where mark = ?3",
                (id_, file, mark),
            )

    def batches(self, purse: str, server: bytes) -> list[Batch]:
        """Those that were not collected yet."""
        with self._speaking():
            rows = self._file.execute(
                "select mark, id, file from batches where purse = ? and server = ? order by mark",
                (purse, server),
            ).fetchall()
        return [Batch(*row) for row in rows]

    def waiting(self, mark: str) -> dict[bytes, int]:
        """Requests of a batch that have no answer yet, and what was put down for each."""
        with self._speaking():
            rows = self._file.execute("select key, reserved from waiting where batch = ?", (mark,))
            return dict(rows.fetchall())

    def collect(self, mark: str, bills: Iterable[tuple[bytes, Bill]]) -> None:
        """Keeps answers of a batch; of each once, however often they are collected."""
        with self._changing():
            for key, bill in bills:
                if self._taken(mark, key):
                    self._keep(key, bill)

    def end_batch(self, mark: str, *, keep_reserved: bool = False) -> None:
        """Forgets a batch. What was put down for what it did not answer goes back.

        Args:
            mark: Our name for it.
            keep_reserved: It does not go back: nobody knows whether the server works on it.
        """
        with self._changing(durable=True):
            row = self._file.execute(
                "select purse, (select total(reserved) from waiting where batch = ?1)"
                " from batches where mark = ?1",
                (mark,),
            ).fetchone()
            if row is not None and not keep_reserved:
                self._release(row[0], int(row[1]))
            self._file.execute("delete from waiting where batch = ?", (mark,))
            self._file.execute("delete from batches where mark = ?", (mark,))

    def _open(self) -> None:
        self._file.execute("pragma journal_mode = wal")
        self._file.execute("pragma synchronous = normal")
        with self._changing(durable=True):
            found = self._file.execute("pragma user_version").fetchone()[0]
            tables = self._file.execute("select count(*) from sqlite_master").fetchone()[0]
            if found == 0 and tables == 0:
                for statement in filter(str.strip, _TABLES.split(";")):
                    self._file.execute(statement)
                self._file.execute(f"pragma user_version = {FORMAT}")
            elif found != FORMAT:
                raise CurateError(
                    f"{self._path}: holds answers in format {found}, this version of curate reads "
                    f"{FORMAT}; use the version that wrote it, or move the file away"
                )

    def _keep(self, key: bytes, bill: Bill) -> None:
        text = jsonio.encode(bill.answer).decode()
        self._file.execute("insert or ignore into answers values (?, ?)", (key, text))
        self._file.execute("insert or ignore into purses (name) values (?)", (bill.purse,))
        self._file.execute(
            "update purses set spent = max(0, spent - ? + ?), requests = requests + 1,"
            " unpriced = unpriced + ?, input_tokens = input_tokens + ?,"
            " output_tokens = output_tokens + ? where name = ?",
            (
                bill.reserved,
                bill.cost or 0,
                bill.cost is None,
                bill.answer.input_tokens or 0,
                bill.answer.output_tokens or 0,
                bill.purse,
            ),
        )

    def _release(self, purse: str, pico_usd: int) -> None:
        self._file.execute(
            "update purses set spent = max(0, spent - ?) where name = ?", (pico_usd, purse)
        )

    def _taken(self, mark: str, key: bytes) -> bool:
        gone = self._file.execute("delete from waiting where batch = ? and key = ?", (mark, key))
        return gone.rowcount > 0

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
                f"{self._path}: the answers of language models cannot be read or written: {error}; "
                "see that the folder may be written to, the disk has room and no other program "
                "holds the file"
            ) from None
        except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
            raise CurateError(
                f"{self._path}: the answers of language models are damaged: {error}; move the file "
                "away, then what it held is asked and paid for again"
            ) from None
        except OSError as error:
            raise CurateError(
                f"{self._path}: cannot be opened: {error.strerror or error}"
            ) from None
