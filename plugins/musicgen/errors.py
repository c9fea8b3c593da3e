"""The errors a user can act on. Everything else is a bug and shows its traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class TrainingError(Exception):
    """A run that cannot be: the message names the thing, its value, what is needed, the remedy."""


@contextmanager
def one_message() -> Iterator[None]:
    """Ends the program with the message of a `TrainingError`, without a traceback.

    Raises:
        SystemExit: With 2, as for every command or configuration that is wrong.
    """
    try:
        yield
    except TrainingError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(2) from None
