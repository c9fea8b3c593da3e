"""What asking would take, and what it came to."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

from curate.captions.llm.dialogue import ACCEPTED, MISSING, REFUSED, REPAIRED, Request, Written
from curate.captions.llm.prompting import Payload


@dataclass(frozen=True, slots=True)
class Estimate:
    """What asking would take. Clips with equal facts share a request.

    Attributes:
        model: Which model.
        clips: That were looked at.
        requests: That would be sent first; an answer with faults brings one more.
        cached: Answers that are there already.
        input_tokens: Of these requests, about.
        output_tokens: Of their answers, about; hidden reasoning cannot be foreseen.
        usd: Price of that; None if the price is not known.
        most_usd: Most it could be: every answer as long as it may be, and every one asked for
            again. Only requests that break off and are sent once more come on top.
        spent_usd: What this dataset has cost so far.
    """

    model: str
    clips: int
    requests: int
    cached: int
    input_tokens: int
    output_tokens: int
    usd: float | None
    most_usd: float | None
    spent_usd: float


@dataclass(frozen=True, slots=True)
class Tally:
    """What asking came to. Outcomes are counted once for clips with equal facts and names.

    Attributes:
        clips: All of them.
        requests: That were sent, retries included.
        answered: Answers that came.
        cached: Answers that were there before.
        accepted: Clips whose captions were fine at once.
        repaired: Fine after a second request.
        refused: Neither answer was.
        missing: No answer.
        faults: What was wrong with answers: code to how often.
        input_tokens: Of this run's answers, as the server counted.
        output_tokens: Likewise.
        usd: Spent by this run, what broke off at its worst; None if the price is not known.
        spent_usd: Spent on this dataset over all runs, as far as prices are known.
        stopped: Why not all was asked for; "" if it was.
        failed: What the last request that was given up failed of; "" if none was.
    """

    clips: int = 0
    requests: int = 0
    answered: int = 0
    cached: int = 0
    accepted: int = 0
    repaired: int = 0
    refused: int = 0
    missing: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None
    spent_usd: float = 0.0
    stopped: str = ""
    failed: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of it, in sentences; () if all went well."""
        said = []
        if self.stopped:
            said.append(f"captions: {self.missing} clips or more are without: {self.stopped}")
        elif self.missing:
            said.append(f"captions: {self.missing} clips or more are without: {self.failed}")
        if cut := self.faults.get("cut"):
            said.append(
                f"captions: {cut} answers were cut off at captions.llm.max_tokens; raise it "
                "(hidden reasoning counts, too)"
            )
        return tuple(said)


@dataclass(frozen=True, slots=True)
class Spending:
    """What a dataset has cost over all runs.

    Attributes:
        requests: Answers that were paid for.
        input_tokens: Of these, as the server counted.
        output_tokens: Likewise.
        usd: What was interrupted at its worst; None if the price of some is not known.
    """

    requests: int
    input_tokens: int
    output_tokens: int
    usd: float | None


class Count:
    """Counts clips, and knows those it has met: 16 bytes each.

    Attributes:
        clips: All that came.
        cached: Answers that were there before.
        outcomes: Outcome to how many clips of another kind.
        faults: Code of a fault to how often.
    """

    def __init__(self) -> None:
        self._met: set[bytes] = set()
        self.clips = 0
        self.cached = 0
        self.outcomes: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    def is_new(self, request: Request, first: Payload) -> bool:
        """Whether a clip with these facts and names has not come yet. Its captions are the same."""
        self.clips += 1
        mark = hashlib.sha256(first.key + repr(request.names).encode("utf-8", "replace"))
        before = len(self._met)
        self._met.add(mark.digest()[:16])
        return len(self._met) > before

    def add(self, written: Written) -> None:
        """One clip is done."""
        self.outcomes[written.outcome] += 1
        self.faults.update(fault.code for fault in written.faults)

    def outcome(self) -> dict[str, int]:
        """How many clips came to which outcome."""
        return {name: self.outcomes[name] for name in (ACCEPTED, REPAIRED, REFUSED, MISSING)}
