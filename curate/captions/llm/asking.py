"""One request until it is answered: how many at once, how long to wait, when to stop.

Before each try the most it may cost is put down, so the budget holds whatever becomes of it. A try
that surely cost nothing gives it back; one that broke off, or was answered without a count of
tokens, is taken to have cost it.
"""

import asyncio
import logging
import random
import time
from typing import Protocol

from curate.captions.llm import pricing
from curate.captions.llm.answers import Answer, Answers, Bill
from curate.captions.llm.claims import POLL_S, Claims
from curate.captions.llm.client import Server
from curate.captions.llm.pricing import Rate
from curate.captions.llm.prompting import Payload
from curate.captions.llm.trouble import Kind, Trouble
from curate.config import LlmOptions
from curate.errors import ConfigError
from curate.records import Seconds

LONGEST_WAIT_S: Seconds = 600.0
"""Longest pause that a server asks for and gets; with a longer one nothing more is asked."""

LONGEST_BACKOFF_S: Seconds = 60.0
IN_A_ROW = 5
"""Requests in a row that failed for good, after which nothing more is asked."""

PATIENCE = 10
"""How much longer than `retries` to go on while others are answered: the limit is shared."""

_LOG = logging.getLogger(__name__)


class Clock(Protocol):
    """Time, which tests let pass faster."""

    def now(self) -> Seconds:
        """From any start."""
        ...

    async def sleep(self, seconds: Seconds) -> None:
        """Waits."""
        ...


class RealClock:
    """The machine's."""

    def now(self) -> Seconds:
        """See `Clock`."""
        return time.monotonic()

    async def sleep(self, seconds: Seconds) -> None:
        """See `Clock`."""
        await asyncio.sleep(seconds)


class Purse:
    """The budget of a dataset.

    Args:
        answers: Where its books are.
        name: Of the dataset.
        options: Budget, price, longest answer.

    Attributes:
        name: Of the dataset.
        rate: What a token costs; None if nobody knows.
        budget: In pico-dollars; None is no limit.
    """

    def __init__(self, answers: Answers, name: str, options: LlmOptions) -> None:
        self._answers = answers
        self.name = name
        self.rate: Rate | None = pricing.rate(options)
        self.budget = pricing.budget(options)
        self._max_tokens = options.max_tokens
        self._several = 1 if self.budget is None else options.concurrency
        self._ahead = 0

    def most(self, payload: Payload) -> int:
        """Pico-dollars that a request costs at most; 0 if there is no price."""
        return self.most_for(payload.input_bound)

    def most_for(self, input_tokens: int) -> int:
        """Likewise, of a request with so many tokens."""
        return self.rate.cost(input_tokens, self._max_tokens) if self.rate else 0

    def reserve(self, pico_usd: int) -> bool:
        """Puts down; False if that is beyond the budget.

        Putting down must survive a loss of power, which takes milliseconds, so it is done for
        several requests at a time while the budget allows it.
        """
        if self._ahead >= pico_usd:
            self._ahead -= pico_usd
            return True
        if self._answers.reserve(self.name, pico_usd * self._several, self.budget):
            self._ahead += pico_usd * (self._several - 1)
            return True
        self.close()
        return self._answers.reserve(self.name, pico_usd, self.budget)

    def close(self) -> None:
        """Takes back what was put down ahead."""
        self._answers.release(self.name, self._ahead)
        self._ahead = 0

    def release(self, pico_usd: int) -> None:
        """Takes back."""
        self._answers.release(self.name, pico_usd)

    def bill(self, reserved: int, answer: Answer) -> Bill:
        """What an answer cost: by its tokens, else all that was put down."""
        if self.rate is None:
            return Bill(self.name, reserved, None, answer)
        if answer.input_tokens is None or answer.output_tokens is None:
            return Bill(self.name, reserved, reserved, answer)
        cost = self.rate.cost(answer.input_tokens, answer.output_tokens)
        return Bill(self.name, reserved, cost, answer)


