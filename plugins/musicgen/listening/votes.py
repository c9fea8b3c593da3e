"""The file of votes: a JSON line a vote (schemas/vote.schema.json), added safely, read forgivingly.

A vote is on disk before the listener hears that it was saved. Several servers may add to one file.
A listener may judge a pair again: the last vote counts. What a crash or a hand has broken costs
its own line only, and is counted.
"""

import fcntl
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from curate import jsonio
from curate.records import Seconds

from .preparing import Side

Choice = Literal["a", "b", "tie"]

QUESTIONS = ("quality", "genre", "prompt")

LARGEST_FILE = 1 << 28
"""Bytes: a million votes. More come from no listeners."""


@dataclass(frozen=True, slots=True)
class Vote:
    """What a listener says of a pair.

    Attributes:
        test: Fingerprint of the test.
        listener: Who.
        pair: Id of the prompt.
        first: Which set was heard first.
        answers: By question, which set is preferred.
        heard_s: How long the clips of `a` and `b` were heard before the vote, as the page says.
        at: When, UTC, ISO 8601.
    """

    test: str
    listener: str
    pair: str
    first: Side
    answers: dict[str, Choice]
    heard_s: tuple[Seconds, Seconds]
    at: str


@dataclass(frozen=True, slots=True)
class Box:
    """What a file of votes holds.

    Attributes:
        votes: The last of each listener on each pair, in the order of the file.
        changed: Votes that a later one replaced.
        broken: Lines that are no votes.
        other: Votes on another test, on pairs it does not have, or on other questions.
    """

    votes: tuple[Vote, ...]
    changed: int
    broken: int
    other: int


class VotesFull(Exception):
    """The file has grown beyond `LARGEST_FILE`."""


def append(path: Path, vote: Vote) -> None:
    """Adds a vote; on return it is on disk.

    Raises:
        VotesFull: The file is too large to be of votes.
        OSError: It cannot be written; then nothing of the vote is in the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = os.fstat(file).st_size
        if size > LARGEST_FILE:
            raise VotesFull(f"{path}: {size} bytes")
        line = jsonio.encode(vote) + b"\n"
        if size and os.pread(file, 1, size - 1) != b"\n":  # a crash left half a line
            line = b"\n" + line
        try:
            if os.write(file, line) != len(line):
                raise OSError(f"{path}: the disk is full")
            os.fsync(file)
        except OSError:
            os.ftruncate(file, size)
            raise
    finally:
        os.close(file)
    if new:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path, test: str, pairs: Collection[str]) -> Box:
    """The votes on a test; none where there is no file yet.

    Args:
        path: Of the file.
        test: Fingerprint of the test.
        pairs: Ids of its pairs.
    """
    kept: dict[tuple[str, str], Vote] = {}
    changed = broken = other = 0
    known = set(pairs)
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for line in lines:
        if not line.strip():
            continue
        try:
            vote = jsonio.decode(line, Vote)
        except (msgspec.DecodeError, UnicodeDecodeError):
            broken += 1
            continue
        if vote.test != test or vote.pair not in known or vote.answers.keys() != set(QUESTIONS):
            other += 1
            continue
        changed += (vote.listener, vote.pair) in kept
        kept.pop((vote.listener, vote.pair), None)
        kept[vote.listener, vote.pair] = vote
    return Box(tuple(kept.values()), changed, broken, other)
