"""What a run writes on the screen and into solver.log: lines that help, and nothing else.

At logging.level=DEBUG everything is written, with the name of who says it.
"""

import logging
import re
import sys
import warnings

NOISE = (
    ("audiocraft.environment", ""),  # on which cluster of Meta's it is not
    ("audiocraft.modules.codebooks_patterns", "New pattern"),
    ("dora.distrib", "world_size is 1"),
    ("flashy.solver", "Instantiating solver"),  # `planning` says it shorter, and the next as well
    ("flashy.solver", "All XP logs are stored"),
    ("flashy.solver", "Model hash"),
    ("flashy.solver", "Model size"),  # `planning` counts the frozen ones too
    ("flashy.solver", "Base memory usage"),  # without activations
    ("flashy.solver", "Restoring weights"),
    ("matplotlib", ""),
)
"""Who says it, and how it begins: lines below a warning that are not written."""

OWN = ("flashy.", "plugins.")
"""Loggers whose names a line need not begin with."""


class Helpful(logging.Filter):
    """Lets through what is not in `NOISE`."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True for a line that is written."""
        return record.levelno >= logging.WARNING or not any(
            record.name.startswith(name) and str(record.msg).startswith(opening)
            for name, opening in NOISE
        )


class Line(logging.Formatter):
    """Time and message; of warnings and errors that they are such; of others who says it.

    Attributes:
        bold: Keeps the bold letters of a stage's summary: for a terminal.
    """

    def __init__(self, *, bold: bool) -> None:
        super().__init__("%(asctime)s %(message)s", "%m-%d %H:%M:%S")
        self.bold = bold

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        """A line of the log."""
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        name = "" if record.name.startswith(OWN) else f"{record.name}: "
        said = record.message if self.bold else re.sub(r"\x1b\[\d*m", "", record.message)
        return f"{record.asctime} {level}{name}{said}"


def begin(level: str, name: str) -> None:
    """Sets up the log of a run: on the screen, and in a file of the experiment's folder.

    Args:
        level: Of the least that is written: DEBUG, INFO, WARNING, ERROR or CRITICAL.
        name: Of the file, with `{rank}` for the number of the process.
    """
    from flashy.logging import setup_logging

    number = logging.getLevelNamesMapping()[level]
    setup_logging(level=number, log_name=name)
    for handler in logging.getLogger().handlers:
        in_file = isinstance(handler, logging.FileHandler)
        handler.setFormatter(Line(bold=not in_file and sys.stderr.isatty()))
        if number > logging.DEBUG:
            handler.addFilter(Helpful())
    # EnCodec is built with what torch calls old: nothing that its user could change.
    warnings.filterwarnings("ignore", r".*weight_norm.* is deprecated", FutureWarning)
