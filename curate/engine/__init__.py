"""Where work runs. An engine maps a function over jobs in processes that may die.

`local.LocalEngine` is the process pool of one machine. Another engine needs only `map`.
"""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Lost:
    """A job that gave no result.

    Attributes:
        code: `worker_crashed`, `worker_timeout` or `worker_memory`.
        reason: What happened, and what a user can do.
    """

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Done(Generic[Job, Result]):
    """A finished job with what came of it, in the order of finishing."""

    job: Job
    result: Result | Lost


class Engine(Protocol):
    """Runs jobs. `map` draws jobs as it has room for them and yields as they finish."""

    def map(
        self, function: Callable[[Job], Result], jobs: Iterable[Job]
    ) -> Generator[Done[Job, Result]]:
        """Applies a picklable function. A job that kills its worker is run once more, alone."""
        ...
