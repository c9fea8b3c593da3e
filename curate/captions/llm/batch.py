"""Captions by the Batch API: many requests in a file, answered within a day, at half the price.

Each batch is written down before it is submitted, under a name of our own that the server keeps
with it. So whatever interrupts, the next run finds it again, submits nothing twice and collects
what it answered. Requests that a batch did not answer (it expired, was cancelled, hit a limit) go
into the next one, as long as that brings answers.
"""

import contextlib
import hashlib
import json
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from curate.captions.llm import client, trouble
from curate.captions.llm.answers import Answer, Answers, Batch, Bill
from curate.captions.llm.asking import LONGEST_BACKOFF_S, LONGEST_WAIT_S, Clock, Purse
from curate.captions.llm.batchfile import Limits, Part
from curate.captions.llm.client import Server, Status
from curate.captions.llm.prompting import Payload
from curate.captions.llm.trouble import Kind, Refusal, Trouble
from curate.config import LlmOptions
from curate.errors import ConfigError

if TYPE_CHECKING:
    import openai.types

MARK = "curate"
"""Where our own name for a batch stands in what the server keeps with it."""

_ENDED = {"completed", "failed", "expired", "cancelled"}
_AT_ONCE = 500
"""Answers that are stored at a time."""

_PATIENCE = 60
"""How often again a batch is asked for: an hour without a network is no reason to give up."""

_LISTED = 500
"""Batches of the account that are looked through for one of ours."""

_LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class Batcher:
    """Submits, waits, collects.

    Args:
        server: Who is asked.
        answers: Where answers and batches under way are kept.
        purse: What pays.
        options: The server's address, retries.
        clock: How time passes.
        limits: Of the API.

    Attributes:
        stopped: Why nothing more is asked; "" while it is.
        failed: What went wrong last; "" if nothing did.
        answered: Answers that came.
        sent: Requests that were submitted.
        open: Batches that the server is at work on.
    """

    def __init__(
        self,
        server: Server,
        answers: Answers,
        purse: Purse,
        options: LlmOptions,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._server = server
        self._answers = answers
        self._purse = purse
        self._retries = options.retries
        self._clock = clock
        self._limits = limits
        self._place = hashlib.sha256(client.address(options).encode()).digest()
        self._hopeless: set[bytes] = set()
        self._form = server.form
        self._spent = ""
        self.stopped = ""
        self.failed = ""
        self.answered = 0
        self.sent = 0
        self.open = 0

    async def round(self, payloads: Iterable[Payload]) -> int:
        """Submits what is not under way yet and waits for all that is.

        Returns:
            New answers, and batches of an earlier run that have ended: whether that changed what
            there is to be asked.

        Raises:
            ConfigError: The key, the model or the address is wrong, or there is no Batch API.
        """
        before, self.stopped = self.answered, self._spent
        await self._find_unnamed()
        earlier = len(self._mine())
        if not self.stopped:
            await self._submit_all(payloads)
        await self._wait_for_all()
        return self.answered - before + earlier

    def tell_open(self) -> None:
        """Says that batches go on, where the wait for them ends before they do."""
        if self.open:
            _LOG.warning(
                "batches that go on at %s: %d; the same command collects them",
                self._server.name,
                self.open,
            )

    async def _find_unnamed(self) -> None:
        """Batches that were written down when the run was interrupted: did the server take them?"""
        unnamed = [batch for batch in self._mine() if not batch.id]
        if not unnamed:
            return
        try:
            listed = await self._call(self._listed)
        except Trouble as error:
            self._note(f"{error.message}; what an interrupted batch may cost stays put down")
            listed = None
        for batch in unnamed:
            id_ = (listed or {}).get(batch.mark)
            if id_:
                self._answers.name_batch(batch.mark, id_=id_)
            else:
                self._answers.end_batch(batch.mark, keep_reserved=listed is None)

    async def _listed(self) -> dict[str, str]:
        """Our names of the account's latest batches, and the server's."""
        found: dict[str, str] = {}
        count = 0
        async for batch in self._server.openai.batches.list(limit=100):
            mark = (batch.metadata or {}).get(MARK)
            if mark:
                found[mark] = batch.id
            count += 1
            if count >= _LISTED:
                break
        return found

    async def _submit_all(self, payloads: Iterable[Payload]) -> None:
        under_way = {key for batch in self._mine() for key in self._answers.waiting(batch.mark)}
        under_way |= self._hopeless
        self._form = self._server.form
        with contextlib.closing(Part(self._limits)) as part:
            for payload in payloads:
                if payload.key in under_way:
                    continue
                under_way.add(payload.key)
                line = self._line(payload)
                if not part.has_room(line):
                    if not await self._submit(part):
                        return
                    part.clear()
                part.add(payload.key, self._purse.most(payload), line)
            if part.keys:
                await self._submit(part)

    def _line(self, payload: Payload) -> bytes:
        request = {
            "custom_id": payload.key.hex(),
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": self._server.body(payload),
        }
        return json.dumps(request, ensure_ascii=False).encode() + b"\n"

    async def _submit(self, part: Part) -> bool:
        """Whether a batch is under way and another one may follow."""
        mark = secrets.token_hex(16)
        room = self._answers.begin_batch(
            mark, self._purse.name, self._place, part.keys, self._purse.budget
        )
        if room < len(part.keys):
            self.stopped = (
                "the rest of captions.llm.budget_usd is less than the other requests may cost; "
                "raise it to go on"
            )
            part.cut(room)
        if not room:
            return False
        try:
            await self._send(part, mark)
        except Trouble as error:
            if error.free:
                self._answers.end_batch(mark)
            self._note(error.message)
            if error.kind is Kind.SETUP:
                raise ConfigError(self._worded(error)) from None
            return False
        self.sent += room
        return not self.stopped

    async def _send(self, part: Part, mark: str) -> None:
        async def upload() -> str:
            file = ("captions.jsonl", part.file(), "application/jsonl")
            return (await self._server.openai.files.create(file=file, purpose="batch")).id

        async def create() -> str:
            made = await self._server.openai.batches.create(
                input_file_id=uploaded,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={MARK: mark},
            )
            return made.id

        try:
            uploaded = await self._call(upload)
        except Trouble as error:
            error.free = True  # no batch was made of it
            raise
        self._answers.name_batch(mark, file=uploaded)
        id_ = await self._call(create, twice=False)
        self._answers.name_batch(mark, id_=id_)
        _LOG.info("batch %s: %d requests submitted", id_, len(part.keys))

    async def _wait_for_all(self) -> None:
        pause_s = self._limits.poll_s
        states: dict[str, str] = {}
        while batches := [batch for batch in self._mine() if batch.id]:
            if self.open == 0:
                _LOG.warning(
                    "batches under way at %s: %d; they take up to a day. This may be interrupted: "
                    "the same command goes on with them",
                    self._server.name,
                    len(batches),
                )
            self.open = len(batches)
            ended = False
            for batch in batches:
                ended |= await self._look(batch, states)
            if not ended:
                await self._clock.sleep(pause_s)
                pause_s = min(pause_s * 1.5, self._limits.slowest_poll_s)
        self.open = 0

    async def _look(self, batch: Batch, states: dict[str, str]) -> bool:
        """Whether a batch has ended; then it is collected and forgotten."""
        try:
            retrieve = self._server.openai.batches.retrieve
            found = await self._call(lambda: retrieve(batch.id), tries=_PATIENCE)
        except Trouble as error:
            if error.kind is Kind.SETUP and error.status == 404:
                self._note(f"batch {batch.id} is gone at {self._server.name}")
                self._answers.end_batch(batch.mark, keep_reserved=True)
                return True
            raise self._lost(error) from None
        counts = found.request_counts
        done = f"{counts.completed + counts.failed} of {counts.total}" if counts else ""
        state = f"{found.status} {done}"
        if states.get(batch.id) != state:
            _LOG.info("batch %s: %s", batch.id, state)
            states[batch.id] = state
        if found.status not in _ENDED:
            return False
        await self._collect(batch, found)
        return True

    async def _collect(self, batch: Batch, found: "openai.types.Batch") -> None:
        if found.status != "completed":
            errors = (found.errors.data if found.errors else None) or []
            said = "; ".join(filter(None, (error.message for error in errors)))
            shown = self._server.shown(said)
            self._note(f"batch {batch.id} {found.status}{': ' if shown else ''}{shown}")
        wrong: list[Trouble] = []
        for file in filter(None, (found.output_file_id, found.error_file_id)):
            try:
                await self._call(lambda file=file: self._store(batch, file, wrong))  # type: ignore[misc]
            except Trouble as error:
                raise self._lost(error) from None
        self._answers.end_batch(batch.mark)
        for problem in wrong:
            self._note(problem.message)
            if problem.kind is Kind.SETUP:
                raise ConfigError(problem.message)
            if problem.kind is Kind.SPENT:
                self._spent = self.stopped = problem.message

    async def _store(self, batch: Batch, file: str, wrong: list[Trouble]) -> None:
        """Stores a file of answers, some at a time. Done twice, it changes nothing."""
        waiting = self._answers.waiting(batch.mark)
        bills: list[tuple[bytes, Bill]] = []
        async for line in self._lines(file):
            key, answer = self._read(line, waiting, wrong)
            if key is not None and answer is not None:
                bills.append((key, self._purse.bill(waiting.pop(key), answer)))
            if len(bills) >= _AT_ONCE:
                self._keep(batch, bills)
        self._keep(batch, bills)

    def _keep(self, batch: Batch, bills: list[tuple[bytes, Bill]]) -> None:
        self._answers.collect(batch.mark, bills)
        self.answered += len(bills)
        bills.clear()

    async def _lines(self, file: str) -> AsyncIterator[str]:
        content = self._server.openai.files.with_streaming_response.content(file)
        async with content as response:
            async for line in response.iter_lines():
                if line.strip():
                    yield line

    def _read(
        self, line: str, waiting: dict[bytes, int], wrong: list[Trouble]
    ) -> tuple[bytes | None, Answer | None]:
        """A line of a file of answers: to which request, and the answer; None for a failure."""
        try:
            record = json.loads(line)
            key = bytes.fromhex(record["custom_id"])
            response = record.get("response") or {}
            status, body = response.get("status_code"), response.get("body")
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            return None, None
        if key not in waiting:
            return None, None
        if status == 200:
            try:
                return key, self._server.answer(body)
            except Trouble:
                return key, Answer()  # it was paid for, so it is an answer, if an empty one
        error = trouble.refusal(status or 0, body if status else record.get("error"))
        if trouble.filtered(error):
            return key, Answer(refusal=error.text[:1000], finish="content_filter")
        self._failed(key, error, wrong)
        return None, None

    def _failed(self, key: bytes, error: Refusal, wrong: list[Trouble]) -> None:
        """A request that was not answered: is it to be sent again, in this form or another?"""
        if not error.status or self._server.adapt(
            error, self._form
        ):  # expired, cancelled; no such parameter
            return
        problem = self._server.trouble(error)
        if problem.kind is Kind.REQUEST:
            self._hopeless.add(key)
        if problem.message not in (other.message for other in wrong):
            wrong.append(problem)

    async def _call(
        self,
        send: Callable[[], Awaitable[_Result]],
        *,
        twice: bool = True,
        tries: int | None = None,
    ) -> _Result:
        """Speaks to the server, again where that may help.

        Args:
            send: What to say.
            twice: Whether it may be said again though it may have been heard.
            tries: How often again; None is as the options say.
        """
        left = self._retries if tries is None else tries
        wait_s = 1.0
        while True:
            try:
                async with self._server.speaking():
                    return await send()
            except Status as error:
                problem = self._server.trouble(error.refusal, error.headers)
            except Trouble as error:
                problem = error
            left -= 1
            passing = problem.kind in (Kind.AGAIN, Kind.LIMIT) and (twice or problem.free)
            if not passing or left < 0:
                raise problem
            wait_s = min(2 * wait_s, LONGEST_BACKOFF_S)
            await self._clock.sleep(min(problem.wait_s or wait_s, LONGEST_WAIT_S))

    def _mine(self) -> list[Batch]:
        return self._answers.batches(self._purse.name, self._place)

    def _note(self, message: str) -> None:
        self.failed = message
        _LOG.warning("%s", message)

    def _lost(self, error: Trouble) -> Exception:
        """Ends the wait: the batch goes on at the server, and a later run collects it."""
        if error.kind is Kind.SETUP:
            return ConfigError(self._worded(error))
        return error

    def _worded(self, error: Trouble) -> str:
        if error.status in (404, 405):
            return f"{error.message}; or it has no Batch API: set captions.llm.batch: false"
        return error.message
