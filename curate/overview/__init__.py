"""What a dataset's clips are like: distributions of its labels, in numbers, tables and a plot page.

    from curate import overview
    found = overview.read("datasets/demo/build")
    found.distributions["genre"].splits["train"].counts    # {"jazz": 12, ...}
    overview.show(found)                                    # in the terminal
    overview.plot(found, "labels.svg")                      # or .png

Works on what `curate build` made and on any folder of audiocraft manifests.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from curate.overview.counting import DISTRIBUTIONS, Overview
from curate.overview.reading import SAMPLE, NoDataset
from curate.overview.reading import read as _read
from curate.progress import Progress

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["DISTRIBUTIONS", "SAMPLE", "NoDataset", "Overview", "plot", "read", "show"]

By = Literal["artist", "split", "none"]


def read(
    folder: str | os.PathLike[str],
    *,
    sample: int | None = SAMPLE,
    progress: Progress | None = None,
) -> Overview:
    """Counts what is in a dataset.

    Args:
        folder: Of the dataset.
        sample: How many sidecars are read at most where the manifests hold the text themselves;
            None reads all. Without the text in the manifests all are read anyway.
        progress: Told of sidecars, where there are many.

    Raises:
        NoDataset: There is no such folder, or no manifest in it.
    """
    return _read(Path(folder).expanduser(), sample=sample, progress=progress)


def show(
    overview: Overview, *, by: By = "split", top: int = 10, console: "Console | None" = None
) -> None:
    """Prints the distributions as tables.

    Args:
        overview: Of a dataset.
        by: What else than the whole each table shows: every split, the largest artists, nothing.
        top: Most values a table lists; the others are counted in one line.
        console: Where to; standard output by default.
    """
    from curate.overview.tables import show as print_tables

    print_tables(overview, by=by, top=top, console=console)


def plot(overview: Overview, path: str | os.PathLike[str]) -> str:
    """Writes the plot page, atomically; the same overview gives the same bytes.

    Args:
        overview: Of a dataset.
        path: Ends in .svg (text stays text) or .png.

    Returns:
        Characters that no installed font has, as a PNG shows them as boxes; "" for an SVG, whose
        viewer has fonts of its own.

    Raises:
        CurateError: The name ends otherwise.
        OSError: The file cannot be written.
    """
    from curate.overview.page import write

    return write(overview, Path(path).expanduser())
