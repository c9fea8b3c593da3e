"""Clips, captioners and a clock for tests of captions by language models."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import llmsite

from curate.captions.facts import Facts
from curate.captions.llm import Answers, Captioner, Request, Tally
from curate.captions.llm.asking import Clock, RealClock
from curate.captions.llm.batchfile import Limits
from curate.captions.names import Names
from curate.config import LlmOptions
from curate.labels import vocabulary

__all__ = ["Bench", "FastClock", "RealClock", "bench", "clip", "clips"]

GENRES = ("jazz", "rock", "techno", "folk", "ambient", "disco", "blues", "funk")
INSTRUMENTS = ("piano", "drums", "electric guitar", "violin", "flute", "trumpet", "organ", "cello")
NAMES = Names(artists=("Zorblatt Quux",), titles=("Fnord Xanthic",))


def clip(number: int = 0, names: Names = NAMES) -> Request:
    """Facts that no other number has."""
    genre = GENRES[number % len(GENRES)]
    instrument = INSTRUMENTS[number // len(GENRES) % len(INSTRUMENTS)]
    bpm = 60 + number // (len(GENRES) * len(INSTRUMENTS))
    return Request(Facts(genres=(genre,), instruments=(instrument,), bpm=bpm), names)


def clips(count: int) -> list[Request]:
    """So many, all different."""
    return [clip(number) for number in range(count)]


@dataclass
class FastClock:
    """Time that passes by sleeping, at once."""

    time_s: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time_s += seconds
        await asyncio.sleep(0)


@dataclass
class Bench:
    """A site, its file of answers, and what writing came to.

    Attributes:
        site: The server.
        answers: The file.
        folder: Where it lies, and where prompts of one's own would.
        clock: Of the captioners.
        told: What `tell` was told.
        tally: Of the last `write`.
    """

    site: llmsite.Site
    answers: Answers
    folder: Path
    clock: FastClock = field(default_factory=FastClock)
    told: list[int] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    def captioner(
        self,
        *,
        key: str | None = llmsite.KEY,
        language: str = "en",
        limits: Limits | None = None,
        clock: Clock | None = None,
        **options: Any,
    ) -> Captioner:
        given = {"model": "test", "base_url": self.site.address, "concurrency": 4, **options}
        return Captioner(
            LlmOptions(**given),
            self.folder,
            self.answers,
            "dataset",
            vocabulary.load(),
            language=language,
            key=key,
            clock=clock or self.clock,
            limits=limits,
        )

    def write(self, requests: list[Request], **options: Any) -> list[tuple[str, int]]:
        """Writes and says the outcome of each clip, and how many captions it has."""
        captioner = self.captioner(**options)
        self.tally = captioner.write(iter(requests), self.told.append)
        written = [captioner.captions(request) for request in requests]
        return [(one.outcome, len(one.texts)) for one in written]

    def outcomes(self, requests: list[Request]) -> list[str]:
        """What there is of each clip, by the stored answers alone."""
        captioner = self.captioner()
        return [captioner.captions(request).outcome for request in requests]

    @property
    def spent(self) -> float:
        """USD in the books."""
        return self.answers.spent("dataset").pico_usd / 10**12


@contextmanager
def bench() -> Iterator[Bench]:
    """A server and an empty file of answers."""
    with (
        tempfile.TemporaryDirectory() as name,
        llmsite.serving() as site,
        Answers(Path(name) / "captions.sqlite") as answers,
    ):
        yield Bench(site, answers, Path(name))


def reserve(path: Path, times: int) -> int:
    """In a process of its own: how often there was room in a budget of 1000 for another 7."""
    with Answers(path) as opened:
        return sum(opened.reserve("jpop", 7, 1000) for _ in range(times))
