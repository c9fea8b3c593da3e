"""What is known of a clip's captions from stored answers, and what is to be asked next.

    facts -> request -> answer -> checked -> all captions fine: accepted
                                          -> else one more request naming the faults -> checked
                                             -> any caption fine: repaired; none: refused

A pure function of the stored answers: asked twice, it says the same.
"""

from collections.abc import Callable
from dataclasses import dataclass

from curate.captions.checking import Checker, Fault
from curate.captions.facts import Facts
from curate.captions.llm import reading
from curate.captions.llm.answers import Answer
from curate.captions.llm.prompting import Payload, Prompts
from curate.captions.names import Names
from curate.names import normalise

ACCEPTED, REPAIRED, REFUSED, MISSING = "accepted", "repaired", "refused", "missing"


@dataclass(frozen=True, slots=True)
class Request:
    """One clip.

    Attributes:
        facts: What its captions may say; all that the model is told.
        names: What they must not say; it is told to nobody.
        sources: Whose words are among the facts, of those that can be withdrawn; None where that
            was told before, as it is before anything is asked.
    """

    facts: Facts
    names: Names
    sources: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a clip.

    Attributes:
        texts: Captions that may be used, each another; up to `variants` of them.
        outcome: `accepted`; `repaired`: after a second request; `refused`: both answers were no
            good; `missing`: there is no answer.
        faults: What was wrong with answers, in order.
    """

    texts: tuple[str, ...]
    outcome: str
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a clip stands.

    Attributes:
        request: The clip.
        written: What there is of it now.
        ask: What is to be asked next; None if nothing is.
        met: Stored answers that were used.
    """

    request: Request
    written: Written
    ask: Payload | None
    met: int


class Dialogue:
    """Follows clips through stored answers.

    Args:
        prompts: What is asked.
        checker: Whether a caption says only what the facts say.
        variants: Captions that a clip shall have.
        language: Of the captions.
        known: The stored answer to a request.
    """

    def __init__(
        self,
        prompts: Prompts,
        checker: Checker,
        variants: int,
        language: str,
        known: Callable[[Payload], Answer | None],
    ) -> None:
        self._prompts = prompts
        self._checker = checker
        self._variants = variants
        self._language = language
        self._known = known

    def follow(self, request: Request, first: Payload | None = None) -> Turn:
        """Where this clip stands. `first` is its first request, where it has been made already."""
        first = first or self._prompts.first(request.facts, request.sources)
        answer = self._known(first)
        if answer is None:
            return Turn(request, Written((), MISSING), first, 0)
        good, flaws = self._judge(answer, request, self._variants, ())
        faults = tuple(fault for _, fault in flaws)
        if len(good) == self._variants:
            return Turn(request, Written(good, ACCEPTED, faults), None, 1)
        wanted = self._variants - len(good)
        second = self._prompts.again(first, answer.text or answer.refusal, _told(flaws), wanted)
        reply = self._known(second)
        if reply is None:
            return Turn(request, Written(good, ACCEPTED if good else MISSING, faults), second, 1)
        more, still = self._judge(reply, request, wanted, good)
        faults += tuple(fault for _, fault in still)
        texts = good + more
        return Turn(request, Written(texts, REPAIRED if texts else REFUSED, faults), None, 2)

    def _judge(
        self, answer: Answer, request: Request, wanted: int, taken: tuple[str, ...]
    ) -> tuple[tuple[str, ...], list[tuple[int, Fault]]]:
        """Up to so many good captions, and what is wrong with the others, by their number from 1.

        Number 0 is the answer as a whole.
        """
        texts, broken = reading.captions(answer)
        if broken:
            return (), [(0, Fault(broken, reading.DETAILS[broken]))]
        good: list[str] = []
        flaws: list[tuple[int, Fault]] = []
        seen = {normalise(text) for text in taken}
        for number, text in enumerate(texts, start=1):
            if len(good) == wanted:
                break
            if normalise(text) in seen:
                flaws.append((number, Fault("repeated", "repeats another one")))
                continue
            seen.add(normalise(text))
            found = self._checker.faults(text, request.facts, request.names, self._language)
            flaws += [(number, fault) for fault in found]
            if not found:
                good.append(text)
        if len(texts) < wanted:
            detail = f"There are {len(texts)} captions instead of {wanted}."
            flaws.append((0, Fault("too_few", detail)))
        return tuple(good), flaws


def _told(flaws: list[tuple[int, Fault]]) -> list[str]:
    """The faults in sentences for the model. Which name was said is nobody's business."""
    told = []
    for number, fault in flaws:
        detail = fault.detail
        if fault.code == "name":
            detail = "names a person, a title, an album or a label"
        told.append(f"Caption {number} {detail.rstrip('.')}." if number else detail)
    return told
