"""Many clips at once, in one thread."""

import asyncio
import contextlib
import pickle
import tempfile
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import IO, Any, Self, TypeVar

from curate.captions.llm.asking import Asker
from curate.captions.llm.dialogue import Dialogue, Request, Turn
from curate.captions.llm.prompting import Payload
from curate.captions.llm.tally import Count

_BREATH = 20
"""Clips that need no request between two looks at what has arrived."""

_Result = TypeVar("_Result")

Tell = Callable[[int], None]
"""Told how many more clips are done."""


class Sender:
    """Carries clips through their dialogues.

    Args:
        asker: Gets a request answered.
        dialogue: Knows what to ask next.
        count: Counts the outcomes.
        tell: Told of clips that are done.
        ahead: Most clips that are held at a time.
    """

    def __init__(
        self, asker: Asker, dialogue: Dialogue, count: Count, tell: Tell, ahead: int
    ) -> None:
        self._asker = asker
        self._dialogue = dialogue
        self._count = count
        self._tell = tell
        self._window = asyncio.Semaphore(ahead)
        self._under_way: dict[bytes, asyncio.Event] = {}
        self._failed: set[bytes] = set()

    async def send_all(self, turns: Iterable[Turn | None]) -> None:
        """Asks for what is missing. None is a clip that is like one before.

        Raises:
            ConfigError: No request would be answered; what is under way is given up.
        """
        idle = 0
        with _unwrapped():
            async with asyncio.TaskGroup() as group:
                for turn in turns:
                    if turn is not None and turn.ask is not None and not self._asker.stopped:
                        await self._window.acquire()
                        group.create_task(self._carry(turn))
                        continue
                    self._done(turn)
                    idle += 1
                    if idle % _BREATH == 0:
                        await asyncio.sleep(0)

    async def _carry(self, turn: Turn) -> None:
        try:
            while turn.ask is not None and await self._answered(turn.ask):
                turn = self._dialogue.follow(turn.request)
            self._done(turn)
        finally:
            self._window.release()

    async def _answered(self, payload: Payload) -> bool:
        """Whether there is an answer now; what another clip asks for already is waited for."""
        if payload.key in self._failed:
            return False
        other = self._under_way.get(payload.key)
        if other is not None:
            await other.wait()
            return payload.key not in self._failed
        event = self._under_way[payload.key] = asyncio.Event()
        try:
            good = await self._asker.ask(payload)
            if not good:
                self._failed.add(payload.key)
            return good
        finally:
            del self._under_way[payload.key]
            event.set()

    def _done(self, turn: Turn | None) -> None:
        if turn is not None:
            self._count.add(turn.written)
        self._tell(1)


class Spool:
    """Clips on disk, to be gone through several times. The file has no name and goes by itself."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, request: Request) -> None:
        """One more, before they are gone through."""
        pickle.dump(request, self._file)

    def __iter__(self) -> Iterator[Request]:
        place = 0
        while True:
            self._file.seek(place)
            try:
                request = pickle.load(self._file)
            except EOFError:
                return
            place = self._file.tell()
            yield request


def run(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Runs in an event loop of its own, also where one is running, as in a notebook.

    The thread stays the same, because SQLite and the generators of clips are bound to it.
    """
    around = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            return runner.run(work)
    finally:
        asyncio._set_running_loop(around)


@contextlib.contextmanager
def _unwrapped() -> Iterator[None]:
    """The first exception of a group, alone."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