class Pace:
    """How many requests go at once.

    One until the first has come back, so that a wrong key is shown once; then all that may be;
    fewer, after a pause for all, where the server says it is too much.
    """

    def __init__(self, most: int, clock: Clock) -> None:
        self._most = most
        self._limit = 1
        self._opened = False
        self._running = 0
        self._well = 0
        self._until = 0.0
        self._clock = clock
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._running < self._limit)
            self._running += 1
        try:
            while (wait_s := self._until - self._clock.now()) > 0:
                await self._clock.sleep(wait_s)
        except BaseException:
            self._running -= 1
            raise

    async def __aexit__(self, *_: object) -> None:
        self._running -= 1
        if not self._opened:
            self._opened = True
            self._limit = max(self._limit, self._most)
        async with self._changed:
            self._changed.notify_all()

    def hold(self, wait_s: Seconds, *, fewer: bool) -> None:
        """Lets nobody start for so long; `fewer`: half as many at once afterwards."""
        self._until = max(self._until, self._clock.now() + wait_s)
        if fewer:
            self._opened, self._well = True, 0
            self._limit = max(1, self._limit // 2)

    def went_well(self) -> None:
        """One was answered: after as many as go at once, one more goes at once."""
        self._well += 1
        if self._opened and self._limit < self._most and self._well >= self._limit:
            self._limit, self._well = self._limit + 1, 0


class Asker:
    """Asks until there is an answer.

    Args:
        server: Who is asked.
        answers: Where answers are kept.
        purse: What pays.
        options: Retries, requests at a time, whether the first failure ends it.
        clock: How time passes.

    Attributes:
        stopped: Why nothing more is asked; "" while it is.
        failed: What the last request that was given up failed of; "" if none was.
        answered: Answers that came.
    """

    def __init__(
        self, server: Server, answers: Answers, purse: Purse, options: LlmOptions, clock: Clock
    ) -> None:
        self._server = server
        self._answers = answers
        self._claims = Claims(answers.path.parent / "locks")
        self._purse = purse
        self._retries = options.retries
        self._strict = options.on_failure == "stop"
        self._clock = clock
        self._pace = Pace(options.concurrency, clock)
        self._settled = asyncio.Event()  # a new one each time
        self._reserved = 0
        self._in_a_row = 0
        self.stopped = ""
        self.failed = ""
        self.answered = 0

    async def ask(self, payload: Payload) -> bool:
        """Whether there is an answer to this request now, in `answers`.

        Raises:
            ConfigError: No request would be answered: wrong key, model or address.
        """
        tries = again = 0
        while not self.stopped:
            before = self.answered
            try:
                if await self._try(payload):
                    return True
                continue  # another request held the rest of the budget, or another build this one
            except Trouble as error:
                problem = error
            if problem.kind is Kind.SETUP:
                raise ConfigError(problem.message)
            if problem.kind in (Kind.SPENT, Kind.REQUEST):
                return self._give_up(problem)
            again += 1
            limited = problem.kind is Kind.LIMIT
            tries = 1 if limited and self.answered > before else tries + 1
            if tries > self._retries or again > self._retries * PATIENCE:
                return self._give_up(problem)
            wait_s = self._wait(problem, tries)
            if wait_s > LONGEST_WAIT_S:
                self.stop(f"{problem.message}; it asks for a pause of {wait_s:.0f} s")
                return self._give_up(problem)
            await self._pause(problem, wait_s)
        return False

    def stop(self, reason: str) -> None:
        """Nothing more is asked; the first reason stays."""
        self.stopped = self.stopped or reason

    async def _try(self, payload: Payload) -> bool:
        """One try. False: not sent, as the budget is all put down for others just now.

        Nor is it sent while another build asks the same: its answer is waited for.
        """
        most = self._purse.most(payload)
        async with self._pace:
            if self.stopped:
                return False
            settled = self._settled
            with self._claims.claim(payload.key) as ours:
                if self._answers.get(payload.key) is not None:  # another build has brought it
                    return True
                if ours and self._purse.reserve(most):
                    await self._send(payload, most)
                    return True
        if not ours:
            await self._clock.sleep(POLL_S)
            return False
        if self._reserved:  # others may give back what they do not cost
            await settled.wait()
        elif not settled.is_set():
            self.stop(
                "the rest of captions.llm.budget_usd is less than one more request may cost; "
                "raise it to go on"
            )
        return False

    async def _send(self, payload: Payload, most: int) -> None:
        self._reserved += 1
        try:
            answer = await self._server.ask(payload)
            self._answers.put(payload.key, self._purse.bill(most, answer))
            self.answered += 1
            self._in_a_row = 0
            self._pace.went_well()
        except Trouble as error:
            if error.free:
                self._purse.release(most)
            raise
        finally:
            self._reserved -= 1
            self._settled.set()
            self._settled = asyncio.Event()

    def _wait(self, problem: Trouble, tries: int) -> Seconds:
        """The server's own wait, else growing ones, random so that not all come back at once."""
        if problem.wait_s is not None:
            return problem.wait_s
        return min(LONGEST_BACKOFF_S, 2.0 ** (tries - 1)) * random.uniform(0.5, 1.0)

    async def _pause(self, problem: Trouble, wait_s: Seconds) -> None:
        level = logging.WARNING if wait_s > 30 else logging.INFO
        _LOG.log(level, "%s; asking again in %.1f s", problem.message, wait_s)
        if problem.kind is Kind.LIMIT or problem.wait_s is not None:
            self._pace.hold(wait_s, fewer=problem.kind is Kind.LIMIT)
        else:
            await self._clock.sleep(wait_s)

    def _give_up(self, problem: Trouble) -> bool:
        self.failed = problem.message
        self._in_a_row += 1
        _LOG.warning("no caption: %s", problem.message)
        if self._strict or problem.kind is Kind.SPENT:
            self.stop(problem.message)
        elif self._in_a_row >= IN_A_ROW:
            self.stop(f"{IN_A_ROW} requests in a row failed: {problem.message}")
        return False
