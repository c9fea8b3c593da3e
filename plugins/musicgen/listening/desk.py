"""What a listener may ask for and say: the test, its clips, a vote. Knows nothing of HTTP.

Nothing that leaves here tells the sets apart; nothing that comes in is believed before it is held
against the test.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from curate import jsonio
from curate.records import Seconds

from . import blinding, votes
from .preparing import VOTES, Side, Trial, clip_path

LISTENER = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a listener's id looks like: it is part of addresses."""

LEAST_HEARD_S: Seconds = 3.0
"""The page takes a vote when each clip was heard for so long, or for half of it."""

LONGEST_HEARD_S: Seconds = 86400.0

Heard = Literal["1", "2", "same"]
"""The clip heard first, the one heard second, or neither."""

NUMBERS: tuple[Heard, Heard] = ("1", "2")


class Refused(Exception):
    """Something that no page of ours asks or says; the message is for whoever wrote the client."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote as the page sends it.

    Attributes:
        listener: Who.
        pair: `Turn.key`.
        answers: By question, which of the two.
        heard_s: How long the first and the second were heard.
    """

    listener: str
    pair: str
    answers: dict[str, Heard]
    heard_s: tuple[float, float]


class Desk:
    """Serves one test to any number of listeners at once.

    Attributes:
        trial: The test.
        folder: Where it lives.
    """

    def __init__(self, trial: Trial, folder: Path) -> None:
        self.trial = trial
        self.folder = folder

    def test(self, listener: str) -> dict[str, Any]:
        """The whole test as a listener meets it, with what they have said so far.

        Raises:
            Refused: That is no listener's id.
        """
        _check_listener(listener)
        said = {vote.pair: vote for vote in self.box().votes if vote.listener == listener}
        pairs = []
        for turn in blinding.turns(self.trial, listener):
            pair = self.trial.pairs[turn.place]
            vote = said.get(pair.id)
            pairs.append(
                {
                    "key": turn.key,
                    "prompt": pair.prompt,
                    "clips": [f"clip/{listener}/{name}.wav" for name in turn.clips],
                    "answers": _heard(vote.answers, turn.sides) if vote else None,
                }
            )
        return {
            "listener": listener,
            "seconds": self.trial.seconds,
            "least_heard_s": min(LEAST_HEARD_S, self.trial.seconds / 2),
            "questions": questions(self.trial.genre),
            "pairs": pairs,
        }

    def clip(self, listener: str, name: str) -> Path | None:
        """The file behind a name that this listener was given; None where it was not."""
        if not LISTENER.fullmatch(listener):
            return None
        for turn in blinding.turns(self.trial, listener):
            if name in turn.clips:
                side = turn.sides[turn.clips.index(name)]
                return clip_path(self.folder, turn.place, side)
        return None

    def vote(self, body: bytes) -> None:
        """Takes a vote; on return it is on disk.

        Raises:
            Refused: It is no vote on this test.
            VotesFull, OSError: It could not be saved.
        """
        try:
            ballot = jsonio.decode(body, Ballot)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused(f"not a vote: {error}") from None
        _check_listener(ballot.listener)
        turn = next(
            (t for t in blinding.turns(self.trial, ballot.listener) if t.key == ballot.pair), None
        )
        if turn is None:
            raise Refused("this listener has no such pair; load the page again")
        if ballot.answers.keys() != set(votes.QUESTIONS):
            raise Refused(f"a vote answers {', '.join(votes.QUESTIONS)}, each once")
        if not all(0.0 <= heard <= LONGEST_HEARD_S for heard in ballot.heard_s):
            raise Refused(f"heard_s has to be 0 to {LONGEST_HEARD_S:g} seconds")
        votes.append(self.folder / VOTES, self._vote(ballot, turn))

    def box(self) -> votes.Box:
        """All votes so far. Read anew, since another server may add to the file."""
        return read_box(self.trial, self.folder)

    def _vote(self, ballot: Ballot, turn: blinding.Turn) -> votes.Vote:
        by_side = dict(zip(turn.sides, ballot.heard_s, strict=True))
        return votes.Vote(
            self.trial.fingerprint,
            ballot.listener,
            self.trial.pairs[turn.place].id,
            turn.sides[0],
            {asked: _choice(ballot.answers[asked], turn.sides) for asked in votes.QUESTIONS},
            (round(by_side["a"], 1), round(by_side["b"], 1)),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )


def read_box(trial: Trial, folder: Path) -> votes.Box:
    """All votes on a test."""
    return votes.read(folder / VOTES, trial.fingerprint, [pair.id for pair in trial.pairs])


def questions(genre: str) -> list[dict[str, str]]:
    """What is asked of every pair, in the order of `votes.QUESTIONS`."""
    texts = (
        "Which one sounds better?",
        f"Which one sounds more like {genre or 'its genre'}?",
        "Which one fits the description better?",
    )
    return [{"id": q, "text": t} for q, t in zip(votes.QUESTIONS, texts, strict=True)]


def _check_listener(listener: str) -> None:
    if not LISTENER.fullmatch(listener):
        raise Refused("a listener's id has 1 to 64 letters, digits, - or _")


def _choice(heard: Heard, sides: tuple[Side, Side]) -> votes.Choice:
    return "tie" if heard == "same" else sides[NUMBERS.index(heard)]


def _heard(answers: dict[str, votes.Choice], sides: tuple[Side, Side]) -> dict[str, str]:
    return {
        asked: "same" if choice == "tie" else NUMBERS[sides.index(choice)]
        for asked, choice in answers.items()
    }
