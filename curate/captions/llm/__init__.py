"""Captions by a language model: asked before training, each answer kept, paid for once.

    prompting   facts -> the request; the wording is in `prompts/*.md`
    client      one request -> one answer, by the openai client; `trouble`: what can go wrong
    asking      one request until it is answered: waits, retries, the budget
    reading     an answer -> captions, whatever shape it has
    dialogue    facts and stored answers -> accepted captions, or what to ask next
    answers     SQLite: what was answered, what was spent, which batches are under way
    writer      many clips: `Captioner`; `sending` many at once, `batch` by the Batch API
    tally       what it would take, what it came to; `pricing`: what a token costs

What a clip's captions are follows from the stored answers alone, so an interrupted run goes on
where it was and a repeated one asks nothing.
"""

from curate.captions.llm.answers import Answers
from curate.captions.llm.dialogue import ACCEPTED, MISSING, REFUSED, REPAIRED, Request, Written
from curate.captions.llm.tally import Estimate, Spending, Tally
from curate.captions.llm.writer import Captioner

__all__ = [
    "ACCEPTED",
    "MISSING",
    "REFUSED",
    "REPAIRED",
    "Answers",
    "Captioner",
    "Estimate",
    "Request",
    "Spending",
    "Tally",
    "Written",
]
