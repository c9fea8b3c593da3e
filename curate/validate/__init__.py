"""Checks over a finished dataset: what a schema can say, and all that it can't.

`validate` reads a folder once, line by line, and returns what is wrong as findings; it raises for
nothing that a file holds. `CODES` lists every kind of finding. A check reports one cause once: the
more special finding about a field silences the more general ones, and what follows from a lost line
(counts, fingerprint) is not reported beside it.

Order of reading: `codes` (what there is to find), `run` and `clips` (what is checked, in order),
then by theme `layout`, `text`, `opening`, `meaning`, `sound`, `labels`, `splits`, `built`, `dset`;
`upstream` is what audiocraft itself does.
"""

import os
import sys
from pathlib import Path
from types import ModuleType

from curate.validate.codes import CODES, Code, Severities, Severity
from curate.validate.report import Finding, ManifestCount, Report

__all__ = [
    "CODES",
    "Code",
    "Finding",
    "ManifestCount",
    "Report",
    "Severities",
    "Severity",
    "validate",
]


def validate(folder: Path, *, deep: bool = False) -> Report:
    """Everything that is wrong with a dataset.

    Args:
        folder: Of a built dataset, or any folder with a data.jsonl (or data.jsonl.gz) in it or
            below; of the latter only what audiocraft needs is checked.
        deep: Decode all audio too.
    """
    from curate.validate import run

    return run.validate(Path(folder), deep=deep)


class _Callable(ModuleType):
    """Lets `curate.validate(DIR)` be the function though this package has its name.

    Importing a package makes it an attribute of the one above, over whatever stood there.
    """

    def __call__(self, folder: str | os.PathLike[str], *, deep: bool = False) -> Report:
        """See `validate`."""
        return validate(Path(folder), deep=deep)


sys.modules[__name__].__class__ = _Callable
