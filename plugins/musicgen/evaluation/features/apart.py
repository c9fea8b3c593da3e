"""Work that native libraries do, in a process of its own: if it crashes, nothing else does.

A graph that is broken ends the process that runs it, and so may an odd sound. What a process here
computes it leaves in the cache of embeddings and labels, clip by clip; whoever started it reads it
there. Requests and answers are JSON: one request on stdin, answers a line each on stdout.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from curate import jsonio, names
from curate.records import Hertz

from ..metrics import novelty
from ..metrics.outcome import Checkpoint, NotRun
from . import embeddings, hearing, models
from .embeddings import Rows
from .models import Places
from .sounds import Mono, Sound

A_TIME = 8
"""Clips between two signs of life."""

Kind = Literal["embed", "hear", "print"]


@dataclass(frozen=True, slots=True)
class Work:
    """What a process is to do.

    Attributes:
        kind: Embed sounds and texts, hear labels, or print by Chromaprint.
        files: The clips; their paths are their keys.
        cache: Folder where results are left.
        embedder: Name of it, for `embed`.
        texts: Texts to embed too, for a model of both.
        signal_only: Hear without any model.
        essentia: See `Places`.
        clap: Likewise.
        muq: Likewise.
    """

    kind: Kind
    files: tuple[str, ...]
    cache: str
    embedder: str = ""
    texts: tuple[str, ...] = ()
    signal_only: bool = False
    essentia: str = ""
    clap: str = models.CLAP
    muq: str = models.MUQ

    @property
    def places(self) -> Places:
        """Where weights are; never a compression model, which no other process has."""
        return Places(Path(self.essentia) if self.essentia else None, self.clap, self.muq)

    @property
    def sounds(self) -> tuple[Sound, ...]:
        """The clips."""
        return tuple(Sound(file, Path(file)) for file in self.files)

    @property
    def folder(self) -> Path:
        """The cache."""
        return Path(self.cache)


@dataclass(frozen=True, slots=True)
class Answer:
    """A line of a process.

    Attributes:
        done: So many clips more.
        checkpoints: In the last line of work that is done: the weights it was done with.
        reason: Why it cannot run.
        command: What helps then.
        error: What went wrong.
    """

    done: int = 0
    checkpoints: tuple[Checkpoint, ...] | None = None
    reason: str = ""
    command: str = ""
    error: str = ""


class Crashed(Exception):
    """A process ended without a word."""


@dataclass(frozen=True, slots=True)
class Left:
    """An embedder that another process was: it has its name and weights, and embeds nothing.

    Attributes:
        name: See `embeddings.Embedder`.
        checkpoint: Likewise.
        rate: Likewise.
        batch: Likewise.
    """

    name: str
    checkpoint: Checkpoint
    rate: Hertz = 0
    batch: int = 1

    def embed(self, clips: Sequence[Mono]) -> list[Rows]:
        """Says that what should be on disk is not.

        Raises:
            OSError: Always.
        """
        raise OSError(
            f"{len(clips)} clips embedded by {self.name} are not in the cache; disk full?"
        )


def run(work: Work, tell: Callable[[int], None] = lambda _: None) -> tuple[Checkpoint, ...]:
    """Does work in another process.

    Args:
        work: What.
        tell: Told of every few clips that are done.

    Returns:
        The weights it was done with.

    Raises:
        NotRun: It cannot be done here.
        Crashed: The process ended by a signal, or without an answer.
        ValueError: It went wrong; with the process's own words.
    """
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with tempfile.TemporaryFile() as said, _process(surroundings, said) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # its end tells more
            process.stdin.write(jsonio.encode(work))
            process.stdin.close()
        last = Answer()
        for line in process.stdout:
            last = jsonio.decode(line, Answer)
            tell(last.done)
        code = process.wait()
        if last.reason:
            raise NotRun(last.reason, last.command)
        if last.error:
            raise ValueError(last.error)
        if last.checkpoints is None:
            raise Crashed(f"{_called(work)} {_ended(code)}{_words(said)}; the others go on")
        return last.checkpoints


@contextlib.contextmanager
def _process(surroundings: dict[str, str], said: Any) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        env=surroundings,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=said,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _called(work: Work) -> str:
    return f"the process for {work.embedder or work.kind}"


def _ended(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with {code} and no answer"


def _words(said: Any) -> str:
    """The last thing it wrote."""
    said.seek(0, os.SEEK_END)
    said.seek(max(0, said.tell() - 2000))
    lines = [line.strip() for line in said.read().decode("utf-8", "replace").splitlines()]
    lines = [line for line in lines if line]
    return f" ({lines[-1][:200]})" if lines else ""


def do(work: Work, tell: Callable[[int], None] = lambda _: None) -> tuple[Checkpoint, ...]:
    """Does work in this process; see `run`."""
    if work.kind == "embed":
        return _embed(work, tell)
    if work.kind == "print":
        for some in _parts(work.sounds):
            novelty.prints(some, work.folder)
            tell(len(some))
        return ()
    files = () if work.signal_only else hearing.files(work.places.essentia)
    for some in _parts(work.sounds):
        hearing.hear(some, files, work.folder)
        tell(len(some))
    return tuple(models.checkpoint(one) for one in files)


def _embed(work: Work, tell: Callable[[int], None]) -> tuple[Checkpoint, ...]:
    embedder = embeddings.load(work.embedder, work.places)
    if work.texts:
        model: Any = embedder
        missing = [t for t in work.texts if not text_path(work.folder, embedder, t).is_file()]
        for text, row in zip(missing, model.texts(missing) if missing else (), strict=True):
            keep_text(work.folder, embedder, text, row)
    for some in _parts(work.sounds):
        embeddings.embed(some, embedder, work.folder)
        tell(len(some))
    return (embedder.checkpoint,)


def _parts(sounds: tuple[Sound, ...]) -> Iterator[tuple[Sound, ...]]:
    for first in range(0, len(sounds), A_TIME):
        yield sounds[first : first + A_TIME]


def text_path(cache: Path, embedder: Any, text: str) -> Path:
    """Where the embedding of a text is kept."""
    folder = f"{embedder.name}-texts-{embedder.checkpoint.sha256[:16]}-{embeddings.VERSION}"
    return cache / folder / f"{names.digest(text)}.npy"


def keep_text(cache: Path, embedder: Any, text: str, row: Rows) -> None:
    """Keeps the embedding of a text."""
    path = text_path(cache, embedder, text)
    with jsonio.replacing(path) as partial, partial.open("wb") as file:
        np.save(file, np.asarray(row, np.float32), allow_pickle=False)


def main() -> None:
    """The process: its own stdout is for answers, what libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    work = jsonio.decode(sys.stdin.buffer.read(), Work)

    def say(answer: Answer) -> None:
        answers.write(jsonio.encode(answer) + b"\n")
        answers.flush()

    try:
        say(Answer(checkpoints=do(work, lambda count: say(Answer(done=count)))))
    except NotRun as why:
        say(Answer(reason=why.reason, command=why.command))
    except Exception as error:  # whatever a library thinks of is told, not shown
        first = (str(error).strip().splitlines() or [""])[0]
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        say(Answer(error=f"{kind}{first}"[:500] or type(error).__name__))
        raise


if __name__ == "__main__":
    main()
