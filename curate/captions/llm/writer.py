"""Captions of many clips: what asking for them would take, asking, and what came of each.

Clips are pulled one by one and few are held at a time; of those that came only a hash of 16 bytes
is kept. A batch needs them twice: they wait in a temporary file.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from curate.captions import template
from curate.captions.checking import Checker
from curate.captions.llm import client, pricing
from curate.captions.llm.answers import Answer, Answers, Spent
from curate.captions.llm.asking import Asker, Clock, Purse, RealClock
from curate.captions.llm.batch import Batcher
from curate.captions.llm.batchfile import Limits
from curate.captions.llm.client import Server
from curate.captions.llm.dialogue import MISSING, Dialogue, Request, Turn, Written
from curate.captions.llm.prompting import Payload, Prompts
from curate.captions.llm.sending import Sender, Spool, Tell, run
from curate.captions.llm.tally import Count, Estimate, Spending, Tally
from curate.captions.llm.trouble import Trouble
from curate.config import LlmOptions
from curate.errors import ConfigError, CurateError
from curate.labels.vocabulary import Vocabulary

AHEAD = 4
"""Clips that are held, as a multiple of the requests that go at once."""

_FRAME_TOKENS = 12
"""Tokens of what stands around all of an answer."""


class Captioner:
    """Captions by a language model.

    Args:
        options: Model, server, budget and so on.
        base: Folder of artists.yaml.
        answers: Where answers are kept and money is counted.
        purse: Name of the dataset, whose budget it is.
        words: The vocabulary that captions are checked with.
        language: Of the captions.
        key: For the server; None takes it from the environment (`client.key_name`).
        clock: How time passes.
        limits: Of the Batch API.

    Attributes:
        options: As given.

    Raises:
        ConfigError: Address, style or language are wrong, or a budget has no price.
    """

    def __init__(
        self,
        options: LlmOptions,
        base: Path,
        answers: Answers,
        purse: str,
        words: Vocabulary,
        *,
        language: str = "en",
        key: str | None = None,
        clock: Clock | None = None,
        limits: Limits | None = None,
    ) -> None:
        client.address(options)
        self.options = options
        self._answers = answers
        self._caption_tokens = template.language(language).TOKENS
        self._key = key
        self._clock = clock or RealClock()
        self._limits = limits or Limits()
        self._prompts = Prompts(options, base, language)
        self._purse = Purse(answers, purse, options)
        self._dialogue = Dialogue(
            self._prompts, Checker(words), options.variants, language, self._known
        )

    def check_key(self) -> None:
        """Makes sure that there is a key, before anybody waits for hours to use it.

        Raises:
            ConfigError: The key is missing or no key can look like that.
        """
        self._checked_key()

    def _known(self, payload: Payload) -> Answer | None:
        """The stored answer. Whose words are in the question is written down before it is asked."""
        if payload.sources is not None:
            self._answers.attribute(payload.key, self._purse.name, payload.sources)
        return self._answers.get(payload.key)

    def captions(self, request: Request) -> Written:
        """What came of a clip, by the stored answers alone."""
        return self._dialogue.follow(request).written

    def spent(self) -> Spending:
        """What this dataset has cost so far, over all runs."""
        books = self._answers.spent(self._purse.name)
        known = self._purse.rate is not None and not books.unpriced
        usd = pricing.usd(books.pico_usd) if known else None
        return Spending(books.requests, books.input_tokens, books.output_tokens, usd)

    def estimate(self, requests: Iterable[Request]) -> Estimate:
        """What asking for these would take. Nothing is sent."""
        count, asked = Count(), set[bytes]()
        input_tokens = most = 0
        for turn in self._turns(requests, count):
            if turn is None or turn.ask is None:
                continue
            if turn.ask.key[:16] not in asked:
                asked.add(turn.ask.key[:16])
                input_tokens += _about(turn.ask)
                most += self._purse.most(turn.ask)
            if turn.met == 0:  # clips with equal facts and other names may need other repairs
                most += self._purse.most_for(self._prompts.repair_bound(turn.ask))
        each = self.options.variants * self._caption_tokens + _FRAME_TOKENS
        output_tokens = len(asked) * each
        rate = self._purse.rate
        return Estimate(
            model=self.options.model,
            clips=count.clips,
            requests=len(asked),
            cached=count.cached,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            usd=pricing.usd(rate.cost(input_tokens, output_tokens)) if rate else None,
            most_usd=pricing.usd(most) if rate else None,
            spent_usd=pricing.usd(self._answers.spent(self._purse.name).pico_usd),
        )

    def write(self, requests: Iterable[Request], tell: Tell) -> Tally:
        """Asks for what is not answered yet. Whatever ends it, what was answered is kept.

        Args:
            requests: One a clip; pulled lazily, in this thread.
            tell: Told of clips that are done.

        Raises:
            ConfigError: The key is missing, or the server will not have key, model or address.
            CurateError: The server failed for good, and `on_failure` is `stop`.
        """
        key = self._checked_key()
        write = self._by_batch if self.options.batch else self._one_by_one
        tally = run(write(requests, tell, key))
        if tally.failed and self.options.on_failure == "stop":
            raise CurateError(
                f"captions: {tally.failed}; what was answered is kept: the same command goes on "
                "from there, or set captions.llm.on_failure: template"
            )
        return tally

    async def _one_by_one(self, requests: Iterable[Request], tell: Tell, key: str) -> Tally:
        before, count = self._answers.spent(self._purse.name), Count()
        server = Server(self.options, key)
        asker = Asker(server, self._answers, self._purse, self.options, self._clock)
        ahead = AHEAD * self.options.concurrency
        try:
            await Sender(asker, self._dialogue, count, tell, ahead).send_all(
                self._turns(requests, count)
            )
        finally:
            self._purse.close()
            await server.close()
        return self._tally(count, before, server.sent, asker)

    async def _by_batch(self, requests: Iterable[Request], tell: Tell, key: str) -> Tally:
        before, count = self._answers.spent(self._purse.name), Count()
        server = Server(self.options, key)
        batcher = Batcher(
            server, self._answers, self._purse, self.options, self._clock, self._limits
        )
        try:
            with Spool() as spool:
                for turn in self._turns(requests, count):
                    if turn is None:
                        tell(1)
                    elif turn.ask is None:
                        count.add(turn.written)
                        tell(1)
                    else:
                        spool.add(turn.request)
                await self._rounds(batcher, spool)
                for request in spool:
                    count.add(self.captions(request))
                    tell(1)
        finally:
            batcher.tell_open()
            await server.close()
        return self._tally(count, before, batcher.sent, batcher)

    async def _rounds(self, batcher: Batcher, spool: Spool) -> None:
        """Requests, then repairs, and again what was not answered, while that brings answers."""

        def wanted() -> Iterator[Payload]:
            asks = (self._dialogue.follow(request).ask for request in spool)
            return (ask for ask in asks if ask is not None)

        try:
            while await batcher.round(wanted()):
                pass
        except Trouble as error:
            batcher.failed = batcher.stopped = error.message

    def _turns(self, requests: Iterable[Request], count: Count) -> Iterator[Turn | None]:
        """Where each clip stands; None for one that is like one before."""
        for request in requests:
            first = self._prompts.first(request.facts, request.sources)
            if not count.is_new(request, first):
                yield None
                continue
            turn = self._dialogue.follow(request, first)
            count.cached += turn.met
            yield turn

    def _tally(self, count: Count, before: Spent, sent: int, asked: Asker | Batcher) -> Tally:
        after = self._answers.spent(self._purse.name)
        priced = self._purse.rate is not None
        return Tally(
            clips=count.clips,
            requests=sent,
            answered=asked.answered,
            cached=count.cached,
            **count.outcome(),
            faults=dict(count.faults),
            input_tokens=after.input_tokens - before.input_tokens,
            output_tokens=after.output_tokens - before.output_tokens,
            usd=pricing.usd(after.pico_usd - before.pico_usd) if priced else None,
            spent_usd=pricing.usd(after.pico_usd),
            stopped=asked.stopped,
            failed=asked.failed if count.outcomes[MISSING] else "",
        )

    def _checked_key(self) -> str:
        name = client.key_name(self.options)
        key = (os.environ.get(name, "") if self._key is None else self._key).strip()
        if not key and self.options.base_url is None:
            raise ConfigError(
                f"captions.llm: set {name} to a key of OpenAI's, or captions.llm.base_url to "
                "another server"
            )
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ConfigError(
                f"{name}: the key has spaces or letters that no key has; copy it again"
            )
        return key


def _about(payload: Payload) -> int:
    """Tokens of a request, about: four letters of English make one, one of Japanese makes one."""
    text = "".join(message["content"] for message in payload.messages)
    foreign = sum(not letter.isascii() for letter in text)
    return (len(text) - foreign) // 4 + foreign + 4 * len(payload.messages) + _SCHEMA_TOKENS


_SCHEMA_TOKENS = 40
