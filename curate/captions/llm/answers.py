"""What was answered, what was spent and which batches are under way, in one SQLite file.

An answer is kept under the hash of what was asked, whoever asked it: several datasets, runs and
processes share one file. Nothing in it names a server, a key or a track.

Money is counted by purse, one for each dataset. What a request may cost at most is put down before
it is sent, and corrected when its answer says what it did cost. So what a killed run had sent stays
counted as spent, and the sum is never below the truth.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from curate import jsonio
from curate.captions.llm.answerfile import AnswerFile


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


class Answers(AnswerFile):
    """What is in the file. Arguments and errors: see `AnswerFile`."""

    def get(self, key: bytes) -> Answer | None:
        """What was answered to the request of this hash."""
        with self._speaking():
            row = self._file.execute("select answer from answers where key = ?", (key,)).fetchone()
            return None if row is None else jsonio.decode(row[0], Answer)

    def put(self, key: bytes, bill: Bill) -> None:
        """Keeps an answer and books what it cost, both or nothing. The first answer stays."""
        with self._changing():
            self._keep(key, bill)

    def attribute(self, key: bytes, purse: str, sources: frozenset[str]) -> None:
        """Writes down whose words are in a question of this dataset, so that they can be forgotten.

        Args:
            key: Hash of the request.
            purse: The dataset's.
            sources: All of them; what was written down earlier is void.
        """
        with self._speaking():
            rows = self._file.execute(
                "select source from words where key = ? and purse = ?", (key, purse)
            ).fetchall()
        if {source for (source,) in rows} == sources:
            return
        with self._changing():
            self._file.execute("delete from words where key = ? and purse = ?", (key, purse))
            self._file.executemany(
                "insert into words values (?, ?, ?)", ((key, purse, name) for name in sources)
            )

    def forget(self, purse: str, source: str) -> int:
        """Deletes the answers to questions with a source's words in them; returns how many.

        Only this dataset's: what another one has paid for with the same words stays until it says
        the same. What is deleted is overwritten, in the file and in its log.
        """
        asked = "select key from words where source = ?1 and purse"
        with self._changing(durable=True):
            gone = self._file.execute(
                f"delete from answers where key in ({asked} = ?2) and key not in ({asked} <> ?2)",
                (source, purse),
            ).rowcount
            self._file.execute("delete from words where source = ? and purse = ?", (source, purse))
        if gone:
            with self._speaking():
                self._file.execute("vacuum")
                self._file.execute("pragma wal_checkpoint(truncate)")
        return gone

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
